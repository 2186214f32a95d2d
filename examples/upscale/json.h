/* A reader for JSON text: the whole text becomes a tree of values, which lives as long as the
 * program. Just what a model.json needs. */
#ifndef UPSCALE_JSON_H
#define UPSCALE_JSON_H

#include <stdbool.h>
#include <stddef.h>

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_kind kind;
    bool boolean;
    double number;
    const char *string;       /* unescaped, ends in a zero byte */
    const char *key;          /* in an object */
    const struct json *first; /* of an array or object */
    const struct json *next;  /* in an array or object */
};

/* `text` ends in a zero byte and is overwritten. NULL: *error says what was expected, *offset
 * where. */
const struct json *json_parse(char *text, const char **error, size_t *offset);

/* All of them take NULL and values of another kind, and then return the fallback, NULL or 0. */
const struct json *json_get(const struct json *object, const char *key);
const struct json *json_at(const struct json *array, size_t index);
size_t json_count(const struct json *array);
const char *json_string(const struct json *value, const char *fallback);
double json_number(const struct json *value, double fallback);
bool json_bool(const struct json *value, bool fallback);

#endif
