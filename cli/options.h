// The command line, parsed.
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wjit.h>
#include <wjit/wasi.h>

enum command {
    COMMAND_RUN,
    COMMAND_COMPILE,
    COMMAND_VALIDATE,
    COMMAND_DEVICES,
    COMMAND_DUMP,
    COMMAND_BENCH,
    COMMAND_FEATURES,
    COMMAND_GPU_SERVER, // not for people: what --gpu-isolate starts
    COMMAND_HELP,
    COMMAND_VERSION,
};

enum stats_form { STATS_NONE, STATS_TEXT, STATS_JSON };

struct options {
    enum command command;
    const char *file;
    const char *output;      // compile -o
    const char *cache;       // a folder, "" for the user's, or NULL
    const char *target;      // compile --target, or NULL
    const char *const *args; // after FILE
    size_t arg_count;
    wjit_wasi_dir_t *dirs;
    size_t dir_count;
    const char **env;
    size_t env_count;
    const char *invoke;
    const char *gpu; // NULL: none; "": the best
    bool is_gpu_off; // bench: no device either, where none that was named means all
    bool explains_gpu;
    wjit_lanes_t lanes;
    bool checks_kernels;
    double gpu_verify_rate;
    bool isolates_gpu;
    wjit_gpu_memory_t gpu_memory;
    uint32_t threads;  // 0: not said
    uint32_t features; // enum wjit_feature bits
    bool is_deterministic;
    uint64_t timeout_ns; // 0: none
    bool has_memory_max;
    uint64_t memory_max_bytes;
    enum stats_form stats;
    wjit_dump_t emit;
    uint32_t func_index; // UINT32_MAX: all
    bool is_json;
    bool is_verbose; // devices
};

// 0, or the exit code for what is wrong, which is reported. Strings stay those of argv and the
// environment. options_clear also after a failure.
int options_parse(struct options *options, int argc, char **argv);
void options_clear(struct options *options);

void options_print_help(void);
// Each feature of WebAssembly, and whether it is on.
void options_print_features(const struct options *options);

#endif
