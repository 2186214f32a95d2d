// The name section, best effort: whatever is wrong with it ends its reading, without an error.
#include <string.h>

#include "wasm/decode.h"
#include "wasm/reader.h"

enum { NAMES_MODULE = 0, NAMES_FUNC = 1 };

static void read_func_names(struct wj_module *module, struct wj_reader *in)
{
    uint32_t count;
    if (!wj_read_count(in, UINT32_MAX, &count, "names")) {
        return;
    }
    struct wj_name *names = WJ_ARENA_ARRAY(&module->arena, struct wj_name, module->func_count);
    if (names == NULL) {
        return;
    }
    module->func_names = names;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index;
        struct wj_name name;
        if (!wj_read_u32(in, &index, "function index") || !wj_read_name(in, &name, "name")) {
            return;
        }
        if (index < module->func_count) {
            names[index] = name;
        }
    }
}

static void read_name_section(struct wj_module *module, const struct wj_custom *custom)
{
    struct wj_reader in = {
        .at = custom->bytes,
        .limit = custom->bytes + custom->size_bytes,
        .module = module,
    };
    while (in.at < in.limit) {
        uint8_t id;
        uint32_t size;
        const uint8_t *contents;
        if (!wj_read_byte(&in, &id, "subsection") || !wj_read_u32(&in, &size, "size") ||
            !wj_read_bytes(&in, size, &contents, "subsection")) {
            return;
        }
        struct wj_reader sub = {.at = contents, .limit = contents + size, .module = module};
        struct wj_name name;
        if (id == NAMES_MODULE && wj_read_name(&sub, &name, "module name")) {
            module->module_name = name;
        } else if (id == NAMES_FUNC && module->func_names == NULL) {
            read_func_names(module, &sub);
        }
    }
}

void wj_decode_names(struct wj_module *module)
{
    for (uint32_t i = 0; i < module->custom_count; i++) {
        const struct wj_custom *custom = &module->customs[i];
        if (custom->name.size_bytes == 4 && memcmp(custom->name.bytes, "name", 4) == 0) {
            read_name_section(module, custom);
            return;
        }
    }
}
