// Branch hints: the custom section "metadata.code.branch_hint", by the branch hinting proposal.
#include "wasm/hints.h"

#include <string.h>

#include "wasm/features.h"
#include "wasm/opcode.h"
#include "wasm/reader.h"
#include "wasm/walk_state.h"

static const char section_name[] = "metadata.code.branch_hint";

struct hints {
    struct wj_reader in;
    uint32_t func_index;
    // Where the instructions have been looked at up to.
    const uint8_t *start, *at, *limit;
};

// Skips what was checked when the body was validated.
static bool skip_locals(struct wj_reader *in)
{
    uint32_t groups, count;
    wj_valtype type;
    if (!wj_read_u32(in, &groups, "local declarations")) {
        return false;
    }
    for (uint32_t i = 0; i < groups; i++) {
        if (!wj_read_u32(in, &count, "number of locals") || !wj_read_valtype(in, &type)) {
            return false;
        }
    }
    return true;
}

static bool open_func(struct hints *h, uint32_t index)
{
    const struct wj_module *m = h->in.module;
    if (index >= m->func_count || m->funcs[index].is_imported) {
        return wj_reader_fail(&h->in, WJ_ERR_INVALID,
                              "branch hints of function %u, which has no body", index);
    }
    const struct wj_func *func = &m->funcs[index];
    struct wj_reader body = {
        .at = func->code,
        .limit = func->code + func->code_size_bytes,
        .module = m,
        .err = h->in.err,
    };
    h->func_index = index;
    h->start = func->code;
    h->limit = body.limit;
    bool is_read = skip_locals(&body);
    h->at = body.at;
    return is_read;
}

// Goes on to the hinted instruction, which must be a conditional branch.
static bool check_target(struct hints *h, uint32_t offset)
{
    uint32_t here = (uint32_t) (h->at - h->start);
    enum wj_opcode opcode = WJ_OP_UNKNOWN;
    while (here <= offset && h->at < h->limit) {
        opcode = wj_walk_skip_op(&h->at);
        if (here == offset && (opcode == WJ_OP_IF || opcode == WJ_OP_BR_IF)) {
            return true;
        }
        here = (uint32_t) (h->at - h->start);
    }
    return wj_reader_fail(&h->in, WJ_ERR_INVALID,
                          "branch hint at offset %u of function %u: invalid target, an if or a "
                          "br_if was expected",
                          offset, h->func_index);
}

static bool read_hint(struct hints *h, uint32_t *next_offset)
{
    uint32_t offset, size;
    uint8_t value;
    if (!wj_read_u32(&h->in, &offset, "offset of a branch hint") ||
        !wj_read_u32(&h->in, &size, "size of a branch hint") ||
        !wj_read_byte(&h->in, &value, "branch hint")) {
        return false;
    }
    if (size != 1 || value > 1) {
        return wj_reader_fail(&h->in, WJ_ERR_MALFORMED,
                              "malformed branch hint: one byte was expected, 0 or 1");
    }
    if (offset < *next_offset) {
        return wj_reader_fail(&h->in, WJ_ERR_MALFORMED,
                              "branch hint at offset %u: it is repeated or out of order", offset);
    }
    *next_offset = offset + 1;
    return check_target(h, offset);
}

static bool read_section(struct hints *h)
{
    uint32_t funcs, hints, index, next_func = 0;
    if (!wj_read_count(&h->in, UINT32_MAX, &funcs, "functions with branch hints")) {
        return false;
    }
    for (uint32_t i = 0; i < funcs; i++) {
        if (!wj_read_u32(&h->in, &index, "function index")) {
            return false;
        }
        if (index < next_func) {
            return wj_reader_fail(&h->in, WJ_ERR_MALFORMED,
                                  "branch hints of function %u: repeated or out of order", index);
        }
        next_func = index + 1;
        uint32_t next_offset = 0;
        if (!open_func(h, index) || !wj_read_count(&h->in, UINT32_MAX, &hints, "branch hints")) {
            return false;
        }
        for (uint32_t k = 0; k < hints; k++) {
            if (!read_hint(h, &next_offset)) {
                return false;
            }
        }
    }
    return h->in.at == h->in.limit || wj_reader_fail(&h->in, WJ_ERR_MALFORMED,
                                                     "section size mismatch: %zu bytes are left of "
                                                     "the branch hints",
                                                     wj_reader_left(&h->in));
}

bool wj_module_check_hints(const struct wj_module *module, struct wj_err *err)
{
    const struct wj_custom *found = NULL;
    bool is_on = (module->features & WJ_FEATURE_BRANCH_HINTS) != 0;
    for (uint32_t i = 0; is_on && i < module->custom_count; i++) {
        const struct wj_custom *custom = &module->customs[i];
        if (custom->name.size_bytes != sizeof section_name - 1 ||
            memcmp(custom->name.bytes, section_name, sizeof section_name - 1) != 0) {
            continue;
        }
        if (found != NULL) {
            return wj_err_set(err, WJ_ERR_MALFORMED, (size_t) (custom->bytes - module->bytes),
                              "a second section of branch hints");
        }
        found = custom;
        struct hints hints = {
            .in = {.at = custom->bytes,
                   .limit = custom->bytes + custom->size_bytes,
                   .module = module,
                   .err = err},
        };
        if (!read_section(&hints)) {
            return false;
        }
    }
    return true;
}
