/* Builds and walks binary trees: calls, pointers, and an allocator of our own, so that no libc's
 * malloc is compared. */
#include <stddef.h>

#include "bench.h"

enum { DEPTH = 15, TREES = 400, NODES = 1 << (DEPTH + 1) };

struct node {
    struct node *left, *right;
};

static struct node pool[NODES];
static struct node *free_list;

static struct node *node_new(void)
{
    struct node *node = free_list;
    free_list = node->left;
    return node;
}

static void node_free(struct node *node)
{
    node->left = free_list;
    free_list = node;
}

static __attribute__((noinline)) struct node *grow(int depth)
{
    struct node *node = node_new();
    node->left = depth > 0 ? grow(depth - 1) : NULL;
    node->right = depth > 0 ? grow(depth - 1) : NULL;
    return node;
}

static __attribute__((noinline)) uint32_t count(const struct node *node)
{
    return node->left == NULL ? 1 : 1 + count(node->left) + count(node->right);
}

static __attribute__((noinline)) void fell(struct node *node)
{
    if (node->left != NULL) {
        fell(node->left);
        fell(node->right);
    }
    node_free(node);
}

static uint64_t kernel(void)
{
    uint64_t nodes = 0;
    free_list = NULL;
    for (int i = NODES - 1; i >= 0; i--) {
        node_free(&pool[i]);
    }
    for (int i = 0; i < TREES; i++) {
        struct node *tree = grow(DEPTH - i % 3);
        nodes += count(tree);
        fell(tree);
    }
    return nodes;
}

int main(void)
{
    return bench_main(kernel);
}
