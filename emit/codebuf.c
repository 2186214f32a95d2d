// The growable side arrays of a code buffer. Failing to grow is the same to the owner as running
// out of code memory: overflow is set, and indexes of entries that exist are handed out.
#include "emit/codebuf.h"

#include <assert.h>
#include <string.h>

enum {
    ENTRIES_FIRST = 64,
    // How far back an equal constant is looked for, so that a function of many constants is
    // compiled in linear time.
    CONSTANTS_COMPARED = 64,
};

void wj_codebuf_init(struct wj_codebuf *buf)
{
    memset(buf, 0, sizeof *buf);
}

void wj_codebuf_clear(struct wj_codebuf *buf)
{
    wj_bulk_free(buf->bulk, buf->labels);
    wj_bulk_free(buf->bulk, buf->fixups);
    wj_bulk_free(buf->bulk, buf->traps);
    wj_bulk_free(buf->bulk, buf->constants);
    *buf = (struct wj_codebuf){.bulk = buf->bulk};
}

void wj_codebuf_begin(struct wj_codebuf *buf, uint8_t *start, size_t room_bytes, uint64_t address)
{
    assert(room_bytes > WJ_CODEBUF_SLACK);
    assert(room_bytes <= INT32_MAX);
    buf->start = start;
    buf->cursor = start;
    buf->limit = start + (room_bytes - WJ_CODEBUF_SLACK);
    buf->address = address;
    buf->overflow = false;
    buf->label_count = 0;
    buf->fixup_count = 0;
    buf->trap_count = 0;
    buf->constant_count = 0;
}

// True when there is room for one more entry.
static bool make_room(struct wj_codebuf *buf, void **entries, uint32_t count, uint32_t *capacity,
                      size_t entry_bytes)
{
    if (count < *capacity) {
        return true;
    }
    uint32_t wanted = *capacity == 0 ? ENTRIES_FIRST : *capacity * 2;
    void *grown =
        wanted > INT32_MAX / 32 ? NULL : wj_bulk_realloc(buf->bulk, *entries, wanted * entry_bytes);
    if (grown == NULL) {
        buf->overflow = true;
        return false;
    }
    *entries = grown;
    *capacity = wanted;
    return true;
}

wj_label wj_codebuf_label_slow(struct wj_codebuf *buf)
{
    void *labels = buf->labels;
    bool fits =
        make_room(buf, &labels, buf->label_count, &buf->label_capacity, sizeof *buf->labels);
    buf->labels = labels;
    return fits ? wj_codebuf_label(buf) : 0;
}

uint32_t wj_codebuf_fixup(struct wj_codebuf *buf, struct wj_codebuf_fixup fixup)
{
    void *fixups = buf->fixups;
    bool fits =
        make_room(buf, &fixups, buf->fixup_count, &buf->fixup_capacity, sizeof *buf->fixups);
    buf->fixups = fixups;
    if (!fits) {
        return 0;
    }
    buf->fixups[buf->fixup_count] = fixup;
    return buf->fixup_count++;
}

void wj_codebuf_trap(struct wj_codebuf *buf, struct wj_trap_site site)
{
    void *traps = buf->traps;
    bool fits = make_room(buf, &traps, buf->trap_count, &buf->trap_capacity, sizeof *buf->traps);
    buf->traps = traps;
    if (fits) {
        buf->traps[buf->trap_count++] = site;
    }
}

uint32_t wj_codebuf_constant(struct wj_codebuf *buf, const uint8_t bytes[16])
{
    uint32_t oldest =
        buf->constant_count > CONSTANTS_COMPARED ? buf->constant_count - CONSTANTS_COMPARED : 0;
    for (uint32_t i = buf->constant_count; i-- > oldest;) {
        if (memcmp(buf->constants[i], bytes, 16) == 0) {
            return i;
        }
    }
    void *constants = buf->constants;
    bool fits = make_room(buf, &constants, buf->constant_count, &buf->constant_capacity,
                          sizeof *buf->constants);
    buf->constants = constants;
    if (!fits) {
        return 0;
    }
    memcpy(buf->constants[buf->constant_count], bytes, 16);
    return buf->constant_count++;
}
