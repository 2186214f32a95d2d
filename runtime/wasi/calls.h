// The functions of wasi_snapshot_preview1, one declaration for each row of calls.def.
#ifndef RUNTIME_WASI_CALLS_H
#define RUNTIME_WASI_CALLS_H

#include "runtime/wasi/context.h"

#define WASI_CALL(name, params, has_result) \
    enum wj_wasi_errno wj_wasi_##name(struct wj_wasi_call *call);
#include "runtime/wasi/calls.def"
#undef WASI_CALL

#endif
