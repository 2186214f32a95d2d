// Numeric operations: on scalars where all items have the same operands, or operands at known
// distances; else on vectors.
#include "lanes/translate.h"

void lanes_count(struct lanes *l, uint32_t cost, uint32_t cost_single)
{
    uint32_t shift = 3 * (l->loops < 4 ? l->loops : 4);
    l->cost += (uint64_t) cost << shift;
    l->cost_single += (uint64_t) cost_single * WJ_LANES << shift;
}

// ---- Values at known distances ------------------------------------------------------------------

static unsigned min(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned max(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

// How many low bits the distances between items take, when the first item has zeros there; 0: none
// that is known of.
static unsigned spread_bits(const struct form *form)
{
    uint64_t widest = (uint64_t) (WJ_LANES - 1) * (uint32_t) form->stride;
    unsigned bits = 64 - (unsigned) __builtin_clzll(widest | 1);
    return form->stride > 0 && form->align >= bits && bits < 32 ? bits : 0;
}

// a & mask.
static bool form_and(const struct form *a, uint32_t mask, struct form *out)
{
    unsigned mask_bits = mask == 0 ? 0 : 32 - (unsigned) __builtin_clz(mask);
    unsigned mask_align = mask == 0 ? 32 : (unsigned) __builtin_ctz(mask);
    *out = (struct form){.is_known = true,
                         .align = (uint8_t) max(a->align, mask_align),
                         .bits = (uint8_t) min(a->bits, mask_bits),
                         .stride = a->stride};
    if (a->stride == 0) {
        return true;
    }
    unsigned low_bits = spread_bits(a);
    uint32_t low = (1u << low_bits) - 1;
    if (low_bits != 0 && (mask & low) == 0) {
        out->stride = 0;
        return true;
    }
    out->align = a->align;
    return low_bits != 0 && (mask & low) == low;
}

static bool form_shr_u(const struct form *a, unsigned count, struct form *out)
{
    *out = (struct form){.is_known = true,
                         .align = (uint8_t) (a->align > count ? a->align - count : 0),
                         .bits = (uint8_t) (a->bits > count ? min(a->bits, 32) - count : 0)};
    if (a->bits <= count) {
        out->bits = 0;
    }
    unsigned low_bits = spread_bits(a);
    if (a->stride == 0 || (low_bits != 0 && count >= low_bits)) {
        return true;
    }
    out->stride = a->stride >> count;
    return low_bits != 0 && (a->stride & ((1 << count) - 1)) == 0;
}

static struct form form_add(const struct form *a, const struct form *b, bool is_sub)
{
    uint32_t stride = is_sub ? (uint32_t) a->stride - (uint32_t) b->stride
                             : (uint32_t) a->stride + (uint32_t) b->stride;
    return (struct form){.is_known = true,
                         .align = (uint8_t) min(a->align, b->align),
                         .bits = 64,
                         .stride = (int32_t) stride};
}

// a | b, where no bit of one item's value is in the other.
static bool form_or(const struct form *a, const struct form *b, struct form *out)
{
    *out = (struct form){.is_known = true,
                         .align = (uint8_t) min(a->align, b->align),
                         .bits = (uint8_t) max(a->bits, b->bits),
                         .stride = a->stride != 0 ? a->stride : b->stride};
    return (a->stride == 0 && b->stride == 0) || (b->stride == 0 && a->bits <= b->align) ||
           (a->stride == 0 && b->bits <= a->align);
}

static bool form_times(const struct form *a, uint32_t factor, struct form *out)
{
    *out = (struct form){.is_known = true,
                         .align = (uint8_t) min(
                             32, a->align + (factor == 0 ? 32u : (unsigned) __builtin_ctz(factor))),
                         .bits = 64,
                         .stride = (int32_t) ((uint32_t) a->stride * factor)};
    return true;
}

// The form of an i32 operation's result when it is not varying, and may be computed on the first
// item's operands.
static bool find_form(enum wj_ibinop bin, const struct node *a, const struct node *b,
                      struct form *out)
{
    const struct form *fa = &a->form, *fb = &b->form;
    bool is_const = b->kind == NODE_CONST;
    uint32_t value = (uint32_t) b->bits;
    if (fa->is_varying || fb->is_varying) {
        return false;
    }
    switch (bin) {
    case IBIN_ADD:
    case IBIN_SUB: *out = form_add(fa, fb, bin == IBIN_SUB); return true;
    case IBIN_MUL:
        if (is_const) {
            return form_times(fa, value, out);
        }
        return a->kind == NODE_CONST && form_times(fb, (uint32_t) a->bits, out);
    case IBIN_SHL: return is_const && form_times(fa, 1u << (value & 31), out);
    case IBIN_SHR_U: return is_const && form_shr_u(fa, value & 31, out);
    case IBIN_AND:
        if (is_const) {
            return form_and(fa, value, out);
        }
        return a->kind == NODE_CONST && form_and(fb, (uint32_t) a->bits, out);
    case IBIN_OR: return form_or(fa, fb, out);
    case IBIN_XOR:
    case IBIN_SHR_S:
    case IBIN_ROTL:
    case IBIN_ROTR:
    case IBIN_DIV_S:
    case IBIN_DIV_U:
    case IBIN_REM_S:
    case IBIN_REM_U: return false;
    }
    return false;
}

// ---- Building vectors ---------------------------------------------------------------------------

static struct node *varying(struct lanes *l, enum wj_num num, enum node_how how,
                            enum wj_opcode opcode)
{
    struct node *node = lanes_node(l, NODE_OP, num);
    node->how = (uint8_t) how;
    node->opcode = (uint16_t) opcode;
    node->form = form_varying();
    return node;
}

static struct node *each(struct lanes *l, enum wj_num num, enum wj_opcode opcode, struct node *a,
                         struct node *b)
{
    struct node *node = varying(l, num, HOW_EACH, opcode);
    node->args[0] = a;
    node->args[1] = b;
    return node;
}

static struct node *shift(struct lanes *l, enum wj_num num, enum wj_opcode opcode, struct node *a,
                          struct node *count)
{
    struct node *node = varying(l, num, HOW_SHIFT, opcode);
    node->args[0] = a;
    node->args[1] = count;
    return node;
}

static struct node *unary(struct lanes *l, enum wj_num num, enum node_how how,
                          enum wj_opcode opcode, struct node *a)
{
    struct node *node = varying(l, num, how, opcode);
    node->args[0] = a;
    return node;
}

// A comparison's 64-bit lanes as a mask.
static struct node *as_mask(struct lanes *l, struct node *compared, bool is_wide)
{
    if (is_wide) {
        compared = unary(l, NUM_I32, HOW_NARROW, WJ_OP_NOP, compared);
    }
    compared->num = NUM_I32;
    compared->is_mask = true;
    return compared;
}

static struct node *not_of(struct lanes *l, struct node *mask)
{
    struct node *node = unary(l, NUM_I32, HOW_EACH, WJ_OP_V128_NOT, mask);
    node->is_mask = true;
    return node;
}

// The operation on scalars, which has no effect but its value.
static struct node *scalar(struct lanes *l, const struct wj_op *op, enum wj_num num,
                           const struct form *form, struct node *a, struct node *b)
{
    struct node *node = lanes_node(l, NODE_OP, num);
    node->opcode = op->opcode;
    node->form = *form;
    node->args[0] = a;
    node->args[1] = b;
    lanes_count(l, 1, 1);
    return node;
}

static struct node *scalar_now(struct lanes *l, const struct wj_op *op, enum wj_num num,
                               struct node *a, struct node *b)
{
    struct form form = form_uniform();
    return lanes_force(l, scalar(l, op, num, &form, a, b));
}

static bool is_const(const struct node *node, uint64_t bits)
{
    return node->kind == NODE_CONST && node->bits == bits;
}

// ---- Integers -----------------------------------------------------------------------------------

// The count of a vector shift is an i32, and cheap to write.
static struct node *shift_count(struct lanes *l, struct node *count)
{
    if (count->num == NUM_I64 && count->kind == NODE_CONST) {
        return lanes_const_node(l, NUM_I32, (uint32_t) count->bits);
    }
    if (count->num == NUM_I64) {
        struct node *narrow = lanes_node(l, NODE_OP, NUM_I32);
        narrow->opcode = WJ_OP_I32_WRAP_I64;
        narrow->args[0] = count;
        count = narrow;
    }
    return count->kind == NODE_OP ? lanes_force(l, count) : count;
}

static struct node *rotate(struct lanes *l, enum wj_num num, bool is_left, struct node *a,
                           struct node *count)
{
    bool is_32 = num == NUM_I32;
    struct node *back = lanes_node(l, NODE_OP, NUM_I32);
    a = lanes_force_vector(l, a);
    count = lanes_force(l, shift_count(l, count));
    back->opcode = WJ_OP_I32_SUB;
    back->args[0] = lanes_const_node(l, NUM_I32, 0);
    back->args[1] = lanes_node(l, NODE_KEPT, NUM_I32);
    *back->args[1] = *count;
    back->args[1]->kind = count->kind == NODE_TEMP ? NODE_KEPT : count->kind;
    back = lanes_force(l, back);
    struct node *again = lanes_node(l, NODE_KEPT, num);
    *again = *a;
    again->kind = a->kind == NODE_TEMP ? NODE_KEPT : a->kind;
    struct node *up =
        shift(l, num, is_32 ? WJ_OP_I32X4_SHL : WJ_OP_I64X2_SHL, a, is_left ? count : back);
    struct node *down =
        shift(l, num, is_32 ? WJ_OP_I32X4_SHR_U : WJ_OP_I64X2_SHR_U, again, is_left ? back : count);
    // Both are written before either is given back.
    return lanes_force(l, each(l, num, WJ_OP_V128_OR, up, down));
}

static enum wj_opcode ibinary_opcode(enum wj_ibinop bin, bool is_32)
{
    switch (bin) {
    case IBIN_ADD: return is_32 ? WJ_OP_I32X4_ADD : WJ_OP_I64X2_ADD;
    case IBIN_SUB: return is_32 ? WJ_OP_I32X4_SUB : WJ_OP_I64X2_SUB;
    case IBIN_MUL: return is_32 ? WJ_OP_I32X4_MUL : WJ_OP_I64X2_MUL;
    case IBIN_AND: return WJ_OP_V128_AND;
    case IBIN_OR: return WJ_OP_V128_OR;
    case IBIN_XOR: return WJ_OP_V128_XOR;
    case IBIN_SHL: return is_32 ? WJ_OP_I32X4_SHL : WJ_OP_I64X2_SHL;
    case IBIN_SHR_S: return is_32 ? WJ_OP_I32X4_SHR_S : WJ_OP_I64X2_SHR_S;
    case IBIN_SHR_U: return is_32 ? WJ_OP_I32X4_SHR_U : WJ_OP_I64X2_SHR_U;
    case IBIN_ROTL:
    case IBIN_ROTR:
    case IBIN_DIV_S:
    case IBIN_DIV_U:
    case IBIN_REM_S:
    case IBIN_REM_U: break;
    }
    return WJ_OP_UNKNOWN;
}

static bool is_shift(enum wj_ibinop bin)
{
    return bin == IBIN_SHL || bin == IBIN_SHR_S || bin == IBIN_SHR_U;
}

// Truth values stay masks under and, or, xor.
static struct node *mask_logic(struct lanes *l, enum wj_ibinop bin, struct node *a, struct node *b)
{
    if (bin == IBIN_AND && a->is_mask && is_const(b, 1)) {
        return a;
    }
    if (bin == IBIN_XOR && a->is_mask && is_const(b, 1)) {
        return not_of(l, a);
    }
    if (!a->is_mask || !b->is_mask || (bin != IBIN_AND && bin != IBIN_OR && bin != IBIN_XOR)) {
        return NULL;
    }
    struct node *node = each(l, NUM_I32, ibinary_opcode(bin, true), a, b);
    node->is_mask = true;
    return node;
}

static struct node *ibinary(struct lanes *l, const struct wj_op *op, struct node *a, struct node *b)
{
    enum wj_ibinop bin = (enum wj_ibinop) op->sub;
    enum wj_num num = (enum wj_num) op->type;
    struct form form = form_uniform();
    bool is_same = is_uniform(a) && is_uniform(b);
    if (is_same && bin >= IBIN_DIV_S) {
        return scalar_now(l, op, num, a, b);
    }
    if ((num == NUM_I32 && find_form(bin, a, b, &form)) || is_same) {
        return scalar(l, op, num, &form, a, b);
    }
    lanes_count(l, parts_of(num), 1);
    struct node *logic = num == NUM_I32 ? mask_logic(l, bin, a, b) : NULL;
    if (logic != NULL) {
        return logic;
    }
    if ((bin == IBIN_ROTL || bin == IBIN_ROTR) && is_uniform(b)) {
        return rotate(l, num, bin == IBIN_ROTL, a, b);
    }
    enum wj_opcode opcode = ibinary_opcode(bin, num == NUM_I32);
    if (opcode == WJ_OP_UNKNOWN || (is_shift(bin) && !is_uniform(b))) {
        return lanes_each_item(l, op, a, b);
    }
    if (is_shift(bin)) {
        b = shift_count(l, b);
        return shift(l, num, opcode, lanes_vector(l, a), b);
    }
    a = lanes_vector(l, a);
    return each(l, num, opcode, a, lanes_vector(l, b));
}

static struct node *iunary(struct lanes *l, const struct wj_op *op, struct node *a)
{
    enum wj_num num = (enum wj_num) op->type;
    enum wj_iunop un = (enum wj_iunop) op->sub;
    struct form form = form_uniform();
    if (is_uniform(a)) {
        return scalar(l, op, num, &form, a, NULL);
    }
    if (un != IUN_EXTEND8_S && un != IUN_EXTEND16_S && un != IUN_EXTEND32_S) {
        return lanes_each_item(l, op, a, NULL);
    }
    lanes_count(l, 2 * parts_of(num), 1);
    unsigned kept = un == IUN_EXTEND8_S ? 8 : un == IUN_EXTEND16_S ? 16 : 32;
    bool is_32 = num == NUM_I32;
    struct node *count = lanes_const_node(l, NUM_I32, (is_32 ? 32 : 64) - kept);
    struct node *up =
        shift(l, num, is_32 ? WJ_OP_I32X4_SHL : WJ_OP_I64X2_SHL, lanes_vector(l, a), count);
    return shift(l, num, is_32 ? WJ_OP_I32X4_SHR_S : WJ_OP_I64X2_SHR_S, up, count);
}

static struct node *ieqz(struct lanes *l, const struct wj_op *op, struct node *a)
{
    enum wj_num num = (enum wj_num) op->type;
    struct form form = form_uniform();
    form.bits = 1;
    if (is_uniform(a)) {
        return scalar(l, op, NUM_I32, &form, a, NULL);
    }
    lanes_count(l, parts_of(num), 1);
    if (a->is_mask) {
        return not_of(l, a);
    }
    struct node *zero = lanes_const_node(l, num, 0);
    struct node *compared =
        each(l, num, num == NUM_I32 ? WJ_OP_I32X4_EQ : WJ_OP_I64X2_EQ, lanes_vector(l, a), zero);
    return as_mask(l, compared, num == NUM_I64);
}

static struct node *flip_sign(struct lanes *l, struct node *a)
{
    struct node *sign = lanes_const_node(l, NUM_I64, 1ull << 63);
    return each(l, NUM_I64, WJ_OP_V128_XOR, lanes_vector(l, a), sign);
}

static struct node *icompare(struct lanes *l, const struct wj_op *op, struct node *a,
                             struct node *b)
{
    static const uint16_t wide[] = {
        [ICMP_EQ] = WJ_OP_I64X2_EQ,     [ICMP_NE] = WJ_OP_I64X2_NE,
        [ICMP_LT_S] = WJ_OP_I64X2_LT_S, [ICMP_LT_U] = WJ_OP_I64X2_LT_S,
        [ICMP_GT_S] = WJ_OP_I64X2_GT_S, [ICMP_GT_U] = WJ_OP_I64X2_GT_S,
        [ICMP_LE_S] = WJ_OP_I64X2_LE_S, [ICMP_LE_U] = WJ_OP_I64X2_LE_S,
        [ICMP_GE_S] = WJ_OP_I64X2_GE_S, [ICMP_GE_U] = WJ_OP_I64X2_GE_S,
    };
    enum wj_num num = (enum wj_num) op->type;
    enum wj_icmp cmp = (enum wj_icmp) op->sub;
    struct form form = form_uniform();
    form.bits = 1;
    if (is_uniform(a) && is_uniform(b)) {
        return scalar(l, op, NUM_I32, &form, a, b);
    }
    lanes_count(l, parts_of(num), 1);
    if (num == NUM_I32) {
        if (a->is_mask && is_const(b, 0) && (cmp == ICMP_EQ || cmp == ICMP_NE)) {
            return cmp == ICMP_NE ? a : not_of(l, a);
        }
        a = lanes_vector(l, a);
        // The rows are in one order with the enumeration.
        return as_mask(
            l, each(l, num, (enum wj_opcode)(WJ_OP_I32X4_EQ + cmp), a, lanes_vector(l, b)), false);
    }
    bool is_unsigned = cmp == ICMP_LT_U || cmp == ICMP_GT_U || cmp == ICMP_LE_U || cmp == ICMP_GE_U;
    a = is_unsigned ? flip_sign(l, a) : lanes_vector(l, a);
    b = is_unsigned ? flip_sign(l, b) : lanes_vector(l, b);
    return as_mask(l, each(l, num, (enum wj_opcode) wide[cmp], a, b), true);
}
_Static_assert(WJ_OP_I32X4_GE_U - WJ_OP_I32X4_EQ == ICMP_GE_U, "comparisons are in one order");
_Static_assert(WJ_OP_F32X4_GE - WJ_OP_F32X4_EQ == FCMP_GE, "comparisons are in one order");
_Static_assert(WJ_OP_F64X2_GE - WJ_OP_F64X2_EQ == FCMP_GE, "comparisons are in one order");
_Static_assert(WJ_OP_I64X2_EXTEND_HIGH_I32X4_S - WJ_OP_I64X2_EXTEND_LOW_I32X4_S == 1 &&
                   WJ_OP_I64X2_EXTEND_HIGH_I32X4_U - WJ_OP_I64X2_EXTEND_LOW_I32X4_U == 1,
               "the high half's opcode follows that of the low half");

// ---- Floats -------------------------------------------------------------------------------------

static struct node *funary(struct lanes *l, const struct wj_op *op, struct node *a)
{
    static const uint16_t opcodes[][2] = {
        [FUN_ABS] = {WJ_OP_F32X4_ABS, WJ_OP_F64X2_ABS},
        [FUN_NEG] = {WJ_OP_F32X4_NEG, WJ_OP_F64X2_NEG},
        [FUN_CEIL] = {WJ_OP_F32X4_CEIL, WJ_OP_F64X2_CEIL},
        [FUN_FLOOR] = {WJ_OP_F32X4_FLOOR, WJ_OP_F64X2_FLOOR},
        [FUN_TRUNC] = {WJ_OP_F32X4_TRUNC, WJ_OP_F64X2_TRUNC},
        [FUN_NEAREST] = {WJ_OP_F32X4_NEAREST, WJ_OP_F64X2_NEAREST},
        [FUN_SQRT] = {WJ_OP_F32X4_SQRT, WJ_OP_F64X2_SQRT},
    };
    enum wj_num num = (enum wj_num) op->type;
    struct form form = form_uniform();
    if (is_uniform(a)) {
        return scalar(l, op, num, &form, a, NULL);
    }
    lanes_count(l, parts_of(num), 1);
    return each(l, num, (enum wj_opcode) opcodes[op->sub][num == NUM_F64], lanes_vector(l, a),
                NULL);
}

static struct node *fbinary(struct lanes *l, const struct wj_op *op, struct node *a, struct node *b)
{
    static const uint16_t opcodes[][2] = {
        [FBIN_ADD] = {WJ_OP_F32X4_ADD, WJ_OP_F64X2_ADD},
        [FBIN_SUB] = {WJ_OP_F32X4_SUB, WJ_OP_F64X2_SUB},
        [FBIN_MUL] = {WJ_OP_F32X4_MUL, WJ_OP_F64X2_MUL},
        [FBIN_DIV] = {WJ_OP_F32X4_DIV, WJ_OP_F64X2_DIV},
        [FBIN_MIN] = {WJ_OP_F32X4_MIN, WJ_OP_F64X2_MIN},
        [FBIN_MAX] = {WJ_OP_F32X4_MAX, WJ_OP_F64X2_MAX},
    };
    enum wj_num num = (enum wj_num) op->type;
    struct form form = form_uniform();
    if (is_uniform(a) && is_uniform(b)) {
        return scalar(l, op, num, &form, a, b);
    }
    lanes_count(l, parts_of(num), 1);
    a = lanes_vector(l, a);
    b = lanes_vector(l, b);
    if (op->sub == FBIN_COPYSIGN) {
        struct node *node = each(l, num, WJ_OP_V128_BITSELECT, b, a);
        node->args[2] = lanes_const_node(l, num, num == NUM_F32 ? 1ull << 31 : 1ull << 63);
        return node;
    }
    return each(l, num, (enum wj_opcode) opcodes[op->sub][num == NUM_F64], a, b);
}

static struct node *fcompare(struct lanes *l, const struct wj_op *op, struct node *a,
                             struct node *b)
{
    enum wj_num num = (enum wj_num) op->type;
    struct form form = form_uniform();
    form.bits = 1;
    if (is_uniform(a) && is_uniform(b)) {
        return scalar(l, op, NUM_I32, &form, a, b);
    }
    lanes_count(l, parts_of(num), 1);
    a = lanes_vector(l, a);
    b = lanes_vector(l, b);
    enum wj_opcode opcode =
        (enum wj_opcode)((num == NUM_F32 ? WJ_OP_F32X4_EQ : WJ_OP_F64X2_EQ) + op->sub);
    return as_mask(l, each(l, num, opcode, a, b), num == NUM_F64);
}

// ---- Conversions --------------------------------------------------------------------------------

struct conversion {
    uint8_t from, how;
    uint16_t opcode; // WJ_OP_UNKNOWN: item by item
    bool is_trapping;
};

static const struct conversion conversions[] = {
    [CVT_I32_WRAP_I64] = {NUM_I64, HOW_NARROW, WJ_OP_NOP, false},
    [CVT_I32_TRUNC_F32_S] = {NUM_F32, HOW_EACH, WJ_OP_UNKNOWN, true},
    [CVT_I32_TRUNC_F32_U] = {NUM_F32, HOW_EACH, WJ_OP_UNKNOWN, true},
    [CVT_I32_TRUNC_F64_S] = {NUM_F64, HOW_EACH, WJ_OP_UNKNOWN, true},
    [CVT_I32_TRUNC_F64_U] = {NUM_F64, HOW_EACH, WJ_OP_UNKNOWN, true},
    [CVT_I64_EXTEND_I32_S] = {NUM_I32, HOW_WIDEN, WJ_OP_I64X2_EXTEND_LOW_I32X4_S, false},
    [CVT_I64_EXTEND_I32_U] = {NUM_I32, HOW_WIDEN, WJ_OP_I64X2_EXTEND_LOW_I32X4_U, false},
    [CVT_I64_TRUNC_F32_S] = {NUM_F32, HOW_EACH, WJ_OP_UNKNOWN, true},
    [CVT_I64_TRUNC_F32_U] = {NUM_F32, HOW_EACH, WJ_OP_UNKNOWN, true},
    [CVT_I64_TRUNC_F64_S] = {NUM_F64, HOW_EACH, WJ_OP_UNKNOWN, true},
    [CVT_I64_TRUNC_F64_U] = {NUM_F64, HOW_EACH, WJ_OP_UNKNOWN, true},
    [CVT_F32_CONVERT_I32_S] = {NUM_I32, HOW_EACH, WJ_OP_F32X4_CONVERT_I32X4_S, false},
    [CVT_F32_CONVERT_I32_U] = {NUM_I32, HOW_EACH, WJ_OP_F32X4_CONVERT_I32X4_U, false},
    [CVT_F32_CONVERT_I64_S] = {NUM_I64, HOW_EACH, WJ_OP_UNKNOWN, false},
    [CVT_F32_CONVERT_I64_U] = {NUM_I64, HOW_EACH, WJ_OP_UNKNOWN, false},
    [CVT_F32_DEMOTE_F64] = {NUM_F64, HOW_PAIR, WJ_OP_F32X4_DEMOTE_F64X2_ZERO, false},
    [CVT_F64_CONVERT_I32_S] = {NUM_I32, HOW_MOVE_UP, WJ_OP_F64X2_CONVERT_LOW_I32X4_S, false},
    [CVT_F64_CONVERT_I32_U] = {NUM_I32, HOW_MOVE_UP, WJ_OP_F64X2_CONVERT_LOW_I32X4_U, false},
    [CVT_F64_CONVERT_I64_S] = {NUM_I64, HOW_EACH, WJ_OP_UNKNOWN, false},
    [CVT_F64_CONVERT_I64_U] = {NUM_I64, HOW_EACH, WJ_OP_UNKNOWN, false},
    [CVT_F64_PROMOTE_F32] = {NUM_F32, HOW_MOVE_UP, WJ_OP_F64X2_PROMOTE_LOW_F32X4, false},
    [CVT_I32_REINTERPRET_F32] = {NUM_F32, HOW_SAME, WJ_OP_NOP, false},
    [CVT_I64_REINTERPRET_F64] = {NUM_F64, HOW_SAME, WJ_OP_NOP, false},
    [CVT_F32_REINTERPRET_I32] = {NUM_I32, HOW_SAME, WJ_OP_NOP, false},
    [CVT_F64_REINTERPRET_I64] = {NUM_I64, HOW_SAME, WJ_OP_NOP, false},
    [CVT_I32_TRUNC_SAT_F32_S] = {NUM_F32, HOW_EACH, WJ_OP_I32X4_TRUNC_SAT_F32X4_S, false},
    [CVT_I32_TRUNC_SAT_F32_U] = {NUM_F32, HOW_EACH, WJ_OP_I32X4_TRUNC_SAT_F32X4_U, false},
    [CVT_I32_TRUNC_SAT_F64_S] = {NUM_F64, HOW_PAIR, WJ_OP_I32X4_TRUNC_SAT_F64X2_S_ZERO, false},
    [CVT_I32_TRUNC_SAT_F64_U] = {NUM_F64, HOW_PAIR, WJ_OP_I32X4_TRUNC_SAT_F64X2_U_ZERO, false},
    [CVT_I64_TRUNC_SAT_F32_S] = {NUM_F32, HOW_EACH, WJ_OP_UNKNOWN, false},
    [CVT_I64_TRUNC_SAT_F32_U] = {NUM_F32, HOW_EACH, WJ_OP_UNKNOWN, false},
    [CVT_I64_TRUNC_SAT_F64_S] = {NUM_F64, HOW_EACH, WJ_OP_UNKNOWN, false},
    [CVT_I64_TRUNC_SAT_F64_U] = {NUM_F64, HOW_EACH, WJ_OP_UNKNOWN, false},
};

static struct node *convert(struct lanes *l, const struct wj_op *op, struct node *a)
{
    const struct conversion *conversion = &conversions[op->sub];
    enum wj_num num = (enum wj_num) op->type;
    struct form form = form_uniform();
    if (is_uniform(a)) {
        return conversion->is_trapping ? scalar_now(l, op, num, a, NULL)
                                       : scalar(l, op, num, &form, a, NULL);
    }
    if (conversion->opcode == WJ_OP_UNKNOWN) {
        return lanes_each_item(l, op, a, NULL);
    }
    lanes_count(l, 4, 1);
    // These write their operand more than once.
    bool is_again = conversion->how == HOW_WIDEN || conversion->how == HOW_MOVE_UP;
    a = is_again ? lanes_force_vector(l, a) : lanes_vector(l, a);
    return unary(l, num, (enum node_how) conversion->how, (enum wj_opcode) conversion->opcode, a);
}

void lanes_numeric(struct lanes *l, const struct wj_op *op)
{
    struct node *result = NULL;
    bool has_two = op->family == FAM_IBINARY || op->family == FAM_ICOMPARE ||
                   op->family == FAM_FBINARY || op->family == FAM_FCOMPARE;
    struct node *b = has_two ? lanes_pop(l) : NULL;
    struct node *a = lanes_pop(l);
    switch ((enum wj_family) op->family) {
    case FAM_IUNARY: result = iunary(l, op, a); break;
    case FAM_IBINARY: result = ibinary(l, op, a, b); break;
    case FAM_IEQZ: result = ieqz(l, op, a); break;
    case FAM_ICOMPARE: result = icompare(l, op, a, b); break;
    case FAM_FUNARY: result = funary(l, op, a); break;
    case FAM_FBINARY: result = fbinary(l, op, a, b); break;
    case FAM_FCOMPARE: result = fcompare(l, op, a, b); break;
    case FAM_CONVERT: result = convert(l, op, a); break;
    default: lanes_refuse(l, "an operation without lanes"); return;
    }
    lanes_push(l, result);
}

// Both are computed in any case; a select chooses.
void lanes_select(struct lanes *l)
{
    struct node *condition = lanes_pop(l), *b = lanes_pop(l), *a = lanes_pop(l);
    enum wj_num num = (enum wj_num) a->num;
    struct node *node;
    if (is_uniform(condition) && is_uniform(a) && is_uniform(b)) {
        node = lanes_node(l, NODE_OP, num);
        node->opcode = WJ_OP_SELECT;
        node->args[2] = condition;
        lanes_count(l, 1, 1);
    } else {
        a = lanes_vector(l, a);
        b = lanes_vector(l, b);
        node = varying(l, num, HOW_SELECT, WJ_OP_V128_BITSELECT);
        if (is_uniform(condition)) { // the same for all: a mask of all or none
            struct node *all = lanes_node(l, NODE_OP, NUM_I32);
            all->opcode = WJ_OP_SELECT;
            all->args[0] = lanes_const_node(l, NUM_I32, UINT32_MAX);
            all->args[1] = lanes_const_node(l, NUM_I32, 0);
            all->args[2] = condition;
            condition = lanes_vector(l, all);
        } else {
            condition = lanes_mask_of(l, condition);
        }
        bool is_again = parts_of(num) != LANES_PARTS && condition->kind == NODE_OP;
        node->args[2] = is_again ? lanes_force(l, condition) : condition;
        lanes_count(l, parts_of(num), 1);
    }
    node->args[0] = a;
    node->args[1] = b;
    lanes_push(l, node);
}
