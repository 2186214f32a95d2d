// From options to an engine, and from a file to a module.
#include "cli/session.h"

#include <string.h>
#include <time.h>

#include "cli/report.h"

// A module that validates and compiles in less time than finding it in the cache takes.
#define CACHED_MODULE_BYTES_MIN (128u * 1024u)

static double read_clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double) now.tv_sec * 1e3 + (double) now.tv_nsec * 1e-6;
}

double clock_ms(void)
{
    return read_clock_ms(CLOCK_MONOTONIC);
}

static wasm_config_t *make_config(const struct options *options)
{
    wasm_config_t *config = wasm_config_new();
    if (!config) {
        return NULL;
    }
    wjit_config_set_features(config, options->features);
    wjit_config_set_deterministic(config, options->is_deterministic);
    wjit_config_set_threads(config, options->threads);
    wjit_config_set_gpu(config, options->gpu);
    wjit_config_set_lanes(config, options->lanes);
    wjit_config_set_check_kernels(config, options->checks_kernels);
    wjit_config_set_gpu_verify(config, options->gpu_verify_rate);
    // Under that name the command finds itself, wherever it was moved to.
    wjit_config_set_gpu_isolate(config, options->isolates_gpu ? "/proc/self/exe" : NULL);
    wjit_config_set_gpu_memory(config, options->gpu_memory);
    if (options->has_memory_max) {
        // No bytes at all is no limit to the library; one byte is less than a page.
        uint64_t bytes = options->memory_max_bytes;
        wjit_config_set_memory_max_bytes(config, bytes ? bytes : 1);
    }
    // What was asked for by name is done for every module, else for those where it pays.
    if (options->cache && !wjit_config_set_cache(config, options->cache,
                                                 *options->cache ? 0 : CACHED_MODULE_BYTES_MIN)) {
        wasm_config_delete(config);
        return NULL;
    }
    if (options->command == COMMAND_COMPILE) {
        wjit_config_set_compile_mode(config, WJIT_COMPILE_PARALLEL);
    }
    return config;
}

// Says when no GPU could be had, and which options are about one that nobody asked for.
static void check_gpu(const struct session *session)
{
    const struct options *options = session->options;
    const char *idle = options->gpu_verify_rate > 0 ? "--gpu-verify"
                       : options->isolates_gpu      ? "--gpu-isolate"
                                                    : NULL;
    wjit_gpu_info_t info;
    if (options->gpu && !wjit_engine_gpu(session->engine, &info)) {
        report(0, NULL, "no GPU found: kernels run on the CPU");
    } else if (idle && !options->gpu && !options->is_gpu_off) {
        report(0, idle, "without --gpu kernels run on the CPU");
    }
}

// What an error in making the engine is about.
static const char *subject_of(const struct options *options, wjit_error_kind_t kind)
{
    switch (kind) {
    case WJIT_ERROR_DEVICE: return "--gpu";
    case WJIT_ERROR_IO: return "--cache";
    case WJIT_ERROR_UNSUPPORTED: return NULL; // the processor
    default: return options->file;
    }
}

int session_open(struct session *session, const struct options *options)
{
    *session = (struct session){.options = options};
    int code = input_open(&session->input, options->file);
    if (code) {
        return code;
    }
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    session->engine = wjit_engine_new(make_config(options), &error);
    if (!session->engine) {
        return report_error(subject_of(options, error.kind), &error);
    }
    check_gpu(session);
    session->store = wasm_store_new(session->engine);
    if (!session->store) {
        return report(EXIT_MEMORY, options->file, "memory exhausted");
    }
    session->start_ms = read_clock_ms(CLOCK_PROCESS_CPUTIME_ID);
    return 0;
}

int session_load(struct session *session)
{
    const char *file = session->options->file;
    wasm_byte_vec_t bytes = input_bytes(&session->input);
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    if (input_is_component(&session->input)) {
        return report(EXIT_INVALID, file, "a component (byte 4): a core module was expected");
    }
    if (input_is_compiled(&session->input)) {
        // Its code runs as it is: the name says that somebody meant it to.
        size_t length = strlen(file);
        if (length < 6 || strcmp(file + length - 6, ".cwasm")) {
            return report(EXIT_INVALID, file,
                          "a compiled module, which is trusted as an executable is: a name that "
                          "ends in .cwasm was expected");
        }
        session->module = session->input.is_mapped
                              ? wjit_module_deserialize_file(session->store, file, &error)
                              : wjit_module_deserialize(session->store, &bytes, &error);
    } else if (session->input.is_mapped) {
        session->module = wjit_module_new_file(session->store, file, &error);
    } else {
        session->module = wjit_module_new(session->store, &bytes, &error);
    }
    return session->module ? 0 : report_error(file, &error);
}

void session_close(struct session *session)
{
    wasm_module_delete(session->module);
    wasm_store_delete(session->store);
    wasm_engine_delete(session->engine);
    input_close(&session->input);
}
