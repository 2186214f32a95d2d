// A page is warm once two memories were written to there; others written to instead, and memories
// that get too many pages, make it forgotten.
#include "runtime/vm/warm.h"

#include "base/pages.h"

enum { SCORE_WARM = 2, SCORE_MAX = 4 };

void wj_warm_doubt(struct wj_warm *warm)
{
    for (uint32_t i = 0; i < WJ_WARM_MAX; i++) {
        warm->scores[i] -= warm->scores[i] != 0;
    }
}

static void learn_page(struct wj_warm *warm, uint32_t page)
{
    uint32_t unused = WJ_WARM_MAX;
    for (uint32_t i = 0; i < WJ_WARM_MAX; i++) {
        if (warm->scores[i] == 0) {
            unused = i;
        } else if (warm->pages[i] == page) {
            warm->scores[i] += warm->scores[i] < SCORE_MAX;
            return;
        }
    }
    if (unused == WJ_WARM_MAX) {
        wj_warm_doubt(warm);
        return;
    }
    warm->pages[unused] = page;
    warm->scores[unused] = 1;
}

void wj_warm_learn(struct wj_warm *warm, const struct wj_dirty_pages *before,
                   const struct wj_dirty_pages *now)
{
    for (uint32_t i = 0; i < now->count; i++) {
        if (!wj_dirty_has(before, now->pages[i])) {
            learn_page(warm, now->pages[i]);
        }
    }
}

void wj_warm_apply(const struct wj_warm *warm, uint8_t *base, uint64_t page_bytes,
                   struct wj_dirty_pages *kept)
{
    for (uint32_t i = 0; i < WJ_WARM_MAX && kept->count < WJ_DIRTY_MAX; i++) {
        uint32_t page = warm->pages[i];
        if (warm->scores[i] >= SCORE_WARM && !wj_dirty_has(kept, page) &&
            madvise(base + page * page_bytes, page_bytes, MADV_POPULATE_WRITE) == 0) {
            kept->pages[kept->count++] = page;
        }
    }
}
