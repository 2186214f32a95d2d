// Formats the one error record; the first error wins, so that causes are not hidden by effects.
#include "base/err.h"

#include <stdio.h>
#include <string.h>

// Takes off a character of UTF-8 that the end of the record cut through.
static void trim(char *message)
{
    size_t length = strlen(message);
    size_t back = 1;
    while (back < 4 && back < length && (message[length - back] & 0xc0) == 0x80) {
        back++;
    }
    unsigned char first = (unsigned char) message[length - back];
    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    if (size > back) {
        message[length - back] = '\0';
    }
}

bool wj_err_set(struct wj_err *err, enum wj_err_kind kind, size_t offset, const char *format, ...)
{
    if (err == NULL || err->kind != WJ_ERR_NONE) {
        return false;
    }
    err->kind = kind;
    err->offset = offset;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (length >= (int) sizeof err->message) {
        trim(err->message);
    }
    return false;
}
