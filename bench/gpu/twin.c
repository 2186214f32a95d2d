/* twin SHADER.spv [DEVICE]: runs the hand-written convolution on a Vulkan device and times it: as
 * the guest does, by the wall clock around a submission and its end, and by the device's time
 * stamps. DEVICE is an index, a part of the name, or "any": the first that is not a CPU, else the
 * first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "bench.h"
#include "conv.h"

enum { BUFFERS = 4, DEVICES_MAX = 16, QUEUES_MAX = 16 };

struct buffer {
    VkBuffer handle;
    VkDeviceMemory memory;
    VkDeviceSize size;
};

struct gpu {
    VkInstance instance;
    VkPhysicalDevice physical;
    VkPhysicalDeviceProperties properties;
    VkPhysicalDeviceMemoryProperties memory;
    VkDevice device;
    VkQueue queue;
    uint32_t family;
    uint32_t timestamp_bits;
    VkCommandPool pool;
    VkFence fence;
    VkQueryPool queries;
};

struct pipeline {
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout layout;
    VkPipeline handle;
    VkDescriptorSet set;
};

static void check(VkResult result, const char *what)
{
    if (result != VK_SUCCESS) {
        fprintf(stderr, "twin: %s: VkResult %d\n", what, result);
        exit(1);
    }
}

static int matches(const VkPhysicalDeviceProperties *p, uint32_t index, const char *wanted)
{
    char *end;
    unsigned long number = strtoul(wanted, &end, 10);
    if (*wanted != '\0' && *end == '\0') {
        return number == index;
    }
    return strstr(p->deviceName, wanted) != NULL;
}

static void choose_device(struct gpu *gpu, const char *wanted)
{
    VkPhysicalDevice devices[DEVICES_MAX];
    uint32_t n = DEVICES_MAX;
    int found = -1;
    vkEnumeratePhysicalDevices(gpu->instance, &n, devices);
    for (uint32_t i = 0; i < n; i++) {
        VkPhysicalDeviceProperties p;
        vkGetPhysicalDeviceProperties(devices[i], &p);
        if (strcmp(wanted, "any") != 0) {
            found = found < 0 && matches(&p, i, wanted) ? (int) i : found;
        } else if (found < 0 && p.deviceType != VK_PHYSICAL_DEVICE_TYPE_CPU) {
            found = (int) i;
        }
    }
    if (found < 0 && n > 0 && strcmp(wanted, "any") == 0) {
        found = 0;
    }
    if (found < 0) {
        fprintf(stderr, "twin: no device %s\n", wanted);
        exit(1);
    }
    gpu->physical = devices[found];
    vkGetPhysicalDeviceProperties(gpu->physical, &gpu->properties);
    vkGetPhysicalDeviceMemoryProperties(gpu->physical, &gpu->memory);
}

static void open_queue(struct gpu *gpu)
{
    VkQueueFamilyProperties families[QUEUES_MAX];
    uint32_t n = QUEUES_MAX;
    vkGetPhysicalDeviceQueueFamilyProperties(gpu->physical, &n, families);
    gpu->family = 0;
    while (gpu->family + 1 < n && !(families[gpu->family].queueFlags & VK_QUEUE_COMPUTE_BIT)) {
        gpu->family++;
    }
    gpu->timestamp_bits = families[gpu->family].timestampValidBits;
    const float priority = 1;
    const VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueFamilyIndex = gpu->family,
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    const VkDeviceCreateInfo device = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
    };
    check(vkCreateDevice(gpu->physical, &device, NULL, &gpu->device), "vkCreateDevice");
    vkGetDeviceQueue(gpu->device, gpu->family, 0, &gpu->queue);
}

static void open_gpu(struct gpu *gpu, const char *wanted)
{
    const VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                   .apiVersion = VK_API_VERSION_1_1};
    const VkInstanceCreateInfo instance = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                           .pApplicationInfo = &app};
    check(vkCreateInstance(&instance, NULL, &gpu->instance), "vkCreateInstance");
    choose_device(gpu, wanted);
    open_queue(gpu);
    const VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .queueFamilyIndex = gpu->family,
    };
    check(vkCreateCommandPool(gpu->device, &pool, NULL, &gpu->pool), "vkCreateCommandPool");
    const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    check(vkCreateFence(gpu->device, &fence, NULL, &gpu->fence), "vkCreateFence");
    const VkQueryPoolCreateInfo queries = {
        .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
        .queryType = VK_QUERY_TYPE_TIMESTAMP,
        .queryCount = 2,
    };
    check(vkCreateQueryPool(gpu->device, &queries, NULL, &gpu->queries), "vkCreateQueryPool");
}

static struct buffer make_buffer(struct gpu *gpu, VkDeviceSize size, VkMemoryPropertyFlags flags)
{
    struct buffer b = {.size = size};
    const VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = size,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                 VK_BUFFER_USAGE_TRANSFER_DST_BIT,
    };
    check(vkCreateBuffer(gpu->device, &info, NULL, &b.handle), "vkCreateBuffer");
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(gpu->device, b.handle, &needs);
    uint32_t type = 0;
    while (type < gpu->memory.memoryTypeCount &&
           (!(needs.memoryTypeBits >> type & 1) ||
            (gpu->memory.memoryTypes[type].propertyFlags & flags) != flags)) {
        type++;
    }
    const VkMemoryAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = needs.size,
        .memoryTypeIndex = type,
    };
    check(type < gpu->memory.memoryTypeCount ? VK_SUCCESS : VK_ERROR_OUT_OF_DEVICE_MEMORY,
          "memory type");
    check(vkAllocateMemory(gpu->device, &allocate, NULL, &b.memory), "vkAllocateMemory");
    check(vkBindBufferMemory(gpu->device, b.handle, b.memory, 0), "vkBindBufferMemory");
    return b;
}

static VkCommandBuffer begin_commands(struct gpu *gpu)
{
    VkCommandBuffer commands;
    const VkCommandBufferAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = gpu->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    check(vkAllocateCommandBuffers(gpu->device, &allocate, &commands), "vkAllocateCommandBuffers");
    check(vkBeginCommandBuffer(commands, &begin), "vkBeginCommandBuffer");
    return commands;
}

static void submit_and_wait(struct gpu *gpu, VkCommandBuffer commands)
{
    const VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .commandBufferCount = 1,
        .pCommandBuffers = &commands,
    };
    check(vkQueueSubmit(gpu->queue, 1, &submit, gpu->fence), "vkQueueSubmit");
    check(vkWaitForFences(gpu->device, 1, &gpu->fence, VK_TRUE, UINT64_MAX), "vkWaitForFences");
    check(vkResetFences(gpu->device, 1, &gpu->fence), "vkResetFences");
}

static void copy_buffer(struct gpu *gpu, struct buffer from, struct buffer to, VkDeviceSize size)
{
    VkCommandBuffer commands = begin_commands(gpu);
    const VkBufferCopy region = {.size = size};
    vkCmdCopyBuffer(commands, from.handle, to.handle, 1, &region);
    check(vkEndCommandBuffer(commands), "vkEndCommandBuffer");
    submit_and_wait(gpu, commands);
}

static VkShaderModule load_shader(struct gpu *gpu, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        fprintf(stderr, "twin: %s: cannot be read\n", path);
        exit(1);
    }
    size_t size = (size_t) ftell(file);
    uint32_t *words = malloc(size);
    rewind(file);
    if (words == NULL || fread(words, 1, size, file) != size) {
        fprintf(stderr, "twin: %s: cannot be read\n", path);
        exit(1);
    }
    fclose(file);
    VkShaderModule shader;
    const VkShaderModuleCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = size,
        .pCode = words,
    };
    check(vkCreateShaderModule(gpu->device, &info, NULL, &shader), "vkCreateShaderModule");
    free(words);
    return shader;
}

static void make_layouts(struct gpu *gpu, struct pipeline *p, uint32_t push_bytes)
{
    VkDescriptorSetLayoutBinding bindings[BUFFERS];
    for (uint32_t i = 0; i < BUFFERS; i++) {
        bindings[i] = (VkDescriptorSetLayoutBinding){
            .binding = i,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .descriptorCount = 1,
            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        };
    }
    const VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = BUFFERS,
        .pBindings = bindings,
    };
    check(vkCreateDescriptorSetLayout(gpu->device, &set, NULL, &p->set_layout), "set layout");
    const VkPushConstantRange push = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
                                      .size = push_bytes};
    const VkPipelineLayoutCreateInfo layout = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pSetLayouts = &p->set_layout,
        .pushConstantRangeCount = 1,
        .pPushConstantRanges = &push,
    };
    check(vkCreatePipelineLayout(gpu->device, &layout, NULL, &p->layout), "pipeline layout");
}

static void bind_buffers(struct gpu *gpu, struct pipeline *p, const struct buffer *buffers)
{
    const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, BUFFERS};
    const VkDescriptorPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .maxSets = 1,
        .poolSizeCount = 1,
        .pPoolSizes = &size,
    };
    VkDescriptorPool pool;
    check(vkCreateDescriptorPool(gpu->device, &info, NULL, &pool), "vkCreateDescriptorPool");
    const VkDescriptorSetAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = pool,
        .descriptorSetCount = 1,
        .pSetLayouts = &p->set_layout,
    };
    check(vkAllocateDescriptorSets(gpu->device, &allocate, &p->set), "vkAllocateDescriptorSets");
    for (uint32_t i = 0; i < BUFFERS; i++) {
        const VkDescriptorBufferInfo whole = {buffers[i].handle, 0, VK_WHOLE_SIZE};
        const VkWriteDescriptorSet write = {
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = p->set,
            .dstBinding = i,
            .descriptorCount = 1,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .pBufferInfo = &whole,
        };
        vkUpdateDescriptorSets(gpu->device, 1, &write, 0, NULL);
    }
}

static void make_pipeline(struct gpu *gpu, struct pipeline *p, const char *path)
{
    const VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = load_shader(gpu, path),
                  .pName = "main"},
        .layout = p->layout,
    };
    check(vkCreateComputePipelines(gpu->device, VK_NULL_HANDLE, 1, &info, NULL, &p->handle),
          "vkCreateComputePipelines");
}

/* The order is that of `Sizes` in conv.comp. */
static const uint32_t sizes[] = {CONV_ROW_FLOATS, CONV_CHANNELS, CONV_SIDE,
                                 CONV_WIDTH,      CONV_HEIGHT,   CONV_ORIGIN};

/* The groups of conv.comp are 4 * 16 invocations, of 8 channels * 4 pixels each. */
static VkCommandBuffer record_conv(struct gpu *gpu, const struct pipeline *p)
{
    VkCommandBuffer commands = begin_commands(gpu);
    vkCmdResetQueryPool(commands, gpu->queries, 0, 2);
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, p->handle);
    vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, p->layout, 0, 1, &p->set, 0,
                            NULL);
    vkCmdPushConstants(commands, p->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof sizes, sizes);
    if (gpu->timestamp_bits != 0) {
        vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, gpu->queries, 0);
    }
    vkCmdDispatch(commands, CONV_CHANNELS / 8 / 4, CONV_WIDTH / 4 / 16, CONV_HEIGHT);
    if (gpu->timestamp_bits != 0) {
        vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, gpu->queries, 1);
    }
    check(vkEndCommandBuffer(commands), "vkEndCommandBuffer");
    return commands;
}

/* Seconds between the timestamps of the last submission; the wall's where the queue has none. */
static double device_seconds(struct gpu *gpu, double wall)
{
    uint64_t ticks[2];
    if (gpu->timestamp_bits == 0 ||
        vkGetQueryPoolResults(gpu->device, gpu->queries, 0, 2, sizeof ticks, ticks, sizeof ticks[0],
                              VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT) != VK_SUCCESS) {
        return wall;
    }
    uint64_t mask = gpu->timestamp_bits < 64 ? (1ull << gpu->timestamp_bits) - 1 : UINT64_MAX;
    return (double) ((ticks[1] - ticks[0]) & mask) * gpu->properties.limits.timestampPeriod * 1e-9;
}

static void time_conv(struct gpu *gpu, const struct pipeline *p)
{
    VkCommandBuffer commands = record_conv(gpu, p);
    double best_wall = 1e30, gpu_sum = 0;
    for (int i = 0; i < CONV_REPEATS; i++) {
        double start = bench_wall_seconds();
        submit_and_wait(gpu, commands);
        double wall = bench_wall_seconds() - start;
        gpu_sum += device_seconds(gpu, wall);
        best_wall = wall < best_wall ? wall : best_wall;
    }
    printf("DEVICE %s\nKERNEL_SECONDS %.6f\nGPU_SECONDS %.6f\n", gpu->properties.deviceName,
           best_wall, gpu_sum / CONV_REPEATS);
}

int main(int argc, char **argv)
{
    static const VkDeviceSize floats[BUFFERS] = {CONV_IMAGE_FLOATS, CONV_WEIGHT_FLOATS,
                                                 CONV_CHANNELS, CONV_IMAGE_FLOATS};
    struct gpu gpu = {0};
    struct pipeline pipeline = {0};
    struct buffer buffers[BUFFERS];
    float *data[BUFFERS], *mapped;
    if (argc < 2) {
        fprintf(stderr, "usage: twin SHADER.spv [DEVICE]\n");
        return 2;
    }
    open_gpu(&gpu, argc > 2 ? argv[2] : "any");
    struct buffer staging =
        make_buffer(&gpu, CONV_IMAGE_FLOATS * sizeof(float),
                    VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
    check(vkMapMemory(gpu.device, staging.memory, 0, VK_WHOLE_SIZE, 0, (void **) &mapped),
          "vkMapMemory");
    for (int i = 0; i < BUFFERS; i++) {
        data[i] = calloc(floats[i], sizeof(float));
        check(data[i] != NULL ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY, "memory");
    }
    conv_fill(data[0], data[1], data[2]);
    for (int i = 0; i < BUFFERS; i++) {
        buffers[i] =
            make_buffer(&gpu, floats[i] * sizeof(float), VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
        memcpy(mapped, data[i], buffers[i].size);
        copy_buffer(&gpu, staging, buffers[i], buffers[i].size);
    }
    make_layouts(&gpu, &pipeline, sizeof sizes);
    bind_buffers(&gpu, &pipeline, buffers);
    make_pipeline(&gpu, &pipeline, argv[1]);
    time_conv(&gpu, &pipeline);
    copy_buffer(&gpu, buffers[BUFFERS - 1], staging, buffers[BUFFERS - 1].size);
    printf("CHECK %016" PRIx64 "\n", conv_check(mapped));
    return 0;
}
