// The compiler of one function: a sink of the walk. Included by the file of each target after the
// target's masm.
#ifndef JIT_COMPILER_H
#define JIT_COMPILER_H

#include <stdlib.h>

#include "jit/atomics.h"
#ifdef MASM_CANON_BY_CODE
#include "jit/canon.h"
#endif
#include "jit/simd.h"
#include "jit/stubs.h"
#include "wasm/walk.h"

struct wj_compile_scratch {
    struct wj_bulk *bulk; // or NULL
    struct wj_walk_scratch walk;
    struct wj_codebuf buf; // for its side arrays
    struct wj_arena arena; // emptied for each function that used it
    struct value *stack;
    struct local *locals;
    struct label *labels;
    uint8_t *raw_locals; // --deterministic: enum wj_raw of all lives
    size_t stack_capacity, local_capacity, label_capacity, raw_capacity;
};

static struct wj_compile_scratch *scratch_new(struct wj_bulk *bulk)
{
    struct wj_compile_scratch *scratch = calloc(1, sizeof *scratch);
    if (scratch != NULL) {
        scratch->bulk = bulk;
        wj_walk_scratch_init_in(&scratch->walk, bulk);
        scratch->buf.bulk = bulk;
        wj_arena_init_in(&scratch->arena, bulk);
    }
    return scratch;
}

static void scratch_free(struct wj_compile_scratch *scratch)
{
    if (scratch != NULL) {
        wj_walk_scratch_clear(&scratch->walk);
        wj_codebuf_clear(&scratch->buf);
        wj_arena_clear(&scratch->arena);
        wj_bulk_free(scratch->bulk, scratch->stack);
        wj_bulk_free(scratch->bulk, scratch->locals);
        wj_bulk_free(scratch->bulk, scratch->labels);
        wj_bulk_free(scratch->bulk, scratch->raw_locals);
        free(scratch);
    }
}

// Makes room for `count` items, whose old contents may be lost.
static bool reserve(struct wj_bulk *bulk, void **items, size_t *capacity, size_t count,
                    size_t item_bytes)
{
    if (count <= *capacity) {
        return true;
    }
    size_t wanted = count + count / 2 + 64;
    void *grown = wj_bulk_alloc(bulk, wanted * item_bytes);
    if (grown == NULL) {
        return false;
    }
    memset(grown, 0, wanted * item_bytes);
    wj_bulk_free(bulk, *items);
    *items = grown;
    *capacity = wanted;
    return true;
}

static bool alloc_state(struct jit *j, const struct wj_walk_func *walk)
{
    struct wj_compile_scratch *scratch = j->request->scratch;
    const struct wj_census *census = &walk->func->census;
    // A libcall's constant argument and a reference under check may stand above the deepest stack.
    size_t stack_count = (size_t) census->stack_slots_max + 4;
    size_t local_count = (size_t) walk->local_count + 1;
    size_t label_count = (size_t) census->label_depth_max + 2;
    if (!reserve(scratch->bulk, (void **) &scratch->stack, &scratch->stack_capacity, stack_count,
                 sizeof *scratch->stack) ||
        !reserve(scratch->bulk, (void **) &scratch->locals, &scratch->local_capacity, local_count,
                 sizeof *scratch->locals) ||
        !reserve(scratch->bulk, (void **) &scratch->labels, &scratch->label_capacity, label_count,
                 sizeof *scratch->labels)) {
        return false;
    }
    memset(scratch->locals, 0, local_count * sizeof *scratch->locals);
    j->local_count = walk->local_count;
    j->stack = scratch->stack;
    j->locals = scratch->locals;
    j->labels = scratch->labels;
    return true;
}

#ifdef WJ_JIT_FEW_REGISTERS
// A build for tests: no more registers than an operation can ask for, so that spilling is common.
static void keep_few_registers(struct jit *j)
{
    uint64_t kept = reg_bit(MASM_GPR_RESULT) | reg_bit(MASM_GPR_TARGET) | reg_bit(MASM_VEC_RESULT);
#if MASM_DIV_FIXED
    kept |= reg_bit(MASM_DIV_LOW) | reg_bit(MASM_DIV_HIGH);
#endif
    // From the highest: the first ones that calls clobber may become homes.
    for (uint32_t reg = 64; reg-- > 0;) {
        bool is_vec = wj_reg_is_vec((wj_reg) reg);
        int most = is_vec ? MASM_VEC_SCRATCH_COUNT : GPR_PINNED_MAX;
        bool may_be_home = reg == MASM_GPR_CALLER[0] || reg == MASM_VEC_CALLER[0];
        if ((j->pool >> reg & 1) != 0 && !may_be_home &&
            __builtin_popcountll(kept & class_mask(is_vec)) < (most < 5 ? most : 5)) {
            kept |= reg_bit((wj_reg) reg);
        }
    }
    j->pool = kept;
}
#endif

static void init_pools(struct jit *j)
{
    j->pool = 0;
    for (uint32_t i = 0; i < MASM_GPR_SCRATCH_COUNT; i++) {
        j->pool |= reg_bit(MASM_GPR_SCRATCH[i]);
    }
    for (uint32_t i = 0; i < MASM_GPR_CALLER_COUNT; i++) {
        j->pool |= reg_bit(MASM_GPR_CALLER[i]);
    }
    for (uint32_t i = 0; i < MASM_VEC_SCRATCH_COUNT; i++) {
        j->pool |= reg_bit(MASM_VEC_SCRATCH[i]);
    }
    for (uint32_t i = 0; i < MASM_VEC_CALLER_COUNT; i++) {
        j->pool |= reg_bit(MASM_VEC_CALLER[i]);
    }
#ifdef WJ_JIT_FEW_REGISTERS
    keep_few_registers(j);
#endif
}

static bool jit_begin(void *context, const struct wj_walk_func *walk)
{
    struct jit *j = context;
    const struct wj_functype *type = walk->func->type;
    struct layout_storage storage;
    struct call_layout layout;
    if (!make_layout(j, type, &storage, &layout) || !alloc_state(j, walk)) {
        j->failed = true;
        return false;
    }
    for (uint32_t i = 0; i < j->local_count; i++) {
        struct local *local = &j->locals[i];
        local->kind = VALUE_LOCAL;
        local->num = (uint8_t) num_of(walk->local_types[i]);
        local->home = WJ_REG_NONE;
#ifdef MASM_CANON_BY_CODE
        local->raw = j->m.is_deterministic ? j->request->scratch->raw_locals[i] : 0;
#endif
        local->index = i;
    }
#ifdef MASM_CANON_BY_CODE
    if (j->m.is_deterministic) {
        j->raw_lives_next = j->request->scratch->raw_locals + j->local_count;
    }
#endif
    j->incoming_bytes = layout.size_bytes;
    init_pools(j);
    assign_homes(j, layout.regs);
    lay_out_frame(j);
    emit_prologue(j, &layout);
    j->free = j->pool;
    j->return_target = wj_codebuf_label(&j->m.buf);
    j->wide_return_target = wj_codebuf_label(&j->m.buf);
    struct wj_block_type body = {0, type->result_count, NULL, type->types + type->param_count};
    label_push(j, CONTROL_BLOCK, &body, 0);
    masm_room(&j->m);
    return true;
}

// Whether the operation's code can be where a trap is, or where a backtrace passes.
JIT_INLINE bool op_may_trap(const struct wj_op *op)
{
    return op->family == FAM_IBINARY ? op->sub >= IBIN_DIV_S
                                     : op->family != FAM_LOCAL && op->family != FAM_PARAMETRIC &&
                                           op->family != FAM_IUNARY && op->family != FAM_IEQZ &&
                                           op->family != FAM_ICOMPARE && op->family != FAM_FUNARY &&
                                           op->family != FAM_FBINARY && op->family != FAM_FCOMPARE;
}

// Nothing is called before the switch: it could change *op for all that a C compiler knows, whose
// members are constants here.
JIT_INLINE bool compile_op(struct jit *j, const struct wj_op *op)
{
    if (op->family == FAM_CONST) {
        op_const(j, op); // no code: neither can it trap nor does it need room
        return true;
    }
    if (op->family == FAM_LOCAL && op->sub == LOCAL_GET) {
        push_local(j, op->index);
        return true;
    }
    if (op_may_trap(op)) {
        j->m.wasm_offset = (uint32_t) (op->at - j->module->bytes);
    }
    switch ((enum wj_family) op->family) {
    case FAM_CONTROL: op_control(j, op); break;
    case FAM_CALL: op_call(j, op); break;
    case FAM_PARAMETRIC: op_parametric(j, op); break;
    case FAM_LOCAL: op_local(j, op); break;
    case FAM_GLOBAL: op_global(j, op); break;
    case FAM_TABLE: op_table(j, op); break;
    case FAM_MEMORY: op_memory(j, op); break;
    case FAM_REF: op_ref(j, op); return j->unsupported == NULL;
    case FAM_CONST: op_const(j, op); break;
    case FAM_LOAD: op_load(j, op); break;
    case FAM_STORE: op_store(j, op); break;
    case FAM_IUNARY: op_iunary(j, op); break;
    case FAM_IBINARY: op_ibinary(j, op); break;
    case FAM_IEQZ: op_ieqz(j, op); break;
    case FAM_ICOMPARE: op_icompare(j, op); break;
    case FAM_FUNARY: op_funary(j, op); break;
    case FAM_FBINARY: op_fbinary(j, op); break;
    case FAM_FCOMPARE: op_fcompare(j, op); break;
    case FAM_CONVERT: op_convert(j, op); break;
    case FAM_VSHUFFLE: op_vshuffle(j, op); break;
    case FAM_VSPLAT: op_vsplat(j, op); break;
    case FAM_VEXTRACT: op_vextract(j, op); break;
    case FAM_VREPLACE: op_vreplace(j, op); break;
    case FAM_VUNARY: op_vunary(j, op); break;
    case FAM_VBINARY: op_vbinary(j, op); break;
    case FAM_VTERNARY: op_vternary(j, op); break;
    case FAM_VTEST: op_vtest(j, op); break;
    case FAM_VSHIFT: op_vshift(j, op); break;
    case FAM_LOAD_LANE: op_load_lane(j, op); break;
    case FAM_STORE_LANE: op_store_lane(j, op); break;
    case FAM_WIDE: op_wide(j, op); break;
    case FAM_ATOMIC_LOAD: op_atomic_load(j, op); break;
    case FAM_ATOMIC_STORE: op_atomic_store(j, op); break;
    case FAM_ATOMIC_RMW: op_atomic_rmw(j, op); break;
    case FAM_ATOMIC_OTHER: op_atomic_other(j, op); break;
    case FAM_EXCEPTION: j->unsupported = "exception handling"; return false;
    case FAM_GC: j->unsupported = "garbage collection"; return false;
    case FAM_COUNT: break;
    }
    masm_room(&j->m); // of the next operation
    return true;
}

#ifdef MASM_CANON_BY_CODE
// --deterministic.
JIT_NOINLINE bool jit_op_canonical(void *context, const struct wj_op *op)
{
    struct jit *j = context;
    if (op->family == FAM_CONTROL) {
        j->raw_stores = 0;
    }
    if (is_raw_store(j, op)) {
        raw_store(j, op);
        masm_room(&j->m);
        return true;
    }
    uint8_t raw = canon_operands(j, op);
    masm_room(&j->m);
    bool ok = compile_op(j, op);
    if (raw != WJ_RAW_NONE) {
        mark_raw(j, raw);
    }
    return ok;
}

#endif

JIT_INLINE bool jit_op(void *context, const struct wj_op *op)
{
    return compile_op(context, op);
}

static bool jit_end(void *context)
{
    struct jit *j = context;
    masm_room(&j->m);
    masm_bind(&j->m, j->return_target);
    emit_epilogue(j);
    emit_wide_return(j);
#ifdef MASM_CANON_BY_CODE
    emit_nan_paths(j);
#endif
    masm_finish(&j->m);
    return true;
}

static const struct wj_sink JIT_SINK = {jit_begin, jit_op, jit_end};

#ifdef MASM_CANON_BY_CODE
// Which locals hold raw values, before the walk that asks.
static bool find_raw_locals(struct wj_compile_scratch *scratch,
                            const struct wj_compile_request *request, struct wj_err *err)
{
    size_t count = wj_raw_lives_max(&request->module->funcs[request->func_index]) + 1;
    if (!reserve(scratch->bulk, (void **) &scratch->raw_locals, &scratch->raw_capacity, count, 1)) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory while compiling");
    }
    return wj_raw_locals(request->module, request->func_index, &scratch->walk, scratch->raw_locals,
                         err);
}

static const struct wj_sink JIT_SINK_CANONICAL = {jit_begin, jit_op_canonical, jit_end};

JIT_NOINLINE bool walk_canonical(struct jit *j, const struct wj_walk_request *request,
                                 struct wj_err *err)
{
    return find_raw_locals(j->request->scratch, j->request, err) &&
           wj_walk_func_body(request, &JIT_SINK_CANONICAL, j, err, false);
}
#endif

static bool walk_body(struct jit *j, const struct wj_walk_request *request, struct wj_err *err)
{
#ifdef MASM_CANON_BY_CODE
    if (j->m.is_deterministic) {
        return walk_canonical(j, request, err);
    }
#endif
    return wj_walk_func_body(request, &JIT_SINK, j, err, false);
}

static void masm_begin(struct wj_masm *m, const struct wj_codebuf *side_arrays,
                       const struct wj_code_window *window,
                       const struct wj_compile_settings *settings)
{
    memset(m, 0, sizeof *m);
    if (side_arrays != NULL) {
        m->buf = *side_arrays;
    } else {
        wj_codebuf_init(&m->buf);
    }
    wj_codebuf_begin(&m->buf, window->write, window->room_bytes, window->address);
    if (settings != NULL) {
        m->features.has_avx512 = settings->has_avx512;
        m->features.has_lse = settings->has_lse;
        m->is_deterministic = settings->is_deterministic;
    }
}

// Copies what the runtime keeps of a function out of the code buffer.
static bool fill_info(const struct wj_masm *m, struct wj_arena *arena, struct wj_code_info *info)
{
    info->code_bytes = wj_codebuf_offset(&m->buf);
    info->trap_count = m->buf.trap_count;
    info->traps = NULL;
    if (info->trap_count != 0) {
        struct wj_trap_site *traps = WJ_ARENA_ARRAY(arena, struct wj_trap_site, info->trap_count);
        if (traps == NULL) {
            return false;
        }
        memcpy(traps, m->buf.traps, info->trap_count * sizeof *traps);
        info->traps = traps;
    }
    return true;
}

static bool compile_function(const struct wj_compile_request *request, struct wj_code_info *info,
                             bool *needs_room, struct wj_err *err)
{
    struct jit jit;
    struct jit *j = &jit;
    memset(j, 0, sizeof *j);
    j->request = request;
    j->module = request->module;
    j->arena = &request->scratch->arena;
    j->func = &request->module->funcs[request->func_index];
    j->memory0_is_explicit = request->module->memory_count != 0 && memory_is_explicit(request, 0);
    struct wj_compile_scratch *scratch = request->scratch;
    masm_begin(&j->m, &scratch->buf, &request->window, &request->settings);
    j->m.trace = request->trace;
    *needs_room = false;
    struct wj_walk_request walk = {
        .module = request->module, .func_index = request->func_index, .scratch = &scratch->walk};
    bool ok = walk_body(j, &walk, err);
    if (j->m.buf.overflow) {
        *needs_room = true;
        ok = wj_err_set(err, WJ_ERR_LIMIT, j->func->code_offset, "code window is too small");
    } else if (j->failed) {
        ok = wj_err_set(err, WJ_ERR_NOMEM, j->func->code_offset, "out of memory while compiling");
    } else if (j->unsupported != NULL) {
        ok = wj_err_set(err, WJ_ERR_UNSUPPORTED, j->m.wasm_offset, "%s: not yet supported",
                        j->unsupported);
    }
    memset(info, 0, sizeof *info);
    info->func_index = request->func_index;
    info->frame_bytes = j->frame_bytes;
    info->prologue_bytes = j->prologue_bytes;
    info->home_count = j->home_count;
    info->has_tail_room = j->has_tail_room;
    if (ok && !fill_info(&j->m, request->arena, info)) {
        ok = wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory while compiling");
    }
    scratch->buf = j->m.buf;
    if (scratch->arena.chunks != NULL) {
        wj_arena_clear(&scratch->arena);
    }
    return ok;
}

#endif
