// The commands. Each returns its exit code and has reported what went wrong.
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/options.h"

int command_run(const struct options *options);
int command_compile(const struct options *options);
int command_validate(const struct options *options);
int command_dump(const struct options *options);
int command_devices(const struct options *options);
int command_bench(const struct options *options);

#endif
