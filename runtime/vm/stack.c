// Clears what lies below the stack pointer; keeps stacks for the next stores.
#include "runtime/vm/stack.h"

#include <string.h>
#include <sys/mman.h>

#include "runtime/vm/call.h"

// Cleared in any case. What lies below is looked at as far as this, and given back to the system
// when something is there.
#define STACK_KEPT_BYTES 4096u
#define STACK_SEEN_BYTES_MAX 32768u

static bool is_zero(const uint8_t *bytes, size_t size_bytes)
{
    uint64_t seen[8] = {0};
    for (size_t i = 0; i < size_bytes; i += sizeof seen) {
        uint64_t words[8];
        memcpy(words, bytes + i, sizeof words);
        for (int k = 0; k < 8; k++) {
            seen[k] |= words[k];
        }
    }
    return (seen[0] | seen[1] | seen[2] | seen[3] | seen[4] | seen[5] | seen[6] | seen[7]) == 0;
}

// How far below some place the next return address lies at most. Between two of them are a frame;
// the area of a tail call's arguments, up to twice as large as the frame that they came from, below
// a record that a later frame may have covered; the gap to a call that the host makes.
static size_t return_distance(struct wj_engine *engine)
{
    size_t most = atomic_load_explicit(&engine->frame_bytes_max, memory_order_relaxed);
    return (3 * most + WJ_STACK_GAP_BYTES + 256 + 63) & ~(size_t) 63;
}

// Nobody reads what lies below the stack pointer; should code ever do, it finds nothing. To give
// the stack back is a system call, and other processors are told: where calls came so far there is
// a return address, which is not zero, in each stretch of that length, and where there is none only
// the last one's frame can reach into it. The stub that makes room for tail calls saves registers
// further down than that.
void wj_stack_clear(const struct wj_store *store)
{
    const struct wj_lane *lane = &store->lane;
    uint8_t *kept = lane->stack_high - STACK_KEPT_BYTES;
    memset(kept, 0, STACK_KEPT_BYTES);
    size_t distance = return_distance(store->engine);
    size_t below = (size_t) (kept - lane->stack_low);
    if (atomic_load(&store->engine->has_tail_room) || distance > STACK_SEEN_BYTES_MAX ||
        distance > below || !is_zero(kept - distance, distance)) {
        madvise(lane->stack_low, below, MADV_DONTNEED);
    }
}

uint8_t *wj_stack_take(struct wj_engine *engine)
{
    uint8_t *mapping = NULL;
    for (uint32_t i = 0; i < WJ_STACKS_KEPT && mapping == NULL; i++) {
        mapping = atomic_exchange(&engine->stacks.mappings[i], NULL);
    }
    return mapping;
}

bool wj_stack_keep(const struct wj_store *store)
{
    struct wj_stacks *stacks = &store->engine->stacks;
    wj_stack_clear(store);
    atomic_store(&stacks->mapping_bytes, store->lane.mapping_bytes);
    for (uint32_t i = 0; i < WJ_STACKS_KEPT; i++) {
        uint8_t *none = NULL;
        if (atomic_compare_exchange_strong(&stacks->mappings[i], &none, store->lane.mapping)) {
            return true;
        }
    }
    return false;
}

void wj_stacks_clear(struct wj_engine *engine)
{
    for (uint8_t *stack; (stack = wj_stack_take(engine)) != NULL;) {
        munmap(stack, atomic_load(&engine->stacks.mapping_bytes));
    }
}
