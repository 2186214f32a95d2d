/* A recursive-descent reader; nesting is limited, since the stack of a wasm program is small. */
#include "json.h"

#include "fail.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64

struct reader {
    char *at;
    const char *error;
};

static struct json *read_value(struct reader *r, int depth);

static struct json *expected(struct reader *r, const char *what)
{
    if (r->error == NULL) {
        r->error = what;
    }
    return NULL;
}

static void skip_space(struct reader *r)
{
    r->at += strspn(r->at, " \t\r\n");
}

static struct json *new_value(enum json_kind kind)
{
    struct json *value = must_allocate(sizeof *value, "model.json");
    *value = (struct json){.kind = kind};
    return value;
}

/* The value of 4 hexadecimal digits, or -1. */
static int read_hex4(const char *at)
{
    int code = 0;
    for (int i = 0; i < 4; i++) {
        int c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        code = code * 16 + digit;
    }
    return code;
}

/* UTF-8 of one UTF-16 unit; surrogates stay apart, as names are only compared with each other. */
static char *put_utf8(char *to, int code)
{
    if (code < 0x80) {
        *to++ = (char) code;
    } else if (code < 0x800) {
        *to++ = (char) (0xC0 | code >> 6);
        *to++ = (char) (0x80 | (code & 0x3F));
    } else {
        *to++ = (char) (0xE0 | code >> 12);
        *to++ = (char) (0x80 | (code >> 6 & 0x3F));
        *to++ = (char) (0x80 | (code & 0x3F));
    }
    return to;
}

/* Unescapes in place: no escape is shorter than what it stands for. */
static const char *read_string(struct reader *r)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    char *start = ++r->at, *to = start;
    while (*r->at != '"') {
        if ((unsigned char) *r->at < 0x20) {
            expected(r, "the end of a string");
            return NULL;
        }
        if (*r->at != '\\') {
            *to++ = *r->at++;
            continue;
        }
        const char *escape = r->at[1] != 0 ? strchr(from, r->at[1]) : NULL;
        int code = r->at[1] == 'u' ? read_hex4(r->at + 2) : -1;
        if (escape != NULL) {
            *to++ = into[escape - from];
            r->at += 2;
        } else if (code > 0) {
            to = put_utf8(to, code);
            r->at += 6;
        } else {
            expected(r, "an escape sequence");
            return NULL;
        }
    }
    r->at++;
    *to = 0;
    return start;
}

static struct json *read_string_value(struct reader *r)
{
    const char *string = read_string(r);
    if (string == NULL) {
        return NULL;
    }
    struct json *value = new_value(JSON_STRING);
    value->string = string;
    return value;
}

static const char *read_key(struct reader *r)
{
    skip_space(r);
    if (*r->at != '"') {
        expected(r, "a key in quotes");
        return NULL;
    }
    const char *key = read_string(r);
    skip_space(r);
    if (key != NULL && *r->at++ != ':') {
        r->at--;
        expected(r, "a colon");
        return NULL;
    }
    return key;
}

static struct json *read_members(struct reader *r, enum json_kind kind, char close, int depth)
{
    struct json *list = new_value(kind);
    const struct json **link = &list->first;
    r->at++;
    skip_space(r);
    if (*r->at == close) {
        r->at++;
        return list;
    }
    for (;;) {
        const char *key = kind == JSON_OBJECT ? read_key(r) : NULL;
        struct json *value = r->error == NULL ? read_value(r, depth + 1) : NULL;
        if (value == NULL) {
            return NULL;
        }
        value->key = key;
        *link = value;
        link = &value->next;
        skip_space(r);
        if (*r->at == close) {
            r->at++;
            return list;
        }
        if (*r->at != ',') {
            return expected(r, kind == JSON_OBJECT ? "a comma or }" : "a comma or ]");
        }
        r->at++;
    }
}

static struct json *read_word(struct reader *r, const char *word, enum json_kind kind, bool boolean)
{
    size_t length = strlen(word);
    if (strncmp(r->at, word, length) != 0) {
        return expected(r, "a value");
    }
    r->at += length;
    struct json *value = new_value(kind);
    value->boolean = boolean;
    return value;
}

static struct json *read_number(struct reader *r)
{
    char *end = r->at;
    double number = strtod(r->at, &end);
    if (end == r->at) {
        return expected(r, "a value");
    }
    r->at = end;
    struct json *value = new_value(JSON_NUMBER);
    value->number = number;
    return value;
}

static struct json *read_value(struct reader *r, int depth)
{
    if (depth > DEPTH_MAX) {
        return expected(r, "at most 64 levels");
    }
    skip_space(r);
    switch (*r->at) {
    case '{': return read_members(r, JSON_OBJECT, '}', depth);
    case '[': return read_members(r, JSON_ARRAY, ']', depth);
    case '"': return read_string_value(r);
    case 't': return read_word(r, "true", JSON_BOOL, true);
    case 'f': return read_word(r, "false", JSON_BOOL, false);
    case 'n': return read_word(r, "null", JSON_NULL, false);
    default: return read_number(r);
    }
}

const struct json *json_parse(char *text, const char **error, size_t *offset)
{
    struct reader r = {.at = text};
    struct json *value = read_value(&r, 0);
    skip_space(&r);
    if (value != NULL && *r.at != 0) {
        value = expected(&r, "the end of the text");
    }
    *error = r.error;
    *offset = (size_t) (r.at - text);
    return value;
}

const struct json *json_get(const struct json *object, const char *key)
{
    if (object == NULL || object->kind != JSON_OBJECT) {
        return NULL;
    }
    for (const struct json *value = object->first; value != NULL; value = value->next) {
        if (strcmp(value->key, key) == 0) {
            return value;
        }
    }
    return NULL;
}

const struct json *json_at(const struct json *array, size_t index)
{
    const struct json *value = array != NULL && array->kind == JSON_ARRAY ? array->first : NULL;
    while (value != NULL && index-- > 0) {
        value = value->next;
    }
    return value;
}

size_t json_count(const struct json *array)
{
    size_t n = 0;
    for (const struct json *value = json_at(array, 0); value != NULL; value = value->next) {
        n++;
    }
    return n;
}

const char *json_string(const struct json *value, const char *fallback)
{
    return value != NULL && value->kind == JSON_STRING ? value->string : fallback;
}

double json_number(const struct json *value, double fallback)
{
    return value != NULL && value->kind == JSON_NUMBER ? value->number : fallback;
}

bool json_bool(const struct json *value, bool fallback)
{
    return value != NULL && value->kind == JSON_BOOL ? value->boolean : fallback;
}
