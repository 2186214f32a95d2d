// Runs every function that modules export and prints what can be seen of it, as v8_trace.mjs does:
//   fuzz_trace [--eager|--parallel] [--explicit] [--deterministic] [--narrow] [--text [--memory]]
//              FILE.wasm...
// A line for each file: name, status, calls, traps, hash; with --text the hashed lines before it,
// with --memory what is hashed of memories too, but for zeros.
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasm.h>
#include <wjit.h>

enum {
    LINES_MAX = 20000,
    ARGUMENT_SETS = 5,
    CALL_BYTES = 65536, // of each memory that are looked at after every call
    VALUES_MAX = 1024,
    ROW_BYTES = 32, // of a memory in a line
};

struct trace {
    wasm_store_t *store;
    uint32_t hash;
    uint64_t lines;
    uint64_t calls, traps;
    bool is_text, is_memory;
    const char *status;
};

// ---- What is hashed ---------------------------------------------------------------------------

static void hash_bytes(struct trace *t, const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < count; i++) {
        t->hash = (t->hash ^ at[i]) * 16777619u;
    }
}

// Memories are many and large: four bytes at a time, as both sides do.
static void hash_words(struct trace *t, const uint8_t *bytes, uint64_t count)
{
    for (uint64_t i = 0; i + 4 <= count; i += 4) {
        uint32_t word;
        memcpy(&word, bytes + i, sizeof word);
        t->hash = (t->hash ^ word) * 16777619u;
    }
}

static void print_rows(size_t memory, const uint8_t *bytes, uint64_t count)
{
    static const uint8_t zeros[ROW_BYTES];
    for (uint64_t at = 0; at < count; at += ROW_BYTES) {
        uint64_t n = count - at < ROW_BYTES ? count - at : ROW_BYTES;
        if (at == 0 || memcmp(bytes + at, zeros, n) != 0) {
            printf("  M %zu %" PRIx64 " ", memory, at);
            for (uint64_t i = 0; i < n; i++) {
                printf("%02x", bytes[at + i]);
            }
            printf("\n");
        }
    }
}

static void out(struct trace *t, const char *line)
{
    if (t->lines++ < LINES_MAX) {
        hash_bytes(t, line, strlen(line));
        if (t->is_text) {
            printf("  %s\n", line);
        }
    }
}

struct line {
    char text[16384];
    size_t used;
};

static void append(struct line *line, const char *text)
{
    size_t n = strlen(text);
    if (line->used + n < sizeof line->text) {
        memcpy(line->text + line->used, text, n + 1);
        line->used += n;
    }
}

static void append_name(struct line *line, const wasm_name_t *name)
{
    char text[256];
    snprintf(text, sizeof text, "%.*s", (int) name->size, name->data);
    append(line, text);
}

static void append_f64(struct line *line, double value)
{
    char text[32] = "nan";
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (!isnan(value)) {
        snprintf(text, sizeof text, "%016" PRIx64, bits);
    }
    append(line, text);
}

static void append_value(struct line *line, const wjit_val_t *v)
{
    char text[64];
    uint64_t halves[2];
    switch (v->kind) {
    case WASM_I32: snprintf(text, sizeof text, "%" PRId32, v->of.i32); break;
    case WASM_I64: snprintf(text, sizeof text, "%" PRId64, v->of.i64); break;
    case WASM_F32: append_f64(line, (double) v->of.f32); return;
    case WASM_F64: append_f64(line, v->of.f64); return;
    case WJIT_V128:
        memcpy(halves, v->of.v128, sizeof halves);
        snprintf(text, sizeof text, "%" PRId64 ",%" PRId64, (int64_t) halves[0],
                 (int64_t) halves[1]);
        break;
    default: snprintf(text, sizeof text, v->of.ref == NULL ? "null" : "ref"); break;
    }
    append(line, text);
}

static void append_values(struct line *line, const wjit_val_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        append(line, i == 0 ? "" : ",");
        append_value(line, &values[i]);
    }
}

// ---- Imports ----------------------------------------------------------------------------------

struct logger {
    struct trace *trace;
    const wasm_name_t *name;
    size_t param_count;
};

static wasm_trap_t *log_call(void *env, wjit_caller_t *caller, const wjit_val_t *args,
                             wjit_val_t *results)
{
    struct logger *logger = env;
    static struct line line;
    (void) caller;
    (void) results;
    line.used = 0;
    append_name(&line, logger->name);
    append(&line, ":");
    append_values(&line, args, logger->param_count);
    out(logger->trace, line.text);
    return NULL;
}

static wasm_extern_t *make_import(struct trace *t, const wasm_importtype_t *import)
{
    const wasm_externtype_t *type = wasm_importtype_type(import);
    switch (wasm_externtype_kind(type)) {
    case WASM_EXTERN_FUNC: {
        const wasm_functype_t *functype = wasm_externtype_as_functype_const(type);
        struct logger *logger = malloc(sizeof *logger);
        if (logger == NULL) {
            return NULL;
        }
        *logger =
            (struct logger){t, wasm_importtype_name(import), wasm_functype_params(functype)->size};
        return wasm_func_as_extern(wjit_func_new(t->store, functype, log_call, logger, free));
    }
    case WASM_EXTERN_GLOBAL: {
        wasm_val_t zero = WASM_I32_VAL(0);
        return wasm_global_as_extern(
            wasm_global_new(t->store, wasm_externtype_as_globaltype_const(type), &zero));
    }
    case WASM_EXTERN_TABLE:
        return wasm_table_as_extern(
            wasm_table_new(t->store, wasm_externtype_as_tabletype_const(type), NULL));
    case WASM_EXTERN_MEMORY:
        return wasm_memory_as_extern(
            wjit_memory_new(t->store, wasm_externtype_as_memorytype_const(type), NULL));
    default: return NULL;
    }
}

// ---- Calls ------------------------------------------------------------------------------------

// The kinds that messages of the other engine can be told apart by.
static const char *trap_name(const wasm_trap_t *trap)
{
    switch (wjit_trap_code(trap)) {
    case WJIT_TRAP_UNREACHABLE: return "unreachable";
    case WJIT_TRAP_UNALIGNED_ATOMIC: // which of the two is found first is not the same everywhere
    case WJIT_TRAP_MEMORY_OUT_OF_BOUNDS: return "memory";
    case WJIT_TRAP_TABLE_OUT_OF_BOUNDS:
    case WJIT_TRAP_UNDEFINED_ELEMENT: return "table";
    case WJIT_TRAP_UNINITIALIZED_ELEMENT:
    case WJIT_TRAP_INDIRECT_CALL_MISMATCH: return "signature";
    case WJIT_TRAP_INTEGER_OVERFLOW:
    case WJIT_TRAP_INVALID_CONVERSION: return "unrepresentable";
    case WJIT_TRAP_INTEGER_DIVIDE_BY_ZERO: return "zero";
    case WJIT_TRAP_NULL_REFERENCE: return "null";
    case WJIT_TRAP_CALL_STACK_EXHAUSTED: return "stack";
    default: return "other";
    }
}

// Argument `i` of set `set`, for each type from zero over small to edge values.
static wjit_val_t argument(wasm_valkind_t kind, size_t i, size_t set)
{
    static const int64_t i64s[] = {0,         1,          -1,  INT64_MIN, 0x7fffffff80000000, 63,
                                   INT64_MAX, 0x80000000, 128, -32769,    0xffffffff};
    static const int32_t i32s[] = {0,         1,  -1,  INT32_MIN, 31,   65535,
                                   INT32_MAX, 32, 128, -32769,    65532};
    static const double floats[] = {
        0,         1.5,          -0.0,      -1e9, 4294967296.0,         NAN,
        -INFINITY, 2147483648.0, 0x1p-1074, -0.5, 9223372036854775808.0};
    size_t which = set == 0 ? 0 : (i * 3 + set * 2) % 11;
    wjit_val_t v = {.kind = kind};
    switch (kind) {
    case WASM_I32: v.of.i32 = i32s[which]; break;
    case WASM_I64: v.of.i64 = i64s[which]; break;
    case WASM_F32: v.of.f32 = (float) floats[which]; break;
    case WASM_F64: v.of.f64 = floats[which]; break;
    default: break;
    }
    return v;
}

static bool has_v128(const wasm_valtype_vec_t *types)
{
    for (size_t i = 0; i < types->size; i++) {
        if (wasm_valtype_kind(types->data[i]) == WJIT_V128) {
            return true;
        }
    }
    return false;
}

static void call_once(struct trace *t, const wasm_name_t *name, const wasm_func_t *func,
                      const wasm_functype_t *type, size_t set)
{
    static wjit_val_t args[VALUES_MAX], results[VALUES_MAX];
    static struct line line;
    const wasm_valtype_vec_t *params = wasm_functype_params(type);
    size_t result_count = wasm_functype_results(type)->size;
    for (size_t i = 0; i < params->size; i++) {
        args[i] = argument(wasm_valtype_kind(params->data[i]), i, set);
    }
    t->calls++;
    wasm_trap_t *trap = wjit_func_call(func, args, params->size, results, result_count);
    line.used = 0;
    append(&line, trap != NULL ? "T " : "R ");
    append_name(&line, name);
    append(&line, " ");
    if (trap == NULL) {
        append_values(&line, results, result_count);
        for (size_t i = 0; i < result_count; i++) {
            if (results[i].kind >= WASM_EXTERNREF && results[i].of.ref != NULL) {
                wasm_ref_delete(results[i].of.ref);
            }
        }
    } else {
        t->traps++;
        append(&line, trap_name(trap));
        if (wjit_trap_code(trap) == WJIT_TRAP_CALL_STACK_EXHAUSTED) {
            t->status = "stack";
        }
        wasm_trap_delete(trap);
    }
    out(t, line.text);
}

static const wasm_func_t *hang_limit(const wasm_exporttype_vec_t *types,
                                     const wasm_extern_vec_t *externs)
{
    static const char name[] = "hangLimitInitializer";
    for (size_t i = 0; i < types->size; i++) {
        const wasm_name_t *each = wasm_exporttype_name(types->data[i]);
        if (each->size == sizeof name - 1 && memcmp(each->data, name, each->size) == 0) {
            return wasm_extern_as_func(externs->data[i]);
        }
    }
    return NULL;
}

// What the exported memories hold, or as much of it as can be looked at after every call.
static void hash_memories(struct trace *t, const wasm_extern_vec_t *externs, uint64_t bytes_max)
{
    for (size_t i = 0; i < externs->size; i++) {
        const wasm_memory_t *memory = wasm_extern_as_memory(externs->data[i]);
        if (memory != NULL) {
            uint64_t size;
            const uint8_t *bytes = wjit_memory_view(memory, &size);
            uint64_t count = size < bytes_max ? size : bytes_max;
            hash_words(t, bytes, count);
            if (t->is_memory) {
                print_rows(i, bytes, count);
            }
        }
    }
}

static void call_exports(struct trace *t, const wasm_exporttype_vec_t *types,
                         const wasm_extern_vec_t *externs)
{
    const wasm_func_t *limit = hang_limit(types, externs);
    for (size_t i = 0; i < types->size; i++) {
        const wasm_externtype_t *type = wasm_exporttype_type(types->data[i]);
        if (wasm_externtype_kind(type) != WASM_EXTERN_FUNC) {
            continue;
        }
        const wasm_functype_t *functype = wasm_externtype_as_functype_const(type);
        if (has_v128(wasm_functype_params(functype)) || has_v128(wasm_functype_results(functype))) {
            continue; // JavaScript cannot call it
        }
        size_t sets = wasm_functype_params(functype)->size == 0 ? 1 : ARGUMENT_SETS;
        for (size_t set = 0; set < sets; set++) {
            if (limit != NULL) {
                wasm_trap_delete(wjit_func_call(limit, NULL, 0, NULL, 0));
            }
            call_once(t, wasm_exporttype_name(types->data[i]),
                      wasm_extern_as_func(externs->data[i]), functype, set);
            if (strcmp(t->status, "stack") == 0) {
                return; // how far it came depends on the engine
            }
            hash_memories(t, externs, CALL_BYTES);
        }
    }
}

static void look_at_state(struct trace *t, const wasm_exporttype_vec_t *types,
                          const wasm_extern_vec_t *externs)
{
    static struct line line;
    hash_memories(t, externs, UINT64_MAX);
    for (size_t i = 0; i < types->size; i++) {
        const wasm_global_t *global = wasm_extern_as_global(externs->data[i]);
        if (global != NULL) {
            wjit_val_t value;
            wjit_global_get(global, &value);
            if (value.kind == WJIT_V128) {
                continue;
            }
            line.used = 0;
            append(&line, "G ");
            append_name(&line, wasm_exporttype_name(types->data[i]));
            append(&line, " ");
            if (value.kind == WASM_I32) {
                append_f64(&line, value.of.i32); // to JavaScript all numbers are
            } else {
                append_value(&line, &value);
            }
            out(t, line.text);
        }
    }
}

// ---- Modules ----------------------------------------------------------------------------------

static void trace_instance(struct trace *t, const wasm_module_t *module)
{
    wasm_importtype_vec_t imports;
    wasm_module_imports(module, &imports);
    wasm_extern_vec_t externs;
    wasm_extern_vec_new_uninitialized(&externs, imports.size);
    for (size_t i = 0; i < imports.size; i++) {
        externs.data[i] = make_import(t, imports.data[i]);
    }
    wjit_error_t error;
    wasm_trap_t *trap = NULL;
    wasm_instance_t *instance = wjit_instance_new(t->store, module, &externs, &trap, &error);
    if (instance == NULL) {
        t->status = trap != NULL ? trap_name(trap) : "link";
        if (trap == NULL) {
            fprintf(stderr, "%s\n", error.message);
        }
        wasm_trap_delete(trap);
    } else {
        wasm_exporttype_vec_t types;
        wasm_extern_vec_t exports;
        wasm_module_exports(module, &types);
        wasm_instance_exports(instance, &exports);
        call_exports(t, &types, &exports);
        if (strcmp(t->status, "stack") != 0) {
            look_at_state(t, &types, &exports);
        }
        wasm_exporttype_vec_delete(&types);
        wasm_extern_vec_delete(&exports);
        wasm_instance_delete(instance);
    }
    wasm_extern_vec_delete(&externs);
    wasm_importtype_vec_delete(&imports);
}

static bool read_file(const char *path, wasm_byte_vec_t *bytes)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    wasm_byte_vec_new_uninitialized(bytes, size > 0 ? (size_t) size : 0);
    bool ok = size >= 0 && fread(bytes->data, 1, bytes->size, file) == bytes->size;
    fclose(file);
    return ok;
}

static void trace_file(wasm_engine_t *engine, const char *path, bool is_text, bool is_memory)
{
    const char *slash = strrchr(path, '/');
    struct trace t = {
        .hash = 2166136261u, .is_text = is_text, .is_memory = is_memory, .status = "ok"};
    wasm_byte_vec_t bytes;
    t.store = wasm_store_new(engine);
    if (t.store == NULL || !read_file(path, &bytes)) {
        t.status = "unreadable";
    } else {
        wjit_error_t error;
        wasm_module_t *module = wjit_module_new(t.store, &bytes, &error);
        if (module == NULL) {
            t.status = "invalid";
            fprintf(stderr, "%s\n", error.message);
        } else {
            trace_instance(&t, module);
            wasm_module_delete(module);
        }
        wasm_byte_vec_delete(&bytes);
    }
    wasm_store_delete(t.store);
    printf("%s %s %" PRIu64 " %" PRIu64 " %08" PRIx32 "\n", slash != NULL ? slash + 1 : path,
           t.status, t.calls, t.traps, t.hash);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    bool is_text = false, is_memory = false;
    wasm_config_t *config = wasm_config_new();
    int first = 1;
    for (; first < argc && strncmp(argv[first], "--", 2) == 0; first++) {
        if (strcmp(argv[first], "--eager") == 0) {
            wjit_config_set_compile_mode(config, WJIT_COMPILE_EAGER);
        } else if (strcmp(argv[first], "--parallel") == 0) {
            wjit_config_set_compile_mode(config, WJIT_COMPILE_PARALLEL);
            wjit_config_set_threads(config, 4);
        } else if (strcmp(argv[first], "--explicit") == 0) {
            wjit_config_set_explicit_bounds(config, true);
        } else if (strcmp(argv[first], "--deterministic") == 0) {
            wjit_config_set_deterministic(config, true);
        } else if (strcmp(argv[first], "--narrow") == 0) {
            // Registers that wide arithmetic would need could be others' without it.
            wjit_config_set_features(config, WJIT_FEATURES_DEFAULT & ~WJIT_FEATURE_WIDE_ARITHMETIC);
        } else if (strcmp(argv[first], "--text") == 0) {
            is_text = true;
        } else if (strcmp(argv[first], "--memory") == 0) {
            is_memory = true;
        } else {
            fprintf(stderr, "fuzz_trace: unknown option %s\n", argv[first]);
            wasm_config_delete(config);
            return 2;
        }
    }
    wasm_engine_t *engine = wasm_engine_new_with_config(config);
    if (engine == NULL) {
        return 1;
    }
    for (int i = first; i < argc; i++) {
        trace_file(engine, argv[i], is_text, is_memory);
    }
    wasm_engine_delete(engine);
    return 0;
}
