// What all AArch64 verbs stand on: registers, fix-ups and islands, labels and branches, constants
// and moves.
#ifndef EMIT_A64_MASM_CORE_H
#define EMIT_A64_MASM_CORE_H

#include <string.h>

#include "emit/a64_enc.h"
#include "emit/masm.h"

#define MASM_TARGET_NAME "aarch64"

// x16, x17, v30 and v31 are temporaries of the verbs; so is x30 inside a body, whose frame keeps
// the return address. x18 belongs to the platform, x29 to the host's frame chain: never touched.
enum {
    MASM_SP = 31,
    MASM_INST = 28,
    MASM_MEMBASE = 27,
    MASM_GPR_RESULT = 8,
    MASM_VEC_RESULT = WJ_VREG(16),
    MASM_GPR_TARGET = 9,
    MASM_CALL_PUSH_BYTES = 0,
    MASM_JUMP_BYTES = 24,
    MASM_HAS_MEM_OPERANDS = 0,
    MASM_DIV_FIXED = 0,
    MASM_DIV_LOW = WJ_REG_NONE,
    MASM_DIV_HIGH = WJ_REG_NONE,
    MASM_CMPXCHG_FIXED = 0,
    MASM_CMPXCHG_REG = WJ_REG_NONE,
    MASM_GPR_CALLEE_COUNT = 8,
    MASM_GPR_CALLER_COUNT = 8,
    MASM_GPR_SCRATCH_COUNT = 8,
    MASM_VEC_CALLEE_COUNT = 8,
    MASM_VEC_CALLER_COUNT = 8,
    MASM_VEC_SCRATCH_COUNT = 14,
    MASM_GPR_ARGS_COUNT = 8,
    MASM_VEC_ARGS_COUNT = 8,
    MASM_C_ARGS_COUNT = 8,

    A64_TMP = 16,
    A64_TMP2 = 17,
    A64_LINK = 30,
    A64_VTMP = WJ_VREG(30),
    A64_VTMP2 = WJ_VREG(31),
};

#define A64_REGS(name) static const wj_reg name[] __attribute__((unused))
A64_REGS(MASM_GPR_CALLEE) = {19, 20, 21, 22, 23, 24, 25, 26};
A64_REGS(MASM_GPR_CALLER) = {0, 1, 2, 3, 4, 5, 6, 7};
A64_REGS(MASM_GPR_SCRATCH) = {8, 9, 10, 11, 12, 13, 14, 15};
A64_REGS(MASM_VEC_CALLEE) = {32 + 8, 32 + 9, 32 + 10, 32 + 11, 32 + 12, 32 + 13, 32 + 14, 32 + 15};
A64_REGS(MASM_VEC_CALLER) = {32, 33, 34, 35, 36, 37, 38, 39};
A64_REGS(MASM_VEC_SCRATCH) = {32 + 16, 32 + 17, 32 + 18, 32 + 19, 32 + 20, 32 + 21, 32 + 22,
                              32 + 23, 32 + 24, 32 + 25, 32 + 26, 32 + 27, 32 + 28, 32 + 29};
A64_REGS(MASM_GPR_ARGS) = {0, 1, 2, 3, 4, 5, 6, 7};
A64_REGS(MASM_VEC_ARGS) = {32, 33, 34, 35, 36, 37, 38, 39};
A64_REGS(MASM_C_ARGS) = {0, 1, 2, 3, 4, 5, 6, 7};
#undef A64_REGS

static inline void a64_put(struct wj_masm *m, uint32_t word)
{
    memcpy(m->buf.cursor, &word, 4); // every host is little-endian, as the target is
    m->buf.cursor += 4;
}

static inline uint32_t a64_get_at(const struct wj_codebuf *buf, uint32_t position)
{
    uint32_t word;
    memcpy(&word, buf->start + position, 4);
    return word;
}

static inline void a64_set_at(struct wj_codebuf *buf, uint32_t position, uint32_t word)
{
    memcpy(buf->start + position, &word, 4);
}

// ---- Fix-ups and islands ------------------------------------------------------------------------
// Conditional branches and literal loads reach 1 MiB. What is pending, wherever it leads, is
// completed by an island before the oldest could be out of reach: traps, veneers for labels that
// are still unbound, and constants. masm_finish emits the last island.

enum a64_fixup_kind {
    A64_FIX_DONE,
    A64_FIX_STATE,    // entry 0: `position` of the oldest pending entry, its index in `value`
    A64_FIX_BRANCH26, // b to label `value`
    A64_FIX_BRANCH19, // b.cond, cbz to label `value`
    A64_FIX_TRAP,     // b.cond, cbz to a trap of kind `value`
    A64_FIX_CONSTANT, // ldr of constant `value`
};

enum {
    A64_REACH = 1 << 20,
    A64_REACH_MARGIN = 4 * WJ_CODEBUF_SLACK,
    A64_ISLAND_ENTRY_BYTES = 16, // the most that one fix-up can add to an island
};

// Completes a branch or literal load.
static inline void a64_patch(struct wj_codebuf *buf, uint32_t position, uint32_t target)
{
    int64_t delta = (int64_t) target - (int64_t) position;
    uint32_t word = a64_get_at(buf, position);
    bool is_wide = (word & 0x7c000000u) == A64_B;
    if (is_wide ? !a64_fits26(delta) : !a64_fits19(delta)) {
        buf->overflow = true;
        return;
    }
    a64_set_at(buf, position,
               is_wide ? (word & 0xfc000000u) | a64_imm26(delta)
                       : (word & ~(0x7ffffu << 5)) | a64_imm19(delta));
}

static inline void a64_align(struct wj_masm *m, unsigned bytes)
{
    while (((m->buf.address + wj_codebuf_offset(&m->buf)) & (bytes - 1)) != 0) {
        a64_put(m, A64_NOP);
    }
}

static inline void a64_record_trap(struct wj_masm *m, uint32_t wasm_offset, enum wj_trap_kind kind)
{
    struct wj_trap_site site = {wj_codebuf_offset(&m->buf), wasm_offset, kind};
    wj_codebuf_trap(&m->buf, site);
    a64_put(m, A64_UDF | (uint32_t) kind);
}

static inline void a64_island_branches(struct wj_masm *m, uint32_t first)
{
    struct wj_codebuf *buf = &m->buf;
    uint32_t trap_position = 0;
    const struct wj_codebuf_fixup *trap = NULL;
    for (uint32_t i = first; i < buf->fixup_count; i++) {
        struct wj_codebuf_fixup *fixup = &buf->fixups[i];
        if (fixup->kind == A64_FIX_TRAP) {
            if (trap == NULL || trap->value != fixup->value ||
                trap->wasm_offset != fixup->wasm_offset) {
                trap = fixup;
                trap_position = wj_codebuf_offset(buf);
                a64_record_trap(m, fixup->wasm_offset, (enum wj_trap_kind) fixup->value);
            }
            a64_patch(buf, fixup->position, trap_position);
            fixup->kind = A64_FIX_DONE;
        } else if (fixup->kind == A64_FIX_BRANCH19) {
            uint32_t veneer = wj_codebuf_offset(buf);
            a64_put(m, A64_B);
            a64_patch(buf, fixup->position, veneer);
            fixup->position = veneer;
            fixup->kind = A64_FIX_BRANCH26;
        }
    }
}

static inline void a64_island_constants(struct wj_masm *m, uint32_t first)
{
    struct wj_codebuf *buf = &m->buf;
    if (buf->constant_count == 0) {
        return;
    }
    a64_align(m, 16);
    uint32_t base = wj_codebuf_offset(buf);
    memcpy(buf->cursor, buf->constants, buf->constant_count * sizeof buf->constants[0]);
    buf->cursor += buf->constant_count * sizeof buf->constants[0];
    for (uint32_t i = first; i < buf->fixup_count; i++) {
        struct wj_codebuf_fixup *fixup = &buf->fixups[i];
        if (fixup->kind == A64_FIX_CONSTANT) {
            a64_patch(buf, fixup->position, base + 16 * fixup->value);
            fixup->kind = A64_FIX_DONE;
        }
    }
    buf->constant_count = 0; // later loads make copies of their own
}

static inline bool a64_has_pending(const struct wj_codebuf *buf)
{
    for (uint32_t i = buf->fixups[0].value; i < buf->fixup_count; i++) {
        uint32_t kind = buf->fixups[i].kind;
        if (kind == A64_FIX_TRAP || kind == A64_FIX_BRANCH19 || kind == A64_FIX_CONSTANT) {
            return true;
        }
    }
    return false;
}

// Emits all that is pending; with `is_inside`, code before and after it runs past it.
static inline void a64_island(struct wj_masm *m, bool is_inside)
{
    struct wj_codebuf *buf = &m->buf;
    if (buf->fixup_count == 0 || buf->overflow) {
        return;
    }
    struct wj_codebuf_fixup *state = &buf->fixups[0];
    if (a64_has_pending(buf)) {
        uint64_t bytes = (uint64_t) (buf->fixup_count - state->value + 2) * A64_ISLAND_ENTRY_BYTES;
        if (buf->cursor >= buf->limit ||
            bytes > (uint64_t) (buf->limit - buf->cursor) + WJ_CODEBUF_SLACK / 2) {
            buf->overflow = true;
            return;
        }
        uint32_t skip = wj_codebuf_offset(buf);
        if (is_inside) {
            a64_put(m, A64_B);
        }
        a64_island_branches(m, state->value);
        a64_island_constants(m, state->value);
        if (is_inside) {
            a64_patch(buf, skip, wj_codebuf_offset(buf));
        }
    }
    state->value = buf->fixup_count;
}

// Whether `extra_bytes` of code from here could carry the oldest pending fix-up out of reach.
static inline bool a64_island_is_due(const struct wj_codebuf *buf, uint64_t extra_bytes)
{
    if (buf->fixup_count == 0) {
        return false;
    }
    const struct wj_codebuf_fixup *state = &buf->fixups[0];
    uint64_t reach = wj_codebuf_offset(buf) - state->position + extra_bytes +
                     (uint64_t) (buf->fixup_count - state->value) * A64_ISLAND_ENTRY_BYTES;
    return state->value != buf->fixup_count && reach > A64_REACH - A64_REACH_MARGIN;
}

// Asked by the compiler once per operation, like (and instead of) wj_codebuf_room.
static inline void masm_room(struct wj_masm *m)
{
    wj_codebuf_room(&m->buf);
    if (__builtin_expect(a64_island_is_due(&m->buf, 0), 0)) {
        a64_island(m, true);
    }
}

// Records a fix-up for the instruction that the caller puts next.
static inline uint32_t a64_fixup(struct wj_masm *m, enum a64_fixup_kind kind, uint32_t value,
                                 uint32_t next)
{
    struct wj_codebuf *buf = &m->buf;
    if (buf->fixup_count == 0) {
        wj_codebuf_fixup(buf, (struct wj_codebuf_fixup){0, WJ_FIXUP_NONE, 1, A64_FIX_STATE, 0});
    } else if (__builtin_expect(a64_island_is_due(buf, 0), 0)) {
        a64_island(m, true);
    }
    if (buf->fixup_count == 0) {
        return WJ_FIXUP_NONE; // out of memory
    }
    uint32_t position = wj_codebuf_offset(buf);
    if (buf->fixups[0].value == buf->fixup_count) {
        buf->fixups[0].position = position;
    }
    return wj_codebuf_fixup(buf,
                            (struct wj_codebuf_fixup){position, next, value, kind, m->wasm_offset});
}

static inline void a64_branch_later(struct wj_masm *m, enum a64_fixup_kind kind, uint32_t word,
                                    wj_label label)
{
    uint32_t fixup = a64_fixup(m, kind, label, m->buf.labels[label].fixups);
    m->buf.labels[label].fixups = fixup;
    a64_put(m, word);
}

// ---- Labels and branches ------------------------------------------------------------------------

static inline void masm_bind(struct wj_masm *m, wj_label label)
{
    struct wj_codebuf *buf = &m->buf;
    m->pair_at = NULL;
    uint32_t position = wj_codebuf_offset(buf);
    uint32_t next = buf->labels[label].fixups;
    buf->labels[label].position = position;
    buf->labels[label].fixups = WJ_FIXUP_NONE;
    while (next != WJ_FIXUP_NONE) {
        struct wj_codebuf_fixup *fixup = &buf->fixups[next];
        a64_patch(buf, fixup->position, position);
        fixup->kind = A64_FIX_DONE;
        next = fixup->next;
    }
}

static inline void masm_jmp(struct wj_masm *m, wj_label label)
{
    uint32_t position = m->buf.labels[label].position;
    if (position == WJ_LABEL_UNBOUND) {
        a64_branch_later(m, A64_FIX_BRANCH26, A64_B, label);
        return;
    }
    int64_t delta = (int64_t) position - (int64_t) wj_codebuf_offset(&m->buf);
    m->buf.overflow |= !a64_fits26(delta);
    a64_put(m, A64_B | a64_imm26(delta));
}

// `word` is a b.cond, cbz or cbnz; `inverse` the opposite one, for labels far behind.
static inline void a64_branch19(struct wj_masm *m, uint32_t word, uint32_t inverse, wj_label label)
{
    uint32_t position = m->buf.labels[label].position;
    if (position == WJ_LABEL_UNBOUND) {
        a64_branch_later(m, A64_FIX_BRANCH19, word, label);
        return;
    }
    int64_t delta = (int64_t) position - (int64_t) wj_codebuf_offset(&m->buf);
    if (a64_fits19(delta)) {
        a64_put(m, word | a64_imm19(delta));
        return;
    }
    a64_put(m, inverse | a64_imm19(8));
    masm_jmp(m, label);
}

static inline void masm_jcc(struct wj_masm *m, enum wj_cond cond, wj_label label)
{
    uint32_t code = a64_cond(cond);
    a64_branch19(m, A64_BCOND | code, A64_BCOND | (code ^ 1), label);
}

static inline void masm_cbz(struct wj_masm *m, enum wj_num num, bool if_zero, wj_reg a,
                            wj_label label)
{
    uint32_t fields = a64_sf(num) | a;
    uint32_t word = if_zero ? A64_CBZ : A64_CBNZ;
    uint32_t inverse = if_zero ? A64_CBNZ : A64_CBZ;
    a64_branch19(m, word | fields, inverse | fields, label);
}

//   adr x16, entries ; add x16, x16, index, lsl #3 ; br x16 ; entries: bti j ; b label ; ...
static inline void masm_jump_table(struct wj_masm *m, wj_reg index, const wj_label *labels,
                                   uint32_t count)
{
    struct wj_codebuf *buf = &m->buf;
    uint64_t bytes = (uint64_t) count * 8 + 16;
    if (a64_island_is_due(buf, bytes + (uint64_t) count * A64_ISLAND_ENTRY_BYTES)) {
        a64_island(m, true);
    }
    if (buf->cursor >= buf->limit || bytes > (uint64_t) (buf->limit - buf->cursor)) {
        buf->overflow = true;
        return;
    }
    a64_put(m, A64_ADR | a64_imm19(12) | A64_TMP);
    a64_put(m, A64_ADD_LSL | a64_sf(NUM_I64) | a64_rrr(A64_TMP, A64_TMP, index) | 3 << 10);
    a64_put(m, A64_BR | a64_rr(0, A64_TMP));
    for (uint32_t i = 0; i < count; i++) {
        a64_put(m, A64_BTI_J);
        masm_jmp(m, labels[i]);
    }
}

static inline void masm_trap(struct wj_masm *m, enum wj_trap_kind kind)
{
    a64_record_trap(m, m->wasm_offset, kind);
}

static inline void a64_trap_branch(struct wj_masm *m, uint32_t word, enum wj_trap_kind kind)
{
    a64_fixup(m, A64_FIX_TRAP, kind, WJ_FIXUP_NONE);
    a64_put(m, word);
}

static inline void masm_trap_if(struct wj_masm *m, enum wj_cond cond, enum wj_trap_kind kind)
{
    a64_trap_branch(m, A64_BCOND | a64_cond(cond), kind);
}

static inline void masm_align_loop(struct wj_masm *m)
{
    a64_align(m, 16);
}

static inline void masm_finish(struct wj_masm *m)
{
    a64_island(m, false);
}

// ---- Immediates ---------------------------------------------------------------------------------

// mov d, #value: one movz, movn or orr, and a movk for each further 16 bits.
static inline void masm_mov_imm(struct wj_masm *m, enum wj_num num, wj_reg d, uint64_t bits)
{
    unsigned halves = num == NUM_I32 ? 2 : 4;
    uint64_t value = num == NUM_I32 ? (uint32_t) bits : bits;
    unsigned zeros = 0;
    unsigned ones = 0;
    for (unsigned i = 0; i < halves; i++) {
        uint16_t half = (uint16_t) (value >> (16 * i));
        zeros += half == 0;
        ones += half == 0xffff;
    }
    uint32_t fields;
    if (zeros < halves - 1 && ones < halves - 1 && a64_logical_imm(num, value, &fields)) {
        a64_put(m, A64_ORR_IMM | a64_sf(num) | a64_rr(d, A64_ZR) | fields);
        return;
    }
    bool is_inverted = ones > zeros;
    uint16_t filler = is_inverted ? 0xffff : 0;
    bool is_first = true;
    for (unsigned i = 0; i < halves; i++) {
        uint16_t half = (uint16_t) (value >> (16 * i));
        if (half == filler && (i + 1 < halves || !is_first)) {
            continue;
        }
        uint32_t place = a64_sf(num) | (uint32_t) i << 21 | d;
        if (!is_first) {
            a64_put(m, A64_MOVK | place | (uint32_t) half << 5);
        } else if (is_inverted) {
            a64_put(m, A64_MOVN | place | (uint32_t) (uint16_t) ~half << 5);
        } else {
            a64_put(m, A64_MOVZ | place | (uint32_t) half << 5);
        }
        is_first = false;
    }
}

// d = n + imm in 64 bits; either may be SP. x17 is the temporary where n is x16, else x16.
static inline void a64_add_imm(struct wj_masm *m, wj_reg d, wj_reg n, int64_t imm)
{
    uint64_t size = imm < 0 ? -(uint64_t) imm : (uint64_t) imm;
    uint32_t op = imm < 0 ? A64_SUB_IMM : A64_ADD_IMM;
    uint32_t op12 = imm < 0 ? A64_SUB_IMM12 : A64_ADD_IMM12;
    uint32_t wide = a64_sf(NUM_I64);
    if (size >= 1 << 24) {
        wj_reg temp = n == A64_TMP ? A64_TMP2 : A64_TMP;
        masm_mov_imm(m, NUM_I64, temp, size);
        a64_put(m, (imm < 0 ? A64_SUB_UXTX : A64_ADD_UXTX) | a64_rrr(d, n, temp));
        return;
    }
    uint32_t high = (uint32_t) (size >> 12);
    uint32_t low = size & 0xfff;
    if (high != 0) {
        a64_put(m, op12 | wide | a64_rr(d, n) | high << 10);
        n = d;
    }
    if (low != 0 || (high == 0 && d != n)) {
        a64_put(m, op | wide | a64_rr(d, n) | low << 10);
    }
}

// ---- Moves --------------------------------------------------------------------------------------

static inline void masm_mov(struct wj_masm *m, enum wj_num num, wj_reg d, wj_reg s)
{
    if (d == s) {
        return;
    }
    switch (num) {
    case NUM_I32:
    case NUM_I64:
        if (d == MASM_SP || s == MASM_SP) {
            a64_put(m, A64_ADD_IMM | a64_sf(NUM_I64) | a64_rr(d, s));
        } else {
            a64_put(m, A64_ORR | a64_sf(num) | a64_rrr(d, A64_ZR, s));
        }
        break;
    case NUM_F32:
    case NUM_F64: a64_put(m, A64_FMOV | a64_ft(NUM_F64) | a64_rr(d, s)); break;
    case NUM_V128: a64_put(m, A64_ORR_V | a64_rrr(d, s, s)); break;
    }
}

// ldr d, =constant. `word` is one of A64_LDR_LIT_*.
static inline void a64_load_constant(struct wj_masm *m, uint32_t word, wj_reg d,
                                     const uint8_t bytes[16])
{
    if (a64_island_is_due(&m->buf, 0)) {
        a64_island(m, true); // before the constant gets its index
    }
    uint32_t constant = wj_codebuf_constant(&m->buf, bytes);
    a64_fixup(m, A64_FIX_CONSTANT, constant, WJ_FIXUP_NONE);
    a64_put(m, word | (d & 31));
}

static inline void masm_mov_fimm(struct wj_masm *m, enum wj_num num, wj_reg d, uint64_t bits)
{
    uint8_t imm8;
    if (num == NUM_F32) {
        bits = (uint32_t) bits;
    }
    if (bits == 0) {
        a64_put(m, A64_MOVI_2D | (d & 31));
    } else if (a64_float_imm(num, bits, &imm8)) {
        a64_put(m, A64_FMOV_IMM | a64_ft(num) | (uint32_t) imm8 << 13 | (d & 31));
    } else if (num == NUM_F32) {
        masm_mov_imm(m, NUM_I32, A64_TMP, bits);
        a64_put(m, A64_FMOV_S_W | a64_rr(d, A64_TMP));
    } else if ((bits & UINT64_C(0xffffffff)) == 0) {
        masm_mov_imm(m, NUM_I64, A64_TMP, bits);
        a64_put(m, A64_FMOV_D_X | a64_rr(d, A64_TMP));
    } else {
        uint8_t bytes[16] = {0};
        memcpy(bytes, &bits, sizeof bits);
        a64_load_constant(m, A64_LDR_LIT_D, d, bytes);
    }
}

static inline void masm_mov_vimm(struct wj_masm *m, wj_reg d, const uint8_t bytes[16])
{
    bool is_uniform = true;  // all bytes are equal
    bool is_bytemask = true; // two equal halves of bytes that are 0 or 255
    uint8_t mask = 0;
    for (unsigned i = 0; i < 16; i++) {
        is_uniform &= bytes[i] == bytes[0];
        is_bytemask &= (bytes[i] == 0 || bytes[i] == 0xff) && bytes[i] == bytes[i & 7];
        mask |= (uint8_t) ((bytes[i] & 1u) << (i & 7));
    }
    if (is_bytemask) {
        a64_put(m, A64_MOVI_2D | a64_vector_imm8(mask) | (d & 31));
    } else if (is_uniform) {
        a64_put(m, A64_MOVI_16B | a64_vector_imm8(bytes[0]) | (d & 31));
    } else {
        a64_load_constant(m, A64_LDR_LIT_Q, d, bytes);
    }
}

// A plain load or store of [base + disp].
static inline void a64_access_slot(struct wj_masm *m, uint32_t access, wj_reg t,
                                   struct wj_slot slot)
{
    unsigned scale = a64_access_scale(access);
    uint32_t mask = (1u << scale) - 1;
    uint32_t disp = (uint32_t) slot.disp;
    if (slot.disp >= 0 && (disp & mask) == 0 && disp >> scale < 4096) {
        a64_put(m, A64_FORM_SCALED | access | a64_rr(t, slot.base) | (disp >> scale) << 10);
    } else if (slot.disp >= -256 && slot.disp < 256) {
        a64_put(m, A64_FORM_UNSCALED | access | a64_rr(t, slot.base) | (disp & 0x1ff) << 12);
    } else {
        wj_reg temp = slot.base == A64_TMP ? A64_TMP2 : A64_TMP;
        masm_mov_imm(m, NUM_I64, temp, (uint64_t) (int64_t) slot.disp);
        a64_put(m, A64_FORM_INDEX | access | a64_rrr(t, slot.base, temp));
    }
}

// The pair of a plain access, or 0.
static inline uint32_t a64_pair_of(uint32_t access)
{
    switch (access) {
    case A64_STR_X: return A64_STP_X;
    case A64_LDR_X: return A64_LDP_X;
    case A64_STR_D: return A64_STP_D;
    case A64_LDR_D: return A64_LDP_D;
    case A64_STR_Q: return A64_STP_Q;
    case A64_LDR_Q: return A64_LDP_Q;
    default: return 0;
    }
}

// Makes a pair of the last instruction and an access of the slot beside its own:
//   str x19, [sp, #32] ; str x20, [sp, #40]  is  stp x19, x20, [sp, #32]
// No trap, label or fix-up is ever at an access of the frame.
static inline bool a64_join_pair(struct wj_masm *m, uint32_t access, wj_reg t, int32_t disp)
{
    const uint32_t opcode_and_base = 0xffc003e0u;
    const uint32_t load_bit = 0x400000u;
    uint32_t pair = a64_pair_of(access);
    uint32_t last = a64_get_at(&m->buf, wj_codebuf_offset(&m->buf) - 4);
    if (pair == 0 || (last & opcode_and_base) != (A64_FORM_SCALED | access | a64_rr(0, MASM_SP))) {
        return false;
    }
    unsigned scale = a64_access_scale(access);
    if (disp < 0 || (disp & ((1 << scale) - 1)) != 0) {
        return false;
    }
    int32_t units = disp >> scale;
    int32_t last_units = (int32_t) (last >> 10 & 0xfff);
    wj_reg last_t = last & 31;
    bool is_after = units == last_units + 1;
    int32_t first = is_after ? last_units : units;
    if ((!is_after && units != last_units - 1) || first > 63 ||
        ((pair & load_bit) != 0 && last_t == (t & 31))) {
        return false;
    }
    m->buf.cursor -= 4;
    a64_put(m, pair | (uint32_t) first << 15 |
                   a64_rrra(is_after ? last_t : t, MASM_SP, 0, is_after ? t : last_t));
    return true;
}

static inline void a64_access_frame(struct wj_masm *m, uint32_t access, wj_reg t,
                                    struct wj_slot slot)
{
    if (slot.base == MASM_SP && m->pair_at == m->buf.cursor &&
        a64_join_pair(m, access, t, slot.disp)) {
        return;
    }
    a64_access_slot(m, access, t, slot);
    m->pair_at = m->buf.cursor;
}

static inline void masm_load_slot(struct wj_masm *m, enum wj_num num, wj_reg d, struct wj_slot s)
{
    static const uint32_t loads[] = {
        [NUM_I32] = A64_LDR_W, [NUM_I64] = A64_LDR_X,  [NUM_F32] = A64_LDR_S,
        [NUM_F64] = A64_LDR_D, [NUM_V128] = A64_LDR_Q,
    };
    a64_access_frame(m, loads[num], d, s);
}

static inline void masm_store_slot(struct wj_masm *m, enum wj_num num, wj_reg s, struct wj_slot d)
{
    static const uint32_t stores[] = {
        [NUM_I32] = A64_STR_W, [NUM_I64] = A64_STR_X,  [NUM_F32] = A64_STR_S,
        [NUM_F64] = A64_STR_D, [NUM_V128] = A64_STR_Q,
    };
    a64_access_frame(m, stores[num], s, d);
}

static inline void masm_store_slot_imm(struct wj_masm *m, enum wj_num num, uint64_t bits,
                                       struct wj_slot d)
{
    bool is_narrow = num == NUM_I32 || num == NUM_F32;
    wj_reg source = A64_ZR;
    if (is_narrow) {
        bits = (uint32_t) bits;
    }
    if (bits != 0) {
        source = A64_TMP2;
        masm_mov_imm(m, is_narrow ? NUM_I32 : NUM_I64, source, bits);
    }
    a64_access_slot(m, is_narrow ? A64_STR_W : A64_STR_X, source, d);
}

static inline void masm_lea_slot(struct wj_masm *m, wj_reg d, struct wj_slot s)
{
    a64_add_imm(m, d, s.base, s.disp);
}

// Up to 32 words: str, stp. More: a loop of two stp over x16, with the count in x17.
static inline void masm_copy_slots(struct wj_masm *m, int32_t to, int32_t from, uint32_t size_bytes)
{
    const wj_reg target = A64_TMP, source = A64_TMP2, count = 10, data = 11;
    a64_add_imm(m, target, MASM_SP, to);
    a64_add_imm(m, source, MASM_SP, from);
    masm_mov_imm(m, NUM_I64, count, size_bytes / 8);
    a64_put(m, A64_LDR_X_POST8 | a64_rr(data, source));
    a64_put(m, A64_STR_X_POST8 | a64_rr(data, target));
    a64_put(m, A64_SUBS_IMM | a64_sf(NUM_I64) | a64_rr(count, count) | 1 << 10);
    a64_put(m, A64_BCOND | a64_imm19(-12) | a64_cond(COND_NE));
}

static inline void masm_zero_slots(struct wj_masm *m, int32_t disp, uint32_t size_bytes)
{
    uint32_t words = size_bytes / 8;
    if (words == 0) {
        return;
    }
    wj_reg base = MASM_SP;
    if (disp < 0 || (disp & 7) != 0 || (uint64_t) disp + size_bytes > 512 || words > 32) {
        a64_add_imm(m, A64_TMP, MASM_SP, disp);
        base = A64_TMP;
        disp = 0;
    }
    uint32_t zero_pair = a64_rrra(A64_ZR, base, 0, A64_ZR);
    if (words > 32) {
        uint32_t rounds = words / 4;
        masm_mov_imm(m, NUM_I64, A64_TMP2, rounds);
        a64_put(m, A64_STP_X_POST | zero_pair | 2 << 15);
        a64_put(m, A64_STP_X_POST | zero_pair | 2 << 15);
        a64_put(m, A64_SUBS_IMM | a64_sf(NUM_I64) | a64_rr(A64_TMP2, A64_TMP2) | 1 << 10);
        a64_put(m, A64_BCOND | a64_imm19(-12) | a64_cond(COND_NE));
        words -= rounds * 4;
    }
    for (; words >= 2; words -= 2, disp += 16) {
        a64_put(m, A64_STP_X | zero_pair | ((uint32_t) disp / 8) << 15);
    }
    if (words != 0) {
        a64_access_slot(m, A64_STR_X, A64_ZR, (struct wj_slot){base, disp});
    }
}

#endif
