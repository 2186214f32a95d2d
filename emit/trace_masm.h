// The target that prints: one line of text for each verb, to the FILE in wj_masm.trace. Its
// registers are no machine's: g0 to g31 and v0 to v31. Keeps the interface honest, and shows what
// the compiler asked for.
#ifndef EMIT_TRACE_MASM_H
#define EMIT_TRACE_MASM_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "emit/trace_names.h"

#define MASM_TARGET_NAME "trace"
#define MASM_CANON_BY_CODE 1

enum {
    MASM_SP = 31,
    MASM_INST = 30,
    MASM_MEMBASE = 29,
    MASM_GPR_RESULT = 16,
    MASM_VEC_RESULT = 48,
    MASM_GPR_TARGET = 17,
    MASM_DIV_LOW = 16,
    MASM_DIV_HIGH = 17,
    MASM_CMPXCHG_REG = 16,
    MASM_CALL_PUSH_BYTES = 0,
    MASM_JUMP_BYTES = 32,
    MASM_HAS_MEM_OPERANDS = 1,
    MASM_DIV_FIXED = 0,
    MASM_CMPXCHG_FIXED = 0,

    MASM_GPR_CALLEE_COUNT = 4,
    MASM_GPR_CALLER_COUNT = 4,
    MASM_GPR_SCRATCH_COUNT = 4,
    MASM_VEC_CALLEE_COUNT = 4,
    MASM_VEC_CALLER_COUNT = 4,
    MASM_VEC_SCRATCH_COUNT = 4,
    MASM_GPR_ARGS_COUNT = 4,
    MASM_VEC_ARGS_COUNT = 4,
    MASM_C_ARGS_COUNT = 6,
};

#define TRACE_REGS static const wj_reg __attribute__((unused))
TRACE_REGS MASM_GPR_CALLEE[MASM_GPR_CALLEE_COUNT] = {8, 9, 10, 11};
TRACE_REGS MASM_GPR_CALLER[MASM_GPR_CALLER_COUNT] = {0, 1, 2, 3};
TRACE_REGS MASM_GPR_SCRATCH[MASM_GPR_SCRATCH_COUNT] = {16, 17, 18, 19};
TRACE_REGS MASM_VEC_CALLEE[MASM_VEC_CALLEE_COUNT] = {40, 41, 42, 43};
TRACE_REGS MASM_VEC_CALLER[MASM_VEC_CALLER_COUNT] = {32, 33, 34, 35};
TRACE_REGS MASM_VEC_SCRATCH[MASM_VEC_SCRATCH_COUNT] = {48, 49, 50, 51};
TRACE_REGS MASM_GPR_ARGS[MASM_GPR_ARGS_COUNT] = {0, 1, 2, 3};
TRACE_REGS MASM_VEC_ARGS[MASM_VEC_ARGS_COUNT] = {32, 33, 34, 35};
TRACE_REGS MASM_C_ARGS[MASM_C_ARGS_COUNT] = {0, 1, 2, 3, 4, 5};
#undef TRACE_REGS

// ---- Operands ---------------------------------------------------------------------------------

struct trace_text {
    char chars[40];
};

TRACE_INLINE FILE *trace_file(const struct wj_masm *m)
{
    return m->trace;
}

TRACE_INLINE void masm_room(struct wj_masm *m)
{
    wj_codebuf_room(&m->buf);
}

__attribute__((format(printf, 2, 3))) TRACE_INLINE void trace_line(struct wj_masm *m,
                                                                   const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("    ", trace_file(m));
    vfprintf(trace_file(m), format, args);
    fputc('\n', trace_file(m));
    va_end(args);
}

TRACE_INLINE struct trace_text trace_reg_text(wj_reg reg)
{
    struct trace_text text;
    if (reg == MASM_SP || reg == MASM_INST || reg == MASM_MEMBASE) {
        const char *name = reg == MASM_SP ? "sp" : reg == MASM_INST ? "inst" : "mem";
        snprintf(text.chars, sizeof text.chars, "%s", name);
    } else {
        snprintf(text.chars, sizeof text.chars, "%c%u", wj_reg_is_vec(reg) ? 'v' : 'g', reg & 31u);
    }
    return text;
}

TRACE_INLINE struct trace_text trace_slot_text(struct wj_slot s)
{
    struct trace_text text, base = trace_reg_text(s.base);
    snprintf(text.chars, sizeof text.chars, "[%.5s%+" PRId32 "]", base.chars, s.disp);
    return text;
}

TRACE_INLINE struct trace_text trace_addr_text(struct wj_addr a)
{
    struct trace_text text, base = trace_reg_text(a.base), index = trace_reg_text(a.index);
    bool has_index = a.index != WJ_REG_NONE;
    snprintf(text.chars, sizeof text.chars, "[%.5s%s%.5s+%" PRIu64 "]", base.chars,
             has_index ? "+" : "", has_index ? index.chars : "", a.offset);
    return text;
}

#define R(reg) trace_reg_text(reg).chars
#define SLOT(slot) trace_slot_text(slot).chars
#define ADDR(addr) trace_addr_text(addr).chars

// ---- Labels and branches ----------------------------------------------------------------------

TRACE_INLINE void masm_bind(struct wj_masm *m, wj_label label)
{
    if (!m->buf.overflow) {
        m->buf.labels[label].position = wj_codebuf_offset(&m->buf);
    }
    fprintf(trace_file(m), "L%" PRIu32 ":\n", label);
}

TRACE_INLINE void masm_jmp(struct wj_masm *m, wj_label label)
{
    trace_line(m, "jmp L%" PRIu32, label);
}

TRACE_INLINE void masm_jcc(struct wj_masm *m, enum wj_cond cond, wj_label label)
{
    trace_line(m, "jcc.%s L%" PRIu32, trace_cond(cond), label);
}

TRACE_INLINE void masm_cbz(struct wj_masm *m, enum wj_num num, bool if_zero, wj_reg a,
                           wj_label label)
{
    trace_line(m, "%s.%s %s, L%" PRIu32, trace_num(num), if_zero ? "cbz" : "cbnz", R(a), label);
}

TRACE_INLINE void masm_jump_if_nan(struct wj_masm *m, enum wj_num num, wj_reg a, wj_label label)
{
    trace_line(m, "%s.jump_if_nan %s, L%" PRIu32, trace_num(num), R(a), label);
}

TRACE_INLINE void masm_jump_table(struct wj_masm *m, wj_reg index, const wj_label *labels,
                                  uint32_t count)
{
    fprintf(trace_file(m), "    jump_table %s,", R(index));
    for (uint32_t i = 0; i < count; i++) {
        fprintf(trace_file(m), " L%" PRIu32, labels[i]);
    }
    fputc('\n', trace_file(m));
}

TRACE_INLINE void masm_trap(struct wj_masm *m, enum wj_trap_kind kind)
{
    trace_line(m, "trap \"%s\"", trace_trap(kind));
}

TRACE_INLINE void masm_trap_if(struct wj_masm *m, enum wj_cond cond, enum wj_trap_kind kind)
{
    trace_line(m, "trap_if.%s \"%s\"", trace_cond(cond), trace_trap(kind));
}

TRACE_INLINE void masm_align_loop(struct wj_masm *m)
{
    trace_line(m, "align_loop");
}

// ---- Moves ------------------------------------------------------------------------------------

TRACE_INLINE void masm_mov(struct wj_masm *m, enum wj_num num, wj_reg d, wj_reg s)
{
    trace_line(m, "%s.mov %s, %s", trace_num(num), R(d), R(s));
}

TRACE_INLINE void masm_mov_imm(struct wj_masm *m, enum wj_num num, wj_reg d, uint64_t bits)
{
    trace_line(m, "%s.mov %s, 0x%" PRIx64, trace_num(num), R(d), bits);
}

TRACE_INLINE void masm_mov_fimm(struct wj_masm *m, enum wj_num num, wj_reg d, uint64_t bits)
{
    trace_line(m, "%s.mov %s, 0x%" PRIx64, trace_num(num), R(d), bits);
}

TRACE_INLINE void masm_mov_vimm(struct wj_masm *m, wj_reg d, const uint8_t bytes[16])
{
    fprintf(trace_file(m), "    v128.mov %s, 0x", R(d));
    for (unsigned i = 16; i-- > 0;) {
        fprintf(trace_file(m), "%02x", bytes[i]);
    }
    fputc('\n', trace_file(m));
}

TRACE_INLINE void masm_load_slot(struct wj_masm *m, enum wj_num num, wj_reg d, struct wj_slot s)
{
    trace_line(m, "%s.mov %s, %s", trace_num(num), R(d), SLOT(s));
}

TRACE_INLINE void masm_store_slot(struct wj_masm *m, enum wj_num num, wj_reg s, struct wj_slot d)
{
    trace_line(m, "%s.mov %s, %s", trace_num(num), SLOT(d), R(s));
}

TRACE_INLINE void masm_store_slot_imm(struct wj_masm *m, enum wj_num num, uint64_t bits,
                                      struct wj_slot d)
{
    trace_line(m, "%s.mov %s, 0x%" PRIx64, trace_num(num), SLOT(d), bits);
}

TRACE_INLINE void masm_copy_slots(struct wj_masm *m, int32_t to, int32_t from, uint32_t size_bytes)
{
    struct wj_slot a = {MASM_SP, to}, b = {MASM_SP, from};
    trace_line(m, "copy_slots %s, %s, %" PRIu32, SLOT(a), SLOT(b), size_bytes);
}

TRACE_INLINE void masm_zero_slots(struct wj_masm *m, int32_t disp, uint32_t size_bytes)
{
    struct wj_slot slot = {MASM_SP, disp};
    trace_line(m, "zero_slots %s, %" PRIu32, SLOT(slot), size_bytes);
}

TRACE_INLINE void masm_lea_slot(struct wj_masm *m, wj_reg d, struct wj_slot s)
{
    trace_line(m, "lea %s, %s", R(d), SLOT(s));
}

// ---- Integers ---------------------------------------------------------------------------------

TRACE_INLINE void masm_ibin(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                            wj_reg a, wj_reg b)
{
    trace_line(m, "%s.%s %s, %s, %s", trace_num(num), trace_ibinop(op), R(d), R(a), R(b));
}

TRACE_INLINE void masm_ibin_imm(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                                wj_reg a, int64_t imm)
{
    trace_line(m, "%s.%s %s, %s, %" PRId64, trace_num(num), trace_ibinop(op), R(d), R(a), imm);
}

TRACE_INLINE void masm_ibin_slot(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                                 wj_reg a, struct wj_slot b)
{
    trace_line(m, "%s.%s %s, %s, %s", trace_num(num), trace_ibinop(op), R(d), R(a), SLOT(b));
}

TRACE_INLINE void masm_ibin_to_slot(struct wj_masm *m, enum wj_ibinop op, enum wj_num num,
                                    struct wj_slot d, wj_reg b)
{
    trace_line(m, "%s.%s %s, %s, %s", trace_num(num), trace_ibinop(op), SLOT(d), SLOT(d), R(b));
}

TRACE_INLINE void masm_ibin_imm_to_slot(struct wj_masm *m, enum wj_ibinop op, enum wj_num num,
                                        struct wj_slot d, int32_t imm)
{
    trace_line(m, "%s.%s %s, %s, %" PRId32, trace_num(num), trace_ibinop(op), SLOT(d), SLOT(d),
               imm);
}

TRACE_INLINE void masm_ibin_addr(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                                 wj_reg a, struct wj_addr b)
{
    trace_line(m, "%s.%s %s, %s, mem %s", trace_num(num), trace_ibinop(op), R(d), R(a), ADDR(b));
}

TRACE_INLINE void masm_lea(struct wj_masm *m, enum wj_num num, wj_reg d, wj_reg a, wj_reg b,
                           unsigned shift)
{
    trace_line(m, "%s.lea %s, %s + (%s << %u)", trace_num(num), R(d), R(a), R(b), shift);
}

TRACE_INLINE void masm_idiv(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                            wj_reg a, wj_reg b)
{
    masm_ibin(m, op, num, d, a, b);
}

TRACE_INLINE void masm_idiv_imm(struct wj_masm *m, enum wj_ibinop op, enum wj_num num, wj_reg d,
                                wj_reg a, int64_t divisor)
{
    masm_ibin_imm(m, op, num, d, a, divisor);
}

TRACE_INLINE void masm_iun(struct wj_masm *m, enum wj_iunop op, enum wj_num num, wj_reg d, wj_reg a)
{
    trace_line(m, "%s.%s %s, %s", trace_num(num), trace_iunop(op), R(d), R(a));
}

TRACE_INLINE void masm_icmp(struct wj_masm *m, enum wj_num num, wj_reg a, wj_reg b)
{
    trace_line(m, "%s.cmp %s, %s", trace_num(num), R(a), R(b));
}

TRACE_INLINE void masm_icmp_imm(struct wj_masm *m, enum wj_num num, wj_reg a, int64_t imm)
{
    trace_line(m, "%s.cmp %s, %" PRId64, trace_num(num), R(a), imm);
}

TRACE_INLINE void masm_icmp_slot(struct wj_masm *m, enum wj_num num, wj_reg a, struct wj_slot b)
{
    trace_line(m, "%s.cmp %s, %s", trace_num(num), R(a), SLOT(b));
}

TRACE_INLINE void masm_icmp_addr(struct wj_masm *m, enum wj_num num, wj_reg a, struct wj_addr b)
{
    trace_line(m, "%s.cmp %s, mem %s", trace_num(num), R(a), ADDR(b));
}

TRACE_INLINE void masm_itest(struct wj_masm *m, enum wj_num num, wj_reg a, wj_reg b)
{
    trace_line(m, "%s.test %s, %s", trace_num(num), R(a), R(b));
}

TRACE_INLINE void masm_itest_imm(struct wj_masm *m, enum wj_num num, wj_reg a, int64_t imm)
{
    trace_line(m, "%s.test %s, %" PRId64, trace_num(num), R(a), imm);
}

TRACE_INLINE void masm_setcc(struct wj_masm *m, enum wj_cond cond, wj_reg d)
{
    trace_line(m, "set.%s %s", trace_cond(cond), R(d));
}

TRACE_INLINE void masm_csel(struct wj_masm *m, enum wj_cond cond, enum wj_num num, wj_reg d,
                            wj_reg a, wj_reg b)
{
    trace_line(m, "%s.select.%s %s, %s, %s", trace_num(num), trace_cond(cond), R(d), R(a), R(b));
}

TRACE_INLINE void masm_add128(struct wj_masm *m, bool subtract, wj_reg lo, wj_reg hi, wj_reg alo,
                              wj_reg ahi, wj_reg blo, wj_reg bhi)
{
    trace_line(m, "i64.%s128 %s:%s, %s:%s, %s:%s", subtract ? "sub" : "add", R(hi), R(lo), R(ahi),
               R(alo), R(bhi), R(blo));
}

TRACE_INLINE void masm_mul_wide(struct wj_masm *m, bool is_signed, wj_reg lo, wj_reg hi, wj_reg a,
                                wj_reg b)
{
    trace_line(m, "i64.mul_wide_%s %s:%s, %s, %s", is_signed ? "s" : "u", R(hi), R(lo), R(a), R(b));
}

// ---- Floats -----------------------------------------------------------------------------------

TRACE_INLINE void masm_fbin(struct wj_masm *m, enum wj_fbinop op, enum wj_num num, wj_reg d,
                            wj_reg a, wj_reg b)
{
    trace_line(m, "%s.%s %s, %s, %s", trace_num(num), trace_fbinop(op), R(d), R(a), R(b));
}

TRACE_INLINE void masm_fbin_slot(struct wj_masm *m, enum wj_fbinop op, enum wj_num num, wj_reg d,
                                 wj_reg a, struct wj_slot b)
{
    trace_line(m, "%s.%s %s, %s, %s", trace_num(num), trace_fbinop(op), R(d), R(a), SLOT(b));
}

TRACE_INLINE void masm_fbin_addr(struct wj_masm *m, enum wj_fbinop op, enum wj_num num, wj_reg d,
                                 wj_reg a, struct wj_addr b)
{
    trace_line(m, "%s.%s %s, %s, mem %s", trace_num(num), trace_fbinop(op), R(d), R(a), ADDR(b));
}

TRACE_INLINE void masm_fun(struct wj_masm *m, enum wj_funop op, enum wj_num num, wj_reg d, wj_reg a)
{
    trace_line(m, "%s.%s %s, %s", trace_num(num), trace_funop(op), R(d), R(a));
}

TRACE_INLINE void masm_fcmp(struct wj_masm *m, enum wj_num num, wj_reg a, wj_reg b)
{
    trace_line(m, "%s.cmp %s, %s", trace_num(num), R(a), R(b));
}

TRACE_INLINE void masm_canon(struct wj_masm *m, enum wj_num num, wj_reg d, wj_reg a)
{
    trace_line(m, "%s.canon %s, %s", trace_num(num), R(d), R(a));
}

TRACE_INLINE void masm_jump_if_nan_stored(struct wj_masm *m, enum wj_num num, struct wj_addr a,
                                          wj_label label)
{
    trace_line(m, "%s.jump_if_nan_stored %s, L%" PRIu32, trace_num(num), ADDR(a), label);
}

TRACE_INLINE bool masm_has_store_canon(const struct wj_masm *m)
{
    return m->features.has_avx512;
}

TRACE_INLINE void masm_store_canon(struct wj_masm *m, enum wj_num num, wj_reg a, struct wj_addr to)
{
    trace_line(m, "%s.store_canon %s, %s", trace_num(num), ADDR(to), R(a));
}

TRACE_INLINE void masm_vcanon(struct wj_masm *m, enum wj_shape shape, wj_reg d, wj_reg a)
{
    trace_line(m, "%s.canon %s, %s", trace_shape(shape), R(d), R(a));
}

TRACE_INLINE void masm_cvt(struct wj_masm *m, enum wj_cvt op, wj_reg d, wj_reg a)
{
    trace_line(m, "%s %s, %s", trace_cvt(op), R(d), R(a));
}

// ---- Linear memory ----------------------------------------------------------------------------

TRACE_INLINE void masm_load(struct wj_masm *m, enum wj_load_op op, wj_reg d, struct wj_addr a)
{
    trace_line(m, "%s %s, %s", trace_load(op), R(d), ADDR(a));
}

TRACE_INLINE void masm_store(struct wj_masm *m, enum wj_store_op op, wj_reg s, struct wj_addr a)
{
    trace_line(m, "%s %s, %s", trace_store(op), ADDR(a), R(s));
}

TRACE_INLINE void masm_store_imm(struct wj_masm *m, enum wj_store_op op, uint64_t bits,
                                 struct wj_addr a)
{
    trace_line(m, "%s %s, 0x%" PRIx64, trace_store(op), ADDR(a), bits);
}

TRACE_INLINE void masm_load_lane(struct wj_masm *m, enum wj_shape width, unsigned lane, wj_reg d,
                                 wj_reg v, struct wj_addr a)
{
    trace_line(m, "%s.load_lane %u %s, %s, %s", trace_shape(width), lane, R(d), R(v), ADDR(a));
}

TRACE_INLINE void masm_store_lane(struct wj_masm *m, enum wj_shape width, unsigned lane, wj_reg v,
                                  struct wj_addr a)
{
    trace_line(m, "%s.store_lane %u %s, %s", trace_shape(width), lane, ADDR(a), R(v));
}

TRACE_INLINE void masm_addr_check_align(struct wj_masm *m, struct wj_addr a, unsigned width_log2)
{
    trace_line(m, "check_align %s, %u", ADDR(a), 1u << width_log2);
}

TRACE_INLINE void masm_atomic_load(struct wj_masm *m, enum wj_load_op op, wj_reg d,
                                   struct wj_addr a)
{
    trace_line(m, "atomic %s %s, %s", trace_load(op), R(d), ADDR(a));
}

TRACE_INLINE void masm_atomic_store(struct wj_masm *m, enum wj_store_op op, wj_reg s,
                                    struct wj_addr a)
{
    trace_line(m, "atomic %s %s, %s", trace_store(op), ADDR(a), R(s));
}

TRACE_INLINE void masm_atomic_rmw(struct wj_masm *m, enum wj_rmw op, enum wj_num num,
                                  unsigned width_log2, wj_reg d, wj_reg s, struct wj_addr a)
{
    trace_line(m, "atomic %s.rmw%u.%s %s, %s, %s", trace_num(num), 8u << width_log2, trace_rmw(op),
               R(d), ADDR(a), R(s));
}

TRACE_INLINE void masm_atomic_cmpxchg(struct wj_masm *m, enum wj_num num, unsigned width_log2,
                                      wj_reg d, wj_reg expected, wj_reg replacement,
                                      struct wj_addr a)
{
    trace_line(m, "atomic %s.rmw%u.cmpxchg %s, %s, %s, %s", trace_num(num), 8u << width_log2, R(d),
               ADDR(a), R(expected), R(replacement));
}

TRACE_INLINE void masm_fence(struct wj_masm *m)
{
    trace_line(m, "fence");
}

// ---- SIMD -------------------------------------------------------------------------------------

TRACE_INLINE void masm_vun(struct wj_masm *m, enum wj_vunop op, enum wj_shape shape, wj_reg d,
                           wj_reg a)
{
    trace_line(m, "%s.%s %s, %s", trace_shape(shape), trace_vunop(op), R(d), R(a));
}

TRACE_INLINE void masm_vbin(struct wj_masm *m, enum wj_vbinop op, enum wj_shape shape, wj_reg d,
                            wj_reg a, wj_reg b)
{
    trace_line(m, "%s.%s %s, %s, %s", trace_shape(shape), trace_vbinop(op), R(d), R(a), R(b));
}

TRACE_INLINE bool masm_vbin_takes_mem(enum wj_vbinop op, enum wj_shape shape)
{
    (void) op;
    (void) shape;
    return true;
}

TRACE_INLINE void masm_vbin_slot(struct wj_masm *m, enum wj_vbinop op, enum wj_shape shape,
                                 wj_reg d, wj_reg a, struct wj_slot b)
{
    trace_line(m, "%s.%s %s, %s, %s", trace_shape(shape), trace_vbinop(op), R(d), R(a), SLOT(b));
}

TRACE_INLINE void masm_vbin_addr(struct wj_masm *m, enum wj_vbinop op, enum wj_shape shape,
                                 wj_reg d, wj_reg a, struct wj_addr b)
{
    trace_line(m, "%s.%s %s, %s, mem %s", trace_shape(shape), trace_vbinop(op), R(d), R(a),
               ADDR(b));
}

TRACE_INLINE void masm_vtern(struct wj_masm *m, enum wj_vternop op, enum wj_shape shape, wj_reg d,
                             wj_reg a, wj_reg b, wj_reg c)
{
    trace_line(m, "%s.%s %s, %s, %s, %s", trace_shape(shape), trace_vternop(op), R(d), R(a), R(b),
               R(c));
}

TRACE_INLINE void masm_vshift(struct wj_masm *m, enum wj_vshift op, enum wj_shape shape, wj_reg d,
                              wj_reg a, wj_reg count)
{
    trace_line(m, "%s.%s %s, %s, %s", trace_shape(shape), trace_vshift(op), R(d), R(a), R(count));
}

TRACE_INLINE void masm_vshift_imm(struct wj_masm *m, enum wj_vshift op, enum wj_shape shape,
                                  wj_reg d, wj_reg a, unsigned count)
{
    trace_line(m, "%s.%s %s, %s, %u", trace_shape(shape), trace_vshift(op), R(d), R(a), count);
}

TRACE_INLINE void masm_vsplat(struct wj_masm *m, enum wj_shape shape, wj_reg d, wj_reg s)
{
    trace_line(m, "%s.splat %s, %s", trace_shape(shape), R(d), R(s));
}

TRACE_INLINE void masm_vextract(struct wj_masm *m, enum wj_shape shape, bool zero_extend,
                                unsigned lane, wj_reg d, wj_reg a)
{
    trace_line(m, "%s.extract_lane_%s %u %s, %s", trace_shape(shape), zero_extend ? "u" : "s", lane,
               R(d), R(a));
}

TRACE_INLINE void masm_vreplace(struct wj_masm *m, enum wj_shape shape, unsigned lane, wj_reg d,
                                wj_reg a, wj_reg s)
{
    trace_line(m, "%s.replace_lane %u %s, %s, %s", trace_shape(shape), lane, R(d), R(a), R(s));
}

TRACE_INLINE void masm_vshuffle(struct wj_masm *m, wj_reg d, wj_reg a, wj_reg b,
                                const uint8_t lanes[16])
{
    fprintf(trace_file(m), "    i8x16.shuffle %s, %s, %s,", R(d), R(a), R(b));
    for (unsigned i = 0; i < 16; i++) {
        fprintf(trace_file(m), " %u", lanes[i]);
    }
    fputc('\n', trace_file(m));
}

TRACE_INLINE void masm_vtest(struct wj_masm *m, enum wj_vtest op, enum wj_shape shape, wj_reg d,
                             wj_reg a)
{
    trace_line(m, "%s.%s %s, %s", trace_shape(shape), trace_vtest(op), R(d), R(a));
}

// ---- Calls and frames -------------------------------------------------------------------------

TRACE_INLINE void masm_prologue(struct wj_masm *m, uint32_t frame_bytes)
{
    trace_line(m, "prologue %" PRIu32, frame_bytes);
}

TRACE_INLINE void masm_epilogue(struct wj_masm *m, uint32_t frame_bytes)
{
    trace_line(m, "epilogue %" PRIu32, frame_bytes);
}

TRACE_INLINE void masm_ret(struct wj_masm *m)
{
    trace_line(m, "ret");
}

TRACE_INLINE void masm_call_slot(struct wj_masm *m, struct wj_slot s)
{
    trace_line(m, "call %s", SLOT(s));
}

TRACE_INLINE void masm_jmp_slot(struct wj_masm *m, struct wj_slot s)
{
    trace_line(m, "tail_call %s", SLOT(s));
}

TRACE_INLINE void masm_call_reg(struct wj_masm *m, wj_reg r)
{
    trace_line(m, "call %s", R(r));
}

TRACE_INLINE void masm_jmp_reg(struct wj_masm *m, wj_reg r)
{
    trace_line(m, "tail_call %s", R(r));
}

// Addresses differ from run to run: they are told from the start of the code.
TRACE_INLINE void trace_address(struct wj_masm *m, const char *verb, uint64_t address)
{
    trace_line(m, "%s code%+" PRId64, verb, (int64_t) (address - m->buf.address));
}

TRACE_INLINE void masm_call_addr(struct wj_masm *m, uint64_t address)
{
    trace_address(m, "call", address);
}

TRACE_INLINE void masm_jmp_addr(struct wj_masm *m, uint64_t address)
{
    trace_address(m, "tail_call", address);
}

TRACE_INLINE void masm_far_entry(struct wj_masm *m)
{
    trace_line(m, "far_entry");
}

TRACE_INLINE void masm_call_table(struct wj_masm *m, uint64_t entry_address)
{
    trace_address(m, "call table", entry_address);
}

TRACE_INLINE void masm_jmp_table(struct wj_masm *m, uint64_t entry_address)
{
    trace_address(m, "tail_call table", entry_address);
}

TRACE_INLINE void masm_tail_room(struct wj_masm *m, uint32_t frame_bytes, uint32_t words,
                                 struct wj_slot stub)
{
    (void) stub;
    trace_line(m, "tail_room %u, %u", frame_bytes, 8 * (words & ((1u << WJ_TAIL_SIZE_BITS) - 1)));
}

TRACE_INLINE void masm_finish(struct wj_masm *m)
{
    trace_line(m, "finish");
}

// ---- Stubs ------------------------------------------------------------------------------------

TRACE_INLINE void masm_enter_begin(struct wj_masm *m, uint32_t outgoing_bytes,
                                   const struct wj_stub_layout *layout)
{
    (void) layout;
    trace_line(m, "enter_begin %" PRIu32, outgoing_bytes);
}

TRACE_INLINE void masm_enter_end(struct wj_masm *m, uint32_t outgoing_bytes,
                                 const struct wj_stub_layout *layout)
{
    (void) layout;
    trace_line(m, "enter_end %" PRIu32, outgoing_bytes);
}

TRACE_INLINE void masm_stub_unwind(struct wj_masm *m, const struct wj_stub_layout *layout)
{
    (void) layout;
    trace_line(m, "stub_unwind");
}

TRACE_INLINE void masm_stub_call_c(struct wj_masm *m, const struct wj_stub_layout *layout)
{
    (void) layout;
    trace_line(m, "stub_call_c");
}

TRACE_INLINE void masm_stub_lazy(struct wj_masm *m, bool is_indirect,
                                 const struct wj_stub_layout *layout)
{
    (void) layout;
    trace_line(m, "stub_lazy_%s", is_indirect ? "indirect" : "direct");
}

TRACE_INLINE void masm_stub_tail_room(struct wj_masm *m, uint64_t first_return)
{
    trace_address(m, "stub_tail_room", first_return);
}

TRACE_INLINE void masm_stub_tail_return(struct wj_masm *m, uint32_t area_bytes)
{
    trace_line(m, "stub_tail_return %u", area_bytes);
}

#undef R
#undef SLOT
#undef ADDR

#endif
