// In place of runtime/api/ports_gpu.c: the program that is linked statically has no driver, which
// would be a shared library. cli/gpu_program.c runs another program where one is wanted.
#include "runtime/api/internal.h"

void wj_ports_fill_gpu(struct wj_ports *ports)
{
    (void) ports;
}

void wj_ports_serve_gpu(int socket)
{
    (void) socket;
}
