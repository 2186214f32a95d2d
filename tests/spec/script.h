// A script of the official suite as tests/spec/run writes it: a command a line, words separated by
// single spaces, names in hexadecimal.
#ifndef SPEC_SCRIPT_H
#define SPEC_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <wasm.h>

struct words {
    char *at; // the words that are left, or NULL
};

// The next word, terminated in place; "" after the last one.
char *words_next(struct words *words);
// The next word as a decimal number.
size_t words_next_count(struct words *words);
// The next word as a name. False is for "-", no name. The caller frees it with wasm_name_delete.
bool words_next_name(struct words *words, wasm_name_t *out);

bool name_equals(const wasm_name_t *a, const wasm_name_t *b);
bool name_is(const wasm_name_t *name, const char *text);

#endif
