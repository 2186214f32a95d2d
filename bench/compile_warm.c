// Times validation and compilation of one module through the library, in one process: what
// node_compile.mjs does for V8. compile_warm FILE REPEATS SECONDS_MAX prints one JSON object: the
// first time and the least of all by the thread's CPU clock, and the least by the wall clock.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <wjit.h>

static double clock_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

static bool read_file(const char *path, wasm_byte_vec_t *bytes)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        return false;
    }
    long size = ftell(file);
    rewind(file);
    wasm_byte_vec_new_uninitialized(bytes, (size_t) size);
    bool ok = fread(bytes->data, 1, bytes->size, file) == bytes->size;
    fclose(file);
    // The system wrote the bytes. The first use of a page by this process, which costs some systems
    // 10 us, is no part of what is measured.
    const volatile char *data = bytes->data;
    for (size_t i = 0; ok && i < bytes->size; i += 4096) {
        (void) data[i];
    }
    return ok;
}

int main(int argc, char **argv)
{
    wasm_byte_vec_t bytes;
    if (argc != 4 || !read_file(argv[1], &bytes)) {
        fprintf(stderr, "usage: compile_warm FILE REPEATS SECONDS_MAX\n");
        return 1;
    }
    wasm_config_t *config = wasm_config_new();
    wjit_config_set_compile_mode(config, WJIT_COMPILE_EAGER);
    wasm_engine_t *engine = wasm_engine_new_with_config(config);
    wasm_store_t *store = wasm_store_new(engine);
    double first_cpu = 0;
    double least_cpu = 1e300;
    double least_wall = 1e300;
    double end = clock_ms(CLOCK_MONOTONIC) + atof(argv[3]) * 1e3;
    int n = 0;
    for (; n < atoi(argv[2]) && (n == 0 || clock_ms(CLOCK_MONOTONIC) < end); n++) {
        double cpu = clock_ms(CLOCK_THREAD_CPUTIME_ID);
        double wall = clock_ms(CLOCK_MONOTONIC);
        wjit_error_t error;
        wasm_module_t *module =
            wjit_module_new_in_place(store, bytes.data, bytes.size, NULL, NULL, &error);
        if (module == NULL || !wjit_module_compile(module, &error)) {
            fprintf(stderr, "%s: %s\n", argv[1], error.message);
            return 1;
        }
        cpu = clock_ms(CLOCK_THREAD_CPUTIME_ID) - cpu;
        wall = clock_ms(CLOCK_MONOTONIC) - wall;
        wasm_module_delete(module);
        first_cpu = n == 0 ? cpu : first_cpu;
        least_cpu = cpu < least_cpu ? cpu : least_cpu;
        least_wall = wall < least_wall ? wall : least_wall;
    }
    printf("{\"first_cpu_ms\": %.4f, \"min_cpu_ms\": %.4f, \"min_ms\": %.4f, \"n\": %d}\n",
           first_cpu, least_cpu, least_wall, n);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    wasm_byte_vec_delete(&bytes);
    return 0;
}
