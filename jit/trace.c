// The compiler bound to the target that prints: what it asks a machine for, verb by verb.
#include "emit/trace_masm.h"

#include "jit/compiler.h"

extern const struct wj_backend wj_backend_trace;
const struct wj_backend wj_backend_trace = {
    .name = "trace",
    .scratch_new = scratch_new,
    .scratch_free = scratch_free,
    .compile = compile_function,
    .emit_stubs = emit_stubs,
    .emit_tail_return = emit_tail_return,
    .tail_return_count = WJ_TAIL_CLASSES,
    .tail_return_bytes = WJ_TAIL_RETURN_BYTES,
    .emit_jumps = emit_jumps,
    .jump_bytes = MASM_JUMP_BYTES,
    .emit_enter = emit_enter,
    .emit_host_entry = emit_host_entry,
};
