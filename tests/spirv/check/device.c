// The device of wjit_check: a GPU port (runtime/vm/gpu.h) whose shaders are interpreted. What it
// can do is chosen by $WJIT_CHECK_DEVICE, so that every lowering of the translator runs on any
// machine.
#include <stdlib.h>
#include <string.h>

#include "tests/spirv/check/device.h"
#include "tests/spirv/check/shader.h"

struct wj_gpu {
    char unused;
};

struct wj_gpu_device {
    struct wj_gpu_caps caps;
};

struct wj_gpu_memory {
    uint8_t *base;
    uint64_t size_bytes;
};

struct wj_gpu_kernel {
    struct check_shader *shader;
    bool is_group;
    uint32_t memory_count;
};

static bool device_load(struct wj_gpu **gpu, struct wj_err *err)
{
    *gpu = calloc(1, sizeof **gpu);
    return *gpu != NULL || wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
}

static void device_unload(struct wj_gpu *gpu)
{
    free(gpu);
}

static uint32_t device_count(const struct wj_gpu *gpu)
{
    (void) gpu;
    return 1;
}

static void device_info(const struct wj_gpu *gpu, uint32_t index, struct wj_gpu_info *info)
{
    (void) gpu, (void) index;
    *info = (struct wj_gpu_info){
        .name = "checking device",
        .driver = "interpreter",
        .kind = WJ_GPU_SOFTWARE,
        .can_import = true,
    };
}

// The best device, with what the words of $WJIT_CHECK_DEVICE take from it: pairs (no i64), soft
// (f32 by integers), words (no 8-bit storage), loops (values kept by hand), fuel (loops are
// counted), far (all memories by their address).
static struct wj_gpu_caps make_caps(void)
{
    const char *words = getenv("WJIT_CHECK_DEVICE");
    words = words == NULL ? "" : words;
    const bool is_soft = strstr(words, "soft") != NULL;
    struct wj_gpu_caps caps = {
        .has_int64 = strstr(words, "pairs") == NULL,
        .has_float64 = strstr(words, "pairs") == NULL,
        .has_atomic64 = strstr(words, "pairs") == NULL,
        .has_storage8 = strstr(words, "words") == NULL,
        .has_storage16 = strstr(words, "words") == NULL,
        .subgroup_size = 1,
        .storage_range_max_bytes = UINT32_MAX,
        .workgroup_count_max = {65535, 65535, 65535},
        .workgroup_size_max = 256,
        .shared_bytes_max = 32768,
        .memories_max = WJ_GPU_MEMORIES_MAX,
    };
    if (is_soft) {
        caps.f32_arith = caps.f32_div = caps.f32_sqrt = caps.f32_round = WJ_GPU_REPAIRED;
        caps.f32_compare = caps.f32_from_u32 = WJ_GPU_REPAIRED;
    }
    if (strstr(words, "loops") != NULL) {
        caps.loop_values = caps.memory_order = WJ_GPU_REPAIRED;
    }
    if (strstr(words, "fuel") != NULL) {
        caps.loop_iterations_max = 65535;
        caps.loop_group_size = 8;
    }
    if (strstr(words, "far") != NULL) {
        caps.has_addresses = true;
        caps.storage_range_max_bytes = 0;
    }
    return caps;
}

static bool device_open(struct wj_gpu *gpu, uint32_t index, struct wj_gpu_device **device,
                        struct wj_err *err)
{
    (void) gpu, (void) index;
    *device = calloc(1, sizeof **device);
    if (*device == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    (*device)->caps = make_caps();
    return true;
}

static void device_close(struct wj_gpu_device *device)
{
    free(device);
}

static const struct wj_gpu_caps *device_caps(const struct wj_gpu_device *device)
{
    return &device->caps;
}

static bool device_memory_add(struct wj_gpu_device *device, void *base, uint64_t size_bytes,
                              struct wj_gpu_memory **memory, struct wj_err *err)
{
    (void) device;
    *memory = calloc(1, sizeof **memory);
    if (*memory == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    **memory = (struct wj_gpu_memory){base, size_bytes};
    return true;
}

static bool device_memory_resize(struct wj_gpu_memory *memory, uint64_t size_bytes,
                                 struct wj_err *err)
{
    (void) err;
    memory->size_bytes = size_bytes;
    return true;
}

static void device_memory_forget(struct wj_gpu_memory *memory)
{
    free(memory);
}

static bool device_kernel_new(struct wj_gpu_device *device, const struct wj_gpu_code *code,
                              struct wj_gpu_kernel **kernel, double *pipeline_ms,
                              struct wj_err *err)
{
    (void) device;
    *kernel = calloc(1, sizeof **kernel);
    if (*kernel == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    // An odd size: the last group is never full.
    (*kernel)->is_group = code->shape.items != 0;
    (*kernel)->memory_count = code->memory_count;
    (*kernel)->shader = check_shader_new(code, code->shape.items != 0 ? code->shape.items : 7);
    *pipeline_ms = 0;
    return true;
}

static void device_kernel_free(struct wj_gpu_kernel *kernel)
{
    if (kernel != NULL) {
        check_shader_free(kernel->shader);
        free(kernel);
    }
}

static bool device_dispatch(struct wj_gpu_kernel *kernel, struct wj_gpu_memory *const *memories,
                            const struct wj_gpu_work *work, struct wj_gpu_trap *trap,
                            double *gpu_ms, struct wj_err *err)
{
    uint64_t items = (uint64_t) work->nx * work->ny;
    if (__builtin_mul_overflow(items, work->nz, &items) || items > UINT32_MAX) {
        return wj_err_set(err, WJ_ERR_LIMIT, WJ_NO_OFFSET, "too many items");
    }
    *gpu_ms = 0;
    memset(trap, 0, sizeof *trap);
    const uint32_t numbered = kernel->is_group ? 1 : kernel->shader->workgroup_size;
    struct check_run run = {
        .shader = kernel->shader,
        .trap = {(uint8_t *) trap, sizeof *trap},
        .push = {.nx = work->nx,
                 .ny = work->ny,
                 .nz = work->nz,
                 .args = (uint32_t) work->args,
                 .args_high = (uint32_t) (work->args >> 32),
                 .item_end = (uint32_t) items,
                 .memory_bytes_low = (uint32_t) memories[0]->size_bytes,
                 .memory_bytes_high = (uint32_t) (memories[0]->size_bytes >> 32),
                 .address_low = (uint32_t) CHECK_ADDRESS(0),
                 .address_high = (uint32_t) (CHECK_ADDRESS(0) >> 32),
                 .fuel = work->fuel,
                 .window = work->window,
                 .phases = work->phases},
        .groups = {(uint32_t) ((items + numbered - 1) / numbered), 1, 1},
        .shared = calloc(1, kernel->shader->shared_bytes + 1),
    };
    for (uint32_t i = 0; i < kernel->memory_count; i++) {
        run.memories[i] = (struct check_buffer){memories[i]->base, memories[i]->size_bytes};
        const uint64_t address = CHECK_ADDRESS(i);
        if (i != 0) {
            run.push.more[i - 1] = (struct wj_gpu_place){
                .bytes_low = (uint32_t) memories[i]->size_bytes,
                .bytes_high = (uint32_t) (memories[i]->size_bytes >> 32),
                .address_low = (uint32_t) address,
                .address_high = (uint32_t) (address >> 32),
            };
        }
    }
    for (run.group[0] = 0; run.shared != NULL && run.group[0] < run.groups[0]; run.group[0]++) {
        check_run_group(&run);
    }
    free(run.shared);
    return true;
}

const struct wj_gpu_driver check_driver = {
    .load = device_load,
    .unload = device_unload,
    .device_count = device_count,
    .device_info = device_info,
    .open = device_open,
    .close = device_close,
    .caps = device_caps,
    .memory_add = device_memory_add,
    .memory_resize = device_memory_resize,
    .memory_forget = device_memory_forget,
    .kernel_new = device_kernel_new,
    .kernel_free = device_kernel_free,
    .dispatch = device_dispatch,
};
