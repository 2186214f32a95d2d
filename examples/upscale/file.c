/* See file.h. An output is written beside its place and renamed into it. */
#include "file.h"

#include "fail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct bytes file_read(const char *path, const char *expected)
{
    struct stat info;
    FILE *file = fopen(path, "rb");
    if (file == NULL || fstat(fileno(file), &info) != 0) {
        fail(path, "%s: expected %s", strerror(errno), expected);
    }
    if (!S_ISREG(info.st_mode)) {
        fail(path, "not a regular file: expected %s", expected);
    }
    struct bytes bytes = {.data = must_allocate((uint64_t) info.st_size, path)};
    bytes.count = fread(bytes.data, 1, (size_t) info.st_size, file);
    if (ferror(file)) {
        fail(path, "%s: expected %s", strerror(errno), expected);
    }
    bytes.data[bytes.count] = 0;
    fclose(file);
    return bytes;
}

static char *temporary_path(const char *path)
{
    size_t length = strlen(path);
    char *temporary = must_allocate(length + sizeof ".part", path);
    memcpy(temporary, path, length);
    memcpy(temporary + length, ".part", sizeof ".part");
    return temporary;
}

void file_check_writable(const char *path)
{
    char *temporary = temporary_path(path);
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        fail(path, "a folder: expected a file name that can be written");
    }
    FILE *file = fopen(temporary, "wb");
    if (file == NULL) {
        fail(path, "%s: expected a file name that can be written", strerror(errno));
    }
    fclose(file);
    unlink(temporary);
    free(temporary);
}

void file_write(const char *path, const void *data, size_t size_bytes)
{
    char *temporary = temporary_path(path);
    FILE *file = fopen(temporary, "wb");
    if (file == NULL) {
        fail(path, "%s: expected a file name that can be written", strerror(errno));
    }
    errno = 0;
    size_t written = fwrite(data, 1, size_bytes, file);
    int reason = errno;
    if (fclose(file) != 0 || written != size_bytes) {
        reason = reason != 0 ? reason : errno;
        unlink(temporary);
        fail(path, "%s: expected room for %zu bytes", strerror(reason), size_bytes);
    }
    if (rename(temporary, path) != 0) {
        reason = errno;
        unlink(temporary);
        fail(path, "%s: expected a file name that can be written", strerror(reason));
    }
    free(temporary);
}

char *file_path(const char *folder, const char *name)
{
    size_t length = strlen(folder) + strlen(name) + sizeof "/";
    char *path = must_allocate(length, folder);
    snprintf(path, length, "%s/%s", folder, name);
    return path;
}
