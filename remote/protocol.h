// What passes between the runtime and the process that does its GPU work: fixed-size requests and
// replies over a stream socket, both ends of the same build.
#ifndef REMOTE_PROTOCOL_H
#define REMOTE_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "runtime/vm/gpu.h"

#define WJ_REMOTE_OBJECTS_MAX 65536u // memories, or kernels, at a time
#define WJ_REMOTE_WORDS_MAX (64u << 20)
#define WJ_REMOTE_DEVICES_MAX 64u
#define WJ_REMOTE_FOLDER_BYTES_MAX 4096u

enum wj_remote_kind {
    WJ_REMOTE_LOAD, // followed by folder_bytes; its reply by reply.count struct wj_gpu_info
    WJ_REMOTE_OPEN,
    WJ_REMOTE_MEMORY_ADD, // with a file descriptor
    WJ_REMOTE_MEMORY_RESIZE,
    WJ_REMOTE_MEMORY_FORGET,
    WJ_REMOTE_KERNEL_NEW, // followed by code.word_count words
    WJ_REMOTE_KERNEL_FREE,
    WJ_REMOTE_DISPATCH,
};

struct wj_remote_request {
    uint32_t size_bytes; // of this structure: other builds are refused
    uint32_t kind;       // enum wj_remote_kind
    uint32_t index;      // of the device; LOAD: the memory mode
    uint32_t kernel;     // numbers that the client gives
    uint32_t memory;
    uint32_t more[WJ_GPU_MEMORIES_MAX - 1]; // of a dispatch
    uint32_t folder_bytes; // of the cache folder's name, its end included; 0: nothing is kept
    uint64_t memory_bytes;
    struct wj_gpu_code code; // its words follow
    struct wj_gpu_work work;
};

struct wj_remote_reply {
    bool is_good;
    struct wj_err err;
    uint32_t count;
    double ms;
    struct wj_gpu_trap trap;
    struct wj_gpu_caps caps;
};

// False: the other end is gone. `file` -1: none; received ones are close-on-exec.
bool wj_remote_write(int socket, const void *bytes, size_t size_bytes);
bool wj_remote_read(int socket, void *bytes, size_t size_bytes);
bool wj_remote_write_request(int socket, const struct wj_remote_request *request, int file);
bool wj_remote_read_request(int socket, struct wj_remote_request *request, int *file);

#endif
