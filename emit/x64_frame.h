// x86-64: what is left of a frame at an instruction, read from what follows, as x64_masm_call.h
// emits it. For backtraces; the code carries nothing for it.
#ifndef EMIT_X64_FRAME_H
#define EMIT_X64_FRAME_H

#include "emit/x64_masm_call.h"

// Whether a function of so many bytes at `start` has given up its frame at `at`: there is what
// masm_ret and the tail calls' masm_jmp_* emit, and nothing else does.
X64_INLINE bool x64_has_left(const uint8_t *start, uint32_t size_bytes, const uint8_t *at)
{
    const uint8_t near[2] = {X64_JMP_NEAR & 0xff, X64_JMP_NEAR >> 8};
    if (*at == X64_RET) {
        return true;
    }
    if (*at == X64_JMP32) { // a tail call's leads out, or to the start, where no label is
        int32_t distance;
        memcpy(&distance, at + 1, sizeof distance);
        const int64_t to = at - start + 5 + (int64_t) distance;
        return to <= 0 || to >= (int64_t) size_bytes;
    }
    if (*at == near[0]) { // jmp [rip + …], jmp [rax + …]
        const uint8_t mode = at[1] >> 6, rm = at[1] & 7, digit = at[1] >> 3 & 7;
        return at[1] == near[1] || (digit == 4 && mode != 3 && rm == MASM_GPR_TARGET);
    }
    // mov eax, number, for the lazy stub.
    return *at == (X64_MOV_IMM | MASM_GPR_TARGET) && start + size_bytes - at > 6 &&
           memcmp(at + 5, near, sizeof near) == 0;
}

// How much of the frame there is at `at`, behind the prologue. SP comes back by one instruction.
X64_INLINE uint32_t x64_frame_left(const uint8_t *start, uint32_t size_bytes, uint32_t frame_bytes,
                                   const uint8_t *at)
{
    return x64_has_left(start, size_bytes, at) ? 0 : frame_bytes;
}

#endif
