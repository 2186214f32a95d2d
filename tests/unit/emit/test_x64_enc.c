// The forms that code is made of most, byte by byte: which of them a verb picks. All forms are held
// against another assembler in test_x64_rows.c; what they do is tested by running them.
#include "x64_harness.h"

struct form {
    const char *bytes;
    void (*emit)(struct wj_masm *m);
};

// What the assembler makes of the same text is in the comment.
#define FORM(name, code)                \
    static void name(struct wj_masm *m) \
    {                                   \
        code;                           \
    }
FORM(add_rr, masm_ibin(m, IBIN_ADD, NUM_I32, RAX, RAX, RDX))                // add eax, edx
FORM(add_rrr, masm_ibin(m, IBIN_ADD, NUM_I32, RAX, RSI, RDX))               // lea eax, [rsi + rdx]
FORM(add_imm8, masm_ibin_imm(m, IBIN_ADD, NUM_I32, RBP, RBP, 8))            // add ebp, 8
FORM(add_128, masm_ibin_imm(m, IBIN_ADD, NUM_I64, R12, R12, 128))           // sub r12, -128
FORM(lea_imm, masm_ibin_imm(m, IBIN_SUB, NUM_I32, RAX, R12, 8))             // lea eax, [r12 - 8]
FORM(and_wide, masm_ibin_imm(m, IBIN_AND, NUM_I64, RDX, RDX, 0x7f))         // and edx, 127
FORM(mul_8, masm_ibin_imm(m, IBIN_MUL, NUM_I32, RDX, RDX, 8))               // shl edx, 3
FORM(mul_5, masm_ibin_imm(m, IBIN_MUL, NUM_I32, RDX, RSI, 5))               // lea edx, [rsi+rsi*4]
FORM(cmp_zero, masm_icmp_imm(m, NUM_I32, RDI, 0))                           // test edi, edi
FORM(test_one, masm_itest_imm(m, NUM_I64, RDX, 1))                          // test dl, 1
FORM(mov_zero, masm_mov_imm(m, NUM_I64, RDX, 0))                            // mov edx, 0
FORM(mov_negative, masm_mov_imm(m, NUM_I64, R9, (uint64_t) -1))             // mov r9, -1
FORM(slot_8, masm_load_slot(m, NUM_I32, RSI, (struct wj_slot){RSP, 8}))     // mov esi, [rsp + 8]
FORM(slot_r13, masm_load_slot(m, NUM_I64, RSI, (struct wj_slot){R13, 0}))   // mov rsi, [r13 + 0]
FORM(load, masm_load(m, LOAD_I32_8_U, RAX, (struct wj_addr){R15, RSI, 1}))  // movzx eax, byte ...
FORM(store, masm_store(m, STORE_I32_8, RSI, (struct wj_addr){R15, RDI, 0})) // mov [r15 + rdi], sil
FORM(fadd, masm_fbin(m, FBIN_ADD, NUM_F64, XMM9, XMM10, XMM1))              // vaddsd xmm9, ...
FORM(fadd_b, masm_fbin(m, FBIN_ADD, NUM_F32, XMM1, XMM2, XMM9))             // needs three bytes
FORM(fzero, masm_mov_fimm(m, NUM_F64, XMM9, 0))                 // vxorps xmm9, xmm0, xmm0
FORM(shift, masm_ibin(m, IBIN_SHL, NUM_I32, RAX, RSI, R8))      // shlx eax, esi, r8d
FORM(range, x64_evex_rr(m, EVEX_RANGESD, XMM15, XMM31, XMM9))   // vrangesd xmm15, xmm31, ...
FORM(range_b, x64_evex_rr(m, EVEX_RANGESS, XMM15, XMM30, XMM1)) // vrangess xmm15, xmm30, ...
FORM(evex_mov, x64_evex_rr(m, EVEX_MOVUPS, XMM31, 0, XMM15))    // vmovups xmm31, xmm15
FORM(evex_high, x64_evex_rr(m, EVEX_RANGESD, XMM0 + 28, XMM3, XMM0 + 20))
FORM(ret, masm_ret(m))
#undef FORM

static const struct form forms[] = {
    {"03c2", add_rr},
    {"8d0416", add_rrr},
    {"83c508", add_imm8},
    {"4983ec80", add_128},
    {"418d4424f8", lea_imm},
    {"83e27f", and_wide},
    {"c1e203", mul_8},
    {"8d14b6", mul_5},
    {"85ff", cmp_zero},
    {"f6c201", test_one},
    {"ba00000000", mov_zero},
    {"49c7c1ffffffff", mov_negative},
    {"8b742408", slot_8},
    {"498b7500", slot_r13},
    {"410fb6443701", load},
    {"4188343f", store},
    {"c52b58c9", fadd},
    {"c4c16a58c9", fadd_b},
    {"6253850051f9", range},
    {"62730d0051f9", range_b},
    {"62417c0810ff", evex_mov},
    {"6223e50851e4", evex_high},
    {"c57857c8", fzero},
    {"c4e239f7c6", shift},
    {"c3", ret},
};

static void test_forms(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (unsigned i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        wj_codebuf_begin(&run.m.buf, run.code, X64_RUN_BYTES, (uint64_t) (uintptr_t) run.code);
        forms[i].emit(&run.m);
        char text[64] = "";
        for (uint32_t k = 0; k < wj_codebuf_offset(&run.m.buf) && k < 30; k++) {
            snprintf(text + 2 * k, 3, "%02x", run.code[k]);
        }
        assert_string_equal(text, forms[i].bytes);
    }
    x64_run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
