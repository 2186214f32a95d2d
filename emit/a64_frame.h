// AArch64: what is left of a frame at an instruction, read from the instructions that follow, as
// a64_masm_call.h emits them. For backtraces; the code carries nothing for it.
#ifndef EMIT_A64_FRAME_H
#define EMIT_A64_FRAME_H

#include "emit/a64_masm_core.h"

static inline uint32_t a64_word_at(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

// By how much an instruction moves SP, where it is of this kind, A64_ADD_IMM or A64_SUB_IMM; else
// 0.
static inline uint32_t a64_moves_sp(uint32_t word, uint32_t kind)
{
    const uint32_t high = A64_ADD_IMM ^ A64_ADD_IMM12, imm12 = 0xfffu << 10;
    if ((word & ~(high | imm12)) != (kind | a64_sf(NUM_I64) | a64_rr(MASM_SP, MASM_SP))) {
        return 0;
    }
    return (word >> 10 & 0xfff) << ((word & high) != 0 ? 12 : 0);
}

// What the instructions from `at` to `end`, of a prologue, have taken off SP.
static inline uint32_t a64_sp_moved(const uint8_t *at, const uint8_t *end)
{
    uint32_t bytes = 0;
    for (; at < end; at += 4) {
        bytes += a64_moves_sp(a64_word_at(at), A64_SUB_IMM);
    }
    return bytes;
}

// What the instructions of an epilogue from `at` on will give back of SP; 0 outside of epilogues.
static inline uint32_t a64_sp_back(const uint8_t *at, const uint8_t *end)
{
    const uint32_t load = A64_FORM_SCALED | A64_LDR_X | a64_rr(A64_LINK, MASM_SP);
    uint32_t bytes = 0;
    for (; at < end; at += 4) {
        const uint32_t moved = a64_moves_sp(a64_word_at(at), A64_ADD_IMM);
        if (moved == 0 && (a64_word_at(at) & ~(0xfffu << 10)) != load) {
            break;
        }
        bytes += moved;
    }
    return bytes;
}

// Whether tail calls make x16, or x9 for the lazy stub, by an instruction like this.
static inline bool a64_makes_target(uint32_t word)
{
    const uint32_t d = word & 31;
    if (d == MASM_GPR_TARGET) {
        return (word & 0x1f000000) == 0x12000000; // movz, movn, movk, orr of an immediate
    }
    return d == A64_TMP && ((word & 0xff000000) == (uint32_t) A64_LDR_LIT_X ||
                            (word & 0x9f000000) == (uint32_t) A64_ADRP ||
                            (word & 0xffc00000) == (A64_ADD_IMM | a64_sf(NUM_I64)) ||
                            (word & 0xffc00000) == (A64_FORM_SCALED | A64_LDR_X));
}

// Whether a function of so many bytes at `start` has given up its frame at `at`: there is what
// masm_ret and the tail calls' masm_jmp_* emit, and nothing else does.
static inline bool a64_has_left(const uint8_t *start, uint32_t size_bytes, const uint8_t *at)
{
    const uint32_t br = A64_BR | a64_rr(0, A64_TMP), imm26 = 0x3ffffff;
    uint32_t word = a64_word_at(at);
    if (word == (uint32_t) A64_RET) {
        return true;
    }
    if ((word & ~imm26) == A64_B) { // a tail call's leads out, or to the start, where no label is
        const int64_t to = at - start + (int64_t) ((int32_t) (word << 6) >> 6) * 4;
        return to <= 0 || to >= (int64_t) size_bytes;
    }
    if (word == br) { // or masm_jump_table's
        const uint32_t add = A64_ADD_LSL | a64_sf(NUM_I64) | a64_rr(A64_TMP, A64_TMP) | 3 << 10;
        return (a64_word_at(at - 4) & ~(31u << 16)) != add;
    }
    const uint8_t *end = start + size_bytes;
    while (at + 4 < end && a64_makes_target(word)) {
        at += 4;
        word = a64_word_at(at);
    }
    return word == br;
}

// How much of the frame there is at `at`, behind the prologue.
static inline uint32_t a64_frame_left(const uint8_t *start, uint32_t size_bytes,
                                      uint32_t frame_bytes, const uint8_t *at)
{
    const uint32_t left = a64_sp_back(at, start + size_bytes);
    if (left != 0) {
        return left;
    }
    return a64_has_left(start, size_bytes, at) ? 0 : frame_bytes;
}

#endif
