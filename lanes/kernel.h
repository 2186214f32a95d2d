// Kernels for several items at a time: what runtime/vm/lanes.h asks for, as a function body in
// WebAssembly's own vector operations, which the compiler of any machine takes.
#ifndef LANES_KERNEL_H
#define LANES_KERNEL_H

#include "runtime/vm/lanes.h"

wj_lanes_fn wj_lanes_translate;

#endif
