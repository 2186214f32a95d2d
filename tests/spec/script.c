// The words of a script's line, taken off one by one.
#include "tests/spec/script.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

char *words_next(struct words *words)
{
    char *word = words->at;
    if (!word) {
        return "";
    }
    char *end = strchr(word, ' ');
    if (end) {
        *end = '\0';
    }
    words->at = end ? end + 1 : NULL;
    return word;
}

size_t words_next_count(struct words *words)
{
    return strtoul(words_next(words), NULL, 10);
}

static int digit_of(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

bool words_next_name(struct words *words, wasm_name_t *out)
{
    const char *word = words_next(words);
    if (word[0] != 'x') {
        wasm_name_new_empty(out);
        return false;
    }
    size_t size = strlen(word + 1) / 2;
    wasm_name_new_uninitialized(out, size);
    for (size_t i = 0; i < size; i++) {
        out->data[i] = (char) (digit_of(word[1 + 2 * i]) * 16 + digit_of(word[2 + 2 * i]));
    }
    return true;
}

bool name_equals(const wasm_name_t *a, const wasm_name_t *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

bool name_is(const wasm_name_t *name, const char *text)
{
    return name->size == strlen(text) && memcmp(name->data, text, name->size) == 0;
}
