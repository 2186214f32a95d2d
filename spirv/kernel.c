// The shader around a kernel: its interface, the numbering of items, the restart in the general
// version, the trap record; and the functions that the kernel reaches.
#include "spirv/kernel.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/vm/kernel_scan.h"
#include "spirv/indirect.h"
#include "spirv/u32.h"

enum {
    LOCAL_SIZE_DEFAULT = 64,
    KERNEL_PARAMS_MAX = 8,
    TRIES_MAX = 100, // functions of tables that turn out not to be for the device
};

// Members of the push constants, in the order of struct wj_gpu_push.
enum push {
    PUSH_NX,
    PUSH_NY,
    PUSH_NZ,
    PUSH_ARGS,
    PUSH_FIRST,
    PUSH_ITEM_END,
    PUSH_BYTES_LOW,
    PUSH_BYTES_HIGH,
    PUSH_FUEL,
    PUSH_WINDOW,
    PUSH_PHASES,
    PUSH_ADDRESS_LOW,
    PUSH_ADDRESS_HIGH,
    PUSH_ARGS_HIGH,
    PUSH_MORE, // memories
    PUSH_COUNT = PUSH_MORE + 4 * (WJ_GPU_MEMORIES_MAX - 1),
};

static const char entry_name[8] = "main";

static void decorate(struct wj_spv_builder *b, uint32_t id, SpvDecoration decoration)
{
    WJ_SPV_IN(b, WJ_SPV_ANNOTATIONS, SpvOpDecorate, id, (uint32_t) decoration);
}

static void decorate_with(struct wj_spv_builder *b, uint32_t id, SpvDecoration decoration,
                          uint32_t value)
{
    WJ_SPV_IN(b, WJ_SPV_ANNOTATIONS, SpvOpDecorate, id, (uint32_t) decoration, value);
}

static void make_header(struct wj_spv_translator *t)
{
    static const char glsl_name[16] = "GLSL.std.450";
    struct wj_spv_builder *b = &t->b;
    uint32_t words[1 + sizeof glsl_name / 4];
    WJ_SPV_IN(b, WJ_SPV_CAPABILITIES, SpvOpCapability, SpvCapabilityShader);
    if (t->caps->has_int64) {
        WJ_SPV_IN(b, WJ_SPV_CAPABILITIES, SpvOpCapability, SpvCapabilityInt64);
    }
    if (t->caps->has_float64) {
        WJ_SPV_IN(b, WJ_SPV_CAPABILITIES, SpvOpCapability, SpvCapabilityFloat64);
    }
    if (t->caps->has_storage8) {
        WJ_SPV_IN(b, WJ_SPV_CAPABILITIES, SpvOpCapability, SpvCapabilityStorageBuffer8BitAccess);
    }
    b->glsl = wj_spv_id(b);
    words[0] = b->glsl;
    memcpy(words + 1, glsl_name, sizeof glsl_name);
    wj_spv_raw(&b->sections[WJ_SPV_IMPORTS], SpvOpExtInstImport, words, 5);
    SpvAddressingModel addressing = SpvAddressingModelLogical;
    if (t->far_memories != 0) {
        addressing = SpvAddressingModelPhysicalStorageBuffer64;
        WJ_SPV_IN(b, WJ_SPV_CAPABILITIES, SpvOpCapability,
                  SpvCapabilityPhysicalStorageBufferAddresses);
    }
    WJ_SPV_IN(b, WJ_SPV_MEMORY_MODEL, SpvOpMemoryModel, (uint32_t) addressing,
              SpvMemoryModelGLSL450);
}

static void make_types(struct wj_spv_translator *t)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t bool_type = wj_spv_type_bool(b);
    const uint32_t u32 = wj_spv_type_int(b, 32);
    const uint32_t f32 = wj_spv_type_float(b, 32);
    const uint32_t bool2 = wj_spv_type_vector(b, bool_type, 2);
    const uint32_t bool4 = wj_spv_type_vector(b, bool_type, 4);
    t->types[REPR_BOOL] = bool_type;
    t->types[REPR_U32] = u32;
    t->types[REPR_F32] = f32;
    t->types[REPR_U32X4] = wj_spv_type_vector(b, u32, 4);
    t->types[REPR_F32X4] = wj_spv_type_vector(b, f32, 4);
    t->uses_pairs = !t->caps->has_int64 || t->caps->i64 == WJ_GPU_REFUSED;
    if (t->uses_pairs) {
        t->types[REPR_U64] = wj_spv_type_vector(b, u32, 2);
    } else {
        t->types[REPR_U64] = wj_spv_type_int(b, 64);
        t->types[REPR_U64X2] = wj_spv_type_vector(b, t->types[REPR_U64], 2);
    }
    if (t->caps->has_float64) {
        t->types[REPR_F64] = wj_spv_type_float(b, 64);
        t->types[REPR_F64X2] = wj_spv_type_vector(b, t->types[REPR_F64], 2);
    }
    for (unsigned i = 0; i < REPR_COUNT; i++) {
        const unsigned count = wj_spv_components((enum wj_spv_repr) i);
        t->bool_types[i] = count == 1 ? bool_type : count == 2 ? bool2 : bool4;
    }
}

static uint32_t make_words_block(struct wj_spv_translator *t, SpvStorageClass class, uint32_t count)
{
    struct wj_spv_builder *b = &t->b;
    uint32_t members[PUSH_COUNT] = {0};
    for (uint32_t i = 0; i < count; i++) {
        members[i] = t->types[REPR_U32];
    }
    const uint32_t block = wj_spv_type(b, SpvOpTypeStruct, members, count);
    for (uint32_t i = 0; i < count; i++) {
        WJ_SPV_IN(b, WJ_SPV_ANNOTATIONS, SpvOpMemberDecorate, block, i, SpvDecorationOffset, 4 * i);
    }
    decorate(b, block, SpvDecorationBlock);
    const uint32_t type = wj_spv_type_pointer(b, class, block);
    const uint32_t id = wj_spv_id(b);
    WJ_SPV_IN(b, WJ_SPV_GLOBALS, SpvOpVariable, type, id, (uint32_t) class);
    return id;
}

static uint32_t make_private(struct wj_spv_translator *t)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t type = wj_spv_type_pointer(b, SpvStorageClassPrivate, t->types[REPR_U32]);
    const uint32_t zero = wj_spv_const_u32(b, 0);
    const uint32_t id = wj_spv_id(b);
    WJ_SPV_IN(b, WJ_SPV_GLOBALS, SpvOpVariable, type, id, SpvStorageClassPrivate, zero);
    return id;
}

static uint32_t make_input(struct wj_spv_translator *t, uint32_t type, SpvBuiltIn built_in)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t pointer = wj_spv_type_pointer(b, SpvStorageClassInput, type);
    const uint32_t id = wj_spv_id(b);
    WJ_SPV_IN(b, WJ_SPV_GLOBALS, SpvOpVariable, pointer, id, SpvStorageClassInput);
    decorate_with(b, id, SpvDecorationBuiltIn, (uint32_t) built_in);
    return id;
}

// Ids of `main` alone.
struct entry {
    uint32_t uvec3;
    uint32_t group, group_count, local;
    uint32_t size_x; // specialisation constant 0
    uint32_t trap_pointer;
    uint32_t fast, general; // versions of the kernel; fast: 0 where there is none
    const struct wj_gpu_shape *shape;
};

_Static_assert((int) PUSH_BYTES_LOW == (int) WJ_SPV_PUSH_BYTES &&
                   (int) PUSH_ADDRESS_LOW == (int) WJ_SPV_PUSH_ADDRESS &&
                   (int) PUSH_MORE == (int) WJ_SPV_PUSH_MORE,
               "view.c loads them");
_Static_assert(sizeof(struct wj_gpu_push) == 4 * PUSH_COUNT && sizeof(struct wj_gpu_trap) == 16,
               "the blocks of words are these structures");

static void make_interface(struct wj_spv_translator *t, struct entry *e)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    t->elements[VIEW_WORDS] = u32;
    t->elements[VIEW_VECTORS] = t->types[REPR_U32X4];
    t->elements[VIEW_BYTES] = t->caps->has_storage8 ? wj_spv_type_int(b, 8) : 0;
    t->elements[VIEW_PAIRS] = t->types[REPR_U64];
    t->trap_record = make_words_block(t, SpvStorageClassStorageBuffer, 4);
    decorate_with(b, t->trap_record, SpvDecorationDescriptorSet, 0);
    decorate_with(b, t->trap_record, SpvDecorationBinding, 1);
    e->trap_pointer = wj_spv_type_pointer(b, SpvStorageClassStorageBuffer, u32);
    t->push = make_words_block(t, SpvStorageClassPushConstant, PUSH_COUNT);
    t->push_pointer = wj_spv_type_pointer(b, SpvStorageClassPushConstant, u32);
    t->stop = make_private(t);
    t->stop_address = make_private(t);
    t->fuel = make_private(t);
    t->window.stack_pointer = make_private(t);
    wj_spv_window_declare(t);
    e->uvec3 = wj_spv_type_vector(b, u32, 3);
    e->group = make_input(t, e->uvec3, SpvBuiltInWorkgroupId);
    e->group_count = make_input(t, e->uvec3, SpvBuiltInNumWorkgroups);
    e->local = make_input(t, e->uvec3, SpvBuiltInLocalInvocationId);
    e->size_x = wj_spv_id(b);
    WJ_SPV_IN(b, WJ_SPV_GLOBALS, SpvOpSpecConstant, u32, e->size_x,
              t->is_group ? e->shape->items : LOCAL_SIZE_DEFAULT);
    decorate_with(b, e->size_x, SpvDecorationSpecId, 0);
    const uint32_t one = wj_spv_const_u32(b, 1);
    const uint32_t size = wj_spv_id(b);
    WJ_SPV_IN(b, WJ_SPV_GLOBALS, SpvOpSpecConstantComposite, e->uvec3, size, e->size_x, one, one);
    decorate_with(b, size, SpvDecorationBuiltIn, SpvBuiltInWorkgroupSize);
}

// Opens a block entered where the condition holds; returns its merge.
static uint32_t begin_if(struct wj_spv_translator *t, uint32_t condition)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t then = wj_spv_id(b);
    const uint32_t merge = wj_spv_id(b);
    wj_spv_selection(b, merge);
    wj_spv_branch_if(b, condition, then, merge);
    wj_spv_label(b, then);
    return merge;
}

static void end_if(struct wj_spv_translator *t, uint32_t merge)
{
    wj_spv_branch(&t->b, merge);
    wj_spv_label(&t->b, merge);
}

static uint32_t load_push(struct wj_spv_translator *t, uint32_t member)
{
    const uint32_t pointer = WJ_SPV_OP(&t->b, SpvOpAccessChain, t->push_pointer, t->push,
                                       wj_spv_const_u32(&t->b, member));
    return WJ_SPV_OP(&t->b, SpvOpLoad, t->types[REPR_U32], pointer);
}

// As the kernel's parameters are.
static uint32_t pointer_of(struct wj_spv_translator *t, uint32_t address)
{
    return t->is_64 ? wj_spv_resize(t, REPR_U64, address, false) : address;
}

static uint32_t load_args(struct wj_spv_translator *t)
{
    const uint32_t low = load_push(t, PUSH_ARGS);
    if (!t->is_64) {
        return low;
    }
    const uint32_t words[2] = {low, load_push(t, PUSH_ARGS_HIGH)};
    return wj_spv_join64(t, words);
}

static uint32_t load_component(struct wj_spv_translator *t, const struct entry *e, uint32_t input,
                               uint32_t component)
{
    const uint32_t vector = WJ_SPV_OP(&t->b, SpvOpLoad, e->uvec3, input);
    return WJ_SPV_OP(&t->b, SpvOpCompositeExtract, t->types[REPR_U32], vector, component);
}

// The first item to trap fills in the record.
static void write_record(struct wj_spv_translator *t, const struct entry *e, uint32_t item)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t u32 = t->types[REPR_U32];
    const uint32_t zero = wj_spv_const_u32(b, 0);
    const uint32_t stop = WJ_SPV_OP(b, SpvOpLoad, u32, t->stop);
    const uint32_t merge = begin_if(t, u32_test(t, SpvOpINotEqual, stop, zero));
    const uint32_t kind = u32_op(t, SpvOpShiftRightLogical, stop, wj_spv_const_u32(b, 28));
    const uint32_t low = u32_op(t, SpvOpBitwiseAnd, stop, wj_spv_const_u32(b, 0x0fffffff));
    const uint32_t offset = u32_op(t, SpvOpIAdd, low, wj_spv_const_u32(b, t->offset_base));
    const uint32_t pointer = WJ_SPV_OP(b, SpvOpAccessChain, e->trap_pointer, t->trap_record, zero);
    const uint32_t none = wj_spv_const_u32(b, SpvMemorySemanticsMaskNone);
    const uint32_t old = WJ_SPV_OP(b, SpvOpAtomicCompareExchange, u32, pointer,
                                   wj_spv_const_u32(b, SpvScopeDevice), none, none, kind, zero);
    const uint32_t inner = begin_if(t, u32_test(t, SpvOpIEqual, old, zero));
    const uint32_t address = WJ_SPV_OP(b, SpvOpLoad, u32, t->stop_address);
    const uint32_t values[3] = {offset, item, address};
    for (uint32_t i = 0; i < 3; i++) {
        const uint32_t member = WJ_SPV_OP(b, SpvOpAccessChain, e->trap_pointer, t->trap_record,
                                          wj_spv_const_u32(b, i + 1));
        WJ_SPV_DO(b, SpvOpStore, member, values[i]);
    }
    end_if(t, inner);
    end_if(t, merge);
}

// Where the device counts iterations of groups, the first one of each loop, which no back edge
// counts, is paid for in advance; what loops inside loops cost, back edges know.
static uint32_t first_fuel(struct wj_spv_translator *t, const struct entry *e)
{
    const uint32_t fuel = load_push(t, PUSH_FUEL);
    if (t->caps->loop_iterations_max == 0 || !t->has_loops) {
        return fuel;
    }
    uint32_t cost = wj_spv_const_u32(&t->b, t->loop_total);
    uint32_t is_short = u32_test(t, SpvOpULessThan, fuel, cost);
    if (t->is_group) {
        // The loops of `main`: over the shared memory, then over phases, each with all of these.
        const uint32_t each = wj_spv_const_u32(&t->b, t->loop_total + 1);
        const uint32_t once = wj_spv_const_u32(&t->b, t->window.shared_words / e->shape->items + 2);
        const uint32_t phases = load_push(t, PUSH_PHASES);
        const uint32_t rest = u32_op(t, SpvOpISub, fuel, once);
        const uint32_t has_many =
            u32_test(t, SpvOpUGreaterThan, phases, u32_op(t, SpvOpUDiv, rest, each));
        is_short = WJ_SPV_OP(&t->b, SpvOpLogicalOr, t->types[REPR_BOOL],
                             u32_test(t, SpvOpULessThan, fuel, once), has_many);
        cost = u32_op(t, SpvOpIAdd, once, u32_op(t, SpvOpIMul, phases, each));
    }
    const uint32_t left = u32_op(t, SpvOpISub, fuel, cost);
    return wj_spv_select(t, REPR_U32, is_short, wj_spv_const_u32(&t->b, 0), left);
}

// The kernel: the fast version, and the general one where that gave up.
static void call_kernel(struct wj_spv_translator *t, const struct entry *e, const uint32_t *params,
                        uint32_t count)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t void_type = wj_spv_type_void(b);
    uint32_t operands[1 + KERNEL_PARAMS_MAX];
    uint32_t stack = 0;
    memcpy(operands + 1, params, count * sizeof *params);
    if (t->window.stack_bytes != 0) {
        const uint32_t bytes = wj_spv_const_u32(b, t->window.stack_bytes);
        stack = u32_op(t, SpvOpIAdd, load_push(t, PUSH_WINDOW), bytes);
        WJ_SPV_DO(b, SpvOpStore, t->window.stack_pointer, stack);
    }
    operands[0] = e->general;
    if (e->fast == 0) {
        wj_spv_result(b, SpvOpFunctionCall, void_type, operands, count + 1);
        return;
    }
    operands[0] = e->fast;
    wj_spv_result(b, SpvOpFunctionCall, void_type, operands, count + 1);
    const uint32_t stop = WJ_SPV_OP(b, SpvOpLoad, t->types[REPR_U32], t->stop);
    const uint32_t again =
        begin_if(t, u32_test(t, SpvOpIEqual, stop, wj_spv_const_u32(b, UINT32_MAX)));
    WJ_SPV_DO(b, SpvOpStore, t->stop, wj_spv_const_u32(b, 0));
    if (stack != 0) {
        WJ_SPV_DO(b, SpvOpStore, t->window.stack_pointer, stack);
    }
    operands[0] = e->general;
    wj_spv_result(b, SpvOpFunctionCall, void_type, operands, count + 1);
    end_if(t, again);
}

// A loop of `main`: for (; variable < end; variable += step).
struct loop {
    uint32_t header, next, merge;
};

static struct loop begin_loop(struct wj_spv_translator *t, uint32_t variable, uint32_t end)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t header = wj_spv_id(b), next = wj_spv_id(b), merge = wj_spv_id(b);
    const struct loop loop = {header, next, merge};
    const uint32_t check = wj_spv_id(b), body = wj_spv_id(b);
    wj_spv_branch(b, loop.header);
    wj_spv_label(b, loop.header);
    WJ_SPV_DO(b, SpvOpLoopMerge, loop.merge, loop.next, SpvLoopControlMaskNone);
    wj_spv_branch(b, check);
    wj_spv_label(b, check);
    const uint32_t value = WJ_SPV_OP(b, SpvOpLoad, t->types[REPR_U32], variable);
    wj_spv_branch_if(b, u32_test(t, SpvOpULessThan, value, end), body, loop.merge);
    wj_spv_label(b, body);
    return loop;
}

static void end_loop(struct wj_spv_translator *t, struct loop loop, uint32_t variable,
                     uint32_t step)
{
    struct wj_spv_builder *b = &t->b;
    wj_spv_branch(b, loop.next);
    wj_spv_label(b, loop.next);
    const uint32_t value = WJ_SPV_OP(b, SpvOpLoad, t->types[REPR_U32], variable);
    WJ_SPV_DO(b, SpvOpStore, variable, u32_op(t, SpvOpIAdd, value, wj_spv_const_u32(b, step)));
    wj_spv_branch(b, loop.header);
    wj_spv_label(b, loop.merge);
}

// All items of the group wait for each other and see what they stored.
static void group_barrier(struct wj_spv_translator *t)
{
    const uint32_t scope = wj_spv_const_u32(&t->b, SpvScopeWorkgroup);
    const uint32_t semantics = wj_spv_const_u32(&t->b, SpvMemorySemanticsAcquireReleaseMask |
                                                           SpvMemorySemanticsUniformMemoryMask |
                                                           SpvMemorySemanticsWorkgroupMemoryMask);
    WJ_SPV_DO(&t->b, SpvOpControlBarrier, scope, scope, semantics);
}

static void zero_shared(struct wj_spv_translator *t, const struct entry *e, uint32_t variable,
                        uint32_t item)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t pointer_type =
        wj_spv_type_pointer(b, SpvStorageClassWorkgroup, t->types[REPR_U32]);
    if (t->window.shared_words == 0) {
        return;
    }
    WJ_SPV_DO(b, SpvOpStore, variable, item);
    const struct loop loop = begin_loop(t, variable, wj_spv_const_u32(b, t->window.shared_words));
    const uint32_t at = WJ_SPV_OP(b, SpvOpLoad, t->types[REPR_U32], variable);
    const uint32_t word = WJ_SPV_OP(b, SpvOpAccessChain, pointer_type, t->window.shared_array, at);
    WJ_SPV_DO(b, SpvOpStore, word, wj_spv_const_u32(b, 0));
    end_loop(t, loop, variable, e->shape->items);
    group_barrier(t);
}

// What one item stores is seen by others behind barriers and atomic operations. Where these do not
// order memory themselves, no access may be moved or left out: on such a device, a software driver,
// every access goes to the memory that all see.
static void make_coherent(struct wj_spv_translator *t)
{
    if (t->is_group || t->has_atomics) {
        wj_spv_view_decorate(t, SpvDecorationCoherent);
    }
    if (t->has_atomics && t->caps->memory_order != WJ_GPU_NATIVE) {
        wj_spv_view_decorate(t, SpvDecorationVolatile);
    }
}

static void make_pairs(struct wj_spv_translator *t)
{
    bool has_any = false;
    for (uint32_t i = 0; i < t->memory_count * WJ_SPV_ATOMICS; i++) {
        has_any |= t->memories[i / WJ_SPV_ATOMICS].atomics[i % WJ_SPV_ATOMICS][3] != 0;
    }
    if (has_any) {
        WJ_SPV_IN(&t->b, WJ_SPV_CAPABILITIES, SpvOpCapability, SpvCapabilityInt64Atomics);
    }
}

// `params`: the group's coordinates; the others are filled in. Barriers are passed by all items,
// those that have stopped, too.
static void run_phases(struct wj_spv_translator *t, const struct entry *e,
                       uint32_t params[KERNEL_PARAMS_MAX])
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t variable = wj_spv_function_variable(b, t->types[REPR_U32]);
    const uint32_t zero = wj_spv_const_u32(b, 0);
    params[3] = load_component(t, e, e->local, 0);
    const uint32_t window = load_push(t, PUSH_WINDOW);
    const uint32_t private_bytes = wj_spv_const_u32(b, t->window.private_words * 4);
    const uint32_t stack_bytes = wj_spv_const_u32(b, t->window.stack_bytes);
    params[5] = pointer_of(t, u32_op(t, SpvOpIAdd, window, private_bytes));
    params[6] = pointer_of(t, u32_op(t, SpvOpIAdd, window, stack_bytes));
    params[7] = load_args(t);
    zero_shared(t, e, variable, params[3]);
    uint32_t end = load_push(t, PUSH_PHASES);
    if (t->caps->loop_iterations_max != 0) {
        const uint32_t fuel = WJ_SPV_OP(b, SpvOpLoad, t->types[REPR_U32], t->fuel);
        const uint32_t is_short = u32_test(t, SpvOpIEqual, fuel, zero);
        const uint32_t site = wj_spv_const_u32(b, (uint32_t) WJ_TRAP_INTERRUPTED << 28);
        WJ_SPV_DO(b, SpvOpStore, t->stop, wj_spv_select(t, REPR_U32, is_short, site, zero));
        end = wj_spv_select(t, REPR_U32, is_short, zero, end);
    }
    WJ_SPV_DO(b, SpvOpStore, variable, zero);
    const struct loop loop = begin_loop(t, variable, end);
    params[4] = WJ_SPV_OP(b, SpvOpLoad, t->types[REPR_U32], variable);
    const uint32_t stop = WJ_SPV_OP(b, SpvOpLoad, t->types[REPR_U32], t->stop);
    const uint32_t merge = begin_if(t, u32_test(t, SpvOpIEqual, stop, zero));
    call_kernel(t, e, params, 8);
    end_if(t, merge);
    group_barrier(t);
    end_loop(t, loop, variable, 1);
}

static void declare_entry(struct wj_spv_translator *t, const struct entry *e, uint32_t main_id)
{
    struct wj_spv_builder *b = &t->b;
    uint32_t words[48] = {SpvExecutionModelGLCompute, main_id};
    uint32_t count = 2;
    memcpy(words + count, entry_name, sizeof entry_name);
    count += sizeof entry_name / 4;
    const uint32_t interface[] = {t->trap_record,
                                  t->push,
                                  t->stop,
                                  t->stop_address,
                                  t->fuel,
                                  e->group,
                                  e->group_count,
                                  e->local,
                                  t->window.stack_pointer,
                                  t->window.private_array,
                                  t->window.shared_array};
    for (size_t i = 0; i < sizeof interface / sizeof *interface; i++) {
        if (interface[i] != 0) {
            words[count++] = interface[i];
        }
    }
    for (uint32_t i = 0; i < t->memory_count * WJ_SPV_VIEWS; i++) {
        const uint32_t variable = t->memories[i / WJ_SPV_VIEWS].variables[i % WJ_SPV_VIEWS];
        if (variable != 0) {
            words[count++] = variable;
        }
    }
    wj_spv_raw(&b->sections[WJ_SPV_ENTRY_POINTS], SpvOpEntryPoint, words, count);
    WJ_SPV_IN(b, WJ_SPV_EXECUTION_MODES, SpvOpExecutionMode, main_id, SpvExecutionModeLocalSize,
              t->is_group ? e->shape->items : LOCAL_SIZE_DEFAULT, 1, 1);
}

// The item's number; of a group kernel the group's.
static uint32_t number_item(struct wj_spv_translator *t, const struct entry *e)
{
    const uint32_t per_row = load_component(t, e, e->group_count, 0);
    const uint32_t row = u32_op(t, SpvOpIMul, load_component(t, e, e->group, 1), per_row);
    uint32_t number = u32_op(t, SpvOpIAdd, row, load_component(t, e, e->group, 0));
    if (!t->is_group) {
        const uint32_t start = u32_op(t, SpvOpIMul, number, e->size_x);
        number = u32_op(t, SpvOpIAdd, start, load_component(t, e, e->local, 0));
    }
    return u32_op(t, SpvOpIAdd, number, load_push(t, PUSH_FIRST));
}

static void make_main(struct wj_spv_translator *t, const struct entry *e)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t main_id = wj_spv_id(b);
    const uint32_t void_type = wj_spv_type_void(b);
    wj_spv_function_begin(b, main_id, wj_spv_type(b, SpvOpTypeFunction, WJ_SPV_ARGS(void_type)),
                          void_type);
    const uint32_t item = number_item(t, e);
    const uint32_t merge =
        begin_if(t, u32_test(t, SpvOpULessThan, item, load_push(t, PUSH_ITEM_END)));
    const uint32_t nx = load_push(t, PUSH_NX);
    const uint32_t ny = load_push(t, PUSH_NY);
    const uint32_t rows = u32_op(t, SpvOpUDiv, item, nx);
    uint32_t params[KERNEL_PARAMS_MAX];
    params[0] = u32_op(t, SpvOpISub, item, u32_op(t, SpvOpIMul, rows, nx));
    params[2] = u32_op(t, SpvOpUDiv, rows, ny);
    params[1] = u32_op(t, SpvOpISub, rows, u32_op(t, SpvOpIMul, params[2], ny));
    WJ_SPV_DO(b, SpvOpStore, t->fuel, first_fuel(t, e));
    if (t->is_group) {
        run_phases(t, e, params);
    } else {
        params[3] = load_args(t);
        call_kernel(t, e, params, 4);
    }
    write_record(t, e, item);
    end_if(t, merge);
    wj_spv_raw(&b->body, SpvOpReturn, NULL, 0);
    b->is_terminated = true;
    wj_spv_function_end(b);
    declare_entry(t, e, main_id);
}

// The functions.

struct wj_spv_func *wj_spv_find_func(struct wj_spv_translator *t, uint32_t index, uint32_t call_at)
{
    for (uint32_t i = 0; i < t->func_count; i++) {
        if (t->funcs[i].index == index) {
            return &t->funcs[i];
        }
    }
    struct wj_spv_func *funcs =
        wj_spv_grow(t, t->funcs, &t->func_capacity, t->func_count, sizeof *funcs);
    if (funcs == NULL) {
        return NULL;
    }
    t->funcs = funcs;
    struct wj_spv_func *func = &t->funcs[t->func_count++];
    *func = (struct wj_spv_func){.index = index, .id = wj_spv_id(&t->b), .call_at = call_at};
    return func;
}

enum visit { VISIT_NONE, VISIT_OPEN, VISIT_DONE };

static void add_branches(const struct wj_spv_translator *t, struct wj_spv_func *func)
{
    for (uint32_t i = 0; i < func->callee_count; i++) {
        const uint64_t count = t->funcs[func->callees[i].func].branch_count;
        func->branch_count += count * func->callees[i].sites;
    }
    func->branch_count = func->branch_count < UINT32_MAX ? func->branch_count : UINT32_MAX;
}

// No function may call itself, and what is called must not be too much where it is called.
// Depth-first, without recursion of our own: `path` is a stack of functions being visited.
static bool check_calls(struct wj_spv_translator *t, struct wj_spv_barred *failure)
{
    uint32_t *path = WJ_ARENA_ARRAY(&t->arena, uint32_t, t->func_count);
    uint32_t *next = WJ_ARENA_ARRAY(&t->arena, uint32_t, t->func_count);
    if (path == NULL || next == NULL) {
        t->has_failed = true;
        return false;
    }
    uint32_t depth = 1;
    t->funcs[0].visit = VISIT_OPEN;
    while (depth != 0) {
        struct wj_spv_func *func = &t->funcs[path[depth - 1]];
        if (next[depth - 1] == func->callee_count) {
            func->visit = VISIT_DONE;
            add_branches(t, func);
            depth--;
            continue;
        }
        const struct wj_spv_callee *call = &func->callees[next[depth - 1]++];
        const uint32_t callee = call->func;
        struct wj_spv_func *to = &t->funcs[callee];
        if (to->visit == VISIT_OPEN) {
            failure->from = call->is_indirect ? func->index : UINT32_MAX;
            failure->to = call->is_indirect ? to->index : func->index;
            return wj_err_set(t->reason, WJ_ERR_UNSUPPORTED, to->call_at,
                              "function %u is recursive: use a loop", to->index);
        }
        if (to->visit == VISIT_NONE) {
            to->visit = VISIT_OPEN;
            path[depth] = callee;
            next[depth] = 0;
            depth++;
        }
    }
    *failure = (struct wj_spv_barred){.from = UINT32_MAX, .to = t->kernel_index};
    return t->funcs[0].branch_count <= WJ_SPV_BRANCHES_MAX ||
           wj_err_set(t->reason, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET,
                      "%u conditional branches, with the functions that it calls where they are "
                      "called, %d is the limit",
                      (uint32_t) t->funcs[0].branch_count, WJ_SPV_BRANCHES_MAX);
}

static bool check_kernel(struct wj_spv_translator *t)
{
    const struct wj_module *module = t->module;
    if (t->caps->i32_arith == WJ_GPU_REFUSED || t->caps->i32_shift == WJ_GPU_REFUSED) {
        return wj_err_set(t->reason, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET,
                          "the device computes 32-bit integers wrongly: all is made of them");
    }
    if (t->far_memories != 0 && (!t->caps->has_int64 || t->caps->i64 == WJ_GPU_REFUSED)) {
        return wj_err_set(t->reason, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET,
                          "memory at addresses: the device has no 64-bit integers");
    }
    if (t->kernel_index >= module->func_count || module->funcs[t->kernel_index].is_imported) {
        return wj_err_set(t->reason, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET,
                          "the kernel is not a function of the module");
    }
    const struct wj_func *func = &module->funcs[t->kernel_index];
    t->is_64 = wj_kernel_is_64(module);
    if (!wj_kernel_is_kernel(func->type, t->is_group, t->is_64)) {
        return wj_err_set(t->reason, WJ_ERR_UNSUPPORTED, func->code_offset,
                          t->is_group ? "the kernel's type is not that of kernels of groups"
                          : t->is_64  ? "the kernel's type is not (i32 i32 i32 i64) -> ()"
                                      : "the kernel's type is not (i32 i32 i32 i32) -> ()");
    }
    t->memory_count = 1;
    t->m = &t->memories[0];
    if (module->memory_count != 0) {
        const struct wj_memory_type *memory = &module->memories[0].type;
        t->m->bytes_min = memory->limits.min << memory->page_size_log2;
        t->m->is_64 = memory->limits.is_64;
        t->m->is_far = (t->far_memories & 1) != 0;
        if (t->m->bytes_min < 16) {
            return wj_err_set(t->reason, WJ_ERR_UNSUPPORTED, func->code_offset,
                              "the memory may be empty");
        }
    }
    return true;
}

// Offsets in trap records count from the first function of the module's code section, in 28 bits.
static bool check_offsets(struct wj_spv_translator *t)
{
    const struct wj_module *module = t->module;
    t->offset_base = module->funcs[module->func_import_count].code_offset;
    if (module->size_bytes - t->offset_base >= 1u << 28) {
        return wj_err_set(t->reason, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET,
                          "the module has more than 256 MiB of code");
    }
    return true;
}

// The stack of items is measured where functions move it as kernels may.
static bool check_stack(struct wj_spv_translator *t, const struct wj_spv_func *func)
{
    struct wj_err why;
    wj_err_clear(&why);
    return t->window.stack_bytes == 0 || !t->has_indirect ||
           wj_kernel_scan_func(t->module, func->index, &why) ||
           wj_err_set(t->reason, WJ_ERR_UNSUPPORTED, why.offset, "calls function %u (%s)",
                      func->index, why.message);
}

// On failure *failure is the call that must not be made for it to get further.
static bool translate_all(struct wj_spv_translator *t, struct entry *e,
                          struct wj_spv_barred *failure)
{
    bool is_useful = false;
    struct wj_spv_func *kernel = wj_spv_find_func(t, t->kernel_index, 0);
    if (kernel == NULL) {
        return false;
    }
    const struct wj_spv_mark mark = wj_spv_mark(&t->b);
    e->fast = wj_spv_id(&t->b);
    if (!wj_spv_translate_func(t, kernel, e->fast, MODE_FAST, &is_useful)) {
        return false;
    }
    if (!is_useful) {
        wj_spv_rewind(&t->b, mark);
        e->fast = 0;
    }
    e->general = wj_spv_id(&t->b);
    for (uint32_t i = 0; i < t->func_count; i++) {
        const uint32_t id = i == 0 ? e->general : t->funcs[i].id;
        *failure = (struct wj_spv_barred){.from = UINT32_MAX, .to = t->funcs[i].index};
        if (i != 0 && !check_stack(t, &t->funcs[i])) {
            return false;
        }
        if (!wj_spv_translate_func(t, &t->funcs[i], id, MODE_GENERAL, &is_useful)) {
            return false;
        }
        const struct wj_spv_func *func = &t->funcs[i];
        if (i != 0 && func->has_loops && t->caps->loop_iterations_max != 0) {
            return wj_err_set(
                t->reason, WJ_ERR_UNSUPPORTED, func->call_at,
                "calls function %u, which loops: the device ends loops early; inline it",
                func->index);
        }
    }
    return check_calls(t, failure);
}

static bool finish(struct wj_spv_translator *t, const struct entry *e, struct wj_gpu_code *code)
{
    make_pairs(t);
    wj_spv_bulk_helpers(t);
    wj_spv_atomic_helpers(t);
    wj_spv_memory_helpers(t);
    wj_spv_window_helpers(t);
    wj_spv_pair_helpers(t);
    wj_spv_soft_helpers(t);
    wj_spv_view_finish(t);
    make_coherent(t);
    make_main(t, e);
    uint32_t *words = NULL;
    size_t count = 0;
    if (t->has_failed || !wj_spv_finish(&t->b, &words, &count)) {
        return false;
    }
    *code = (struct wj_gpu_code){
        .words = words,
        .word_count = count,
        .shape = *e->shape,
        .has_loops = t->has_loops,
        .counts_fuel = t->has_loops,
        .leaves_to_host = t->leaves_to_host,
        .left = t->left,
        .memory_count = t->memory_count,
    };
    for (uint32_t slot = 0; slot < t->memory_count; slot++) {
        code->memories[slot] = t->memories[slot].index;
    }
    return true;
}

// *failure: see translate_all; its `to` is the kernel where nothing helps.
static bool try_translate(struct wj_spv_translator *t, const struct wj_gpu_shape *shape,
                          struct wj_gpu_code *code, struct wj_spv_barred *failure)
{
    struct entry e = {.shape = shape};
    t->is_group = shape->items != 0;
    t->has_loops = t->is_group; // over phases
    t->far_memories = shape->far_memories;
    wj_spv_builder_init(&t->b);
    *failure = (struct wj_spv_barred){.from = UINT32_MAX, .to = t->kernel_index};
    bool is_good = check_kernel(t) && check_offsets(t) && wj_spv_window_plan(t, shape);
    if (is_good) {
        make_header(t);
        make_types(t);
        make_interface(t, &e);
        is_good = translate_all(t, &e, failure) && finish(t, &e, code);
    }
    if (!t->has_indirect || t->has_failed) {
        failure->to = t->kernel_index;
    }
    if (!is_good && t->reason->kind == WJ_ERR_NONE) {
        wj_err_set(t->reason, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    wj_kernel_table_clear(&t->table);
    wj_spv_builder_clear(&t->b);
    wj_arena_clear(&t->arena);
    wj_arena_clear(&t->pass_arena);
    return is_good;
}

bool wj_spirv_translate(const struct wj_module *module, uint32_t func_index,
                        const struct wj_gpu_shape *shape, const struct wj_gpu_caps *caps,
                        struct wj_gpu_code *code, struct wj_err *reason)
{
    struct wj_arena arena = {0}; // of what is barred
    uint8_t *scanned = NULL;
    struct wj_spv_translator *t = calloc(1, sizeof *t);
    const struct wj_spv_barred *barred = NULL;
    bool is_good = false;
    wj_err_clear(reason);
    // With calls through tables: again, without those that cannot be.
    for (unsigned tries = 0; t != NULL && !is_good && tries < TRIES_MAX; tries++) {
        struct wj_spv_barred failure;
        wj_err_clear(reason);
        *t = (struct wj_spv_translator){
            .module = module,
            .caps = caps,
            .reason = reason,
            .kernel_index = func_index,
            .barred = barred,
            .left = code->left,
            .kept = &arena,
            .scanned = scanned,
        };
        is_good = try_translate(t, shape, code, &failure);
        scanned = t->scanned;
        struct wj_spv_barred *more = WJ_ARENA_NEW(&arena, struct wj_spv_barred);
        if (is_good || failure.to == func_index || more == NULL) {
            break;
        }
        *more = failure;
        more->next = barred;
        more->why = *reason;
        barred = more;
    }
    if (t == NULL) {
        wj_err_set(reason, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    wj_arena_clear(&arena);
    free(t);
    return is_good;
}
