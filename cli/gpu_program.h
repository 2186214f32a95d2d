// wjit is linked statically where it can be: a process that loads no library starts in two thirds
// of the time. Drivers of GPUs are libraries, so what wants one is run by wjit-gpu, the same
// program linked dynamically, which lies beside wjit or where it was installed.
#ifndef CLI_GPU_PROGRAM_H
#define CLI_GPU_PROGRAM_H

#include "cli/options.h"

// Where the command wants a GPU that this program cannot have, the process becomes wjit-gpu with
// the same arguments. 0: it need not, or there is no such program, which is reported as a missing
// GPU is, and options->gpu is NULL. Otherwise the exit code for what was reported.
int gpu_program_become(struct options *options, char **argv);

#endif
