// Errors are one line: `wjit: FILE: what (byte offset): what was expected`.
#include "cli/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// ---- Text for a terminal ----------------------------------------------------------------------

// Unicode's controls, and the marks that turn the direction of text around.
static bool is_visible(uint32_t code)
{
    bool is_control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    bool is_mark = code == 0x061c || code == 0x200e || code == 0x200f ||
                   (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    return !is_control && !is_mark;
}

// Decodes the character at `at`: its size, or 0 where there is none in UTF-8. One that the end cuts
// off has more bytes than there are.
static unsigned decode(const unsigned char *at, const unsigned char *end, uint32_t *code)
{
    unsigned size = *at < 0x80 ? 1 : *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : *at >= 0xc2 ? 2 : 0;
    if (size == 0 || *at > 0xf4) {
        return 0;
    }
    *code = size == 1 ? *at : *at & (0x7fu >> size);
    for (unsigned i = 1; i < size && at + i < end; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
        *code = *code << 6 | (at[i] & 0x3f);
    }
    return size;
}

size_t printable(char *out, size_t out_bytes, const char *text, size_t text_bytes)
{
    const unsigned char *at = (const unsigned char *) text, *end = at + text_bytes;
    size_t used = 0;
    while (at < end) {
        uint32_t code;
        unsigned size = decode(at, end, &code);
        bool is_kept = size > 0 && is_visible(code);
        unsigned bytes = size > 0 ? size : 1;
        if (bytes > (size_t) (end - at) || used + (is_kept ? 1 : 4) * bytes >= out_bytes) {
            break; // whole characters only
        }
        for (unsigned i = 0; i < bytes; i++, at++) {
            used += is_kept ? (out[used] = (char) *at, 1u)
                            : (size_t) snprintf(out + used, out_bytes - used, "\\x%02x", *at);
        }
    }
    out[used] = '\0';
    return used;
}

// ---- Lines ------------------------------------------------------------------------------------

size_t report_line(char *out, size_t out_bytes, const char *subject, const char *text)
{
    static const char start[] = "wjit: ";
    size_t used = (size_t) snprintf(out, out_bytes, "%s", start);
    if (subject) {
        used += printable(out + used, out_bytes / 2, subject, strlen(subject));
        used += (size_t) snprintf(out + used, out_bytes - used, ": ");
    }
    used += printable(out + used, out_bytes - used - 1, text, strlen(text));
    out[used++] = '\n';
    return used;
}

int report(int code, const char *subject, const char *format, ...)
{
    char text[1024], out[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fwrite(out, 1, report_line(out, sizeof(out), subject, text), stderr);
    return code;
}

static int code_of(wjit_error_kind_t kind)
{
    switch (kind) {
    case WJIT_ERROR_NONE:
    case WJIT_ERROR_MALFORMED:
    case WJIT_ERROR_INVALID:
    case WJIT_ERROR_UNSUPPORTED:
    case WJIT_ERROR_LIMIT:
    case WJIT_ERROR_LINK: return EXIT_INVALID;
    case WJIT_ERROR_NOMEM: return EXIT_MEMORY;
    case WJIT_ERROR_IO:
    case WJIT_ERROR_DEVICE:
    case WJIT_ERROR_USAGE: return EXIT_USAGE;
    }
    return EXIT_INVALID;
}

int report_error(const char *file, const wjit_error_t *error)
{
    int code = code_of(error->kind);
    const char *message = error->message[0] ? error->message : "unknown error";
    if (error->offset == WJIT_NO_OFFSET) {
        return report(code, file, "%s", message);
    }
    // The offset stands after what is wrong and before what was expected.
    const char *rest = strstr(message, ": ");
    int what = rest ? (int) (rest - message) : (int) strlen(message);
    return report(code, file, "%.*s (byte %zu)%s", what, message, error->offset, rest ? rest : "");
}

int finish_stdout(int code)
{
    bool had_error = ferror(stdout);
    if (fflush(stdout) == 0 && !had_error) {
        return code;
    }
    if (errno == EPIPE) {
        return EXIT_CLOSED_PIPE;
    }
    int number = errno;
    clearerr(stdout); // said once
    return report(EXIT_USAGE, "standard output", "%s", strerror(number));
}
