// The folder that compiled code is kept in, as units see it that keep other data there: named by a
// keyed hash, written whole or not at all, used only when it is the user's own and undamaged.
#ifndef RUNTIME_VM_CACHE_DATA_H
#define RUNTIME_VM_CACHE_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"

struct wj_cache;

// `folder` "": the user's, $XDG_CACHE_HOME/wjit or ~/.cache/wjit. Folders are made as needed.
// False, WJ_ERR_IO: it cannot be had, or others may write to it.
bool wj_cache_open(const char *folder, struct wj_cache **out, struct wj_err *err);
void wj_cache_close(struct wj_cache *cache); // or NULL

// Of a module, or of all that some data depends on.
struct wj_hash128 wj_cache_hash(const struct wj_cache *cache, const uint8_t *bytes,
                                size_t size_bytes);

// Data of another unit. Its name is a hash, by wj_cache_hash, of all that the data depends on, the
// unit's own name included. What is loaded is what was saved: the caller frees it.
bool wj_cache_load_data(const struct wj_cache *cache, const struct wj_hash128 *name,
                        uint8_t **bytes, size_t *size_bytes);
bool wj_cache_save_data(const struct wj_cache *cache, const struct wj_hash128 *name,
                        const uint8_t *bytes, size_t size_bytes);

#endif
