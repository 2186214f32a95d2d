// Formats the one error record; the first error wins, so that causes are not hidden by effects.
#include "base/err.h"

#include <stdio.h>

bool wj_err_set(struct wj_err *err, enum wj_err_kind kind, size_t offset, const char *format, ...)
{
    if (err == NULL || err->kind != WJ_ERR_NONE) {
        return false;
    }
    err->kind = kind;
    err->offset = offset;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return false;
}
