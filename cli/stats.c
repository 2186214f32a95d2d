// Prints the figures of a run: as lines, or as one JSON object on one line.
#include "cli/stats.h"

#include <stdio.h>
#include <sys/resource.h>

#include "cli/json.h"

struct figures {
    wjit_stats_t stats;
    wjit_gpu_info_t gpu;
    bool has_gpu;
    uint64_t peak_rss_bytes;
    double run_ms;
};

static struct figures figures_of(const struct session *session)
{
    struct figures figures = {.run_ms = session->run_ms};
    struct rusage usage;
    wjit_engine_stats(session->engine, &figures.stats);
    figures.has_gpu = wjit_engine_gpu(session->engine, &figures.gpu);
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        figures.peak_rss_bytes = (uint64_t) usage.ru_maxrss * 1024;
    }
    return figures;
}

struct kernel_list {
    size_t count;
};

static const char *cache_word(const wjit_stats_t *stats)
{
    return stats->cache_hits ? "hit" : stats->cache_misses ? "miss" : "off";
}

static void print_kernel_json(void *env, const wjit_kernel_info_t *kernel)
{
    struct kernel_list *list = env;
    if (kernel->is_dispatcher) {
        return;
    }
    fputs(list->count++ ? ", {" : "{", stderr);
    json_string(stderr, "name", kernel->name);
    fprintf(stderr, ", \"where\": \"%s\", ", kernel->on_gpu ? "gpu" : "cpu");
    json_string(stderr, "reason", kernel->reason);
    fprintf(stderr, ", \"dispatches\": %llu, \"gpu_dispatches\": %llu, ",
            (unsigned long long) kernel->dispatches, (unsigned long long) kernel->gpu_dispatches);
    fprintf(stderr, "\"gpu_ms\": %.3f, \"cpu_ms\": %.3f, \"lanes\": %u, ", kernel->gpu_ms,
            kernel->cpu_ms, kernel->lanes);
    json_string(stderr, "why_single", kernel->why_single);
    fputc('}', stderr);
}

static void print_json(const struct session *session, const struct figures *figures)
{
    const wjit_stats_t *stats = &figures->stats;
    struct kernel_list list = {0};
    fprintf(stderr, "{\"start_ms\": %.3f, \"validate_ms\": %.3f, \"compile_ms\": %.3f, ",
            session->start_ms, stats->validate_ms, stats->compile_ms);
    fprintf(stderr, "\"code_bytes\": %llu, \"wasm_bytes\": %llu, \"functions_compiled\": %llu, ",
            (unsigned long long) stats->code_bytes, (unsigned long long) stats->wasm_bytes,
            (unsigned long long) stats->functions_compiled);
    fprintf(stderr, "\"instantiate_us\": %.1f, \"run_ms\": %.3f, \"cache\": \"%s\", ",
            stats->instantiate_us, figures->run_ms, cache_word(stats));
    fprintf(stderr, "\"peak_rss_bytes\": %llu, \"gpu\": {",
            (unsigned long long) figures->peak_rss_bytes);
    json_string(stderr, "device", figures->has_gpu ? figures->gpu.name : NULL);
    fputs(", ", stderr);
    json_string(stderr, "driver", figures->has_gpu ? figures->gpu.driver : NULL);
    fputs(", ", stderr);
    json_string(stderr, "memory_mode",
                !figures->has_gpu          ? NULL
                : figures->gpu.is_mirrored ? "mirror"
                                           : "import");
    fprintf(stderr, ", \"dispatches\": %llu, \"kernels\": [",
            (unsigned long long) stats->dispatches);
    wjit_engine_kernels(session->engine, print_kernel_json, &list);
    fprintf(stderr, "], \"gpu_ms\": %.3f, \"bytes_to_device\": %llu, ", stats->gpu_ms,
            (unsigned long long) stats->bytes_to_device);
    fprintf(stderr, "\"bytes_from_device\": %llu, \"pipeline_ms\": %.3f}}\n",
            (unsigned long long) stats->bytes_from_device, stats->pipeline_ms);
}

static void print_kernel_text(void *env, const wjit_kernel_info_t *kernel)
{
    (void) env;
    if (kernel->is_dispatcher) {
        return;
    }
    fprintf(stderr,
            "  kernel %s: %llu dispatches, %llu of them on the GPU; GPU %.3f ms, CPU %.3f "
            "ms\n",
            kernel->name, (unsigned long long) kernel->dispatches,
            (unsigned long long) kernel->gpu_dispatches, kernel->gpu_ms, kernel->cpu_ms);
}

static void print_text(const struct session *session, const struct figures *figures)
{
    const wjit_stats_t *stats = &figures->stats;
    fprintf(stderr,
            "wjit: %llu bytes of wasm validated in %.3f ms; %llu functions compiled in %.3f ms to "
            "%llu bytes of code\n",
            (unsigned long long) stats->wasm_bytes, stats->validate_ms,
            (unsigned long long) stats->functions_compiled, stats->compile_ms,
            (unsigned long long) stats->code_bytes);
    fprintf(
        stderr,
        "  started in %.3f ms, instantiated in %.1f us, ran %.3f ms, cache %s, peak memory %.1f "
        "MiB\n",
        session->start_ms, stats->instantiate_us, figures->run_ms, cache_word(stats),
        (double) figures->peak_rss_bytes / (1024.0 * 1024.0));
    if (figures->has_gpu) {
        fprintf(stderr,
                "  GPU %s (%s, %s): %llu dispatches in %.3f ms, pipelines %.3f ms, %llu "
                "bytes to it, %llu from it\n",
                figures->gpu.name, figures->gpu.driver,
                figures->gpu.is_mirrored ? "mirror" : "import",
                (unsigned long long) stats->dispatches, stats->gpu_ms, stats->pipeline_ms,
                (unsigned long long) stats->bytes_to_device,
                (unsigned long long) stats->bytes_from_device);
    }
    wjit_engine_kernels(session->engine, print_kernel_text, NULL);
}

void stats_print(const struct session *session)
{
    struct figures figures = figures_of(session);
    if (session->options->stats == STATS_JSON) {
        print_json(session, &figures);
    } else {
        print_text(session, &figures);
    }
}

static void explain_kernel(void *env, const wjit_kernel_info_t *kernel)
{
    (void) env;
    const char *what = kernel->is_dispatcher ? "dispatch function" : "kernel";
    const char *verdict = kernel->is_dispatcher ? "not recognised" : "not translated";
    if (kernel->is_unused) {
        verdict = "not used";
    }
    if (kernel->reason[0] == '\0') {
        fprintf(stderr, "wjit: %s %s: %s\n", what, kernel->name,
                kernel->is_unused       ? "not used"
                : kernel->is_dispatcher ? "recognised"
                : kernel->on_gpu        ? "translated"
                                        : "on the CPU");
    } else if (kernel->reason_offset == WJIT_NO_OFFSET) {
        fprintf(stderr, "wjit: %s %s: %s: %s\n", what, kernel->name, verdict, kernel->reason);
    } else {
        fprintf(stderr, "wjit: %s %s: %s (byte %zu): %s\n", what, kernel->name, verdict,
                kernel->reason_offset, kernel->reason);
    }
}

void stats_explain_gpu(const struct session *session)
{
    wjit_engine_kernels(session->engine, explain_kernel, NULL);
}

static void report_check(void *env, const wjit_kernel_info_t *kernel)
{
    const char *device = env;
    if (kernel->is_dispatcher || kernel->dispatches == 0) {
        return;
    }
    if (kernel->checked != 0) {
        fprintf(stderr,
                "wjit: kernel %s: %llu of %llu dispatches checked: the same bytes in every "
                "order%s%s\n",
                kernel->name, (unsigned long long) kernel->checked,
                (unsigned long long) kernel->dispatches, kernel->on_gpu ? " and on " : "",
                kernel->on_gpu ? device : "");
    }
    if (kernel->verified != 0) {
        fprintf(stderr, "wjit: kernel %s: %llu items computed on the CPU too: the same bytes\n",
                kernel->name, (unsigned long long) kernel->verified);
    }
    if (kernel->why_unchecked[0] != '\0') {
        fprintf(stderr, "wjit: kernel %s: not checked: %s\n", kernel->name, kernel->why_unchecked);
    }
}

void stats_report_checks(const struct session *session)
{
    wjit_gpu_info_t info = {.name = ""};
    wjit_engine_gpu(session->engine, &info);
    wjit_engine_kernels(session->engine, report_check, info.name);
}
