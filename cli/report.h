// Exit codes, and the one form that errors have.
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdbool.h>

#include <wjit.h>

enum exit_code {
    EXIT_DONE = 0,
    EXIT_BENCH_DIFFERS = 1, // bench: a device gave other bytes than the CPU
    EXIT_TIMEOUT = 124,     // the time limit
    EXIT_USAGE = 125,       // a flag, a missing file, no such device, an output not writable
    EXIT_INVALID = 126,     // the module is invalid, cannot be linked, or is no core module
    EXIT_TRAP = 134,        // as of abort
    EXIT_MEMORY = 137,      // the initial memory exceeds the limit, or the host has no more
    EXIT_CLOSED_PIPE = 141, // as of SIGPIPE
    EXIT_TERMINATED = 143,  // as of SIGTERM
};

// Prints `wjit: SUBJECT: …` to stderr and returns the code. SUBJECT is a file or a flag, or NULL.
int report(int code, const char *subject, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Puts the same line into `out`, which has room for it, and gives its length.
size_t report_line(char *out, size_t out_bytes, const char *subject, const char *text);

// Copies text that comes from a module or a file system, for a terminal: what would control that
// is written as \xNN, byte for byte, and what does not fit is left out, by whole characters.
size_t printable(char *out, size_t out_bytes, const char *text, size_t text_bytes);

// The same for an error of the library, with the code that its kind has.
int report_error(const char *file, const wjit_error_t *error);

// Flushes stdout. Returns the code, or another when it could not be written.
int finish_stdout(int code);

#endif
