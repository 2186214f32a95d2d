// The table of plain operations, from opcodes.def.
#include "wasm/walk_plain.h"

_Static_assert(WJ_TYPE_BOTTOM == 0, "a row without a result adds nothing to the local's type");

#define NO_ROW(name, ...)

#define IS_ACCESS(family) ((family) == FAM_LOAD || (family) == FAM_STORE)
#define IS_LOCAL(family) ((family) == FAM_LOCAL)
#define IS_LABEL(family) ((family) == FAM_CONTROL)

#define KIND(family, width)                      \
    (IS_ACCESS(family)  ? PLAIN_ACCESS + (width) \
     : IS_LOCAL(family) ? PLAIN_LOCAL            \
     : IS_LABEL(family) ? PLAIN_LABEL            \
                        : PLAIN_OTHER)
#define SIZE(imm) ((imm) == WJ_IMM_NONE ? 1 : (imm) == WJ_IMM_MEMARG ? 3 : 2)

// Constants of floats have no such bit, but are longer always: one that their opcode has.
#define MORE_BIT(imm)                                        \
    ((imm) == WJ_IMM_MEMARG                       ? 1u << 23 \
     : (imm) == WJ_IMM_I32 || (imm) == WJ_IMM_I64 ? 1u << 15 \
     : (imm) == WJ_IMM_F32 || (imm) == WJ_IMM_F64 ? 1u << 6  \
                                                  : 0u)
#define LONG_KIND(imm)                    \
    ((imm) == WJ_IMM_MEMARG ? LONG_OFFSET \
     : (imm) == WJ_IMM_I64  ? LONG_I64    \
     : (imm) == WJ_IMM_F32  ? LONG_F32    \
     : (imm) == WJ_IMM_F64  ? LONG_F64    \
                            : LONG_I32)

// An address is an i32 here; there are no plain loads and stores in other memories.
#define TYPE_AT(sig, i) \
    (((sig) >> (4 * (i) + 4) & 15u) == WJ_SIG_ADDR ? WJ_TYPE_I32 : (sig) >> (4 * (i) + 4) & 15u)
#define UPPER(family, pops) \
    (IS_LABEL(family) ? WJ_TYPE_I32 : ((pops) &15) == 2 ? TYPE_AT(pops, 1) : TYPE_AT(pops, 0))
#define LOWER(pops) (((pops) &15) == 2 ? TYPE_AT(pops, 0) : 0)
#define POPS(family, sub, pops) \
    (IS_LOCAL(family) ? (unsigned) (sub) != LOCAL_GET : IS_LABEL(family) ? 1 : (int) ((pops) &15))
#define PUSHES(family, sub, results) \
    (IS_LOCAL(family) ? (unsigned) (sub) != LOCAL_SET : (int) ((results) &15))
#define MASK(count) ((count) == 2 ? UINT64_MAX : (count) == 1 ? UINT32_MAX : 0)

#define SHIFTS(name, code, text, imm, ...) [code] = 8 * SIZE(WJ_IMM_##imm),
#define SIZES(name, code, text, imm, ...) [code] = SIZE(WJ_IMM_##imm),
#define MORE(name, code, text, imm, ...) [code] = MORE_BIT(WJ_IMM_##imm),
#define OPERANDS(name, code, text, imm, pops, results, family, ...) \
    [code] = (uint64_t) LOWER(pops) << 32 | UPPER(family, pops),
#define MASKS(name, code, text, imm, pops, results, family, sub, ...) \
    [code] = MASK(POPS(family, sub, pops)),
#define ROWS(name, code, text, imm, pops, results, family, sub, type, width, feature) \
    [code] = {                                                                        \
        .long_kind = LONG_KIND(WJ_IMM_##imm),                                         \
        .kind = KIND(family, width),                                                  \
        .no_index = IS_LOCAL(family) || IS_LABEL(family) ? 0 : -1,                    \
        .result = TYPE_AT(results, 0),                                                \
        .put = -POPS(family, sub, pops),                                              \
        .move = PUSHES(family, sub, results) - POPS(family, sub, pops),               \
        .is_push = PUSHES(family, sub, results) > (int) ((pops) &15),                 \
    },

const struct wj_walk_plain_table wj_walk_plain_table = {
    .shifts =
        {
#define OP SHIFTS
#define OP_FB NO_ROW
#define OP_FC NO_ROW
#define OP_FD NO_ROW
#define OP_FE NO_ROW
#include "wasm/opcodes.def"
        },
    .sizes =
        {
#define OP SIZES
#define OP_FB NO_ROW
#define OP_FC NO_ROW
#define OP_FD NO_ROW
#define OP_FE NO_ROW
#include "wasm/opcodes.def"
        },
    .more =
        {
#define OP MORE
#define OP_FB NO_ROW
#define OP_FC NO_ROW
#define OP_FD NO_ROW
#define OP_FE NO_ROW
#include "wasm/opcodes.def"
        },
    .operands =
        {
#define OP OPERANDS
#define OP_FB NO_ROW
#define OP_FC NO_ROW
#define OP_FD NO_ROW
#define OP_FE NO_ROW
#include "wasm/opcodes.def"
        },
    .masks =
        {
#define OP MASKS
#define OP_FB NO_ROW
#define OP_FC NO_ROW
#define OP_FD NO_ROW
#define OP_FE NO_ROW
#include "wasm/opcodes.def"
        },
    .rows =
        {
#define OP ROWS
#define OP_FB NO_ROW
#define OP_FC NO_ROW
#define OP_FD NO_ROW
#define OP_FE NO_ROW
#include "wasm/opcodes.def"
        },
};
