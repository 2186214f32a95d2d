// Prints a hash of what each numeric operation has to give, as check.c does: for a second compiler.
#include <inttypes.h>

#include "cases.h"

int main(void)
{
    cases_init(false);
    uint64_t hash = 0;
    for (unsigned i = 0; i < case_count; i++) {
        const struct num_case *c = &cases[i];
        uint64_t count = case_tuples(c);
        case_begin(c);
        for (uint64_t n = 0; n < count; n++) {
            struct slot operands[OPERANDS_MAX] = {0};
            struct outcome expected;
            case_operands(c, n, operands);
            case_expected(c, operands, &expected);
            hash = outcome_hash(c, hash, &expected);
        }
        if (i + 1 == case_count || cases[i + 1].opcode != c->opcode) {
            printf("%s %016" PRIx64 "\n", wj_opcode_name(c->opcode), hash);
            hash = 0;
        }
    }
    return 0;
}
