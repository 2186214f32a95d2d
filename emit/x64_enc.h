// The x86-64 encoder: instruction forms over the opcode words of emit/x64_rows.h, written with as
// few stores as the form allows. Knows bytes and nothing else; emit/x64_masm*.h knows lowering.
#ifndef EMIT_X64_ENC_H
#define EMIT_X64_ENC_H

#include <string.h>

#include "emit/masm.h"
#include "emit/x64_rows.h"

// clang-format off
enum {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15,
    XMM0 = 32, XMM1, XMM2, XMM3, XMM4, XMM5, XMM6, XMM7, XMM8, XMM9, XMM10, XMM11, XMM12, XMM13,
    XMM14, XMM15,
    XMM30 = 62, XMM31, // of AVX-512, for EVEX forms alone
};
// clang-format on

// [base + (index << scale) + disp], or a constant behind the code (base X64_CONST, its index in
// disp).
struct x64_mem {
    wj_reg base;
    wj_reg index;
    uint8_t scale;
    int32_t disp;
};
#define X64_CONST 0xfeu

// What masm_finish completes: wj_codebuf_fixup.kind.
enum x64_fixup {
    X64_FIXUP_TRAP,        // rel32 at position; value: trap kind
    X64_FIXUP_CONST,       // rel32 at position; value: constant; next: bytes behind the field
    X64_FIXUP_TABLE,       // rel32 at position of a jump table; value: count of the entries ...
    X64_FIXUP_TABLE_ENTRY, // ... that follow; value: label
};

#define X64_INLINE static inline __attribute__((unused))
#define X64_ALWAYS static inline __attribute__((always_inline, unused))
#define X64_NOINLINE static __attribute__((noinline, unused))

X64_INLINE struct x64_mem x64_at(wj_reg base, int32_t disp)
{
    return (struct x64_mem){base, WJ_REG_NONE, 0, disp};
}

X64_INLINE struct x64_mem x64_at_index(wj_reg base, wj_reg index, unsigned scale, int32_t disp)
{
    return (struct x64_mem){base, index, (uint8_t) scale, disp};
}

X64_INLINE struct x64_mem x64_slot(struct wj_slot slot)
{
    return x64_at(slot.base, slot.disp);
}

X64_INLINE void x64_bytes(struct wj_masm *m, uint64_t bytes, unsigned count)
{
    memcpy(m->buf.cursor, &bytes, sizeof bytes);
    m->buf.cursor += count;
}

X64_INLINE void x64_imm8(struct wj_masm *m, int64_t imm)
{
    *m->buf.cursor++ = (uint8_t) imm;
}

X64_INLINE void x64_imm32(struct wj_masm *m, int64_t imm)
{
    uint32_t bits = (uint32_t) imm;
    memcpy(m->buf.cursor, &bits, sizeof bits);
    m->buf.cursor += 4;
}

X64_INLINE bool x64_fits8(int64_t imm)
{
    return imm == (int8_t) imm;
}

X64_INLINE bool x64_fits32(int64_t imm)
{
    return imm == (int32_t) imm;
}

// Prefixes, escapes and opcode of a legacy form; rex holds the W, R, X and B bits, and bit 6 when
// the prefix is needed without any of them.
X64_INLINE unsigned x64_legacy_head(uint32_t op, unsigned rex, uint64_t *bytes)
{
    static const uint8_t prefixes[] = {0, 0x66, 0xf3, 0xf2};
    uint64_t word = 0;
    unsigned count = 0;
    unsigned prefix = op >> 10 & 3;
    unsigned map = op >> 8 & 3;
    if (prefix != 0) {
        word = prefixes[prefix];
        count = 1;
    }
    if (rex != 0) {
        word |= (uint64_t) (0x40 | rex) << 8 * count++;
    }
    if (map != 0) {
        word |= (uint64_t) 0x0f << 8 * count++;
        if (map != 1) {
            word |= (uint64_t) (map == 2 ? 0x38 : 0x3a) << 8 * count++;
        }
    }
    word |= (uint64_t) (op & 0xff) << 8 * count++;
    *bytes = word;
    return count;
}

X64_INLINE void x64_rr_rex(struct wj_masm *m, uint32_t op, unsigned reg, unsigned rm,
                           unsigned force)
{
    uint64_t bytes;
    unsigned rex = force | (op >> 12 & 1) << 3 | (reg >> 3 & 1) << 2 | (rm >> 3 & 1);
    unsigned count = x64_legacy_head(op, rex, &bytes);
    bytes |= (uint64_t) (0xc0 | (reg & 7) << 3 | (rm & 7)) << 8 * count;
    x64_bytes(m, bytes, count + 1);
}

// Forms without prefix and escape, which are most, are written in one store and without branches:
// whether there is a REX prefix, and how long a displacement is, no processor can predict.

// Writes `bytes`, of which `count` count, behind a REX prefix if one of the bits of `rex` asks for
// it.
X64_INLINE void x64_write(struct wj_masm *m, unsigned rex, uint64_t bytes, unsigned count)
{
    unsigned has_rex = rex != 0;
    bytes = bytes << 8 * has_rex | ((0x40 | rex) & (0u - has_rex));
    x64_bytes(m, bytes, count + has_rex);
}

X64_NOINLINE void x64_rr_plain_imm(struct wj_masm *m, uint32_t op, unsigned reg, unsigned rm,
                                   uint64_t imm, unsigned imm_bytes)
{
    unsigned rex = (op >> 9 & 8) | (reg >> 1 & 4) | (rm >> 3 & 1);
    x64_write(m, rex, imm << 16 | (0xc0 | (reg & 7) << 3 | (rm & 7)) << 8 | (op & 0xff),
              2 + imm_bytes);
}

X64_NOINLINE void x64_rr_plain(struct wj_masm *m, uint32_t op, unsigned reg, unsigned rm)
{
    unsigned rex = (op >> 9 & 8) | (reg >> 1 & 4) | (rm >> 3 & 1);
    x64_write(m, rex, (0xc0 | (reg & 7) << 3 | (rm & 7)) << 8 | (op & 0xff), 2);
}

// reg is the ModRM.reg operand or an opcode extension, rm the ModRM.rm operand. Inlined always:
// most callers know the form.
X64_ALWAYS void x64_rr(struct wj_masm *m, uint32_t op, unsigned reg, unsigned rm)
{
    if ((op & 0xf00) == 0) {
        x64_rr_plain(m, op, reg, rm);
    } else {
        x64_rr_rex(m, op, reg, rm, 0);
    }
}

// A row whose ModRM.reg is an extension of the opcode; w is 0 or X64_W.
X64_ALWAYS void x64_r(struct wj_masm *m, uint32_t op, uint32_t w, unsigned rm)
{
    x64_rr(m, (op & 0xffff) | w, op >> 16 & 7, rm);
}

// spl, bpl, sil and dil need a REX prefix.
X64_INLINE unsigned x64_rex8(unsigned reg)
{
    return (reg & 0x3c) == 4 ? 0x40 : 0;
}

// The operand in rm is an 8-bit register.
X64_INLINE void x64_rr_rm8(struct wj_masm *m, uint32_t op, unsigned reg, unsigned rm)
{
    x64_rr_rex(m, op, reg, rm, x64_rex8(rm));
}

// ModRM, SIB and displacement. imm_bytes is the count of bytes that follow in the instruction.
X64_INLINE void x64_modrm_mem(struct wj_masm *m, unsigned reg, struct x64_mem a, unsigned imm_bytes)
{
    unsigned reg_field = (reg & 7) << 3;
    if (a.base == X64_CONST) {
        *m->buf.cursor++ = (uint8_t) (reg_field | 5);
        struct wj_codebuf_fixup fixup = {wj_codebuf_offset(&m->buf), imm_bytes, (uint32_t) a.disp,
                                         X64_FIXUP_CONST, 0};
        wj_codebuf_fixup(&m->buf, fixup);
        x64_imm32(m, 0);
        return;
    }
    unsigned base = a.base & 7;
    bool has_sib = a.index != WJ_REG_NONE || base == 4;
    unsigned mod = a.disp == 0 && base != 5 ? 0 : x64_fits8(a.disp) ? 1 : 2;
    uint64_t bytes = mod << 6 | reg_field | (has_sib ? 4 : base);
    unsigned count = 1;
    if (has_sib) {
        unsigned index = a.index == WJ_REG_NONE ? 4 : a.index & 7;
        bytes |= (uint64_t) ((unsigned) a.scale << 6 | index << 3 | base) << 8;
        count = 2;
    }
    bytes |= (uint64_t) (uint32_t) a.disp << 8 * count;
    x64_bytes(m, bytes, count + (mod == 2 ? 4 : mod));
}

// The X and B bits of a memory operand: 2 and 1.
X64_INLINE unsigned x64_mem_xb(struct x64_mem a)
{
    if (a.base == X64_CONST) {
        return 0;
    }
    return (a.index == WJ_REG_NONE ? 0 : (a.index >> 3 & 1) << 1) | (a.base >> 3 & 1);
}

// The mod field for a displacement: 0, 1 or 2, for none, one byte and four.
X64_INLINE unsigned x64_disp_mod(int32_t disp, bool needs_disp)
{
    return (unsigned) ((disp != 0) | needs_disp) + (unsigned) !x64_fits8(disp);
}

X64_INLINE unsigned x64_disp_bytes(unsigned mod)
{
    return mod + (mod & 2);
}

// Memory operands in forms without prefix and escape: at most eight bytes. Functions of their own:
// inlined, they would make every operation large.
X64_NOINLINE void x64_rm_index(struct wj_masm *m, uint32_t op, unsigned reg, struct x64_mem a)
{
    unsigned base = a.base & 7;
    unsigned rex = (op >> 9 & 8) | (reg >> 1 & 4) | (a.index >> 2 & 2) | a.base >> 3;
    unsigned mod = x64_disp_mod(a.disp, base == 5);
    unsigned sib = (unsigned) a.scale << 6 | (unsigned) (a.index & 7) << 3 | base;
    x64_write(m, rex,
              (uint64_t) (uint32_t) a.disp << 24 | sib << 16 |
                  (mod << 6 | (reg & 7) << 3 | 4) << 8 | (op & 0xff),
              3 + x64_disp_bytes(mod));
}

X64_NOINLINE void x64_rm_base(struct wj_masm *m, uint32_t op, unsigned reg, wj_reg base_reg,
                              int32_t disp)
{
    unsigned base = base_reg & 7;
    if (base == 4) { // which means a SIB byte: here one that says "no index"
        x64_rm_index(m, op, reg, x64_at_index(base_reg, RSP, 0, disp));
        return;
    }
    unsigned rex = (op >> 9 & 8) | (reg >> 1 & 4) | base_reg >> 3;
    unsigned mod = x64_disp_mod(disp, base == 5);
    x64_write(m, rex,
              (uint64_t) (uint32_t) disp << 16 | (mod << 6 | (reg & 7) << 3 | base) << 8 |
                  (op & 0xff),
              2 + x64_disp_bytes(mod));
}

// [r15 + index + disp], which is linear memory: r15 always takes a REX prefix, and never means
// anything else than itself as a base.
X64_NOINLINE void x64_rm_r15(struct wj_masm *m, uint32_t op, unsigned reg, wj_reg index,
                             int32_t disp)
{
    unsigned rex = 0x41 | (op >> 9 & 8) | (reg >> 1 & 4) | (index >> 2 & 2);
    unsigned mod = x64_disp_mod(disp, false);
    uint32_t head = (uint32_t) ((index & 7) << 3 | 7) << 24 |
                    (mod << 6 | (reg & 7) << 3 | 4) << 16 | (op & 0xff) << 8 | rex;
    x64_bytes(m, (uint64_t) (uint32_t) disp << 32 | head, 4 + x64_disp_bytes(mod));
}

// What a slot of the frame takes before its displacement, but for the opcode: REX if there is one,
// ModRM for a displacement of a byte, SIB. The opcode and what is behind it are moved by `factor`.
struct x64_sp_head {
    uint32_t bytes;
    uint16_t factor; // 256 behind a REX prefix
    uint8_t count;
};
#define X64_SP_HEAD(reg)                  \
    {                                     \
        ((reg) &7) << 11 | 0x244400, 1, 3 \
    }
#define X64_SP_REX(w, reg)                                                          \
    {                                                                               \
        ((reg) &7) << 19 | 0x24440000 | 0x40 | (w) << 3 | ((reg) >> 3) << 2, 256, 4 \
    }
static const struct x64_sp_head X64_SP_HEADS[2][16] = {
    {X64_SP_HEAD(0), X64_SP_HEAD(1), X64_SP_HEAD(2), X64_SP_HEAD(3), X64_SP_HEAD(4), X64_SP_HEAD(5),
     X64_SP_HEAD(6), X64_SP_HEAD(7), X64_SP_REX(0, 8), X64_SP_REX(0, 9), X64_SP_REX(0, 10),
     X64_SP_REX(0, 11), X64_SP_REX(0, 12), X64_SP_REX(0, 13), X64_SP_REX(0, 14), X64_SP_REX(0, 15)},
    {X64_SP_REX(1, 0), X64_SP_REX(1, 1), X64_SP_REX(1, 2), X64_SP_REX(1, 3), X64_SP_REX(1, 4),
     X64_SP_REX(1, 5), X64_SP_REX(1, 6), X64_SP_REX(1, 7), X64_SP_REX(1, 8), X64_SP_REX(1, 9),
     X64_SP_REX(1, 10), X64_SP_REX(1, 11), X64_SP_REX(1, 12), X64_SP_REX(1, 13), X64_SP_REX(1, 14),
     X64_SP_REX(1, 15)},
};
#undef X64_SP_HEAD
#undef X64_SP_REX

// Slots of the frame. A displacement of none takes a byte, too: slots at SP itself are rare.
X64_NOINLINE void x64_rm_sp(struct wj_masm *m, uint32_t op, unsigned reg, int32_t disp)
{
    const struct x64_sp_head *head = &X64_SP_HEADS[op >> 12 & 1][reg];
    uint64_t is_long = !x64_fits8(disp);
    uint64_t tail = (uint64_t) (uint32_t) disp << 24 | is_long << 14 | (op & 0xff);
    // mod is 1 in the head: one more makes it 2, four bytes.
    x64_bytes(m, head->bytes + tail * head->factor, head->count + 1u + 3u * (unsigned) is_long);
}

X64_INLINE void x64_rm_rex(struct wj_masm *m, uint32_t op, unsigned reg, struct x64_mem a,
                           unsigned imm_bytes, unsigned force)
{
    uint64_t bytes;
    unsigned rex = force | (op >> 12 & 1) << 3 | (reg >> 3 & 1) << 2 | x64_mem_xb(a);
    unsigned count = x64_legacy_head(op, rex, &bytes);
    x64_bytes(m, bytes, count);
    x64_modrm_mem(m, reg, a, imm_bytes);
}

X64_ALWAYS void x64_rm_plain(struct wj_masm *m, uint32_t op, unsigned reg, struct x64_mem a)
{
    if (a.base == RSP && a.index == WJ_REG_NONE) {
        x64_rm_sp(m, op, reg, a.disp);
    } else if (a.index == WJ_REG_NONE) {
        x64_rm_base(m, op, reg, a.base, a.disp);
    } else if (a.base == R15 && a.scale == 0) {
        x64_rm_r15(m, op, reg, a.index, a.disp);
    } else {
        x64_rm_index(m, op, reg, a);
    }
}

// Forms of the second map without prefix: movzx and movsx from memory. What REX says goes before
// the escape byte, so the rest is a plain form of the low registers.
X64_NOINLINE void x64_rm_0f(struct wj_masm *m, uint32_t op, unsigned reg, struct x64_mem a)
{
    unsigned rex = (op >> 9 & 8) | (reg >> 1 & 4) | x64_mem_xb(a);
    if (rex != 0) {
        x64_bytes(m, 0x0f40 | rex, 2);
    } else {
        x64_bytes(m, 0x0f, 1);
    }
    a.base &= 7;
    a.index = a.index == WJ_REG_NONE ? WJ_REG_NONE : a.index & 7;
    x64_rm_plain(m, op & 0xff, reg & 7, a);
}

// Inlined always: most callers know the form.
X64_ALWAYS void x64_rm(struct wj_masm *m, uint32_t op, unsigned reg, struct x64_mem a)
{
    if ((op & 0xf00) == 0 && a.base != X64_CONST) {
        x64_rm_plain(m, op, reg, a);
    } else if ((op & 0xf00) == X64_0F && a.base != X64_CONST) {
        x64_rm_0f(m, op, reg, a);
    } else {
        x64_rm_rex(m, op, reg, a, 0, 0);
    }
}

X64_ALWAYS void x64_m(struct wj_masm *m, uint32_t op, struct x64_mem a)
{
    x64_rm(m, op & 0xffff, op >> 16 & 7, a);
}

// An immediate of imm_bytes follows. No constant is such an operand.
X64_ALWAYS void x64_rm_imm(struct wj_masm *m, uint32_t op, unsigned reg, struct x64_mem a,
                           uint64_t imm, unsigned imm_bytes)
{
    x64_rm(m, op, reg, a);
    x64_bytes(m, imm, imm_bytes);
}

X64_ALWAYS void x64_m_imm(struct wj_masm *m, uint32_t op, struct x64_mem a, uint64_t imm,
                          unsigned imm_bytes)
{
    x64_rm_imm(m, op & 0xffff, op >> 16 & 7, a, imm, imm_bytes);
}

// ---- VEX forms: d in ModRM.reg, v in VEX.vvvv, rm in ModRM.rm ---------------------------------

X64_INLINE void x64_vex_head(struct wj_masm *m, uint32_t op, unsigned d, unsigned v, unsigned xb)
{
    unsigned last = (~v & 15) << 3 | (op >> 13 & 1) << 2 | (op >> 10 & 3);
    unsigned not_r = ~d << 4 & 0x80;
    unsigned map = op >> 8 & 3;
    uint32_t opcode = op & 0xff;
    if (map == 1 && xb == 0 && (op & X64_W) == 0) {
        x64_bytes(m, 0xc5u | (not_r | last) << 8 | opcode << 16, 3);
    } else {
        unsigned first = not_r | (~xb & 3) << 5 | map;
        last |= (op >> 12 & 1) << 7;
        x64_bytes(m, 0xc4u | first << 8 | last << 16 | opcode << 24, 4);
    }
}

X64_INLINE void x64_vrr(struct wj_masm *m, uint32_t op, unsigned d, unsigned v, unsigned rm)
{
    x64_vex_head(m, op, d, v, rm >> 3 & 1);
    *m->buf.cursor++ = (uint8_t) (0xc0 | (d & 7) << 3 | (rm & 7));
}

X64_INLINE void x64_vrm(struct wj_masm *m, uint32_t op, unsigned d, unsigned v, struct x64_mem a)
{
    x64_vex_head(m, op, d, v, x64_mem_xb(a));
    x64_modrm_mem(m, d, a, 0);
}

X64_INLINE void x64_vrr_imm(struct wj_masm *m, uint32_t op, unsigned d, unsigned v, unsigned rm,
                            unsigned imm)
{
    x64_vrr(m, op, d, v, rm);
    x64_imm8(m, imm);
}

// A row whose ModRM.reg is an extension of the opcode: d in VEX.vvvv.
X64_INLINE void x64_vr_imm(struct wj_masm *m, uint32_t op, unsigned d, unsigned rm, unsigned imm)
{
    x64_vrr_imm(m, op & 0xffff, op >> 16 & 7, d, rm, imm);
}

X64_INLINE void x64_vrm_imm(struct wj_masm *m, uint32_t op, unsigned d, unsigned v,
                            struct x64_mem a, unsigned imm)
{
    x64_vex_head(m, op, d, v, x64_mem_xb(a));
    x64_modrm_mem(m, d, a, 1);
    x64_imm8(m, imm);
}

// An EVEX form of 128 bits or a scalar, without a mask, of any of the 32 registers of AVX-512.
X64_INLINE void x64_evex_rr(struct wj_masm *m, uint32_t op, unsigned d, unsigned v, unsigned rm)
{
    uint32_t first = (~d & 8) << 4 | (~rm & 0x18) << 2 | (~d & 0x10) | (op >> 8 & 3);
    uint32_t second = (op >> 5 & 0x80) | (~v & 15) << 3 | 4 | (op >> 10 & 3);
    uint32_t third = (~v & 0x10) >> 1;
    x64_bytes(m, 0x62 | first << 8 | second << 16 | third << 24, 4);
    x64_bytes(m, (op & 0xff) | (0xc0 | (d & 7) << 3 | (rm & 7)) << 8, 2);
}

// A 16-byte constant behind the code, as a memory operand.
X64_INLINE struct x64_mem x64_const16(struct wj_masm *m, const uint8_t bytes[16])
{
    return x64_at(X64_CONST, (int32_t) wj_codebuf_constant(&m->buf, bytes));
}

X64_INLINE struct x64_mem x64_const64(struct wj_masm *m, uint64_t low, uint64_t high)
{
    uint8_t bytes[16];
    memcpy(bytes, &low, 8);
    memcpy(bytes + 8, &high, 8);
    return x64_const16(m, bytes);
}

// Every 32-bit lane the same.
X64_INLINE struct x64_mem x64_const32(struct wj_masm *m, uint32_t lane)
{
    uint64_t half = (uint64_t) lane << 32 | lane;
    return x64_const64(m, half, half);
}

// ---- General instructions that verbs share ----------------------------------------------------

// w is X64_W for 64-bit operands, else 0.
X64_INLINE uint32_t x64_w(enum wj_num num)
{
    return num == NUM_I64 ? X64_W : 0;
}

X64_INLINE void x64_mov(struct wj_masm *m, uint32_t w, wj_reg d, wj_reg s)
{
    x64_rr(m, X64_MOV | w, d, s);
}

X64_INLINE void x64_alu(struct wj_masm *m, enum x64_alu op, uint32_t w, wj_reg d, wj_reg s)
{
    x64_rr_plain(m, (uint32_t) op << 3 | X64_ALU | w, d, s);
}

X64_INLINE void x64_alu_mem(struct wj_masm *m, enum x64_alu op, uint32_t w, wj_reg d,
                            struct x64_mem a)
{
    x64_rm(m, ((uint32_t) op & 7) << 3 | X64_ALU | w, d, a);
}

X64_INLINE void x64_alu_imm(struct wj_masm *m, enum x64_alu op, uint32_t w, wj_reg d, int32_t imm)
{
    unsigned is_short = x64_fits8(imm);
    x64_rr_plain_imm(m, X64_ALU_IMM32 | is_short << 1 | w, op, d, (uint32_t) imm, 4 - 3 * is_short);
}

X64_INLINE void x64_shift_imm(struct wj_masm *m, enum x64_shift op, uint32_t w, wj_reg d,
                              unsigned count)
{
    if (count == 1) {
        x64_rr_plain(m, X64_SHIFT_ONE | w, op, d);
    } else {
        x64_rr_plain_imm(m, X64_SHIFT_IMM | w, op, d, count, 1);
    }
}

X64_INLINE void x64_test(struct wj_masm *m, uint32_t w, wj_reg a, wj_reg b)
{
    x64_rr(m, X64_TEST | w, b, a);
}

// The zero flag answers for d until the next instruction or label.
X64_INLINE void x64_note_zero_flag(struct wj_masm *m, uint32_t w, wj_reg d)
{
    m->zero_flag_at = m->buf.cursor;
    m->zero_flag_reg = d;
    m->zero_flag_is_64 = w != 0;
}

// Sets the zero flag for a, unless the instruction before did.
X64_INLINE void x64_test_zero(struct wj_masm *m, uint32_t w, wj_reg a)
{
    if (m->zero_flag_at != m->buf.cursor || m->zero_flag_reg != a ||
        m->zero_flag_is_64 != (w != 0)) {
        x64_test(m, w, a, a);
    }
}

X64_INLINE void x64_lea(struct wj_masm *m, uint32_t w, wj_reg d, struct x64_mem a)
{
    x64_rm(m, X64_LEA | w, d, a);
}

// The shortest form that leaves the flags alone.
X64_INLINE void x64_mov_imm(struct wj_masm *m, wj_reg d, uint64_t bits)
{
    if (bits <= UINT32_MAX) {
        x64_write(m, d >> 3, (uint64_t) (X64_MOV_IMM | (d & 7)) | bits << 8, 5);
    } else if (x64_fits32((int64_t) bits)) {
        x64_r(m, X64_MOV_SIGNED, 0, d);
        x64_imm32(m, (int64_t) bits);
    } else {
        x64_bytes(m, 0x48u | d >> 3 | (uint64_t) (X64_MOV_IMM64 | (d & 7)) << 8, 2);
        x64_bytes(m, bits, 8);
    }
}

X64_INLINE void x64_cmov(struct wj_masm *m, enum x64_cc cc, uint32_t w, wj_reg d, wj_reg s)
{
    x64_rr(m, X64_CMOV | cc | w, d, s);
}

X64_INLINE void x64_setcc(struct wj_masm *m, enum x64_cc cc, wj_reg d)
{
    x64_rr_rm8(m, X64_SET | cc, 0, d);
}

X64_INLINE void x64_movzx8(struct wj_masm *m, wj_reg d, wj_reg s)
{
    x64_rr_rm8(m, X64_MOVZX8, d, s);
}

// A short forward branch inside one verb: x64_here binds what x64_jcc_short returned.
X64_INLINE uint8_t *x64_jcc_short(struct wj_masm *m, enum x64_cc cc)
{
    x64_bytes(m, X64_JCC8 | cc, 2);
    return m->buf.cursor;
}

X64_INLINE uint8_t *x64_jmp_short(struct wj_masm *m)
{
    x64_bytes(m, X64_JMP8, 2);
    return m->buf.cursor;
}

X64_INLINE void x64_here(struct wj_masm *m, uint8_t *branch_end)
{
    branch_end[-1] = (uint8_t) (m->buf.cursor - branch_end);
}

// A backward branch inside one verb.
X64_INLINE void x64_jcc_back(struct wj_masm *m, enum x64_cc cc, const uint8_t *target)
{
    int64_t distance = target - (m->buf.cursor + 2);
    x64_bytes(m, (uint64_t) (X64_JCC8 | cc) | (uint64_t) (uint8_t) distance << 8, 2);
}

#endif
