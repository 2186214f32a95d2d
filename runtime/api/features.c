// Features by their names, as the command line and hosts write them.
#include <string.h>

#include "runtime/api/internal.h"
#include "wasm/features.h"
#include "wasm/opcode.h"

const char *wjit_feature_name(uint32_t feature)
{
    bool is_one = feature != 0 && (feature & (feature - 1)) == 0;
    return is_one && (feature & WJIT_FEATURES_ALL) != 0 ? wj_feature_name(feature) : NULL;
}

// The bits that a name stands for, or 0.
static uint32_t find(const char *name, size_t length)
{
    if (length == 3 && memcmp(name, "all", 3) == 0) {
        return WJIT_FEATURES_ALL & ~(uint32_t) WJIT_FEATURE_MVP;
    }
    for (uint32_t bit = 1; (bit & WJIT_FEATURES_ALL) != 0; bit <<= 1) {
        const char *each = wj_feature_name(bit);
        if (strlen(each) == length && memcmp(name, each, length) == 0) {
            return bit;
        }
    }
    return 0;
}

static bool fail(const char *word, size_t length, const char *what, wjit_error_t *error)
{
    struct wj_err err;
    wj_err_clear(&err);
    wj_err_set(&err, WJ_ERR_USAGE, WJ_NO_OFFSET, "\"%.*s\": %s", length < 80 ? (int) length : 80,
               word, what);
    wj_api_error_out(&err, error);
    return false;
}

bool wjit_features_switch(uint32_t *features, const char *switches, wjit_error_t *error)
{
    uint32_t result = *features;
    for (const char *at = switches;; at++) {
        size_t length = strcspn(at, ",");
        bool has_sign = *at == '+' || *at == '-';
        uint32_t bits = find(at + has_sign, length - has_sign);
        if (bits == 0) {
            return fail(at, length, "no such feature", error);
        }
        if (*at == '-' && bits == WJIT_FEATURE_MVP) {
            return fail(at, length, "it cannot be switched off", error);
        }
        result = *at == '-' ? result & ~bits : result | bits;
        at += length;
        if (*at == '\0') {
            break;
        }
    }
    *features = result;
    return true;
}
