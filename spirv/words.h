// A growing vector of SPIR-V words. It cannot fail at the call: it keeps a sticky flag that its
// owner asks once.
#ifndef SPIRV_WORDS_H
#define SPIRV_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wj_spv_words {
    uint32_t *data;
    size_t count;
    size_t capacity;
    bool has_failed; // no memory: the contents are incomplete
};

void wj_spv_words_clear(struct wj_spv_words *words); // releases everything; may be used again
void wj_spv_words_push(struct wj_spv_words *words, uint32_t word);
void wj_spv_words_append(struct wj_spv_words *words, const uint32_t *data, size_t count);

#endif
