// wjit devices: the GPUs that --gpu can name.
#include <stdio.h>

#include "cli/commands.h"
#include "cli/json.h"
#include "cli/report.h"

static const char *kind_name(wjit_gpu_kind_t kind)
{
    switch (kind) {
    case WJIT_GPU_DISCRETE: return "discrete";
    case WJIT_GPU_INTEGRATED: return "integrated";
    case WJIT_GPU_VIRTUAL: return "virtual";
    case WJIT_GPU_SOFTWARE: return "software";
    case WJIT_GPU_OTHER: return "other";
    }
    return "other";
}

static const char *const exactness_names[] = {"native", "repaired", "refused"};

static bool print_probe(const wjit_gpu_info_t *info)
{
    wjit_gpu_probe_t probe;
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    if (!wjit_gpu_probe(info->index, &probe, &error)) {
        report_error(info->name, &error);
        return false;
    }
    printf("    i64 %s, f64 %s, 8-bit storage %s\n", probe.has_i64 ? "yes" : "no",
           probe.has_f64 ? "yes" : "no", probe.has_storage8 ? "yes" : "no");
    printf("    groups of %u items with %u bytes, memories of %llu bytes\n", probe.group_items_max,
           probe.shared_bytes_max, (unsigned long long) probe.memory_bytes_max);
    if (probe.loop_iterations_max != 0) {
        printf("    loops end silently after %u iterations\n", probe.loop_iterations_max);
    }
    for (size_t i = 0; i < probe.verdict_count; i++) {
        printf("    %-14s %s\n", probe.verdicts[i].operation,
               exactness_names[probe.verdicts[i].exactness]);
    }
    return true;
}

static void print_verdicts_json(const wjit_gpu_info_t *info)
{
    wjit_gpu_probe_t probe;
    if (!wjit_gpu_probe(info->index, &probe, NULL)) {
        return;
    }
    fputs(", \"verdicts\": {", stdout);
    for (size_t i = 0; i < probe.verdict_count; i++) {
        printf("%s\"%s\": \"%s\"", i ? ", " : "", probe.verdicts[i].operation,
               exactness_names[probe.verdicts[i].exactness]);
    }
    putchar('}');
}

static void print_json(const wjit_gpu_info_t *list, size_t count, bool is_verbose)
{
    putchar('[');
    for (size_t i = 0; i < count; i++) {
        const wjit_gpu_info_t *info = &list[i];
        printf("%s{\"index\": %u, ", i ? ", " : "", info->index);
        json_string(stdout, "name", info->name);
        fputs(", ", stdout);
        json_string(stdout, "kind", kind_name(info->kind));
        fputs(", ", stdout);
        json_string(stdout, "driver", info->driver);
        fputs(", ", stdout);
        json_string(stdout, "pci", info->pci[0] ? info->pci : NULL);
        printf(", \"can_import\": %s", info->can_import ? "true" : "false");
        if (is_verbose) {
            print_verdicts_json(info);
        }
        putchar('}');
    }
    puts("]");
}

int command_devices(const struct options *options)
{
    wjit_gpu_info_t *list = NULL;
    size_t count = 0;
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    if (!wjit_gpu_list(&list, &count, &error)) {
        return report_error(NULL, &error);
    }
    if (options->is_json) {
        print_json(list, count, options->is_verbose);
    }
    bool is_good = true;
    for (size_t i = 0; !options->is_json && i < count; i++) {
        const wjit_gpu_info_t *info = &list[i];
        printf("%u  %s  (%s, %s%s%s)\n", info->index, info->name, kind_name(info->kind),
               info->driver, info->pci[0] ? ", " : "", info->pci);
        is_good = (!options->is_verbose || print_probe(info)) && is_good;
    }
    wjit_gpu_list_free(list);
    if (count == 0 && !options->is_json) {
        report(0, NULL, "no GPU found");
    }
    return is_good ? EXIT_DONE : EXIT_USAGE;
}
