/* Files, whole: read into memory, or written so that nobody ever sees half of one. */
#ifndef UPSCALE_FILE_H
#define UPSCALE_FILE_H

#include <stddef.h>

struct bytes {
    unsigned char *data; /* a zero byte follows the last one */
    size_t count;
};

/* Both end the program with a message where they cannot do it; `expected` is for the message. */
struct bytes file_read(const char *path, const char *expected);
void file_write(const char *path, const void *data, size_t size_bytes);

/* Fails as file_write would, before hours are spent on what is then lost. */
void file_check_writable(const char *path);

/* "folder/name", which lives as long as the program. */
char *file_path(const char *folder, const char *name);

#endif
