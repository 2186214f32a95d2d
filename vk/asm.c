// Emission of SPIR-V 1.3, which every Vulkan since 1.1 takes, and the prologue of kernels.
#include "vk/asm.h"

#include <stdlib.h>
#include <string.h>

enum {
    PUSH_MEMBERS = sizeof(struct wj_gpu_push) / 4,
    TRAP_MEMBERS = sizeof(struct wj_gpu_trap) / 4,
};

static void add_words(struct wj_vk_asm *a, enum wj_vk_section section, const uint32_t *words,
                      size_t count)
{
    struct wj_vk_words *to = &a->sections[section];
    if (count == 0) {
        return;
    }
    if (to->count + count > to->capacity) {
        const size_t capacity = to->capacity * 2 + count + 256;
        uint32_t *data = realloc(to->data, capacity * sizeof *data);
        if (data == NULL) {
            a->has_failed = true;
            return;
        }
        to->data = data;
        to->capacity = capacity;
    }
    memcpy(to->data + to->count, words, count * sizeof *words);
    to->count += count;
}

void wj_vk_asm_emit(struct wj_vk_asm *a, enum wj_vk_section section, SpvOp op,
                    const uint32_t *operands, size_t count)
{
    const uint32_t first = (uint32_t) (count + 1) << SpvWordCountShift | (uint32_t) op;
    add_words(a, section, &first, 1);
    add_words(a, section, operands, count);
}

#define EMIT(a, section, op, ...) wj_vk_asm_emit((a), (section), (op), ASM_ARGS(__VA_ARGS__))

uint32_t wj_vk_asm_result(struct wj_vk_asm *a, SpvOp op, uint32_t type, const uint32_t *operands,
                          size_t count)
{
    const uint32_t id = wj_vk_asm_id(a);
    const uint32_t head[3] = {(uint32_t) (count + 3) << SpvWordCountShift | (uint32_t) op, type,
                              id};
    add_words(a, SECTION_BODY, head, 3);
    add_words(a, SECTION_BODY, operands, count);
    return id;
}

static uint32_t make_type(struct wj_vk_asm *a, SpvOp op, const uint32_t *operands, size_t count)
{
    const uint32_t id = wj_vk_asm_id(a);
    const uint32_t head[2] = {(uint32_t) (count + 2) << SpvWordCountShift | (uint32_t) op, id};
    add_words(a, SECTION_GLOBALS, head, 2);
    add_words(a, SECTION_GLOBALS, operands, count);
    return id;
}
#define TYPE(a, op, ...) make_type((a), (op), ASM_ARGS(__VA_ARGS__))

static uint32_t make_global(struct wj_vk_asm *a, SpvOp op, uint32_t type, const uint32_t *operands,
                            size_t count)
{
    const uint32_t id = wj_vk_asm_id(a);
    const uint32_t head[3] = {(uint32_t) (count + 3) << SpvWordCountShift | (uint32_t) op, type,
                              id};
    add_words(a, SECTION_GLOBALS, head, 3);
    add_words(a, SECTION_GLOBALS, operands, count);
    return id;
}
#define GLOBAL(a, op, type, ...) make_global((a), (op), (type), ASM_ARGS(__VA_ARGS__))

// The same constant may be declared again: only types must be unique.
static uint32_t splat(struct wj_vk_asm *a, uint32_t type, uint32_t scalar)
{
    return a->lanes == 1 ? scalar
           : a->lanes == 2
               ? GLOBAL(a, SpvOpConstantComposite, type, scalar, scalar)
               : GLOBAL(a, SpvOpConstantComposite, type, scalar, scalar, scalar, scalar);
}

uint32_t wj_vk_asm_u32(struct wj_vk_asm *a, uint32_t value)
{
    return splat(a, a->type_u32, GLOBAL(a, SpvOpConstant, a->scalars.u32, value));
}

uint32_t wj_vk_asm_u64(struct wj_vk_asm *a, uint64_t value)
{
    return splat(
        a, a->type_u64,
        GLOBAL(a, SpvOpConstant, a->scalars.u64, (uint32_t) value, (uint32_t) (value >> 32)));
}

void wj_vk_asm_shape(struct wj_vk_asm *a, unsigned lanes)
{
    const struct wj_vk_types *scalars = &a->scalars;
    struct wj_vk_types *types = lanes == 1 ? &a->scalars : &a->vectors;
    if (types->boolean == 0) {
        types->boolean = TYPE(a, SpvOpTypeVector, scalars->boolean, lanes);
        if (lanes == 4) {
            types->u32 = TYPE(a, SpvOpTypeVector, scalars->u32, lanes);
            types->f32 = TYPE(a, SpvOpTypeVector, scalars->f32, lanes);
        } else {
            types->u64 = TYPE(a, SpvOpTypeVector, scalars->u64, lanes);
            types->f64 = scalars->f64 == 0 ? 0 : TYPE(a, SpvOpTypeVector, scalars->f64, lanes);
        }
    }
    a->lanes = lanes;
    a->type_bool = types->boolean;
    a->type_u32 = types->u32;
    a->type_f32 = types->f32;
    a->type_u64 = types->u64;
    a->type_f64 = types->f64;
}

uint32_t wj_vk_asm_join(struct wj_vk_asm *a, uint32_t low, uint32_t high)
{
    const uint32_t words = ASM_OP(a, SpvOpCompositeConstruct, a->type_words2, low, high);
    return ASM_OP(a, SpvOpBitcast, a->type_u64, words);
}

uint32_t wj_vk_asm_half(struct wj_vk_asm *a, uint32_t value, uint32_t which)
{
    const uint32_t words = ASM_OP(a, SpvOpBitcast, a->type_words2, value);
    return ASM_OP(a, SpvOpCompositeExtract, a->type_u32, words, which);
}

// As wj_spv_resize() does.
uint32_t wj_vk_asm_widen(struct wj_vk_asm *a, uint32_t word, bool is_signed)
{
    if (!is_signed) {
        return wj_vk_asm_join(a, word, wj_vk_asm_u32(a, 0));
    }
    const uint32_t sign =
        ASM_OP(a, SpvOpShiftRightArithmetic, a->type_u32, word, wj_vk_asm_u32(a, 31));
    return wj_vk_asm_join(a, word, sign);
}

uint32_t wj_vk_asm_glsl(struct wj_vk_asm *a, uint32_t instruction, uint32_t type, uint32_t operand)
{
    return ASM_OP(a, SpvOpExtInst, type, a->glsl, instruction, operand);
}

uint32_t wj_vk_asm_exact(struct wj_vk_asm *a, SpvOp op, uint32_t type, uint32_t x, uint32_t y)
{
    const uint32_t id = ASM_OP(a, op, type, x, y);
    EMIT(a, SECTION_DECORATIONS, SpvOpDecorate, id, SpvDecorationNoContraction);
    return id;
}

uint32_t wj_vk_asm_load(struct wj_vk_asm *a, uint32_t word)
{
    const uint32_t at =
        ASM_OP(a, SpvOpAccessChain, a->pointer_word, a->memory, wj_vk_asm_u32(a, 0), word);
    return ASM_OP(a, SpvOpLoad, a->type_u32, at);
}

void wj_vk_asm_store(struct wj_vk_asm *a, uint32_t word, uint32_t value)
{
    const uint32_t at =
        ASM_OP(a, SpvOpAccessChain, a->pointer_word, a->memory, wj_vk_asm_u32(a, 0), word);
    ASM_DO(a, SpvOpStore, at, value);
}

uint32_t wj_vk_asm_push(struct wj_vk_asm *a, uint32_t member)
{
    const uint32_t at =
        ASM_OP(a, SpvOpAccessChain, a->pointer_push, a->push, wj_vk_asm_u32(a, member));
    return ASM_OP(a, SpvOpLoad, a->type_u32, at);
}

void wj_vk_asm_atomic_add(struct wj_vk_asm *a, uint32_t word, uint32_t value, uint32_t semantics)
{
    const uint32_t at =
        ASM_OP(a, SpvOpAccessChain, a->pointer_word, a->memory, wj_vk_asm_u32(a, 0), word);
    (void) ASM_OP(a, SpvOpAtomicIAdd, a->type_u32, at, wj_vk_asm_u32(a, SpvScopeDevice),
                  wj_vk_asm_u32(a, semantics), value);
}

uint32_t wj_vk_asm_trap(struct wj_vk_asm *a, uint32_t member)
{
    return ASM_OP(a, SpvOpAccessChain, a->pointer_word, a->trap, wj_vk_asm_u32(a, member));
}

uint32_t wj_vk_asm_variable(struct wj_vk_asm *a)
{
    const uint32_t id = wj_vk_asm_id(a);
    EMIT(a, SECTION_VARIABLES, SpvOpVariable, a->pointer_variable, id, SpvStorageClassFunction);
    return id;
}

void wj_vk_asm_label(struct wj_vk_asm *a, uint32_t label)
{
    ASM_DO(a, SpvOpLabel, label);
}

void wj_vk_asm_branch(struct wj_vk_asm *a, uint32_t label)
{
    ASM_DO(a, SpvOpBranch, label);
}

void wj_vk_asm_test(struct wj_vk_asm *a, uint32_t condition, uint32_t yes, uint32_t no,
                    uint32_t merge)
{
    ASM_DO(a, SpvOpSelectionMerge, merge, SpvSelectionControlMaskNone);
    ASM_DO(a, SpvOpBranchConditional, condition, yes, no);
}

struct wj_vk_loop wj_vk_asm_loop_begin(struct wj_vk_asm *a, uint32_t variable, uint32_t end)
{
    const struct wj_vk_loop loop = {wj_vk_asm_id(a), wj_vk_asm_id(a), wj_vk_asm_id(a)};
    const uint32_t check = wj_vk_asm_id(a);
    const uint32_t body = wj_vk_asm_id(a);
    wj_vk_asm_branch(a, loop.header);
    wj_vk_asm_label(a, loop.header);
    ASM_DO(a, SpvOpLoopMerge, loop.merge, loop.next, SpvLoopControlMaskNone);
    wj_vk_asm_branch(a, check);
    wj_vk_asm_label(a, check);
    const uint32_t value = ASM_OP(a, SpvOpLoad, a->type_u32, variable);
    const uint32_t goes_on = ASM_OP(a, SpvOpULessThan, a->type_bool, value, end);
    ASM_DO(a, SpvOpBranchConditional, goes_on, body, loop.merge);
    wj_vk_asm_label(a, body);
    return loop;
}

void wj_vk_asm_loop_end(struct wj_vk_asm *a, struct wj_vk_loop loop, uint32_t variable)
{
    wj_vk_asm_branch(a, loop.next);
    wj_vk_asm_label(a, loop.next);
    const uint32_t value = ASM_OP(a, SpvOpLoad, a->type_u32, variable);
    const uint32_t next = ASM_OP(a, SpvOpIAdd, a->type_u32, value, wj_vk_asm_u32(a, 1));
    ASM_DO(a, SpvOpStore, variable, next);
    wj_vk_asm_branch(a, loop.header);
    wj_vk_asm_label(a, loop.merge);
}

static void make_types(struct wj_vk_asm *a, bool has_int64, bool has_float64)
{
    a->type_void = make_type(a, SpvOpTypeVoid, NULL, 0);
    a->scalars.boolean = make_type(a, SpvOpTypeBool, NULL, 0);
    a->scalars.u32 = TYPE(a, SpvOpTypeInt, 32, 0);
    a->scalars.f32 = TYPE(a, SpvOpTypeFloat, 32);
    if (has_int64) {
        a->scalars.u64 = TYPE(a, SpvOpTypeInt, 64, 0);
        a->type_words2 = TYPE(a, SpvOpTypeVector, a->scalars.u32, 2);
    }
    if (has_float64) {
        a->scalars.f64 = TYPE(a, SpvOpTypeFloat, 64);
    }
    wj_vk_asm_shape(a, 1);
    a->type_pair = TYPE(a, SpvOpTypeStruct, a->type_u32, a->type_u32);
    a->pointer_word = TYPE(a, SpvOpTypePointer, SpvStorageClassStorageBuffer, a->type_u32);
    a->pointer_push = TYPE(a, SpvOpTypePointer, SpvStorageClassPushConstant, a->type_u32);
    a->pointer_variable = TYPE(a, SpvOpTypePointer, SpvStorageClassFunction, a->type_u32);
}

static uint32_t make_buffer(struct wj_vk_asm *a, uint32_t block, uint32_t binding)
{
    const uint32_t pointer = TYPE(a, SpvOpTypePointer, SpvStorageClassStorageBuffer, block);
    const uint32_t id = GLOBAL(a, SpvOpVariable, pointer, SpvStorageClassStorageBuffer);
    EMIT(a, SECTION_DECORATIONS, SpvOpDecorate, block, SpvDecorationBlock);
    EMIT(a, SECTION_DECORATIONS, SpvOpDecorate, id, SpvDecorationDescriptorSet, 0);
    EMIT(a, SECTION_DECORATIONS, SpvOpDecorate, id, SpvDecorationBinding, binding);
    return id;
}

static uint32_t make_block(struct wj_vk_asm *a, uint32_t member_count)
{
    uint32_t members[PUSH_MEMBERS] = {0};
    for (uint32_t i = 0; i < member_count; i++) {
        members[i] = a->type_u32;
    }
    const uint32_t block = make_type(a, SpvOpTypeStruct, members, member_count);
    for (uint32_t i = 0; i < member_count; i++) {
        EMIT(a, SECTION_DECORATIONS, SpvOpMemberDecorate, block, i, SpvDecorationOffset, i * 4);
    }
    return block;
}

static void make_interface(struct wj_vk_asm *a)
{
    const uint32_t words = TYPE(a, SpvOpTypeRuntimeArray, a->type_u32);
    const uint32_t memory = TYPE(a, SpvOpTypeStruct, words);
    EMIT(a, SECTION_DECORATIONS, SpvOpDecorate, words, SpvDecorationArrayStride, 4);
    EMIT(a, SECTION_DECORATIONS, SpvOpMemberDecorate, memory, 0, SpvDecorationOffset, 0);
    a->memory = make_buffer(a, memory, 0);
    a->trap = make_buffer(a, make_block(a, TRAP_MEMBERS), 1);
    const uint32_t push = make_block(a, PUSH_MEMBERS);
    EMIT(a, SECTION_DECORATIONS, SpvOpDecorate, push, SpvDecorationBlock);
    const uint32_t pointer = TYPE(a, SpvOpTypePointer, SpvStorageClassPushConstant, push);
    a->push = GLOBAL(a, SpvOpVariable, pointer, SpvStorageClassPushConstant);
}

struct builtins {
    uint32_t pointer_component, group, group_count, local, size_x;
};

static struct builtins make_builtins(struct wj_vk_asm *a)
{
    struct builtins in;
    const uint32_t vector = TYPE(a, SpvOpTypeVector, a->type_u32, 3);
    const uint32_t pointer = TYPE(a, SpvOpTypePointer, SpvStorageClassInput, vector);
    in.pointer_component = TYPE(a, SpvOpTypePointer, SpvStorageClassInput, a->type_u32);
    in.group = GLOBAL(a, SpvOpVariable, pointer, SpvStorageClassInput);
    in.group_count = GLOBAL(a, SpvOpVariable, pointer, SpvStorageClassInput);
    in.local = GLOBAL(a, SpvOpVariable, pointer, SpvStorageClassInput);
    in.size_x = GLOBAL(a, SpvOpSpecConstant, a->type_u32, 64);
    const uint32_t one = wj_vk_asm_u32(a, 1);
    const uint32_t size = GLOBAL(a, SpvOpSpecConstantComposite, vector, in.size_x, one, one);
    EMIT(a, SECTION_DECORATIONS, SpvOpDecorate, in.size_x, SpvDecorationSpecId, 0);
    EMIT(a, SECTION_DECORATIONS, SpvOpDecorate, size, SpvDecorationBuiltIn,
         SpvBuiltInWorkgroupSize);
    EMIT(a, SECTION_DECORATIONS, SpvOpDecorate, in.group, SpvDecorationBuiltIn,
         SpvBuiltInWorkgroupId);
    EMIT(a, SECTION_DECORATIONS, SpvOpDecorate, in.group_count, SpvDecorationBuiltIn,
         SpvBuiltInNumWorkgroups);
    EMIT(a, SECTION_DECORATIONS, SpvOpDecorate, in.local, SpvDecorationBuiltIn,
         SpvBuiltInLocalInvocationId);
    return in;
}

static uint32_t component(struct wj_vk_asm *a, const struct builtins *in, uint32_t variable,
                          uint32_t which)
{
    const uint32_t at =
        ASM_OP(a, SpvOpAccessChain, in->pointer_component, variable, wj_vk_asm_u32(a, which));
    return ASM_OP(a, SpvOpLoad, a->type_u32, at);
}

void wj_vk_asm_begin(struct wj_vk_asm *a, bool has_int64, bool has_float64)
{
    memset(a, 0, sizeof *a);
    a->next_id = 1;
    a->glsl = wj_vk_asm_id(a);
    const uint32_t main_id = wj_vk_asm_id(a);
    EMIT(a, SECTION_HEAD, SpvOpCapability, SpvCapabilityShader);
    if (has_int64) {
        EMIT(a, SECTION_HEAD, SpvOpCapability, SpvCapabilityInt64);
    }
    if (has_float64) {
        EMIT(a, SECTION_HEAD, SpvOpCapability, SpvCapabilityFloat64);
    }
    uint32_t import[5] = {a->glsl};
    memcpy(import + 1, "GLSL.std.450", sizeof "GLSL.std.450");
    EMIT(a, SECTION_HEAD, SpvOpExtInstImport, import[0], import[1], import[2], import[3],
         import[4]);
    EMIT(a, SECTION_HEAD, SpvOpMemoryModel, SpvAddressingModelLogical, SpvMemoryModelGLSL450);
    make_types(a, has_int64, has_float64);
    make_interface(a);
    const struct builtins in = make_builtins(a);
    uint32_t name[2] = {0};
    memcpy(name, "main", sizeof "main");
    EMIT(a, SECTION_HEAD, SpvOpEntryPoint, SpvExecutionModelGLCompute, main_id, name[0], name[1],
         in.group, in.group_count, in.local);

    const uint32_t type = TYPE(a, SpvOpTypeFunction, a->type_void);
    EMIT(a, SECTION_VARIABLES, SpvOpFunction, a->type_void, main_id, SpvFunctionControlMaskNone,
         type);
    EMIT(a, SECTION_VARIABLES, SpvOpLabel, wj_vk_asm_id(a));
    const uint32_t row = ASM_OP(a, SpvOpIMul, a->type_u32, component(a, &in, in.group, 1),
                                component(a, &in, in.group_count, 0));
    const uint32_t group = ASM_OP(a, SpvOpIAdd, a->type_u32, row, component(a, &in, in.group, 0));
    const uint32_t base = ASM_OP(a, SpvOpIMul, a->type_u32, group, in.size_x);
    const uint32_t number = ASM_OP(a, SpvOpIAdd, a->type_u32, base, component(a, &in, in.local, 0));
    a->item = ASM_OP(a, SpvOpIAdd, a->type_u32, number,
                     wj_vk_asm_push(a, offsetof(struct wj_gpu_push, first) / 4));
    const uint32_t is_in = ASM_OP(a, SpvOpULessThan, a->type_bool, a->item,
                                  wj_vk_asm_push(a, offsetof(struct wj_gpu_push, item_end) / 4));
    const uint32_t body = wj_vk_asm_id(a);
    a->end_label = wj_vk_asm_id(a);
    wj_vk_asm_test(a, is_in, body, a->end_label, a->end_label);
    wj_vk_asm_label(a, body);
}

bool wj_vk_asm_end(struct wj_vk_asm *a, struct wj_gpu_code *code, struct wj_err *err)
{
    wj_vk_asm_branch(a, a->end_label);
    wj_vk_asm_label(a, a->end_label);
    wj_vk_asm_emit(a, SECTION_BODY, SpvOpReturn, NULL, 0);
    wj_vk_asm_emit(a, SECTION_BODY, SpvOpFunctionEnd, NULL, 0);
    const uint32_t header[5] = {SpvMagicNumber, 0x00010300, 0, a->next_id, 0};
    size_t count = 5;
    for (unsigned i = 0; i < SECTION_COUNT; i++) {
        count += a->sections[i].count;
    }
    uint32_t *words = a->has_failed ? NULL : malloc(count * sizeof *words);
    if (words != NULL) {
        memcpy(words, header, sizeof header);
        size_t at = 5;
        for (unsigned i = 0; i < SECTION_COUNT; i++) {
            memcpy(words + at, a->sections[i].data, a->sections[i].count * sizeof *words);
            at += a->sections[i].count;
        }
    }
    for (unsigned i = 0; i < SECTION_COUNT; i++) {
        free(a->sections[i].data);
    }
    memset(a, 0, sizeof *a);
    *code = (struct wj_gpu_code){.words = words, .word_count = count, .memory_count = 1};
    return words != NULL ||
           wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory for the self-test");
}
