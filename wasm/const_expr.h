// Constant expressions: validated while decoding, evaluated at instantiation.
#ifndef WASM_CONST_EXPR_H
#define WASM_CONST_EXPR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wasm/module.h"
#include "wasm/reader.h"

// A value; `bits` of i32 and f32 are zero-extended, of references whatever the environment uses
// (0 is null).
struct wj_const_value {
    wj_valtype type;
    union {
        uint64_t bits;
        uint8_t v128[16];
    };
};

// What an expression may ask of the instance that it is evaluated for.
struct wj_const_env {
    void *context;
    bool (*global_get)(void *context, uint32_t global_index, struct wj_const_value *value,
                       struct wj_err *err);
    bool (*func_ref)(void *context, uint32_t func_index, uint64_t *bits, struct wj_err *err);
};

// Reads and validates an expression of type `expected`, which may use the globals below
// `globals_visible`. Functions that it names become declared.
bool wj_const_expr_read(struct wj_reader *in, struct wj_module *module, wj_valtype expected,
                        uint32_t globals_visible, struct wj_const_expr *expr);

// Evaluates a validated expression.
bool wj_const_expr_eval(const struct wj_module *module, const struct wj_const_expr *expr,
                        const struct wj_const_env *env, struct wj_const_value *value,
                        struct wj_err *err);

#endif
