/* What a process costs that does next to nothing. */
#include <stdio.h>

int main(void)
{
    puts("hello");
    return 0;
}
