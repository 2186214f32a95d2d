// Parses the command line. An option is a row: its name, whether it takes a value, the commands it
// belongs to, and what it does.
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/parse.h"
#include "cli/report.h"

#define THREADS_MAX 256u // of wjit_config_set_threads

enum value { VALUE_NONE, VALUE_NEEDED, VALUE_OPTIONAL };

struct row {
    const char *name;
    enum value value;
    unsigned commands; // bits of enum command
    // NULL, or what is wrong. `value` is NULL where none was given.
    const char *(*apply)(struct options *options, const char *value);
};

static const char *apply_dir(struct options *options, const char *value)
{
    char *guest = strstr(value, "::");
    const char *name = guest ? guest + 2 : value;
    if (guest == value || *name == '\0') {
        return "HOST or HOST::GUEST was expected";
    }
    wjit_wasi_dir_t *dirs =
        realloc(options->dirs, (options->dir_count + 1) * sizeof(*options->dirs));
    if (!dirs) {
        return "memory exhausted";
    }
    options->dirs = dirs;
    char *host = guest ? strndup(value, (size_t) (guest - value)) : strdup(value);
    if (!host) {
        return "memory exhausted";
    }
    options->dirs[options->dir_count++] = (wjit_wasi_dir_t){.host = host, .guest = name};
    return NULL;
}

static const char *apply_env(struct options *options, const char *value)
{
    const char *equals = strchr(value, '=');
    if (!equals || equals == value) {
        return "NAME=VALUE was expected";
    }
    const char **env = realloc(options->env, (options->env_count + 1) * sizeof(*options->env));
    if (!env) {
        return "memory exhausted";
    }
    options->env = env;
    options->env[options->env_count++] = value;
    return NULL;
}

static const char *apply_invoke(struct options *options, const char *value)
{
    options->invoke = value;
    return NULL;
}

static const char *apply_gpu(struct options *options, const char *value)
{
    if (value && *value == '\0') {
        return "DEVICE or off was expected";
    }
    bool is_off = value && !strcmp(value, "off");
    options->is_gpu_off = is_off;
    options->gpu = is_off ? NULL : value ? value : "";
    return NULL;
}

static const char *apply_gpu_explain(struct options *options, const char *value)
{
    (void) value;
    options->explains_gpu = true;
    return NULL;
}

static const char *apply_check_kernels(struct options *options, const char *value)
{
    (void) value;
    options->checks_kernels = true;
    return NULL;
}

static const char *apply_gpu_verify(struct options *options, const char *value)
{
    return parse_rate(value, &options->gpu_verify_rate)
               ? NULL
               : "a part of the items like 1% or 0.01 was expected";
}

static const char *apply_gpu_isolate(struct options *options, const char *value)
{
    (void) value;
    options->isolates_gpu = true;
    return NULL;
}

static const char *apply_gpu_memory(struct options *options, const char *value)
{
    static const char *const names[] = {[WJIT_GPU_MEMORY_AUTO] = "auto",
                                        [WJIT_GPU_MEMORY_IMPORT] = "import",
                                        [WJIT_GPU_MEMORY_MIRROR] = "mirror"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (!strcmp(value, names[i])) {
            options->gpu_memory = (wjit_gpu_memory_t) i;
            return NULL;
        }
    }
    return "auto, import or mirror was expected";
}

// Exact results are within what `fast` allows.
static const char *apply_gpu_fp(struct options *options, const char *value)
{
    (void) options;
    return strcmp(value, "exact") && strcmp(value, "fast") ? "exact or fast was expected" : NULL;
}

static const char *apply_lanes(struct options *options, const char *value)
{
    static const char *const names[] = {
        [WJIT_LANES_AUTO] = "auto", [WJIT_LANES_OFF] = "off", [WJIT_LANES_ALL] = "all"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (!strcmp(value, names[i])) {
            options->lanes = (wjit_lanes_t) i;
            return NULL;
        }
    }
    return "auto, off or all was expected";
}

static const char *apply_threads(struct options *options, const char *value)
{
    uint64_t threads;
    if (!parse_u64(value, &threads) || threads == 0 || threads > THREADS_MAX) {
        return "a number from 1 to 256 was expected";
    }
    options->threads = (uint32_t) threads;
    return NULL;
}

static const char *apply_features(struct options *options, const char *value)
{
    if (!value || !strcmp(value, "list")) {
        options->command = COMMAND_FEATURES;
        return NULL;
    }
    return wjit_features_switch(&options->features, value, NULL)
               ? NULL
               : "names like -multi-memory,+threads were expected: see wjit --features";
}

static const char *apply_deterministic(struct options *options, const char *value)
{
    (void) value;
    options->is_deterministic = true;
    return NULL;
}

static const char *apply_timeout(struct options *options, const char *value)
{
    return parse_duration(value, &options->timeout_ns)
               ? NULL
               : "a time like 500ms, 2s, 1m or 10 (seconds) was expected";
}

static const char *apply_max_memory(struct options *options, const char *value)
{
    options->has_memory_max = true;
    return parse_size(value, &options->memory_max_bytes)
               ? NULL
               : "a size like 65536, 64K, 512M or 2G was expected";
}

static const char *apply_cache(struct options *options, const char *value)
{
    options->cache = value;
    return *value == '\0' ? "a folder was expected" : NULL;
}

static const char *apply_no_cache(struct options *options, const char *value)
{
    (void) value;
    options->cache = NULL;
    return NULL;
}

static const char *apply_stats(struct options *options, const char *value)
{
    if (value && strcmp(value, "json") != 0) {
        return "--stats or --stats=json was expected";
    }
    options->stats = value ? STATS_JSON : STATS_TEXT;
    return NULL;
}

static const char *apply_output(struct options *options, const char *value)
{
    options->output = value;
    return *value ? NULL : "a file was expected";
}

static const char *apply_target(struct options *options, const char *value)
{
    options->target = value;
    return strcmp(value, "x86-64") && strcmp(value, "aarch64") ? "x86-64 or aarch64 was expected"
                                                               : NULL;
}

static const char *apply_emit(struct options *options, const char *value)
{
    static const char *const names[] = {[WJIT_DUMP_OPS] = "ops",
                                        [WJIT_DUMP_MASM] = "masm",
                                        [WJIT_DUMP_CODE] = "code",
                                        [WJIT_DUMP_SPIRV] = "spirv",
                                        [WJIT_DUMP_LANES] = "lanes"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (!strcmp(value, names[i])) {
            options->emit = (wjit_dump_t) i;
            return NULL;
        }
    }
    return "ops, masm, code, spirv or lanes was expected";
}

static const char *apply_func(struct options *options, const char *value)
{
    uint64_t index;
    if (!parse_u64(value, &index) || index >= UINT32_MAX) {
        return "the index of a function was expected";
    }
    options->func_index = (uint32_t) index;
    return NULL;
}

static const char *apply_json(struct options *options, const char *value)
{
    (void) value;
    options->is_json = true;
    return NULL;
}

static const char *apply_verbose(struct options *options, const char *value)
{
    (void) value;
    options->is_verbose = true;
    return NULL;
}

#define ON_RUN (1u << COMMAND_RUN)
#define ON_COMPILE (1u << COMMAND_COMPILE)
#define ON_VALIDATE (1u << COMMAND_VALIDATE)
#define ON_DEVICES (1u << COMMAND_DEVICES)
#define ON_DUMP (1u << COMMAND_DUMP)
#define ON_FEATURES (1u << COMMAND_FEATURES)
#define ON_BENCH (1u << COMMAND_BENCH)

static const struct row rows[] = {
    {"--dir", VALUE_NEEDED, ON_RUN, apply_dir},
    {"--env", VALUE_NEEDED, ON_RUN, apply_env},
    {"--invoke", VALUE_NEEDED, ON_RUN, apply_invoke},
    {"--gpu", VALUE_OPTIONAL, ON_RUN | ON_BENCH, apply_gpu},
    {"--gpu-explain", VALUE_NONE, ON_RUN, apply_gpu_explain},
    {"--check-kernels", VALUE_NONE, ON_RUN, apply_check_kernels},
    {"--gpu-verify", VALUE_NEEDED, ON_RUN, apply_gpu_verify},
    {"--gpu-isolate", VALUE_NONE, ON_RUN, apply_gpu_isolate},
    {"--gpu-memory", VALUE_NEEDED, ON_RUN | ON_BENCH, apply_gpu_memory},
    {"--gpu-fp", VALUE_NEEDED, ON_RUN, apply_gpu_fp},
    {"--lanes", VALUE_NEEDED, ON_RUN, apply_lanes},
    {"--threads", VALUE_NEEDED, ON_RUN | ON_COMPILE | ON_BENCH, apply_threads},
    {"--features", VALUE_OPTIONAL, ON_RUN | ON_COMPILE | ON_VALIDATE | ON_DUMP | ON_FEATURES,
     apply_features},
    {"--deterministic", VALUE_NONE, ON_RUN | ON_COMPILE | ON_DUMP, apply_deterministic},
    {"--timeout", VALUE_NEEDED, ON_RUN, apply_timeout},
    {"--max-memory", VALUE_NEEDED, ON_RUN, apply_max_memory},
    {"--cache", VALUE_NEEDED, ON_RUN | ON_COMPILE, apply_cache},
    {"--no-cache", VALUE_NONE, ON_RUN | ON_COMPILE, apply_no_cache},
    {"--stats", VALUE_OPTIONAL, ON_RUN | ON_COMPILE, apply_stats},
    {"-o", VALUE_NEEDED, ON_COMPILE, apply_output},
    {"--output", VALUE_NEEDED, ON_COMPILE, apply_output},
    {"--target", VALUE_NEEDED, ON_COMPILE, apply_target},
    {"--emit", VALUE_NEEDED, ON_DUMP, apply_emit},
    {"--func", VALUE_NEEDED, ON_DUMP, apply_func},
    {"--json", VALUE_NONE, ON_DEVICES | ON_BENCH, apply_json},
    {"--verbose", VALUE_NONE, ON_DEVICES, apply_verbose},
};

static const struct row *find_row(const char *arg, size_t name_bytes, enum command command)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (strlen(rows[i].name) == name_bytes && !memcmp(rows[i].name, arg, name_bytes) &&
            (rows[i].commands & 1u << command)) {
            return &rows[i];
        }
    }
    return NULL;
}

// Parses argv[*at], an option, and steps over it and its value.
static int parse_option(struct options *options, char **argv, int argc, int *at)
{
    const char *arg = argv[(*at)++];
    size_t name_bytes = (size_t) (strchrnul(arg, '=') - arg);
    const char *value = arg[name_bytes] ? arg + name_bytes + 1 : NULL;
    const struct row *row = find_row(arg, name_bytes, options->command);
    if (!row) {
        return report(EXIT_USAGE, NULL, "%s: no such option: see wjit --help", arg);
    }
    if (row->value == VALUE_NONE && value) {
        return report(EXIT_USAGE, row->name, "it takes no value");
    }
    if (row->value == VALUE_NEEDED && !value) {
        if (*at == argc) {
            return report(EXIT_USAGE, row->name, "a value was expected");
        }
        value = argv[(*at)++];
    }
    const char *wrong = row->apply(options, value);
    if (wrong) {
        return report(EXIT_USAGE, row->name, "%s: %s", value ? value : "", wrong);
    }
    return 0;
}

static bool parse_command(struct options *options, const char *word)
{
    static const struct {
        const char *name;
        enum command command;
    } commands[] = {
        {"run", COMMAND_RUN},
        {"compile", COMMAND_COMPILE},
        {"validate", COMMAND_VALIDATE},
        {"devices", COMMAND_DEVICES},
        {"dump", COMMAND_DUMP},
        {"help", COMMAND_HELP},
        {"bench", COMMAND_BENCH},
        {"--help", COMMAND_HELP},
        {"-h", COMMAND_HELP},
        {"--version", COMMAND_VERSION},
        {"gpu-server", COMMAND_GPU_SERVER},
    };
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        if (!strcmp(word, commands[i].name)) {
            options->command = commands[i].command;
            return true;
        }
    }
    return false;
}

static int check(struct options *options)
{
    // The variable is about programs that run, and about what is compared with the CPU.
    bool uses_gpu = options->command == COMMAND_RUN || options->command == COMMAND_BENCH;
    options->gpu = uses_gpu ? options->gpu : NULL;
    // A whole compiled module is for its file; it goes to a cache only where that is asked for.
    bool is_for_compile = options->command == COMMAND_COMPILE && options->cache && *options->cache;
    options->cache = options->command == COMMAND_RUN || is_for_compile ? options->cache : NULL;
    bool needs_file = options->command != COMMAND_DEVICES && options->command != COMMAND_BENCH &&
                      options->command != COMMAND_FEATURES && options->command != COMMAND_HELP &&
                      options->command != COMMAND_VERSION && options->command != COMMAND_GPU_SERVER;
    if (needs_file && !options->file) {
        return report(EXIT_USAGE, NULL, "no FILE was given: see wjit --help");
    }
    if (!needs_file && options->file) {
        return report(EXIT_USAGE, NULL, "%s: no FILE was expected", options->file);
    }
    if (options->command != COMMAND_RUN && options->arg_count > 0) {
        return report(EXIT_USAGE, NULL, "%s: one FILE was expected", options->args[0]);
    }
    if (options->command == COMMAND_COMPILE && !options->output) {
        return report(EXIT_USAGE, NULL, "compile: -o FILE.cwasm was expected");
    }
    return 0;
}

int options_parse(struct options *options, int argc, char **argv)
{
    *options = (struct options){.command = COMMAND_RUN,
                                .cache = "",
                                .func_index = UINT32_MAX,
                                .features = WJIT_FEATURES_DEFAULT};
    const char *gpu = getenv("WJIT_GPU");
    if (gpu && *gpu) {
        apply_gpu(options, gpu);
    }
    int at = 1;
    if (at < argc && parse_command(options, argv[at])) {
        at++;
    }
    bool is_over = false;
    while (at < argc) {
        const char *arg = argv[at];
        if (!is_over && !strcmp(arg, "--")) {
            is_over = true;
            at++;
        } else if (!is_over && arg[0] == '-' && arg[1] != '\0') {
            if (!strcmp(arg, "--help") || !strcmp(arg, "-h")) {
                options->command = COMMAND_HELP;
                options->file = NULL;
                return 0;
            }
            int code = parse_option(options, argv, argc, &at);
            if (code) {
                return code;
            }
        } else if (!options->file) {
            options->file = argv[at++];
            // What follows is the program's own.
            if (options->command == COMMAND_RUN) {
                options->args = (const char *const *) argv + at;
                options->arg_count = (size_t) (argc - at);
                at = argc;
            }
        } else {
            return report(EXIT_USAGE, NULL, "%s: one FILE was expected", arg);
        }
    }
    return check(options);
}

void options_clear(struct options *options)
{
    for (size_t i = 0; i < options->dir_count; i++) {
        free((char *) options->dirs[i].host);
    }
    free(options->dirs);
    free(options->env);
}

void options_print_help(void)
{
    fputs(
        "wjit [run] [OPTIONS] FILE.wasm [ARG...]   run a WASI program, or a function of a module\n"
        "  --dir HOST[::GUEST]     give it a directory\n"
        "  --env NAME=VALUE        give it a variable\n"
        "  --invoke FUNC           call this export with the ARGs, print its results\n"
        "  --gpu[=DEVICE]|--gpu=off  run kernels on a GPU: its index, part of its name, pci:...,\n"
        "                          any (software drivers too); alone: the best hardware device\n"
        "  --gpu-explain           say of each kernel whether it was translated, or why not\n"
        "  --check-kernels         run each dispatch in three orders, in lanes and on the GPU, "
        "and\n"
        "                          stop at the first kernel that leaves other bytes; slow\n"
        "  --gpu-verify=RATE       compute this part of the items (1%) on the CPU too, and stop "
        "at\n"
        "                          the first kernel of which the GPU made other bytes\n"
        "  --gpu-isolate           the GPU's driver in a process of its own, started anew when it\n"
        "                          crashes\n"
        "  --gpu-memory=auto|import|mirror  --gpu-fp=exact|fast\n"
        "  --threads N             threads for kernels and compilation; compile: 1 unless given,\n"
        "                          so that a module always gives the same file\n"
        "  --lanes=auto|off|all    eight items of a kernel at a time on the CPU: where that\n"
        "                          pays, never, wherever it can be done\n"
        "  --features=[+-]NAME,... switch features of WebAssembly on or off; alone: list them\n"
        "  --deterministic         the deterministic profile: canonical NaNs\n"
        "  --timeout DUR           stop after this time: 500ms, 2s, 1m\n"
        "  --max-memory SIZE       the most that a linear memory may have: 64K, 512M, 2G\n"
        "  --cache DIR|--no-cache  where compiled code is kept: else ~/.cache/wjit, of modules\n"
        "                          from 128 KiB on\n"
        "  --stats[=json]          figures on stderr at the end\n"
        "wjit compile [OPTIONS] FILE.wasm -o FILE.cwasm [--target x86-64|aarch64]\n"
        "wjit validate FILE.wasm\n"
        "wjit dump [--emit=ops|masm|code|spirv|lanes] [--func INDEX] FILE.wasm\n"
        "wjit devices [--json] [--verbose]         the GPUs; how each computes every operation\n"
        "wjit bench [--gpu=DEVICE] [--threads N] [--json]   the same kernels on the CPU and on "
        "this\n"
        "                          device, or on all: how fast, and whether with the same bytes\n"
        "wjit --help | --version\n"
        "\n"
        "Exit codes: the program's own; 134 trap; 124 time limit; 125 bad usage; 126 the module\n"
        "is invalid or cannot be linked, or the CPU is too old; 137 its memory exceeds the limit; "
        "143 terminated.\n"
        "WJIT_GPU=DEVICE is the same as --gpu=DEVICE.\n",
        stdout);
}

void options_print_features(const struct options *options)
{
    for (uint32_t bit = 1; wjit_feature_name(bit); bit <<= 1) {
        printf("%-20s %s\n", wjit_feature_name(bit), options->features & bit ? "on" : "off");
    }
}
