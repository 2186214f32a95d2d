// Vector operations.
#ifndef JIT_SIMD_H
#define JIT_SIMD_H

#include "jit/memory.h"

JIT_COLD void op_vunary(struct jit *j, const struct wj_op *op)
{
    enum wj_shape shape = (enum wj_shape) op->type;
    struct value *a = stack_pop(j);
    wj_reg ra = value_reg(j, a);
    wj_reg d = dest_replacing(j, op, true, a, NULL);
    masm_vun(&j->m, (enum wj_vunop) op->sub, shape, d, ra);
    push_reg(j, NUM_V128, d);
}

JIT_COLD void op_vbinary(struct jit *j, const struct wj_op *op)
{
    enum wj_shape shape = (enum wj_shape) op->type;
    enum wj_vbinop bin = (enum wj_vbinop) op->sub;
    struct value *b = stack_pop(j);
    struct value *a = stack_pop(j);
    wj_reg d;
    if (takes_slot(b) && masm_vbin_takes_mem(bin, shape)) {
        wj_reg ra = value_reg(j, a);
        d = dest_replacing(j, op, true, a, NULL);
        masm_vbin_slot(&j->m, bin, shape, d, ra, value_slot(j, b));
    } else {
        wj_reg rb = value_reg(j, b);
        wj_reg ra = value_reg(j, a);
        d = dest_replacing(j, op, true, a, b);
        masm_vbin(&j->m, bin, shape, d, ra, rb);
    }
    push_reg(j, NUM_V128, d);
}

JIT_COLD void op_vternary(struct jit *j, const struct wj_op *op)
{
    enum wj_shape shape = (enum wj_shape) op->type;
    struct value *c = stack_pop(j);
    struct value *b = stack_pop(j);
    struct value *a = stack_pop(j);
    wj_reg rc = value_reg(j, c);
    wj_reg rb = value_reg(j, b);
    wj_reg ra = value_reg(j, a);
    wj_reg hint = dest_hint(j, op, true);
    // The result may take the first operand's place, not that of the others.
    value_release(j, a);
    wj_reg d = hint != WJ_REG_NONE && hint != rb && hint != rc ? hint : reg_alloc(j, true);
    masm_vtern(&j->m, (enum wj_vternop) op->sub, shape, d, ra, rb, rc);
    value_release(j, b);
    value_release(j, c);
    push_reg(j, NUM_V128, d);
}

JIT_COLD void op_vtest(struct jit *j, const struct wj_op *op)
{
    struct value *a = stack_pop(j);
    wj_reg ra = value_reg(j, a);
    wj_reg d = dest_replacing(j, op, false, a, NULL);
    masm_vtest(&j->m, (enum wj_vtest) op->sub, (enum wj_shape) op->type, d, ra);
    push_reg(j, NUM_I32, d);
}

JIT_COLD void op_vshift(struct jit *j, const struct wj_op *op)
{
    enum wj_shape shape = (enum wj_shape) op->type;
    enum wj_vshift shift = (enum wj_vshift) op->sub;
    struct value *count = stack_pop(j);
    struct value *a = stack_pop(j);
    if (is_const(count)) {
        unsigned lane_bits = 8u << shape_width_log2(shape);
        wj_reg ra = value_reg(j, a);
        wj_reg d = dest_replacing(j, op, true, a, NULL);
        masm_vshift_imm(&j->m, shift, shape, d, ra, (unsigned) count->bits & (lane_bits - 1));
        push_reg(j, NUM_V128, d);
        return;
    }
    wj_reg rc = value_reg(j, count);
    wj_reg ra = value_reg(j, a);
    wj_reg d = dest_replacing(j, op, true, a, NULL);
    masm_vshift(&j->m, shift, shape, d, ra, rc);
    value_release(j, count);
    push_reg(j, NUM_V128, d);
}

JIT_COLD void op_vsplat(struct jit *j, const struct wj_op *op)
{
    struct value *a = stack_pop(j);
    wj_reg ra = value_reg(j, a);
    wj_reg d = dest_replacing(j, op, true, a, NULL);
    masm_vsplat(&j->m, (enum wj_shape) op->type, d, ra);
    push_reg(j, NUM_V128, d);
}

static enum wj_num lane_num(enum wj_shape shape)
{
    static const uint8_t nums[] = {
        [SHAPE_I8X16] = NUM_I32, [SHAPE_I16X8] = NUM_I32, [SHAPE_I32X4] = NUM_I32,
        [SHAPE_I64X2] = NUM_I64, [SHAPE_F32X4] = NUM_F32, [SHAPE_F64X2] = NUM_F64};
    return (enum wj_num) nums[shape];
}

JIT_COLD void op_vextract(struct jit *j, const struct wj_op *op)
{
    enum wj_num num = lane_num((enum wj_shape) op->type);
    struct value *a = stack_pop(j);
    wj_reg ra = value_reg(j, a);
    wj_reg d = dest_replacing(j, op, num_is_vec(num), a, NULL);
    masm_vextract(&j->m, (enum wj_shape) op->type, op->sub != 0, op->lane, d, ra);
    push_reg(j, num, d);
}

JIT_COLD void op_vreplace(struct jit *j, const struct wj_op *op)
{
    struct value *s = stack_pop(j);
    struct value *a = stack_pop(j);
    wj_reg rs = value_reg(j, s);
    wj_reg ra = value_reg(j, a);
    wj_reg hint = dest_hint(j, op, true);
    value_release(j, a);
    wj_reg d = hint != WJ_REG_NONE && hint != rs ? hint : reg_alloc(j, true);
    masm_vreplace(&j->m, (enum wj_shape) op->type, op->lane, d, ra, rs);
    value_release(j, s);
    push_reg(j, NUM_V128, d);
}

JIT_COLD void op_vshuffle(struct jit *j, const struct wj_op *op)
{
    struct value *b = stack_pop(j);
    struct value *a = stack_pop(j);
    wj_reg rb = value_reg(j, b);
    wj_reg ra = value_reg(j, a);
    wj_reg d = dest_replacing(j, op, true, a, b);
    masm_vshuffle(&j->m, d, ra, rb, op->v128);
    push_reg(j, NUM_V128, d);
}

#endif
