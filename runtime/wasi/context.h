// What all WASI functions share: the context of one guest, a call in progress, and the only ways to
// its memory. Nothing here knows the runtime: a call is memory (base and size) and arguments.
#ifndef RUNTIME_WASI_CONTEXT_H
#define RUNTIME_WASI_CONTEXT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "runtime/wasi/abi.h"
#include "runtime/wasi/fdtable.h"

// Strings one after another, each with its terminating zero, as the guest gets them.
struct wj_wasi_strings {
    char *bytes;
    uint32_t size_bytes;
    uint32_t count;
};

// How paths are resolved. AUTO asks the kernel once whether it has openat2.
enum wj_wasi_walk { WASI_WALK_AUTO, WASI_WALK_OPENAT2, WASI_WALK_COMPONENTS };

struct wj_wasi {
    struct wj_wasi_fds fds;
    struct wj_wasi_strings args;
    struct wj_wasi_strings environ;
    enum wj_wasi_walk walk;
    bool exits_on_closed_pipe; // a standard stream whose reader is gone ends the guest
    uint32_t exit_code;        // of a call that returned WASI_EXITED
    // Asked while a call waits or works long. May be NULL: never.
    bool (*is_interrupted)(void *host);
    // Guests may have threads: a call holds the lock, but while it waits for the host. Until no
    // call waits, descriptors that are closed stay open for the host, whose numbers would be used
    // again.
    pthread_mutex_t lock;
    uint32_t waiting_count;
    int *closing;
    uint32_t closing_count, closing_capacity;
};

struct wj_wasi_call {
    struct wj_wasi *wasi;
    uint8_t *base; // of the guest's memory, for this call alone
    uint64_t size_bytes;
    const uint64_t *args; // i32 zero-extended
    void *host;           // for is_interrupted
    bool is_locked;       // holds the lock
};

typedef enum wj_wasi_errno wj_wasi_function(struct wj_wasi_call *call);

struct wj_wasi_entry {
    const char *name;
    const char *params; // 'i' and 'I' for i32 and i64
    bool has_result;    // an i32, the error number
    wj_wasi_function *run;
};

#define WJ_WASI_FUNCTION_COUNT 46
#define WJ_WASI_PARAMS_MAX 9

// The function of wasi_snapshot_preview1 with this name, or NULL.
const struct wj_wasi_entry *wj_wasi_find(const char *name, size_t name_bytes);
const struct wj_wasi_entry *wj_wasi_entry_at(size_t index);

// An empty context: no arguments, no descriptors. False: memory is exhausted.
void wj_wasi_init(struct wj_wasi *wasi);
void wj_wasi_clear(struct wj_wasi *wasi);
bool wj_wasi_strings_add(struct wj_wasi_strings *strings, const char *text);

enum wj_wasi_errno wj_wasi_errno_of(int host_errno);

// Around whatever may take long: other threads make their calls meanwhile. What a call learnt about
// descriptors before may not be so afterwards, their entries stay where they are. errno is kept.
void wj_wasi_wait_begin(struct wj_wasi_call *call);
void wj_wasi_wait_end(struct wj_wasi_call *call);
// Closes a descriptor of the host's, now or once nobody can be using it; an errno or 0.
int wj_wasi_close_host(struct wj_wasi *wasi, int host);

// Whether the guest should stop now.
static inline bool wj_wasi_is_interrupted(const struct wj_wasi_call *call)
{
    return call->wasi->is_interrupted && call->wasi->is_interrupted(call->host);
}

// The guest's bytes [address, address + size_bytes), or NULL when they are not all its own.
static inline uint8_t *wj_wasi_span(const struct wj_wasi_call *call, uint64_t address,
                                    uint64_t size_bytes)
{
    bool fits = address <= call->size_bytes && size_bytes <= call->size_bytes - address;
    return fits ? call->base + address : NULL;
}

// Loads and stores at a pointer that wj_wasi_span gave. Guest addresses need not be aligned.
static inline uint32_t wj_wasi_get_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}
static inline uint64_t wj_wasi_get_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}
static inline void wj_wasi_put_u16(uint8_t *at, uint16_t value)
{
    memcpy(at, &value, sizeof(value));
}
static inline void wj_wasi_put_u32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
}
static inline void wj_wasi_put_u64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
}

// Stores a result at a guest address.
static inline enum wj_wasi_errno wj_wasi_result_u32(const struct wj_wasi_call *call,
                                                    uint64_t address, uint32_t value)
{
    uint8_t *at = wj_wasi_span(call, address, sizeof(value));
    if (!at) {
        return WASI_EFAULT;
    }
    wj_wasi_put_u32(at, value);
    return WASI_ESUCCESS;
}
static inline enum wj_wasi_errno wj_wasi_result_u64(const struct wj_wasi_call *call,
                                                    uint64_t address, uint64_t value)
{
    uint8_t *at = wj_wasi_span(call, address, sizeof(value));
    if (!at) {
        return WASI_EFAULT;
    }
    wj_wasi_put_u64(at, value);
    return WASI_ESUCCESS;
}

// Waits until a stream can be read or written (POLLIN, POLLOUT). Not waiting: WASI_EAGAIN.
enum wj_wasi_errno wj_wasi_wait_ready(struct wj_wasi_call *call, int host, short events,
                                      bool may_wait);

struct stat;
struct timespec;
void wj_wasi_put_filestat(uint8_t *at, const struct stat *st);
// The two times of a set_times call from its arguments atim, mtim, flags.
enum wj_wasi_errno wj_wasi_get_times(uint64_t atim, uint64_t mtim, uint64_t flags,
                                     struct timespec times[2]);

#define WASI_NS_PER_S 1000000000u

#endif
