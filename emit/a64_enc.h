// AArch64 instruction words: one row for each instruction that the macro assembler uses, as the
// manual writes it (Arm ARM, DDI 0487), and the helpers that place operands in a word. The rows
// make the constants A64_<NAME>, and the tests hold every row against another assembler.
#ifndef EMIT_A64_ENC_H
#define EMIT_A64_ENC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/numeric.h"
#include "emit/masm.h"

// What varies in a row besides its operands.
enum a64_variant {
    A64_ONE,  // nothing
    A64_SF,   // bit 31: %r is w or x
    A64_SFN,  // bits 31 and 22: the same
    A64_FT,   // bit 22: %f is s or d
    A64_SFFT, // both
    A64_VS,   // bits 23:22: %t is 16b, 8h, 4s, 2d; %h and %l the shapes of half, double lanes
    A64_VS3,  // the same without 2d
    A64_VS13, // only 8h and 4s
    A64_VF,   // bit 22: %t is 4s or 2d
    A64_MS,   // bits 31:30: %s is the suffix b, h, nothing, nothing; %r is w or x
};

// X(name, bits, variant, text, imm_at, imm_bits, imm_scale): text holds %d %n %m %a for the
// register fields at bits 0, 5, 16, 10, %N for the register after %n, and %i for the immediate:
// imm_bits wide (negative: signed) at bit imm_at, counted in units of 1 << imm_scale bytes.
// clang-format off
#define A64_INT_ROWS(X) \
    X(ADD,         0x0b000000, A64_SF,  "add %r%d, %r%n, %r%m",           0, 0, 0) \
    X(ADDS,        0x2b000000, A64_SF,  "adds %r%d, %r%n, %r%m",          0, 0, 0) \
    X(SUB,         0x4b000000, A64_SF,  "sub %r%d, %r%n, %r%m",           0, 0, 0) \
    X(SUBS,        0x6b000000, A64_SF,  "subs %r%d, %r%n, %r%m",          0, 0, 0) \
    X(AND,         0x0a000000, A64_SF,  "and %r%d, %r%n, %r%m",           0, 0, 0) \
    X(ORR,         0x2a000000, A64_SF,  "orr %r%d, %r%n, %r%m",           0, 0, 0) \
    X(EOR,         0x4a000000, A64_SF,  "eor %r%d, %r%n, %r%m",           0, 0, 0) \
    X(ANDS,        0x6a000000, A64_SF,  "ands %r%d, %r%n, %r%m",          0, 0, 0) \
    X(ORN,         0x2a200000, A64_SF,  "orn %r%d, %r%n, %r%m",           0, 0, 0) \
    X(ADD_LSL,     0x0b000000, A64_SF,  "add %r%d, %r%n, %r%m, lsl #%i", 10, 5, 0) \
    X(ADD_LSR,     0x0b400000, A64_SF,  "add %r%d, %r%n, %r%m, lsr #%i", 10, 5, 0) \
    X(ADD_UXTX,    0x8b206000, A64_ONE, "add x%d, x%n, x%m, uxtx",        0, 0, 0) \
    X(SUB_UXTX,    0xcb206000, A64_ONE, "sub x%d, x%n, x%m, uxtx",        0, 0, 0) \
    X(SUBS_UXTB,   0x6b200000, A64_ONE, "subs w%d, w%n, w%m, uxtb",       0, 0, 0) \
    X(SUBS_UXTH,   0x6b202000, A64_ONE, "subs w%d, w%n, w%m, uxth",       0, 0, 0) \
    X(SUBS_UXTW,   0xeb204000, A64_ONE, "subs x%d, x%n, w%m, uxtw",       0, 0, 0) \
    X(SUBS_SXTW,   0xeb20c000, A64_ONE, "subs x%d, x%n, w%m, sxtw",       0, 0, 0) \
    X(ADC,         0x1a000000, A64_SF,  "adc %r%d, %r%n, %r%m",           0, 0, 0) \
    X(SBC,         0x5a000000, A64_SF,  "sbc %r%d, %r%n, %r%m",           0, 0, 0) \
    X(UDIV,        0x1ac00800, A64_SF,  "udiv %r%d, %r%n, %r%m",          0, 0, 0) \
    X(SDIV,        0x1ac00c00, A64_SF,  "sdiv %r%d, %r%n, %r%m",          0, 0, 0) \
    X(LSLV,        0x1ac02000, A64_SF,  "lslv %r%d, %r%n, %r%m",          0, 0, 0) \
    X(LSRV,        0x1ac02400, A64_SF,  "lsrv %r%d, %r%n, %r%m",          0, 0, 0) \
    X(ASRV,        0x1ac02800, A64_SF,  "asrv %r%d, %r%n, %r%m",          0, 0, 0) \
    X(RORV,        0x1ac02c00, A64_SF,  "rorv %r%d, %r%n, %r%m",          0, 0, 0) \
    X(MADD,        0x1b000000, A64_SF,  "madd %r%d, %r%n, %r%m, %r%a",    0, 0, 0) \
    X(MSUB,        0x1b008000, A64_SF,  "msub %r%d, %r%n, %r%m, %r%a",    0, 0, 0) \
    X(SMULH,       0x9b407c00, A64_ONE, "smulh x%d, x%n, x%m",            0, 0, 0) \
    X(UMULH,       0x9bc07c00, A64_ONE, "umulh x%d, x%n, x%m",            0, 0, 0) \
    X(SBFM,        0x13000000, A64_SFN, "sbfm %r%d, %r%n, #%i, #0",      16, 5, 0) \
    X(UBFM,        0x53000000, A64_SFN, "ubfm %r%d, %r%n, #%i, #0",      16, 5, 0) \
    X(EXTR,        0x13800000, A64_SFN, "extr %r%d, %r%n, %r%m, #%i",    10, 5, 0) \
    X(RBIT,        0x5ac00000, A64_SF,  "rbit %r%d, %r%n",                0, 0, 0) \
    X(CLZ,         0x5ac01000, A64_SF,  "clz %r%d, %r%n",                 0, 0, 0) \
    X(ADD_IMM,     0x11000000, A64_SF,  "add %r%d, %r%n, #%i",           10, 12, 0) \
    X(ADD_IMM12,   0x11400000, A64_SF,  "add %r%d, %r%n, #%i, lsl #12",  10, 12, 0) \
    X(ADDS_IMM,    0x31000000, A64_SF,  "adds %r%d, %r%n, #%i",          10, 12, 0) \
    X(SUB_IMM,     0x51000000, A64_SF,  "sub %r%d, %r%n, #%i",           10, 12, 0) \
    X(SUB_IMM12,   0x51400000, A64_SF,  "sub %r%d, %r%n, #%i, lsl #12",  10, 12, 0) \
    X(SUBS_IMM,    0x71000000, A64_SF,  "subs %r%d, %r%n, #%i",          10, 12, 0) \
    X(ADDS_IMM12,  0x31400000, A64_SF,  "adds %r%d, %r%n, #%i, lsl #12", 10, 12, 0) \
    X(SUBS_IMM12,  0x71400000, A64_SF,  "subs %r%d, %r%n, #%i, lsl #12", 10, 12, 0) \
    X(MOVZ,        0x52800000, A64_SF,  "movz %r%d, #%i",                 5, 16, 0) \
    X(MOVN,        0x12800000, A64_SF,  "movn %r%d, #%i",                 5, 16, 0) \
    X(MOVK,        0x72800000, A64_SF,  "movk %r%d, #%i",                 5, 16, 0) \
    X(AND_IMM,     0x12000000, A64_SF,  "and %r%d, %r%n, #1",             0, 0, 0) \
    X(ORR_IMM,     0x32000000, A64_SF,  "orr %r%d, %r%n, #1",             0, 0, 0) \
    X(EOR_IMM,     0x52000000, A64_SF,  "eor %r%d, %r%n, #1",             0, 0, 0) \
    X(ANDS_IMM,    0x72000000, A64_SF,  "ands %r%d, %r%n, #1",            0, 0, 0) \
    X(CSEL,        0x1a800000, A64_SF,  "csel %r%d, %r%n, %r%m, eq",      0, 0, 0) \
    X(CSINC,       0x1a800400, A64_SF,  "csinc %r%d, %r%n, %r%m, eq",     0, 0, 0) \
    X(CSINV,       0x5a800000, A64_SF,  "csinv %r%d, %r%n, %r%m, eq",     0, 0, 0) \
    X(CCMP_IMM,    0x7a400800, A64_SF,  "ccmp %r%n, #%i, #0, eq",        16, 5, 0) \
    X(BR,          0xd61f0000, A64_ONE, "br x%n",                         0, 0, 0) \
    X(BLR,         0xd63f0000, A64_ONE, "blr x%n",                        0, 0, 0) \
    X(RET,         0xd65f03c0, A64_ONE, "ret",                            0, 0, 0) \
    X(RET_REG,     0xd65f0000, A64_ONE, "ret x%n",                        0, 0, 0) \
    X(B,           0x14000000, A64_ONE, "b #%i",                          0, -26, 2) \
    X(BL,          0x94000000, A64_ONE, "bl #%i",                         0, -26, 2) \
    X(BCOND,       0x54000000, A64_ONE, "b.eq #%i",                       5, -19, 2) \
    X(CBZ,         0x34000000, A64_SF,  "cbz %r%d, #%i",                  5, -19, 2) \
    X(CBNZ,        0x35000000, A64_SF,  "cbnz %r%d, #%i",                 5, -19, 2) \
    X(ADR,         0x10000000, A64_ONE, "adr x%d, #%i",                   5, -19, 2) \
    X(ADRP,        0x90000000, A64_ONE, "adrp x%d, #%i",                  5, -19, 14) \
    X(UDF,         0x00000000, A64_ONE, "udf #%i",                        0, 16, 0) \
    X(NOP,         0xd503201f, A64_ONE, "nop",                            0, 0, 0) \
    X(BTI_C,       0xd503245f, A64_ONE, "bti c",                          0, 0, 0) \
    X(BTI_J,       0xd503249f, A64_ONE, "bti j",                          0, 0, 0) \
    X(BTI_JC,      0xd50324df, A64_ONE, "bti jc",                         0, 0, 0) \
    X(DMB_ISH,     0xd5033bbf, A64_ONE, "dmb ish",                        0, 0, 0) \
    X(MRS_FPCR,    0xd53b4400, A64_ONE, "mrs x%d, fpcr",                  0, 0, 0) \
    X(MSR_FPCR,    0xd51b4400, A64_ONE, "msr fpcr, x%d",                  0, 0, 0)

#define A64_MEMORY_ROWS(X) \
    X(STP_X,       0xa9000000, A64_ONE, "stp x%d, x%a, [x%n, #%i]",      15, -7, 3) \
    X(LDP_X,       0xa9400000, A64_ONE, "ldp x%d, x%a, [x%n, #%i]",      15, -7, 3) \
    X(LDR_X_POST8, 0xf8408400, A64_ONE, "ldr x%d, [x%n], #8",             0, 0, 0) \
    X(STR_X_POST8, 0xf8008400, A64_ONE, "str x%d, [x%n], #8",             0, 0, 0) \
    X(STP_X_POST,  0xa8800000, A64_ONE, "stp x%d, x%a, [x%n], #%i",      15, -7, 3) \
    X(STP_D,       0x6d000000, A64_ONE, "stp d%d, d%a, [x%n, #%i]",      15, -7, 3) \
    X(LDP_D,       0x6d400000, A64_ONE, "ldp d%d, d%a, [x%n, #%i]",      15, -7, 3) \
    X(STP_Q,       0xad000000, A64_ONE, "stp q%d, q%a, [x%n, #%i]",      15, -7, 4) \
    X(LDP_Q,       0xad400000, A64_ONE, "ldp q%d, q%a, [x%n, #%i]",      15, -7, 4) \
    X(LDR_LIT_X,   0x58000000, A64_ONE, "ldr x%d, #%i",                   5, -19, 2) \
    X(LDR_LIT_D,   0x5c000000, A64_ONE, "ldr d%d, #%i",                   5, -19, 2) \
    X(LDR_LIT_Q,   0x9c000000, A64_ONE, "ldr q%d, #%i",                   5, -19, 2) \
    X(LDAR,        0x08dffc00, A64_MS,  "ldar%s %r%d, [x%n]",             0, 0, 0) \
    X(STLR,        0x089ffc00, A64_MS,  "stlr%s %r%d, [x%n]",             0, 0, 0) \
    X(LDAXR,       0x085ffc00, A64_MS,  "ldaxr%s %r%d, [x%n]",            0, 0, 0) \
    X(STLXR,       0x0800fc00, A64_MS,  "stlxr%s w%m, %r%d, [x%n]",       0, 0, 0) \
    X(LDADDAL,     0x38e00000, A64_MS,  "ldaddal%s %r%m, %r%d, [x%n]",    0, 0, 0) \
    X(LDCLRAL,     0x38e01000, A64_MS,  "ldclral%s %r%m, %r%d, [x%n]",    0, 0, 0) \
    X(LDEORAL,     0x38e02000, A64_MS,  "ldeoral%s %r%m, %r%d, [x%n]",    0, 0, 0) \
    X(LDSETAL,     0x38e03000, A64_MS,  "ldsetal%s %r%m, %r%d, [x%n]",    0, 0, 0) \
    X(SWPAL,       0x38e08000, A64_MS,  "swpal%s %r%m, %r%d, [x%n]",      0, 0, 0) \
    X(CASAL,       0x08e0fc00, A64_MS,  "casal%s %r%m, %r%d, [x%n]",      0, 0, 0) \
    X(LD1_B,       0x0d400000, A64_ONE, "ld1 { v%d.b }[%i], [x%n]",      10, 3, 0) \
    X(LD1_H,       0x0d404000, A64_ONE, "ld1 { v%d.h }[%i], [x%n]",      11, 2, 0) \
    X(LD1_S,       0x0d408000, A64_ONE, "ld1 { v%d.s }[%i], [x%n]",      12, 1, 0) \
    X(LD1_D,       0x0d408400, A64_ONE, "ld1 { v%d.d }[%i], [x%n]",      30, 1, 0) \
    X(ST1_B,       0x0d000000, A64_ONE, "st1 { v%d.b }[%i], [x%n]",      10, 3, 0) \
    X(ST1_H,       0x0d004000, A64_ONE, "st1 { v%d.h }[%i], [x%n]",      11, 2, 0) \
    X(ST1_S,       0x0d008000, A64_ONE, "st1 { v%d.s }[%i], [x%n]",      12, 1, 0) \
    X(ST1_D,       0x0d008400, A64_ONE, "st1 { v%d.d }[%i], [x%n]",      30, 1, 0)

#define A64_FLOAT_ROWS(X) \
    X(FADD,        0x1e202800, A64_FT,   "fadd %f%d, %f%n, %f%m",         0, 0, 0) \
    X(FSUB,        0x1e203800, A64_FT,   "fsub %f%d, %f%n, %f%m",         0, 0, 0) \
    X(FMUL,        0x1e200800, A64_FT,   "fmul %f%d, %f%n, %f%m",         0, 0, 0) \
    X(FDIV,        0x1e201800, A64_FT,   "fdiv %f%d, %f%n, %f%m",         0, 0, 0) \
    X(FMAX,        0x1e204800, A64_FT,   "fmax %f%d, %f%n, %f%m",         0, 0, 0) \
    X(FMIN,        0x1e205800, A64_FT,   "fmin %f%d, %f%n, %f%m",         0, 0, 0) \
    X(FMOV,        0x1e204000, A64_FT,   "fmov %f%d, %f%n",               0, 0, 0) \
    X(FABS,        0x1e20c000, A64_FT,   "fabs %f%d, %f%n",               0, 0, 0) \
    X(FNEG,        0x1e214000, A64_FT,   "fneg %f%d, %f%n",               0, 0, 0) \
    X(FSQRT,       0x1e21c000, A64_FT,   "fsqrt %f%d, %f%n",              0, 0, 0) \
    X(FRINTN,      0x1e244000, A64_FT,   "frintn %f%d, %f%n",             0, 0, 0) \
    X(FRINTP,      0x1e24c000, A64_FT,   "frintp %f%d, %f%n",             0, 0, 0) \
    X(FRINTM,      0x1e254000, A64_FT,   "frintm %f%d, %f%n",             0, 0, 0) \
    X(FRINTZ,      0x1e25c000, A64_FT,   "frintz %f%d, %f%n",             0, 0, 0) \
    X(FCMP,        0x1e202000, A64_FT,   "fcmp %f%n, %f%m",               0, 0, 0) \
    X(FCSEL,       0x1e200c00, A64_FT,   "fcsel %f%d, %f%n, %f%m, eq",    0, 0, 0) \
    X(FMOV_IMM,    0x1e201000, A64_FT,   "fmov %f%d, #2.0",               0, 0, 0) \
    X(FCVT_S_D,    0x1e624000, A64_ONE,  "fcvt s%d, d%n",                 0, 0, 0) \
    X(FCVT_D_S,    0x1e22c000, A64_ONE,  "fcvt d%d, s%n",                 0, 0, 0) \
    X(FMOV_W_S,    0x1e260000, A64_ONE,  "fmov w%d, s%n",                 0, 0, 0) \
    X(FMOV_S_W,    0x1e270000, A64_ONE,  "fmov s%d, w%n",                 0, 0, 0) \
    X(FMOV_X_D,    0x9e660000, A64_ONE,  "fmov x%d, d%n",                 0, 0, 0) \
    X(FMOV_D_X,    0x9e670000, A64_ONE,  "fmov d%d, x%n",                 0, 0, 0) \
    X(SCVTF,       0x1e220000, A64_SFFT, "scvtf %f%d, %r%n",              0, 0, 0) \
    X(UCVTF,       0x1e230000, A64_SFFT, "ucvtf %f%d, %r%n",              0, 0, 0) \
    X(FCVTZS,      0x1e380000, A64_SFFT, "fcvtzs %r%d, %f%n",             0, 0, 0) \
    X(FCVTZU,      0x1e390000, A64_SFFT, "fcvtzu %r%d, %f%n",             0, 0, 0)

#define A64_VECTOR_ROWS(X) \
    X(AND_V,       0x4e201c00, A64_ONE, "and v%d.16b, v%n.16b, v%m.16b",  0, 0, 0) \
    X(BIC_V,       0x4e601c00, A64_ONE, "bic v%d.16b, v%n.16b, v%m.16b",  0, 0, 0) \
    X(ORR_V,       0x4ea01c00, A64_ONE, "orr v%d.16b, v%n.16b, v%m.16b",  0, 0, 0) \
    X(EOR_V,       0x6e201c00, A64_ONE, "eor v%d.16b, v%n.16b, v%m.16b",  0, 0, 0) \
    X(BSL,         0x6e601c00, A64_ONE, "bsl v%d.16b, v%n.16b, v%m.16b",  0, 0, 0) \
    X(BIT,         0x6ea01c00, A64_ONE, "bit v%d.16b, v%n.16b, v%m.16b",  0, 0, 0) \
    X(BIF,         0x6ee01c00, A64_ONE, "bif v%d.16b, v%n.16b, v%m.16b",  0, 0, 0) \
    X(ADD_V,       0x4e208400, A64_VS,  "add v%d.%t, v%n.%t, v%m.%t",     0, 0, 0) \
    X(SUB_V,       0x6e208400, A64_VS,  "sub v%d.%t, v%n.%t, v%m.%t",     0, 0, 0) \
    X(MUL_V,       0x4e209c00, A64_VS3, "mul v%d.%t, v%n.%t, v%m.%t",     0, 0, 0) \
    X(SQADD,       0x4e200c00, A64_VS,  "sqadd v%d.%t, v%n.%t, v%m.%t",   0, 0, 0) \
    X(UQADD,       0x6e200c00, A64_VS,  "uqadd v%d.%t, v%n.%t, v%m.%t",   0, 0, 0) \
    X(SQSUB,       0x4e202c00, A64_VS,  "sqsub v%d.%t, v%n.%t, v%m.%t",   0, 0, 0) \
    X(UQSUB,       0x6e202c00, A64_VS,  "uqsub v%d.%t, v%n.%t, v%m.%t",   0, 0, 0) \
    X(SMIN,        0x4e206c00, A64_VS3, "smin v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(UMIN,        0x6e206c00, A64_VS3, "umin v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(SMAX,        0x4e206400, A64_VS3, "smax v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(UMAX,        0x6e206400, A64_VS3, "umax v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(UMAXP,       0x6e20a400, A64_VS3, "umaxp v%d.%t, v%n.%t, v%m.%t",   0, 0, 0) \
    X(URHADD,      0x6e201400, A64_VS3, "urhadd v%d.%t, v%n.%t, v%m.%t",  0, 0, 0) \
    X(SQRDMULH,    0x6e20b400, A64_VS13, "sqrdmulh v%d.%t, v%n.%t, v%m.%t", 0, 0, 0) \
    X(ADDP,        0x4e20bc00, A64_VS,  "addp v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(CMEQ,        0x6e208c00, A64_VS,  "cmeq v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(CMGT,        0x4e203400, A64_VS,  "cmgt v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(CMGE,        0x4e203c00, A64_VS,  "cmge v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(CMHI,        0x6e203400, A64_VS,  "cmhi v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(CMHS,        0x6e203c00, A64_VS,  "cmhs v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(SSHL,        0x4e204400, A64_VS,  "sshl v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(USHL,        0x6e204400, A64_VS,  "ushl v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(FADD_V,      0x4e20d400, A64_VF,  "fadd v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(FSUB_V,      0x4ea0d400, A64_VF,  "fsub v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(FMUL_V,      0x6e20dc00, A64_VF,  "fmul v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(FDIV_V,      0x6e20fc00, A64_VF,  "fdiv v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(FMAX_V,      0x4e20f400, A64_VF,  "fmax v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(FMIN_V,      0x4ea0f400, A64_VF,  "fmin v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(FCMEQ,       0x4e20e400, A64_VF,  "fcmeq v%d.%t, v%n.%t, v%m.%t",   0, 0, 0) \
    X(FCMGE,       0x6e20e400, A64_VF,  "fcmge v%d.%t, v%n.%t, v%m.%t",   0, 0, 0) \
    X(FCMGT,       0x6ea0e400, A64_VF,  "fcmgt v%d.%t, v%n.%t, v%m.%t",   0, 0, 0) \
    X(SMULL_V,     0x0e20c000, A64_VS3, "smull v%d.%l, v%n.%o, v%m.%o",   0, 0, 0) \
    X(SMULL2_V,    0x4e20c000, A64_VS3, "smull2 v%d.%l, v%n.%t, v%m.%t",  0, 0, 0) \
    X(UMULL_V,     0x2e20c000, A64_VS3, "umull v%d.%l, v%n.%o, v%m.%o",   0, 0, 0) \
    X(UMULL2_V,    0x6e20c000, A64_VS3, "umull2 v%d.%l, v%n.%t, v%m.%t",  0, 0, 0) \
    X(UMLAL_V,     0x2e208000, A64_VS3, "umlal v%d.%l, v%n.%o, v%m.%o",   0, 0, 0) \
    X(ZIP1,        0x4e003800, A64_VS,  "zip1 v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(ZIP2,        0x4e007800, A64_VS,  "zip2 v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(UZP1,        0x4e001800, A64_VS,  "uzp1 v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(UZP2,        0x4e005800, A64_VS,  "uzp2 v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(TRN1,        0x4e002800, A64_VS,  "trn1 v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(TRN2,        0x4e006800, A64_VS,  "trn2 v%d.%t, v%n.%t, v%m.%t",    0, 0, 0) \
    X(EXT,         0x6e000000, A64_ONE, "ext v%d.16b, v%n.16b, v%m.16b, #%i", 11, 4, 0) \
    X(TBL1,        0x4e000000, A64_ONE, "tbl v%d.16b, { v%n.16b }, v%m.16b", 0, 0, 0) \
    X(TBL2,        0x4e002000, A64_ONE, "tbl v%d.16b, { v%n.16b, v%N.16b }, v%m.16b", 0, 0, 0) \
    X(CNT,         0x4e205800, A64_ONE, "cnt v%d.16b, v%n.16b",           0, 0, 0) \
    X(CNT_8B,      0x0e205800, A64_ONE, "cnt v%d.8b, v%n.8b",             0, 0, 0) \
    X(NOT_V,       0x6e205800, A64_ONE, "not v%d.16b, v%n.16b",           0, 0, 0) \
    X(REV64,       0x4e200800, A64_VS3, "rev64 v%d.%t, v%n.%t",           0, 0, 0) \
    X(ABS_V,       0x4e20b800, A64_VS,  "abs v%d.%t, v%n.%t",             0, 0, 0) \
    X(NEG_V,       0x6e20b800, A64_VS,  "neg v%d.%t, v%n.%t",             0, 0, 0) \
    X(CMEQ_ZERO,   0x4e209800, A64_VS,  "cmeq v%d.%t, v%n.%t, #0",        0, 0, 0) \
    X(SADDLP,      0x4e202800, A64_VS3, "saddlp v%d.%l, v%n.%t",          0, 0, 0) \
    X(UADDLP,      0x6e202800, A64_VS3, "uaddlp v%d.%l, v%n.%t",          0, 0, 0) \
    X(XTN,         0x0e212800, A64_VS3, "xtn v%d.%o, v%n.%l",             0, 0, 0) \
    X(SQXTN,       0x0e214800, A64_VS3, "sqxtn v%d.%o, v%n.%l",           0, 0, 0) \
    X(SQXTN2,      0x4e214800, A64_VS3, "sqxtn2 v%d.%t, v%n.%l",          0, 0, 0) \
    X(UQXTN,       0x2e214800, A64_VS3, "uqxtn v%d.%o, v%n.%l",           0, 0, 0) \
    X(SQXTUN,      0x2e212800, A64_VS3, "sqxtun v%d.%o, v%n.%l",          0, 0, 0) \
    X(SQXTUN2,     0x6e212800, A64_VS3, "sqxtun2 v%d.%t, v%n.%l",         0, 0, 0) \
    X(ADDV_8B,     0x0e31b800, A64_ONE, "addv b%d, v%n.8b",               0, 0, 0) \
    X(ADDV_8H,     0x4e71b800, A64_ONE, "addv h%d, v%n.8h",               0, 0, 0) \
    X(ADDV_4S,     0x4eb1b800, A64_ONE, "addv s%d, v%n.4s",               0, 0, 0) \
    X(FABS_V,      0x4ea0f800, A64_VF,  "fabs v%d.%t, v%n.%t",            0, 0, 0) \
    X(FNEG_V,      0x6ea0f800, A64_VF,  "fneg v%d.%t, v%n.%t",            0, 0, 0) \
    X(FSQRT_V,     0x6ea1f800, A64_VF,  "fsqrt v%d.%t, v%n.%t",           0, 0, 0) \
    X(FRINTN_V,    0x4e218800, A64_VF,  "frintn v%d.%t, v%n.%t",          0, 0, 0) \
    X(FRINTM_V,    0x4e219800, A64_VF,  "frintm v%d.%t, v%n.%t",          0, 0, 0) \
    X(FRINTP_V,    0x4ea18800, A64_VF,  "frintp v%d.%t, v%n.%t",          0, 0, 0) \
    X(FRINTZ_V,    0x4ea19800, A64_VF,  "frintz v%d.%t, v%n.%t",          0, 0, 0) \
    X(FCVTZS_V,    0x4ea1b800, A64_VF,  "fcvtzs v%d.%t, v%n.%t",          0, 0, 0) \
    X(FCVTZU_V,    0x6ea1b800, A64_VF,  "fcvtzu v%d.%t, v%n.%t",          0, 0, 0) \
    X(SCVTF_V,     0x4e21d800, A64_VF,  "scvtf v%d.%t, v%n.%t",           0, 0, 0) \
    X(UCVTF_V,     0x6e21d800, A64_VF,  "ucvtf v%d.%t, v%n.%t",           0, 0, 0) \
    X(FCVTN,       0x0e616800, A64_ONE, "fcvtn v%d.2s, v%n.2d",           0, 0, 0) \
    X(FCVTL,       0x0e617800, A64_ONE, "fcvtl v%d.2d, v%n.2s",           0, 0, 0) \
    X(SHL,         0x4f085400, A64_ONE, "shl v%d.16b, v%n.16b, #%i",     16, 3, 0) \
    X(SSHLL,       0x0f08a400, A64_ONE, "sshll v%d.8h, v%n.8b, #%i",     16, 3, 0) \
    X(SSHLL2,      0x4f08a400, A64_ONE, "sshll2 v%d.8h, v%n.16b, #%i",   16, 3, 0) \
    X(USHLL,       0x2f08a400, A64_ONE, "ushll v%d.8h, v%n.8b, #%i",     16, 3, 0) \
    X(USHLL2,      0x6f08a400, A64_ONE, "ushll2 v%d.8h, v%n.16b, #%i",   16, 3, 0) \
    X(SSHR,        0x4f080400, A64_ONE, "sshr v%d.16b, v%n.16b, #8",      0, 0, 0) \
    X(USHR,        0x6f080400, A64_ONE, "ushr v%d.16b, v%n.16b, #8",      0, 0, 0) \
    X(DUP_LANE,    0x4e010400, A64_ONE, "dup v%d.16b, v%n.b[%i]",        17, 4, 0) \
    X(DUP_GPR,     0x4e010c00, A64_ONE, "dup v%d.16b, w%n",               0, 0, 0) \
    X(DUP_SCALAR,  0x5e010400, A64_ONE, "dup b%d, v%n.b[%i]",            17, 4, 0) \
    X(UMOV_W,      0x0e013c00, A64_ONE, "umov w%d, v%n.b[%i]",           17, 4, 0) \
    X(UMOV_X,      0x4e083c00, A64_ONE, "umov x%d, v%n.d[%i]",           20, 1, 0) \
    X(SMOV_W,      0x0e012c00, A64_ONE, "smov w%d, v%n.b[%i]",           17, 4, 0) \
    X(INS_GPR,     0x4e011c00, A64_ONE, "ins v%d.b[%i], w%n",            17, 4, 0) \
    X(INS_LANE,    0x6e010400, A64_ONE, "ins v%d.b[%i], v%n.b[0]",       17, 4, 0) \
    X(MOVI_16B,    0x4f00e400, A64_ONE, "movi v%d.16b, #%i",              5, 5, 0) \
    X(MOVI_2D,     0x6f00e400, A64_ONE, "movi v%d.2d, #0",                0, 0, 0) \
    X(MOVI_4S_24,  0x4f006400, A64_ONE, "movi v%d.4s, #%i, lsl #24",      5, 5, 0)

// X(name, scale_log2, is_vector, opc, rest of the text after ld/ldu or st/stu).
#define A64_ACCESS_ROWS(X) \
    X(STRB,    0, 0, 0, "st", "rb w")  X(LDRB,    0, 0, 1, "ld", "rb w") \
    X(LDRSB_X, 0, 0, 2, "ld", "rsb x") X(LDRSB_W, 0, 0, 3, "ld", "rsb w") \
    X(STRH,    1, 0, 0, "st", "rh w")  X(LDRH,    1, 0, 1, "ld", "rh w") \
    X(LDRSH_X, 1, 0, 2, "ld", "rsh x") X(LDRSH_W, 1, 0, 3, "ld", "rsh w") \
    X(STR_W,   2, 0, 0, "st", "r w")   X(LDR_W,   2, 0, 1, "ld", "r w") \
    X(LDRSW,   2, 0, 2, "ld", "rsw x") \
    X(STR_X,   3, 0, 0, "st", "r x")   X(LDR_X,   3, 0, 1, "ld", "r x") \
    X(LDR_B,   0, 1, 1, "ld", "r b")   X(LDR_H,   1, 1, 1, "ld", "r h") \
    X(STR_S,   2, 1, 0, "st", "r s")   X(LDR_S,   2, 1, 1, "ld", "r s") \
    X(STR_D,   3, 1, 0, "st", "r d")   X(LDR_D,   3, 1, 1, "ld", "r d") \
    X(STR_Q,   4, 1, 2, "st", "r q")   X(LDR_Q,   4, 1, 3, "ld", "r q")
// clang-format on

#define A64_ROW(name, bits, variant, text, imm_at, imm_bits, imm_scale) A64_##name = (int) (bits),
enum a64_word {
    A64_INT_ROWS(A64_ROW) A64_MEMORY_ROWS(A64_ROW) A64_FLOAT_ROWS(A64_ROW) A64_VECTOR_ROWS(A64_ROW)
};
#undef A64_ROW

// A plain load or store: the fields that all its address forms share.
#define A64_ACCESS(name, scale, is_vector, opc, stem, rest) \
    A64_##name = (int) (((scale) &3u) << 30 | (is_vector) << 26 | (opc) << 22),
enum a64_access { A64_ACCESS_ROWS(A64_ACCESS) };
#undef A64_ACCESS

#define A64_FORM_SCALED 0x39000000u   // [n, #imm12 << scale]
#define A64_FORM_UNSCALED 0x38000000u // [n, #simm9]
#define A64_FORM_INDEX 0x38206800u    // [n, m]

#define A64_ZR 31u          // as an operand of arithmetic; as a base the number means SP
#define A64_BIT_N 0x400000u // of bitfield moves and logical immediates on x registers
#define A64_CARRY_SET 2u
#define A64_OVERFLOW_SET 6u
#define A64_ALWAYS 14u

// Bytes that an access moves, as a power of two.
static inline unsigned a64_access_scale(uint32_t access)
{
    return (access & 0x04800000u) == 0x04800000u ? 4 : access >> 30;
}

static inline uint32_t a64_rrr(wj_reg d, wj_reg n, wj_reg m)
{
    return (uint32_t) (m & 31) << 16 | (uint32_t) (n & 31) << 5 | (d & 31);
}

static inline uint32_t a64_rr(wj_reg d, wj_reg n)
{
    return (uint32_t) (n & 31) << 5 | (d & 31);
}

static inline uint32_t a64_rrra(wj_reg d, wj_reg n, wj_reg m, wj_reg a)
{
    return a64_rrr(d, n, m) | (uint32_t) (a & 31) << 10;
}

// The sf bit: 64-bit operation.
static inline uint32_t a64_sf(enum wj_num num)
{
    return num == NUM_I32 ? 0 : 0x80000000u;
}

// The type bit of scalar floats, which is also the size bit of float lanes.
static inline uint32_t a64_ft(enum wj_num num)
{
    return num == NUM_F64 ? 0x400000u : 0;
}

static inline uint32_t a64_lane_ft(enum wj_shape shape)
{
    return shape == SHAPE_F64X2 ? 0x400000u : 0;
}

// log2 of the bytes of a lane.
static inline unsigned a64_lane_log2(enum wj_shape shape)
{
    return shape <= SHAPE_I64X2 ? (unsigned) shape : (unsigned) shape - 2;
}
_Static_assert(SHAPE_I64X2 == 3 && SHAPE_F32X4 == 4 && SHAPE_F64X2 == 5, "a64_lane_log2");

static inline uint32_t a64_cond(enum wj_cond cond)
{
    static const uint8_t codes[] = {
        [COND_EQ] = 0,
        [COND_NE] = 1,
        [COND_LT_S] = 11,
        [COND_LT_U] = 3,
        [COND_GT_S] = 12,
        [COND_GT_U] = 8,
        [COND_LE_S] = 13,
        [COND_LE_U] = 9,
        [COND_GE_S] = 10,
        [COND_GE_U] = 2,
        [COND_F_EQ] = 0,
        [COND_F_NE] = 1,
        // FCMP of unordered operands leaves N=0 Z=0 C=1 V=1: gt and ge fail, le and lt hold.
        [COND_F_GT] = 12,
        [COND_F_NGT] = 13,
        [COND_F_GE] = 10,
        [COND_F_NGE] = 11,
    };
    return codes[cond];
}

// The lane field (imm5) of dup, ins, umov and smov. Rows stand for byte lane 0: to be XORed.
static inline uint32_t a64_lane(unsigned lane_log2, unsigned lane)
{
    return (((lane << 1 | 1) << lane_log2) ^ 1) << 16;
}

// immh:immb of the shifts. Rows stand for byte lanes and an empty count: to be XORed.
static inline uint32_t a64_shift_left(unsigned lane_log2, unsigned count)
{
    return ((8u << lane_log2) + count) << 16 ^ 8u << 16;
}

static inline uint32_t a64_shift_right(unsigned lane_log2, unsigned count)
{
    return ((16u << lane_log2) - count) << 16 ^ 8u << 16;
}

// The 8 bits of a vector immediate: abc at 16, defgh at 5.
static inline uint32_t a64_vector_imm8(uint8_t imm)
{
    return (uint32_t) (imm >> 5) << 16 | (uint32_t) (imm & 31) << 5;
}

// N:immr:imms, at its place, of a bitmask immediate: a rotated run of ones, replicated. False
// when the value is none.
static inline bool a64_logical_imm(enum wj_num num, uint64_t value, uint32_t *fields)
{
    if (num == NUM_I32) {
        value = (uint32_t) value;
        value |= value << 32;
    }
    if (value == 0 || value == UINT64_MAX) {
        return false;
    }
    unsigned size = 64;
    while (size > 2) {
        unsigned half = size / 2;
        uint64_t mask = (UINT64_C(1) << half) - 1;
        if ((value & mask) != (value >> half & mask)) {
            break;
        }
        size = half;
    }
    uint64_t mask = UINT64_MAX >> (64 - size);
    uint64_t element = value & mask;
    // Rotate right until a run of ones starts at bit 0: its first one follows a zero.
    unsigned rotation = 0;
    if (element & 1) {
        unsigned top_ones = (unsigned) __builtin_clzll(~(element << (64 - size)));
        rotation = (size - top_ones) % size;
    } else {
        rotation = (unsigned) __builtin_ctzll(element);
    }
    uint64_t run =
        rotation == 0 ? element : (element >> rotation | element << (size - rotation)) & mask;
    if ((run & (run + 1)) != 0) {
        return false;
    }
    unsigned ones = (unsigned) __builtin_popcountll(run);
    uint32_t immr = (size - rotation) % size;
    uint32_t imms = ((~(size * 2 - 1)) & 0x3f) | (ones - 1);
    *fields = (size == 64 ? A64_BIT_N : 0) | immr << 16 | imms << 10;
    return true;
}

// The 8-bit form of a float that FMOV can make: sign, 3 bits of exponent, 4 of fraction.
static inline bool a64_float_imm(enum wj_num num, uint64_t bits, uint8_t *imm)
{
    if (num == NUM_F32) {
        uint32_t bits32 = (uint32_t) bits;
        uint32_t exponent = bits32 >> 25 & 0x3f;
        if ((bits32 & 0x7ffff) != 0 || (exponent != 0x20 && exponent != 0x1f)) {
            return false;
        }
        *imm = (uint8_t) ((bits32 >> 24 & 0x80) | (bits32 >> 19 & 0x7f));
        return true;
    }
    uint64_t exponent = bits >> 54 & 0x1ff;
    if ((bits & UINT64_C(0xffffffffffff)) != 0 || (exponent != 0x100 && exponent != 0xff)) {
        return false;
    }
    *imm = (uint8_t) ((bits >> 56 & 0x80) | (bits >> 48 & 0x7f));
    return true;
}

// A branch or literal displacement, in bytes, in the 19-bit field at 5 or the 26-bit field at 0.
static inline bool a64_fits19(int64_t delta)
{
    return delta >= -(1 << 20) && delta < 1 << 20;
}

static inline bool a64_fits26(int64_t delta)
{
    return delta >= -(1 << 27) && delta < 1 << 27;
}

static inline uint32_t a64_imm19(int64_t delta)
{
    return ((uint32_t) (delta >> 2) & 0x7ffff) << 5;
}

static inline uint32_t a64_imm26(int64_t delta)
{
    return (uint32_t) (delta >> 2) & 0x3ffffff;
}

#endif
