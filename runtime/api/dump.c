// Prints what the stages make of a module's functions.
#include <stdlib.h>

#include "runtime/api/internal.h"
#include "runtime/vm/kernel_scan.h"
#include "wasm/dump.h"

static bool dump_code(struct wj_image *image, uint32_t func_index, FILE *file, struct wj_err *err)
{
    struct wj_code *code;
    uint64_t address;
    if (!wj_image_code(image, image->engine->settings.explicit_bounds, &code, err) ||
        !wj_code_compile(code, func_index, &address, err)) {
        return false;
    }
    const struct wj_code_entry *entry = wj_region_find(code->region, address);
    const uint8_t *bytes = (const uint8_t *) (uintptr_t) entry->start;
    uint64_t offset = entry->start - wj_region_code_address(code->region);
    fprintf(file, "func %u: %u bytes at +0x%llx, frame %u, %u traps\n", func_index,
            entry->info.code_bytes, (unsigned long long) offset, entry->info.frame_bytes,
            entry->info.trap_count);
    for (uint32_t i = 0; i < entry->info.code_bytes; i++) {
        const char *end = i % 32 == 31 || i + 1 == entry->info.code_bytes ? "\n" : "";
        fprintf(file, i % 32 == 0 ? "  %02x%s" : " %02x%s", bytes[i], end);
    }
    for (uint32_t i = 0; i < entry->info.trap_count; i++) {
        const struct wj_trap_site *site = &entry->info.traps[i];
        fprintf(file, "  trap at +0x%x: %s (wasm 0x%x)\n", site->code_offset,
                wj_trap_words(site->kind), site->wasm_offset);
    }
    return true;
}

// The verbs that a function becomes. Nothing is executed: the window is there to be counted in.
static bool dump_masm(const struct wj_image *image, uint32_t func_index, FILE *file,
                      struct wj_err *err)
{
    enum { WINDOW_BYTES = 1 << 16 };
    const struct wj_backend *backend = wj_ports_printing_backend();
    const struct wj_module *module = image->module;
    struct wj_arena arena;
    wj_arena_init(&arena);
    struct wj_compile_scratch *scratch = backend->scratch_new(NULL);
    uint8_t *window = WJ_ARENA_ARRAY(&arena, uint8_t, WINDOW_BYTES);
    uint64_t *addresses = WJ_ARENA_ARRAY(&arena, uint64_t, module->func_count);
    bool ok = scratch != NULL && window != NULL && addresses != NULL;
    if (ok) {
        struct wj_compile_request request = {
            .module = module,
            .func_index = func_index,
            .settings = {.is_deterministic = image->engine->settings.is_deterministic,
                         .explicit_bounds = image->engine->settings.explicit_bounds},
            .layout = wj_instance_layout(module),
            .window = {.write = window, .room_bytes = WINDOW_BYTES},
            .func_addresses = addresses,
            .arena = &arena,
            .scratch = scratch,
            .trace = file,
        };
        struct wj_code_info info;
        bool needs_room;
        fprintf(file, "func %u:\n", func_index);
        ok = backend->compile(&request, &info, &needs_room, err);
    } else {
        wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    backend->scratch_free(scratch);
    wj_arena_clear(&arena);
    return ok;
}

// What a device that can do everything would be given.
static void dump_spirv(const struct wj_image *image, uint32_t func_index, FILE *file)
{
    struct wj_ports ports;
    wj_ports_fill(&ports);
    struct wj_gpu_caps caps = {
        .has_int64 = true,
        .has_float64 = true,
        .subgroup_size = 32,
        .storage_range_max_bytes = UINT32_MAX,
        .workgroup_count_max = {65535, 65535, 65535},
        .workgroup_size_max = 128,
        .shared_bytes_max = 16384,
        .memories_max = WJ_GPU_MEMORIES_MAX,
        .wants_canonical_nans = image->engine->settings.is_deterministic,
    };
    struct wj_gpu_shape shape = {0};
    struct wj_gpu_code code = {0};
    struct wj_kernel_facts facts = {0};
    struct wj_err reason;
    wj_err_clear(&reason);
    if (wj_kernel_scan(image->module, func_index, NULL, &facts, &reason) && facts.uses_stack) {
        shape.stack_bytes = facts.stack_bytes;
    }
    wj_err_clear(&reason);
    if (!ports.gpu_translate(image->module, func_index, &shape, &caps, &code, &reason)) {
        fprintf(file, "func %u: %s", func_index, reason.message);
        if (reason.offset != WJ_NO_OFFSET) {
            fprintf(file, " (0x%zx)", reason.offset);
        }
        fputc('\n', file);
        return;
    }
    fprintf(file, "func %u: %zu words\n", func_index, code.word_count);
    for (size_t i = 0; i < code.word_count; i++) {
        const char *end = i % 8 == 7 || i + 1 == code.word_count ? "\n" : "";
        fprintf(file, i % 8 == 0 ? "  %08x%s" : " %08x%s", code.words[i], end);
    }
    free((void *) code.words);
}

// The body for several items at a time, as operations; of groups, where items own 16 bytes each.
static bool dump_lanes(const struct wj_module *module, uint32_t func_index, FILE *file,
                       struct wj_err *err)
{
    struct wj_ports ports;
    wj_ports_fill(&ports);
    struct wj_lanes_code code;
    struct wj_err reason;
    wj_err_clear(&reason);
    const struct wj_functype *type = module->funcs[func_index].type;
    struct wj_lanes_shape shape = {.is_group = type->param_count == 8, .own_stride_bytes = 16};
    if (!wj_kernel_is_kernel(type, shape.is_group, wj_kernel_is_64(module))) {
        wj_err_set(&reason, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET, "its type is not a kernel's");
    } else if (ports.lanes(module, func_index, &shape, &code, &reason)) {
        struct wj_arena arena;
        wj_arena_init(&arena);
        const struct wj_module *copy = wj_lanes_module(module, func_index, &code, &arena, err);
        bool is_printed = copy != NULL && (wj_dump_ops(copy, func_index, file) ||
                                           wj_err_set(err, WJ_ERR_IO, WJ_NO_OFFSET,
                                                      "the output cannot be written"));
        wj_arena_clear(&arena);
        free(code.body);
        free(code.places);
        return is_printed;
    }
    fprintf(file, "func %u: %s", func_index, reason.message);
    if (reason.offset != WJ_NO_OFFSET) {
        fprintf(file, " (0x%zx)", reason.offset);
    }
    fputc('\n', file);
    return true;
}

static bool dump_func(struct wj_image *image, wjit_dump_t what, uint32_t func_index, FILE *file,
                      struct wj_err *err)
{
    switch (what) {
    case WJIT_DUMP_OPS:
        return wj_dump_ops(image->module, func_index, file) ||
               wj_err_set(err, WJ_ERR_IO, WJ_NO_OFFSET, "the output cannot be written");
    case WJIT_DUMP_CODE: return dump_code(image, func_index, file, err);
    case WJIT_DUMP_SPIRV: dump_spirv(image, func_index, file); return true;
    case WJIT_DUMP_LANES: return dump_lanes(image->module, func_index, file, err);
    case WJIT_DUMP_MASM: return dump_masm(image, func_index, file, err);
    }
    return wj_err_set(err, WJ_ERR_USAGE, WJ_NO_OFFSET, "there is nothing of that kind to print");
}

bool wjit_dump(const wasm_module_t *handle, wjit_dump_t what, uint32_t func_index, FILE *file,
               wjit_error_t *error)
{
    struct wj_image *image = handle->ref.object;
    const struct wj_module *module = image->module;
    struct wj_err err;
    wj_err_clear(&err);
    uint32_t first = module->func_import_count, end = module->func_count;
    if (func_index != UINT32_MAX) {
        if (func_index < first || func_index >= end) {
            wj_err_set(&err, WJ_ERR_USAGE, WJ_NO_OFFSET, "function %u is not defined by the module",
                       func_index);
        }
        first = func_index;
        end = func_index + 1;
    }
    wj_image_prepare(image, UINT32_MAX, &err);
    for (uint32_t i = first; err.kind == WJ_ERR_NONE && i < end; i++) {
        dump_func(image, what, i, file, &err);
    }
    if (err.kind == WJ_ERR_NONE && (fflush(file) != 0 || ferror(file))) {
        wj_err_set(&err, WJ_ERR_IO, WJ_NO_OFFSET, "the output cannot be written");
    }
    if (err.kind != WJ_ERR_NONE) {
        wj_api_error_out(&err, error);
    }
    return err.kind == WJ_ERR_NONE;
}
