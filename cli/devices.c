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

static void print_json(const wjit_gpu_info_t *list, size_t count)
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
        printf(", \"can_import\": %s}", info->can_import ? "true" : "false");
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
        print_json(list, count);
    }
    for (size_t i = 0; !options->is_json && i < count; i++) {
        const wjit_gpu_info_t *info = &list[i];
        printf("%u  %s  (%s, %s%s%s)\n", info->index, info->name, kind_name(info->kind),
               info->driver, info->pci[0] ? ", " : "", info->pci);
    }
    wjit_gpu_list_free(list);
    if (count == 0 && !options->is_json) {
        report(0, NULL, "no GPU found");
    }
    return EXIT_DONE;
}
