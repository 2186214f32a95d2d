// Loads and stores: one for all items at one address, whole vectors where neighbours lie side by
// side, else item by item. An item that is not here loads from address 0, or not at all, and stores
// nothing.
#include "lanes/translate.h"

// The runtime takes lanes only below 4 GiB less these (runtime/vm/kernel_lanes.c). So a first
// item's address whose neighbours' would wrap around is out of bounds itself.
#define WRAP_BYTES 65536u

struct access {
    const struct wj_op *op;
    enum wj_num num;
    unsigned width_log2;
    uint32_t in_part; // items of a vector
    uint64_t offset;
    struct node *address;
    bool is_affine; // an item's address is the first's and a multiple of the stride
};

static uint32_t items_in_part(enum wj_num num)
{
    return WJ_LANES / parts_of(num);
}

static struct access access_of(struct lanes *l, const struct wj_op *op, struct node *address)
{
    uint64_t reach = (uint64_t) (uint32_t) address->form.stride * (WJ_LANES - 1);
    struct access access = {
        .op = op,
        .num = op->sub == STORE_V128 && op->family == FAM_STORE ? NUM_V128 : (enum wj_num) op->type,
        .width_log2 = wj_opcode_infos[op->opcode].width_log2,
        .offset = op->memarg.offset,
        .address = address,
    };
    if (op->family == FAM_LOAD && op->sub >= LOAD_V128) {
        access.num = NUM_V128;
    }
    access.in_part = items_in_part(access.num);
    access.is_affine = !address->form.is_varying && address->form.stride > 0 &&
                       reach + 16 < WRAP_BYTES && access.offset + reach + 16 <= UINT32_MAX;
    if (op->memarg.memory != 0) {
        lanes_refuse(l, "another memory than the first");
    }
    return access;
}

static bool is_side_by_side(const struct access *access)
{
    return access->is_affine && access->address->form.stride == 1 << access->width_log2 &&
           (1u << access->width_log2) * access->in_part == 16 && access->num != NUM_V128;
}

// An item's address, and the offset that goes with it.
static uint64_t emit_address(struct lanes *l, const struct access *access, uint32_t item)
{
    if (access->is_affine) {
        lanes_emit_scalar(l, access->address);
        return access->offset + (uint64_t) item * (uint32_t) access->address->form.stride;
    }
    if (is_uniform(access->address)) {
        lanes_emit_scalar(l, access->address);
        return access->offset;
    }
    lanes_emit_part(l, access->address, item / 4);
    wj_lanes_op(&l->body, WJ_OP_I32X4_EXTRACT_LANE);
    wj_lanes_byte(&l->body, (uint8_t) (item % 4));
    return access->offset;
}

void lanes_emit_bits(struct lanes *l)
{
    for (uint32_t part = 0; part < LANES_PARTS; part++) {
        wj_lanes_get(&l->body, l->mask + part);
        wj_lanes_op(&l->body, WJ_OP_I32X4_BITMASK);
        if (part != 0) {
            wj_lanes_const(&l->body, NUM_I32, 4 * part);
            wj_lanes_op(&l->body, WJ_OP_I32_SHL);
            wj_lanes_op(&l->body, WJ_OP_I32_OR);
        }
    }
}

// Opens a block for when all items are here.
static void open_if_all(struct lanes *l)
{
    for (uint32_t part = 0; part < LANES_PARTS; part++) {
        wj_lanes_get(&l->body, l->mask + part);
        if (part != 0) {
            wj_lanes_op(&l->body, WJ_OP_V128_AND);
        }
    }
    wj_lanes_op(&l->body, WJ_OP_I32X4_ALL_TRUE);
    wj_lanes_open(&l->body, WJ_OP_IF);
}

// Opens a block for when the item is here; `bits` is a local with the mask's.
static void open_if_here(struct lanes *l, uint32_t bits, uint32_t item)
{
    wj_lanes_get(&l->body, bits);
    wj_lanes_const(&l->body, NUM_I32, 1ull << item);
    wj_lanes_op(&l->body, WJ_OP_I32_AND);
    wj_lanes_open(&l->body, WJ_OP_IF);
}

static uint32_t keep_bits(struct lanes *l)
{
    uint32_t bits = lanes_temp(l, NUM_I32, 1);
    lanes_emit_bits(l);
    wj_lanes_set(&l->body, bits);
    return bits;
}

// The address as something that is cheap to write for each item.
static void make_address_cheap(struct lanes *l, struct access *access)
{
    bool is_scalar = access->is_affine || is_uniform(access->address);
    access->address =
        is_scalar
            ? (access->address->kind == NODE_OP ? lanes_force(l, access->address) : access->address)
            : lanes_force_vector(l, access->address);
}

// ---- Loads --------------------------------------------------------------------------------------

static struct node *load_once(struct lanes *l, const struct access *access)
{
    bool is_plain =
        access->width_log2 >= 2 && access->num != NUM_V128 && access->op->sub <= LOAD_F64;
    bool is_splat = is_plain && l->facts[l->at].wants_splat;
    uint32_t local = lanes_temp(l, is_splat ? NUM_V128 : access->num, 1);
    enum wj_opcode opcode = (enum wj_opcode) access->op->opcode;
    if (is_splat) {
        opcode = access->width_log2 == 2 ? WJ_OP_V128_LOAD32_SPLAT : WJ_OP_V128_LOAD64_SPLAT;
    }
    lanes_emit_scalar(l, access->address);
    wj_lanes_access(&l->body, opcode, access->offset);
    wj_lanes_set(&l->body, local);
    struct node *temp = lanes_node(l, NODE_TEMP, access->num);
    temp->local = local;
    temp->is_splat = is_splat;
    temp->origin = is_plain ? l->at : LANES_NONE;
    lanes_count(l, 1, 1);
    return temp;
}

static void load_vectors(struct lanes *l, const struct access *access, uint32_t first)
{
    for (uint32_t part = 0; part < parts_of(access->num); part++) {
        uint64_t offset = emit_address(l, access, part * access->in_part);
        wj_lanes_access(&l->body, WJ_OP_V128_LOAD, offset);
        wj_lanes_set(&l->body, first + part);
    }
}

static bool has_lane_access(const struct access *access)
{
    return access->num != NUM_V128 && (1u << access->width_log2) * access->in_part == 16;
}

// One item's value into its lane of the vector.
static void load_lane(struct lanes *l, const struct access *access, uint32_t first, uint32_t item)
{
    static const uint16_t replaces[] = {
        [NUM_I32] = WJ_OP_I32X4_REPLACE_LANE,
        [NUM_I64] = WJ_OP_I64X2_REPLACE_LANE,
        [NUM_F32] = WJ_OP_F32X4_REPLACE_LANE,
        [NUM_F64] = WJ_OP_F64X2_REPLACE_LANE,
    };
    uint32_t part = item / access->in_part, lane = item % access->in_part;
    if (access->num == NUM_V128) {
        uint64_t offset = emit_address(l, access, item);
        wj_lanes_access(&l->body, (enum wj_opcode) access->op->opcode, offset);
    } else if (has_lane_access(access)) {
        uint64_t offset = emit_address(l, access, item);
        wj_lanes_get(&l->body, first + part);
        wj_lanes_access(&l->body,
                        access->width_log2 == 2 ? WJ_OP_V128_LOAD32_LANE : WJ_OP_V128_LOAD64_LANE,
                        offset);
        wj_lanes_byte(&l->body, (uint8_t) lane);
    } else {
        wj_lanes_get(&l->body, first + part);
        uint64_t offset = emit_address(l, access, item);
        wj_lanes_access(&l->body, (enum wj_opcode) access->op->opcode, offset);
        wj_lanes_op(&l->body, (enum wj_opcode) replaces[access->num]);
        wj_lanes_byte(&l->body, (uint8_t) lane);
    }
    wj_lanes_set(&l->body, first + part);
}

// A vector of as many items as it holds, by loads into its lanes. Their addresses come first, the
// last item's deepest.
static void load_lanes(struct lanes *l, const struct access *access, uint32_t first, uint32_t part)
{
    bool is_32 = access->width_log2 == 2;
    uint64_t offsets[4];
    for (uint32_t lane = access->in_part; lane-- > 0;) {
        offsets[lane] = emit_address(l, access, part * access->in_part + lane);
    }
    wj_lanes_access(&l->body, is_32 ? WJ_OP_V128_LOAD32_ZERO : WJ_OP_V128_LOAD64_ZERO, offsets[0]);
    for (uint32_t lane = 1; lane < access->in_part; lane++) {
        wj_lanes_access(&l->body, is_32 ? WJ_OP_V128_LOAD32_LANE : WJ_OP_V128_LOAD64_LANE,
                        offsets[lane]);
        wj_lanes_byte(&l->body, (uint8_t) lane);
    }
    wj_lanes_set(&l->body, first + part);
}

static void load_all(struct lanes *l, const struct access *access, uint32_t first)
{
    if (is_side_by_side(access)) {
        load_vectors(l, access, first);
        lanes_count(l, parts_of(access->num), 1);
        return;
    }
    lanes_count(l, (access->is_affine ? 2 : 3) * WJ_LANES, 1);
    for (uint32_t part = 0; has_lane_access(access) && part < parts_of(access->num); part++) {
        load_lanes(l, access, first, part);
    }
    for (uint32_t item = 0; !has_lane_access(access) && item < WJ_LANES; item++) {
        load_lane(l, access, first, item);
    }
}

// Address 0 for items that are not here.
static void redirect(struct lanes *l, struct access *access)
{
    struct node *masked = lanes_node(l, NODE_OP, NUM_I32);
    masked->opcode = WJ_OP_V128_AND;
    masked->form = form_varying();
    masked->args[0] = lanes_vector(l, access->address);
    masked->args[1] = lanes_mask_node(l, l->mask);
    access->address = lanes_force(l, masked);
    access->is_affine = false;
}

static void load_here(struct lanes *l, struct access *access, uint32_t first)
{
    bool is_safe = access->offset + (1ull << access->width_log2) <= l->memory_bytes_min;
    bool has_fast_path = is_side_by_side(access);
    if (has_fast_path) {
        open_if_all(l);
        load_vectors(l, access, first);
        wj_lanes_op(&l->body, WJ_OP_ELSE);
        lanes_count(l, parts_of(access->num) + 4, 1);
    }
    uint64_t cost = l->cost, cost_single = l->cost_single;
    if (is_safe) {
        redirect(l, access);
        load_all(l, access, first);
        lanes_count(l, 2, 0);
    } else {
        uint32_t bits = keep_bits(l);
        for (uint32_t item = 0; item < WJ_LANES; item++) {
            open_if_here(l, bits, item);
            load_lane(l, access, first, item);
            wj_lanes_end(&l->body);
        }
        lanes_temp_free(l, NUM_I32, bits, 1);
        lanes_count(l, 5 * WJ_LANES, 1);
    }
    if (has_fast_path) {
        wj_lanes_end(&l->body);
        l->cost = cost;
        l->cost_single = cost_single;
    }
}

void lanes_load(struct lanes *l, const struct wj_op *op)
{
    struct access access = access_of(l, op, lanes_pop(l));
    if (is_uniform(access.address)) {
        struct node *loaded = load_once(l, &access);
        lanes_release(l, access.address);
        lanes_push(l, loaded);
        return;
    }
    make_address_cheap(l, &access);
    uint32_t first = lanes_temp(l, NUM_V128, parts_of(access.num));
    if (l->is_full) {
        load_all(l, &access, first);
    } else {
        load_here(l, &access, first);
    }
    struct node *temp = lanes_node(l, NODE_TEMP, access.num);
    temp->local = first;
    temp->form = form_varying();
    lanes_release(l, access.address);
    lanes_push(l, temp);
}

// ---- Stores -------------------------------------------------------------------------------------

static void store_item(struct lanes *l, const struct access *access, struct node *value,
                       uint32_t item)
{
    static const uint16_t lane_stores[] = {WJ_OP_V128_STORE8_LANE, WJ_OP_V128_STORE16_LANE,
                                           WJ_OP_V128_STORE32_LANE, WJ_OP_V128_STORE64_LANE};
    uint64_t offset = emit_address(l, access, item);
    if (is_uniform(value)) {
        lanes_emit_scalar(l, value);
        wj_lanes_access(&l->body, (enum wj_opcode) access->op->opcode, offset);
        return;
    }
    lanes_emit_part(l, value, item / access->in_part);
    if (access->num == NUM_V128) {
        wj_lanes_access(&l->body, WJ_OP_V128_STORE, offset);
        return;
    }
    // Little end first: the low bytes of a lane are its first piece of the stored width.
    uint32_t pieces = (16u / access->in_part) >> access->width_log2;
    wj_lanes_access(&l->body, (enum wj_opcode) lane_stores[access->width_log2], offset);
    wj_lanes_byte(&l->body, (uint8_t) (item % access->in_part * pieces));
}

static void store_vectors(struct lanes *l, const struct access *access, struct node *value)
{
    for (uint32_t part = 0; part < parts_of(access->num); part++) {
        uint64_t offset = emit_address(l, access, part * access->in_part);
        lanes_emit_part(l, value, part);
        wj_lanes_access(&l->body, WJ_OP_V128_STORE, offset);
    }
}

static void store_here(struct lanes *l, const struct access *access, struct node *value)
{
    uint32_t bits = l->is_full ? LANES_NONE : keep_bits(l);
    for (uint32_t item = 0; item < WJ_LANES; item++) {
        if (bits != LANES_NONE) {
            open_if_here(l, bits, item);
        }
        store_item(l, access, value, item);
        if (bits != LANES_NONE) {
            wj_lanes_end(&l->body);
        }
    }
    if (bits != LANES_NONE) {
        lanes_temp_free(l, NUM_I32, bits, 1);
    }
}

void lanes_store(struct lanes *l, const struct wj_op *op)
{
    struct node *value = lanes_pop(l);
    struct access access = access_of(l, op, lanes_pop(l));
    make_address_cheap(l, &access);
    if (is_uniform(access.address) && is_uniform(value)) {
        lanes_emit_scalar(l, access.address);
        lanes_emit_scalar(l, value);
        wj_lanes_access(&l->body, (enum wj_opcode) op->opcode, access.offset);
        lanes_count(l, 1, 1);
    } else if (is_side_by_side(&access)) {
        value = lanes_force_vector(l, value);
        if (!l->is_full) {
            open_if_all(l);
        }
        store_vectors(l, &access, value);
        if (!l->is_full) {
            wj_lanes_op(&l->body, WJ_OP_ELSE);
            store_here(l, &access, value);
            wj_lanes_end(&l->body);
        }
        lanes_count(l, parts_of(access.num) + (l->is_full ? 0 : 4), 1);
    } else {
        value = is_uniform(value) ? lanes_force(l, value) : lanes_force_vector(l, value);
        store_here(l, &access, value);
        lanes_count(l, (l->is_full ? access.is_affine ? 1 : 2 : 4) * WJ_LANES, 1);
    }
    lanes_release(l, access.address);
    lanes_release(l, value);
}
