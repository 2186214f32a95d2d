// The sink: values and locals, one pass over a function, and passes until the facts hold.
#include "spirv/indirect.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/vm/kernel_scan.h"
#include "wasm/opcode.h"
#include "wasm/walk.h"

enum { PASSES_MAX = 24, PASSES_BEFORE_GIVING_UP = 16, CODE_BYTES_MAX = 1 << 20 };

uint32_t wj_spv_offset(const struct wj_spv_translator *t, const struct wj_op *op)
{
    return (uint32_t) (op->at - t->module->bytes);
}

bool wj_spv_refuse(struct wj_spv_translator *t, const struct wj_op *op, const char *format, ...)
{
    char what[160];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    const size_t offset = op != NULL ? wj_spv_offset(t, op) : t->func->code_offset;
    if (t->current->index != t->kernel_index) {
        return wj_err_set(t->reason, WJ_ERR_UNSUPPORTED, offset, "calls function %u (%s)",
                          t->current->index, what);
    }
    return wj_err_set(t->reason, WJ_ERR_UNSUPPORTED, offset, "%s", what);
}

void *wj_spv_grow(struct wj_spv_translator *t, void *items, uint32_t *capacity, uint32_t count,
                  size_t item_bytes)
{
    if (count < *capacity) {
        return items;
    }
    const uint32_t wanted = *capacity == 0 ? 64 : *capacity * 2;
    void *grown = wj_arena_alloc_array(&t->arena, wanted, item_bytes);
    if (grown == NULL) {
        t->has_failed = true;
        return NULL;
    }
    if (count != 0) {
        memcpy(grown, items, count * item_bytes);
    }
    *capacity = wanted;
    return grown;
}

struct wj_spv_value wj_spv_value(uint32_t id, enum wj_spv_repr repr)
{
    return (struct wj_spv_value){.id = id, .repr = (uint8_t) repr};
}

uint32_t wj_spv_narrow(struct wj_spv_translator *t, uint32_t id, uint32_t *is_beyond)
{
    uint32_t words[2];
    wj_spv_split64(t, id, words);
    *is_beyond =
        WJ_SPV_OP(&t->b, SpvOpINotEqual, t->types[REPR_BOOL], words[1], wj_spv_const_u32(&t->b, 0));
    return words[0];
}

uint32_t wj_spv_low(struct wj_spv_translator *t, struct wj_spv_value value)
{
    if (value.is_const) {
        return wj_spv_const_u32(&t->b, (uint32_t) value.bits);
    }
    const bool is_wide = value.repr == REPR_U64 || value.repr == REPR_F64;
    return is_wide ? wj_spv_resize(t, REPR_U32, wj_spv_as(t, value, REPR_U64), false)
                   : wj_spv_as(t, value, REPR_U32);
}

struct wj_spv_value wj_spv_value_u32(struct wj_spv_translator *t, uint32_t bits)
{
    return (struct wj_spv_value){
        .id = wj_spv_const_u32(&t->b, bits), .repr = REPR_U32, .is_const = true, .bits = bits};
}

void wj_spv_push(struct wj_spv_translator *t, struct wj_spv_value value)
{
    struct wj_spv_value *stack =
        wj_spv_grow(t, t->stack, &t->stack_capacity, t->stack_count, sizeof *stack);
    if (stack != NULL) {
        t->stack = stack;
        t->stack[t->stack_count++] = value;
    }
}

struct wj_spv_value wj_spv_pop(struct wj_spv_translator *t)
{
    if (t->has_failed) {
        return wj_spv_value_u32(t, 0);
    }
    assert(t->stack_count > 0);
    return t->stack[--t->stack_count];
}

enum wj_spv_repr wj_spv_repr_of(wj_valtype type)
{
    return type == WJ_TYPE_I64 || type == WJ_TYPE_F64 ? REPR_U64
           : type == WJ_TYPE_V128                     ? REPR_U32X4
                                                      : REPR_U32;
}

bool wj_spv_check_type(struct wj_spv_translator *t, const struct wj_op *op, wj_valtype type)
{
    if (type == WJ_TYPE_I32 || type == WJ_TYPE_F32 || type == WJ_TYPE_V128) {
        return true;
    }
    if (type == WJ_TYPE_I64 || type == WJ_TYPE_F64) {
        if (t->uses_pairs && t->caps->i32_wide == WJ_GPU_REFUSED) {
            return wj_spv_refuse(t, op, "%s: the device has no 64-bit integers",
                                 type == WJ_TYPE_I64 ? "i64" : "f64");
        }
        if (type == WJ_TYPE_F64 && (t->uses_pairs || !t->caps->has_float64)) {
            return wj_spv_refuse(t, op, "f64: the device has no 64-bit floats; f32 would do");
        }
        return true;
    }
    return wj_spv_refuse(t, op, "references");
}

uint32_t wj_spv_const_i64(struct wj_spv_translator *t, uint64_t bits)
{
    if (!t->uses_pairs) {
        return wj_spv_const_u64(&t->b, bits);
    }
    uint32_t words[2];
    words[0] = wj_spv_const_u32(&t->b, (uint32_t) bits);
    words[1] = wj_spv_const_u32(&t->b, (uint32_t) (bits >> 32));
    return wj_spv_const(&t->b, SpvOpConstantComposite, t->types[REPR_U64], words, 2);
}

void wj_spv_make_zero(struct wj_spv_translator *t)
{
    struct wj_spv_builder *b = &t->b;
    const uint32_t zero = wj_spv_const_u32(b, 0);
    const uint32_t pointer = WJ_SPV_EARLY(b, SpvOpAccessChain, t->push_pointer, t->push, zero);
    const uint32_t nx = WJ_SPV_EARLY(b, SpvOpLoad, t->types[REPR_U32], pointer);
    const uint32_t is_zero = WJ_SPV_EARLY(b, SpvOpIEqual, t->types[REPR_BOOL], nx, zero);
    const uint32_t one = wj_spv_const_u32(b, 1);
    t->never = is_zero;
    t->zero = WJ_SPV_EARLY(b, SpvOpSelect, t->types[REPR_U32], is_zero, one, zero);
}

uint32_t wj_spv_zero(struct wj_spv_translator *t, enum wj_spv_repr repr)
{
    struct wj_spv_builder *b = &t->b;
    if (repr == REPR_U32) {
        return t->zero;
    }
    if (repr == REPR_U64) {
        return wj_spv_resize(t, REPR_U64, t->zero, false);
    }
    if (repr == REPR_U64X2) {
        const uint32_t lane = wj_spv_zero(t, REPR_U64);
        return WJ_SPV_OP(b, SpvOpCompositeConstruct, t->types[REPR_U64X2], lane, lane);
    }
    return WJ_SPV_OP(b, SpvOpCompositeConstruct, t->types[REPR_U32X4], t->zero, t->zero, t->zero,
                     t->zero);
}

uint32_t wj_spv_opaque(struct wj_spv_translator *t, enum wj_spv_repr repr, uint32_t id)
{
    // Another 0 each time, or what is done twice would undo itself. No selection between the value
    // and another: drivers move arithmetic into the arms of those.
    t->opaque_count++;
    const uint32_t plain = wj_spv_int(t, repr, 0);
    const uint32_t other = wj_spv_int(t, repr, t->opaque_count);
    const uint32_t zero = wj_spv_select(t, repr, t->never, other, plain);
    return WJ_SPV_OP(&t->b, SpvOpBitwiseXor, t->types[repr], id, zero);
}

uint32_t wj_spv_as(struct wj_spv_translator *t, struct wj_spv_value value, enum wj_spv_repr repr)
{
    struct wj_spv_builder *b = &t->b;
    if (value.repr == repr) {
        return value.id;
    }
    if (repr == REPR_BOOL) {
        const uint32_t word = wj_spv_as(t, value, REPR_U32);
        return WJ_SPV_OP(b, SpvOpINotEqual, t->types[REPR_BOOL], word, wj_spv_const_u32(b, 0));
    }
    if (value.repr == REPR_BOOL) {
        const uint32_t one = wj_spv_const_u32(b, 1);
        return WJ_SPV_OP(b, SpvOpSelect, t->types[REPR_U32], value.id, one, wj_spv_const_u32(b, 0));
    }
    return WJ_SPV_OP(b, SpvOpBitcast, t->types[repr], value.id);
}

// Locals.

static bool local_op(struct wj_spv_translator *t, const struct wj_op *op)
{
    const uint32_t i = op->index;
    const enum wj_spv_repr repr = wj_spv_repr_of(t->local_types[i]);
    switch ((enum wj_local_op) op->sub) {
    case LOCAL_GET:
        if (t->local_epochs[i] != t->epoch) {
            const uint32_t id = WJ_SPV_OP(&t->b, SpvOpLoad, t->types[repr], t->local_vars[i]);
            t->local_cache[i] = wj_spv_value(id, repr);
            const struct wj_spv_alignment alignment = wj_spv_align_of_local(t, i);
            t->local_cache[i].roots = alignment.roots;
            t->local_cache[i].align_log2 = alignment.align_log2;
            t->local_epochs[i] = t->epoch;
        }
        wj_spv_push(t, t->local_cache[i]);
        return true;
    case LOCAL_SET:
    case LOCAL_TEE: {
        const struct wj_spv_value value = wj_spv_pop(t);
        WJ_SPV_DO(&t->b, SpvOpStore, t->local_vars[i], wj_spv_as(t, value, repr));
        wj_spv_align_local(t, i, &value);
        wj_spv_note_local(t, i);
        t->local_cache[i] = value;
        t->local_epochs[i] = t->epoch;
        if (op->sub == LOCAL_TEE) {
            wj_spv_push(t, value);
        }
        return true;
    }
    }
    return false;
}

// Constants and globals.

static bool push_const(struct wj_spv_translator *t, const struct wj_op *op, wj_valtype type,
                       uint64_t bits, const uint8_t *v128)
{
    if (!wj_spv_check_type(t, op, type)) {
        return false;
    }
    struct wj_spv_value value = {.repr = (uint8_t) wj_spv_repr_of(type), .bits = bits};
    if (type == WJ_TYPE_V128) {
        uint32_t words[4];
        bool has_zero = false;
        for (unsigned i = 0; i < 4; i++) {
            uint32_t word = 0;
            for (unsigned j = 4; j-- > 0;) {
                word = word << 8 | v128[4 * i + j];
            }
            words[i] = wj_spv_const_u32(&t->b, word);
            has_zero |= (word & INT32_MAX) == 0;
        }
        value.id = wj_spv_const(&t->b, SpvOpConstantComposite, t->types[REPR_U32X4], words, 4);
        if (has_zero) {
            value.id = wj_spv_opaque(t, REPR_U32X4, value.id);
        }
    } else if ((type == WJ_TYPE_F32 && (bits & INT32_MAX) == 0) ||
               (type == WJ_TYPE_F64 && (bits & INT64_MAX) == 0)) {
        const uint32_t id = type == WJ_TYPE_F32 ? wj_spv_const_u32(&t->b, (uint32_t) bits)
                                                : wj_spv_const_i64(t, bits);
        value.id = wj_spv_opaque(t, (enum wj_spv_repr) value.repr, id);
        value.is_dynamic = true;
    } else if (value.repr == REPR_U64) {
        value.id = wj_spv_const_i64(t, bits);
        value.is_const = true;
    } else {
        value.id = wj_spv_const_u32(&t->b, (uint32_t) bits);
        value.is_const = true;
    }
    wj_spv_push(t, value);
    return true;
}

static uint64_t read_le(const uint8_t *at, unsigned size_bytes)
{
    uint64_t value = 0;
    for (unsigned i = size_bytes; i-- > 0;) {
        value = value << 8 | at[i];
    }
    return value;
}

static bool global_op(struct wj_spv_translator *t, const struct wj_op *op)
{
    const struct wj_global_def *global = &t->module->globals[op->index];
    if (t->window.stack_bytes != 0 && op->index == WJ_STACK_POINTER_GLOBAL) {
        return wj_spv_window_global(t, op);
    }
    if (op->sub == GLOBAL_SET) {
        return wj_spv_refuse(t, op, "writes global %u: use memory or a parameter", op->index);
    }
    if (global->type.is_mutable) {
        return wj_spv_refuse(t, op, "reads mutable global %u: pass it through args", op->index);
    }
    if (global->is_imported) {
        return wj_spv_refuse(t, op, "reads imported global %u: pass it through args", op->index);
    }
    // Validated code: one constant and `end`, or something that only instantiation can evaluate.
    const uint8_t *at = global->init.code + 1;
    const uint8_t *end = global->init.code + global->init.size_bytes - 1;
    uint64_t bits = 0;
    const uint8_t *v128 = NULL;
    switch (global->init.code[0]) {
    case 0x41: bits = (uint32_t) wj_leb_s_trusted(&at); break;
    case 0x42: bits = (uint64_t) wj_leb_s_trusted(&at); break;
    case 0x43: bits = read_le(at, 4), at += 4; break;
    case 0x44: bits = read_le(at, 8), at += 8; break;
    case 0xfd:
        if (wj_leb_u32_trusted(&at) == 12) {
            v128 = at;
            at += 16;
        }
        break;
    default: at = NULL; break;
    }
    if (at != end || (v128 == NULL && global->type.type == WJ_TYPE_V128)) {
        return wj_spv_refuse(t, op, "reads global %u, whose value is no constant", op->index);
    }
    return push_const(t, op, global->type.type, bits, v128);
}

static bool parametric_op(struct wj_spv_translator *t, const struct wj_op *op)
{
    if (op->sub == PARAMETRIC_DROP) {
        (void) wj_spv_pop(t);
        return true;
    }
    const struct wj_spv_value condition = wj_spv_pop(t);
    const struct wj_spv_value no = wj_spv_pop(t);
    const struct wj_spv_value yes = wj_spv_pop(t);
    enum wj_spv_repr repr = yes.repr == no.repr ? (enum wj_spv_repr) yes.repr : REPR_BOOL;
    if (repr == REPR_BOOL) {
        // Two forms of one type: back to its bits.
        const unsigned known = yes.repr > no.repr ? yes.repr : no.repr;
        repr = known >= REPR_U32X4                      ? REPR_U32X4
               : known == REPR_U64 || known == REPR_F64 ? REPR_U64
                                                        : REPR_U32;
    } else if (repr == REPR_F32 || repr == REPR_F64 || repr == REPR_F32X4 || repr == REPR_F64X2) {
        repr = wj_spv_bits_of(repr);
    }
    const uint32_t no_id = wj_spv_as(t, no, repr);
    const uint32_t yes_id = wj_spv_as(t, yes, repr);
    const uint32_t chosen =
        wj_spv_select(t, repr, wj_spv_as(t, condition, REPR_BOOL), yes_id, no_id);
    struct wj_spv_value value = wj_spv_value(chosen, repr);
    value.is_dynamic = yes.is_dynamic && no.is_dynamic;
    if ((repr == REPR_U32 || repr == REPR_U64) && !yes.is_const && !no.is_const) {
        value.roots = yes.roots | no.roots;
        value.align_log2 = yes.align_log2 < no.align_log2 ? yes.align_log2 : no.align_log2;
    }
    wj_spv_push(t, value);
    return true;
}

uint32_t wj_spv_note_callee(struct wj_spv_translator *t, const struct wj_op *op,
                            uint32_t func_index, bool is_indirect)
{
    const uint32_t current = (uint32_t) (t->current - t->funcs);
    const struct wj_spv_func *callee = wj_spv_find_func(t, func_index, wj_spv_offset(t, op));
    t->current = &t->funcs[current]; // the functions may have moved
    if (callee == NULL) {
        return 0;
    }
    const uint32_t position = (uint32_t) (callee - t->funcs);
    struct wj_spv_func *func = t->current;
    for (uint32_t i = 0; i < func->callee_count; i++) {
        if (func->callees[i].func == position && func->callees[i].is_indirect == is_indirect) {
            func->callees[i].sites++;
            return callee->id;
        }
    }
    struct wj_spv_callee *callees =
        wj_spv_grow(t, func->callees, &func->callee_capacity, func->callee_count, sizeof *callees);
    if (callees == NULL) {
        return 0;
    }
    func->callees = callees;
    func->callees[func->callee_count++] = (struct wj_spv_callee){position, is_indirect, 1};
    return callee->id;
}

// Several results are the members of a structure.
uint32_t wj_spv_result_type(struct wj_spv_translator *t, const struct wj_functype *type)
{
    const wj_valtype *results = type->types + type->param_count;
    if (type->result_count == 0) {
        return wj_spv_type_void(&t->b);
    }
    if (type->result_count == 1) {
        return t->types[wj_spv_repr_of(*results)];
    }
    uint32_t *members = WJ_ARENA_ARRAY(&t->pass_arena, uint32_t, type->result_count);
    if (members == NULL) {
        t->has_failed = true;
        return wj_spv_type_void(&t->b);
    }
    for (uint32_t i = 0; i < type->result_count; i++) {
        members[i] = t->types[wj_spv_repr_of(results[i])];
    }
    return wj_spv_type(&t->b, SpvOpTypeStruct, members, type->result_count);
}

static bool check_call(struct wj_spv_translator *t, const struct wj_op *op, bool is_indirect)
{
    if (op->sub == CALL_REF || op->sub == CALL_RETURN_REF) {
        return wj_spv_refuse(t, op, "call through a reference: call functions by name");
    }
    if (!is_indirect && t->module->funcs[op->index].is_imported) {
        return wj_spv_refuse(t, op, "calls imported function %u: no device can call the host",
                             op->index);
    }
    if (!is_indirect && !wj_spv_check_barred(t, op)) {
        return false;
    }
    const struct wj_functype *type = op->functype;
    for (uint32_t i = 0; i < type->param_count + type->result_count; i++) {
        if (!wj_spv_check_type(t, op, type->types[i])) {
            return false;
        }
    }
    return true;
}

static void push_results(struct wj_spv_translator *t, const struct wj_functype *type, uint32_t id)
{
    const wj_valtype *results = type->types + type->param_count;
    for (uint32_t i = 0; i < type->result_count; i++) {
        const enum wj_spv_repr repr = wj_spv_repr_of(results[i]);
        const uint32_t member = type->result_count == 1 ? id
                                                        : WJ_SPV_OP(&t->b, SpvOpCompositeExtract,
                                                                    t->types[repr], id, i);
        wj_spv_push(t, wj_spv_value(member, repr));
    }
}

static bool call_op(struct wj_spv_translator *t, const struct wj_op *op)
{
    const struct wj_functype *type = op->functype;
    const bool is_indirect = op->sub == CALL_INDIRECT || op->sub == CALL_RETURN_INDIRECT;
    if (!check_call(t, op, is_indirect)) {
        return false;
    }
    wj_spv_effect(t);
    t->load_count++;
    uint32_t *operands = wj_arena_alloc_array(&t->pass_arena, type->param_count + 1, 4);
    if (operands == NULL) {
        t->has_failed = true;
        return false;
    }
    const uint32_t index = is_indirect ? wj_spv_table_index(t, wj_spv_pop(t)) : 0;
    for (uint32_t i = type->param_count; i-- > 0;) {
        operands[i + 1] = wj_spv_as(t, wj_spv_pop(t), wj_spv_repr_of(type->types[i]));
    }
    uint32_t id;
    if (is_indirect) {
        if (!wj_spv_call_indirect(t, op, operands, index, &id)) {
            return false;
        }
    } else {
        operands[0] = wj_spv_note_callee(t, op, op->index, false);
        if (operands[0] == 0) {
            return false;
        }
        id = wj_spv_result(&t->b, SpvOpFunctionCall, wj_spv_result_type(t, type), operands,
                           type->param_count + 1);
    }
    push_results(t, type, id);
    if (op->sub == CALL_RETURN_DIRECT || op->sub == CALL_RETURN_INDIRECT) {
        wj_spv_return(t);
    }
    return true;
}

bool wj_spv_op(struct wj_spv_translator *t, const struct wj_op *op)
{
    switch ((enum wj_family) op->family) {
    case FAM_CONTROL: return wj_spv_control(t, op);
    case FAM_CALL: return call_op(t, op);
    case FAM_PARAMETRIC: return parametric_op(t, op);
    case FAM_LOCAL: return local_op(t, op);
    case FAM_GLOBAL: return global_op(t, op);
    case FAM_CONST: {
        static const wj_valtype types[] = {WJ_TYPE_I32, WJ_TYPE_I64, WJ_TYPE_F32, WJ_TYPE_F64,
                                           WJ_TYPE_V128};
        return push_const(t, op, types[op->type], op->bits, op->v128);
    }
    case FAM_MEMORY:
    case FAM_LOAD:
    case FAM_STORE:
    case FAM_LOAD_LANE:
    case FAM_STORE_LANE: return wj_spv_memory(t, op);
    case FAM_IUNARY:
    case FAM_IBINARY:
    case FAM_IEQZ:
    case FAM_ICOMPARE:
    case FAM_FUNARY:
    case FAM_FBINARY:
    case FAM_FCOMPARE: return wj_spv_numeric(t, op);
    case FAM_CONVERT: return wj_spv_convert(t, op);
    case FAM_WIDE: return wj_spv_wide(t, op);
    case FAM_VSHUFFLE:
    case FAM_VSPLAT:
    case FAM_VEXTRACT:
    case FAM_VREPLACE:
    case FAM_VUNARY:
    case FAM_VBINARY:
    case FAM_VTERNARY:
    case FAM_VTEST:
    case FAM_VSHIFT: return wj_spv_vector(t, op);
    case FAM_ATOMIC_LOAD:
    case FAM_ATOMIC_STORE:
    case FAM_ATOMIC_RMW:
    case FAM_ATOMIC_OTHER: return wj_spv_atomic(t, op);
    case FAM_TABLE:
    case FAM_REF:
    case FAM_EXCEPTION:
    case FAM_GC:
    case FAM_COUNT: break;
    }
    return wj_spv_refuse(t, op, "%s", wj_opcode_name(op->opcode));
}

// One pass.

static bool begin_locals(struct wj_spv_translator *t)
{
    const uint32_t count = t->local_count;
    t->local_vars = WJ_ARENA_ARRAY(&t->pass_arena, uint32_t, count);
    t->local_epochs = WJ_ARENA_ARRAY(&t->pass_arena, uint32_t, count);
    t->local_cache = WJ_ARENA_ARRAY(&t->pass_arena, struct wj_spv_value, count);
    if (t->local_vars == NULL || t->local_epochs == NULL || t->local_cache == NULL) {
        t->has_failed = true;
        return false;
    }
    const struct wj_functype *type = t->func->type;
    for (uint32_t i = 0; i < count; i++) {
        if (!wj_spv_check_type(t, NULL, t->local_types[i])) {
            return false;
        }
        const enum wj_spv_repr repr = wj_spv_repr_of(t->local_types[i]);
        t->local_vars[i] = wj_spv_function_variable(&t->b, t->types[repr]);
        struct wj_spv_value value = {.repr = (uint8_t) repr};
        if (i < type->param_count) {
            value.id = wj_spv_function_parameter(&t->b, t->types[repr]);
            WJ_SPV_DO(&t->b, SpvOpStore, t->local_vars[i], value.id);
            wj_spv_align_param(t, i, &value);
            wj_spv_align_local(t, i, &value);
        } else if (t->local_types[i] == WJ_TYPE_I32 || t->local_types[i] == WJ_TYPE_I64) {
            value.id = wj_spv_const_null(&t->b, t->types[repr]);
            value.is_const = true;
            value.align_log2 = ALIGN_LOG2_MAX;
        } else {
            value.id = wj_spv_zero(t, repr);
            WJ_SPV_DO(&t->b, SpvOpStore, t->local_vars[i], value.id);
        }
        t->local_cache[i] = value;
        t->local_epochs[i] = t->epoch;
    }
    return true;
}

static bool sink_begin(void *context, const struct wj_walk_func *func)
{
    struct wj_spv_translator *t = context;
    struct wj_spv_builder *b = &t->b;
    const struct wj_functype *type = func->func->type;
    t->local_count = func->local_count;
    t->local_types = func->local_types;
    if (t->facts->locals == NULL) {
        t->facts->locals = WJ_ARENA_ARRAY(&t->arena, struct wj_spv_alignment, func->local_count);
        if (t->facts->locals == NULL) {
            t->has_failed = true;
            return false;
        }
        for (uint32_t i = 0; i < func->local_count; i++) {
            t->facts->locals[i].align_log2 = ALIGN_LOG2_MAX;
        }
    }
    uint32_t *words = WJ_ARENA_ARRAY(&t->pass_arena, uint32_t, type->param_count + 1);
    if (words == NULL) {
        t->has_failed = true;
        return false;
    }
    words[0] = wj_spv_result_type(t, type);
    for (uint32_t i = 0; i < type->param_count; i++) {
        words[i + 1] = t->types[wj_spv_repr_of(type->types[i])];
    }
    const uint32_t type_id = wj_spv_type(b, SpvOpTypeFunction, words, type->param_count + 1);
    wj_spv_function_begin(b, t->current->id, type_id, words[0]);
    t->brk = wj_spv_function_variable(b, t->types[REPR_U32]);
    for (uint32_t slot = 0; slot < t->memory_count; slot++) {
        t->memories[slot].bytes_low = 0; // of another function
    }
    wj_spv_make_zero(t);
    if (!begin_locals(t)) {
        return false;
    }
    wj_spv_control_begin(t);
    return !t->has_failed;
}

// Called, not inlined: the walk has a case per opcode, and compiling is what costs here.
static __attribute__((noinline)) bool sink_op(void *context, const struct wj_op *op)
{
    struct wj_spv_translator *t = context;
    return wj_spv_op(t, op) && !t->has_failed;
}

static bool sink_end(void *context)
{
    struct wj_spv_translator *t = context;
    wj_spv_function_end(&t->b);
    return true;
}

static const struct wj_sink sink = {sink_begin, sink_op, sink_end};

static bool one_pass(struct wj_spv_translator *t)
{
    wj_arena_clear(&t->pass_arena);
    t->facts->has_changed = false;
    t->has_effects = t->mode == MODE_GENERAL;
    t->early_accesses = 0;
    t->loop_count = 0;
    t->branch_count = 0;
    t->window_count = 0;
    t->load_count = 0;
    t->opaque_count = 1; // 1 is taken by wj_spv_zero()
    t->stack_count = 0;
    t->label_count = 0;
    t->checked_count = 0;
    t->limit_count = 0;
    t->region = NULL;
    t->epoch++;
    for (uint32_t i = 0; i < t->current->callee_count; i++) {
        t->current->callees[i].sites = 0;
    }
    struct wj_walk_scratch scratch;
    wj_walk_scratch_init(&scratch);
    const struct wj_walk_request request = {t->module, t->current->index, &scratch, NULL};
    const bool is_good = wj_walk_func_body(&request, &sink, t, t->reason, false);
    wj_walk_scratch_clear(&scratch);
    return is_good;
}

static bool facts_init(struct wj_spv_translator *t, struct wj_spv_facts *facts)
{
    const size_t count = t->func->code_size_bytes;
    *facts = (struct wj_spv_facts){
        .flags = WJ_ARENA_ARRAY(&t->arena, uint8_t, count),
        .roots_at = WJ_ARENA_ARRAY(&t->arena, uint8_t, count),
        .extents = WJ_ARENA_ARRAY(&t->arena, uint64_t, count),
        .regions = WJ_ARENA_ARRAY(&t->arena, struct wj_spv_region *, count),
    };
    return facts->flags != NULL && facts->roots_at != NULL && facts->extents != NULL &&
           facts->regions != NULL;
}

static bool refuse_branches(struct wj_spv_translator *t)
{
    if (t->window_count == 0) {
        return wj_spv_refuse(t, NULL, "%u conditional branches, %d is the limit", t->branch_count,
                             WJ_SPV_BRANCHES_MAX);
    }
    return wj_spv_refuse(t, NULL,
                         "%u conditional branches, of which %u are accesses that may go to memory "
                         "of its own, %d is the limit",
                         t->branch_count + t->window_count, t->window_count, WJ_SPV_BRANCHES_MAX);
}

bool wj_spv_translate_func(struct wj_spv_translator *t, struct wj_spv_func *func, uint32_t id,
                           enum wj_spv_mode mode, bool *is_useful)
{
    const uint32_t position = (uint32_t) (func - t->funcs);
    t->current = func;
    t->func = &t->module->funcs[func->index];
    t->mode = mode;
    func->id = id;
    if (t->func->code_size_bytes > CODE_BYTES_MAX) {
        return wj_spv_refuse(t, NULL, "%u bytes of code, %d is the limit", t->func->code_size_bytes,
                             CODE_BYTES_MAX);
    }
    if (t->func->census.label_depth_max > WJ_SPV_LABELS_MAX) {
        return wj_spv_refuse(t, NULL, "blocks nested %u deep, %d is the limit",
                             t->func->census.label_depth_max, WJ_SPV_LABELS_MAX);
    }
    struct wj_spv_facts facts;
    if (!facts_init(t, &facts)) {
        t->has_failed = true;
        return false;
    }
    t->facts = &facts;
    const struct wj_spv_mark mark = wj_spv_mark(&t->b);
    for (unsigned pass = 0; pass < PASSES_MAX; pass++) {
        facts.gives_up = pass >= PASSES_BEFORE_GIVING_UP;
        wj_spv_rewind(&t->b, mark);
        if (!one_pass(t)) {
            return false;
        }
        t->current = &t->funcs[position];
        if (t->branch_count + t->window_count > WJ_SPV_BRANCHES_MAX) {
            return refuse_branches(t);
        }
        if (!facts.has_changed) {
            *is_useful = t->early_accesses != 0;
            t->current->has_loops = t->loop_count != 0;
            t->current->branch_count = t->branch_count + t->window_count;
            t->loop_total += t->loop_count;
            return true;
        }
    }
    return wj_spv_refuse(t, NULL, "control flow too involved");
}
