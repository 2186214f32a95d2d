// What every command on a module needs: the file, an engine with the settings of the options, a
// store, the module.
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/input.h"
#include "cli/options.h"

struct session {
    const struct options *options;
    struct input input;
    wasm_engine_t *engine;
    wasm_store_t *store;
    wasm_module_t *module;
    double start_ms; // of processor time, from the start of the process to the store
    double run_ms;   // what is compiled meanwhile included
};

// Opens the file and makes engine and store; then the module. Each 0, or the code of what was
// reported. session_close in any case.
int session_open(struct session *session, const struct options *options);
int session_load(struct session *session);
void session_close(struct session *session);

double clock_ms(void);

#endif
