// Where code is written: a window of code memory, its labels, the trap sites and the relocations
// that a function leaves behind. Written at `start`, executed at `address`.
#ifndef EMIT_CODEBUF_H
#define EMIT_CODEBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bulk.h"
#include "base/trap.h"

typedef uint32_t wj_label;

struct wj_codebuf_label {
    uint32_t position; // offset in the buffer, or WJ_LABEL_UNBOUND
    uint32_t fixups;   // target's own: newest reference, threaded through the code or fixup list
};
#define WJ_LABEL_UNBOUND UINT32_MAX
#define WJ_FIXUP_NONE UINT32_MAX

// A branch or load that is completed by masm_finish: target's own meaning of kind.
struct wj_codebuf_fixup {
    uint32_t position;
    uint32_t next;  // in the label's list
    uint32_t value; // label, trap kind, constant index ...
    uint32_t kind;
    uint32_t wasm_offset;
};

struct wj_codebuf {
    struct wj_bulk *bulk; // of the side arrays, set by the owner, or NULL
    uint8_t *start;
    uint8_t *cursor;
    uint8_t *limit;   // emission stops here; WJ_CODEBUF_SLACK bytes lie behind it
    uint64_t address; // where start will be executed
    bool overflow;    // sticky: ran out of room, or of memory

    struct wj_codebuf_label *labels;
    uint32_t label_count, label_capacity;
    struct wj_codebuf_fixup *fixups;
    uint32_t fixup_count, fixup_capacity;
    struct wj_trap_site *traps; // ascending by code_offset after masm_finish
    uint32_t trap_count, trap_capacity;
    uint8_t (*constants)[16]; // placed behind the code by masm_finish
    uint32_t constant_count, constant_capacity;
};

// Prepares for one function. The side arrays are kept from one function to the next.
void wj_codebuf_init(struct wj_codebuf *buf);
void wj_codebuf_clear(struct wj_codebuf *buf);
void wj_codebuf_begin(struct wj_codebuf *buf, uint8_t *start, size_t room_bytes, uint64_t address);

wj_label wj_codebuf_label_slow(struct wj_codebuf *buf);
static inline wj_label wj_codebuf_label(struct wj_codebuf *buf)
{
    if (buf->label_count == buf->label_capacity) {
        return wj_codebuf_label_slow(buf);
    }
    wj_label label = buf->label_count++;
    buf->labels[label].position = WJ_LABEL_UNBOUND;
    buf->labels[label].fixups = WJ_FIXUP_NONE;
    return label;
}

// Appends; on exhaustion sets overflow and keeps the last entry usable.
uint32_t wj_codebuf_fixup(struct wj_codebuf *buf, struct wj_codebuf_fixup fixup);
void wj_codebuf_trap(struct wj_codebuf *buf, struct wj_trap_site site);
uint32_t wj_codebuf_constant(struct wj_codebuf *buf, const uint8_t bytes[16]); // reuses equal ones

static inline uint32_t wj_codebuf_offset(const struct wj_codebuf *buf)
{
    return (uint32_t) (buf->cursor - buf->start);
}

// The most bytes that one operation of wasm may make without asking again. Verbs whose output has
// no such bound (jump tables, masm_finish) ask for themselves.
#define WJ_CODEBUF_SLACK 4096

// Asked by the compiler once per operation. On overflow, emission goes on harmlessly at the start
// of the window; the owner sees buf.overflow at the end and gives a larger one.
static inline void wj_codebuf_room(struct wj_codebuf *buf)
{
    if (__builtin_expect(buf->cursor >= buf->limit, 0)) {
        buf->overflow = true;
        buf->cursor = buf->start;
    }
}

#endif
