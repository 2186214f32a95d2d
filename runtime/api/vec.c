// The vectors of wasm.h: one implementation for elements by value, one for owned pointers.
#include <stdlib.h>
#include <string.h>
#include <wjit.h>

// Elements of a vector of `size`, or NULL with *size = 0.
static void *allocate(size_t *size, size_t item_bytes)
{
    void *data = NULL;
    if (*size != 0 && *size <= SIZE_MAX / item_bytes) {
        data = calloc(*size, item_bytes);
    }
    if (data == NULL) {
        *size = 0;
    }
    return data;
}

#define VEC_COMMON(name, item_type)                                                           \
    void wasm_##name##_vec_new_empty(wasm_##name##_vec_t *out)                                \
    {                                                                                         \
        out->size = 0;                                                                        \
        out->data = NULL;                                                                     \
    }                                                                                         \
    void wasm_##name##_vec_new_uninitialized(wasm_##name##_vec_t *out, size_t size)           \
    {                                                                                         \
        out->size = size;                                                                     \
        out->data = allocate(&out->size, sizeof(item_type));                                  \
    }                                                                                         \
    void wasm_##name##_vec_new(wasm_##name##_vec_t *out, size_t size, item_type const data[]) \
    {                                                                                         \
        wasm_##name##_vec_new_uninitialized(out, size);                                       \
        if (out->size != 0) {                                                                 \
            memcpy(out->data, data, size * sizeof(item_type));                                \
        }                                                                                     \
    }

#define VEC_OF_POINTERS(name)                                                                \
    VEC_COMMON(name, wasm_##name##_t *)                                                      \
    void wasm_##name##_vec_copy(wasm_##name##_vec_t *out, const wasm_##name##_vec_t *from)   \
    {                                                                                        \
        wasm_##name##_vec_new_uninitialized(out, from->size);                                \
        for (size_t i = 0; i < out->size; i++) {                                             \
            out->data[i] = from->data[i] == NULL ? NULL : wasm_##name##_copy(from->data[i]); \
        }                                                                                    \
    }                                                                                        \
    void wasm_##name##_vec_delete(wasm_##name##_vec_t *vec)                                  \
    {                                                                                        \
        if (vec == NULL) {                                                                   \
            return;                                                                          \
        }                                                                                    \
        for (size_t i = 0; i < vec->size; i++) {                                             \
            wasm_##name##_delete(vec->data[i]);                                              \
        }                                                                                    \
        free(vec->data);                                                                     \
        wasm_##name##_vec_new_empty(vec);                                                    \
    }

VEC_OF_POINTERS(valtype)
VEC_OF_POINTERS(functype)
VEC_OF_POINTERS(globaltype)
VEC_OF_POINTERS(tabletype)
VEC_OF_POINTERS(memorytype)
VEC_OF_POINTERS(externtype)
VEC_OF_POINTERS(importtype)
VEC_OF_POINTERS(exporttype)
VEC_OF_POINTERS(frame)
VEC_OF_POINTERS(extern)

VEC_COMMON(byte, wasm_byte_t)
VEC_COMMON(val, wasm_val_t)
#undef VEC_OF_POINTERS
#undef VEC_COMMON

void wasm_byte_vec_copy(wasm_byte_vec_t *out, const wasm_byte_vec_t *from)
{
    wasm_byte_vec_new(out, from->size, from->data);
}

void wasm_byte_vec_delete(wasm_byte_vec_t *vec)
{
    if (vec != NULL) {
        free(vec->data);
        wasm_byte_vec_new_empty(vec);
    }
}

void wasm_val_vec_copy(wasm_val_vec_t *out, const wasm_val_vec_t *from)
{
    wasm_val_vec_new_uninitialized(out, from->size);
    for (size_t i = 0; i < out->size; i++) {
        wasm_val_copy(&out->data[i], &from->data[i]);
    }
}

void wasm_val_vec_delete(wasm_val_vec_t *vec)
{
    if (vec == NULL) {
        return;
    }
    for (size_t i = 0; i < vec->size; i++) {
        wasm_val_delete(&vec->data[i]);
    }
    free(vec->data);
    wasm_val_vec_new_empty(vec);
}
