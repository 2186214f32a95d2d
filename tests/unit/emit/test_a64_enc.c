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

enum { TRIES_PER_ROW = 12, LINES_MAX = 32768, LINE_BYTES = 112 };

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

struct listing {
    char (*lines)[LINE_BYTES];
    uint32_t *words;
    unsigned count;
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
    assert_true(list->count < LINES_MAX);
    va_list args;
    va_start(args, format);
    int length = vsnprintf(list->lines[list->count], LINE_BYTES, format, args);
    va_end(args);
    assert_in_range(length, 1, LINE_BYTES - 1);
    list->words[list->count++] = word;
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
        if (variant == A64_SF || variant == A64_SFFT) {
            letters.r = (v & 1) != 0 ? "x" : "w";
            letters.bits |= (uint32_t) (v & 1) << 31;
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
    static const char *const names[] = {"AND_IMM",  "ORR_IMM",  "EOR_IMM",
                                        "ANDS_IMM", "MOVI_16B", "FMOV_IMM"};
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

static void add_lanes(struct listing *list)
{
    static const char lane_letter[] = "bhsd";
    static const char *const full[] = {"16b", "8h", "4s", "2d"};
    for (unsigned log2 = 0; log2 < 4; log2++) {
        char letter = lane_letter[log2];
        char general = log2 == 3 ? 'x' : 'w';
        for (unsigned lane = 0; lane < 16u >> log2; lane++) {
            uint32_t field = a64_lane(log2, lane);
            uint32_t dn = a64_rr(3, 7);
            add_line(list, (A64_DUP_LANE | dn) ^ field, "dup v3.%s, v7.%c[%u]", full[log2], letter,
                     lane);
            add_line(list, (A64_DUP_SCALAR | dn) ^ field, "dup %c3, v7.%c[%u]", letter, letter,
                     lane);
            add_line(list, (A64_INS_GPR | dn) ^ field, "ins v3.%c[%u], %c7", letter, lane, general);
            add_line(list, (A64_INS_LANE | dn) ^ field, "ins v3.%c[%u], v7.%c[0]", letter, lane,
                     letter);
            if (log2 < 3) {
                add_line(list, (A64_UMOV_W | dn) ^ field, "umov w3, v7.%c[%u]", letter, lane);
            }
            if (log2 < 2) {
                add_line(list, (A64_SMOV_W | dn) ^ field, "smov w3, v7.%c[%u]", letter, lane);
            }
        }
        add_line(list, (A64_DUP_GPR | a64_rr(3, 7)) ^ a64_lane(log2, 0), "dup v3.%s, %c7",
                 full[log2], general);
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
    for (unsigned i = 0; i < 600; i++) {
        uint64_t value = (uint64_t) random_below(list, 1u << 30) << random_below(list, 34);
        value = i % 3 == 0 ? ~value : (UINT64_C(2) << random_below(list, 40)) - 1;
        value <<= random_below(list, 20);
        uint32_t fields;
        if (a64_logical_imm(NUM_I64, value, &fields)) {
            add_line(list, A64_EOR_IMM | a64_sf(NUM_I64) | a64_rr(3, 7) | fields,
                     "eor x3, x7, #0x%llx", (unsigned long long) value);
        }
        if (a64_logical_imm(NUM_I32, value, &fields)) {
            add_line(list, A64_ANDS_IMM | a64_rr(3, 7) | fields, "ands w3, w7, #0x%x",
                     (uint32_t) value);
        }
    }
    static const char *const conditions[] = {"eq", "ne", "hs", "lo", "mi", "pl", "vs",
                                             "vc", "hi", "ls", "ge", "lt", "gt", "le"};
    for (uint32_t i = 0; i < 14; i++) {
        add_line(list, A64_BCOND | i, "b.%s #0", conditions[i]);
        add_line(list, A64_CSINC | a64_rrr(3, 7, 8) | i << 12, "csinc w3, w7, w8, %s",
                 conditions[i]);
    }
}

// The words that llvm-mc makes of the lines, in their order; -1 of one it does not take.
static bool assemble(const struct listing *list, int64_t *words)
{
    char source[] = "/tmp/wjit-a64-XXXXXX";
    int descriptor = mkstemp(source);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    for (unsigned i = 0; i < list->count; i++) {
        fprintf(file, "%s\n", list->lines[i]);
    }
    fclose(file);
    char command[256];
    snprintf(command, sizeof command,
             "llvm-mc-22 -triple=aarch64 -mattr=+lse,+bti -show-encoding %s 2>/dev/null", source);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    char line[512];
    unsigned count = 0;
    while (fgets(line, sizeof line, pipe) != NULL) {
        const char *encoding = strstr(line, "encoding: [");
        unsigned b[4];
        if (encoding != NULL &&
            sscanf(encoding, "encoding: [%x,%x,%x,%x", &b[0], &b[1], &b[2], &b[3]) == 4 &&
            count < list->count) {
            words[count++] = b[0] | b[1] << 8 | b[2] << 16 | (int64_t) b[3] << 24;
        }
    }
    bool is_done = pclose(pipe) == 0 && count == list->count;
    if (is_done) {
        unlink(source);
    } else {
        print_message("llvm-mc took %u of %u lines of %s\n", count, list->count, source);
    }
    return is_done;
}

static void test_rows(void **state)
{
    (void) state;
    if (system("llvm-mc-22 --version >/dev/null 2>&1") != 0) {
        print_message("no llvm-mc-22 (Debian: llvm-22): rows are not compared\n");
        skip();
    }
    struct listing list = {malloc(LINES_MAX * LINE_BYTES), calloc(LINES_MAX, 4), 0, 1};
    int64_t *expected = calloc(LINES_MAX, sizeof *expected);
    assert_true(list.lines != NULL && list.words != NULL && expected != NULL);
    add_rows(&list);
    add_accesses(&list);
    add_lanes(&list);
    add_immediates(&list);
    assert_true(assemble(&list, expected));
    unsigned failed = 0;
    for (unsigned i = 0; i < list.count; i++) {
        if (expected[i] != list.words[i] && failed++ < 20) {
            print_message("%s: %08x, wanted %08llx\n", list.lines[i], list.words[i],
                          (unsigned long long) expected[i]);
        }
    }
    print_message("%u words compared\n", list.count);
    assert_int_equal(failed, 0);
    free(list.lines);
    free(list.words);
    free(expected);
}

// The value of N:immr:imms, by the manual's DecodeBitMasks.
static uint64_t decode_logical(uint32_t fields)
{
    uint32_t n = fields >> 22 & 1, immr = fields >> 16 & 63, imms = fields >> 10 & 63;
    uint32_t size_bits = n << 6 | (~imms & 63);
    unsigned size = 1u << (31 - (unsigned) __builtin_clz(size_bits));
    unsigned ones = (imms & (size - 1)) + 1, rotation = immr & (size - 1);
    uint64_t value = 0;
    for (unsigned i = 0; i < 64; i++) {
        unsigned from = (i + rotation) % size;
        value |= (uint64_t) (from < ones) << i;
    }
    return value;
}

static void test_logical_immediates(void **state)
{
    (void) state;
    unsigned count = 0;
    for (unsigned size = 2; size <= 64; size *= 2) {
        for (unsigned ones = 1; ones < size; ones++) {
            for (unsigned rotation = 0; rotation < size; rotation++, count++) {
                uint64_t value = 0;
                for (unsigned i = 0; i < 64; i++) {
                    value |= (uint64_t) ((i + rotation) % size < ones) << i;
                }
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
        double value = (16 + (int) (imm & 15)) / 16.0;
        int exponent = (int) (imm >> 4 & 7);
        exponent = exponent < 4 ? exponent + 1 : exponent - 7;
        for (; exponent > 0; exponent--) {
            value *= 2;
        }
        for (; exponent < 0; exponent++) {
            value /= 2;
        }
        value = imm >= 128 ? -value : value;
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
        cmocka_unit_test(test_logical_immediates),
        cmocka_unit_test(test_float_immediates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
