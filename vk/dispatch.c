// Runs a kernel over a grid and waits. The command buffer of the last dispatch is kept, so that the
// same dispatch again is only submitted.
#include <string.h>

#include "vk/impl.h"

enum {
    // A device that has not answered by then is given up. Software drivers share the CPU with all
    // else, and nothing resets them.
    WAIT_MAX_S = 60,
    WAIT_SOFTWARE_MAX_S = 1800,
};

static VkResult submit_and_wait(struct wj_gpu_device *device)
{
    const struct wj_vk_device_api *vk = &device->vk;
    const VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                                 .commandBufferCount = 1,
                                 .pCommandBuffers = &device->commands};
    const uint64_t seconds =
        device->found->info.kind == WJ_GPU_SOFTWARE ? WAIT_SOFTWARE_MAX_S : WAIT_MAX_S;
    VkResult result = vk->ResetFences(device->device, 1, &device->fence);
    if (result == VK_SUCCESS) {
        result = vk->QueueSubmit(device->queue, 1, &submit, device->fence);
    }
    if (result == VK_SUCCESS) {
        result =
            vk->WaitForFences(device->device, 1, &device->fence, VK_TRUE, seconds * 1000000000);
    }
    if (result == VK_TIMEOUT || result == VK_ERROR_DEVICE_LOST) {
        device->is_lost = true;
    }
    return result;
}

static void barrier(struct wj_gpu_device *device, VkPipelineStageFlags from,
                    VkAccessFlags from_access, VkPipelineStageFlags to, VkAccessFlags to_access)
{
    const VkMemoryBarrier all = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                 .srcAccessMask = from_access,
                                 .dstAccessMask = to_access};
    device->vk.CmdPipelineBarrier(device->commands, from, to, 0, 1, &all, 0, NULL, 0, NULL);
}

// Full rows of groups first, then what is left: so no item number wraps around at 2^32, as it would
// if the last row were filled up.
static void record_parts(const struct wj_gpu_kernel *kernel, const struct wj_gpu_push *whole)
{
    struct wj_gpu_device *device = kernel->device;
    const struct wj_vk_device_api *vk = &device->vk;
    const uint32_t x_max = device->caps.workgroup_count_max[0];
    const uint32_t y_max = device->caps.workgroup_count_max[1];
    const uint64_t size = kernel->numbered;
    uint64_t groups_left = (whole->item_end + size - 1) / size;
    struct wj_gpu_push push = *whole;
    while (groups_left != 0) {
        const uint32_t x = groups_left < x_max ? (uint32_t) groups_left : x_max;
        const uint32_t y = groups_left / x < y_max ? (uint32_t) (groups_left / x) : y_max;
        vk->CmdPushConstants(device->commands, device->pipeline_layout, VK_SHADER_STAGE_COMPUTE_BIT,
                             0, sizeof push, &push);
        vk->CmdDispatch(device->commands, x, y, 1);
        groups_left -= (uint64_t) x * y;
        push.first += (uint32_t) (x * y * size);
    }
}

static VkResult begin(struct wj_gpu_device *device)
{
    const VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    device->recorded.kernel = NULL;
    return device->vk.BeginCommandBuffer(device->commands, &info);
}

// The same memory may be a kernel's twice.
static bool is_repeated(struct wj_gpu_memory *const *memories, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++) {
        if (memories[k] == memories[i]) {
            return true;
        }
    }
    return false;
}

static bool has_mirror(const struct wj_gpu_kernel *kernel, struct wj_gpu_memory *const *memories)
{
    bool has_any = false;
    for (uint32_t i = 0; i < kernel->memory_count; i++) {
        has_any = has_any || memories[i]->is_mirrored;
    }
    return has_any;
}

static bool is_recorded(const struct wj_gpu_kernel *kernel, struct wj_gpu_memory *const *memories,
                        const struct wj_gpu_push *push)
{
    const struct wj_vk_recorded *last = &kernel->device->recorded;
    return last->kernel == kernel && memcmp(&last->push, push, sizeof *push) == 0 &&
           memcmp(last->memories, memories, kernel->memory_count * sizeof *memories) == 0;
}

static void record_uploads(const struct wj_gpu_kernel *kernel,
                           struct wj_gpu_memory *const *memories)
{
    struct wj_gpu_device *device = kernel->device;
    bool has_any = false;
    for (uint32_t i = 0; i < kernel->memory_count; i++) {
        const struct wj_gpu_memory *memory = memories[i];
        if (memory->is_mirrored && memory->upload_count != 0 && !is_repeated(memories, i)) {
            device->vk.CmdCopyBuffer(device->commands, memory->staging.buffer, memory->local.buffer,
                                     memory->upload_count, memory->uploads);
            has_any = true;
        }
    }
    if (has_any) {
        barrier(device, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
                VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
    }
}

static void record_downloads(const struct wj_gpu_kernel *kernel,
                             struct wj_gpu_memory *const *memories)
{
    struct wj_gpu_device *device = kernel->device;
    bool has_any = false;
    for (uint32_t i = 0; i < kernel->memory_count; i++) {
        const struct wj_gpu_memory *memory = memories[i];
        const VkBufferCopy all = {.size = memory->size_bytes};
        if (!memory->is_mirrored || is_repeated(memories, i)) {
            continue;
        }
        if (!has_any) {
            barrier(device, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
                    VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_READ_BIT);
        }
        has_any = true;
        device->vk.CmdCopyBuffer(device->commands, memory->local.buffer, memory->staging.buffer, 1,
                                 &all);
    }
}

static bool record(struct wj_gpu_kernel *kernel, struct wj_gpu_memory *const *memories,
                   const struct wj_gpu_push *push, struct wj_err *err)
{
    struct wj_gpu_device *device = kernel->device;
    const struct wj_vk_device_api *vk = &device->vk;
    const VkPipelineStageFlags shader = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
    const VkPipelineStageFlags transfer = VK_PIPELINE_STAGE_TRANSFER_BIT;
    VkDescriptorSet sets[WJ_GPU_MEMORIES_MAX];
    VkResult result = begin(device);
    if (result != VK_SUCCESS) {
        return wj_vk_fail(err, "vkBeginCommandBuffer", result);
    }
    record_uploads(kernel, memories);
    if (device->timestamps != VK_NULL_HANDLE) {
        vk->CmdResetQueryPool(device->commands, device->timestamps, 0, 2);
        vk->CmdWriteTimestamp(device->commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT,
                              device->timestamps, 0);
    }
    vk->CmdBindPipeline(device->commands, VK_PIPELINE_BIND_POINT_COMPUTE, kernel->pipeline);
    for (uint32_t i = 0; i < kernel->memory_count; i++) {
        sets[i] = memories[i]->set;
    }
    vk->CmdBindDescriptorSets(device->commands, VK_PIPELINE_BIND_POINT_COMPUTE,
                              device->pipeline_layout, 0, kernel->memory_count, sets, 0, NULL);
    record_parts(kernel, push);
    if (device->timestamps != VK_NULL_HANDLE) {
        vk->CmdWriteTimestamp(device->commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
                              device->timestamps, 1);
    }
    record_downloads(kernel, memories);
    // Coherent memory needs this too: the device's caches are written back for the host to read.
    barrier(device, shader | transfer, VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
            VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT | VK_ACCESS_HOST_WRITE_BIT);
    result = vk->EndCommandBuffer(device->commands);
    if (result != VK_SUCCESS) {
        return wj_vk_fail(err, "vkEndCommandBuffer", result);
    }
    if (!has_mirror(kernel, memories)) {
        device->recorded = (struct wj_vk_recorded){.kernel = kernel, .push = *push};
        memcpy(device->recorded.memories, memories, kernel->memory_count * sizeof *memories);
    }
    return true;
}

static double elapsed_ms(struct wj_gpu_device *device, double wall_ms)
{
    uint64_t ticks[2];
    if (device->timestamps == VK_NULL_HANDLE ||
        device->vk.GetQueryPoolResults(device->device, device->timestamps, 0, 2, sizeof ticks,
                                       ticks, sizeof *ticks,
                                       VK_QUERY_RESULT_64_BIT) != VK_SUCCESS) {
        return wall_ms;
    }
    return (double) ((ticks[1] - ticks[0]) & device->tick_mask) * device->tick_ms;
}

// The lock is held.
static bool run(struct wj_gpu_kernel *kernel, struct wj_gpu_memory *const *memories,
                const struct wj_gpu_push *push, struct wj_gpu_trap *trap, double *gpu_ms,
                struct wj_err *err)
{
    struct wj_gpu_device *device = kernel->device;
    if (device->is_lost) {
        return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "%s was lost",
                          device->found->info.name);
    }
    for (uint32_t i = 0; i < kernel->memory_count; i++) {
        if (!memories[i]->is_ready) {
            return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "the memory is not on the device");
        }
    }
    memset(device->trap.mapped, 0, sizeof *trap);
    for (uint32_t i = 0; i < kernel->memory_count; i++) {
        if (memories[i]->is_mirrored && !is_repeated(memories, i)) {
            wj_vk_memory_stage(memories[i]);
        }
    }
    if (!is_recorded(kernel, memories, push) && !record(kernel, memories, push, err)) {
        return false;
    }
    const double start = wj_vk_now_ms();
    VkResult result = submit_and_wait(device);
    if (result == VK_TIMEOUT) {
        return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET,
                          "%s did not finish a kernel in time and is given up",
                          device->found->info.name);
    }
    if (result != VK_SUCCESS) {
        return wj_vk_fail(err, "running a kernel", result);
    }
    *gpu_ms = elapsed_ms(device, wj_vk_now_ms() - start);
    for (uint32_t i = 0; i < kernel->memory_count; i++) {
        if (memories[i]->is_mirrored && !is_repeated(memories, i)) {
            wj_vk_memory_unstage(memories[i]);
        }
    }
    memcpy(trap, device->trap.mapped, sizeof *trap);
    return true;
}

// Whether the kernel was made for such memories.
static bool check_memories(const struct wj_gpu_kernel *kernel,
                           struct wj_gpu_memory *const *memories, struct wj_err *err)
{
    for (uint32_t i = 0; i < kernel->memory_count; i++) {
        if (kernel->device != memories[i]->device) {
            return wj_err_set(err, WJ_ERR_USAGE, WJ_NO_OFFSET,
                              "kernel and memory are on different devices");
        }
        if (kernel->is_far[i] != (memories[i]->address != 0)) {
            return wj_err_set(err, WJ_ERR_USAGE, WJ_NO_OFFSET,
                              "the kernel was made for a memory of another size");
        }
    }
    return true;
}

bool wj_vk_dispatch(struct wj_gpu_kernel *kernel, struct wj_gpu_memory *const *memories,
                    const struct wj_gpu_work *work, struct wj_gpu_trap *trap, double *gpu_ms,
                    struct wj_err *err)
{
    double unused_ms;
    gpu_ms = gpu_ms != NULL ? gpu_ms : &unused_ms;
    *gpu_ms = 0;
    memset(trap, 0, sizeof *trap);
    if (!check_memories(kernel, memories, err)) {
        return false;
    }
    // nx * ny fits 64 bits; items are numbered in 32.
    uint64_t items = (uint64_t) work->nx * work->ny;
    if (__builtin_mul_overflow(items, work->nz, &items) || items > UINT32_MAX) {
        return wj_err_set(err, WJ_ERR_LIMIT, WJ_NO_OFFSET,
                          "a grid of %u x %u x %u items: a GPU takes %u in all", work->nx, work->ny,
                          work->nz, UINT32_MAX);
    }
    if (items == 0) {
        return true;
    }
    const struct wj_gpu_memory *memory = memories[0];
    struct wj_gpu_push push = {
        .nx = work->nx,
        .ny = work->ny,
        .nz = work->nz,
        .args = (uint32_t) work->args,
        .item_end = (uint32_t) items,
        .memory_bytes_low = (uint32_t) memory->size_bytes,
        .memory_bytes_high = (uint32_t) (memory->size_bytes >> 32),
        .fuel = work->fuel,
        .window = work->window,
        .phases = work->phases,
        .address_low = (uint32_t) memory->address,
        .address_high = (uint32_t) (memory->address >> 32),
        .args_high = (uint32_t) (work->args >> 32),
    };
    for (uint32_t i = 1; i < kernel->memory_count; i++) {
        push.more[i - 1] = (struct wj_gpu_place){
            .bytes_low = (uint32_t) memories[i]->size_bytes,
            .bytes_high = (uint32_t) (memories[i]->size_bytes >> 32),
            .address_low = (uint32_t) memories[i]->address,
            .address_high = (uint32_t) (memories[i]->address >> 32),
        };
    }
    pthread_mutex_lock(&kernel->device->lock);
    bool ok = run(kernel, memories, &push, trap, gpu_ms, err);
    pthread_mutex_unlock(&kernel->device->lock);
    return ok;
}

bool wj_vk_clear_memory(struct wj_gpu_memory *memory, struct wj_err *err)
{
    struct wj_gpu_device *device = memory->device;
    VkResult result = begin(device);
    if (result == VK_SUCCESS) {
        device->vk.CmdFillBuffer(device->commands, memory->local.buffer, 0, VK_WHOLE_SIZE, 0);
        result = device->vk.EndCommandBuffer(device->commands);
    }
    if (result == VK_SUCCESS) {
        result = submit_and_wait(device);
    }
    return result == VK_SUCCESS || wj_vk_fail(err, "clearing memory", result);
}
