// The opcodes as a dense enumeration and what opcodes.def says of each.
#ifndef WASM_OPCODE_H
#define WASM_OPCODE_H

#include <stdint.h>

#include "base/numeric.h"
#include "wasm/features.h"
#include "wasm/op.h"

// A row's operands and results: the count in the low four bits, then four bits for each type,
// deepest first. The numbers are those of the WJ_TYPE_* constants.
enum wj_sig {
    WJ_SIG_I32 = WJ_TYPE_I32,
    WJ_SIG_I64 = WJ_TYPE_I64,
    WJ_SIG_F32 = WJ_TYPE_F32,
    WJ_SIG_F64 = WJ_TYPE_F64,
    WJ_SIG_V128 = WJ_TYPE_V128,
    WJ_SIG_ADDR = 8, // i32, or i64 with memory64
};

static inline unsigned wj_sig_count(uint32_t sig)
{
    return sig & 15;
}

static inline unsigned wj_sig_at(uint32_t sig, unsigned i)
{
    return sig >> (4 * i + 4) & 15;
}

// What follows the opcode in the bytes.
enum wj_imm {
    WJ_IMM_NONE,
    WJ_IMM_BLOCK, // block type
    WJ_IMM_LABEL,
    WJ_IMM_LABELS, // vector of labels, then the default
    WJ_IMM_FUNC,
    WJ_IMM_TYPE,
    WJ_IMM_TYPE_TABLE, // type, table
    WJ_IMM_TAG,
    WJ_IMM_TRY_TABLE,    // block type, vector of catch clauses
    WJ_IMM_SELECT_TYPES, // vector of value types
    WJ_IMM_LOCAL,
    WJ_IMM_GLOBAL,
    WJ_IMM_TABLE,
    WJ_IMM_TABLE_TABLE, // destination, source
    WJ_IMM_ELEM_TABLE,  // segment, table
    WJ_IMM_ELEM,
    WJ_IMM_MEMORY,
    WJ_IMM_MEMORY_MEMORY, // destination, source
    WJ_IMM_DATA_MEMORY,   // segment, memory
    WJ_IMM_DATA,
    WJ_IMM_MEMARG,
    WJ_IMM_MEMARG_LANE,
    WJ_IMM_LANE,
    WJ_IMM_LANES, // the 16 of i8x16.shuffle
    WJ_IMM_I32,
    WJ_IMM_I64,
    WJ_IMM_F32,
    WJ_IMM_F64,
    WJ_IMM_V128,
    WJ_IMM_HEAP_TYPE,
    WJ_IMM_ZERO,     // one byte that must be zero
    WJ_IMM_TYPE_U32, // type, then an index or a count
    WJ_IMM_CAST,     // flags, label, two heap types
};

enum wj_opcode {
#define OP(name, ...) WJ_OP_##name,
#define OP_FB OP
#define OP_FC OP
#define OP_FD OP
#define OP_FE OP
#include "wasm/opcodes.def"
    WJ_OP_COUNT,
    WJ_OP_UNKNOWN = WJ_OP_COUNT,
};

struct wj_opcode_info {
    uint8_t prefix; // 0, or 0xfb to 0xfe
    uint8_t imm;    // enum wj_imm
    uint16_t code;
    uint8_t family; // enum wj_family
    uint8_t sub;
    uint8_t type;
    uint8_t width_log2; // of the bytes accessed in memory; its natural alignment
    uint32_t pops;      // signatures as in enum wj_sig
    uint32_t results;
    uint32_t feature; // enum wj_feature
};

extern const struct wj_opcode_info wj_opcode_infos[WJ_OP_COUNT];

// The opcode's name in the text format; "unknown" for what is none.
const char *wj_opcode_name(unsigned opcode);

// The opcode with this code behind this prefix (0 for none), or WJ_OP_UNKNOWN.
enum wj_opcode wj_opcode_find(unsigned prefix, uint32_t code);

// Words for messages: "simd", "memory64", ... of the lowest bit in `feature`.
const char *wj_feature_name(uint32_t feature);

#endif
