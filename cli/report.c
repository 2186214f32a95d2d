// Errors are one line: `wjit: FILE: what (byte offset): what was expected`.
#include "cli/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int report(int code, const char *subject, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    // One line, whatever a name in it holds, and no control characters for a terminal.
    for (char *at = text; *at; at++) {
        if ((unsigned char) *at < ' ' || *at == 127) {
            *at = '?';
        }
    }
    fprintf(stderr, "wjit: %s%s%s\n", subject ? subject : "", subject ? ": " : "", text);
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
    return report(EXIT_USAGE, "standard output", "%s", strerror(errno));
}
