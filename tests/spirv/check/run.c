// Control flow: invocations of a workgroup, one after the other, from barrier to barrier.
#include <stdlib.h>
#include <string.h>

#include <spirv/unified1/spirv.h>

#include "tests/spirv/check/shader.h"

static void call(struct check_invocation *in, const struct check_inst *inst)
{
    const struct check_shader *s = in->run->shader;
    uint32_t at = s->code_of[inst->operands[0]] + 1;
    for (unsigned i = 1; i < inst->count; i++, at++) {
        in->values[s->code[at].result] = in->values[inst->operands[i]];
    }
    if (in->depth == CHECK_CALLS_MAX) {
        check_fail("word %u: calls are nested too deep", inst->word);
    }
    in->returns[in->depth++] = in->pc;
    in->pc = at;
}

static void leave(struct check_invocation *in, const struct check_inst *inst)
{
    if (in->depth == 0) {
        in->is_done = true;
        return;
    }
    in->pc = in->returns[--in->depth];
    if (inst->op == SpvOpReturnValue) {
        in->values[in->run->shader->code[in->pc].result] = in->values[inst->operands[0]];
    }
    in->pc++;
}

// A variable holds its initial value, a constant zero, or anything.
static void begin_variable(struct check_invocation *in, const struct check_inst *inst)
{
    const struct check_variable *variable = &in->run->shader->variables[inst->result];
    const bool has_value = inst->count > 1;
    if (has_value && in->run->shader->constants[inst->operands[1]].c[0] != 0) {
        check_fail("word %u: a variable begins with another value than zero", inst->word);
    }
    memset(in->own + variable->at, has_value ? 0 : 0xa5, variable->size_bytes);
}

static uint32_t find_case(const struct check_invocation *in, const struct check_inst *inst)
{
    const uint32_t value = (uint32_t) in->values[inst->operands[0]].c[0];
    for (unsigned i = 2; i + 1 < inst->count; i += 2) {
        if (inst->operands[i] == value) {
            return inst->operands[i + 1];
        }
    }
    return inst->operands[1];
}

// Steps on. False: the instruction is none of control flow.
static bool flow(struct check_invocation *in, const struct check_inst *inst)
{
    const uint32_t *code_of = in->run->shader->code_of;
    switch (inst->op) {
    case SpvOpBranch: in->pc = code_of[inst->operands[0]]; return true;
    case SpvOpBranchConditional:
        in->pc = code_of[inst->operands[in->values[inst->operands[0]].c[0] != 0 ? 1 : 2]];
        return true;
    case SpvOpSwitch: in->pc = code_of[find_case(in, inst)]; return true;
    case SpvOpFunctionCall: call(in, inst); return true;
    case SpvOpReturn:
    case SpvOpReturnValue: leave(in, inst); return true;
    case SpvOpVariable:
        begin_variable(in, inst);
        in->pc++;
        return true;
    case SpvOpFunction:
    case SpvOpFunctionParameter:
    case SpvOpLabel:
    case SpvOpSelectionMerge:
    case SpvOpLoopMerge: in->pc++; return true;
    case SpvOpUnreachable: check_fail("word %u was reached", inst->word);
    default: return false;
    }
}

// Until the invocation is over, or at a barrier, which it has passed then.
static void run_invocation(struct check_invocation *in)
{
    const struct check_shader *s = in->run->shader;
    while (!in->is_done) {
        const struct check_inst *inst = &s->code[in->pc];
        if (flow(in, inst)) {
            continue;
        }
        in->pc++;
        if (inst->op == SpvOpControlBarrier) {
            return;
        }
        if (!check_compute(in, inst) && !check_access(in, inst)) {
            check_fail("word %u: instruction %u is not known", inst->word, inst->op);
        }
    }
}

static void begin(struct check_invocation *in)
{
    const struct check_shader *s = in->run->shader;
    memset(in->own, 0, s->own_bytes);
    in->pc = s->main_code;
    in->depth = 0;
    in->is_done = false;
}

void check_run_group(struct check_run *run)
{
    const struct check_shader *s = run->shader;
    // Without barriers one invocation can be done before the next begins.
    const uint32_t count = s->has_barriers ? s->workgroup_size : 1;
    struct check_invocation *all = calloc(count, sizeof *all);
    struct check_value *values = calloc((size_t) count * s->bound, sizeof *values);
    uint8_t *own = calloc(count, s->own_bytes + 1);
    if (all == NULL || values == NULL || own == NULL) {
        check_fail("out of memory");
    }
    memset(run->shared, 0xa5, s->shared_bytes);
    for (uint32_t i = 0; i < count; i++) {
        all[i] = (struct check_invocation){
            .run = run,
            .values = values + (size_t) i * s->bound,
            .own = own + (size_t) i * s->own_bytes,
            .local = i,
        };
        memcpy(all[i].values, s->constants, s->bound * sizeof *values);
        begin(&all[i]);
    }
    for (uint32_t local = 0; count == 1 && local < s->workgroup_size; local++) {
        all[0].local = local;
        begin(&all[0]);
        run_invocation(&all[0]);
    }
    for (bool is_done = count == 1; !is_done;) {
        is_done = true;
        for (uint32_t i = 0; i < count; i++) {
            run_invocation(&all[i]);
            is_done = is_done && all[i].is_done;
        }
    }
    free(all);
    free(values);
    free(own);
}
