// A module with its machine code as bytes: what `wjit compile` writes and what the cache keeps.
// Header, module, functions, trap sites, code; each part has a checksum. It is no more to be
// trusted than an executable file is, but damage is found before anything of it runs.
#ifndef RUNTIME_VM_CWASM_H
#define RUNTIME_VM_CWASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "runtime/vm/backend.h"

struct wj_code;
struct wj_engine;

// Of the sources of compiler and runtime; the same for every machine.
extern const char wj_compiler_digest[33];

enum wj_cwasm_setting {
    WJ_CWASM_DETERMINISTIC = 1 << 0,
    WJ_CWASM_EXPLICIT_BOUNDS = 1 << 1,
    WJ_CWASM_AVX512 = 1 << 2,
    WJ_CWASM_LSE = 1 << 3,
    WJ_CWASM_KERNELS = 1 << 4, // calls of dispatch functions can be replaced
};

enum wj_cwasm_part_index {
    WJ_CWASM_MODULE, // the module's bytes; its checksum leaves out the code section
    WJ_CWASM_BODIES, // the contents of the code section, inside the module
    WJ_CWASM_FUNCS,  // struct wj_cwasm_func, ascending by code_offset
    WJ_CWASM_TRAPS,  // struct wj_trap_site
    WJ_CWASM_CODE,
    WJ_CWASM_PART_COUNT,
};

struct wj_cwasm_part {
    uint64_t offset;
    uint64_t size_bytes;
    uint64_t checksum;
};

struct wj_cwasm_header {
    uint8_t magic[8];
    char version[16];      // of wjit, for messages
    char digest[40];       // of the compiler, terminated
    char machine[16];      // as wj_backend names it, terminated
    struct wj_hash128 key; // of a cache entry; else zero
    uint32_t settings;     // enum wj_cwasm_setting
    uint32_t features;     // enum wj_feature, that the module was validated with
    uint32_t func_count;   // of the module
    uint32_t table_bytes;  // between the table of entries and the code
    uint32_t has_tail_ref_calls;
    uint32_t has_tail_room; // wj_code_info's, of some function
    uint64_t size_bytes;    // of all
    struct wj_cwasm_part parts[WJ_CWASM_PART_COUNT];
    uint64_t checksum; // of the header up to here
};

struct wj_cwasm_func {
    uint32_t func_index;
    uint32_t code_offset;
    uint32_t code_bytes;
    uint32_t frame_bytes;
    uint32_t prologue_bytes;
    uint32_t home_count;
    uint32_t trap_first;
    uint32_t trap_count;
};

// Bytes that were given or mapped, owned; or a host's, who is told when they are no longer needed.
struct wj_blob {
    uint8_t *bytes;
    size_t size_bytes;
    bool is_mapped;
    int file;             // when is_mapped: what it is a mapping of, or -1
    struct wj_bulk *bulk; // what is made of them is there; or NULL
    bool is_in_bulk;      // so are they
    bool is_host;
    void (*release)(void *env); // when is_host; or NULL
    void *env;
};
void wj_blob_clear(struct wj_blob *blob);
void wj_blob_close_file(struct wj_blob *blob); // the mapping stays

// True when the bytes say that they are such a file, whole or not.
bool wj_cwasm_is(const uint8_t *bytes, size_t size_bytes);

// Checks header, sizes and all checksums but that of the bodies, and that code of this machine with
// the engine's settings is in it. True: what the functions below read of it lies inside. The
// bytes are aligned to 16.
bool wj_cwasm_check(const struct wj_engine *engine, const uint8_t *bytes, size_t size_bytes,
                    struct wj_err *err);
bool wj_cwasm_check_bodies(const uint8_t *bytes, struct wj_err *err);

static inline const struct wj_cwasm_header *wj_cwasm_header(const uint8_t *bytes)
{
    return (const struct wj_cwasm_header *) (const void *) bytes;
}
static inline const uint8_t *wj_cwasm_part(const uint8_t *bytes, enum wj_cwasm_part_index part)
{
    return bytes + wj_cwasm_header(bytes)->parts[part].offset;
}

// Writes what is compiled of the module by now. The caller holds code->lock. Freed by
// wj_blob_clear.
bool wj_cwasm_write(const struct wj_code *code, const struct wj_hash128 *key, struct wj_blob *out,
                    struct wj_err *err);

// enum wj_cwasm_setting of code compiled so.
uint32_t wj_cwasm_settings(const struct wj_engine *engine,
                           const struct wj_compile_settings *settings);

#endif
