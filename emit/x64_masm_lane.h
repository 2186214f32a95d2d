// x86-64: vectors and their lanes: splat, extract, replace, shuffle, shifts, tests.
#ifndef EMIT_X64_MASM_LANE_H
#define EMIT_X64_MASM_LANE_H

#include "emit/x64_masm_float.h"
#include "emit/x64_masm_mem.h"

X64_INLINE void masm_vsplat(struct wj_masm *m, enum wj_shape shape, wj_reg d, wj_reg s)
{
    switch (shape) {
    case SHAPE_I8X16:
        x64_vrr(m, VEX_MOVD_TO_VEC, X64_VTMP, 0, s);
        x64_vrr(m, VEX_PBROADCASTB, d, 0, X64_VTMP);
        break;
    case SHAPE_I16X8:
        x64_vrr(m, VEX_MOVD_TO_VEC, X64_VTMP, 0, s);
        x64_vrr(m, VEX_PBROADCASTW, d, 0, X64_VTMP);
        break;
    case SHAPE_I32X4:
        x64_vrr(m, VEX_MOVD_TO_VEC, X64_VTMP, 0, s);
        x64_vrr(m, VEX_PBROADCASTD, d, 0, X64_VTMP);
        break;
    case SHAPE_I64X2:
        x64_vrr(m, VEX_MOVQ_TO_VEC, X64_VTMP, 0, s);
        x64_vrr(m, VEX_PBROADCASTQ, d, 0, X64_VTMP);
        break;
    case SHAPE_F32X4: x64_vrr(m, VEX_BROADCASTSS, d, 0, s); break;
    case SHAPE_F64X2: x64_vrr(m, VEX_MOVDDUP, d, 0, s); break;
    }
}

X64_INLINE void masm_vextract(struct wj_masm *m, enum wj_shape shape, bool zero_extend,
                              unsigned lane, wj_reg d, wj_reg a)
{
    switch (shape) {
    case SHAPE_I8X16:
        x64_vrr_imm(m, VEX_PEXTRB, a, 0, d, lane);
        if (!zero_extend) {
            x64_rr_rm8(m, X64_MOVSX8, d, d);
        }
        break;
    case SHAPE_I16X8:
        x64_vrr_imm(m, VEX_PEXTRW, d, 0, a, lane);
        if (!zero_extend) {
            x64_rr(m, X64_MOVSX16, d, d);
        }
        break;
    case SHAPE_I32X4:
        if (lane == 0) {
            x64_vrr(m, VEX_MOVD_FROM_VEC, a, 0, d);
        } else {
            x64_vrr_imm(m, VEX_PEXTRD, a, 0, d, lane);
        }
        break;
    case SHAPE_I64X2:
        if (lane == 0) {
            x64_vrr(m, VEX_MOVQ_FROM_VEC, a, 0, d);
        } else {
            x64_vrr_imm(m, VEX_PEXTRQ, a, 0, d, lane);
        }
        break;
    case SHAPE_F32X4:
        if (lane == 0) {
            x64_vmov(m, d, a);
        } else {
            x64_vrr_imm(m, VEX_PERMILPS, d, 0, a, lane);
        }
        break;
    case SHAPE_F64X2:
        if (lane == 0) {
            x64_vmov(m, d, a);
        } else {
            x64_vrr(m, VEX_PUNPCKHQDQ, d, a, a);
        }
        break;
    }
}

X64_INLINE void masm_vreplace(struct wj_masm *m, enum wj_shape shape, unsigned lane, wj_reg d,
                              wj_reg a, wj_reg s)
{
    switch (shape) {
    case SHAPE_I8X16: x64_vrr_imm(m, VEX_PINSRB, d, a, s, lane); break;
    case SHAPE_I16X8: x64_vrr_imm(m, VEX_PINSRW, d, a, s, lane); break;
    case SHAPE_I32X4: x64_vrr_imm(m, VEX_PINSRD, d, a, s, lane); break;
    case SHAPE_I64X2: x64_vrr_imm(m, VEX_PINSRQ, d, a, s, lane); break;
    case SHAPE_F32X4: x64_vrr_imm(m, VEX_INSERTPS, d, a, s, lane << 4); break;
    case SHAPE_F64X2: x64_vrr(m, lane == 0 ? VEX_MOVSD_MERGE : VEX_MOVLHPS, d, a, s); break;
    }
}

// ---- Shuffles ---------------------------------------------------------------------------------

// The lanes of `bytes` bytes each that a shuffle moves whole; false when it splits one.
X64_INLINE bool x64_shuffle_widen(const uint8_t lanes[16], unsigned bytes, uint8_t wide[16])
{
    for (unsigned i = 0; i < 16; i += bytes) {
        if (lanes[i] % bytes != 0) {
            return false;
        }
        for (unsigned j = 1; j < bytes; j++) {
            if (lanes[i + j] != lanes[i] + j) {
                return false;
            }
        }
        wide[i / bytes] = lanes[i] / (uint8_t) bytes;
    }
    return true;
}

// punpckl and punpckh of every width, in either order of the operands.
X64_INLINE bool x64_shuffle_unpack(struct wj_masm *m, wj_reg d, wj_reg a, wj_reg b,
                                   const uint8_t lanes[16])
{
    for (unsigned log2 = 0; log2 < 4; log2++) {
        unsigned count = 16u >> log2;
        uint8_t wide[16];
        if (!x64_shuffle_widen(lanes, 1u << log2, wide)) {
            return false;
        }
        unsigned start = wide[0] % count;
        if (start != 0 && start != count / 2) {
            continue;
        }
        unsigned first = wide[0] - start; // 0, or count when b comes first
        unsigned second = wide[1] >= count ? count : 0;
        bool matches = true;
        for (unsigned i = 0; i < count / 2; i++) {
            matches = matches && wide[2 * i] == first + start + i &&
                      wide[2 * i + 1] == second + start + i;
        }
        if (matches) {
            uint32_t op = log2 == 3 ? VEX_PUNPCKLQDQ : VEX_PUNPCKLBW + log2;
            if (start != 0) {
                op = log2 == 3 ? VEX_PUNPCKHQDQ : VEX_PUNPCKHBW + log2;
            }
            x64_vrr(m, op, d, first == 0 ? a : b, second == 0 ? a : b);
            return true;
        }
    }
    return false;
}

// Whole doublewords: pshufd of one operand, or shufps of two halves.
X64_INLINE bool x64_shuffle_words(struct wj_masm *m, wj_reg d, wj_reg a, wj_reg b,
                                  const uint8_t lanes[16])
{
    uint8_t wide[16];
    if (!x64_shuffle_widen(lanes, 4, wide) || (wide[0] & 4) != (wide[1] & 4) ||
        (wide[2] & 4) != (wide[3] & 4)) {
        return false;
    }
    unsigned imm = (wide[0] & 3u) | (wide[1] & 3u) << 2 | (wide[2] & 3u) << 4 | (wide[3] & 3u) << 6;
    wj_reg low = wide[0] & 4 ? b : a;
    wj_reg high = wide[2] & 4 ? b : a;
    if (low == high) {
        x64_vrr_imm(m, VEX_PSHUFD, d, 0, low, imm);
    } else {
        x64_vrr_imm(m, VEX_SHUFPS, d, low, high, imm);
    }
    return true;
}

// Runs of consecutive bytes of a and b together, and lanes that stay in their places.
X64_INLINE bool x64_shuffle_in_order(struct wj_masm *m, wj_reg d, wj_reg a, wj_reg b,
                                     const uint8_t lanes[16])
{
    bool is_run = lanes[0] <= 16;
    for (unsigned i = 1; i < 16; i++) {
        is_run = is_run && lanes[i] == lanes[0] + i;
    }
    if (is_run) {
        if (lanes[0] % 16 == 0) {
            x64_vmov(m, d, lanes[0] == 0 ? a : b);
        } else {
            x64_vrr_imm(m, VEX_PALIGNR, d, b, a, lanes[0]);
        }
        return true;
    }
    uint8_t wide[16];
    if (!x64_shuffle_widen(lanes, 2, wide)) {
        return false;
    }
    unsigned from_b = 0;
    for (unsigned i = 0; i < 8; i++) {
        if (wide[i] % 8 != i) {
            return false;
        }
        from_b |= (unsigned) (wide[i] >> 3) << i;
    }
    x64_vrr_imm(m, VEX_PBLENDW, d, a, b, from_b);
    return true;
}

X64_INLINE void masm_vshuffle(struct wj_masm *m, wj_reg d, wj_reg a, wj_reg b,
                              const uint8_t lanes[16])
{
    uint8_t index[16];
    for (unsigned i = 0; i < 16; i++) {
        index[i] = a == b ? lanes[i] & 15 : lanes[i];
    }
    if (x64_shuffle_in_order(m, d, a, b, index) || x64_shuffle_unpack(m, d, a, b, index) ||
        x64_shuffle_words(m, d, a, b, index)) {
        return;
    }
    // pshufb writes zero where the index has its top bit set.
    uint8_t of_a[16], of_b[16];
    bool uses_a = false, uses_b = false;
    for (unsigned i = 0; i < 16; i++) {
        of_a[i] = index[i] < 16 ? index[i] : 0x80;
        of_b[i] = index[i] < 16 ? 0x80 : index[i] - 16;
        uses_a = uses_a || index[i] < 16;
        uses_b = uses_b || index[i] >= 16;
    }
    if (!uses_b) {
        x64_vrm(m, VEX_PSHUFB, d, a, x64_const16(m, of_a));
    } else if (!uses_a) {
        x64_vrm(m, VEX_PSHUFB, d, b, x64_const16(m, of_b));
    } else {
        x64_vrm(m, VEX_PSHUFB, X64_VTMP, a, x64_const16(m, of_a));
        x64_vrm(m, VEX_PSHUFB, d, b, x64_const16(m, of_b));
        x64_vrr(m, VEX_POR, d, d, X64_VTMP);
    }
}

// ---- Shifts -----------------------------------------------------------------------------------

// The shift of words, doublewords or quadwords by a count in a vector register. Bytes have none,
// nor has the arithmetic shift of quadwords.
X64_INLINE uint32_t x64_vshift_op(enum wj_vshift op, unsigned width_log2)
{
    static const uint16_t words[] = {
        [VSHIFT_SHL] = VEX_PSLLW,
        [VSHIFT_SHR_S] = VEX_PSRAW,
        [VSHIFT_SHR_U] = VEX_PSRLW,
    };
    return words[op] + width_log2 - 1;
}

X64_INLINE unsigned x64_shape_log2(enum wj_shape shape)
{
    static const uint8_t log2s[] = {0, 1, 2, 3, 2, 3};
    return log2s[shape];
}

// In words of twice the byte: a byte doubled, shifted by eight more, packed again.
X64_INLINE void x64_vshift_bytes(struct wj_masm *m, enum wj_vshift op, wj_reg d, wj_reg a)
{
    uint32_t shift = x64_vshift_op(op, 1);
    if (op == VSHIFT_SHR_S) {
        x64_vrr(m, VEX_PUNPCKLBW, X64_VTMP2, a, a);
        x64_vrr(m, VEX_PUNPCKHBW, d, a, a);
        x64_vrr(m, shift, X64_VTMP2, X64_VTMP2, X64_VTMP);
        x64_vrr(m, shift, d, d, X64_VTMP);
        x64_vrr(m, VEX_PACKSSWB, d, X64_VTMP2, d);
        return;
    }
    // A byte of ones shifted the same way masks what came in from the neighbour.
    x64_vrr(m, VEX_PCMPEQD, X64_VTMP2, X64_VTMP2, X64_VTMP2);
    if (op == VSHIFT_SHR_U) {
        x64_vr_imm(m, VEX_PSRLW_IMM, X64_VTMP2, X64_VTMP2, 8);
    }
    x64_vrr(m, shift, X64_VTMP2, X64_VTMP2, X64_VTMP);
    x64_vrr(m, VEX_PBROADCASTB, X64_VTMP2, 0, X64_VTMP2);
    x64_vrr(m, shift, d, a, X64_VTMP);
    x64_vrr(m, VEX_PAND, d, d, X64_VTMP2);
}

X64_INLINE void masm_vshift(struct wj_masm *m, enum wj_vshift op, enum wj_shape shape, wj_reg d,
                            wj_reg a, wj_reg count)
{
    unsigned width_log2 = x64_shape_log2(shape);
    x64_mov(m, 0, X64_TMP, count);
    x64_alu_imm(m, ALU_AND, 0, X64_TMP, (8 << width_log2) - 1);
    if (width_log2 == 0 && op == VSHIFT_SHR_S) {
        x64_alu_imm(m, ALU_ADD, 0, X64_TMP, 8);
    }
    x64_vrr(m, VEX_MOVD_TO_VEC, X64_VTMP, 0, X64_TMP);
    if (width_log2 == 0) {
        x64_vshift_bytes(m, op, d, a);
    } else if (width_log2 == 3 && op == VSHIFT_SHR_S) {
        // The sign bit, shifted too, extends the sign: (x ^ s) - s.
        x64_vrm(m, VEX_MOVAPS, X64_VTMP2, 0, x64_const64(m, X64_F64_SIGN, X64_F64_SIGN));
        x64_vrr(m, x64_vshift_op(VSHIFT_SHR_U, 3), X64_VTMP2, X64_VTMP2, X64_VTMP);
        x64_vrr(m, x64_vshift_op(VSHIFT_SHR_U, 3), d, a, X64_VTMP);
        x64_vrr(m, VEX_PXOR, d, d, X64_VTMP2);
        x64_vrr(m, VEX_PSUBQ, d, d, X64_VTMP2);
    } else {
        x64_vrr(m, x64_vshift_op(op, width_log2), d, a, X64_VTMP);
    }
}

// Words and wider, by an immediate.
X64_INLINE void x64_vshift_imm(struct wj_masm *m, enum wj_vshift op, unsigned width_log2, wj_reg d,
                               wj_reg a, unsigned count)
{
    static const uint32_t words[] = {
        [VSHIFT_SHL] = VEX_PSLLW_IMM,
        [VSHIFT_SHR_S] = VEX_PSRAW_IMM,
        [VSHIFT_SHR_U] = VEX_PSRLW_IMM,
    };
    x64_vr_imm(m, words[op] + width_log2 - 1, d, a, count);
}

X64_INLINE void masm_vshift_imm(struct wj_masm *m, enum wj_vshift op, enum wj_shape shape, wj_reg d,
                                wj_reg a, unsigned count)
{
    unsigned width_log2 = x64_shape_log2(shape);
    count &= (8u << width_log2) - 1;
    if (count == 0) {
        x64_vmov(m, d, a);
    } else if (width_log2 == 0 && op == VSHIFT_SHR_S) {
        x64_vrr(m, VEX_PUNPCKLBW, X64_VTMP2, a, a);
        x64_vrr(m, VEX_PUNPCKHBW, d, a, a);
        x64_vshift_imm(m, op, 1, X64_VTMP2, X64_VTMP2, count + 8);
        x64_vshift_imm(m, op, 1, d, d, count + 8);
        x64_vrr(m, VEX_PACKSSWB, d, X64_VTMP2, d);
    } else if (width_log2 == 0) {
        uint32_t mask = op == VSHIFT_SHL ? 0xffu << count & 0xff : 0xffu >> count;
        x64_vshift_imm(m, op, 1, d, a, count);
        x64_vrm(m, VEX_PAND, d, d, x64_const32(m, mask * 0x01010101u));
    } else if (width_log2 == 3 && op == VSHIFT_SHR_S) {
        struct x64_mem sign = x64_const64(m, X64_F64_SIGN >> count, X64_F64_SIGN >> count);
        x64_vshift_imm(m, VSHIFT_SHR_U, 3, d, a, count);
        x64_vrm(m, VEX_PXOR, d, d, sign);
        x64_vrm(m, VEX_PSUBQ, d, d, sign);
    } else {
        x64_vshift_imm(m, op, width_log2, d, a, count);
    }
}

// ---- Tests ------------------------------------------------------------------------------------

X64_INLINE void x64_vbitmask(struct wj_masm *m, enum wj_shape shape, wj_reg d, wj_reg a)
{
    switch (shape) {
    case SHAPE_I8X16: x64_vrr(m, VEX_PMOVMSKB, d, 0, a); break;
    case SHAPE_I16X8:
        x64_vzero(m, X64_VTMP);
        x64_vrr(m, VEX_PACKSSWB, X64_VTMP, a, X64_VTMP);
        x64_vrr(m, VEX_PMOVMSKB, d, 0, X64_VTMP);
        break;
    case SHAPE_I32X4:
    case SHAPE_F32X4: x64_vrr(m, VEX_MOVMSKPS, d, 0, a); break;
    case SHAPE_I64X2:
    case SHAPE_F64X2: x64_vrr(m, VEX_MOVMSKPD, d, 0, a); break;
    }
}

X64_INLINE void masm_vtest(struct wj_masm *m, enum wj_vtest op, enum wj_shape shape, wj_reg d,
                           wj_reg a)
{
    static const uint32_t equals[] = {
        VEX_PCMPEQB,
        VEX_PCMPEQW,
        VEX_PCMPEQD,
        VEX_PCMPEQQ,
    };
    switch (op) {
    case VTEST_ANY_TRUE:
        x64_vrr(m, VEX_PTEST, a, 0, a);
        x64_setcc(m, CC_NE, d);
        x64_movzx8(m, d, d);
        break;
    case VTEST_ALL_TRUE:
        x64_vzero(m, X64_VTMP);
        x64_vrr(m, equals[x64_shape_log2(shape)], X64_VTMP, a, X64_VTMP);
        x64_vrr(m, VEX_PTEST, X64_VTMP, 0, X64_VTMP);
        x64_setcc(m, CC_E, d);
        x64_movzx8(m, d, d);
        break;
    case VTEST_BITMASK: x64_vbitmask(m, shape, d, a); break;
    }
}

#endif
