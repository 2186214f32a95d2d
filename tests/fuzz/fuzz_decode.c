// libFuzzer target: any bytes are decoded, validated and, when valid, walked again in the trusting
// form. Built by clang with -fsanitize=fuzzer,address,undefined. The lowest bit of the first byte
// leaves all features off but the oldest.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "wasm/dump.h"
#include "wasm/features.h"
#include "wasm/module.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk_all(const struct wj_module *module)
{
    FILE *out = fopen("/dev/null", "w");
    if (out == NULL) {
        return;
    }
    for (uint32_t i = module->func_import_count; i < module->func_count; i++) {
        if (!wj_dump_ops(module, i, out)) {
            abort(); // a valid body has no errors in it
        }
    }
    fclose(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    uint32_t features = data[0] & 1 ? WJ_FEATURE_MVP : UINT32_MAX;
    struct wj_err err;
    struct wj_module *module = NULL;
    struct wj_types *types = wj_types_new();
    wj_err_clear(&err);
    if (types != NULL && wj_module_decode(types, features, data + 1, size - 1, &module, &err) &&
        wj_module_validate(module, &err)) {
        walk_all(module);
    }
    wj_module_free(module);
    wj_types_free(types);
    return 0;
}
