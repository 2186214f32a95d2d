// Operations that no vector instruction does: item by item, on operands taken out of their vectors.
#include "lanes/translate.h"

static unsigned lanes_in_part(enum wj_num num)
{
    return num == NUM_I32 || num == NUM_F32 ? 4 : 2;
}

static enum wj_opcode extract_of(enum wj_num num)
{
    switch (num) {
    case NUM_I32: return WJ_OP_I32X4_EXTRACT_LANE;
    case NUM_I64: return WJ_OP_I64X2_EXTRACT_LANE;
    case NUM_F32: return WJ_OP_F32X4_EXTRACT_LANE;
    case NUM_F64: return WJ_OP_F64X2_EXTRACT_LANE;
    case NUM_V128: break;
    }
    return WJ_OP_NOP;
}

static enum wj_opcode replace_of(enum wj_num num)
{
    switch (num) {
    case NUM_I32: return WJ_OP_I32X4_REPLACE_LANE;
    case NUM_I64: return WJ_OP_I64X2_REPLACE_LANE;
    case NUM_F32: return WJ_OP_F32X4_REPLACE_LANE;
    case NUM_F64: return WJ_OP_F64X2_REPLACE_LANE;
    case NUM_V128: break;
    }
    return WJ_OP_NOP;
}

// What an item that is not here computes with must not trap.
static struct node *harmless(struct lanes *l, struct node *node, uint64_t value)
{
    struct node *guarded = lanes_node(l, NODE_OP, (enum wj_num) node->num);
    guarded->how = HOW_SELECT;
    guarded->form = form_varying();
    guarded->args[0] = node;
    guarded->args[1] = lanes_const_node(l, (enum wj_num) node->num, value);
    guarded->args[2] = lanes_mask_node(l, l->mask);
    return lanes_force(l, guarded);
}

static void emit_operand(struct lanes *l, struct node *node, uint32_t item)
{
    enum wj_num num = (enum wj_num) node->num;
    if (is_uniform(node)) {
        lanes_emit_scalar(l, node);
        return;
    }
    lanes_emit_part(l, node, item / lanes_in_part(num));
    wj_lanes_op(&l->body, extract_of(num));
    wj_lanes_byte(&l->body, (uint8_t) (item % lanes_in_part(num)));
}

// Operands that are the same for all stay scalars, cheap to write.
static struct node *operand(struct lanes *l, struct node *node)
{
    return is_uniform(node) ? lanes_force(l, node) : lanes_force_vector(l, node);
}

struct node *lanes_each_item(struct lanes *l, const struct wj_op *op, struct node *a,
                             struct node *b)
{
    enum wj_num num = (enum wj_num) op->type;
    bool divides = op->family == FAM_IBINARY && op->sub >= IBIN_DIV_S;
    bool is_trapping = divides || (op->family == FAM_CONVERT && op->sub < CVT_I32_TRUNC_SAT_F32_S);
    a = operand(l, a);
    b = b == NULL ? NULL : operand(l, b);
    if (is_trapping && !l->is_full) {
        if (divides && !is_uniform(b)) {
            b = harmless(l, b, 1);
        } else {
            a = harmless(l, lanes_vector(l, a), 0);
        }
    }
    uint32_t parts = parts_of(num), in_part = lanes_in_part(num);
    uint32_t first = lanes_temp(l, NUM_V128, parts);
    for (uint32_t item = 0; item < WJ_LANES; item++) {
        wj_lanes_get(&l->body, first + item / in_part);
        emit_operand(l, a, item);
        if (b != NULL) {
            emit_operand(l, b, item);
        }
        wj_lanes_op(&l->body, (enum wj_opcode) op->opcode);
        wj_lanes_op(&l->body, replace_of(num));
        wj_lanes_byte(&l->body, (uint8_t) (item % in_part));
        wj_lanes_set(&l->body, first + item / in_part);
    }
    lanes_count(l, 4 * WJ_LANES, 1);
    struct node *temp = lanes_node(l, NODE_TEMP, num);
    temp->local = first;
    temp->form = form_varying();
    lanes_release(l, a);
    if (b != NULL) {
        lanes_release(l, b);
    }
    return temp;
}
