// Runs every numeric operation, on its operands in every form, and compares with the oracle:
//   numeric_check [--eager] [--explicit] [--narrow] [--deterministic] [--edges|--whole] [NAME...]
// A line for each operation (all, or those named): name, hash of what was expected as oracle.c
// prints it, number of results compared. --edges leaves out what is tried beside the edges, --whole
// tries all pairs of halves.
#include <inttypes.h>
#include <wasm.h>
#include <wjit.h>

#include "forms.h"

struct check {
    wasm_engine_t *engine;
    wasm_store_t *store;
    wasm_memory_t *memory_object;
    bool is_deterministic;
    uint64_t hash, compared; // of the opcode so far
    unsigned failures;
    // The chunk of tuples that are being tried.
    const struct num_case *c;
    uint64_t first;
    uint32_t count;
    bool may_trap, writes;
    size_t result_bytes;
    int nan_shape;
    struct slot *operands[OPERANDS_MAX];
    struct outcome *expected;
    uint8_t *memory;
    wasm_extern_vec_t exports;
    size_t next_func;
};

// ---- Results ----------------------------------------------------------------------------------

// The shape of the result's lanes where NaNs in them come from arithmetic; -1: bits are as given.
static int nan_shape(const struct num_case *c)
{
    const struct wj_opcode_info *info = case_info(c);
    int scalar = info->type == NUM_F32 ? SHAPE_F32X4 : SHAPE_F64X2;
    bool is_float = info->type == SHAPE_F32X4 || info->type == SHAPE_F64X2;
    switch ((int) info->family) {
    case FAM_FUNARY: return info->sub >= FUN_CEIL ? scalar : -1;
    case FAM_FBINARY: return info->sub != FBIN_COPYSIGN ? scalar : -1;
    case FAM_CONVERT:
        return info->sub == CVT_F32_DEMOTE_F64 || info->sub == CVT_F64_PROMOTE_F32 ? scalar : -1;
    case FAM_VUNARY:
        return is_float && info->sub != VUN_ABS && info->sub != VUN_NEG ? info->type : -1;
    case FAM_VBINARY: {
        bool compares = info->sub >= VBIN_EQ && info->sub <= VBIN_GE_U;
        return is_float && !compares && info->sub != VBIN_PMIN && info->sub != VBIN_PMAX
                   ? info->type
                   : -1;
    }
    case FAM_VTERNARY: return is_float ? info->type : -1;
    }
    return -1;
}

static enum wj_shape lane_shape(const struct num_case *c, unsigned k)
{
    unsigned sig = operand_sig(c, k);
    return sig == WJ_SIG_F32   ? SHAPE_F32X4
           : sig == WJ_SIG_F64 ? SHAPE_F64X2
                               : (enum wj_shape) c->operands[operand_source(c, k)].shape;
}

// A NaN may be any arithmetic one, but a canonical one when no operand was another.
static bool nans_match(const struct check *t, uint32_t n, int shape, const struct slot *got)
{
    const struct slot *expected = &t->expected[n].result;
    unsigned sig = wj_sig_at(case_info(t->c)->results, 0);
    unsigned lanes = sig == WJ_SIG_V128 ? 16 / oracle_lane_bytes((enum wj_shape) shape) : 1;
    for (unsigned i = 0; i < lanes; i++) {
        bool is_strict = true;
        for (unsigned k = 0; k < case_arity(t->c); k++) {
            enum wj_shape from_shape = lane_shape(t->c, k);
            const struct slot *operand = &t->operands[k][n];
            if (i < 16 / oracle_lane_bytes(from_shape)) {
                is_strict &= oracle_is_strict(oracle_float_num(from_shape),
                                              oracle_lane(from_shape, operand->bytes, i));
            }
        }
        if (!oracle_float_matches(oracle_float_num((enum wj_shape) shape),
                                  oracle_lane((enum wj_shape) shape, expected->bytes, i),
                                  oracle_lane((enum wj_shape) shape, got->bytes, i), is_strict)) {
            return false;
        }
    }
    return true;
}

static size_t result_bytes(const struct num_case *c)
{
    uint32_t results = case_info(c)->results;
    if (wj_sig_count(results) != 1) {
        return wj_sig_count(results) * 8;
    }
    switch (wj_sig_at(results, 0)) {
    case WJ_SIG_I32:
    case WJ_SIG_F32: return 4;
    case WJ_SIG_I64:
    case WJ_SIG_F64: return 8;
    }
    return 16;
}

static void print_slot(const char *word, const uint8_t *bytes, size_t size)
{
    printf("%s0x", word);
    for (size_t i = size; i-- > 0;) {
        printf("%02x", bytes[i]);
    }
}

static size_t operand_bytes(const struct num_case *c, unsigned k)
{
    unsigned sig = operand_sig(c, k);
    return sig == WJ_SIG_V128 ? 16 : sig == WJ_SIG_I64 || sig == WJ_SIG_F64 ? 8 : 4;
}

static void report(struct check *t, enum form form, uint32_t n, const char *what)
{
    const struct wj_opcode_info *info = case_info(t->c);
    t->failures++;
    printf("FAIL %s", wj_opcode_name(t->c->opcode));
    for (unsigned i = 0; i < (info->imm == WJ_IMM_LANES ? 16 : 1); i++) {
        if (info->imm == WJ_IMM_LANES || info->imm == WJ_IMM_LANE ||
            info->imm == WJ_IMM_MEMARG_LANE) {
            printf(" %u", t->c->lanes[i]);
        }
    }
    if (t->c->offset != 0) {
        printf(" offset=%u", t->c->offset);
    }
    printf(", %s:", FORM_NAMES[form]);
    for (unsigned k = 0; k < case_arity(t->c); k++) {
        print_slot(" ", t->operands[k][n].bytes, operand_bytes(t->c, k));
    }
    printf(" %s\n", what);
}

static void compare(struct check *t, enum form form, uint32_t n)
{
    const struct outcome *expected = &t->expected[n];
    const uint8_t *got = t->memory + RESULTS_AT + (size_t) n * SLOT_BYTES;
    struct slot slot = {{0}};
    t->compared++;
    memcpy(slot.bytes, got, t->result_bytes);
    if (memcmp(slot.bytes, expected->result.bytes, sizeof slot) != 0 &&
        (t->nan_shape < 0 || !nans_match(t, n, t->nan_shape, &slot))) {
        report(t, form, n, "");
        print_slot("    gives ", slot.bytes, t->result_bytes);
        print_slot(", expected ", expected->result.bytes, t->result_bytes);
        printf("\n");
    }
    for (unsigned i = 0; t->writes && i < PLACE_BYTES / SLOT_BYTES; i++) {
        const uint8_t *place = t->memory + PLACES_AT + i * TABLE_STRIDE + (size_t) n * SLOT_BYTES;
        if (memcmp(place, expected->place + i * SLOT_BYTES, SLOT_BYTES) != 0) {
            report(t, form, n, "");
            printf("    at %u:", PLACE_AT + i * SLOT_BYTES);
            print_slot(" writes ", place, SLOT_BYTES);
            print_slot(", expected ", expected->place + i * SLOT_BYTES, SLOT_BYTES);
            printf("\n");
        }
    }
}

// ---- Functions --------------------------------------------------------------------------------

// Writes `number` in the mixed radix of the axes in `mask`: how far the tuple is from the first.
static uint64_t along(const struct num_case *c, unsigned mask, uint64_t number)
{
    uint64_t stride = 1, at = 0;
    for (unsigned k = case_axes(c); k-- > 0;) {
        uint32_t count = operand_count(&c->operands[k]);
        if ((mask >> k & 1) != 0) {
            at += number % count * stride;
            number /= count;
        }
        stride *= count;
    }
    return at;
}

static uint64_t axes_product(const struct num_case *c, unsigned mask)
{
    uint64_t product = 1;
    for (unsigned k = 0; k < case_axes(c); k++) {
        product *= (mask >> k & 1) != 0 ? operand_count(&c->operands[k]) : 1;
    }
    return product;
}

// Which tuples are tried with all operands constants: all of numbers. Lane k of the first vector
// has value i + 2k of the edges, that of the second j + k: a pair whose values are d apart is in
// lane k where i - j = d - k. So when i - j takes every multiple of half the lanes' number, each
// pair is in the lower half of some vectors, and in the upper half of some.
static bool is_for_const(const struct num_case *c, uint64_t tuple)
{
    unsigned axes = case_axes(c);
    if (axes < 2 || c->operands[1].type != WJ_SIG_V128 || c->operands[0].type != WJ_SIG_V128) {
        return true;
    }
    uint32_t third = axes > 2 ? operand_count(&c->operands[2]) : 1;
    uint32_t k = (uint32_t) (tuple % third), count = operand_count(&c->operands[1]);
    uint32_t j = (uint32_t) (tuple / third % count), i = (uint32_t) (tuple / third / count);
    uint32_t half = operand_lanes(&c->operands[0]) / 2;
    return (i + count - j) % count % half == 0 && (i * 7 + j) % third == k;
}

static void put_const_tuple(struct check *t, struct bytes *b, struct body *f, uint32_t n)
{
    for (unsigned k = 0; k < case_arity(t->c); k++) {
        f->values[k] = t->operands[k][n];
    }
    put_i32(b, n * SLOT_BYTES);
    put_set(b, LOCAL_AT);
    put_tuple(b, f);
}

// One function of all tuples, then one for each that traps.
static void build_const(struct check *t, struct module *m)
{
    struct body f = {.c = t->c, .form = FORM_CONST, .constants = form_constants(t->c, FORM_CONST)};
    struct bytes body = {0};
    put_locals(&body, &f);
    for (uint32_t n = 0; n < t->count; n++) {
        if (is_for_const(t->c, n) && t->expected[n].trap == WJ_TRAP_NONE) {
            put_const_tuple(t, &body, &f, n);
        }
    }
    PUT(&body, 0x0b);
    module_add(m, &body);
    for (uint32_t n = 0; n < t->count; n++) {
        if (is_for_const(t->c, n) && t->expected[n].trap != WJ_TRAP_NONE) {
            put_locals(&body, &f);
            put_const_tuple(t, &body, &f, n);
            PUT(&body, 0x0b);
            module_add(m, &body);
        }
    }
    free(body.data);
}

// A function for each combination of what the form has as constants.
static void build_form(struct check *t, enum form form, struct module *m)
{
    struct body f = {.c = t->c, .form = form, .constants = form_constants(t->c, form)};
    struct bytes body = {0};
    uint64_t groups = axes_product(t->c, f.constants);
    for (uint64_t g = 0; g < groups; g++) {
        uint64_t n = along(t->c, f.constants, g);
        for (unsigned k = 0; f.constants != 0 && k < case_arity(t->c); k++) {
            f.values[k] = t->operands[k][n];
        }
        put_loop(&body, &f);
        module_add(m, &body);
    }
    free(body.data);
}

static const wasm_func_t *take_func(struct check *t)
{
    return wasm_extern_as_func(t->exports.data[t->next_func++]);
}

static enum wj_trap_kind call(const wasm_func_t *func, uint32_t first, uint32_t step,
                              uint32_t count)
{
    wjit_val_t args[4];
    const uint32_t slots[] = {first, first + step * count, step, 0};
    for (unsigned i = 0; i < 4; i++) {
        args[i].kind = WASM_I32;
        args[i].of.i32 = (int32_t) (slots[i] * SLOT_BYTES);
    }
    wasm_trap_t *trap = wjit_func_call(func, args, 4, NULL, 0);
    enum wj_trap_kind kind = WJ_TRAP_NONE;
    if (trap != NULL) {
        kind = (enum wj_trap_kind) wjit_trap_code(trap);
        wasm_trap_delete(trap);
    }
    return kind;
}

static void call_one(struct check *t, enum form form, const wasm_func_t *func, uint32_t n)
{
    enum wj_trap_kind trap = call(func, n, 1, 1);
    if (trap != t->expected[n].trap) {
        report(t, form, n, "traps otherwise");
        printf("    trap %d, expected %d\n", (int) trap, (int) t->expected[n].trap);
    } else if (trap == WJ_TRAP_NONE) {
        compare(t, form, n);
    } else {
        t->compared++;
    }
}

static void run_const(struct check *t)
{
    const wasm_func_t *func = take_func(t);
    if (call(func, 0, 1, 1) != WJ_TRAP_NONE) {
        report(t, FORM_CONST, 0, "or another traps");
    }
    unsigned failures = t->failures;
    for (uint32_t n = 0; n < t->count && failures == t->failures; n++) {
        if (is_for_const(t->c, n) && t->expected[n].trap == WJ_TRAP_NONE) {
            compare(t, FORM_CONST, n);
        }
    }
    for (uint32_t n = 0; n < t->count; n++) {
        if (is_for_const(t->c, n) && t->expected[n].trap != WJ_TRAP_NONE) {
            call_one(t, FORM_CONST, take_func(t), n);
        }
    }
}

// The tuples of a function: those along the last axis that is no constant are one call.
static void run_form(struct check *t, enum form form)
{
    unsigned constants = form_constants(t->c, form), free_axes = 0, last = 0;
    for (unsigned k = 0; k < case_axes(t->c); k++) {
        if ((constants >> k & 1) == 0) {
            free_axes |= 1u << k;
            last = k;
        }
    }
    bool is_chunk = constants == 0; // then tuples are one after the other
    uint64_t groups = axes_product(t->c, constants);
    uint64_t runs = is_chunk ? 1 : axes_product(t->c, free_axes & ~(1u << last));
    uint32_t step = is_chunk ? 1 : (uint32_t) along(t->c, 1u << last, 1);
    uint32_t length = is_chunk ? t->count : operand_count(&t->c->operands[last]);
    for (uint64_t g = 0; g < groups; g++) {
        const wasm_func_t *func = take_func(t);
        for (uint64_t run = 0; run < runs; run++) {
            uint32_t first = (uint32_t) (along(t->c, constants, g) +
                                         along(t->c, free_axes & ~(1u << last), run));
            unsigned failures = t->failures;
            if (!t->may_trap && call(func, first, step, length) != WJ_TRAP_NONE) {
                report(t, form, first, "or another traps");
            }
            for (uint32_t i = 0; i < length && failures == t->failures; i++) {
                if (t->may_trap) {
                    call_one(t, form, func, first + i * step);
                } else {
                    compare(t, form, first + i * step);
                }
            }
            if (failures != t->failures) {
                t->next_func += groups - 1 - g;
                return; // the form's first is enough
            }
        }
    }
}

// ---- Cases ------------------------------------------------------------------------------------

static void fill_chunk(struct check *t, uint64_t first)
{
    uint64_t tuples = case_tuples(t->c);
    t->first = first;
    t->count = (uint32_t) (tuples - first < CHUNK_MAX ? tuples - first : CHUNK_MAX);
    t->may_trap = false;
    for (uint32_t n = 0; n < t->count; n++) {
        struct slot operands[OPERANDS_MAX] = {0};
        case_operands(t->c, first + n, operands);
        for (unsigned k = 0; k < case_arity(t->c); k++) {
            t->operands[k][n] = operands[k];
        }
        case_expected(t->c, operands, &t->expected[n]);
        t->may_trap |= t->expected[n].trap != WJ_TRAP_NONE;
        t->hash = outcome_hash(t->c, t->hash, &t->expected[n]);
    }
}

static void run_chunk(struct check *t)
{
    for (unsigned k = 0; k < case_axes(t->c); k++) {
        memcpy(t->memory + OPERANDS_AT + k * TABLE_STRIDE, t->operands[k],
               (size_t) t->count * SLOT_BYTES);
    }
    memcpy(t->memory, image, HALVES_AT); // others have left their scratch values there
    t->next_func = 0;
    for (unsigned form = 0; form < FORM_COUNT; form++) {
        if (!form_exists(t->c, (enum form) form)) {
            continue;
        }
        for (unsigned i = 0; i < 1 + PLACE_BYTES / SLOT_BYTES; i++) {
            memset(t->memory + RESULTS_AT + i * TABLE_STRIDE, 0xee, (size_t) t->count * SLOT_BYTES);
        }
        if (form == FORM_CONST) {
            run_const(t);
        } else {
            run_form(t, (enum form) form);
        }
    }
}

static void run_case(struct check *t)
{
    struct module module = {0};
    struct bytes binary = {0};
    uint64_t tuples = case_tuples(t->c);
    if (t->c->is_everywhere && tuples > CHUNK_MAX) {
        abort();
    }
    t->writes = case_writes(t->c);
    t->result_bytes = result_bytes(t->c);
    t->nan_shape = t->is_deterministic ? -1 : nan_shape(t->c);
    case_begin(t->c);
    fill_chunk(t, 0);
    for (unsigned form = 0; form < FORM_COUNT; form++) {
        if (form == FORM_CONST && form_exists(t->c, FORM_CONST)) {
            build_const(t, &module);
        } else if (form_exists(t->c, (enum form) form)) {
            build_form(t, (enum form) form, &module);
        }
    }
    module_finish(&module, &binary);
    wasm_byte_vec_t bytes = {binary.size, (wasm_byte_t *) binary.data};
    wasm_extern_t *import = wasm_memory_as_extern(t->memory_object);
    wasm_extern_vec_t imports = {1, &import};
    wjit_error_t error;
    wasm_trap_t *trap = NULL;
    wasm_module_t *compiled = wjit_module_new(t->store, &bytes, &error);
    wasm_instance_t *instance =
        compiled == NULL ? NULL : wjit_instance_new(t->store, compiled, &imports, &trap, &error);
    if (instance == NULL) {
        printf("FAIL %s: %s\n", wj_opcode_name(t->c->opcode), error.message);
        t->failures++;
    } else {
        wasm_instance_exports(instance, &t->exports);
        run_chunk(t);
        for (uint64_t first = t->count; first < tuples; first += t->count) {
            fill_chunk(t, first);
            run_chunk(t);
        }
        wasm_extern_vec_delete(&t->exports);
    }
    // Modules and instances stay: qemu 7.2, where their memory became another's, may run what it
    // translated before.
    free(module.bodies.data);
    free(binary.data);
}

// A memory for all modules: emulators take long to make one.
static void start(struct check *t, wasm_config_t *config)
{
    const wasm_limits_t limits = {PAGES, PAGES};
    uint64_t size;
    t->engine = wasm_engine_new_with_config(config);
    t->store = wasm_store_new(t->engine);
    wasm_memorytype_t *type = wasm_memorytype_new(&limits);
    t->memory_object = wasm_memory_new(t->store, type);
    wasm_memorytype_delete(type);
    t->memory = wjit_memory_view(t->memory_object, &size);
    t->expected = calloc(CHUNK_MAX, sizeof *t->expected);
    for (unsigned k = 0; k < OPERANDS_MAX; k++) {
        t->operands[k] = calloc(CHUNK_MAX, sizeof *t->operands[k]);
    }
}

static bool is_named(const struct num_case *c, int count, char **names)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], wj_opcode_name(c->opcode)) == 0) {
            return true;
        }
    }
    return count == 0;
}

int main(int argc, char **argv)
{
    static struct check t;
    bool is_whole = false, is_narrow = false, is_edges = false;
    wasm_config_t *config = wasm_config_new();
    int first = 1;
    for (; first < argc && strncmp(argv[first], "--", 2) == 0; first++) {
        if (strcmp(argv[first], "--eager") == 0) {
            wjit_config_set_compile_mode(config, WJIT_COMPILE_EAGER);
        } else if (strcmp(argv[first], "--explicit") == 0) {
            wjit_config_set_explicit_bounds(config, true);
        } else if (strcmp(argv[first], "--deterministic") == 0) {
            wjit_config_set_deterministic(config, t.is_deterministic = true);
        } else if (strcmp(argv[first], "--narrow") == 0) {
            // Registers that wide arithmetic would need could be others' without it.
            wjit_config_set_features(config, WJIT_FEATURES_DEFAULT & ~WJIT_FEATURE_WIDE_ARITHMETIC);
            is_narrow = true;
        } else if (strcmp(argv[first], "--edges") == 0) {
            is_edges = true;
        } else if (strcmp(argv[first], "--whole") == 0) {
            is_whole = true;
        } else {
            fprintf(stderr, "numeric_check: unknown option %s\n", argv[first]);
            return 2;
        }
    }
    start(&t, config);
    cases_init(is_whole);
    memcpy(t.memory, image, IMAGE_BYTES);
    for (unsigned i = 0; i < case_count; i++) {
        t.c = &cases[i];
        if (!is_named(t.c, argc - first, argv + first) ||
            (is_narrow && case_info(t.c)->family == FAM_WIDE)) {
            continue;
        }
        if (!is_edges || t.c->is_everywhere) {
            run_case(&t);
        }
        if (i + 1 == case_count || cases[i + 1].opcode != t.c->opcode) {
            printf("%s %016" PRIx64 " %" PRIu64 "\n", wj_opcode_name(t.c->opcode), t.hash,
                   t.compared);
            fflush(stdout);
            t.hash = t.compared = 0;
        }
    }
    wasm_memory_delete(t.memory_object);
    wasm_store_delete(t.store);
    wasm_engine_delete(t.engine);
    return t.failures != 0;
}
