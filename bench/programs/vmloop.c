/* A bytecode interpreter: one switch in a loop, as interpreters compiled to wasm have it. The
 * program it runs counts primes with a sieve and mixes the result. */
#include "bench.h"

enum { CELLS = 200000, LIMIT = 199999, RUNS = 24 };

enum op {
    HALT,
    SET,
    MOVE,
    ADD,
    ADDI,
    MUL,
    XOR,
    SHR,
    LOAD,
    STORE,
    LESS,
    JUMP,
    JUMP_IF,
    JUMP_IF_NOT,
};

struct insn {
    uint8_t op, a, b, c;
    int32_t imm;
};

static uint32_t cells[CELLS];

/* r0 limit, r1 candidate, r2 count, r3 multiple, r4 scratch, r5 one, r6 mix. */
static const struct insn program[] = {
    {SET, 0, 0, 0, LIMIT},      /*  0: limit = LIMIT */
    {SET, 1, 0, 0, 2},          /*  1: candidate = 2 */
    {SET, 5, 0, 0, 1},          /*  2: one = 1 */
    {SET, 2, 0, 0, 0},          /*  3: count = 0 */
    {LESS, 4, 1, 0, 0},         /*  4: scratch = candidate < limit */
    {JUMP_IF_NOT, 4, 0, 0, 21}, /* 5 */
    {LOAD, 4, 1, 0, 0},         /*  6: scratch = cells[candidate] */
    {JUMP_IF, 4, 0, 0, 19},     /*  7: composite */
    {ADDI, 2, 2, 0, 1},         /*  8: count++ */
    {MUL, 6, 6, 5, 0},          /*  9: mix *= one */
    {XOR, 6, 6, 1, 0},          /* 10: mix ^= candidate */
    {SHR, 4, 6, 0, 3},          /* 11: scratch = mix >> 3 */
    {ADD, 6, 6, 4, 0},          /* 12: mix += scratch */
    {ADD, 3, 1, 1, 0},          /* 13: multiple = 2 * candidate */
    {LESS, 4, 3, 0, 0},         /* 14: scratch = multiple < limit */
    {JUMP_IF_NOT, 4, 0, 0, 19}, /* 15 */
    {STORE, 3, 5, 0, 0},        /* 16: cells[multiple] = one */
    {ADD, 3, 3, 1, 0},          /* 17: multiple += candidate */
    {JUMP, 0, 0, 0, 14},        /* 18 */
    {ADDI, 1, 1, 0, 1},         /* 19: candidate++ */
    {JUMP, 0, 0, 0, 4},         /* 20 */
    {MOVE, 7, 2, 0, 0},         /* 21 */
    {HALT, 0, 0, 0, 0},         /* 22 */
};

static __attribute__((noinline)) void run(const struct insn *code, uint32_t *r)
{
    uint32_t pc = 0;
    for (;;) {
        const struct insn *i = &code[pc++];
        switch ((enum op) i->op) {
        case HALT: return;
        case SET: r[i->a] = (uint32_t) i->imm; break;
        case MOVE: r[i->a] = r[i->b]; break;
        case ADD: r[i->a] = r[i->b] + r[i->c]; break;
        case ADDI: r[i->a] = r[i->b] + (uint32_t) i->imm; break;
        case MUL: r[i->a] = r[i->b] * r[i->c]; break;
        case XOR: r[i->a] = r[i->b] ^ r[i->c]; break;
        case SHR: r[i->a] = r[i->b] >> i->imm; break;
        case LOAD: r[i->a] = cells[r[i->b]]; break;
        case STORE: cells[r[i->a]] = r[i->b]; break;
        case LESS: r[i->a] = r[i->b] < r[i->c]; break;
        case JUMP: pc = (uint32_t) i->imm; break;
        case JUMP_IF: pc = r[i->a] != 0 ? (uint32_t) i->imm : pc; break;
        case JUMP_IF_NOT: pc = r[i->a] == 0 ? (uint32_t) i->imm : pc; break;
        }
    }
}

static uint64_t kernel(void)
{
    uint32_t r[8] = {0};
    for (int i = 0; i < RUNS; i++) {
        memset(cells, 0, sizeof cells);
        run(program, r);
    }
    return (uint64_t) r[7] << 32 | r[6];
}

int main(void)
{
    return bench_main(kernel);
}
