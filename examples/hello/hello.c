/* The smallest program with a kernel: 64 items say which one they are. */
#include "../checksum.h"

#include <stdio.h>
#include <wjit/gpu.h>

static void square(uint32_t x, uint32_t y, uint32_t z, const void *args)
{
    uint32_t *squares = *(uint32_t *const *) args;
    (void) y, (void) z;
    squares[x] = x * x;
}

int main(void)
{
    static uint32_t memory[64];
    uint32_t *squares = memory;
    wjit_parallel_for(64, 1, 1, square, &squares);
    printf("hello: 63 * 63 = %u\n", squares[63]);
    printf("checksum %08x\n", checksum(memory, sizeof memory));
    return 0;
}
