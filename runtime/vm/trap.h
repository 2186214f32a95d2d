// Traps as the host sees them: why, in words, and where.
#ifndef RUNTIME_VM_TRAP_H
#define RUNTIME_VM_TRAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/trap.h"
#include "runtime/vm/instance.h"

struct wj_lane;

#define WJ_TRAP_FRAMES_MAX 1024u

struct wj_trap_frame {
    struct wj_instance *instance; // one that runs this code
    uint32_t func_index;
    uint32_t wasm_offset; // from the module's start; 0: not known
};

struct wj_trap {
    _Atomic uint32_t references;
    enum wj_trap_kind kind;
    bool is_exit;
    int exit_status;
    bool has_frames; // they were taken
    uint32_t frame_count;
    struct wj_trap_frame *frames; // innermost first
    uint32_t message_bytes;       // without the terminating zero
    char message[];
};

// `message` NULL: the specification's words for the kind. Never NULL: without memory it is one
// that is not counted.
struct wj_trap *wj_trap_new(enum wj_trap_kind kind, const char *message, size_t message_bytes);
struct wj_trap *wj_trap_retain(struct wj_trap *trap);
void wj_trap_release(struct wj_trap *trap);

const char *wj_trap_words(enum wj_trap_kind kind);

// The trap that an activation ended with, with its backtrace; takes the lane's pending trap.
struct wj_trap *wj_trap_of_activation(struct wj_lane *lane, struct wj_activation *activation);

// Fills in the frames of all activations on the lane, from `activation` outwards.
void wj_trap_trace(struct wj_trap *trap, const struct wj_activation *activation);

#endif
