// The convolution of examples/upscale as one would write it for Vulkan: 4 pixels * 8 output
// channels an invocation, sums in the same order, product by product (precise: no contraction to
// fused multiply-adds), so that its bits are those of the WebAssembly kernel.
#version 450

layout(local_size_x = 4, local_size_y = 16) in;

layout(std430, set = 0, binding = 0) readonly buffer In { float image[]; };
layout(std430, set = 0, binding = 1) readonly buffer Weights { vec4 weights[]; };
layout(std430, set = 0, binding = 2) readonly buffer Bias { vec4 bias[]; };
layout(std430, set = 0, binding = 3) writeonly buffer Out { vec4 result[]; };

layout(push_constant) uniform Sizes {
    uint row;      // floats of a row
    uint pixel;    // floats of a pixel, in and out
    uint side;     // of the kernel
    uint width;    // pixels
    uint height;
    uint origin;   // first float of the picture inside of its frame
};

void main()
{
    uint x = gl_GlobalInvocationID.x, y = gl_GlobalInvocationID.y, z = gl_GlobalInvocationID.z;
    if (x * 8 >= pixel || y * 4 >= width || z >= height) {
        return;
    }
    uint quads = pixel / 4;
    precise vec4 s0a = bias[x * 2], s0b = bias[x * 2 + 1];
    precise vec4 s1a = s0a, s1b = s0b, s2a = s0a, s2b = s0b, s3a = s0a, s3b = s0b;
    uint border = side / 2;
    uint from_row = origin - border * (row + pixel) + z * row + y * 4 * pixel;
    uint w = x * 2;
    for (uint tap_y = 0; tap_y < side; tap_y++, from_row += row) {
        uint end = from_row + side * pixel;
        for (uint from = from_row; from < end; from++, w += quads) {
            vec4 wa = weights[w], wb = weights[w + 1];
            float v0 = image[from], v1 = image[from + pixel];
            float v2 = image[from + 2 * pixel], v3 = image[from + 3 * pixel];
            s0a += v0 * wa;
            s0b += v0 * wb;
            s1a += v1 * wa;
            s1b += v1 * wb;
            s2a += v2 * wa;
            s2b += v2 * wb;
            s3a += v3 * wa;
            s3b += v3 * wb;
        }
    }
    uint to = (origin + z * row + y * 4 * pixel) / 4 + x * 2;
    uint left = width - y * 4;
    result[to] = max(s0a, vec4(0));
    result[to + 1] = max(s0b, vec4(0));
    if (left > 1) {
        result[to + quads] = max(s1a, vec4(0));
        result[to + quads + 1] = max(s1b, vec4(0));
    }
    if (left > 2) {
        result[to + 2 * quads] = max(s2a, vec4(0));
        result[to + 2 * quads + 1] = max(s2b, vec4(0));
    }
    if (left > 3) {
        result[to + 3 * quads] = max(s3a, vec4(0));
        result[to + 3 * quads + 1] = max(s3b, vec4(0));
    }
}
