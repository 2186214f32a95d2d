// Integer and float arithmetic, comparisons, conversions, select.
#ifndef JIT_NUMERIC_H
#define JIT_NUMERIC_H

#include "jit/calls.h"

static inline bool ibin_is_commutative(enum wj_ibinop op)
{
    return op == IBIN_ADD || op == IBIN_MUL || op == IBIN_AND || op == IBIN_OR || op == IBIN_XOR;
}

static inline int64_t const_signed(const struct value *v)
{
    return v->num == NUM_I32 ? (int64_t) (int32_t) v->bits : (int64_t) v->bits;
}

// Operands that the machine can take from memory, on the right.
static inline bool takes_slot(const struct value *v)
{
    return MASM_HAS_MEM_OPERANDS && value_in_frame(v);
}

static inline bool takes_addr(const struct value *v)
{
    return MASM_HAS_MEM_OPERANDS && v->kind == VALUE_ADDRESS;
}

static inline struct wj_addr value_addr(const struct value *v)
{
    return (struct wj_addr){MASM_MEMBASE, v->reg, v->bits};
}

#if MASM_DIV_FIXED
// Takes the fixed pair, for which `v` moves to another register if it has to. `taken` are registers
// of the pair that a popped operand holds already.
static void claim_pair(struct jit *j, struct value *v, uint64_t taken)
{
    uint64_t pair = reg_bit(MASM_DIV_LOW) | reg_bit(MASM_DIV_HIGH);
    bool in_pair = v->kind == VALUE_REG && (reg_bit(v->reg) & pair) != 0;
    taken |= in_pair ? reg_bit(v->reg) : 0;
    if ((taken & reg_bit(MASM_DIV_LOW)) == 0) {
        reg_claim(j, MASM_DIV_LOW);
    }
    if ((taken & reg_bit(MASM_DIV_HIGH)) == 0) {
        reg_claim(j, MASM_DIV_HIGH);
    }
    if (!value_in_reg(v) || in_pair) {
        wj_reg other = reg_alloc(j, false); // the pair is taken, so it is neither of them
        value_into(j, v, other);
        v->kind = VALUE_REG;
        v->reg = other;
    }
}

// Takes MASM_DIV_LOW with `a` in it, and MASM_DIV_HIGH; `b` is then in a register of neither.
static void fix_pair(struct jit *j, struct value *a, struct value *b)
{
    bool in_low = a->kind == VALUE_REG && a->reg == MASM_DIV_LOW;
    bool in_high = a->kind == VALUE_REG && a->reg == MASM_DIV_HIGH;
    claim_pair(j, b, in_low ? reg_bit(MASM_DIV_LOW) : in_high ? reg_bit(MASM_DIV_HIGH) : 0);
    if (!in_low) {
        value_into(j, a, MASM_DIV_LOW);
        if (!in_high) {
            value_release(j, a);
        }
    }
}
#endif

// A divisor that is known: multiplication and shifts.
static void idiv_by_const(struct jit *j, const struct wj_op *op, struct value *a, int64_t divisor)
{
    enum wj_num num = (enum wj_num) op->type;
#if MASM_DIV_FIXED
    claim_pair(j, a, 0); // the sequence uses it
#endif
    wj_reg from = value_reg(j, a);
    wj_reg d = reg_alloc(j, false);
    masm_idiv_imm(&j->m, (enum wj_ibinop) op->sub, num, d, from, divisor);
    value_release(j, a);
#if MASM_DIV_FIXED
    reg_free(j, MASM_DIV_LOW);
    reg_free(j, MASM_DIV_HIGH);
#endif
    push_reg(j, num, d);
}

static void op_idiv(struct jit *j, const struct wj_op *op)
{
    enum wj_num num = (enum wj_num) op->type;
    enum wj_ibinop bin = (enum wj_ibinop) op->sub;
    struct value *b = stack_pop(j);
    struct value *a = stack_pop(j);
    if (is_const(b) && const_signed(b) != 0 && const_signed(b) != -1) {
        idiv_by_const(j, op, a, const_signed(b));
        return;
    }
#if MASM_DIV_FIXED
    fix_pair(j, a, b);
    bool is_rem = bin == IBIN_REM_S || bin == IBIN_REM_U;
    wj_reg d = is_rem ? MASM_DIV_HIGH : MASM_DIV_LOW;
    masm_idiv(&j->m, bin, num, d, MASM_DIV_LOW, b->reg);
    reg_free(j, is_rem ? MASM_DIV_LOW : MASM_DIV_HIGH);
    value_release(j, b);
#else
    wj_reg rb = value_reg(j, b);
    wj_reg ra = value_reg(j, a);
    wj_reg d = dest_replacing(j, op, false, a, b);
    masm_idiv(&j->m, bin, num, d, ra, rb);
#endif
    push_reg(j, num, d);
}

// x << 1 .. 3 that is added to something next, or a & b that is only tested next.
JIT_INLINE bool ibinary_is_deferred(struct jit *j, const struct wj_op *op, enum wj_ibinop bin,
                                    enum wj_num num, struct value *a, struct value *b)
{
    uint8_t next = op->next[0];
    if (bin == IBIN_SHL && is_const(b) && b->bits >= 1 && b->bits <= 3 && j->depth > 0 &&
        next == (num == NUM_I32 ? NEXT_I32_ADD : NEXT_I64_ADD)) {
        wj_reg reg = value_reg(j, a);
        struct value *v = stack_push(j, VALUE_SHIFTED, num);
        v->reg = reg;
        v->aux = (uint8_t) b->bits;
        return true;
    }
    if (bin == IBIN_AND && num == NUM_I32 && next_takes_flags(op)) {
        if (is_const(b)) {
            masm_itest_imm(&j->m, num, value_reg(j, a), const_signed(b));
        } else {
            wj_reg rb = value_reg(j, b);
            masm_itest(&j->m, num, value_reg(j, a), rb);
        }
        value_release(j, a);
        value_release(j, b);
        push_flags(j, COND_NE);
        return true;
    }
    return false;
}

static inline bool ibin_can_store(enum wj_ibinop op)
{
    return op <= IBIN_XOR && op != IBIN_MUL;
}

// x = x op b for a local x that lives in the frame: one operation on memory. The local.set that
// follows finds its own local, and has nothing to do.
static bool ibinary_into_frame(struct jit *j, const struct wj_op *op, enum wj_ibinop bin,
                               enum wj_num num, struct value *a, struct value *b)
{
    uint32_t index = op->next[1];
    if (ibin_is_commutative(bin) && b->kind == VALUE_LOCAL && b->local == index) {
        struct value *swap = a;
        a = b;
        b = swap;
    }
    if (index >= 0x80 || a->kind != VALUE_LOCAL || a->local != index || a->reg != WJ_REG_NONE ||
        j->locals[index].aliases != 0 || !ibin_can_store(bin)) {
        return false;
    }
    int64_t imm = is_const(b) ? const_signed(b) : INT64_MAX;
    if (imm == (int32_t) imm) {
        masm_ibin_imm_to_slot(&j->m, bin, num, local_slot(j, index), (int32_t) imm);
    } else {
        wj_reg rb = value_reg(j, b);
        masm_ibin_to_slot(&j->m, bin, num, local_slot(j, index), rb);
        value_release(j, b);
    }
    push_local(j, index);
    return true;
}

JIT_INLINE void ibinary(struct jit *j, const struct wj_op *op, enum wj_ibinop bin, enum wj_num num)
{
    if (bin >= IBIN_DIV_S) {
        op_idiv(j, op);
        return;
    }
    struct value *b = stack_pop(j);
    struct value *a = stack_pop(j);
    if (MASM_HAS_MEM_OPERANDS && op->next[0] == NEXT_LOCAL_SET &&
        ibinary_into_frame(j, op, bin, num, a, b)) {
        return;
    }
    if (ibin_is_commutative(bin) && (is_const(a) || (takes_slot(a) && value_in_reg(b)))) {
        struct value *swap = a;
        a = b;
        b = swap;
    }
    if (ibinary_is_deferred(j, op, bin, num, a, b)) {
        return;
    }
    wj_reg ra;
    wj_reg d;
    if (is_const(b)) {
        ra = value_reg(j, a);
        d = dest_replacing(j, op, false, a, NULL);
        masm_ibin_imm(&j->m, bin, num, d, ra, const_signed(b));
    } else if (b->kind == VALUE_SHIFTED) {
        ra = value_reg(j, a);
        d = dest_replacing(j, op, false, a, b);
        masm_lea(&j->m, num, d, ra, b->reg, b->aux);
    } else if (takes_slot(b) && bin <= IBIN_XOR) {
        ra = value_reg(j, a);
        d = dest_replacing(j, op, false, a, NULL);
        masm_ibin_slot(&j->m, bin, num, d, ra, value_slot(j, b));
    } else if (takes_addr(b)) {
        ra = value_reg(j, a);
        // The destination must not be the address before it is used.
        d = dest_reg(j, op, false);
        masm_ibin_addr(&j->m, bin, num, d, ra, value_addr(b));
        value_release(j, a);
        value_release(j, b);
    } else {
        wj_reg rb = value_reg(j, b);
        ra = value_reg(j, a);
        d = dest_replacing(j, op, false, a, b);
        masm_ibin(&j->m, bin, num, d, ra, rb);
    }
    push_reg(j, num, d);
}

JIT_NOINLINE void op_ibinary_any(struct jit *j, const struct wj_op *op)
{
    ibinary(j, op, (enum wj_ibinop) op->sub, (enum wj_num) op->type);
}

JIT_NOINLINE void op_i32_add(struct jit *j, const struct wj_op *op)
{
    ibinary(j, op, IBIN_ADD, NUM_I32);
}

JIT_INLINE void op_ibinary(struct jit *j, const struct wj_op *op)
{
    if (op->sub == IBIN_ADD && op->type == NUM_I32) {
        op_i32_add(j, op);
    } else {
        op_ibinary_any(j, op);
    }
}

static void push_condition(struct jit *j, const struct wj_op *op, enum wj_cond cond)
{
    if (next_takes_flags(op)) {
        push_flags(j, cond);
        return;
    }
    wj_reg d = dest_reg(j, op, false);
    masm_setcc(&j->m, cond, d);
    push_reg(j, NUM_I32, d);
}

static enum wj_icmp icmp_swapped(enum wj_icmp cmp)
{
    static const uint8_t swapped[] = {ICMP_EQ,   ICMP_NE,   ICMP_GT_S, ICMP_GT_U, ICMP_LT_S,
                                      ICMP_LT_U, ICMP_GE_S, ICMP_GE_U, ICMP_LE_S, ICMP_LE_U};
    return (enum wj_icmp) swapped[cmp];
}

static void op_icompare(struct jit *j, const struct wj_op *op)
{
    enum wj_num num = (enum wj_num) op->type;
    enum wj_icmp cmp = (enum wj_icmp) op->sub;
    struct value *b = stack_pop(j);
    struct value *a = stack_pop(j);
    if (is_const(a) || (takes_slot(a) && value_in_reg(b))) {
        struct value *swap = a;
        a = b;
        b = swap;
        cmp = icmp_swapped(cmp);
    }
    wj_reg ra;
    if (is_const(b)) {
        ra = value_reg(j, a);
        masm_icmp_imm(&j->m, num, ra, const_signed(b));
    } else if (takes_slot(b)) {
        ra = value_reg(j, a);
        masm_icmp_slot(&j->m, num, ra, value_slot(j, b));
    } else if (takes_addr(b)) {
        ra = value_reg(j, a);
        masm_icmp_addr(&j->m, num, ra, value_addr(b));
    } else {
        wj_reg rb = value_reg(j, b);
        ra = value_reg(j, a);
        masm_icmp(&j->m, num, ra, rb);
    }
    value_release(j, a);
    value_release(j, b);
    push_condition(j, op, (enum wj_cond) cmp);
}

static void op_ieqz(struct jit *j, const struct wj_op *op)
{
    struct value *a = stack_pop(j);
    if (a->kind == VALUE_FLAGS) {
        push_condition(j, op, wj_cond_not((enum wj_cond) a->aux));
        return;
    }
    wj_reg reg = value_reg(j, a);
    masm_itest(&j->m, (enum wj_num) op->type, reg, reg);
    value_release(j, a);
    push_condition(j, op, COND_EQ);
}

static void op_iunary(struct jit *j, const struct wj_op *op)
{
    struct value *a = stack_pop(j);
    wj_reg ra = value_reg(j, a);
    wj_reg d = dest_replacing(j, op, false, a, NULL);
    masm_iun(&j->m, (enum wj_iunop) op->sub, (enum wj_num) op->type, d, ra);
    push_reg(j, (enum wj_num) op->type, d);
}

// ---- Floats -----------------------------------------------------------------------------------

static void op_fbinary(struct jit *j, const struct wj_op *op)
{
    enum wj_num num = (enum wj_num) op->type;
    enum wj_fbinop bin = (enum wj_fbinop) op->sub;
    struct value *b = stack_pop(j);
    struct value *a = stack_pop(j);
    wj_reg ra;
    wj_reg d;
    if (takes_slot(b) && bin <= FBIN_DIV) {
        ra = value_reg(j, a);
        d = dest_replacing(j, op, true, a, NULL);
        masm_fbin_slot(&j->m, bin, num, d, ra, value_slot(j, b));
    } else if (takes_addr(b)) {
        ra = value_reg(j, a);
        d = dest_replacing(j, op, true, a, NULL);
        masm_fbin_addr(&j->m, bin, num, d, ra, value_addr(b));
        value_release(j, b);
    } else {
        wj_reg rb = value_reg(j, b);
        ra = value_reg(j, a);
        d = dest_replacing(j, op, true, a, b);
        masm_fbin(&j->m, bin, num, d, ra, rb);
    }
    push_reg(j, num, d);
}

static void op_funary(struct jit *j, const struct wj_op *op)
{
    enum wj_num num = (enum wj_num) op->type;
    struct value *a = stack_pop(j);
    wj_reg ra = value_reg(j, a);
    wj_reg d = dest_replacing(j, op, true, a, NULL);
    masm_fun(&j->m, (enum wj_funop) op->sub, num, d, ra);
    push_reg(j, num, d);
}

static void op_fcompare(struct jit *j, const struct wj_op *op)
{
    struct value *b = stack_pop(j);
    struct value *a = stack_pop(j);
    wj_reg rb = value_reg(j, b);
    wj_reg ra = value_reg(j, a);
    enum wj_cond cond = COND_F_EQ;
    bool swap = false;
    switch ((enum wj_fcmp) op->sub) {
    case FCMP_EQ: cond = COND_F_EQ; break;
    case FCMP_NE: cond = COND_F_NE; break;
    case FCMP_LT:
        swap = true;
        cond = COND_F_GT;
        break;
    case FCMP_GT: cond = COND_F_GT; break;
    case FCMP_LE:
        swap = true;
        cond = COND_F_GE;
        break;
    case FCMP_GE: cond = COND_F_GE; break;
    }
    masm_fcmp(&j->m, (enum wj_num) op->type, swap ? rb : ra, swap ? ra : rb);
    value_release(j, a);
    value_release(j, b);
    push_condition(j, op, cond);
}

static void op_convert(struct jit *j, const struct wj_op *op)
{
    enum wj_num num = (enum wj_num) op->type;
    struct value *a = stack_pop(j);
    if (op->sub == CVT_I64_EXTEND_I32_U && a->kind == VALUE_REG && wj_reg_is_vec(a->reg) == false &&
        (reg_bit(a->reg) & j->pool) != 0) {
        push_reg(j, num, a->reg); // the upper half is zero already
        return;
    }
    wj_reg ra = value_reg(j, a);
    wj_reg d = dest_replacing(j, op, num_is_vec(num), a, NULL);
    masm_cvt(&j->m, (enum wj_cvt) op->sub, d, ra);
    push_reg(j, num, d);
}

JIT_INLINE void op_const(struct jit *j, const struct wj_op *op)
{
    if (op->type == NUM_V128) {
        // The bytes end the operation, in the module, which outlives the compilation.
        stack_push(j, VALUE_CONST, NUM_V128)->v128 = op->next - 16;
    } else {
        push_const(j, (enum wj_num) op->type, op->bits);
    }
}

static void op_select(struct jit *j, const struct wj_op *op)
{
    struct condition c = pop_condition(j);
    struct value *b = stack_pop(j);
    struct value *a = stack_pop(j);
    enum wj_num num = (enum wj_num) a->num;
    // Loads and moves keep the flags; a compare against zero comes last.
    wj_reg rb = value_reg(j, b);
    wj_reg ra = value_reg(j, a);
    if (!c.is_flags) {
        masm_itest(&j->m, NUM_I32, c.v->reg, c.v->reg);
        c.cond = COND_NE;
    }
    wj_reg d = dest_replacing(j, op, num_is_vec(num), a, b);
    value_release(j, c.v);
    masm_csel(&j->m, c.cond, num, d, ra, rb);
    push_reg(j, num, d);
}

static void op_parametric(struct jit *j, const struct wj_op *op)
{
    if (op->sub == PARAMETRIC_SELECT) {
        op_select(j, op);
        return;
    }
    struct value *v = stack_pop(j);
    value_release(j, v);
}

static void op_wide_add(struct jit *j, bool subtract)
{
    struct value *bhi = stack_pop(j);
    struct value *blo = stack_pop(j);
    struct value *ahi = stack_pop(j);
    struct value *alo = stack_pop(j);
    wj_reg lo = value_own(j, alo);
    wj_reg hi = value_own(j, ahi);
    wj_reg rb_lo = value_reg(j, blo);
    wj_reg rb_hi = value_reg(j, bhi);
    masm_add128(&j->m, subtract, lo, hi, lo, hi, rb_lo, rb_hi);
    value_release(j, blo);
    value_release(j, bhi);
    push_reg(j, NUM_I64, lo);
    push_reg(j, NUM_I64, hi);
}

static void op_wide_mul(struct jit *j, bool is_signed)
{
    struct value *b = stack_pop(j);
    struct value *a = stack_pop(j);
#if MASM_DIV_FIXED
    fix_pair(j, a, b);
    wj_reg lo = MASM_DIV_LOW;
    wj_reg hi = MASM_DIV_HIGH;
    masm_mul_wide(&j->m, is_signed, lo, hi, lo, b->reg);
#else
    wj_reg ra = value_reg(j, a);
    wj_reg rb = value_reg(j, b);
    wj_reg lo = reg_alloc(j, false);
    wj_reg hi = reg_alloc(j, false);
    masm_mul_wide(&j->m, is_signed, lo, hi, ra, rb);
    value_release(j, a);
#endif
    value_release(j, b);
    push_reg(j, NUM_I64, lo);
    push_reg(j, NUM_I64, hi);
}

JIT_COLD void op_wide(struct jit *j, const struct wj_op *op)
{
    switch ((enum wj_wide) op->sub) {
    case WIDE_ADD128:
    case WIDE_SUB128: op_wide_add(j, op->sub == WIDE_SUB128); return;
    case WIDE_MUL_S:
    case WIDE_MUL_U: op_wide_mul(j, op->sub == WIDE_MUL_S); return;
    }
}

JIT_INLINE void set_local(struct jit *j, const struct wj_op *op, bool is_tee)
{
    uint32_t index = op->index;
    struct local *local = &j->locals[index];
    struct value *v = stack_pop(j);
    enum wj_num num = (enum wj_num) local->num;
    if (v->kind == VALUE_LOCAL && v->local == index) {
        if (is_tee) {
            push_local(j, index);
        }
        return;
    }
    if (local->aliases != 0) {
        flush_aliases(j, index);
    }
    if (local->home != WJ_REG_NONE) {
        if (v->kind != VALUE_REG || v->reg != local->home) {
            value_into(j, v, local->home);
        }
        j->homes_saved &= ~reg_bit(local->home);
    } else if (v->kind == VALUE_CONST && num != NUM_V128) {
        masm_store_slot_imm(&j->m, num, v->bits, local_slot(j, index));
    } else {
        wj_reg reg = value_reg(j, v);
        masm_store_slot(&j->m, num, reg, local_slot(j, index));
        if (is_tee && v->kind == VALUE_REG) {
            j->depth++; // still in its register: cheaper than the frame
            return;
        }
    }
    value_release(j, v);
    if (is_tee) {
        push_local(j, index);
    }
}

JIT_NOINLINE void op_local_set(struct jit *j, const struct wj_op *op)
{
    set_local(j, op, false);
}

JIT_NOINLINE void op_local_tee(struct jit *j, const struct wj_op *op)
{
    set_local(j, op, true);
}

JIT_INLINE void op_local(struct jit *j, const struct wj_op *op)
{
    switch ((enum wj_local_op) op->sub) {
    case LOCAL_GET: push_local(j, op->index); return;
    case LOCAL_SET: op_local_set(j, op); return;
    case LOCAL_TEE: op_local_tee(j, op); return;
    }
}

#endif
