// What the files of the decoder share.
#ifndef WASM_DECODE_H
#define WASM_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "wasm/module.h"
#include "wasm/reader.h"

struct wj_decoder {
    struct wj_module *module;
    struct wj_reader in; // limited to the current section
    struct wj_err *err;
    bool skips_bodies;
    uint32_t func_body_count; // bodies seen
    uint64_t local_total;     // declared by all bodies
    uint32_t data_count_declared;
};

// An array of the module's arena with room for `added` more items; the old items are copied, the
// new ones zero. NULL: out of memory, and the error is recorded.
void *wj_decoder_extend(struct wj_decoder *decoder, const void *items, uint32_t count,
                        uint32_t added, size_t item_bytes);

// Records WJ_ERR_NOMEM; false.
bool wj_decoder_fail_nomem(struct wj_decoder *decoder);

// The sections; decoder->in is the section's contents.
bool wj_decode_types(struct wj_decoder *decoder);
bool wj_decode_imports(struct wj_decoder *decoder);
bool wj_decode_funcs(struct wj_decoder *decoder);
bool wj_decode_tables(struct wj_decoder *decoder);
bool wj_decode_memories(struct wj_decoder *decoder);
bool wj_decode_tags(struct wj_decoder *decoder);
bool wj_decode_globals(struct wj_decoder *decoder);
bool wj_decode_exports(struct wj_decoder *decoder);
bool wj_decode_start(struct wj_decoder *decoder);
bool wj_decode_elems(struct wj_decoder *decoder);
bool wj_decode_data_count(struct wj_decoder *decoder);
bool wj_decode_code(struct wj_decoder *decoder);
bool wj_decode_datas(struct wj_decoder *decoder);
bool wj_decode_custom(struct wj_decoder *decoder);

// After all sections: the name section, best effort.
void wj_decode_names(struct wj_module *module);

#endif
