/* Instances by the thousand: what it takes to end a tenant and begin the next in a warm pool, what
 * an instance costs without a pool, how many fit and how much memory they hold.
 * Prints lines NAME VALUE; times in microseconds. Usage: pool [LIVE [THREADS [CYCLES]]] */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <wasm.h>
#include <wjit.h>

enum { DATA_AT = 1024, CELL = 64 };

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec * 1e6 + (double) now.tv_nsec * 1e-3;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "pool: %s: %s\n", what, why);
    exit(1);
}

/* ---- The guest: a memory full of data, and a function that uses a little of it ---- */

struct bytes {
    uint8_t *at;
    size_t size;
};

static void put(struct bytes *b, const void *from, size_t size)
{
    memcpy(b->at + b->size, from, size);
    b->size += size;
}

static void put_leb(struct bytes *b, uint32_t value)
{
    do {
        uint8_t byte = (uint8_t) (value & 0x7f) | (value > 0x7f ? 0x80 : 0);
        put(b, &byte, 1);
        value >>= 7;
    } while (value != 0);
}

static void put_section(struct bytes *b, uint8_t id, const struct bytes *content)
{
    put(b, &id, 1);
    put_leb(b, (uint32_t) content->size);
    put(b, content->at, content->size);
}

static void put_fixed(struct bytes *b, uint8_t id, const char *content, size_t size)
{
    struct bytes section = {(uint8_t *) (uintptr_t) content, size};
    put_section(b, id, &section);
}

static uint8_t data_byte(uint32_t i)
{
    return (uint8_t) (i * 7 + i / 4096 + 1);
}

/* (func (export "run") (param i32) (result i32)
 *   (i32.add (i32.load offset=64 (i32.const 0)) (i32.load8_u offset=1024 (local.get 0)))
 *   (i32.store offset=64 (i32.const 0) (local.get 0))
 *   (i32.store8 offset=1024 (local.get 0) (i32.const 255))) */
static struct bytes make_guest(uint32_t data_bytes)
{
    static const char types[] = "\x01\x60\x01\x7f\x01\x7f";
    static const char funcs[] = "\x01\x00";
    static const char exports[] = "\x01\x03run\x00\x00";
    static const char code[] = "\x01\x23\x00"
                               "\x41\x00\x28\x02\xc0\x00"
                               "\x20\x00\x2d\x00\x80\x08\x6a"
                               "\x41\x00\x20\x00\x36\x02\xc0\x00"
                               "\x20\x00\x41\xff\x01\x3a\x00\x80\x08"
                               "\x0b";
    struct bytes b = {malloc(data_bytes + 4096u), 0};
    struct bytes data = {malloc(data_bytes + 64u), 0};
    struct bytes memory = {(uint8_t[16]){0}, 0};
    put(&b, "\0asm\1\0\0", 8);
    put_fixed(&b, 1, types, sizeof types - 1);
    put_fixed(&b, 3, funcs, sizeof funcs - 1);
    put(&memory, "\x01\x00", 2);
    put_leb(&memory, (data_bytes + DATA_AT) / 65536 + 1);
    put_section(&b, 5, &memory);
    put_fixed(&b, 7, exports, sizeof exports - 1);
    char body[sizeof code];
    memcpy(body, code, sizeof code);
    body[1] = (char) (sizeof code - 1 - 2);
    put_fixed(&b, 10, body, sizeof code - 1);
    put(&data, "\x01\x00\x41\x80\x08\x0b", 6);
    put_leb(&data, data_bytes);
    for (uint32_t i = 0; i < data_bytes; i++) {
        data.at[data.size++] = data_byte(i);
    }
    put_section(&b, 11, &data);
    free(data.at);
    return b;
}

/* ---- Tenants ---- */

static wasm_instance_t *take(wjit_pool_t *pool)
{
    wasm_trap_t *trap = NULL;
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    wasm_instance_t *instance = wjit_pool_take(pool, &trap, &error);
    if (instance == NULL) {
        die("take", error.message);
    }
    return instance;
}

/* Calls it as a server would that sees it for the first time; it must be as new. */
static void call(wasm_instance_t *instance, uint32_t at)
{
    wasm_extern_t *export = wjit_instance_export(instance, "run", 3);
    wjit_val_t arg = {.kind = WASM_I32, .of.i32 = (int32_t) at}, result;
    if (wjit_func_call(wasm_extern_as_func(export), &arg, 1, &result, 1) != NULL) {
        die("call", "trap");
    }
    if (result.of.i32 != data_byte(at)) {
        die("call", "an instance that was not as new");
    }
    wasm_extern_delete(export);
}

/* Tenants touch little of their memory, and mostly the same: here two pages at most. */
static uint32_t place_in(uint32_t data_bytes, uint64_t random)
{
    uint32_t half = data_bytes / 2, span = half < 1000 ? half : 1000;
    return (random & 1 ? half : 0) + (uint32_t) (random >> 32) % span;
}

struct worker {
    pthread_t thread;
    wasm_engine_t *engine;
    const struct bytes *guest;
    pthread_barrier_t *barrier;
    uint32_t live, cycles, data_bytes;
    bool explicit_checks;
    double made_us;
    double *cycle_us;
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void *work(void *context)
{
    struct worker *w = context;
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    wasm_store_t *store = wasm_store_new(w->engine);
    wasm_byte_vec_t bytes = {w->guest->size, (char *) w->guest->at};
    wasm_module_t *module = wjit_module_new(store, &bytes, &error);
    wjit_pool_config_t config = {.instances = w->live, .explicit_checks = w->explicit_checks};
    wjit_pool_t *pool = module == NULL ? NULL : wjit_pool_new(store, module, NULL, &config, &error);
    wasm_instance_t **instances = calloc(w->live, sizeof(wasm_instance_t *));
    if (pool == NULL || instances == NULL) {
        die("pool", error.message);
    }
    uint64_t random = 0x9e3779b97f4a7c15u + (uint64_t) (uintptr_t) w;
    pthread_barrier_wait(w->barrier);
    double start = now_us();
    for (uint32_t i = 0; i < w->live; i++) {
        instances[i] = take(pool);
        call(instances[i], place_in(w->data_bytes, 0));
    }
    w->made_us = now_us() - start;
    pthread_barrier_wait(w->barrier); /* all are live: the process's memory is read here */
    pthread_barrier_wait(w->barrier);
    for (uint32_t i = 0; i < w->cycles; i++) {
        uint64_t r = next_random(&random);
        uint32_t victim = (uint32_t) (r >> 8) % w->live;
        start = now_us();
        if (!wjit_pool_give(pool, instances[victim])) {
            die("give", "refused");
        }
        instances[victim] = take(pool);
        call(instances[victim], place_in(w->data_bytes, r));
        w->cycle_us[i] = now_us() - start;
    }
    for (uint32_t i = 0; i < w->live; i++) {
        wjit_pool_give(pool, instances[i]);
    }
    free(instances);
    wjit_pool_delete(pool);
    wasm_module_delete(module);
    wasm_store_delete(store);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

/* Resident KiB and page tables' KiB of this process. */
static void read_memory(double *resident_kib, double *tables_kib)
{
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        sscanf(line, "VmRSS: %lf", resident_kib);
        sscanf(line, "VmPTE: %lf", tables_kib);
    }
    if (file != NULL) {
        fclose(file);
    }
}

static void measure_pool(const char *name, uint32_t live, uint32_t threads, uint32_t cycles,
                         uint32_t data_bytes, bool explicit_checks)
{
    wasm_engine_t *engine = wasm_engine_new();
    struct bytes guest = make_guest(data_bytes);
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, threads + 1);
    struct worker *workers = calloc(threads, sizeof *workers);
    double *all = malloc((size_t) threads * cycles * sizeof *all);
    double before = 0, after = 0, tables_before = 0, tables_after = 0, made = 0;
    for (uint32_t i = 0; i < threads; i++) {
        workers[i] = (struct worker){
            .engine = engine,
            .guest = &guest,
            .barrier = &barrier,
            .live = live / threads,
            .cycles = cycles,
            .data_bytes = data_bytes,
            .explicit_checks = explicit_checks,
            .cycle_us = all + (size_t) i * cycles,
        };
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    read_memory(&before, &tables_before);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    read_memory(&after, &tables_after);
    pthread_barrier_wait(&barrier);
    for (uint32_t i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        made = workers[i].made_us > made ? workers[i].made_us : made;
    }
    size_t n = (size_t) threads * cycles;
    qsort(all, n, sizeof *all, compare);
    printf("%s_live %u\n%s_made_ms %.1f\n%s_resident_kib %.1f\n%s_page_tables_kib %.1f\n", name,
           live / threads * threads, name, made / 1000, name, (after - before) / live, name,
           (tables_after - tables_before) / live);
    printf("%s_cycle_median %.2f\n%s_cycle_p99 %.2f\n", name, all[n / 2], name, all[n * 99 / 100]);
    free(all);
    free(workers);
    free(guest.at);
    wasm_engine_delete(engine);
}

/* Without a pool: a store and an instance, made and torn down. */
static void measure_plain(uint32_t cycles, uint32_t data_bytes)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *keeper = wasm_store_new(engine);
    struct bytes guest = make_guest(data_bytes);
    wasm_byte_vec_t bytes = {guest.size, (char *) guest.at};
    wasm_module_t *module = wjit_module_new(keeper, &bytes, NULL);
    double *make = malloc(2 * cycles * sizeof *make), *drop = make + cycles;
    for (uint32_t i = 0; i < cycles; i++) {
        wjit_error_t error = {.offset = WJIT_NO_OFFSET};
        wasm_trap_t *trap = NULL;
        double start = now_us();
        wasm_store_t *store = wasm_store_new(engine);
        wasm_instance_t *instance = wjit_instance_new(store, module, NULL, &trap, &error);
        if (instance == NULL) {
            die("instance", error.message);
        }
        make[i] = now_us() - start;
        call(instance, place_in(data_bytes, i));
        start = now_us();
        wasm_instance_delete(instance);
        wasm_store_delete(store);
        drop[i] = now_us() - start;
    }
    qsort(make, cycles, sizeof *make, compare);
    qsort(drop, cycles, sizeof *drop, compare);
    printf("plain_make_median %.2f\nplain_make_p99 %.2f\n", make[cycles / 2],
           make[cycles * 99 / 100]);
    printf("plain_drop_median %.2f\nplain_drop_p99 %.2f\n", drop[cycles / 2],
           drop[cycles * 99 / 100]);
    free(make);
    free(guest.at);
    wasm_module_delete(module);
    wasm_store_delete(keeper);
    wasm_engine_delete(engine);
}

int main(int argc, char **argv)
{
    uint32_t live = argc > 1 ? (uint32_t) atoi(argv[1]) : 10000;
    uint32_t threads = argc > 2 ? (uint32_t) atoi(argv[2]) : 2;
    uint32_t cycles = argc > 3 ? (uint32_t) atoi(argv[3]) : 20000;
    if (live == 0 || threads == 0 || cycles == 0 || live < threads) {
        fprintf(stderr, "usage: pool [LIVE [THREADS [CYCLES]]]\n");
        return 2;
    }
    measure_pool("guarded", live, threads, cycles, 1000, false);
    measure_pool("guarded_16MiB", live, threads, cycles, 16u << 20, false);
    measure_pool("checked", 10 * live, threads, cycles, 1000, true);
    measure_plain(cycles / 20 + 1, 1000);
    return 0;
}
