// fd_readdir. A cookie is the host's own position in the directory, so nothing has to be kept
// between calls, and a forged one is refused or lands somewhere else in the same directory.
#include <dirent.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/wasi/calls.h"

// Entries are fetched in pieces of at most this, and at least one entry with the longest name.
#define PIECE_BYTES_MAX 32768u
#define PIECE_BYTES_MIN 512u

static enum wj_wasi_filetype filetype_of(unsigned char type)
{
    switch (type) {
    case DT_BLK: return WASI_FILETYPE_BLOCK_DEVICE;
    case DT_CHR: return WASI_FILETYPE_CHARACTER_DEVICE;
    case DT_DIR: return WASI_FILETYPE_DIRECTORY;
    case DT_REG: return WASI_FILETYPE_REGULAR_FILE;
    case DT_SOCK: return WASI_FILETYPE_SOCKET_STREAM;
    case DT_LNK: return WASI_FILETYPE_SYMBOLIC_LINK;
    default: return WASI_FILETYPE_UNKNOWN;
    }
}

// Copies one entry, cut off where the buffer ends. Returns the bytes written.
static uint32_t put_entry(uint8_t *at, uint32_t left, const struct dirent64 *entry)
{
    uint8_t head[WASI_DIRENT_BYTES] = {0};
    size_t name_bytes = strlen(entry->d_name);
    wj_wasi_put_u64(head, (uint64_t) entry->d_off);
    wj_wasi_put_u64(head + 8, entry->d_ino);
    wj_wasi_put_u32(head + 16, (uint32_t) name_bytes);
    head[20] = (uint8_t) filetype_of(entry->d_type);
    uint32_t head_taken = left < sizeof(head) ? left : (uint32_t) sizeof(head);
    memcpy(at, head, head_taken);
    left -= head_taken;
    uint32_t name_taken = left < name_bytes ? left : (uint32_t) name_bytes;
    memcpy(at + head_taken, entry->d_name, name_taken);
    return head_taken + name_taken;
}

// Fills the buffer from where the directory stands. A full buffer says that there may be more.
static enum wj_wasi_errno fill(struct wj_wasi_call *call, int host, uint8_t *buffer, uint32_t size,
                               uint32_t *used)
{
    _Alignas(struct dirent64) char piece[PIECE_BYTES_MAX];
    *used = 0;
    while (*used < size) {
        uint32_t wanted = size - *used;
        wanted = wanted > PIECE_BYTES_MAX ? PIECE_BYTES_MAX : wanted;
        wanted = wanted < PIECE_BYTES_MIN ? PIECE_BYTES_MIN : wanted;
        long got = syscall(SYS_getdents64, host, piece, wanted);
        if (got <= 0) {
            // What was there before an error is reported first.
            return got < 0 && *used == 0 ? wj_wasi_errno_of(errno) : WASI_ESUCCESS;
        }
        for (long at = 0; at < got && *used < size;) {
            const struct dirent64 *entry = (const struct dirent64 *) (piece + at);
            *used += put_entry(buffer + *used, size - *used, entry);
            at += entry->d_reclen;
        }
        if (wj_wasi_is_interrupted(call)) {
            return WASI_INTERRUPTED;
        }
    }
    return WASI_ESUCCESS;
}

enum wj_wasi_errno wj_wasi_fd_readdir(struct wj_wasi_call *call)
{
    uint64_t cookie = call->args[3];
    struct wj_wasi_fd *entry;
    enum wj_wasi_errno error = wj_wasi_fd_get(call, call->args[0], WASI_RIGHT_FD_READDIR, &entry);
    if (error) {
        return error;
    }
    uint8_t *buffer = wj_wasi_span(call, call->args[1], call->args[2]);
    if (!buffer || !wj_wasi_span(call, call->args[4], 4)) {
        return WASI_EFAULT;
    }
    if (cookie > INT64_MAX || lseek(entry->host, (off_t) cookie, SEEK_SET) < 0) {
        return WASI_EINVAL;
    }
    uint32_t used;
    error = fill(call, entry->host, buffer, (uint32_t) call->args[2], &used);
    return error ? error : wj_wasi_result_u32(call, call->args[4], used);
}
