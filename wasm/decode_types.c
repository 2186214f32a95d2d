// The type section: recursive groups are drafted, made canonical and checked against supertypes.
#include <stdlib.h>
#include <string.h>

#include "base/leb128.h"
#include "wasm/decode.h"
#include "wasm/features.h"
#include "wasm/limits.h"

// Drafts of the group being read. Value types and fields of all of them are kept one after the
// other; the pointers of the drafts are set when the vectors no longer move.
struct drafts {
    struct wj_type_draft *items;
    uint32_t capacity;
    wj_valtype *valtypes;
    size_t valtype_count, valtype_capacity;
    struct wj_field *fields;
    size_t field_count, field_capacity;
    uint32_t *ids;
    uint32_t list_capacity; // of the module's type_list
};

static bool reserve(void **items, size_t *capacity, size_t wanted, size_t item_bytes)
{
    if (wanted <= *capacity) {
        return true;
    }
    size_t grown = wanted < 64 ? 128 : 2 * wanted;
    void *moved = realloc(*items, grown * item_bytes);
    if (moved == NULL) {
        return false;
    }
    *items = moved;
    *capacity = grown;
    return true;
}

static bool read_valtypes(struct wj_decoder *d, struct drafts *drafts, uint32_t limit,
                          uint32_t *count, const char *what)
{
    if (!wj_read_count(&d->in, limit, count, what)) {
        return false;
    }
    if (!reserve((void **) &drafts->valtypes, &drafts->valtype_capacity,
                 drafts->valtype_count + *count, sizeof(wj_valtype))) {
        return wj_decoder_fail_nomem(d);
    }
    for (uint32_t i = 0; i < *count; i++) {
        if (!wj_read_valtype(&d->in, &drafts->valtypes[drafts->valtype_count++])) {
            return false;
        }
    }
    return true;
}

static bool read_field(struct wj_decoder *d, struct drafts *drafts)
{
    if (!reserve((void **) &drafts->fields, &drafts->field_capacity, drafts->field_count + 1,
                 sizeof(struct wj_field))) {
        return wj_decoder_fail_nomem(d);
    }
    struct wj_field *field = &drafts->fields[drafts->field_count++];
    memset(field, 0, sizeof *field);
    uint8_t byte = d->in.at < d->in.limit ? *d->in.at : 0;
    if (byte == 0x78 || byte == 0x77) {
        field->type = byte == 0x78 ? WJ_TYPE_I8 : WJ_TYPE_I16;
        d->in.at++;
    } else if (!wj_read_valtype(&d->in, &field->type)) {
        return false;
    }
    uint8_t mutability;
    if (!wj_read_byte(&d->in, &mutability, "mutability")) {
        return false;
    }
    if (mutability > 1) {
        d->in.at--;
        return wj_reader_fail(&d->in, WJ_ERR_MALFORMED, "malformed mutability 0x%02x", mutability);
    }
    field->is_mutable = mutability == 1;
    return true;
}

static bool read_composite(struct wj_decoder *d, struct drafts *drafts, struct wj_type_draft *draft)
{
    const uint8_t *start = d->in.at;
    uint8_t form;
    if (!wj_read_byte(&d->in, &form, "type")) {
        return false;
    }
    if (form == 0x60) {
        draft->composite = WJ_COMPOSITE_FUNC;
        return read_valtypes(d, drafts, WJ_LIMIT_PARAMS, &draft->func.param_count, "parameters") &&
               read_valtypes(d, drafts, WJ_LIMIT_RESULTS, &draft->func.result_count, "results");
    }
    if (form != 0x5f && form != 0x5e) {
        d->in.at = start;
        return wj_reader_fail(&d->in, WJ_ERR_MALFORMED, "malformed type 0x%02x", form);
    }
    if (!wj_reader_has(&d->in, WJ_FEATURE_GC)) {
        d->in.at = start;
        return wj_reader_needs(&d->in, form == 0x5f ? "structure type" : "array type",
                               WJ_FEATURE_GC);
    }
    draft->composite = form == 0x5f ? WJ_COMPOSITE_STRUCT : WJ_COMPOSITE_ARRAY;
    draft->field_count = 1;
    if (form == 0x5f && !wj_read_count(&d->in, WJ_LIMIT_FIELDS, &draft->field_count, "fields")) {
        return false;
    }
    for (uint32_t i = 0; i < draft->field_count; i++) {
        if (!read_field(d, drafts)) {
            return false;
        }
    }
    return true;
}

// The supertype must come before the type, in the group or in an earlier one.
static bool read_supertype(struct wj_decoder *d, struct wj_type_draft *draft, uint32_t position)
{
    uint32_t count;
    uint32_t index;
    if (!wj_read_u32(&d->in, &count, "number of supertypes")) {
        return false;
    }
    if (count == 0) {
        return true;
    }
    if (count > 1) {
        return wj_reader_fail(&d->in, WJ_ERR_INVALID, "%u supertypes, at most one is allowed",
                              count);
    }
    if (!wj_read_u32(&d->in, &index, "supertype")) {
        return false;
    }
    if (index >= d->in.group_first + position) {
        return wj_reader_fail(&d->in, WJ_ERR_INVALID,
                              "unknown type %u: a supertype must come before its subtypes", index);
    }
    draft->supertype_id = index >= d->in.group_first
                              ? WJ_TYPE_GROUP_BIT | (index - d->in.group_first)
                              : d->module->type_list[index]->id;
    return true;
}

static bool read_subtype(struct wj_decoder *d, struct drafts *drafts, uint32_t position)
{
    struct wj_type_draft *draft = &drafts->items[position];
    memset(draft, 0, sizeof *draft);
    draft->supertype_id = WJ_TYPE_ID_NONE;
    draft->is_final = true;
    uint8_t form = d->in.at < d->in.limit ? *d->in.at : 0;
    if (form == 0x50 || form == 0x4f) {
        if (!wj_reader_has(&d->in, WJ_FEATURE_GC)) {
            return wj_reader_needs(&d->in, "subtype", WJ_FEATURE_GC);
        }
        d->in.at++;
        draft->is_final = form == 0x4f;
        if (!read_supertype(d, draft, position)) {
            return false;
        }
    }
    return read_composite(d, drafts, draft);
}

static void set_pointers(struct drafts *drafts, uint32_t count)
{
    size_t valtype = 0;
    size_t field = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct wj_type_draft *draft = &drafts->items[i];
        if (draft->composite == WJ_COMPOSITE_FUNC) {
            draft->func.types = drafts->valtypes + valtype;
            valtype += (size_t) draft->func.param_count + draft->func.result_count;
        } else {
            draft->fields = drafts->fields + field;
            field += draft->field_count;
        }
    }
}

static bool reserve_drafts(struct wj_decoder *d, struct drafts *drafts, uint32_t count)
{
    if (count > drafts->capacity) {
        free(drafts->items);
        free(drafts->ids);
        drafts->items = calloc(count, sizeof *drafts->items);
        drafts->ids = calloc(count, sizeof *drafts->ids);
        drafts->capacity = count;
    }
    if (drafts->items == NULL || drafts->ids == NULL) {
        drafts->capacity = 0;
        return wj_decoder_fail_nomem(d);
    }
    return true;
}

static bool reserve_list(struct wj_decoder *d, struct drafts *drafts, uint32_t count)
{
    uint32_t wanted = d->module->type_count + count;
    if (wanted > drafts->list_capacity) {
        const struct wj_type **list = wj_decoder_extend(
            d, d->module->type_list, d->module->type_count, 2 * wanted, sizeof *list);
        if (list == NULL) {
            return false;
        }
        d->module->type_list = list;
        drafts->list_capacity = 2 * wanted;
    }
    return true;
}

// Makes the group canonical and appends it to the module's types.
static bool add_group(struct wj_decoder *d, struct drafts *drafts, uint32_t count)
{
    struct wj_module *module = d->module;
    set_pointers(drafts, count);
    if (!wj_types_intern_group(module->types, drafts->items, count, drafts->ids, d->err)) {
        return false;
    }
    const struct wj_type **list = module->type_list;
    for (uint32_t i = 0; i < count; i++) {
        list[module->type_count + i] = wj_types_get(module->types, drafts->ids[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!wj_types_matches_supertype(module->types, drafts->ids[i])) {
            return wj_reader_fail(&d->in, WJ_ERR_INVALID, "sub type %u does not match super type",
                                  module->type_count + i);
        }
    }
    module->type_count += count;
    return true;
}

static bool read_group(struct wj_decoder *d, struct drafts *drafts)
{
    uint32_t count = 1;
    if (d->in.at < d->in.limit && *d->in.at == 0x4e) {
        if (!wj_reader_has(&d->in, WJ_FEATURE_GC)) {
            return wj_reader_needs(&d->in, "recursive type group", WJ_FEATURE_GC);
        }
        d->in.at++;
        if (!wj_read_count(&d->in, WJ_LIMIT_TYPES - d->module->type_count, &count,
                           "types in a group")) {
            return false;
        }
        if (count == 0) {
            return true; // allowed, and no type
        }
    }
    drafts->valtype_count = 0;
    drafts->field_count = 0;
    d->in.group_first = d->module->type_count;
    d->in.group_count = count;
    if (!reserve_drafts(d, drafts, count) || !reserve_list(d, drafts, count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!read_subtype(d, drafts, i)) {
            return false;
        }
    }
    d->in.group_count = 0;
    return add_group(d, drafts, count);
}

// ---- Counting ---------------------------------------------------------------------------------

// A look over the section that takes nothing from it. False: it is malformed or ends, of which
// reading it will say more.
static bool skim_values(struct wj_reader *in, uint32_t count, bool are_fields)
{
    bool ok = true;
    for (; ok && count > 0; count--) {
        uint8_t byte = in->at < in->limit ? *in->at++ : 0;
        int64_t heap_type;
        ok = byte != 0 &&
             ((byte != 0x63 && byte != 0x64) || wj_leb_s(&in->at, in->limit, 33, &heap_type));
        in->at += are_fields; // the mutability
    }
    return ok && in->at <= in->limit;
}

static bool skim_list(struct wj_reader *in, bool are_fields)
{
    uint32_t count;
    return wj_leb_u32(&in->at, in->limit, &count) && skim_values(in, count, are_fields);
}

static bool skim_subtype(struct wj_reader *in)
{
    uint8_t form = in->at < in->limit ? *in->at++ : 0;
    if (form == 0x50 || form == 0x4f) {
        uint32_t count, index;
        if (!wj_leb_u32(&in->at, in->limit, &count) || count > 1 ||
            (count == 1 && !wj_leb_u32(&in->at, in->limit, &index))) {
            return false;
        }
        form = in->at < in->limit ? *in->at++ : 0;
    }
    switch (form) {
    case 0x60: return skim_list(in, false) && skim_list(in, false);
    case 0x5f: return skim_list(in, true);
    case 0x5e: return skim_values(in, 1, true);
    default: return false;
    }
}

// Groups say how many types they have one by one: before the first is made, all of them are
// counted, in sections that have the bytes for too many.
static bool check_count(struct wj_decoder *d, uint32_t group_count)
{
    enum { TYPE_BYTES_MIN = 2 };
    struct wj_reader in = d->in;
    if ((size_t) (in.limit - in.at) < (size_t) TYPE_BYTES_MIN * WJ_LIMIT_TYPES) {
        return true;
    }
    uint64_t total = 0;
    for (uint32_t i = 0; i < group_count; i++) {
        uint32_t count = 1;
        if (in.at < in.limit && *in.at == 0x4e) {
            in.at++;
            if (!wj_leb_u32(&in.at, in.limit, &count)) {
                return true;
            }
        }
        total += count;
        if (total > WJ_LIMIT_TYPES) {
            return wj_reader_fail(&in, WJ_ERR_LIMIT, "more than %u types", WJ_LIMIT_TYPES);
        }
        for (uint32_t k = 0; k < count; k++) {
            if (!skim_subtype(&in)) {
                return true;
            }
        }
    }
    return true;
}

static bool read_groups(struct wj_decoder *d, struct drafts *drafts)
{
    uint32_t count;
    if (!wj_read_count(&d->in, WJ_LIMIT_TYPES, &count, "types") || !check_count(d, count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!read_group(d, drafts)) {
            return false;
        }
        if (d->module->type_count > WJ_LIMIT_TYPES) {
            return wj_reader_fail(&d->in, WJ_ERR_LIMIT, "more than %u types", WJ_LIMIT_TYPES);
        }
    }
    return true;
}

bool wj_decode_types(struct wj_decoder *d)
{
    struct drafts drafts = {0};
    bool ok = read_groups(d, &drafts);
    free(drafts.items);
    free(drafts.valtypes);
    free(drafts.fields);
    free(drafts.ids);
    return ok;
}
