// Which pages tenants of a pool write to, as a guess at what the next will: these are made ready
// for it in one system call each, where its first load and store would be two faults and, between
// them, an interruption of the other processors.
#ifndef RUNTIME_VM_WARM_H
#define RUNTIME_VM_WARM_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/vm/dirty.h"

// Of the pages that a memory keeps, as many may be there by a guess.
#define WJ_WARM_MAX 3u

struct wj_warm {
    uint32_t pages[WJ_WARM_MAX];
    uint32_t scores[WJ_WARM_MAX]; // 0: unused
};

// A tenant has written to `now`; before it, `before` were ready. What was not is a hint.
void wj_warm_learn(struct wj_warm *warm, const struct wj_dirty_pages *before,
                   const struct wj_dirty_pages *now);
// A tenant wrote to more pages than are kept, counting those made ready for it.
void wj_warm_doubt(struct wj_warm *warm);
// Makes ready what is warm and fits, in the memory at `base`, which is as large as those that were
// learned from; `kept` is what is ready.
void wj_warm_apply(const struct wj_warm *warm, uint8_t *base, uint64_t page_bytes,
                   struct wj_dirty_pages *kept);

#endif
