// Values of a script: made for arguments, compared with results.
#ifndef SPEC_VALUES_H
#define SPEC_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <wasm.h>
#include <wjit.h>

#include "tests/spec/script.h"

// Takes one word and makes its value, which value_clear gives back. False: the word means a value
// that a host cannot make.
bool value_make(struct words *words, wasm_store_t *store, wjit_val_t *out);

void value_clear(wjit_val_t *value);

// Takes the words of one expectation and compares.
bool value_matches(struct words *words, const wjit_val_t *actual);

// The value as a reason shows it; returns the buffer.
const char *value_print(const wjit_val_t *value, char *buffer, size_t buffer_bytes);

#endif
