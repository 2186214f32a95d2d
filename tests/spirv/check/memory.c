// Loads, stores, atomics, and the pointers that they take.
#include <string.h>

#include <spirv/unified1/spirv.h>

#include "tests/spirv/check/shader.h"

// What the variable holds, and how much of it there is.
static uint8_t *storage(struct check_invocation *in, const struct check_variable *variable,
                        uint64_t *size_bytes)
{
    const struct check_run *run = in->run;
    *size_bytes = variable->size_bytes;
    switch (variable->storage_class) {
    case SpvStorageClassStorageBuffer: {
        const struct check_buffer *buffer =
            variable->binding == 1 ? &run->trap : &run->memories[variable->set];
        *size_bytes = buffer->size_bytes;
        return buffer->bytes;
    }
    case SpvStorageClassPushConstant: return (uint8_t *) (uintptr_t) &run->push;
    case SpvStorageClassWorkgroup: return run->shared + variable->at;
    case SpvStorageClassPrivate:
    case SpvStorageClassFunction: return in->own + variable->at;
    default: check_fail("storage class %u is not known", variable->storage_class);
    }
}

// An address on the device. What the access says of its alignment must be so.
static uint8_t *reach_far(struct check_invocation *in, const struct check_inst *inst,
                          uint64_t address, uint32_t size, const char *what)
{
    const bool is_store = inst->op == SpvOpStore;
    if (inst->op == SpvOpLoad || is_store) {
        const uint32_t *more = inst->operands + (is_store ? 2 : 1);
        const bool is_aligned = inst->count == (is_store ? 4 : 3) &&
                                more[0] == SpvMemoryAccessAlignedMask && address % more[1] == 0;
        if (!is_aligned) {
            check_fail("word %u: a %s at the address 0x%llx, which is not aligned as it says",
                       inst->word, what, (unsigned long long) address);
        }
    }
    for (uint32_t slot = 0; slot < WJ_GPU_MEMORIES_MAX; slot++) {
        const struct check_buffer *memory = &in->run->memories[slot];
        const uint64_t offset = address - CHECK_ADDRESS(slot);
        if (address >= CHECK_ADDRESS(slot) && offset <= memory->size_bytes &&
            memory->size_bytes - offset >= size) {
            return memory->bytes + offset;
        }
    }
    check_fail("word %u: a %s of %u bytes at the address 0x%llx: outside", inst->word, what, size,
               (unsigned long long) address);
}

static uint8_t *reach(struct check_invocation *in, const struct check_inst *inst,
                      const struct check_value *pointer, uint32_t size, const char *what)
{
    const struct check_shader *s = in->run->shader;
    if (pointer->c[0] == 0) {
        return reach_far(in, inst, pointer->c[1], size, what);
    }
    const struct check_variable *variable = &s->variables[pointer->c[0]];
    uint64_t size_bytes;
    uint8_t *bytes = storage(in, variable, &size_bytes);
    if (pointer->c[1] > size_bytes || size_bytes - pointer->c[1] < size) {
        check_fail("word %u: a %s of %u bytes at %llu of the %llu that variable %llu has: outside",
                   inst->word, what, size, (unsigned long long) pointer->c[1],
                   (unsigned long long) size_bytes, (unsigned long long) pointer->c[0]);
    }
    return bytes + pointer->c[1];
}

static void load_input(struct check_invocation *in, const struct check_variable *variable,
                       struct check_value *to)
{
    const struct check_run *run = in->run;
    memset(to, 0, sizeof *to);
    for (unsigned i = 0; i < 3; i++) {
        switch (variable->built_in) {
        case SpvBuiltInWorkgroupId: to->c[i] = run->group[i]; break;
        case SpvBuiltInNumWorkgroups: to->c[i] = run->groups[i]; break;
        case SpvBuiltInLocalInvocationId: to->c[i] = i == 0 ? in->local : 0; break;
        default: check_fail("input %u is not known", variable->built_in);
        }
    }
}

static void load(struct check_invocation *in, const struct check_inst *inst)
{
    const struct check_shader *s = in->run->shader;
    const struct check_value *pointer = &in->values[inst->operands[0]];
    const struct check_variable *variable = &s->variables[pointer->c[0]];
    struct check_value *to = &in->values[inst->result];
    if (variable->storage_class == SpvStorageClassInput) {
        load_input(in, variable, to);
        return;
    }
    const uint32_t size = s->types[inst->type].size_bytes;
    const uint8_t *from = reach(in, inst, pointer, size, "load");
    const uint32_t each = size / inst->n;
    struct check_value value = {0};
    for (unsigned i = 0; i < inst->n; i++) {
        memcpy(&value.c[i], from + i * each, each);
    }
    *to = value;
}

static void store(struct check_invocation *in, const struct check_inst *inst)
{
    const struct check_shader *s = in->run->shader;
    const struct check_value *pointer = &in->values[inst->operands[0]];
    const struct check_value *value = &in->values[inst->operands[1]];
    const struct check_type *type = &s->types[s->type_of[inst->operands[1]]];
    uint8_t *to = reach(in, inst, pointer, type->size_bytes, "store");
    const uint32_t each = type->size_bytes / type->count;
    for (unsigned i = 0; i < type->count; i++) {
        memcpy(to + i * each, &value->c[i], each);
    }
}

static void access_chain(struct check_invocation *in, const struct check_inst *inst)
{
    const struct check_shader *s = in->run->shader;
    struct check_value pointer = in->values[inst->operands[0]];
    uint32_t at = s->types[s->type_of[inst->operands[0]]].element;
    for (unsigned i = 1; i < inst->count; i++) {
        const struct check_type *type = &s->types[at];
        const uint32_t index = (uint32_t) in->values[inst->operands[i]].c[0];
        if (type->op == SpvOpTypeStruct) {
            if (index >= type->count) {
                check_fail("word %u: member %u of %u", inst->word, index, type->count);
            }
            pointer.c[1] += type->offsets[index];
            at = type->members[index];
            continue;
        }
        // The end of an array in memory is the buffer's; others end where their type says.
        const uint32_t stride =
            type->op == SpvOpTypeVector ? s->types[type->element].size_bytes : type->stride;
        if (type->op != SpvOpTypeRuntimeArray && index >= type->count) {
            check_fail("word %u: element %u of %u: outside", inst->word, index, type->count);
        }
        pointer.c[1] += (uint64_t) index * stride;
        at = type->element;
    }
    in->values[inst->result] = pointer;
}

// What an atomic operation makes of the old value.
static uint64_t atomic_result(const struct check_invocation *in, const struct check_inst *inst,
                              uint64_t old)
{
    const bool is_compare = inst->op == SpvOpAtomicCompareExchange;
    if (inst->op == SpvOpAtomicLoad) {
        return old;
    }
    const uint64_t value = in->values[inst->operands[is_compare ? 4 : 3]].c[0];
    switch (inst->op) {
    case SpvOpAtomicIAdd: return old + value;
    case SpvOpAtomicISub: return old - value;
    case SpvOpAtomicAnd: return old & value;
    case SpvOpAtomicOr: return old | value;
    case SpvOpAtomicXor: return old ^ value;
    case SpvOpAtomicCompareExchange: return old == in->values[inst->operands[5]].c[0] ? value : old;
    default: return value; // OpAtomicStore, OpAtomicExchange
    }
}

// An atomic operation on a word, or on two: the old value is the result, where there is one.
static void atomic(struct check_invocation *in, const struct check_inst *inst)
{
    const struct check_shader *s = in->run->shader;
    const bool is_store = inst->op == SpvOpAtomicStore;
    const uint32_t type = is_store ? s->type_of[inst->operands[3]] : inst->type;
    const uint32_t size = s->types[type].size_bytes;
    uint8_t *word = reach(in, inst, &in->values[inst->operands[0]], size, "atomic access");
    uint64_t old = 0;
    memcpy(&old, word, size);
    const uint64_t now = atomic_result(in, inst, old);
    memcpy(word, &now, size);
    if (!is_store) {
        in->values[inst->result].c[0] = old;
    }
}

bool check_access(struct check_invocation *in, const struct check_inst *inst)
{
    switch (inst->op) {
    case SpvOpLoad: load(in, inst); return true;
    case SpvOpStore: store(in, inst); return true;
    case SpvOpAccessChain: access_chain(in, inst); return true;
    case SpvOpConvertUToPtr:
        in->values[inst->result] = (struct check_value){{0, in->values[inst->operands[0]].c[0]}};
        return true;
    case SpvOpAtomicLoad:
    case SpvOpAtomicStore:
    case SpvOpAtomicExchange:
    case SpvOpAtomicCompareExchange:
    case SpvOpAtomicIAdd:
    case SpvOpAtomicISub:
    case SpvOpAtomicAnd:
    case SpvOpAtomicOr:
    case SpvOpAtomicXor: atomic(in, inst); return true;
    case SpvOpMemoryBarrier: return true; // one invocation at a time has no order to keep
    default: return false;
    }
}
