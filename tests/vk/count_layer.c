// A Vulkan layer that counts what reaches the driver: submits, dispatches that were submitted, and
// of which shader modules; and memory that is given back, and how much of it with something in it.
// An independent witness that kernels run on the device. The totals go to
// the file $WJIT_LAYER_LOG, each module's words to a file in $WJIT_LAYER_DUMP. It breaks what it
// passes on where $WJIT_LAYER_FAULT says how, and keeps pipelines where $WJIT_LAYER_PIPELINE_BYTES
// says how much it takes. tests/vk/with_layer builds and loads it.
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vulkan/vk_layer.h>
#include <vulkan/vulkan_core.h>

// A list of fixed-size items that grows; items are found by a pointer-sized key at their start.
struct list {
    void *items;
    size_t count, capacity, item_bytes;
};

struct instance {
    uint64_t key;
    PFN_vkGetInstanceProcAddr next;
};

struct device {
    uint64_t key;
    VkDevice device;
    PFN_vkGetDeviceProcAddr next;
};

// A shader module or a pipeline, and the number of the module.
struct shader {
    uint64_t key;
    size_t module;
};

struct recorded {
    size_t module;
    uint64_t groups;
};

struct commands {
    uint64_t key;
    size_t module; // of the pipeline bound
    size_t count, capacity;
    struct recorded *dispatches;
};

// Memory that was allocated, and where it is mapped.
struct memory {
    uint64_t key;
    uint64_t bytes;
    int is_imported;
    void *mapped;
};

struct module {
    uint64_t key; // hash of the words
    size_t word_count;
    uint64_t dispatches, groups;
};

static struct {
    pthread_mutex_t lock;
    struct list instances, devices, shaders, pipelines, commands, modules, memories;
    uint64_t submits, dispatches, groups;
    uint64_t allocations, compilations, freed, dirty;
    uint64_t pipeline_caches, kept_caches, wrong_caches;
    uint8_t *imported;
    uint64_t imported_bytes;
    int is_lost;
} state = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .instances = {.item_bytes = sizeof(struct instance)},
    .devices = {.item_bytes = sizeof(struct device)},
    .shaders = {.item_bytes = sizeof(struct shader)},
    .pipelines = {.item_bytes = sizeof(struct shader)},
    .commands = {.item_bytes = sizeof(struct commands)},
    .modules = {.item_bytes = sizeof(struct module)},
    .memories = {.item_bytes = sizeof(struct memory)},
};

static void *find(const struct list *list, uint64_t key)
{
    for (size_t i = 0; i < list->count; i++) {
        uint64_t *item = (void *) ((char *) list->items + i * list->item_bytes);
        if (*item == key) {
            return item;
        }
    }
    return NULL;
}

// The item of that key, a new one of zeros where there was none.
static void *have(struct list *list, uint64_t key)
{
    uint64_t *item = find(list, key);
    if (item != NULL) {
        return item;
    }
    if (list->count == list->capacity) {
        list->capacity = list->capacity * 2 + 16;
        list->items = realloc(list->items, list->capacity * list->item_bytes);
        if (list->items == NULL) {
            abort();
        }
    }
    item = (void *) ((char *) list->items + list->count++ * list->item_bytes);
    memset(item, 0, list->item_bytes);
    *item = key;
    return item;
}

// Handles that are dispatched by start with their instance's or device's table.
static uint64_t table_of(const void *handle)
{
    return (uint64_t) (uintptr_t) * (void *const *) handle;
}

static PFN_vkVoidFunction next_of(const void *handle, const char *name)
{
    pthread_mutex_lock(&state.lock);
    const struct device device = *(const struct device *) find(&state.devices, table_of(handle));
    pthread_mutex_unlock(&state.lock);
    return device.next(device.device, name);
}
#define NEXT(handle, name) ((PFN_vk##name) next_of((handle), "vk" #name))

static void write_log(void)
{
    const char *path = getenv("WJIT_LAYER_LOG");
    FILE *file = path != NULL ? fopen(path, "w") : NULL;
    if (file == NULL) {
        return;
    }
    pthread_mutex_lock(&state.lock);
    fprintf(file, "submits %" PRIu64 "\ndispatches %" PRIu64 "\ngroups %" PRIu64 "\nmodules %zu\n",
            state.submits, state.dispatches, state.groups, state.modules.count);
    fprintf(file,
            "pipeline_caches %" PRIu64 "\nkept_caches %" PRIu64 "\nwrong_caches %" PRIu64 "\n",
            state.pipeline_caches, state.kept_caches, state.wrong_caches);
    fprintf(file, "freed %" PRIu64 "\ndirty %" PRIu64 "\n", state.freed, state.dirty);
    const struct module *modules = state.modules.items;
    for (size_t i = 0; i < state.modules.count; i++) {
        fprintf(file, "module %016" PRIx64 " words %zu dispatches %" PRIu64 " groups %" PRIu64 "\n",
                modules[i].key, modules[i].word_count, modules[i].dispatches, modules[i].groups);
    }
    pthread_mutex_unlock(&state.lock);
    fclose(file);
}

__attribute__((destructor)) static void at_exit(void)
{
    write_log();
}

static void dump(uint64_t hash, const VkShaderModuleCreateInfo *info)
{
    const char *folder = getenv("WJIT_LAYER_DUMP");
    char path[4096];
    if (folder == NULL ||
        snprintf(path, sizeof path, "%s/%016" PRIx64 ".spv", folder, hash) >= (int) sizeof path) {
        return;
    }
    FILE *file = fopen(path, "wb");
    if (file != NULL) {
        fwrite(info->pCode, 1, info->codeSize, file);
        fclose(file);
    }
}

// ---- Faults on purpose --------------------------------------------------------------------------
// WJIT_LAYER_FAULT=flip:ADDRESS flips a bit of the memory that was imported last, at that offset,
// whenever the device is done; swap:FROM:TO replaces opcodes in shader modules, extended:FROM:TO
// numbers of extended instructions, mutate:SEED some words of them by chance; memory:N and
// pipeline:N have the driver refuse more memory, or pipelines, from number N on, counted from 1;
// lost:N loses the device at the submit number N, crash:N ends the process there. $WJIT_LAYER_ONCE
// is a file that the last two make, and that keeps them from doing it again.

static int parse_fault(const char *kind, uint64_t numbers[2])
{
    const char *fault = getenv("WJIT_LAYER_FAULT");
    const size_t length = strlen(kind);
    if (fault == NULL || strncmp(fault, kind, length) != 0 || fault[length] != ':') {
        return 0;
    }
    char *end;
    numbers[0] = strtoull(fault + length + 1, &end, 0);
    numbers[1] = *end == ':' ? strtoull(end + 1, NULL, 0) : 0;
    return 1;
}

// One more of what `kind` counts: whether it is refused. The lock is held.
static int is_refused(const char *kind, uint64_t *count)
{
    uint64_t numbers[2];
    ++*count;
    return parse_fault(kind, numbers) && *count >= numbers[0];
}

// What is in it when it comes from the driver is nothing that anybody here has put there.
static void clear_new(VkDevice device, const struct memory *entry, VkDeviceMemory memory)
{
    void *data;
    if (!entry->is_imported &&
        NEXT(device, MapMemory)(device, memory, 0, VK_WHOLE_SIZE, 0, &data) == VK_SUCCESS) {
        memset(data, 0, entry->bytes);
        NEXT(device, UnmapMemory)(device, memory);
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL allocate_memory(VkDevice device,
                                                      const VkMemoryAllocateInfo *info,
                                                      const VkAllocationCallbacks *allocator,
                                                      VkDeviceMemory *memory)
{
    const VkImportMemoryHostPointerInfoEXT *import = NULL;
    for (const VkBaseInStructure *at = info->pNext; at != NULL; at = at->pNext) {
        if (at->sType == VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT) {
            import = (const void *) at;
        }
    }
    pthread_mutex_lock(&state.lock);
    const int refused = is_refused("memory", &state.allocations);
    if (import != NULL) {
        state.imported = import->pHostPointer;
        state.imported_bytes = info->allocationSize;
    }
    pthread_mutex_unlock(&state.lock);
    const VkResult result = refused ? VK_ERROR_OUT_OF_DEVICE_MEMORY
                                    : NEXT(device, AllocateMemory)(device, info, allocator, memory);
    if (result == VK_SUCCESS) {
        const struct memory made = {(uint64_t) (uintptr_t) *memory, info->allocationSize,
                                    import != NULL, NULL};
        pthread_mutex_lock(&state.lock);
        *(struct memory *) have(&state.memories, made.key) = made;
        pthread_mutex_unlock(&state.lock);
        clear_new(device, &made, *memory);
    }
    return result;
}

// ---- Memory that is given back ------------------------------------------------------------------
// The driver may hand it to somebody else as it is. All memory of software drivers can be mapped;
// what a driver does not map is not looked at.

static void note_mapped(VkDeviceMemory memory, void *mapped)
{
    pthread_mutex_lock(&state.lock);
    struct memory *entry = have(&state.memories, (uint64_t) (uintptr_t) memory);
    entry->mapped = mapped;
    pthread_mutex_unlock(&state.lock);
}

static VKAPI_ATTR VkResult VKAPI_CALL map_memory(VkDevice device, VkDeviceMemory memory,
                                                 VkDeviceSize offset, VkDeviceSize size,
                                                 VkMemoryMapFlags flags, void **data)
{
    const VkResult result = NEXT(device, MapMemory)(device, memory, offset, size, flags, data);
    if (result == VK_SUCCESS) {
        note_mapped(memory, offset == 0 ? *data : NULL);
    }
    return result;
}

static VKAPI_ATTR void VKAPI_CALL unmap_memory(VkDevice device, VkDeviceMemory memory)
{
    note_mapped(memory, NULL);
    NEXT(device, UnmapMemory)(device, memory);
}

static VKAPI_ATTR void VKAPI_CALL free_memory(VkDevice device, VkDeviceMemory memory,
                                              const VkAllocationCallbacks *allocator)
{
    pthread_mutex_lock(&state.lock);
    const struct memory *found = find(&state.memories, (uint64_t) (uintptr_t) memory);
    struct memory entry = found != NULL ? *found : (struct memory){0};
    pthread_mutex_unlock(&state.lock);
    void *data = entry.mapped;
    if (entry.bytes != 0 && !entry.is_imported && data == NULL &&
        NEXT(device, MapMemory)(device, memory, 0, VK_WHOLE_SIZE, 0, &data) != VK_SUCCESS) {
        data = NULL;
    }
    if (data != NULL && !entry.is_imported) {
        const uint8_t *bytes = data;
        const int is_dirty = bytes[0] != 0 || memcmp(bytes, bytes + 1, entry.bytes - 1) != 0;
        pthread_mutex_lock(&state.lock);
        state.freed++;
        state.dirty += (uint64_t) is_dirty;
        pthread_mutex_unlock(&state.lock);
    }
    NEXT(device, FreeMemory)(device, memory, allocator);
}

static VKAPI_ATTR VkResult VKAPI_CALL wait_for_fences(VkDevice device, uint32_t count,
                                                      const VkFence *fences, VkBool32 all,
                                                      uint64_t timeout)
{
    const VkResult result = NEXT(device, WaitForFences)(device, count, fences, all, timeout);
    uint64_t numbers[2];
    pthread_mutex_lock(&state.lock);
    if (parse_fault("flip", numbers) && numbers[0] < state.imported_bytes) {
        state.imported[numbers[0]] ^= 1;
    }
    pthread_mutex_unlock(&state.lock);
    return result;
}

// Changes up to four words past the header, each to a small number, another word or a flipped bit.
static void mutate(uint32_t *words, size_t count, uint64_t seed)
{
    uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15) + count;
    for (unsigned i = 0; i < 1 + seed % 4; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const uint32_t high = (uint32_t) (random >> 32);
        uint32_t *word = &words[5 + high % (count - 5)];
        switch (high >> 29) {
        case 0:
        case 1: *word = high % 64; break;
        case 2: *word = words[5 + (high >> 3) % (count - 5)]; break;
        default: *word ^= 1u << (high >> 8) % 32; break;
        }
    }
}

enum { OP_EXT_INST = 12 }; // the fifth word is the number

// A copy of the words with faults, which the caller frees; NULL: none are wanted.
static uint32_t *break_words(const VkShaderModuleCreateInfo *info)
{
    uint64_t numbers[2];
    const int is_mutated = parse_fault("mutate", numbers);
    const int is_extended = parse_fault("extended", numbers);
    const int is_broken = is_mutated || is_extended || parse_fault("swap", numbers);
    uint32_t *words = is_broken ? malloc(info->codeSize) : NULL;
    if (words == NULL) {
        return NULL;
    }
    memcpy(words, info->pCode, info->codeSize);
    if (is_mutated) {
        mutate(words, info->codeSize / 4, numbers[0]);
        return words;
    }
    for (size_t at = 5; at < info->codeSize / 4 && words[at] >> 16 != 0; at += words[at] >> 16) {
        const uint32_t opcode = words[at] & 0xffff;
        if (is_extended && opcode == OP_EXT_INST && words[at + 4] == numbers[0]) {
            words[at + 4] = (uint32_t) numbers[1];
        } else if (!is_extended && opcode == numbers[0]) {
            words[at] = (words[at] & 0xffff0000) | (uint32_t) numbers[1];
        }
    }
    return words;
}

// The lock is held.
static int is_lost(void)
{
    uint64_t numbers[2];
    const char *once = getenv("WJIT_LAYER_ONCE");
    const int is_crash = parse_fault("crash", numbers);
    if ((!is_crash && !parse_fault("lost", numbers)) || state.submits + 1 < numbers[0]) {
        return 0;
    }
    FILE *file = once != NULL && !state.is_lost ? fopen(once, "wx") : NULL;
    if (once != NULL && file == NULL && !state.is_lost) {
        return 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    if (is_crash) {
        raise(SIGSEGV);
    }
    state.is_lost = 1;
    return 1;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_shader_module(VkDevice device,
                                                           const VkShaderModuleCreateInfo *info,
                                                           const VkAllocationCallbacks *allocator,
                                                           VkShaderModule *module)
{
    uint32_t *broken = break_words(info);
    VkShaderModuleCreateInfo passed = *info;
    passed.pCode = broken != NULL ? broken : info->pCode;
    const VkResult result = NEXT(device, CreateShaderModule)(device, &passed, allocator, module);
    free(broken);
    uint64_t hash = UINT64_C(0xcbf29ce484222325); // FNV-1a
    for (size_t i = 0; i < info->codeSize; i++) {
        hash = (hash ^ ((const uint8_t *) info->pCode)[i]) * UINT64_C(0x100000001b3);
    }
    dump(hash, info);
    if (result == VK_SUCCESS) {
        pthread_mutex_lock(&state.lock);
        struct module *entry = have(&state.modules, hash);
        entry->word_count = info->codeSize / 4;
        struct shader *shader = have(&state.shaders, (uint64_t) (uintptr_t) *module);
        shader->module = (size_t) (entry - (struct module *) state.modules.items);
        pthread_mutex_unlock(&state.lock);
    }
    return result;
}

// ---- Pipelines that are kept --------------------------------------------------------------------
// With $WJIT_LAYER_PIPELINE_BYTES the data of a pipeline cache is the driver's header and so many
// bytes of a pattern, as a driver's that keeps pipelines. What comes back must be just that; the
// driver itself does not see it.

static size_t pattern_bytes(void)
{
    const char *bytes = getenv("WJIT_LAYER_PIPELINE_BYTES");
    return bytes == NULL ? 0 : strtoull(bytes, NULL, 0);
}

static uint8_t pattern(size_t i)
{
    return (uint8_t) (i * 7 + (i >> 8) + 1);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_pipeline_cache(VkDevice device,
                                                            const VkPipelineCacheCreateInfo *info,
                                                            const VkAllocationCallbacks *allocator,
                                                            VkPipelineCache *cache)
{
    VkPipelineCacheCreateInfo passed = *info;
    const size_t header = sizeof(VkPipelineCacheHeaderVersionOne);
    const size_t size = pattern_bytes();
    const uint8_t *bytes = info->pInitialData;
    int is_wrong =
        size != 0 && passed.initialDataSize != 0 && passed.initialDataSize != header + size;
    for (size_t i = header; !is_wrong && size != 0 && i < passed.initialDataSize; i++) {
        is_wrong = bytes[i] != pattern(i);
    }
    pthread_mutex_lock(&state.lock);
    state.pipeline_caches++;
    state.kept_caches += passed.initialDataSize != 0;
    state.wrong_caches += (uint64_t) is_wrong;
    pthread_mutex_unlock(&state.lock);
    if (size != 0) {
        passed.initialDataSize = 0;
        passed.pInitialData = NULL;
    }
    return NEXT(device, CreatePipelineCache)(device, &passed, allocator, cache);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_pipeline_cache_data(VkDevice device,
                                                              VkPipelineCache cache, size_t *size,
                                                              void *data)
{
    const size_t header = sizeof(VkPipelineCacheHeaderVersionOne);
    const size_t whole = header + pattern_bytes();
    if (whole == header) {
        return NEXT(device, GetPipelineCacheData)(device, cache, size, data);
    }
    if (data == NULL) {
        *size = whole;
        return VK_SUCCESS;
    }
    size_t driver_size = *size;
    const VkResult result = NEXT(device, GetPipelineCacheData)(device, cache, &driver_size, data);
    if (*size < whole || driver_size < header) {
        return result == VK_SUCCESS ? VK_INCOMPLETE : result;
    }
    for (size_t i = header; i < whole; i++) {
        ((uint8_t *) data)[i] = pattern(i);
    }
    *size = whole;
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_compute_pipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                         const VkComputePipelineCreateInfo *infos,
                         const VkAllocationCallbacks *allocator, VkPipeline *pipelines)
{
    pthread_mutex_lock(&state.lock);
    const int refused = is_refused("pipeline", &state.compilations);
    pthread_mutex_unlock(&state.lock);
    const VkResult result = refused ? VK_ERROR_OUT_OF_HOST_MEMORY
                                    : NEXT(device, CreateComputePipelines)(
                                          device, cache, count, infos, allocator, pipelines);
    pthread_mutex_lock(&state.lock);
    for (uint32_t i = 0; i < count && result == VK_SUCCESS; i++) {
        const struct shader *shader =
            find(&state.shaders, (uint64_t) (uintptr_t) infos[i].stage.module);
        struct shader *pipeline = have(&state.pipelines, (uint64_t) (uintptr_t) pipelines[i]);
        pipeline->module = shader != NULL ? shader->module : SIZE_MAX;
    }
    pthread_mutex_unlock(&state.lock);
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL begin_command_buffer(VkCommandBuffer buffer,
                                                           const VkCommandBufferBeginInfo *info)
{
    pthread_mutex_lock(&state.lock);
    struct commands *commands = have(&state.commands, (uint64_t) (uintptr_t) buffer);
    commands->count = 0;
    commands->module = SIZE_MAX;
    pthread_mutex_unlock(&state.lock);
    return NEXT(buffer, BeginCommandBuffer)(buffer, info);
}

static VKAPI_ATTR void VKAPI_CALL cmd_bind_pipeline(VkCommandBuffer buffer,
                                                    VkPipelineBindPoint point, VkPipeline pipeline)
{
    pthread_mutex_lock(&state.lock);
    struct commands *commands = have(&state.commands, (uint64_t) (uintptr_t) buffer);
    const struct shader *shader = find(&state.pipelines, (uint64_t) (uintptr_t) pipeline);
    commands->module = shader != NULL ? shader->module : SIZE_MAX;
    pthread_mutex_unlock(&state.lock);
    NEXT(buffer, CmdBindPipeline)(buffer, point, pipeline);
}

static void note_dispatch(VkCommandBuffer buffer, uint64_t groups)
{
    pthread_mutex_lock(&state.lock);
    struct commands *commands = have(&state.commands, (uint64_t) (uintptr_t) buffer);
    if (commands->count == commands->capacity) {
        commands->capacity = commands->capacity * 2 + 8;
        commands->dispatches =
            realloc(commands->dispatches, commands->capacity * sizeof *commands->dispatches);
        if (commands->dispatches == NULL) {
            abort();
        }
    }
    commands->dispatches[commands->count++] = (struct recorded){commands->module, groups};
    pthread_mutex_unlock(&state.lock);
}

static VKAPI_ATTR void VKAPI_CALL cmd_dispatch(VkCommandBuffer buffer, uint32_t x, uint32_t y,
                                               uint32_t z)
{
    note_dispatch(buffer, (uint64_t) x * y * z);
    NEXT(buffer, CmdDispatch)(buffer, x, y, z);
}

static VKAPI_ATTR void VKAPI_CALL cmd_dispatch_indirect(VkCommandBuffer buffer, VkBuffer sizes,
                                                        VkDeviceSize offset)
{
    note_dispatch(buffer, 0); // how many groups is known on the device alone
    NEXT(buffer, CmdDispatchIndirect)(buffer, sizes, offset);
}

// The lock is held.
static void note_submitted(VkCommandBuffer buffer)
{
    const struct commands *commands = find(&state.commands, (uint64_t) (uintptr_t) buffer);
    struct module *modules = state.modules.items;
    for (size_t i = 0; commands != NULL && i < commands->count; i++) {
        const struct recorded *dispatch = &commands->dispatches[i];
        state.dispatches++;
        state.groups += dispatch->groups;
        if (dispatch->module < state.modules.count) {
            modules[dispatch->module].dispatches++;
            modules[dispatch->module].groups += dispatch->groups;
        }
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL queue_submit(VkQueue queue, uint32_t count,
                                                   const VkSubmitInfo *submits, VkFence fence)
{
    pthread_mutex_lock(&state.lock);
    const int was_lost = is_lost();
    pthread_mutex_unlock(&state.lock);
    const VkResult result =
        was_lost ? VK_ERROR_DEVICE_LOST : NEXT(queue, QueueSubmit)(queue, count, submits, fence);
    pthread_mutex_lock(&state.lock);
    state.submits++;
    for (uint32_t i = 0; i < count && result == VK_SUCCESS; i++) {
        for (uint32_t j = 0; j < submits[i].commandBufferCount; j++) {
            note_submitted(submits[i].pCommandBuffers[j]);
        }
    }
    pthread_mutex_unlock(&state.lock);
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL queue_submit2(VkQueue queue, uint32_t count,
                                                    const VkSubmitInfo2 *submits, VkFence fence)
{
    const VkResult result = NEXT(queue, QueueSubmit2)(queue, count, submits, fence);
    pthread_mutex_lock(&state.lock);
    state.submits++;
    for (uint32_t i = 0; i < count && result == VK_SUCCESS; i++) {
        for (uint32_t j = 0; j < submits[i].commandBufferInfoCount; j++) {
            note_submitted(submits[i].pCommandBufferInfos[j].commandBuffer);
        }
    }
    pthread_mutex_unlock(&state.lock);
    return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_device(VkDevice device,
                                                 const VkAllocationCallbacks *allocator)
{
    if (device != VK_NULL_HANDLE) {
        NEXT(device, DestroyDevice)(device, allocator);
        write_log();
    }
}

// The chain of create infos holds, put there by the loader, the way to the next layer.
static void *chain_link(const void *chain, VkStructureType type)
{
    for (const VkBaseInStructure *at = chain; at != NULL; at = at->pNext) {
        const VkLayerInstanceCreateInfo *link = (const void *) at;
        // The instance's and the device's structure agree up to `function`.
        if (at->sType == type && link->function == VK_LAYER_LINK_INFO) {
            return (void *) (uintptr_t) at;
        }
    }
    return NULL;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator,
                                                      VkInstance *instance)
{
    VkLayerInstanceCreateInfo *link =
        chain_link(info->pNext, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
    if (link == NULL) {
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    const PFN_vkGetInstanceProcAddr next = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    const PFN_vkCreateInstance create = (PFN_vkCreateInstance) next(NULL, "vkCreateInstance");
    const VkResult result = create(info, allocator, instance);
    if (result == VK_SUCCESS) {
        pthread_mutex_lock(&state.lock);
        struct instance *entry = have(&state.instances, table_of(*instance));
        entry->next = next;
        pthread_mutex_unlock(&state.lock);
    }
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice physical,
                                                    const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator,
                                                    VkDevice *device)
{
    VkLayerDeviceCreateInfo *link =
        chain_link(info->pNext, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
    if (link == NULL) {
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    const PFN_vkGetInstanceProcAddr next_instance = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    const PFN_vkGetDeviceProcAddr next = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    const PFN_vkCreateDevice create = (PFN_vkCreateDevice) next_instance(NULL, "vkCreateDevice");
    const VkResult result = create(physical, info, allocator, device);
    if (result == VK_SUCCESS) {
        pthread_mutex_lock(&state.lock);
        struct device *entry = have(&state.devices, table_of(*device));
        entry->device = *device;
        entry->next = next;
        pthread_mutex_unlock(&state.lock);
    }
    return result;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL wjit_count_device_function(VkDevice device,
                                                                    const char *name);
VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL wjit_count_instance_function(VkInstance instance,
                                                                      const char *name);
VK_LAYER_EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *interface);

static const struct {
    const char *name;
    PFN_vkVoidFunction function;
    int is_of_instance;
} ours[] = {
    {"vkCreateInstance", (PFN_vkVoidFunction) create_instance, 1},
    {"vkCreateDevice", (PFN_vkVoidFunction) create_device, 1},
    {"vkGetInstanceProcAddr", (PFN_vkVoidFunction) wjit_count_instance_function, 1},
    {"vkGetDeviceProcAddr", (PFN_vkVoidFunction) wjit_count_device_function, 0},
    {"vkDestroyDevice", (PFN_vkVoidFunction) destroy_device, 0},
    {"vkAllocateMemory", (PFN_vkVoidFunction) allocate_memory, 0},
    {"vkFreeMemory", (PFN_vkVoidFunction) free_memory, 0},
    {"vkMapMemory", (PFN_vkVoidFunction) map_memory, 0},
    {"vkUnmapMemory", (PFN_vkVoidFunction) unmap_memory, 0},
    {"vkWaitForFences", (PFN_vkVoidFunction) wait_for_fences, 0},
    {"vkCreateShaderModule", (PFN_vkVoidFunction) create_shader_module, 0},
    {"vkCreatePipelineCache", (PFN_vkVoidFunction) create_pipeline_cache, 0},
    {"vkGetPipelineCacheData", (PFN_vkVoidFunction) get_pipeline_cache_data, 0},
    {"vkCreateComputePipelines", (PFN_vkVoidFunction) create_compute_pipelines, 0},
    {"vkBeginCommandBuffer", (PFN_vkVoidFunction) begin_command_buffer, 0},
    {"vkCmdBindPipeline", (PFN_vkVoidFunction) cmd_bind_pipeline, 0},
    {"vkCmdDispatch", (PFN_vkVoidFunction) cmd_dispatch, 0},
    {"vkCmdDispatchIndirect", (PFN_vkVoidFunction) cmd_dispatch_indirect, 0},
    {"vkQueueSubmit", (PFN_vkVoidFunction) queue_submit, 0},
    {"vkQueueSubmit2", (PFN_vkVoidFunction) queue_submit2, 0},
};

static PFN_vkVoidFunction our_function(const char *name, int with_instance)
{
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (strcmp(ours[i].name, name) == 0 && (with_instance || !ours[i].is_of_instance)) {
            return ours[i].function;
        }
    }
    return NULL;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL wjit_count_device_function(VkDevice device,
                                                                    const char *name)
{
    const PFN_vkVoidFunction function = our_function(name, 0);
    // What the driver lacks must stay missing.
    const PFN_vkVoidFunction next = next_of(device, name);
    return next != NULL && function != NULL ? function : next;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL wjit_count_instance_function(VkInstance instance,
                                                                      const char *name)
{
    const PFN_vkVoidFunction function = our_function(name, 1);
    if (function != NULL || instance == VK_NULL_HANDLE) {
        return function;
    }
    pthread_mutex_lock(&state.lock);
    const struct instance *entry = find(&state.instances, table_of(instance));
    const PFN_vkGetInstanceProcAddr next = entry != NULL ? entry->next : NULL;
    pthread_mutex_unlock(&state.lock);
    return next != NULL ? next(instance, name) : NULL;
}

VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *interface)
{
    if (interface->loaderLayerInterfaceVersion > 2) {
        interface->loaderLayerInterfaceVersion = 2;
    }
    interface->pfnGetInstanceProcAddr = wjit_count_instance_function;
    interface->pfnGetDeviceProcAddr = wjit_count_device_function;
    interface->pfnGetPhysicalDeviceProcAddr = NULL;
    return VK_SUCCESS;
}
