// Numbers, times, sizes and WebAssembly values from text.
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include <wjit.h>

bool parse_u64(const char *text, uint64_t *value);       // decimal
bool parse_duration(const char *text, uint64_t *ns);     // more than nothing
bool parse_rate(const char *text, double *rate); // 1% or 0.01; more than nothing, 1 at most
bool parse_size(const char *text, uint64_t *size_bytes); // with K, M, G, T

// A value of a kind: integers in decimal or hexadecimal, signed or unsigned; floats as strtod takes
// them, and nan:0xN; v128 as one hexadecimal number; the reference null.
bool parse_value(const char *text, wasm_valkind_t kind, wjit_val_t *value);

// Prints a value so that parse_value gives it back.
void print_value(const wjit_val_t *value);

#endif
