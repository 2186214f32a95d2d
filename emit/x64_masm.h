// The x86-64 target of the macro assembler. Baseline x86-64-v3: AVX2, BMI1 and 2, LZCNT, POPCNT,
// MOVBE, FMA.
#ifndef EMIT_X64_MASM_H
#define EMIT_X64_MASM_H

#include "emit/masm.h"
#include "emit/x64_enc.h"
#include "emit/x64_regs.h"

#include "emit/x64_masm_atomic.h"
#include "emit/x64_masm_branch.h"
#include "emit/x64_masm_call.h"
#include "emit/x64_masm_cvt.h"
#include "emit/x64_masm_div.h"
#include "emit/x64_masm_float.h"
#include "emit/x64_masm_int.h"
#include "emit/x64_masm_lane.h"
#include "emit/x64_masm_mem.h"
#include "emit/x64_masm_move.h"
#include "emit/x64_masm_vbin.h"
#include "emit/x64_masm_vun.h"
#include "emit/x64_stubs.h"

#endif
