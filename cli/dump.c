// wjit dump and wjit validate: what a stage makes of a module, and whether it is one.
#include <stdio.h>

#include "cli/commands.h"
#include "cli/report.h"
#include "cli/session.h"

int command_dump(const struct options *options)
{
    struct session session;
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    int code = session_open(&session, options);
    if (!code) {
        code = session_load(&session);
    }
    if (!code && !wjit_dump(session.module, options->emit, options->func_index, stdout, &error)) {
        code = report_error(options->file, &error);
    }
    session_close(&session);
    return code;
}

int command_validate(const struct options *options)
{
    struct session session;
    int code = session_open(&session, options);
    if (!code && input_is_component(&session.input)) {
        code = session_load(&session);
    } else if (!code) {
        wasm_byte_vec_t bytes = input_bytes(&session.input);
        wjit_error_t error = {.offset = WJIT_NO_OFFSET};
        if (!wjit_validate(session.engine, &bytes, &error)) {
            code = report_error(options->file, &error);
        }
    }
    session_close(&session);
    return code;
}
