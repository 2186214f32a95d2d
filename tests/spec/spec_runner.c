// Runs the commands of one file of the official suite: spec_runner GROUP FOLDER [OPTION]. The
// script on stdin comes from tests/spec/run, a command a line; the answer is a line each, "+" or
// "-" and the reason. The words: LINE TYPE, then for commands with an action KIND MODULE FIELD
// COUNT VALUE…, for assert_return COUNT VALUE…, else TEXT; for modules NAME FILE TEXT; register
// NAME AS; module_instance NAME MODULE; assert_* of an instance of a definition: - - TEXT MODULE.
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasm.h>
#include <wjit.h>

#include "tests/spec/link.h"
#include "tests/spec/script.h"
#include "tests/spec/values.h"

#define NO_INSTANCE SIZE_MAX

struct definition {
    wasm_name_t name;
    wasm_module_t *module;
};

struct instance {
    wasm_name_t name;
    wasm_instance_t *instance;
    struct exports exports;
};

struct registered {
    wasm_name_t name;
    size_t instance;
};

struct runner {
    wasm_engine_t *engine;
    wasm_store_t *store;
    // What compiles the modules that the others load; NULL: each compiles its own. Its types have
    // other numbers.
    wasm_engine_t *maker_engine;
    wasm_store_t *maker;
    const char *group;
    const char *folder;
    bool has_explicit_bounds;
    struct exports spectest;
    struct definition *definitions;
    size_t definition_count;
    struct instance *instances;
    size_t instance_count;
    struct registered *registered;
    size_t registered_count;
    size_t current; // the instance that commands without a name mean, or NO_INSTANCE
    char reason[400];
};

// What became of a module or an instance.
enum outcome {
    OUTCOME_OK,
    OUTCOME_MALFORMED,
    OUTCOME_INVALID,
    OUTCOME_UNSUPPORTED,
    OUTCOME_UNLINKABLE,
    OUTCOME_TRAP,
    OUTCOME_FAILED, // for a reason that no test expects
};

__attribute__((format(printf, 2, 3))) static bool fail(struct runner *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->reason, sizeof r->reason, format, args);
    va_end(args);
    for (char *c = r->reason; *c; c++) {
        *c = *c == '\n' || *c == '\r' ? ' ' : *c;
    }
    return false;
}

static bool read_file(const char *folder, const char *file, wasm_byte_vec_t *out)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *f = fopen(path, "rb");
    if (!f) {
        return false;
    }
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    wasm_byte_vec_new_uninitialized(out, size < 0 ? 0 : (size_t) size);
    bool is_whole = fread(out->data, 1, out->size, f) == out->size;
    fclose(f);
    if (!is_whole) {
        wasm_byte_vec_delete(out);
    }
    return is_whole;
}

static const char *trap_text(const wasm_trap_t *trap, wasm_message_t *message)
{
    wasm_trap_message(trap, message);
    return message->size ? message->data : "";
}

// The outcome that an error of the library means; its message is the reason.
static enum outcome outcome_of_error(struct runner *r, const wjit_error_t *error)
{
    if (error->offset == WJIT_NO_OFFSET) {
        fail(r, "%s", error->message);
    } else {
        fail(r, "%s (byte offset %zu)", error->message, error->offset);
    }
    switch (error->kind) {
    case WJIT_ERROR_MALFORMED: return OUTCOME_MALFORMED;
    case WJIT_ERROR_INVALID: return OUTCOME_INVALID;
    case WJIT_ERROR_UNSUPPORTED: return OUTCOME_UNSUPPORTED;
    case WJIT_ERROR_LINK: return OUTCOME_UNLINKABLE;
    case WJIT_ERROR_NONE:
    case WJIT_ERROR_LIMIT:
    case WJIT_ERROR_NOMEM:
    case WJIT_ERROR_IO:
    case WJIT_ERROR_DEVICE:
    case WJIT_ERROR_USAGE: break;
    }
    return OUTCOME_FAILED;
}

// The module by way of its compiled form. What cannot be compiled whole (a function in it needs a
// feature that is only validated) has none, and comes as it is.
static wasm_module_t *new_compiled(struct runner *r, const wasm_byte_vec_t *binary,
                                   wjit_error_t *error)
{
    wasm_module_t *made = wjit_module_new(r->maker, binary, error);
    if (!made) {
        return NULL;
    }
    wasm_byte_vec_t bytes;
    bool has_form = wjit_module_serialize(made, NULL, &bytes, error);
    wasm_module_delete(made);
    if (!has_form && error->kind == WJIT_ERROR_UNSUPPORTED) {
        return wjit_module_new(r->store, binary, error);
    }
    wasm_module_t *loaded = has_form ? wjit_module_deserialize(r->store, &bytes, error) : NULL;
    wasm_byte_vec_delete(&bytes);
    return loaded;
}

// Compiles a file. Where that fails, the reason is the library's message.
static enum outcome compile(struct runner *r, const char *file, wasm_module_t **out)
{
    wasm_byte_vec_t binary;
    if (!read_file(r->folder, file, &binary)) {
        fail(r, "%s: cannot be read", file);
        return OUTCOME_FAILED;
    }
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    *out = r->maker ? new_compiled(r, &binary, &error) : wjit_module_new(r->store, &binary, &error);
    wasm_byte_vec_delete(&binary);
    return *out ? OUTCOME_OK : outcome_of_error(r, &error);
}

// The external that an import means: the last instance registered under the name wins.
static const wasm_extern_t *find_import(const struct runner *r, const wasm_importtype_t *import)
{
    const wasm_name_t *module = wasm_importtype_module(import);
    const wasm_name_t *name = wasm_importtype_name(import);
    for (size_t i = r->registered_count; i-- > 0;) {
        if (name_equals(&r->registered[i].name, module)) {
            return exports_find(&r->instances[r->registered[i].instance].exports, name);
        }
    }
    return name_is(module, "spectest") ? exports_find(&r->spectest, name) : NULL;
}

static bool find_imports(struct runner *r, const wasm_importtype_vec_t *types,
                         wasm_extern_vec_t *imports)
{
    for (size_t i = 0; i < types->size; i++) {
        imports->data[i] = (wasm_extern_t *) find_import(r, types->data[i]);
        if (!imports->data[i]) {
            const wasm_name_t *module = wasm_importtype_module(types->data[i]);
            const wasm_name_t *name = wasm_importtype_name(types->data[i]);
            return fail(r, "unknown import %.*s.%.*s", (int) module->size, module->data,
                        (int) name->size, name->data);
        }
    }
    return true;
}

static enum outcome instantiate(struct runner *r, const wasm_module_t *module,
                                wasm_instance_t **out)
{
    wasm_importtype_vec_t types;
    wasm_module_imports(module, &types);
    // Borrowed externals: the vector is not deleted with its elements.
    wasm_extern_vec_t imports = {types.size, calloc(types.size + 1, sizeof *imports.data)};
    enum outcome outcome = OUTCOME_UNLINKABLE;
    if (find_imports(r, &types, &imports)) {
        wasm_trap_t *trap = NULL;
        wjit_error_t error = {.offset = WJIT_NO_OFFSET};
        *out = wjit_instance_new(r->store, module, &imports, &trap, &error);
        if (*out) {
            outcome = OUTCOME_OK;
        } else if (trap) {
            wasm_message_t message;
            fail(r, "%s", trap_text(trap, &message));
            wasm_byte_vec_delete(&message);
            wasm_trap_delete(trap);
            outcome = OUTCOME_TRAP;
        } else {
            outcome = outcome_of_error(r, &error);
        }
    }
    free(imports.data);
    wasm_importtype_vec_delete(&types);
    return outcome;
}

// Takes over the instance; it becomes the current one.
static void keep_instance(struct runner *r, const wasm_name_t *name, const wasm_module_t *module,
                          wasm_instance_t *instance)
{
    r->instances = realloc(r->instances, (r->instance_count + 1) * sizeof *r->instances);
    struct instance *kept = &r->instances[r->instance_count];
    *kept = (struct instance){.instance = instance};
    wasm_name_copy(&kept->name, name);
    exports_of_instance(&kept->exports, module, instance);
    r->current = r->instance_count++;
}

static void keep_definition(struct runner *r, const wasm_name_t *name, wasm_module_t *module)
{
    size_t n = r->definition_count + 1;
    r->definitions = realloc(r->definitions, n * sizeof *r->definitions);
    r->definitions[r->definition_count].module = module;
    wasm_name_copy(&r->definitions[r->definition_count].name, name);
    r->definition_count = n;
}

// The last instance of that name, or the current one; NO_INSTANCE sets the reason.
static size_t find_instance(struct runner *r, const wasm_name_t *name, bool has_name)
{
    if (!has_name) {
        if (r->current == NO_INSTANCE) {
            fail(r, "no module: the one before it failed");
        }
        return r->current;
    }
    for (size_t i = r->instance_count; i-- > 0;) {
        if (name_equals(&r->instances[i].name, name)) {
            return i;
        }
    }
    fail(r, "no module %.*s", (int) name->size, name->data);
    return NO_INSTANCE;
}

// The last definition of that name, or the last one.
static wasm_module_t *find_definition(struct runner *r, const wasm_name_t *name, bool has_name)
{
    for (size_t i = r->definition_count; i-- > 0;) {
        if (!has_name || name_equals(&r->definitions[i].name, name)) {
            return r->definitions[i].module;
        }
    }
    fail(r, "no definition %.*s", (int) name->size, name->data);
    return NULL;
}

struct values {
    wjit_val_t *data;
    size_t count;
};

static struct values values_new(size_t count)
{
    struct values values = {calloc(count + 1, sizeof *values.data), count};
    for (size_t i = 0; i < count; i++) {
        values.data[i].kind = WASM_I32;
    }
    return values;
}

static void values_clear(struct values *values)
{
    for (size_t i = 0; i < values->count; i++) {
        value_clear(&values->data[i]);
    }
    free(values->data);
}

struct action_result {
    struct values values;
    wasm_trap_t *trap;
};

static void action_result_clear(struct action_result *result)
{
    values_clear(&result->values);
    if (result->trap) {
        wasm_trap_delete(result->trap);
    }
}

static bool take_args(struct runner *r, struct words *words, struct values *args)
{
    *args = values_new(words_next_count(words));
    bool is_made = true;
    for (size_t i = 0; i < args->count; i++) {
        if (!value_make(words, r->store, &args->data[i])) {
            is_made = fail(r, "argument %zu cannot be made through the API", i);
        }
    }
    return is_made;
}

static bool invoke(struct runner *r, const wasm_extern_t *external, const struct values *args,
                   struct action_result *result)
{
    const wasm_func_t *func = wasm_extern_as_func_const(external);
    if (!func) {
        return fail(r, "the export is no function");
    }
    result->values = values_new(wasm_func_result_arity(func));
    result->trap =
        wjit_func_call(func, args->data, args->count, result->values.data, result->values.count);
    return true;
}

static bool get(struct runner *r, const wasm_extern_t *external, struct action_result *result)
{
    const wasm_global_t *global = wasm_extern_as_global_const(external);
    if (!global) {
        return fail(r, "the export is no global");
    }
    result->values = values_new(1);
    wjit_global_get(global, &result->values.data[0]);
    return true;
}

// Does the action whose words come next. False: it cannot be done at all. A trap is a result.
static bool act(struct runner *r, struct words *words, struct action_result *result)
{
    *result = (struct action_result){0};
    bool is_invoke = strcmp(words_next(words), "invoke") == 0;
    wasm_name_t module, field;
    struct values args;
    bool has_module = words_next_name(words, &module);
    words_next_name(words, &field);
    bool is_done = take_args(r, words, &args);
    size_t at = is_done ? find_instance(r, &module, has_module) : NO_INSTANCE;
    if (at == NO_INSTANCE) {
        is_done = false;
    } else {
        const wasm_extern_t *external = exports_find(&r->instances[at].exports, &field);
        if (!external) {
            is_done = fail(r, "no export %.*s", (int) field.size, field.data);
        } else if (is_invoke) {
            is_done = invoke(r, external, &args, result);
        } else {
            is_done = get(r, external, result);
        }
    }
    values_clear(&args);
    wasm_name_delete(&module);
    wasm_name_delete(&field);
    return is_done;
}

static bool fail_by_trap(struct runner *r, const wasm_trap_t *trap)
{
    wasm_message_t message;
    fail(r, "trap: %s", trap_text(trap, &message));
    wasm_byte_vec_delete(&message);
    return false;
}

static bool run_action(struct runner *r, struct words *words)
{
    struct action_result result;
    bool is_right = act(r, words, &result);
    if (is_right && result.trap) {
        is_right = fail_by_trap(r, result.trap);
    }
    action_result_clear(&result);
    return is_right;
}

static bool run_assert_return(struct runner *r, struct words *words)
{
    struct action_result result;
    bool is_right = act(r, words, &result);
    if (is_right && result.trap) {
        is_right = fail_by_trap(r, result.trap);
    }
    if (is_right) {
        size_t count = words_next_count(words);
        if (count != result.values.count) {
            is_right = fail(r, "%zu results, expected %zu", result.values.count, count);
        }
        for (size_t i = 0; is_right && i < count; i++) {
            char expected[300], actual[300];
            snprintf(expected, sizeof expected, "%s", words->at ? words->at : "");
            if (!value_matches(words, &result.values.data[i])) {
                value_print(&result.values.data[i], actual, sizeof actual);
                is_right = fail(r, "result %zu is %s, expected %s", i, actual, expected);
            }
        }
    }
    action_result_clear(&result);
    return is_right;
}

// The suite's text is the beginning of the reference interpreter's message; ours holds it
// somewhere.
static bool has_text(const char *message, struct words *words)
{
    wasm_name_t text;
    words_next_name(words, &text);
    char expected[200];
    snprintf(expected, sizeof expected, "%.*s", (int) text.size, text.data);
    wasm_name_delete(&text);
    // The index of the element is a detail of the reference interpreter's.
    if (strncmp(expected, "uninitialized element ", 22) == 0) {
        expected[21] = '\0';
    }
    return strstr(message, expected) != NULL;
}

static bool run_assert_trap(struct runner *r, struct words *words)
{
    struct action_result result;
    bool is_right = act(r, words, &result);
    if (is_right && !result.trap) {
        is_right = fail(r, "no trap");
    } else if (is_right) {
        wasm_message_t message;
        const char *text = trap_text(result.trap, &message);
        if (!has_text(text, words)) {
            is_right = fail(r, "another trap: %s", text);
        }
        wasm_byte_vec_delete(&message);
    }
    action_result_clear(&result);
    return is_right;
}

// An exception that nothing in the module caught comes to the host as a trap of its own.
static bool is_exception(const wasm_trap_t *trap)
{
    wasm_message_t message;
    bool is_uncaught = strstr(trap_text(trap, &message), "uncaught exception");
    wasm_byte_vec_delete(&message);
    return is_uncaught;
}

static bool run_assert_exception(struct runner *r, struct words *words)
{
    struct action_result result;
    bool is_right = act(r, words, &result);
    if (is_right && !result.trap) {
        is_right = fail(r, "no exception");
    } else if (is_right && !is_exception(result.trap)) {
        is_right = fail_by_trap(r, result.trap);
    }
    action_result_clear(&result);
    return is_right;
}

static bool run_module(struct runner *r, struct words *words)
{
    wasm_name_t name;
    wasm_module_t *module = NULL;
    wasm_instance_t *instance = NULL;
    words_next_name(words, &name);
    // A module that fails must not leave the one before it in its place.
    r->current = NO_INSTANCE;
    enum outcome outcome = compile(r, words_next(words), &module);
    if (outcome == OUTCOME_OK) {
        outcome = instantiate(r, module, &instance);
    }
    if (outcome == OUTCOME_OK) {
        keep_instance(r, &name, module, instance);
    }
    if (module) {
        wasm_module_delete(module);
    }
    wasm_name_delete(&name);
    return outcome == OUTCOME_OK;
}

static bool run_module_definition(struct runner *r, struct words *words)
{
    wasm_name_t name;
    wasm_module_t *module = NULL;
    words_next_name(words, &name);
    bool is_right = compile(r, words_next(words), &module) == OUTCOME_OK;
    if (is_right) {
        keep_definition(r, &name, module);
    }
    wasm_name_delete(&name);
    return is_right;
}

static bool run_module_instance(struct runner *r, struct words *words)
{
    wasm_name_t name, of;
    wasm_instance_t *instance = NULL;
    words_next_name(words, &name);
    bool has_definition = words_next_name(words, &of);
    wasm_module_t *module = find_definition(r, &of, has_definition);
    r->current = NO_INSTANCE;
    bool is_right = module && instantiate(r, module, &instance) == OUTCOME_OK;
    if (is_right) {
        keep_instance(r, &name, module, instance);
    }
    wasm_name_delete(&name);
    wasm_name_delete(&of);
    return is_right;
}

static bool run_register(struct runner *r, struct words *words)
{
    wasm_name_t name, as;
    bool has_name = words_next_name(words, &name);
    words_next_name(words, &as);
    size_t at = find_instance(r, &name, has_name);
    if (at != NO_INSTANCE) {
        size_t n = r->registered_count + 1;
        r->registered = realloc(r->registered, n * sizeof *r->registered);
        r->registered[r->registered_count].instance = at;
        wasm_name_copy(&r->registered[r->registered_count].name, &as);
        r->registered_count = n;
    }
    wasm_name_delete(&name);
    wasm_name_delete(&as);
    return at != NO_INSTANCE;
}

static const char *outcome_name(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_OK: return "taken";
    case OUTCOME_MALFORMED: return "malformed";
    case OUTCOME_INVALID: return "invalid";
    case OUTCOME_UNSUPPORTED: return "unsupported";
    case OUTCOME_UNLINKABLE: return "unlinkable";
    case OUTCOME_TRAP: return "trap";
    case OUTCOME_FAILED: break;
    }
    return "failed";
}

static bool compare_outcome(struct runner *r, enum outcome outcome, enum outcome expected)
{
    if (outcome == expected) {
        return true;
    }
    char message[sizeof r->reason];
    snprintf(message, sizeof message, "%s", outcome == OUTCOME_OK ? "" : r->reason);
    return fail(r, "%s, expected %s%s%.300s", outcome_name(outcome), outcome_name(expected),
                message[0] ? ": " : "", message);
}

static bool run_assert_not_compiled(struct runner *r, struct words *words, enum outcome expected)
{
    wasm_module_t *module = NULL;
    words_next(words);
    enum outcome outcome = compile(r, words_next(words), &module);
    if (module) {
        wasm_module_delete(module);
    }
    return compare_outcome(r, outcome, expected);
}

static bool run_assert_invalid(struct runner *r, struct words *words)
{
    return run_assert_not_compiled(r, words, OUTCOME_INVALID);
}

static bool run_assert_malformed(struct runner *r, struct words *words)
{
    return run_assert_not_compiled(r, words, OUTCOME_MALFORMED);
}

static bool run_assert_not_started(struct runner *r, struct words *words, enum outcome expected)
{
    wasm_name_t of;
    wasm_module_t *module = NULL;
    wasm_instance_t *instance = NULL;
    words_next(words);
    const char *file = words_next(words);
    struct words text = {words_next(words)};
    bool has_definition = words_next_name(words, &of);
    bool is_owned = strcmp(file, "-") != 0;
    enum outcome outcome = OUTCOME_OK;
    if (is_owned) {
        outcome = compile(r, file, &module);
    } else {
        module = find_definition(r, &of, has_definition);
        outcome = module ? OUTCOME_OK : OUTCOME_FAILED;
    }
    if (outcome == OUTCOME_OK) {
        outcome = instantiate(r, module, &instance);
    }
    bool is_right = compare_outcome(r, outcome, expected);
    if (is_right && outcome == OUTCOME_TRAP && !has_text(r->reason, &text)) {
        char message[sizeof r->reason];
        snprintf(message, sizeof message, "%s", r->reason);
        is_right = fail(r, "another trap: %.300s", message);
    }
    if (instance) {
        wasm_instance_delete(instance);
    }
    if (module && is_owned) {
        wasm_module_delete(module);
    }
    wasm_name_delete(&of);
    return is_right;
}

static bool run_assert_unlinkable(struct runner *r, struct words *words)
{
    return run_assert_not_started(r, words, OUTCOME_UNLINKABLE);
}

static bool run_assert_uninstantiable(struct runner *r, struct words *words)
{
    return run_assert_not_started(r, words, OUTCOME_TRAP);
}

static const struct {
    const char *type;
    bool (*run)(struct runner *r, struct words *words);
} commands[] = {
    {"action", run_action},
    {"assert_return", run_assert_return},
    {"assert_trap", run_assert_trap},
    {"assert_exhaustion", run_assert_trap},
    {"assert_exception", run_assert_exception},
    {"assert_invalid", run_assert_invalid},
    {"assert_invalid_custom", run_assert_invalid},
    {"assert_malformed", run_assert_malformed},
    {"assert_malformed_custom", run_assert_malformed},
    {"assert_unlinkable", run_assert_unlinkable},
    {"assert_uninstantiable", run_assert_uninstantiable},
    {"module", run_module},
    {"module_definition", run_module_definition},
    {"module_instance", run_module_instance},
    {"register", run_register},
};

static bool run_command(struct runner *r, char *line)
{
    struct words words = {line};
    words_next(&words); // the line's number is for people who read the script
    const char *type = words_next(&words);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].type, type) == 0) {
            return commands[i].run(r, &words);
        }
    }
    return fail(r, "this runner knows no command %s", type);
}

// The features that a group is about, as switches of what the specification has. A proposal's tests
// are those of its own specification: that of threads is older than reference types and
// multi-memory, and tests that a second table or memory is refused.
static uint32_t features_of(const char *group)
{
    static const struct {
        const char *group, *switches;
    } rows[] = {
        {"threads", "+threads,-reference-types,-multi-memory"},
        {"custom", "+branch-hints"},
        {"custom-page-sizes", "+custom-page-sizes"},
        {"wide-arithmetic", "+wide-arithmetic"},
    };
    uint32_t features = WJIT_FEATURES_ALL;
    wjit_features_switch(&features, "-threads,-custom-page-sizes,-wide-arithmetic,-branch-hints",
                         NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].group, group) == 0) {
            wjit_features_switch(&features, rows[i].switches, NULL);
        }
    }
    return features;
}

static bool open_engine(const struct runner *r, wasm_engine_t **engine, wasm_store_t **store)
{
    wasm_config_t *config = wasm_config_new();
    wjit_config_set_features(config, features_of(r->group));
    wjit_config_set_explicit_bounds(config, r->has_explicit_bounds);
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    *engine = wjit_engine_new(config, &error);
    *store = *engine ? wasm_store_new(*engine) : NULL;
    if (!*store) {
        fprintf(stderr, "spec_runner: no engine: %s\n", error.message);
    }
    return *store;
}

static bool open_all(struct runner *r, bool is_compiled)
{
    if (!open_engine(r, &r->engine, &r->store) ||
        (is_compiled && !open_engine(r, &r->maker_engine, &r->maker))) {
        return false;
    }
    exports_of_spectest(&r->spectest, r->store, features_of(r->group) & WJIT_FEATURE_THREADS);
    return true;
}

static void clear(struct runner *r)
{
    for (size_t i = 0; i < r->registered_count; i++) {
        wasm_name_delete(&r->registered[i].name);
    }
    for (size_t i = 0; i < r->instance_count; i++) {
        exports_clear(&r->instances[i].exports);
        wasm_name_delete(&r->instances[i].name);
        wasm_instance_delete(r->instances[i].instance);
    }
    for (size_t i = 0; i < r->definition_count; i++) {
        wasm_name_delete(&r->definitions[i].name);
        wasm_module_delete(r->definitions[i].module);
    }
    free(r->registered);
    free(r->instances);
    free(r->definitions);
    exports_clear(&r->spectest);
    wasm_store_delete(r->store);
    wasm_engine_delete(r->engine);
    if (r->maker) {
        wasm_store_delete(r->maker);
        wasm_engine_delete(r->maker_engine);
    }
}

int main(int argc, char **argv)
{
    const char *option = argc == 4 ? argv[3] : "";
    bool is_compiled = !strcmp(option, "--compiled");
    bool has_explicit_bounds = !strcmp(option, "--explicit-bounds");
    if (argc != 3 && !is_compiled && !has_explicit_bounds) {
        fputs("usage: spec_runner GROUP FOLDER [--compiled|--explicit-bounds] < SCRIPT\n", stderr);
        return 2;
    }
    struct runner r = {
        .group = argv[1],
        .folder = argv[2],
        .has_explicit_bounds = has_explicit_bounds,
        .current = NO_INSTANCE,
    };
    if (!open_all(&r, is_compiled)) {
        return 2;
    }
    char *line = NULL;
    size_t room = 0;
    for (ssize_t size; (size = getline(&line, &room, stdin)) > 0;) {
        line[strcspn(line, "\n")] = '\0';
        r.reason[0] = '\0';
        if (run_command(&r, line)) {
            puts("+");
        } else {
            printf("- %s\n", r.reason[0] ? r.reason : "no reason given");
        }
        fflush(stdout); // what was answered must be seen, should the next command crash
    }
    free(line);
    clear(&r);
    return 0;
}
