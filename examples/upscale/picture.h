/* Pictures: 8 bits a sample, red, green, blue, rows from the top. */
#ifndef UPSCALE_PICTURE_H
#define UPSCALE_PICTURE_H

#include <stdint.h>

struct picture {
    uint32_t width, height;
    uint8_t *rgb;
};

struct picture picture_read(const char *path);
void picture_write_png(const char *path, const struct picture *picture);

#endif
