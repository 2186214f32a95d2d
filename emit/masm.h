// The macro assembler: what the compiler may ask of a machine, as verbs over operand types and
// operations. A target defines every verb as a static inline function of this name in
// emit/<target>_masm.h, and a file of jit/ includes exactly one target before the compiler, so
// each instantiation of the compiler is bound to its machine at compile time. All targets are
// compiled into every build; the engine picks one at run time.
//
// Rules for every verb
// - It cannot fail. Running out of room sets buf.overflow, which the owner asks for once.
// - Destination registers may be any of the source registers, unless a verb says otherwise.
// - It may clobber flags, the target's temporaries (never visible to the compiler) and nothing
//   else. Verbs marked "keeps flags" leave the flags of an earlier compare alone.
// - A register that holds an i32 has its upper 32 bits zero, before and after every verb.
//   One that holds an f32 or f64 says nothing about the rest of the vector register.
// - The stack pointer is fixed inside a body, 16-byte aligned.
#ifndef EMIT_MASM_H
#define EMIT_MASM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/numeric.h"
#include "emit/codebuf.h"

// General registers are 0 .. 31, vector registers 32 .. 63.
typedef uint8_t wj_reg;
#define WJ_REG_NONE 0xffu
#define WJ_VREG(n) ((wj_reg) (32 + (n)))

static inline bool wj_reg_is_vec(wj_reg reg)
{
    return reg >= 32;
}

// Conditions: integer ones in the order of enum wj_icmp, then those that masm_fcmp leaves.
// N means "not": true also for unordered operands.
enum wj_cond {
    COND_EQ,
    COND_NE,
    COND_LT_S,
    COND_LT_U,
    COND_GT_S,
    COND_GT_U,
    COND_LE_S,
    COND_LE_U,
    COND_GE_S,
    COND_GE_U,
    COND_F_EQ,
    COND_F_NE,
    COND_F_GT,
    COND_F_NGT,
    COND_F_GE,
    COND_F_NGE,
};

static inline enum wj_cond wj_cond_not(enum wj_cond cond)
{
    static const uint8_t inverse[] = {
        COND_NE,   COND_EQ,   COND_GE_S, COND_GE_U, COND_LE_S,  COND_LE_U, COND_GT_S,  COND_GT_U,
        COND_LT_S, COND_LT_U, COND_F_NE, COND_F_EQ, COND_F_NGT, COND_F_GT, COND_F_NGE, COND_F_GE,
    };
    return (enum wj_cond) inverse[cond];
}

// A place in linear memory: base + zero-extended index + offset, with no wrap in 64 bits. The
// index is a general register holding an i32 (upper half zero) or an i64, or WJ_REG_NONE.
struct wj_addr {
    wj_reg base;
    wj_reg index;
    uint64_t offset;
};

// A place in a frame or structure: base + disp. MASM_SP is a base.
struct wj_slot {
    wj_reg base;
    int32_t disp;
};

struct wj_masm {
    struct wj_codebuf buf;
    struct wj_masm_features {
        bool has_avx512; // x64: VL, DQ and BW
        bool has_lse;    // a64: single-instruction atomics
    } features;
    bool is_deterministic; // arithmetic gives canonical NaNs, by the machine or MASM_CANON_BY_CODE
    // x64: the code position where the zero flag tells whether this register is zero.
    const uint8_t *zero_flag_at;
    wj_reg zero_flag_reg;
    bool zero_flag_is_64;
    // a64: the code position just after a load or store of a frame's slot that one of its neighbour
    // can join.
    const uint8_t *pair_at;
    uint32_t wasm_offset; // of the operation being compiled: recorded with trap sites
    void *trace;          // the target of emit/trace_masm.h: the FILE it prints to
};

// What a target defines besides verbs, as enum constants or macros:
//   MASM_SP, MASM_INST, MASM_MEMBASE       fixed registers: stack pointer, instance, memory base
//   MASM_GPR_CALLEE[], MASM_GPR_CALLEE_COUNT   general registers that calls preserve (homes)
//   MASM_GPR_CALLER[], MASM_GPR_CALLER_COUNT   that calls clobber, and may be homes
//   MASM_GPR_SCRATCH[], ..._COUNT              that calls clobber, never homes
//   MASM_VEC_CALLEE[], MASM_VEC_CALLER[], MASM_VEC_SCRATCH[], each with _COUNT
//     (a callee preserves all 128 bits of the first)
//   MASM_GPR_ARGS[], MASM_VEC_ARGS[], with _COUNT   where parameters are passed
//   MASM_GPR_RESULT, MASM_VEC_RESULT           the first result; a scratch register
//   MASM_GPR_TARGET                            a scratch register that is no argument: holds the
//                                              function reference or function index of a call
//   MASM_C_ARGS[], MASM_C_ARGS_COUNT           integer arguments of C functions; the result comes
//                                              in MASM_GPR_RESULT
//   MASM_CALL_PUSH_BYTES                       what a call instruction pushes: 8 on x64, 0 on a64
//   MASM_JUMP_BYTES                            what lies between jumps that functions are called
//                                              by: a landing pad where masm_call_addr needs one, an
//                                              index, masm_jmp_addr or masm_jmp_table
//   MASM_HAS_MEM_OPERANDS                      1 when the *_rs and *_ra verbs are cheap
//   MASM_DIV_FIXED                             1 when masm_idiv wants MASM_DIV_LOW (dividend, and
//                                              quotient) and MASM_DIV_HIGH (clobbered; remainder)
//   MASM_CMPXCHG_FIXED, MASM_CMPXCHG_REG       the same for the loops of atomic operations
//   MASM_CANON_BY_CODE                         a macro, defined where arithmetic gives other NaNs
//                                              than the canonical one in is_deterministic too: the
//                                              verbs that need it are there only then
// The arrays are `static const wj_reg NAME[]`. MASM_TARGET_NAME is a string.

//   void masm_room(m);   asked once per operation, before its verbs: room for WJ_CODEBUF_SLACK
//        bytes, and whatever else a target must place between operations (islands)
//
// ---- Labels and branches ----------------------------------------------------------------------
// wj_label is an index in buf.labels; made by wj_codebuf_label(), bound once by masm_bind.
//   void masm_bind(m, wj_label label);
//   void masm_jmp(m, wj_label label);
//   void masm_jcc(m, enum wj_cond cond, wj_label label);                 keeps flags
//   void masm_cbz(m, enum wj_num num, bool if_zero, wj_reg a, wj_label label);
//        branch when a is zero (or is not)
//   void masm_jump_table(m, wj_reg index, const wj_label *labels, uint32_t count);
//        index < count was checked; an indirect jump; index may be clobbered
//   void masm_trap(m, enum wj_trap_kind kind);                           execution ends here
//   void masm_trap_if(m, enum wj_cond cond, enum wj_trap_kind kind);     keeps flags
//   void masm_align_loop(m);                                             padding before a loop
//   header
//
// ---- Moves ------------------------------------------------------------------------------------
//   void masm_mov(m, enum wj_num num, wj_reg d, wj_reg s);               keeps flags; same class
//   void masm_mov_imm(m, enum wj_num num, wj_reg d, uint64_t bits);      keeps flags; NUM_I32/I64
//   void masm_mov_fimm(m, enum wj_num num, wj_reg d, uint64_t bits);     keeps flags; NUM_F32/F64
//   void masm_mov_vimm(m, wj_reg d, const uint8_t bytes[16]);            keeps flags
//   void masm_load_slot(m, enum wj_num num, wj_reg d, struct wj_slot s);  keeps flags
//   void masm_store_slot(m, enum wj_num num, wj_reg s, struct wj_slot d); keeps flags
//   void masm_store_slot_imm(m, enum wj_num num, uint64_t bits, struct wj_slot d); keeps flags;
//        any num but V128; a slot of NUM_I32 or NUM_F32 has 4 bytes
//   void masm_zero_slots(m, int32_t disp, uint32_t size_bytes);          [SP + disp ...), multiple
//        of 8; a loop when large; may clobber MASM_GPR_SCRATCH and nothing else
//   void masm_copy_slots(m, int32_t to, int32_t from, uint32_t size_bytes);
//        [SP + from ...) to [SP + to ...), a multiple of 8 and not 0, ascending: `to` lies below
//        `from`. A loop; may clobber MASM_GPR_SCRATCH
//   void masm_lea_slot(m, wj_reg d, struct wj_slot s);                   keeps flags
//
// ---- Integers (num: NUM_I32 or NUM_I64) -------------------------------------------------------
//   void masm_ibin(m, enum wj_ibinop op, num, wj_reg d, wj_reg a, wj_reg b);   ADD .. ROTR
//   void masm_ibin_imm(m, enum wj_ibinop op, num, wj_reg d, wj_reg a, int64_t imm);
//        ADD .. ROTR for every immediate (shift counts are masked); a target uses its temporaries
//        where the immediate does not fit
//   void masm_ibin_slot(m, op, num, wj_reg d, wj_reg a, struct wj_slot b);     ADD .. XOR
//   void masm_ibin_to_slot(m, op, num, struct wj_slot d, wj_reg b);            ADD .. XOR but MUL:
//   void masm_ibin_imm_to_slot(m, op, num, struct wj_slot d, int32_t imm);     d = d op b
//   void masm_ibin_addr(m, op, num, wj_reg d, wj_reg a, struct wj_addr b);     ADD .. XOR; b is a
//        full-width load
//   void masm_lea(m, num, wj_reg d, wj_reg a, wj_reg b, unsigned shift);       d = a + (b <<
//   shift),
//        shift 0 .. 3, keeps flags
//   void masm_idiv(m, enum wj_ibinop op, num, wj_reg d, wj_reg a, wj_reg b);   DIV_S .. REM_U with
//        the specification's traps. MASM_DIV_FIXED: a is MASM_DIV_LOW, b neither of the fixed
//        pair, d is MASM_DIV_LOW for DIV and MASM_DIV_HIGH for REM, both are clobbered
//   void masm_idiv_imm(m, op, num, wj_reg d, wj_reg a, int64_t divisor);       divisor not 0 or -1;
//        d differs from a; MASM_DIV_FIXED: clobbers the fixed pair, a and d are not of it
//   void masm_iun(m, enum wj_iunop op, num, wj_reg d, wj_reg a);
//   void masm_icmp(m, num, wj_reg a, wj_reg b);                                sets flags
//   void masm_icmp_imm(m, num, wj_reg a, int64_t imm);                         sets flags
//   void masm_icmp_slot(m, num, wj_reg a, struct wj_slot b);                   sets flags
//   void masm_icmp_addr(m, num, wj_reg a, struct wj_addr b);                   sets flags
//   void masm_itest(m, num, wj_reg a, wj_reg b);                               flags of a & b
//   void masm_itest_imm(m, num, wj_reg a, int64_t imm);                        flags of a & imm:
//        both set EQ and NE alone
//   void masm_setcc(m, enum wj_cond cond, wj_reg d);                           0 or 1; keeps flags
//   void masm_csel(m, enum wj_cond cond, enum wj_num num, wj_reg d, wj_reg a, wj_reg b);
//        d = cond ? a : b; general registers, or vector registers of any num; keeps flags only
//        for general registers
//   void masm_add128(m, bool subtract, wj_reg lo, wj_reg hi, wj_reg alo, wj_reg ahi, wj_reg blo,
//        wj_reg bhi);            lo, hi differ from each other; lo is none of ahi, bhi
//   void masm_mul_wide(m, bool is_signed, wj_reg lo, wj_reg hi, wj_reg a, wj_reg b);
//        MASM_DIV_FIXED: a is MASM_DIV_LOW, lo is MASM_DIV_LOW, hi is MASM_DIV_HIGH
//
// ---- Floats (num: NUM_F32 or NUM_F64) ---------------------------------------------------------
//   void masm_fbin(m, enum wj_fbinop op, num, wj_reg d, wj_reg a, wj_reg b);
//   void masm_fbin_slot(m, op, num, wj_reg d, wj_reg a, struct wj_slot b);     ADD .. DIV
//   void masm_fbin_addr(m, op, num, wj_reg d, wj_reg a, struct wj_addr b);     ADD .. DIV
//   void masm_fun(m, enum wj_funop op, num, wj_reg d, wj_reg a);
//   void masm_fcmp(m, num, wj_reg a, wj_reg b);            sets flags for the COND_F_* conditions
//   void masm_canon(m, num, wj_reg d, wj_reg a);           d = a, any NaN becomes the canonical
//        one; keeps flags                                  MASM_CANON_BY_CODE, as the next five
//   void masm_jump_if_nan(m, num, wj_reg a, wj_label label);
//   void masm_jump_if_nan_stored(m, num, struct wj_addr a, wj_label label);
//        branch when the value at a, which was just stored, is a quiet NaN
//   bool masm_has_store_canon(m);
//   void masm_store_canon(m, num, wj_reg a, struct wj_addr to);
//        stores a, a quiet NaN as the canonical one, where the machine has an instruction for it
//   void masm_vcanon(m, enum wj_shape shape, wj_reg d, wj_reg a);  as masm_canon, by lanes
//   void masm_cvt(m, enum wj_cvt op, wj_reg d, wj_reg a);  every conversion, with its traps; d
//        and a of the classes that the conversion has
//
// ---- Linear memory ----------------------------------------------------------------------------
// Faulting instructions are found by their address; nothing is recorded for them.
//   void masm_load(m, enum wj_load_op op, wj_reg d, struct wj_addr a);
//   void masm_store(m, enum wj_store_op op, wj_reg s, struct wj_addr a);
//   void masm_store_imm(m, enum wj_store_op op, uint64_t bits, struct wj_addr a); integers only
//   void masm_load_lane(m, enum wj_shape width, unsigned lane, wj_reg d, wj_reg v, struct wj_addr
//   a); void masm_store_lane(m, enum wj_shape width, unsigned lane, wj_reg v, struct wj_addr a);
//   void masm_addr_check_align(m, struct wj_addr a, unsigned width_log2);     traps when unaligned
//   void masm_atomic_load(m, enum wj_load_op op, wj_reg d, struct wj_addr a);
//   void masm_atomic_store(m, enum wj_store_op op, wj_reg s, struct wj_addr a);
//   void masm_atomic_rmw(m, enum wj_rmw op, num, unsigned width_log2, wj_reg d, wj_reg s,
//        struct wj_addr a);   all but CMPXCHG; d gets the old value, zero-extended. d differs from
//        s, a.index. MASM_CMPXCHG_FIXED: d is MASM_CMPXCHG_REG
//   void masm_atomic_cmpxchg(m, num, unsigned width_log2, wj_reg d, wj_reg expected,
//        wj_reg replacement, struct wj_addr a);   d differs from the others but expected;
//        MASM_CMPXCHG_FIXED: d is MASM_CMPXCHG_REG
//   void masm_fence(m);
//
// ---- SIMD -------------------------------------------------------------------------------------
//   void masm_vun(m, enum wj_vunop op, enum wj_shape shape, wj_reg d, wj_reg a);
//   void masm_vbin(m, enum wj_vbinop op, enum wj_shape shape, wj_reg d, wj_reg a, wj_reg b);
//   void masm_vbin_slot / masm_vbin_addr(m, op, shape, d, a, struct wj_slot / wj_addr b);
//        only where masm_vbin_takes_mem(op, shape)
//   bool masm_vbin_takes_mem(op, shape);
//   void masm_vtern(m, enum wj_vternop op, enum wj_shape shape, wj_reg d, wj_reg a, wj_reg b,
//   wj_reg c);
//        d is a, or differs from b and c
//   void masm_vshift(m, enum wj_vshift op, enum wj_shape shape, wj_reg d, wj_reg a, wj_reg count);
//        the count is a general register, taken modulo the lane width
//   void masm_vshift_imm(m, enum wj_vshift op, enum wj_shape shape, wj_reg d, wj_reg a, unsigned
//   count); void masm_vsplat(m, enum wj_shape shape, wj_reg d, wj_reg s);   from a general or
//   vector register void masm_vextract(m, enum wj_shape shape, bool zero_extend, unsigned lane,
//   wj_reg d, wj_reg a); void masm_vreplace(m, enum wj_shape shape, unsigned lane, wj_reg d, wj_reg
//   a, wj_reg s);
//        d differs from s
//   void masm_vshuffle(m, wj_reg d, wj_reg a, wj_reg b, const uint8_t lanes[16]);
//   void masm_vtest(m, enum wj_vtest op, enum wj_shape shape, wj_reg d, wj_reg a);
//
// ---- Calls and frames -------------------------------------------------------------------------
//   void masm_prologue(m, uint32_t frame_bytes);           SP -= frame_bytes after the return
//        address is safe; touches each 32 KiB of a larger frame. frame_bytes +
//        MASM_CALL_PUSH_BYTES is a multiple of 16. On a64 the link register is kept in the top 8
//        bytes of the frame. Starts with the landing pad for indirect calls (endbr64, bti c)
//   void masm_epilogue(m, uint32_t frame_bytes);           SP += frame_bytes, without the return
//   void masm_ret(m);
//   void masm_call_slot(m, struct wj_slot s);              call the address stored there
//   void masm_jmp_slot(m, struct wj_slot s);               the same for tail calls
//   void masm_call_reg(m, wj_reg r);    void masm_jmp_reg(m, wj_reg r);
//   void masm_call_addr(m, uint64_t address);              an address of the same code region
//   void masm_jmp_addr(m, uint64_t address);
//   void masm_far_entry(m);                                begins code, no function, at such an
//        address: the landing pad where they reach it indirectly (bti c; nothing on x64)
//   void masm_call_table(m, uint64_t entry_address);       through a pointer in the region's table
//   void masm_jmp_table(m, uint64_t entry_address);
//   void masm_tail_room(m, uint32_t frame_bytes, uint32_t words, struct wj_slot stub);
//        In place of masm_epilogue before a tail call whose stack arguments, at SP, exceed the
//        area that this function was given: calls the stub of masm_stub_tail_room, which moves
//        them and leaves SP and the return address as for a call. Keeps the arguments and
//        MASM_GPR_TARGET. `words` is masm_tail_words
//   void masm_finish(m);                                   out-of-line traps, constants, branches
//
// ---- Stubs (once per engine) ------------------------------------------------------------------
// struct wj_stub_layout names the offsets in the runtime's structures.
//   void masm_enter_begin(m, uint32_t outgoing_bytes, const struct wj_stub_layout *layout);
//        A C function (activation, code, instance, values): saves the C convention's registers on
//        the host stack, stores the host SP in activation->host_sp, makes SP =
//        activation->wasm_sp - (outgoing_bytes + 32) (wasm_sp is 16-byte aligned), keeps `values`
//        at [SP + outgoing_bytes], `code` at [SP + outgoing_bytes + 8], the activation at
//        [SP + outgoing_bytes + 16]; sets MASM_INST and MASM_MEMBASE (from the instance)
//   void masm_enter_end(m, uint32_t outgoing_bytes, const struct wj_stub_layout *layout);
//        The matching end: back to the host stack, returns 0 to C
//   void masm_stub_unwind(m, const struct wj_stub_layout *layout);
//        Jumped to with the activation in the first C argument register: restores SP from
//        activation->host_sp, the saved registers, and returns 1 from the enter function
//   void masm_stub_call_c(m, const struct wj_stub_layout *layout);
//        Called from wasm code with C arguments in MASM_C_ARGS (the first is the instance) and
//        the C function's address in MASM_GPR_TARGET. Keeps every register that C calls clobber
//        and wasm calls preserve (vector ones too). Stores SP (as its caller had it at the call,
//        so that [wasm_sp - MASM_CALL_PUSH_BYTES] would be the return address) in
//        activation->wasm_sp and the return address in activation->wasm_pc, switches to
//        activation->host_sp, calls, switches back. When activation->trap is then not zero, goes
//        to the unwind stub, else returns with the C result in MASM_GPR_RESULT. The activation is
//        *(instance->activation_slot)
//   void masm_stub_lazy(m, bool is_indirect, const struct wj_stub_layout *layout);
//        Entered by a call or jump to a function not yet compiled: MASM_GPR_TARGET holds its index
//        (direct) or its function reference (indirect), MASM_INST its instance. Keeps all argument
//        registers and the return address, calls layout->compile_function (instance, index or
//        reference) through the same switch to the host stack, then jumps to the address that it
//        returned (or unwinds when activation->trap is not zero)
//   void masm_stub_tail_room(m, uint64_t first_return);
//        Puts an area of its own between a caller and the arguments of a tail call, or widens the
//        one that an earlier tail call put there, so that any number of them takes the stack of
//        one. The callee returns to the stub of masm_stub_tail_return for the area's class;
//        first_return is that of class 0. Below the caller's SP lie the caller's return address
//        (8 bytes), the size of the results (8 bytes), then the area
//   void masm_stub_tail_return(m, uint32_t area_bytes);
//        Moves the results from the area to the caller's, drops the area, returns to the caller.
//        Entered WJ_TAIL_RETURN_ENTRY bytes after its start, so that a return address less one
//        lies in it; its code takes more than half of and at most WJ_TAIL_RETURN_BYTES

// Areas of tail calls come in classes, powers of two: the return address tells which. The largest
// holds 1,000 parameters and 1,000 results of 16 bytes.
enum {
    WJ_TAIL_CLASSES = 10,
    WJ_TAIL_AREA_LOG2 = 6, // of class 0
    WJ_TAIL_RECORD_BYTES = 16,
    WJ_TAIL_RETURN_BYTES = 64, // from one class's code to the next one's
    WJ_TAIL_RETURN_LOG2 = 6,
    WJ_TAIL_RETURN_ENTRY = 4,
    // The fields of masm_tail_words: sizes in units of 8 bytes, then the class.
    WJ_TAIL_SIZE_BITS = 12,
    WJ_TAIL_CLASS_SHIFT = 24,
};

static inline uint32_t masm_tail_words(uint32_t area_bytes, uint32_t result_bytes)
{
    uint32_t tail_class = 0;
    while ((1u << (WJ_TAIL_AREA_LOG2 + tail_class)) < area_bytes) {
        tail_class++;
    }
    return area_bytes / 8 | (result_bytes / 8) << WJ_TAIL_SIZE_BITS |
           tail_class << WJ_TAIL_CLASS_SHIFT;
}

struct wj_stub_layout {
    // Offsets in bytes.
    uint32_t activation_host_sp;
    uint32_t activation_wasm_sp;
    uint32_t activation_wasm_pc;
    uint32_t activation_trap; // 32 bits wide
    uint32_t instance_memory0_base;
    uint32_t instance_activation_slot; // holds the address of the pointer to the activation
    uint64_t unwind_stub;              // address of the unwind stub
    uint64_t compile_direct;           // C functions: uint64_t (*)(instance, uint64_t)
    uint64_t compile_indirect;
};

#endif
