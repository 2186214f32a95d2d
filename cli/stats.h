// --stats, --gpu-explain and --check-kernels: the figures of a run, on stderr.
#ifndef CLI_STATS_H
#define CLI_STATS_H

#include "cli/session.h"

void stats_print(const struct session *session);
void stats_explain_gpu(const struct session *session);
void stats_report_checks(const struct session *session);

#endif
