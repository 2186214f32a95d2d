// Instruction encoding, interning of types and constants, assembly of functions and sections.
#include "spirv/builder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { INTERNED_MIN = 256, VERSION_1_5 = 0x00010500, WORD_COUNT_MAX = 0xffff };

void wj_spv_builder_init(struct wj_spv_builder *b)
{
    memset(b, 0, sizeof *b);
    b->next_id = 1;
    b->is_terminated = true;
}

void wj_spv_builder_clear(struct wj_spv_builder *b)
{
    for (unsigned i = 0; i < WJ_SPV_SECTION_COUNT; i++) {
        wj_spv_words_clear(&b->sections[i]);
    }
    wj_spv_words_clear(&b->head);
    wj_spv_words_clear(&b->variables);
    wj_spv_words_clear(&b->prologue);
    wj_spv_words_clear(&b->body);
    free(b->interned);
    wj_spv_builder_init(b);
}

static uint32_t first_word(SpvOp op, size_t word_count)
{
    assert(word_count <= WORD_COUNT_MAX);
    return (uint32_t) word_count << SpvWordCountShift | (uint32_t) op;
}

void wj_spv_raw(struct wj_spv_words *words, SpvOp op, const uint32_t *operands, size_t count)
{
    wj_spv_words_push(words, first_word(op, count + 1));
    wj_spv_words_append(words, operands, count);
}

uint32_t wj_spv_result(struct wj_spv_builder *b, SpvOp op, uint32_t type, const uint32_t *operands,
                       size_t count)
{
    assert(!b->is_terminated);
    uint32_t id = wj_spv_id(b);
    wj_spv_words_push(&b->body, first_word(op, count + 3));
    wj_spv_words_push(&b->body, type);
    wj_spv_words_push(&b->body, id);
    wj_spv_words_append(&b->body, operands, count);
    return id;
}

uint32_t wj_spv_early(struct wj_spv_builder *b, SpvOp op, uint32_t type, const uint32_t *operands,
                      size_t count)
{
    uint32_t id = wj_spv_id(b);
    wj_spv_words_push(&b->prologue, first_word(op, count + 3));
    wj_spv_words_push(&b->prologue, type);
    wj_spv_words_push(&b->prologue, id);
    wj_spv_words_append(&b->prologue, operands, count);
    return id;
}

uint32_t wj_spv_glsl(struct wj_spv_builder *b, uint32_t instruction, uint32_t type,
                     const uint32_t *operands, size_t count)
{
    assert(!b->is_terminated);
    uint32_t id = wj_spv_id(b);
    wj_spv_words_push(&b->body, first_word(SpvOpExtInst, count + 5));
    wj_spv_words_push(&b->body, type);
    wj_spv_words_push(&b->body, id);
    wj_spv_words_push(&b->body, b->glsl);
    wj_spv_words_push(&b->body, instruction);
    wj_spv_words_append(&b->body, operands, count);
    return id;
}

// Interning: an instruction is the same when all its words but the result id are.
struct request {
    SpvOp op;
    uint32_t type; // 0: the instruction has no result type
    const uint32_t *operands;
    size_t count;
};

static uint32_t hash_words(uint32_t hash, const uint32_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ words[i]) * 0x9e3779b1u; // 2^32 / golden ratio
        hash ^= hash >> 15;
    }
    return hash;
}

static uint32_t request_hash(const struct request *r)
{
    const uint32_t head[2] = {(uint32_t) r->op, r->type};
    return hash_words(hash_words(0, head, 2), r->operands, r->count);
}

static bool request_matches(const struct request *r, const uint32_t *at)
{
    const size_t prefix = r->type != 0 ? 3 : 2;
    return at[0] == first_word(r->op, prefix + r->count) && (r->type == 0 || at[1] == r->type) &&
           (r->count == 0 || memcmp(at + prefix, r->operands, r->count * sizeof *at) == 0);
}

static bool grow_interned(struct wj_spv_builder *b)
{
    const size_t capacity = b->interned_capacity == 0 ? INTERNED_MIN : b->interned_capacity * 2;
    struct wj_spv_interned *table = calloc(capacity, sizeof *table);
    if (table == NULL) {
        b->has_failed = true;
        return false;
    }
    for (size_t i = 0; i < b->interned_capacity; i++) {
        if (b->interned[i].position != 0) {
            size_t slot = b->interned[i].hash & (capacity - 1);
            while (table[slot].position != 0) {
                slot = (slot + 1) & (capacity - 1);
            }
            table[slot] = b->interned[i];
        }
    }
    free(b->interned);
    b->interned = table;
    b->interned_capacity = capacity;
    return true;
}

static uint32_t intern(struct wj_spv_builder *b, const struct request *r)
{
    struct wj_spv_words *globals = &b->sections[WJ_SPV_GLOBALS];
    if (b->has_failed || globals->has_failed) {
        return wj_spv_id(b);
    }
    if (b->interned_count * 2 >= b->interned_capacity && !grow_interned(b)) {
        return wj_spv_id(b);
    }
    const size_t mask = b->interned_capacity - 1;
    const uint32_t hash = request_hash(r);
    size_t slot = hash & mask;
    for (; b->interned[slot].position != 0; slot = (slot + 1) & mask) {
        const uint32_t *at = globals->data + b->interned[slot].position - 1;
        if (b->interned[slot].hash == hash && request_matches(r, at)) {
            return at[r->type != 0 ? 2 : 1];
        }
    }
    const uint32_t id = wj_spv_id(b);
    b->interned[slot] = (struct wj_spv_interned){hash, (uint32_t) globals->count + 1};
    b->interned_count++;
    wj_spv_words_push(globals, first_word(r->op, r->count + (r->type != 0 ? 3 : 2)));
    if (r->type != 0) {
        wj_spv_words_push(globals, r->type);
    }
    wj_spv_words_push(globals, id);
    wj_spv_words_append(globals, r->operands, r->count);
    return id;
}

uint32_t wj_spv_type(struct wj_spv_builder *b, SpvOp op, const uint32_t *operands, size_t count)
{
    return intern(b, &(struct request){op, 0, operands, count});
}

uint32_t wj_spv_type_void(struct wj_spv_builder *b)
{
    return wj_spv_type(b, SpvOpTypeVoid, NULL, 0);
}

uint32_t wj_spv_type_bool(struct wj_spv_builder *b)
{
    return wj_spv_type(b, SpvOpTypeBool, NULL, 0);
}

uint32_t wj_spv_type_int(struct wj_spv_builder *b, unsigned bits)
{
    return wj_spv_type(b, SpvOpTypeInt, WJ_SPV_ARGS(bits, 0));
}

uint32_t wj_spv_type_float(struct wj_spv_builder *b, unsigned bits)
{
    return wj_spv_type(b, SpvOpTypeFloat, WJ_SPV_ARGS(bits));
}

uint32_t wj_spv_type_vector(struct wj_spv_builder *b, uint32_t element, unsigned count)
{
    return wj_spv_type(b, SpvOpTypeVector, WJ_SPV_ARGS(element, count));
}

uint32_t wj_spv_type_pointer(struct wj_spv_builder *b, SpvStorageClass class, uint32_t pointee)
{
    return wj_spv_type(b, SpvOpTypePointer, WJ_SPV_ARGS((uint32_t) class, pointee));
}

uint32_t wj_spv_const(struct wj_spv_builder *b, SpvOp op, uint32_t type, const uint32_t *operands,
                      size_t count)
{
    return intern(b, &(struct request){op, type, operands, count});
}

uint32_t wj_spv_const_u32(struct wj_spv_builder *b, uint32_t value)
{
    return wj_spv_const(b, SpvOpConstant, wj_spv_type_int(b, 32), WJ_SPV_ARGS(value));
}

uint32_t wj_spv_const_u64(struct wj_spv_builder *b, uint64_t value)
{
    return wj_spv_const(b, SpvOpConstant, wj_spv_type_int(b, 64),
                        WJ_SPV_ARGS((uint32_t) value, (uint32_t) (value >> 32)));
}

uint32_t wj_spv_const_f32(struct wj_spv_builder *b, uint32_t bits)
{
    return wj_spv_const(b, SpvOpConstant, wj_spv_type_float(b, 32), WJ_SPV_ARGS(bits));
}

uint32_t wj_spv_const_f64(struct wj_spv_builder *b, uint64_t bits)
{
    return wj_spv_const(b, SpvOpConstant, wj_spv_type_float(b, 64),
                        WJ_SPV_ARGS((uint32_t) bits, (uint32_t) (bits >> 32)));
}

uint32_t wj_spv_const_bool(struct wj_spv_builder *b, bool value)
{
    return wj_spv_const(b, value ? SpvOpConstantTrue : SpvOpConstantFalse, wj_spv_type_bool(b),
                        NULL, 0);
}

uint32_t wj_spv_const_null(struct wj_spv_builder *b, uint32_t type)
{
    return wj_spv_const(b, SpvOpConstantNull, type, NULL, 0);
}

uint32_t wj_spv_const_splat(struct wj_spv_builder *b, uint32_t type, uint32_t component,
                            unsigned count)
{
    const uint32_t components[4] = {component, component, component, component};
    assert(count <= 4);
    return wj_spv_const(b, SpvOpConstantComposite, type, components, count);
}

void wj_spv_label(struct wj_spv_builder *b, uint32_t label)
{
    assert(b->is_terminated);
    WJ_SPV_DO(b, SpvOpLabel, label);
    b->is_terminated = false;
}

void wj_spv_branch(struct wj_spv_builder *b, uint32_t label)
{
    assert(!b->is_terminated);
    WJ_SPV_DO(b, SpvOpBranch, label);
    b->is_terminated = true;
}

void wj_spv_branch_if(struct wj_spv_builder *b, uint32_t condition, uint32_t yes, uint32_t no)
{
    assert(!b->is_terminated);
    WJ_SPV_DO(b, SpvOpBranchConditional, condition, yes, no);
    b->is_terminated = true;
}

void wj_spv_selection(struct wj_spv_builder *b, uint32_t merge)
{
    WJ_SPV_DO(b, SpvOpSelectionMerge, merge, SpvSelectionControlMaskNone);
}

void wj_spv_unreachable(struct wj_spv_builder *b)
{
    assert(!b->is_terminated);
    wj_spv_raw(&b->body, SpvOpUnreachable, NULL, 0);
    b->is_terminated = true;
}

void wj_spv_function_begin(struct wj_spv_builder *b, uint32_t id, uint32_t type, uint32_t result)
{
    b->head.count = 0;
    b->variables.count = 0;
    b->prologue.count = 0;
    b->body.count = 0;
    wj_spv_raw(&b->head, SpvOpFunction, WJ_SPV_ARGS(result, id, SpvFunctionControlMaskNone, type));
    b->is_terminated = false; // `end` puts the first label before the variables
}

uint32_t wj_spv_function_parameter(struct wj_spv_builder *b, uint32_t type)
{
    const uint32_t id = wj_spv_id(b);
    wj_spv_raw(&b->head, SpvOpFunctionParameter, WJ_SPV_ARGS(type, id));
    return id;
}

uint32_t wj_spv_function_variable(struct wj_spv_builder *b, uint32_t type)
{
    const uint32_t id = wj_spv_id(b);
    const uint32_t pointer = wj_spv_type_pointer(b, SpvStorageClassFunction, type);
    const uint32_t null = wj_spv_const_null(b, type);
    wj_spv_raw(&b->variables, SpvOpVariable,
               WJ_SPV_ARGS(pointer, id, SpvStorageClassFunction, null));
    return id;
}

void wj_spv_function_end(struct wj_spv_builder *b)
{
    assert(b->is_terminated);
    struct wj_spv_words *out = &b->sections[WJ_SPV_FUNCTIONS];
    const uint32_t label = wj_spv_id(b);
    wj_spv_words_append(out, b->head.data, b->head.count);
    wj_spv_raw(out, SpvOpLabel, WJ_SPV_ARGS(label));
    wj_spv_words_append(out, b->variables.data, b->variables.count);
    wj_spv_words_append(out, b->prologue.data, b->prologue.count);
    wj_spv_words_append(out, b->body.data, b->body.count);
    wj_spv_raw(out, SpvOpFunctionEnd, NULL, 0);
}

struct wj_spv_mark wj_spv_mark(const struct wj_spv_builder *b)
{
    return (struct wj_spv_mark){b->sections[WJ_SPV_FUNCTIONS].count,
                                b->sections[WJ_SPV_ANNOTATIONS].count};
}

void wj_spv_rewind(struct wj_spv_builder *b, struct wj_spv_mark mark)
{
    b->sections[WJ_SPV_FUNCTIONS].count = mark.functions;
    b->sections[WJ_SPV_ANNOTATIONS].count = mark.annotations;
    b->is_terminated = true;
}

bool wj_spv_finish(struct wj_spv_builder *b, uint32_t **words, size_t *word_count)
{
    struct wj_spv_words out = {0};
    const uint32_t header[5] = {SpvMagicNumber, VERSION_1_5, 0, b->next_id, 0};
    bool has_failed = b->has_failed || b->head.has_failed || b->variables.has_failed ||
                      b->prologue.has_failed || b->body.has_failed;
    wj_spv_words_append(&out, header, 5);
    for (unsigned i = 0; i < WJ_SPV_SECTION_COUNT; i++) {
        has_failed |= b->sections[i].has_failed;
        wj_spv_words_append(&out, b->sections[i].data, b->sections[i].count);
    }
    if (has_failed || out.has_failed) {
        wj_spv_words_clear(&out);
        return false;
    }
    *words = out.data;
    *word_count = out.count;
    return true;
}
