// The compiler bound to x86-64.
#include "emit/x64_frame.h"
#include "emit/x64_masm.h"

#include "jit/compiler.h"

static uint32_t frame_left(const struct wj_code_info *info, const uint8_t *start, const uint8_t *pc)
{
    return x64_frame_left(start, info->code_bytes, info->frame_bytes, pc);
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
    .emit_jumps = emit_jumps,
    .jump_bytes = MASM_JUMP_BYTES,
    .emit_enter = emit_enter,
    .emit_host_entry = emit_host_entry,
    .frame_left = frame_left,
    .sp_moved = sp_moved,
    .return_address_offset = 0,
    .caller_sp_offset = 8,
};
