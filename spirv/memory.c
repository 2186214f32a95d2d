// Linear memories: each one buffer seen as words, as vectors of four words, and as bytes where the
// device can. Every access is checked: loads at a clamped address, stores only while the item has
// not stopped. A check covers all later accesses to the same base that end no further.
#include "spirv/u32.h"

#include <spirv/unified1/GLSL.std.450.h>

struct access {
    uint32_t address; // in bytes; in bounds, or the item has stopped and loads cannot hurt
    unsigned align_log2;
};

static uint32_t add_const(struct wj_spv_translator *t, uint32_t a, uint32_t addend)
{
    return addend == 0 ? a : u32_op(t, SpvOpIAdd, a, u32_const(t, addend));
}

static bool is_early(const struct wj_spv_translator *t)
{
    return t->mode == MODE_FAST && !t->has_effects;
}

// The highest base of accesses that end `end` bytes behind it, made in the function's first block.
static const struct wj_spv_limit *find_limit(struct wj_spv_translator *t, uint64_t end)
{
    struct wj_spv_builder *b = &t->b;
    for (uint32_t i = 0; i < t->limit_count; i++) {
        if (t->limits[i].slot == wj_spv_slot(t) && t->limits[i].end == end) {
            return &t->limits[i];
        }
    }
    struct wj_spv_limit *limits =
        wj_spv_grow(t, t->limits, &t->limit_capacity, t->limit_count, sizeof *limits);
    if (limits == NULL) {
        return NULL;
    }
    t->limits = limits;
    struct wj_spv_limit *limit = &t->limits[t->limit_count++];
    const uint32_t u32 = t->types[REPR_U32];
    const uint32_t bool_type = t->types[REPR_BOOL];
    *limit = (struct wj_spv_limit){.slot = wj_spv_slot(t), .end = end};
    if (end > WJ_SPV_BYTES_MAX) {
        limit->is_never = wj_spv_const_bool(b, true);
        limit->limit = u32_const(t, 0);
        return limit;
    }
    const uint32_t end_const = u32_const(t, (uint32_t) end);
    limit->limit = WJ_SPV_EARLY(b, SpvOpISub, u32, t->m->bytes_low, end_const);
    if (end > t->m->bytes_min) {
        const uint32_t is_no_4g =
            WJ_SPV_EARLY(b, SpvOpIEqual, bool_type, t->m->bytes_high, u32_const(t, 0));
        const uint32_t is_small =
            end == WJ_SPV_BYTES_MAX
                ? is_no_4g
                : WJ_SPV_EARLY(b, SpvOpULessThan, bool_type, t->m->bytes_low, end_const);
        limit->is_never = WJ_SPV_EARLY(b, SpvOpLogicalAnd, bool_type, is_small, is_no_4g);
    }
    return limit;
}

static void note_outside(struct wj_spv_translator *t, const struct wj_op *op, uint32_t is_outside,
                         uint32_t address)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    const uint32_t bool_type = t->types[REPR_BOOL];
    const uint32_t site =
        (uint32_t) WJ_TRAP_MEMORY_OUT_OF_BOUNDS << 28 | (wj_spv_offset(t, op) - t->offset_base);
    const uint32_t stop = WJ_SPV_OP(b, SpvOpLoad, u32, t->stop);
    const uint32_t is_first = WJ_SPV_OP(b, SpvOpIEqual, bool_type, stop, u32_const(t, 0));
    const uint32_t is_now = WJ_SPV_OP(b, SpvOpLogicalAnd, bool_type, is_outside, is_first);
    const uint32_t old = WJ_SPV_OP(b, SpvOpLoad, u32, t->stop_address);
    WJ_SPV_DO(b, SpvOpStore, t->stop,
              WJ_SPV_OP(b, SpvOpSelect, u32, is_now, u32_const(t, site), stop));
    WJ_SPV_DO(b, SpvOpStore, t->stop_address, WJ_SPV_OP(b, SpvOpSelect, u32, is_now, address, old));
}

static void push_checked(struct wj_spv_translator *t, struct wj_spv_checked checked)
{
    struct wj_spv_checked *all =
        wj_spv_grow(t, t->checked, &t->checked_capacity, t->checked_count, sizeof *all);
    if (all != NULL) {
        t->checked = all;
        t->checked[t->checked_count++] = checked;
    }
}

// A check made before that covers the access; 0: none. One that falls short is asked to reach
// further in the next pass, as long as it only makes the item restart.
static uint32_t find_checked(struct wj_spv_translator *t, uint32_t base, uint64_t end)
{
    for (uint32_t i = t->checked_count; i-- > 0;) {
        const struct wj_spv_checked *checked = &t->checked[i];
        if (checked->slot != wj_spv_slot(t) || checked->base != base) {
            continue;
        }
        if (checked->end >= end) {
            return checked->safe;
        }
        if (is_early(t) && end <= t->m->bytes_min && !t->facts->gives_up &&
            checked->leader != UINT32_MAX && t->facts->extents[checked->leader] < end) {
            t->facts->extents[checked->leader] = end;
            t->facts->has_changed = true;
        }
    }
    return 0;
}

static uint32_t logical_or(struct wj_spv_translator *t, uint32_t a, uint32_t b)
{
    return b == 0 ? a : WJ_SPV_OP(&t->b, SpvOpLogicalOr, t->types[REPR_BOOL], a, b);
}

// Checks [base + offset, base + offset + size) and gives the address.
static bool check_bounds(struct wj_spv_translator *t, const struct wj_op *op,
                         struct wj_spv_value value, uint32_t size, uint32_t *address)
{
    struct wj_spv_builder *b = &t->b;
    const uint64_t offset = op->memarg.offset;
    uint64_t end;
    if (__builtin_add_overflow(offset, size, &end)) {
        end = UINT64_MAX;
    }
    const uint32_t key = wj_spv_as(t, value, t->m->is_64 ? REPR_U64 : REPR_U32);
    uint32_t safe = find_checked(t, key, end);
    if (safe != 0) {
        *address = add_const(t, safe, (uint32_t) offset);
        return true;
    }
    const uint32_t at = (uint32_t) (op->at - t->func->code);
    if (is_early(t) && t->facts->extents[at] > end) {
        end = t->facts->extents[at];
    }
    const struct wj_spv_limit *limit = find_limit(t, end);
    if (limit == NULL) {
        return false;
    }
    uint32_t base = key, is_beyond = 0;
    if (t->m->is_64) {
        base = wj_spv_narrow(t, key, &is_beyond);
    }
    uint32_t is_outside = u32_test(t, SpvOpUGreaterThan, base, limit->limit);
    is_outside = logical_or(t, is_outside, limit->is_never);
    is_outside = logical_or(t, is_outside, is_beyond);
    if (is_early(t)) {
        wj_spv_restart_if(t, is_outside);
    } else {
        note_outside(t, op, is_outside, add_const(t, base, (uint32_t) offset));
    }
    if (limit->is_never != 0) {
        const uint32_t exact = add_const(t, base, (uint32_t) offset);
        *address = wj_spv_select(t, REPR_U32, is_outside, u32_const(t, 0), exact);
        return true;
    }
    safe = WJ_SPV_GLSL(b, GLSLstd450UMin, t->types[REPR_U32], base, limit->limit);
    const bool may_reach = is_early(t) && end <= t->m->bytes_min;
    const uint32_t leader = may_reach ? at : UINT32_MAX;
    push_checked(t, (struct wj_spv_checked){wj_spv_slot(t), key, safe, end, leader});
    *address = add_const(t, safe, (uint32_t) offset);
    return true;
}

static unsigned log2_of(uint32_t size)
{
    return (unsigned) __builtin_ctz(size);
}

static bool open_access(struct wj_spv_translator *t, const struct wj_op *op, uint32_t size,
                        struct access *access)
{
    const struct wj_spv_value base = wj_spv_pop(t);
    const uint64_t offset = op->memarg.offset;
    if (!wj_spv_use_memory(t, op, op->memarg.memory)) {
        return false;
    }
    t->has_memory = true;
    t->early_accesses += is_early(t);
    t->load_count++;
    uint64_t sum_bits, end;
    const bool is_known = base.is_const && !__builtin_add_overflow(base.bits, offset, &sum_bits) &&
                          !__builtin_add_overflow(sum_bits, size, &end) && end <= t->m->bytes_min;
    if (is_known) {
        const uint32_t sum = (uint32_t) sum_bits;
        const unsigned log2 = sum == 0 ? ALIGN_LOG2_MAX : (unsigned) __builtin_ctz(sum);
        *access = (struct access){u32_const(t, sum), log2};
        return true;
    }
    unsigned offset_log2 = ALIGN_LOG2_MAX;
    if (offset != 0 && (unsigned) __builtin_ctzll(offset) < offset_log2) {
        offset_log2 = (unsigned) __builtin_ctzll(offset);
    }
    unsigned wanted = op->memarg.align_log2;
    wanted = wanted < log2_of(size) ? wanted : log2_of(size);
    wanted = wanted < offset_log2 ? wanted : offset_log2;
    const unsigned known = wj_spv_align_known(t, &base);
    const unsigned used = wj_spv_align_use(t, &base, wanted);
    access->align_log2 = known > used ? known : used;
    if (offset_log2 < access->align_log2) {
        access->align_log2 = offset_log2;
    }
    return check_bounds(t, op, base, size, &access->address);
}

bool wj_spv_open_access(struct wj_spv_translator *t, const struct wj_op *op, uint32_t size,
                        uint32_t *address)
{
    struct access access;
    const bool is_good = open_access(t, op, size, &access);
    *address = access.address;
    return is_good;
}

// Loads. All in words; those that may be unaligned take one word more and shift, without a branch.

static uint32_t load_word(struct wj_spv_translator *t, uint32_t index)
{
    if (wj_spv_has_window(t)) {
        return wj_spv_window_load(t, index);
    }
    return wj_spv_view_read(t, VIEW_WORDS, t->types[REPR_U32],
                            wj_spv_view_pointer(t, VIEW_WORDS, index));
}

static uint32_t word_index(struct wj_spv_translator *t, uint32_t address)
{
    return u32_op(t, SpvOpShiftRightLogical, address, u32_const(t, 2));
}

// The bit position of the address in its word: (address & 3) * 8.
static uint32_t bit_position(struct wj_spv_translator *t, uint32_t address)
{
    const uint32_t bits = u32_op(t, SpvOpShiftLeftLogical, address, u32_const(t, 3));
    return u32_op(t, SpvOpBitwiseAnd, bits, u32_const(t, 24));
}

// (high:low) >> shift, for shift < 32; high counts only when shift is not 0.
static uint32_t funnel(struct wj_spv_translator *t, uint32_t low, uint32_t high, uint32_t shift)
{
    const uint32_t right = u32_op(t, SpvOpShiftRightLogical, low, shift);
    const uint32_t other = u32_op(t, SpvOpISub, u32_const(t, 31), shift);
    const uint32_t once = u32_op(t, SpvOpShiftLeftLogical, high, u32_const(t, 1));
    const uint32_t left = u32_op(t, SpvOpShiftLeftLogical, once, other);
    return u32_op(t, SpvOpBitwiseOr, right, left);
}

static void load_words(struct wj_spv_translator *t, const struct access *access, unsigned count,
                       uint32_t *words)
{
    const uint32_t index = word_index(t, access->address);
    if (access->align_log2 >= 2) {
        for (unsigned i = 0; i < count; i++) {
            words[i] = load_word(t, add_const(t, index, i));
        }
        return;
    }
    // The word behind is touched only when the address is unaligned.
    const uint32_t last = word_index(t, add_const(t, access->address, 3));
    const uint32_t shift = bit_position(t, access->address);
    const uint32_t is_aligned =
        WJ_SPV_OP(&t->b, SpvOpIEqual, t->types[REPR_BOOL], shift, u32_const(t, 0));
    uint32_t low = load_word(t, index);
    for (unsigned i = 0; i < count; i++) {
        const uint32_t high = load_word(t, add_const(t, last, i));
        words[i] = wj_spv_select(t, REPR_U32, is_aligned, high, funnel(t, low, high, shift));
        low = high;
    }
}

static uint32_t load_vector(struct wj_spv_translator *t, const struct access *access)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t type = t->types[REPR_U32X4];
    if (access->align_log2 >= 4 && !wj_spv_has_window(t)) {
        const uint32_t index = u32_op(t, SpvOpShiftRightLogical, access->address, u32_const(t, 4));
        return wj_spv_view_read(t, VIEW_VECTORS, type, wj_spv_view_pointer(t, VIEW_VECTORS, index));
    }
    uint32_t words[4];
    load_words(t, access, 4, words);
    return wj_spv_result(b, SpvOpCompositeConstruct, type, words, 4);
}

static uint32_t load_small(struct wj_spv_translator *t, const struct access *access, uint32_t size,
                           bool is_signed)
{
    const uint32_t shift = bit_position(t, access->address);
    uint32_t word = load_word(t, word_index(t, access->address));
    if (size == 2 && access->align_log2 == 0) {
        const uint32_t high = load_word(t, word_index(t, add_const(t, access->address, 1)));
        word = funnel(t, word, high, shift);
    } else {
        word = u32_op(t, SpvOpShiftRightLogical, word, shift);
    }
    if (is_signed) {
        return wj_spv_extend(t, REPR_U32, word, size * 8);
    }
    return u32_op(t, SpvOpBitwiseAnd, word, u32_const(t, size == 1 ? 0xff : 0xffff));
}

static uint32_t vector_of(struct wj_spv_translator *t, uint32_t a, uint32_t b, uint32_t c,
                          uint32_t d)
{
    return WJ_SPV_OP(&t->b, SpvOpCompositeConstruct, t->types[REPR_U32X4], a, b, c, d);
}

// Two words of narrow lanes, widened to twice the width.
static uint32_t load_extended(struct wj_spv_translator *t, const uint32_t words[2],
                              unsigned lane_bits, bool is_signed)
{
    uint32_t out[4];
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t word = words[i / 2];
        const unsigned half = i % 2 * 16;
        if (lane_bits == 32) {
            out[i] = i % 2 == 0  ? word
                     : is_signed ? u32_op(t, SpvOpShiftRightArithmetic, word, u32_const(t, 31))
                                 : u32_const(t, 0);
            continue;
        }
        const uint32_t moved = u32_op(t, SpvOpShiftRightLogical, word, u32_const(t, half));
        if (lane_bits == 16) {
            out[i] = is_signed ? wj_spv_extend(t, REPR_U32, moved, 16)
                               : u32_op(t, SpvOpBitwiseAnd, moved, u32_const(t, 0xffff));
            continue;
        }
        const uint32_t low = is_signed ? wj_spv_extend(t, REPR_U32, moved, 8)
                                       : u32_op(t, SpvOpBitwiseAnd, moved, u32_const(t, 0xff));
        const uint32_t next = u32_op(t, SpvOpShiftRightLogical, moved, u32_const(t, 8));
        const uint32_t high = is_signed ? wj_spv_extend(t, REPR_U32, next, 8)
                                        : u32_op(t, SpvOpBitwiseAnd, next, u32_const(t, 0xff));
        const uint32_t low16 = u32_op(t, SpvOpBitwiseAnd, low, u32_const(t, 0xffff));
        const uint32_t high16 = u32_op(t, SpvOpShiftLeftLogical, high, u32_const(t, 16));
        out[i] = u32_op(t, SpvOpBitwiseOr, low16, high16);
    }
    return vector_of(t, out[0], out[1], out[2], out[3]);
}

static bool load_v128(struct wj_spv_translator *t, const struct wj_op *op)
{
    static const uint8_t sizes[] = {
        [LOAD_V128 - LOAD_V128] = 16,         [LOAD_V128_8X8_S - LOAD_V128] = 8,
        [LOAD_V128_8X8_U - LOAD_V128] = 8,    [LOAD_V128_16X4_S - LOAD_V128] = 8,
        [LOAD_V128_16X4_U - LOAD_V128] = 8,   [LOAD_V128_32X2_S - LOAD_V128] = 8,
        [LOAD_V128_32X2_U - LOAD_V128] = 8,   [LOAD_V128_8_SPLAT - LOAD_V128] = 1,
        [LOAD_V128_16_SPLAT - LOAD_V128] = 2, [LOAD_V128_32_SPLAT - LOAD_V128] = 4,
        [LOAD_V128_64_SPLAT - LOAD_V128] = 8, [LOAD_V128_32_ZERO - LOAD_V128] = 4,
        [LOAD_V128_64_ZERO - LOAD_V128] = 8,
    };
    struct access access;
    const uint32_t size = sizes[op->sub - LOAD_V128];
    if (!open_access(t, op, size, &access)) {
        return false;
    }
    const uint32_t zero = wj_spv_zero(t, REPR_U32);
    uint32_t words[2] = {zero, zero};
    uint32_t id = 0;
    if (size == 4 || size == 8) {
        load_words(t, &access, size / 4, words);
    } else if (size < 4) {
        const uint32_t lane = load_small(t, &access, size, false);
        words[0] = u32_op(t, SpvOpIMul, lane, u32_const(t, size == 1 ? 0x01010101 : 0x00010001));
    }
    switch ((enum wj_load_op) op->sub) {
    case LOAD_V128_8X8_S: id = load_extended(t, words, 8, true); break;
    case LOAD_V128_8X8_U: id = load_extended(t, words, 8, false); break;
    case LOAD_V128_16X4_S: id = load_extended(t, words, 16, true); break;
    case LOAD_V128_16X4_U: id = load_extended(t, words, 16, false); break;
    case LOAD_V128_32X2_S: id = load_extended(t, words, 32, true); break;
    case LOAD_V128_32X2_U: id = load_extended(t, words, 32, false); break;
    case LOAD_V128_8_SPLAT:
    case LOAD_V128_16_SPLAT:
    case LOAD_V128_32_SPLAT: id = vector_of(t, words[0], words[0], words[0], words[0]); break;
    case LOAD_V128_64_SPLAT: id = vector_of(t, words[0], words[1], words[0], words[1]); break;
    case LOAD_V128_32_ZERO:
    case LOAD_V128_64_ZERO: id = vector_of(t, words[0], words[1], zero, zero); break;
    default: id = load_vector(t, &access); break;
    }
    struct wj_spv_value value = wj_spv_value(id, REPR_U32X4);
    value.is_dynamic = true;
    wj_spv_push(t, value);
    return true;
}

struct load {
    uint8_t size_bytes;
    bool is_signed;
};

static const struct load loads[] = {
    [LOAD_I32] = {4, false},     [LOAD_I64] = {8, false},      [LOAD_F32] = {4, false},
    [LOAD_F64] = {8, false},     [LOAD_I32_8_S] = {1, true},   [LOAD_I32_8_U] = {1, false},
    [LOAD_I32_16_S] = {2, true}, [LOAD_I32_16_U] = {2, false}, [LOAD_I64_8_S] = {1, true},
    [LOAD_I64_8_U] = {1, false}, [LOAD_I64_16_S] = {2, true},  [LOAD_I64_16_U] = {2, false},
    [LOAD_I64_32_S] = {4, true}, [LOAD_I64_32_U] = {4, false},
};

static bool load_scalar(struct wj_spv_translator *t, const struct wj_op *op)
{
    const struct load *load = &loads[op->sub];
    const bool is_64 = op->type == NUM_I64 || op->type == NUM_F64;
    const wj_valtype type = op->type == NUM_F64 ? WJ_TYPE_F64 : WJ_TYPE_I64;
    struct access access;
    if ((is_64 && !wj_spv_check_type(t, op, type)) ||
        !open_access(t, op, load->size_bytes, &access)) {
        return false;
    }
    uint32_t words[2];
    if (load->size_bytes < 4) {
        words[0] = load_small(t, &access, load->size_bytes, load->is_signed);
    } else {
        load_words(t, &access, load->size_bytes / 4, words);
    }
    struct wj_spv_value value = wj_spv_value(words[0], REPR_U32);
    if (load->size_bytes == 8) {
        value = wj_spv_value(wj_spv_join64(t, words), REPR_U64);
    } else if (is_64) {
        value = wj_spv_value(wj_spv_resize(t, REPR_U64, words[0], load->is_signed), REPR_U64);
    }
    if (op->sub == (t->is_64 ? LOAD_I64 : LOAD_I32)) { // it may be a pointer
        wj_spv_align_root(t, op, &value);
    }
    value.is_dynamic = true;
    wj_spv_push(t, value);
    return true;
}

// Stores.

// Opens the block of a store, entered while the item has not stopped; returns its merge.
static uint32_t begin_store(struct wj_spv_translator *t)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t then = wj_spv_id(b);
    const uint32_t merge = wj_spv_id(b);
    const uint32_t stop = WJ_SPV_OP(b, SpvOpLoad, t->types[REPR_U32], t->stop);
    const uint32_t goes_on = WJ_SPV_OP(b, SpvOpIEqual, t->types[REPR_BOOL], stop, u32_const(t, 0));
    wj_spv_selection(b, merge);
    wj_spv_branch_if(b, goes_on, then, merge);
    wj_spv_open(t, then, true);
    return merge;
}

static void end_store(struct wj_spv_translator *t, uint32_t merge)
{
    wj_spv_branch(&t->b, merge);
    wj_spv_open(t, merge, true);
}

static void call_store(struct wj_spv_translator *t, uint32_t *helper, uint32_t address,
                       uint32_t value)
{
    if (*helper == 0) {
        *helper = wj_spv_id(&t->b);
    }
    WJ_SPV_OP(&t->b, SpvOpFunctionCall, wj_spv_type_void(&t->b), *helper, address, value);
}

static void store_aligned(struct wj_spv_translator *t, uint32_t address, const uint32_t *words,
                          unsigned count)
{
    const uint32_t index = word_index(t, address);
    for (unsigned i = 0; i < count; i++) {
        if (wj_spv_has_window(t)) {
            wj_spv_window_store(t, add_const(t, index, i), words[i]);
            continue;
        }
        const uint32_t pointer = wj_spv_view_pointer(t, VIEW_WORDS, add_const(t, index, i));
        wj_spv_view_write(t, VIEW_WORDS, pointer, words[i]);
    }
}

static void store_words(struct wj_spv_translator *t, const struct access *access,
                        const uint32_t *words, unsigned count)
{
    struct wj_spv_builder *b = &t->b;
    if (access->align_log2 >= 2) {
        store_aligned(t, access->address, words, count);
        return;
    }
    const uint32_t even = wj_spv_id(b);
    const uint32_t odd = wj_spv_id(b);
    const uint32_t merge = wj_spv_id(b);
    const uint32_t low = u32_op(t, SpvOpBitwiseAnd, access->address, u32_const(t, 3));
    const uint32_t is_even = WJ_SPV_OP(b, SpvOpIEqual, t->types[REPR_BOOL], low, u32_const(t, 0));
    wj_spv_selection(b, merge);
    wj_spv_branch_if(b, is_even, even, odd);
    wj_spv_open(t, even, true);
    store_aligned(t, access->address, words, count);
    wj_spv_branch(b, merge);
    wj_spv_open(t, odd, true);
    for (unsigned i = 0; i < count; i++) {
        call_store(t, &t->m->store_word, add_const(t, access->address, 4 * i), words[i]);
    }
    wj_spv_branch(b, merge);
    wj_spv_open(t, merge, true);
}

static void store_value(struct wj_spv_translator *t, const struct access *access,
                        struct wj_spv_value value, uint32_t size)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    uint32_t words[4] = {0};
    if (size == 16) {
        const uint32_t vector = wj_spv_as(t, value, REPR_U32X4);
        if (access->align_log2 >= 4 && !wj_spv_has_window(t)) {
            const uint32_t index =
                u32_op(t, SpvOpShiftRightLogical, access->address, u32_const(t, 4));
            wj_spv_view_write(t, VIEW_VECTORS, wj_spv_view_pointer(t, VIEW_VECTORS, index), vector);
            return;
        }
        for (uint32_t i = 0; i < 4; i++) {
            words[i] = WJ_SPV_OP(b, SpvOpCompositeExtract, u32, vector, i);
        }
    } else if (size == 8) {
        wj_spv_split64(t, wj_spv_as(t, value, REPR_U64), words);
    } else {
        words[0] = value.repr == REPR_U64 || value.repr == REPR_F64
                       ? wj_spv_resize(t, REPR_U32, wj_spv_as(t, value, REPR_U64), false)
                       : wj_spv_as(t, value, REPR_U32);
    }
    if (size >= 4) {
        store_words(t, access, words, size / 4);
        return;
    }
    call_store(t, &t->m->store_byte, access->address, words[0]);
    if (size == 2) {
        const uint32_t high = u32_op(t, SpvOpShiftRightLogical, words[0], u32_const(t, 8));
        call_store(t, &t->m->store_byte, add_const(t, access->address, 1), high);
    }
}

static bool store(struct wj_spv_translator *t, const struct wj_op *op, struct wj_spv_value value,
                  uint32_t size)
{
    struct access access;
    wj_spv_effect(t);
    if (!open_access(t, op, size, &access)) {
        return false;
    }
    const uint32_t merge = begin_store(t);
    store_value(t, &access, value, size);
    end_store(t, merge);
    return true;
}

static bool store_op(struct wj_spv_translator *t, const struct wj_op *op)
{
    static const uint8_t sizes[] = {
        [STORE_I32] = 4,    [STORE_I64] = 8,    [STORE_F32] = 4,   [STORE_F64] = 8,
        [STORE_I32_8] = 1,  [STORE_I32_16] = 2, [STORE_I64_8] = 1, [STORE_I64_16] = 2,
        [STORE_I64_32] = 4, [STORE_V128] = 16,
    };
    return store(t, op, wj_spv_pop(t), sizes[op->sub]);
}

// Lanes.

static bool load_lane(struct wj_spv_translator *t, const struct wj_op *op)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t size = op->type == SHAPE_I8X16   ? 1
                          : op->type == SHAPE_I16X8 ? 2
                          : op->type == SHAPE_I32X4 ? 4
                                                    : 8;
    const uint32_t vector_type = t->types[REPR_U32X4];
    uint32_t vector = wj_spv_as(t, wj_spv_pop(t), REPR_U32X4);
    struct access access;
    if (!open_access(t, op, size, &access)) {
        return false;
    }
    uint32_t words[2];
    const uint32_t first = op->lane * size / 4;
    if (size >= 4) {
        load_words(t, &access, size / 4, words);
    } else {
        const uint32_t lane = load_small(t, &access, size, false);
        const uint32_t old = WJ_SPV_OP(b, SpvOpCompositeExtract, t->types[REPR_U32], vector, first);
        const uint32_t at = u32_const(t, op->lane * size % 4 * 8);
        words[0] = WJ_SPV_OP(b, SpvOpBitFieldInsert, t->types[REPR_U32], old, lane, at,
                             u32_const(t, size * 8));
    }
    for (uint32_t i = 0; i < (size == 8 ? 2u : 1u); i++) {
        vector = WJ_SPV_OP(b, SpvOpCompositeInsert, vector_type, words[i], vector, first + i);
    }
    wj_spv_push(t, wj_spv_value(vector, REPR_U32X4));
    return true;
}

static bool store_lane(struct wj_spv_translator *t, const struct wj_op *op)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    const uint32_t size = op->type == SHAPE_I8X16   ? 1
                          : op->type == SHAPE_I16X8 ? 2
                          : op->type == SHAPE_I32X4 ? 4
                                                    : 8;
    const uint32_t vector = wj_spv_as(t, wj_spv_pop(t), REPR_U32X4);
    const uint32_t first = op->lane * size / 4;
    uint32_t words[2];
    words[0] = WJ_SPV_OP(b, SpvOpCompositeExtract, u32, vector, first);
    if (size == 8) {
        struct access access;
        words[1] = WJ_SPV_OP(b, SpvOpCompositeExtract, u32, vector, first + 1);
        wj_spv_effect(t);
        if (!open_access(t, op, size, &access)) {
            return false;
        }
        const uint32_t merge = begin_store(t);
        store_words(t, &access, words, 2);
        end_store(t, merge);
        return true;
    }
    if (size < 4) {
        words[0] =
            u32_op(t, SpvOpShiftRightLogical, words[0], u32_const(t, op->lane * size % 4 * 8));
    }
    return store(t, op, wj_spv_value(words[0], REPR_U32), size);
}

uint32_t wj_spv_load_word_at(struct wj_spv_translator *t, uint32_t address)
{
    return load_word(t, word_index(t, address));
}

void wj_spv_store_word_at(struct wj_spv_translator *t, uint32_t address, uint32_t word)
{
    store_aligned(t, address, &word, 1);
}

void wj_spv_store_byte_at(struct wj_spv_translator *t, uint32_t address, uint32_t byte)
{
    call_store(t, &t->m->store_byte, address, byte);
}

static bool memory_size(struct wj_spv_translator *t, const struct wj_op *op)
{
    if (op->sub == MEMORY_FILL || op->sub == MEMORY_COPY) {
        return wj_spv_bulk(t, op);
    }
    if (op->sub != MEMORY_SIZE) {
        static const char *const names[] = {
            [MEMORY_GROW] = "memory.grow: grow before the dispatch",
            [MEMORY_INIT] = "memory.init: copy from an active segment",
            [DATA_DROP] = "data.drop",
        };
        return wj_spv_refuse(t, op, "%s", names[op->sub]);
    }
    if (!wj_spv_use_memory(t, op, op->index)) {
        return false;
    }
    const unsigned log2 = t->module->memories[op->index].type.page_size_log2;
    uint32_t pages = t->m->bytes_low;
    if (log2 != 0) {
        const uint32_t low = u32_op(t, SpvOpShiftRightLogical, t->m->bytes_low, u32_const(t, log2));
        const uint32_t high =
            u32_op(t, SpvOpShiftLeftLogical, t->m->bytes_high, u32_const(t, 32 - log2));
        pages = u32_op(t, SpvOpBitwiseOr, low, high);
    }
    wj_spv_push(t, t->m->is_64 ? wj_spv_value(wj_spv_resize(t, REPR_U64, pages, false), REPR_U64)
                               : wj_spv_value(pages, REPR_U32));
    return true;
}

bool wj_spv_memory(struct wj_spv_translator *t, const struct wj_op *op)
{
    switch ((enum wj_family) op->family) {
    case FAM_LOAD: return op->sub >= LOAD_V128 ? load_v128(t, op) : load_scalar(t, op);
    case FAM_STORE: return store_op(t, op);
    case FAM_LOAD_LANE: return load_lane(t, op);
    case FAM_STORE_LANE: return store_lane(t, op);
    default: return memory_size(t, op);
    }
}

// Functions for stores of parts of words.

// Replaces the bits of `mask` in a word by those of `bits`. Other items may own the other bytes of
// the word, so it is done by atomic operations.
static void merge_bits(struct wj_spv_translator *t, uint32_t index, uint32_t mask, uint32_t bits)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    const uint32_t pointer = wj_spv_view_pointer(t, VIEW_WORDS, index);
    const uint32_t scope = u32_const(t, SpvScopeDevice);
    const uint32_t relaxed = u32_const(t, SpvMemorySemanticsMaskNone);
    const uint32_t others = WJ_SPV_OP(b, SpvOpNot, u32, mask);
    WJ_SPV_OP(b, SpvOpAtomicAnd, u32, pointer, scope, relaxed, others);
    WJ_SPV_OP(b, SpvOpAtomicOr, u32, pointer, scope, relaxed, bits);
}

static void begin_helper(struct wj_spv_translator *t, uint32_t id, uint32_t params[2])
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    const uint32_t void_type = wj_spv_type_void(b);
    const uint32_t type = wj_spv_type(b, SpvOpTypeFunction, WJ_SPV_ARGS(void_type, u32, u32));
    wj_spv_function_begin(b, id, type, void_type);
    params[0] = wj_spv_function_parameter(b, u32);
    params[1] = wj_spv_function_parameter(b, u32);
}

static void end_helper(struct wj_spv_translator *t)
{
    wj_spv_raw(&t->b.body, SpvOpReturn, NULL, 0);
    t->b.is_terminated = true;
    wj_spv_function_end(&t->b);
}

void wj_spv_store_byte_view(struct wj_spv_translator *t, uint32_t address, uint32_t byte)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t narrow = WJ_SPV_OP(b, SpvOpUConvert, wj_spv_type_int(b, 8), byte);
    wj_spv_view_write(t, VIEW_BYTES, wj_spv_view_pointer(t, VIEW_BYTES, address), narrow);
}

static void make_store_byte(struct wj_spv_translator *t)
{
    uint32_t params[2];
    begin_helper(t, t->m->store_byte, params);
    if (wj_spv_has_window(t)) {
        wj_spv_window_store_byte(t, params[0], params[1]);
    } else if (t->elements[VIEW_BYTES] != 0) {
        wj_spv_store_byte_view(t, params[0], params[1]);
    } else {
        const uint32_t shift = bit_position(t, params[0]);
        const uint32_t byte = u32_op(t, SpvOpBitwiseAnd, params[1], u32_const(t, 0xff));
        const uint32_t bits = u32_op(t, SpvOpShiftLeftLogical, byte, shift);
        const uint32_t mask = u32_op(t, SpvOpShiftLeftLogical, u32_const(t, 0xff), shift);
        merge_bits(t, word_index(t, params[0]), mask, bits);
    }
    end_helper(t);
}

// The address is not a multiple of 4: two words take part.
static void make_store_word(struct wj_spv_translator *t)
{
    uint32_t params[2];
    begin_helper(t, t->m->store_word, params);
    if (t->elements[VIEW_BYTES] != 0 || wj_spv_has_window(t)) {
        for (uint32_t i = 0; i < 4; i++) {
            const uint32_t byte = u32_op(t, SpvOpShiftRightLogical, params[1], u32_const(t, 8 * i));
            call_store(t, &t->m->store_byte, add_const(t, params[0], i), byte);
        }
    } else {
        const uint32_t shift = bit_position(t, params[0]);
        const uint32_t back = u32_op(t, SpvOpISub, u32_const(t, 32), shift);
        const uint32_t index = word_index(t, params[0]);
        const uint32_t all = u32_const(t, UINT32_MAX);
        uint32_t bits = u32_op(t, SpvOpShiftLeftLogical, params[1], shift);
        uint32_t mask = u32_op(t, SpvOpShiftLeftLogical, all, shift);
        merge_bits(t, index, mask, bits);
        bits = u32_op(t, SpvOpShiftRightLogical, params[1], back);
        mask = u32_op(t, SpvOpShiftRightLogical, all, back);
        merge_bits(t, add_const(t, index, 1), mask, bits);
    }
    end_helper(t);
}

void wj_spv_memory_helpers(struct wj_spv_translator *t)
{
    for (uint32_t slot = 0; slot < t->memory_count; slot++) {
        t->m = &t->memories[slot];
        if (t->m->store_word != 0) {
            make_store_word(t);
        }
        if (t->m->store_byte != 0) {
            make_store_byte(t);
        }
    }
}
