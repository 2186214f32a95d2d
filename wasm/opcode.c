// The table behind opcode.h, and the way back from bytes to opcodes.
#include "wasm/opcode.h"

#include <stddef.h>

#define ROW(name, prefix, code, text, imm, pops, results, family, sub, type, width, feature) \
    [WJ_OP_##name] = {prefix, WJ_IMM_##imm, code, family,  sub,                              \
                      type,   width,        pops, results, WJ_FEATURE_##feature},

const struct wj_opcode_info wj_opcode_infos[WJ_OP_COUNT] = {
#define OP(name, code, text, imm, pops, results, family, sub, type, width, feature) \
    ROW(name, 0, code, text, imm, pops, results, family, sub, type, width, feature)
#define OP_FB(name, code, text, imm, pops, results, family, sub, type, width, feature) \
    ROW(name, 0xfb, code, text, imm, pops, results, family, sub, type, width, feature)
#define OP_FC(name, code, text, imm, pops, results, family, sub, type, width, feature) \
    ROW(name, 0xfc, code, text, imm, pops, results, family, sub, type, width, feature)
#define OP_FD(name, code, text, imm, pops, results, family, sub, type, width, feature) \
    ROW(name, 0xfd, code, text, imm, pops, results, family, sub, type, width, feature)
#define OP_FE(name, code, text, imm, pops, results, family, sub, type, width, feature) \
    ROW(name, 0xfe, code, text, imm, pops, results, family, sub, type, width, feature)
#include "wasm/opcodes.def"
};
#undef ROW

_Static_assert(WJ_OP_COUNT < UINT16_MAX, "struct wj_op keeps opcodes in 16 bits");
_Static_assert(FAM_COUNT <= UINT8_MAX, "struct wj_op keeps families in 8 bits");
_Static_assert(CVT_I64_TRUNC_SAT_F64_U == 0xbf - 0xa7 + 8, "conversions are in opcode order");
_Static_assert(LOAD_I64_32_U == 0x35 - 0x28 && LOAD_V128_64_SPLAT == LOAD_V128 + 10,
               "loads are in opcode order");
_Static_assert(STORE_I64_32 == 0x3e - 0x36, "stores are in opcode order");

// Names are kept apart, found by offsets: a table with pointers in it would be written to when the
// process starts.
static const struct texts {
#define OP(name, code, text, ...) char name[sizeof text];
#define OP_FB OP
#define OP_FC OP
#define OP_FD OP
#define OP_FE OP
#include "wasm/opcodes.def"
} texts = {
#define OP(name, code, text, ...) text,
#define OP_FB OP
#define OP_FC OP
#define OP_FD OP
#define OP_FE OP
#include "wasm/opcodes.def"
};

static const uint16_t text_offsets[WJ_OP_COUNT] = {
#define OP(name, ...) offsetof(struct texts, name),
#define OP_FB OP
#define OP_FC OP
#define OP_FD OP
#define OP_FE OP
#include "wasm/opcodes.def"
};

_Static_assert(sizeof texts <= UINT16_MAX, "offsets of names have 16 bits");

// Rows behind each prefix are looked up through dense tables; index + 1, so that 0 means none.
enum { PLAIN_CODES = 0x100, VECTOR_CODES = 0x114, OTHER_CODES = 0x50 };

static const uint16_t plain_rows[PLAIN_CODES] = {
#define OP(name, code, ...) [code] = WJ_OP_##name + 1,
#define OP_FB(name, ...)
#define OP_FC(name, ...)
#define OP_FD(name, ...)
#define OP_FE(name, ...)
#include "wasm/opcodes.def"
};

static const uint16_t vector_rows[VECTOR_CODES] = {
#define OP(name, ...)
#define OP_FB(name, ...)
#define OP_FC(name, ...)
#define OP_FD(name, code, ...) [code] = WJ_OP_##name + 1,
#define OP_FE(name, ...)
#include "wasm/opcodes.def"
};

static const uint16_t other_rows[3][OTHER_CODES] = {
#define OP(name, ...)
#define OP_FB(name, code, ...) [0][code] = WJ_OP_##name + 1,
#define OP_FC(name, code, ...) [1][code] = WJ_OP_##name + 1,
#define OP_FD(name, ...)
#define OP_FE(name, code, ...) [2][code] = WJ_OP_##name + 1,
#include "wasm/opcodes.def"
};

enum wj_opcode wj_opcode_find(unsigned prefix, uint32_t code)
{
    unsigned row = 0;
    switch (prefix) {
    case 0: row = code < PLAIN_CODES ? plain_rows[code] : 0; break;
    case 0xfb: row = code < OTHER_CODES ? other_rows[0][code] : 0; break;
    case 0xfc: row = code < OTHER_CODES ? other_rows[1][code] : 0; break;
    case 0xfd: row = code < VECTOR_CODES ? vector_rows[code] : 0; break;
    case 0xfe: row = code < OTHER_CODES ? other_rows[2][code] : 0; break;
    default: break;
    }
    return row != 0 ? (enum wj_opcode)(row - 1) : WJ_OP_UNKNOWN;
}

const char *wj_opcode_name(unsigned opcode)
{
    return opcode < WJ_OP_COUNT ? (const char *) &texts + text_offsets[opcode] : "unknown";
}

const char *wj_feature_name(uint32_t feature)
{
    static const char *const names[] = {
        "mvp",
        "simd",
        "relaxed-simd",
        "typed-references",
        "tail-calls",
        "extended-const",
        "multi-memory",
        "memory64",
        "threads",
        "custom-page-sizes",
        "wide-arithmetic",
        "exceptions",
        "gc",
        "reference-types",
        "branch-hints",
    };
    unsigned bit = feature != 0 ? (unsigned) __builtin_ctz(feature) : 0;
    return bit < sizeof names / sizeof names[0] ? names[bit] : "unknown";
}
