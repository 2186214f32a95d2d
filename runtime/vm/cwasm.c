// Writes and checks compiled modules.
#include "runtime/vm/cwasm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/pages.h"
#include "runtime/vm/code.h"
#include "runtime/vm/ucontext.h"

#define PART_ALIGN 64u   // no more than WJ_PAGES_ALIGN_BYTES
#define CODE_ALIGN 4096u // so that it can be mapped

static const uint8_t magic[8] = {0x7f, 'c', 'w', 'a', 's', 'm', '\r', '\n'};

_Static_assert(sizeof(struct wj_cwasm_func) == 32, "rows of a file");
_Static_assert(sizeof(struct wj_trap_site) == 12, "rows of a file");
_Static_assert(sizeof(struct wj_cwasm_header) == 16 + 8 + 40 + 16 + 16 + 24 + 8 + 5 * 24 + 8,
               "a file's header has no padding");

void wj_blob_close_file(struct wj_blob *blob)
{
    if (blob->is_mapped && blob->file >= 0) {
        close(blob->file);
        blob->file = -1;
    }
}

void wj_blob_clear(struct wj_blob *blob)
{
    wj_blob_close_file(blob);
    if (blob->is_host) {
        if (blob->release != NULL) {
            blob->release(blob->env);
        }
    } else if (blob->is_mapped) {
        munmap(blob->bytes, blob->size_bytes);
    } else if (!blob->is_in_bulk) {
        free(blob->bytes);
    }
    wj_bulk_delete(blob->bulk);
    *blob = (struct wj_blob){.bytes = NULL};
}

uint32_t wj_cwasm_settings(const struct wj_engine *engine,
                           const struct wj_compile_settings *settings)
{
    return (settings->is_deterministic ? WJ_CWASM_DETERMINISTIC : 0u) |
           (settings->explicit_bounds ? WJ_CWASM_EXPLICIT_BOUNDS : 0u) |
           (settings->has_avx512 ? WJ_CWASM_AVX512 : 0u) | (settings->has_lse ? WJ_CWASM_LSE : 0u) |
           (engine->settings.runs_kernels ? WJ_CWASM_KERNELS : 0u);
}

// The module's bytes on both sides of the code section.
static uint64_t outline_checksum(const uint8_t *module, uint64_t size_bytes, uint64_t bodies_at,
                                 uint64_t bodies_bytes)
{
    uint64_t rest = bodies_at + bodies_bytes;
    uint64_t sums[2] = {wj_hash64(module, bodies_at), wj_hash64(module + rest, size_bytes - rest)};
    return wj_hash64(sums, sizeof sums);
}

static uint64_t header_checksum(const struct wj_cwasm_header *header)
{
    return wj_hash64(header, offsetof(struct wj_cwasm_header, checksum));
}

// ---- Writing ------------------------------------------------------------------------------------

static void place_part(struct wj_cwasm_header *header, enum wj_cwasm_part_index part,
                       uint64_t size_bytes)
{
    header->parts[part].offset = header->size_bytes;
    header->parts[part].size_bytes = size_bytes;
    header->size_bytes = (header->size_bytes + size_bytes + PART_ALIGN - 1) & ~(PART_ALIGN - 1ull);
}

static void make_header(const struct wj_code *code, const struct wj_hash128 *key,
                        struct wj_cwasm_header *header)
{
    const struct wj_module *module = code->image->module;
    const struct wj_region *region = code->region;
    memset(header, 0, sizeof *header);
    memcpy(header->magic, magic, sizeof magic);
    strncpy(header->version, WJIT_VERSION, sizeof header->version - 1);
    strncpy(header->digest, wj_compiler_digest, sizeof header->digest - 1);
    strncpy(header->machine, code->backend->name, sizeof header->machine - 1);
    if (key != NULL) {
        header->key = *key;
    }
    header->settings = wj_cwasm_settings(code->engine, &code->settings);
    header->features = module->features;
    header->func_count = module->func_count;
    header->table_bytes = (uint32_t) region->table_bytes;
    header->has_tail_ref_calls = module->has_tail_ref_calls;
    header->has_tail_room = atomic_load(&code->has_tail_room);
    uint64_t func_count = 0, trap_count = 0, code_bytes = 0;
    for (uint32_t i = 0; i < atomic_load(&region->chunk_count); i++) {
        const struct wj_code_chunk *chunk = wj_region_chunk_at(region, i);
        uint32_t entry_count = atomic_load(&chunk->entry_count);
        for (uint32_t k = 0; k < entry_count; k++) {
            const struct wj_code_info *info = &chunk->entries[k].info;
            trap_count += info->is_variant ? 0 : info->trap_count;
            func_count += info->is_variant ? 0 : 1;
        }
        code_bytes = entry_count != 0 ? chunk->end : code_bytes;
    }
    header->size_bytes = (sizeof *header + PART_ALIGN - 1) & ~(PART_ALIGN - 1ull);
    place_part(header, WJ_CWASM_MODULE, module->size_bytes);
    place_part(header, WJ_CWASM_FUNCS, func_count * sizeof(struct wj_cwasm_func));
    place_part(header, WJ_CWASM_TRAPS, trap_count * sizeof(struct wj_trap_site));
    header->size_bytes = (header->size_bytes + CODE_ALIGN - 1) & ~(CODE_ALIGN - 1ull);
    place_part(header, WJ_CWASM_CODE, code_bytes);
    struct wj_cwasm_part *bodies = &header->parts[WJ_CWASM_BODIES];
    bodies->offset = header->parts[WJ_CWASM_MODULE].offset;
    if (module->code_section != NULL) {
        bodies->offset += (uint64_t) (module->code_section - module->bytes);
        bodies->size_bytes = module->code_section_bytes;
    }
}

static void write_funcs(const struct wj_code *code, uint8_t *file)
{
    const struct wj_cwasm_header *header = wj_cwasm_header(file);
    const struct wj_region *region = code->region;
    struct wj_cwasm_func *func =
        (struct wj_cwasm_func *) (void *) (file + header->parts[WJ_CWASM_FUNCS].offset);
    struct wj_trap_site *traps =
        (struct wj_trap_site *) (void *) (file + header->parts[WJ_CWASM_TRAPS].offset);
    uint32_t trap_count = 0;
    for (uint32_t i = 0; i < atomic_load(&region->chunk_count); i++) {
        const struct wj_code_chunk *chunk = wj_region_chunk_at(region, i);
        for (uint32_t k = 0; k < atomic_load(&chunk->entry_count); k++) {
            const struct wj_code_info *info = &chunk->entries[k].info;
            if (info->is_variant) {
                continue; // made anew when a kernel is first dispatched
            }
            *func++ = (struct wj_cwasm_func){
                .func_index = info->func_index,
                .code_offset =
                    (uint32_t) (chunk->entries[k].start - wj_region_code_address(region)),
                .code_bytes = info->code_bytes,
                .frame_bytes = info->frame_bytes,
                .prologue_bytes = info->prologue_bytes,
                .home_count = info->home_count,
                .trap_first = trap_count,
                .trap_count = info->trap_count,
            };
            if (info->trap_count != 0) {
                memcpy(traps + trap_count, info->traps, info->trap_count * sizeof *traps);
            }
            trap_count += info->trap_count;
        }
    }
}

// The region's file has it without a fault for every page of a view: as much of it as is read.
static uint64_t read_code(const struct wj_region *region, uint8_t *out, uint64_t from, uint64_t end)
{
    while (wj_region_is_open(region) && from < end) {
        ssize_t got = pread(region->file, out + from, end - from, (off_t) from);
        if (got <= 0) {
            break;
        }
        from += (uint64_t) got;
    }
    return from;
}

// What was mapped from a file is in one view alone; of the rest the other view's pages are there.
static void write_code(const struct wj_region *region, uint8_t *out, uint64_t size_bytes)
{
    uint64_t from_file = region->file_bytes < size_bytes ? region->file_bytes : size_bytes;
    if (from_file != 0) {
        memcpy(out, region->exec + region->table_bytes, from_file);
    }
    uint64_t done = read_code(region, out, from_file, size_bytes);
    if (size_bytes > done) {
        memcpy(out + done, region->write + done, size_bytes - done);
    }
}

bool wj_cwasm_write(const struct wj_code *code, const struct wj_hash128 *key, struct wj_blob *out,
                    struct wj_err *err)
{
    const struct wj_module *module = code->image->module;
    struct wj_cwasm_header header;
    make_header(code, key, &header);
    uint8_t *file = wj_pages_alloc(header.size_bytes);
    if (file == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    struct wj_cwasm_part *parts = header.parts;
    // What lies between parts is zero.
    uint64_t end = sizeof header;
    for (unsigned i = 0; i <= WJ_CWASM_PART_COUNT; i++) {
        if (i != WJ_CWASM_BODIES) {
            bool is_end = i == WJ_CWASM_PART_COUNT;
            memset(file + end, 0, (is_end ? header.size_bytes : parts[i].offset) - end);
            end = is_end ? end : parts[i].offset + parts[i].size_bytes;
        }
    }
    memcpy(file, &header, sizeof header);
    if (module->size_bytes != 0) {
        memcpy(file + parts[WJ_CWASM_MODULE].offset, module->bytes, module->size_bytes);
    }
    write_funcs(code, file);
    write_code(code->region, file + parts[WJ_CWASM_CODE].offset, parts[WJ_CWASM_CODE].size_bytes);
    for (unsigned i = WJ_CWASM_BODIES; i < WJ_CWASM_PART_COUNT; i++) {
        parts[i].checksum = wj_hash64(file + parts[i].offset, parts[i].size_bytes);
    }
    parts[WJ_CWASM_MODULE].checksum =
        outline_checksum(file + parts[WJ_CWASM_MODULE].offset, module->size_bytes,
                         parts[WJ_CWASM_BODIES].offset - parts[WJ_CWASM_MODULE].offset,
                         parts[WJ_CWASM_BODIES].size_bytes);
    header.checksum = header_checksum(&header);
    memcpy(file, &header, sizeof header);
    *out = (struct wj_blob){.bytes = file, .size_bytes = header.size_bytes};
    return true;
}

// ---- Checking -----------------------------------------------------------------------------------

bool wj_cwasm_is(const uint8_t *bytes, size_t size_bytes)
{
    return size_bytes >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

static bool damaged(struct wj_err *err, const char *what)
{
    return wj_err_set(err, WJ_ERR_MALFORMED, WJ_NO_OFFSET,
                      "the compiled module is damaged: %s: compile it again", what);
}

static bool unfit(struct wj_err *err, const char *made_for, const char *wanted)
{
    return wj_err_set(err, WJ_ERR_UNSUPPORTED, WJ_NO_OFFSET, "it was compiled %s: %s was expected",
                      made_for, wanted);
}

// No checksum covers what aligns the parts.
static bool gaps_are_zero(const struct wj_cwasm_header *header)
{
    const uint8_t *bytes = (const uint8_t *) header;
    uint64_t end = sizeof *header;
    for (unsigned i = 0; i <= WJ_CWASM_PART_COUNT; i++) {
        if (i == WJ_CWASM_BODIES) {
            continue;
        }
        bool is_end = i == WJ_CWASM_PART_COUNT;
        uint64_t start = is_end ? header->size_bytes : header->parts[i].offset;
        if (start < end || start - end >= CODE_ALIGN) {
            return false;
        }
        while (end < start) {
            if (bytes[end++] != 0) {
                return false;
            }
        }
        end = is_end ? end : start + header->parts[i].size_bytes;
    }
    return true;
}

static bool check_header(const struct wj_cwasm_header *header, size_t size_bytes,
                         struct wj_err *err)
{
    if (size_bytes < offsetof(struct wj_cwasm_header, machine)) {
        return damaged(err, "it is cut off in its header");
    }
    // Of another build nothing else is known, the size of its header neither.
    if (memcmp(header->digest, wj_compiler_digest, sizeof wj_compiler_digest) != 0) {
        char made_by[96], wanted[96];
        snprintf(made_by, sizeof made_by, "by wjit %.15s, build %.12s", header->version,
                 header->digest);
        snprintf(wanted, sizeof wanted, "%s, build %.12s,", WJIT_VERSION, wj_compiler_digest);
        return unfit(err, made_by, wanted);
    }
    if (size_bytes < sizeof *header) {
        return damaged(err, "it is cut off in its header");
    }
    if (header_checksum(header) != header->checksum) {
        return damaged(err, "the checksum of its header differs");
    }
    if (header->size_bytes != size_bytes) {
        return wj_err_set(err, WJ_ERR_MALFORMED, WJ_NO_OFFSET,
                          "the compiled module is damaged: it has %zu bytes: %llu were expected",
                          size_bytes, (unsigned long long) header->size_bytes);
    }
    for (unsigned i = 0; i < WJ_CWASM_PART_COUNT; i++) {
        const struct wj_cwasm_part *part = &header->parts[i];
        if (part->offset > size_bytes || part->size_bytes > size_bytes - part->offset ||
            (i != WJ_CWASM_BODIES && part->offset % PART_ALIGN != 0)) {
            return damaged(err, "a part lies outside");
        }
    }
    const struct wj_cwasm_part *module = &header->parts[WJ_CWASM_MODULE];
    const struct wj_cwasm_part *bodies = &header->parts[WJ_CWASM_BODIES];
    if (!gaps_are_zero(header)) {
        return damaged(err, "something lies between its parts");
    }
    if (bodies->offset < module->offset ||
        bodies->offset + bodies->size_bytes > module->offset + module->size_bytes) {
        return damaged(err, "the code section lies outside of the module");
    }
    return true;
}

// Whether the code is good for this machine and this engine.
static bool check_fit(const struct wj_engine *engine, const struct wj_cwasm_header *header,
                      struct wj_err *err)
{
    const char *machine = engine->ports.backend->name;
    if (strcmp(header->machine, machine) != 0) {
        char text[32];
        snprintf(text, sizeof text, "for %.15s", header->machine);
        return unfit(err, text, machine);
    }
    if ((header->settings & WJ_CWASM_AVX512) != 0 && !wj_has_avx512()) {
        return unfit(err, "for a CPU with AVX-512", "one without");
    }
    if ((header->settings & WJ_CWASM_LSE) != 0 && !wj_has_lse()) {
        return unfit(err, "for a CPU with LSE atomics", "one without");
    }
    bool is_deterministic = (header->settings & WJ_CWASM_DETERMINISTIC) != 0;
    if (is_deterministic != engine->settings.is_deterministic) {
        return is_deterministic ? unfit(err, "with --deterministic", "code without it")
                                : unfit(err, "without --deterministic", "code with it");
    }
    if (((header->settings & WJ_CWASM_KERNELS) == 0) && engine->settings.runs_kernels) {
        return unfit(err, "without kernels", "code with them");
    }
    if ((header->features & ~(engine->settings.features | 1u)) != 0) {
        return unfit(err, "with more features of WebAssembly than are on", "no other");
    }
    return true;
}

// The rows say what the checksum says they do; this is for rows that were written wrongly.
static bool check_rows(const uint8_t *bytes, struct wj_err *err)
{
    const struct wj_cwasm_header *header = wj_cwasm_header(bytes);
    const struct wj_cwasm_func *funcs = (const void *) wj_cwasm_part(bytes, WJ_CWASM_FUNCS);
    uint64_t func_count = header->parts[WJ_CWASM_FUNCS].size_bytes / sizeof *funcs;
    uint64_t trap_count = header->parts[WJ_CWASM_TRAPS].size_bytes / sizeof(struct wj_trap_site);
    uint64_t code_bytes = header->parts[WJ_CWASM_CODE].size_bytes;
    uint64_t end = 0;
    for (uint64_t i = 0; i < func_count; i++) {
        const struct wj_cwasm_func *func = &funcs[i];
        if (func->func_index >= header->func_count || func->code_offset < end ||
            func->code_bytes > code_bytes || func->code_offset > code_bytes - func->code_bytes ||
            func->trap_first > trap_count || func->trap_count > trap_count - func->trap_first) {
            return damaged(err, "a function lies outside");
        }
        end = (uint64_t) func->code_offset + func->code_bytes;
    }
    return true;
}

static bool check_part(const uint8_t *bytes, enum wj_cwasm_part_index part, struct wj_err *err)
{
    static const char *const names[WJ_CWASM_PART_COUNT] = {
        [WJ_CWASM_MODULE] = "the checksum of its module differs",
        [WJ_CWASM_BODIES] = "the checksum of its function bodies differs",
        [WJ_CWASM_FUNCS] = "the checksum of its functions differs",
        [WJ_CWASM_TRAPS] = "the checksum of its traps differs",
        [WJ_CWASM_CODE] = "the checksum of its code differs",
    };
    const struct wj_cwasm_part *parts = wj_cwasm_header(bytes)->parts;
    const struct wj_cwasm_part *bodies = &parts[WJ_CWASM_BODIES];
    const uint8_t *at = bytes + parts[part].offset;
    uint64_t checksum =
        part == WJ_CWASM_MODULE
            ? outline_checksum(at, parts[part].size_bytes, bodies->offset - parts[part].offset,
                               bodies->size_bytes)
            : wj_hash64(at, parts[part].size_bytes);
    return checksum == parts[part].checksum || damaged(err, names[part]);
}

bool wj_cwasm_check(const struct wj_engine *engine, const uint8_t *bytes, size_t size_bytes,
                    struct wj_err *err)
{
    const struct wj_cwasm_header *header = wj_cwasm_header(bytes);
    return check_header(header, size_bytes, err) && check_fit(engine, header, err) &&
           check_part(bytes, WJ_CWASM_MODULE, err) && check_part(bytes, WJ_CWASM_FUNCS, err) &&
           check_part(bytes, WJ_CWASM_TRAPS, err) && check_rows(bytes, err);
}

bool wj_cwasm_check_bodies(const uint8_t *bytes, struct wj_err *err)
{
    return check_part(bytes, WJ_CWASM_BODIES, err);
}
