// Word vectors: doubling growth and a sticky flag when memory runs out.
#include "spirv/words.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_MIN = 256 };

void wj_spv_words_clear(struct wj_spv_words *words)
{
    free(words->data);
    *words = (struct wj_spv_words){0};
}

static bool reserve(struct wj_spv_words *words, size_t count)
{
    if (words->has_failed) {
        return false;
    }
    if (count <= words->capacity - words->count) {
        return true;
    }
    size_t capacity = words->capacity < WORDS_MIN ? WORDS_MIN : words->capacity;
    while (capacity - words->count < count && capacity <= SIZE_MAX / sizeof(uint32_t) / 2) {
        capacity *= 2;
    }
    uint32_t *data = NULL;
    if (capacity - words->count >= count) {
        data = realloc(words->data, capacity * sizeof *data);
    }
    if (data == NULL) {
        words->has_failed = true;
        return false;
    }
    words->data = data;
    words->capacity = capacity;
    return true;
}

void wj_spv_words_push(struct wj_spv_words *words, uint32_t word)
{
    if (reserve(words, 1)) {
        words->data[words->count++] = word;
    }
}

void wj_spv_words_append(struct wj_spv_words *words, const uint32_t *data, size_t count)
{
    if (count != 0 && reserve(words, count)) {
        memcpy(words->data + words->count, data, count * sizeof *data);
        words->count += count;
    }
}
