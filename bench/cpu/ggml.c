// Multiplies two square matrices of floats by ggml's CPU back end, found at run time: a peer of
// kernels on all cores. ggml FOLDER SIZE THREADS SECONDS prints KERNEL_SECONDS, the least of the
// multiplications that fit in the time, and GGML, the library that says it fits this CPU best.
//
// The prototypes are those of ggml.h and ggml-cpu.h, as far as they are used.
#include <dirent.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct ggml_init_params {
    size_t mem_size;
    void *mem_buffer;
    bool no_alloc;
};

struct ggml {
    void *(*init)(struct ggml_init_params params);
    void *(*new_tensor_2d)(void *context, int type, int64_t ne0, int64_t ne1);
    void *(*mul_mat)(void *context, void *a, void *b);
    void *(*new_graph)(void *context);
    void (*build_forward_expand)(void *graph, void *tensor);
    float *(*get_data_f32)(const void *tensor);
    int (*graph_compute_with_ctx)(void *context, void *graph, int threads);
};

enum { GGML_TYPE_F32 = 0 };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static void *open_library(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return dlopen(path, RTLD_NOW | RTLD_GLOBAL);
}

// The back end that gives itself the highest score here; those that cannot run give none.
static void *open_best(const char *folder, char *best, size_t best_bytes)
{
    void *found = NULL;
    int most = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (strncmp(entry->d_name, "libggml-cpu", 11) != 0) {
            continue;
        }
        void *library = open_library(folder, entry->d_name);
        int (*score)(void);
        *(void **) &score = library != NULL ? dlsym(library, "ggml_backend_score") : NULL;
        int points = score != NULL ? score() : 0;
        if (points > most) {
            most = points;
            found = library;
            snprintf(best, best_bytes, "%s", entry->d_name);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return found;
}

static bool load(struct ggml *g, const char *folder, char *best, size_t best_bytes)
{
    void *base = open_library(folder, "libggml-base.so");
    void *cpu = base != NULL ? open_best(folder, best, best_bytes) : NULL;
    if (cpu == NULL) {
        return false;
    }
    void (*cpu_init)(void);
    *(void **) &cpu_init = dlsym(cpu, "ggml_cpu_init");
    *(void **) &g->init = dlsym(base, "ggml_init");
    *(void **) &g->new_tensor_2d = dlsym(base, "ggml_new_tensor_2d");
    *(void **) &g->mul_mat = dlsym(base, "ggml_mul_mat");
    *(void **) &g->new_graph = dlsym(base, "ggml_new_graph");
    *(void **) &g->build_forward_expand = dlsym(base, "ggml_build_forward_expand");
    *(void **) &g->get_data_f32 = dlsym(base, "ggml_get_data_f32");
    *(void **) &g->graph_compute_with_ctx = dlsym(cpu, "ggml_graph_compute_with_ctx");
    if (cpu_init == NULL || g->init == NULL || g->new_tensor_2d == NULL || g->mul_mat == NULL ||
        g->new_graph == NULL || g->build_forward_expand == NULL || g->get_data_f32 == NULL ||
        g->graph_compute_with_ctx == NULL) {
        return false;
    }
    cpu_init();
    return true;
}

int main(int argc, char **argv)
{
    struct ggml g;
    char best[256] = "";
    if (argc != 5 || !load(&g, argv[1], best, sizeof best)) {
        fprintf(stderr, "usage: ggml FOLDER SIZE THREADS SECONDS, with libggml-*.so in FOLDER\n");
        return 1;
    }
    int64_t size = atoll(argv[2]);
    int threads = atoi(argv[3]);
    size_t floats = (size_t) (size * size);
    void *context = g.init((struct ggml_init_params){16 * floats * sizeof(float), NULL, false});
    void *a = g.new_tensor_2d(context, GGML_TYPE_F32, size, size);
    void *b = g.new_tensor_2d(context, GGML_TYPE_F32, size, size);
    for (size_t i = 0; i < floats; i++) {
        g.get_data_f32(a)[i] = (float) (i % 17) - 8;
        g.get_data_f32(b)[i] = (float) (i % 13) - 6;
    }
    void *graph = g.new_graph(context);
    g.build_forward_expand(graph, g.mul_mat(context, a, b));
    double least = 1e300;
    double end = seconds() + atof(argv[4]);
    do {
        double start = seconds();
        if (g.graph_compute_with_ctx(context, graph, threads) != 0) {
            fprintf(stderr, "ggml: the graph failed\n");
            return 1;
        }
        double taken = seconds() - start;
        least = taken < least ? taken : least;
    } while (seconds() < end);
    printf("KERNEL_SECONDS %.6f\nGGML %s\n", least, best);
    return 0;
}
