// The context of a guest, the table of its functions, and the error numbers.
#include "runtime/wasi/context.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/wasi/calls.h"

static const struct wj_wasi_entry entries[] = {
#define WASI_CALL(name, params, has_result) {#name, params, has_result, wj_wasi_##name},
#include "runtime/wasi/calls.def"
#undef WASI_CALL
};
_Static_assert(sizeof(entries) / sizeof(*entries) == WJ_WASI_FUNCTION_COUNT,
               "preview 1 has 46 functions");

const struct wj_wasi_entry *wj_wasi_entry_at(size_t index)
{
    return index < WJ_WASI_FUNCTION_COUNT ? &entries[index] : NULL;
}

const struct wj_wasi_entry *wj_wasi_find(const char *name, size_t name_bytes)
{
    for (size_t i = 0; i < WJ_WASI_FUNCTION_COUNT; i++) {
        if (strlen(entries[i].name) == name_bytes && !memcmp(entries[i].name, name, name_bytes)) {
            return &entries[i];
        }
    }
    return NULL;
}

void wj_wasi_init(struct wj_wasi *wasi)
{
    *wasi = (struct wj_wasi){.walk = WASI_WALK_AUTO};
    wj_wasi_fds_init(&wasi->fds);
    pthread_mutex_init(&wasi->lock, NULL);
}

void wj_wasi_clear(struct wj_wasi *wasi)
{
    wj_wasi_fds_clear(&wasi->fds);
    free(wasi->args.bytes);
    free(wasi->environ.bytes);
    free(wasi->closing);
    pthread_mutex_destroy(&wasi->lock);
    *wasi = (struct wj_wasi){.walk = WASI_WALK_AUTO};
}

void wj_wasi_wait_begin(struct wj_wasi_call *call)
{
    if (call->is_locked) {
        call->wasi->waiting_count++;
        pthread_mutex_unlock(&call->wasi->lock);
    }
}

void wj_wasi_wait_end(struct wj_wasi_call *call)
{
    struct wj_wasi *wasi = call->wasi;
    int saved_errno = errno;
    if (call->is_locked) {
        pthread_mutex_lock(&wasi->lock);
        wasi->waiting_count--;
        while (wasi->waiting_count == 0 && wasi->closing_count > 0) {
            close(wasi->closing[--wasi->closing_count]);
        }
    }
    errno = saved_errno;
}

int wj_wasi_close_host(struct wj_wasi *wasi, int host)
{
    if (wasi->waiting_count == 0) {
        // The descriptor is gone whatever close says (close(2)).
        return close(host) != 0 && errno != EINTR ? errno : 0;
    }
    if (wasi->closing_count == wasi->closing_capacity) {
        uint32_t capacity = wasi->closing_capacity ? 2 * wasi->closing_capacity : 8;
        int *closing = realloc(wasi->closing, capacity * sizeof(*closing));
        if (!closing) {
            return ENOMEM; // it stays open
        }
        wasi->closing = closing;
        wasi->closing_capacity = capacity;
    }
    wasi->closing[wasi->closing_count++] = host;
    return 0;
}

bool wj_wasi_strings_add(struct wj_wasi_strings *strings, const char *text)
{
    size_t size = strlen(text) + 1;
    // What the guest is told about must fit its 32-bit sizes.
    if (size > UINT32_MAX - strings->size_bytes || strings->count == UINT32_MAX / 4) {
        return false;
    }
    char *bytes = realloc(strings->bytes, strings->size_bytes + size);
    if (!bytes) {
        return false;
    }
    memcpy(bytes + strings->size_bytes, text, size);
    strings->bytes = bytes;
    strings->size_bytes += (uint32_t) size;
    strings->count++;
    return true;
}

enum wj_wasi_errno wj_wasi_errno_of(int host_errno)
{
    switch (host_errno) {
#define WJ_WASI_ERRNO_CASE(name, host) \
    case host: return WASI_E##name;
        WJ_WASI_ERRNOS(WJ_WASI_ERRNO_CASE)
#undef WJ_WASI_ERRNO_CASE
    // Linux has numbers that preview 1 lacks; the nearest in meaning stands for them.
    case EPFNOSUPPORT:
    case ESOCKTNOSUPPORT: return WASI_EAFNOSUPPORT;
    case ESHUTDOWN: return WASI_EPIPE;
    case EHOSTDOWN: return WASI_EHOSTUNREACH;
    case ETIME: return WASI_ETIMEDOUT;
    case ENOTBLK: return WASI_EINVAL;
    case EUSERS: return WASI_EMFILE;
    case ETOOMANYREFS: return WASI_ENOBUFS;
    case ENOMEDIUM:
    case EMEDIUMTYPE: return WASI_ENODEV;
    default: return WASI_EIO;
    }
}
