// The runtime's end: each call is a request and its reply. Objects remember in which process they
// were made, and are made again in the next one when they are needed there.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "remote/protocol.h"
#include "remote/remote.h"

// A driver that takes so many processes with it is of no use.
#define ENDS_MAX 16u
#define EXIT_WAIT_MS 2000u

extern char **environ;

struct wj_gpu {
    char *command;
    struct wj_gpu_setup setup; // with a folder of its own
    pthread_mutex_t lock;      // of all
    int socket;                // -1: no process
    pid_t process;
    uint32_t process_number; // of those that were started
    uint32_t end_count;      // processes that ended before their time
    struct wj_gpu_info *infos;
    uint32_t info_count;
    struct wj_gpu_device *device; // that is open
    bool used_memories[WJ_REMOTE_OBJECTS_MAX];
    bool used_kernels[WJ_REMOTE_OBJECTS_MAX];
};

struct wj_gpu_device {
    struct wj_gpu *gpu;
    uint32_t index;
    uint32_t made_in; // the number of the process that has it open
    struct wj_gpu_caps caps;
};

struct wj_gpu_memory {
    struct wj_gpu_device *device;
    uint32_t number, made_in;
    int file;
    uint64_t size_bytes;
};

struct wj_gpu_kernel {
    struct wj_gpu_device *device;
    uint32_t number, made_in;
    struct wj_gpu_code code; // with words of its own
};

static bool reap(struct wj_gpu *gpu, unsigned wait_ms, int *status)
{
    for (unsigned i = 0; i <= wait_ms; i++) {
        pid_t process = waitpid(gpu->process, status, WNOHANG);
        if (process != 0) { // a host may have waited for all its children
            return process > 0;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    kill(gpu->process, SIGKILL);
    return waitpid(gpu->process, status, 0) > 0;
}

// The process is of no use any more.
static void end_process(struct wj_gpu *gpu, unsigned wait_ms, char *how, size_t how_bytes)
{
    int status = 0;
    if (gpu->socket < 0) {
        return;
    }
    close(gpu->socket);
    gpu->socket = -1;
    bool is_known = reap(gpu, wait_ms, &status);
    if (is_known && WIFSIGNALED(status)) {
        snprintf(how, how_bytes, "signal %d", WTERMSIG(status));
    } else {
        snprintf(how, how_bytes, "status %d", is_known ? WEXITSTATUS(status) : -1);
    }
}

static bool lose(struct wj_gpu *gpu, const char *doing, struct wj_err *err)
{
    char how[32] = "";
    end_process(gpu, 100, how, sizeof how);
    gpu->end_count++;
    return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "the GPU process ended while %s (%s)",
                      doing, how);
}

// What follows a request.
static bool write_rest(const struct wj_gpu *gpu, const struct wj_remote_request *request)
{
    const struct wj_gpu_code *code = &request->code;
    return wj_remote_write(gpu->socket, gpu->setup.cache_folder, request->folder_bytes) &&
           (request->kind != WJ_REMOTE_KERNEL_NEW ||
            wj_remote_write(gpu->socket, code->words, code->word_count * sizeof *code->words));
}

// A request and its reply, to a process that runs. False: refused, or the process has ended.
static bool ask(struct wj_gpu *gpu, struct wj_remote_request *request, int file,
                struct wj_remote_reply *reply, const char *doing, struct wj_err *err)
{
    request->size_bytes = sizeof *request;
    if (!wj_remote_write_request(gpu->socket, request, file) || !write_rest(gpu, request) ||
        !wj_remote_read(gpu->socket, reply, sizeof *reply)) {
        return lose(gpu, doing, err);
    }
    return reply->is_good ||
           wj_err_set(err, reply->err.kind, reply->err.offset, "%s", reply->err.message);
}

static bool spawn(struct wj_gpu *gpu, struct wj_err *err)
{
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
        return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "no socket for the GPU process: %s",
                          strerror(errno));
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_adddup2(&actions, sockets[1], 3);
    char *arguments[] = {gpu->command, (char[]){"gpu-server"}, NULL};
    int status =
        posix_spawn(&gpu->process, gpu->command, &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(sockets[1]);
    if (status != 0) {
        close(sockets[0]);
        return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "%s cannot be started: %s",
                          gpu->command, strerror(status));
    }
    gpu->socket = sockets[0];
    gpu->process_number++;
    return true;
}

// A process that has the driver loaded. The list of devices is that of the first one.
static bool need_process(struct wj_gpu *gpu, struct wj_err *err)
{
    if (gpu->socket >= 0) {
        return true;
    }
    if (gpu->end_count >= ENDS_MAX) {
        return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET,
                          "the GPU process ended %u times and is given up", gpu->end_count);
    }
    const char *folder = gpu->setup.cache_folder;
    struct wj_remote_request request = {
        .kind = WJ_REMOTE_LOAD,
        .index = gpu->setup.memory_mode,
        .folder_bytes = folder == NULL ? 0 : (uint32_t) strlen(folder) + 1,
    };
    struct wj_remote_reply reply;
    if (!spawn(gpu, err) || !ask(gpu, &request, -1, &reply, "the driver was loaded", err)) {
        return false;
    }
    uint32_t count = reply.count < WJ_REMOTE_DEVICES_MAX ? reply.count : WJ_REMOTE_DEVICES_MAX;
    struct wj_gpu_info *infos = calloc(count + 1u, sizeof *infos);
    if (infos == NULL || !wj_remote_read(gpu->socket, infos, count * sizeof *infos)) {
        free(infos);
        return lose(gpu, "devices were listed", err);
    }
    if (gpu->infos == NULL) {
        gpu->infos = infos;
        gpu->info_count = count;
    } else {
        free(infos);
    }
    return true;
}

static bool need_device(struct wj_gpu_device *device, struct wj_err *err)
{
    struct wj_gpu *gpu = device->gpu;
    if (!need_process(gpu, err)) {
        return false;
    }
    if (device->made_in == gpu->process_number) {
        return true;
    }
    struct wj_remote_request request = {.kind = WJ_REMOTE_OPEN, .index = device->index};
    struct wj_remote_reply reply;
    if (!ask(gpu, &request, -1, &reply, "the device was opened", err)) {
        return false;
    }
    device->made_in = gpu->process_number;
    device->caps = reply.caps;
    return true;
}

static bool need_memory(struct wj_gpu_memory *memory, struct wj_err *err)
{
    struct wj_gpu *gpu = memory->device->gpu;
    if (!need_device(memory->device, err)) {
        return false;
    }
    if (memory->made_in == gpu->process_number) {
        return true;
    }
    struct wj_remote_request request = {
        .kind = WJ_REMOTE_MEMORY_ADD,
        .memory = memory->number,
        .memory_bytes = memory->size_bytes,
    };
    struct wj_remote_reply reply;
    if (!ask(gpu, &request, memory->file, &reply, "memory was given to it", err)) {
        return false;
    }
    memory->made_in = gpu->process_number;
    return true;
}

static bool need_kernel(struct wj_gpu_kernel *kernel, double *pipeline_ms, struct wj_err *err)
{
    struct wj_gpu *gpu = kernel->device->gpu;
    if (!need_device(kernel->device, err)) {
        return false;
    }
    if (kernel->made_in == gpu->process_number) {
        return true;
    }
    struct wj_remote_request request = {
        .kind = WJ_REMOTE_KERNEL_NEW,
        .kernel = kernel->number,
        .code = kernel->code,
    };
    struct wj_remote_reply reply;
    if (!ask(gpu, &request, -1, &reply, "a kernel was made", err)) {
        return false;
    }
    kernel->made_in = gpu->process_number;
    *pipeline_ms = reply.ms;
    return true;
}

// ---- The port -----------------------------------------------------------------------------------

static void remote_unload(struct wj_gpu *gpu)
{
    char how[32];
    end_process(gpu, EXIT_WAIT_MS, how, sizeof how);
    pthread_mutex_destroy(&gpu->lock);
    free(gpu->infos);
    free((void *) gpu->setup.cache_folder);
    free(gpu->command);
    free(gpu);
}

bool wj_remote_load(const char *command, const struct wj_gpu_setup *setup, struct wj_gpu **out,
                    struct wj_err *err)
{
    const char *folder = setup->cache_folder;

    struct wj_gpu *gpu = calloc(1, sizeof *gpu);
    if (gpu == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    pthread_mutex_init(&gpu->lock, NULL);
    gpu->socket = -1;
    gpu->setup.memory_mode = setup->memory_mode;
    gpu->setup.cache_folder =
        folder != NULL && strlen(folder) < WJ_REMOTE_FOLDER_BYTES_MAX ? strdup(folder) : NULL;
    gpu->command = strdup(command);
    if (gpu->command == NULL || !need_process(gpu, err)) {
        remote_unload(gpu);
        return false;
    }
    *out = gpu;
    return true;
}

static bool remote_load(struct wj_gpu **gpu, struct wj_err *err)
{
    (void) gpu;
    return wj_err_set(err, WJ_ERR_USAGE, WJ_NO_OFFSET, "the GPU process has no name");
}

static uint32_t remote_device_count(const struct wj_gpu *gpu)
{
    return gpu->info_count;
}

static void remote_device_info(const struct wj_gpu *gpu, uint32_t index, struct wj_gpu_info *info)
{
    *info = gpu->infos[index];
}

static bool remote_open(struct wj_gpu *gpu, uint32_t index, struct wj_gpu_device **out,
                        struct wj_err *err)
{
    struct wj_gpu_device *device = calloc(1, sizeof *device);
    if (device == NULL || gpu->device != NULL) {
        free(device);
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "one device can be open");
    }
    device->gpu = gpu;
    device->index = index;
    pthread_mutex_lock(&gpu->lock);
    bool is_open = need_device(device, err);
    pthread_mutex_unlock(&gpu->lock);
    if (!is_open) {
        free(device);
        return false;
    }
    gpu->device = device;
    *out = device;
    return true;
}

static void remote_close(struct wj_gpu_device *device)
{
    device->gpu->device = NULL;
    free(device);
}

static const struct wj_gpu_caps *remote_caps(const struct wj_gpu_device *device)
{
    return &device->caps;
}

static bool take_number(bool *used, uint32_t *number)
{
    for (*number = 0; *number < WJ_REMOTE_OBJECTS_MAX; ++*number) {
        if (!used[*number]) {
            used[*number] = true;
            return true;
        }
    }
    return false;
}

static bool remote_memory_add(struct wj_gpu_device *device, void *base, uint64_t size_bytes,
                              struct wj_gpu_memory **memory, struct wj_err *err)
{
    (void) device, (void) base, (void) size_bytes, (void) memory;
    return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET,
                      "the memory lies in no file that another process could map");
}

static bool remote_memory_add_file(struct wj_gpu_device *device, int file, uint64_t size_bytes,
                                   struct wj_gpu_memory **out, struct wj_err *err)
{
    struct wj_gpu *gpu = device->gpu;
    struct wj_gpu_memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    *memory = (struct wj_gpu_memory){.device = device, .file = file, .size_bytes = size_bytes};
    pthread_mutex_lock(&gpu->lock);
    bool has_number = take_number(gpu->used_memories, &memory->number);
    bool is_added = has_number && need_memory(memory, err);
    if (has_number && !is_added) {
        gpu->used_memories[memory->number] = false;
    }
    pthread_mutex_unlock(&gpu->lock);
    if (!is_added) {
        free(memory);
        return wj_err_set(err, WJ_ERR_LIMIT, WJ_NO_OFFSET, "too many memories");
    }
    *out = memory;
    return true;
}

static bool remote_memory_resize(struct wj_gpu_memory *memory, uint64_t size_bytes,
                                 struct wj_err *err)
{
    struct wj_gpu *gpu = memory->device->gpu;
    struct wj_remote_request request = {
        .kind = WJ_REMOTE_MEMORY_RESIZE,
        .memory = memory->number,
        .memory_bytes = size_bytes,
    };
    struct wj_remote_reply reply;
    pthread_mutex_lock(&gpu->lock);
    memory->size_bytes = size_bytes;
    bool is_known = gpu->socket >= 0 && memory->made_in == gpu->process_number;
    bool is_resized =
        is_known ? ask(gpu, &request, -1, &reply, "memory grew", err) : need_memory(memory, err);
    pthread_mutex_unlock(&gpu->lock);
    return is_resized;
}

// Tells the process that has the object that it goes. Nothing depends on the answer.
static void drop(struct wj_gpu *gpu, uint32_t made_in, struct wj_remote_request *request)
{
    struct wj_remote_reply reply;
    struct wj_err ignored;
    wj_err_clear(&ignored);
    if (gpu->socket >= 0 && made_in == gpu->process_number) {
        ask(gpu, request, -1, &reply, "an object was freed", &ignored);
    }
}

static void remote_memory_forget(struct wj_gpu_memory *memory)
{
    struct wj_gpu *gpu = memory->device->gpu;
    struct wj_remote_request request = {
        .kind = WJ_REMOTE_MEMORY_FORGET,
        .memory = memory->number,
    };
    pthread_mutex_lock(&gpu->lock);
    drop(gpu, memory->made_in, &request);
    gpu->used_memories[memory->number] = false;
    pthread_mutex_unlock(&gpu->lock);
    free(memory);
}

static void kernel_clear(struct wj_gpu_kernel *kernel)
{
    if (kernel != NULL) {
        free((void *) kernel->code.words);
        free(kernel);
    }
}

static bool remote_kernel_new(struct wj_gpu_device *device, const struct wj_gpu_code *code,
                              struct wj_gpu_kernel **out, double *pipeline_ms, struct wj_err *err)
{
    struct wj_gpu *gpu = device->gpu;
    struct wj_gpu_kernel *kernel = calloc(1, sizeof *kernel);
    size_t size_bytes = code->word_count * sizeof *code->words;
    uint32_t *words = code->word_count <= WJ_REMOTE_WORDS_MAX ? malloc(size_bytes + 1) : NULL;
    if (kernel == NULL || words == NULL) {
        free(kernel);
        free(words);
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory for a kernel");
    }
    memcpy(words, code->words, size_bytes);
    kernel->device = device;
    kernel->code = *code;
    kernel->code.words = words;
    double unused_ms;
    pthread_mutex_lock(&gpu->lock);
    bool has_number = take_number(gpu->used_kernels, &kernel->number);
    bool is_made =
        has_number && need_kernel(kernel, pipeline_ms != NULL ? pipeline_ms : &unused_ms, err);
    if (has_number && !is_made) {
        gpu->used_kernels[kernel->number] = false;
    }
    pthread_mutex_unlock(&gpu->lock);
    if (!is_made) {
        kernel_clear(kernel);
        return wj_err_set(err, WJ_ERR_LIMIT, WJ_NO_OFFSET, "too many kernels");
    }
    *out = kernel;
    return true;
}

static void remote_kernel_free(struct wj_gpu_kernel *kernel)
{
    if (kernel == NULL) {
        return;
    }
    struct wj_gpu *gpu = kernel->device->gpu;
    struct wj_remote_request request = {
        .kind = WJ_REMOTE_KERNEL_FREE,
        .kernel = kernel->number,
    };
    pthread_mutex_lock(&gpu->lock);
    drop(gpu, kernel->made_in, &request);
    gpu->used_kernels[kernel->number] = false;
    pthread_mutex_unlock(&gpu->lock);
    kernel_clear(kernel);
}

static bool remote_dispatch(struct wj_gpu_kernel *kernel, struct wj_gpu_memory *const *memories,
                            const struct wj_gpu_work *work, struct wj_gpu_trap *trap,
                            double *gpu_ms, struct wj_err *err)
{
    struct wj_gpu *gpu = kernel->device->gpu;
    struct wj_remote_request request = {
        .kind = WJ_REMOTE_DISPATCH,
        .kernel = kernel->number,
        .memory = memories[0]->number,
        .work = *work,
    };
    struct wj_remote_reply reply;
    double unused_ms;
    pthread_mutex_lock(&gpu->lock);
    bool is_ready = need_kernel(kernel, &unused_ms, err);
    for (uint32_t i = 0; is_ready && i < kernel->code.memory_count; i++) {
        is_ready = need_memory(memories[i], err);
        if (i != 0) {
            request.more[i - 1] = memories[i]->number;
        }
    }
    bool is_run = is_ready && ask(gpu, &request, -1, &reply, "a kernel ran", err);
    if (is_ready && !is_run && gpu->socket >= 0) {
        // The device may be lost to that process; a new one finds it again.
        struct wj_err ignored;
        wj_err_clear(&ignored);
        lose(gpu, "a kernel ran", &ignored);
    }
    pthread_mutex_unlock(&gpu->lock);
    if (is_run) {
        *trap = reply.trap;
        if (gpu_ms != NULL) {
            *gpu_ms = reply.ms;
        }
    }
    return is_run;
}

const struct wj_gpu_driver wj_remote_driver = {
    .load = remote_load,
    .unload = remote_unload,
    .device_count = remote_device_count,
    .device_info = remote_device_info,
    .open = remote_open,
    .close = remote_close,
    .caps = remote_caps,
    .memory_add = remote_memory_add,
    .memory_add_file = remote_memory_add_file,
    .memory_resize = remote_memory_resize,
    .memory_forget = remote_memory_forget,
    .kernel_new = remote_kernel_new,
    .kernel_free = remote_kernel_free,
    .dispatch = remote_dispatch,
};
