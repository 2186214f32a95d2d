// x86-64 opcode words: one row for each instruction that the macro assembler uses, as the manuals
// write it. The rows make the constants X64_<NAME> and VEX_<NAME>; the tests hold every row against
// another assembler and its disassembler, and all that the verbs emit against the rows.
#ifndef EMIT_X64_ROWS_H
#define EMIT_X64_ROWS_H

// An opcode word: the opcode byte, the map (escape bytes), the prefix, and for VEX forms W and L.
// Above them the opcode extension, for x64_r: the value of ModRM.reg where that is no operand.
enum {
    X64_0F = 1 << 8,
    X64_0F38 = 2 << 8,
    X64_0F3A = 3 << 8,
    X64_66 = 1 << 10,
    X64_F3 = 2 << 10,
    X64_F2 = 3 << 10,
    X64_W = 1 << 12, // REX.W in legacy forms, VEX.W in VEX forms
    X64_L256 = 1 << 13,
};
#define X64_EXT(n) ((n) << 16)

// X(name, word, forms, text). Forms: r and m, ModRM.rm may be a register or memory; w, both widths
// of the operands that say r; l, both vector lengths; an upper-case letter says what %f stands for:
// F the four of ps pd ss sd, P the packed, S the scalar ones, U ss and sd by the prefixes of ps and
// pd.
// An operand in the text is a place and a kind. Places: %d is ModRM.reg, %v VEX.vvvv, %m ModRM.rm.
// Kinds: b, h, e, q registers of 8 to 64 bits, r of the row's width, z of the row's size, x
// vectors, n memory of no size. Sizes vary as %z does: 8 bits, and by opcode, prefix and W 16
// to 64. %i8, %i16, %i32 are immediates, %k a vector register in the top of a byte. %a is an
// operation of enum x64_alu, in ModRM.reg if the row has an extension, else in the opcode; %s one
// of enum x64_shift; %c a condition in the opcode.
// clang-format off
#define X64_GENERAL_ROWS(X) \
    X(MOV,          0x8b,                      "rmw", "mov %dr, %mr") \
    X(MOV_TO,       0x89,                      "mw",  "mov %mr, %dr") \
    X(MOV16_TO,     X64_66 | 0x89,             "m",   "mov %mh, %dh") \
    X(MOV8_TO,      0x88,                      "m",   "mov %mb, %db") \
    X(MOV_IMM_TO,   0xc7 | X64_EXT(0),         "mwx",  "mov %mr, %i32") \
    X(MOV16_IMM_TO, X64_66 | 0xc7 | X64_EXT(0), "mx",  "mov %mh, %i16") \
    X(MOV8_IMM_TO,  0xc6 | X64_EXT(0),         "mx",   "mov %mb, %i8") \
    X(MOV_SIGNED,   X64_W | 0xc7 | X64_EXT(0), "rx",   "mov %mq, %i32") \
    X(LEA,          0x8d,                      "mw",  "lea %dr, %mn") \
    X(ALU,          0x03,                      "rmw", "%a %dr, %mr") \
    X(ALU_TO,       0x01,                      "mw",  "%a %mr, %dr") \
    X(ALU_IMM8,     0x83,                       "rmwx", "%a %mr, %i8") \
    X(ALU_IMM32,    0x81,                       "rmwx", "%a %mr, %i32") \
    X(SHIFT_ONE,    0xd1,                       "rwx",  "%s %mr") \
    X(SHIFT_IMM,    0xc1,                       "rwx",  "%s %mr, %i8") \
    X(SHIFT_CL,     0xd3,                       "rwx",  "%s %mr, cl") \
    X(TEST,         0x85,                      "rmw", "test %mr, %dr") \
    X(TEST_IMM,     0xf7 | X64_EXT(0),         "rwx",  "test %mr, %i32") \
    X(TEST8_IMM,    0xf6,                      "rx",   "test %mb, %i8") \
    X(NOT,          0xf7 | X64_EXT(2),         "rwx",  "not %mr") \
    X(NEG,          0xf7 | X64_EXT(3),         "rwx",  "neg %mr") \
    X(MUL,          0xf7 | X64_EXT(4),         "rwx",  "mul %mr") \
    X(IMUL_WIDE,    0xf7 | X64_EXT(5),         "rwx",  "imul %mr") \
    X(DIV,          0xf7 | X64_EXT(6),         "rwx",  "div %mr") \
    X(IDIV,         0xf7 | X64_EXT(7),         "rwx",  "idiv %mr") \
    X(PUSH,         0x50,                      "o",   "push %oq") \
    X(POP,          0x58,                      "o",   "pop %oq") \
    X(MOV_IMM,      0xb8,                      "o",   "mov %oe, %i32") \
    X(MOV_IMM64,    0xb8,                      "o",   "movabs %oq, %i64") \
    X(CALL,         0xff | X64_EXT(2),         "rmx",  "call %mq") \
    X(JMP,          0xff | X64_EXT(4),         "rmx",  "jmp %mq") \
    X(IMUL,         X64_0F | 0xaf,             "rmw", "imul %dr, %mr") \
    X(IMUL_IMM8,    0x6b,                      "rw",  "imul %dr, %mr, %i8") \
    X(IMUL_IMM32,   0x69,                      "rw",  "imul %dr, %mr, %i32") \
    X(MOVSXD,       X64_W | 0x63,              "rm",  "movsxd %dq, %me") \
    X(MOVSX8,       X64_0F | 0xbe,             "rmw", "movsx %dr, %mb") \
    X(MOVSX16,      X64_0F | 0xbf,             "rmw", "movsx %dr, %mh") \
    X(MOVZX8,       X64_0F | 0xb6,             "rm",  "movzx %de, %mb") \
    X(MOVZX16,      X64_0F | 0xb7,             "rm",  "movzx %de, %mh") \
    X(LZCNT,        X64_0F | X64_F3 | 0xbd,    "rw",  "lzcnt %dr, %mr") \
    X(TZCNT,        X64_0F | X64_F3 | 0xbc,    "rw",  "tzcnt %dr, %mr") \
    X(POPCNT,       X64_0F | X64_F3 | 0xb8,    "rw",  "popcnt %dr, %mr") \
    X(BTS_IMM,      X64_0F | X64_W | 0xba | X64_EXT(5), "rx", "bts %mq, %i8") \
    X(CMOV,         X64_0F | 0x40,             "rw",  "cmov%c %dr, %mr") \
    X(SET,          X64_0F | 0x90,             "r",   "set%c %mb") \
    X(XCHG,         0x86,                      "m",   "xchg %mz, %dz") \
    X(XADD,         X64_0F | 0xc0,             "m",   "lock xadd %mz, %dz") \
    X(CMPXCHG,      X64_0F | 0xb0,             "m",   "lock cmpxchg %mz, %dz")

#define X64_VEX_ROWS(X) \
    X(SHLX,         X64_0F38 | X64_66 | 0xf7,  "rw",  "shlx %dr, %mr, %vr") \
    X(SARX,         X64_0F38 | X64_F3 | 0xf7,  "rw",  "sarx %dr, %mr, %vr") \
    X(SHRX,         X64_0F38 | X64_F2 | 0xf7,  "rw",  "shrx %dr, %mr, %vr") \
    X(RORX,         X64_0F3A | X64_F2 | 0xf0,  "rw",  "rorx %dr, %mr, %i8") \
    X(MULX,         X64_0F38 | X64_F2 | 0xf6,  "rw",  "mulx %dr, %vr, %mr") \
    X(MOVAPS,       X64_0F | 0x28,             "rm",  "vmovaps %dx, %mx") \
    X(MOVUPS_LOAD,  X64_0F | 0x10,             "ml",  "vmovups %dx, %mx") \
    X(MOVUPS_STORE, X64_0F | 0x11,             "ml",  "vmovups %mx, %dx") \
    X(MOVSS_LOAD,   X64_0F | X64_F3 | 0x10,    "m",   "vmovss %dx, %mx") \
    X(MOVSS_STORE,  X64_0F | X64_F3 | 0x11,    "m",   "vmovss %mx, %dx") \
    X(MOVSD_LOAD,   X64_0F | X64_F2 | 0x10,    "m",   "vmovsd %dx, %mx") \
    X(MOVSD_STORE,  X64_0F | X64_F2 | 0x11,    "m",   "vmovsd %mx, %dx") \
    X(MOVSD_MERGE,  X64_0F | X64_F2 | 0x10,    "r",   "vmovsd %dx, %vx, %mx") \
    X(MOVHPS_STORE, X64_0F | 0x17,             "m",   "vmovhps %mx, %dx") \
    X(MOVLHPS,      X64_0F | 0x16,             "r",   "vmovlhps %dx, %vx, %mx") \
    X(MOVDDUP,      X64_0F | X64_F2 | 0x12,    "rm",  "vmovddup %dx, %mx") \
    X(MOVD_TO_VEC,  X64_0F | X64_66 | 0x6e,    "r",   "vmovd %dx, %me") \
    X(MOVQ_TO_VEC,  X64_0F | X64_66 | X64_W | 0x6e, "r", "vmovq %dx, %mq") \
    X(MOVD_FROM_VEC, X64_0F | X64_66 | 0x7e,   "r",   "vmovd %me, %dx") \
    X(MOVQ_FROM_VEC, X64_0F | X64_66 | X64_W | 0x7e, "r", "vmovq %mq, %dx") \
    X(PBROADCASTB,  X64_0F38 | X64_66 | 0x78,  "rm",  "vpbroadcastb %dx, %mx") \
    X(PBROADCASTW,  X64_0F38 | X64_66 | 0x79,  "rm",  "vpbroadcastw %dx, %mx") \
    X(PBROADCASTD,  X64_0F38 | X64_66 | 0x58,  "rm",  "vpbroadcastd %dx, %mx") \
    X(PBROADCASTQ,  X64_0F38 | X64_66 | 0x59,  "rm",  "vpbroadcastq %dx, %mx") \
    X(BROADCASTSS,  X64_0F38 | X64_66 | 0x18,  "rm",  "vbroadcastss %dx, %mx") \
    X(PMOVSXBW,     X64_0F38 | X64_66 | 0x20,  "rm",  "vpmovsxbw %dx, %mx") \
    X(PMOVSXWD,     X64_0F38 | X64_66 | 0x23,  "rm",  "vpmovsxwd %dx, %mx") \
    X(PMOVSXDQ,     X64_0F38 | X64_66 | 0x25,  "rm",  "vpmovsxdq %dx, %mx") \
    X(PMOVZXBW,     X64_0F38 | X64_66 | 0x30,  "rm",  "vpmovzxbw %dx, %mx") \
    X(PMOVZXWD,     X64_0F38 | X64_66 | 0x33,  "rm",  "vpmovzxwd %dx, %mx") \
    X(PMOVZXDQ,     X64_0F38 | X64_66 | 0x35,  "rm",  "vpmovzxdq %dx, %mx") \
    X(PINSRB,       X64_0F3A | X64_66 | 0x20,  "rm",  "vpinsrb %dx, %vx, %me, %i8") \
    X(PINSRW,       X64_0F | X64_66 | 0xc4,    "rm",  "vpinsrw %dx, %vx, %me, %i8") \
    X(PINSRD,       X64_0F3A | X64_66 | 0x22,  "rm",  "vpinsrd %dx, %vx, %me, %i8") \
    X(PINSRQ,       X64_0F3A | X64_66 | X64_W | 0x22, "rm", "vpinsrq %dx, %vx, %mq, %i8") \
    X(PEXTRB,       X64_0F3A | X64_66 | 0x14,  "rm",  "vpextrb %me, %dx, %i8") \
    X(PEXTRW,       X64_0F | X64_66 | 0xc5,    "r",   "vpextrw %de, %mx, %i8") \
    X(PEXTRW_TO,    X64_0F3A | X64_66 | 0x15,  "m",   "vpextrw %me, %dx, %i8") \
    X(PEXTRD,       X64_0F3A | X64_66 | 0x16,  "rm",  "vpextrd %me, %dx, %i8") \
    X(PEXTRQ,       X64_0F3A | X64_66 | X64_W | 0x16, "rm", "vpextrq %mq, %dx, %i8") \
    X(ADD_F,        X64_0F | 0x58,             "rmF", "vadd%f %dx, %vx, %mx") \
    X(MUL_F,        X64_0F | 0x59,             "rmF", "vmul%f %dx, %vx, %mx") \
    X(SUB_F,        X64_0F | 0x5c,             "rmF", "vsub%f %dx, %vx, %mx") \
    X(MIN_F,        X64_0F | 0x5d,             "rmF", "vmin%f %dx, %vx, %mx") \
    X(DIV_F,        X64_0F | 0x5e,             "rmF", "vdiv%f %dx, %vx, %mx") \
    X(MAX_F,        X64_0F | 0x5f,             "rmF", "vmax%f %dx, %vx, %mx") \
    X(SQRT_P,       X64_0F | 0x51,             "rmP", "vsqrt%f %dx, %mx") \
    X(SQRT_S,       X64_0F | 0x51,             "rmS", "vsqrt%f %dx, %vx, %mx") \
    X(CMP_P,        X64_0F | 0xc2,             "rmP", "vcmp%f %dx, %vx, %mx, %i8") \
    X(UCOMI,        X64_0F | 0x2e,             "rmU", "vucomi%f %dx, %mx") \
    X(ANDPS,        X64_0F | 0x54,             "rm",  "vandps %dx, %vx, %mx") \
    X(ORPS,         X64_0F | 0x56,             "rm",  "vorps %dx, %vx, %mx") \
    X(XORPS,        X64_0F | 0x57,             "rm",  "vxorps %dx, %vx, %mx") \
    X(ROUNDPS,      X64_0F3A | X64_66 | 0x08,  "rm",  "vroundps %dx, %mx, %i8") \
    X(ROUNDPD,      X64_0F3A | X64_66 | 0x09,  "rm",  "vroundpd %dx, %mx, %i8") \
    X(ROUNDSS,      X64_0F3A | X64_66 | 0x0a,  "rm",  "vroundss %dx, %vx, %mx, %i8") \
    X(ROUNDSD,      X64_0F3A | X64_66 | 0x0b,  "rm",  "vroundsd %dx, %vx, %mx, %i8") \
    X(BLENDVPS,     X64_0F3A | X64_66 | 0x4a,  "rm",  "vblendvps %dx, %vx, %mx, %k") \
    X(BLENDVPD,     X64_0F3A | X64_66 | 0x4b,  "rm",  "vblendvpd %dx, %vx, %mx, %k") \
    X(CVTT2SI,      X64_0F | 0x2c,             "rwS", "vcvtt%f2si %dr, %mx") \
    X(CVTSI2,       X64_0F | 0x2a,             "rwS", "vcvtsi2%f %dx, %vx, %mr") \
    X(CVTSD2SS,     X64_0F | X64_F2 | 0x5a,    "r",   "vcvtsd2ss %dx, %vx, %mx") \
    X(CVTSS2SD,     X64_0F | X64_F3 | 0x5a,    "r",   "vcvtss2sd %dx, %vx, %mx") \
    X(CVTPD2PS,     X64_0F | X64_66 | 0x5a,    "r",   "vcvtpd2ps %dx, %mx") \
    X(CVTPS2PD,     X64_0F | 0x5a,             "r",   "vcvtps2pd %dx, %mx") \
    X(CVTDQ2PS,     X64_0F | 0x5b,             "r",   "vcvtdq2ps %dx, %mx") \
    X(CVTTPS2DQ,    X64_0F | X64_F3 | 0x5b,    "r",   "vcvttps2dq %dx, %mx") \
    X(CVTDQ2PD,     X64_0F | X64_F3 | 0xe6,    "r",   "vcvtdq2pd %dx, %mx") \
    X(CVTTPD2DQ,    X64_0F | X64_66 | 0xe6,    "r",   "vcvttpd2dq %dx, %mx") \
    X(PSHUFB,       X64_0F38 | X64_66 | 0x00,  "rm",  "vpshufb %dx, %vx, %mx") \
    X(PSHUFD,       X64_0F | X64_66 | 0x70,    "rm",  "vpshufd %dx, %mx, %i8") \
    X(SHUFPS,       X64_0F | 0xc6,             "rm",  "vshufps %dx, %vx, %mx, %i8") \
    X(PALIGNR,      X64_0F3A | X64_66 | 0x0f,  "rm",  "vpalignr %dx, %vx, %mx, %i8") \
    X(PBLENDW,      X64_0F3A | X64_66 | 0x0e,  "rm",  "vpblendw %dx, %vx, %mx, %i8") \
    X(PERMILPS,     X64_0F3A | X64_66 | 0x04,  "rm",  "vpermilps %dx, %mx, %i8") \
    X(INSERTPS,     X64_0F3A | X64_66 | 0x21,  "r",   "vinsertps %dx, %vx, %mx, %i8") \
    X(PUNPCKLBW,    X64_0F | X64_66 | 0x60,    "rm",  "vpunpcklbw %dx, %vx, %mx") \
    X(PUNPCKLWD,    X64_0F | X64_66 | 0x61,    "rm",  "vpunpcklwd %dx, %vx, %mx") \
    X(PUNPCKLDQ,    X64_0F | X64_66 | 0x62,    "rm",  "vpunpckldq %dx, %vx, %mx") \
    X(PUNPCKLQDQ,   X64_0F | X64_66 | 0x6c,    "rm",  "vpunpcklqdq %dx, %vx, %mx") \
    X(PUNPCKHBW,    X64_0F | X64_66 | 0x68,    "rm",  "vpunpckhbw %dx, %vx, %mx") \
    X(PUNPCKHWD,    X64_0F | X64_66 | 0x69,    "rm",  "vpunpckhwd %dx, %vx, %mx") \
    X(PUNPCKHDQ,    X64_0F | X64_66 | 0x6a,    "rm",  "vpunpckhdq %dx, %vx, %mx") \
    X(PUNPCKHQDQ,   X64_0F | X64_66 | 0x6d,    "rm",  "vpunpckhqdq %dx, %vx, %mx") \
    X(PTEST,        X64_0F38 | X64_66 | 0x17,  "rm",  "vptest %dx, %mx") \
    X(PMOVMSKB,     X64_0F | X64_66 | 0xd7,    "r",   "vpmovmskb %de, %mx") \
    X(MOVMSKPS,     X64_0F | 0x50,             "r",   "vmovmskps %de, %mx") \
    X(MOVMSKPD,     X64_0F | X64_66 | 0x50,    "r",   "vmovmskpd %de, %mx") \
    X(PSRLW,        X64_0F | X64_66 | 0xd1,    "rm",  "vpsrlw %dx, %vx, %mx") \
    X(PSRLD,        X64_0F | X64_66 | 0xd2,    "rm",  "vpsrld %dx, %vx, %mx") \
    X(PSRLQ,        X64_0F | X64_66 | 0xd3,    "rm",  "vpsrlq %dx, %vx, %mx") \
    X(PSRAW,        X64_0F | X64_66 | 0xe1,    "rm",  "vpsraw %dx, %vx, %mx") \
    X(PSRAD,        X64_0F | X64_66 | 0xe2,    "rm",  "vpsrad %dx, %vx, %mx") \
    X(PSLLW,        X64_0F | X64_66 | 0xf1,    "rm",  "vpsllw %dx, %vx, %mx") \
    X(PSLLD,        X64_0F | X64_66 | 0xf2,    "rm",  "vpslld %dx, %vx, %mx") \
    X(PSLLQ,        X64_0F | X64_66 | 0xf3,    "rm",  "vpsllq %dx, %vx, %mx") \
    X(PSRLW_IMM,    X64_0F | X64_66 | 0x71 | X64_EXT(2), "rx", "vpsrlw %vx, %mx, %i8") \
    X(PSRLD_IMM,    X64_0F | X64_66 | 0x72 | X64_EXT(2), "rx", "vpsrld %vx, %mx, %i8") \
    X(PSRLQ_IMM,    X64_0F | X64_66 | 0x73 | X64_EXT(2), "rx", "vpsrlq %vx, %mx, %i8") \
    X(PSRAW_IMM,    X64_0F | X64_66 | 0x71 | X64_EXT(4), "rx", "vpsraw %vx, %mx, %i8") \
    X(PSRAD_IMM,    X64_0F | X64_66 | 0x72 | X64_EXT(4), "rx", "vpsrad %vx, %mx, %i8") \
    X(PSLLW_IMM,    X64_0F | X64_66 | 0x71 | X64_EXT(6), "rx", "vpsllw %vx, %mx, %i8") \
    X(PSLLD_IMM,    X64_0F | X64_66 | 0x72 | X64_EXT(6), "rx", "vpslld %vx, %mx, %i8") \
    X(PSLLQ_IMM,    X64_0F | X64_66 | 0x73 | X64_EXT(6), "rx", "vpsllq %vx, %mx, %i8") \
    X(PAND,         X64_0F | X64_66 | 0xdb,    "rm",  "vpand %dx, %vx, %mx") \
    X(PANDN,        X64_0F | X64_66 | 0xdf,    "rm",  "vpandn %dx, %vx, %mx") \
    X(POR,          X64_0F | X64_66 | 0xeb,    "rm",  "vpor %dx, %vx, %mx") \
    X(PXOR,         X64_0F | X64_66 | 0xef,    "rm",  "vpxor %dx, %vx, %mx") \
    X(PADDB,        X64_0F | X64_66 | 0xfc,    "rm",  "vpaddb %dx, %vx, %mx") \
    X(PADDW,        X64_0F | X64_66 | 0xfd,    "rm",  "vpaddw %dx, %vx, %mx") \
    X(PADDD,        X64_0F | X64_66 | 0xfe,    "rm",  "vpaddd %dx, %vx, %mx") \
    X(PADDQ,        X64_0F | X64_66 | 0xd4,    "rm",  "vpaddq %dx, %vx, %mx") \
    X(PADDSB,       X64_0F | X64_66 | 0xec,    "rm",  "vpaddsb %dx, %vx, %mx") \
    X(PADDSW,       X64_0F | X64_66 | 0xed,    "rm",  "vpaddsw %dx, %vx, %mx") \
    X(PADDUSB,      X64_0F | X64_66 | 0xdc,    "rm",  "vpaddusb %dx, %vx, %mx") \
    X(PADDUSW,      X64_0F | X64_66 | 0xdd,    "rm",  "vpaddusw %dx, %vx, %mx") \
    X(PSUBB,        X64_0F | X64_66 | 0xf8,    "rm",  "vpsubb %dx, %vx, %mx") \
    X(PSUBW,        X64_0F | X64_66 | 0xf9,    "rm",  "vpsubw %dx, %vx, %mx") \
    X(PSUBD,        X64_0F | X64_66 | 0xfa,    "rm",  "vpsubd %dx, %vx, %mx") \
    X(PSUBQ,        X64_0F | X64_66 | 0xfb,    "rm",  "vpsubq %dx, %vx, %mx") \
    X(PSUBSB,       X64_0F | X64_66 | 0xe8,    "rm",  "vpsubsb %dx, %vx, %mx") \
    X(PSUBSW,       X64_0F | X64_66 | 0xe9,    "rm",  "vpsubsw %dx, %vx, %mx") \
    X(PSUBUSB,      X64_0F | X64_66 | 0xd8,    "rm",  "vpsubusb %dx, %vx, %mx") \
    X(PSUBUSW,      X64_0F | X64_66 | 0xd9,    "rm",  "vpsubusw %dx, %vx, %mx") \
    X(PMULLW,       X64_0F | X64_66 | 0xd5,    "rm",  "vpmullw %dx, %vx, %mx") \
    X(PMULLD,       X64_0F38 | X64_66 | 0x40,  "rm",  "vpmulld %dx, %vx, %mx") \
    X(PMULHW,       X64_0F | X64_66 | 0xe5,    "rm",  "vpmulhw %dx, %vx, %mx") \
    X(PMULHUW,      X64_0F | X64_66 | 0xe4,    "rm",  "vpmulhuw %dx, %vx, %mx") \
    X(PMULHRSW,     X64_0F38 | X64_66 | 0x0b,  "rm",  "vpmulhrsw %dx, %vx, %mx") \
    X(PMULDQ,       X64_0F38 | X64_66 | 0x28,  "rm",  "vpmuldq %dx, %vx, %mx") \
    X(PMULUDQ,      X64_0F | X64_66 | 0xf4,    "rm",  "vpmuludq %dx, %vx, %mx") \
    X(PMADDWD,      X64_0F | X64_66 | 0xf5,    "rm",  "vpmaddwd %dx, %vx, %mx") \
    X(PMADDUBSW,    X64_0F38 | X64_66 | 0x04,  "rm",  "vpmaddubsw %dx, %vx, %mx") \
    X(PMINSB,       X64_0F38 | X64_66 | 0x38,  "rm",  "vpminsb %dx, %vx, %mx") \
    X(PMINSW,       X64_0F | X64_66 | 0xea,    "rm",  "vpminsw %dx, %vx, %mx") \
    X(PMINSD,       X64_0F38 | X64_66 | 0x39,  "rm",  "vpminsd %dx, %vx, %mx") \
    X(PMINUB,       X64_0F | X64_66 | 0xda,    "rm",  "vpminub %dx, %vx, %mx") \
    X(PMINUW,       X64_0F38 | X64_66 | 0x3a,  "rm",  "vpminuw %dx, %vx, %mx") \
    X(PMINUD,       X64_0F38 | X64_66 | 0x3b,  "rm",  "vpminud %dx, %vx, %mx") \
    X(PMAXSB,       X64_0F38 | X64_66 | 0x3c,  "rm",  "vpmaxsb %dx, %vx, %mx") \
    X(PMAXSW,       X64_0F | X64_66 | 0xee,    "rm",  "vpmaxsw %dx, %vx, %mx") \
    X(PMAXSD,       X64_0F38 | X64_66 | 0x3d,  "rm",  "vpmaxsd %dx, %vx, %mx") \
    X(PMAXUB,       X64_0F | X64_66 | 0xde,    "rm",  "vpmaxub %dx, %vx, %mx") \
    X(PMAXUW,       X64_0F38 | X64_66 | 0x3e,  "rm",  "vpmaxuw %dx, %vx, %mx") \
    X(PMAXUD,       X64_0F38 | X64_66 | 0x3f,  "rm",  "vpmaxud %dx, %vx, %mx") \
    X(PAVGB,        X64_0F | X64_66 | 0xe0,    "rm",  "vpavgb %dx, %vx, %mx") \
    X(PAVGW,        X64_0F | X64_66 | 0xe3,    "rm",  "vpavgw %dx, %vx, %mx") \
    X(PACKSSWB,     X64_0F | X64_66 | 0x63,    "rm",  "vpacksswb %dx, %vx, %mx") \
    X(PACKSSDW,     X64_0F | X64_66 | 0x6b,    "rm",  "vpackssdw %dx, %vx, %mx") \
    X(PACKUSWB,     X64_0F | X64_66 | 0x67,    "rm",  "vpackuswb %dx, %vx, %mx") \
    X(PACKUSDW,     X64_0F38 | X64_66 | 0x2b,  "rm",  "vpackusdw %dx, %vx, %mx") \
    X(PCMPEQB,      X64_0F | X64_66 | 0x74,    "rm",  "vpcmpeqb %dx, %vx, %mx") \
    X(PCMPEQW,      X64_0F | X64_66 | 0x75,    "rm",  "vpcmpeqw %dx, %vx, %mx") \
    X(PCMPEQD,      X64_0F | X64_66 | 0x76,    "rm",  "vpcmpeqd %dx, %vx, %mx") \
    X(PCMPEQQ,      X64_0F38 | X64_66 | 0x29,  "rm",  "vpcmpeqq %dx, %vx, %mx") \
    X(PCMPGTB,      X64_0F | X64_66 | 0x64,    "rm",  "vpcmpgtb %dx, %vx, %mx") \
    X(PCMPGTW,      X64_0F | X64_66 | 0x65,    "rm",  "vpcmpgtw %dx, %vx, %mx") \
    X(PCMPGTD,      X64_0F | X64_66 | 0x66,    "rm",  "vpcmpgtd %dx, %vx, %mx") \
    X(PCMPGTQ,      X64_0F38 | X64_66 | 0x37,  "rm",  "vpcmpgtq %dx, %vx, %mx") \
    X(PABSB,        X64_0F38 | X64_66 | 0x1c,  "rm",  "vpabsb %dx, %mx") \
    X(PABSW,        X64_0F38 | X64_66 | 0x1d,  "rm",  "vpabsw %dx, %mx") \
    X(PABSD,        X64_0F38 | X64_66 | 0x1e,  "rm",  "vpabsd %dx, %mx")

// EVEX forms, of all 32 registers. The caller of the encoder writes the immediate.
#define X64_EVEX_ROWS(X) \
    X(EVEX_MOVUPS,   X64_0F | 0x10,                    "r", "vmovups %dx, %mx") \
    X(EVEX_RANGESS,  X64_0F3A | X64_66 | 0x51,         "r", "vrangess %dx, %vx, %mx, %i8") \
    X(EVEX_RANGESD,  X64_0F3A | X64_66 | X64_W | 0x51, "r", "vrangesd %dx, %vx, %mx, %i8")

// X(name, bytes, text): instructions whose bytes are known, the first in the lowest bits. %c is a
// condition, added to the last byte; %l8 and %l32 a distance behind the bytes, %p32 one to a place
// in memory.
#define X64_FIXED_ROWS(X) \
    X(RET,          0xc3,       "ret") \
    X(CDQ,          0x99,       "cdq") \
    X(CQO,          0x9948,     "cqo") \
    X(UD2,          0x0b0f,     "ud2") \
    X(ENDBR64,      0xfa1e0ff3, "endbr64") \
    X(MFENCE,       0xf0ae0f,   "mfence") \
    X(LOCK,         0xf0,       "lock") \
    X(INT3,         0xcc,       "int3") \
    X(NOTRACK_JMP_R11, 0xe3ff413e, "notrack jmp r11") \
    X(JMP8,         0xeb,       "jmp %l8") \
    X(JCC8,         0x70,       "j%c %l8") \
    X(JMP32,        0xe9,       "jmp %l32") \
    X(JCC32,        0x800f,     "j%c %l32") \
    X(CALL32,       0xe8,       "call %l32") \
    X(CALL_NEAR,    0x15ff,     "call qword ptr %p32") \
    X(JMP_NEAR,     0x25ff,     "jmp qword ptr %p32") \
    X(LEA_R11_NEAR, 0x1d8d4c,   "lea r11, %p32")

// The arithmetic group and the shifts by their opcode extensions, the conditions by their numbers,
// of which the lowest bit inverts.
#define X64_ALU_ROWS(X) \
    X(ADD, 0, "add") X(OR, 1, "or") X(ADC, 2, "adc") X(SBB, 3, "sbb") \
    X(AND, 4, "and") X(SUB, 5, "sub") X(XOR, 6, "xor") X(CMP, 7, "cmp")
#define X64_SHIFT_ROWS(X) \
    X(ROL, 0, "rol") X(ROR, 1, "ror") X(SHL, 4, "shl") X(SHR, 5, "shr") X(SAR, 7, "sar")
#define X64_CC_ROWS(X) \
    X(O, 0, "o")   X(NO, 1, "no") X(B, 2, "b")   X(AE, 3, "ae") \
    X(E, 4, "e")   X(NE, 5, "ne") X(BE, 6, "be") X(A, 7, "a") \
    X(S, 8, "s")   X(NS, 9, "ns") X(P, 10, "p")  X(NP, 11, "np") \
    X(L, 12, "l")  X(GE, 13, "ge") X(LE, 14, "le") X(G, 15, "g")
// clang-format on

#define X64_ROW(name, word, forms, text) X64_##name = (word),
#define VEX_ROW(name, word, forms, text) VEX_##name = (word),
#define EVEX_ROW(name, word, forms, text) name = (word),
#define FIXED_ROW(name, bytes, text) X64_##name = (int) (bytes),
enum x64_word {
    X64_GENERAL_ROWS(X64_ROW) X64_VEX_ROWS(VEX_ROW) X64_EVEX_ROWS(EVEX_ROW)
        X64_FIXED_ROWS(FIXED_ROW)
};
#undef X64_ROW
#undef VEX_ROW
#undef EVEX_ROW
#undef FIXED_ROW

#define ALU_ROW(name, number, text) ALU_##name = (number),
enum x64_alu { X64_ALU_ROWS(ALU_ROW) };
#undef ALU_ROW

#define SHIFT_ROW(name, number, text) SHIFT_##name = (number),
enum x64_shift { X64_SHIFT_ROWS(SHIFT_ROW) };
#undef SHIFT_ROW

#define CC_ROW(name, number, text) CC_##name = (number),
enum x64_cc { X64_CC_ROWS(CC_ROW) };
#undef CC_ROW

// The encoders add the log2 of a lane's bytes to the first of these.
_Static_assert((int) VEX_PUNPCKLDQ == VEX_PUNPCKLBW + 2, "vpunpckl");
_Static_assert((int) VEX_PUNPCKHDQ == VEX_PUNPCKHBW + 2, "vpunpckh");
_Static_assert((int) VEX_PMOVZXBW == VEX_PMOVSXBW + 0x10, "vpmovzx");
_Static_assert((int) VEX_PMOVZXWD == VEX_PMOVSXWD + 0x10, "vpmovzx");
_Static_assert((int) VEX_PMOVZXDQ == VEX_PMOVSXDQ + 0x10, "vpmovzx");
_Static_assert((int) VEX_PSUBQ == VEX_PSUBB + 3, "vpsub");
_Static_assert((int) VEX_PSRLQ == VEX_PSRLW + 2 && (int) VEX_PSLLQ == VEX_PSLLW + 2,
               "vpsrl, vpsll");
_Static_assert((int) VEX_PSRAD == VEX_PSRAW + 1, "vpsra");
_Static_assert((int) VEX_PSRLQ_IMM == VEX_PSRLW_IMM + 2, "vpsrl by an immediate");
_Static_assert((int) VEX_PSLLQ_IMM == VEX_PSLLW_IMM + 2, "vpsll by an immediate");
_Static_assert((int) VEX_PSRAD_IMM == VEX_PSRAW_IMM + 1, "vpsra by an immediate");

#endif
