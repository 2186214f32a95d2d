/* See fail.h. */
#include "fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void fail(const char *file, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "upscale: %s: ", file);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void *must_allocate(uint64_t size_bytes, const char *what)
{
    void *memory = size_bytes < UINT32_MAX / 2 ? malloc(size_bytes + 1) : NULL;
    if (memory == NULL) {
        fail(what, "out of memory: expected to get %llu more bytes",
             (unsigned long long) size_bytes);
    }
    return memory;
}
