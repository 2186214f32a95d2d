// The printing sink.
#include "wasm/dump.h"

#include <inttypes.h>

#include "wasm/walk.h"

struct dump {
    FILE *out;
    const struct wj_module *module;
    uint32_t depth; // of blocks
};

static void print_types(FILE *out, const char *what, const wj_valtype *types, uint32_t count)
{
    char text[32];
    if (count == 0) {
        return;
    }
    fprintf(out, " (%s", what);
    for (uint32_t i = 0; i < count; i++) {
        fprintf(out, " %s", wj_valtype_print(types[i], text, sizeof text));
    }
    fputc(')', out);
}

static void print_name(FILE *out, const struct wj_name *name)
{
    // Names come from the module: whatever could steer a terminal is replaced.
    for (uint32_t i = 0; i < name->size_bytes; i++) {
        unsigned char c = (unsigned char) name->bytes[i];
        fputc(c < 0x20 || c == 0x7f ? '?' : c, out);
    }
}

static void print_func(const struct dump *dump, uint32_t index)
{
    fprintf(dump->out, " %" PRIu32, index);
    if (dump->module->func_names != NULL && dump->module->func_names[index].bytes != NULL) {
        fputs(" $", dump->out);
        print_name(dump->out, &dump->module->func_names[index]);
    }
}

static void print_memarg(FILE *out, const struct wj_memarg *memarg)
{
    if (memarg->memory != 0) {
        fprintf(out, " %" PRIu32, memarg->memory);
    }
    if (memarg->offset != 0) {
        fprintf(out, " offset=%" PRIu64, memarg->offset);
    }
    fprintf(out, " align=%u", 1u << memarg->align_log2);
}

static void print_bytes(FILE *out, const uint8_t *bytes)
{
    for (unsigned i = 0; i < 16; i++) {
        fprintf(out, " %u", bytes[i]);
    }
}

static void print_labels(FILE *out, const struct wj_op *op)
{
    const uint8_t *targets = op->br_table.targets;
    for (uint32_t i = 0; i <= op->br_table.count; i++) {
        fprintf(out, " %" PRIu32, wj_leb_u32_trusted(&targets));
    }
}

static void print_const(FILE *out, const struct wj_op *op)
{
    switch ((enum wj_num) op->type) {
    case NUM_I32: fprintf(out, " %" PRId32, (int32_t) op->bits); break;
    case NUM_I64: fprintf(out, " %" PRId64, (int64_t) op->bits); break;
    case NUM_F32: {
        float value;
        memcpy(&value, &op->bits, sizeof value);
        fprintf(out, " %a (0x%08" PRIx32 ")", (double) value, (uint32_t) op->bits);
        break;
    }
    case NUM_F64: {
        double value;
        memcpy(&value, &op->bits, sizeof value);
        fprintf(out, " %a (0x%016" PRIx64 ")", value, op->bits);
        break;
    }
    case NUM_V128: print_bytes(out, op->v128); break;
    }
}

static void print_control(FILE *out, const struct wj_op *op)
{
    switch ((enum wj_control) op->sub) {
    case CONTROL_BLOCK:
    case CONTROL_LOOP:
    case CONTROL_IF:
        print_types(out, "param", op->block.params, op->block.param_count);
        print_types(out, "result", op->block.results, op->block.result_count);
        break;
    case CONTROL_ELSE: fputs(op->is_live ? "" : "  ;; not reached from above", out); break;
    case CONTROL_END:
        fprintf(out, "%s%s", op->is_live ? "" : "  ;; not reached from above",
                op->is_branched ? "  ;; branch target" : "");
        break;
    case CONTROL_BR:
    case CONTROL_BR_IF:
    case CONTROL_BR_ON_NULL:
    case CONTROL_BR_ON_NON_NULL: fprintf(out, " %" PRIu32, op->index); break;
    case CONTROL_BR_TABLE: print_labels(out, op); break;
    case CONTROL_UNREACHABLE:
    case CONTROL_NOP:
    case CONTROL_RETURN: break;
    }
}

static void print_call(const struct dump *dump, const struct wj_op *op)
{
    if (wj_opcode_infos[op->opcode].imm == WJ_IMM_FUNC) {
        print_func(dump, op->index);
    } else {
        fprintf(dump->out, " type=%" PRIu32, op->index);
    }
    if (wj_opcode_infos[op->opcode].imm == WJ_IMM_TYPE_TABLE) {
        fprintf(dump->out, " table=%" PRIu32, op->index2);
    }
    print_types(dump->out, "param", op->functype->types, op->functype->param_count);
    print_types(dump->out, "result", op->functype->types + op->functype->param_count,
                op->functype->result_count);
}

static void print_ref(const struct dump *dump, const struct wj_op *op)
{
    char text[32];
    if (op->sub == REF_FUNC) {
        print_func(dump, op->index);
    } else if (op->sub == REF_NULL) {
        fprintf(dump->out, " %s", wj_valtype_print((wj_valtype) op->bits, text, sizeof text));
    }
}

// Indexes of tables, memories and segments, as many as the operation has.
static void print_indexes(FILE *out, const struct wj_op *op)
{
    fprintf(out, " %" PRIu32, op->index);
    switch ((enum wj_imm) wj_opcode_infos[op->opcode].imm) {
    case WJ_IMM_TABLE_TABLE:
    case WJ_IMM_MEMORY_MEMORY:
    case WJ_IMM_ELEM_TABLE:
    case WJ_IMM_DATA_MEMORY: fprintf(out, " %" PRIu32, op->index2); break;
    default: break;
    }
}

static void print_immediates(const struct dump *dump, const struct wj_op *op)
{
    char text[32];
    FILE *out = dump->out;
    switch ((enum wj_family) op->family) {
    case FAM_CONTROL: print_control(out, op); break;
    case FAM_CALL: print_call(dump, op); break;
    case FAM_PARAMETRIC:
        if (op->sub == PARAMETRIC_SELECT && op->valtype != WJ_TYPE_BOTTOM) {
            fprintf(out, " %s", wj_valtype_print(op->valtype, text, sizeof text));
        }
        break;
    case FAM_LOCAL:
    case FAM_GLOBAL: fprintf(out, " %" PRIu32, op->index); break;
    case FAM_TABLE:
    case FAM_MEMORY: print_indexes(out, op); break;
    case FAM_REF: print_ref(dump, op); break;
    case FAM_CONST: print_const(out, op); break;
    case FAM_VSHUFFLE: print_bytes(out, op->v128); break;
    case FAM_VEXTRACT:
    case FAM_VREPLACE: fprintf(out, " %u", op->lane); break;
    case FAM_LOAD_LANE:
    case FAM_STORE_LANE:
        print_memarg(out, &op->memarg);
        fprintf(out, " %u", op->lane);
        break;
    case FAM_LOAD:
    case FAM_STORE:
    case FAM_ATOMIC_LOAD:
    case FAM_ATOMIC_STORE:
    case FAM_ATOMIC_RMW: print_memarg(out, &op->memarg); break;
    case FAM_ATOMIC_OTHER:
        if (op->sub != ATOMIC_FENCE) {
            print_memarg(out, &op->memarg);
        }
        break;
    case FAM_IUNARY:
    case FAM_IBINARY:
    case FAM_IEQZ:
    case FAM_ICOMPARE:
    case FAM_FUNARY:
    case FAM_FBINARY:
    case FAM_FCOMPARE:
    case FAM_CONVERT:
    case FAM_VSPLAT:
    case FAM_VUNARY:
    case FAM_VBINARY:
    case FAM_VTERNARY:
    case FAM_VTEST:
    case FAM_VSHIFT:
    case FAM_WIDE:
    case FAM_EXCEPTION:
    case FAM_GC:
    case FAM_COUNT: break;
    }
}

static bool dump_begin(void *context, const struct wj_walk_func *func)
{
    struct dump *dump = context;
    fputs("func", dump->out);
    print_func(dump, func->func_index);
    const struct wj_functype *type = func->func->type;
    print_types(dump->out, "param", type->types, type->param_count);
    print_types(dump->out, "result", type->types + type->param_count, type->result_count);
    print_types(dump->out, "local", func->local_types + type->param_count,
                func->local_count - type->param_count);
    fputc('\n', dump->out);
    dump->depth = 1;
    return true;
}

// Not inlined: the walk would copy it into every opcode's case.
static __attribute__((noinline)) bool dump_op(void *context, const struct wj_op *op)
{
    enum { INDENT_MAX = 40 };
    struct dump *dump = context;
    bool closes = op->family == FAM_CONTROL && (op->sub == CONTROL_END || op->sub == CONTROL_ELSE);
    bool opens = op->family == FAM_CONTROL && op->sub >= CONTROL_BLOCK && op->sub <= CONTROL_ELSE;
    dump->depth -= closes;
    uint32_t indent = dump->depth < INDENT_MAX ? dump->depth : INDENT_MAX;
    fprintf(dump->out, "  0x%04zx  %*s%s", (size_t) (op->at - dump->module->bytes),
            (int) (2 * indent), "", wj_opcode_name(op->opcode));
    print_immediates(dump, op);
    fputc('\n', dump->out);
    dump->depth += opens;
    return !ferror(dump->out);
}

bool wj_dump_ops(const struct wj_module *module, uint32_t func_index, FILE *out)
{
    static const struct wj_sink sink = {dump_begin, dump_op, NULL};
    struct dump dump = {.out = out, .module = module};
    struct wj_walk_scratch scratch;
    struct wj_err err;
    wj_err_clear(&err);
    wj_walk_scratch_init(&scratch);
    struct wj_walk_request request = {
        .module = module,
        .func_index = func_index,
        .scratch = &scratch,
    };
    bool ok = wj_walk_func_body(&request, &sink, &dump, &err, false);
    wj_walk_scratch_clear(&scratch);
    return ok;
}
