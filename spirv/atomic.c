// Atomic accesses: functions of the shader, one for each operation and width, made at the end when
// they were called. What a word's operation cannot do to a part of it is a loop of exchanges.
#include "spirv/u32.h"
#include "wasm/opcode.h"

// What is done, beside the operations of enum wj_rmw.
enum { DO_LOAD = RMW_CMPXCHG + 1, DO_STORE, DO_COUNT };

_Static_assert((int) DO_COUNT == (int) WJ_SPV_ATOMICS, "a function for each operation");

static const SpvOp instructions[] = {
    [RMW_ADD] = SpvOpAtomicIAdd, [RMW_SUB] = SpvOpAtomicISub,  [RMW_AND] = SpvOpAtomicAnd,
    [RMW_OR] = SpvOpAtomicOr,    [RMW_XOR] = SpvOpAtomicXor,   [RMW_XCHG] = SpvOpAtomicExchange,
    [DO_LOAD] = SpvOpAtomicLoad, [DO_STORE] = SpvOpAtomicStore};

static const SpvOp plain_instructions[] = {[RMW_ADD] = SpvOpIAdd,
                                           [RMW_SUB] = SpvOpISub,
                                           [RMW_AND] = SpvOpBitwiseAnd,
                                           [RMW_OR] = SpvOpBitwiseOr,
                                           [RMW_XOR] = SpvOpBitwiseXor};

// An access in the making: of a whole word or two, or of a part of a word.
struct access {
    struct wj_spv_work work; // first
    unsigned what;
    unsigned width_log2;
    enum wj_spv_repr repr;
    uint32_t operand;  // in its place in the word
    uint32_t expected; // of a compare-exchange, in the word's lowest bits
    uint32_t shift, mask;
};

// Vulkan knows no order over all accesses: acquire and release is the most that there is. Where
// the driver takes that for a barrier of control, the operation goes without (see make_coherent).
static uint32_t semantics_of(struct wj_spv_translator *t, unsigned what, enum wj_spv_place place)
{
    const uint32_t order = what == DO_LOAD    ? SpvMemorySemanticsAcquireMask
                           : what == DO_STORE ? SpvMemorySemanticsReleaseMask
                                              : SpvMemorySemanticsAcquireReleaseMask;
    if (t->caps->memory_order != WJ_GPU_NATIVE) {
        return u32_const(t, SpvMemorySemanticsMaskNone);
    }
    return u32_const(t, order | (place == PLACE_SHARED ? SpvMemorySemanticsWorkgroupMemoryMask
                                                       : SpvMemorySemanticsUniformMemoryMask));
}

static uint32_t scope_of(struct wj_spv_translator *t, enum wj_spv_place place)
{
    return u32_const(t, place == PLACE_SHARED ? SpvScopeWorkgroup : SpvScopeDevice);
}

static uint32_t compare_exchange(struct wj_spv_translator *t, const struct access *access,
                                 const struct wj_spv_where *where, uint32_t value,
                                 uint32_t expected)
{
    const uint32_t scope = scope_of(t, where->place);
    const uint32_t equal = semantics_of(t, RMW_CMPXCHG, where->place);
    const uint32_t unequal = semantics_of(t, DO_LOAD, where->place);
    return WJ_SPV_OP(&t->b, SpvOpAtomicCompareExchange, t->types[access->repr], where->pointer,
                     scope, equal, unequal, value, expected);
}

// What the operation makes of an old value.
static uint32_t compute(struct wj_spv_translator *t, const struct access *access, uint32_t old)
{
    if (access->what == RMW_CMPXCHG) {
        const uint32_t is_same = wj_spv_icompare(t, access->repr, ICMP_EQ, old, access->expected);
        return wj_spv_select(t, access->repr, is_same, access->operand, old);
    }
    if (access->what == RMW_XCHG || access->what == DO_STORE) {
        return access->operand;
    }
    return WJ_SPV_OP(&t->b, plain_instructions[access->what], t->types[access->repr], old,
                     access->operand);
}

// ---- Whole words --------------------------------------------------------------------------------

static uint32_t load_private(struct wj_spv_translator *t, const struct access *access,
                             const uint32_t pointers[2])
{
    uint32_t words[2];
    for (unsigned i = 0; i < (access->width_log2 == 3 ? 2u : 1u); i++) {
        words[i] = WJ_SPV_OP(&t->b, SpvOpLoad, t->types[REPR_U32], pointers[i]);
    }
    return access->width_log2 == 3 ? wj_spv_join64(t, words) : words[0];
}

// The item's own memory: nobody else is there.
static void do_private(struct wj_spv_translator *t, const struct access *access,
                       const struct wj_spv_where *where)
{
    struct wj_spv_builder *b = &t->b;
    uint32_t pointers[2] = {where->pointer};
    if (access->width_log2 == 3) {
        const uint32_t next = u32_op(t, SpvOpIAdd, where->index, u32_const(t, 1));
        pointers[1] = wj_spv_private_word(t, next);
    }
    const uint32_t old = load_private(t, access, pointers);
    WJ_SPV_DO(b, SpvOpStore, access->work.result, old);
    if (access->what == DO_LOAD) {
        return;
    }
    uint32_t words[2] = {compute(t, access, old)};
    if (access->width_log2 == 3) {
        wj_spv_split64(t, words[0], words);
        WJ_SPV_DO(b, SpvOpStore, pointers[1], words[1]);
    }
    WJ_SPV_DO(b, SpvOpStore, pointers[0], words[0]);
}

static void emit_whole(struct wj_spv_translator *t, const struct wj_spv_work *work,
                       const struct wj_spv_where *where)
{
    const struct access *access = (const struct access *) work;
    struct wj_spv_builder *b = &t->b;
    if (where->place == PLACE_PRIVATE) {
        do_private(t, access, where);
        return;
    }
    struct wj_spv_where at = *where;
    if (access->width_log2 == 3) { // never in shared memory
        const uint32_t index = u32_op(t, SpvOpShiftRightLogical, where->index, u32_const(t, 1));
        at.pointer = wj_spv_view_pointer(t, VIEW_PAIRS, index);
    }
    const uint32_t scope = scope_of(t, at.place);
    const uint32_t semantics = semantics_of(t, access->what, at.place);
    const uint32_t type = t->types[access->repr];
    uint32_t old;
    switch (access->what) {
    case DO_STORE:
        WJ_SPV_DO(b, SpvOpAtomicStore, at.pointer, scope, semantics, access->operand);
        return;
    case DO_LOAD: old = WJ_SPV_OP(b, SpvOpAtomicLoad, type, at.pointer, scope, semantics); break;
    case RMW_CMPXCHG:
        old = compare_exchange(t, access, &at, access->operand, access->expected);
        break;
    default:
        old = WJ_SPV_OP(b, instructions[access->what], type, at.pointer, scope, semantics,
                        access->operand);
    }
    WJ_SPV_DO(b, SpvOpStore, work->result, old);
}

// ---- Parts of words -----------------------------------------------------------------------------

static bool takes_loop(unsigned what, unsigned width_log2)
{
    return width_log2 < 2 && (what == RMW_ADD || what == RMW_SUB || what == RMW_XCHG ||
                              what == RMW_CMPXCHG || what == DO_STORE);
}

static uint32_t part_of(struct wj_spv_translator *t, const struct access *access, uint32_t word)
{
    const uint32_t low = u32_op(t, SpvOpShiftRightLogical, word, access->shift);
    return u32_op(t, SpvOpBitwiseAnd, low, access->mask);
}

static uint32_t with_part(struct wj_spv_translator *t, const struct access *access, uint32_t word,
                          uint32_t part)
{
    const uint32_t place = u32_op(t, SpvOpShiftLeftLogical, access->mask, access->shift);
    const uint32_t others = WJ_SPV_OP(&t->b, SpvOpNot, t->types[REPR_U32], place);
    const uint32_t kept = u32_op(t, SpvOpBitwiseAnd, word, others);
    const uint32_t low = u32_op(t, SpvOpBitwiseAnd, part, access->mask);
    return u32_op(t, SpvOpBitwiseOr, kept, u32_op(t, SpvOpShiftLeftLogical, low, access->shift));
}

// Another round costs fuel; without any the item stops. Gives whether there was some.
static uint32_t pay(struct wj_spv_translator *t)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    const uint32_t zero = u32_const(t, 0);
    const uint32_t fuel = WJ_SPV_OP(b, SpvOpLoad, u32, t->fuel);
    const uint32_t has_fuel = u32_test(t, SpvOpINotEqual, fuel, zero);
    const uint32_t left = u32_op(t, SpvOpISub, fuel, u32_const(t, 1));
    WJ_SPV_DO(b, SpvOpStore, t->fuel, u32_choose(t, has_fuel, left, zero));
    const uint32_t site = u32_const(t, (uint32_t) WJ_TRAP_INTERRUPTED << 28);
    WJ_SPV_DO(b, SpvOpStore, t->stop, u32_choose(t, has_fuel, zero, site));
    return has_fuel;
}

// Exchanges the word until nobody came between. There are two ways out, with values of their own:
// see control.c for drivers that lose them.
static void emit_loop(struct wj_spv_translator *t, const struct access *access,
                      const struct wj_spv_where *where)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    const uint32_t variable = access->work.result;
    const uint32_t header = wj_spv_id(b), body = wj_spv_id(b);
    const uint32_t next = wj_spv_id(b), merge = wj_spv_id(b);
    const uint32_t acquire = semantics_of(t, DO_LOAD, where->place);
    WJ_SPV_DO(
        b, SpvOpStore, variable,
        WJ_SPV_OP(b, SpvOpAtomicLoad, u32, where->pointer, scope_of(t, where->place), acquire));
    wj_spv_branch(b, header);
    wj_spv_label(b, header);
    WJ_SPV_DO(b, SpvOpLoopMerge, merge, next, SpvLoopControlMaskNone);
    wj_spv_branch(b, body);
    wj_spv_label(b, body);
    const uint32_t old = WJ_SPV_OP(b, SpvOpLoad, u32, variable);
    const uint32_t part = compute(t, access, part_of(t, access, old));
    const uint32_t found = compare_exchange(t, access, where, with_part(t, access, old, part), old);
    WJ_SPV_DO(b, SpvOpStore, variable, found);
    wj_spv_branch_if(b, u32_test(t, SpvOpIEqual, found, old), merge, next);
    wj_spv_label(b, next);
    const uint32_t has_fuel = pay(t);
    WJ_SPV_DO(b, SpvOpStore, variable, wj_spv_opaque(t, REPR_U32, found));
    wj_spv_branch_if(b, has_fuel, header, merge);
    wj_spv_label(b, merge);
    const uint32_t last = WJ_SPV_OP(b, SpvOpLoad, u32, variable);
    WJ_SPV_DO(b, SpvOpStore, variable, part_of(t, access, last));
}

static void emit_part(struct wj_spv_translator *t, const struct wj_spv_work *work,
                      const struct wj_spv_where *where)
{
    const struct access *access = (const struct access *) work;
    struct wj_spv_builder *b = &t->b;
    if (where->place == PLACE_PRIVATE) {
        const uint32_t old = WJ_SPV_OP(b, SpvOpLoad, t->types[REPR_U32], where->pointer);
        const uint32_t part = part_of(t, access, old);
        WJ_SPV_DO(b, SpvOpStore, work->result, part);
        if (access->what != DO_LOAD) {
            const uint32_t now = with_part(t, access, old, compute(t, access, part));
            WJ_SPV_DO(b, SpvOpStore, where->pointer, now);
        }
        return;
    }
    if (takes_loop(access->what, access->width_log2)) {
        emit_loop(t, access, where);
        return;
    }
    // The others leave the bits around the part as they are.
    struct access whole = *access;
    if (access->what != DO_LOAD) {
        const uint32_t none = u32_const(t, access->what == RMW_AND ? UINT32_MAX : 0);
        whole.operand = with_part(t, access, none, access->operand);
    }
    whole.width_log2 = 2;
    emit_whole(t, &whole.work, where);
    const uint32_t word = WJ_SPV_OP(b, SpvOpLoad, t->types[REPR_U32], work->result);
    WJ_SPV_DO(b, SpvOpStore, work->result, part_of(t, access, word));
}

// ---- The functions ------------------------------------------------------------------------------

// (address, operand, expected) -> old value; nothing is done once the item has stopped.
static void make_function(struct wj_spv_translator *t, unsigned what, unsigned width_log2)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    struct access access = {
        .what = what,
        .width_log2 = width_log2,
        .repr = width_log2 == 3 ? REPR_U64 : REPR_U32,
    };
    const uint32_t type = t->types[access.repr];
    const uint32_t function = wj_spv_type(b, SpvOpTypeFunction, WJ_SPV_ARGS(type, u32, type, type));
    wj_spv_function_begin(b, t->m->atomics[what][width_log2], function, type);
    const uint32_t address = wj_spv_function_parameter(b, u32);
    access.operand = wj_spv_function_parameter(b, type);
    access.expected = wj_spv_function_parameter(b, type);
    access.work.emit = width_log2 < 2 ? emit_part : emit_whole;
    access.work.result = wj_spv_function_variable(b, type);
    wj_spv_make_zero(t);
    if (width_log2 < 2) {
        const uint32_t bits = u32_op(t, SpvOpShiftLeftLogical, address, u32_const(t, 3));
        access.shift = u32_op(t, SpvOpBitwiseAnd, bits, u32_const(t, width_log2 == 0 ? 24 : 16));
        access.mask = u32_const(t, width_log2 == 0 ? 0xff : 0xffff);
        // It counts only as far as the access is wide.
        access.expected = u32_op(t, SpvOpBitwiseAnd, access.expected, access.mask);
    }
    const uint32_t then = wj_spv_id(b), merge = wj_spv_id(b);
    const uint32_t stop = WJ_SPV_OP(b, SpvOpLoad, u32, t->stop);
    const uint32_t goes_on = u32_test(t, SpvOpIEqual, stop, u32_const(t, 0));
    wj_spv_selection(b, merge);
    wj_spv_branch_if(b, goes_on, then, merge);
    wj_spv_label(b, then);
    uint32_t index = u32_op(t, SpvOpShiftRightLogical, address, u32_const(t, 2));
    if (width_log2 == 3) {
        index = u32_op(t, SpvOpBitwiseAnd, index, u32_const(t, ~1u));
    }
    wj_spv_at_place(t, &access.work, index);
    wj_spv_branch(b, merge);
    wj_spv_label(b, merge);
    WJ_SPV_DO(b, SpvOpReturnValue, WJ_SPV_OP(b, SpvOpLoad, type, access.work.result));
    b->is_terminated = true;
    wj_spv_function_end(b);
}

void wj_spv_atomic_helpers(struct wj_spv_translator *t)
{
    for (uint32_t slot = 0; slot < t->memory_count; slot++) {
        t->m = &t->memories[slot];
        for (unsigned i = 0; i < DO_COUNT * 4; i++) {
            if (t->m->atomics[i / 4][i % 4] != 0) {
                make_function(t, i / 4, i % 4);
            }
        }
    }
}

// ---- Operations ---------------------------------------------------------------------------------

static bool check_wide(struct wj_spv_translator *t, const struct wj_op *op)
{
    if (!wj_spv_check_type(t, op, WJ_TYPE_I64)) {
        return false;
    }
    if (t->uses_pairs || !t->caps->has_atomic64) {
        return wj_spv_refuse(t, op, "%s: the device has no 64-bit atomic operations",
                             wj_opcode_name(op->opcode));
    }
    if (t->window.shared_words != 0) {
        return wj_spv_refuse(t, op, "%s in a kernel with shared memory: 32 bits would do",
                             wj_opcode_name(op->opcode));
    }
    return true;
}

// The address may be a sum that wraps: of its low bits nothing is lost.
static void trap_unaligned(struct wj_spv_translator *t, const struct wj_op *op,
                           const struct wj_spv_value *base, unsigned width_log2)
{
    const uint32_t low = (1u << width_log2) - 1;
    const uint32_t offset = (uint32_t) op->memarg.offset & low;
    if (offset == 0 && wj_spv_align_known(t, base) >= width_log2) {
        return;
    }
    const uint32_t behind = u32_const(t, offset);
    const uint32_t sum = u32_op(t, SpvOpIAdd, wj_spv_low(t, *base), behind);
    const uint32_t rest = u32_op(t, SpvOpBitwiseAnd, sum, u32_const(t, low));
    wj_spv_trap_if(t, op, u32_test(t, SpvOpINotEqual, rest, u32_const(t, 0)),
                   WJ_TRAP_UNALIGNED_ATOMIC);
}

// An operand as the function takes it.
static uint32_t pop_operand(struct wj_spv_translator *t, enum wj_spv_repr repr)
{
    const struct wj_spv_value value = wj_spv_pop(t);
    const bool is_wide = value.repr == REPR_U64;
    return repr == REPR_U32 && is_wide ? wj_spv_resize(t, REPR_U32, value.id, false)
                                       : wj_spv_as(t, value, repr);
}

static bool access_op(struct wj_spv_translator *t, const struct wj_op *op, unsigned what,
                      unsigned width_log2)
{
    struct wj_spv_builder *b = &t->b;
    const enum wj_spv_repr repr = width_log2 == 3 ? REPR_U64 : REPR_U32;
    if (width_log2 == 3 && !check_wide(t, op)) {
        return false;
    }
    if (what != DO_LOAD) {
        wj_spv_effect(t);
    }
    uint32_t operand = wj_spv_const_null(b, t->types[repr]);
    uint32_t expected = operand;
    if (what != DO_LOAD) {
        operand = pop_operand(t, repr);
    }
    if (what == RMW_CMPXCHG) {
        expected = pop_operand(t, repr);
    }
    const struct wj_spv_value base = t->stack[t->stack_count - 1];
    if (width_log2 != 0) {
        trap_unaligned(t, op, &base, width_log2);
    }
    uint32_t address;
    if (!wj_spv_open_access(t, op, 1u << width_log2, &address)) {
        return false;
    }
    uint32_t *function = &t->m->atomics[what][width_log2];
    *function = *function != 0 ? *function : wj_spv_id(b);
    t->has_atomics = true;
    if (takes_loop(what, width_log2)) {
        t->has_loops = true;
        t->loop_count++; // passed by once in each call
    }
    const uint32_t old =
        WJ_SPV_OP(b, SpvOpFunctionCall, t->types[repr], *function, address, operand, expected);
    if (what == DO_STORE) {
        return true;
    }
    struct wj_spv_value value = wj_spv_value(old, repr);
    if (op->type == NUM_I64 && repr == REPR_U32) {
        value = wj_spv_value(wj_spv_resize(t, REPR_U64, old, false), REPR_U64);
    }
    value.is_dynamic = true;
    wj_spv_push(t, value);
    return true;
}

static bool other_op(struct wj_spv_translator *t, const struct wj_op *op)
{
    if (op->sub != ATOMIC_FENCE) {
        return wj_spv_refuse(t, op,
                             op->sub == ATOMIC_NOTIFY
                                 ? "memory.atomic.notify: wake threads after the dispatch"
                                 : "memory.atomic.wait: items cannot wait for each other");
    }
    t->has_atomics = true;
    if (t->caps->memory_order != WJ_GPU_NATIVE) {
        return true;
    }
    const uint32_t semantics = SpvMemorySemanticsAcquireReleaseMask |
                               SpvMemorySemanticsUniformMemoryMask |
                               SpvMemorySemanticsWorkgroupMemoryMask;
    const uint32_t scope = u32_const(t, SpvScopeDevice);
    WJ_SPV_DO(&t->b, SpvOpMemoryBarrier, scope, u32_const(t, semantics));
    return true;
}

bool wj_spv_atomic(struct wj_spv_translator *t, const struct wj_op *op)
{
    static const uint8_t load_widths[] = {
        [LOAD_I32] = 2,     [LOAD_I64] = 3,      [LOAD_I32_8_U] = 0, [LOAD_I32_16_U] = 1,
        [LOAD_I64_8_U] = 0, [LOAD_I64_16_U] = 1, [LOAD_I64_32_U] = 2};
    static const uint8_t store_widths[] = {
        [STORE_I32] = 2,   [STORE_I64] = 3,    [STORE_I32_8] = 0, [STORE_I32_16] = 1,
        [STORE_I64_8] = 0, [STORE_I64_16] = 1, [STORE_I64_32] = 2};
    if (op->type == NUM_I64 && op->family != FAM_ATOMIC_OTHER &&
        !wj_spv_check_type(t, op, WJ_TYPE_I64)) {
        return false;
    }
    if (t->caps->memory_order == WJ_GPU_REFUSED) {
        return wj_spv_refuse(t, op, "%s: the device miscounts", wj_opcode_name(op->opcode));
    }
    switch ((enum wj_family) op->family) {
    case FAM_ATOMIC_LOAD: return access_op(t, op, DO_LOAD, load_widths[op->sub]);
    case FAM_ATOMIC_STORE: return access_op(t, op, DO_STORE, store_widths[op->sub]);
    case FAM_ATOMIC_RMW: return access_op(t, op, op->sub, op->width_log2);
    default: return other_op(t, op);
    }
}
