// Asks the included target for every verb of emit/masm.h with every operation, type and shape that
// it has, and operands at random: what it emits is all that the compiler can make of it.
#ifndef TESTS_UNIT_EMIT_EVERY_OPERATION_H
#define TESTS_UNIT_EMIT_EVERY_OPERATION_H

#include <stdlib.h>
#include <string.h>

#include "emit/masm.h"
#include "oracle.h"
#include "wasm/opcode.h"

struct every_operation {
    struct wj_masm *m;
    uint64_t seed;
    void (*emitted)(void *context); // called where another window may begin
    void *context;
};

static uint32_t any_below(struct every_operation *e, uint32_t limit)
{
    return (uint32_t) (oracle_random(&e->seed) >> 20) % limit;
}

// Registers that may hold values, but for those of `taken`.
static wj_reg any_gpr(struct every_operation *e, uint64_t taken)
{
    for (;;) {
        uint32_t i =
            any_below(e, MASM_GPR_CALLEE_COUNT + MASM_GPR_CALLER_COUNT + MASM_GPR_SCRATCH_COUNT);
        wj_reg reg;
        if (i < MASM_GPR_CALLEE_COUNT) {
            reg = MASM_GPR_CALLEE[i];
        } else if (i < MASM_GPR_CALLEE_COUNT + MASM_GPR_CALLER_COUNT) {
            reg = MASM_GPR_CALLER[i - MASM_GPR_CALLEE_COUNT];
        } else {
            reg = MASM_GPR_SCRATCH[i - MASM_GPR_CALLEE_COUNT - MASM_GPR_CALLER_COUNT];
        }
        if ((taken >> reg & 1) == 0) {
            return reg;
        }
    }
}

static wj_reg any_vec(struct every_operation *e, uint64_t taken)
{
    for (;;) {
        uint32_t i =
            any_below(e, MASM_VEC_CALLEE_COUNT + MASM_VEC_CALLER_COUNT + MASM_VEC_SCRATCH_COUNT);
        wj_reg reg;
        if (i < MASM_VEC_CALLEE_COUNT) {
            reg = MASM_VEC_CALLEE[i];
        } else if (i < MASM_VEC_CALLEE_COUNT + MASM_VEC_CALLER_COUNT) {
            reg = MASM_VEC_CALLER[i - MASM_VEC_CALLEE_COUNT];
        } else {
            reg = MASM_VEC_SCRATCH[i - MASM_VEC_CALLEE_COUNT - MASM_VEC_CALLER_COUNT];
        }
        if ((taken >> reg & 1) == 0) {
            return reg;
        }
    }
}

static wj_reg any_of(struct every_operation *e, enum wj_num num)
{
    return num == NUM_I32 || num == NUM_I64 ? any_gpr(e, 0) : any_vec(e, 0);
}

static int64_t any_imm(struct every_operation *e)
{
    static const int64_t edges[] = {0,        1,         -1,        2,         8,          127,
                                    128,      -128,      -129,      255,       4095,       4096,
                                    0xffff,   0x10000,   INT32_MAX, INT32_MIN, UINT32_MAX, -4096,
                                    0x555000, -0x555000, INT64_MAX, INT64_MIN, 0x1ffffffff};
    if (any_below(e, 2) == 0) {
        return edges[any_below(e, sizeof edges / sizeof edges[0])];
    }
    return (int64_t) oracle_random(&e->seed) >> any_below(e, 64);
}

static struct wj_slot any_slot(struct every_operation *e)
{
    static const int32_t disps[] = {0,    8,     16,    120,    128, 248, 256,
                                    4096, 32760, 32768, 100000, -8,  3,   -200};
    wj_reg base = any_below(e, 4) != 0 ? (wj_reg) MASM_SP
                  : any_below(e, 2)    ? (wj_reg) MASM_INST
                                       : any_gpr(e, 0);
    return (struct wj_slot){base, disps[any_below(e, sizeof disps / sizeof disps[0])]};
}

// Memory 0, or another one whose base is in a register.
static struct wj_addr any_addr(struct every_operation *e, uint64_t taken)
{
    static const uint64_t offsets[] = {0,       1,          8,          100,        4095,
                                       4096,    0xfff8,     0x10000,    0x7fffffff, 0x80000000,
                                       1 << 20, 0xffffffff, 0x123456789};
    wj_reg base = any_below(e, 3) != 0 ? (wj_reg) MASM_MEMBASE : any_gpr(e, taken);
    taken |= (uint64_t) 1 << base;
    wj_reg index = any_below(e, 4) != 0 ? any_gpr(e, taken) : (wj_reg) WJ_REG_NONE;
    return (struct wj_addr){base, index, offsets[any_below(e, sizeof offsets / sizeof offsets[0])]};
}

static uint64_t bit(wj_reg reg)
{
    return reg == WJ_REG_NONE ? 0 : (uint64_t) 1 << reg;
}

static void done(struct every_operation *e)
{
    e->emitted(e->context);
}

static void every_branch(struct every_operation *e)
{
    struct wj_masm *m = e->m;
    wj_label back = wj_codebuf_label(&m->buf), forward = wj_codebuf_label(&m->buf);
    const wj_label labels[] = {back, forward, back};
    masm_align_loop(m);
    masm_bind(m, back);
    for (unsigned k = 0; k < 2; k++) {
        wj_label label = k == 0 ? back : forward;
        masm_jmp(m, label);
        for (unsigned c = COND_EQ; c <= COND_F_NGE; c++) {
            masm_jcc(m, (enum wj_cond) c, label);
        }
        for (unsigned num = NUM_I32; num <= NUM_I64; num++) {
            masm_cbz(m, (enum wj_num) num, true, any_gpr(e, 0), label);
            masm_cbz(m, (enum wj_num) num, false, any_gpr(e, 0), label);
        }
    }
    for (unsigned c = COND_EQ; c <= COND_F_NGE; c++) {
        masm_trap_if(m, (enum wj_cond) c, WJ_TRAP_OUT_OF_MEMORY);
        masm_setcc(m, (enum wj_cond) c, any_gpr(e, 0));
        for (unsigned num = NUM_I32; num <= NUM_V128; num++) {
            masm_csel(m, (enum wj_cond) c, (enum wj_num) num, any_of(e, (enum wj_num) num),
                      any_of(e, (enum wj_num) num), any_of(e, (enum wj_num) num));
        }
    }
    masm_jump_table(m, any_gpr(e, 0), labels, 3);
    masm_trap(m, WJ_TRAP_UNREACHABLE);
#ifdef MASM_CANON_BY_CODE
    for (unsigned num = NUM_F32; num <= NUM_F64; num++) {
        masm_jump_if_nan(m, (enum wj_num) num, any_vec(e, 0), forward);
        masm_jump_if_nan_stored(m, (enum wj_num) num, any_addr(e, 0), forward);
        masm_store_canon(m, (enum wj_num) num, any_vec(e, 0), any_addr(e, 0));
        masm_canon(m, (enum wj_num) num, any_vec(e, 0), any_vec(e, 0));
    }
    masm_vcanon(m, SHAPE_F32X4, any_vec(e, 0), any_vec(e, 0));
    masm_vcanon(m, SHAPE_F64X2, any_vec(e, 0), any_vec(e, 0));
#endif
    masm_bind(m, forward);
    done(e);
}

static void every_move(struct every_operation *e)
{
    struct wj_masm *m = e->m;
    for (unsigned n = NUM_I32; n <= NUM_V128; n++) {
        enum wj_num num = (enum wj_num) n;
        masm_mov(m, num, any_of(e, num), any_of(e, num));
        for (unsigned k = 0; k < 4; k++) {
            masm_load_slot(m, num, any_of(e, num), any_slot(e));
            masm_store_slot(m, num, any_of(e, num), any_slot(e));
        }
        if (num == NUM_I32 || num == NUM_I64) {
            masm_mov_imm(m, num, any_gpr(e, 0), (uint64_t) any_imm(e));
        } else if (num != NUM_V128) {
            masm_mov_fimm(m, num, any_vec(e, 0), oracle_random(&e->seed) << any_below(e, 64));
            masm_mov_fimm(m, num, any_vec(e, 0), num == NUM_F32 ? 0x3f800000 : 0);
        }
        if (num != NUM_V128) {
            masm_store_slot_imm(m, num, (uint64_t) any_imm(e), any_slot(e));
        }
    }
    uint8_t bytes[3][16] = {{0}};
    memset(bytes[1], 0xff, 16);
    memset(bytes[2], (int) any_below(e, 256), any_below(e, 2) == 0 ? 16 : 5);
    for (unsigned k = 0; k < 3; k++) {
        masm_mov_vimm(m, any_vec(e, 0), bytes[k]);
    }
    masm_copy_slots(m, 16, 24, 8 + 8 * any_below(e, 100));
    masm_zero_slots(m, 16, 8 + 8 * any_below(e, 60));
    masm_lea_slot(m, any_gpr(e, 0), any_slot(e));
    for (int32_t far = -1; far < 2; far += 2) {
        masm_lea_slot(m, any_gpr(e, 0), (struct wj_slot){MASM_SP, far * (1 << 25)});
        masm_lea_slot(m, any_gpr(e, 0), (struct wj_slot){any_gpr(e, 0), far * (1 << 25)});
    }
    done(e);
}

static void every_int(struct every_operation *e, enum wj_num num)
{
    struct wj_masm *m = e->m;
    for (unsigned i = IBIN_ADD; i <= IBIN_ROTR; i++) {
        enum wj_ibinop op = (enum wj_ibinop) i;
        masm_ibin(m, op, num, any_gpr(e, 0), any_gpr(e, 0), any_gpr(e, 0));
        for (unsigned k = 0; k < 8; k++) {
            masm_ibin_imm(m, op, num, any_gpr(e, 0), any_gpr(e, 0), any_imm(e));
        }
        wj_reg same = any_gpr(e, 0);
        masm_ibin_imm(m, op, num, same, same, any_imm(e));
        if (op <= IBIN_XOR) {
            masm_ibin_slot(m, op, num, any_gpr(e, 0), any_gpr(e, 0), any_slot(e));
            masm_ibin_addr(m, op, num, any_gpr(e, 0), any_gpr(e, 0), any_addr(e, 0));
        }
        if (op <= IBIN_XOR && op != IBIN_MUL) {
            masm_ibin_to_slot(m, op, num, any_slot(e), any_gpr(e, 0));
            masm_ibin_imm_to_slot(m, op, num, any_slot(e), (int32_t) any_imm(e));
        }
        done(e);
    }
    for (unsigned k = 0; k < 4; k++) {
        masm_lea(m, num, any_gpr(e, 0), any_gpr(e, 0), any_gpr(e, 0), k);
        masm_icmp_imm(m, num, any_gpr(e, 0), any_imm(e));
        masm_itest_imm(m, num, any_gpr(e, 0), any_imm(e));
    }
    for (unsigned i = IUN_CLZ; i <= IUN_EXTEND32_S; i++) {
        if (i != IUN_EXTEND32_S || num == NUM_I64) {
            masm_iun(m, (enum wj_iunop) i, num, any_gpr(e, 0), any_gpr(e, 0));
        }
    }
    masm_icmp(m, num, any_gpr(e, 0), any_gpr(e, 0));
    masm_icmp_slot(m, num, any_gpr(e, 0), any_slot(e));
    masm_icmp_addr(m, num, any_gpr(e, 0), any_addr(e, 0));
    masm_itest(m, num, any_gpr(e, 0), any_gpr(e, 0));
    done(e);
}

// Divisions and products of the fixed registers, where there are any.
static void every_division(struct every_operation *e, enum wj_num num)
{
    struct wj_masm *m = e->m;
    uint64_t fixed = MASM_DIV_FIXED ? bit(MASM_DIV_LOW) | bit(MASM_DIV_HIGH) : 0;
    for (unsigned i = IBIN_DIV_S; i <= IBIN_REM_U; i++) {
        enum wj_ibinop op = (enum wj_ibinop) i;
        bool is_rem = op >= IBIN_REM_S;
        wj_reg a = MASM_DIV_FIXED ? (wj_reg) MASM_DIV_LOW : any_gpr(e, 0);
        wj_reg d =
            MASM_DIV_FIXED ? (wj_reg) (is_rem ? MASM_DIV_HIGH : MASM_DIV_LOW) : any_gpr(e, 0);
        masm_idiv(m, op, num, d, a, any_gpr(e, fixed));
        for (unsigned k = 0; k < 12; k++) {
            int64_t divisor = any_imm(e);
            bool is_none = num == NUM_I32 ? (int32_t) divisor == 0 || (int32_t) divisor == -1
                                          : divisor == 0 || divisor == -1;
            wj_reg to = any_gpr(e, fixed);
            masm_idiv_imm(m, op, num, to, any_gpr(e, fixed | bit(to)), is_none ? 7 : divisor);
        }
        done(e);
    }
    for (unsigned k = 0; k < 2; k++) {
        wj_reg low = MASM_DIV_FIXED ? (wj_reg) MASM_DIV_LOW : any_gpr(e, 0);
        wj_reg high = MASM_DIV_FIXED ? (wj_reg) MASM_DIV_HIGH : any_gpr(e, bit(low));
        wj_reg a = MASM_DIV_FIXED ? low : any_gpr(e, 0);
        masm_mul_wide(m, k != 0, low, high, a, any_gpr(e, fixed));
        wj_reg lo = any_gpr(e, 0), hi = any_gpr(e, bit(lo));
        masm_add128(m, k != 0, lo, hi, any_gpr(e, 0), any_gpr(e, bit(lo)), any_gpr(e, 0),
                    any_gpr(e, bit(lo)));
    }
    done(e);
}

static void every_float(struct every_operation *e, enum wj_num num)
{
    struct wj_masm *m = e->m;
    for (unsigned i = FBIN_ADD; i <= FBIN_COPYSIGN; i++) {
        enum wj_fbinop op = (enum wj_fbinop) i;
        masm_fbin(m, op, num, any_vec(e, 0), any_vec(e, 0), any_vec(e, 0));
        if (op <= FBIN_DIV) {
            masm_fbin_slot(m, op, num, any_vec(e, 0), any_vec(e, 0), any_slot(e));
            masm_fbin_addr(m, op, num, any_vec(e, 0), any_vec(e, 0), any_addr(e, 0));
        }
    }
    for (unsigned i = FUN_ABS; i <= FUN_SQRT; i++) {
        masm_fun(m, (enum wj_funop) i, num, any_vec(e, 0), any_vec(e, 0));
    }
    masm_fcmp(m, num, any_vec(e, 0), any_vec(e, 0));
    done(e);
}

static void every_conversion(struct every_operation *e)
{
    for (unsigned i = CVT_I32_WRAP_I64; i <= CVT_I64_TRUNC_SAT_F64_U; i++) {
        enum wj_cvt op = (enum wj_cvt) i;
        bool is_int = op <= CVT_I64_TRUNC_F64_U || op >= CVT_I32_TRUNC_SAT_F32_S ||
                      op == CVT_I32_REINTERPRET_F32 || op == CVT_I64_REINTERPRET_F64;
        bool from_int = op == CVT_I32_WRAP_I64 || op == CVT_I64_EXTEND_I32_S ||
                        op == CVT_I64_EXTEND_I32_U || op == CVT_F32_REINTERPRET_I32 ||
                        op == CVT_F64_REINTERPRET_I64 ||
                        (op >= CVT_F32_CONVERT_I32_S && op <= CVT_F32_CONVERT_I64_U) ||
                        (op >= CVT_F64_CONVERT_I32_S && op <= CVT_F64_CONVERT_I64_U);
        for (unsigned k = 0; k < 2; k++) {
            masm_cvt(e->m, op, is_int ? any_gpr(e, 0) : any_vec(e, 0),
                     from_int ? any_gpr(e, 0) : any_vec(e, 0));
        }
        done(e);
    }
}

static bool is_vector_load(enum wj_load_op op)
{
    return op == LOAD_F32 || op == LOAD_F64 || op >= LOAD_V128;
}

static void every_access(struct every_operation *e)
{
    struct wj_masm *m = e->m;
    for (unsigned i = LOAD_I32; i <= LOAD_V128_64_ZERO; i++) {
        enum wj_load_op op = (enum wj_load_op) i;
        for (unsigned k = 0; k < 6; k++) {
            masm_load(m, op, is_vector_load(op) ? any_vec(e, 0) : any_gpr(e, 0), any_addr(e, 0));
        }
        done(e);
    }
    for (unsigned i = STORE_I32; i <= STORE_V128; i++) {
        enum wj_store_op op = (enum wj_store_op) i;
        bool is_vector = op == STORE_F32 || op == STORE_F64 || op == STORE_V128;
        for (unsigned k = 0; k < 6; k++) {
            masm_store(m, op, is_vector ? any_vec(e, 0) : any_gpr(e, 0), any_addr(e, 0));
            if (!is_vector) {
                masm_store_imm(m, op, (uint64_t) any_imm(e), any_addr(e, 0));
            }
        }
        done(e);
    }
    for (unsigned i = SHAPE_I8X16; i <= SHAPE_F64X2; i++) {
        static const uint8_t counts[] = {16, 8, 4, 2, 4, 2};
        for (unsigned lane = 0; lane < counts[i]; lane++) {
            masm_load_lane(m, (enum wj_shape) i, lane, any_vec(e, 0), any_vec(e, 0),
                           any_addr(e, 0));
            masm_store_lane(m, (enum wj_shape) i, lane, any_vec(e, 0), any_addr(e, 0));
        }
        done(e);
    }
}

static void every_atomic(struct every_operation *e)
{
    struct wj_masm *m = e->m;
    static const uint8_t loads[] = {LOAD_I32,     LOAD_I64,      LOAD_I32_8_U, LOAD_I32_16_U,
                                    LOAD_I64_8_U, LOAD_I64_16_U, LOAD_I64_32_U};
    static const uint8_t stores[] = {STORE_I32,   STORE_I64,    STORE_I32_8, STORE_I32_16,
                                     STORE_I64_8, STORE_I64_16, STORE_I64_32};
    for (unsigned i = 0; i < sizeof loads; i++) {
        masm_atomic_load(m, (enum wj_load_op) loads[i], any_gpr(e, 0), any_addr(e, 0));
        masm_atomic_store(m, (enum wj_store_op) stores[i], any_gpr(e, 0), any_addr(e, 0));
    }
    for (unsigned log2 = 0; log2 < 4; log2++) {
        masm_addr_check_align(m, any_addr(e, 0), log2);
        for (unsigned n = log2 == 3 ? NUM_I64 : NUM_I32; n <= NUM_I64; n++) {
            enum wj_num num = (enum wj_num) n;
            wj_reg old = MASM_CMPXCHG_FIXED ? (wj_reg) MASM_CMPXCHG_REG : any_gpr(e, 0);
            for (unsigned op = RMW_ADD; op <= RMW_XCHG; op++) {
                struct wj_addr a = any_addr(e, bit(old));
                masm_atomic_rmw(m, (enum wj_rmw) op, num, log2, old, any_gpr(e, bit(old)), a);
            }
            struct wj_addr a = any_addr(e, bit(old));
            masm_atomic_cmpxchg(m, num, log2, old, any_gpr(e, 0), any_gpr(e, bit(old)), a);
            done(e);
        }
    }
    masm_fence(m);
    done(e);
}

// An operation of the opcode table: only those pairs of operation and shape exist.
static void every_vector_row(struct every_operation *e, const struct wj_opcode_info *row)
{
    struct wj_masm *m = e->m;
    enum wj_shape shape = (enum wj_shape) row->type;
    bool from_float = shape >= SHAPE_F32X4;
    wj_reg d = any_vec(e, 0), a = any_vec(e, 0), b = any_vec(e, 0);
    switch (row->family) {
    case FAM_VUNARY: masm_vun(m, (enum wj_vunop) row->sub, shape, d, a); break;
    case FAM_VBINARY: {
        enum wj_vbinop op = (enum wj_vbinop) row->sub;
        masm_vbin(m, op, shape, d, a, b);
        if (masm_vbin_takes_mem(op, shape)) {
            masm_vbin_slot(m, op, shape, d, a, any_slot(e));
            masm_vbin_addr(m, op, shape, d, a, any_addr(e, 0));
        }
        break;
    }
    case FAM_VTERNARY:
        masm_vtern(m, (enum wj_vternop) row->sub, shape, d, a, any_vec(e, bit(d)),
                   any_vec(e, bit(d)));
        masm_vtern(m, (enum wj_vternop) row->sub, shape, d, d, b, d);
        break;
    case FAM_VSHIFT:
        masm_vshift(m, (enum wj_vshift) row->sub, shape, d, a, any_gpr(e, 0));
        masm_vshift_imm(m, (enum wj_vshift) row->sub, shape, d, a, any_below(e, 64));
        break;
    case FAM_VTEST: masm_vtest(m, (enum wj_vtest) row->sub, shape, any_gpr(e, 0), a); break;
    case FAM_VSPLAT: masm_vsplat(m, shape, d, from_float ? a : any_gpr(e, 0)); break;
    default: return;
    }
    done(e);
}

static void every_lane(struct every_operation *e)
{
    static const uint8_t counts[] = {16, 8, 4, 2, 4, 2};
    for (unsigned i = SHAPE_I8X16; i <= SHAPE_F64X2; i++) {
        bool is_float = i >= SHAPE_F32X4;
        for (unsigned lane = 0; lane < counts[i]; lane++) {
            for (unsigned k = 0; k < 2; k++) {
                masm_vextract(e->m, (enum wj_shape) i, k != 0, lane,
                              is_float ? any_vec(e, 0) : any_gpr(e, 0), any_vec(e, 0));
            }
            wj_reg d = any_vec(e, 0);
            masm_vreplace(e->m, (enum wj_shape) i, lane, d, any_vec(e, 0),
                          is_float ? any_vec(e, bit(d)) : any_gpr(e, 0));
        }
        done(e);
    }
}

// Lane i of a shuffle of lanes of `width` bytes: a pattern that is one instruction somewhere.
static unsigned shuffled_lane(unsigned kind, unsigned i, unsigned count, unsigned half)
{
    switch (kind) {
    case 0: return i / 2 + half * count / 2 + (i & 1) * count;              // interleaved halves
    case 1: return (2 * i + half) % (2 * count);                            // every other one
    case 2: return (i & ~1u) + half + (i & 1) * count;                      // transposed pairs
    case 3: return i ^ 1;                                                   // exchanged ones
    case 4: return half != 0 ? (i + count / 2) % count : (i & ~1u) % count; // of one operand
    default: return i + (i & half) * count;                                 // each in its place
    }
}

static void every_shuffle(struct every_operation *e)
{
    for (unsigned k = 0; k < 160; k++) {
        uint8_t lanes[16];
        unsigned kind = k % 10, width = 1u << any_below(e, 4), half = any_below(e, 2);
        unsigned first = any_below(e, 32);
        for (unsigned i = 0; i < 16; i++) {
            unsigned lane = kind < 6    ? shuffled_lane(kind, i / width, 16 / width, half)
                            : kind == 6 ? any_below(e, 32 / width)
                                        : first / width;
            // Whole lanes, a run of bytes, any bytes.
            lanes[i] = kind == 8                     ? (uint8_t) ((first + i) & 31)
                       : kind == 9                   ? (uint8_t) any_below(e, 32)
                       : kind == 6 && i % width != 0 ? (uint8_t) (lanes[i - 1] + 1)
                                                     : (uint8_t) (lane * width + i % width);
        }
        wj_reg a = any_vec(e, 0);
        masm_vshuffle(e->m, any_vec(e, 0), a, k % 16 == 7 ? a : any_vec(e, 0), lanes);
        done(e);
    }
}

static void every_frame(struct every_operation *e)
{
    struct wj_masm *m = e->m;
    static const uint32_t frames[] = {16, 48, 512, 4096, 32768, 40000, 163840, 1000000};
    for (unsigned i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        masm_prologue(m, frames[i] - MASM_CALL_PUSH_BYTES);
        masm_epilogue(m, frames[i] - MASM_CALL_PUSH_BYTES);
        masm_ret(m);
    }
    masm_call_slot(m, any_slot(e));
    masm_jmp_slot(m, any_slot(e));
    masm_call_reg(m, any_gpr(e, 0));
    masm_jmp_reg(m, any_gpr(e, 0));
    for (uint64_t far = 0; far < 2; far++) {
        uint64_t address = m->buf.address + (far << 30) + 8 * any_below(e, 1000);
        masm_call_addr(m, address);
        masm_jmp_addr(m, address);
        masm_call_table(m, address);
        masm_jmp_table(m, address);
    }
    masm_tail_room(m, 64, masm_tail_words(200, 16), any_slot(e));
    done(e);
}

static void every_stub(struct every_operation *e)
{
    struct wj_masm *m = e->m;
    const struct wj_stub_layout layout = {8, 16, 24, 32, 40, 48, m->buf.address, 1, 2};
    for (unsigned i = 0; i < 2; i++) {
        masm_enter_begin(m, 64 << 9 * i, &layout);
        masm_enter_end(m, 64 << 9 * i, &layout);
        masm_stub_lazy(m, i != 0, &layout);
    }
    masm_stub_unwind(m, &layout);
    masm_stub_call_c(m, &layout);
    masm_stub_tail_room(m, m->buf.address);
    masm_stub_tail_return(m, 64);
    done(e);
}

static void emit_every_operation(struct every_operation *e)
{
    every_branch(e);
    every_move(e);
    for (unsigned num = NUM_I32; num <= NUM_I64; num++) {
        every_int(e, (enum wj_num) num);
        every_division(e, (enum wj_num) num);
    }
    every_float(e, NUM_F32);
    every_float(e, NUM_F64);
    every_conversion(e);
    every_access(e);
    every_atomic(e);
    for (unsigned i = 0; i < WJ_OP_COUNT; i++) {
        every_vector_row(e, &wj_opcode_infos[i]);
    }
    every_lane(e);
    every_shuffle(e);
    every_frame(e);
    every_stub(e);
}

// All of that, `rounds` times over, as one piece of code without what masm_finish puts behind it.
struct every_code {
    struct wj_masm *m;
    uint8_t *window;
    uint8_t *code;
    size_t size;
};

enum { EVERY_WINDOW_BYTES = 1 << 18 };

static void every_code_take(void *context)
{
    struct every_code *every = context;
    struct wj_codebuf *buf = &every->m->buf;
    size_t size = wj_codebuf_offset(buf);
    if (size < EVERY_WINDOW_BYTES / 2) {
        return;
    }
    assert_false(buf->overflow);
    every->code = realloc(every->code, every->size + size + 1);
    assert_non_null(every->code);
    memcpy(every->code + every->size, every->window, size);
    every->size += size;
    wj_codebuf_begin(buf, every->window, EVERY_WINDOW_BYTES, 0x100000);
    every->m->pair_at = NULL;
    every->m->zero_flag_at = NULL;
}

static void every_code_make(struct every_code *every, unsigned rounds)
{
    every->window = malloc(EVERY_WINDOW_BYTES);
    assert_non_null(every->window);
    wj_codebuf_begin(&every->m->buf, every->window, EVERY_WINDOW_BYTES, 0x100000);
    struct every_operation e = {every->m, 1, every_code_take, every};
    for (unsigned i = 0; i < rounds; i++) {
        every->m->is_deterministic = i % 2 != 0;
        every->m->features = (struct wj_masm_features){i % 2 != 0, i % 4 >= 2};
        emit_every_operation(&e);
    }
    size_t rest = wj_codebuf_offset(&every->m->buf);
    every->code = realloc(every->code, every->size + rest + 1);
    assert_non_null(every->code);
    memcpy(every->code + every->size, every->window, rest);
    every->size += rest;
}

static void every_code_clear(struct every_code *every)
{
    free(every->window);
    free(every->code);
}

#endif
