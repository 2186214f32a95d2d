// Decodes a module: types, constants, variables and their places, instructions.
#include "tests/spirv/check/shader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spirv/unified1/GLSL.std.450.h>
#include <spirv/unified1/spirv.h>

_Noreturn void check_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("checking device: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    fflush(stdout);
    _Exit(CHECK_STATUS);
}

static void *many(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (memory == NULL) {
        check_fail("out of memory");
    }
    return memory;
}

static void decorate(struct check_shader *s, const uint32_t *w)
{
    struct check_variable *variable = &s->variables[w[1]];
    switch (w[2]) {
    case SpvDecorationBinding: variable->binding = w[3]; break;
    case SpvDecorationDescriptorSet: variable->set = w[3]; break;
    case SpvDecorationBuiltIn: variable->built_in = w[3]; break;
    case SpvDecorationArrayStride: s->types[w[1]].stride = w[3]; break;
    default: break;
    }
}

static uint32_t size_of(const struct check_shader *s, uint32_t type)
{
    return s->types[type].size_bytes;
}

static void declare_type(struct check_shader *s, uint16_t op, const uint32_t *w, uint32_t count)
{
    struct check_type *type = &s->types[w[1]];
    type->op = op;
    type->count = 1;
    switch (op) {
    case SpvOpTypeBool:
        type->bits = 1;
        type->size_bytes = 4;
        break;
    case SpvOpTypeInt:
    case SpvOpTypeFloat:
        type->bits = w[2];
        type->size_bytes = w[2] / 8;
        break;
    case SpvOpTypeVector:
        type->element = w[2];
        type->count = w[3];
        type->bits = s->types[w[2]].bits;
        type->size_bytes = w[3] * size_of(s, w[2]);
        break;
    case SpvOpTypeArray:
        type->element = w[2];
        type->count = (uint32_t) s->constants[w[3]].c[0];
        type->stride = type->stride != 0 ? type->stride : size_of(s, w[2]);
        type->size_bytes = type->count * type->stride;
        break;
    case SpvOpTypeRuntimeArray: type->element = w[2]; break;
    case SpvOpTypePointer:
        type->storage_class = w[2];
        type->element = w[3];
        break;
    case SpvOpTypeStruct:
        type->count = count - 2;
        type->bits = count > 2 ? s->types[w[2]].bits : 0;
        for (uint32_t i = 0; i < type->count && i < CHECK_MEMBERS_MAX; i++) {
            type->members[i] = w[2 + i];
            type->size_bytes += size_of(s, w[2 + i]);
        }
        break;
    default: break;
    }
}

static void declare_constant(struct check_shader *s, uint16_t op, const uint32_t *w, uint32_t count)
{
    struct check_value *value = &s->constants[w[2]];
    s->type_of[w[2]] = w[1];
    switch (op) {
    case SpvOpConstantTrue: value->c[0] = 1; break;
    case SpvOpConstant: value->c[0] = w[3] | (count > 4 ? (uint64_t) w[4] << 32 : 0); break;
    case SpvOpSpecConstant: value->c[0] = s->workgroup_size; break; // there is only this one
    case SpvOpConstantComposite:
    case SpvOpSpecConstantComposite:
        for (uint32_t i = 3; i < count && i - 3 < CHECK_COMPONENTS_MAX; i++) {
            value->c[i - 3] = s->constants[w[i]].c[0];
        }
        break;
    default: break; // false and null are zero
    }
}

static void declare_variable(struct check_shader *s, const uint32_t *w)
{
    struct check_variable *variable = &s->variables[w[2]];
    variable->is_variable = true;
    variable->storage_class = w[3];
    variable->type = s->types[w[1]].element;
    variable->size_bytes = size_of(s, variable->type);
    s->type_of[w[2]] = w[1];
    s->constants[w[2]].c[0] = w[2];
    uint32_t *end = w[3] == SpvStorageClassWorkgroup ? &s->shared_bytes : &s->own_bytes;
    if (w[3] == SpvStorageClassWorkgroup || w[3] == SpvStorageClassPrivate ||
        w[3] == SpvStorageClassFunction) {
        variable->at = *end;
        *end += (variable->size_bytes + 15u) & ~15u;
    }
}

// Whether the first operands are a type and a result, or a result alone.
static bool has_type(uint16_t op)
{
    switch (op) {
    case SpvOpStore:
    case SpvOpAtomicStore:
    case SpvOpReturn:
    case SpvOpReturnValue:
    case SpvOpBranch:
    case SpvOpBranchConditional:
    case SpvOpSwitch:
    case SpvOpSelectionMerge:
    case SpvOpLoopMerge:
    case SpvOpUnreachable:
    case SpvOpControlBarrier:
    case SpvOpMemoryBarrier:
    case SpvOpFunctionEnd:
    case SpvOpLabel: return false;
    default: return true;
    }
}

static void decode(struct check_shader *s, uint16_t op, const uint32_t *w, uint32_t count)
{
    struct check_inst *inst = &s->code[s->code_count];
    *inst = (struct check_inst){.op = op, .word = (uint32_t) (w - s->words)};
    const uint32_t first = has_type(op) ? 3 : 1;
    if (op == SpvOpLabel) {
        s->code_of[w[1]] = (uint32_t) s->code_count;
    } else if (first == 3) {
        inst->type = w[1];
        inst->result = w[2];
        s->type_of[w[2]] = w[1];
        inst->n = (uint8_t) s->types[w[1]].count;
        inst->bits = (uint8_t) s->types[w[1]].bits;
    }
    if (op == SpvOpFunction) {
        s->code_of[w[2]] = (uint32_t) s->code_count;
    } else if (op == SpvOpVariable) {
        declare_variable(s, w);
    }
    s->has_barriers |= op == SpvOpControlBarrier;
    inst->operands = w + first;
    inst->count = (uint16_t) (count - first);
    s->code_count++;
}

static void read_inst(struct check_shader *s, const uint32_t *w, uint32_t *main_id, bool *in_func)
{
    const uint16_t op = (uint16_t) (w[0] & 0xffff);
    const uint32_t count = w[0] >> 16;
    *in_func |= op == SpvOpFunction;
    if (*in_func) {
        decode(s, op, w, count);
    } else if (op == SpvOpEntryPoint) {
        *main_id = w[2];
    } else if (op == SpvOpDecorate) {
        decorate(s, w);
    } else if (op == SpvOpMemberDecorate) {
        if (w[3] == SpvDecorationOffset && w[2] < CHECK_MEMBERS_MAX) {
            s->types[w[1]].offsets[w[2]] = w[4];
        }
    } else if (op >= SpvOpTypeVoid && op <= SpvOpTypeFunction) {
        declare_type(s, op, w, count);
    } else if (op >= SpvOpConstantTrue && op <= SpvOpSpecConstantComposite) {
        declare_constant(s, op, w, count);
    } else if (op == SpvOpVariable) {
        declare_variable(s, w);
        if (count > 4) { // its first value, a constant
            struct check_variable *variable = &s->variables[w[2]];
            if (s->constants[w[4]].c[0] != 0 || variable->storage_class != SpvStorageClassPrivate) {
                check_fail("a variable begins with another value than zero");
            }
        }
    }
}

// $WJIT_CHECK_WITHOUT=N leaves out the check number N, from 1 on, of those that bounds are kept by:
// comparisons say that nothing is outside, clamps keep what they are given.
static void leave_out(struct check_shader *s)
{
    const char *number = getenv("WJIT_CHECK_WITHOUT");
    unsigned long left = number == NULL ? 0 : strtoul(number, NULL, 10);
    for (size_t i = 0; i < s->main_code && left != 0; i++) { // it is the last function
        const struct check_inst *inst = &s->code[i];
        const bool is_check = inst->op == SpvOpUGreaterThan || inst->op == SpvOpULessThan ||
                              (inst->op == SpvOpExtInst && inst->operands[1] == GLSLstd450UMin);
        left -= is_check;
        if (is_check && left == 0) {
            s->without = inst->word;
        }
    }
    if (left != 0) {
        check_fail("no such check");
    }
}

struct check_shader *check_shader_new(const struct wj_gpu_code *code, uint32_t workgroup_size)
{
    struct check_shader *s = many(1, sizeof *s);
    s->words = many(code->word_count, sizeof *s->words);
    s->word_count = code->word_count;
    memcpy(s->words, code->words, code->word_count * sizeof *s->words);
    s->bound = s->words[3];
    s->workgroup_size = workgroup_size;
    s->types = many(s->bound, sizeof *s->types);
    s->variables = many(s->bound, sizeof *s->variables);
    s->type_of = many(s->bound, sizeof *s->type_of);
    s->constants = many(s->bound, sizeof *s->constants);
    s->code_of = many(s->bound, sizeof *s->code_of);
    s->code = many(code->word_count, sizeof *s->code);
    uint32_t main_id = 0;
    bool in_func = false;
    for (size_t at = 5; at < s->word_count; at += s->words[at] >> 16) {
        if (s->words[at] >> 16 == 0 || (s->words[at] >> 16) > s->word_count - at) {
            check_fail("word %zu: an instruction of no length", at);
        }
        read_inst(s, s->words + at, &main_id, &in_func);
    }
    s->main_code = s->code_of[main_id];
    leave_out(s);
    return s;
}

void check_shader_free(struct check_shader *s)
{
    if (s != NULL) {
        free(s->words);
        free(s->types);
        free(s->variables);
        free(s->type_of);
        free(s->constants);
        free(s->code_of);
        free(s->code);
        free(s);
    }
}
