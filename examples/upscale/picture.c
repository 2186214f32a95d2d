/* PNG and JPEG in, PNG out, by way of the stb libraries; transparency is dropped. */
#include "picture.h"

#include "fail.h"
#include "file.h"

#include <limits.h>
#include <string.h>

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_NO_THREAD_LOCALS
#include <stb/stb_image.h>
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>
#pragma clang diagnostic pop

struct picture picture_read(const char *path)
{
    struct bytes bytes = file_read(path, "a PNG or JPEG picture");
    int width = 0, height = 0, channels = 0;
    uint8_t *rgb = NULL;
    if (bytes.count <= INT_MAX) {
        rgb = stbi_load_from_memory(bytes.data, (int) bytes.count, &width, &height, &channels, 3);
    }
    if (rgb == NULL) {
        const char *reason = stbi_failure_reason();
        fail(path, "not a picture (%s): expected PNG or JPEG",
             reason != NULL ? reason : "too long");
    }
    free(bytes.data);
    return (struct picture){.width = (uint32_t) width, .height = (uint32_t) height, .rgb = rgb};
}

static void write_all(void *path, void *data, int size_bytes)
{
    file_write(path, data, (size_t) size_bytes);
}

void picture_write_png(const char *path, const struct picture *picture)
{
    int width = (int) picture->width, height = (int) picture->height;
    if (!stbi_write_png_to_func(write_all, (void *) path, width, height, 3, picture->rgb,
                                width * 3)) {
        fail(path, "cannot be encoded: expected enough memory for %d * %d pixels", width, height);
    }
}
