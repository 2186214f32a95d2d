// The compiler bound to AArch64.
#include "emit/a64_masm.h"

#include "jit/compiler.h"

static bool is_return(const uint8_t *pc)
{
    static const uint8_t ret[4] = {0xc0, 0x03, 0x5f, 0xd6};
    return memcmp(pc, ret, sizeof ret) == 0;
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
    .emit_enter = emit_enter,
    .emit_host_entry = emit_host_entry,
    .is_return = is_return,
    .sp_moved = a64_sp_moved,
    .return_address_offset = -8,
    .caller_sp_offset = 0,
};
