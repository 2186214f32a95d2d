// A module of functions that apply one operation to operands out of tables in memory, in each form
// of operands that the compiler tells apart; the results go to a table too.
#ifndef TESTS_RUN_NUMERIC_FORMS_H
#define TESTS_RUN_NUMERIC_FORMS_H

#include "cases.h"

enum {
    SLOT_BYTES = 16,
    CHUNK_MAX = 65536, // tuples at a time
    TABLE_STRIDE = CHUNK_MAX * SLOT_BYTES,
    OPERANDS_AT = 0x40000, // a table for each operand
    RESULTS_AT = OPERANDS_AT + OPERANDS_MAX * TABLE_STRIDE,
    PLACES_AT = RESULTS_AT + TABLE_STRIDE, // tables of 16 bytes each of what was written
    PAGES = (PLACES_AT + PLACE_BYTES / SLOT_BYTES * TABLE_STRIDE) / 65536,
};
_Static_assert((int) OPERANDS_AT >= (int) IMAGE_BYTES, "tables are above what loads read");

enum form {
    FORM_LOCAL,
    FORM_MEMORY_ALL,
    FORM_REGISTER, // that no local has
    FORM_SPILLED,  // by a call
    FORM_MEMORY,   // the last one; the others are in registers
    FORM_HOMELESS, // locals that other locals leave no register to
    FORM_INTO_0,   // the result becomes operand 0's local, of which the stack has the old value
    FORM_INTO_1,   // operand 1's
    FORM_IF,       // what takes a comparison's result
    FORM_BR_IF,
    FORM_SELECT,
    FORM_EQZ,
    FORM_NOT_IF,
    FORM_CONST_LEFT,   // operand 0
    FORM_CONST_RIGHT,  // the last one
    FORM_CONST_HALVES, // the upper halves of numbers of 128 bits
    FORM_CONST,        // all of them
    FORM_COUNT,
};

static const char *const FORM_NAMES[FORM_COUNT] = {
    [FORM_LOCAL] = "local",
    [FORM_MEMORY_ALL] = "memory_all",
    [FORM_REGISTER] = "register",
    [FORM_SPILLED] = "spilled",
    [FORM_MEMORY] = "memory",
    [FORM_HOMELESS] = "homeless",
    [FORM_INTO_0] = "into_0",
    [FORM_INTO_1] = "into_1",
    [FORM_IF] = "if",
    [FORM_BR_IF] = "br_if",
    [FORM_SELECT] = "select",
    [FORM_EQZ] = "eqz",
    [FORM_NOT_IF] = "not_if",
    [FORM_CONST_LEFT] = "const_left",
    [FORM_CONST_RIGHT] = "const_right",
    [FORM_CONST_HALVES] = "const_halves",
    [FORM_CONST] = "const",
};

// The functions' locals. Addresses of slots count from the tables' starts.
enum {
    LOCAL_AT,   // parameter: the first tuple's slot
    LOCAL_END,  // parameter: where to stop
    LOCAL_STEP, // parameter
    LOCAL_ZERO, // parameter: 0, which the compiler does not know
    LOCAL_OPERAND,
    LOCAL_LOW = LOCAL_OPERAND + OPERANDS_MAX, // results of two values
    LOCAL_HIGH,
    LOCAL_OTHERS,
    OTHERS = 16, // of i64, then as many of v128: more than there are registers
    OTHER_USES = 4,
};

static bool case_is_condition(const struct num_case *c)
{
    const struct wj_opcode_info *info = case_info(c);
    switch ((int) info->family) {
    case FAM_IEQZ:
    case FAM_ICOMPARE:
    case FAM_FCOMPARE: return true;
    case FAM_VTEST: return info->sub != VTEST_BITMASK;
    }
    return false;
}

// Which operands are constants in the code, as bits.
static unsigned form_constants(const struct num_case *c, enum form form)
{
    switch ((int) form) {
    case FORM_CONST_LEFT: return 1;
    case FORM_CONST_RIGHT: return 1u << (case_arity(c) - 1);
    case FORM_CONST_HALVES: return 10;
    case FORM_CONST: return (1u << case_arity(c)) - 1;
    }
    return 0;
}

static bool form_exists(const struct num_case *c, enum form form)
{
    const struct wj_opcode_info *info = case_info(c);
    unsigned arity = case_arity(c);
    if (!c->is_everywhere) {
        return form == FORM_LOCAL || form == FORM_MEMORY_ALL;
    }
    switch (form) {
    case FORM_LOCAL:
    case FORM_MEMORY_ALL:
    case FORM_REGISTER:
    case FORM_SPILLED:
    case FORM_HOMELESS: return true;
    case FORM_CONST: return !c->is_same;
    case FORM_MEMORY: return arity > 1;
    case FORM_CONST_LEFT:
    case FORM_CONST_RIGHT: return arity > 1 && !c->is_same;
    case FORM_CONST_HALVES: return arity == 4 && !c->is_same;
    case FORM_INTO_0:
    case FORM_INTO_1: {
        unsigned k = form == FORM_INTO_0 ? 0 : 1;
        return k < case_axes(c) && wj_sig_count(info->results) > 0 &&
               wj_sig_at(info->pops, k) == wj_sig_at(info->results, 0);
    }
    case FORM_IF:
    case FORM_BR_IF:
    case FORM_SELECT:
    case FORM_EQZ:
    case FORM_NOT_IF: return case_is_condition(c);
    case FORM_COUNT: break;
    }
    return false;
}

// ---- Bytes ------------------------------------------------------------------------------------

struct bytes {
    uint8_t *data;
    size_t size, room;
};

static void put(struct bytes *b, const void *data, size_t size)
{
    if (b->size + size > b->room) {
        b->room = 2 * b->room + size + 1024;
        b->data = realloc(b->data, b->room);
        if (b->data == NULL) {
            abort();
        }
    }
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

#define PUT(b, ...) put(b, (const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})

static void put_u(struct bytes *b, uint64_t value)
{
    do {
        PUT(b, (uint8_t) ((value & 127) | (value > 127 ? 128 : 0)));
        value >>= 7;
    } while (value != 0);
}

static void put_s(struct bytes *b, int64_t value)
{
    while (value < -64 || value > 63) {
        PUT(b, (uint8_t) ((value & 127) | 128));
        value >>= 7;
    }
    PUT(b, (uint8_t) (value & 127));
}

static void put_section(struct bytes *b, unsigned id, struct bytes *content)
{
    put_u(b, id);
    put_u(b, content->size);
    put(b, content->data, content->size);
    content->size = 0;
}

// ---- Code -------------------------------------------------------------------------------------

enum { OP_CALL = 0x10, OP_DROP = 0x1a, OP_SELECT = 0x1b, OP_GET = 0x20, OP_SET = 0x21 };
enum { I32 = 0x7f, I64 = 0x7e, F32 = 0x7d, F64 = 0x7c, V128 = 0x7b };

static void put_op(struct bytes *b, enum wj_opcode op)
{
    const struct wj_opcode_info *info = &wj_opcode_infos[op];
    if (info->prefix != 0) {
        PUT(b, info->prefix);
        put_u(b, info->code);
    } else {
        PUT(b, (uint8_t) info->code);
    }
}

static void put_get(struct bytes *b, unsigned local)
{
    PUT(b, OP_GET);
    put_u(b, local);
}

static void put_set(struct bytes *b, unsigned local)
{
    PUT(b, OP_SET);
    put_u(b, local);
}

static void put_memarg(struct bytes *b, enum wj_opcode op, uint64_t offset)
{
    put_op(b, op);
    put_u(b, wj_opcode_infos[op].width_log2);
    put_u(b, offset);
}

static void put_load(struct bytes *b, unsigned sig, uint64_t offset)
{
    static const uint16_t ops[] = {[WJ_SIG_I32] = WJ_OP_I32_LOAD,
                                   [WJ_SIG_I64] = WJ_OP_I64_LOAD,
                                   [WJ_SIG_F32] = WJ_OP_F32_LOAD,
                                   [WJ_SIG_F64] = WJ_OP_F64_LOAD,
                                   [WJ_SIG_V128] = WJ_OP_V128_LOAD};
    put_memarg(b, (enum wj_opcode) ops[sig], offset);
}

static void put_store(struct bytes *b, unsigned sig, uint64_t offset)
{
    static const uint16_t ops[] = {[WJ_SIG_I32] = WJ_OP_I32_STORE,
                                   [WJ_SIG_I64] = WJ_OP_I64_STORE,
                                   [WJ_SIG_F32] = WJ_OP_F32_STORE,
                                   [WJ_SIG_F64] = WJ_OP_F64_STORE,
                                   [WJ_SIG_V128] = WJ_OP_V128_STORE};
    put_memarg(b, (enum wj_opcode) ops[sig], offset);
}

static void put_i32(struct bytes *b, uint32_t value)
{
    put_op(b, WJ_OP_I32_CONST);
    put_s(b, (int32_t) value);
}

static void put_const(struct bytes *b, unsigned sig, const struct slot *value)
{
    switch (sig) {
    case WJ_SIG_I32: put_i32(b, (uint32_t) slot_u64(value)); break;
    case WJ_SIG_I64:
        put_op(b, WJ_OP_I64_CONST);
        put_s(b, (int64_t) slot_u64(value));
        break;
    case WJ_SIG_F32:
        put_op(b, WJ_OP_F32_CONST);
        put(b, value->bytes, 4);
        break;
    case WJ_SIG_F64:
        put_op(b, WJ_OP_F64_CONST);
        put(b, value->bytes, 8);
        break;
    default:
        put_op(b, WJ_OP_V128_CONST);
        put(b, value->bytes, 16);
        break;
    }
}

// The type of an operand; all addresses here are of 32 bits.
static unsigned operand_sig(const struct num_case *c, unsigned k)
{
    unsigned sig = wj_sig_at(case_info(c)->pops, k);
    return sig == WJ_SIG_ADDR ? (unsigned) WJ_SIG_I32 : sig;
}

static unsigned operand_source(const struct num_case *c, unsigned k)
{
    return c->is_same ? 0 : k;
}

struct body {
    const struct num_case *c;
    enum form form;
    unsigned constants;               // operands, as bits
    struct slot values[OPERANDS_MAX]; // of those
};

static bool operand_is_loaded(const struct body *f, unsigned k)
{
    return f->form == FORM_MEMORY_ALL || (f->form == FORM_MEMORY && k + 1 == case_arity(f->c));
}

static bool operand_is_local(const struct body *f, unsigned k)
{
    return (f->constants >> k & 1) == 0 && !operand_is_loaded(f, k);
}

static void put_operand(struct bytes *b, const struct body *f, unsigned k)
{
    unsigned sig = operand_sig(f->c, k), source = operand_source(f->c, k);
    unsigned local = LOCAL_OPERAND + source;
    if ((f->constants >> k & 1) != 0) {
        put_const(b, sig, &f->values[k]);
    } else if (operand_is_loaded(f, k)) {
        put_get(b, LOCAL_AT);
        put_load(b, sig, OPERANDS_AT + source * TABLE_STRIDE);
    } else {
        put_get(b, local);
        if (f->form == FORM_REGISTER || f->form == FORM_SPILLED || f->form == FORM_MEMORY) {
            put_get(b, local);
            if (sig == WJ_SIG_V128) {
                put_op(b, WJ_OP_V128_OR);
            } else {
                put_get(b, LOCAL_ZERO);
                PUT(b, OP_SELECT);
            }
        }
    }
}

static void put_operation(struct bytes *b, const struct body *f)
{
    const struct wj_opcode_info *info = case_info(f->c);
    for (unsigned k = 0; k < case_arity(f->c); k++) {
        put_operand(b, f, k);
    }
    if (f->form == FORM_SPILLED) {
        PUT(b, OP_CALL, 0);
    }
    put_op(b, f->c->opcode);
    if (info->imm == WJ_IMM_MEMARG || info->imm == WJ_IMM_MEMARG_LANE) {
        put_u(b, info->width_log2);
        put_u(b, f->c->offset);
    }
    if (info->imm == WJ_IMM_LANE || info->imm == WJ_IMM_MEMARG_LANE) {
        PUT(b, f->c->lanes[0]);
    } else if (info->imm == WJ_IMM_LANES) {
        put(b, f->c->lanes, 16);
    }
}

static void put_condition(struct bytes *b, const struct body *f)
{
    enum {
        BLOCK = 0x02,
        IF = 0x04,
        ELSE = 0x05,
        END = 0x0b,
        BR_IF = 0x0d,
        EQZ = 0x45,
        CONST = 0x41
    };
    if (f->form == FORM_BR_IF) {
        PUT(b, BLOCK, I32, CONST, 1);
    } else if (f->form == FORM_SELECT) {
        PUT(b, CONST, 1, CONST, 0);
    }
    put_operation(b, f);
    switch ((int) f->form) {
    case FORM_IF: PUT(b, IF, I32, CONST, 1, ELSE, CONST, 0, END); break;
    case FORM_NOT_IF: PUT(b, EQZ, IF, I32, CONST, 0, ELSE, CONST, 1, END); break;
    case FORM_EQZ: PUT(b, EQZ, EQZ); break;
    case FORM_SELECT: PUT(b, OP_SELECT); break;
    case FORM_BR_IF: PUT(b, BR_IF, 0, OP_DROP, CONST, 0, END); break;
    }
}

// The operation on the tuple whose slots are at LOCAL_AT.
static void put_tuple(struct bytes *b, const struct body *f)
{
    uint32_t results = case_info(f->c)->results;
    bool is_into = f->form == FORM_INTO_0 || f->form == FORM_INTO_1;
    unsigned into = LOCAL_OPERAND + (f->form == FORM_INTO_1);
    for (unsigned k = 0; k < case_axes(f->c); k++) {
        if (operand_is_local(f, k)) {
            put_get(b, LOCAL_AT);
            put_load(b, operand_sig(f->c, k), OPERANDS_AT + k * TABLE_STRIDE);
            put_set(b, LOCAL_OPERAND + k);
        }
    }
    for (unsigned i = 0; case_writes(f->c) && i < PLACE_BYTES / 16; i++) {
        struct slot init;
        memcpy(init.bytes, (const uint8_t *) PLACE_INIT + 16 * i, 16);
        put_i32(b, 0);
        put_const(b, WJ_SIG_V128, &init);
        put_store(b, WJ_SIG_V128, PLACE_AT + 16 * i);
    }
    if (wj_sig_count(results) == 0) {
        put_operation(b, f);
    } else if (wj_sig_count(results) == 2) {
        unsigned low = f->form == FORM_INTO_0 ? LOCAL_OPERAND : LOCAL_LOW;
        unsigned high = f->form == FORM_INTO_0 ? LOCAL_OPERAND + 1 : LOCAL_HIGH;
        put_operation(b, f);
        put_set(b, high);
        put_set(b, low);
        put_get(b, LOCAL_AT);
        put_get(b, low);
        put_store(b, WJ_SIG_I64, RESULTS_AT);
        put_get(b, LOCAL_AT);
        put_get(b, high);
        put_store(b, WJ_SIG_I64, RESULTS_AT + 8);
    } else if (is_into) {
        put_get(b, LOCAL_ZERO);
        put_get(b, into);
        put_operation(b, f);
        put_set(b, into);
        put_store(b, wj_sig_at(results, 0), 0); // the old value, of no use
        put_get(b, LOCAL_AT);
        put_get(b, into);
        put_store(b, wj_sig_at(results, 0), RESULTS_AT);
    } else {
        put_get(b, LOCAL_AT);
        put_condition(b, f);
        put_store(b, wj_sig_at(results, 0), RESULTS_AT);
    }
    for (unsigned i = 0; case_writes(f->c) && i < PLACE_BYTES / 16; i++) {
        put_get(b, LOCAL_AT);
        put_i32(b, 0);
        put_load(b, WJ_SIG_V128, PLACE_AT + 16 * i);
        put_store(b, WJ_SIG_V128, PLACES_AT + i * TABLE_STRIDE);
    }
}

// Code that never runs, in loops, where the other locals weigh more than any operand.
static void put_others(struct bytes *b)
{
    enum { LOOP = 0x03, IF = 0x04, BR_IF = 0x0d, END = 0x0b, NOTHING = 0x40 };
    put_get(b, LOCAL_ZERO);
    PUT(b, IF, NOTHING, LOOP, NOTHING, LOOP, NOTHING);
    for (unsigned i = 0; i < 2 * OTHERS * OTHER_USES; i++) {
        unsigned of = i % (2 * OTHERS), first = of < OTHERS ? 0 : OTHERS;
        put_get(b, LOCAL_OTHERS + of);
        put_get(b, LOCAL_OTHERS + first + (of + 1) % OTHERS);
        put_op(b, of < OTHERS ? WJ_OP_I64_ADD : WJ_OP_I64X2_ADD);
        put_set(b, LOCAL_OTHERS + of);
    }
    put_get(b, LOCAL_ZERO);
    PUT(b, BR_IF, 0, END, END, END);
}

static uint8_t sig_byte(unsigned sig)
{
    static const uint8_t bytes[] = {[WJ_SIG_I32] = I32,
                                    [WJ_SIG_I64] = I64,
                                    [WJ_SIG_F32] = F32,
                                    [WJ_SIG_F64] = F64,
                                    [WJ_SIG_V128] = V128};
    return bytes[sig];
}

static void put_locals(struct bytes *b, const struct body *f)
{
    bool has_others = f->form == FORM_HOMELESS;
    put_u(b, OPERANDS_MAX + 1 + (has_others ? 2 : 0));
    for (unsigned k = 0; k < OPERANDS_MAX; k++) {
        PUT(b, 1, k < case_arity(f->c) ? sig_byte(operand_sig(f->c, k)) : I32);
    }
    PUT(b, 2, I64);
    if (has_others) {
        PUT(b, OTHERS, I64, OTHERS, V128);
    }
}

// Applies the operation to the tuples from LOCAL_AT on, each LOCAL_STEP, up to LOCAL_END.
static void put_loop(struct bytes *b, const struct body *f)
{
    enum { LOOP = 0x03, BR_IF = 0x0d, END = 0x0b, NOTHING = 0x40 };
    put_locals(b, f);
    if (f->form == FORM_HOMELESS) {
        put_others(b);
    }
    PUT(b, LOOP, NOTHING);
    put_tuple(b, f);
    put_get(b, LOCAL_AT);
    put_get(b, LOCAL_STEP);
    put_op(b, WJ_OP_I32_ADD);
    PUT(b, 0x22, LOCAL_AT); // local.tee
    put_get(b, LOCAL_END);
    put_op(b, WJ_OP_I32_LT_U);
    PUT(b, BR_IF, 0, END, END);
}

// ---- Modules ----------------------------------------------------------------------------------

struct module {
    struct bytes bodies;
    uint32_t func_count; // beside the one that does nothing
};

static void module_add(struct module *m, struct bytes *body)
{
    put_u(&m->bodies, body->size);
    put(&m->bodies, body->data, body->size);
    body->size = 0;
    m->func_count++;
}

// Imports the memory, and exports each function in order, by its number.
static void module_finish(struct module *m, struct bytes *out)
{
    struct bytes section = {0};
    PUT(out, 0, 'a', 's', 'm', 1, 0, 0, 0);
    PUT(&section, 2, 0x60, 0, 0, 0x60, 4, I32, I32, I32, I32, 0);
    put_section(out, 1, &section);
    PUT(&section, 1, 0, 0, 2, 0);
    put_u(&section, PAGES);
    put_section(out, 2, &section);
    put_u(&section, m->func_count + 1);
    PUT(&section, 0);
    for (uint32_t i = 0; i < m->func_count; i++) {
        PUT(&section, 1);
    }
    put_section(out, 3, &section);
    put_u(&section, m->func_count);
    for (uint32_t i = 1; i <= m->func_count; i++) {
        char name[16];
        int length = snprintf(name, sizeof name, "%u", i);
        put_u(&section, (uint64_t) length);
        put(&section, name, (size_t) length);
        PUT(&section, 0);
        put_u(&section, i);
    }
    put_section(out, 7, &section);
    put_u(&section, m->func_count + 1);
    PUT(&section, 2, 0, 0x0b);
    put(&section, m->bodies.data, m->bodies.size);
    put_section(out, 10, &section);
    free(section.data);
    m->bodies.size = 0;
    m->func_count = 0;
}

#endif
