// Memory verbs of the x86-64 target: slots, loads, stores, lanes, atomics.
#include "x64_harness.h"

// Forms of an address: everything that may be in one, and what the base is less than the place.
struct form {
    struct wj_addr addr;
    uint64_t index_value;
};

static const struct form forms[] = {
    {{R15, RSI, 0}, 0x40},
    {{R15, RSI, 100}, 0xffffffff},
    {{R15, RBP, 0x7fffffff}, 0xfffffff0},
    {{R15, R12, 0x80000000}, 0x1234},
    {{R13, R13, 8}, 0}, // base and index are the same: index_value is not used
    {{R13, R9, 0xffffffffff}, 0x1122334455},
    {{R15, WJ_REG_NONE, 0}, 0},
    {{R12, WJ_REG_NONE, 0x77777777777}, 0},
    {{RBP, WJ_REG_NONE, 0}, 0},
};
enum { FORMS = sizeof forms / sizeof forms[0], PLACE = 64 };

static void set_address(struct x64_run *run, const struct form *form)
{
    uint64_t place = (uint64_t) (uintptr_t) (run->after.memory + PLACE) - form->addr.offset;
    if (form->addr.index == form->addr.base) {
        // Half of an odd address cannot be: the memory lies at a multiple of eight.
        run->before.gpr[form->addr.base] = place / 2;
        return;
    }
    if (form->addr.index != WJ_REG_NONE) {
        run->before.gpr[form->addr.index] = form->index_value;
        place -= form->index_value;
    }
    run->before.gpr[form->addr.base] = place;
}

struct load {
    enum wj_num num;
    unsigned bytes;
    bool is_signed;
};

static const struct load loads[] = {
    [LOAD_I32] = {NUM_I32, 4, false},     [LOAD_I64] = {NUM_I64, 8, false},
    [LOAD_F32] = {NUM_F32, 4, false},     [LOAD_F64] = {NUM_F64, 8, false},
    [LOAD_I32_8_S] = {NUM_I32, 1, true},  [LOAD_I32_8_U] = {NUM_I32, 1, false},
    [LOAD_I32_16_S] = {NUM_I32, 2, true}, [LOAD_I32_16_U] = {NUM_I32, 2, false},
    [LOAD_I64_8_S] = {NUM_I64, 1, true},  [LOAD_I64_8_U] = {NUM_I64, 1, false},
    [LOAD_I64_16_S] = {NUM_I64, 2, true}, [LOAD_I64_16_U] = {NUM_I64, 2, false},
    [LOAD_I64_32_S] = {NUM_I64, 4, true}, [LOAD_I64_32_U] = {NUM_I64, 4, false},
};

static uint64_t low_bytes(uint64_t bits, unsigned bytes)
{
    return bytes == 8 ? bits : bits & (((uint64_t) 1 << 8 * bytes) - 1);
}

static const uint64_t values[] = {0x8899aabbccddeeff, 0x7f6e5d4c3b2a1908, 0xffffffffffff7f80};

static void test_scalar_loads(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (int op = LOAD_I32; op <= LOAD_I64_32_U; op++) {
        for (unsigned f = 0; f < FORMS; f++) {
            struct load l = loads[op];
            // The destination may be part of the address.
            wj_reg d = l.num >= NUM_F32 ? XMM9 : f & 1 ? RSI : R10;
            struct wj_masm *m = x64_run_begin(&run);
            if (f % 3 == 2) {
                masm_atomic_load(m, (enum wj_load_op) op, d, forms[f].addr);
            } else {
                masm_load(m, (enum wj_load_op) op, d, forms[f].addr);
            }
            x64_run_end(&run);
            for (unsigned i = 0; i < 3; i++) {
                memcpy(run.before.memory + PLACE, &values[i], 8);
                set_address(&run, &forms[f]);
                x64_run_go(&run);
                uint64_t expected = low_bytes(values[i], l.bytes);
                if (l.is_signed) {
                    unsigned unused_bits = 64 - 8 * l.bytes;
                    expected = (uint64_t) ((int64_t) (expected << unused_bits) >> unused_bits);
                }
                assert_int_equal(x64_get(&run, l.num, d), oracle_wrap(l.num, expected));
                x64_run_check_kept(&run, X64_BIT(d));
            }
        }
    }
    x64_run_clear(&run);
}

static void expected_vector_load(enum wj_load_op op, const uint8_t p[16], uint8_t v[16])
{
    static const uint8_t wide[] = {SHAPE_I16X8, SHAPE_I16X8, SHAPE_I32X4,
                                   SHAPE_I32X4, SHAPE_I64X2, SHAPE_I64X2};
    memset(v, 0, 16);
    if (op == LOAD_V128) {
        memcpy(v, p, 16);
    } else if (op <= LOAD_V128_32X2_U) {
        unsigned k = (unsigned) op - LOAD_V128_8X8_S;
        oracle_vun(k & 1 ? VUN_EXTEND_LOW_U : VUN_EXTEND_LOW_S, (enum wj_shape) wide[k], v, p);
    } else if (op <= LOAD_V128_64_SPLAT) {
        unsigned bytes = 1u << (op - LOAD_V128_8_SPLAT);
        for (unsigned i = 0; i < 16; i++) {
            v[i] = p[i % bytes];
        }
    } else {
        memcpy(v, p, op == LOAD_V128_32_ZERO ? 4 : 8);
    }
}

static void test_vector_loads(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (int op = LOAD_V128; op <= LOAD_V128_64_ZERO; op++) {
        for (unsigned f = 0; f < FORMS; f++) {
            wj_reg d = f & 1 ? XMM12 : XMM3;
            masm_load(x64_run_begin(&run), (enum wj_load_op) op, d, forms[f].addr);
            x64_run_end(&run);
            uint8_t expected[16];
            oracle_vector(SHAPE_I8X16, f + 3, run.before.memory + PLACE);
            set_address(&run, &forms[f]);
            x64_run_go(&run);
            expected_vector_load((enum wj_load_op) op, run.before.memory + PLACE, expected);
            assert_memory_equal(run.after.vec[d & 15], expected, 16);
            x64_run_check_kept(&run, X64_BIT(d));
        }
    }
    x64_run_clear(&run);
}

static unsigned store_bytes(enum wj_store_op op)
{
    static const uint8_t bytes[] = {4, 8, 4, 8, 1, 2, 1, 2, 4, 16};
    return bytes[op];
}

// Only the bytes at the place changed, and they are these.
static void check_memory(const struct x64_run *run, const void *bytes, unsigned count)
{
    uint8_t expected[sizeof run->before.memory];
    memcpy(expected, run->before.memory, sizeof expected);
    memcpy(expected + PLACE, bytes, count);
    assert_memory_equal(run->after.memory, expected, sizeof expected);
    x64_run_check_kept(run, 0);
}

static void test_stores(void **unused)
{
    (void) unused;
    static const wj_reg sources[] = {RDI, RAX, R14, R8, RSI};
    struct x64_run run;
    x64_run_init(&run);
    for (int op = STORE_I32; op <= STORE_V128; op++) {
        bool is_vec = op == STORE_F32 || op == STORE_F64 || op == STORE_V128;
        for (unsigned f = 0; f < FORMS; f++) {
            for (unsigned k = 0; k < 5; k++) {
                wj_reg s = is_vec ? XMM5 + (k & 1) * 4 : sources[k];
                struct wj_masm *m = x64_run_begin(&run);
                if (!is_vec && k == 2) {
                    masm_atomic_store(m, (enum wj_store_op) op, s, forms[f].addr);
                } else {
                    masm_store(m, (enum wj_store_op) op, s, forms[f].addr);
                }
                x64_run_end(&run);
                set_address(&run, &forms[f]);
                x64_run_go(&run);
                const void *bytes =
                    is_vec ? (const void *) run.before.vec[s & 15] : &run.before.gpr[s];
                check_memory(&run, bytes, store_bytes((enum wj_store_op) op));
            }
            for (unsigned k = 0; k < 3 && !is_vec; k++) {
                masm_store_imm(x64_run_begin(&run), (enum wj_store_op) op, values[k],
                               forms[f].addr);
                x64_run_end(&run);
                set_address(&run, &forms[f]);
                x64_run_go(&run);
                check_memory(&run, &values[k], store_bytes((enum wj_store_op) op));
            }
        }
    }
    x64_run_clear(&run);
}

static void test_lane_memory(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (unsigned k = 0; k < 6 * 16 * FORMS; k++) {
        enum wj_shape shape = (enum wj_shape)(k % 6);
        unsigned lane = k / 6 % 16, bytes = oracle_lane_bytes(shape);
        const struct form *form = &forms[k / 96];
        wj_reg v = k & 1 ? XMM10 : XMM2, d = k & 2 ? v : XMM12;
        if (lane >= 16 / bytes) {
            continue;
        }
        masm_load_lane(x64_run_begin(&run), shape, lane, d, v, form->addr);
        x64_run_end(&run);
        set_address(&run, form);
        x64_run_go(&run);
        uint8_t expected[16];
        memcpy(expected, run.before.vec[v & 15], 16);
        memcpy(expected + lane * bytes, run.before.memory + PLACE, bytes);
        assert_memory_equal(run.after.vec[d & 15], expected, 16);
        masm_store_lane(x64_run_begin(&run), shape, lane, v, form->addr);
        x64_run_end(&run);
        x64_run_go(&run);
        check_memory(&run, run.before.vec[v & 15] + lane * bytes, bytes);
    }
    x64_run_clear(&run);
}

static uint64_t rmw(enum wj_rmw op, uint64_t old, uint64_t s)
{
    switch (op) {
    case RMW_ADD: return old + s;
    case RMW_SUB: return old - s;
    case RMW_AND: return old & s;
    case RMW_OR: return old | s;
    case RMW_XOR: return old ^ s;
    case RMW_XCHG:
    case RMW_CMPXCHG: break;
    }
    return s;
}

static void test_atomic_rmw(void **unused)
{
    (void) unused;
    static const wj_reg sources[] = {RDI, R14, RSI};
    struct x64_run run;
    x64_run_init(&run);
    for (unsigned k = 0; k < 6 * 8 * FORMS; k++) {
        enum wj_rmw op = (enum wj_rmw)(k % 6);
        unsigned log2 = k / 6 % 4, f = k / 48;
        enum wj_num num = k / 24 & 1 ? NUM_I64 : NUM_I32;
        wj_reg s = sources[k % 3];
        if (log2 == 3 && num == NUM_I32) {
            continue;
        }
        masm_atomic_rmw(x64_run_begin(&run), op, num, log2, RAX, s, forms[f].addr);
        x64_run_end(&run);
        for (unsigned i = 0; i < 3; i++) {
            memcpy(run.before.memory + PLACE, &values[i], 8);
            run.before.gpr[s] = oracle_wrap(num, values[(i + 1) % 3]);
            set_address(&run, &forms[f]);
            uint64_t operand = run.before.gpr[s], new = rmw(op, values[i], operand);
            x64_run_go(&run);
            assert_int_equal(run.after.gpr[RAX], low_bytes(values[i], 1u << log2));
            assert_memory_equal(run.after.memory + PLACE, &new, 1u << log2);
            assert_memory_equal(run.after.memory + PLACE + (1u << log2),
                                run.before.memory + PLACE + (1u << log2), 16);
            x64_run_check_kept(&run, X64_BIT(RAX));
        }
    }
    x64_run_clear(&run);
}

static void test_atomic_cmpxchg(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (unsigned k = 0; k < 4 * FORMS * 2; k++) {
        unsigned log2 = k % 4, f = k / 4 % FORMS;
        wj_reg expected = k / (4 * FORMS) ? RAX : R14;
        masm_atomic_cmpxchg(x64_run_begin(&run), NUM_I64, log2, RAX, expected, RDI, forms[f].addr);
        x64_run_end(&run);
        for (unsigned i = 0; i < 6; i++) {
            uint64_t old = values[i % 3], mask = low_bytes(UINT64_MAX, 1u << log2);
            memcpy(run.before.memory + PLACE, &old, 8);
            // The right value, with other bits above those that count; or a wrong one.
            run.before.gpr[expected] = i < 3 ? old ^ (~mask & 0x5555000000005500) : old ^ 1;
            run.before.gpr[RDI] = values[(i + 1) % 3];
            set_address(&run, &forms[f]);
            x64_run_go(&run);
            uint64_t new = i < 3 ? run.before.gpr[RDI] : old;
            assert_int_equal(run.after.gpr[RAX], old & mask);
            assert_memory_equal(run.after.memory + PLACE, &new, 1u << log2);
            x64_run_check_kept(&run, X64_BIT(RAX));
        }
    }
    x64_run_clear(&run);
}

static void test_check_align(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (unsigned log2 = 0; log2 < 4; log2++) {
        for (unsigned offset = 0; offset < 9; offset++) {
            struct wj_masm *m = x64_run_begin(&run);
            m->wasm_offset = 9;
            uint64_t large = offset + (offset == 4 ? 0x100000000u : 0);
            masm_addr_check_align(m, (struct wj_addr){R15, RSI, large}, log2);
            masm_addr_check_align(m, (struct wj_addr){R14, WJ_REG_NONE, large}, log2);
            x64_run_end(&run);
            for (uint64_t index = 0; index < 16; index++) {
                run.before.gpr[R15] = 0x123450;
                run.before.gpr[RSI] = index;
                run.before.gpr[R14] = 0x123450 + index;
                x64_run_go(&run);
                bool is_aligned = ((index + offset) & ((1u << log2) - 1)) == 0;
                assert_int_equal(run.trap, is_aligned ? WJ_TRAP_NONE : WJ_TRAP_UNALIGNED_ATOMIC);
            }
        }
    }
    masm_fence(x64_run_begin(&run));
    x64_run_end(&run);
    x64_run_go(&run);
    x64_run_clear(&run);
}

static void test_slots(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (unsigned k = 0; k < 5 * 4; k++) {
        static const wj_reg bases[] = {RBP, R12, R13, RSI};
        enum wj_num num = (enum wj_num)(k % 5);
        static const uint8_t sizes[] = {4, 8, 4, 8, 16};
        wj_reg base = bases[k / 5], r = num <= NUM_I64 ? R9 : XMM9, r2 = num <= NUM_I64 ? R8 : XMM1;
        struct wj_masm *m = x64_run_begin(&run);
        masm_load_slot(m, num, r, (struct wj_slot){base, 8});
        masm_store_slot(m, num, r2, (struct wj_slot){base, PLACE});
        masm_lea_slot(m, R10, (struct wj_slot){base, 1000});
        x64_run_end(&run);
        run.before.gpr[base] = (uint64_t) (uintptr_t) run.after.memory;
        x64_run_go(&run);
        uint64_t expected = 0;
        memcpy(&expected, run.before.memory + 8, sizes[num] > 8 ? 8 : sizes[num]);
        if (num <= NUM_I64) {
            assert_int_equal(run.after.gpr[r], expected);
        } else {
            assert_memory_equal(run.after.vec[r & 15], run.before.memory + 8, sizes[num]);
        }
        const void *bytes =
            num <= NUM_I64 ? (const void *) &run.before.gpr[r2] : run.before.vec[r2 & 15];
        assert_memory_equal(run.after.memory + PLACE, bytes, sizes[num]);
        assert_memory_equal(run.after.memory + PLACE + sizes[num],
                            run.before.memory + PLACE + sizes[num], 32);
        assert_int_equal(run.after.gpr[R10], run.before.gpr[base] + 1000);
        for (unsigned i = 0; i < 3 && num != NUM_V128; i++) {
            uint64_t bits = i == 0 ? 5 : values[i];
            masm_store_slot_imm(x64_run_begin(&run), num, bits, (struct wj_slot){base, PLACE});
            x64_run_end(&run);
            x64_run_go(&run);
            check_memory(&run, &bits, sizes[num]);
        }
    }
    x64_run_clear(&run);
}

static void test_moves(void **unused)
{
    (void) unused;
    struct x64_run run;
    x64_run_init(&run);
    for (unsigned i = 0; i < ORACLE_INT_COUNT; i++) {
        struct wj_masm *m = x64_run_begin(&run);
        masm_icmp(m, NUM_I64, RSI, RSI); // the flags stay
        masm_mov_imm(m, NUM_I64, R13, ORACLE_INTS[i]);
        masm_mov_imm(m, NUM_I64, RDX, ORACLE_INTS[i]);
        masm_mov_imm(m, NUM_I32, RDI, ORACLE_INTS[i]);
        masm_mov(m, NUM_I64, R8, R13);
        masm_mov(m, NUM_I32, R9, RSI);
        masm_mov(m, NUM_V128, XMM9, XMM1);
        masm_mov(m, NUM_F32, XMM3, XMM8);
        masm_setcc(m, COND_EQ, R14);
        x64_run_end(&run);
        x64_run_go(&run);
        assert_int_equal(run.after.gpr[R13], ORACLE_INTS[i]);
        assert_int_equal(run.after.gpr[RDX], ORACLE_INTS[i]);
        assert_int_equal(run.after.gpr[RDI], (uint32_t) ORACLE_INTS[i]);
        assert_int_equal(run.after.gpr[R8], ORACLE_INTS[i]);
        assert_int_equal(run.after.gpr[R9], (uint32_t) run.before.gpr[RSI]);
        assert_memory_equal(run.after.vec[9], run.before.vec[1], 16);
        assert_memory_equal(run.after.vec[3], run.before.vec[8], 4);
        assert_int_equal(run.after.gpr[R14], 1);
    }
    x64_run_clear(&run);
}

// On the stack that the verb's frame would be: 4 KiB, filled, cleared in part, counted.
static void test_zero_slots(void **unused)
{
    (void) unused;
    enum { FRAME = 4096, AT = 256 };
    struct x64_run run;
    x64_run_init(&run);
    for (uint32_t size = 8; size < 3000; size += size < 400 ? 8 : 152) {
        struct wj_masm *m = x64_run_begin(&run);
        x64_alu_imm(m, ALU_SUB, X64_W, RSP, FRAME);
        for (int32_t at = 0; at < FRAME; at += 8) {
            x64_store_imm(m, true, 1, x64_at(RSP, at));
        }
        masm_zero_slots(m, AT, size);
        // rdi: how many are left, rsi: how many of those inside.
        x64_mov_imm(m, RDI, 0);
        x64_mov_imm(m, RSI, 0);
        for (int32_t at = 0; at < FRAME; at += 8) {
            bool is_inside = at >= AT && at < AT + (int32_t) size;
            x64_alu_mem(m, ALU_ADD, X64_W, is_inside ? RSI : RDI, x64_at(RSP, at));
        }
        x64_alu_imm(m, ALU_ADD, X64_W, RSP, FRAME);
        x64_run_end(&run);
        x64_run_go(&run);
        assert_int_equal(run.after.gpr[RSI], 0);
        assert_int_equal(run.after.gpr[RDI], (FRAME - size) / 8);
        x64_run_check_kept(&run, X64_BIT(RSI) | X64_BIT(RDI) | X64_BIT(RAX) | X64_BIT(RDX) |
                                     X64_BIT(R10));
    }
    x64_run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalar_loads), cmocka_unit_test(test_vector_loads),
        cmocka_unit_test(test_stores),       cmocka_unit_test(test_lane_memory),
        cmocka_unit_test(test_atomic_rmw),   cmocka_unit_test(test_atomic_cmpxchg),
        cmocka_unit_test(test_check_align),  cmocka_unit_test(test_slots),
        cmocka_unit_test(test_moves),        cmocka_unit_test(test_zero_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
