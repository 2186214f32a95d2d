// How far AArch64 branches and literals reach: at the last distance and one instruction behind it,
// both ways, and with the islands that come between. The code is not run but followed, word by
// word, so that distances cost nothing; a64_run.c runs some of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "emit/a64_masm.h"
#include "oracle.h"

enum { MIB = 1 << 20, ROOM_BYTES = 300 * MIB };
#define ADDRESS UINT64_C(0x7000000000)

struct fixture {
    struct wj_masm m;
    uint8_t *code;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    // Only what is written takes memory.
    f->code = mmap(NULL, ROOM_BYTES, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(f->code != MAP_FAILED);
    wj_codebuf_init(&f->m.buf);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    wj_codebuf_clear(&f->m.buf);
    munmap(f->code, ROOM_BYTES);
    free(f);
    return 0;
}

static struct wj_masm *begin(struct fixture *f)
{
    wj_codebuf_begin(&f->m.buf, f->code, ROOM_BYTES, ADDRESS);
    f->m.pair_at = NULL;
    return &f->m;
}

static void expect_word(uint32_t word, uint32_t expected)
{
    assert_int_equal(word, expected);
}

static int64_t field(uint32_t word, unsigned at, unsigned bits)
{
    return (int64_t) ((uint64_t) word >> at << (64 - bits)) >> (64 - bits);
}

static bool is_branch26(uint32_t word)
{
    return (word & 0x7c000000u) == A64_B;
}

static bool is_branch19(uint32_t word)
{
    return (word & 0xff000010u) == A64_BCOND || (word & 0x7e000000u) == A64_CBZ;
}

static bool is_literal(uint32_t word)
{
    return (word & 0x3b000000u) == 0x18000000u;
}

// Where the instruction at a position leads.
static uint32_t target_of(const struct fixture *f, uint32_t position)
{
    uint32_t word = a64_get_at(&f->m.buf, position);
    if (is_branch26(word)) {
        return position + (uint32_t) (4 * field(word, 0, 26));
    }
    assert_true(is_branch19(word) || is_literal(word));
    return position + (uint32_t) (4 * field(word, 5, 19));
}

// The same, through the branch of an island.
static uint32_t end_of(const struct fixture *f, uint32_t position)
{
    uint32_t target = target_of(f, position);
    return is_branch26(a64_get_at(&f->m.buf, target)) ? target_of(f, target) : target;
}

// ---- Branches back ----------------------------------------------------------------------------

enum back { BACK_JCC, BACK_CBZ, BACK_CBNZ, BACK_COUNT };

static void emit_back(struct wj_masm *m, enum back kind, wj_label label)
{
    switch (kind) {
    case BACK_JCC: masm_jcc(m, COND_LT_S, label); break;
    case BACK_CBZ: masm_cbz(m, NUM_I64, true, 7, label); break;
    default: masm_cbz(m, NUM_I32, false, 7, label); break;
    }
}

static void test_back(void **state)
{
    struct fixture *f = *state;
    static const uint32_t distances[] = {0, 4, MIB - 4, MIB, MIB + 4, 2 * MIB, 100 * MIB};
    for (unsigned i = 0; i < sizeof distances / sizeof distances[0]; i++) {
        for (enum back kind = BACK_JCC; kind < BACK_COUNT; kind++) {
            struct wj_masm *m = begin(f);
            wj_label label = wj_codebuf_label(&m->buf);
            m->buf.cursor += 64;
            masm_bind(m, label);
            m->buf.cursor += distances[i];
            uint32_t at = wj_codebuf_offset(&m->buf);
            emit_back(m, kind, label);
            uint32_t size = wj_codebuf_offset(&m->buf) - at;
            uint32_t word = a64_get_at(&m->buf, at);
            assert_false(m->buf.overflow);
            assert_true(is_branch19(word));
            if (distances[i] <= MIB) {
                assert_int_equal(size, 4);
                assert_int_equal(target_of(f, at), 64);
            } else {
                // The opposite condition steps over a branch that reaches further.
                assert_int_equal(size, 8);
                assert_int_equal(target_of(f, at), at + 8);
                assert_int_equal(target_of(f, at + 4), 64);
            }
            begin(f);
            label = wj_codebuf_label(&m->buf);
            masm_bind(m, label);
            emit_back(m, kind, label);
            uint32_t near = a64_get_at(&m->buf, 0);
            const uint32_t opcode = 0xff00001fu;
            uint32_t inverse = kind == BACK_JCC ? 1u : 0x01000000u;
            expect_word(word & opcode, (near ^ (distances[i] <= MIB ? 0 : inverse)) & opcode);
        }
    }
}

static void test_jmp_back(void **state)
{
    struct fixture *f = *state;
    static const uint32_t distances[] = {0, MIB + 4, 128 * MIB - 4, 128 * MIB, 128 * MIB + 4};
    for (unsigned i = 0; i < sizeof distances / sizeof distances[0]; i++) {
        struct wj_masm *m = begin(f);
        wj_label label = wj_codebuf_label(&m->buf);
        masm_bind(m, label);
        m->buf.cursor += distances[i];
        uint32_t at = wj_codebuf_offset(&m->buf);
        masm_jmp(m, label);
        // Larger functions than that are refused.
        assert_int_equal(m->buf.overflow, distances[i] > 128 * MIB);
        if (!m->buf.overflow) {
            assert_int_equal(target_of(f, at), 0);
        }
    }
}

// ---- Branches forward -------------------------------------------------------------------------

static void test_forward(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint32_t distance;
        bool is_wide, fits;
    } cases[] = {
        {4, false, true},         {MIB - 4, false, true},
        {MIB, false, false},      {2 * MIB, false, false},
        {4, true, true},          {128 * MIB - 4, true, true},
        {128 * MIB, true, false}, {128 * MIB + 4, true, false},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wj_masm *m = begin(f);
        wj_label label = wj_codebuf_label(&m->buf);
        if (cases[i].is_wide) {
            masm_jmp(m, label);
        } else {
            masm_jcc(m, COND_EQ, label);
        }
        // Nobody asked for islands: what does not reach is found out.
        m->buf.cursor = m->buf.start + cases[i].distance;
        masm_bind(m, label);
        assert_int_equal(m->buf.overflow, !cases[i].fits);
        if (cases[i].fits) {
            assert_int_equal(target_of(f, 0), cases[i].distance);
        }
    }
}

// One conditional branch, trap or constant, then `distance` bytes of operations before the label:
// the island is there in time, and nowhere where none is needed.
static void one_with_islands(struct fixture *f, uint32_t distance, uint32_t step)
{
    static const uint8_t constant[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 99};
    struct wj_masm *m = begin(f);
    wj_label label = wj_codebuf_label(&m->buf);
    masm_jcc(m, COND_EQ, label);
    masm_trap_if(m, COND_NE, WJ_TRAP_INTEGER_OVERFLOW);
    masm_mov_vimm(m, WJ_VREG(5), constant);
    masm_mov_fimm(m, NUM_F64, WJ_VREG(6), UINT64_C(0x123456789abcdef0));
    while (wj_codebuf_offset(&m->buf) < distance) {
        masm_room(m);
        m->buf.cursor += step;
    }
    uint32_t end = wj_codebuf_offset(&m->buf);
    masm_bind(m, label);
    masm_finish(m);
    assert_false(m->buf.overflow);
    assert_int_equal(end_of(f, 0), end);
    if (distance < MIB / 2) {
        assert_int_equal(target_of(f, 0), end);
    }
    uint32_t trap = target_of(f, 4);
    expect_word(a64_get_at(&m->buf, trap), A64_UDF | WJ_TRAP_INTEGER_OVERFLOW);
    assert_int_equal(m->buf.trap_count, 1);
    assert_int_equal(m->buf.traps[0].code_offset, trap);
    uint32_t place = target_of(f, 8);
    assert_int_equal((ADDRESS + place) % 16, 0);
    assert_memory_equal(f->code + place, constant, 16);
    uint64_t bits;
    memcpy(&bits, f->code + target_of(f, 12), sizeof bits);
    assert_true(bits == UINT64_C(0x123456789abcdef0));
}

static void test_islands(void **state)
{
    static const uint32_t steps[] = {4, 64, WJ_CODEBUF_SLACK};
    for (unsigned i = 0; i < 3; i++) {
        for (int32_t around = -24; around <= 24; around++) {
            // Where the island becomes due, and where it would be too late.
            one_with_islands(*state, (uint32_t) (MIB - A64_REACH_MARGIN + around * 4), steps[i]);
            one_with_islands(*state, (uint32_t) (MIB + around * 4), steps[i]);
        }
        one_with_islands(*state, 1000, steps[i]);
        one_with_islands(*state, 5 * MIB, steps[i]);
    }
}

// ---- All at once ------------------------------------------------------------------------------

enum { SITES_MAX = 120000, LABELS = 400 };

struct site {
    uint32_t position;
    uint32_t expected; // label, trap, or number of the constant
    enum { SITE_BRANCH, SITE_TRAP, SITE_CONSTANT } kind;
};

static void make_constant(uint32_t number, uint8_t bytes[16])
{
    for (unsigned i = 0; i < 16; i++) {
        bytes[i] = (uint8_t) (number * 37 + i * i * 5 + (number >> 8) * 11 + 1);
    }
}

static void check_site(const struct fixture *f, const struct site *site)
{
    uint8_t bytes[16];
    uint32_t end;
    switch (site->kind) {
    case SITE_BRANCH:
        end = f->m.buf.labels[site->expected].position;
        if (end_of(f, site->position) != end) {
            assert_int_equal(target_of(f, site->position), end);
        }
        break;
    case SITE_TRAP:
        expect_word(a64_get_at(&f->m.buf, target_of(f, site->position)), A64_UDF | site->expected);
        break;
    case SITE_CONSTANT:
        make_constant(site->expected, bytes);
        assert_memory_equal(f->code + target_of(f, site->position), bytes, 16);
        break;
    }
}

// A function of 8 MiB with more pending than ever: labels that are bound 0 to 4 MiB later, traps,
// constants of which many are the same.
static void test_random(void **state)
{
    struct fixture *f = *state;
    static struct site sites[SITES_MAX];
    uint64_t seed = 7;
    struct wj_masm *m = begin(f);
    wj_label labels[LABELS];
    uint32_t due[LABELS], count = 0;
    for (unsigned i = 0; i < LABELS; i++) {
        labels[i] = wj_codebuf_label(&m->buf);
        due[i] = (uint32_t) (oracle_random(&seed) >> 33) % (4 * MIB);
    }
    while (wj_codebuf_offset(&m->buf) < 8 * MIB && count < SITES_MAX) {
        masm_room(m);
        uint32_t random = (uint32_t) (oracle_random(&seed) >> 32), i = random % LABELS;
        if (due[i] < wj_codebuf_offset(&m->buf)) {
            masm_bind(m, labels[i]);
            labels[i] = wj_codebuf_label(&m->buf);
            due[i] = wj_codebuf_offset(&m->buf) + (random >> 9) % (4 * MIB);
        }
        uint8_t bytes[16];
        m->wasm_offset = random >> 20;
        struct site *site = &sites[count++];
        switch (random >> 9 & 3) {
        case 0:
            masm_jcc(m, COND_GT_U, labels[i]);
            *site = (struct site){0, labels[i], SITE_BRANCH};
            break;
        case 1:
            masm_cbz(m, NUM_I64, true, 3, labels[i]);
            *site = (struct site){0, labels[i], SITE_BRANCH};
            break;
        case 2:
            masm_trap_if(m, COND_EQ, (enum wj_trap_kind)(1 + i % 12));
            *site = (struct site){0, 1 + i % 12, SITE_TRAP};
            break;
        default:
            make_constant(i, bytes);
            masm_mov_vimm(m, WJ_VREG(9), bytes);
            *site = (struct site){0, i, SITE_CONSTANT};
            break;
        }
        site->position = wj_codebuf_offset(&m->buf) - 4;
        m->buf.cursor += (random >> 12 & 63) * 8;
    }
    for (unsigned i = 0; i < LABELS; i++) {
        masm_bind(m, labels[i]);
    }
    masm_finish(m);
    assert_false(m->buf.overflow);
    assert_true(count > 30000 || wj_codebuf_offset(&m->buf) >= 8 * MIB);
    for (uint32_t i = 0; i < count; i++) {
        check_site(f, &sites[i]);
    }
    for (uint32_t i = 1; i < m->buf.trap_count; i++) {
        assert_true(m->buf.traps[i - 1].code_offset < m->buf.traps[i].code_offset);
    }
}

// As many fix-ups as there are instructions: what an island adds to the distance counts.
static void test_dense(void **state)
{
    struct fixture *f = *state;
    static struct site sites[SITES_MAX];
    for (unsigned trap_in = 1; trap_in <= 3; trap_in++) {
        struct wj_masm *m = begin(f);
        for (uint32_t i = 0; i < SITES_MAX; i++) {
            masm_room(m);
            m->wasm_offset = i;
            if (i % trap_in == trap_in - 1 && trap_in != 3) {
                masm_trap_if(m, COND_EQ, WJ_TRAP_INTEGER_OVERFLOW);
                sites[i] = (struct site){0, WJ_TRAP_INTEGER_OVERFLOW, SITE_TRAP};
            } else {
                uint8_t bytes[16];
                make_constant(i, bytes);
                masm_mov_vimm(m, WJ_VREG(9), bytes);
                sites[i] = (struct site){0, i, SITE_CONSTANT};
            }
            sites[i].position = wj_codebuf_offset(&m->buf) - 4;
        }
        masm_finish(m);
        assert_false(m->buf.overflow);
        for (uint32_t i = 0; i < SITES_MAX; i++) {
            check_site(f, &sites[i]);
        }
    }
}

// ---- Addresses --------------------------------------------------------------------------------

// What x16 holds after adrp x16; add x16, x16, #low, or after the ldr in place of the add: the
// address that is read.
static uint64_t page_target(const struct fixture *f, uint32_t at)
{
    uint32_t adrp = a64_get_at(&f->m.buf, at), low = a64_get_at(&f->m.buf, at + 4);
    expect_word(adrp & 0x9f00001fu, A64_ADRP | A64_TMP);
    int64_t pages = field(adrp, 5, 19) * 4 + (adrp >> 29 & 3);
    uint64_t page = ((ADDRESS + at) & ~UINT64_C(0xfff)) + (uint64_t) (pages * 4096);
    bool is_load = (low & 0xffc00000u) == ((uint32_t) A64_LDR_X | A64_FORM_SCALED);
    if (!is_load) {
        expect_word(low & 0xffc003ffu, A64_ADD_IMM | 0x80000000u | A64_TMP << 5 | A64_TMP);
    }
    return page + (uint64_t) (low >> 10 & 0xfff) * (is_load ? 8 : 1);
}

static void test_addresses(void **state)
{
    struct fixture *f = *state;
    static const int64_t deltas[] = {
        0,
        4,
        -4,
        128 * MIB - 4,
        128 * MIB,
        128 * MIB + 4,
        -128 * (int64_t) MIB,
        -128 * (int64_t) MIB - 4,
        (INT64_C(1) << 32) - 8192,
        -(INT64_C(1) << 32) + 8192,
    };
    for (unsigned i = 0; i < 2 * sizeof deltas / sizeof deltas[0]; i++) {
        int64_t delta = deltas[i / 2];
        bool is_call = i % 2 != 0, is_near = delta >= -128 * (int64_t) MIB && delta < 128 * MIB;
        struct wj_masm *m = begin(f);
        uint64_t target = ADDRESS + (uint64_t) delta;
        if (is_call) {
            masm_call_addr(m, target);
        } else {
            masm_jmp_addr(m, target);
        }
        assert_false(m->buf.overflow);
        uint32_t size = wj_codebuf_offset(&m->buf);
        assert_int_equal(size, is_near ? 4 : 12);
        if (is_near) {
            uint32_t word = a64_get_at(&m->buf, 0);
            expect_word(word & 0xfc000000u, is_call ? A64_BL : A64_B);
            assert_true(4 * field(word, 0, 26) == delta);
        } else {
            assert_true(page_target(f, 0) == target);
            expect_word(a64_get_at(&m->buf, 8),
                        (is_call ? A64_BLR : A64_BR) | (uint32_t) A64_TMP << 5);
        }
    }
    // 4 GiB is what a page relative to the next can be; a region is smaller.
    begin(f);
    masm_call_addr(&f->m, ADDRESS + (UINT64_C(1) << 32));
    assert_true(f->m.buf.overflow);
    begin(f);
    masm_call_addr(&f->m, ADDRESS - (UINT64_C(1) << 32) - 4096);
    assert_true(f->m.buf.overflow);
}

static void test_table_entries(void **state)
{
    struct fixture *f = *state;
    static const int64_t deltas[] = {8,    -8,       MIB - 8,       MIB,
                                     -MIB, -MIB - 8, 200 * MIB + 8, -(INT64_C(1) << 31)};
    for (unsigned i = 0; i < sizeof deltas / sizeof deltas[0]; i++) {
        struct wj_masm *m = begin(f);
        bool is_near = deltas[i] >= -MIB && deltas[i] < MIB;
        masm_call_table(m, ADDRESS + (uint64_t) deltas[i]);
        uint32_t size = wj_codebuf_offset(&m->buf);
        assert_int_equal(size, is_near ? 8 : 12);
        if (is_near) {
            uint32_t word = a64_get_at(&m->buf, 0);
            expect_word(word & 0xff00001fu, A64_LDR_LIT_X | A64_TMP);
            assert_true(4 * field(word, 5, 19) == deltas[i]);
        } else {
            assert_true(page_target(f, 0) == ADDRESS + (uint64_t) deltas[i]);
        }
        expect_word(a64_get_at(&m->buf, size - 4), A64_BLR | (uint32_t) A64_TMP << 5);
    }
}

// ---- Landing pads -----------------------------------------------------------------------------

// What code jumps to by a register begins with a landing pad: functions and stubs, and the entries
// of jump tables. (Returns need none.)
static void test_landing_pads(void **state)
{
    struct fixture *f = *state;
    const struct wj_stub_layout layout = {8, 16, 24, 32, 40, 48, ADDRESS, 1, 2};
    struct wj_masm *m = begin(f);
    uint32_t starts[10], count = 0;
    starts[count++] = wj_codebuf_offset(&m->buf);
    masm_prologue(m, 0);
    starts[count++] = wj_codebuf_offset(&m->buf);
    masm_prologue(m, 1000000);
    starts[count++] = wj_codebuf_offset(&m->buf);
    masm_enter_begin(m, 64, &layout);
    starts[count++] = wj_codebuf_offset(&m->buf);
    masm_stub_unwind(m, &layout);
    starts[count++] = wj_codebuf_offset(&m->buf);
    masm_stub_call_c(m, &layout);
    starts[count++] = wj_codebuf_offset(&m->buf);
    masm_stub_lazy(m, false, &layout);
    starts[count++] = wj_codebuf_offset(&m->buf);
    masm_stub_lazy(m, true, &layout);
    starts[count++] = wj_codebuf_offset(&m->buf);
    masm_stub_tail_room(m, ADDRESS);
    starts[count++] = wj_codebuf_offset(&m->buf);
    masm_stub_tail_return(m, 64);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t word = a64_get_at(&m->buf, starts[i]);
        assert_true(word == (uint32_t) A64_BTI_C || word == (uint32_t) A64_BTI_JC);
    }
    wj_label labels[50];
    for (unsigned i = 0; i < 50; i++) {
        labels[i] = wj_codebuf_label(&m->buf);
    }
    masm_jump_table(m, 3, labels, 50);
    uint32_t first = wj_codebuf_offset(&m->buf) - 50 * 8;
    for (unsigned i = 0; i < 50; i++) {
        expect_word(a64_get_at(&m->buf, first + 8 * i), A64_BTI_J);
        assert_true(is_branch26(a64_get_at(&m->buf, first + 8 * i + 4)));
        masm_bind(m, labels[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_jmp_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forward, setup, teardown),
        cmocka_unit_test_setup_teardown(test_islands, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dense, setup, teardown),
        cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_table_entries, setup, teardown),
        cmocka_unit_test_setup_teardown(test_landing_pads, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
