/* wasi-libc has no setjmp.h, and Lua includes one. The build of the guest replaces every use
 * (LUAI_TRY, LUAI_THROW), so an empty file is enough: the workload raises no errors. */
#ifndef BENCH_COMPAT_SETJMP_H
#define BENCH_COMPAT_SETJMP_H
#endif
