// An operation as the walk pushes it into a sink: decoded, by family and sub-operation, and live.
// Back ends know families; opcodes.def alone knows opcodes.
#ifndef WASM_OP_H
#define WASM_OP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/leb128.h"
#include "base/numeric.h"
#include "wasm/module.h"
#include "wasm/types.h"

enum wj_family {
    FAM_CONTROL,      // sub: enum wj_control
    FAM_CALL,         // sub: enum wj_call
    FAM_PARAMETRIC,   // sub: enum wj_parametric
    FAM_LOCAL,        // sub: enum wj_local_op; index
    FAM_GLOBAL,       // sub: enum wj_global_op; index
    FAM_TABLE,        // sub: enum wj_table_op; index (table; or segment), index2
    FAM_MEMORY,       // sub: enum wj_memory_op; index (memory; or segment), index2
    FAM_REF,          // sub: enum wj_ref_op
    FAM_CONST,        // type; bits or v128
    FAM_LOAD,         // sub: enum wj_load_op; type: of the result; memarg
    FAM_STORE,        // sub: enum wj_store_op; type: of the operand; memarg
    FAM_IUNARY,       // sub: enum wj_iunop; type: NUM_I32 or NUM_I64
    FAM_IBINARY,      // sub: enum wj_ibinop; type
    FAM_IEQZ,         // type
    FAM_ICOMPARE,     // sub: enum wj_icmp; type
    FAM_FUNARY,       // sub: enum wj_funop; type: NUM_F32 or NUM_F64
    FAM_FBINARY,      // sub: enum wj_fbinop; type
    FAM_FCOMPARE,     // sub: enum wj_fcmp; type
    FAM_CONVERT,      // sub: enum wj_cvt; type: of the result
    FAM_VSHUFFLE,     // v128: the 16 lane indexes
    FAM_VSPLAT,       // type: enum wj_shape
    FAM_VEXTRACT,     // type: enum wj_shape; sub: 1 when zero-extending; lane
    FAM_VREPLACE,     // type: enum wj_shape; lane
    FAM_VUNARY,       // sub: enum wj_vunop; type: enum wj_shape
    FAM_VBINARY,      // sub: enum wj_vbinop; type: enum wj_shape
    FAM_VTERNARY,     // sub: enum wj_vternop; type: enum wj_shape
    FAM_VTEST,        // sub: enum wj_vtest; type: enum wj_shape
    FAM_VSHIFT,       // sub: enum wj_vshift; type: enum wj_shape
    FAM_LOAD_LANE,    // type: enum wj_shape (width); memarg, lane
    FAM_STORE_LANE,   // type: enum wj_shape (width); memarg, lane
    FAM_ATOMIC_LOAD,  // sub: enum wj_load_op (the unsigned and plain ones); type; memarg
    FAM_ATOMIC_STORE, // sub: enum wj_store_op; type; memarg
    FAM_ATOMIC_RMW,   // sub: enum wj_rmw; type; width_log2; memarg
    FAM_ATOMIC_OTHER, // sub: enum wj_atomic_other; memarg but for the fence
    FAM_WIDE,         // sub: enum wj_wide
    FAM_EXCEPTION,    // throw, throw_ref, try_table
    FAM_GC,           // struct, array, i31, casts
    FAM_COUNT,
};

enum wj_control {
    CONTROL_UNREACHABLE,
    CONTROL_NOP,
    CONTROL_BLOCK,
    CONTROL_LOOP,
    CONTROL_IF,
    CONTROL_ELSE,
    CONTROL_END,
    CONTROL_BR,
    CONTROL_BR_IF,
    CONTROL_BR_TABLE,
    CONTROL_RETURN,
    CONTROL_BR_ON_NULL,
    CONTROL_BR_ON_NON_NULL,
};
enum wj_call {
    CALL_DIRECT,
    CALL_INDIRECT,
    CALL_REF,
    CALL_RETURN_DIRECT,
    CALL_RETURN_INDIRECT,
    CALL_RETURN_REF,
};
enum wj_parametric { PARAMETRIC_DROP, PARAMETRIC_SELECT };
enum wj_local_op { LOCAL_GET, LOCAL_SET, LOCAL_TEE };
enum wj_global_op { GLOBAL_GET, GLOBAL_SET };
enum wj_table_op {
    TABLE_GET,
    TABLE_SET,
    TABLE_SIZE,
    TABLE_GROW,
    TABLE_FILL,
    TABLE_COPY, // index: destination, index2: source
    TABLE_INIT, // index: table, index2: segment
    ELEM_DROP,  // index: segment
};
enum wj_memory_op {
    MEMORY_SIZE,
    MEMORY_GROW,
    MEMORY_FILL,
    MEMORY_COPY, // index: destination, index2: source
    MEMORY_INIT, // index: memory, index2: segment
    DATA_DROP,   // index: segment
};
enum wj_ref_op { REF_NULL, REF_IS_NULL, REF_FUNC, REF_AS_NON_NULL, REF_EQ };
enum wj_atomic_other { ATOMIC_NOTIFY, ATOMIC_WAIT32, ATOMIC_WAIT64, ATOMIC_FENCE };
enum wj_wide { WIDE_ADD128, WIDE_SUB128, WIDE_MUL_S, WIDE_MUL_U };

struct wj_block_type {
    uint32_t param_count;
    uint32_t result_count;
    const wj_valtype *params;
    const wj_valtype *results;
};

struct wj_memarg {
    uint64_t offset;
    uint32_t memory;
    uint8_t align_log2;
};

struct wj_op {
    uint16_t opcode; // enum wj_opcode
    uint8_t family;  // enum wj_family
    uint8_t sub;
    uint8_t type; // enum wj_num, or enum wj_shape for the vector families
    uint8_t lane;
    uint8_t width_log2; // FAM_ATOMIC_RMW: bytes accessed
    // else, end: true when execution falls into it from above.
    bool is_live;
    // end: true when something but the code above reaches it: a live branch to its label, the arm
    // before a live `else`, the false edge of a live `if` without `else`. Never for a loop. What
    // follows an end is live when one of the two is true.
    bool is_branched;
    const uint8_t *at;   // the opcode's first byte, in the module's bytes
    const uint8_t *next; // the first byte after the operation, for look-ahead
    uint32_t index;      // local, global, label depth, function, table, memory, segment, type
    uint32_t index2;     // call_indirect: table in index2, type in index
    const struct wj_functype *functype; // call_*: of the callee
    struct wj_block_type block;         // block, loop, if
    struct wj_memarg memarg;
    union {
        uint64_t bits;      // const: the value, i32 and f32 zero-extended; ref.null: a wj_valtype
        uint8_t v128[16];   // const, shuffle
        wj_valtype valtype; // select: of the operands where annotated, else WJ_TYPE_BOTTOM
        struct {
            uint32_t count;         // targets without the default, which follows them
            const uint8_t *targets; // LEB128 label depths: wj_leb_u32_trusted reads one
        } br_table;
    };
};

// What a sink is told before the first operation.
struct wj_walk_func {
    const struct wj_module *module;
    uint32_t func_index;
    const struct wj_func *func;
    uint32_t local_count;          // parameters included
    const wj_valtype *local_types; // [local_count], alive until end()
};

// Where a walk goes. A function of it returning false ends the walk (which then returns false).
// Every table of these is a constant beside the walk's instantiation, so the calls are bound at
// compile time.
struct wj_sink {
    bool (*begin)(void *context, const struct wj_walk_func *func);
    bool (*op)(void *context, const struct wj_op *op);
    bool (*end)(void *context);
};

#endif
