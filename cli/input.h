// The bytes of the file that a command works on.
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <wasm.h>

struct input {
    char *data;
    size_t size_bytes;
    bool is_mapped;
};

// 0, or the exit code of what was reported. "-" is the standard input.
int input_open(struct input *input, const char *file);
void input_close(struct input *input);

static inline wasm_byte_vec_t input_bytes(const struct input *input)
{
    return (wasm_byte_vec_t){.size = input->size_bytes, .data = input->data};
}

// Whether the bytes are a component and no core module (the same magic, another layer).
bool input_is_component(const struct input *input);
// Whether they start as a compiled module does.
bool input_is_compiled(const struct input *input);

#endif
