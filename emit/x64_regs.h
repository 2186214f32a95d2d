// What each register of x86-64 is for. rcx, r11, xmm14 and xmm15 are temporaries of the verbs:
// rcx holds values, r11 addresses and values, so a verb with a memory operand uses r11 for
// nothing else.
#ifndef EMIT_X64_REGS_H
#define EMIT_X64_REGS_H

#include "emit/x64_enc.h"

#define MASM_TARGET_NAME "x86-64"

// Macros, since the compiler leaves out code by them.
#define MASM_DIV_FIXED 1
#define MASM_CMPXCHG_FIXED 1
#define MASM_CANON_BY_CODE 1

enum {
    MASM_SP = RSP,
    MASM_INST = RBX,
    MASM_MEMBASE = R15,
    MASM_GPR_RESULT = RAX,
    MASM_VEC_RESULT = XMM0,
    MASM_GPR_TARGET = RAX,
    MASM_DIV_LOW = RAX,
    MASM_DIV_HIGH = RDX,
    MASM_CMPXCHG_REG = RAX,
    MASM_CALL_PUSH_BYTES = 8,
    MASM_JUMP_BYTES = 16,
    MASM_HAS_MEM_OPERANDS = 1,

    MASM_GPR_CALLEE_COUNT = 4,
    MASM_GPR_CALLER_COUNT = 4,
    MASM_GPR_SCRATCH_COUNT = 3,
    MASM_VEC_CALLEE_COUNT = 6,
    MASM_VEC_CALLER_COUNT = 5,
    MASM_VEC_SCRATCH_COUNT = 3,
    MASM_GPR_ARGS_COUNT = 6,
    MASM_VEC_ARGS_COUNT = 8,
    MASM_C_ARGS_COUNT = 6,

    // Temporaries.
    X64_TMP = R11,
    X64_TMP2 = RCX,
    X64_VTMP = XMM15,
    X64_VTMP2 = XMM14,
    // With AVX-512 and --deterministic: canonical NaNs in all lanes, wherever wasm code runs.
    X64_F32_NANS = XMM30,
    X64_F64_NANS = XMM31,
};

#define X64_REGS static const wj_reg __attribute__((unused))
X64_REGS MASM_GPR_CALLEE[MASM_GPR_CALLEE_COUNT] = {RBP, R12, R13, R14};
X64_REGS MASM_GPR_CALLER[MASM_GPR_CALLER_COUNT] = {RDI, RSI, R8, R9};
X64_REGS MASM_GPR_SCRATCH[MASM_GPR_SCRATCH_COUNT] = {RAX, RDX, R10};
X64_REGS MASM_VEC_CALLEE[MASM_VEC_CALLEE_COUNT] = {XMM8, XMM9, XMM10, XMM11, XMM12, XMM13};
X64_REGS MASM_VEC_CALLER[MASM_VEC_CALLER_COUNT] = {XMM4, XMM5, XMM6, XMM7, XMM3};
X64_REGS MASM_VEC_SCRATCH[MASM_VEC_SCRATCH_COUNT] = {XMM0, XMM1, XMM2};
X64_REGS MASM_GPR_ARGS[MASM_GPR_ARGS_COUNT] = {RDI, RSI, R8, R9, RDX, R10};
X64_REGS MASM_VEC_ARGS[MASM_VEC_ARGS_COUNT] = {
    XMM4, XMM5, XMM6, XMM7, XMM0, XMM1, XMM2, XMM3,
};
// rcx is a temporary: the compiler fills these last and calls at once.
X64_REGS MASM_C_ARGS[MASM_C_ARGS_COUNT] = {RDI, RSI, RDX, RCX, R8, R9};
#undef X64_REGS

#endif
