// The one error record of the library: what went wrong, where, in one line. The first error wins.
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wj_err_kind {
    WJ_ERR_NONE,
    WJ_ERR_MALFORMED,   // the bytes are not a module
    WJ_ERR_INVALID,     // the module breaks a validation rule
    WJ_ERR_UNSUPPORTED, // valid WebAssembly that this build does not run
    WJ_ERR_LIMIT,       // a named limit is exceeded
    WJ_ERR_LINK,        // an import is missing or of another type
    WJ_ERR_NOMEM,       // memory or address space is exhausted
    WJ_ERR_IO,          // a file or the system refused
    WJ_ERR_DEVICE,      // a GPU or its driver refused
    WJ_ERR_USAGE,       // the caller's arguments are off
};

#define WJ_NO_OFFSET SIZE_MAX

struct wj_err {
    enum wj_err_kind kind;
    size_t offset; // byte offset in the module, or WJ_NO_OFFSET
    char message[240];
};

// Records the error unless one is recorded already. Always returns false, so that callers can
// write `return wj_err_set(...)`. `err` may be NULL.
bool wj_err_set(struct wj_err *err, enum wj_err_kind kind, size_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5), cold));

static inline void wj_err_clear(struct wj_err *err)
{
    err->kind = WJ_ERR_NONE;
    err->offset = WJ_NO_OFFSET;
    err->message[0] = '\0';
}

#endif
