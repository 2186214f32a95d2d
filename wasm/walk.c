// The slow paths of the walk: compiled once, for all sinks.
#include "wasm/walk_control.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "wasm/limits.h"
#include "wasm/reader.h"

const wj_valtype wj_walk_single_types[WJ_TYPE_V128 + 1] = {
    WJ_TYPE_BOTTOM, WJ_TYPE_I32, WJ_TYPE_I64, WJ_TYPE_F32, WJ_TYPE_F64, WJ_TYPE_V128,
};

// Rows by prefix and code. Codes are dense enough; those without a row have no feature.
enum { PLAIN_CODES = 0x100, PREFIX_CODES = 0x114 };

#define NO_ROW(name, ...)
#define ROW(name, code, text, imm, pops, results, family, sub, type, width, feature) \
    [code] = {WJ_OP_##name, WJ_IMM_##imm,        pops, results, family, sub, type,   \
              width,        WJ_FEATURE_##feature},
static const struct wj_walk_row rows_plain[PLAIN_CODES] = {
#define OP ROW
#define OP_FB NO_ROW
#define OP_FC NO_ROW
#define OP_FD NO_ROW
#define OP_FE NO_ROW
#include "wasm/opcodes.def"
};
static const struct wj_walk_row rows_fc[PREFIX_CODES] = {
#define OP NO_ROW
#define OP_FB NO_ROW
#define OP_FC ROW
#define OP_FD NO_ROW
#define OP_FE NO_ROW
#include "wasm/opcodes.def"
};
static const struct wj_walk_row rows_fd[PREFIX_CODES] = {
#define OP NO_ROW
#define OP_FB NO_ROW
#define OP_FC NO_ROW
#define OP_FD ROW
#define OP_FE NO_ROW
#include "wasm/opcodes.def"
};
static const struct wj_walk_row rows_fe[PREFIX_CODES] = {
#define OP NO_ROW
#define OP_FB NO_ROW
#define OP_FC NO_ROW
#define OP_FD NO_ROW
#define OP_FE ROW
#include "wasm/opcodes.def"
};
#undef ROW
#undef NO_ROW

const struct wj_walk_row *wj_walk_prefix_row(uint8_t prefix, uint32_t code)
{
    if (prefix == 0) {
        return &rows_plain[code];
    }
    const struct wj_walk_row *rows = prefix == 0xfd ? rows_fd : prefix == 0xfc ? rows_fc : rows_fe;
    return code < PREFIX_CODES && rows[code].feature != 0 ? &rows[code] : NULL;
}

void wj_walk_scratch_init_in(struct wj_walk_scratch *scratch, struct wj_bulk *bulk)
{
    *scratch = (struct wj_walk_scratch){.bulk = bulk};
    wj_arena_init_in(&scratch->arena, bulk);
}

void wj_walk_scratch_init(struct wj_walk_scratch *scratch)
{
    wj_walk_scratch_init_in(scratch, NULL);
}

void wj_walk_scratch_clear(struct wj_walk_scratch *scratch)
{
    wj_bulk_free(scratch->bulk, scratch->stack);
    wj_bulk_free(scratch->bulk, scratch->frames);
    wj_bulk_free(scratch->bulk, scratch->labels);
    wj_bulk_free(scratch->bulk, scratch->slots);
    wj_bulk_free(scratch->bulk, scratch->locals);
    wj_bulk_free(scratch->bulk, scratch->inits);
    wj_arena_clear(&scratch->arena);
    wj_walk_scratch_init_in(scratch, scratch->bulk);
}

// Errors.
bool wj_walk_fail(struct wj_walk *w, const uint8_t *at, enum wj_err_kind kind, const char *format,
                  ...)
{
    char message[sizeof w->err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return wj_err_set(w->err, kind, (size_t) (at - w->module->bytes), "%s", message);
}

static bool fail_nomem(struct wj_walk *w)
{
    return wj_err_set(w->err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
}

bool wj_walk_fail_end(struct wj_walk *w, const uint8_t *at)
{
    return wj_walk_fail(w, at, WJ_ERR_MALFORMED,
                        "unexpected end of function body: END opcode expected");
}

bool wj_walk_fail_index(struct wj_walk *w, const uint8_t *at, const char *what, uint32_t index)
{
    return wj_walk_fail(w, at, WJ_ERR_INVALID, "unknown %s %u", what, index);
}

bool wj_walk_fail_feature(struct wj_walk *w, const uint8_t *at, enum wj_opcode opcode)
{
    return wj_walk_fail(w, at, WJ_ERR_INVALID, "%s: the %s feature is off", wj_opcode_name(opcode),
                        wj_feature_name(wj_opcode_infos[opcode].feature));
}

static struct wj_reader reader_at(struct wj_walk *w, const uint8_t *p)
{
    return (struct wj_reader){.at = p, .limit = w->limit, .module = w->module, .err = w->err};
}

static enum wj_opcode opcode_at(const struct wj_walk *w, const uint8_t *at)
{
    uint32_t code = *at;
    unsigned prefix = code >= 0xfb && code <= 0xfe ? code : 0;
    const uint8_t *p = at + 1;
    if (prefix != 0 && !wj_leb_u32(&p, w->limit, &code)) {
        return WJ_OP_UNKNOWN;
    }
    return wj_opcode_find(prefix, code);
}

bool wj_walk_fail_opcode(struct wj_walk *w, const uint8_t *at)
{
    struct wj_reader in = reader_at(w, at + 1);
    uint32_t code = 0;
    bool is_prefix = *at >= 0xfb && *at <= 0xfe;
    if (is_prefix && !wj_read_u32(&in, &code, "opcode")) {
        return false;
    }
    enum wj_opcode opcode = opcode_at(w, at);
    if (opcode == WJ_OP_UNKNOWN && is_prefix) {
        return wj_walk_fail(w, at, WJ_ERR_MALFORMED, "illegal opcode 0x%02x 0x%x", *at, code);
    }
    if (opcode == WJ_OP_UNKNOWN) {
        return wj_walk_fail(w, at, WJ_ERR_MALFORMED, "illegal opcode 0x%02x", *at);
    }
    if ((w->module->features & wj_opcode_infos[opcode].feature) == 0) {
        return wj_walk_fail_feature(w, at, opcode);
    }
    return wj_walk_fail(w, at, WJ_ERR_UNSUPPORTED, "%s: not yet supported", wj_opcode_name(opcode));
}

bool wj_walk_no_opcode(struct wj_walk *w, const uint8_t *at)
{
    return wj_walk_fail(w, at, WJ_ERR_MALFORMED, "illegal opcode 0x%02x", *at);
}

static const char *op_name(const struct wj_walk *w, const uint8_t *at)
{
    return wj_opcode_name(opcode_at(w, at));
}

static bool fail_type(struct wj_walk *w, const uint8_t *at, wj_valtype have, const char *want)
{
    char text[32];
    if (have == WJ_WALK_FLOOR) {
        return wj_walk_fail(w, at, WJ_ERR_INVALID,
                            "type mismatch: %s expects %s, the stack is empty", op_name(w, at),
                            want);
    }
    return wj_walk_fail(w, at, WJ_ERR_INVALID, "type mismatch: %s expects %s, has %s",
                        op_name(w, at), want, wj_valtype_print(have, text, sizeof text));
}

bool wj_walk_fail_height(struct wj_walk *w, const uint8_t *at, wj_valtype *sp)
{
    char text[32];
    return wj_walk_fail(w, at, WJ_ERR_INVALID,
                        "type mismatch: %s finds values below the block's results, the first %s",
                        op_name(w, at), wj_valtype_print(sp[-1], text, sizeof text));
}

// Immediates.
struct wj_leb wj_walk_u32_slow(struct wj_walk *w, const uint8_t *p)
{
    uint32_t quick;
    if (wj_leb_u32_slow(&p, w->limit, &quick)) {
        return (struct wj_leb){p, quick};
    }
    struct wj_reader in = reader_at(w, p);
    uint32_t value = 0;
    bool ok = wj_read_u32(&in, &value, "index");
    return (struct wj_leb){ok ? in.at : NULL, value};
}

struct wj_leb wj_walk_s_slow(struct wj_walk *w, const uint8_t *p, unsigned bits)
{
    int64_t quick;
    if (wj_leb_s_slow(&p, w->limit, bits, &quick)) {
        return (struct wj_leb){p, (uint64_t) quick};
    }
    struct wj_reader in = reader_at(w, p);
    int64_t value = 0;
    bool ok = wj_read_s(&in, bits, &value, "constant");
    return (struct wj_leb){ok ? in.at : NULL, (uint64_t) value};
}

static bool read_memarg(struct wj_reader *in, struct wj_memarg *memarg)
{
    uint32_t flags;
    if (!wj_read_u32(in, &flags, "alignment")) {
        return false;
    }
    memarg->memory = 0;
    memarg->align_log2 = flags & 0x3f;
    // Bit 6 says that a memory index follows.
    if (flags >= 0x80) {
        return wj_reader_fail(in, WJ_ERR_MALFORMED, "malformed memop flags %u", flags);
    }
    if ((flags & 0x40) && !wj_reader_has(in, WJ_FEATURE_MULTI_MEMORY)) {
        return wj_reader_fail(in, WJ_ERR_MALFORMED,
                              "malformed memop flags %u: the multi-memory feature is off", flags);
    }
    if ((flags & 0x40) && !wj_read_u32(in, &memarg->memory, "memory index")) {
        return false;
    }
    return wj_read_u64(in, &memarg->offset, "offset");
}

struct wj_leb wj_walk_memarg_slow(struct wj_walk *w, const uint8_t *at, const uint8_t *p,
                                  unsigned width_log2, bool is_atomic)
{
    static const struct wj_leb failed = {NULL, WJ_TYPE_BOTTOM};
    struct wj_memarg *memarg = &w->op.memarg;
    struct wj_reader in = reader_at(w, p);
    if (!read_memarg(&in, memarg)) {
        return failed;
    }
    if (memarg->memory >= w->module->memory_count) {
        wj_walk_fail_index(w, at, "memory", memarg->memory);
        return failed;
    }
    if (is_atomic && memarg->align_log2 != width_log2) {
        wj_walk_fail(w, at, WJ_ERR_INVALID, "%s: atomic alignment must be natural, 2^%u, not 2^%u",
                     op_name(w, at), width_log2, memarg->align_log2);
        return failed;
    }
    if (memarg->align_log2 > width_log2) {
        wj_walk_fail(w, at, WJ_ERR_INVALID,
                     "%s: alignment must not be larger than natural, 2^%u > 2^%u", op_name(w, at),
                     memarg->align_log2, width_log2);
        return failed;
    }
    bool is_64 = w->module->memories[memarg->memory].type.limits.is_64;
    if (!is_64 && memarg->offset > UINT32_MAX) {
        wj_walk_fail(w, at, WJ_ERR_INVALID, "%s: offset out of range: %llu", op_name(w, at),
                     (unsigned long long) memarg->offset);
        return failed;
    }
    return (struct wj_leb){in.at, is_64 ? WJ_TYPE_I64 : WJ_TYPE_I32};
}

static const uint8_t *set_functype_block(struct wj_walk *w, struct wj_reader *in, int64_t index,
                                         const uint8_t *p)
{
    if (index < 0) {
        in->at = p;
        wj_reader_fail(in, WJ_ERR_MALFORMED, "malformed block type");
        return NULL;
    }
    if (index >= w->module->type_count) {
        wj_walk_fail_index(w, p, "type", (uint32_t) index);
        return NULL;
    }
    const struct wj_type *type = w->module->type_list[index];
    if (type->composite != WJ_COMPOSITE_FUNC) {
        wj_walk_fail(w, p, WJ_ERR_INVALID, "type %u is not a function type", (uint32_t) index);
        return NULL;
    }
    w->op.block = (struct wj_block_type){
        .param_count = type->func.param_count,
        .result_count = type->func.result_count,
        .params = type->func.types,
        .results = type->func.types + type->func.param_count,
    };
    return in->at;
}

const uint8_t *wj_walk_block_type_slow(struct wj_walk *w, const uint8_t *p)
{
    struct wj_reader in = reader_at(w, p);
    // Single bytes from 0x40 on are negative: value types. Everything else is a type index.
    if ((*p & 0xc0) != 0x40) {
        int64_t index;
        return wj_read_s(&in, 33, &index, "block type") ? set_functype_block(w, &in, index, p)
                                                        : NULL;
    }
    wj_valtype type;
    if (!wj_read_valtype(&in, &type)) {
        return NULL;
    }
    const wj_valtype *results = &wj_walk_single_types[WJ_TYPE_V128];
    if (type != WJ_TYPE_V128) {
        wj_valtype *made = WJ_ARENA_NEW(&w->scratch->arena, wj_valtype);
        if (made == NULL) {
            fail_nomem(w);
            return NULL;
        }
        *made = type;
        results = made;
    }
    w->op.block = (struct wj_block_type){.result_count = 1, .results = results};
    return in.at;
}

const uint8_t *wj_walk_heap_type(struct wj_walk *w, const uint8_t *p)
{
    struct wj_reader in = reader_at(w, p);
    wj_valtype type;
    if (!wj_read_heaptype(&in, &type)) {
        return NULL;
    }
    w->op.bits = type;
    return in.at;
}

const uint8_t *wj_walk_select_type(struct wj_walk *w, const uint8_t *p)
{
    struct wj_reader in = reader_at(w, p);
    uint32_t count;
    if (!wj_read_u32(&in, &count, "number of types")) {
        return NULL;
    }
    if (count != 1) {
        wj_walk_fail(w, p, WJ_ERR_INVALID, "select: invalid result arity %u", count);
        return NULL;
    }
    return wj_read_valtype(&in, &w->op.valtype) ? in.at : NULL;
}

struct br_table_state {
    bool is_first;
    uint32_t arity;          // of the targets so far
    const wj_valtype *types; // of the last one
};

// One target of a br_table: its arity must be that of the first, and its types those on the stack.
static bool check_target(struct wj_walk *w, const uint8_t *at, wj_valtype *sp, uint32_t label,
                         struct br_table_state *state)
{
    if (label > w->depth) {
        return wj_walk_fail_index(w, at, "label", label);
    }
    struct wj_walk_frame *frame = &w->frames[w->depth - label];
    uint32_t count = wj_walk_label_count(frame);
    const wj_valtype *types = wj_walk_label_types(frame);
    if (!state->is_first && state->arity != count) {
        return wj_walk_fail(w, at, WJ_ERR_INVALID,
                            "type mismatch: br_table targets with %u and %u values", state->arity,
                            count);
    }
    // A label, or a list of types, is checked once: there may be thousands of long ones.
    bool is_known =
        frame->br_table == w->br_table_count || (!state->is_first && types == state->types);
    frame->br_table = w->br_table_count;
    *state = (struct br_table_state){.is_first = false, .arity = count, .types = types};
    return is_known || wj_walk_pop_list_slow(w, at, sp, types, count) != NULL;
}

const uint8_t *wj_walk_br_table(struct wj_walk *w, const uint8_t *at, const uint8_t *p,
                                wj_valtype *sp, bool is_live)
{
    struct wj_reader in = reader_at(w, p);
    uint32_t count;
    if (!wj_read_count(&in, WJ_LIMIT_BR_TABLE_TARGETS, &count, "br_table targets")) {
        return NULL;
    }
    w->op.br_table.count = count;
    w->op.br_table.targets = in.at;
    w->br_table_count++;
    struct br_table_state state = {.is_first = true};
    for (uint32_t i = 0; i <= count; i++) {
        uint32_t label;
        // The second read is for its error alone.
        bool is_read = wj_leb_u32(&in.at, in.limit, &label) || wj_read_u32(&in, &label, "label");
        if (!is_read || !check_target(w, at, sp, label, &state)) {
            return NULL;
        }
        w->frames[w->depth - label].is_branched |= is_live;
    }
    return in.at;
}

// The type stack. None of these writes to it but for select, which leaves its result.
wj_valtype *wj_walk_pop_slow(struct wj_walk *w, const uint8_t *at, wj_valtype *sp, wj_valtype type)
{
    wj_valtype have = sp[-1];
    if (have == WJ_WALK_FLOOR && wj_walk_top(w)->is_unreachable) {
        return sp;
    }
    if (have != WJ_WALK_FLOOR && wj_types_is_subtype(w->module->types, have, type)) {
        return sp - 1;
    }
    char want[32];
    fail_type(w, at, have, wj_valtype_print(type, want, sizeof want));
    return NULL;
}

wj_valtype *wj_walk_pop_list_slow(struct wj_walk *w, const uint8_t *at, wj_valtype *sp,
                                  const wj_valtype *types, uint32_t count)
{
    // Long lists are mostly equal to what is there.
    if (count > 8 && (size_t) (sp - w->scratch->stack) >= count &&
        memcmp(sp - count, types, count * sizeof *types) == 0) {
        return sp - count;
    }
    while (count > 0 && sp != NULL) {
        wj_valtype type = types[--count];
        sp = sp[-1] == type ? sp - 1 : wj_walk_pop_slow(w, at, sp, type);
    }
    return sp;
}

wj_valtype *wj_walk_pop_sig(struct wj_walk *w, const uint8_t *at, wj_valtype *sp, uint32_t sig)
{
    for (unsigned i = wj_sig_count(sig); i > 0 && sp != NULL; i--) {
        sp = wj_walk_pop_slow(w, at, sp, wj_sig_at(sig, i - 1));
    }
    return sp;
}

wj_valtype *wj_walk_pop_any(struct wj_walk *w, const uint8_t *at, wj_valtype *sp, wj_valtype *type)
{
    if (sp[-1] != WJ_WALK_FLOOR) {
        *type = sp[-1];
        return sp - 1;
    }
    *type = WJ_TYPE_BOTTOM;
    if (wj_walk_top(w)->is_unreachable) {
        return sp;
    }
    fail_type(w, at, WJ_WALK_FLOOR, "a value");
    return NULL;
}

wj_valtype *wj_walk_pop_ref(struct wj_walk *w, const uint8_t *at, wj_valtype *sp, wj_valtype *type)
{
    sp = wj_walk_pop_any(w, at, sp, type);
    if (sp == NULL) {
        return NULL;
    }
    if (*type == WJ_TYPE_BOTTOM) {
        *type = WJ_TYPE_ABSTRACT_REF(WJ_HEAP_BOTTOM, false);
    }
    if (!wj_valtype_is_ref(*type)) {
        fail_type(w, at, *type, "a reference");
        return NULL;
    }
    return sp;
}

wj_valtype *wj_walk_select_slow(struct wj_walk *w, const uint8_t *at, wj_valtype *sp)
{
    wj_valtype type = w->op.valtype;
    sp = wj_walk_pop_slow(w, at, sp, WJ_TYPE_I32);
    if (sp == NULL) {
        return NULL;
    }
    if (type != WJ_TYPE_BOTTOM) {
        const wj_valtype both[2] = {type, type};
        sp = wj_walk_pop_list_slow(w, at, sp, both, 2);
    } else {
        wj_valtype other;
        sp = wj_walk_pop_any(w, at, sp, &other);
        sp = sp != NULL ? wj_walk_pop_any(w, at, sp, &type) : NULL;
        if (sp == NULL) {
            return NULL;
        }
        if (wj_valtype_is_ref(type) || wj_valtype_is_ref(other)) {
            wj_walk_fail(w, at, WJ_ERR_INVALID,
                         "type mismatch: select of references needs a type annotation");
            return NULL;
        }
        if (type != other && type != WJ_TYPE_BOTTOM && other != WJ_TYPE_BOTTOM) {
            char want[32];
            fail_type(w, at, other, wj_valtype_print(type, want, sizeof want));
            return NULL;
        }
        type = type == WJ_TYPE_BOTTOM ? other : type;
    }
    if (sp != NULL) {
        *sp++ = type;
    }
    return sp;
}

static bool grow_stack(struct wj_walk *w, size_t wanted)
{
    struct wj_walk_scratch *scratch = w->scratch;
    if (wanted <= scratch->stack_capacity) {
        return true;
    }
    wanted += wanted / 2;
    size_t high = (size_t) (w->stack_high - scratch->stack);
    wj_valtype *grown = wj_bulk_realloc(scratch->bulk, scratch->stack, wanted * sizeof *grown);
    if (grown == NULL) {
        return fail_nomem(w);
    }
    scratch->stack = grown;
    scratch->stack_capacity = wanted;
    w->stack_high = grown + high;
    return true;
}

wj_valtype *wj_walk_push_list(struct wj_walk *w, const uint8_t *at, wj_valtype *sp,
                              const wj_valtype *types, uint32_t count)
{
    // What the rest of the body can push one by one has its room, always.
    size_t used = (size_t) (sp - w->scratch->stack);
    if (used + count > WJ_LIMIT_STACK_SLOTS) {
        wj_walk_fail(w, at, WJ_ERR_LIMIT, "operand stack deeper than %u", WJ_LIMIT_STACK_SLOTS);
        return NULL;
    }
    if (!grow_stack(w, used + count + (size_t) (w->limit - at))) {
        return NULL;
    }
    sp = w->scratch->stack + used;
    if (count != 0) {
        memcpy(sp, types, count * sizeof *types);
    }
    sp += count;
    if (sp > w->stack_high) {
        w->stack_high = sp;
    }
    return sp;
}

// They stay at the end.
static bool grow_labels(struct wj_walk *w, uint32_t capacity)
{
    struct wj_walk_scratch *scratch = w->scratch;
    uint32_t used = scratch->frame_capacity;
    struct wj_walk_slot *grown = wj_bulk_alloc(w->scratch->bulk, capacity * sizeof *grown);
    if (grown == NULL) {
        return fail_nomem(w);
    }
    if (used != 0) {
        memcpy(grown + (capacity - used), scratch->labels, used * sizeof *grown);
    }
    wj_bulk_free(scratch->bulk, scratch->labels);
    scratch->labels = grown;
    scratch->frame_capacity = capacity;
    w->plain.slots[PLAIN_LABEL] = grown + (capacity - 1 - w->depth);
    return true;
}

bool wj_walk_grow_frames(struct wj_walk *w)
{
    uint32_t capacity = w->scratch->frame_capacity == 0 ? 64 : 2 * w->scratch->frame_capacity;
    struct wj_walk_frame *grown =
        wj_bulk_realloc(w->scratch->bulk, w->scratch->frames, capacity * sizeof *grown);
    if (grown == NULL) {
        return fail_nomem(w);
    }
    w->scratch->frames = grown;
    w->frames = grown;
    return grow_labels(w, capacity);
}

void wj_walk_reset_inits(struct wj_walk *w, uint32_t mark)
{
    while (w->init_count > mark) {
        w->locals[w->scratch->inits[--w->init_count]] = WJ_TYPE_BOTTOM;
    }
}

bool wj_walk_check_tail_call(struct wj_walk *w, const uint8_t *at, const struct wj_functype *callee)
{
    const struct wj_functype *type = w->func->type;
    bool is_equal = callee->result_count == type->result_count;
    for (uint32_t i = 0; is_equal && i < type->result_count; i++) {
        is_equal = wj_types_is_subtype(w->module->types, callee->types[callee->param_count + i],
                                       type->types[type->param_count + i]);
    }
    if (!is_equal) {
        return wj_walk_fail(w, at, WJ_ERR_INVALID,
                            "type mismatch: %s: the callee's results are not the function's",
                            op_name(w, at));
    }
    return true;
}

static wj_valtype address_type(const struct wj_limits *limits)
{
    return limits->is_64 ? WJ_TYPE_I64 : WJ_TYPE_I32;
}

static wj_valtype *pop_three(struct wj_walk *w, const uint8_t *at, wj_valtype *sp, wj_valtype a,
                             wj_valtype b, wj_valtype c)
{
    const wj_valtype types[3] = {a, b, c};
    return wj_walk_pop_list_slow(w, at, sp, types, 3);
}

// Notes the height after the one result was pushed.
static wj_valtype *push_one(struct wj_walk *w, wj_valtype *sp, wj_valtype type)
{
    if (sp != NULL) {
        *sp++ = type;
        w->stack_high = sp > w->stack_high ? sp : w->stack_high;
    }
    return sp;
}

// The smaller of two address types counts the elements of a copy between them.
static wj_valtype smaller(wj_valtype a, wj_valtype b)
{
    return a == WJ_TYPE_I32 || b == WJ_TYPE_I32 ? WJ_TYPE_I32 : WJ_TYPE_I64;
}

static bool check_segment(struct wj_walk *w, const uint8_t *at, enum wj_table_op sub)
{
    uint32_t segment = sub == ELEM_DROP ? w->op.index : w->op.index2;
    if (segment >= w->module->elem_count) {
        return wj_walk_fail_index(w, at, "elem segment", segment);
    }
    return true;
}

static bool check_elements(struct wj_walk *w, const uint8_t *at, wj_valtype from, wj_valtype to)
{
    if (!wj_types_is_subtype(w->module->types, from, to)) {
        char want[32];
        return fail_type(w, at, from, wj_valtype_print(to, want, sizeof want));
    }
    return true;
}

wj_valtype *wj_walk_check_table(struct wj_walk *w, const uint8_t *at, wj_valtype *sp,
                                enum wj_table_op sub)
{
    const struct wj_module *m = w->module;
    uint32_t index = w->op.index;
    if ((sub == TABLE_INIT || sub == ELEM_DROP) && !check_segment(w, at, sub)) {
        return NULL;
    }
    if (sub == ELEM_DROP) {
        return sp;
    }
    if (index >= m->table_count || (sub == TABLE_COPY && w->op.index2 >= m->table_count)) {
        wj_walk_fail_index(w, at, "table", index >= m->table_count ? index : w->op.index2);
        return NULL;
    }
    const struct wj_table_type *table = &m->tables[index].type;
    wj_valtype address = address_type(&table->limits);
    wj_valtype element = table->element;
    switch (sub) {
    case TABLE_GET: return push_one(w, wj_walk_pop_slow(w, at, sp, address), element);
    case TABLE_SET: {
        const wj_valtype types[2] = {address, element};
        return wj_walk_pop_list_slow(w, at, sp, types, 2);
    }
    case TABLE_SIZE: return push_one(w, sp, address);
    case TABLE_GROW: {
        const wj_valtype types[2] = {element, address};
        return push_one(w, wj_walk_pop_list_slow(w, at, sp, types, 2), address);
    }
    case TABLE_FILL: return pop_three(w, at, sp, address, element, address);
    case TABLE_COPY: {
        const struct wj_table_type *source = &m->tables[w->op.index2].type;
        wj_valtype from = address_type(&source->limits);
        return check_elements(w, at, source->element, element)
                   ? pop_three(w, at, sp, address, from, smaller(address, from))
                   : NULL;
    }
    case TABLE_INIT:
        return check_elements(w, at, m->elems[w->op.index2].type, element)
                   ? pop_three(w, at, sp, address, WJ_TYPE_I32, WJ_TYPE_I32)
                   : NULL;
    case ELEM_DROP: break;
    }
    return sp;
}

static bool check_data(struct wj_walk *w, const uint8_t *at, enum wj_memory_op sub)
{
    uint32_t segment = sub == DATA_DROP ? w->op.index : w->op.index2;
    if (!w->module->has_data_count) {
        return wj_walk_fail(w, at, WJ_ERR_MALFORMED, "%s: data count section required",
                            op_name(w, at));
    }
    if (segment >= w->module->data_count) {
        return wj_walk_fail_index(w, at, "data segment", segment);
    }
    return true;
}

wj_valtype *wj_walk_check_memory(struct wj_walk *w, const uint8_t *at, wj_valtype *sp,
                                 enum wj_memory_op sub)
{
    const struct wj_module *m = w->module;
    uint32_t index = w->op.index;
    if ((sub == MEMORY_INIT || sub == DATA_DROP) && !check_data(w, at, sub)) {
        return NULL;
    }
    if (sub == DATA_DROP) {
        return sp;
    }
    if (index >= m->memory_count || (sub == MEMORY_COPY && w->op.index2 >= m->memory_count)) {
        wj_walk_fail_index(w, at, "memory", index >= m->memory_count ? index : w->op.index2);
        return NULL;
    }
    wj_walk_note_memory(w);
    wj_valtype address = address_type(&m->memories[index].type.limits);
    switch (sub) {
    case MEMORY_SIZE: return push_one(w, sp, address);
    case MEMORY_GROW: return push_one(w, wj_walk_pop_slow(w, at, sp, address), address);
    case MEMORY_FILL: return pop_three(w, at, sp, address, WJ_TYPE_I32, address);
    case MEMORY_COPY: {
        wj_valtype from = address_type(&m->memories[w->op.index2].type.limits);
        return pop_three(w, at, sp, address, from, smaller(address, from));
    }
    case MEMORY_INIT: return pop_three(w, at, sp, address, WJ_TYPE_I32, WJ_TYPE_I32);
    case DATA_DROP: break;
    }
    return sp;
}
