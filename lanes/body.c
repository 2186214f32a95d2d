// Bytes of a function body.
#include "lanes/body.h"

#include <stdlib.h>
#include <string.h>

enum { VOID_BLOCK = 0x40 };

void wj_lanes_body_clear(struct wj_lanes_body *body)
{
    free(body->bytes);
    free(body->places);
    body->bytes = NULL;
    body->places = NULL;
}

void wj_lanes_body_begin(struct wj_lanes_body *body, uint32_t param_count)
{
    body->size_bytes = 0;
    body->param_count = param_count;
    body->local_count = param_count;
    body->level = 0;
    body->place_count = 0;
}

uint32_t wj_lanes_local(struct wj_lanes_body *body, enum wj_num num, uint32_t count)
{
    uint32_t first = body->local_count;
    if (first + count > WJ_LANES_LOCALS_MAX) {
        body->is_full = true;
        return body->param_count;
    }
    memset(body->types + first, (int) num, count);
    body->local_count += count;
    return first;
}

void wj_lanes_place(struct wj_lanes_body *body, uint32_t wasm_offset)
{
    if (body->place_count == body->place_capacity) {
        uint32_t capacity = body->place_capacity * 2 + 64;
        struct wj_lanes_place *places = realloc(body->places, capacity * sizeof *places);
        if (places == NULL) {
            body->is_full = true;
            return;
        }
        body->places = places;
        body->place_capacity = capacity;
    }
    body->places[body->place_count++] = (struct wj_lanes_place){body->size_bytes, wasm_offset};
}

void wj_lanes_byte(struct wj_lanes_body *body, uint8_t byte)
{
    if (body->size_bytes == body->capacity_bytes) {
        uint32_t capacity = body->capacity_bytes * 2 + 1024;
        uint8_t *bytes = realloc(body->bytes, capacity);
        if (bytes == NULL) {
            body->is_full = true;
            return;
        }
        body->bytes = bytes;
        body->capacity_bytes = capacity;
    }
    body->bytes[body->size_bytes++] = byte;
}

static void write_bytes(struct wj_lanes_body *body, const void *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        wj_lanes_byte(body, ((const uint8_t *) bytes)[i]);
    }
}

static void write_unsigned(struct wj_lanes_body *body, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        wj_lanes_byte(body, (uint8_t) (value | 0x80));
    }
    wj_lanes_byte(body, (uint8_t) value);
}

static void write_signed(struct wj_lanes_body *body, int64_t value)
{
    for (; value < -0x40 || value >= 0x40; value >>= 7) {
        wj_lanes_byte(body, (uint8_t) (value | 0x80));
    }
    wj_lanes_byte(body, (uint8_t) (value & 0x7f));
}

void wj_lanes_u32(struct wj_lanes_body *body, uint32_t value)
{
    write_unsigned(body, value);
}

void wj_lanes_op(struct wj_lanes_body *body, enum wj_opcode opcode)
{
    const struct wj_opcode_info *info = &wj_opcode_infos[opcode];
    if (info->prefix != 0) {
        wj_lanes_byte(body, info->prefix);
        write_unsigned(body, info->code);
    } else {
        wj_lanes_byte(body, (uint8_t) info->code);
    }
}

void wj_lanes_get(struct wj_lanes_body *body, uint32_t local)
{
    wj_lanes_op(body, WJ_OP_LOCAL_GET);
    wj_lanes_u32(body, local);
}

void wj_lanes_set(struct wj_lanes_body *body, uint32_t local)
{
    wj_lanes_op(body, WJ_OP_LOCAL_SET);
    wj_lanes_u32(body, local);
}

void wj_lanes_const(struct wj_lanes_body *body, enum wj_num num, uint64_t bits)
{
    switch (num) {
    case NUM_I32:
        wj_lanes_op(body, WJ_OP_I32_CONST);
        write_signed(body, (int32_t) bits);
        return;
    case NUM_I64:
        wj_lanes_op(body, WJ_OP_I64_CONST);
        write_signed(body, (int64_t) bits);
        return;
    case NUM_F32:
        wj_lanes_op(body, WJ_OP_F32_CONST);
        write_bytes(body, &bits, 4);
        return;
    case NUM_F64:
        wj_lanes_op(body, WJ_OP_F64_CONST);
        write_bytes(body, &bits, 8);
        return;
    case NUM_V128: break; // wj_lanes_v128
    }
}

void wj_lanes_v128(struct wj_lanes_body *body, const uint8_t bytes[16])
{
    wj_lanes_op(body, WJ_OP_V128_CONST);
    write_bytes(body, bytes, 16);
}

void wj_lanes_shuffle(struct wj_lanes_body *body, const uint8_t lanes[16])
{
    wj_lanes_op(body, WJ_OP_I8X16_SHUFFLE);
    write_bytes(body, lanes, 16);
}

void wj_lanes_access(struct wj_lanes_body *body, enum wj_opcode opcode, uint64_t offset)
{
    wj_lanes_op(body, opcode);
    wj_lanes_byte(body, 0);
    write_unsigned(body, offset);
}

void wj_lanes_open(struct wj_lanes_body *body, enum wj_opcode opcode)
{
    wj_lanes_op(body, opcode);
    wj_lanes_byte(body, VOID_BLOCK);
    body->level++;
}

void wj_lanes_end(struct wj_lanes_body *body)
{
    wj_lanes_op(body, WJ_OP_END);
    body->level--;
}

void wj_lanes_branch(struct wj_lanes_body *body, enum wj_opcode opcode, uint32_t level)
{
    wj_lanes_op(body, opcode);
    wj_lanes_u32(body, body->level - level);
}

static uint8_t type_code(enum wj_num num)
{
    static const uint8_t codes[] = {
        [NUM_I32] = 0x7f, [NUM_I64] = 0x7e, [NUM_F32] = 0x7d, [NUM_F64] = 0x7c, [NUM_V128] = 0x7b,
    };
    return codes[num];
}

// How many locals from `first` on have one type.
static uint32_t run_length(const struct wj_lanes_body *body, uint32_t first)
{
    uint32_t count = 1;
    while (first + count < body->local_count && body->types[first + count] == body->types[first]) {
        count++;
    }
    return count;
}

bool wj_lanes_body_finish(struct wj_lanes_body *body, struct wj_lanes_code *code)
{
    struct wj_lanes_body out = {.param_count = 0};
    uint32_t runs = 0;
    wj_lanes_end(body);
    for (uint32_t i = body->param_count; i < body->local_count; i += run_length(body, i)) {
        runs++;
    }
    wj_lanes_u32(&out, runs);
    for (uint32_t i = body->param_count; i < body->local_count; i += run_length(body, i)) {
        wj_lanes_u32(&out, run_length(body, i));
        wj_lanes_byte(&out, type_code((enum wj_num) body->types[i]));
    }
    uint32_t head_bytes = out.size_bytes;
    write_bytes(&out, body->bytes, body->size_bytes);
    if (out.is_full || body->is_full) {
        free(out.bytes);
        return false;
    }
    for (uint32_t i = 0; i < body->place_count; i++) {
        body->places[i].at += head_bytes;
    }
    *code = (struct wj_lanes_code){
        .body = out.bytes,
        .body_bytes = out.size_bytes,
        .local_count = body->local_count,
        .places = body->places,
        .place_count = body->place_count,
    };
    body->places = NULL;
    return true;
}
