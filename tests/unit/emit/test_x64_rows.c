// Every row of the x86-64 encoder, with random operands, against another assembler (llvm-mc) both
// ways: its disassembler reads what the encoder wrote as the row's text, and its assembler makes
// the same of that text, or something that is not shorter.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "emit/x64_masm.h"
#include "every_operation.h"
#include "llvm_mc.h"
#include "oracle.h"

#define MC_X64 "-triple=x86_64 -mattr=+avx512vl,+avx512dq -output-asm-variant=1"

enum { TRIES_R = 12, TRIES_M = 28, ROOM_BYTES = 1 << 16 };

enum table { GENERAL, VEX, EVEX };

struct row {
    enum table table;
    const char *name;
    uint32_t word;
    const char *forms, *text;
};

#define GENERAL_ROW(name, word, forms, text) {GENERAL, #name, (word), forms, text},
#define VEX_ROW(name, word, forms, text) {VEX, #name, (word), forms, text},
#define EVEX_ROW(name, word, forms, text) {EVEX, #name, (word), forms, text},
static const struct row ROWS[] = {X64_GENERAL_ROWS(GENERAL_ROW) X64_VEX_ROWS(VEX_ROW)
                                      X64_EVEX_ROWS(EVEX_ROW)};
#undef GENERAL_ROW
#undef VEX_ROW
#undef EVEX_ROW

struct fixed_row {
    const char *name;
    uint32_t bytes;
    const char *text;
};
#define FIXED_ROW(name, bytes, text) {#name, (bytes), text},
static const struct fixed_row FIXED[] = {X64_FIXED_ROWS(FIXED_ROW)};
#undef FIXED_ROW

#define NAME(name, number, text) [number] = text,
static const char *const ALUS[] = {X64_ALU_ROWS(NAME)};
static const char *const SHIFTS[] = {X64_SHIFT_ROWS(NAME)};
static const char *const CONDITIONS[] = {X64_CC_ROWS(NAME)};
#undef NAME

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

// One instruction to be: a row, what varies in it, and its operands.
struct sample {
    const struct row *row;
    uint32_t word;   // with what varies
    unsigned number; // of %a, %s, %c
    unsigned log2;   // of the operands %r and %z: 0 is a byte
    bool is_ymm, is_memory;
    const char *float_suffix;
    unsigned d, v, rm;
    struct x64_mem mem;
    int64_t imm;
    bool may_be_longer; // than what the assembler makes: see is_longer_for_a_reason
};

struct note {
    unsigned row; // of ROWS, then of FIXED
    bool may_be_longer;
};

struct rows_test {
    struct wj_masm m;
    uint8_t *code;
    struct mc_list ours; // the rows' texts, and the bytes of the encoder
    struct note *notes;  // one for each
    unsigned capacity;
    uint64_t seed;
    struct mc_list read; // what the disassembler made of the bytes
};

static uint32_t below(struct rows_test *t, uint32_t limit)
{
    return (uint32_t) (oracle_random(&t->seed) >> 20) % limit;
}

static bool has(const struct row *row, char form)
{
    return strchr(row->forms, form) != NULL;
}

// ---- Texts ------------------------------------------------------------------------------------

static void general_name(char *text, size_t size, unsigned reg, unsigned log2)
{
    static const char *const low[4][8] = {
        {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"},
        {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"},
        {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"},
        {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"},
    };
    static const char *const suffixes[] = {"b", "w", "d", ""};
    if (reg < 8) {
        snprintf(text, size, "%s", low[log2][reg]);
    } else {
        snprintf(text, size, "r%u%s", reg, suffixes[log2]);
    }
}

static void memory_name(char *text, size_t size, struct x64_mem mem)
{
    if (mem.base == X64_CONST) {
        snprintf(text, size, "[rip]");
        return;
    }
    char base[8], index[8] = "", scaled[24] = "";
    general_name(base, sizeof base, mem.base, 3);
    if (mem.index != WJ_REG_NONE) {
        general_name(index, sizeof index, mem.index, 3);
        snprintf(scaled, sizeof scaled, " + %u*%s", 1u << mem.scale, index);
    }
    snprintf(text, size, "[%s%s %c %lld]", base, scaled, mem.disp < 0 ? '-' : '+',
             (long long) (mem.disp < 0 ? -(int64_t) mem.disp : mem.disp));
}

static unsigned kind_log2(const struct sample *s, char kind)
{
    switch (kind) {
    case 'b': return 0;
    case 'h': return 1;
    case 'e': return 2;
    case 'q': return 3;
    default: return s->log2; // r and z
    }
}

static void operand_name(char *text, size_t size, const struct sample *s, char place, char kind)
{
    if (place == 'm' && s->is_memory) {
        static const char *const sizes[] = {"byte", "word", "dword", "qword"};
        char memory[64];
        memory_name(memory, sizeof memory, s->mem);
        // Memory of vector instructions has the size that the instruction says.
        bool is_sized = s->row->table == GENERAL && kind != 'n';
        snprintf(text, size, "%s%s%s", is_sized ? sizes[kind_log2(s, kind)] : "",
                 is_sized ? " ptr " : "", memory);
        return;
    }
    unsigned reg = place == 'd' ? s->d : place == 'v' ? s->v : s->rm;
    if (kind == 'x') {
        snprintf(text, size, "%cmm%u", s->is_ymm ? 'y' : 'x', reg);
    } else {
        general_name(text, size, reg, kind_log2(s, kind));
    }
}

static void sample_text(char *text, size_t size, const struct sample *s)
{
    size_t length = 0;
    for (const char *p = s->row->text; *p != 0; p++) {
        char piece[80] = {*p, 0};
        if (*p == '%') {
            p++;
            switch (*p) {
            case 'a': snprintf(piece, sizeof piece, "%s", ALUS[s->number]); break;
            case 's': snprintf(piece, sizeof piece, "%s", SHIFTS[s->number]); break;
            case 'c': snprintf(piece, sizeof piece, "%s", CONDITIONS[s->number]); break;
            case 'f': snprintf(piece, sizeof piece, "%s", s->float_suffix); break;
            case 'k': snprintf(piece, sizeof piece, "xmm%lld", (long long) s->imm >> 4); break;
            case 'i':
                p += strspn(p + 1, "0123456789");
                snprintf(piece, sizeof piece, "%lld", (long long) s->imm);
                break;
            default:
                operand_name(piece, sizeof piece, s, p[0], p[1]);
                p++;
                break;
            }
        }
        length += (size_t) snprintf(text + length, size - length, "%s", piece);
        assert_true(length < size);
    }
}

// ---- Operands ---------------------------------------------------------------------------------

static unsigned imm_bits(const struct row *row)
{
    const char *imm = strstr(row->text, "%i");
    return imm == NULL ? 0 : (unsigned) strtoul(imm + 2, NULL, 10);
}

static int64_t random_imm(struct rows_test *t, const struct row *row, unsigned try)
{
    uint64_t bits = oracle_random(&t->seed);
    if (strstr(row->text, "%k") != NULL) {
        return (int64_t) (bits >> 32 & 15) << 4;
    }
    switch (imm_bits(row)) {
    case 8:
        // Bytes that are counts, lanes and predicates are small, and all are tried; the arithmetic
        // ones have a sign.
        // Shifts by one have a form of their own.
        return strstr(row->text, "%a") != NULL || strcmp(row->name, "IMUL_IMM8") == 0
                   ? (int8_t) (bits >> 32)
               : strstr(row->text, "%s") != NULL ? 2 + (int64_t) (bits >> 32) % 30
                                                 : (int64_t) (try & 7);
    case 16: return (int64_t) (bits >> 32 & 0x7fff);
    case 32: {
        static const int32_t edges[] = {128, -129, INT32_MAX, INT32_MIN, 0x12345678};
        // Smaller ones have forms of their own.
        int32_t imm = below(t, 3) == 0 ? edges[below(t, COUNT(edges))] : (int32_t) (bits >> 32);
        imm = x64_fits8(imm) ? imm + 1000 : imm;
        return strcmp(row->name, "MOV_IMM") == 0 ? (int64_t) (uint32_t) imm : imm;
    }
    default: return (int64_t) (bits << 1);
    }
}

static struct x64_mem random_memory(struct rows_test *t, unsigned try)
{
    static const int32_t disps[] = {0,    0,    1,         -1,        127,       -128, 128,
                                    -129, 4096, INT32_MAX, INT32_MIN, 0x1234567, -640, 0x7f7f};
    // Every register is the base in turn, and the index at random: all but rsp can be.
    unsigned index = below(t, 16);
    bool has_index = below(t, 2) == 0 && index != RSP;
    return (struct x64_mem){(wj_reg) (try % 16), has_index ? (wj_reg) index : WJ_REG_NONE,
                            has_index ? (uint8_t) below(t, 4) : 0, disps[below(t, COUNT(disps))]};
}

// Where ours may be longer than what the assembler makes: forms that would cost the compiler a
// branch for a byte, or that it never asks for.
static bool is_longer_for_a_reason(const struct sample *s)
{
    bool is_map1 = (s->word & 0x300) == X64_0F && (s->word & X64_W) == 0;
    // A slot at SP itself, of which a frame has one: x64_rm_sp. x64_rm_0f takes r12 for rsp.
    bool is_sp = s->is_memory && s->mem.index == WJ_REG_NONE && s->mem.disp == 0 &&
                 (s->mem.base == RSP || (s->mem.base == R12 && (s->word & 0xf00) == X64_0F));
    // al and eax have opcodes of their own with an immediate.
    bool is_accumulator =
        !s->is_memory && s->rm == RAX && imm_bits(s->row) != 0 && has(s->row, 'x');
    // VEX of two bytes has no bit for a high register in ModRM.rm: the assembler turns operands
    // around that commute, and moves.
    bool is_high = s->row->table == VEX && !s->is_memory && is_map1 && s->rm >= 8;
    // EVEX is asked for because of registers that nothing else has.
    return is_sp || is_accumulator || is_high || s->row->table == EVEX;
}

// ---- The encoder ------------------------------------------------------------------------------

static void emit_general(struct wj_masm *m, const struct sample *s, unsigned try)
{
    const struct row *row = s->row;
    unsigned bytes = imm_bits(row) / 8;
    bool is_byte = strstr(row->text, "%mb") != NULL || strstr(row->text, "%db") != NULL;
    if (strncmp(row->text, "lock ", 5) == 0) {
        *m->buf.cursor++ = X64_LOCK;
    }
    if (strcmp(row->name, "PUSH") == 0) {
        x64_push(m, (wj_reg) s->rm);
    } else if (strcmp(row->name, "POP") == 0) {
        x64_pop(m, (wj_reg) s->rm);
    } else if (strncmp(row->name, "MOV_IMM", 7) == 0 && has(row, 'o')) {
        x64_mov_imm(m, (wj_reg) s->rm, (uint64_t) s->imm);
    } else if (strstr(row->text, "%mz") != NULL) {
        x64_rm_sized(m, row->word, s->log2, (wj_reg) s->d, s->mem);
    } else if (s->is_memory && strcmp(row->name, "MOV8_TO") == 0) {
        x64_rm_rex(m, s->word, s->d, s->mem, 0, x64_rex8(s->d));
    } else if (s->is_memory && bytes != 0) {
        x64_rm_imm(m, s->word, s->d, s->mem, (uint64_t) s->imm, bytes);
    } else if (s->is_memory) {
        x64_rm(m, s->word, s->d, s->mem);
    } else if (bytes != 0 && (s->word & 0xf00) == 0 && !is_byte && try % 2 == 0) {
        uint64_t mask = UINT64_MAX >> (64 - 8 * bytes);
        x64_rr_plain_imm(m, s->word, s->d, s->rm, (uint64_t) s->imm & mask, bytes);
    } else {
        if (is_byte) {
            x64_rr_rm8(m, s->word, s->d, s->rm);
        } else {
            x64_rr(m, s->word, s->d, s->rm);
        }
        x64_bytes(m, (uint64_t) s->imm, bytes);
    }
}

static void emit_vector(struct wj_masm *m, const struct sample *s)
{
    bool has_imm = imm_bits(s->row) != 0 || strstr(s->row->text, "%k") != NULL;
    if (s->row->table == EVEX) {
        x64_evex_rr(m, s->word, s->d, s->v, s->rm);
        if (has_imm) {
            x64_imm8(m, s->imm);
        }
    } else if (s->is_memory && has_imm) {
        x64_vrm_imm(m, s->word, s->d, s->v, s->mem, (unsigned) s->imm);
    } else if (s->is_memory) {
        x64_vrm(m, s->word, s->d, s->v, s->mem);
    } else if (has_imm) {
        x64_vrr_imm(m, s->word, s->d, s->v, s->rm, (unsigned) s->imm);
    } else {
        x64_vrr(m, s->word, s->d, s->v, s->rm);
    }
}

static struct mc_line *add_ours(struct rows_test *t, struct note note)
{
    struct mc_line *line = mc_append(&t->ours);
    if (t->ours.count > t->capacity) {
        t->capacity = t->ours.capacity;
        t->notes = realloc(t->notes, t->capacity * sizeof *t->notes);
        assert_non_null(t->notes);
    }
    t->notes[t->ours.count - 1] = note;
    line->count = wj_codebuf_offset(&t->m.buf);
    assert_in_range(line->count, 1, MC_CODE_BYTES);
    memcpy(line->bytes, t->code, line->count);
    return line;
}

static void begin(struct rows_test *t)
{
    wj_codebuf_begin(&t->m.buf, t->code, ROOM_BYTES, 0x10000);
}

static void add_sample(struct rows_test *t, struct sample s, unsigned try)
{
    unsigned registers = s.row->table == EVEX ? 32 : 16;
    bool has_d = strstr(s.row->text, "%d") != NULL;
    s.d = has(s.row, 'x') ? s.number | (s.row->word >> 16 & 7) : has_d ? below(t, registers) : 0;
    s.v = strstr(s.row->text, "%v") == NULL ? 0 : below(t, registers);
    s.rm = try < 16 && !s.is_memory ? (try * 5 + 4) % registers : below(t, registers);
    s.imm = random_imm(t, s.row, try);
    if (s.is_memory) {
        s.mem = random_memory(t, try);
        // Constants are behind no general form with an immediate: x64_rm_imm.
        bool takes_const = !has(s.row, 'x') && imm_bits(s.row) * (s.row->table == GENERAL) == 0;
        if (try == 20 && takes_const && strstr(s.row->text, "%mz") == NULL) {
            s.mem = x64_at(X64_CONST, 0);
        }
    }
    begin(t);
    if (s.row->table == GENERAL) {
        emit_general(&t->m, &s, try);
    } else {
        emit_vector(&t->m, &s);
    }
    struct note note = {(unsigned) (s.row - ROWS), is_longer_for_a_reason(&s)};
    struct mc_line *line = add_ours(t, note);
    sample_text(line->text, sizeof line->text, &s);
}

static void add_forms(struct rows_test *t, struct sample s)
{
    for (unsigned try = 0; try < TRIES_R && (has(s.row, 'r') || has(s.row, 'o')); try++) {
        s.is_memory = false;
        add_sample(t, s, try);
    }
    for (unsigned try = 0; try < TRIES_M && has(s.row, 'm'); try++) {
        s.is_memory = true;
        add_sample(t, s, try);
    }
}

// What varies: widths, vector lengths, the suffix of floats, the operation of a group.
static void add_widths(struct rows_test *t, struct sample s)
{
    for (unsigned w = 0; w < (has(s.row, 'w') ? 2u : 1u); w++) {
        for (unsigned l = 0; l < (has(s.row, 'l') ? 2u : 1u); l++) {
            struct sample wide = s;
            wide.log2 = strstr(s.row->text, "%mz") != NULL ? s.log2 : 2 + w;
            wide.is_ymm = l != 0;
            wide.word |= (w != 0 ? X64_W : 0) | (l != 0 ? X64_L256 : 0);
            add_forms(t, wide);
        }
    }
}

static void add_floats(struct rows_test *t, struct sample s)
{
    static const struct {
        char form;
        uint32_t prefix;
        const char *suffix;
    } floats[] = {
        {'F', 0, "ps"}, {'F', X64_66, "pd"}, {'F', X64_F3, "ss"}, {'F', X64_F2, "sd"},
        {'P', 0, "ps"}, {'P', X64_66, "pd"}, {'S', X64_F3, "ss"}, {'S', X64_F2, "sd"},
        {'U', 0, "ss"}, {'U', X64_66, "sd"},
    };
    unsigned count = 0;
    for (unsigned i = 0; i < COUNT(floats); i++) {
        if (has(s.row, floats[i].form)) {
            struct sample one = s;
            one.word |= floats[i].prefix;
            one.float_suffix = floats[i].suffix;
            add_widths(t, one);
            count++;
        }
    }
    assert_true((count != 0) == (strstr(s.row->text, "%f") != NULL));
    if (count == 0) {
        add_widths(t, s);
    }
}

static void add_row(struct rows_test *t, const struct row *row)
{
    struct sample s = {.row = row, .word = row->word & 0xffff};
    const char *const *names = strstr(row->text, "%a") != NULL   ? ALUS
                               : strstr(row->text, "%s") != NULL ? SHIFTS
                               : strstr(row->text, "%c") != NULL ? CONDITIONS
                                                                 : NULL;
    if (strstr(row->text, "%mz") != NULL) {
        for (s.log2 = 0; s.log2 < 4; s.log2++) {
            add_floats(t, s);
        }
        return;
    }
    if (names == NULL) {
        add_floats(t, s);
        return;
    }
    unsigned count = names == CONDITIONS ? COUNT(CONDITIONS) : 8;
    for (s.number = 0; s.number < count; s.number++) {
        if (names[s.number] != NULL) {
            struct sample one = s;
            unsigned shift = names == ALUS ? 3 : 0;
            one.word |= has(row, 'x') ? 0 : s.number << shift;
            add_floats(t, one);
        }
    }
}

// ---- Both ways --------------------------------------------------------------------------------

// Immediates of 32 bits are read without their sign: then the bytes tell that it is the same one.
// Distances of branches are in no bytes, but in the texts.
static bool is_same_one(const struct mc_line *a, const struct mc_line *b, bool has_distances)
{
    bool is_same_code = a->count == b->count && memcmp(a->bytes, b->bytes, a->count) == 0;
    return strcmp(a->text, b->text) == 0 || (is_same_code && !has_distances);
}

static void compare(struct rows_test *t, bool has_distances)
{
    // A branch to a number is only in the other syntax, but has the same text there.
    const char *head = has_distances ? ".att_syntax prefix" : ".intel_syntax noprefix";
    struct mc_list assembled = {0}, again = {0};
    assert_true(mc_assemble(MC_X64, head, &t->ours, &assembled));
    assert_true(mc_disassemble(MC_X64, &t->ours, &t->read));
    assert_true(mc_assemble(MC_X64, head, &t->read, &again));
    unsigned failed = 0, same = 0, longer = 0;
    for (unsigned i = 0; i < t->ours.count; i++) {
        const struct mc_line *ours = &t->ours.lines[i], *theirs = &assembled.lines[i];
        bool is_same =
            ours->count == theirs->count && memcmp(ours->bytes, theirs->bytes, ours->count) == 0;
        same += is_same;
        longer += ours->count > theirs->count;
        const char *what = NULL;
        // The disassembler does not print all prefixes.
        bool is_read = !is_same || strncmp(ours->text, "notrack", 7) != 0;
        if (is_read && !is_same_one(&again.lines[i], theirs, has_distances)) {
            what = "is read as another one";
        } else if (ours->count > theirs->count && !t->notes[i].may_be_longer) {
            what = "is longer than need be";
        }
        if (what != NULL && failed++ < 30) {
            print_message("%s: %s: %s (%u bytes), the assembler's %s has %u\n", ours->text, what,
                          t->read.lines[i].text, ours->count, theirs->text, theirs->count);
        }
    }
    print_message("%u instructions, %u with the same bytes, %u longer for a reason\n",
                  t->ours.count, same, longer);
    assert_int_equal(failed, 0);
    mc_clear(&assembled);
    mc_clear(&again);
}

static void rows_begin(struct rows_test *t)
{
    if (!mc_is_there()) {
        print_message("no llvm-mc-22 (Debian: llvm-22): rows are not compared\n");
        skip();
    }
    memset(t, 0, sizeof *t);
    t->seed = 1;
    t->code = malloc(ROOM_BYTES);
    assert_non_null(t->code);
    wj_codebuf_init(&t->m.buf);
}

static void rows_end(struct rows_test *t)
{
    mc_clear(&t->ours);
    free(t->notes);
    mc_clear(&t->read);
    wj_codebuf_clear(&t->m.buf);
    free(t->code);
}

static void test_rows(void **unused)
{
    (void) unused;
    struct rows_test t;
    rows_begin(&t);
    for (unsigned i = 0; i < COUNT(ROWS); i++) {
        add_row(&t, &ROWS[i]);
    }
    compare(&t, false);
    rows_end(&t);
}

// ---- Instructions of known bytes --------------------------------------------------------------

static void add_fixed(struct rows_test *t, const struct fixed_row *row, unsigned condition)
{
    const char *distance =
        strstr(row->text, "%l") != NULL ? strstr(row->text, "%l") : strstr(row->text, "%p");
    unsigned bits = distance == NULL ? 0 : (unsigned) strtoul(distance + 2, NULL, 10);
    unsigned bytes = 4 - (unsigned) __builtin_clz(row->bytes) / 8;
    int32_t value = bits == 8 ? (int8_t) below(t, 256) : (int32_t) (oracle_random(&t->seed) >> 32);
    begin(t);
    x64_bytes(&t->m, row->bytes + ((uint64_t) condition << 8 * (bytes - 1)), bytes);
    x64_bytes(&t->m, (uint32_t) value, bits / 8);
    // Whether a distance is short is not known before the label is.
    struct note note = {(unsigned) (COUNT(ROWS) + (size_t) (row - FIXED)),
                        bits == 32 && distance[1] == 'l'};
    struct mc_line *line = add_ours(t, note);
    size_t length = 0;
    for (const char *p = row->text; *p != 0; p++) {
        char piece[32] = {*p, 0};
        if (p == distance) {
            bool is_place = p[1] == 'p';
            snprintf(piece, sizeof piece, is_place ? "[rip + %d]" : "%d", value);
            p += bits == 8 ? 2 : 3;
        } else if (*p == '%') {
            snprintf(piece, sizeof piece, "%s", CONDITIONS[condition]);
            p++;
        }
        length += (size_t) snprintf(line->text + length, sizeof line->text - length, "%s", piece);
    }
}

static void add_fixed_rows(struct rows_test *t, bool has_distances)
{
    for (unsigned i = 0; i < COUNT(FIXED); i++) {
        if ((strstr(FIXED[i].text, "%l") != NULL) != has_distances ||
            strcmp(FIXED[i].name, "LOCK") == 0) { // no instruction: in the texts of others
            continue;
        }
        bool varies = strstr(FIXED[i].text, "%c") != NULL;
        for (unsigned condition = 0; condition < (varies ? 16u : 1u); condition++) {
            for (unsigned try = 0; try < 4; try++) {
                add_fixed(t, &FIXED[i], condition);
            }
        }
    }
}

static void test_fixed(void **unused)
{
    (void) unused;
    for (unsigned has_distances = 0; has_distances < 2; has_distances++) {
        struct rows_test t;
        rows_begin(&t);
        add_fixed_rows(&t, has_distances != 0);
        compare(&t, has_distances != 0);
        rows_end(&t);
    }
}

static void test_nops(void **unused)
{
    (void) unused;
    struct rows_test t;
    rows_begin(&t);
    for (unsigned count = 1; count <= 20; count++) {
        begin(&t);
        x64_nops(&t.m, count);
        struct mc_list read = {0};
        assert_true(mc_disassemble_code(MC_X64, t.code, wj_codebuf_offset(&t.m.buf), &read));
        for (unsigned i = 0; i < read.count; i++) {
            assert_int_equal(strncmp(read.lines[i].text, "nop", 3), 0);
        }
        assert_int_equal(read.count, (count + 7) / 8);
        mc_clear(&read);
    }
    rows_end(&t);
}

// ---- The verbs --------------------------------------------------------------------------------

// An instruction without its registers and numbers, and a row that has it.
struct form {
    char text[64];
    unsigned row;
    bool is_used;
};

static bool is_general(const char *word, size_t length, unsigned log2)
{
    for (unsigned reg = 0; reg < 16; reg++) {
        char name[8];
        general_name(name, sizeof name, reg, log2);
        if (strlen(name) == length && memcmp(name, word, length) == 0) {
            return true;
        }
    }
    return false;
}

// "add eax, dword ptr [rcx + 5]" is "add r32, dword ptr []".
static void form_text(const char *text, char form[64])
{
    static const char *const kinds[] = {"r8", "r16", "r32", "r64"};
    size_t length = 0;
    for (const char *p = text; *p != 0 && length < 56;) {
        size_t word = strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789");
        if (*p == '[') {
            length += (size_t) sprintf(form + length, "[]");
            p += strcspn(p, "]") + 1;
        } else if (*p == '-' || (*p >= '0' && *p <= '9')) {
            form[length++] = 'i';
            p += 1 + strspn(p + 1, "0123456789");
        } else if (word > 3 && (p[0] == 'x' || p[0] == 'y') && memcmp(p + 1, "mm", 2) == 0) {
            form[length++] = *p;
            p += word;
        } else if (word != 0) {
            const char *kind = NULL;
            for (unsigned log2 = 0; log2 < 4; log2++) {
                kind = is_general(p, word, log2) ? kinds[log2] : kind;
            }
            int count = kind != NULL ? sprintf(form + length, "%s", kind)
                                     : sprintf(form + length, "%.*s", (int) word, p);
            length += (size_t) count;
            p += word;
        } else {
            form[length++] = *p++;
        }
    }
    form[length] = 0;
}

static int compare_forms(const void *a, const void *b)
{
    return strcmp(((const struct form *) a)->text, ((const struct form *) b)->text);
}

// One of each, of all that the rows can be.
static struct form *forms_of_rows(struct rows_test *t, size_t *count)
{
    for (unsigned i = 0; i < COUNT(ROWS); i++) {
        add_row(t, &ROWS[i]);
    }
    add_fixed_rows(t, false);
    add_fixed_rows(t, true);
    assert_true(mc_disassemble(MC_X64, &t->ours, &t->read));
    struct form *forms = calloc(t->read.count, sizeof *forms);
    assert_non_null(forms);
    for (unsigned i = 0; i < t->read.count; i++) {
        form_text(t->read.lines[i].text, forms[i].text);
        forms[i].row = t->notes[i].row;
    }
    *count = t->read.count;
    qsort(forms, *count, sizeof *forms, compare_forms);
    return forms;
}

// Whether rows have the form; they are then in use.
static bool use_form(struct form *forms, size_t count, const char *text)
{
    struct form key;
    form_text(text, key.text);
    struct form *found = bsearch(&key, forms, count, sizeof *forms, compare_forms);
    if (found == NULL) {
        return false;
    }
    while (found > forms && strcmp(found[-1].text, key.text) == 0) {
        found--;
    }
    for (; found < forms + count && !found->is_used && strcmp(found->text, key.text) == 0;
         found++) {
        found->is_used = true;
    }
    return true;
}

// No verb emits what no row has, and no row is there that no verb emits.
static void test_verbs(void **unused)
{
    (void) unused;
    struct rows_test t;
    rows_begin(&t);
    size_t count = 0;
    struct form *forms = forms_of_rows(&t, &count);
    struct wj_masm m = {.wasm_offset = 1};
    struct every_code every = {.m = &m};
    wj_codebuf_init(&m.buf);
    every_code_make(&every, 4);
    struct mc_list read = {0};
    assert_true(mc_disassemble_code(MC_X64, every.code, every.size, &read));
    unsigned unknown = 0, unused_rows = 0;
    for (unsigned i = 0; i < read.count; i++) {
        const char *text = read.lines[i].text;
        if (!use_form(forms, count, text) && strncmp(text, "nop", 3) != 0 && unknown++ < 20) {
            print_message("no row has %s\n", text);
        }
    }
    bool is_used[COUNT(ROWS) + COUNT(FIXED)] = {false};
    for (size_t i = 0; i < count; i++) {
        is_used[forms[i].row] |= forms[i].is_used;
    }
    for (unsigned i = 0; i < COUNT(is_used); i++) {
        const char *name = i < COUNT(ROWS) ? ROWS[i].name : FIXED[i - COUNT(ROWS)].name;
        // What pads constants is no instruction of the code, and the prefix is none.
        if (!is_used[i] && strcmp(name, "INT3") != 0 && strcmp(name, "LOCK") != 0) {
            print_message("no verb emits %s\n", name);
            unused_rows++;
        }
    }
    print_message("%u instructions of the verbs\n", read.count);
    assert_int_equal(unknown, 0);
    assert_int_equal(unused_rows, 0);
    mc_clear(&read);
    every_code_clear(&every);
    wj_codebuf_clear(&m.buf);
    free(forms);
    rows_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_nops),
        cmocka_unit_test(test_verbs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
