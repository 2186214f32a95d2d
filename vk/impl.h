// What the files of vk/ share: function tables per instance and per device, and the objects that
// the port keeps opaque. Nothing here is global, so that several drivers and devices live together.
#ifndef VK_IMPL_H
#define VK_IMPL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vulkan/vulkan_core.h>

#include "base/err.h"
#include "runtime/vm/cache_data.h"
#include "runtime/vm/gpu.h"
#include "vk/vk.h"

enum {
    BINDING_MEMORY = 0,
    BINDING_TRAP = 1,
    BINDING_COUNT = 2,
    WORKGROUP_SIZE = 64, // a multiple of every vendor's subgroup
    // Blocks of a mirrored memory that are compared and uploaded one by one.
    BLOCK_BYTES = 64 * 1024,
};

struct wj_vk_instance_api {
    PFN_vkGetInstanceProcAddr GetInstanceProcAddr;
#define WJ_VK_INSTANCE(name) PFN_vk##name name;
#define WJ_VK_DEVICE(name)
#define WJ_VK_DEVICE_OPTIONAL(name)
#include "vk/functions.def"
};

struct wj_vk_device_api {
#define WJ_VK_INSTANCE(name)
#define WJ_VK_DEVICE(name) PFN_vk##name name;
#define WJ_VK_DEVICE_OPTIONAL(name) PFN_vk##name name;
#include "vk/functions.def"
};

// A device as it was found, before it is opened.
struct wj_vk_found {
    VkPhysicalDevice physical;
    struct wj_gpu_info info;
    uint32_t api_version;
    VkDriverId driver_id;
    uint32_t driver_version;
    uint8_t cache_uuid[16];      // of what the driver keeps of pipelines
    uint64_t import_align_bytes; // 0: it cannot import
    bool has_unified_memory;     // device and host share their memory
};

struct wj_gpu {
    void *library;
    VkInstance instance;
    struct wj_vk_instance_api vk;
    enum wj_vk_memory_mode memory_mode;
    char *cache_folder; // "": the user's; NULL: nothing is kept
    uint32_t device_count;
    bool has_lost; // a device that was given up: its driver may still be at work
    struct wj_vk_found *devices;
};

struct wj_vk_buffer {
    VkBuffer buffer;
    VkDeviceMemory memory;
    void *mapped; // NULL: not visible to the host
    uint64_t size_bytes;
    bool has_address;
};

// What the command buffer of a device holds, so that a dispatch that repeats is only submitted.
struct wj_vk_recorded {
    const struct wj_gpu_kernel *kernel; // NULL: nothing
    const struct wj_gpu_memory *memories[WJ_GPU_MEMORIES_MAX];
    struct wj_gpu_push push;
};

// Float controls that the device advertises, by width: [0] 32 bits, [1] 64 bits.
struct wj_vk_float_controls {
    bool denorm_preserve[2];
    bool round_to_even[2];
    bool keep_special[2]; // signed zeros, infinities, NaN
};

struct wj_gpu_device {
    struct wj_gpu *gpu;
    const struct wj_vk_found *found;
    VkDevice device;
    VkQueue queue;
    uint32_t queue_family;
    struct wj_vk_device_api vk;
    struct wj_gpu_caps caps;
    struct wj_vk_float_controls float_controls;
    VkPhysicalDeviceMemoryProperties memory_types;
    uint32_t workgroup_size;
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout pipeline_layout;
    struct wj_cache *cache; // or NULL
    bool keeps_pipelines;   // in it; the self-test's are made anew
    VkCommandPool command_pool;
    VkCommandBuffer commands;
    VkFence fence;
    VkQueryPool timestamps; // VK_NULL_HANDLE: the queue has none
    double tick_ms;
    uint64_t tick_mask;
    struct wj_vk_buffer trap;
    struct wj_vk_buffer empty; // stands for memories of no bytes

    pthread_mutex_t lock; // held by every call that uses what follows, or the queue
    struct wj_vk_recorded recorded;
    bool is_lost;
};

struct wj_gpu_memory {
    struct wj_gpu_device *device;
    void *base;
    uint64_t size_bytes;
    bool is_mirrored;
    bool is_ready;               // false: a resize failed, or nothing is bound
    bool is_staged;              // `staging` and `local` have the same bytes
    struct wj_vk_buffer local;   // imported, or on the device
    uint64_t address;            // of `local`, when no binding takes it; else 0
    struct wj_vk_buffer staging; // mirrored: what the device has, as the host saw it last
    VkBufferCopy *uploads;       // mirrored: room for one a block
    uint32_t upload_count;
    VkDescriptorPool pool;
    VkDescriptorSet set;
};

struct wj_gpu_kernel {
    struct wj_gpu_device *device;
    VkPipeline pipeline;
    uint32_t memory_count;
    bool is_far[WJ_GPU_MEMORIES_MAX]; // which of them it reaches by address
    uint32_t numbered; // items that the numbers of a workgroup count: 1 for a group kernel
};

// loader.c
void wj_vk_unload(struct wj_gpu *gpu);
uint32_t wj_vk_device_count(const struct wj_gpu *gpu);
void wj_vk_device_info(const struct wj_gpu *gpu, uint32_t index, struct wj_gpu_info *info);
// Records the failure of a Vulkan function; false.
bool wj_vk_fail(struct wj_err *err, const char *what, VkResult result);
bool wj_vk_prefers_mirror(const struct wj_gpu *gpu, const struct wj_vk_found *found);

// devices.c
bool wj_vk_find_devices(struct wj_gpu *gpu, struct wj_err *err);

// visible.c: the devices that CUDA_VISIBLE_DEVICES leaves to this process.
struct wj_vk_candidate {
    bool is_nvidia;
    uint8_t uuid[16];
    char pci[32];
};
// Fills `order` with indexes of candidates and returns their count. `list` NULL: all of them.
uint32_t wj_vk_visible(const char *list, bool is_pci_order, const struct wj_vk_candidate *devices,
                       uint32_t count, uint32_t *order);

// device.c
bool wj_vk_open(struct wj_gpu *gpu, uint32_t index, struct wj_gpu_device **device,
                struct wj_err *err);
void wj_vk_close(struct wj_gpu_device *device);
const struct wj_gpu_caps *wj_vk_caps(const struct wj_gpu_device *device);

// buffer.c
bool wj_vk_buffer_new(struct wj_gpu_device *device, uint64_t size_bytes, VkBufferUsageFlags usage,
                      VkMemoryPropertyFlags needed, VkMemoryPropertyFlags wanted,
                      struct wj_vk_buffer *buffer, struct wj_err *err);
bool wj_vk_buffer_import(struct wj_gpu_device *device, void *base, uint64_t size_bytes,
                         VkBufferUsageFlags usage, struct wj_vk_buffer *buffer, struct wj_err *err);
// 0: it was made without.
uint64_t wj_vk_buffer_address(struct wj_gpu_device *device, const struct wj_vk_buffer *buffer);
void wj_vk_buffer_free(struct wj_gpu_device *device, struct wj_vk_buffer *buffer);

// memory.c
bool wj_vk_memory_add(struct wj_gpu_device *device, void *base, uint64_t size_bytes,
                      struct wj_gpu_memory **memory, struct wj_err *err);
bool wj_vk_memory_resize(struct wj_gpu_memory *memory, uint64_t size_bytes, struct wj_err *err);
void wj_vk_memory_forget(struct wj_gpu_memory *memory);
// Of a mirrored memory: finds and stages what the host wrote; brings back what the device wrote.
void wj_vk_memory_stage(struct wj_gpu_memory *memory);
void wj_vk_memory_unstage(struct wj_gpu_memory *memory);

// kernel.c
bool wj_vk_kernel_new(struct wj_gpu_device *device, const struct wj_gpu_code *code,
                      struct wj_gpu_kernel **kernel, double *pipeline_ms, struct wj_err *err);
void wj_vk_kernel_free(struct wj_gpu_kernel *kernel);

// pipelines.c: what the driver made of a kernel in an earlier process, as a cache to make it from.
// `size` is the workgroup's.
struct wj_vk_kept {
    struct wj_hash128 name;
    VkPipelineCache cache; // VK_NULL_HANDLE: the device has none, or no folder
    size_t size_bytes;     // of what was kept; 0: nothing
};
void wj_vk_kept_open(struct wj_gpu_device *device, const uint32_t *words, size_t word_count,
                     uint32_t size, struct wj_vk_kept *kept);
// Keeps what is new in it where `is_made`, and closes it.
void wj_vk_kept_close(struct wj_gpu_device *device, struct wj_vk_kept *kept, bool is_made);

// float_controls.c: a copy of the module that asks for the float behaviour of WebAssembly, as far
// as the device advertises it. The caller frees *words.
bool wj_vk_float_controls_add(const struct wj_vk_float_controls *controls,
                              const struct wj_gpu_code *code, uint32_t **words, size_t *word_count,
                              struct wj_err *err);

// dispatch.c
bool wj_vk_dispatch(struct wj_gpu_kernel *kernel, struct wj_gpu_memory *const *memories,
                    const struct wj_gpu_work *work, struct wj_gpu_trap *trap, double *gpu_ms,
                    struct wj_err *err);
// Clears the memory's bytes on the device and waits. The lock is held.
bool wj_vk_clear_memory(struct wj_gpu_memory *memory, struct wj_err *err);

// selftest.c: fills in the verdicts and the loop limit of device->caps.
bool wj_vk_selftest(struct wj_gpu_device *device, struct wj_err *err);

// verdicts.c. `lowerings` is a hash of what was tested.
bool wj_vk_verdicts_load(struct wj_gpu_device *device, uint64_t lowerings);
void wj_vk_verdicts_save(const struct wj_gpu_device *device, uint64_t lowerings);
// The name of what is kept of a device, its driver and something else.
struct wj_hash128 wj_vk_cache_name(const struct wj_gpu_device *device, const char *what,
                                   const void *else_bytes, size_t else_size);
uint64_t wj_vk_hash(uint64_t hash, const void *bytes, size_t size);

double wj_vk_now_ms(void);

#endif
