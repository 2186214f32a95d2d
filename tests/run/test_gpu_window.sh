#!/bin/bash
# Kernels with memory of their own: arrays on the shadow stack, `own` and `shared` of groups. On the
# device these are variables of the shader; the results are the CPU's.
. "$(dirname "$0")/lib.sh"
need clang-22
. "$(dirname "$0")/gpu.sh"
# Arrays of words and of bytes, a frame of a callee, a pointer to the stack kept on the stack.
guest stack -I"$WJIT_ROOT/include" <<'C'
#include <stdio.h>
#include <string.h>
#include <wjit/gpu.h>
struct args { const int *in; int *out; unsigned char *bytes; int n; };
struct list { int *first, *last; unsigned char *marks; };
static __attribute__((noinline)) void sort(const struct list *l)
{
    for (int *p = l->first + 1; p <= l->last; p++) {
        int x = *p, *q = p;
        for (; q > l->first && q[-1] > x; q--) { q[0] = q[-1]; }
        *q = x;
        l->marks[x & 63] += 1 + (x >> 30);
    }
}
static void kernel(uint32_t x, uint32_t y, uint32_t z, const void *p)
{
    const struct args *a = p;
    int v[24];
    unsigned char marks[64];
    struct list l = {v, v + 23, marks};
    long long wide[3];
    (void)y, (void)z;
    for (int i = 0; i < 24; i++) { v[i] = a->in[(x * 7 + i * 13) % a->n]; }
    for (int i = 0; i < 64; i++) { marks[i] = i; }
    sort(&l);
    int m = 0;
    for (int i = 0; i < 64; i++) { m = m * 31 + marks[i]; }
    memcpy((char *) wide + 3, v, 20); /* unaligned, on the stack */
    ((volatile long long *) wide)[2] = m;
    a->out[x * 4] = v[x % 24], a->out[x * 4 + 1] = (int) (wide[1] >> 7);
    a->out[x * 4 + 2] = v[23], a->out[x * 4 + 3] = m;
    a->bytes[x] = marks[x & 63];
}
static int in[1000], out[4000];
static unsigned char bytes[1000];
int main(void)
{
    unsigned s = 1;
    for (int i = 0; i < 1000; i++) { s = s * 1664525 + 1013904223; in[i] = (int) s; }
    struct args a = {in, out, bytes, 1000};
    wjit_parallel_for(1000, 1, 1, kernel, &a);
    fwrite(out, 4, 4000, stdout), fwrite(bytes, 1, 1000, stdout);
    return 0;
}
C
both stack
# Bytes of one word from several items, pointers to shared memory in shared memory and in memory of
# all, vectors, zeros at the start of each group, linear memory between phases.
guest groups -msimd128 -I"$WJIT_ROOT/include" <<'C'
#include <stdio.h>
#include <wasm_simd128.h>
#include <wjit/gpu.h>
enum { ITEMS = 37, GROUPS = 11 };
struct shared { unsigned char bytes[ITEMS + 3]; unsigned char *last; v128_t v; int words[ITEMS]; };
struct own { int sum; unsigned char *at; short odd[3]; };
struct args { int *out; int *between; };
static void kernel(uint32_t gx, uint32_t gy, uint32_t gz, uint32_t item, uint32_t phase,
                   void *shared, void *own, const void *p)
{
    const struct args *a = p;
    struct shared *s = shared;
    struct own *o = own;
    const uint32_t group = gy * GROUPS + gx, me = group * ITEMS + item;
    (void)gz;
    switch (phase) {
    case 0:
        o->sum = s->bytes[item] + s->words[item] + o->odd[2]; /* zeros */
        s->bytes[item] = (unsigned char) (item * 7 + group);
        o->at = s->bytes + (item * 5 + 3) % ITEMS;
        a->between[me] = (int) me * 3;
        if (item == ITEMS - 1) { s->last = s->bytes + 2, s->v = wasm_i32x4_splat((int) group); }
        break;
    case 1:
        o->sum += *o->at * 1000 + s->last[item % 5] + wasm_i32x4_extract_lane(s->v, 1);
        s->words[item] = a->between[group * ITEMS + (item + 1) % ITEMS];
        o->odd[item % 3] = (short) item;
        break;
    default:
        a->out[me] = o->sum + s->words[(item + 9) % ITEMS] * 7 + o->odd[item % 3];
    }
}
static int out[ITEMS * GROUPS * 3], between[ITEMS * GROUPS * 3];
int main(void)
{
    struct args a = {out, between};
    wjit_parallel_groups(GROUPS, 3, 1, ITEMS, 3, sizeof(struct shared), sizeof(struct own), kernel,
                         &a);
    fwrite(out, sizeof out, 1, stdout);
    return 0;
}
C
both groups
# The trap of one item: the others pass their barriers.
guest trap -I"$WJIT_ROOT/include" <<'C'
#include <stdio.h>
#include <wjit/gpu.h>
static void kernel(uint32_t gx, uint32_t gy, uint32_t gz, uint32_t item, uint32_t phase,
                   void *shared, void *own, const void *p)
{
    (void)gy, (void)gz, (void)own;
    ((volatile int *) shared)[item] = *(const int *) p;
    if (gx == 2 && item == 5 && phase == 1) { __builtin_trap(); }
}
static int number = 3;
int main(void)
{
    number += puts("") > 9;
    wjit_parallel_groups(4, 1, 1, 16, 3, 64, 0, kernel, &number);
    return 0;
}
C
both trap 134
# More accesses, once the loops are unrolled, than a driver compiles in a reasonable time.
guest swaps -I"$WJIT_ROOT/include" <<'C'
#include <stdio.h>
#include <wjit/gpu.h>
static unsigned out[64];
static void kernel(uint32_t x, uint32_t y, uint32_t z, const void *p)
{
    unsigned t[16], sum = 0;
    (void) y, (void) z;
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) { t[i] = ((const unsigned *) p)[(x + i) % 64] + x; }
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
        unsigned j = t[i] & 15, w = t[i];
        t[i] = t[j];
        t[j] = w + i;
        t[(w >> 4) & 15] ^= t[(j + 3) & 15];
    }
    for (int i = 0; i < 16; i++) { sum = sum * 31 + t[i]; }
    out[x] = sum;
}
static unsigned in[64] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};
int main(void)
{
    in[63] += puts("") > 9;
    wjit_parallel_for(64, 1, 1, kernel, in);
    fwrite(out, sizeof out, 1, stdout);
    return 0;
}
C
expect 0 - "$WJIT" --gpu=off swaps.wasm
cp out cpu
expect 0 'branches, of which [0-9]+ are accesses that may go to memory of its own, 96 is' \
    "$WJIT" --gpu=any --gpu-explain swaps.wasm
cmp -s cpu out || fail "swaps: other output than on the CPU"
finish
