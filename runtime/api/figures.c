// Figures for --stats, reports on kernels, and the list of GPUs.
#include <stdlib.h>
#include <string.h>

#include "runtime/api/internal.h"
#include "runtime/vm/kernel.h"

_Static_assert(WJIT_GPU_DISCRETE == (int) WJ_GPU_DISCRETE && WJIT_GPU_OTHER == (int) WJ_GPU_OTHER,
               "device kinds are converted by value");

static double ms_of(uint64_t ns)
{
    return (double) ns / 1e6;
}

void wjit_engine_stats(const wasm_engine_t *engine, wjit_stats_t *out)
{
    struct wj_engine_stats *stats = &engine->engine->stats;
    *out = (wjit_stats_t){
        .validate_ms = ms_of(atomic_load(&stats->validate_ns)),
        .compile_ms = ms_of(atomic_load(&stats->compile_ns)),
        .instantiate_us = (double) atomic_load(&stats->instantiate_ns) / 1e3,
        .wasm_bytes = atomic_load(&stats->wasm_bytes),
        .code_bytes = atomic_load(&stats->code_bytes),
        .functions_compiled = atomic_load(&stats->funcs_compiled),
        .cache_hits = atomic_load(&stats->cache_hits),
        .cache_misses = atomic_load(&stats->cache_misses),
        .dispatches = atomic_load(&stats->dispatches),
        .gpu_ms = ms_of(atomic_load(&stats->gpu_ns)),
        .pipeline_ms = ms_of(atomic_load(&stats->pipeline_ns)),
    };
}

struct visitor {
    void (*visit)(void *env, const wjit_kernel_info_t *info);
    void *env;
};

static void visit_report(void *context, const struct wj_kernel_report *report)
{
    const struct visitor *visitor = context;
    wjit_kernel_info_t info = {
        .name = report->name,
        .func_index = report->func_index,
        .is_dispatcher = report->is_dispatcher,
        .is_unused = report->is_unused,
        .on_gpu = report->on_gpu,
        .is_parallel = report->is_parallel,
        .reason = report->reason,
        .reason_offset = report->reason_offset,
        .dispatches = report->dispatches,
        .gpu_dispatches = report->gpu_dispatches,
        .gpu_ms = ms_of(report->gpu_ns),
        .cpu_ms = ms_of(report->cpu_ns),
        .checked = report->checked,
        .verified = report->verified,
        .why_unchecked = report->why_unchecked,
        .lanes = report->lanes,
        .why_single = report->why_single,
        .why_single_offset = report->why_single_offset,
    };
    visitor->visit(visitor->env, &info);
}

void wjit_engine_kernels(const wasm_engine_t *engine,
                         void (*visit)(void *env, const wjit_kernel_info_t *), void *env)
{
    struct visitor visitor = {visit, env};
    wj_kernels_visit(engine->engine->kernels, visit_report, &visitor);
}

static void info_out(const struct wj_gpu_info *from, wjit_gpu_info_t *to)
{
    memset(to, 0, sizeof *to);
    to->index = from->index;
    _Static_assert(sizeof to->name == sizeof from->name && sizeof to->pci == sizeof from->pci &&
                       sizeof to->driver == sizeof from->driver,
                   "strings are copied whole");
    memcpy(to->name, from->name, sizeof to->name);
    memcpy(to->driver, from->driver, sizeof to->driver);
    memcpy(to->pci, from->pci, sizeof to->pci);
    to->kind = (wjit_gpu_kind_t) from->kind;
    to->can_import = from->can_import;
    to->is_mirrored = from->is_mirrored;
}

bool wjit_gpu_list(wjit_gpu_info_t **list, size_t *count, wjit_error_t *error)
{
    struct wj_ports ports;
    wj_ports_fill(&ports);
    *list = NULL;
    *count = 0;
    struct wj_gpu *gpu;
    struct wj_err err;
    wj_err_clear(&err);
    if (ports.gpu_driver == NULL || !ports.gpu_driver->load(&gpu, &err)) {
        return true; // no driver: no devices
    }
    uint32_t found = ports.gpu_driver->device_count(gpu);
    wjit_gpu_info_t *infos = calloc(found + 1u, sizeof *infos);
    for (uint32_t i = 0; infos != NULL && i < found; i++) {
        struct wj_gpu_info info = {.index = i};
        ports.gpu_driver->device_info(gpu, i, &info);
        info_out(&info, &infos[i]);
    }
    ports.gpu_driver->unload(gpu);
    if (infos == NULL) {
        wj_err_set(&err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
        wj_api_error_out(&err, error);
        return false;
    }
    *list = infos;
    *count = found;
    return true;
}

static void probe_out(const struct wj_gpu_caps *caps, wjit_gpu_probe_t *probe)
{
    *probe = (wjit_gpu_probe_t){
        .has_i64 = caps->has_int64,
        .has_f64 = caps->has_float64,
        .has_storage8 = caps->has_storage8,
        .group_items_max = caps->workgroup_size_max,
        .shared_bytes_max = caps->shared_bytes_max,
        .memory_bytes_max = caps->storage_range_max_bytes,
        .loop_iterations_max = caps->loop_iterations_max,
    };
#define ADD_VERDICT(name)                     \
    probe->verdicts[probe->verdict_count++] = \
        (wjit_gpu_verdict_t){#name, (wjit_gpu_exactness_t) caps->name};
    WJ_GPU_QUIRKS(ADD_VERDICT)
#undef ADD_VERDICT
    _Static_assert((int) WJIT_GPU_REFUSED == (int) WJ_GPU_REFUSED &&
                       (int) WJIT_GPU_REPAIRED == (int) WJ_GPU_REPAIRED,
                   "the verdicts are the port's");
}

#define COUNT_ONE(name) +1
_Static_assert(0 WJ_GPU_QUIRKS(COUNT_ONE) <= WJIT_GPU_VERDICTS_MAX, "the probe has room for all");
#undef COUNT_ONE

bool wjit_gpu_probe(uint32_t index, wjit_gpu_probe_t *probe, wjit_error_t *error)
{
    struct wj_ports ports;
    wj_ports_fill(&ports);
    struct wj_gpu *gpu = NULL;
    struct wj_gpu_device *device = NULL;
    struct wj_err err;
    wj_err_clear(&err);
    bool is_open = false;
    if (ports.gpu_driver == NULL) {
        wj_err_set(&err, WJ_ERR_DEVICE, WJ_NO_OFFSET, "this build has no GPU driver");
    } else if (ports.gpu_driver->load(&gpu, &err)) {
        is_open = ports.gpu_driver->open(gpu, index, &device, &err);
        if (is_open) {
            probe_out(ports.gpu_driver->caps(device), probe);
            ports.gpu_driver->close(device);
        }
        ports.gpu_driver->unload(gpu);
    }
    if (!is_open) {
        wj_api_error_out(&err, error);
    }
    return is_open;
}

void wjit_gpu_list_free(wjit_gpu_info_t *list)
{
    free(list);
}

bool wjit_engine_gpu(const wasm_engine_t *engine, wjit_gpu_info_t *out)
{
    struct wj_gpu_info info;
    if (!wj_kernels_device(engine->engine->kernels, &info)) {
        return false;
    }
    info_out(&info, out);
    return true;
}
