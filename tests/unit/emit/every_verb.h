// Asks the included target for every verb of emit/masm.h once, with operands that all targets
// take: what compiles here is the whole interface.
#ifndef TESTS_UNIT_EMIT_EVERY_VERB_H
#define TESTS_UNIT_EMIT_EVERY_VERB_H

#include "emit/masm.h"

struct every_verb {
    wj_reg g0, g1, g2, g3, v0, v1, v2, v3;
    struct wj_slot slot;
    struct wj_addr addr;
};

static void emit_every_branch(struct wj_masm *m, const struct every_verb *v)
{
    wj_label label = wj_codebuf_label(&m->buf), other = wj_codebuf_label(&m->buf);
    const wj_label labels[] = {label, other};
    masm_bind(m, label);
    masm_jmp(m, other);
    masm_jcc(m, COND_LT_U, label);
    masm_cbz(m, NUM_I64, true, v->g0, label);
#ifdef MASM_CANON_BY_CODE
    masm_jump_if_nan(m, NUM_F64, v->v0, label);
    masm_jump_if_nan_stored(m, NUM_F32, v->addr, label);
    masm_store_canon(m, NUM_F64, v->v0, v->addr);
#endif
    masm_jump_table(m, v->g0, labels, 2);
    masm_trap(m, WJ_TRAP_UNREACHABLE);
    masm_trap_if(m, COND_NE, WJ_TRAP_OUT_OF_MEMORY);
    masm_align_loop(m);
    masm_bind(m, other);
}

static void emit_every_move(struct wj_masm *m, const struct every_verb *v)
{
    static const uint8_t bytes[16] = {1, 2};
    masm_mov(m, NUM_I64, v->g0, v->g1);
    masm_mov_imm(m, NUM_I32, v->g0, 255);
    masm_mov_fimm(m, NUM_F64, v->v0, 0x3ff0000000000000);
    masm_mov_vimm(m, v->v0, bytes);
    masm_load_slot(m, NUM_F32, v->v0, v->slot);
    masm_store_slot(m, NUM_I32, v->g0, v->slot);
    masm_store_slot_imm(m, NUM_I32, 3, v->slot);
    masm_copy_slots(m, 16, 24, 80);
    masm_zero_slots(m, 16, 24);
    masm_lea_slot(m, v->g0, v->slot);
}

static void emit_every_int(struct wj_masm *m, const struct every_verb *v)
{
    masm_ibin(m, IBIN_ADD, NUM_I32, v->g0, v->g1, v->g2);
    masm_ibin_imm(m, IBIN_ROTR, NUM_I64, v->g0, v->g1, -5);
    masm_ibin_slot(m, IBIN_XOR, NUM_I32, v->g0, v->g1, v->slot);
    masm_ibin_to_slot(m, IBIN_SUB, NUM_I64, v->slot, v->g1);
    masm_ibin_imm_to_slot(m, IBIN_AND, NUM_I32, v->slot, -129);
    masm_ibin_addr(m, IBIN_MUL, NUM_I32, v->g0, v->g1, v->addr);
    masm_lea(m, NUM_I64, v->g0, v->g1, v->g2, 3);
    masm_idiv(m, IBIN_REM_U, NUM_I32, MASM_DIV_HIGH, MASM_DIV_LOW, v->g3);
    masm_idiv_imm(m, IBIN_DIV_S, NUM_I32, v->g2, v->g3, 10);
    masm_iun(m, IUN_EXTEND32_S, NUM_I64, v->g0, v->g1);
    masm_icmp(m, NUM_I32, v->g0, v->g1);
    masm_icmp_imm(m, NUM_I32, v->g0, 7);
    masm_icmp_slot(m, NUM_I32, v->g0, v->slot);
    masm_icmp_addr(m, NUM_I64, v->g0, v->addr);
    masm_itest(m, NUM_I32, v->g0, v->g1);
    masm_itest_imm(m, NUM_I32, v->g0, 1);
    masm_setcc(m, COND_F_NGE, v->g0);
    masm_csel(m, COND_GT_S, NUM_I32, v->g0, v->g1, v->g2);
    masm_add128(m, true, v->g0, v->g1, v->g0, v->g1, v->g2, v->g3);
    masm_mul_wide(m, true, MASM_DIV_LOW, MASM_DIV_HIGH, MASM_DIV_LOW, v->g2);
}

static void emit_every_float(struct wj_masm *m, const struct every_verb *v)
{
    masm_fbin(m, FBIN_COPYSIGN, NUM_F32, v->v0, v->v1, v->v2);
    masm_fbin_slot(m, FBIN_DIV, NUM_F64, v->v0, v->v1, v->slot);
    masm_fbin_addr(m, FBIN_SUB, NUM_F64, v->v0, v->v1, v->addr);
    masm_fun(m, FUN_SQRT, NUM_F32, v->v0, v->v1);
    masm_fcmp(m, NUM_F32, v->v0, v->v1);
#ifdef MASM_CANON_BY_CODE
    masm_canon(m, NUM_F32, v->v0, v->v1);
    masm_vcanon(m, SHAPE_F64X2, v->v0, v->v1);
#endif
    masm_cvt(m, CVT_I64_TRUNC_SAT_F64_U, v->g0, v->v1);
}

static void emit_every_access(struct wj_masm *m, const struct every_verb *v)
{
    wj_reg old = MASM_CMPXCHG_FIXED ? MASM_CMPXCHG_REG : v->g0;
    masm_load(m, LOAD_V128_64_ZERO, v->v0, v->addr);
    masm_store(m, STORE_I64_32, v->g0, v->addr);
    masm_store_imm(m, STORE_I32_16, 5, v->addr);
    masm_load_lane(m, SHAPE_I16X8, 7, v->v0, v->v1, v->addr);
    masm_store_lane(m, SHAPE_I64X2, 1, v->v0, v->addr);
    masm_addr_check_align(m, v->addr, 2);
    masm_atomic_load(m, LOAD_I64_16_U, v->g0, v->addr);
    masm_atomic_store(m, STORE_I32_8, v->g0, v->addr);
    masm_atomic_rmw(m, RMW_XCHG, NUM_I64, 1, old, v->g2, v->addr);
    masm_atomic_cmpxchg(m, NUM_I32, 2, old, v->g2, v->g3, v->addr);
    masm_fence(m);
}

static void emit_every_vector(struct wj_masm *m, const struct every_verb *v)
{
    static const uint8_t lanes[16] = {0, 17, 2, 19, 4, 21, 6, 23, 8, 25, 10, 27, 12, 29, 14, 31};
    masm_vun(m, VUN_RELAXED_TRUNC_U_ZERO, SHAPE_I32X4, v->v0, v->v1);
    masm_vbin(m, VBIN_RELAXED_DOT, SHAPE_I16X8, v->v0, v->v1, v->v2);
    if (masm_vbin_takes_mem(VBIN_ADD, SHAPE_I32X4)) {
        masm_vbin_slot(m, VBIN_ADD, SHAPE_I32X4, v->v0, v->v1, v->slot);
        masm_vbin_addr(m, VBIN_ADD, SHAPE_I32X4, v->v0, v->v1, v->addr);
    }
    masm_vtern(m, VTERN_RELAXED_DOT_ADD, SHAPE_I32X4, v->v0, v->v1, v->v2, v->v3);
    masm_vshift(m, VSHIFT_SHR_U, SHAPE_I8X16, v->v0, v->v1, v->g0);
    masm_vshift_imm(m, VSHIFT_SHL, SHAPE_I64X2, v->v0, v->v1, 33);
    masm_vsplat(m, SHAPE_I8X16, v->v0, v->g0);
    masm_vextract(m, SHAPE_I16X8, true, 3, v->g0, v->v1);
    masm_vreplace(m, SHAPE_F32X4, 2, v->v0, v->v1, v->v2);
    masm_vshuffle(m, v->v0, v->v1, v->v2, lanes);
    masm_vtest(m, VTEST_BITMASK, SHAPE_I64X2, v->g0, v->v1);
}

static void emit_every_call(struct wj_masm *m, const struct every_verb *v)
{
    masm_prologue(m, 48 - MASM_CALL_PUSH_BYTES);
    masm_epilogue(m, 48 - MASM_CALL_PUSH_BYTES);
    masm_ret(m);
    masm_call_slot(m, v->slot);
    masm_jmp_slot(m, v->slot);
    masm_call_reg(m, v->g0);
    masm_jmp_reg(m, v->g0);
    masm_call_addr(m, m->buf.address);
    masm_jmp_addr(m, m->buf.address + 64);
    masm_far_entry(m);
    masm_call_table(m, m->buf.address + 8);
    masm_jmp_table(m, m->buf.address + 16);
    masm_tail_room(m, 64, masm_tail_words(200, 16), v->slot);
}

static void emit_every_stub(struct wj_masm *m)
{
    const struct wj_stub_layout layout = {8, 16, 24, 32, 40, 48, m->buf.address, 1, 2};
    masm_enter_begin(m, 64, &layout);
    masm_enter_end(m, 64, &layout);
    masm_stub_unwind(m, &layout);
    masm_stub_call_c(m, &layout);
    masm_stub_lazy(m, false, &layout);
    masm_stub_lazy(m, true, &layout);
    masm_stub_tail_room(m, m->buf.address);
    masm_stub_tail_return(m, 64);
}

static void emit_every_verb(struct wj_masm *m)
{
    const struct every_verb v = {
        .g0 = MASM_GPR_SCRATCH[2],
        .g1 = MASM_GPR_CALLER[1],
        .g2 = MASM_GPR_CALLER[2],
        .g3 = MASM_GPR_CALLEE[3],
        .v0 = MASM_VEC_SCRATCH[0],
        .v1 = MASM_VEC_CALLER[1],
        .v2 = MASM_VEC_CALLEE[2],
        .v3 = MASM_VEC_CALLEE[3],
        .slot = {MASM_SP, 24},
        .addr = {MASM_MEMBASE, MASM_GPR_CALLER[0], 1000},
    };
    emit_every_branch(m, &v);
    emit_every_move(m, &v);
    emit_every_int(m, &v);
    emit_every_float(m, &v);
    emit_every_access(m, &v);
    emit_every_vector(m, &v);
    emit_every_call(m, &v);
    emit_every_stub(m);
    masm_finish(m);
}

#endif
