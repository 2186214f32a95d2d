// Every row of the AArch64 encoder against another assembler (llvm-mc), with random operands; the
// immediates that have an encoding of their own, against all their values.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "emit/a64_masm.h"
#include "every_operation.h"
#include "llvm_mc.h"

enum { TRIES_PER_ROW = 12, LINE_BYTES = MC_TEXT_BYTES };

#define MC_A64 "-triple=aarch64 -mattr=+lse,+bti -M no-aliases"

struct row {
    const char *name;
    uint32_t bits;
    enum a64_variant variant;
    const char *text;
    int imm_at, imm_bits, imm_scale;
};

#define ROW(name, bits, variant, text, at, width, scale) \
    {#name, bits, variant, text, at, width, scale},
static const struct row ROWS[] = {A64_INT_ROWS(ROW) A64_MEMORY_ROWS(ROW) A64_FLOAT_ROWS(ROW)
                                      A64_VECTOR_ROWS(ROW)};
#undef ROW

struct access_row {
    uint32_t access;
    const char *stem, *rest;
};
#define ACCESS(name, scale, is_vector, opc, stem, rest) {A64_##name, stem, rest},
static const struct access_row ACCESSES[] = {A64_ACCESS_ROWS(ACCESS)};
#undef ACCESS

enum {
    ROW_COUNT = sizeof ROWS / sizeof ROWS[0],
    ALL_COUNT = ROW_COUNT + sizeof ACCESSES / sizeof ACCESSES[0], // of those with random operands
};

struct listing {
    struct mc_list ours; // texts of rows, and the words that the encoder makes
    unsigned *rows;      // of ROWS, then of ACCESSES, then all others
    unsigned row, capacity;
    uint64_t seed;
};

static uint32_t random_below(struct listing *list, uint32_t limit)
{
    list->seed = list->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t) (list->seed >> 33) % limit;
}

static void add_line(struct listing *list, uint32_t word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add_line(struct listing *list, uint32_t word, const char *format, ...)
{
    struct mc_line *line = mc_append(&list->ours);
    if (list->ours.count > list->capacity) {
        list->capacity = list->ours.capacity;
        list->rows = realloc(list->rows, list->capacity * sizeof *list->rows);
        assert_non_null(list->rows);
    }
    list->rows[list->ours.count - 1] = list->row;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line->text, LINE_BYTES, format, args);
    va_end(args);
    assert_in_range(length, 1, LINE_BYTES - 1);
    memcpy(line->bytes, &word, sizeof word);
    line->count = sizeof word;
}

// What the letters of a row's text stand for, in one variant of it.
struct letters {
    const char *r, *f, *t, *o, *l, *s;
    uint32_t bits;
};

static unsigned variants_of(enum a64_variant variant, struct letters out[4])
{
    static const char *const full[] = {"16b", "8h", "4s", "2d"};
    static const char *const low[] = {"8b", "4h", "2s", "1d"};
    static const char *const wide[] = {"8h", "4s", "2d", "1q"};
    static const char *const suffix[] = {"b", "h", "", ""};
    unsigned first = variant == A64_VS13 ? 1 : 0;
    unsigned count = variant == A64_ONE ? 1 : 2;
    if (variant == A64_VS || variant == A64_MS || variant == A64_SFFT) {
        count = 4;
    } else if (variant == A64_VS3) {
        count = 3;
    }
    for (unsigned i = 0; i < count; i++) {
        unsigned v = i + first;
        struct letters letters = {"w", "s", full[v], low[v], wide[v], suffix[v], 0};
        if (variant == A64_SF || variant == A64_SFN || variant == A64_SFFT) {
            letters.r = (v & 1) != 0 ? "x" : "w";
            letters.bits |= (uint32_t) (v & 1) << 31;
        }
        if (variant == A64_SFN && v != 0) {
            letters.bits |= A64_BIT_N;
        }
        if (variant == A64_FT || variant == A64_SFFT) {
            unsigned is_double = variant == A64_FT ? v : v >> 1;
            letters.f = is_double != 0 ? "d" : "s";
            letters.bits |= (uint32_t) is_double << 22;
        }
        if (variant == A64_VF) {
            letters.t = v != 0 ? "2d" : "4s";
            letters.bits = (uint32_t) v << 22;
        } else if (variant == A64_VS || variant == A64_VS3 || variant == A64_VS13) {
            letters.bits = (uint32_t) v << 22;
        } else if (variant == A64_MS) {
            letters.r = v == 3 ? "x" : "w";
            letters.bits = (uint32_t) v << 30;
        }
        out[i] = letters;
    }
    return count;
}

static void add_row(struct listing *list, const struct row *row, const struct letters *letters)
{
    // Loads and stores of pairs want registers that differ.
    uint32_t start = random_below(list, 7);
    uint32_t d = start, n = start + 7 + random_below(list, 2);
    uint32_t m = start + 9 + random_below(list, 7);
    uint32_t a = start + 17 + random_below(list, 7);
    int width = row->imm_bits < 0 ? -row->imm_bits : row->imm_bits;
    int64_t imm = width == 0 ? 0 : random_below(list, 1u << width);
    uint32_t field = (uint32_t) imm & ((1u << width) - 1);
    uint32_t word = row->bits | letters->bits | field << row->imm_at;
    if (row->imm_bits < 0 && imm >= 1 << (width - 1)) {
        imm -= INT64_C(1) << width;
    }
    imm *= INT64_C(1) << row->imm_scale;
    char text[LINE_BYTES];
    size_t length = 0;
    for (const char *p = row->text; *p != 0; p++) {
        if (*p != '%') {
            text[length++] = *p;
            continue;
        }
        char piece[24] = "";
        switch (*++p) {
        case 'd':
            word |= d;
            snprintf(piece, sizeof piece, "%u", d);
            break;
        case 'n':
            word |= n << 5;
            snprintf(piece, sizeof piece, "%u", n);
            break;
        case 'N': snprintf(piece, sizeof piece, "%u", n + 1); break;
        case 'm':
            word |= m << 16;
            snprintf(piece, sizeof piece, "%u", m);
            break;
        case 'a':
            word |= a << 10;
            snprintf(piece, sizeof piece, "%u", a);
            break;
        case 'i': snprintf(piece, sizeof piece, "%lld", (long long) imm); break;
        case 'r': snprintf(piece, sizeof piece, "%s", letters->r); break;
        case 'f': snprintf(piece, sizeof piece, "%s", letters->f); break;
        case 't': snprintf(piece, sizeof piece, "%s", letters->t); break;
        case 'o': snprintf(piece, sizeof piece, "%s", letters->o); break;
        case 'l': snprintf(piece, sizeof piece, "%s", letters->l); break;
        case 's': snprintf(piece, sizeof piece, "%s", letters->s); break;
        default: fail_msg("row %s: letter %c", row->name, *p);
        }
        memcpy(text + length, piece, strlen(piece));
        length += strlen(piece);
        assert_true(length + 24 < LINE_BYTES);
    }
    text[length] = 0;
    add_line(list, word, "%s", text);
}

static bool has_own_immediate(const struct row *row)
{
    static const char *const names[] = {"AND_IMM", "ORR_IMM", "EOR_IMM", "ANDS_IMM",
                                        "MOVZ",    "MOVN",    "MOVK",    "MOVI_16B",
                                        "SBFM",    "UBFM",    "FMOV_IMM"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(row->name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void add_rows(struct listing *list)
{
    for (unsigned i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        if (has_own_immediate(&ROWS[i])) {
            continue; // with all their values, below
        }
        struct letters letters[4];
        list->row = i;
        unsigned count = variants_of(ROWS[i].variant, letters);
        for (unsigned v = 0; v < count; v++) {
            for (unsigned k = 0; k < TRIES_PER_ROW; k++) {
                add_row(list, &ROWS[i], &letters[v]);
            }
        }
    }
}

static void add_accesses(struct listing *list)
{
    for (unsigned i = 0; i < sizeof ACCESSES / sizeof ACCESSES[0]; i++) {
        const struct access_row *row = &ACCESSES[i];
        list->row = ROW_COUNT + i;
        unsigned scale = a64_access_scale(row->access);
        for (unsigned k = 0; k < TRIES_PER_ROW; k++) {
            uint32_t t = random_below(list, 31), n = random_below(list, 31);
            uint32_t m = random_below(list, 31), units = random_below(list, 4096);
            int32_t disp = (int32_t) random_below(list, 512) - 256;
            uint32_t fields = row->access | n << 5 | t;
            add_line(list, A64_FORM_SCALED | fields | units << 10, "%s%s%u, [x%u, #%u]", row->stem,
                     row->rest, t, n, units << scale);
            add_line(list, A64_FORM_UNSCALED | fields | ((uint32_t) disp & 0x1ff) << 12,
                     "%su%s%u, [x%u, #%d]", row->stem, row->rest, t, n, disp);
            add_line(list, A64_FORM_INDEX | fields | m << 16, "%s%s%u, [x%u, x%u]", row->stem,
                     row->rest, t, n, m);
        }
    }
}

static unsigned row_named(const char *name)
{
    for (unsigned i = 0; i < ROW_COUNT; i++) {
        if (strcmp(ROWS[i].name, name) == 0) {
            return i;
        }
    }
    fail_msg("no row %s", name);
    return ROW_COUNT;
}

static void add_lanes(struct listing *list)
{
    static const char lane_letter[] = "bhsd";
    static const char *const full[] = {"16b", "8h", "4s", "2d"};
    static const char *const low[] = {"8b", "4h", "2s"};
    for (unsigned log2 = 0; log2 < 4; log2++) {
        char letter = lane_letter[log2];
        char general = log2 == 3 ? 'x' : 'w';
        for (unsigned lane = 0; lane < 16u >> log2; lane++) {
            uint32_t field = a64_lane(log2, lane);
            uint32_t dn = a64_rr(3, 7);
            add_line(list, (A64_DUP_LANE | dn) ^ field, "dup v3.%s, v7.%c[%u]", full[log2], letter,
                     lane);
            list->row = row_named("DUP_SCALAR");
            add_line(list, (A64_DUP_SCALAR | dn) ^ field, "dup %c3, v7.%c[%u]", letter, letter,
                     lane);
            list->row = row_named("INS_GPR");
            add_line(list, (A64_INS_GPR | dn) ^ field, "ins v3.%c[%u], %c7", letter, lane, general);
            list->row = row_named("INS_LANE");
            add_line(list, (A64_INS_LANE | dn) ^ field, "ins v3.%c[%u], v7.%c[0]", letter, lane,
                     letter);
            list->row = ALL_COUNT;
            if (log2 < 3) {
                add_line(list, (A64_UMOV_W | dn) ^ field, "umov w3, v7.%c[%u]", letter, lane);
            }
            if (log2 < 2) {
                add_line(list, (A64_SMOV_W | dn) ^ field, "smov w3, v7.%c[%u]", letter, lane);
            }
        }
        add_line(list, (A64_DUP_GPR | a64_rr(3, 7)) ^ a64_lane(log2, 0), "dup v3.%s, %c7",
                 full[log2], general);
        for (unsigned count = 0; log2 < 3 && count < 8u << log2; count++) {
            static const struct {
                uint32_t word;
                const char *name;
                bool is_high;
            } widenings[] = {{A64_SSHLL, "sshll", false},
                             {A64_SSHLL2, "sshll2", true},
                             {A64_USHLL, "ushll", false},
                             {A64_USHLL2, "ushll2", true}};
            for (unsigned k = 0; k < 4; k++) {
                add_line(list, (widenings[k].word | a64_rr(3, 7)) ^ a64_shift_left(log2, count),
                         "%s v3.%s, v7.%s, #%u", widenings[k].name, full[log2 + 1],
                         widenings[k].is_high ? full[log2] : low[log2], count);
            }
        }
        for (unsigned count = 0; count < 8u << log2; count++) {
            add_line(list, (A64_SHL | a64_rr(3, 7)) ^ a64_shift_left(log2, count),
                     "shl v3.%s, v7.%s, #%u", full[log2], full[log2], count);
            add_line(list, (A64_SSHR | a64_rr(3, 7)) ^ a64_shift_right(log2, count + 1),
                     "sshr v3.%s, v7.%s, #%u", full[log2], full[log2], count + 1);
            add_line(list, (A64_USHR | a64_rr(3, 7)) ^ a64_shift_right(log2, count + 1),
                     "ushr v3.%s, v7.%s, #%u", full[log2], full[log2], count + 1);
        }
    }
}

static void add_immediates(struct listing *list)
{
    for (unsigned imm = 0; imm < 256; imm++) {
        uint32_t field = a64_vector_imm8((uint8_t) imm);
        uint64_t mask = 0;
        for (unsigned i = 0; i < 8; i++) {
            mask |= (imm >> i & 1) != 0 ? UINT64_C(0xff) << (8 * i) : 0;
        }
        add_line(list, A64_MOVI_16B | field | 5, "movi v5.16b, #%u", imm);
        add_line(list, A64_MOVI_4S_24 | field | 5, "movi v5.4s, #%u, lsl #24", imm);
        add_line(list, A64_MOVI_2D | field | 5, "movi v5.2d, #0x%llx", (unsigned long long) mask);
    }
    static const char *const conditions[] = {"eq", "ne", "hs", "lo", "mi", "pl", "vs",
                                             "vc", "hi", "ls", "ge", "lt", "gt", "le"};
    for (uint32_t i = 0; i < 14; i++) {
        add_line(list, A64_BCOND | i, "b.%s #0", conditions[i]);
        uint32_t general = a64_rrr(3, 7, 8) | i << 12;
        for (unsigned wide = 0; wide < 2; wide++) {
            uint32_t sf = wide != 0 ? a64_sf(NUM_I64) : 0, ft = wide != 0 ? a64_ft(NUM_F64) : 0;
            char r = wide != 0 ? 'x' : 'w', f = wide != 0 ? 'd' : 's';
            add_line(list, A64_CSEL | sf | general, "csel %c3, %c7, %c8, %s", r, r, r,
                     conditions[i]);
            add_line(list, A64_CSINC | sf | general, "csinc %c3, %c7, %c8, %s", r, r, r,
                     conditions[i]);
            add_line(list, A64_CSINV | sf | general, "csinv %c3, %c7, %c8, %s", r, r, r,
                     conditions[i]);
            add_line(list, A64_FCSEL | ft | general, "fcsel %c3, %c7, %c8, %s", f, f, f,
                     conditions[i]);
            add_line(list, A64_CCMP_IMM | sf | a64_rr(0, 7) | 9 << 16 | i << 12,
                     "ccmp %c7, #9, #0, %s", r, conditions[i]);
        }
    }
    // movz, movn and movk of each 16 bits.
    for (unsigned i = 0; i < 4; i++) {
        static const struct {
            uint32_t word;
            const char *name;
        } moves[] = {{A64_MOVZ, "movz"}, {A64_MOVN, "movn"}, {A64_MOVK, "movk"}};
        for (unsigned k = 0; k < 12; k++) {
            uint32_t imm = k < 3 ? 0 : random_below(list, 65536);
            uint32_t word = moves[k % 3].word | i << 21 | imm << 5 | 3;
            const char *name = moves[k % 3].name;
            add_line(list, word | a64_sf(NUM_I64), "%s x3, #%u, lsl #%u", name, imm, 16 * i);
            if (i < 2) {
                add_line(list, word, "%s w3, #%u, lsl #%u", name, imm, 16 * i);
            }
        }
    }
    // SP takes the place of the other register that the number 31 means.
    add_line(list, A64_ADD_UXTX | a64_rrr(3, 31, 8), "add x3, sp, x8");
    add_line(list, A64_SUB_UXTX | a64_rrr(3, 31, 8), "sub x3, sp, x8");
}

// Every shift by an immediate, and the extensions.
static void add_shifts(struct listing *list)
{
    for (unsigned wide = 0; wide < 2; wide++) {
        unsigned width = wide != 0 ? 64 : 32;
        uint32_t rr = a64_rr(3, 7) | (wide != 0 ? a64_sf(NUM_I64) | A64_BIT_N : 0);
        char r = wide != 0 ? 'x' : 'w';
        for (unsigned count = 1; count < width; count++) {
            add_line(list, A64_UBFM | rr | (width - count) << 16 | (width - 1 - count) << 10,
                     "lsl %c3, %c7, #%u", r, r, count);
            add_line(list, A64_UBFM | rr | count << 16 | (width - 1) << 10, "lsr %c3, %c7, #%u", r,
                     r, count);
            add_line(list, A64_SBFM | rr | count << 16 | (width - 1) << 10, "asr %c3, %c7, #%u", r,
                     r, count);
            add_line(list, A64_EXTR | rr | 7 << 16 | count << 10, "ror %c3, %c7, #%u", r, r, count);
        }
        add_line(list, A64_SBFM | rr | 7 << 10, "sxtb %c3, w7", r);
        add_line(list, A64_SBFM | rr | 15 << 10, "sxth %c3, w7", r);
    }
    add_line(list, A64_SBFM | a64_sf(NUM_I64) | A64_BIT_N | a64_rr(3, 7) | 31 << 10, "sxtw x3, w7");
}

static double float_of(unsigned imm8)
{
    double value = (16 + (int) (imm8 & 15)) / 16.0;
    int exponent = (int) (imm8 >> 4 & 7);
    exponent = exponent < 4 ? exponent + 1 : exponent - 7;
    for (; exponent > 0; exponent--) {
        value *= 2;
    }
    for (; exponent < 0; exponent++) {
        value /= 2;
    }
    return imm8 >= 128 ? -value : value;
}

static void add_float_immediates(struct listing *list)
{
    for (unsigned imm = 0; imm < 256; imm++) {
        uint32_t word = A64_FMOV_IMM | imm << 13 | 7;
        add_line(list, word, "fmov s7, #%.8f", float_of(imm));
        add_line(list, word | a64_ft(NUM_F64), "fmov d7, #%.8f", float_of(imm));
    }
}

// So many ones in each element of `size` bits, rotated to the right.
static uint64_t ones_of(unsigned size, unsigned ones, unsigned rotation)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 64; i++) {
        value |= (uint64_t) ((i + rotation) % size < ones) << i;
    }
    return value;
}

// Every value that a logical immediate can have, in the four instructions, of 64 bits and of 32.
static void add_logical_immediates(struct listing *list)
{
    static const struct {
        uint32_t word;
        const char *name;
    } logicals[] = {
        {A64_AND_IMM, "and"}, {A64_ORR_IMM, "orr"}, {A64_EOR_IMM, "eor"}, {A64_ANDS_IMM, "ands"}};
    unsigned count = 0;
    for (unsigned size = 2; size <= 64; size *= 2) {
        for (unsigned ones = 1; ones < size; ones++) {
            for (unsigned rotation = 0; rotation < size; rotation++, count++) {
                uint64_t value = ones_of(size, ones, rotation);
                uint32_t fields = 0;
                assert_true(a64_logical_imm(NUM_I64, value, &fields));
                uint32_t word = logicals[count % 4].word | a64_rr(3, 7);
                const char *name = logicals[count % 4].name;
                add_line(list, word | fields | a64_sf(NUM_I64), "%s x3, x7, #0x%llx", name,
                         (unsigned long long) value);
                if (size <= 32) {
                    assert_true(a64_logical_imm(NUM_I32, value, &fields));
                    add_line(list, word | fields, "%s w3, w7, #0x%x", name, (uint32_t) value);
                }
            }
        }
    }
}

static void add_all(struct listing *list)
{
    if (!mc_is_there()) {
        print_message("no llvm-mc-22 (Debian: llvm-22): rows are not compared\n");
        skip();
    }
    list->seed = 1;
    add_rows(list);
    add_accesses(list);
    list->row = ALL_COUNT;
    add_lanes(list);
    add_immediates(list);
    add_shifts(list);
    add_float_immediates(list);
    add_logical_immediates(list);
}

// Both ways: the assembler makes the encoder's word of the row's text, and the disassembler reads
// the word as what the assembler prints of that text.
static void test_rows(void **state)
{
    (void) state;
    struct listing list = {.seed = 1};
    add_all(&list);
    struct mc_list assembled = {0}, read = {0};
    assert_true(mc_assemble(MC_A64, "", &list.ours, &assembled));
    assert_true(mc_disassemble(MC_A64, &list.ours, &read));
    unsigned failed = 0;
    for (unsigned i = 0; i < list.ours.count; i++) {
        const struct mc_line *ours = &list.ours.lines[i], *theirs = &assembled.lines[i];
        bool is_same = memcmp(ours->bytes, theirs->bytes, 4) == 0 &&
                       strcmp(read.lines[i].text, theirs->text) == 0;
        if (!is_same && failed++ < 20) {
            uint32_t word, wanted;
            memcpy(&word, ours->bytes, sizeof word);
            memcpy(&wanted, theirs->bytes, sizeof wanted);
            print_message("%s: %08x, which is %s; wanted %08x\n", ours->text, word,
                          read.lines[i].text, wanted);
        }
    }
    print_message("%u words compared\n", list.ours.count);
    assert_int_equal(failed, 0);
    mc_clear(&assembled);
    mc_clear(&read);
    mc_clear(&list.ours);
    free(list.rows);
}

// ---- The verbs --------------------------------------------------------------------------------

// An instruction without the numbers of its registers, its immediates and conditions.
struct form {
    char text[64];
};

static bool is_condition(const char *word, size_t length)
{
    static const char all[] = "eq ne hs lo mi pl vs vc hi ls ge lt gt le al";
    for (const char *p = all; length == 2 && p < all + sizeof all - 1; p += 3) {
        if (memcmp(p, word, 2) == 0) {
            return true;
        }
    }
    return false;
}

// "add w3, w7, #5" is "add w, w, #".
static void form_text(const char *text, struct form *form)
{
    size_t length = 0;
    memset(form, 0, sizeof *form);
    for (const char *p = text; *p != 0 && length < sizeof form->text - 24;) {
        size_t word = strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789_");
        size_t digits = word < 2 ? 0 : strspn(p + 1, "0123456789");
        char before = p == text ? 0 : p[-1];
        bool is_register = strchr(" {[", before) != NULL && before != 0 &&
                           strchr("wxbhsdqv", *p) != NULL && digits != 0 && digits + 1 == word;
        if (*p == '#') {
            form->text[length++] = '#';
            p += 1 + strspn(p + 1, "-0123456789.abcdefx");
        } else if (before == '[' && word != 0 && *p >= '0' && *p <= '9') {
            form->text[length++] = '#'; // of a lane
            p += word;
        } else if (is_register) {
            form->text[length++] = *p;
            p += word;
        } else if (word == 3 && memcmp(p + 1, "zr", 2) == 0) {
            form->text[length++] = *p;
            p += word;
        } else if (word == 2 && memcmp(p, "sp", 2) == 0) {
            form->text[length++] = 'x';
            p += word;
        } else if (p != text && is_condition(p, word)) {
            length += (size_t) sprintf(form->text + length, "cond");
            p += word;
        } else if (word != 0) {
            memcpy(form->text + length, p, word < 16 ? word : 16);
            length += word < 16 ? word : 16;
            p += word;
        } else {
            form->text[length++] = *p++;
        }
    }
}

static int compare_forms(const void *a, const void *b)
{
    return strcmp(((const struct form *) a)->text, ((const struct form *) b)->text);
}

static struct form *forms_of(const struct mc_list *list)
{
    struct form *forms = calloc(list->count, sizeof *forms);
    assert_non_null(forms);
    for (unsigned i = 0; i < list->count; i++) {
        form_text(list->lines[i].text, &forms[i]);
    }
    qsort(forms, list->count, sizeof *forms, compare_forms);
    return forms;
}

// Whether a general register is an operand: of 0x18, x18 is a part.
static bool names_register(const char *text, const char *number)
{
    for (const char *p = strstr(text, number); p != NULL; p = strstr(p + 1, number)) {
        bool is_whole = strchr("0123456789abcdef", p[2]) == NULL || p[2] == 0;
        if (is_whole && p > text + 1 && (p[-1] == 'x' || p[-1] == 'w') &&
            strchr(" [,", p[-2]) != NULL) {
            return true;
        }
    }
    return false;
}

// What the platform asks of each instruction; NULL when it is so.
static const char *broken_rule(const char *text)
{
    long imm;
    char rest[32] = "";
    if (names_register(text, "18")) {
        return "x18 is the platform's";
    }
    // The frame chain of the host is kept and given back, by the stubs.
    bool is_kept = strcmp(text, "stp x29, x30, [sp, #80]") == 0 ||
                   strcmp(text, "ldp x29, x30, [sp, #80]") == 0;
    if (names_register(text, "29") && !is_kept) {
        return "x29 is the host's";
    }
    if (strncmp(text, "br x", 4) == 0 && strcmp(text, "br x16") != 0 &&
        strcmp(text, "br x17") != 0) {
        return "bti c takes br from x16 and x17 alone";
    }
    bool writes_sp = strncmp(text, "add sp,", 7) == 0 || strncmp(text, "sub sp,", 7) == 0;
    if (writes_sp && sscanf(text, "%*3s sp, sp, #%ld%31s", &imm, rest) >= 1 && imm % 16 != 0 &&
        strncmp(rest, ",", 1) != 0) {
        return "SP is a multiple of 16";
    }
    if (strstr(text, "[sp], ") != NULL || strstr(text, "]!") != NULL) {
        return "SP changes by add and sub alone";
    }
    return NULL;
}

// No verb emits what no row has, no row is there that no verb emits, and the rules of the platform
// hold for all of it.
static void test_verbs(void **state)
{
    (void) state;
    struct listing list = {.seed = 1};
    add_all(&list);
    struct mc_list rows = {0}, read = {0};
    assert_true(mc_disassemble(MC_A64, &list.ours, &rows));
    struct wj_masm m = {.wasm_offset = 1};
    struct every_code every = {.m = &m};
    wj_codebuf_init(&m.buf);
    every_code_make(&every, 8);
    assert_true(mc_disassemble_code(MC_A64, every.code, every.size, &read));
    assert_int_equal(read.count, every.size / 4);
    struct form *of_rows = forms_of(&rows), *of_verbs = forms_of(&read);
    unsigned unknown = 0, idle = 0, broken = 0;
    for (unsigned i = 0; i < read.count; i++) {
        struct form form;
        form_text(read.lines[i].text, &form);
        if (bsearch(&form, of_rows, rows.count, sizeof form, compare_forms) == NULL &&
            unknown++ < 30) {
            print_message("no row has %s (%s)\n", read.lines[i].text, form.text);
        }
        const char *rule = broken_rule(read.lines[i].text);
        if (rule != NULL && broken++ < 20) {
            print_message("%s: %s\n", read.lines[i].text, rule);
        }
    }
    // What has all its values for operands is in no list of rows.
    bool is_used[ALL_COUNT + 1] = {false}, is_listed[ALL_COUNT + 1] = {false};
    for (unsigned i = 0; i < rows.count; i++) {
        struct form form;
        form_text(rows.lines[i].text, &form);
        is_listed[list.rows[i]] = true;
        is_used[list.rows[i]] |=
            bsearch(&form, of_verbs, read.count, sizeof form, compare_forms) != NULL;
    }
    for (unsigned i = 0; i < ALL_COUNT; i++) {
        if (!is_used[i] && is_listed[i]) {
            print_message("no verb emits %s\n",
                          i < ROW_COUNT ? ROWS[i].name : ACCESSES[i - ROW_COUNT].rest);
            idle++;
        }
    }
    print_message("%u instructions of the verbs\n", read.count);
    assert_int_equal(idle, 0);
    assert_int_equal(unknown, 0);
    assert_int_equal(broken, 0);
    free(of_rows);
    free(of_verbs);
    mc_clear(&rows);
    mc_clear(&read);
    mc_clear(&list.ours);
    free(list.rows);
    every_code_clear(&every);
    wj_codebuf_clear(&m.buf);
}

// The value of N:immr:imms, by the manual's DecodeBitMasks.
static uint64_t decode_logical(uint32_t fields)
{
    uint32_t n = fields >> 22 & 1, immr = fields >> 16 & 63, imms = fields >> 10 & 63;
    uint32_t size_bits = n << 6 | (~imms & 63);
    unsigned size = 1u << (31 - (unsigned) __builtin_clz(size_bits));
    unsigned ones = (imms & (size - 1)) + 1, rotation = immr & (size - 1);
    return ones_of(size, ones, rotation);
}

static void test_logical_immediates(void **state)
{
    (void) state;
    unsigned count = 0;
    for (unsigned size = 2; size <= 64; size *= 2) {
        for (unsigned ones = 1; ones < size; ones++) {
            for (unsigned rotation = 0; rotation < size; rotation++, count++) {
                uint64_t value = ones_of(size, ones, rotation);
                uint32_t fields = 0;
                assert_true(a64_logical_imm(NUM_I64, value, &fields));
                assert_true(decode_logical(fields) == value);
                if (size <= 32) {
                    assert_true(a64_logical_imm(NUM_I32, (uint32_t) value, &fields));
                    assert_true(decode_logical(fields) == value && (fields & A64_BIT_N) == 0);
                }
                uint64_t near = value ^ UINT64_C(1) << (rotation * 7 % 64);
                if (a64_logical_imm(NUM_I64, near, &fields)) {
                    assert_true(decode_logical(fields) == near);
                }
            }
        }
    }
    assert_int_equal(count, 5334); // the number that the manual's encoding can hold
    uint32_t fields;
    assert_false(a64_logical_imm(NUM_I64, 0, &fields));
    assert_false(a64_logical_imm(NUM_I64, UINT64_MAX, &fields));
    assert_false(a64_logical_imm(NUM_I32, UINT64_C(0xffffffff00000000), &fields));
    assert_false(a64_logical_imm(NUM_I32, UINT32_MAX, &fields));
    assert_false(a64_logical_imm(NUM_I64, 5, &fields));
}

static void test_float_immediates(void **state)
{
    (void) state;
    for (unsigned imm = 0; imm < 256; imm++) {
        double value = float_of(imm);
        float single = (float) value;
        uint64_t bits64;
        uint32_t bits32;
        memcpy(&bits64, &value, sizeof bits64);
        memcpy(&bits32, &single, sizeof bits32);
        uint8_t found = 0;
        assert_true(a64_float_imm(NUM_F64, bits64, &found) && found == imm);
        assert_true(a64_float_imm(NUM_F32, bits32, &found) && found == imm);
        assert_false(a64_float_imm(NUM_F64, bits64 ^ 1, &found));
        assert_false(a64_float_imm(NUM_F32, bits32 ^ UINT64_C(0x40000), &found));
        assert_false(a64_float_imm(NUM_F64, bits64 ^ UINT64_C(1) << 62, &found));
    }
    uint8_t found;
    assert_false(a64_float_imm(NUM_F32, 0, &found));
    assert_false(a64_float_imm(NUM_F64, 0, &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_verbs),
        cmocka_unit_test(test_logical_immediates),
        cmocka_unit_test(test_float_immediates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
