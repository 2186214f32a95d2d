// Control flow. Where all items that are here go one way, a branch stays one. Where they part,
// those that leave for a label are noted in its mask and wait; the code goes on with the others
// until none is left or the label is reached, where those that wait join in.
#include "lanes/translate.h"

// Beyond this a table is no chain of branches.
enum { TABLE_TARGETS_MAX = 32 };

static struct frame *top(struct lanes *l)
{
    return &l->frames[l->frame_count - 1];
}

static struct facts *facts_of(struct lanes *l, const struct frame *frame)
{
    return &l->facts[frame->facts];
}

static void note(struct lanes *l, bool *fact)
{
    l->has_changed = l->has_changed || !*fact;
    *fact = true;
}

// ---- Masks --------------------------------------------------------------------------------------

static uint32_t new_mask(struct lanes *l)
{
    return lanes_temp(l, NUM_V128, LANES_PARTS);
}

static void free_mask(struct lanes *l, uint32_t mask)
{
    if (mask != LANES_NONE) {
        lanes_temp_free(l, NUM_V128, mask, LANES_PARTS);
    }
}

static void fill_mask(struct lanes *l, uint32_t mask, uint8_t byte)
{
    uint8_t bytes[16];
    for (unsigned i = 0; i < 16; i++) {
        bytes[i] = byte;
    }
    for (uint32_t part = 0; part < LANES_PARTS; part++) {
        wj_lanes_v128(&l->body, bytes);
        wj_lanes_set(&l->body, mask + part);
    }
}

static void copy_mask(struct lanes *l, uint32_t to, uint32_t from)
{
    for (uint32_t part = 0; part < LANES_PARTS; part++) {
        wj_lanes_get(&l->body, from + part);
        wj_lanes_set(&l->body, to + part);
    }
}

// to = a OPCODE b.
static void combine_masks(struct lanes *l, uint32_t to, uint32_t a, uint32_t b,
                          enum wj_opcode opcode)
{
    for (uint32_t part = 0; part < LANES_PARTS; part++) {
        wj_lanes_get(&l->body, a + part);
        wj_lanes_get(&l->body, b + part);
        wj_lanes_op(&l->body, opcode);
        wj_lanes_set(&l->body, to + part);
    }
}

// l->mask is looked at from now on.
static void make_mask_real(struct lanes *l)
{
    if (l->is_full) {
        fill_mask(l, l->mask, 0xff);
    }
}

static void emit_any(struct lanes *l, uint32_t mask)
{
    for (uint32_t part = 0; part < LANES_PARTS; part++) {
        wj_lanes_get(&l->body, mask + part);
        if (part != 0) {
            wj_lanes_op(&l->body, WJ_OP_V128_OR);
        }
    }
    wj_lanes_op(&l->body, WJ_OP_V128_ANY_TRUE);
}

// ---- Who waits where ----------------------------------------------------------------------------

static bool is_live_at(const struct lanes *l, const struct frame *frame, uint32_t var)
{
    const struct facts *facts = &l->facts[frame->facts];
    bool has_start = frame->control == CONTROL_LOOP ||
                     (frame->control == CONTROL_IF && facts->else_at != LANES_NONE);
    return live_has(facts->live_end, var) || (has_start && live_has(facts->live_start, var));
}

// Of the frames below `count`.
static bool is_awaited_below(const struct lanes *l, uint32_t count, uint32_t var)
{
    for (uint32_t i = 1; i < count; i++) {
        if (l->facts[l->frames[i].facts].is_divergent && is_live_at(l, &l->frames[i], var)) {
            return true;
        }
    }
    return false;
}

// Whether items may wait at the label or end right now: some were sent there, in this place of the
// code or by a loop around it.
static bool is_waited_at(const struct lanes *l, uint32_t frame_index)
{
    bool has_leaking_loop = false;
    for (uint32_t i = frame_index + 1; i < l->frame_count; i++) {
        has_leaking_loop = has_leaking_loop || (l->frames[i].control == CONTROL_LOOP &&
                                                l->facts[l->frames[i].facts].leaks);
    }
    return l->frames[frame_index].has_parked || has_leaking_loop;
}

bool lanes_is_awaited(const struct lanes *l, uint32_t var)
{
    for (uint32_t i = 1; i < l->frame_count; i++) {
        const struct frame *frame = &l->frames[i];
        const struct facts *facts = &l->facts[frame->facts];
        if (!facts->is_divergent) {
            continue;
        }
        bool is_loop = frame->control == CONTROL_LOOP;
        bool has_rest = frame->control == CONTROL_IF && frame->is_split;
        bool is_waited = is_waited_at(l, i);
        // Items that left a loop wait for the others from round to round.
        if (((is_loop || is_waited) && live_has(facts->live_end, var)) ||
            (((is_loop && is_waited) || (has_rest && facts->else_at != LANES_NONE)) &&
             live_has(facts->live_start, var))) {
            return true;
        }
    }
    return false;
}

// ---- Edges --------------------------------------------------------------------------------------

enum place { PLACE_END, PLACE_START, PLACE_RESUME };

static bool is_full_after(struct lanes *l, const struct frame *frame)
{
    return frame->was_full && !facts_of(l, frame)->leaks;
}

static bool is_full_at(struct lanes *l, const struct frame *frame, enum place place)
{
    const struct facts *facts = facts_of(l, frame);
    switch (place) {
    case PLACE_END: return is_full_after(l, frame);
    case PLACE_START:
        return frame->control == CONTROL_LOOP ? is_full_after(l, frame) && !facts->is_divergent
                                              : frame->was_full && !frame->is_split;
    case PLACE_RESUME: break;
    }
    return false;
}

static bool is_needed_at(struct lanes *l, uint32_t frame_index, enum place place, uint32_t var)
{
    const struct frame *frame = &l->frames[frame_index];
    const struct facts *facts = facts_of(l, frame);
    bool is_live = live_has(place == PLACE_START ? facts->live_start : facts->live_end, var);
    if (place == PLACE_RESUME || facts->is_divergent) {
        is_live = is_live_at(l, frame, var);
    }
    return is_live || is_awaited_below(l, frame_index, var);
}

// Before a branch to a place of a frame: variables take the form that they have there. What this
// writes does no harm where the branch is not taken.
static void join(struct lanes *l, uint32_t frame_index, enum place place)
{
    struct frame *frame = &l->frames[frame_index];
    struct facts *facts = facts_of(l, frame);
    struct form *forms = place == PLACE_END     ? facts->end
                         : place == PLACE_START ? facts->start
                                                : facts->resume;
    // Items that waited come back.
    bool gathers = place == PLACE_RESUME || (facts->is_divergent && frame->control != CONTROL_LOOP);
    for (uint32_t var = 0; var < l->var_count; var++) {
        if (!is_needed_at(l, frame_index, place, var)) {
            continue;
        }
        struct form mine = l->forms[var];
        if (mine.is_kept && gathers) {
            mine = form_varying();
        }
        l->has_changed |= form_join(&forms[var], &mine);
        bool has_vectors = mine.is_varying || mine.is_kept;
        if ((forms[var].is_varying || forms[var].is_kept) && mine.is_known && !has_vectors) {
            lanes_spread_var(l, var);
        }
    }
    if (l->is_full && !is_full_at(l, frame, place)) {
        fill_mask(l, l->mask, 0xff);
    }
}

// What is needed at the place has the forms that were joined there; the rest is of no use.
static void arrive(struct lanes *l, uint32_t frame_index, enum place place)
{
    struct facts *facts = facts_of(l, &l->frames[frame_index]);
    const struct form *forms = place == PLACE_END     ? facts->end
                               : place == PLACE_START ? facts->start
                                                      : facts->resume;
    for (uint32_t var = 0; var < l->var_count; var++) {
        if (is_needed_at(l, frame_index, place, var)) {
            l->forms[var] = forms[var];
        }
    }
}

// Where to go on when no item is left here: 0 is the function's end.
static uint32_t waiting_frame(struct lanes *l)
{
    uint32_t i = l->frame_count - 1;
    while (i > 0 && !facts_of(l, &l->frames[i])->is_divergent) {
        i--;
    }
    return i;
}

static enum place resume_place(struct lanes *l, const struct frame *frame)
{
    if (frame->control == CONTROL_LOOP) {
        return PLACE_RESUME;
    }
    bool has_else = facts_of(l, frame)->else_at != LANES_NONE;
    return frame->control == CONTROL_IF && frame->is_split && has_else ? PLACE_START : PLACE_END;
}

// Goes on there, if nothing is in the mask.
static void resume_if_none(struct lanes *l, uint32_t mask)
{
    uint32_t at = waiting_frame(l);
    if (at != 0) {
        join(l, at, resume_place(l, &l->frames[at]));
    }
    emit_any(l, mask);
    wj_lanes_op(&l->body, WJ_OP_I32_EQZ);
    wj_lanes_branch(&l->body, WJ_OP_BR_IF, l->frames[at].resume_level);
}

static void resume(struct lanes *l)
{
    uint32_t at = waiting_frame(l);
    if (at != 0) {
        join(l, at, resume_place(l, &l->frames[at]));
    }
    wj_lanes_branch(&l->body, WJ_OP_BR, l->frames[at].resume_level);
}

// ---- Branches -----------------------------------------------------------------------------------

static bool crosses_waiting(struct lanes *l, uint32_t target)
{
    for (uint32_t i = target + 1; i < l->frame_count; i++) {
        if (facts_of(l, &l->frames[i])->is_divergent) {
            return true;
        }
    }
    return false;
}

// Items leave for the label while others stay.
static void note_parting(struct lanes *l, uint32_t target)
{
    if (target != 0) {
        note(l, &facts_of(l, &l->frames[target])->is_divergent);
    }
    for (uint32_t i = target + 1; i < l->frame_count; i++) {
        note(l, &facts_of(l, &l->frames[i])->leaks);
    }
}

// Sets the results of a block from the stack, where they stay, for the items of a mask or of all
// that are here.
static void pass_results(struct lanes *l, uint32_t target, uint32_t mask)
{
    struct facts *facts = facts_of(l, &l->frames[target]);
    if (target == 0 || l->frames[target].control == CONTROL_LOOP) {
        return;
    }
    uint32_t below = l->depth - facts->result_count;
    for (uint32_t i = 0; i < facts->result_count; i++) {
        struct node *value = lanes_force(l, l->stack[below + i]);
        l->stack[below + i] = value;
        struct node *again = lanes_node(l, NODE_KEPT, (enum wj_num) value->num);
        *again = *value;
        again->kind = value->kind == NODE_TEMP ? NODE_KEPT : value->kind;
        lanes_set_var(l, facts->result_var + i, again, mask);
    }
}

// Adds those of `mask` to the ones that wait at the label.
static void park(struct lanes *l, uint32_t target, uint32_t mask)
{
    struct frame *frame = &l->frames[target];
    if (target != 0 && frame->parked != LANES_NONE) {
        combine_masks(l, frame->parked, frame->parked, mask, WJ_OP_V128_OR);
    }
    frame->has_parked = true;
}

static bool ends_block(const struct lanes *l, uint32_t at)
{
    return l->ops[at].family == FAM_CONTROL && l->ops[at].sub == CONTROL_END;
}

// To the start of a loop, by its last operation: these go on, the others have left it.
static void part_from_loop(struct lanes *l, struct frame *frame, struct node *taken)
{
    make_mask_real(l);
    if (frame->other != LANES_NONE && facts_of(l, frame)->leaks) {
        for (uint32_t i = 0; i < LANES_PARTS; i++) {
            wj_lanes_get(&l->body, frame->other + i);
            wj_lanes_get(&l->body, l->mask + i);
            lanes_emit_part(l, taken, i);
            wj_lanes_op(&l->body, WJ_OP_V128_ANDNOT);
            wj_lanes_op(&l->body, WJ_OP_V128_OR);
            wj_lanes_set(&l->body, frame->other + i);
        }
    }
    for (uint32_t i = 0; i < LANES_PARTS; i++) {
        wj_lanes_get(&l->body, l->mask + i);
        lanes_emit_part(l, taken, i);
        wj_lanes_op(&l->body, WJ_OP_V128_AND);
        wj_lanes_set(&l->body, l->mask + i);
    }
    l->is_full = false;
    lanes_release(l, taken);
    join(l, l->frame_count - 1, PLACE_START);
    emit_any(l, l->mask);
    wj_lanes_branch(&l->body, WJ_OP_BR_IF, frame->start_level);
    lanes_count(l, 4, 1);
}

// Some of the items that are here branch.
static void part(struct lanes *l, uint32_t target, struct node *condition)
{
    struct node *taken = lanes_force(l, lanes_mask_of(l, condition));
    struct frame *frame = &l->frames[target];
    note_parting(l, target);
    if (target != 0 && frame->control == CONTROL_LOOP && facts_of(l, frame)->is_direct) {
        part_from_loop(l, frame, taken);
        return;
    }
    bool is_looked_at =
        target != 0 && (frame->parked != LANES_NONE || facts_of(l, frame)->result_count != 0);
    if (!l->is_full && is_looked_at) {
        struct node *here = lanes_node(l, NODE_OP, NUM_I32);
        here->opcode = WJ_OP_V128_AND;
        here->form = form_varying();
        here->is_mask = true;
        here->args[0] = taken;
        here->args[1] = lanes_mask_node(l, l->mask);
        taken = lanes_force(l, here);
    }
    pass_results(l, target, taken->local);
    park(l, target, taken->local);
    for (uint32_t i = 0; i < LANES_PARTS; i++) {
        if (!l->is_full) {
            wj_lanes_get(&l->body, l->mask + i);
        }
        lanes_emit_part(l, taken, i);
        wj_lanes_op(&l->body, l->is_full ? WJ_OP_V128_NOT : WJ_OP_V128_ANDNOT);
        wj_lanes_set(&l->body, l->mask + i);
    }
    l->is_full = false;
    lanes_release(l, taken);
    lanes_count(l, 8, 1);
    // At the end of the block where others wait it makes no difference.
    bool is_last = l->ops[l->at].sub != CONTROL_BR_TABLE && ends_block(l, l->at + 1) &&
                   waiting_frame(l) == l->frame_count - 1 && l->frame_count > 1;
    if (!is_last) {
        resume_if_none(l, l->mask);
    }
}

// In the first arm of an `if` at which items part, those of the other arm come before its end.
static bool has_rest_waiting(struct lanes *l, uint32_t target)
{
    const struct frame *frame = &l->frames[target];
    return frame->control == CONTROL_IF && frame->is_split &&
           facts_of(l, frame)->else_at != LANES_NONE;
}

// All items that are here branch, if the condition (or NULL) holds.
static void branch(struct lanes *l, uint32_t target, struct node *condition)
{
    struct frame *frame = &l->frames[target];
    bool is_loop = frame->control == CONTROL_LOOP && target != 0;
    bool is_waiting = target != 0 && facts_of(l, frame)->is_divergent;
    bool is_far = !l->is_full && crosses_waiting(l, target);
    lanes_count(l, 1, 1);
    pass_results(l, target, LANES_NONE);
    if (!is_far && !has_rest_waiting(l, target) &&
        !(is_loop && is_waiting && !facts_of(l, frame)->is_direct)) {
        if (target != 0) {
            join(l, target, is_loop ? PLACE_START : PLACE_END);
        }
        if (condition != NULL) {
            lanes_emit_scalar(l, condition);
        }
        wj_lanes_branch(&l->body, condition != NULL ? WJ_OP_BR_IF : WJ_OP_BR,
                        is_loop ? frame->start_level : frame->end_level);
        if (is_loop && is_waiting && frame->other != LANES_NONE && facts_of(l, frame)->leaks) {
            make_mask_real(l);
            combine_masks(l, frame->other, frame->other, l->mask, WJ_OP_V128_OR);
        }
        return;
    }
    if (is_far) {
        note_parting(l, target);
    }
    if (condition != NULL) {
        lanes_emit_scalar(l, condition);
        wj_lanes_open(&l->body, WJ_OP_IF);
    }
    make_mask_real(l);
    park(l, target, l->mask);
    fill_mask(l, l->mask, 0);
    bool was_full = l->is_full;
    l->is_full = false;
    resume(l);
    l->is_full = was_full;
    if (condition != NULL) {
        wj_lanes_end(&l->body);
    }
}

static void do_branch(struct lanes *l, uint32_t depth, struct node *condition)
{
    uint32_t target = l->frame_count - 1 - depth;
    if (condition == NULL || is_uniform(condition)) {
        branch(l, target, condition);
    } else {
        part(l, target, condition);
        return; // releases it
    }
    if (condition != NULL) {
        lanes_release(l, condition);
    }
}

static uint32_t next_target(const struct lanes *l, const uint8_t **at)
{
    return l->frame_count - 1 - wj_leb_u32_trusted(at);
}

// Whether all that are here may go straight to the label.
static bool is_near(struct lanes *l, uint32_t target)
{
    const struct frame *frame = &l->frames[target];
    bool is_loop = frame->control == CONTROL_LOOP && target != 0;
    return (l->is_full || !crosses_waiting(l, target)) && !has_rest_waiting(l, target) &&
           !(is_loop && facts_of(l, frame)->is_divergent);
}

// One target after the other.
static void br_table_by_branches(struct lanes *l, const struct wj_op *op, struct node *index)
{
    const uint8_t *at = op->br_table.targets;
    bool is_same = is_uniform(index);
    if (op->br_table.count > TABLE_TARGETS_MAX) {
        lanes_refuse(l, "a br_table with many targets by which items part");
        return;
    }
    index = is_same ? lanes_force(l, index) : lanes_force_vector(l, index);
    for (uint32_t i = 0; i < op->br_table.count; i++) {
        struct node *again = lanes_node(l, NODE_KEPT, NUM_I32);
        struct node *is_it = lanes_node(l, NODE_OP, NUM_I32);
        *again = *index;
        again->kind = index->kind == NODE_TEMP ? NODE_KEPT : index->kind;
        is_it->opcode = is_same ? WJ_OP_I32_EQ : WJ_OP_I32X4_EQ;
        is_it->args[0] = again;
        is_it->args[1] = lanes_const_node(l, NUM_I32, i);
        is_it->form = is_same ? form_uniform() : form_varying();
        is_it->is_mask = !is_same;
        do_branch(l, l->frame_count - 1 - next_target(l, &at), is_it);
    }
    do_branch(l, l->frame_count - 1 - next_target(l, &at), NULL);
    lanes_release(l, index);
}

static void br_table(struct lanes *l, const struct wj_op *op)
{
    struct node *index = lanes_pop(l);
    const uint8_t *at = op->br_table.targets;
    bool are_near = is_uniform(index);
    for (uint32_t i = 0; i <= op->br_table.count; i++) {
        are_near = is_near(l, next_target(l, &at)) && are_near;
    }
    if (!are_near) {
        br_table_by_branches(l, op, index);
        return;
    }
    index = lanes_force(l, index);
    at = op->br_table.targets;
    for (uint32_t i = 0; i <= op->br_table.count; i++) {
        uint32_t target = next_target(l, &at);
        bool is_loop = l->frames[target].control == CONTROL_LOOP && target != 0;
        pass_results(l, target, LANES_NONE);
        if (target != 0) {
            join(l, target, is_loop ? PLACE_START : PLACE_END);
        }
    }
    lanes_emit_scalar(l, index);
    lanes_release(l, index);
    wj_lanes_op(&l->body, WJ_OP_BR_TABLE);
    wj_lanes_u32(&l->body, op->br_table.count);
    at = op->br_table.targets;
    for (uint32_t i = 0; i <= op->br_table.count; i++) {
        const struct frame *frame = &l->frames[next_target(l, &at)];
        bool is_loop = frame->control == CONTROL_LOOP && frame != l->frames;
        wj_lanes_u32(&l->body, l->body.level - (is_loop ? frame->start_level : frame->end_level));
    }
}

// ---- Blocks -------------------------------------------------------------------------------------

static struct frame *open_frame(struct lanes *l, enum wj_control control)
{
    struct frame *frame = &l->frames[l->frame_count++];
    *frame = (struct frame){
        .control = (uint8_t) control,
        .was_full = l->is_full,
        .facts = l->at,
        .height = l->depth,
        .parked = LANES_NONE,
        .other = LANES_NONE,
    };
    struct facts *facts = facts_of(l, frame);
    for (uint32_t i = 0; i < facts->result_count; i++) {
        l->forms[facts->result_var + i].is_known = false;
    }
    if (facts->is_divergent &&
        (control == CONTROL_LOOP ? !facts->is_direct : !is_full_after(l, frame))) {
        frame->parked = new_mask(l);
    }
    return frame;
}

static void open_block(struct lanes *l)
{
    struct frame *frame = open_frame(l, CONTROL_BLOCK);
    if (frame->parked != LANES_NONE) {
        fill_mask(l, frame->parked, 0);
    }
    wj_lanes_open(&l->body, WJ_OP_BLOCK);
    frame->end_level = frame->resume_level = l->body.level;
}

// Right behind the loop all items are here again, so that nobody asks who left it.
static bool ends_with_all(struct lanes *l, const struct frame *frame)
{
    const struct frame *around = frame - 1;
    return around != l->frames && ends_block(l, facts_of(l, frame)->end_at + 1) &&
           around->control != CONTROL_LOOP && is_full_after(l, around) &&
           facts_of(l, around)->result_count == 0 && facts_of(l, frame)->result_count == 0;
}

static void open_loop(struct lanes *l)
{
    struct frame *frame = open_frame(l, CONTROL_LOOP);
    struct facts *facts = facts_of(l, frame);
    join(l, l->frame_count - 1, PLACE_START);
    if (facts->is_divergent && !is_full_after(l, frame) && !ends_with_all(l, frame)) {
        frame->other = new_mask(l);
        if (facts->leaks) {
            fill_mask(l, frame->other, 0);
        } else {
            copy_mask(l, frame->other, l->mask);
        }
    }
    // Where no item is left in the body, the loop is over, or those go on that wait at its end.
    bool has_outer = facts->is_divergent && facts->is_direct;
    if (has_outer) {
        wj_lanes_open(&l->body, WJ_OP_BLOCK);
    }
    frame->end_level = frame->resume_level = l->body.level;
    wj_lanes_open(&l->body, WJ_OP_LOOP);
    frame->start_level = l->body.level;
    if (facts->is_divergent && !facts->is_direct) {
        fill_mask(l, frame->parked, 0);
        wj_lanes_open(&l->body, WJ_OP_BLOCK);
        frame->end_level = frame->resume_level = l->body.level;
    }
    l->is_full = is_full_at(l, frame, PLACE_START);
    arrive(l, l->frame_count - 1, PLACE_START);
    l->loops++;
}

// Items part at an `if`: first come those of its first arm, then the others.
static void open_split(struct lanes *l, struct node *condition)
{
    struct node *mask = lanes_force(l, lanes_mask_of(l, condition));
    struct frame *frame = open_frame(l, CONTROL_IF);
    struct facts *facts = facts_of(l, frame);
    bool has_else = facts->else_at != LANES_NONE;
    note(l, &facts->is_divergent);
    frame->is_split = true;
    frame->has_parked = !has_else;
    frame->other = has_else ? new_mask(l) : LANES_NONE;
    uint32_t rest = has_else ? frame->other : frame->parked;
    if (has_else && frame->parked != LANES_NONE) {
        fill_mask(l, frame->parked, 0);
    }
    make_mask_real(l);
    if (rest != LANES_NONE) {
        combine_masks(l, rest, l->mask, mask->local, WJ_OP_V128_ANDNOT);
    }
    combine_masks(l, l->mask, l->mask, mask->local, WJ_OP_V128_AND);
    lanes_release(l, mask);
    l->is_full = false;
    wj_lanes_open(&l->body, WJ_OP_BLOCK);
    frame->end_level = frame->resume_level = l->body.level;
    if (has_else) {
        wj_lanes_open(&l->body, WJ_OP_BLOCK);
        frame->resume_level = l->body.level;
    }
    resume_if_none(l, l->mask);
    lanes_count(l, 12, 1);
}

static void open_if(struct lanes *l)
{
    struct node *condition = lanes_pop(l);
    lanes_force_stack(l);
    if (!is_uniform(condition)) {
        open_split(l, condition);
        return;
    }
    condition = lanes_force(l, condition);
    struct frame *frame = open_frame(l, CONTROL_IF);
    struct facts *facts = facts_of(l, frame);
    if (frame->parked != LANES_NONE) {
        fill_mask(l, frame->parked, 0);
    }
    frame->saved = WJ_ARENA_ARRAY(&l->nodes, struct form, l->var_count);
    if (frame->saved == NULL) {
        lanes_refuse(l, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < l->var_count; i++) {
        frame->saved[i] = l->forms[i];
    }
    if (facts->else_at == LANES_NONE) {
        join(l, l->frame_count - 1, PLACE_END);
    }
    lanes_emit_scalar(l, condition);
    lanes_release(l, condition);
    wj_lanes_open(&l->body, WJ_OP_IF);
    frame->end_level = frame->resume_level = l->body.level;
    lanes_count(l, 1, 1);
}

// The results of the innermost block are on the stack, for the items that are here.
static void fall_through(struct lanes *l)
{
    struct frame *frame = top(l);
    struct facts *facts = facts_of(l, frame);
    uint32_t below = l->depth - facts->result_count;
    for (uint32_t i = 0; i < facts->result_count; i++) {
        struct node *value = l->stack[below + i];
        l->stack[below + i] = lanes_const_node(l, NUM_I32, 0);
        lanes_set_var(l, facts->result_var + i, value, LANES_NONE);
    }
    l->depth = below;
}

static void do_else(struct lanes *l, bool is_reached)
{
    struct frame *frame = top(l);
    uint32_t at = l->frame_count - 1;
    if (is_reached) {
        fall_through(l);
    }
    if (!frame->is_split) {
        if (is_reached) {
            join(l, at, PLACE_END);
        }
        wj_lanes_op(&l->body, WJ_OP_ELSE);
        for (uint32_t i = 0; i < l->var_count; i++) {
            l->forms[i] = frame->saved[i];
        }
        l->is_full = frame->was_full;
    } else {
        if (is_reached) {
            park(l, at, l->mask);
            join(l, at, PLACE_START);
        }
        wj_lanes_end(&l->body);
        arrive(l, at, PLACE_START);
        copy_mask(l, l->mask, frame->other);
        l->is_full = false;
        frame->resume_level = frame->end_level;
    }
    frame->control = CONTROL_ELSE;
    l->depth = frame->height;
    if (frame->is_split) {
        resume_if_none(l, l->mask);
    }
}

// The branch back was the last operation; what falls through has left the loop.
static void end_direct_loop(struct lanes *l)
{
    struct frame *frame = top(l);
    uint32_t at = l->frame_count - 1;
    fall_through(l);
    join(l, at, PLACE_RESUME);
    wj_lanes_end(&l->body);
    wj_lanes_end(&l->body);
    arrive(l, at, PLACE_RESUME);
    l->is_full = is_full_after(l, frame);
    if (!l->is_full && frame->other != LANES_NONE) {
        copy_mask(l, l->mask, frame->other);
    }
}

// Those that stay in a loop go on; when none is left, those that left it do.
static void end_waiting_loop(struct lanes *l, bool is_reached)
{
    struct frame *frame = top(l);
    struct facts *facts = facts_of(l, frame);
    uint32_t at = l->frame_count - 1;
    if (is_reached) {
        fall_through(l);
        if (facts->leaks && frame->other != LANES_NONE) {
            make_mask_real(l);
            combine_masks(l, frame->other, frame->other, l->mask, WJ_OP_V128_OR);
        }
        join(l, at, PLACE_RESUME);
    }
    wj_lanes_end(&l->body);
    arrive(l, at, PLACE_RESUME);
    l->is_full = false;
    copy_mask(l, l->mask, frame->parked);
    join(l, at, PLACE_START);
    emit_any(l, l->mask);
    wj_lanes_branch(&l->body, WJ_OP_BR_IF, frame->start_level);
    wj_lanes_end(&l->body);
    l->is_full = is_full_after(l, frame);
    if (!l->is_full && frame->other != LANES_NONE) {
        copy_mask(l, l->mask, frame->other);
    }
}

static void push_results(struct lanes *l, const struct frame *frame)
{
    const struct facts *facts = &l->facts[frame->facts];
    l->depth = frame->height;
    for (uint32_t i = 0; i < facts->result_count; i++) {
        uint32_t var = facts->result_var + i;
        if (!l->forms[var].is_known) { // nothing comes this way
            l->forms[var] = form_varying();
        }
        lanes_push(l, lanes_var_node(l, var));
    }
}

static void end_loop(struct lanes *l, bool is_reached)
{
    struct frame frame = *top(l);
    struct facts *facts = facts_of(l, &frame);
    bool is_waiting = facts->is_divergent;
    if (is_waiting && facts->is_direct) {
        end_direct_loop(l);
    } else if (is_waiting) {
        end_waiting_loop(l, is_reached);
    } else {
        if (is_reached) {
            fall_through(l);
        }
        wj_lanes_end(&l->body);
    }
    l->frame_count--;
    l->loops--;
    if (is_waiting && facts->leaks && is_reached) {
        if (!ends_with_all(l, &l->frames[l->frame_count])) {
            resume_if_none(l, l->mask);
        }
    } else if (is_waiting && !is_reached) {
        resume(l);
    }
    l->is_dead = !is_reached;
    push_results(l, &frame);
    free_mask(l, frame.parked);
    free_mask(l, frame.other);
}

static void end_block(struct lanes *l, bool is_reached, bool is_branched)
{
    struct frame frame = *top(l);
    struct facts *facts = facts_of(l, &frame);
    uint32_t at = l->frame_count - 1;
    if (is_reached) {
        fall_through(l);
        join(l, at, PLACE_END);
    }
    // The block around a split `if` without `else` is its only one.
    wj_lanes_end(&l->body);
    l->is_dead = !is_reached && !is_branched;
    arrive(l, at, PLACE_END);
    l->is_full = is_full_after(l, &frame);
    if (facts->is_divergent && !l->is_full) {
        combine_masks(l, l->mask, l->mask, frame.parked, WJ_OP_V128_OR);
    }
    l->frame_count--;
    if (facts->is_divergent && l->is_dead) {
        resume(l); // both arms of an `if` leave it
    } else if (facts->is_divergent && facts->leaks) {
        resume_if_none(l, l->mask);
    }
    push_results(l, &frame);
    free_mask(l, frame.parked);
    free_mask(l, frame.other);
}

static void do_end(struct lanes *l, const struct wj_op *op)
{
    if (l->frame_count == 1) {
        l->frame_count = 0;
        return;
    }
    if (top(l)->control == CONTROL_LOOP) {
        end_loop(l, op->is_live);
    } else {
        end_block(l, op->is_live, op->is_branched);
    }
    if (l->is_dead) {
        wj_lanes_op(&l->body, WJ_OP_UNREACHABLE);
    }
}

void lanes_begin(struct lanes *l)
{
    l->frames[0] = (struct frame){
        .control = CONTROL_BLOCK, .was_full = true, .facts = l->op_capacity, .parked = LANES_NONE};
    l->frame_count = 1;
    l->is_full = true;
    l->mask = wj_lanes_local(&l->body, NUM_V128, LANES_PARTS);
}

void lanes_control(struct lanes *l, const struct wj_op *op)
{
    switch ((enum wj_control) op->sub) {
    case CONTROL_UNREACHABLE: wj_lanes_op(&l->body, WJ_OP_UNREACHABLE); return;
    case CONTROL_NOP: return;
    case CONTROL_BLOCK:
        lanes_force_stack(l);
        open_block(l);
        return;
    case CONTROL_LOOP:
        lanes_force_stack(l);
        open_loop(l);
        return;
    case CONTROL_IF: open_if(l); return;
    case CONTROL_ELSE: do_else(l, op->is_live); return;
    case CONTROL_END: do_end(l, op); return;
    case CONTROL_BR: do_branch(l, op->index, NULL); return;
    case CONTROL_BR_IF: do_branch(l, op->index, lanes_pop(l)); return;
    case CONTROL_BR_TABLE: br_table(l, op); return;
    case CONTROL_RETURN: do_branch(l, l->frame_count - 1, NULL); return;
    case CONTROL_BR_ON_NULL:
    case CONTROL_BR_ON_NON_NULL: break;
    }
    lanes_refuse(l, "a reference");
}
