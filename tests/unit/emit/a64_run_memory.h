// Moves, slots, linear memory and atomics.
#ifndef TESTS_EMIT_A64_RUN_MEMORY_H
#define TESTS_EMIT_A64_RUN_MEMORY_H

#include "a64_harness.h"
#include "a64_run_simd.h"
#include "oracle_simd.h"

static void test_moves(void)
{
    uint64_t state = 3;
    for (unsigned i = 0; i < 400; i++) {
        uint64_t bits = i < ORACLE_INT_COUNT ? ORACLE_INTS[i] : oracle_random(&state);
        if (i >= 200) {
            bits &= ~(UINT64_C(0xffff) << (i % 4 * 16)); // halves of zeros and ones
            bits |= i % 3 == 0 ? UINT64_C(0xffff) << (i / 4 % 4 * 16) : 0;
        }
        uint8_t vector[16];
        for (unsigned k = 0; k < 16; k++) {
            vector[k] = (uint8_t) (i % 3 == 0   ? oracle_random(&state)
                                   : i % 3 == 1 ? i
                                                : (i >> (k & 7) & 1) * 255);
        }
        struct code_case c;
        struct wj_masm *m = case_begin(&c);
        masm_icmp(m, NUM_I64, 1, 1);
        masm_mov_imm(m, NUM_I32, 2, bits);
        masm_mov_imm(m, NUM_I64, 3, bits);
        masm_mov_fimm(m, NUM_F32, WJ_VREG(2), bits);
        masm_mov_fimm(m, NUM_F64, WJ_VREG(3), bits);
        masm_mov_vimm(m, WJ_VREG(4), vector);
        masm_mov(m, NUM_I32, 4, 3);
        masm_mov(m, NUM_I64, 5, 3);
        masm_mov(m, NUM_F64, WJ_VREG(5), WJ_VREG(3));
        masm_mov(m, NUM_V128, WJ_VREG(6), WJ_VREG(4));
        masm_setcc(m, COND_EQ, 6); // the flags are kept
        case_end(&c);
        struct io io;
        io_fill(&io);
        case_run(&c, &io);
        check(io.out.x[2] == (uint32_t) bits && io.out.x[3] == bits, "mov_imm");
        check(io.out.v[2].u32[0] == (uint32_t) bits, "mov_fimm of f32");
        check(io.out.v[3].u64[0] == bits && io.out.v[5].u64[0] == bits, "mov_fimm of f64");
        check(memcmp(&io.out.v[4], vector, 16) == 0, "mov_vimm");
        check(memcmp(&io.out.v[6], vector, 16) == 0, "mov of v128");
        check(io.out.x[4] == (uint32_t) bits && io.out.x[5] == bits, "mov");
        check(io.out.x[6] == 1, "moves keep flags");
        case_clear(&c);
    }
    for (unsigned imm = 0; imm < 256; imm++) { // the floats that fmov makes, and their neighbours
        uint32_t bits32 = (imm & 0x80) << 24 | ((imm & 0x40) != 0 ? 0x3e000000u : 0x40000000u) |
                          (imm & 0x3f) << 19;
        struct code_case c;
        struct wj_masm *m = case_begin(&c);
        masm_mov_fimm(m, NUM_F32, WJ_VREG(2), bits32);
        masm_mov_fimm(m, NUM_F32, WJ_VREG(3), bits32 ^ 0x40000);
        double value = (double) oracle_f32(bits32);
        masm_mov_fimm(m, NUM_F64, WJ_VREG(4), oracle_bits64(value));
        case_end(&c);
        struct io io;
        io_fill(&io);
        case_run(&c, &io);
        check(io.out.v[2].u32[0] == bits32 && io.out.v[3].u32[0] == (bits32 ^ 0x40000), "fmov f32");
        check(io.out.v[4].f64[0] == value, "fmov f64");
        case_clear(&c);
    }
}

static const int32_t DISPLACEMENTS[] = {
    0,     4,     8,     16,    1,       7,     255,    256,    257,   -1,
    -8,    -255,  -256,  -257,  4095,    4096,  8192,   16380,  16384, 32760,
    32768, 65520, 65536, 70000, 1000000, -5000, -70000, 999999,
};
enum { DISPLACEMENT_COUNT = sizeof DISPLACEMENTS / sizeof DISPLACEMENTS[0], ARENA = 4 << 20 };

static void test_slots(uint8_t *arena)
{
    for (unsigned i = 0; i < DISPLACEMENT_COUNT; i++) {
        struct wj_slot slot = {1, DISPLACEMENTS[i]};
        uint8_t *place = arena + ARENA / 2 + slot.disp;
        for (enum wj_num num = NUM_I32; num <= NUM_V128; num++) {
            bool is_vector = num >= NUM_F32;
            size_t size = num == NUM_I32 || num == NUM_F32 ? 4 : num == NUM_V128 ? 16 : 8;
            uint64_t bits = i % 3 == 0 ? 0 : UINT64_C(0x1122334455667788) * (i + 1);
            struct code_case c;
            struct wj_masm *m = case_begin(&c);
            masm_icmp(m, NUM_I64, 1, 1);
            masm_load_slot(m, num, is_vector ? WJ_VREG(2) : 2, slot);
            masm_store_slot(m, num, is_vector ? WJ_VREG(3) : 3, slot);
            masm_lea_slot(m, 4, slot);
            masm_lea_slot(m, 6, slot);
            masm_setcc(m, COND_EQ, 5);
            case_end(&c);
            struct io io;
            io_fill(&io);
            io.in.x[1] = (uint64_t) (uintptr_t) (arena + ARENA / 2);
            for (unsigned k = 0; k < 32; k++) {
                place[(int) k - 8] = (uint8_t) (k * 7 + i);
            }
            uint8_t before[32];
            memcpy(before, place - 8, 32);
            case_run(&c, &io);
            const uint8_t *loaded = is_vector ? io.out.v[2].u8 : (const uint8_t *) &io.out.x[2];
            const uint8_t *stored = is_vector ? io.in.v[3].u8 : (const uint8_t *) &io.in.x[3];
            check(memcmp(loaded, before + 8, size) == 0, "load_slot");
            check(is_vector || size == 8 || io.out.x[2] >> 32 == 0, "load_slot zero-extends");
            check(memcmp(place, stored, size) == 0, "store_slot");
            memcpy(before + 8, place, size);
            check(memcmp(before, place - 8, 32) == 0, "store_slot beyond its place");
            check(io.out.x[4] == (uint64_t) (uintptr_t) place && io.out.x[5] == 1, "lea_slot");
            case_clear(&c);
            if (num <= NUM_I64) {
                m = case_begin(&c);
                masm_store_slot_imm(m, num, bits, slot);
                masm_ibin_to_slot(m, IBIN_SUB, num, slot, 3);
                masm_ibin_imm_to_slot(m, IBIN_XOR, num, slot, -4097);
                case_end(&c);
                case_run(&c, &io);
                uint64_t left = (bits - io.in.x[3]) ^ (uint64_t) -4097;
                check(memcmp(place, &left, size) == 0, "ibin_to_slot");
                case_clear(&c);
            }
            if (num == NUM_V128) {
                continue;
            }
            m = case_begin(&c);
            masm_store_slot_imm(m, num, bits, slot);
            if (num <= NUM_I64) {
                masm_ibin_slot(m, IBIN_SUB, num, 2, 3, slot);
                masm_icmp_slot(m, num, 2, slot);
                masm_setcc(m, COND_LT_U, 4);
            } else {
                masm_fbin_slot(m, FBIN_ADD, num, WJ_VREG(2), WJ_VREG(3), slot);
            }
            case_end(&c);
            io.in.v[3].u64[0] = num == NUM_F32 ? 0x3f800000 : UINT64_C(0x3ff0000000000000);
            case_run(&c, &io);
            check(memcmp(place, &bits, size) == 0, "store_slot_imm");
            uint64_t mask = size == 4 ? UINT32_MAX : UINT64_MAX;
            if (num <= NUM_I64) {
                uint64_t difference = (io.in.x[3] - bits) & mask;
                check(io.out.x[2] == difference, "ibin_slot");
                check(io.out.x[4] == (difference < (bits & mask)), "icmp_slot");
            } else {
                uint64_t sum = oracle_fbin(FBIN_ADD, num, io.in.v[3].u64[0] & mask, bits & mask);
                uint64_t got = io.out.v[2].u64[0] & mask;
                check(oracle_float_matches(num, sum, got, false), "fbin_slot");
            }
            case_clear(&c);
        }
    }
}

// The frame of a function of its own, zeroed in part.
static void test_zero_slots(void)
{
    static const uint32_t sizes[] = {0, 8, 16, 24, 40, 256, 264, 272, 280, 288, 1000, 8000, 80000};
    for (unsigned i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
        uint32_t size = sizes[i / 2];
        int32_t disp = i & 1 ? 8 : 504;
        uint32_t frame = (size + 1024 + 15) & ~15u;
        struct code_case c;
        struct wj_masm *m = raw_begin(&c, CASE_BYTES);
        wj_label loop = wj_codebuf_label(&m->buf);
        wj_label loop2 = wj_codebuf_label(&m->buf);
        masm_prologue(m, frame);
        masm_mov_imm(m, NUM_I64, 10, UINT64_MAX);
        masm_lea_slot(m, 11, (struct wj_slot){MASM_SP, 0});
        masm_mov_imm(m, NUM_I64, 12, (frame - 8) / 8);
        masm_bind(m, loop);
        masm_store_slot(m, NUM_I64, 10, (struct wj_slot){11, 0});
        masm_ibin_imm(m, IBIN_ADD, NUM_I64, 11, 11, 8);
        masm_ibin_imm(m, IBIN_SUB, NUM_I64, 12, 12, 1);
        masm_cbz(m, NUM_I64, false, 12, loop);
        masm_zero_slots(m, disp, size);
        masm_lea_slot(m, 11, (struct wj_slot){MASM_SP, 0});
        masm_mov_imm(m, NUM_I64, 12, (frame - 8) / 8);
        masm_bind(m, loop2);
        masm_load_slot(m, NUM_I64, 10, (struct wj_slot){11, 0});
        masm_store_slot(m, NUM_I64, 10, (struct wj_slot){0, 0});
        masm_ibin_imm(m, IBIN_ADD, NUM_I64, 0, 0, 8);
        masm_ibin_imm(m, IBIN_ADD, NUM_I64, 11, 11, 8);
        masm_ibin_imm(m, IBIN_SUB, NUM_I64, 12, 12, 1);
        masm_cbz(m, NUM_I64, false, 12, loop2);
        masm_epilogue(m, frame);
        masm_ret(m);
        raw_end(&c);
        uint64_t *copy = calloc(1, frame);
        ((void (*)(uint64_t *))(uintptr_t) c.memory)(copy);
        bool ok = true;
        for (uint32_t k = 0; k < (frame - 8) / 8; k++) {
            bool is_inside = 8 * k >= (uint32_t) disp && 8 * k < (uint32_t) disp + size;
            ok &= copy[k] == (is_inside ? 0 : UINT64_MAX);
        }
        check(ok, "zero_slots");
        free(copy);
        case_clear(&c);
    }
}

// ---- Linear memory ------------------------------------------------------------------------------

static const uint64_t OFFSETS[] = {
    0,     1,     8,     16,       255,       4095,      4096,        16384,
    32760, 65536, 65537, 0xfff000, 0x1000000, 0x1234567, 0x100000000, UINT64_C(1) << 40};
enum { OFFSET_COUNT = sizeof OFFSETS / sizeof OFFSETS[0] };

// base + index + offset = place; the base makes up for offsets beyond the arena.
static struct wj_addr address_of(struct io *io, unsigned n, uint8_t *place)
{
    struct wj_addr address = {1, 2, OFFSETS[n / 2 % OFFSET_COUNT]};
    io->in.x[2] = n % 3 * 12345;
    if (n & 1) {
        address.index = WJ_REG_NONE;
        io->in.x[2] = 0;
    }
    io->in.x[1] = (uint64_t) (uintptr_t) place - io->in.x[2] - address.offset;
    return address;
}

static void test_loads(uint8_t *arena)
{
    for (unsigned n = 0; n < 2 * OFFSET_COUNT; n++) {
        for (int op = LOAD_I32; op <= LOAD_V128_64_ZERO; op++) {
            struct io io;
            io_fill(&io);
            uint8_t *place = arena + 64 + n;
            struct wj_addr address = address_of(&io, n, place);
            bool is_vector = op >= LOAD_V128 || op == LOAD_F32 || op == LOAD_F64;
            wj_reg d = is_vector ? WJ_VREG(2) : n & 2 ? 2 : 3;
            struct code_case c;
            masm_load(case_begin(&c), op, d, address);
            case_end(&c);
            for (unsigned k = 0; k < 16; k++) {
                place[k] = (uint8_t) (k * 37 + 0x73 + n * 5);
            }
            uint8_t vector[16];
            uint64_t expected = oracle_load((enum wj_load_op) op, place, vector);
            case_run(&c, &io);
            if (op >= LOAD_V128) {
                check_vector("load", op, SHAPE_I8X16, false, vector, io.out.v[2].u8);
            } else {
                uint64_t got = is_vector ? io.out.v[2].u64[0] : io.out.x[d];
                check((op == LOAD_F32 ? (uint32_t) got : got) == expected, "load");
            }
            check_unchanged(&io, d, WJ_REG_NONE, "load");
            case_clear(&c);
        }
    }
}

static void test_stores(uint8_t *arena)
{
    static const uint8_t sizes[] = {4, 8, 4, 8, 1, 2, 1, 2, 4, 16};
    for (unsigned n = 0; n < 2 * OFFSET_COUNT; n++) {
        for (int op = STORE_I32; op <= STORE_V128; op++) {
            for (int with_imm = 0; with_imm < 2; with_imm++) {
                bool is_vector = op == STORE_V128 || op == STORE_F32 || op == STORE_F64;
                if (with_imm && is_vector) {
                    continue;
                }
                struct io io;
                io_fill(&io);
                uint8_t *place = arena + 64 + n;
                struct wj_addr address = address_of(&io, n, place);
                uint64_t bits = n % 4 == 0 ? 0 : UINT64_C(0x8899aabbccddeeff) * n;
                struct code_case c;
                struct wj_masm *m = case_begin(&c);
                if (with_imm) {
                    masm_store_imm(m, op, bits, address);
                } else {
                    masm_store(m, op, is_vector ? WJ_VREG(4) : 4, address);
                }
                case_end(&c);
                memset(place - 8, 0x5a, 32);
                uint8_t expected[32];
                memset(expected, 0x5a, 32);
                memcpy(expected + 8,
                       with_imm    ? (void *) &bits
                       : is_vector ? (void *) &io.in.v[4]
                                   : (void *) &io.in.x[4],
                       sizes[op]);
                case_run(&c, &io);
                check(memcmp(place - 8, expected, 32) == 0, with_imm ? "store_imm" : "store");
                check_unchanged(&io, WJ_REG_NONE, WJ_REG_NONE, "store");
                case_clear(&c);
            }
        }
    }
}

static void test_memory_lanes(uint8_t *arena)
{
    for (unsigned n = 0; n < 2 * OFFSET_COUNT; n++) {
        for (unsigned shape = SHAPE_I8X16; shape <= SHAPE_I64X2; shape++) {
            unsigned size = 1u << shape, lane = n % (16 / size);
            struct io io;
            io_fill(&io);
            uint8_t *place = arena + 64 + n;
            struct wj_addr address = address_of(&io, n, place);
            wj_reg d = n & 1 ? 3 : 4;
            struct code_case c;
            struct wj_masm *m = case_begin(&c);
            masm_load_lane(m, shape, lane, WJ_VREG(d), WJ_VREG(3), address);
            masm_ibin_addr(m, IBIN_XOR, NUM_I64, 6, 6, address);
            masm_icmp_addr(m, NUM_I32, 6, address);
            masm_setcc(m, COND_EQ, 7);
            masm_fbin_addr(m, FBIN_MAX, NUM_F64, WJ_VREG(6), WJ_VREG(7), address);
            masm_store_lane(m, shape, lane, WJ_VREG(5), address);
            case_end(&c);
            memset(place - 8, 0x5a, 32);
            uint64_t memory = UINT64_C(0x5a5a5a5a5a5a5a5a);
            uint8_t expected[32];
            memset(expected, 0x5a, 32);
            memcpy(expected + 8, &io.in.v[5].u8[lane * size], size);
            uint8_t vector[16];
            memcpy(vector, &io.in.v[3], 16);
            memset(vector + lane * size, 0x5a, size);
            io.in.x[6] = n % 2 == 0 ? 0 : memory;
            io.in.v[7].f64[0] = 1.0;
            case_run(&c, &io);
            check(memcmp(place - 8, expected, 32) == 0, "store_lane");
            check(memcmp(&io.out.v[d], vector, 16) == 0, "load_lane");
            check(io.out.x[6] == (io.in.x[6] ^ memory) && io.out.x[7] == (n % 2 == 0), "ibin_addr");
            check(io.out.v[6].u64[0] == memory, "fbin_addr");
            case_clear(&c);
        }
    }
}

// ---- Atomics ------------------------------------------------------------------------------------

static uint64_t rmw_oracle(enum wj_rmw op, uint64_t old, uint64_t operand)
{
    switch (op) {
    case RMW_ADD: return old + operand;
    case RMW_SUB: return old - operand;
    case RMW_AND: return old & operand;
    case RMW_OR: return old | operand;
    case RMW_XOR: return old ^ operand;
    case RMW_XCHG:
    case RMW_CMPXCHG: break;
    }
    return operand;
}

static void test_rmw(uint8_t *arena)
{
    for (unsigned n = 0; n < 2 * OFFSET_COUNT * 8; n++) {
        unsigned width_log2 = n / 2 / OFFSET_COUNT % 4, size = 1u << width_log2;
        enum wj_num num = n / 8 / OFFSET_COUNT || width_log2 == 3 ? NUM_I64 : NUM_I32;
        uint64_t mask = UINT64_MAX >> (64 - 8 * size);
        for (int op = RMW_ADD; op <= RMW_CMPXCHG; op++) {
            for (unsigned k = 0; k < 4; k++) {
                struct io io;
                io_fill(&io);
                uint8_t *place = arena + 64;
                struct wj_addr address = address_of(&io, n, place);
                wj_reg d = op == RMW_CMPXCHG && (k & 1) ? 4 : 6;
                struct code_case c;
                struct wj_masm *m = case_begin(&c);
                if (op == RMW_CMPXCHG) {
                    masm_atomic_cmpxchg(m, num, width_log2, d, 4, 5, address);
                } else {
                    masm_atomic_rmw(m, op, num, width_log2, d, 5, address);
                }
                masm_fence(m);
                case_end(&c);
                uint64_t before = UINT64_C(0xf0e1d2c3b4a59687) * (n + 1);
                memcpy(place, &before, 8);
                uint64_t old = before & mask;
                // The expected value: equal, equal but for bits above the width, different.
                io.in.x[4] = k < 2 ? old : k == 2 && size < 4 ? old | 0x55550000 : old ^ 1;
                bool is_equal = ((io.in.x[4] ^ old) & mask) == 0;
                if (num == NUM_I32) {
                    io.in.x[5] = (uint32_t) io.in.x[5];
                }
                uint64_t stored = rmw_oracle((enum wj_rmw) op, old, io.in.x[5]) & mask;
                if (op == RMW_CMPXCHG && !is_equal) {
                    stored = old;
                }
                case_run(&c, &io);
                uint64_t after;
                memcpy(&after, place, 8);
                check(io.out.x[d] == old, "rmw: old value");
                check(after == ((before & ~mask) | stored), "rmw: new value");
                check_unchanged(&io, d, WJ_REG_NONE, "rmw");
                case_clear(&c);
            }
        }
    }
}

static void test_atomics(uint8_t *arena)
{
    static const enum wj_load_op loads[] = {LOAD_I32,      LOAD_I64,     LOAD_I32_8_U,
                                            LOAD_I32_16_U, LOAD_I64_8_U, LOAD_I64_16_U,
                                            LOAD_I64_32_U};
    static const enum wj_store_op stores[] = {STORE_I32,   STORE_I64,    STORE_I32_8, STORE_I32_16,
                                              STORE_I64_8, STORE_I64_16, STORE_I64_32};
    for (unsigned n = 0; n < 2 * OFFSET_COUNT; n++) {
        for (unsigned i = 0; i < 7; i++) {
            struct io io;
            io_fill(&io);
            uint8_t *place = arena + 64;
            struct wj_addr address = address_of(&io, n, place);
            struct code_case c;
            struct wj_masm *m = case_begin(&c);
            masm_atomic_load(m, loads[i], 6, address);
            masm_atomic_store(m, stores[i], 5, address);
            case_end(&c);
            uint64_t before = UINT64_C(0xf0e1d2c3b4a59687), after;
            uint8_t unused[16];
            memcpy(place, &before, 8);
            uint64_t expected = oracle_load(loads[i], place, unused);
            uint64_t mask = i == 1             ? UINT64_MAX
                            : i == 0 || i == 6 ? UINT32_MAX
                            : i == 2 || i == 4 ? 0xff
                                               : 0xffff;
            case_run(&c, &io);
            memcpy(&after, place, 8);
            check(io.out.x[6] == expected, "atomic_load");
            check(after == ((before & ~mask) | (io.in.x[5] & mask)), "atomic_store");
            case_clear(&c);
        }
        for (unsigned k = 0; k < 32; k++) {
            struct io io;
            io_fill(&io);
            struct wj_addr address = address_of(&io, n, arena + 64 + k % 8);
            struct code_case c;
            masm_addr_check_align(case_begin(&c), address, k / 8);
            case_end(&c);
            bool is_aligned = (k % 8 & ((1u << k / 8) - 1)) == 0;
            uint32_t trap = case_run(&c, &io);
            check(trap == (is_aligned ? 0u : WJ_TRAP_UNALIGNED_ATOMIC), "addr_check_align");
            case_clear(&c);
        }
    }
    test_rmw(arena);
}

#endif
