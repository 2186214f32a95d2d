// What the tests of the translator share: text to module, module to shader, shader to validator.
#ifndef UNIT_SPIRV_TRANSLATE_H
#define UNIT_SPIRV_TRANSLATE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "spirv/kernel.h"
#include "wasm/features.h"
#include "wasm/module.h"

// A device that does everything as specified.
static inline struct wj_gpu_caps full_caps(void)
{
    return (struct wj_gpu_caps){.has_int64 = true,
                                .has_float64 = true,
                                .has_storage8 = true,
                                .has_atomic64 = true,
                                .memories_max = WJ_GPU_MEMORIES_MAX};
}

static inline bool has_tool(const char *name)
{
    char command[128];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", name);
    return system(command) == 0;
}

static inline void *read_all(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    char *data = NULL;
    size_t count = 0;
    size_t got;
    do {
        data = realloc(data, count + 65536);
        assert_non_null(data);
        got = fread(data + count, 1, 65535, file);
        count += got;
    } while (got != 0);
    data[count] = '\0';
    fclose(file);
    *size = count;
    return data;
}

struct temp_files {
    char folder[64];
    char wat[96], wasm[96], spv[96], text[96];
};

static inline void temp_open(struct temp_files *t)
{
    strcpy(t->folder, "/tmp/wjit-spirv-XXXXXX");
    assert_non_null(mkdtemp(t->folder));
    snprintf(t->wat, sizeof t->wat, "%s/a.wat", t->folder);
    snprintf(t->wasm, sizeof t->wasm, "%s/a.wasm", t->folder);
    snprintf(t->spv, sizeof t->spv, "%s/a.spv", t->folder);
    snprintf(t->text, sizeof t->text, "%s/a.txt", t->folder);
}

static inline void temp_close(const struct temp_files *t)
{
    unlink(t->wat);
    unlink(t->wasm);
    unlink(t->spv);
    unlink(t->text);
    rmdir(t->folder);
}

// Translates the export "kernel" of a module in the text format.
static inline bool translate_wat(struct temp_files *t, const char *wat,
                                 const struct wj_gpu_caps *caps, struct wj_gpu_code *code,
                                 struct wj_err *reason)
{
    char command[256];
    FILE *file = fopen(t->wat, "w");
    assert_non_null(file);
    fputs(wat, file);
    fclose(file);
    snprintf(command, sizeof command, "wat2wasm --enable-all %s -o %s", t->wat, t->wasm);
    assert_int_equal(system(command), 0);
    size_t size = 0;
    uint8_t *bytes = read_all(t->wasm, &size);
    assert_non_null(bytes);
    struct wj_types *types = wj_types_new();
    struct wj_module *module = NULL;
    struct wj_err err;
    wj_err_clear(&err);
    assert_true(wj_module_decode(types, UINT32_MAX, bytes, size, &module, &err));
    assert_true(wj_module_validate(module, &err));
    const struct wj_export *export = wj_module_find_export(module, "kernel", 6);
    assert_non_null(export);
    const struct wj_gpu_shape shape = {0};
    const bool is_good = wj_spirv_translate(module, export->index, &shape, caps, code, reason);
    wj_module_free(module);
    wj_types_free(types);
    free(bytes);
    return is_good;
}

static inline void write_shader(const struct temp_files *t, const struct wj_gpu_code *code)
{
    FILE *file = fopen(t->spv, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(code->words, 4, code->word_count, file), code->word_count);
    fclose(file);
}

static inline void assert_valid(const struct temp_files *t, const struct wj_gpu_code *code)
{
    char command[256];
    write_shader(t, code);
    snprintf(command, sizeof command, "spirv-val --target-env vulkan1.2 %s", t->spv);
    assert_int_equal(system(command), 0);
}

#endif
