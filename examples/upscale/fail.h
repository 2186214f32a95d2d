/* The one way this program fails: a line on stderr that names the file, what is wrong with it and
 * what was expected, and exit code 1. */
#ifndef UPSCALE_FAIL_H
#define UPSCALE_FAIL_H

#include <stddef.h>
#include <stdint.h>

_Noreturn void fail(const char *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Memory aligned to 16 bytes, or the end of the program; `what` is for the message. */
void *must_allocate(uint64_t size_bytes, const char *what);

#endif
