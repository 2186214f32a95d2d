// The limits of what is accepted, so that real modules load and bombs do not. Most are those that
// the web agreed on: WebAssembly JavaScript API, "Implementation-defined Limits".
#ifndef WASM_LIMITS_H
#define WASM_LIMITS_H

#define WJ_LIMIT_MODULE_BYTES (1u << 30)
#define WJ_LIMIT_TYPES 1000000u
#define WJ_LIMIT_FUNCS 1000000u
#define WJ_LIMIT_IMPORTS 1000000u
#define WJ_LIMIT_EXPORTS 1000000u
#define WJ_LIMIT_GLOBALS 1000000u
#define WJ_LIMIT_TAGS 1000000u
#define WJ_LIMIT_DATAS 100000u
#define WJ_LIMIT_ELEMS 10000000u
#define WJ_LIMIT_TABLES 100000u
#define WJ_LIMIT_ELEM_ENTRIES 10000000u
#define WJ_LIMIT_MEMORIES 100u
#define WJ_LIMIT_PARAMS 1000u
#define WJ_LIMIT_RESULTS 1000u
#define WJ_LIMIT_LOCALS 50000u
#define WJ_LIMIT_BODY_BYTES 7654321u
#define WJ_LIMIT_FIELDS 10000u

// As in V8: targets of one br_table.
#define WJ_LIMIT_BR_TABLE_TARGETS 65520u

// Ours. Locals cost memory before they are used, so all functions of a module together may declare
// no more than its size pays for.
#define WJ_LIMIT_LOCALS_PER_BYTE 8u
#define WJ_LIMIT_LOCALS_FREE 4000000u

// Ours: the operand stack of one function. A body within its limit gets there with calls alone.
#define WJ_LIMIT_STACK_SLOTS 10000000u

#endif
