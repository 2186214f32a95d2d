// What the printing target writes for every verb of the interface.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "emit/trace_masm.h"
#include "every_verb.h"

// clang-format off
static const char expected[] =
    "L0:\n"
    "    jmp L1\n"
    "    jcc.lt_u L0\n"
    "    i64.cbz g18, L0\n"
    "    f64.jump_if_nan v16, L0\n"
    "    f32.jump_if_nan_stored [mem+g0+1000], L0\n"
    "    f64.store_canon [mem+g0+1000], v16\n"
    "    jump_table g18, L0 L1\n"
    "    trap \"unreachable\"\n"
    "    trap_if.ne \"out of memory\"\n"
    "    align_loop\n"
    "L1:\n"
    "    i64.mov g18, g1\n"
    "    i32.mov g18, 0xff\n"
    "    f64.mov v16, 0x3ff0000000000000\n"
    "    v128.mov v16, 0x00000000000000000000000000000201\n"
    "    f32.mov v16, [sp+24]\n"
    "    i32.mov [sp+24], g18\n"
    "    i32.mov [sp+24], 0x3\n"
    "    copy_slots [sp+16], [sp+24], 80\n"
    "    zero_slots [sp+16], 24\n"
    "    lea g18, [sp+24]\n"
    "    i32.add g18, g1, g2\n"
    "    i64.rotr g18, g1, -5\n"
    "    i32.xor g18, g1, [sp+24]\n"
    "    i64.sub [sp+24], [sp+24], g1\n"
    "    i32.and [sp+24], [sp+24], -129\n"
    "    i32.mul g18, g1, mem [mem+g0+1000]\n"
    "    i64.lea g18, g1 + (g2 << 3)\n"
    "    i32.rem_u g17, g16, g11\n"
    "    i32.div_s g2, g11, 10\n"
    "    i64.extend32_s g18, g1\n"
    "    i32.cmp g18, g1\n"
    "    i32.cmp g18, 7\n"
    "    i32.cmp g18, [sp+24]\n"
    "    i64.cmp g18, mem [mem+g0+1000]\n"
    "    i32.test g18, g1\n"
    "    i32.test g18, 1\n"
    "    set.f_nge g18\n"
    "    i32.select.gt_s g18, g1, g2\n"
    "    i64.sub128 g1:g18, g1:g18, g11:g2\n"
    "    i64.mul_wide_s g17:g16, g16, g2\n"
    "    f32.copysign v16, v1, v10\n"
    "    f64.div v16, v1, [sp+24]\n"
    "    f64.sub v16, v1, mem [mem+g0+1000]\n"
    "    f32.sqrt v16, v1\n"
    "    f32.cmp v16, v1\n"
    "    f32.canon v16, v1\n"
    "    f64x2.canon v16, v1\n"
    "    i64.trunc_sat_f64_u g18, v1\n"
    "    v128.load64_zero v16, [mem+g0+1000]\n"
    "    i64.store32 [mem+g0+1000], g18\n"
    "    i32.store16 [mem+g0+1000], 0x5\n"
    "    i16x8.load_lane 7 v16, v1, [mem+g0+1000]\n"
    "    i64x2.store_lane 1 [mem+g0+1000], v16\n"
    "    check_align [mem+g0+1000], 4\n"
    "    atomic i64.load16_u g18, [mem+g0+1000]\n"
    "    atomic i32.store8 [mem+g0+1000], g18\n"
    "    atomic i64.rmw16.xchg g18, [mem+g0+1000], g2\n"
    "    atomic i32.rmw32.cmpxchg g18, [mem+g0+1000], g2, g11\n"
    "    fence\n"
    "    i32x4.relaxed_trunc_u_zero v16, v1\n"
    "    i16x8.relaxed_dot v16, v1, v10\n"
    "    i32x4.add v16, v1, [sp+24]\n"
    "    i32x4.add v16, v1, mem [mem+g0+1000]\n"
    "    i32x4.relaxed_dot_add v16, v1, v10, v11\n"
    "    i8x16.shr_u v16, v1, g18\n"
    "    i64x2.shl v16, v1, 33\n"
    "    i8x16.splat v16, g18\n"
    "    i16x8.extract_lane_u 3 g18, v1\n"
    "    f32x4.replace_lane 2 v16, v1, v10\n"
    "    i8x16.shuffle v16, v1, v10, 0 17 2 19 4 21 6 23 8 25 10 27 12 29 14 31\n"
    "    i64x2.bitmask g18, v1\n"
    "    prologue 48\n"
    "    epilogue 48\n"
    "    ret\n"
    "    call [sp+24]\n"
    "    tail_call [sp+24]\n"
    "    call g18\n"
    "    tail_call g18\n"
    "    call code+0\n"
    "    tail_call code+64\n"
    "    far_entry\n"
    "    call table code+8\n"
    "    tail_call table code+16\n"
    "    tail_room 64, 200\n"
    "    enter_begin 64\n"
    "    enter_end 64\n"
    "    stub_unwind\n"
    "    stub_call_c\n"
    "    stub_lazy_direct\n"
    "    stub_lazy_indirect\n"
    "    stub_tail_room code+0\n"
    "    stub_tail_return 64\n"
    "    finish\n";
// clang-format on

static void begin(struct wj_masm *m, uint8_t window[WJ_CODEBUF_SLACK + 16])
{
    memset(m, 0, sizeof *m);
    wj_codebuf_init(&m->buf);
    wj_codebuf_begin(&m->buf, window, WJ_CODEBUF_SLACK + 16, 0x10000);
}

static void test_every_verb(void **unused)
{
    (void) unused;
    struct wj_masm m;
    uint8_t window[WJ_CODEBUF_SLACK + 16];
    char *text = NULL;
    size_t size = 0;
    begin(&m, window);
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    m.trace = file;
    emit_every_verb(&m);
    fclose(file);
    assert_string_equal(text, expected);
    assert_int_equal(wj_codebuf_offset(&m.buf), 0); // no code is made
    free(text);
    wj_codebuf_clear(&m.buf);
}

// The longest operands fit their places.
static void test_long_operands(void **unused)
{
    (void) unused;
    struct wj_masm m;
    uint8_t window[WJ_CODEBUF_SLACK + 16];
    char *text = NULL;
    size_t size = 0;
    begin(&m, window);
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    m.trace = file;
    masm_load(&m, LOAD_V128_32X2_U, WJ_VREG(28), (struct wj_addr){28, 27, UINT64_MAX});
    masm_load(&m, LOAD_I32, 28, (struct wj_addr){MASM_INST, WJ_REG_NONE, 0});
    masm_store_slot_imm(&m, NUM_I64, UINT64_MAX, (struct wj_slot){MASM_INST, INT32_MIN});
    fclose(file);
    assert_string_equal(text, "    v128.load32x2_u v28, [g28+g27+18446744073709551615]\n"
                              "    i32.load g28, [inst+0]\n"
                              "    i64.mov [inst-2147483648], 0xffffffffffffffff\n");
    free(text);
    wj_codebuf_clear(&m.buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_verb),
        cmocka_unit_test(test_long_operands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
