// The compiler bound to x86-64.
#include "emit/x64_masm.h"

#include "jit/compiler.h"

static bool is_return(const uint8_t *pc)
{
    return *pc == 0xc3;
}

// SP moves by the last instruction.
static uint32_t sp_moved(const uint8_t *start, const uint8_t *pc)
{
    (void) start, (void) pc;
    return 0;
}

extern const struct wj_backend wj_backend_x64;
const struct wj_backend wj_backend_x64 = {
    .name = "x86-64",
    .scratch_new = scratch_new,
    .scratch_free = scratch_free,
    .compile = compile_function,
    .emit_stubs = emit_stubs,
    .emit_tail_return = emit_tail_return,
    .tail_return_count = WJ_TAIL_CLASSES,
    .tail_return_bytes = WJ_TAIL_RETURN_BYTES,
    .emit_enter = emit_enter,
    .emit_host_entry = emit_host_entry,
    .is_return = is_return,
    .sp_moved = sp_moved,
    .return_address_offset = 0,
    .caller_sp_offset = 8,
};
