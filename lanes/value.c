// Values: expressions that are written out where they are consumed, as a scalar for all items or
// as vectors, and the variables that keep them.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lanes/translate.h"

bool lanes_refuse(struct lanes *l, const char *format, ...)
{
    char message[200];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    size_t offset = l->at < l->op_count && l->ops != NULL
                        ? (size_t) (l->ops[l->at].at - l->module->bytes)
                        : WJ_NO_OFFSET;
    l->has_failed = true;
    return wj_err_set(l->reason, WJ_ERR_UNSUPPORTED, offset, "%s", message);
}

bool form_join(struct form *into, const struct form *from)
{
    struct form old = *into;
    if (!from->is_known) {
        return false;
    }
    if (!into->is_known) {
        *into = *from;
        return true;
    }
    into->is_varying |= from->is_varying || into->stride != from->stride;
    into->is_kept |= from->is_kept;
    if (into->is_varying) {
        *into = form_varying();
    } else {
        into->align = from->align < into->align ? from->align : into->align;
        into->bits = from->bits > into->bits ? from->bits : into->bits;
    }
    return old.is_varying != into->is_varying || old.align != into->align ||
           old.bits != into->bits || old.is_kept != into->is_kept;
}

// ---- Nodes --------------------------------------------------------------------------------------

struct node *lanes_node(struct lanes *l, enum node_kind kind, enum wj_num num)
{
    struct node *node = WJ_ARENA_NEW(&l->nodes, struct node);
    if (node == NULL) {
        lanes_refuse(l, "out of memory");
        node = &l->nowhere;
        *node = (struct node){.kind = NODE_CONST};
    }
    node->kind = (uint8_t) kind;
    node->num = (uint8_t) num;
    node->origin = LANES_NONE;
    node->form = form_uniform();
    return node;
}

struct node *lanes_const_node(struct lanes *l, enum wj_num num, uint64_t bits)
{
    struct node *node = lanes_node(l, NODE_CONST, num);
    node->bits = bits;
    node->form.align = (uint8_t) (bits == 0 ? 64 : __builtin_ctzll(bits));
    node->form.bits = (uint8_t) (bits == 0 ? 0 : 64 - __builtin_clzll(bits));
    return node;
}

struct node *lanes_var_node(struct lanes *l, uint32_t var)
{
    struct node *node = lanes_node(l, NODE_VAR, (enum wj_num) l->vars[var].num);
    node->local = var;
    node->form = l->forms[var];
    return node;
}

struct node *lanes_mask_node(struct lanes *l, uint32_t first)
{
    struct node *node = lanes_node(l, NODE_KEPT, NUM_I32);
    node->local = first;
    node->is_mask = true;
    node->form = form_varying();
    return node;
}

void lanes_push(struct lanes *l, struct node *node)
{
    l->stack[l->depth++] = node;
}

struct node *lanes_pop(struct lanes *l)
{
    return l->stack[--l->depth];
}

static unsigned log2_of(uint32_t count)
{
    return (unsigned) __builtin_ctz(count);
}

uint32_t lanes_temp(struct lanes *l, enum wj_num num, uint32_t count)
{
    uint32_t *unused = &l->free_count[num][log2_of(count)];
    return *unused != 0 ? l->free_temps[num][log2_of(count)][--*unused]
                        : wj_lanes_local(&l->body, num, count);
}

void lanes_temp_free(struct lanes *l, enum wj_num num, uint32_t first, uint32_t count)
{
    uint32_t *unused = &l->free_count[num][log2_of(count)];
    if (*unused < sizeof l->free_temps[0][0] / sizeof l->free_temps[0][0][0]) {
        l->free_temps[num][log2_of(count)][(*unused)++] = first;
    }
}

void lanes_release(struct lanes *l, struct node *node)
{
    if (node->kind == NODE_TEMP) {
        if (node->form.is_varying) {
            lanes_temp_free(l, NUM_V128, node->local, parts_of((enum wj_num) node->num));
        } else {
            lanes_temp_free(l, node->is_splat ? NUM_V128 : (enum wj_num) node->num, node->local, 1);
        }
    }
    for (unsigned i = 0; i < 3 && node->args[i] != NULL; i++) {
        lanes_release(l, node->args[i]);
    }
}

// ---- Scalars ------------------------------------------------------------------------------------

static enum wj_opcode splat_of(enum wj_num num)
{
    static const uint16_t opcodes[] = {
        [NUM_I32] = WJ_OP_I32X4_SPLAT, [NUM_I64] = WJ_OP_I64X2_SPLAT, [NUM_F32] = WJ_OP_F32X4_SPLAT,
        [NUM_F64] = WJ_OP_F64X2_SPLAT, [NUM_V128] = WJ_OP_NOP,
    };
    return (enum wj_opcode) opcodes[num];
}

static enum wj_opcode extract_of(enum wj_num num)
{
    static const uint16_t opcodes[] = {
        [NUM_I32] = WJ_OP_I32X4_EXTRACT_LANE,
        [NUM_I64] = WJ_OP_I64X2_EXTRACT_LANE,
        [NUM_F32] = WJ_OP_F32X4_EXTRACT_LANE,
        [NUM_F64] = WJ_OP_F64X2_EXTRACT_LANE,
        [NUM_V128] = WJ_OP_NOP,
    };
    return (enum wj_opcode) opcodes[num];
}

uint32_t lanes_var_scalar(struct lanes *l, uint32_t var)
{
    if (l->vars[var].scalar == LANES_NONE) {
        l->vars[var].scalar = wj_lanes_local(&l->body, (enum wj_num) l->vars[var].num, 1);
    }
    return l->vars[var].scalar;
}

uint32_t lanes_var_vector(struct lanes *l, uint32_t var)
{
    if (l->vars[var].vector == LANES_NONE) {
        uint32_t count = parts_of((enum wj_num) l->vars[var].num);
        l->vars[var].vector = wj_lanes_local(&l->body, NUM_V128, count);
    }
    return l->vars[var].vector;
}

void lanes_emit_scalar(struct lanes *l, struct node *node)
{
    struct wj_lanes_body *body = &l->body;
    enum wj_num num = (enum wj_num) node->num;
    switch ((enum node_kind) node->kind) {
    case NODE_CONST:
        if (num == NUM_V128) {
            wj_lanes_v128(body, node->v128);
        } else {
            wj_lanes_const(body, num, node->bits);
        }
        return;
    case NODE_VAR: wj_lanes_get(body, lanes_var_scalar(l, node->local)); return;
    case NODE_TEMP:
    case NODE_KEPT:
        wj_lanes_get(body, node->local);
        if (node->is_splat) {
            wj_lanes_op(body, extract_of(num));
            wj_lanes_byte(body, 0);
        }
        return;
    case NODE_OP:
        for (unsigned i = 0; i < 3 && node->args[i] != NULL; i++) {
            lanes_emit_scalar(l, node->args[i]);
        }
        wj_lanes_op(body, (enum wj_opcode) node->opcode);
        if (wj_opcode_infos[node->opcode].imm != WJ_IMM_NONE) {
            wj_lanes_u32(body, (uint32_t) node->bits);
        }
        return;
    }
}

// ---- Vectors ------------------------------------------------------------------------------------

// Makes a vector of the first item's value, which is on the stack.
static void emit_spread(struct lanes *l, enum wj_num num, int32_t stride, uint32_t part)
{
    if (num == NUM_V128) {
        return;
    }
    wj_lanes_op(&l->body, splat_of(num));
    if (stride != 0) {
        int32_t distances[4];
        for (uint32_t i = 0; i < 4; i++) {
            distances[i] = (int32_t) ((uint32_t) stride * (4 * part + i));
        }
        wj_lanes_v128(&l->body, (const uint8_t *) distances);
        wj_lanes_op(&l->body, WJ_OP_I32X4_ADD);
    }
}

static void emit_const_part(struct lanes *l, const struct node *node)
{
    uint8_t bytes[16];
    unsigned size = node->num == NUM_I32 || node->num == NUM_F32 ? 4 : 8;
    for (unsigned i = 0; i < 16; i += size) {
        memcpy(bytes + i, &node->bits, size);
    }
    wj_lanes_v128(&l->body, node->num == NUM_V128 ? node->v128 : bytes);
}

static void want_splat(struct lanes *l, bool *fact)
{
    l->has_changed = l->has_changed || !*fact;
    *fact = true;
}

// A variable that is not varying. Where vectors of it are wanted, every set makes one.
static void emit_var_part(struct lanes *l, const struct node *node, uint32_t part)
{
    struct var *var = &l->vars[node->local];
    if (node->form.is_kept) {
        wj_lanes_get(&l->body, lanes_var_vector(l, node->local) + part);
        return;
    }
    if (var->wants_splat && node->num != NUM_V128) {
        uint32_t first = lanes_var_vector(l, node->local);
        wj_lanes_get(&l->body, node->form.stride == 0 ? first : first + part);
        return;
    }
    want_splat(l, &var->wants_splat);
    wj_lanes_get(&l->body, lanes_var_scalar(l, node->local));
    emit_spread(l, (enum wj_num) node->num, node->form.stride, part);
}

static void emit_temp_part(struct lanes *l, struct node *node, uint32_t part)
{
    if (node->form.is_varying) {
        wj_lanes_get(&l->body, node->local + part);
    } else if (node->is_splat) {
        wj_lanes_get(&l->body, node->local);
    } else {
        if (node->origin != LANES_NONE) {
            want_splat(l, &l->facts[node->origin].wants_splat);
        }
        wj_lanes_get(&l->body, node->local);
        emit_spread(l, (enum wj_num) node->num, node->form.stride, part);
    }
}

static void emit_op_part(struct lanes *l, struct node *node, uint32_t part)
{
    static const uint8_t upper[16] = {8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15};
    static const uint8_t even[16] = {0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27};
    static const uint8_t lower[16] = {0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23};
    struct wj_lanes_body *body = &l->body;
    enum wj_opcode opcode = (enum wj_opcode) node->opcode;
    struct node *a = node->args[0];
    switch ((enum node_how) node->how) {
    case HOW_EACH:
        for (unsigned i = 0; i < 3 && node->args[i] != NULL; i++) {
            lanes_emit_part(l, node->args[i], part);
        }
        wj_lanes_op(body, opcode);
        return;
    case HOW_SHIFT:
        lanes_emit_part(l, a, part);
        lanes_emit_scalar(l, node->args[1]);
        wj_lanes_op(body, opcode);
        return;
    case HOW_SELECT:
        lanes_emit_part(l, a, part);
        lanes_emit_part(l, node->args[1], part);
        lanes_emit_mask_part(l, node->args[2], (enum wj_num) node->num, part);
        wj_lanes_op(body, WJ_OP_V128_BITSELECT);
        return;
    case HOW_WIDEN: // the opcode for the high half is the next
        lanes_emit_part(l, a, part / 2);
        wj_lanes_op(body, (enum wj_opcode)(opcode + part % 2));
        return;
    case HOW_MOVE_UP:
        lanes_emit_part(l, a, part / 2);
        if (part % 2 != 0) {
            lanes_emit_part(l, a, part / 2);
            wj_lanes_shuffle(body, upper);
        }
        wj_lanes_op(body, opcode);
        return;
    case HOW_NARROW:
        lanes_emit_part(l, a, 2 * part);
        lanes_emit_part(l, a, 2 * part + 1);
        wj_lanes_shuffle(body, even);
        return;
    case HOW_PAIR:
        lanes_emit_part(l, a, 2 * part);
        wj_lanes_op(body, opcode);
        lanes_emit_part(l, a, 2 * part + 1);
        wj_lanes_op(body, opcode);
        wj_lanes_shuffle(body, lower);
        return;
    case HOW_SAME: lanes_emit_part(l, a, part); return;
    }
}

void lanes_emit_part(struct lanes *l, struct node *node, uint32_t part)
{
    switch ((enum node_kind) node->kind) {
    case NODE_CONST: emit_const_part(l, node); return;
    case NODE_VAR:
        if (node->form.is_varying) {
            wj_lanes_get(&l->body, lanes_var_vector(l, node->local) + part);
        } else {
            emit_var_part(l, node, part);
        }
        return;
    case NODE_TEMP:
    case NODE_KEPT: emit_temp_part(l, node, part); return;
    case NODE_OP:
        if (node->form.is_varying) {
            emit_op_part(l, node, part);
        } else {
            lanes_emit_scalar(l, node);
            emit_spread(l, (enum wj_num) node->num, node->form.stride, part);
        }
        return;
    }
}

void lanes_emit_mask_part(struct lanes *l, struct node *mask, enum wj_num num, uint32_t part)
{
    if (num == NUM_V128) {
        uint8_t lanes[16];
        for (unsigned i = 0; i < 16; i++) {
            lanes[i] = (uint8_t) (part % 4 * 4 + i % 4);
        }
        lanes_emit_part(l, mask, part / 4);
        lanes_emit_part(l, mask, part / 4);
        wj_lanes_shuffle(&l->body, lanes);
    } else if (num == NUM_I64 || num == NUM_F64) {
        lanes_emit_part(l, mask, part / 2);
        wj_lanes_op(&l->body, part % 2 == 0 ? WJ_OP_I64X2_EXTEND_LOW_I32X4_S
                                            : WJ_OP_I64X2_EXTEND_HIGH_I32X4_S);
    } else {
        lanes_emit_part(l, mask, part);
    }
}

// ---- Temporaries --------------------------------------------------------------------------------

static struct node *temp_node(struct lanes *l, const struct node *of, uint32_t local)
{
    struct node *temp = lanes_node(l, NODE_TEMP, (enum wj_num) of->num);
    temp->local = local;
    temp->form = of->form;
    temp->form.is_kept = false;
    temp->is_mask = of->is_mask;
    return temp;
}

struct node *lanes_force(struct lanes *l, struct node *node)
{
    enum wj_num num = (enum wj_num) node->num;
    if (node->kind == NODE_CONST || node->kind == NODE_TEMP) {
        return node;
    }
    uint32_t count = node->form.is_varying ? parts_of(num) : 1;
    uint32_t first = lanes_temp(l, node->form.is_varying ? NUM_V128 : num, count);
    for (uint32_t i = 0; i < count; i++) {
        if (node->form.is_varying) {
            lanes_emit_part(l, node, i);
        } else {
            lanes_emit_scalar(l, node);
        }
        wj_lanes_set(&l->body, first + i);
    }
    struct node *temp = temp_node(l, node, first);
    lanes_release(l, node);
    return temp;
}

struct node *lanes_vector(struct lanes *l, struct node *node)
{
    if (node->is_mask) {
        struct node *value = lanes_node(l, NODE_OP, NUM_I32);
        value->opcode = WJ_OP_I32X4_NEG;
        value->form = form_varying();
        value->args[0] = node;
        return value;
    }
    if (node->form.is_varying || node->kind != NODE_OP) {
        return node;
    }
    if (node->form.stride != 0) {
        return lanes_force(l, node);
    }
    uint32_t local = lanes_temp(l, NUM_V128, 1);
    lanes_emit_scalar(l, node);
    emit_spread(l, (enum wj_num) node->num, 0, 0);
    wj_lanes_set(&l->body, local);
    struct node *temp = temp_node(l, node, local);
    temp->is_splat = node->num != NUM_V128;
    lanes_release(l, node);
    return temp;
}

struct node *lanes_force_vector(struct lanes *l, struct node *node)
{
    node = lanes_vector(l, node);
    return node->kind == NODE_OP ? lanes_force(l, node) : node;
}

void lanes_force_stack(struct lanes *l)
{
    for (uint32_t i = 0; i < l->depth; i++) {
        l->stack[i] = lanes_force(l, l->stack[i]);
    }
}

static bool uses(const struct node *node, uint32_t var)
{
    if (node->kind == NODE_VAR && node->local == var) {
        return true;
    }
    for (unsigned i = 0; i < 3 && node->args[i] != NULL; i++) {
        if (uses(node->args[i], var)) {
            return true;
        }
    }
    return false;
}

void lanes_force_users(struct lanes *l, uint32_t var)
{
    for (uint32_t i = 0; i < l->depth; i++) {
        if (uses(l->stack[i], var)) {
            l->stack[i] = lanes_force(l, l->stack[i]);
        }
    }
}

struct node *lanes_mask_of(struct lanes *l, struct node *node)
{
    if (node->is_mask) {
        return node;
    }
    struct node *mask = lanes_node(l, NODE_OP, NUM_I32);
    mask->opcode = WJ_OP_I32X4_NE;
    mask->form = form_varying();
    mask->is_mask = true;
    mask->args[0] = lanes_vector(l, node);
    mask->args[1] = lanes_const_node(l, NUM_I32, 0);
    return mask;
}

// ---- Variables ----------------------------------------------------------------------------------

// A part of a variable that was not varying so far, without asking for vectors of it for good.
static void emit_old_part(struct lanes *l, uint32_t var, uint32_t part)
{
    const struct form *form = &l->forms[var];
    struct node *old = lanes_var_node(l, var);
    if (form->is_varying || form->is_kept || l->vars[var].wants_splat) {
        lanes_emit_part(l, old, part);
    } else {
        wj_lanes_get(&l->body, lanes_var_scalar(l, var));
        emit_spread(l, (enum wj_num) old->num, form->stride, part);
    }
}

void lanes_spread_var(struct lanes *l, uint32_t var)
{
    uint32_t first = lanes_var_vector(l, var);
    for (uint32_t part = parts_of((enum wj_num) l->vars[var].num); part-- > 0;) {
        emit_old_part(l, var, part);
        wj_lanes_set(&l->body, first + part);
    }
}

static void set_scalar(struct lanes *l, uint32_t var, struct node *node)
{
    uint32_t scalar = lanes_var_scalar(l, var);
    enum wj_num num = (enum wj_num) node->num;
    lanes_emit_scalar(l, node);
    wj_lanes_set(&l->body, scalar);
    l->forms[var] = node->form;
    l->forms[var].is_kept = false;
    if (!l->vars[var].wants_splat || num == NUM_V128) {
        return;
    }
    uint32_t first = lanes_var_vector(l, var);
    for (uint32_t i = 0; i < (node->form.stride == 0 ? 1 : parts_of(num)); i++) {
        if (node->kind == NODE_TEMP && node->is_splat) {
            wj_lanes_get(&l->body, node->local);
        } else {
            wj_lanes_get(&l->body, scalar);
            emit_spread(l, num, node->form.stride, i);
        }
        wj_lanes_set(&l->body, first + i);
    }
}

// Parts are set from the last on: where the value was the same for all, part 0 stood for all.
static void set_vector(struct lanes *l, uint32_t var, struct node *node, uint32_t mask)
{
    uint32_t first = lanes_var_vector(l, var);
    enum wj_num num = (enum wj_num) node->num;
    struct node *where = mask == LANES_NONE ? NULL : lanes_mask_node(l, mask);
    for (uint32_t part = parts_of(num); part-- > 0;) {
        lanes_emit_part(l, node, part);
        if (where != NULL) {
            emit_old_part(l, var, part);
            lanes_emit_mask_part(l, where, num, part);
            wj_lanes_op(&l->body, WJ_OP_V128_BITSELECT);
        }
        wj_lanes_set(&l->body, first + part);
    }
    if (where != NULL) {
        lanes_count(l, parts_of(num), 0);
    }
    l->forms[var] = form_varying();
}

void lanes_set_var(struct lanes *l, uint32_t var, struct node *node, uint32_t mask)
{
    lanes_force_users(l, var);
    if (mask == LANES_NONE && !l->is_full && lanes_is_awaited(l, var)) {
        mask = l->mask;
    }
    if (!l->forms[var].is_known) {
        mask = LANES_NONE; // nobody has a value yet
    }
    if (mask == LANES_NONE && !node->form.is_varying) {
        set_scalar(l, var, node);
    } else if (mask == l->mask && !node->form.is_varying && l->forms[var].is_known) {
        // The vectors are for items that wait; those that are here go on with the scalar.
        struct form form = node->form;
        node = lanes_force(l, node);
        set_vector(l, var, lanes_vector(l, node), mask);
        lanes_emit_scalar(l, node);
        wj_lanes_set(&l->body, lanes_var_scalar(l, var));
        l->forms[var] = form;
        l->forms[var].is_kept = true;
    } else {
        node = lanes_vector(l, node);
        set_vector(l, var, node, mask);
    }
    lanes_release(l, node);
}
