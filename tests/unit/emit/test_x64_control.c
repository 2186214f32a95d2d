// Control verbs of the x86-64 target: labels, jump tables, traps, calls, frames, and the code
// buffer's limits.
#include "x64_harness.h"

#include "every_verb.h"

// Puts `count` bytes of padding between branches, so that short and long forms both occur.
static void emit_padding(struct wj_masm *m, unsigned count)
{
    x64_nops(m, count);
}

// Sums 1 .. RSI by a loop; forward branches from two places meet at one label.
static void test_labels(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    static const unsigned paddings[] = {0, 100, 119, 120, 121, 122, 123, 127, 128, 300};
    for (unsigned i = 0; i < sizeof paddings / sizeof paddings[0]; i++) {
        struct wj_masm *m = x64_run_begin(&run);
        wj_label loop = wj_codebuf_label(&m->buf), done = wj_codebuf_label(&m->buf);
        masm_mov_imm(m, NUM_I64, RAX, 0);
        masm_cbz(m, NUM_I64, true, RSI, done);
        masm_icmp_imm(m, NUM_I64, RSI, 1000000);
        masm_jcc(m, COND_EQ, done);
        masm_align_loop(m);
        masm_bind(m, loop);
        masm_ibin(m, IBIN_ADD, NUM_I64, RAX, RAX, RSI);
        emit_padding(m, paddings[i]);
        masm_ibin_imm(m, IBIN_SUB, NUM_I64, RSI, RSI, 1);
        if (i & 1) {
            masm_cbz(m, NUM_I64, false, RSI, loop);
        } else {
            masm_cbz(m, NUM_I64, true, RSI, done);
            masm_jmp(m, loop);
        }
        masm_bind(m, done);
        x64_run_end(&run);
        for (uint64_t n = 0; n < 5; n++) {
            run.before.gpr[RSI] = n;
            x64_run_go(&run);
            assert_int_equal(run.after.gpr[RAX], n * (n + 1) / 2);
        }
        run.before.gpr[RSI] = 1000000;
        x64_run_go(&run);
        assert_int_equal(run.after.gpr[RAX], 0);
    }
    x64_run_clear(&run);
}

// Wherever it comes, a loop starts at 16 bytes and not with a cache line.
static void test_loop_alignment(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    struct wj_masm *m = x64_run_begin(&run);
    for (unsigned i = 0; i < 64; i++) {
        masm_room(m);
        uint64_t at = m->buf.address + wj_codebuf_offset(&m->buf);
        emit_padding(m, (unsigned) (-at & 63) + i);
        masm_align_loop(m);
        unsigned place = (m->buf.address + wj_codebuf_offset(&m->buf)) % 64;
        unsigned wanted = i <= 16 ? 16 : i <= 32 ? 32 : i <= 48 ? 48 : 16;
        assert_int_equal(place, wanted);
    }
    x64_run_end(&run);
    x64_run_go(&run);
    x64_run_clear(&run);
}

static void test_jump_table(void **unused)
{
    (void) unused;
    enum { COUNT = 200 };
    struct x64_run run;
    x64_run_init(&run);
    struct wj_masm *m = x64_run_begin(&run);
    wj_label labels[COUNT], done = wj_codebuf_label(&m->buf);
    for (unsigned i = 0; i < COUNT; i++) {
        labels[i] = i % 3 == 2 ? labels[i - 1] : wj_codebuf_label(&m->buf);
    }
    masm_mov_fimm(m, NUM_F64, XMM1, 0x3ff8000000000000); // constants and tables together
    masm_jump_table(m, RSI, labels, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        if (i % 3 != 2) {
            masm_bind(m, labels[i]);
            masm_mov_imm(m, NUM_I32, RAX, i);
            masm_jmp(m, done);
        }
    }
    masm_bind(m, done);
    // A second table, with a label bound before it.
    wj_label out = wj_codebuf_label(&m->buf);
    const wj_label again[] = {out, done, out};
    masm_mov_imm(m, NUM_I32, RDX, 0);
    masm_jump_table(m, RDX, again, 3);
    masm_bind(m, out);
    x64_run_end(&run);
    for (unsigned i = 0; i < COUNT; i++) {
        run.before.gpr[RSI] = i;
        x64_run_go(&run);
        assert_int_equal(run.after.gpr[RAX], i % 3 == 2 ? i - 1 : i);
        assert_int_equal(x64_get_float(&run, NUM_F64, XMM1), 0x3ff8000000000000);
    }
    x64_run_clear(&run);
}

static void test_traps(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    struct wj_masm *m = x64_run_begin(&run);
    m->wasm_offset = 10;
    // Rows made out of order: a conditional one, an inline one, one of a division.
    masm_icmp_imm(m, NUM_I32, RSI, 1);
    masm_trap_if(m, COND_EQ, WJ_TRAP_UNREACHABLE);
    masm_trap_if(m, COND_LT_U, WJ_TRAP_UNREACHABLE);
    masm_icmp_imm(m, NUM_I32, RSI, 2);
    masm_trap_if(m, COND_EQ, WJ_TRAP_NULL_REFERENCE);
    wj_label over = wj_codebuf_label(&m->buf);
    masm_icmp_imm(m, NUM_I32, RSI, 3);
    masm_jcc(m, COND_NE, over);
    masm_trap(m, WJ_TRAP_TABLE_OUT_OF_BOUNDS);
    masm_bind(m, over);
    masm_mov_imm(m, NUM_I32, RAX, 5);
    masm_idiv(m, IBIN_DIV_U, NUM_I32, RAX, RAX, RDI);
    x64_run_end(&run);
    assert_int_equal(m->buf.trap_count, 4); // neighbours with one meaning share a row
    static const uint8_t expected[] = {WJ_TRAP_UNREACHABLE, WJ_TRAP_UNREACHABLE,
                                       WJ_TRAP_NULL_REFERENCE, WJ_TRAP_TABLE_OUT_OF_BOUNDS,
                                       WJ_TRAP_NONE};
    for (unsigned i = 0; i < 5; i++) {
        run.before.gpr[RSI] = i;
        run.before.gpr[RDI] = 1;
        x64_run_go(&run);
        assert_int_equal(run.trap, expected[i]);
    }
    run.before.gpr[RDI] = 0;
    x64_run_go(&run);
    assert_int_equal(run.trap, WJ_TRAP_INTEGER_DIVIDE_BY_ZERO);
    x64_run_clear(&run);
}

// A callee with a frame, called in each way; its frame is as large as the case says.
static void emit_callee(struct wj_masm *m, uint32_t frame_bytes)
{
    masm_prologue(m, frame_bytes);
    masm_store_slot(m, NUM_I64, RSI, (struct wj_slot){RSP, 0});
    masm_store_slot(m, NUM_I64, RSI, (struct wj_slot){RSP, (int32_t) frame_bytes - 8});
    masm_ibin_slot(m, IBIN_ADD, NUM_I64, RSI, RSI, (struct wj_slot){RSP, 0});
    masm_epilogue(m, frame_bytes);
    masm_ret(m);
}

static void test_calls(void **unused)
{
    (void) unused;
    static const uint32_t frames[] = {8, 24, 120, 128 + 8, 4088, 32760, 32776, 65544, 300008};
    struct x64_run run;
    x64_run_init(&run);
    for (unsigned i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        struct wj_masm *m = x64_run_begin(&run);
        wj_label over = wj_codebuf_label(&m->buf);
        masm_jmp(m, over);
        uint64_t callee = m->buf.address + wj_codebuf_offset(&m->buf);
        emit_callee(m, frames[i]);
        uint64_t tails = m->buf.address + wj_codebuf_offset(&m->buf);
        masm_jmp_addr(m, callee);
        uint64_t table = m->buf.address + wj_codebuf_offset(&m->buf);
        x64_bytes(m, callee, 8);
        uint64_t tail_of_table = m->buf.address + wj_codebuf_offset(&m->buf);
        masm_jmp_table(m, table);
        uint64_t tail_of_slot = m->buf.address + wj_codebuf_offset(&m->buf);
        masm_jmp_slot(m, (struct wj_slot){R12, 16});
        masm_bind(m, over);
        masm_call_addr(m, callee);
        masm_call_addr(m, tails);
        masm_call_addr(m, tail_of_table);
        masm_call_addr(m, tail_of_slot);
        masm_call_table(m, table);
        masm_call_slot(m, (struct wj_slot){R12, 16});
        masm_mov_imm(m, NUM_I64, R14, callee);
        masm_call_reg(m, R14);
        masm_mov_imm(m, NUM_I64, RAX, callee);
        masm_call_reg(m, RAX);
        x64_run_end(&run);
        run.before.gpr[R12] = (uint64_t) (uintptr_t) run.after.memory;
        memcpy(run.before.memory + 16, &callee, 8);
        run.before.gpr[RSI] = 3;
        x64_run_go(&run);
        assert_int_equal(run.after.gpr[RSI], 3 << 8);
    }
    x64_run_clear(&run);
}

// Running out of room is sticky and harmless: a window too small by any amount.
static void test_overflow(void **unused)
{
    (void) unused;
    struct wj_masm m = {0};
    wj_codebuf_init(&m.buf);
    uint8_t *window = malloc(1 << 16);
    assert_non_null(window);
    bool fitted = false;
    for (size_t room = WJ_CODEBUF_SLACK + 1; !fitted; room += 50) {
        memset(window, 0xee, 1 << 16);
        wj_codebuf_begin(&m.buf, window, room, (uint64_t) (uintptr_t) window);
        wj_label far = wj_codebuf_label(&m.buf);
        wj_label labels[40];
        for (unsigned i = 0; i < 40; i++) {
            wj_codebuf_room(&m.buf);
            labels[i] = wj_codebuf_label(&m.buf);
            masm_bind(&m, labels[i]);
            masm_cbz(&m, NUM_I32, true, RSI, far);
            masm_jmp(&m, labels[i / 2]);
            masm_trap_if(&m, COND_EQ, WJ_TRAP_UNREACHABLE);
            masm_mov_fimm(&m, NUM_F64, XMM1, i + 1);
            masm_jump_table(&m, RSI, labels, i);
        }
        masm_bind(&m, far);
        masm_finish(&m);
        fitted = !m.buf.overflow;
        for (size_t i = room; i < 1 << 16; i++) {
            assert_int_equal(window[i], 0xee);
        }
    }
    free(window);
    wj_codebuf_clear(&m.buf);
}

// Equal constants are kept once.
static void test_constants(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    struct wj_masm *m = x64_run_begin(&run);
    for (unsigned i = 0; i < 200; i++) {
        masm_mov_fimm(m, NUM_F64, XMM3, 0x4008000000000000 + i % 5);
        masm_fbin(m, FBIN_COPYSIGN, NUM_F64, XMM3, XMM3, XMM4);
    }
    assert_int_equal(m->buf.constant_count, 7);
    x64_run_end(&run);
    x64_run_go(&run);
    assert_int_equal(x64_get_float(&run, NUM_F64, XMM3) << 1, 0x8010000000000008u);
    x64_run_clear(&run);
}

// The target has every verb of the interface.
static void test_every_verb(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    wj_codebuf_begin(&run.m.buf, run.code, X64_RUN_BYTES, (uint64_t) (uintptr_t) run.code);
    emit_every_verb(&run.m);
    assert_false(run.m.buf.overflow);
    assert_true(wj_codebuf_offset(&run.m.buf) > 1000);
    x64_run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),     cmocka_unit_test(test_loop_alignment),
        cmocka_unit_test(test_jump_table), cmocka_unit_test(test_traps),
        cmocka_unit_test(test_calls),      cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_constants),  cmocka_unit_test(test_every_verb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
