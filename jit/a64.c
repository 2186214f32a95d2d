// The compiler bound to AArch64.
#include "emit/a64_frame.h"
#include "emit/a64_masm.h"

#include "jit/compiler.h"

static uint32_t frame_left(const struct wj_code_info *info, const uint8_t *start, const uint8_t *pc)
{
    return a64_frame_left(start, info->code_bytes, info->frame_bytes, pc);
}

extern const struct wj_backend wj_backend_a64;
const struct wj_backend wj_backend_a64 = {
    .name = "aarch64",
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
    .frame_left = frame_left,
    .sp_moved = a64_sp_moved,
    .return_address_offset = -8,
    .caller_sp_offset = 0,
};
