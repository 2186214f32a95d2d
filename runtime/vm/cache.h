// The folder of compiled code: entries are compiled modules (cwasm.h), named by a keyed hash of all
// that their code depends on, and data of other units under names of that kind. An entry is written
// whole or not at all, and is used only when it is the user's own and undamaged. Losing one costs
// time and nothing else, so nothing here is an error but a folder that cannot be used at all.
#ifndef RUNTIME_VM_CACHE_H
#define RUNTIME_VM_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "runtime/vm/cache_data.h"
#include "runtime/vm/cwasm.h"

// What a name is made of besides the module.
struct wj_cache_terms {
    uint32_t settings; // enum wj_cwasm_setting
    uint32_t features; // enum wj_feature
    const char *machine;
};

// The name of an entry, by the hash of the module's bytes.
struct wj_hash128 wj_cache_key(const struct wj_cache *cache, const struct wj_hash128 *hash,
                               const struct wj_cache_terms *terms);

// The hash that a file was seen to have, told by where it lies, its size and its times. Remembered
// only when its last change is long enough ago that another one would show in its times.
bool wj_cache_recall(const struct wj_cache *cache, const struct stat *st, struct wj_hash128 *hash);
void wj_cache_remember(const struct wj_cache *cache, const struct stat *st,
                       const struct wj_hash128 *hash);

// Maps an entry; its contents are not checked but for the name in them. False: there is none.
bool wj_cache_find(const struct wj_cache *cache, const struct wj_hash128 *key, struct wj_blob *out);
// Removes an entry that proved bad.
void wj_cache_drop(const struct wj_cache *cache, const struct wj_hash128 *key);
// Puts an entry in place of what was there. The oldest go where the folder grows too large.
bool wj_cache_store(const struct wj_cache *cache, const struct wj_hash128 *key,
                    const struct wj_blob *entry);

#endif
