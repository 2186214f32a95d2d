// JSON strings. Names out of a module are UTF-8 already; what is not becomes a question mark.
#include "cli/json.h"

#include <stddef.h>

// Bytes of the UTF-8 sequence at `at`, or 0. Terminated strings need no length.
static size_t sequence_length(const unsigned char *at)
{
    size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] >= 0x80 && (at[0] < 0xc2 || at[0] > 0xf4)) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

void json_string(FILE *file, const char *key, const char *text)
{
    fprintf(file, "\"%s\": ", key);
    if (!text) {
        fputs("null", file);
        return;
    }
    fputc('"', file);
    for (const unsigned char *at = (const unsigned char *) text; *at;) {
        size_t length = sequence_length(at);
        if (length == 0) {
            fputc('?', file);
            at++;
        } else if (*at < ' ') {
            fprintf(file, "\\u%04x", *at++);
        } else if (*at == '"' || *at == '\\') {
            fprintf(file, "\\%c", *at++);
        } else {
            fwrite(at, 1, length, file);
            at += length;
        }
    }
    fputc('"', file);
}
