// Every numeric operation of opcodes.def with the operands that it is tried on, and what it has to
// give for them: the oracle of the unit tests, with what that one lacks.
#ifndef TESTS_RUN_NUMERIC_CASES_H
#define TESTS_RUN_NUMERIC_CASES_H

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/emit/oracle_simd.h"
#include "wasm/op.h"
#include "wasm/opcode.h"

enum {
    OPERANDS_MAX = 4,
    LIST_MAX = 65536,
    CASES_MAX = 4096,
    // Of memory: a place for what is written, packed edges, all halves (each in two bytes).
    PLACE_AT = 1024,
    PLACE_BYTES = 48,
    TABLE_AT = 4096,
    TABLE_BYTES = 1024,
    HALVES_AT = 65536,
    IMAGE_BYTES = HALVES_AT + 2 * 65536 + 64,
};

struct slot {
    uint8_t bytes[16]; // a number is in the lowest, and the others are zero
};

static const uint64_t PLACE_INIT[PLACE_BYTES / 8] = {0xfedcba9880ff7f80, 0x0123456789abcdef,
                                                     0xfedcba9880ff7f80, 0x80,
                                                     0x5a5a5a5a5a5a5a5a, 0xa5a5a5a5a5a5a5a5};

// ---- Values -----------------------------------------------------------------------------------

enum list_id {
    LIST_I8, // edges, by shape
    LIST_I16,
    LIST_I32,
    LIST_I64,
    LIST_F32,
    LIST_F64,
    LIST_MANY_I8, // all there are, by shape
    LIST_MANY_I16,
    LIST_MANY_I32, // every bit length with what rounds up, down and to even
    LIST_MANY_I64,
    LIST_MANY_F32, // every exponent with significands that round so
    LIST_MANY_F64,
    LIST_COUNTS,
    LIST_CARRIES,  // halves of numbers of 128 bits
    LIST_EXPECTED, // beside what lies at PLACE_AT, what is that only in its lower bits
    LIST_ADDRESSES,
    LIST_ALIGNED,
    LIST_TABLE,
    LIST_HALVES,
    LIST_COUNT,
    LIST_MANY = LIST_MANY_I8 - LIST_I8,
};

struct list {
    uint32_t count;
    uint64_t *values;
};

static struct list lists[LIST_COUNT];
static uint8_t image[IMAGE_BYTES]; // of memory as every function finds it

static void list_add(enum list_id id, uint64_t value)
{
    struct list *list = &lists[id];
    if (list->values == NULL) {
        list->values = calloc(LIST_MAX, sizeof *list->values);
        if (list->values == NULL) {
            abort();
        }
    }
    for (uint32_t i = 0; id < LIST_MANY_I8 && i < list->count; i++) {
        if (list->values[i] == value) {
            return;
        }
    }
    if (list->count == LIST_MAX) {
        abort();
    }
    list->values[list->count++] = value;
}

// Around numbers of each length, and around the halves between what `fraction_bits` can hold.
static void add_rounded(enum list_id id, unsigned bits)
{
    static const unsigned fraction_bits[] = {23, 52};
    for (unsigned n = 0; n < bits; n++) {
        uint64_t one = (uint64_t) 1 << n;
        for (int near = -1; near <= 1; near++) {
            uint64_t mask = UINT64_MAX >> (64 - bits);
            list_add(id, (one + (uint64_t) near) & mask);
            list_add(id, -(one + (uint64_t) near) & mask);
            for (unsigned f = 0; f < 2; f++) {
                for (unsigned odd = 0; odd < 2 && n > fraction_bits[f]; odd++) {
                    uint64_t half = (uint64_t) 1 << (n - fraction_bits[f] - 1);
                    uint64_t value = one + 2 * odd * half + half + (uint64_t) near;
                    list_add(id, value & mask);
                    list_add(id, -value & mask);
                    list_add(id, (2 * one - 1 - half + (uint64_t) near) & mask);
                }
            }
        }
    }
}

static void add_exponents(enum list_id id, enum wj_num num)
{
    struct oracle_format f = oracle_format(num);
    uint64_t one = (uint64_t) 1 << f.fraction_bits;
    for (uint64_t e = 0; e < (uint64_t) 1 << f.exponent_bits; e++) {
        int exponent = (int) e - (1 << (f.exponent_bits - 1)) + 1;
        // The bit of the significand that is worth one, or that f32 has last.
        unsigned unit = exponent >= 0 && exponent < (int) f.fraction_bits
                            ? f.fraction_bits - (unsigned) exponent
                            : 29;
        uint64_t bit = (uint64_t) 1 << unit & (one - 1);
        const uint64_t fractions[] = {0,           1,   one - 1, one / 2,
                                      one / 2 - 1, bit, bit / 2, bit / 2 + 1};
        unsigned count = num == NUM_F32 || (exponent > -160 && exponent < 160) ? 8 : 3;
        for (unsigned i = 0; i < count; i++) {
            list_add(id, e << f.fraction_bits | fractions[i]);
            list_add(id, f.sign | e << f.fraction_bits | fractions[i]);
        }
    }
}

static void lists_init(void)
{
    static const uint64_t carries[] = {0,
                                       1,
                                       2,
                                       0xffffffff,
                                       0x123456789abcdef0,
                                       INT64_MAX,
                                       (uint64_t) INT64_MAX + 1,
                                       (uint64_t) INT64_MAX + 2,
                                       UINT64_MAX - 1,
                                       UINT64_MAX};
    static const uint64_t expected[] = {
        0, 0x80, 0x7f80, 0xff7f80, 0x80ff7f80, 0x180ff7f80, 0xfedcba9880ff7f80, UINT64_MAX};
    static const unsigned addresses[] = {0, 1, 2, 5, 9, 15};
    for (unsigned i = 0; i < ORACLE_INT_COUNT; i++) {
        for (unsigned shape = SHAPE_I8X16; shape <= SHAPE_I64X2; shape++) {
            list_add(LIST_I8 + shape, ORACLE_INTS[i] & UINT64_MAX >> (64 - (8u << shape)));
        }
    }
    for (unsigned i = 0; i < ORACLE_F32_COUNT; i++) {
        list_add(LIST_F32, ORACLE_F32S[i]);
    }
    for (unsigned i = 0; i < ORACLE_F64_COUNT; i++) {
        list_add(LIST_F64, ORACLE_F64S[i]);
    }
    for (unsigned i = 0; i < 65536; i++) {
        list_add(LIST_MANY_I16, i);
        list_add(LIST_HALVES, HALVES_AT + 2 * i);
        image[HALVES_AT + 2 * i] = (uint8_t) i;
        image[HALVES_AT + 2 * i + 1] = (uint8_t) (i >> 8);
    }
    for (unsigned i = 0; i < 256; i++) {
        list_add(LIST_MANY_I8, i);
    }
    add_rounded(LIST_MANY_I32, 32);
    add_rounded(LIST_MANY_I64, 64);
    add_exponents(LIST_MANY_F32, NUM_F32);
    add_exponents(LIST_MANY_F64, NUM_F64);
    for (unsigned i = 0; i < 66; i++) {
        list_add(LIST_COUNTS, i);
    }
    for (unsigned i = 0; i < lists[LIST_I32].count; i++) {
        if (lists[LIST_I32].values[i] >= 66) {
            list_add(LIST_COUNTS, lists[LIST_I32].values[i]);
        }
    }
    for (unsigned i = 0; i < sizeof carries / sizeof carries[0]; i++) {
        list_add(LIST_CARRIES, carries[i]);
    }
    for (unsigned i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        list_add(LIST_EXPECTED, expected[i]);
    }
    for (unsigned i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        list_add(LIST_ADDRESSES, PLACE_AT + addresses[i]);
    }
    list_add(LIST_ALIGNED, PLACE_AT);
    list_add(LIST_ALIGNED, PLACE_AT + 8);
    memcpy(image + PLACE_AT, PLACE_INIT, PLACE_BYTES);
    for (unsigned i = 0; i < ORACLE_INT_COUNT; i++) {
        oracle_set_lane(SHAPE_I64X2, image + TABLE_AT, i, ORACLE_INTS[i]);
    }
    for (unsigned i = 0; i < ORACLE_F64_COUNT; i++) {
        oracle_set_lane(SHAPE_I64X2, image + TABLE_AT, ORACLE_INT_COUNT + i, ORACLE_F64S[i]);
    }
    // Each edge at each place of a word: steps of 9 turn.
    for (unsigned i = 0; i + 32 < TABLE_BYTES; i += 9) {
        list_add(LIST_TABLE, TABLE_AT + i);
    }
}

// ---- Operands ---------------------------------------------------------------------------------

enum spread {
    // Lane k of vector i has value i + k * step of the list. Over all i each lane has had every
    // value; and as i and j run independently over two operands, every pair of values.
    SPREAD_TURNED,
    SPREAD_PACKED, // the values one after the other: each is in one lane of one vector
    SPREAD_SINGLE, // one lane has the value, the others have zeros, or ones
};

struct operand {
    uint8_t type; // enum wj_sig
    uint8_t list; // enum list_id
    uint8_t shape;
    uint8_t spread;
    uint8_t step;
    uint16_t count_max; // thins the list; 0: not
};

struct num_case {
    enum wj_opcode opcode;
    uint8_t lanes[16]; // immediates; a lane is lanes[0]
    uint8_t offset;
    bool is_everywhere; // operands in all forms, not the plain ones only
    bool is_same;       // all operands are the first one
    struct operand operands[OPERANDS_MAX];
};

static struct num_case cases[CASES_MAX];
static unsigned case_count;

static const struct wj_opcode_info *case_info(const struct num_case *c)
{
    return &wj_opcode_infos[c->opcode];
}

static unsigned operand_lanes(const struct operand *o)
{
    return o->type == WJ_SIG_V128 ? 16 / oracle_lane_bytes((enum wj_shape) o->shape) : 1;
}

static uint32_t list_count(const struct operand *o)
{
    uint32_t count = lists[o->list].count;
    return o->count_max != 0 && count > o->count_max ? o->count_max : count;
}

static uint32_t operand_count(const struct operand *o)
{
    switch ((enum spread) o->spread) {
    case SPREAD_TURNED: break;
    case SPREAD_PACKED: return list_count(o) / operand_lanes(o);
    case SPREAD_SINGLE: return list_count(o) * operand_lanes(o) * 2;
    }
    return list_count(o);
}

static struct slot operand_value(const struct operand *o, uint32_t i)
{
    const struct list *list = &lists[o->list];
    uint32_t count = list_count(o), lanes = operand_lanes(o);
    struct slot value = {{0}};
    if (o->type != WJ_SIG_V128) {
        uint64_t bits = list->values[(uint64_t) i * list->count / count];
        memcpy(value.bytes, &bits, o->type == WJ_SIG_I64 || o->type == WJ_SIG_F64 ? 8 : 4);
        return value;
    }
    for (uint32_t k = 0; k < lanes; k++) {
        uint64_t lane = 0;
        switch ((enum spread) o->spread) {
        case SPREAD_TURNED:
            lane = list->values[(uint64_t) ((i + k * o->step) % count) * list->count / count];
            break;
        case SPREAD_PACKED: lane = list->values[i * lanes + k]; break;
        case SPREAD_SINGLE:
            lane = k == i / 2 % lanes ? list->values[i / 2 / lanes] : i % 2 ? UINT64_MAX : 0;
            break;
        }
        oracle_set_lane((enum wj_shape) o->shape, value.bytes, k, lane);
    }
    return value;
}

static unsigned case_arity(const struct num_case *c)
{
    return wj_sig_count(case_info(c)->pops);
}

// How many operands are chosen by themselves.
static unsigned case_axes(const struct num_case *c)
{
    return c->is_same ? 1 : case_arity(c);
}

static uint64_t case_tuples(const struct num_case *c)
{
    uint64_t count = 1;
    for (unsigned k = 0; k < case_axes(c); k++) {
        count *= operand_count(&c->operands[k]);
    }
    return count;
}

// The values that the operands of the case at hand may have.
static struct slot values[OPERANDS_MAX][LIST_MAX];

static void case_begin(const struct num_case *c)
{
    for (unsigned k = 0; k < case_axes(c); k++) {
        for (uint32_t i = 0; i < operand_count(&c->operands[k]); i++) {
            values[k][i] = operand_value(&c->operands[k], i);
        }
    }
}

// The operands of a tuple; the last one changes fastest.
static void case_operands(const struct num_case *c, uint64_t tuple,
                          struct slot operands[OPERANDS_MAX])
{
    for (unsigned k = case_axes(c); k-- > 0;) {
        uint32_t count = operand_count(&c->operands[k]);
        operands[k] = values[k][tuple % count];
        tuple /= count;
    }
    for (unsigned k = case_axes(c); k < case_arity(c); k++) {
        operands[k] = operands[0];
    }
}

// ---- What operations give ---------------------------------------------------------------------

struct outcome {
    enum wj_trap_kind trap;
    struct slot result;
    uint8_t place[PLACE_BYTES]; // of those that write
};

static uint64_t slot_u64(const struct slot *s)
{
    return oracle_lane(SHAPE_I64X2, s->bytes, 0);
}

static void set_u64(struct slot *s, uint64_t value)
{
    oracle_set_lane(SHAPE_I64X2, s->bytes, 0, value);
}

static void load_expected(enum wj_load_op op, const uint8_t *p, struct slot *result)
{
    uint8_t vector[16];
    const uint64_t number = oracle_load(op, p, vector);
    if (op >= LOAD_V128) {
        memcpy(result->bytes, vector, 16);
    } else {
        set_u64(result, number);
    }
}

static uint64_t rmw_expected(enum wj_rmw op, uint64_t old, uint64_t a, uint64_t b)
{
    switch (op) {
    case RMW_ADD: return old + a;
    case RMW_SUB: return old - a;
    case RMW_AND: return old & a;
    case RMW_OR: return old | a;
    case RMW_XOR: return old ^ a;
    case RMW_XCHG: return a;
    case RMW_CMPXCHG: return old == a ? b : old;
    }
    return 0;
}

static void wide_expected(enum wj_wide op, const struct slot o[OPERANDS_MAX], struct slot *result)
{
    uint64_t v[OPERANDS_MAX] = {slot_u64(&o[0]), slot_u64(&o[1]), slot_u64(&o[2]), slot_u64(&o[3])};
    unsigned __int128 a = (unsigned __int128) v[1] << 64 | v[0];
    unsigned __int128 b = (unsigned __int128) v[3] << 64 | v[2];
    unsigned __int128 sum = 0;
    switch (op) {
    case WIDE_ADD128: sum = a + b; break;
    case WIDE_SUB128: sum = a - b; break;
    case WIDE_MUL_S:
        sum = (unsigned __int128) ((__int128) (int64_t) v[0] * (__int128) (int64_t) v[1]);
        break;
    case WIDE_MUL_U: sum = (unsigned __int128) v[0] * v[1]; break;
    }
    oracle_set_lane(SHAPE_I64X2, result->bytes, 0, (uint64_t) sum);
    oracle_set_lane(SHAPE_I64X2, result->bytes, 1, (uint64_t) (sum >> 64));
}

static bool case_writes(const struct num_case *c)
{
    switch ((int) case_info(c)->family) {
    case FAM_STORE:
    case FAM_STORE_LANE:
    case FAM_ATOMIC_STORE:
    case FAM_ATOMIC_RMW: return true;
    }
    return false;
}

// Loads, stores and atomics: operand 0 is the address.
static void memory_expected(const struct num_case *c, const struct slot o[OPERANDS_MAX],
                            struct outcome *out)
{
    const struct wj_opcode_info *info = case_info(c);
    uint64_t at = slot_u64(&o[0]) + c->offset, value = slot_u64(&o[1]);
    unsigned bytes = 1u << info->width_log2;
    uint64_t mask = UINT64_MAX >> (64 - 8 * (bytes > 8 ? 8 : bytes));
    uint64_t old = oracle_lane(SHAPE_I64X2, image + at, 0) & mask;
    enum wj_shape shape = (enum wj_shape) info->type;
    uint8_t *place = case_writes(c) ? out->place + (at - PLACE_AT) : NULL;
    switch ((int) info->family) {
    case FAM_LOAD:
    case FAM_ATOMIC_LOAD:
        load_expected((enum wj_load_op) info->sub, image + at, &out->result);
        break;
    case FAM_LOAD_LANE:
        out->result = o[1];
        oracle_set_lane(shape, out->result.bytes, c->lanes[0], old);
        break;
    case FAM_STORE_LANE: memcpy(place, o[1].bytes + bytes * c->lanes[0], bytes); break;
    case FAM_STORE:
    case FAM_ATOMIC_STORE: memcpy(place, o[1].bytes, bytes); break;
    case FAM_ATOMIC_RMW: {
        // The expected value is wrapped to the width that is compared.
        uint64_t stored = rmw_expected((enum wj_rmw) info->sub, old, value & mask, slot_u64(&o[2]));
        set_u64(&out->result, old);
        memcpy(place, &stored, bytes);
        break;
    }
    }
}

static void vector_expected(const struct num_case *c, const struct slot o[OPERANDS_MAX],
                            struct slot *result)
{
    const struct wj_opcode_info *info = case_info(c);
    enum wj_shape shape = (enum wj_shape) info->type;
    unsigned count = 16 / oracle_lane_bytes(shape);
    const uint8_t *a = o[0].bytes, *b = o[1].bytes;
    uint8_t *out = result->bytes;
    switch ((int) info->family) {
    case FAM_VUNARY: oracle_vun((enum wj_vunop) info->sub, shape, out, a); break;
    case FAM_VBINARY: oracle_vbin((enum wj_vbinop) info->sub, shape, out, a, b); break;
    case FAM_VTERNARY:
        oracle_vtern((enum wj_vternop) info->sub, shape, out, a, b, o[2].bytes);
        break;
    case FAM_VTEST: set_u64(result, oracle_vtest((enum wj_vtest) info->sub, shape, a)); break;
    case FAM_VSHIFT:
        oracle_vshift((enum wj_vshift) info->sub, shape, out, a, (uint32_t) slot_u64(&o[1]));
        break;
    case FAM_VSHUFFLE:
        for (unsigned i = 0; i < 16; i++) {
            out[i] = c->lanes[i] < 16 ? a[c->lanes[i]] : b[c->lanes[i] - 16];
        }
        break;
    case FAM_VSPLAT:
        for (unsigned i = 0; i < count; i++) {
            oracle_set_lane(shape, out, i, slot_u64(&o[0]));
        }
        break;
    case FAM_VEXTRACT: {
        // Signed ones give an i32; to others extending with zeros adds nothing.
        bool is_signed = info->sub == 0 && shape <= SHAPE_I16X8;
        set_u64(result, is_signed ? (uint32_t) oracle_lane_s(shape, a, c->lanes[0])
                                  : oracle_lane(shape, a, c->lanes[0]));
        break;
    }
    case FAM_VREPLACE:
        *result = o[0];
        oracle_set_lane(shape, out, c->lanes[0], slot_u64(&o[1]));
        break;
    }
}

static void case_expected(const struct num_case *c, const struct slot o[OPERANDS_MAX],
                          struct outcome *out)
{
    const struct wj_opcode_info *info = case_info(c);
    enum wj_num num = (enum wj_num) info->type;
    uint64_t a = slot_u64(&o[0]), b = slot_u64(&o[1]);
    memset(out, 0, sizeof *out);
    if (case_writes(c)) {
        memcpy(out->place, PLACE_INIT, PLACE_BYTES);
    }
    switch ((int) info->family) {
    case FAM_IUNARY: set_u64(&out->result, oracle_iun((enum wj_iunop) info->sub, num, a)); break;
    case FAM_IBINARY:
        set_u64(&out->result, oracle_ibin((enum wj_ibinop) info->sub, num, a, b, &out->trap));
        break;
    case FAM_IEQZ: set_u64(&out->result, a == 0); break;
    case FAM_ICOMPARE:
        set_u64(&out->result, oracle_icmp((enum wj_icmp) info->sub, num, a, b));
        break;
    case FAM_FUNARY: set_u64(&out->result, oracle_fun((enum wj_funop) info->sub, num, a)); break;
    case FAM_FBINARY:
        set_u64(&out->result, oracle_fbin((enum wj_fbinop) info->sub, num, a, b));
        break;
    case FAM_FCOMPARE:
        set_u64(&out->result, oracle_fcmp((enum wj_fcmp) info->sub, num, a, b));
        break;
    case FAM_CONVERT:
        set_u64(&out->result, oracle_cvt((enum wj_cvt) info->sub, a, &out->trap));
        break;
    case FAM_WIDE: wide_expected((enum wj_wide) info->sub, o, &out->result); break;
    case FAM_LOAD:
    case FAM_STORE:
    case FAM_LOAD_LANE:
    case FAM_STORE_LANE:
    case FAM_ATOMIC_LOAD:
    case FAM_ATOMIC_STORE:
    case FAM_ATOMIC_RMW: memory_expected(c, o, out); break;
    default: vector_expected(c, o, &out->result); break;
    }
}

// A number that names all that was expected so far: oracles of two compilers agree on it.
static uint64_t outcome_hash(const struct num_case *c, uint64_t hash, const struct outcome *out)
{
    uint64_t words[2 + PLACE_BYTES / 8];
    memcpy(words, out->result.bytes, 16);
    memcpy(words + 2, out->place, PLACE_BYTES);
    hash ^= (uint64_t) out->trap;
    for (unsigned i = 0; i < (case_writes(c) ? sizeof words / sizeof words[0] : 2); i++) {
        hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return hash;
}

// ---- The cases of each operation --------------------------------------------------------------

static struct operand numbers(unsigned sig)
{
    static const uint8_t of_type[] = {[WJ_SIG_I32] = LIST_I32,
                                      [WJ_SIG_I64] = LIST_I64,
                                      [WJ_SIG_F32] = LIST_F32,
                                      [WJ_SIG_F64] = LIST_F64};
    return (struct operand){.type = (uint8_t) sig, .list = of_type[sig]};
}

static struct operand vectors(enum wj_shape shape, unsigned step)
{
    return (struct operand){.type = WJ_SIG_V128,
                            .list = (uint8_t) (LIST_I8 + shape),
                            .shape = (uint8_t) shape,
                            .step = (uint8_t) step};
}

static struct operand many(struct operand o)
{
    o.list = (uint8_t) (o.list + LIST_MANY);
    return o;
}

static struct operand from(enum list_id list)
{
    return (struct operand){.type = WJ_SIG_I32, .list = (uint8_t) list};
}

static struct num_case *add_case(const struct num_case *c)
{
    if (case_count == CASES_MAX) {
        abort();
    }
    cases[case_count] = *c;
    return &cases[case_count++];
}

// Beside a case in all forms: all values of operands that have 8 or 16 bits, many of others.
static void add_many(const struct num_case *c, bool is_whole)
{
    unsigned arity = case_arity(c);
    struct num_case more = *c;
    const struct operand *a = &c->operands[0], *b = &c->operands[1];
    more.is_everywhere = false;
    if (arity == 1) {
        more.operands[0] = many(*a);
        add_case(&more);
    } else if (arity == 2 && a->type == WJ_SIG_V128 && a->shape == SHAPE_I8X16 &&
               b->shape == SHAPE_I8X16) {
        more.operands[0] = many(*a);
        more.operands[1] = b->type == WJ_SIG_V128 ? many(*b) : *b;
        add_case(&more);
    } else if (arity == 2 && a->shape == SHAPE_I16X8 && b->type == WJ_SIG_I32) {
        more.operands[0] = many(*a);
        more.operands[0].spread = SPREAD_PACKED;
        add_case(&more);
    } else if (arity == 2 && a->shape == SHAPE_I16X8 && b->shape == SHAPE_I16X8) {
        for (unsigned k = 0; k < 2; k++) {
            more.operands[k] = many(c->operands[k]);
            more.operands[k].spread = SPREAD_PACKED;
            more.operands[1 - k] = c->operands[1 - k];
            if (is_whole) {
                more.operands[1 - k] = many(c->operands[1 - k]);
                more.operands[1 - k].step = 0;
            }
            add_case(&more);
        }
    }
}

// All operands the same one: code may take a shortcut.
static void add_same(const struct num_case *c)
{
    struct num_case same = *c;
    same.is_same = true;
    add_case(&same);
}

static enum wj_shape vunary_shape(enum wj_vunop op, enum wj_shape shape)
{
    switch ((int) op) {
    case VUN_EXTADD_PAIRWISE_S:
    case VUN_EXTADD_PAIRWISE_U:
    case VUN_EXTEND_LOW_S:
    case VUN_EXTEND_HIGH_S:
    case VUN_EXTEND_LOW_U:
    case VUN_EXTEND_HIGH_U: return oracle_narrower(shape);
    }
    return oracle_vun_operand(op, shape);
}

static enum wj_shape vbinary_shape(enum wj_vbinop op, enum wj_shape shape)
{
    switch ((int) op) {
    case VBIN_NARROW_S:
    case VBIN_NARROW_U: return (enum wj_shape)(shape + 1);
    case VBIN_DOT:
    case VBIN_RELAXED_DOT:
    case VBIN_EXTMUL_LOW_S:
    case VBIN_EXTMUL_HIGH_S:
    case VBIN_EXTMUL_LOW_U:
    case VBIN_EXTMUL_HIGH_U: return oracle_narrower(shape);
    }
    return shape;
}

// Lanes of the operands turn by different steps: neighbours meet different pairs. Steps that are
// one apart make the vectors of a diagonal differ in their pairs, see check.c's `is_for_const`.
enum { STEP_A = 2, STEP_B = 1, STEP_C = 5, TERNARY_COUNT = 40 };

static void add_vector_cases(struct num_case *c, bool is_whole)
{
    const struct wj_opcode_info *info = case_info(c);
    enum wj_shape shape = (enum wj_shape) info->type;
    struct operand *o = c->operands;
    switch ((int) info->family) {
    case FAM_VUNARY: o[0] = vectors(vunary_shape((enum wj_vunop) info->sub, shape), STEP_A); break;
    case FAM_VBINARY: {
        enum wj_shape from_shape = vbinary_shape((enum wj_vbinop) info->sub, shape);
        o[0] = vectors(from_shape, STEP_A);
        o[1] = vectors(from_shape, STEP_B);
        add_same(c);
        break;
    }
    case FAM_VTERNARY:
        for (unsigned k = 0; k < 3; k++) {
            static const uint8_t steps[] = {STEP_A, STEP_B, STEP_C};
            bool is_dot = info->sub == VTERN_RELAXED_DOT_ADD && k < 2;
            o[k] = vectors(is_dot ? SHAPE_I8X16 : shape, steps[k]);
            o[k].count_max = TERNARY_COUNT;
        }
        add_same(c);
        break;
    case FAM_VTEST:
        o[0] = vectors(shape, 0);
        add_case(c);
        o[0].spread = SPREAD_SINGLE;
        add_case(c);
        o[0] = vectors(shape, STEP_A);
        break;
    case FAM_VSHIFT:
        o[0] = vectors(shape, STEP_A);
        o[1] = from(LIST_COUNTS);
        break;
    }
    add_case(c);
    add_many(c, is_whole);
}

static void add_shuffles(struct num_case *c)
{
    // Of those that machines have instructions for, one each.
    static const uint8_t known[][16] = {
        {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23},
        {8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31},
        {16, 0, 17, 1, 18, 2, 19, 3, 20, 4, 21, 5, 22, 6, 23, 7},
        {0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23},
        {0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23},
        {8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31},
        {8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7},
        {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30},
        {1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31},
        {4, 5, 6, 7, 4, 5, 6, 7, 20, 21, 22, 23, 0, 1, 2, 3},
        {12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3},
        {1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14},
        {3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12},
        {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0},
        {0, 17, 2, 19, 4, 21, 6, 23, 8, 25, 10, 27, 12, 29, 14, 31},
        {3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3},
        {4, 5, 4, 5, 4, 5, 4, 5, 4, 5, 4, 5, 4, 5, 4, 5},
        {31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16},
    };
    // Every byte of each operand comes to every place: by turns, and by turns of what is mixed.
    for (unsigned n = 0; n < 2 * 32 + sizeof known / sizeof known[0]; n++) {
        for (unsigned i = 0; i < 16; i++) {
            c->lanes[i] = n < 32   ? (uint8_t) ((n + i) % 32)
                          : n < 64 ? (uint8_t) ((n + 11 * i) % 32)
                                   : known[n - 64][i];
        }
        c->operands[0] = vectors(SHAPE_I8X16, STEP_A);
        c->operands[1] = vectors(SHAPE_I8X16, STEP_B);
        add_case(c);
        add_same(c);
    }
}

static void add_lane_cases(struct num_case *c)
{
    const struct wj_opcode_info *info = case_info(c);
    enum wj_shape shape = (enum wj_shape) info->type;
    bool is_memory = info->family == FAM_LOAD_LANE || info->family == FAM_STORE_LANE;
    for (unsigned lane = 0; lane < 16 / oracle_lane_bytes(shape); lane++) {
        c->lanes[0] = (uint8_t) lane;
        c->operands[0] = is_memory ? from(LIST_ADDRESSES) : vectors(shape, STEP_A);
        c->operands[1] = is_memory                      ? vectors(shape, STEP_A)
                         : info->family == FAM_VREPLACE ? numbers(wj_sig_at(info->pops, 1))
                                                        : (struct operand){0};
        add_case(c);
        if (is_memory) {
            c->offset = 3;
            add_case(c);
            c->offset = 0;
        } else if (info->family == FAM_VEXTRACT) {
            add_many(c, false);
        }
    }
}

static void add_memory_cases(struct num_case *c)
{
    const struct wj_opcode_info *info = case_info(c);
    bool is_atomic = info->family >= FAM_ATOMIC_LOAD && info->family <= FAM_ATOMIC_RMW;
    c->operands[0] = from(info->family == FAM_LOAD ? LIST_TABLE
                          : is_atomic              ? LIST_ALIGNED
                                                   : LIST_ADDRESSES);
    for (unsigned k = 1; k < case_arity(c); k++) {
        unsigned sig = wj_sig_at(info->pops, k);
        c->operands[k] = sig == WJ_SIG_V128 ? vectors(SHAPE_I8X16, STEP_A) : numbers(sig);
        if (info->family == FAM_ATOMIC_RMW && info->sub == RMW_CMPXCHG) {
            c->operands[k].list = LIST_EXPECTED;
        }
    }
    add_case(c);
    c->offset = is_atomic ? 8 : 7;
    add_case(c);
    c->offset = 0;
    if (info->family == FAM_LOAD) {
        c->is_everywhere = false;
        c->operands[0] = from(LIST_HALVES);
        add_case(c);
    }
}

static void add_number_cases(struct num_case *c)
{
    const struct wj_opcode_info *info = case_info(c);
    for (unsigned k = 0; k < case_arity(c); k++) {
        c->operands[k] = numbers(wj_sig_at(info->pops, k));
        if (case_arity(c) == 4) {
            c->operands[k].list = LIST_CARRIES;
        }
    }
    add_case(c);
    if (case_arity(c) > 1) {
        add_same(c);
    }
    add_many(c, false);
}

// Every opcode is a row of the table; those of other families are no operations on numbers.
static void cases_init(bool is_whole)
{
    lists_init();
    for (unsigned op = 0; op < WJ_OP_COUNT; op++) {
        struct num_case c = {.opcode = (enum wj_opcode) op, .is_everywhere = true};
        switch ((enum wj_family) case_info(&c)->family) {
        case FAM_IUNARY:
        case FAM_IBINARY:
        case FAM_IEQZ:
        case FAM_ICOMPARE:
        case FAM_FUNARY:
        case FAM_FBINARY:
        case FAM_FCOMPARE:
        case FAM_CONVERT:
        case FAM_VSPLAT:
        case FAM_WIDE: add_number_cases(&c); break;
        case FAM_VUNARY:
        case FAM_VBINARY:
        case FAM_VTERNARY:
        case FAM_VTEST:
        case FAM_VSHIFT: add_vector_cases(&c, is_whole); break;
        case FAM_VSHUFFLE: add_shuffles(&c); break;
        case FAM_VEXTRACT:
        case FAM_VREPLACE:
        case FAM_LOAD_LANE:
        case FAM_STORE_LANE: add_lane_cases(&c); break;
        case FAM_LOAD:
        case FAM_STORE:
        case FAM_ATOMIC_LOAD:
        case FAM_ATOMIC_STORE:
        case FAM_ATOMIC_RMW: add_memory_cases(&c); break;
        case FAM_CONTROL:
        case FAM_CALL:
        case FAM_PARAMETRIC:
        case FAM_LOCAL:
        case FAM_GLOBAL:
        case FAM_TABLE:
        case FAM_MEMORY:
        case FAM_REF:
        case FAM_CONST:
        case FAM_ATOMIC_OTHER:
        case FAM_EXCEPTION:
        case FAM_GC:
        case FAM_COUNT: break;
        }
    }
}

#endif
