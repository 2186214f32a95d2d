// The process that does the GPU work. What it is asked comes from the runtime, but what it holds
// is checked all the same: it must not be confused by a program that died half way.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "remote/protocol.h"
#include "remote/remote.h"

// A memory's place is reserved whole, since a base never moves.
#define RESERVED_BYTES (4ull << 30)

struct served_memory {
    uint8_t *base; // NULL: no memory of that number
    uint64_t size_bytes;
    int file;
    struct wj_gpu_memory *gpu;
};

struct served_kernel {
    struct wj_gpu_kernel *gpu; // NULL: no kernel of that number
    uint32_t memory_count;
};

struct server {
    int socket;
    const struct wj_gpu_driver *driver;
    bool (*set_up)(struct wj_gpu *gpu, const struct wj_gpu_setup *setup, struct wj_err *err);
    struct wj_gpu *gpu;
    struct wj_gpu_device *device;
    struct served_memory *memories; // by number
    struct served_kernel *kernels;  // by number
};

static bool confused(struct wj_err *err)
{
    return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "the GPU process was asked nonsense");
}

static bool load(struct server *server, const struct wj_remote_request *request,
                 struct wj_remote_reply *reply)
{
    const struct wj_gpu_driver *driver = server->driver;
    char folder[WJ_REMOTE_FOLDER_BYTES_MAX] = "";
    if (request->folder_bytes != 0 &&
        (!wj_remote_read(server->socket, folder, request->folder_bytes) ||
         folder[request->folder_bytes - 1] != '\0')) {
        _exit(1); // the stream is out of step
    }
    if (server->gpu != NULL) {
        return confused(&reply->err);
    }
    const struct wj_gpu_setup setup = {request->index, request->folder_bytes != 0 ? folder : NULL};
    if (!driver->load(&server->gpu, &reply->err) ||
        !server->set_up(server->gpu, &setup, &reply->err)) {
        return false;
    }
    uint32_t count = driver->device_count(server->gpu);
    reply->count = count < WJ_REMOTE_DEVICES_MAX ? count : WJ_REMOTE_DEVICES_MAX;
    return true;
}

static bool open_device(struct server *server, const struct wj_remote_request *request,
                        struct wj_remote_reply *reply)
{
    const struct wj_gpu_driver *driver = server->driver;
    if (server->gpu == NULL || server->device != NULL ||
        request->index >= driver->device_count(server->gpu)) {
        return confused(&reply->err);
    }
    if (!driver->open(server->gpu, request->index, &server->device, &reply->err)) {
        return false;
    }
    reply->caps = *driver->caps(server->device);
    return true;
}

static bool map_memory(struct served_memory *memory, uint64_t size_bytes, struct wj_err *err)
{
    if (size_bytes > RESERVED_BYTES ||
        mmap(memory->base, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memory->file,
             0) == MAP_FAILED) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET,
                          "the GPU process has no room for a memory of %llu bytes",
                          (unsigned long long) size_bytes);
    }
    memory->size_bytes = size_bytes;
    return true;
}

static void forget_memory(struct server *server, struct served_memory *memory)
{
    if (memory->gpu != NULL) {
        server->driver->memory_forget(memory->gpu);
    }
    if (memory->base != NULL) {
        munmap(memory->base, RESERVED_BYTES);
        close(memory->file);
    }
    memset(memory, 0, sizeof *memory);
}

static bool add_memory(struct server *server, const struct wj_remote_request *request, int file,
                       struct wj_err *err)
{
    struct served_memory *memory = &server->memories[request->memory];
    if (file < 0 || memory->base != NULL || server->device == NULL) {
        return confused(err);
    }
    void *base =
        mmap(NULL, RESERVED_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    memory->file = dup(file);
    memory->base = base == MAP_FAILED ? NULL : base;
    if (base == MAP_FAILED || memory->file < 0) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "the GPU process has no room");
    }
    bool is_good = map_memory(memory, request->memory_bytes, err) &&
                   server->driver->memory_add(server->device, memory->base, memory->size_bytes,
                                              &memory->gpu, err);
    if (!is_good) {
        forget_memory(server, memory);
    }
    return is_good;
}

static bool make_kernel(struct server *server, const struct wj_remote_request *request,
                        struct wj_remote_reply *reply)
{
    struct wj_gpu_code code = request->code;
    uint32_t *words = malloc(code.word_count * sizeof *words + 1);
    if (words == NULL || !wj_remote_read(server->socket, words, code.word_count * sizeof *words)) {
        _exit(1); // the stream is out of step
    }
    code.words = words;
    struct served_kernel *kernel = &server->kernels[request->kernel];
    bool is_good =
        server->device != NULL && kernel->gpu == NULL && code.memory_count <= WJ_GPU_MEMORIES_MAX
            ? server->driver->kernel_new(server->device, &code, &kernel->gpu, &reply->ms,
                                         &reply->err)
            : confused(&reply->err);
    kernel->memory_count = code.memory_count;
    free(words);
    return is_good;
}

static bool dispatch(struct server *server, const struct wj_remote_request *request,
                     struct wj_remote_reply *reply)
{
    const struct served_kernel *kernel = &server->kernels[request->kernel];
    struct wj_gpu_memory *memories[WJ_GPU_MEMORIES_MAX] = {server->memories[request->memory].gpu};
    bool is_known = kernel->gpu != NULL && memories[0] != NULL;
    for (uint32_t i = 1; is_known && i < kernel->memory_count; i++) {
        const uint32_t number = request->more[i - 1];
        memories[i] = number < WJ_REMOTE_OBJECTS_MAX ? server->memories[number].gpu : NULL;
        is_known = memories[i] != NULL;
    }
    return is_known ? server->driver->dispatch(kernel->gpu, memories, &request->work, &reply->trap,
                                               &reply->ms, &reply->err)
                    : confused(&reply->err);
}

static bool run(struct server *server, const struct wj_remote_request *request, int file,
                struct wj_remote_reply *reply)
{
    const struct wj_gpu_driver *driver = server->driver;
    struct served_memory *memory = &server->memories[request->memory];
    struct wj_gpu_kernel **kernel = &server->kernels[request->kernel].gpu;
    switch ((enum wj_remote_kind) request->kind) {
    case WJ_REMOTE_LOAD: return load(server, request, reply);
    case WJ_REMOTE_OPEN: return open_device(server, request, reply);
    case WJ_REMOTE_MEMORY_ADD: return add_memory(server, request, file, &reply->err);
    case WJ_REMOTE_MEMORY_RESIZE:
        return memory->gpu != NULL && request->memory_bytes >= memory->size_bytes
                   ? map_memory(memory, request->memory_bytes, &reply->err) &&
                         driver->memory_resize(memory->gpu, memory->size_bytes, &reply->err)
                   : confused(&reply->err);
    case WJ_REMOTE_MEMORY_FORGET: forget_memory(server, memory); return true;
    case WJ_REMOTE_KERNEL_NEW: return make_kernel(server, request, reply);
    case WJ_REMOTE_KERNEL_FREE:
        driver->kernel_free(*kernel);
        *kernel = NULL;
        return true;
    case WJ_REMOTE_DISPATCH: return dispatch(server, request, reply);
    }
    return confused(&reply->err);
}

static bool write_infos(struct server *server, uint32_t count)
{
    bool is_written = true;
    for (uint32_t i = 0; is_written && i < count; i++) {
        struct wj_gpu_info info;
        memset(&info, 0, sizeof info);
        server->driver->device_info(server->gpu, i, &info);
        is_written = wj_remote_write(server->socket, &info, sizeof info);
    }
    return is_written;
}

static bool serve_one(struct server *server)
{
    struct wj_remote_request request;
    struct wj_remote_reply reply;
    int file;
    if (!wj_remote_read_request(server->socket, &request, &file)) {
        return false;
    }
    memset(&reply, 0, sizeof reply);
    wj_err_clear(&reply.err);
    bool is_sound =
        request.size_bytes == sizeof request && request.memory < WJ_REMOTE_OBJECTS_MAX &&
        request.kernel < WJ_REMOTE_OBJECTS_MAX && request.code.word_count <= WJ_REMOTE_WORDS_MAX &&
        request.folder_bytes <= WJ_REMOTE_FOLDER_BYTES_MAX &&
        (request.folder_bytes == 0 || request.kind == WJ_REMOTE_LOAD);
    reply.is_good = is_sound && run(server, &request, file, &reply);
    if (file >= 0) {
        close(file);
    }
    return is_sound && wj_remote_write(server->socket, &reply, sizeof reply) &&
           (!reply.is_good || request.kind != WJ_REMOTE_LOAD || write_infos(server, reply.count));
}

void wj_remote_serve(int socket, const struct wj_gpu_driver *driver,
                     bool (*set_up)(struct wj_gpu *gpu, const struct wj_gpu_setup *setup,
                                    struct wj_err *err))
{
    struct server server = {
        .socket = socket,
        .driver = driver,
        .set_up = set_up,
        .memories = calloc(WJ_REMOTE_OBJECTS_MAX, sizeof *server.memories),
        .kernels = calloc(WJ_REMOTE_OBJECTS_MAX, sizeof *server.kernels),
    };
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); // the program decides when it is over
    while (server.memories != NULL && server.kernels != NULL && serve_one(&server)) {
    }
    for (uint32_t i = 0; server.kernels != NULL && i < WJ_REMOTE_OBJECTS_MAX; i++) {
        driver->kernel_free(server.kernels[i].gpu);
    }
    for (uint32_t i = 0; server.memories != NULL && i < WJ_REMOTE_OBJECTS_MAX; i++) {
        forget_memory(&server, &server.memories[i]);
    }
    if (server.device != NULL) {
        driver->close(server.device);
    }
    if (server.gpu != NULL) {
        driver->unload(server.gpu);
    }
    free(server.memories);
    free(server.kernels);
}
