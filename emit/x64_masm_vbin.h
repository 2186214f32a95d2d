// x86-64: vector operations of two operands. Most are one instruction, by a table; the others are
// made of a few.
#ifndef EMIT_X64_MASM_VBIN_H
#define EMIT_X64_MASM_VBIN_H

#include "emit/x64_masm_vun.h"

// Opcode words by operation and shape; 0 where it takes more than one instruction, or where the
// operation does not exist.
X64_INLINE uint32_t x64_vbin_simple(enum wj_vbinop op, enum wj_shape shape)
{
#define ALL(word)                          \
    {                                      \
        word, word, word, word, word, word \
    }
#define FLOAT(word)                                           \
    {                                                         \
        [SHAPE_F32X4] = word, [SHAPE_F64X2] = (word) | X64_66 \
    }
    static const uint16_t words[][6] = {
        [VBIN_AND] = ALL(VEX_PAND),
        [VBIN_OR] = ALL(VEX_POR),
        [VBIN_XOR] = ALL(VEX_PXOR),
        [VBIN_ADD] = {VEX_PADDB, VEX_PADDW, VEX_PADDD, VEX_PADDQ, VEX_ADD_F, VEX_ADD_F | X64_66},
        [VBIN_SUB] = {VEX_PSUBB, VEX_PSUBW, VEX_PSUBD, VEX_PSUBQ, VEX_SUB_F, VEX_SUB_F | X64_66},
        [VBIN_MUL] = {0, VEX_PMULLW, VEX_PMULLD, 0, VEX_MUL_F, VEX_MUL_F | X64_66},
        [VBIN_ADD_SAT_S] = {VEX_PADDSB, VEX_PADDSW},
        [VBIN_ADD_SAT_U] = {VEX_PADDUSB, VEX_PADDUSW},
        [VBIN_SUB_SAT_S] = {VEX_PSUBSB, VEX_PSUBSW},
        [VBIN_SUB_SAT_U] = {VEX_PSUBUSB, VEX_PSUBUSW},
        [VBIN_MIN_S] = {VEX_PMINSB, VEX_PMINSW, VEX_PMINSD},
        [VBIN_MIN_U] = {VEX_PMINUB, VEX_PMINUW, VEX_PMINUD},
        [VBIN_MAX_S] = {VEX_PMAXSB, VEX_PMAXSW, VEX_PMAXSD},
        [VBIN_MAX_U] = {VEX_PMAXUB, VEX_PMAXUW, VEX_PMAXUD},
        [VBIN_AVGR_U] = {VEX_PAVGB, VEX_PAVGW},
        [VBIN_NARROW_S] = {VEX_PACKSSWB, VEX_PACKSSDW},
        [VBIN_NARROW_U] = {VEX_PACKUSWB, VEX_PACKUSDW},
        [VBIN_DOT] = {[SHAPE_I32X4] = VEX_PMADDWD},
        [VBIN_DIV] = FLOAT(VEX_DIV_F),
        [VBIN_EQ] = {VEX_PCMPEQB, VEX_PCMPEQW, VEX_PCMPEQD, VEX_PCMPEQQ},
        [VBIN_GT_S] = {VEX_PCMPGTB, VEX_PCMPGTW, VEX_PCMPGTD, VEX_PCMPGTQ},
        [VBIN_RELAXED_DOT] = {0},
    };
#undef ALL
#undef FLOAT
    return words[op][shape];
}

// Float comparisons: the predicate, and whether the operands change places.
X64_INLINE bool x64_vcmp_predicate(enum wj_vbinop op, unsigned *predicate, bool *is_swapped)
{
    *is_swapped = op == VBIN_GT_S || op == VBIN_GE_S;
    if (op == VBIN_EQ || op == VBIN_NE) {
        *predicate = op == VBIN_EQ ? X64_CMP_EQ : X64_CMP_NE;
        return true;
    }
    *predicate = op == VBIN_LT_S || op == VBIN_GT_S ? X64_CMP_LT : X64_CMP_LE;
    return op == VBIN_LT_S || op == VBIN_LE_S || *is_swapped;
}

X64_INLINE bool x64_is_float_shape(enum wj_shape shape)
{
    return shape == SHAPE_F32X4 || shape == SHAPE_F64X2;
}

X64_INLINE bool masm_vbin_takes_mem(enum wj_vbinop op, enum wj_shape shape)
{
    unsigned predicate;
    bool is_swapped;
    if (x64_is_float_shape(shape) && x64_vcmp_predicate(op, &predicate, &is_swapped)) {
        return !is_swapped;
    }
    return x64_vbin_simple(op, shape) != 0;
}

X64_INLINE void x64_vbin_mem(struct wj_masm *m, enum wj_vbinop op, enum wj_shape shape, wj_reg d,
                             wj_reg a, struct x64_mem b)
{
    unsigned predicate;
    bool is_swapped;
    if (x64_is_float_shape(shape) && x64_vcmp_predicate(op, &predicate, &is_swapped)) {
        x64_vrm_imm(m, VEX_CMP_P | x64_vpacked(shape), d, a, b, predicate);
    } else {
        x64_vrm(m, x64_vbin_simple(op, shape), d, a, b);
    }
}

X64_INLINE void masm_vbin_slot(struct wj_masm *m, enum wj_vbinop op, enum wj_shape shape, wj_reg d,
                               wj_reg a, struct wj_slot b)
{
    x64_vbin_mem(m, op, shape, d, a, x64_slot(b));
}

X64_INLINE void masm_vbin_addr(struct wj_masm *m, enum wj_vbinop op, enum wj_shape shape, wj_reg d,
                               wj_reg a, struct wj_addr b)
{
    x64_vbin_mem(m, op, shape, d, a, x64_addr(m, b));
}

// ---- Integer lanes ----------------------------------------------------------------------------

X64_INLINE void x64_vnot(struct wj_masm *m, wj_reg d, wj_reg a)
{
    x64_vrr(m, VEX_PCMPEQD, X64_VTMP2, X64_VTMP2, X64_VTMP2);
    x64_vrr(m, VEX_PXOR, d, a, X64_VTMP2);
}

// a >= b where max(a, b) = a, and a <= b where min(a, b) = a; the others are their opposites.
// Quadwords only have the signed greater-than.
X64_INLINE void x64_vcompare(struct wj_masm *m, enum wj_vbinop op, enum wj_shape shape, wj_reg d,
                             wj_reg a, wj_reg b)
{
    uint32_t equal = x64_vbin_simple(VBIN_EQ, shape);
    uint32_t greater = x64_vbin_simple(VBIN_GT_S, shape);
    bool is_signed = op == VBIN_LT_S || op == VBIN_GE_S || op == VBIN_LE_S;
    if (op == VBIN_NE) {
        x64_vrr(m, equal, X64_VTMP, a, b);
        x64_vnot(m, d, X64_VTMP);
    } else if (op == VBIN_LT_S) {
        x64_vrr(m, greater, d, b, a);
    } else if (shape == SHAPE_I64X2) {
        x64_vrr(m, greater, X64_VTMP, op == VBIN_LE_S ? a : b, op == VBIN_LE_S ? b : a);
        x64_vnot(m, d, X64_VTMP);
    } else {
        bool is_max = op == VBIN_GE_S || op == VBIN_GE_U || op == VBIN_LT_U;
        bool is_not = op == VBIN_LT_U || op == VBIN_GT_U;
        enum wj_vbinop pick =
            is_max ? (is_signed ? VBIN_MAX_S : VBIN_MAX_U) : (is_signed ? VBIN_MIN_S : VBIN_MIN_U);
        x64_vrr(m, x64_vbin_simple(pick, shape), X64_VTMP, a, b);
        x64_vrr(m, equal, is_not ? X64_VTMP : d, X64_VTMP, a);
        if (is_not) {
            x64_vnot(m, d, X64_VTMP);
        }
    }
}

// i64x2: the low products, and the two mixed ones in the upper half.
X64_INLINE void x64_vmul_quads(struct wj_masm *m, wj_reg d, wj_reg a, wj_reg b)
{
    x64_vshift_imm(m, VSHIFT_SHR_U, 3, X64_VTMP, a, 32);
    x64_vrr(m, VEX_PMULUDQ, X64_VTMP, X64_VTMP, b);
    x64_vshift_imm(m, VSHIFT_SHR_U, 3, X64_VTMP2, b, 32);
    x64_vrr(m, VEX_PMULUDQ, X64_VTMP2, X64_VTMP2, a);
    x64_vrr(m, VEX_PADDQ, X64_VTMP, X64_VTMP, X64_VTMP2);
    x64_vshift_imm(m, VSHIFT_SHL, 3, X64_VTMP, X64_VTMP, 32);
    x64_vrr(m, VEX_PMULUDQ, X64_VTMP2, a, b);
    x64_vrr(m, VEX_PADDQ, d, X64_VTMP, X64_VTMP2);
}

// Extended bytes of one half.
X64_INLINE void x64_vhalf_bytes(struct wj_masm *m, bool is_signed, bool is_high, wj_reg d, wj_reg a)
{
    if (!is_high) {
        x64_vrr(m, is_signed ? VEX_PMOVSXBW : VEX_PMOVZXBW, d, 0, a);
    } else {
        x64_vrr(m, VEX_PUNPCKHBW, d, a, a);
        x64_vshift_imm(m, is_signed ? VSHIFT_SHR_S : VSHIFT_SHR_U, 1, d, d, 8);
    }
}

X64_INLINE void x64_vextmul(struct wj_masm *m, bool is_signed, bool is_high, enum wj_shape shape,
                            wj_reg d, wj_reg a, wj_reg b)
{
    if (shape == SHAPE_I16X8) {
        x64_vhalf_bytes(m, is_signed, is_high, X64_VTMP, a);
        x64_vhalf_bytes(m, is_signed, is_high, X64_VTMP2, b);
        x64_vrr(m, VEX_PMULLW, d, X64_VTMP, X64_VTMP2);
    } else if (shape == SHAPE_I32X4) {
        // Low and high words of the products, interleaved: pmullw with pmulhw or pmulhuw.
        x64_vrr(m, VEX_PMULLW, X64_VTMP, a, b);
        x64_vrr(m, is_signed ? VEX_PMULHW : VEX_PMULHUW, X64_VTMP2, a, b);
        x64_vrr(m, is_high ? VEX_PUNPCKHWD : VEX_PUNPCKLWD, d, X64_VTMP, X64_VTMP2);
    } else {
        // pmuldq and pmuludq read lanes 0 and 2.
        unsigned order = is_high ? 0xfa : 0x50;
        x64_vrr_imm(m, VEX_PSHUFD, X64_VTMP, 0, a, order);
        x64_vrr_imm(m, VEX_PSHUFD, X64_VTMP2, 0, b, order);
        x64_vrr(m, is_signed ? VEX_PMULDQ : VEX_PMULUDQ, d, X64_VTMP, X64_VTMP2);
    }
}

// pmulhrsw overflows to the lowest number for one pair of operands only: inverted, it is the
// highest.
X64_INLINE void x64_vq15mulr(struct wj_masm *m, wj_reg d, wj_reg a, wj_reg b)
{
    x64_vrr(m, VEX_PMULHRSW, X64_VTMP, a, b);
    x64_vrm(m, VEX_PCMPEQW, X64_VTMP2, X64_VTMP, x64_const32(m, 0x80008000u));
    x64_vrr(m, VEX_PXOR, d, X64_VTMP, X64_VTMP2);
}

// Indexes from 16 on get their top bit set by a saturating add; pshufb gives zero for those.
X64_INLINE void x64_vswizzle(struct wj_masm *m, wj_reg d, wj_reg a, wj_reg b)
{
    x64_vrm(m, VEX_PADDUSB, X64_VTMP, b, x64_const32(m, 0x70707070u));
    x64_vrr(m, VEX_PSHUFB, d, a, X64_VTMP);
}

// ---- Float lanes ------------------------------------------------------------------------------

// As in x64_fminmax, with a blend for the unordered lanes.
X64_INLINE void x64_vminmax(struct wj_masm *m, bool is_max, enum wj_shape shape, wj_reg d, wj_reg a,
                            wj_reg b)
{
    uint32_t packed = x64_vpacked(shape);
    uint32_t op = (is_max ? VEX_MAX_F : VEX_MIN_F) | packed;
    x64_vrr(m, op, X64_VTMP2, a, b);
    x64_vrr(m, op, X64_VTMP, b, a);
    x64_vrr(m, is_max ? VEX_ANDPS : VEX_ORPS, X64_VTMP2, X64_VTMP2, X64_VTMP);
    x64_vrr_imm(m, VEX_CMP_P | packed, X64_VTMP, a, b, X64_CMP_UNORD);
    x64_vrr(m, VEX_ADD_F | packed, d, a, b);
    x64_vrr_imm(m, shape == SHAPE_F32X4 ? VEX_BLENDVPS : VEX_BLENDVPD, d, X64_VTMP2, d,
                (X64_VTMP & 15) << 4);
}

X64_INLINE void x64_vbin_float_compare(struct wj_masm *m, enum wj_vbinop op, enum wj_shape shape,
                                       wj_reg d, wj_reg a, wj_reg b)
{
    unsigned predicate = X64_CMP_EQ;
    bool is_swapped = false;
    x64_vcmp_predicate(op, &predicate, &is_swapped);
    x64_vrr_imm(m, VEX_CMP_P | x64_vpacked(shape), d, is_swapped ? b : a, is_swapped ? a : b,
                predicate);
}

X64_INLINE void masm_vbin(struct wj_masm *m, enum wj_vbinop op, enum wj_shape shape, wj_reg d,
                          wj_reg a, wj_reg b)
{
    uint32_t simple = x64_vbin_simple(op, shape);
    if (simple != 0) {
        x64_vrr(m, simple, d, a, b);
        return;
    }
    switch (op) {
    case VBIN_ANDNOT: x64_vrr(m, VEX_PANDN, d, b, a); break;
    case VBIN_MUL: x64_vmul_quads(m, d, a, b); break;
    case VBIN_Q15MULR_SAT_S:
    case VBIN_RELAXED_Q15MULR_S: x64_vq15mulr(m, d, a, b); break;
    case VBIN_EXTMUL_LOW_S: x64_vextmul(m, true, false, shape, d, a, b); break;
    case VBIN_EXTMUL_HIGH_S: x64_vextmul(m, true, true, shape, d, a, b); break;
    case VBIN_EXTMUL_LOW_U: x64_vextmul(m, false, false, shape, d, a, b); break;
    case VBIN_EXTMUL_HIGH_U: x64_vextmul(m, false, true, shape, d, a, b); break;
    case VBIN_SWIZZLE:
    case VBIN_RELAXED_SWIZZLE: x64_vswizzle(m, d, a, b); break;
    case VBIN_MIN:
    case VBIN_RELAXED_MIN: x64_vminmax(m, false, shape, d, a, b); break;
    case VBIN_MAX:
    case VBIN_RELAXED_MAX: x64_vminmax(m, true, shape, d, a, b); break;
    // b < a ? b : a, and a < b ? b : a: the second operand is what remains.
    case VBIN_PMIN: x64_vrr(m, VEX_MIN_F | x64_vpacked(shape), d, b, a); break;
    case VBIN_PMAX: x64_vrr(m, VEX_MAX_F | x64_vpacked(shape), d, b, a); break;
    case VBIN_RELAXED_DOT: x64_vdot_bytes(m, d, a, b); break;
    case VBIN_EQ:
    case VBIN_NE:
    case VBIN_LT_S:
    case VBIN_LT_U:
    case VBIN_GT_S:
    case VBIN_GT_U:
    case VBIN_LE_S:
    case VBIN_LE_U:
    case VBIN_GE_S:
    case VBIN_GE_U:
        if (x64_is_float_shape(shape)) {
            x64_vbin_float_compare(m, op, shape, d, a, b);
        } else {
            x64_vcompare(m, op, shape, d, a, b);
        }
        break;
    case VBIN_AND:
    case VBIN_OR:
    case VBIN_XOR:
    case VBIN_ADD:
    case VBIN_SUB:
    case VBIN_ADD_SAT_S:
    case VBIN_ADD_SAT_U:
    case VBIN_SUB_SAT_S:
    case VBIN_SUB_SAT_U:
    case VBIN_MIN_S:
    case VBIN_MIN_U:
    case VBIN_MAX_S:
    case VBIN_MAX_U:
    case VBIN_AVGR_U:
    case VBIN_NARROW_S:
    case VBIN_NARROW_U:
    case VBIN_DOT:
    case VBIN_DIV: break; // one instruction
    }
}

#endif
