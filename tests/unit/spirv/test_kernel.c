// Kernels that translate, with the shader validated, and kernels that do not, with their reason.
#include "translate.h"

#define KERNEL_TYPE "(param i32 i32 i32 i32)"
#define MODULE(body) "(module (memory 1) (func (export \"kernel\") " KERNEL_TYPE body "))"

struct refusal {
    const char *wat;
    const char *message;
};

static const struct refusal refusals[] = {
    {MODULE("(drop (memory.grow (i32.const 1)))"), "memory.grow: grow before the dispatch"},
    {"(module (memory 1) (global (mut i32) (i32.const 0)) (func (export \"kernel\") " KERNEL_TYPE
     "(global.set 0 (i32.const 1))))",
     "writes global 0: use memory or a parameter"},
    {"(module (memory 1) (global (mut i32) (i32.const 0)) (func (export \"kernel\") " KERNEL_TYPE
     "(drop (global.get 0))))",
     "reads mutable global 0: pass it through args"},
    {"(module (import \"a\" \"b\" (func)) (memory 1) (func (export \"kernel\") " KERNEL_TYPE
     "(call 0)))",
     "calls imported function 0: no device can call the host"},
    {"(module (memory 1) (func $f (call $f)) (func (export \"kernel\") " KERNEL_TYPE "(call $f)))",
     "function 0 is recursive: use a loop"},
    {"(module (memory 1) (func $f (call $g)) (func $g (call $f)) (func (export "
     "\"kernel\") " KERNEL_TYPE "(call $f)))",
     "function 0 is recursive: use a loop"},
    {"(module (memory 1) (func $f (drop (memory.grow (i32.const 0)))) (func (export "
     "\"kernel\") " KERNEL_TYPE "(call $f)))",
     "calls function 0 (memory.grow: grow before the dispatch)"},
    {"(module (memory 1) (func (export \"kernel\") (param i32 i32 i32 i64)))",
     "the kernel's type is not (i32 i32 i32 i32) -> ()"},
    {"(module (memory i64 1) (func (export \"kernel\") " KERNEL_TYPE "))",
     "the kernel's type is not (i32 i32 i32 i64) -> ()"},
    {"(module (memory 0) (func (export \"kernel\") " KERNEL_TYPE "))", "the memory may be empty"},
    {MODULE("(drop (memory.atomic.wait64 (local.get 3) (i64.const 0) (i64.const -1)))"),
     "memory.atomic.wait: items cannot wait for each other"},
    {MODULE("(drop (memory.atomic.notify (local.get 3) (i32.const 1)))"),
     "memory.atomic.notify: wake threads after the dispatch"},
    {"(module (memory 1) (table (export \"t\") 1 funcref) (func (export \"kernel\") " KERNEL_TYPE
     "(call_indirect (i32.const 0))))",
     "indirect call: the table is exported: the host may change it"},
    {"(module (import \"a\" \"t\" (table 1 funcref)) (memory 1) (func (export "
     "\"kernel\") " KERNEL_TYPE "(call_indirect (i32.const 0))))",
     "indirect call: the table is imported: the host may change it"},
    {"(module (memory 1) (table 9 funcref) (func (export \"kernel\") " KERNEL_TYPE
     "(call_indirect (i32.const 0))) (func (table.fill 0 (i32.const 0) (ref.null func)"
     "(i32.const 1))))",
     "indirect call: the program writes to the table"},
};

static void test_refusals(void **state)
{
    (void) state;
    const struct wj_gpu_caps caps = full_caps();
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct temp_files t;
        struct wj_gpu_code code = {0};
        struct wj_err reason;
        temp_open(&t);
        assert_false(translate_wat(&t, refusals[i].wat, &caps, &code, &reason));
        assert_string_equal(reason.message, refusals[i].message);
        temp_close(&t);
    }
}

// A kernel that drivers would take minutes to compile stays on the CPU: one past each limit.
static void test_too_involved(void **state)
{
    (void) state;
    static const struct {
        const char *open, *repeated, *close;
        unsigned fits; // so many times
        const char *message;
    } shapes[] = {
        {"(block (block ", "(br_if 0 (i32.load (local.get 0)))", "))", 96,
         "97 conditional branches, 96 is the limit"},
        {"", "(if (i32.load (local.get 0)) (then ", "", 63,
         "blocks nested 65 deep, 64 is the limit"},
    };
    const struct wj_gpu_caps caps = full_caps();
    for (unsigned i = 0; i < 4; i++) {
        char wat[8192];
        unsigned n = shapes[i / 2].fits + i % 2;
        int at = snprintf(wat, sizeof wat, "(module (memory 1) (func (export \"kernel\") %s %s",
                          KERNEL_TYPE, shapes[i / 2].open);
        for (unsigned k = 0; k < n; k++) {
            at += snprintf(wat + at, sizeof wat - (size_t) at, "%s", shapes[i / 2].repeated);
        }
        for (unsigned k = 0; k < n && i / 2 == 1; k++) {
            at += snprintf(wat + at, sizeof wat - (size_t) at, "))");
        }
        snprintf(wat + at, sizeof wat - (size_t) at, "%s))", shapes[i / 2].close);
        struct temp_files t;
        struct wj_gpu_code code = {0};
        struct wj_err reason;
        temp_open(&t);
        assert_int_equal(translate_wat(&t, wat, &caps, &code, &reason), i % 2 == 0);
        if (i % 2 != 0) {
            assert_string_equal(reason.message, shapes[i / 2].message);
        } else {
            free((void *) code.words);
        }
        temp_close(&t);
    }
}

// What a device lacks is a reason, too.
static void test_caps(void **state)
{
    (void) state;
    static const char *const i64 = MODULE("(drop (i64.add (i64.const 1) (i64.const 2)))");
    static const char *const loop = MODULE("(loop (br_if 0 (i32.load (local.get 3))))");
    static const char *const f64 = MODULE("(drop (f64.add (f64.const 1) (f64.const 2)))");
    static const char *const div =
        MODULE("(f32.store (i32.const 0) (f32.div (f32.load (i32.const 4)) (f32.const 3)))");
    static const char *const atomic =
        MODULE("(drop (i64.atomic.rmw.add (local.get 3) (i64.const 1)))");
    static const char *const narrow =
        MODULE("(drop (i64.atomic.rmw8.add_u (local.get 3) (i64.const 1)))");
    struct temp_files t;
    struct wj_gpu_code code = {0};
    struct wj_err reason;
    struct wj_gpu_caps caps = full_caps();
    temp_open(&t);
    caps.i32_arith = WJ_GPU_REFUSED;
    assert_false(translate_wat(&t, loop, &caps, &code, &reason));
    assert_non_null(strstr(reason.message, "computes 32-bit integers wrongly"));
    caps.i32_arith = WJ_GPU_NATIVE;
    caps.has_int64 = false;
    assert_true(translate_wat(&t, i64, &caps, &code, &reason));
    free((void *) code.words);
    assert_false(translate_wat(&t, f64, &caps, &code, &reason));
    assert_string_equal(reason.message, "f64: the device has no 64-bit floats; f32 would do");
    caps.i32_wide = WJ_GPU_REFUSED;
    assert_false(translate_wat(&t, i64, &caps, &code, &reason));
    assert_string_equal(reason.message, "i64: the device has no 64-bit integers");
    caps.i32_wide = WJ_GPU_NATIVE;
    assert_true(translate_wat(&t, div, &caps, &code, &reason));
    free((void *) code.words);
    caps.f32_div = WJ_GPU_REFUSED;
    assert_false(translate_wat(&t, div, &caps, &code, &reason));
    assert_string_equal(reason.message, "division is not exact on the device");
    caps.loop_values = WJ_GPU_REFUSED;
    assert_false(translate_wat(&t, loop, &caps, &code, &reason));
    assert_string_equal(reason.message, "loads in a loop: the device loses what they loaded");
    caps.has_int64 = true;
    assert_true(translate_wat(&t, atomic, &caps, &code, &reason));
    free((void *) code.words);
    caps.has_atomic64 = false;
    assert_false(translate_wat(&t, atomic, &caps, &code, &reason));
    assert_string_equal(reason.message, "i64.atomic.rmw.add: the device has no 64-bit atomic "
                                        "operations");
    assert_true(translate_wat(&t, narrow, &caps, &code, &reason));
    free((void *) code.words);
    caps.memory_order = WJ_GPU_REFUSED;
    assert_false(translate_wat(&t, narrow, &caps, &code, &reason));
    assert_string_equal(reason.message, "i64.atomic.rmw8.add_u: the device miscounts");
    temp_close(&t);
}

static const char *const kernels[] = {
    MODULE(""),
    MODULE("(atomic.fence) (i64.atomic.store (local.get 3) (i64.atomic.rmw.cmpxchg (local.get 0)"
           "(i64.atomic.load offset=8 (local.get 3)) (i64.const 1)))"),
    MODULE("(i32.atomic.store16 (local.get 3) (i32.atomic.rmw16.sub_u (local.get 0)"
           "(i32.atomic.rmw8.cmpxchg_u (local.get 3) (i32.atomic.load8_u (i32.const 1))"
           "(i32.atomic.rmw.xchg (local.get 3) (i32.atomic.rmw8.and_u (local.get 0)"
           "(i32.const 5))))))"),
    MODULE("unreachable"),
    "(module (memory 1) (table 7 funcref) (elem (i32.const 1) $f $g $f $w $self)"
    "(type $t (func (param i32) (result i32)))"
    "(func $f (type $t) (i32.add (local.get 0) (i32.const 1)))"
    "(func $g (type $t) (return_call_indirect (type $t) (local.get 0) (i32.const 1)))"
    "(func $w (result i64 i32) (i64.const 1) (i32.const 2))"
    "(func $self (type $t) (call_indirect (type $t) (local.get 0) (local.get 0)))"
    "(func (export \"kernel\") " KERNEL_TYPE "(i32.store (local.get 3)"
    "(call_indirect (type $t) (local.get 0) (local.get 1)))"
    "(call_indirect (result i64 i32) (local.get 2)) (drop) (drop)))",
    MODULE("(memory.fill (local.get 3) (i32.const 7) (local.get 0))"
           "(memory.copy (local.get 3) (local.get 0) (local.get 1))"),
    "(module (memory 1) (func $g (param i32) (result i32 f32) (local.get 0) (f32.const 1))"
    "(func $f (param i32) (result i32 f32) (return_call $g (local.get 0)))"
    "(func (export \"kernel\") " KERNEL_TYPE "(call $f (local.get 0)) (drop) (drop)))",
    MODULE("(loop (br 0))"),
    MODULE("(loop (loop (br_if 1 (local.get 0)) (br 0)))"),
    MODULE("(block (loop (block (br_if 2 (local.get 0)) (br_if 1 (local.get 1)))))"),
    MODULE("(drop (loop (result i32) (br_if 0 (local.get 0)) (i32.const 1)))"),
    MODULE("(drop (block (result f32) (br_if 0 (f32.const 1) (local.get 0))))"),
    MODULE("(if (local.get 0) (then (return)) (else (unreachable)))"),
    MODULE("(block (block (br_table 0 1 2 (local.get 0))) (return))"),
    MODULE("(v128.store align=1 (local.get 3) (v128.load (local.get 0)))"),
    MODULE("(i32.store8 (local.get 3) (i32.load16_s align=1 (local.get 0)))"),
    MODULE("(i64.store (local.get 3) (i64.load offset=4294967295 (local.get 0)))"),
    MODULE("(i32.store16 (i32.const 65534) (memory.size))"),
    MODULE("(i32.store (i32.const 65533) (i32.const 0))"),
    MODULE(
        "(i64.store (local.get 3) (i64.div_s (i64.load (local.get 3)) (i64.load (local.get 0))))"),
    MODULE("(i64.store (local.get 3) (i64.rem_u (i64.clz (i64.load (local.get 3)))"
           "(i64.rotl (i64.load (local.get 0)) (i64.extend_i32_s (local.get 0)))))"),
    MODULE(
        "(f32.store (local.get 3) (f32.convert_i64_u (i64.trunc_f32_s (f32.load (local.get 0)))))"),
    MODULE("(v128.store (local.get 3) (i64x2.shl (i64x2.mul (v128.load (local.get 0))"
           "(i64x2.abs (v128.load (local.get 1)))) (local.get 2)))"),
    MODULE("(v128.store (local.get 3) (i8x16.swizzle (v128.load (local.get 0))"
           "(i8x16.narrow_i16x8_u (v128.load (local.get 1)) (i64x2.extmul_high_i32x4_s"
           "(v128.load (local.get 1)) (v128.load (local.get 2))))))"),
    MODULE("(f32.store (local.get 3) (f32.sqrt (f32.div (f32.sub (f32.load (local.get 0))"
           "(f32.const 1)) (f32.mul (f32.load (local.get 1)) (f32.load (local.get 2))))))"),
    MODULE("(v128.store (local.get 3) (f32x4.nearest (f32x4.ceil (f32x4.floor (f32x4.trunc"
           "(f32x4.add (v128.load (local.get 0)) (v128.load (local.get 1))))))))"),
    "(module (func (export \"kernel\") " KERNEL_TYPE "(drop (i32.const 1))))",
    "(module (memory 1) (global f32 (f32.const 2.5)) (global v128 (v128.const i64x2 1 2))"
    "(func (export \"kernel\") " KERNEL_TYPE
    "(f32.store (local.get 3) (global.get 0)) (v128.store (local.get 3) (global.get 1))))",
    "(module (memory 1) (func $g (param f64) (result f64) (f64.sqrt (local.get 0)))"
    "(func $f (param i64 v128) (result v128) (if (result v128) (i64.eqz (local.get 0))"
    "(then (local.get 1)) (else (f64x2.splat (call $g (f64.const 2))))))"
    "(func (export \"kernel\") " KERNEL_TYPE
    "(v128.store (local.get 3) (call $f (i64.const 1) (v128.const i32x4 0 1 2 3)))))",
};

static void test_valid(void **state)
{
    (void) state;
    struct wj_gpu_caps caps[4] = {full_caps(), full_caps(), full_caps(), full_caps()};
    caps[1].has_storage8 = false;
    caps[2].f32_compare = caps[2].f64_compare = caps[2].f32_from_u32 = WJ_GPU_REPAIRED;
    caps[2].loop_iterations_max = 65535;
    caps[2].loop_values = WJ_GPU_REPAIRED;
    caps[2].memory_order = WJ_GPU_REPAIRED;
    caps[3].has_int64 = caps[3].has_float64 = false;
    caps[3].f32_arith = caps[3].f32_div = caps[3].f32_sqrt = caps[3].f32_round = WJ_GPU_REPAIRED;
    caps[3].loop_values = WJ_GPU_REPAIRED;
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        for (size_t j = 0; j < 4; j++) {
            struct temp_files t;
            struct wj_gpu_code code = {0};
            struct wj_err reason;
            temp_open(&t);
            if (j == 3 &&
                (strstr(kernels[i], "f64") != NULL || strstr(kernels[i], "i64.atomic") != NULL)) {
                temp_close(&t);
                continue;
            }
            if (!translate_wat(&t, kernels[i], &caps[j], &code, &reason)) {
                fail_msg("%s: %s", kernels[i], reason.message);
            }
            assert_valid(&t, &code);
            assert_int_equal(code.has_loops, strstr(kernels[i], "(loop") != NULL ||
                                                 strstr(kernels[i], "(memory.fill") != NULL ||
                                                 strstr(kernels[i], "rmw8.cmpxchg") != NULL);
            free((void *) code.words);
            temp_close(&t);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_too_involved),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_valid),
    };
    if (!has_tool("wat2wasm") || !has_tool("spirv-val")) {
        puts("skipped: wat2wasm or spirv-val is missing");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
