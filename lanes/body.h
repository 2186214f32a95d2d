// A function body that is being written: instructions as bytes, and the locals that they use.
#ifndef LANES_BODY_H
#define LANES_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/numeric.h"
#include "runtime/vm/lanes.h"
#include "wasm/opcode.h"

// More locals than any machine has places for in a sensible frame.
#define WJ_LANES_LOCALS_MAX 4000u

struct wj_lanes_body {
    uint8_t *bytes;
    uint32_t size_bytes, capacity_bytes;
    uint8_t types[WJ_LANES_LOCALS_MAX]; // enum wj_num, of locals after the parameters
    uint32_t param_count;
    uint32_t local_count; // parameters included
    uint32_t level;       // blocks that are open
    struct wj_lanes_place *places;
    uint32_t place_count, place_capacity;
    bool is_full; // memory or locals are exhausted: what was written is of no use
};

void wj_lanes_body_clear(struct wj_lanes_body *body); // releases what it holds
// Starts anew, with parameters alone, and keeps the room.
void wj_lanes_body_begin(struct wj_lanes_body *body, uint32_t param_count);

// The first of `count` new locals of a type.
uint32_t wj_lanes_local(struct wj_lanes_body *body, enum wj_num num, uint32_t count);
// From here on, code stands for the operation at this offset of the module.
void wj_lanes_place(struct wj_lanes_body *body, uint32_t wasm_offset);

void wj_lanes_byte(struct wj_lanes_body *body, uint8_t byte);
void wj_lanes_u32(struct wj_lanes_body *body, uint32_t value);
void wj_lanes_op(struct wj_lanes_body *body, enum wj_opcode opcode); // without its immediates
void wj_lanes_get(struct wj_lanes_body *body, uint32_t local);
void wj_lanes_set(struct wj_lanes_body *body, uint32_t local);
void wj_lanes_const(struct wj_lanes_body *body, enum wj_num num, uint64_t bits);
void wj_lanes_v128(struct wj_lanes_body *body, const uint8_t bytes[16]);
void wj_lanes_shuffle(struct wj_lanes_body *body, const uint8_t lanes[16]);
// An access to memory 0; the alignment is a hint that no machine here heeds.
void wj_lanes_access(struct wj_lanes_body *body, enum wj_opcode opcode, uint64_t offset);

// Opens a block without parameters or results, and ends it. The level of an open block is the
// number of blocks around it and itself.
void wj_lanes_open(struct wj_lanes_body *body, enum wj_opcode opcode);
void wj_lanes_end(struct wj_lanes_body *body);
// A branch to the label of the block at this level; 0 is the function.
void wj_lanes_branch(struct wj_lanes_body *body, enum wj_opcode opcode, uint32_t level);

// The whole: declarations, instructions, the last `end`. False: out of memory.
bool wj_lanes_body_finish(struct wj_lanes_body *body, struct wj_lanes_code *code);

#endif
