// Constant expressions: both passes read the same few opcodes, one with types and one with values.
#include "wasm/const_expr.h"

#include <string.h>

#include "base/leb128.h"
#include "wasm/opcode.h"

// Values on the stack of one expression; the specification has no limit.
enum { STACK_MAX = 1000, STACK_SMALL = 16 };

struct checker {
    struct wj_reader *in;
    struct wj_module *module;
    uint32_t globals_visible;
    uint32_t depth;
    wj_valtype stack[STACK_MAX];
};

static bool push(struct checker *c, wj_valtype type)
{
    if (c->depth == STACK_MAX) {
        return wj_reader_fail(c->in, WJ_ERR_LIMIT, "constant expression holds more than %d values",
                              STACK_MAX);
    }
    c->stack[c->depth++] = type;
    return true;
}

static bool read_opcode(struct wj_reader *in, enum wj_opcode *opcode)
{
    const uint8_t *start = in->at;
    uint8_t byte;
    if (!wj_read_byte(in, &byte, "opcode")) {
        return false;
    }
    uint32_t code = byte;
    unsigned prefix = byte >= 0xfb && byte <= 0xfe ? byte : 0;
    if (prefix != 0 && !wj_read_u32(in, &code, "opcode")) {
        return false;
    }
    *opcode = wj_opcode_find(prefix, code);
    if (*opcode == WJ_OP_UNKNOWN) {
        in->at = start;
        return wj_reader_fail(in, WJ_ERR_MALFORMED, "illegal opcode 0x%02x", byte);
    }
    return true;
}

static bool check_binary(struct checker *c, enum wj_opcode opcode)
{
    const struct wj_opcode_info *info = &wj_opcode_infos[opcode];
    wj_valtype type = wj_sig_at(info->results, 0);
    if (c->depth < 2 || c->stack[c->depth - 1] != type || c->stack[c->depth - 2] != type) {
        return wj_reader_fail(c->in, WJ_ERR_INVALID, "type mismatch: operands of %s",
                              wj_opcode_name(opcode));
    }
    c->depth--;
    return true;
}

static bool check_global(struct checker *c)
{
    uint32_t index;
    if (!wj_read_u32(c->in, &index, "global index")) {
        return false;
    }
    if (index >= c->globals_visible) {
        return wj_reader_fail(c->in, WJ_ERR_INVALID, "unknown global %u", index);
    }
    const struct wj_global_def *global = &c->module->globals[index];
    if (global->type.is_mutable) {
        return wj_reader_fail(c->in, WJ_ERR_INVALID,
                              "constant expression required: global %u is mutable", index);
    }
    if (!global->is_imported && !wj_reader_has(c->in, WJ_FEATURE_EXTENDED_CONST | WJ_FEATURE_GC)) {
        return wj_reader_needs(c->in, "global.get of a global that the module defines",
                               WJ_FEATURE_EXTENDED_CONST);
    }
    return push(c, global->type.type);
}

static bool check_func(struct checker *c)
{
    uint32_t index;
    if (!wj_read_u32(c->in, &index, "function index")) {
        return false;
    }
    if (index >= c->module->func_count) {
        return wj_reader_fail(c->in, WJ_ERR_INVALID, "unknown function %u", index);
    }
    c->module->funcs[index].is_declared = true;
    return push(c, WJ_TYPE_CONCRETE_REF(c->module->funcs[index].type_id, false));
}

static bool check_op(struct checker *c, enum wj_opcode opcode)
{
    int64_t number;
    const uint8_t *bytes;
    wj_valtype type;
    switch ((unsigned) opcode) {
    case WJ_OP_I32_CONST: return wj_read_s(c->in, 32, &number, "i32") && push(c, WJ_TYPE_I32);
    case WJ_OP_I64_CONST: return wj_read_s(c->in, 64, &number, "i64") && push(c, WJ_TYPE_I64);
    case WJ_OP_F32_CONST: return wj_read_bytes(c->in, 4, &bytes, "f32") && push(c, WJ_TYPE_F32);
    case WJ_OP_F64_CONST: return wj_read_bytes(c->in, 8, &bytes, "f64") && push(c, WJ_TYPE_F64);
    case WJ_OP_V128_CONST: return wj_read_bytes(c->in, 16, &bytes, "v128") && push(c, WJ_TYPE_V128);
    case WJ_OP_REF_NULL: return wj_read_heaptype(c->in, &type) && push(c, type);
    case WJ_OP_REF_FUNC: return check_func(c);
    case WJ_OP_GLOBAL_GET: return check_global(c);
    case WJ_OP_I32_ADD:
    case WJ_OP_I32_SUB:
    case WJ_OP_I32_MUL:
    case WJ_OP_I64_ADD:
    case WJ_OP_I64_SUB:
    case WJ_OP_I64_MUL:
        if (!wj_reader_has(c->in, WJ_FEATURE_EXTENDED_CONST)) {
            return wj_reader_needs(c->in, "arithmetic in a constant expression",
                                   WJ_FEATURE_EXTENDED_CONST);
        }
        return check_binary(c, opcode);
    case WJ_OP_STRUCT_NEW:
    case WJ_OP_STRUCT_NEW_DEFAULT:
    case WJ_OP_ARRAY_NEW:
    case WJ_OP_ARRAY_NEW_DEFAULT:
    case WJ_OP_ARRAY_NEW_FIXED:
    case WJ_OP_REF_I31:
    case WJ_OP_ANY_CONVERT_EXTERN:
    case WJ_OP_EXTERN_CONVERT_ANY:
        if (!wj_reader_has(c->in, WJ_FEATURE_GC)) {
            return wj_reader_needs(c->in, wj_opcode_name(opcode), WJ_FEATURE_GC);
        }
        return wj_reader_fail(c->in, WJ_ERR_UNSUPPORTED, "%s: not yet supported",
                              wj_opcode_name(opcode));
    default:
        return wj_reader_fail(c->in, WJ_ERR_INVALID, "constant expression required, not %s",
                              wj_opcode_name(opcode));
    }
}

static bool check_result(const struct checker *c, wj_valtype expected)
{
    if (c->depth == 1 && wj_types_is_subtype(c->module->types, c->stack[0], expected)) {
        return true;
    }
    char want[32];
    char have[32];
    wj_valtype_print(expected, want, sizeof want);
    if (c->depth != 1) {
        return wj_reader_fail(c->in, WJ_ERR_INVALID,
                              "type mismatch: constant expression leaves %u values, expected %s",
                              c->depth, want);
    }
    return wj_reader_fail(c->in, WJ_ERR_INVALID, "type mismatch: constant %s, expected %s",
                          wj_valtype_print(c->stack[0], have, sizeof have), want);
}

bool wj_const_expr_read(struct wj_reader *in, struct wj_module *module, wj_valtype expected,
                        uint32_t globals_visible, struct wj_const_expr *expr)
{
    struct checker c;
    c.in = in;
    c.module = module;
    c.globals_visible = globals_visible;
    c.depth = 0;
    expr->code = in->at;
    expr->offset = (uint32_t) wj_reader_offset(in);
    for (;;) {
        enum wj_opcode opcode;
        if (!read_opcode(in, &opcode)) {
            return false;
        }
        if (opcode == WJ_OP_END) {
            break;
        }
        if (!check_op(&c, opcode)) {
            return false;
        }
    }
    expr->size_bytes = (uint32_t) (in->at - expr->code);
    return check_result(&c, expected);
}

static uint64_t calculate(enum wj_opcode opcode, uint64_t a, uint64_t b)
{
    switch ((unsigned) opcode) {
    case WJ_OP_I32_ADD: return (uint32_t) (a + b);
    case WJ_OP_I32_SUB: return (uint32_t) (a - b);
    case WJ_OP_I32_MUL: return (uint32_t) (a * b);
    case WJ_OP_I64_ADD: return a + b;
    case WJ_OP_I64_SUB: return a - b;
    case WJ_OP_I64_MUL: return a * b;
    default: return 0;
    }
}

// Reads the immediate of an operation that pushes, and makes the value.
static bool eval_push(struct wj_reader *in, enum wj_opcode opcode, const struct wj_const_env *env,
                      struct wj_const_value *value)
{
    memset(value, 0, sizeof *value);
    switch ((unsigned) opcode) {
    case WJ_OP_I32_CONST:
        value->type = WJ_TYPE_I32;
        value->bits = (uint32_t) wj_leb_s_trusted(&in->at);
        return true;
    case WJ_OP_I64_CONST:
        value->type = WJ_TYPE_I64;
        value->bits = (uint64_t) wj_leb_s_trusted(&in->at);
        return true;
    case WJ_OP_F32_CONST:
        value->type = WJ_TYPE_F32;
        memcpy(&value->bits, in->at, 4);
        in->at += 4;
        return true;
    case WJ_OP_F64_CONST:
        value->type = WJ_TYPE_F64;
        memcpy(&value->bits, in->at, 8);
        in->at += 8;
        return true;
    case WJ_OP_V128_CONST:
        value->type = WJ_TYPE_V128;
        memcpy(value->v128, in->at, 16);
        in->at += 16;
        return true;
    case WJ_OP_REF_NULL: return wj_read_heaptype(in, &value->type);
    case WJ_OP_REF_FUNC: {
        uint32_t index = wj_leb_u32_trusted(&in->at);
        value->type = WJ_TYPE_CONCRETE_REF(in->module->funcs[index].type_id, false);
        return env->func_ref(env->context, index, &value->bits, in->err);
    }
    case WJ_OP_GLOBAL_GET:
        return env->global_get(env->context, wj_leb_u32_trusted(&in->at), value, in->err);
    default:
        return wj_reader_fail(in, WJ_ERR_UNSUPPORTED, "%s in a constant expression",
                              wj_opcode_name(opcode));
    }
}

static bool is_binary(enum wj_opcode opcode)
{
    return wj_sig_count(wj_opcode_infos[opcode].pops) == 2;
}

static bool eval(struct wj_reader *in, const struct wj_const_env *env,
                 struct wj_const_value stack[], struct wj_const_value *value)
{
    uint32_t depth = 0;
    for (;;) {
        enum wj_opcode opcode;
        if (!read_opcode(in, &opcode)) {
            return false;
        }
        if (opcode == WJ_OP_END) {
            *value = stack[0];
            return true;
        }
        if (is_binary(opcode)) {
            depth--;
            stack[depth - 1].bits = calculate(opcode, stack[depth - 1].bits, stack[depth].bits);
        } else if (!eval_push(in, opcode, env, &stack[depth++])) {
            return false;
        }
    }
}

// Its frame is 24 KiB: pages of the stack that nothing else may have touched.
__attribute__((noinline)) static bool
eval_large(struct wj_reader *in, const struct wj_const_env *env, struct wj_const_value *value)
{
    struct wj_const_value stack[STACK_MAX];
    return eval(in, env, stack, value);
}

bool wj_const_expr_eval(const struct wj_module *module, const struct wj_const_expr *expr,
                        const struct wj_const_env *env, struct wj_const_value *value,
                        struct wj_err *err)
{
    struct wj_reader in = {
        .at = expr->code,
        .limit = expr->code + expr->size_bytes,
        .module = module,
        .err = err,
    };
    // What pushes a value is two bytes at least.
    struct wj_const_value stack[STACK_SMALL];
    return expr->size_bytes <= 2 * STACK_SMALL ? eval(&in, env, stack, value)
                                               : eval_large(&in, env, value);
}
