// Alignment of addresses, proven once for many accesses: a value is a sum of roots (loaded
// pointers, products, shifts), each tested where it is made; an unaligned one restarts the item.
#include "spirv/translate.h"

// Of all loops of a function, before loops are no longer told apart: 4 MiB.
enum { REGION_CELLS_MAX = 1 << 18 };

static unsigned min_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned const_log2(uint64_t bits)
{
    return bits == 0 ? ALIGN_LOG2_MAX : min_of((unsigned) __builtin_ctzll(bits), ALIGN_LOG2_MAX);
}

unsigned wj_spv_align_known(const struct wj_spv_translator *t, const struct wj_spv_value *value)
{
    const struct wj_spv_facts *facts = t->facts;
    if (value->is_const) {
        return const_log2(value->bits);
    }
    if ((value->roots & facts->revoked) != 0) {
        return 0;
    }
    unsigned align = value->align_log2;
    for (uint64_t roots = value->roots; roots != 0; roots &= roots - 1) {
        align = min_of(align, facts->root_aligns[__builtin_ctzll(roots)]);
    }
    return align;
}

struct wj_spv_alignment wj_spv_align_join(struct wj_spv_alignment a, struct wj_spv_alignment b)
{
    return (struct wj_spv_alignment){a.roots | b.roots,
                                     (uint8_t) min_of(a.align_log2, b.align_log2)};
}

static void make_root(struct wj_spv_translator *t, uint32_t at, struct wj_spv_value *value)
{
    struct wj_spv_facts *facts = t->facts;
    const bool is_root = (facts->flags[at] & FLAG_ROOT) != 0;
    if (t->has_effects || t->mode != MODE_FAST || facts->gives_up) {
        if (is_root && (facts->revoked >> facts->roots_at[at] & 1) == 0) {
            facts->revoked |= UINT64_C(1) << facts->roots_at[at];
            facts->has_changed = true;
        }
        return;
    }
    if (!is_root) {
        if (facts->root_count == ROOTS_MAX) {
            return;
        }
        facts->flags[at] |= FLAG_ROOT;
        facts->roots_at[at] = (uint8_t) facts->root_count++;
        facts->root_aligns[facts->roots_at[at]] = value->align_log2;
        facts->has_changed = true;
    }
    const unsigned root = facts->roots_at[at];
    if (value->align_log2 < facts->root_aligns[root]) {
        facts->root_aligns[root] = value->align_log2;
        facts->has_changed = true;
    }
    if (facts->root_needs[root] > facts->root_aligns[root]) {
        const uint32_t u32 = t->types[REPR_U32];
        const uint32_t mask = wj_spv_const_u32(&t->b, (1u << facts->root_needs[root]) - 1);
        const uint32_t low = WJ_SPV_OP(&t->b, SpvOpBitwiseAnd, u32, wj_spv_low(t, *value), mask);
        wj_spv_restart_if(t, WJ_SPV_OP(&t->b, SpvOpINotEqual, t->types[REPR_BOOL], low,
                                       wj_spv_const_u32(&t->b, 0)));
    }
    value->roots = UINT64_C(1) << root;
    value->align_log2 = ALIGN_LOG2_MAX;
}

void wj_spv_align_root(struct wj_spv_translator *t, const struct wj_op *op,
                       struct wj_spv_value *value)
{
    make_root(t, (uint32_t) (op->at - t->func->code), value);
}

void wj_spv_align_param(struct wj_spv_translator *t, unsigned param, struct wj_spv_value *value)
{
    if (t->current->index == t->kernel_index && t->is_group && (param == 5 || param == 6)) {
        value->align_log2 = ALIGN_LOG2_MAX; // the group's memory
    }
    // A kernel reads through `args`; coordinates are rarely aligned. Offset 0 is no operation's.
    if (t->mode == MODE_FAST && param == (t->is_group ? 7u : 3u)) {
        make_root(t, 0, value);
    }
}

void wj_spv_align_binary(struct wj_spv_translator *t, const struct wj_op *op,
                         const struct wj_spv_value *a, const struct wj_spv_value *b,
                         struct wj_spv_value *result)
{
    struct wj_spv_alignment aa = {a->roots, a->align_log2};
    struct wj_spv_alignment bb = {b->roots, b->align_log2};
    if (a->is_const) {
        aa = (struct wj_spv_alignment){0, (uint8_t) const_log2(a->bits)};
    }
    if (b->is_const) {
        bb = (struct wj_spv_alignment){0, (uint8_t) const_log2(b->bits)};
    }
    unsigned known = 0;
    switch ((enum wj_ibinop) op->sub) {
    case IBIN_ADD:
    case IBIN_SUB:
    case IBIN_OR:
    case IBIN_XOR: {
        const struct wj_spv_alignment both = wj_spv_align_join(aa, bb);
        result->roots = both.roots;
        result->align_log2 = both.align_log2;
        return;
    }
    case IBIN_MUL: known = wj_spv_align_known(t, a) + wj_spv_align_known(t, b); break;
    case IBIN_AND:
        known = wj_spv_align_known(t, a);
        if (wj_spv_align_known(t, b) > known) {
            known = wj_spv_align_known(t, b);
        }
        break;
    case IBIN_SHL:
        known = wj_spv_align_known(t, a);
        if (b->is_const) {
            known += (unsigned) b->bits & (wj_spv_width((enum wj_spv_repr) result->repr) - 1);
        }
        break;
    case IBIN_SHR_S:
    case IBIN_SHR_U:
    case IBIN_ROTL:
    case IBIN_ROTR:
    case IBIN_DIV_S:
    case IBIN_DIV_U:
    case IBIN_REM_S:
    case IBIN_REM_U: return;
    }
    result->align_log2 = (uint8_t) min_of(known, ALIGN_LOG2_MAX);
    if (known < ALIGN_LOG2_MAX) {
        make_root(t, (uint32_t) (op->at - t->func->code), result);
    }
}

static struct wj_spv_alignment alignment_of(const struct wj_spv_value *value)
{
    const struct wj_spv_alignment of_const = {0, (uint8_t) const_log2(value->bits)};
    const struct wj_spv_alignment of_sum = {value->roots, value->align_log2};
    return value->is_const ? of_const : of_sum;
}

static void join_fact(struct wj_spv_translator *t, struct wj_spv_alignment *fact,
                      struct wj_spv_alignment now)
{
    now = wj_spv_align_join(*fact, now);
    if (now.roots != fact->roots || now.align_log2 != fact->align_log2) {
        *fact = now;
        t->facts->has_changed = true;
    }
}

void wj_spv_align_local(struct wj_spv_translator *t, uint32_t local,
                        const struct wj_spv_value *value)
{
    const struct wj_spv_alignment now = alignment_of(value);
    join_fact(t, &t->facts->locals[local], now);
    for (struct wj_spv_region *region = t->region; region != NULL; region = region->outer) {
        join_fact(t, &region->locals[local], now);
    }
}

struct wj_spv_alignment wj_spv_align_of_local(const struct wj_spv_translator *t, uint32_t local)
{
    return t->region != NULL ? t->region->locals[local] : t->facts->locals[local];
}

// Compilers give one local to many variables: to know it for each loop keeps apart a pointer that
// steps through the loop and what the local holds elsewhere.
bool wj_spv_align_enter(struct wj_spv_translator *t, uint32_t at)
{
    struct wj_spv_facts *facts = t->facts;
    struct wj_spv_region *region = facts->regions[at];
    if (region == NULL) {
        if (t->local_count > REGION_CELLS_MAX - facts->region_cells) {
            return false;
        }
        region =
            wj_arena_alloc(&t->arena, sizeof *region + t->local_count * sizeof *region->locals);
        if (region == NULL) {
            t->has_failed = true;
            return false;
        }
        for (uint32_t i = 0; i < t->local_count; i++) {
            region->locals[i] = (struct wj_spv_alignment){0, ALIGN_LOG2_MAX};
        }
        facts->regions[at] = region;
        facts->region_cells += t->local_count;
        facts->has_changed = true;
    }
    for (uint32_t i = 0; i < t->local_count; i++) {
        const bool is_cached = t->local_epochs[i] == t->epoch;
        join_fact(t, &region->locals[i],
                  is_cached ? alignment_of(&t->local_cache[i]) : wj_spv_align_of_local(t, i));
    }
    region->outer = t->region;
    t->region = region;
    return true;
}

unsigned wj_spv_align_use(struct wj_spv_translator *t, const struct wj_spv_value *value,
                          unsigned wanted_log2)
{
    struct wj_spv_facts *facts = t->facts;
    if (value->is_const) {
        return const_log2(value->bits);
    }
    if ((value->roots & facts->revoked) != 0) {
        return 0;
    }
    if (value->align_log2 < wanted_log2 || facts->gives_up) {
        wanted_log2 = wj_spv_align_known(t, value);
    }
    for (uint64_t roots = value->roots; roots != 0; roots &= roots - 1) {
        const unsigned root = (unsigned) __builtin_ctzll(roots);
        if (facts->root_aligns[root] < wanted_log2 && facts->root_needs[root] < wanted_log2) {
            facts->root_needs[root] = (uint8_t) wanted_log2;
            facts->has_changed = true;
        }
    }
    return wanted_log2;
}
