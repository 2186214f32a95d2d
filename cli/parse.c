// Numbers, times, sizes and WebAssembly values from text, and values to text.
#include "cli/parse.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define F32_QUIET_NAN 0x7fc00000u
#define F64_QUIET_NAN 0x7ff8000000000000u

bool parse_u64(const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return isdigit((unsigned char) text[0]) && *end == '\0' && errno == 0;
}

// A decimal number, perhaps with a fraction, and what follows it.
static bool parse_decimal(const char *text, double *value, const char **rest)
{
    size_t digits = strspn(text, "0123456789.");
    char number[64];
    if (!isdigit((unsigned char) text[0]) || digits >= sizeof(number)) {
        return false;
    }
    memcpy(number, text, digits);
    number[digits] = '\0';
    char *end;
    *value = strtod(number, &end);
    *rest = text + digits;
    return *end == '\0';
}

bool parse_duration(const char *text, uint64_t *ns)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"", 1e9},   {"s", 1e9},  {"ms", 1e6},   {"us", 1e3},
                 {"ns", 1.0}, {"m", 6e10}, {"min", 6e10}, {"h", 3.6e12}};
    const char *unit;
    double number;
    if (!parse_decimal(text, &number, &unit)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (!strcmp(unit, units[i].name)) {
            double product = number * units[i].ns;
            *ns = product < 9e18 ? (uint64_t) product : (uint64_t) 9e18;
            return product >= 1.0;
        }
    }
    return false;
}

bool parse_rate(const char *text, double *rate)
{
    const char *unit;
    if (!parse_decimal(text, rate, &unit)) {
        return false;
    }
    if (!strcmp(unit, "%")) {
        *rate /= 100;
    } else if (*unit) {
        return false;
    }
    return *rate > 0 && *rate <= 1;
}

bool parse_size(const char *text, uint64_t *size_bytes)
{
    static const char letters[] = "KMGT";
    const char *unit;
    double number;
    if (!parse_decimal(text, &number, &unit)) {
        return false;
    }
    double product = number;
    if (*unit) {
        const char *letter = strchr(letters, toupper((unsigned char) *unit));
        if (!letter) {
            return false;
        }
        for (const char *at = letters; at <= letter; at++) {
            product *= 1024;
        }
        unit++;
        if (strcmp(unit, "") && strcmp(unit, "B") && strcmp(unit, "iB")) {
            return false;
        }
    }
    *size_bytes = product < 1.8e19 ? (uint64_t) product : UINT64_MAX;
    return true;
}

// An integer from -2^(bits-1) to 2^bits - 1.
static bool parse_integer(const char *text, unsigned bits, uint64_t *value)
{
    bool is_negative = text[0] == '-';
    const char *digits = text + (text[0] == '-' || text[0] == '+');
    bool is_hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    if (!isxdigit((unsigned char) digits[is_hex ? 2 : 0])) {
        return false;
    }
    char *end;
    errno = 0;
    uint64_t number = strtoull(digits, &end, is_hex ? 16 : 10);
    if (*end != '\0' || errno != 0) {
        return false;
    }
    uint64_t limit = is_negative ? 1ull << (bits - 1) : bits == 64 ? UINT64_MAX : UINT32_MAX;
    *value = is_negative ? -number : number;
    return number <= limit;
}

// "nan:0xN": a NaN with these bits of payload.
static bool parse_nan(const char *text, unsigned payload_bits, uint64_t *payload, bool *is_negative)
{
    *is_negative = text[0] == '-';
    text += text[0] == '-' || text[0] == '+';
    return !strncmp(text, "nan:0x", 6) && parse_integer(text + 4, 64, payload) && *payload > 0 &&
           *payload < 1ull << payload_bits;
}

static bool parse_f32(const char *text, wjit_val_t *value)
{
    uint64_t payload;
    bool is_negative;
    if (parse_nan(text, 23, &payload, &is_negative)) {
        uint32_t bits = 0x7f800000u | (uint32_t) payload | (uint32_t) is_negative << 31;
        memcpy(&value->of.f32, &bits, sizeof(bits));
        return true;
    }
    char *end;
    value->of.f32 = strtof(text, &end);
    return end != text && *end == '\0' && !isspace((unsigned char) text[0]);
}

static bool parse_f64(const char *text, wjit_val_t *value)
{
    uint64_t payload;
    bool is_negative;
    if (parse_nan(text, 52, &payload, &is_negative)) {
        uint64_t bits = 0x7ff0000000000000u | payload | (uint64_t) is_negative << 63;
        memcpy(&value->of.f64, &bits, sizeof(bits));
        return true;
    }
    char *end;
    value->of.f64 = strtod(text, &end);
    return end != text && *end == '\0' && !isspace((unsigned char) text[0]);
}

static bool parse_v128(const char *text, wjit_val_t *value)
{
    if (text[0] != '0' || text[1] != 'x') {
        return false;
    }
    text += 2;
    size_t length = strlen(text);
    if (length == 0 || length > 32) {
        return false;
    }
    memset(value->of.v128, 0, sizeof(value->of.v128));
    for (size_t i = 0; i < length; i++) {
        int ch = tolower((unsigned char) text[length - 1 - i]);
        if (!isxdigit(ch)) {
            return false;
        }
        unsigned digit = (unsigned) (ch <= '9' ? ch - '0' : ch - 'a' + 10);
        value->of.v128[i / 2] |= (uint8_t) (digit << (i % 2 * 4));
    }
    return true;
}

bool parse_value(const char *text, wasm_valkind_t kind, wjit_val_t *value)
{
    uint64_t bits;
    *value = (wjit_val_t){.kind = kind};
    switch (kind) {
    case WASM_I32:
        if (!parse_integer(text, 32, &bits)) {
            return false;
        }
        value->of.i32 = (int32_t) (uint32_t) bits;
        return true;
    case WASM_I64:
        if (!parse_integer(text, 64, &bits)) {
            return false;
        }
        value->of.i64 = (int64_t) bits;
        return true;
    case WASM_F32: return parse_f32(text, value);
    case WASM_F64: return parse_f64(text, value);
    case WJIT_V128: return parse_v128(text, value);
    default: return wasm_valkind_is_ref(kind) && !strcmp(text, "null");
    }
}

static void print_float(double number, uint64_t payload, uint64_t quiet, bool is_negative,
                        int digits)
{
    if (!isnan(number)) {
        printf("%.*g\n", digits, number);
    } else if (payload == quiet) {
        printf("%snan\n", is_negative ? "-" : "");
    } else {
        printf("%snan:0x%llx\n", is_negative ? "-" : "", (unsigned long long) payload);
    }
}

void print_value(const wjit_val_t *value)
{
    uint32_t bits32;
    uint64_t bits64;
    memcpy(&bits32, &value->of, sizeof(bits32));
    memcpy(&bits64, &value->of, sizeof(bits64));
    switch (value->kind) {
    case WASM_I32: printf("%d\n", value->of.i32); break;
    case WASM_I64: printf("%lld\n", (long long) value->of.i64); break;
    // Nine and seventeen digits tell all floats apart.
    case WASM_F32:
        print_float((double) value->of.f32, bits32 & 0x7fffff, F32_QUIET_NAN & 0x7fffff,
                    bits32 >> 31, 9);
        break;
    case WASM_F64:
        print_float(value->of.f64, bits64 & 0xfffffffffffffu, F64_QUIET_NAN & 0xfffffffffffffu,
                    bits64 >> 63, 17);
        break;
    case WJIT_V128:
        printf("0x");
        for (int i = 15; i >= 0; i--) {
            printf("%02x", value->of.v128[i]);
        }
        printf("\n");
        break;
    default: puts(value->of.ref ? "ref" : "null"); break;
    }
}
