// The macro assembler for AArch64: ARMv8.0, with single-instruction atomics (LSE) where the
// features say so.
#ifndef EMIT_A64_MASM_H
#define EMIT_A64_MASM_H

#include "emit/a64_masm_call.h"
#include "emit/a64_masm_core.h"
#include "emit/a64_masm_float.h"
#include "emit/a64_masm_int.h"
#include "emit/a64_masm_mem.h"
#include "emit/a64_masm_simd.h"
#include "emit/a64_stubs.h"

#endif
