// x86-64: atomic accesses. Plain loads are sequentially consistent here, stores are exchanges.
#ifndef EMIT_X64_MASM_ATOMIC_H
#define EMIT_X64_MASM_ATOMIC_H

#include "emit/x64_masm_mem.h"

// The opcode word of an instruction whose byte form is op and whose wider forms are op + 1.
X64_INLINE uint32_t x64_sized(uint32_t op, unsigned width_log2)
{
    static const uint32_t changes[] = {0, 1 | X64_66, 1, 1 | X64_W};
    return op | changes[width_log2];
}

X64_INLINE void x64_rm_sized(struct wj_masm *m, uint32_t op, unsigned width_log2, wj_reg reg,
                             struct x64_mem a)
{
    x64_rm_rex(m, x64_sized(op, width_log2), reg, a, 0, width_log2 == 0 ? x64_rex8(reg) : 0);
}

X64_INLINE void x64_zero_extend(struct wj_masm *m, unsigned width_log2, wj_reg d)
{
    if (width_log2 == 0) {
        x64_movzx8(m, d, d);
    } else if (width_log2 == 1) {
        x64_rr(m, X64_MOVZX16, d, d);
    }
}

X64_INLINE void masm_addr_check_align(struct wj_masm *m, struct wj_addr a, unsigned width_log2)
{
    int32_t mask = (1 << width_log2) - 1;
    if (mask == 0) {
        return;
    }
    // Memories lie at multiples of 16, so the whole address tells.
    wj_reg tested = X64_TMP;
    if ((a.offset & (uint64_t) mask) == 0 && a.index == WJ_REG_NONE) {
        tested = a.base;
    } else if ((a.offset & (uint64_t) mask) == 0 && a.base == MASM_MEMBASE) {
        tested = a.index;
    } else {
        // Low bits of the sum do not depend on high bits of the offset.
        int32_t low = (int32_t) (a.offset & (uint64_t) mask);
        x64_lea(m, 0, X64_TMP, x64_at_index(a.base, a.index, 0, low));
    }
    x64_rr_rm8(m, X64_TEST8_IMM, 0, tested);
    x64_imm8(m, mask);
    x64_trap_cc(m, CC_NE, WJ_TRAP_UNALIGNED_ATOMIC);
}

X64_INLINE void masm_atomic_load(struct wj_masm *m, enum wj_load_op op, wj_reg d, struct wj_addr a)
{
    masm_load(m, op, d, a);
}

X64_INLINE unsigned x64_store_width_log2(enum wj_store_op op)
{
    switch (op) {
    case STORE_I32_8:
    case STORE_I64_8: return 0;
    case STORE_I32_16:
    case STORE_I64_16: return 1;
    case STORE_I32:
    case STORE_I64_32:
    case STORE_F32: return 2;
    case STORE_I64:
    case STORE_F64: return 3;
    case STORE_V128: break; // no atomic operation
    }
    return 4;
}

X64_INLINE void masm_atomic_store(struct wj_masm *m, enum wj_store_op op, wj_reg s,
                                  struct wj_addr a)
{
    struct x64_mem mem = x64_addr(m, a);
    x64_mov(m, X64_W, X64_TMP2, s);
    x64_rm_sized(m, X64_XCHG, x64_store_width_log2(op), X64_TMP2, mem);
}

// mov eax, [mem]; loop: mov ecx, eax; op ecx, s; lock cmpxchg [mem], ecx; jne loop
X64_INLINE void x64_rmw_loop(struct wj_masm *m, enum x64_alu op, unsigned width_log2, wj_reg s,
                             struct x64_mem mem)
{
    static const uint8_t loads[] = {LOAD_I32_8_U, LOAD_I32_16_U, LOAD_I32, LOAD_I64};
    x64_load_op(m, (enum wj_load_op) loads[width_log2], RAX, mem);
    const uint8_t *loop = m->buf.cursor;
    x64_mov(m, X64_W, RCX, RAX);
    x64_alu(m, op, X64_W, RCX, s);
    *m->buf.cursor++ = X64_LOCK;
    x64_rm_sized(m, X64_CMPXCHG, width_log2, RCX, mem);
    x64_jcc_back(m, CC_NE, loop);
}

// d is rax.
X64_INLINE void masm_atomic_rmw(struct wj_masm *m, enum wj_rmw op, enum wj_num num,
                                unsigned width_log2, wj_reg d, wj_reg s, struct wj_addr a)
{
    (void) num;
    struct x64_mem mem = x64_addr(m, a);
    switch (op) {
    case RMW_ADD:
    case RMW_SUB:
        x64_mov(m, X64_W, d, s);
        if (op == RMW_SUB) {
            x64_r(m, X64_NEG, X64_W, d);
        }
        *m->buf.cursor++ = X64_LOCK;
        x64_rm_sized(m, X64_XADD, width_log2, d, mem);
        break;
    case RMW_XCHG:
        x64_mov(m, X64_W, d, s);
        x64_rm_sized(m, X64_XCHG, width_log2, d, mem);
        break;
    case RMW_AND: x64_rmw_loop(m, ALU_AND, width_log2, s, mem); break;
    case RMW_OR: x64_rmw_loop(m, ALU_OR, width_log2, s, mem); break;
    case RMW_XOR: x64_rmw_loop(m, ALU_XOR, width_log2, s, mem); break;
    case RMW_CMPXCHG: break; // masm_atomic_cmpxchg
    }
    x64_zero_extend(m, width_log2, d);
}

// d is rax. The expected value counts only as far as the access is wide.
X64_INLINE void masm_atomic_cmpxchg(struct wj_masm *m, enum wj_num num, unsigned width_log2,
                                    wj_reg d, wj_reg expected, wj_reg replacement, struct wj_addr a)
{
    struct x64_mem mem = x64_addr(m, a);
    masm_mov(m, width_log2 == 2 ? NUM_I32 : num, d, expected);
    *m->buf.cursor++ = X64_LOCK;
    x64_rm_sized(m, X64_CMPXCHG, width_log2, replacement, mem);
    if (width_log2 == 2) {
        x64_mov(m, 0, d, d);
    }
    x64_zero_extend(m, width_log2, d);
}

X64_INLINE void masm_fence(struct wj_masm *m)
{
    x64_bytes(m, X64_MFENCE, 3);
}

#endif
