/* Kernels of a WebAssembly program: the two dispatch functions, for C and C++. Include this file
 * and nothing else: no library, no import. A module that holds them runs on every engine, since
 * the bodies below are plain loops; wjit recognises the exports by name and signature and runs
 * the kernels on all cores or on a GPU instead, on the program's own memory and with the same bits.
 *
 *     #include <wjit/gpu.h>
 *
 *     struct scale_args { float *data; float factor; uint32_t n; };
 *
 *     static void scale(uint32_t x, uint32_t y, uint32_t z, const void *args)
 *     {
 *         const struct scale_args *a = args;
 *         (void)y, (void)z;
 *         a->data[x] *= a->factor;
 *     }
 *
 *     wjit_parallel_for(n, 1, 1, scale, &(struct scale_args){ data, 2.0f, n });
 *
 * Rules for a kernel
 *  1. Items of one dispatch run in any order and at the same time. None may depend on a store of
 *     another; two of them may store to one place only if both store the same bytes. What items
 *     share they share by atomic operations (-matomics; <stdatomic.h>): each of these is one step
 *     to all items, releases what its item stored before and acquires what others released. No
 *     item may wait for another: on a GPU it might wait for ever.
 *  2. The dispatch returns when all items are done. Pointers mean the same inside and outside: args
 *     and what it points to are read where they lie, and may lie on the caller's stack.
 *  3. To run on a GPU a kernel, and all it calls, is pure computation: integers, floats, v128,
 *     loads, stores, atomic operations (but wait and notify), local variables, control flow, calls
 *     without recursion: of functions by name, or through pointers and virtual functions of at most
 *     32 functions of a type, not counting those that call the host. Calls of the host (so printf
 *     and malloc), memory.grow, writes to globals, exceptions and recursion keep it on the CPU,
 *     where it runs as ever; where only a pointer leads to such a function, once an item goes
 *     there.
 *     `wjit --gpu-explain` names the reason and the byte offset.
 *  4. Memory of its own is a local variable or, in groups, `shared` and `own`. Local arrays live
 *     on the shadow stack: they are private to the item but slow on a GPU, so prefer scalars.
 *  5. What makes it fast: many items of modest work each; x the dimension in which neighbouring
 *     items touch neighbouring memory; addresses of the form base + constants * (x, y, z, loop
 *     counters), whose bounds are then checked once for each dispatch; 16-byte alignment for v128.
 *  6. A trap in a kernel is a trap of the dispatch, with the same message. Which stores of other
 *     items have happened by then is not defined.
 *  7. With 64-bit addresses (--target=wasm64) pointers, `k` and `args` among them, are i64. A GPU
 *     takes such a kernel while memory is smaller than 4 GiB.
 *  8. Never take the address of the two functions, and do not rename or wrap their exports.
 */
#ifndef WJIT_GPU_H
#define WJIT_GPU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Limits of a group, the same on every engine: a dispatch beyond them traps (unreachable) before
 * any item runs. Every Vulkan device has as much, and the default shadow stack can hold it. */
#define WJIT_GROUP_ITEMS_MAX 128u          /* items in a group */
#define WJIT_GROUP_SHARED_BYTES_MAX 16384u /* scratch memory of a group */
#define WJIT_GROUP_OWN_BYTES_MAX 16384u    /* own_bytes, rounded up to 16, times items */

/* A kernel: called once for each x < nx, y < ny, z < nz. */
typedef void wjit_kernel(uint32_t x, uint32_t y, uint32_t z, const void *args);

/* A group kernel: called for each group (gx, gy, gz), each phase, each item of the group. All items
 * of a group finish a phase before any of them starts the next: the phases are the barriers.
 * `shared` (of the group) and `own` (of the item) are zeroed before phase 0, aligned to 16, and
 * keep their contents from phase to phase; stores to other memory are visible to the group in later
 * phases. On a GPU both stay on the chip as long as the kernel does not let their addresses escape,
 * that is, does not store them to memory or mix them with other pointers. */
typedef void wjit_group_kernel(uint32_t gx, uint32_t gy, uint32_t gz, uint32_t item, uint32_t phase,
                               void *shared, void *own, const void *args);

/* The definitions are weak, so any number of translation units may include this file; being weak
 * and exported, they are neither inlined nor changed in signature by compiler and linker. That the
 * bodies hold loops and use every parameter keeps wasm-opt from it too. */
#ifdef __wasm__
#define WJIT_GPU_EXPORT(name) __attribute__((weak, noinline, used, export_name(name)))
#else
#define WJIT_GPU_EXPORT(name) __attribute__((weak, noinline, used))
#endif

void wjit_parallel_for(uint32_t nx, uint32_t ny, uint32_t nz, wjit_kernel *k, const void *args);
void wjit_parallel_groups(uint32_t gx, uint32_t gy, uint32_t gz, uint32_t items, uint32_t phases,
                          uint32_t shared_bytes, uint32_t own_bytes, wjit_group_kernel *k,
                          const void *args);

/* Runs k(x, y, z, args) for all x < nx, y < ny, z < nz. A count of zero: no effect. */
WJIT_GPU_EXPORT("wjit.parallel_for.v1")
void wjit_parallel_for(uint32_t nx, uint32_t ny, uint32_t nz, wjit_kernel *k, const void *args)
{
    for (uint32_t z = 0; z < nz; z++) {
        for (uint32_t y = 0; y < ny; y++) {
            for (uint32_t x = 0; x < nx; x++) {
                k(x, y, z, args);
            }
        }
    }
}

/* Runs gx * gy * gz groups of `items` items in `phases` phases. A count of zero: no effect. */
WJIT_GPU_EXPORT("wjit.parallel_groups.v1")
void wjit_parallel_groups(uint32_t gx, uint32_t gy, uint32_t gz, uint32_t items, uint32_t phases,
                          uint32_t shared_bytes, uint32_t own_bytes, wjit_group_kernel *k,
                          const void *args)
{
    if (gx == 0 || gy == 0 || gz == 0 || items == 0 || phases == 0) {
        return;
    }
    if (items > WJIT_GROUP_ITEMS_MAX || shared_bytes > WJIT_GROUP_SHARED_BYTES_MAX ||
        own_bytes > WJIT_GROUP_OWN_BYTES_MAX ||
        ((own_bytes + 15u) & ~15u) * items > WJIT_GROUP_OWN_BYTES_MAX) {
        __builtin_trap();
    }
    uint32_t own_stride = (own_bytes + 15u) & ~15u;
    uint32_t own_offset = (shared_bytes + 15u) & ~15u;
    uint32_t scratch_words = (own_offset + own_stride * items) / 4u;
    uint32_t *scratch = (uint32_t *) __builtin_alloca_with_align(scratch_words * 4u + 16u, 128);
    unsigned char *own = (unsigned char *) scratch + own_offset;
    for (uint32_t z = 0; z < gz; z++) {
        for (uint32_t y = 0; y < gy; y++) {
            for (uint32_t x = 0; x < gx; x++) {
                for (uint32_t i = 0; i < scratch_words; i++) {
                    scratch[i] = 0;
                    __asm__ volatile("" ::: "memory"); /* keeps it a loop: no memset without libc */
                }
                for (uint32_t phase = 0; phase < phases; phase++) {
                    for (uint32_t item = 0; item < items; item++) {
                        k(x, y, z, item, phase, scratch, own + item * own_stride, args);
                    }
                }
            }
        }
    }
}

#undef WJIT_GPU_EXPORT

#ifdef __cplusplus
}
#endif

#endif
