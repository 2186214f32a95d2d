// What a device computes, found out when it is opened: what drivers advertise is no truth in
// either direction. Each operation in the translator's lowerings, on edge cases and random
// operands, against the CPU; and long loops, divergent and in both arms of an if, which one driver
// cuts short.
#include "vk/selftest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vk/impl.h"

enum {
    ITEMS = 4096,
    OPERAND_WORDS = 4, // x and y, low words first
    RESULT_WORDS = 4,  // of a scalar, or of all lanes
    LANES_MAX = 4,     // which have the operands of the item and of those that follow it
    CHECKS_MAX = 32,
    SLOTS_MAX = 2 * CHECKS_MAX, // for results: of scalars, then of vectors
    RESULTS_AT = (ITEMS + LANES_MAX) * OPERAND_WORDS,
    MEMORY_BYTES = 4 * (RESULTS_AT + ITEMS * RESULT_WORDS * SLOTS_MAX),
    LOOP_ITEMS = 64,
    LOOP_WORDS = 2,     // the count, and a value that depends on each iteration
    LOOP_LONG = 100000, // beyond the 65,535 of Mesa 22's lavapipe
    LOOP_TURNS = 8,     // invocations of a SIMD group take turns,
    LOOP_TURN = 9000,   // so that the group makes 72,000 iterations and each of it 9,000
    LOOP_ARM = 40000,   // in either arm of an if
    LOOP_GROUP_MIN = 8, // SIMD width of that lavapipe
    LOOP_VALUE_WORD = LOOP_ITEMS * LOOP_WORDS,          // of item 0, loaded in loops
    LOOP_COUNT_WORD = LOOP_VALUE_WORD + 2 * LOOP_ITEMS, // that all items add to
    LOOP_VALUE = 0x5eed5eed,
};

// Zeros, denormals, normals around powers of two, halfway cases, infinities, NaN; and as integers
// the ends of ranges and shift counts.
static const uint32_t edges32[] = {
    0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x00400000, 0x80400000, 0x007fffff, 0x807fffff,
    0x00800000, 0x80800000, 0x00800001, 0x01000001, 0x3f800000, 0xbf800000, 0x3f800001, 0x3f000000,
    0xbf000000, 0x3effffff, 0x3f7fffff, 0xbf7fffff, 0x3fc00000, 0x40200000, 0xc0200000, 0x40400000,
    0x41200000, 0x4afffffd, 0x4b000001, 0xcb000001, 0x4f000000, 0xcf000000, 0x4effffff, 0x4f7fffff,
    0x4f800000, 0x5f000000, 0xdf000000, 0x5f800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000,
    0x7fc00000, 0xffc00000, 0x7f800001, 0xff812345, 0x7fffffff, 0xffffffff, 0x0000001f, 0x00000020,
    0x00000021, 0x0000000a, 0x01000003, 0x7fffffc0, 0x80000080, 0xffffff7f,
};

static const uint64_t edges64[] = {
    0x0000000000000000, 0x8000000000000000, 0x0000000000000001, 0x8000000000000001,
    0x0008000000000000, 0x000fffffffffffff, 0x800fffffffffffff, 0x0010000000000000,
    0x8010000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x3ff0000000000001,
    0x3fe0000000000000, 0xbfe0000000000000, 0x3fdfffffffffffff, 0x3fefffffffffffff,
    0x3ff8000000000000, 0x4004000000000000, 0x4008000000000000, 0x4024000000000000,
    0x41dfffffffc00000, 0x41e0000000000000, 0xc1e0000000000000, 0xc1e0000000200000,
    0x41f0000000000000, 0x432fffffffffffff, 0x4330000000000001, 0x43e0000000000000,
    0xc3e0000000000000, 0x43f0000000000000, 0x36a0000000000000, 0x380fffffe0000000,
    0x3ff0000010000000, 0x47efffffefffffff, 0x47effffff0000000, 0x7fefffffffffffff,
    0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000, 0x7ff0000000000001,
    0x7fffffffffffffff, 0xffffffffffffffff, 0x000000000000003f, 0x0000000000000040,
    0x000000000000000a, 0x0020000000000001, 0x7f80000100000001, 0x3f8000017f800001,
    0x00000000ffffffff, 0x0000000080000000,
};

struct pair {
    uint64_t x, y;
};

// SplitMix64's mixing of a counter (Steele, Lea, Flood 2014).
static uint64_t mix(uint64_t n)
{
    n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
    return n ^ n >> 31;
}

// A random value: any bits, or a float of moderate size, so that results neither overflow nor
// vanish.
static uint64_t random_operand(uint64_t n, unsigned bits)
{
    const uint64_t r = mix(n * UINT64_C(0x9e3779b97f4a7c15) + 1);
    const uint64_t kind = mix(r) % 4;
    if (bits == 32) {
        const uint32_t low = (uint32_t) r;
        const uint32_t mild = (low & 0x807fffff) | (uint32_t) (120 + (r >> 40) % 16) << 23;
        const uint32_t small = (low & 0x80ffffff) | (uint32_t) ((r >> 40) % 90) << 23;
        return kind == 0 ? low : kind == 1 ? small : mild;
    }
    const uint64_t mild = (r & UINT64_C(0x800fffffffffffff)) | (UINT64_C(1016) + mix(r + 1) % 16)
                                                                   << 52;
    return kind == 0 ? r : kind == 1 ? mix(r + 2) >> (r % 64) : mild;
}

static struct pair operands(size_t item, unsigned bits)
{
    const size_t count =
        bits == 32 ? sizeof edges32 / sizeof *edges32 : sizeof edges64 / sizeof *edges64;
    const size_t left = item / count;
    const size_t right = item % count;
    if (left >= count) {
        return (struct pair){random_operand(item * 2, bits), random_operand(item * 2 + 1, bits)};
    }
    return bits == 32 ? (struct pair){edges32[left], edges32[right]}
                      : (struct pair){edges64[left], edges64[right]};
}

_Static_assert(sizeof edges32 / sizeof *edges32 * (sizeof edges32 / sizeof *edges32) < ITEMS - 512,
               "random operands need room");
_Static_assert(sizeof edges64 / sizeof *edges64 * (sizeof edges64 / sizeof *edges64) < ITEMS - 512,
               "random operands need room");

static uint32_t word_at(struct wj_vk_asm *a, uint32_t first, uint32_t stride, uint32_t offset)
{
    const uint32_t scaled = ASM_OP(a, SpvOpIMul, a->type_u32, a->item, wj_vk_asm_u32(a, stride));
    return ASM_OP(a, SpvOpIAdd, a->type_u32, scaled, wj_vk_asm_u32(a, first + offset));
}

static uint32_t load_operand(struct wj_vk_asm *a, unsigned bits, uint32_t offset)
{
    const uint32_t low = wj_vk_asm_load(a, word_at(a, 0, OPERAND_WORDS, offset));
    if (bits == 32) {
        return low;
    }
    return wj_vk_asm_join(a, low, wj_vk_asm_load(a, word_at(a, 0, OPERAND_WORDS, offset + 1)));
}

// The operands of an item, as vectors where the shape has lanes.
static uint32_t load_operands(struct wj_vk_asm *a, unsigned bits, unsigned lanes, uint32_t offset)
{
    uint32_t values[LANES_MAX];
    for (unsigned i = 0; i < lanes; i++) {
        values[i] = load_operand(a, bits, offset + i * OPERAND_WORDS);
    }
    if (lanes == 1) {
        return values[0];
    }
    wj_vk_asm_shape(a, lanes);
    const uint32_t type = bits == 32 ? a->type_u32 : a->type_u64;
    const uint32_t vector = wj_vk_asm_result(a, SpvOpCompositeConstruct, type, values, lanes);
    wj_vk_asm_shape(a, 1);
    return vector;
}

static void store_lane(struct wj_vk_asm *a, unsigned bits, uint32_t at, uint32_t value)
{
    if (bits == 64) {
        wj_vk_asm_store(a, word_at(a, at, RESULT_WORDS, 1), wj_vk_asm_half(a, value, 1));
        value = wj_vk_asm_half(a, value, 0);
    }
    wj_vk_asm_store(a, word_at(a, at, RESULT_WORDS, 0), value);
}

static uint32_t slot_at(size_t slot)
{
    return RESULTS_AT + ITEMS * RESULT_WORDS * (uint32_t) slot;
}

static void emit_checks(struct wj_vk_asm *a, const struct wj_vk_group *group, unsigned lanes)
{
    const uint32_t x = load_operands(a, group->bits, lanes, 0);
    const uint32_t y = load_operands(a, group->bits, lanes, 2);
    const uint32_t lane_type = group->bits == 32 ? a->type_u32 : a->type_u64;
    for (size_t i = 0; i < group->check_count; i++) {
        const struct wj_vk_check *check = &group->checks[i];
        if (lanes > 1 && !check->has_lanes) {
            continue;
        }
        wj_vk_asm_shape(a, lanes);
        const uint32_t result = check->emit(a, x, y);
        wj_vk_asm_shape(a, 1);
        const uint32_t at = slot_at(lanes == 1 ? i : CHECKS_MAX + i);
        for (uint32_t j = 0; j < lanes; j++) {
            const uint32_t lane =
                lanes == 1 ? result : ASM_OP(a, SpvOpCompositeExtract, lane_type, result, j);
            store_lane(a, group->bits, at + j * (group->bits / 32), lane);
        }
    }
}

static unsigned lanes_of(const struct wj_vk_group *group)
{
    return 128 / group->bits;
}

static bool build_group(const struct wj_vk_group *group, struct wj_gpu_code *code,
                        struct wj_err *err)
{
    struct wj_vk_asm a;
    wj_vk_asm_begin(&a, group->bits == 64, group->has_float64);
    emit_checks(&a, group, 1);
    emit_checks(&a, group, lanes_of(group));
    return wj_vk_asm_end(&a, code, err);
}

static bool is_right(enum wj_vk_result kind, uint64_t got, uint64_t expected)
{
    const bool is_32 = kind == RESULT_BITS32 || kind == RESULT_F32;
    if (is_32) {
        got = (uint32_t) got;
        expected = (uint32_t) expected;
    }
    const uint64_t infinite = is_32 ? UINT64_C(0x7f800000) : UINT64_C(0x7ff) << 52;
    const uint64_t quiet = is_32 ? UINT64_C(0x400000) : UINT64_C(1) << 51;
    const uint64_t magnitude = is_32 ? UINT64_C(0x7fffffff) : UINT64_MAX >> 1;
    if ((kind == RESULT_F32 || kind == RESULT_F64) && (expected & magnitude) > infinite) {
        return (got & (infinite | quiet)) == (infinite | quiet);
    }
    return got == expected;
}

static bool passes(const struct wj_vk_group *group, size_t index, bool is_lanes,
                   const uint32_t *words)
{
    const struct wj_vk_check *check = &group->checks[index];
    const uint32_t *results = words + slot_at(is_lanes ? CHECKS_MAX + index : index);
    const unsigned lanes = is_lanes ? lanes_of(group) : 1;
    const unsigned step = group->bits / 32;
    for (size_t i = 0; i < ITEMS; i++) {
        for (unsigned j = 0; j < lanes; j++) {
            const struct pair in = operands(i + j, group->bits);
            const uint32_t *at = results + i * RESULT_WORDS + j * step;
            const uint64_t got = step == 2 ? (uint64_t) at[1] << 32 | at[0] : at[0];
            if (!is_right(check->result, got, check->expect(in.x, in.y))) {
                return false;
            }
        }
    }
    return true;
}

static enum wj_gpu_verdict *verdict_of(struct wj_gpu_caps *caps, const struct wj_vk_check *check)
{
    return (enum wj_gpu_verdict *) (void *) ((char *) caps + check->verdict);
}

// An operation is as good as the worst of its checks: native if all native ones pass, repaired if
// there are repaired ones and all of them pass.
static void judge(struct wj_gpu_caps *caps, const struct wj_vk_group *group, const uint32_t *words)
{
    bool is_passed[CHECKS_MAX];
    for (size_t i = 0; i < group->check_count; i++) {
        is_passed[i] = passes(group, i, false, words) &&
                       (!group->checks[i].has_lanes || passes(group, i, true, words));
    }
    for (size_t i = 0; i < group->check_count; i++) {
        bool has_repair = false;
        bool passed[2] = {true, true};
        for (size_t j = 0; j < group->check_count; j++) {
            if (group->checks[j].verdict == group->checks[i].verdict) {
                has_repair |= group->checks[j].lowering == LOWERING_REPAIRED;
                passed[group->checks[j].lowering] &= is_passed[j];
            }
        }
        *verdict_of(caps, &group->checks[i]) = passed[LOWERING_NATIVE] ? WJ_GPU_NATIVE
                                               : has_repair && passed[LOWERING_REPAIRED]
                                                   ? WJ_GPU_REPAIRED
                                                   : WJ_GPU_REFUSED;
    }
}

// What the tests run on.
struct bench {
    struct wj_gpu_device *device;
    struct wj_gpu_memory *memory;
    uint32_t *words;
};

static bool run_once(const struct bench *bench, struct wj_gpu_kernel *kernel, uint32_t items,
                     uint32_t args, struct wj_err *err)
{
    struct wj_gpu_trap trap;
    const struct wj_gpu_work work = {items, 1, 1, .args = args, .fuel = UINT32_MAX};
    return wj_vk_dispatch(kernel, &bench->memory, &work, &trap, NULL, err);
}

static bool test_group(const struct bench *bench, const struct wj_vk_group *group,
                       const struct wj_gpu_code *code, struct wj_err *err)
{
    memset(bench->words, 0xa5, MEMORY_BYTES);
    for (size_t i = 0; i < ITEMS + LANES_MAX; i++) {
        const struct pair in = operands(i, group->bits);
        const uint32_t words[OPERAND_WORDS] = {(uint32_t) in.x, (uint32_t) (in.x >> 32),
                                               (uint32_t) in.y, (uint32_t) (in.y >> 32)};
        memcpy(bench->words + i * OPERAND_WORDS, words, sizeof words);
    }
    struct wj_gpu_kernel *kernel = NULL;
    bool ok = wj_vk_kernel_new(bench->device, code, &kernel, NULL, err) &&
              run_once(bench, kernel, ITEMS, 0, err);
    if (ok) {
        judge(&bench->device->caps, group, bench->words);
    }
    wj_vk_kernel_free(kernel);
    return ok;
}

enum loop_mode {
    LOOP_MODE_LONG,
    LOOP_MODE_TURNS,
    LOOP_MODE_ARMS,
    LOOP_MODE_VALUES,    // loaded in the loop, used behind it by items that left early
    LOOP_MODE_KEPT,      // the same, in the repaired lowering
    LOOP_MODE_ORDERED,   // atomic operations that acquire and release
    LOOP_MODE_UNORDERED, // and that do not
    LOOP_MODE_COUNT,
};

struct loop_vars {
    uint32_t i, j, count, value;
};

// value = value * 1664525 + 1013904223: no compiler makes a formula of it.
static void emit_step(struct wj_vk_asm *a, const struct loop_vars *vars)
{
    const uint32_t count = ASM_OP(a, SpvOpLoad, a->type_u32, vars->count);
    ASM_DO(a, SpvOpStore, vars->count,
           ASM_OP(a, SpvOpIAdd, a->type_u32, count, wj_vk_asm_u32(a, 1)));
    const uint32_t value = ASM_OP(a, SpvOpLoad, a->type_u32, vars->value);
    const uint32_t product = ASM_OP(a, SpvOpIMul, a->type_u32, value, wj_vk_asm_u32(a, 1664525));
    ASM_DO(a, SpvOpStore, vars->value,
           ASM_OP(a, SpvOpIAdd, a->type_u32, product, wj_vk_asm_u32(a, 1013904223)));
}

static void emit_plain_loop(struct wj_vk_asm *a, const struct loop_vars *vars, uint32_t end)
{
    const struct wj_vk_loop loop = wj_vk_asm_loop_begin(a, vars->i, wj_vk_asm_u32(a, end));
    emit_step(a, vars);
    wj_vk_asm_loop_end(a, loop, vars->i);
}

static void emit_turns(struct wj_vk_asm *a, const struct loop_vars *vars)
{
    const uint32_t turns = wj_vk_asm_u32(a, LOOP_TURNS);
    const uint32_t mine = ASM_OP(a, SpvOpUMod, a->type_u32, a->item, turns);
    const struct wj_vk_loop outer = wj_vk_asm_loop_begin(a, vars->i, turns);
    const uint32_t turn = ASM_OP(a, SpvOpLoad, a->type_u32, vars->i);
    const uint32_t is_mine = ASM_OP(a, SpvOpIEqual, a->type_bool, turn, mine);
    const uint32_t end = ASM_OP(a, SpvOpSelect, a->type_u32, is_mine, wj_vk_asm_u32(a, LOOP_TURN),
                                wj_vk_asm_u32(a, 0));
    ASM_DO(a, SpvOpStore, vars->j, wj_vk_asm_u32(a, 0));
    const struct wj_vk_loop inner = wj_vk_asm_loop_begin(a, vars->j, end);
    emit_step(a, vars);
    wj_vk_asm_loop_end(a, inner, vars->j);
    wj_vk_asm_loop_end(a, outer, vars->i);
}

static void emit_arms(struct wj_vk_asm *a, const struct loop_vars *vars)
{
    const uint32_t yes = wj_vk_asm_id(a);
    const uint32_t no = wj_vk_asm_id(a);
    const uint32_t merge = wj_vk_asm_id(a);
    const uint32_t parity = ASM_OP(a, SpvOpBitwiseAnd, a->type_u32, a->item, wj_vk_asm_u32(a, 1));
    wj_vk_asm_test(a, ASM_OP(a, SpvOpIEqual, a->type_bool, parity, wj_vk_asm_u32(a, 0)), yes, no,
                   merge);
    wj_vk_asm_label(a, yes);
    emit_plain_loop(a, vars, LOOP_ARM);
    wj_vk_asm_branch(a, merge);
    wj_vk_asm_label(a, no);
    emit_plain_loop(a, vars, LOOP_ARM + 1);
    wj_vk_asm_branch(a, merge);
    wj_vk_asm_label(a, merge);
}

// Items leave after 1 to LOOP_TURNS rounds, with what they loaded in the last one. The repaired
// lowering has another value, equal but unknown to be, on the way that goes on.
// What they left with is stored in here: a value that meets others behind the loop is kept.
static void emit_values(struct wj_vk_asm *a, bool is_kept)
{
    const uint32_t round = wj_vk_asm_variable(a);
    const uint32_t loaded = wj_vk_asm_variable(a);
    const struct wj_vk_loop loop = {wj_vk_asm_id(a), wj_vk_asm_id(a), wj_vk_asm_id(a)};
    const uint32_t body = wj_vk_asm_id(a);
    const uint32_t leave = wj_vk_asm_id(a);
    const uint32_t stay = wj_vk_asm_id(a);
    const uint32_t turns = wj_vk_asm_u32(a, LOOP_TURNS);
    const uint32_t mine = ASM_OP(a, SpvOpUMod, a->type_u32, a->item, turns);
    ASM_DO(a, SpvOpStore, round, wj_vk_asm_u32(a, 0));
    wj_vk_asm_branch(a, loop.header);
    wj_vk_asm_label(a, loop.header);
    ASM_DO(a, SpvOpLoopMerge, loop.merge, loop.next, SpvLoopControlMaskNone);
    wj_vk_asm_branch(a, body);
    wj_vk_asm_label(a, body);
    const uint32_t turn = ASM_OP(a, SpvOpLoad, a->type_u32, round);
    const uint32_t count = ASM_OP(a, SpvOpIAdd, a->type_u32, turn, wj_vk_asm_u32(a, 1));
    const uint32_t word =
        ASM_OP(a, SpvOpIAdd, a->type_u32, a->item, wj_vk_asm_u32(a, LOOP_VALUE_WORD));
    ASM_DO(a, SpvOpStore, loaded, wj_vk_asm_load(a, word));
    ASM_DO(a, SpvOpStore, round, count);
    wj_vk_asm_test(a, ASM_OP(a, SpvOpIEqual, a->type_bool, turn, mine), leave, stay, stay);
    wj_vk_asm_label(a, leave);
    wj_vk_asm_branch(a, loop.merge);
    wj_vk_asm_label(a, stay);
    wj_vk_asm_branch(a, loop.next);
    wj_vk_asm_label(a, loop.next);
    if (is_kept) {
        const uint32_t value = ASM_OP(a, SpvOpLoad, a->type_u32, loaded);
        // Not of `args`, which is known in here.
        const uint32_t nx = wj_vk_asm_push(a, offsetof(struct wj_gpu_push, nx) / 4);
        const uint32_t zero =
            ASM_OP(a, SpvOpShiftRightLogical, a->type_u32, nx, wj_vk_asm_u32(a, 31));
        ASM_DO(a, SpvOpStore, loaded, ASM_OP(a, SpvOpBitwiseXor, a->type_u32, value, zero));
    }
    const uint32_t goes_on =
        ASM_OP(a, SpvOpULessThan, a->type_bool, count, wj_vk_asm_u32(a, LOOP_LONG));
    ASM_DO(a, SpvOpBranchConditional, goes_on, loop.header, loop.merge);
    wj_vk_asm_label(a, loop.merge);
    wj_vk_asm_store(a, word_at(a, LOOP_VALUE_WORD + LOOP_ITEMS, 1, 0),
                    ASM_OP(a, SpvOpLoad, a->type_u32, loaded));
}

// Items leave after 1 to LOOP_ITEMS rounds of an atomic operation, so that no two SIMD groups make
// as many, and say so behind the loop. Some drivers take what orders memory for a barrier of
// control.
static void emit_atomics(struct wj_vk_asm *a, const struct loop_vars *vars, bool is_ordered)
{
    const uint32_t end = ASM_OP(a, SpvOpIAdd, a->type_u32, a->item, wj_vk_asm_u32(a, 1));
    const struct wj_vk_loop loop = wj_vk_asm_loop_begin(a, vars->i, end);
    wj_vk_asm_atomic_add(a, wj_vk_asm_u32(a, LOOP_COUNT_WORD), wj_vk_asm_u32(a, 1),
                         is_ordered ? SpvMemorySemanticsAcquireReleaseMask |
                                          SpvMemorySemanticsUniformMemoryMask
                                    : SpvMemorySemanticsMaskNone);
    wj_vk_asm_loop_end(a, loop, vars->i);
    wj_vk_asm_store(a, word_at(a, LOOP_VALUE_WORD + LOOP_ITEMS, 1, 0),
                    ASM_OP(a, SpvOpIAdd, a->type_u32, a->item, wj_vk_asm_u32(a, LOOP_VALUE)));
}

// Emits the mode's loops where push.args asks for them.
static void emit_mode(struct wj_vk_asm *a, const struct loop_vars *vars, enum loop_mode mode)
{
    const uint32_t body = wj_vk_asm_id(a);
    const uint32_t merge = wj_vk_asm_id(a);
    const uint32_t args = wj_vk_asm_push(a, offsetof(struct wj_gpu_push, args) / 4);
    wj_vk_asm_test(a, ASM_OP(a, SpvOpIEqual, a->type_bool, args, wj_vk_asm_u32(a, mode)), body,
                   merge, merge);
    wj_vk_asm_label(a, body);
    switch (mode) {
    case LOOP_MODE_LONG: emit_plain_loop(a, vars, LOOP_LONG); break;
    case LOOP_MODE_TURNS: emit_turns(a, vars); break;
    case LOOP_MODE_ARMS: emit_arms(a, vars); break;
    case LOOP_MODE_VALUES: emit_values(a, false); break;
    case LOOP_MODE_KEPT: emit_values(a, true); break;
    case LOOP_MODE_ORDERED: emit_atomics(a, vars, true); break;
    case LOOP_MODE_UNORDERED: emit_atomics(a, vars, false); break;
    case LOOP_MODE_COUNT: break;
    }
    wj_vk_asm_branch(a, merge);
    wj_vk_asm_label(a, merge);
}

static bool build_loops(struct wj_gpu_code *code, struct wj_err *err)
{
    struct wj_vk_asm a;
    wj_vk_asm_begin(&a, false, false);
    const struct loop_vars vars = {wj_vk_asm_variable(&a), wj_vk_asm_variable(&a),
                                   wj_vk_asm_variable(&a), wj_vk_asm_variable(&a)};
    ASM_DO(&a, SpvOpStore, vars.i, wj_vk_asm_u32(&a, 0));
    ASM_DO(&a, SpvOpStore, vars.count, wj_vk_asm_u32(&a, 0));
    ASM_DO(&a, SpvOpStore, vars.value, a.item);
    for (unsigned mode = 0; mode < LOOP_MODE_COUNT; mode++) {
        emit_mode(&a, &vars, (enum loop_mode) mode);
    }
    wj_vk_asm_store(&a, word_at(&a, 0, LOOP_WORDS, 0),
                    ASM_OP(&a, SpvOpLoad, a.type_u32, vars.count));
    wj_vk_asm_store(&a, word_at(&a, 0, LOOP_WORDS, 1),
                    ASM_OP(&a, SpvOpLoad, a.type_u32, vars.value));
    return wj_vk_asm_end(&a, code, err);
}

static uint32_t iterations(enum loop_mode mode, uint32_t item)
{
    switch (mode) {
    case LOOP_MODE_LONG: return LOOP_LONG;
    case LOOP_MODE_TURNS: return LOOP_TURN;
    case LOOP_MODE_ARMS: return LOOP_ARM + item % 2;
    case LOOP_MODE_VALUES:
    case LOOP_MODE_KEPT:
    case LOOP_MODE_ORDERED:
    case LOOP_MODE_UNORDERED:
    case LOOP_MODE_COUNT: break;
    }
    return 0;
}

// The fewest iterations that an item made of those it had to, or UINT32_MAX when all made them all.
static uint32_t cut_short(const uint32_t *words, enum loop_mode mode)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t item = 0; item < LOOP_ITEMS; item++) {
        const uint32_t wanted = iterations(mode, item);
        const uint32_t count = words[item * LOOP_WORDS];
        uint32_t value = item;
        for (uint32_t i = 0; i < wanted; i++) {
            value = value * 1664525u + 1013904223u;
        }
        if ((count != wanted || value != words[item * LOOP_WORDS + 1]) && count < least) {
            least = count;
        }
    }
    return least;
}

static bool has_kept(const uint32_t *words)
{
    for (uint32_t item = 0; item < LOOP_ITEMS; item++) {
        if (words[LOOP_VALUE_WORD + LOOP_ITEMS + item] != LOOP_VALUE + item) {
            return false;
        }
    }
    return true;
}

static bool has_counted(const uint32_t *words)
{
    return words[LOOP_COUNT_WORD] == LOOP_ITEMS * (LOOP_ITEMS + 1) / 2;
}

// The second lowering of two counts where the first one failed.
static void judge_lowering(enum wj_gpu_verdict *verdict, bool is_first, bool is_good)
{
    if (!is_good) {
        *verdict = is_first && *verdict == WJ_GPU_NATIVE ? WJ_GPU_REPAIRED : WJ_GPU_REFUSED;
    }
}

static bool test_loops(const struct bench *bench, const struct wj_gpu_code *code,
                       struct wj_err *err)
{
    struct wj_gpu_caps *caps = &bench->device->caps;
    struct wj_gpu_kernel *kernel = NULL;
    bool ok = wj_vk_kernel_new(bench->device, code, &kernel, NULL, err);
    caps->loop_values = caps->memory_order = WJ_GPU_NATIVE;
    for (unsigned mode = 0; ok && mode < LOOP_MODE_COUNT; mode++) {
        memset(bench->words, 0, LOOP_ITEMS * LOOP_WORDS * 4);
        for (uint32_t i = 0; i < LOOP_ITEMS; i++) {
            bench->words[LOOP_VALUE_WORD + i] = LOOP_VALUE + i;
            bench->words[LOOP_VALUE_WORD + LOOP_ITEMS + i] = 0;
        }
        bench->words[LOOP_COUNT_WORD] = 0;
        ok = run_once(bench, kernel, LOOP_ITEMS, mode, err);
        if (ok && mode >= LOOP_MODE_ORDERED) {
            judge_lowering(&caps->memory_order, mode == LOOP_MODE_ORDERED,
                           has_kept(bench->words) && has_counted(bench->words));
            continue;
        }
        if (ok && mode >= LOOP_MODE_VALUES) {
            judge_lowering(&caps->loop_values, mode == LOOP_MODE_VALUES, has_kept(bench->words));
            continue;
        }
        const uint32_t least = ok ? cut_short(bench->words, (enum loop_mode) mode) : UINT32_MAX;
        // The long loop shows the limit itself; the others only that there is one.
        if (least != UINT32_MAX && caps->loop_iterations_max == 0) {
            caps->loop_iterations_max = least == 0 ? 1 : least;
            caps->loop_group_size =
                caps->subgroup_size > LOOP_GROUP_MIN ? caps->subgroup_size : LOOP_GROUP_MIN;
        }
    }
    wj_vk_kernel_free(kernel);
    return ok;
}

static void refuse_all(struct wj_gpu_caps *caps)
{
#define REFUSE(name) caps->name = WJ_GPU_REFUSED;
    WJ_GPU_QUIRKS(REFUSE)
#undef REFUSE
}

// The kernels of the test: the loops, then the groups that the device has the types for.
enum { GROUPS_MAX = 3 };

struct kernels {
    struct wj_gpu_code loops;
    const struct wj_vk_group *groups[GROUPS_MAX];
    struct wj_gpu_code codes[GROUPS_MAX];
    size_t group_count;
};

static bool build_all(const struct wj_gpu_caps *caps, struct kernels *kernels, struct wj_err *err)
{
    kernels->groups[kernels->group_count++] = &wj_vk_group_32;
    if (caps->has_int64) {
        kernels->groups[kernels->group_count++] = &wj_vk_group_i64;
    }
    if (caps->has_int64 && caps->has_float64) {
        kernels->groups[kernels->group_count++] = &wj_vk_group_f64;
    }
    bool ok = build_loops(&kernels->loops, err);
    for (size_t i = 0; i < kernels->group_count; i++) {
        ok = ok && build_group(kernels->groups[i], &kernels->codes[i], err);
    }
    return ok;
}

static uint64_t hash_all(const struct kernels *kernels)
{
    // The operands are part of what was tested.
    uint64_t hash = wj_vk_hash(UINT64_C(0xcbf29ce484222325), edges32, sizeof edges32);
    hash = wj_vk_hash(hash, edges64, sizeof edges64);
    hash = wj_vk_hash(hash, kernels->loops.words,
                      kernels->loops.word_count * sizeof *kernels->loops.words);
    for (size_t i = 0; i < kernels->group_count; i++) {
        const struct wj_gpu_code *code = &kernels->codes[i];
        hash = wj_vk_hash(hash, code->words, code->word_count * sizeof *code->words);
    }
    return hash;
}

static bool test_all(struct wj_gpu_device *device, const struct kernels *kernels,
                     struct wj_err *err)
{
    struct bench bench = {.device = device};
    bench.words =
        mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bench.words == MAP_FAILED) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory for the self-test");
    }
    bool ok = wj_vk_memory_add(device, bench.words, MEMORY_BYTES, &bench.memory, err) &&
              test_loops(&bench, &kernels->loops, err);
    for (size_t i = 0; i < kernels->group_count; i++) {
        ok = ok && test_group(&bench, kernels->groups[i], &kernels->codes[i], err);
    }
    wj_vk_memory_forget(bench.memory);
    munmap(bench.words, MEMORY_BYTES);
    return ok;
}

// The repairs of f32 are made of integer operations alone, which have been judged.
static void repair_by_integers(struct wj_gpu_caps *caps)
{
    enum wj_gpu_verdict *const verdicts[] = {&caps->f32_arith, &caps->f32_div, &caps->f32_sqrt,
                                             &caps->f32_round};
    const bool is_exact = caps->i32_arith == WJ_GPU_NATIVE && caps->i32_div == WJ_GPU_NATIVE &&
                          caps->i32_shift == WJ_GPU_NATIVE && caps->i32_bits == WJ_GPU_NATIVE &&
                          caps->i32_wide == WJ_GPU_NATIVE;
    for (unsigned i = 0; is_exact && i < sizeof verdicts / sizeof *verdicts; i++) {
        if (*verdicts[i] == WJ_GPU_REFUSED) {
            *verdicts[i] = WJ_GPU_REPAIRED;
        }
    }
}

bool wj_vk_selftest(struct wj_gpu_device *device, struct wj_err *err)
{
    // What is not tested for want of a feature stays refused.
    refuse_all(&device->caps);
    struct kernels kernels = {0};
    bool ok = build_all(&device->caps, &kernels, err);
    const uint64_t lowerings = ok ? hash_all(&kernels) : 0;
    if (ok && !wj_vk_verdicts_load(device, lowerings)) {
        ok = test_all(device, &kernels, err);
        if (ok) {
            wj_vk_verdicts_save(device, lowerings);
        }
    }
    if (ok) {
        repair_by_integers(&device->caps);
    }
    free((void *) kernels.loops.words);
    for (size_t i = 0; i < kernels.group_count; i++) {
        free((void *) kernels.codes[i].words);
    }
    return ok;
}
