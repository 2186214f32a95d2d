// Why execution ended, and where the instructions are that end it.
#ifndef BASE_TRAP_H
#define BASE_TRAP_H

#include <stdint.h>

// Traps of the specification, in the order of the public enumeration.
enum wj_trap_kind {
    WJ_TRAP_NONE,
    WJ_TRAP_UNREACHABLE,
    WJ_TRAP_MEMORY_OUT_OF_BOUNDS,
    WJ_TRAP_TABLE_OUT_OF_BOUNDS,
    WJ_TRAP_UNDEFINED_ELEMENT,     // call_indirect beyond the table
    WJ_TRAP_UNINITIALIZED_ELEMENT, // call_indirect of null
    WJ_TRAP_INDIRECT_CALL_MISMATCH,
    WJ_TRAP_INTEGER_OVERFLOW,
    WJ_TRAP_INTEGER_DIVIDE_BY_ZERO,
    WJ_TRAP_INVALID_CONVERSION,
    WJ_TRAP_NULL_REFERENCE,
    WJ_TRAP_UNALIGNED_ATOMIC,
    WJ_TRAP_CALL_STACK_EXHAUSTED,
    WJ_TRAP_UNSHARED_WAIT,
    WJ_TRAP_INTERRUPTED,
    WJ_TRAP_HOST, // a host function reported an error of its own
    WJ_TRAP_OUT_OF_MEMORY,
};

// An instruction that traps by design when it is executed (or when it faults).
struct wj_trap_site {
    uint32_t code_offset; // of the instruction, from the function's start
    uint32_t wasm_offset; // of the operation, from the module's start
    enum wj_trap_kind kind;
};

#endif
