/* Runs quickjs.js (workload.h holds its text) in a new QuickJS context; its value is the result. */
#include "quickjs.h"

#include "bench.h"
#include "workload.h"

static uint64_t kernel(void)
{
    JSRuntime *runtime = JS_NewRuntime();
    JSContext *context = JS_NewContext(runtime);
    JSValue value =
        JS_Eval(context, workload, sizeof workload - 1, "quickjs.js", JS_EVAL_TYPE_GLOBAL);
    double check = 0;
    if (JS_IsException(value) || JS_ToFloat64(context, &check, value) < 0) {
        const char *message = JS_ToCString(context, JS_GetException(context));
        fprintf(stderr, "quickjs: %s\n", message);
    }
    JS_FreeValue(context, value);
    JS_FreeContext(context);
    JS_FreeRuntime(runtime);
    return (uint64_t) check;
}

int main(void)
{
    return bench_main(kernel);
}
