// Makes pipelines of kernels. The words come from our own translator, never from a guest: a driver
// can crash on modules that are valid.
#include <stdlib.h>

#include <spirv/unified1/spirv.h>

#include "vk/impl.h"

static bool check_words(const struct wj_gpu_device *device, const struct wj_gpu_code *code,
                        struct wj_err *err)
{
    if (code->word_count < 5 || code->words[0] != SpvMagicNumber) {
        return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "the kernel is no SPIR-V module");
    }
    // Vulkan 1.2 takes SPIR-V up to 1.5, Vulkan 1.3 up to 1.6.
    const uint32_t max = device->found->api_version >= VK_API_VERSION_1_3 ? 0x10600 : 0x10500;
    if (code->words[1] > max) {
        return wj_err_set(err, WJ_ERR_DEVICE, WJ_NO_OFFSET,
                          "the kernel is SPIR-V 0x%x, the device takes 0x%x at most",
                          code->words[1], max);
    }
    return true;
}

static bool make_pipeline(struct wj_gpu_device *device, VkShaderModule module,
                          uint32_t workgroup_size, VkPipelineCache cache, VkPipeline *pipeline,
                          struct wj_err *err)
{
    const VkSpecializationMapEntry entry = {.constantID = 0, .size = sizeof workgroup_size};
    const VkSpecializationInfo special = {.mapEntryCount = 1,
                                          .pMapEntries = &entry,
                                          .dataSize = sizeof workgroup_size,
                                          .pData = &workgroup_size};
    const VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = module,
                  .pName = "main",
                  .pSpecializationInfo = &special},
        .layout = device->pipeline_layout};
    VkResult result =
        device->vk.CreateComputePipelines(device->device, cache, 1, &info, NULL, pipeline);
    return result == VK_SUCCESS || wj_vk_fail(err, "vkCreateComputePipelines", result);
}

bool wj_vk_kernel_new(struct wj_gpu_device *device, const struct wj_gpu_code *code,
                      struct wj_gpu_kernel **kernel_out, double *pipeline_ms, struct wj_err *err)
{
    const double start = wj_vk_now_ms();
    struct wj_gpu_kernel *kernel = calloc(1, sizeof *kernel);
    if (kernel == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory for a kernel");
    }
    kernel->device = device;
    kernel->memory_count = code->memory_count;
    for (uint32_t i = 0; i < code->memory_count; i++) {
        kernel->is_far[i] = (code->shape.far_memories >> code->memories[i] & 1) != 0;
    }
    const uint32_t size = code->shape.items != 0 ? code->shape.items : device->workgroup_size;
    kernel->numbered = code->shape.items != 0 ? 1 : size;
    uint32_t *words = NULL;
    size_t word_count = 0;
    VkShaderModule module = VK_NULL_HANDLE;
    bool ok = check_words(device, code, err) &&
              wj_vk_float_controls_add(&device->float_controls, code, &words, &word_count, err);
    if (ok) {
        const VkShaderModuleCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                               .codeSize = word_count * sizeof *words,
                                               .pCode = words};
        VkResult result = device->vk.CreateShaderModule(device->device, &info, NULL, &module);
        ok = result == VK_SUCCESS || wj_vk_fail(err, "vkCreateShaderModule", result);
        struct wj_vk_kept kept;
        wj_vk_kept_open(device, words, word_count, size, &kept);
        ok = ok && make_pipeline(device, module, size, kept.cache, &kernel->pipeline, err);
        wj_vk_kept_close(device, &kept, ok);
        if (result == VK_SUCCESS) {
            device->vk.DestroyShaderModule(device->device, module, NULL);
        }
    }
    free(words);
    if (!ok) {
        free(kernel);
        return false;
    }
    if (pipeline_ms != NULL) {
        *pipeline_ms = wj_vk_now_ms() - start;
    }
    *kernel_out = kernel;
    return true;
}

void wj_vk_kernel_free(struct wj_gpu_kernel *kernel)
{
    if (kernel == NULL) {
        return;
    }
    struct wj_gpu_device *device = kernel->device;
    pthread_mutex_lock(&device->lock);
    if (device->recorded.kernel == kernel) {
        device->recorded.kernel = NULL;
    }
    if (!device->is_lost) {
        device->vk.DestroyPipeline(device->device, kernel->pipeline, NULL);
    }
    pthread_mutex_unlock(&device->lock);
    free(kernel);
}
