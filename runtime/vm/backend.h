// The port to a machine-code compiler. The runtime calls it; jit/ implements it, once per machine.
#ifndef RUNTIME_VM_BACKEND_H
#define RUNTIME_VM_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/trap.h"
#include "runtime/vm/instance.h"
#include "wasm/module.h"

struct wj_compile_settings {
    bool is_deterministic; // canonical NaNs, fixed relaxed operations
    bool explicit_bounds;  // memories have no guard regions
    bool has_avx512;
    bool has_lse;
};

// Room that a compiler wants whatever it emits.
#define WJ_WINDOW_BYTES_MIN 8192u

// Where the code of one module lives: one reservation, its table of entry pointers first, so that
// table and code keep their distance wherever they are mapped.
struct wj_code_window {
    uint8_t *write;   // the next free byte, writable view
    uint64_t address; // the same byte, executable view
    size_t room_bytes;
    uint64_t table_address; // of entry 0 of the function table: void *[func_count]
};

// Buffers that a compiler keeps from one function to the next; one thread at a time uses one.
struct wj_compile_scratch;

struct wj_compile_request {
    const struct wj_module *module;
    uint32_t func_index;
    struct wj_compile_settings settings;
    struct wj_instance_layout layout;
    struct wj_code_window window;
    // Code addresses of functions that are compiled already, or 0: direct calls go straight there.
    const uint64_t *func_addresses; // [func_count]
    // Of the jump to function 0, or 0: others are called through their jumps, which will be there
    // before any of the code runs. Without: through the table, which has what compiles them.
    uint64_t jumps_address;
    // Functions whose calls go through instance->funcrefs[index] because the runtime put its own in
    // their place (kernel dispatch): a bit per function, or NULL.
    const uint64_t *replaced_funcs;
    struct wj_arena *arena;             // for the results below
    struct wj_compile_scratch *scratch; // of this backend
    void *trace; // the FILE * that the printing backend prints to; others ignore it
};

// What the runtime keeps of a compiled function.
struct wj_code_info {
    uint32_t func_index;
    uint32_t code_bytes;     // used of the window
    uint32_t frame_bytes;    // SP distance from inside the body to the return address
    uint32_t prologue_bytes; // up to here the frame is not yet whole
    uint32_t trap_count;
    uint32_t home_count;              // locals with a register (a figure for tests and --stats)
    bool is_variant;                  // not what calls of the function reach
    bool has_tail_room;               // a tail call of it may use the stub of that name
    const struct wj_trap_site *traps; // ascending by code_offset
};

// What the engine's stubs know.
struct wj_stub_targets {
    struct wj_compile_settings settings;
    uint64_t compile_direct; // C functions that the lazy stubs call
    uint64_t compile_indirect;
    uint64_t tail_return;
};

struct wj_backend {
    const char *name; // "x86-64", "aarch64"
    // Takes its memory from the bulk, or NULL. NULL: there is none.
    struct wj_compile_scratch *(*scratch_new)(struct wj_bulk *bulk);
    void (*scratch_free)(struct wj_compile_scratch *scratch);
    // Compiles one validated function. False with err->kind == WJ_ERR_LIMIT and *needs_room when
    // the window was too small.
    bool (*compile)(const struct wj_compile_request *request, struct wj_code_info *info,
                    bool *needs_room, struct wj_err *err);
    // Emits the engine's stubs into the window; stubs[WJ_STUB_*] become their addresses.
    // `targets` is what they go to.
    bool (*emit_stubs)(struct wj_code_window *window, const struct wj_stub_targets *targets,
                       uint64_t stubs[WJ_STUB_COUNT], size_t *used_bytes, struct wj_err *err);
    // Emits where functions return to that were reached by tail calls with more stack arguments
    // than the first caller had room for: code number `index` of tail_return_count. They lie
    // tail_return_bytes apart; wj_stub_targets wants the first one's address.
    bool (*emit_tail_return)(struct wj_code_window *window, unsigned index,
                             struct wj_code_info *info, struct wj_err *err);
    unsigned tail_return_count;
    unsigned tail_return_bytes;
    // Emits a jump to each target, jump_bytes apart, into a window with room for them and
    // WJ_WINDOW_BYTES_MIN; for 0, to what the table has for the function.
    void (*emit_jumps)(const struct wj_code_window *window, const uint64_t *targets,
                       uint32_t count);
    unsigned jump_bytes;
    // Emits the enter function for a type: a C function
    //   uint64_t (struct wj_activation *, void *code, struct wj_instance *, union wj_cell *values)
    // values holds the arguments, afterwards the results. Returns 0, or 1 after a trap.
    bool (*emit_enter)(struct wj_code_window *window, const struct wj_functype *type,
                       const struct wj_compile_settings *settings, size_t *used_bytes,
                       struct wj_err *err);
    // Emits the entry of a host function of a type, in the wasm convention. It calls the libcall
    // host_call with the function reference that MASM_GPR_TARGET holds and its cells.
    bool (*emit_host_entry)(struct wj_code_window *window, const struct wj_functype *type,
                            struct wj_code_info *info, struct wj_err *err);
    // How much of the frame of a function at `start` is still there at `pc`, behind the prologue:
    // all of it, less in an epilogue, and nothing from where it has ended until control has left,
    // by a return or a tail call.
    uint32_t (*frame_left)(const struct wj_code_info *info, const uint8_t *start,
                           const uint8_t *pc);
    // How far SP is from the caller's at `pc` in the prologue of a function at `start`.
    uint32_t (*sp_moved)(const uint8_t *start, const uint8_t *pc);
    // The return address, for a frame whose SP and code info are known.
    // On x64 it lies at sp + frame_bytes; on a64 at sp + frame_bytes - 8.
    int32_t return_address_offset; // added to sp + frame_bytes
    uint32_t caller_sp_offset;     // caller's SP = sp + frame_bytes + this (8 on x64, 0 on a64)
};

#endif
