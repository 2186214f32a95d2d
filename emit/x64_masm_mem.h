// x86-64: loads and stores of linear memory.
#ifndef EMIT_X64_MASM_MEM_H
#define EMIT_X64_MASM_MEM_H

#include "emit/x64_masm_int.h"

X64_INLINE void x64_load_op(struct wj_masm *m, enum wj_load_op op, wj_reg d, struct x64_mem a)
{
    switch (op) {
    case LOAD_I32: x64_rm(m, X64_MOV, d, a); break;
    case LOAD_I64: x64_rm(m, X64_MOV | X64_W, d, a); break;
    case LOAD_F32: x64_vrm(m, VEX_MOVSS_LOAD, d, 0, a); break;
    case LOAD_F64: x64_vrm(m, VEX_MOVSD_LOAD, d, 0, a); break;
    case LOAD_I32_8_S: x64_rm(m, X64_MOVSX8, d, a); break;
    case LOAD_I32_8_U:
    case LOAD_I64_8_U: x64_rm(m, X64_MOVZX8, d, a); break;
    case LOAD_I32_16_S: x64_rm(m, X64_MOVSX16, d, a); break;
    case LOAD_I32_16_U:
    case LOAD_I64_16_U: x64_rm(m, X64_MOVZX16, d, a); break;
    case LOAD_I64_8_S: x64_rm(m, X64_MOVSX8 | X64_W, d, a); break;
    case LOAD_I64_16_S: x64_rm(m, X64_MOVSX16 | X64_W, d, a); break;
    case LOAD_I64_32_S: x64_rm(m, X64_MOVSXD, d, a); break;
    case LOAD_I64_32_U: x64_rm(m, X64_MOV, d, a); break;
    case LOAD_V128: x64_vrm(m, VEX_MOVUPS_LOAD, d, 0, a); break;
    case LOAD_V128_8X8_S: x64_vrm(m, VEX_PMOVSXBW, d, 0, a); break;
    case LOAD_V128_8X8_U: x64_vrm(m, VEX_PMOVZXBW, d, 0, a); break;
    case LOAD_V128_16X4_S: x64_vrm(m, VEX_PMOVSXWD, d, 0, a); break;
    case LOAD_V128_16X4_U: x64_vrm(m, VEX_PMOVZXWD, d, 0, a); break;
    case LOAD_V128_32X2_S: x64_vrm(m, VEX_PMOVSXDQ, d, 0, a); break;
    case LOAD_V128_32X2_U: x64_vrm(m, VEX_PMOVZXDQ, d, 0, a); break;
    case LOAD_V128_8_SPLAT: x64_vrm(m, VEX_PBROADCASTB, d, 0, a); break;
    case LOAD_V128_16_SPLAT: x64_vrm(m, VEX_PBROADCASTW, d, 0, a); break;
    case LOAD_V128_32_SPLAT: x64_vrm(m, VEX_BROADCASTSS, d, 0, a); break;
    case LOAD_V128_64_SPLAT: x64_vrm(m, VEX_MOVDDUP, d, 0, a); break;
    case LOAD_V128_32_ZERO: x64_vrm(m, VEX_MOVSS_LOAD, d, 0, a); break;
    case LOAD_V128_64_ZERO: x64_vrm(m, VEX_MOVSD_LOAD, d, 0, a); break;
    }
}

// The most frequent load is often known to be it.
X64_ALWAYS void masm_load(struct wj_masm *m, enum wj_load_op op, wj_reg d, struct wj_addr a)
{
    if (op == LOAD_I32) {
        x64_rm(m, X64_MOV, d, x64_addr(m, a));
    } else {
        x64_load_op(m, op, d, x64_addr(m, a));
    }
}

X64_INLINE void x64_store_op(struct wj_masm *m, enum wj_store_op op, wj_reg s, struct x64_mem a)
{
    switch (op) {
    case STORE_I32:
    case STORE_I64_32: x64_rm(m, X64_MOV_TO, s, a); break;
    case STORE_I64: x64_rm(m, X64_MOV_TO | X64_W, s, a); break;
    case STORE_F32: x64_vrm(m, VEX_MOVSS_STORE, s, 0, a); break;
    case STORE_F64: x64_vrm(m, VEX_MOVSD_STORE, s, 0, a); break;
    case STORE_I32_8:
    case STORE_I64_8: x64_rm_rex(m, X64_MOV8_TO, s, a, 0, x64_rex8(s)); break;
    case STORE_I32_16:
    case STORE_I64_16: x64_rm(m, X64_MOV16_TO, s, a); break;
    case STORE_V128: x64_vrm(m, VEX_MOVUPS_STORE, s, 0, a); break;
    }
}

X64_INLINE void masm_store(struct wj_masm *m, enum wj_store_op op, wj_reg s, struct wj_addr a)
{
    x64_store_op(m, op, s, x64_addr(m, a));
}

X64_INLINE void masm_store_imm(struct wj_masm *m, enum wj_store_op op, uint64_t bits,
                               struct wj_addr a)
{
    struct x64_mem mem = x64_addr(m, a);
    switch (op) {
    case STORE_I32:
    case STORE_I64_32:
    case STORE_F32: x64_store_imm(m, false, bits, mem); break;
    case STORE_I64:
    case STORE_F64: x64_store_imm(m, true, bits, mem); break;
    case STORE_I32_8:
    case STORE_I64_8: x64_m_imm(m, X64_MOV8_IMM_TO, mem, bits, 1); break;
    case STORE_I32_16:
    case STORE_I64_16: x64_m_imm(m, X64_MOV16_IMM_TO, mem, bits, 2); break;
    case STORE_V128: break; // not an integer
    }
}

// ---- Lanes ------------------------------------------------------------------------------------

X64_INLINE void masm_load_lane(struct wj_masm *m, enum wj_shape width, unsigned lane, wj_reg d,
                               wj_reg v, struct wj_addr a)
{
    struct x64_mem mem = x64_addr(m, a);
    switch (width) {
    case SHAPE_I8X16: x64_vrm_imm(m, VEX_PINSRB, d, v, mem, lane); break;
    case SHAPE_I16X8: x64_vrm_imm(m, VEX_PINSRW, d, v, mem, lane); break;
    case SHAPE_I32X4:
    case SHAPE_F32X4: x64_vrm_imm(m, VEX_PINSRD, d, v, mem, lane); break;
    case SHAPE_I64X2:
    case SHAPE_F64X2: x64_vrm_imm(m, VEX_PINSRQ, d, v, mem, lane); break;
    }
}

X64_INLINE void masm_store_lane(struct wj_masm *m, enum wj_shape width, unsigned lane, wj_reg v,
                                struct wj_addr a)
{
    struct x64_mem mem = x64_addr(m, a);
    switch (width) {
    case SHAPE_I8X16: x64_vrm_imm(m, VEX_PEXTRB, v, 0, mem, lane); break;
    case SHAPE_I16X8: x64_vrm_imm(m, VEX_PEXTRW_TO, v, 0, mem, lane); break;
    case SHAPE_I32X4:
    case SHAPE_F32X4:
        if (lane == 0) {
            x64_vrm(m, VEX_MOVSS_STORE, v, 0, mem);
        } else {
            x64_vrm_imm(m, VEX_PEXTRD, v, 0, mem, lane);
        }
        break;
    case SHAPE_I64X2:
    case SHAPE_F64X2:
        if (lane == 0) {
            x64_vrm(m, VEX_MOVSD_STORE, v, 0, mem);
        } else {
            x64_vrm(m, VEX_MOVHPS_STORE, v, 0, mem);
        }
        break;
    }
}

#endif
