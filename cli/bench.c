// wjit bench: the same kernels on every device, and on the CPU, whose bytes all must give.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_guest.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/report.h"
#include "cli/session.h"

#define RESULT_OFFSET 4259840u // of the guest: what its kernels write
#define RESULT_BYTES (4u << 20)
#define ITEMS 1048576.0
#define SAMPLE_MS 200.0 // that a kernel runs for at least, when it is timed
#define REPEATS_MAX 4096

// What an item of a kernel does, as the guest's text has it.
static const struct kernel {
    const char *name;
    const char *unit;
    double per_item; // of the unit's first word, in units of 1
} kernels[] = {
    {"scale_add", "GB/s", 12},
    {"multiply_add", "GFLOP/s", 64 * 8},
    {"mix", "Gop/s", 64 * 4},
};
enum { KERNEL_COUNT = sizeof(kernels) / sizeof(*kernels) };

enum outcome { OUTCOME_SAME, OUTCOME_DIFFERENT, OUTCOME_NOT_RUN };

struct figure {
    enum outcome outcome;
    double wall_ms;   // of one dispatch
    double device_ms; // by the device's clock; 0: none
    char reason[256]; // why it did not run there
};

struct bench {
    const struct options *options;
    uint8_t *expected[KERNEL_COUNT]; // what the CPU made
};

// An engine with the guest in it.
struct place {
    wasm_engine_t *engine;
    wasm_store_t *store;
    wasm_module_t *module;
    wasm_instance_t *instance;
    wjit_call_t *prepare, *run;
    wasm_memory_t *memory;
};

static void place_close(struct place *place)
{
    wjit_call_delete(place->prepare);
    wjit_call_delete(place->run);
    wasm_memory_delete(place->memory);
    wasm_instance_delete(place->instance);
    wasm_module_delete(place->module);
    wasm_store_delete(place->store);
    wasm_engine_delete(place->engine);
}

static wjit_call_t *find_call(const struct place *place, const char *name, const char *signature,
                              wjit_error_t *error)
{
    wasm_extern_t *export = wjit_instance_export(place->instance, name, strlen(name));
    wjit_call_t *call = wjit_call_new(wasm_extern_as_func(export), signature, error);
    wasm_extern_delete(export);
    return call;
}

// `device` as in --gpu, or NULL for the CPU.
static bool place_open(struct place *place, const struct options *options, const char *device,
                       wjit_error_t *error)
{
    *place = (struct place){.engine = NULL};
    wasm_config_t *config = wasm_config_new();
    if (config == NULL) {
        return false;
    }
    wjit_config_set_threads(config, options->threads);
    wjit_config_set_gpu(config, device);
    wjit_config_set_gpu_memory(config, options->gpu_memory);
    wjit_config_set_cache(config, "", SIZE_MAX); // of devices, not of modules
    wasm_trap_t *trap = NULL;
    wasm_byte_vec_t bytes = {sizeof bench_guest, (char *) (uintptr_t) bench_guest};
    if ((place->engine = wjit_engine_new(config, error)) != NULL &&
        (place->store = wasm_store_new(place->engine)) != NULL &&
        (place->module = wjit_module_new(place->store, &bytes, error)) != NULL &&
        (place->instance = wjit_instance_new(place->store, place->module, NULL, &trap, error)) !=
            NULL &&
        (place->prepare = find_call(place, "prepare", ":", error)) != NULL &&
        (place->run = find_call(place, "run", "ii:", error)) != NULL) {
        wasm_extern_t *memory = wjit_instance_export(place->instance, "memory", 6);
        place->memory = wasm_extern_as_memory(memory);
        return true;
    }
    wasm_trap_delete(trap);
    return false;
}

// Dispatches a kernel so many times in a row; ms, or a negative number after a trap.
static double dispatch(const struct place *place, int kernel, int repeats)
{
    wjit_cell_t cells[2] = {{.i32 = kernel}, {.i32 = repeats}};
    double start_ms = clock_ms();
    wasm_trap_t *trap = wjit_call_run(place->run, cells);
    double ms = clock_ms() - start_ms;
    bool is_good = trap == NULL;
    wasm_trap_delete(trap);
    return is_good ? ms : -1;
}

// Whether the kernel of the visit ran where it should, and if not, why.
struct looked_for {
    const char *name;
    bool was_found;
    bool on_gpu;
    char *reason;
    size_t reason_bytes;
};

static void look(void *env, const wjit_kernel_info_t *info)
{
    struct looked_for *what = env;
    if (!info->is_dispatcher && strcmp(info->name, what->name) == 0) {
        what->was_found = true;
        what->on_gpu = info->on_gpu;
        snprintf(what->reason, what->reason_bytes, "%s", info->reason);
    }
}

static void time_kernel(const struct place *place, int kernel, struct figure *figure)
{
    wjit_stats_t before, after;
    // The first dispatch has made the pipeline. Then as many as a clock can tell.
    int repeats = 1;
    for (;;) {
        wjit_engine_stats(place->engine, &before);
        double ms = dispatch(place, kernel, repeats);
        wjit_engine_stats(place->engine, &after);
        if (ms < 0) {
            figure->outcome = OUTCOME_NOT_RUN;
            return;
        }
        figure->wall_ms = ms / repeats;
        figure->device_ms = (after.gpu_ms - before.gpu_ms) / repeats;
        if (ms >= SAMPLE_MS || repeats >= REPEATS_MAX) {
            return;
        }
        repeats *= ms * 4 < SAMPLE_MS ? 4 : 2;
    }
}

// Runs a kernel once on new data, compares, and times it.
static void run_kernel(struct bench *bench, const struct place *place, int kernel, bool is_cpu,
                       struct figure *figure)
{
    *figure = (struct figure){.outcome = OUTCOME_NOT_RUN};
    wasm_trap_t *trap = wjit_call_run(place->prepare, NULL);
    if (trap != NULL || dispatch(place, kernel, 1) < 0) {
        snprintf(figure->reason, sizeof figure->reason, "a trap");
        wasm_trap_delete(trap);
        return;
    }
    struct looked_for what = {
        .name = kernels[kernel].name,
        .reason = figure->reason,
        .reason_bytes = sizeof figure->reason,
    };
    wjit_engine_kernels(place->engine, look, &what);
    if (!is_cpu && (!what.was_found || !what.on_gpu)) {
        return;
    }
    const uint8_t *result = wjit_memory_view(place->memory, &(uint64_t){0}) + RESULT_OFFSET;
    if (is_cpu) {
        memcpy(bench->expected[kernel], result, RESULT_BYTES);
    }
    figure->outcome = memcmp(bench->expected[kernel], result, RESULT_BYTES) == 0
                          ? OUTCOME_SAME
                          : OUTCOME_DIFFERENT;
    time_kernel(place, kernel, figure);
}

// Units in a second, of `ms` for a dispatch.
static double rate(int kernel, double ms)
{
    return ms > 0 ? kernels[kernel].per_item * ITEMS / ms / 1e6 : 0;
}

static void print_text(const char *name, const struct figure figures[KERNEL_COUNT])
{
    printf("%s\n", name);
    for (int i = 0; i < KERNEL_COUNT; i++) {
        const struct figure *f = &figures[i];
        printf("  %-13s", kernels[i].name);
        if (f->outcome == OUTCOME_NOT_RUN) {
            printf(" did not run there: %s\n", f->reason);
            continue;
        }
        printf(" %9.2f %-8s %9.3f ms", rate(i, f->wall_ms), kernels[i].unit, f->wall_ms);
        if (f->device_ms > 0) {
            printf(", of which the device %9.3f ms", f->device_ms);
        }
        puts(f->outcome == OUTCOME_SAME ? "" : "  WRONG: other bytes than the CPU's");
    }
}

static void print_json(const char *name, bool is_first, const struct figure figures[KERNEL_COUNT])
{
    fputs(is_first ? "{" : ", {", stdout);
    json_string(stdout, "device", name);
    fputs(", \"kernels\": [", stdout);
    for (int i = 0; i < KERNEL_COUNT; i++) {
        const struct figure *f = &figures[i];
        fputs(i ? ", {" : "{", stdout);
        json_string(stdout, "name", kernels[i].name);
        bool did_run = f->outcome != OUTCOME_NOT_RUN;
        printf(", \"ran\": %s, \"same_bytes\": %s, ", did_run ? "true" : "false",
               f->outcome == OUTCOME_SAME ? "true" : "false");
        json_string(stdout, "unit", kernels[i].unit);
        printf(", \"rate\": %.3f, \"device_rate\": %.3f, \"wall_ms\": %.4f, \"device_ms\": %.4f, ",
               rate(i, f->wall_ms), rate(i, f->device_ms), f->wall_ms, f->device_ms);
        json_string(stdout, "reason", f->reason);
        putchar('}');
    }
    fputs("]}", stdout);
}

// All kernels at one place. 0, or an exit code: bytes that differ are a failure.
static int run_place(struct bench *bench, const char *name, const char *device, bool is_first)
{
    struct place place;
    struct figure figures[KERNEL_COUNT];
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    if (!place_open(&place, bench->options, device, &error)) {
        place_close(&place);
        return report_error(device != NULL ? "--gpu" : NULL, &error);
    }
    int code = 0;
    for (int i = 0; i < KERNEL_COUNT; i++) {
        run_kernel(bench, &place, i, device == NULL, &figures[i]);
        if (figures[i].outcome == OUTCOME_DIFFERENT) {
            code = EXIT_BENCH_DIFFERS;
        }
    }
    place_close(&place);
    if (bench->options->is_json) {
        print_json(name, is_first, figures);
    } else {
        print_text(name, figures);
    }
    fflush(stdout);
    return code;
}

static int run_devices(struct bench *bench)
{
    const char *wanted = bench->options->gpu;
    wjit_gpu_info_t *list = NULL;
    size_t count = 0;
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    if (bench->options->is_gpu_off) {
        return 0;
    }
    if (wanted != NULL && *wanted != '\0') {
        return run_place(bench, wanted, wanted, false);
    }
    if (!wjit_gpu_list(&list, &count, &error)) {
        return report_error(NULL, &error);
    }
    int code = 0;
    for (size_t i = 0; i < count; i++) {
        char index[16];
        snprintf(index, sizeof index, "%u", list[i].index);
        int one = run_place(bench, list[i].name, index, false);
        code = one != 0 ? one : code;
    }
    if (count == 0) {
        report(0, NULL, "no GPU found");
    }
    wjit_gpu_list_free(list);
    return code;
}

// A device that was named is looked for before the CPU is measured. 0, or an exit code.
static int check_device(const struct options *options)
{
    if (options->gpu == NULL || *options->gpu == '\0') {
        return 0;
    }
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    wasm_config_t *config = wasm_config_new();
    if (config == NULL) {
        return report(EXIT_MEMORY, NULL, "memory exhausted");
    }
    wjit_config_set_gpu(config, options->gpu);
    wjit_config_set_cache(config, "", SIZE_MAX);
    wasm_engine_t *engine = wjit_engine_new(config, &error);
    wasm_engine_delete(engine);
    return engine != NULL ? 0 : report_error("--gpu", &error);
}

int command_bench(const struct options *options)
{
    struct bench bench = {.options = options};
    int code = check_device(options);
    if (code != 0) {
        return code;
    }
    for (int i = 0; i < KERNEL_COUNT; i++) {
        bench.expected[i] = malloc(RESULT_BYTES);
        if (bench.expected[i] == NULL) {
            code = report(EXIT_MEMORY, NULL, "memory exhausted");
        }
    }
    if (options->is_json) {
        putchar('[');
    }
    if (code == 0) {
        code = run_place(&bench, "CPU", NULL, true);
    }
    if (code == 0) {
        code = run_devices(&bench);
    }
    if (options->is_json) {
        puts("]");
    }
    for (int i = 0; i < KERNEL_COUNT; i++) {
        free(bench.expected[i]);
    }
    return code;
}
