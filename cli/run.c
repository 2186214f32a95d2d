// wjit run: links a module with WASI, instantiates it, and runs it to one of its many ends.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/invoke.h"
#include "cli/parse.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/stats.h"
#include "cli/watch.h"

#define FRAMES_MAX 32u // that are printed of a backtrace

struct run {
    struct session session;
    const struct options *options;
    struct watch watch;
    wjit_wasi_t *wasi;
    wasm_extern_vec_t imports;
    wasm_instance_t *instance;
};

static int make_wasi(struct run *run)
{
    const struct options *options = run->options;
    const char **args = calloc(options->arg_count + 1, sizeof(*args));
    if (!args) {
        return report(EXIT_MEMORY, options->file, "memory exhausted");
    }
    args[0] = options->file;
    // With --invoke the arguments are the function's.
    size_t arg_count = options->invoke ? 0 : options->arg_count;
    for (size_t i = 0; i < arg_count; i++) {
        args[i + 1] = options->args[i];
    }
    wjit_wasi_config_t config = {
        .args = args,
        .arg_count = arg_count + 1,
        .env = options->env,
        .env_count = options->env_count,
        .dirs = options->dirs,
        .dir_count = options->dir_count,
        .exits_on_closed_pipe = true,
    };
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    run->wasi = wjit_wasi_new(&config, &error);
    free(args);
    if (!run->wasi) {
        return report_error(error.kind == WJIT_ERROR_IO ? "--dir" : options->file, &error);
    }
    return 0;
}

static const char *kind_name(wasm_externkind_t kind)
{
    switch (kind) {
    case WASM_EXTERN_FUNC: return "func";
    case WASM_EXTERN_GLOBAL: return "global";
    case WASM_EXTERN_TABLE: return "table";
    case WASM_EXTERN_MEMORY: return "memory";
    default: return "tag";
    }
}

// Programs with threads import their memory, so that all instances have the same one.
static const wasm_memorytype_t *shared_memory_type(const wasm_importtype_t *import)
{
    const wasm_externtype_t *type = wasm_importtype_type(import);
    const wasm_memorytype_t *memory = wasm_externtype_as_memorytype_const(type);
    return memory && wjit_memorytype_limits(memory).is_shared ? memory : NULL;
}

static int make_memory(struct run *run, const wasm_memorytype_t *type, wasm_extern_t **out)
{
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    wasm_memory_t *memory = wjit_memory_new(run->session.store, type, &error);
    *out = memory ? wasm_memory_as_extern(memory) : NULL;
    int code = memory ? 0 : report_error(run->options->file, &error);
    return error.kind == WJIT_ERROR_LIMIT ? EXIT_MEMORY : code;
}

static int link_imports(struct run *run)
{
    wasm_importtype_vec_t types;
    wasm_module_imports(run->session.module, &types);
    wasm_extern_vec_new_uninitialized(&run->imports, types.size);
    int code = 0;
    for (size_t i = 0; i < run->imports.size; i++) {
        run->imports.data[i] = NULL;
    }
    for (size_t i = 0; i < run->imports.size && !code; i++) {
        const wasm_importtype_t *type = types.data[i];
        wasm_func_t *func = wjit_wasi_func(run->wasi, run->session.store, type);
        const wasm_memorytype_t *memory = shared_memory_type(type);
        if (func) {
            run->imports.data[i] = wasm_func_as_extern(func);
        } else if (memory) {
            code = make_memory(run, memory, &run->imports.data[i]);
        } else {
            const wasm_name_t *module = wasm_importtype_module(type);
            const wasm_name_t *name = wasm_importtype_name(type);
            code = report(EXIT_INVALID, run->options->file,
                          "unknown import %.*s.%.*s (%s): a function of wasi_snapshot_preview1 "
                          "was expected",
                          (int) module->size, module->data, (int) name->size, name->data,
                          kind_name(wasm_externtype_kind(wasm_importtype_type(type))));
        }
    }
    wasm_importtype_vec_delete(&types);
    if (!code && !wjit_wasi_enable_threads(run->wasi, run->session.store, run->session.module,
                                           &run->imports)) {
        code = report(EXIT_MEMORY, run->options->file, "memory exhausted");
    }
    return code;
}

static void print_backtrace(const wasm_trap_t *trap)
{
    wasm_frame_vec_t frames;
    wasm_trap_trace(trap, &frames);
    for (size_t i = 0; i < frames.size && i < FRAMES_MAX; i++) {
        wasm_name_t name = wjit_frame_func_name(frames.data[i]);
        char text[256];
        size_t length = printable(text, sizeof(text), name.data, name.size);
        fprintf(stderr, "  %2zu: %s%sfunc %u", i, text, length ? ", " : "",
                wasm_frame_func_index(frames.data[i]));
        size_t offset = wasm_frame_module_offset(frames.data[i]);
        if (offset > 0) {
            fprintf(stderr, " (byte %zu)", offset);
        }
        fputc('\n', stderr);
    }
    if (frames.size > FRAMES_MAX) {
        fprintf(stderr, "      and %zu more\n", frames.size - FRAMES_MAX);
    }
    wasm_frame_vec_delete(&frames);
}

// The exit code for how the program ended; reports all but its own exit.
static int end_of(struct run *run, wasm_trap_t *trap)
{
    int status;
    if (wjit_trap_exit_status(trap, &status)) {
        wasm_trap_delete(trap);
        return status & 0xff;
    }
    if (wjit_trap_code(trap) == WJIT_TRAP_INTERRUPTED) {
        wasm_trap_delete(trap);
        // A thread of the guest's ended the program, or something from outside.
        wasm_trap_t *of_thread = wjit_wasi_end_threads(run->wasi);
        if (of_thread && wjit_trap_code(of_thread) != WJIT_TRAP_INTERRUPTED) {
            return end_of(run, of_thread);
        }
        wasm_trap_delete(of_thread);
        enum watch_cause cause = watch_stop(&run->watch);
        return watch_report(&run->watch, cause);
    }
    // Memory that the host does not have is no fault of the program's, wherever it runs out.
    int code = wjit_trap_code(trap) == WJIT_TRAP_OUT_OF_MEMORY ? EXIT_MEMORY : EXIT_TRAP;
    wasm_message_t message;
    wasm_trap_message(trap, &message);
    report(code, run->options->file, "trap: %s", message.size ? message.data : "");
    wasm_byte_vec_delete(&message);
    print_backtrace(trap);
    wasm_trap_delete(trap);
    return code;
}

static int instantiate(struct run *run)
{
    wasm_trap_t *trap = NULL;
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    run->instance =
        wjit_instance_new(run->session.store, run->session.module, &run->imports, &trap, &error);
    if (run->instance) {
        return 0;
    }
    if (trap) {
        return end_of(run, trap);
    }
    int code = report_error(run->options->file, &error);
    return error.kind == WJIT_ERROR_LIMIT ? EXIT_MEMORY : code;
}

// Calls an export without parameters and results. `*is_over`: the program ended itself, or trapped.
static int call_plain(struct run *run, const char *name, bool *is_over)
{
    wasm_extern_t *export = wjit_instance_export(run->instance, name, strlen(name));
    wasm_func_t *func = wasm_extern_as_func(export);
    *is_over = true;
    if (!func || wasm_func_param_arity(func) || wasm_func_result_arity(func)) {
        wasm_extern_delete(export);
        return report(EXIT_INVALID, run->options->file,
                      "export %s: a function without parameters and results was expected", name);
    }
    wasm_trap_t *trap = wjit_func_call(func, NULL, 0, NULL, 0);
    wasm_func_delete(func);
    *is_over = trap != NULL;
    return trap ? end_of(run, trap) : 0;
}

static bool has_export(const struct run *run, const char *name)
{
    wasm_extern_t *export = wjit_instance_export(run->instance, name, strlen(name));
    wasm_extern_delete(export);
    return export != NULL;
}

static int invoke(struct run *run)
{
    const struct options *options = run->options;
    struct invocation call = {.file = options->file, .name = options->invoke};
    int code = invocation_init(&call, run->instance, options->args, options->arg_count);
    if (!code) {
        wasm_trap_t *trap =
            wjit_func_call(call.func, call.args, call.arg_count, call.results, call.result_count);
        if (trap) {
            call.result_count = 0;
            code = end_of(run, trap);
        }
        for (size_t i = 0; i < call.result_count; i++) {
            print_value(&call.results[i]);
        }
    }
    invocation_clear(&call);
    return code;
}

// A command has _start, a reactor has _initialize, which comes before anything else.
static int call_entry(struct run *run)
{
    bool is_over = false;
    int code = 0;
    if (has_export(run, "_initialize")) {
        code = call_plain(run, "_initialize", &is_over);
    }
    if (is_over) {
        return code;
    }
    if (run->options->invoke) {
        return invoke(run);
    }
    if (has_export(run, "_start")) {
        return call_plain(run, "_start", &is_over);
    }
    if (has_export(run, "_initialize") || wjit_module_has_start(run->session.module)) {
        return 0;
    }
    return report(EXIT_USAGE, run->options->file,
                  "no export _start: --invoke FUNC calls another export");
}

static int run_all(struct run *run)
{
    int code = session_load(&run->session);
    if (!code) {
        code = make_wasi(run);
    }
    if (!code) {
        code = link_imports(run);
    }
    double start_ms = clock_ms();
    if (!code) {
        code = instantiate(run);
    }
    if (run->instance) {
        start_ms = clock_ms();
        code = call_entry(run);
    }
    if (run->wasi) {
        wasm_trap_delete(wjit_wasi_end_threads(run->wasi));
    }
    run->session.run_ms = clock_ms() - start_ms;
    watch_stop(&run->watch);
    return code;
}

int command_run(const struct options *options)
{
    struct run run = {.options = options};
    bool has_stats = options->stats != STATS_NONE;
    // Closed pipes and full files are errors for the program to see, or quiet ends.
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    watch_init(&run.watch, options->file, options->timeout_ns, has_stats);
    int code = 0;
    if (!watch_start(&run.watch)) {
        code = report(EXIT_MEMORY, NULL, "no thread for the time limit could be had");
    }
    if (!code) {
        code = session_open(&run.session, options);
    }
    if (code) {
        watch_stop(&run.watch);
    } else {
        watch_attach(&run.watch, run.session.store);
        code = run_all(&run);
        code = finish_stdout(code);
    }
    if (run.session.module && code != EXIT_TIMEOUT && code != EXIT_TERMINATED) {
        wjit_module_keep(run.session.module);
    }
    if (run.session.store && options->explains_gpu) {
        stats_explain_gpu(&run.session);
    }
    if (run.session.store && (options->checks_kernels || options->gpu_verify_rate > 0)) {
        stats_report_checks(&run.session);
    }
    if (run.session.store && has_stats) {
        stats_print(&run.session);
    }
    // The process ends here, and the system unmaps faster than we do. A GPU's driver wants to be
    // told, and the sanitizers look for what was not freed.
    if (WJIT_CLI_CLOSES || options->gpu) {
        wasm_instance_delete(run.instance);
        wasm_extern_vec_delete(&run.imports);
        session_close(&run.session);
        wjit_wasi_delete(run.wasi);
    }
    return code;
}
