// The beginning of a walk (buffers, locals, the outermost block) and the skipping of dead code.
#include <string.h>

#include "wasm/reader.h"
#include "wasm/walk_control.h"

static bool reserve_stack(struct wj_walk_scratch *scratch, size_t body_bytes)
{
    // An instruction pushes no more slots than it has bytes, but for lists, which make their room.
    size_t wanted = body_bytes + 2 * WJ_WALK_SLACK;
    if (wanted > scratch->stack_capacity) {
        wj_bulk_free(scratch->bulk, scratch->stack);
        scratch->stack_capacity = wanted < 1024 ? 1024 : wanted + wanted / 2;
        scratch->stack =
            wj_bulk_alloc(scratch->bulk, scratch->stack_capacity * sizeof *scratch->stack);
    }
    if (scratch->stack == NULL) {
        scratch->stack_capacity = 0;
        return false;
    }
    return true;
}

static bool reserve_locals(struct wj_walk_scratch *scratch, uint32_t count)
{
    if (count > scratch->local_capacity || scratch->locals == NULL) {
        uint32_t capacity = count < 64 ? 128 : 2 * count;
        wj_bulk_free(scratch->bulk, scratch->locals);
        wj_bulk_free(scratch->bulk, scratch->inits);
        wj_bulk_free(scratch->bulk, scratch->slots);
        scratch->locals =
            wj_bulk_alloc(scratch->bulk, 2 * (size_t) capacity * sizeof *scratch->locals);
        scratch->inits = wj_bulk_alloc(scratch->bulk, capacity * sizeof *scratch->inits);
        scratch->slots = wj_bulk_alloc(scratch->bulk, capacity * sizeof *scratch->slots);
        scratch->local_capacity = capacity;
    }
    if (scratch->locals == NULL || scratch->inits == NULL || scratch->slots == NULL) {
        scratch->local_capacity = 0;
        return false;
    }
    return true;
}

// Expands the declarations. Decoding has counted them and read their types once.
static bool read_locals(struct wj_walk *w, struct wj_reader *in, bool *has_unset)
{
    const struct wj_functype *type = w->func->type;
    wj_valtype *locals = w->scratch->locals;
    uint32_t at = type->param_count;
    uint32_t groups;
    if (at != 0) {
        memcpy(locals, type->types, at * sizeof *locals);
    }
    if (!wj_read_u32(in, &groups, "local declarations")) {
        return false;
    }
    *has_unset = false;
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t count;
        wj_valtype local;
        if (!wj_read_u32(in, &count, "number of locals") || !wj_read_valtype(in, &local)) {
            return false;
        }
        *has_unset |= !wj_valtype_is_defaultable(local);
        for (uint32_t end = at + count; at < end; at++) {
            locals[at] = local;
        }
    }
    return true;
}

// Locals of non-nullable references must not be read before they are set.
static void make_unset_locals(struct wj_walk *w)
{
    w->locals = w->scratch->locals + w->scratch->local_capacity;
    for (uint32_t i = 0; i < w->local_count; i++) {
        bool is_set =
            i < w->func->type->param_count || wj_valtype_is_defaultable(w->local_types[i]);
        w->locals[i] = is_set ? w->local_types[i] : WJ_TYPE_BOTTOM;
    }
}

static void open_body(struct wj_walk *w)
{
    const struct wj_functype *type = w->func->type;
    wj_valtype *stack = w->scratch->stack;
    for (uint32_t i = 0; i <= WJ_WALK_SLACK; i++) {
        stack[i] = WJ_WALK_FLOOR;
    }
    w->stack_high = stack + WJ_WALK_SLACK + 1;
    w->frames[0] = (struct wj_walk_frame){
        .block = {.result_count = type->result_count, .results = type->types + type->param_count},
        .floor = WJ_WALK_SLACK,
        .weight = 1,
        .control = CONTROL_BLOCK,
        .is_live = true,
    };
}

static void begin_census(struct wj_walk *w)
{
    w->census_locals = w->func->census_locals;
    memset(w->census_locals, 0, w->local_count * sizeof *w->census_locals);
    w->census.local_count = w->local_count;
    w->census.label_depth_max = 1;
    w->census.is_leaf = true;
    w->census.locals = w->census_locals;
    for (uint32_t i = 0; i < w->local_count; i++) {
        w->census.uses_v128 |= w->local_types[i] == WJ_TYPE_V128;
        w->scratch->slots[i] = (struct wj_walk_slot){0, w->local_types[i]};
    }
}

void wj_walk_end_census(struct wj_walk *w)
{
    w->census.stack_slots_max = (uint32_t) (w->stack_high - w->scratch->stack) - WJ_WALK_SLACK;
    for (uint32_t i = 0; i < w->local_count; i++) {
        w->census_locals[i].weight = w->scratch->slots[i].weight;
    }
}

static void begin_plain(struct wj_walk *w, bool has_unset)
{
    struct wj_walk_plain *plain = &w->plain;
    const struct wj_module *module = w->module;
    // The short ones have three bytes and do not reach the body's last. Of all, eight are read,
    // which must lie in the module.
    const uint8_t *code = w->func->code;
    ptrdiff_t in_body = w->limit - code - 3;
    ptrdiff_t in_module = module->bytes + module->size_bytes - code - 7;
    ptrdiff_t span = in_body < in_module ? in_body : in_module;
    plain->stop = code + (span > 0 ? span : 0);
    plain->other = (struct wj_walk_slot){1, WJ_TYPE_BOTTOM};
    for (unsigned i = 0; i < PLAIN_KINDS; i++) {
        plain->first_max[i] = -1;
        plain->slots[i] = &plain->other + 1;
    }
    plain->first_max[PLAIN_OTHER] = UINT8_MAX;
    if (!has_unset) {
        plain->first_max[PLAIN_LOCAL] =
            w->local_count <= 0x7f ? (int32_t) w->local_count - 1 : 0x7f;
    }
    plain->slots[PLAIN_LOCAL] = w->scratch->slots;
    plain->slots[PLAIN_LABEL] = w->scratch->labels + w->scratch->frame_capacity;
    wj_walk_plain_enter(w, w->func->type->result_count != 0);
}

void wj_walk_note_memory(struct wj_walk *w)
{
    w->census.uses_memory = true;
    if (w->address_type == WJ_TYPE_I32) {
        for (int32_t i = 0; i < 4; i++) {
            w->plain.first_max[PLAIN_ACCESS + i] = i;
        }
    }
}

bool wj_walk_prepare(struct wj_walk *w, const struct wj_walk_request *request, struct wj_err *err,
                     bool is_checking, const uint8_t **code)
{
    const struct wj_module *module = request->module;
    const struct wj_func *func = &module->funcs[request->func_index];
    struct wj_walk_scratch *scratch = request->scratch;
    memset(w, 0, sizeof *w);
    w->module = module;
    w->func = func;
    w->scratch = scratch;
    w->err = err;
    w->limit = func->code + func->code_size_bytes;
    w->local_count = func->local_count;
    w->weight = 1;
    if (module->memory_count != 0) {
        bool is_64 = module->memories[0].type.limits.is_64;
        w->address_type = is_64 ? WJ_TYPE_I64 : WJ_TYPE_I32;
    }
    if (scratch->arena.chunks != NULL) {
        wj_arena_clear(&scratch->arena);
    }
    bool has_room = reserve_stack(scratch, is_checking ? func->code_size_bytes : 0) &&
                    reserve_locals(scratch, w->local_count);
    if (!has_room || (scratch->frame_capacity == 0 && !wj_walk_grow_frames(w))) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    w->frames = scratch->frames;
    w->local_types = scratch->locals;
    w->locals = scratch->locals;
    struct wj_reader in = {.at = func->code, .limit = w->limit, .module = module, .err = err};
    bool has_unset;
    if (!read_locals(w, &in, &has_unset)) {
        return false;
    }
    if (has_unset && is_checking) {
        make_unset_locals(w);
    }
    open_body(w);
    if (is_checking) {
        begin_census(w);
        begin_plain(w, has_unset);
        // No operation but the last can then have its first immediate byte outside the body.
        if (in.at == w->limit || w->limit[-1] != 0x0b) {
            return wj_walk_fail_end(w, w->limit);
        }
    }
    *code = in.at;
    return true;
}

static void skip_leb(const uint8_t **p)
{
    while (*(*p)++ >= 0x80) {
    }
}

// Value types and block types: one number, or 0x63 or 0x64 and a heap type.
static void skip_valtype(const uint8_t **p)
{
    if (**p == 0x63 || **p == 0x64) {
        ++*p;
    }
    skip_leb(p);
}

static void skip_memarg(const uint8_t **p)
{
    uint32_t flags = wj_leb_u32_trusted(p);
    if (flags & 0x40) {
        skip_leb(p);
    }
    skip_leb(p);
}

static void skip_imm(const uint8_t **p, enum wj_imm imm)
{
    switch (imm) {
    case WJ_IMM_NONE: break;
    case WJ_IMM_BLOCK: skip_valtype(p); break;
    case WJ_IMM_LABELS:
        for (uint32_t count = wj_leb_u32_trusted(p) + 1; count > 0; count--) {
            skip_leb(p);
        }
        break;
    case WJ_IMM_SELECT_TYPES:
        for (uint32_t count = wj_leb_u32_trusted(p); count > 0; count--) {
            skip_valtype(p);
        }
        break;
    case WJ_IMM_LABEL:
    case WJ_IMM_FUNC:
    case WJ_IMM_TYPE:
    case WJ_IMM_TAG:
    case WJ_IMM_LOCAL:
    case WJ_IMM_GLOBAL:
    case WJ_IMM_TABLE:
    case WJ_IMM_ELEM:
    case WJ_IMM_MEMORY:
    case WJ_IMM_DATA:
    case WJ_IMM_I32:
    case WJ_IMM_I64:
    case WJ_IMM_HEAP_TYPE:
    case WJ_IMM_ZERO: skip_leb(p); break;
    case WJ_IMM_TYPE_TABLE:
    case WJ_IMM_TABLE_TABLE:
    case WJ_IMM_ELEM_TABLE:
    case WJ_IMM_MEMORY_MEMORY:
    case WJ_IMM_DATA_MEMORY:
    case WJ_IMM_TYPE_U32:
        skip_leb(p);
        skip_leb(p);
        break;
    case WJ_IMM_MEMARG: skip_memarg(p); break;
    case WJ_IMM_MEMARG_LANE:
        skip_memarg(p);
        ++*p;
        break;
    case WJ_IMM_LANE: ++*p; break;
    case WJ_IMM_LANES:
    case WJ_IMM_V128: *p += 16; break;
    case WJ_IMM_F32: *p += 4; break;
    case WJ_IMM_F64: *p += 8; break;
    // Of exceptions and GC, which no valid body has.
    case WJ_IMM_TRY_TABLE:
    case WJ_IMM_CAST: break;
    }
}

static enum wj_opcode read_opcode(const uint8_t **p)
{
    uint32_t code = *(*p)++;
    unsigned prefix = code >= 0xfb && code <= 0xfe ? code : 0;
    if (prefix != 0) {
        code = wj_leb_u32_trusted(p);
    }
    return wj_opcode_find(prefix, code);
}

enum wj_opcode wj_walk_skip_op(const uint8_t **p)
{
    enum wj_opcode opcode = read_opcode(p);
    skip_imm(p, (enum wj_imm) wj_opcode_infos[opcode].imm);
    return opcode;
}

const uint8_t *wj_walk_skip_dead(const uint8_t *p)
{
    for (uint32_t depth = 0;;) {
        const uint8_t *at = p;
        enum wj_opcode opcode = read_opcode(&p);
        if (depth == 0 && (opcode == WJ_OP_END || opcode == WJ_OP_ELSE)) {
            return at;
        }
        enum wj_imm imm = (enum wj_imm) wj_opcode_infos[opcode].imm;
        depth += imm == WJ_IMM_BLOCK;
        depth -= opcode == WJ_OP_END;
        skip_imm(&p, imm);
    }
}
