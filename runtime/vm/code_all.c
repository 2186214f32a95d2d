// All functions of a module at once, on one thread or several. Code memory is written by the file
// that it is a mapping of: a function is compiled into a small buffer that stays in the cache, and
// the buffer is written out when it is full. Nothing of it may run before all of it is there, since
// functions call each other directly, those that are compiled later through jumps that are made
// when all are; so the entries of the table are set at the very end.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "runtime/vm/code.h"

// What a thread takes at a time, in bytes of wasm and of code.
#define BATCH_WASM_BYTES 16384u
#define CHUNK_BYTES_MIN (256u * 1024u)
// Functions in such a chunk: with more, small ones, it is full before its bytes are.
#define CHUNK_FUNCS_MIN 256u
#define CHUNK_FUNCS_MAX 2048u
#define STAGE_BYTES_MIN (64u * 1024u)
#define THREADS_MAX 256u

struct job {
    struct wj_code *code;
    uint64_t *addresses;  // as code->addresses, and of what is compiled but must not run yet
    pthread_mutex_t lock; // of the rest; code->lock is held by whoever started the job
    uint32_t next_func;
    struct wj_err err;
    bool is_lost;                // some code is not there
    struct wj_code_chunk *jumps; // to all functions, or NULL: there is no room for them
};

// What a thread has of its own.
struct worker {
    struct job *job;
    struct wj_compile_scratch *scratch;
    struct wj_code_chunk *chunk; // or NULL
    uint8_t *stage;              // or NULL: code is written where it will be
    size_t stage_bytes;
};

// Takes the next functions worth BATCH_WASM_BYTES; false: none left, or another thread failed.
static bool take_batch(struct job *job, uint32_t *first, uint32_t *end)
{
    const struct wj_module *module = job->code->image->module;
    pthread_mutex_lock(&job->lock);
    *first = job->next_func;
    uint32_t bytes = 0;
    while (job->next_func < module->func_count && bytes < BATCH_WASM_BYTES) {
        bytes += module->funcs[job->next_func++].code_size_bytes + 16;
    }
    *end = job->next_func;
    bool has_work = *first < *end && job->err.kind == WJ_ERR_NONE;
    pthread_mutex_unlock(&job->lock);
    return has_work;
}

// The code of the worker's chunk is in the region from now on.
static bool store_chunk(struct worker *worker, struct wj_err *err)
{
    return worker->chunk == NULL || wj_region_store(worker->job->code->region, worker->chunk, err);
}

// How many functions from this one on a chunk will have, if their code has no less bytes than they
// have.
static uint32_t funcs_in(const struct wj_module *module, size_t chunk_bytes, uint32_t func_index)
{
    uint64_t end = module->funcs[func_index].code_offset + (uint64_t) chunk_bytes;
    uint32_t count = 0;
    while (count < CHUNK_FUNCS_MAX && count < module->func_count - func_index &&
           module->funcs[func_index + count].code_offset < end) {
        count++;
    }
    return count > CHUNK_FUNCS_MIN ? count : CHUNK_FUNCS_MIN;
}

// A chunk for the function and those after it.
static bool take_chunk(struct worker *worker, size_t min_bytes, uint32_t func_index,
                       struct wj_err *err)
{
    struct job *job = worker->job;
    const struct wj_module *module = job->code->image->module;
    struct wj_region *region = job->code->region;
    if (!store_chunk(worker, err)) {
        return false;
    }
    pthread_mutex_lock(&job->lock);
    if (worker->chunk != NULL) {
        wj_region_stage(worker->chunk, NULL, 0);
        wj_region_trim(region, worker->chunk);
    }
    worker->chunk =
        wj_region_chunk(region, min_bytes, false, funcs_in(module, min_bytes, func_index));
    pthread_mutex_unlock(&job->lock);
    if (worker->chunk == NULL) {
        return wj_code_fail_no_room(job->code, err);
    }
    if (worker->stage != NULL) {
        wj_region_stage(worker->chunk, worker->stage, worker->stage_bytes);
        return true;
    }
    const struct wj_func *last = &module->funcs[module->func_count - 1];
    size_t left = last->code_offset + last->code_size_bytes - module->funcs[func_index].code_offset;
    wj_region_populate(region, worker->chunk, 1, left * WJ_CODE_BYTES_USUAL);
    return true;
}

// A larger stage, for a function that an empty one does not hold: large enough at once, if it can
// be told, since each try is for nothing.
static bool grow_stage(struct worker *worker, uint32_t func_index, struct wj_err *err)
{
    const struct wj_func *func = &worker->job->code->image->module->funcs[func_index];
    size_t likely = (size_t) func->code_size_bytes * WJ_CODE_BYTES_USUAL * 2;
    size_t bytes = worker->stage_bytes * 2 > likely ? worker->stage_bytes * 2 : likely;
    struct wj_bulk *bulk = wj_code_bulk(worker->job->code);
    uint8_t *grown = wj_bulk_alloc(bulk, bytes);
    if (grown == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    wj_bulk_free(bulk, worker->stage);
    worker->stage = grown;
    worker->stage_bytes = bytes;
    wj_region_stage(worker->chunk, worker->stage, worker->stage_bytes);
    return true;
}

// Room for a function that found too little of it.
static bool make_room(struct worker *worker, size_t *chunk_bytes, uint32_t func_index,
                      struct wj_err *err)
{
    struct wj_code_chunk *chunk = worker->chunk;
    if (chunk != NULL && worker->stage != NULL &&
        atomic_load(&chunk->entry_count) < chunk->entry_capacity) {
        if (chunk->end > chunk->stored) {
            return store_chunk(worker, err);
        }
        if (worker->stage_bytes < chunk->limit - chunk->end) {
            return grow_stage(worker, func_index, err);
        }
    }
    // A function that does not fit an empty chunk wants a larger one.
    if (chunk != NULL && chunk->end == chunk->start) {
        *chunk_bytes *= 2;
    }
    return take_chunk(worker, *chunk_bytes, func_index, err);
}

static bool compile_batch(struct worker *worker, uint32_t first, uint32_t end, struct wj_err *err)
{
    struct job *job = worker->job;
    size_t chunk_bytes = CHUNK_BYTES_MIN;
    for (uint32_t i = first; i < end; i++) {
        while (__atomic_load_n(&job->addresses[i], __ATOMIC_ACQUIRE) == 0) {
            bool needs_room = true;
            struct wj_err failure;
            wj_err_clear(&failure);
            if (worker->chunk != NULL &&
                wj_code_compile_into(job->code, worker->chunk, worker->scratch, i, job->addresses,
                                     &needs_room, &failure)) {
                break;
            }
            if (!needs_room) {
                return wj_err_set(err, failure.kind, failure.offset, "%s", failure.message);
            }
            if (!make_room(worker, &chunk_bytes, i, err)) {
                return false;
            }
        }
    }
    return true;
}

static void *run_worker(void *context)
{
    struct job *job = context;
    struct worker worker = {.job = job};
    uint32_t first, end;
    struct wj_err err;
    wj_err_clear(&err);
    const struct wj_backend *backend = job->code->backend;
    struct wj_bulk *bulk = wj_code_bulk(job->code);
    worker.scratch = backend->scratch_new(bulk);
    if (worker.scratch == NULL) {
        wj_err_set(&err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    if (wj_region_is_open(job->code->region)) {
        worker.stage_bytes = STAGE_BYTES_MIN;
        worker.stage = wj_bulk_alloc(bulk, worker.stage_bytes);
    }
    if (worker.stage != NULL && bulk == NULL) {
        wj_pages_populate(worker.stage, worker.stage_bytes);
    }
    uint64_t start_ns = wj_now_ns();
    while (err.kind == WJ_ERR_NONE && take_batch(job, &first, &end)) {
        compile_batch(&worker, first, end, &err);
    }
    bool is_stored = store_chunk(&worker, &err);
    if (worker.chunk != NULL) {
        wj_region_stage(worker.chunk, NULL, 0);
    }
    wj_code_add_compile_time(job->code, start_ns);
    if (err.kind != WJ_ERR_NONE) {
        pthread_mutex_lock(&job->lock);
        wj_err_set(&job->err, err.kind, err.offset, "%s", err.message);
        job->is_lost |= !is_stored;
        pthread_mutex_unlock(&job->lock);
    }
    if (worker.scratch != NULL) {
        backend->scratch_free(worker.scratch);
    }
    wj_bulk_free(bulk, worker.stage);
    return NULL;
}

static bool is_complete(const struct wj_code *code)
{
    const struct wj_module *module = code->image->module;
    for (uint32_t i = module->func_import_count; i < module->func_count; i++) {
        if (__atomic_load_n(&code->addresses[i], __ATOMIC_RELAXED) == 0) {
            return false;
        }
    }
    return true;
}

static void run_workers(struct job *job, uint32_t threads)
{
    pthread_t ids[THREADS_MAX];
    uint32_t started = 0;
    uint64_t most = job->code->image->module->code_section_bytes / BATCH_WASM_BYTES;
    while (started + 1 < threads && started < most && started < THREADS_MAX &&
           pthread_create(&ids[started], NULL, run_worker, job) == 0) {
        started++;
    }
    run_worker(job);
    for (uint32_t i = 0; i < started; i++) {
        pthread_join(ids[i], NULL);
    }
}

// Nobody may find the code of the chunks from this one on: some of it is not there.
static void drop_chunks(struct wj_code *code, uint32_t first)
{
    uint64_t bytes = 0, funcs = 0;
    for (uint32_t i = first; i < atomic_load(&code->region->chunk_count); i++) {
        struct wj_code_chunk *chunk = wj_region_chunk_at(code->region, i);
        uint32_t count = atomic_exchange(&chunk->entry_count, 0);
        for (uint32_t k = 0; k < count; k++) {
            bytes += chunk->entries[k].info.code_bytes;
        }
        funcs += count;
    }
    atomic_fetch_sub(&code->compiled_bytes, bytes);
    atomic_fetch_sub(&code->engine->stats.code_bytes, bytes);
    atomic_fetch_sub(&code->engine->stats.funcs_compiled, funcs);
}

// Room for the jumps, before any code. Where the region is short, all of it is for code.
static void take_jumps(struct job *job)
{
    struct wj_code *code = job->code;
    size_t bytes = (size_t) code->image->module->func_count * code->backend->jump_bytes;
    job->jumps = code->region->is_short ? NULL : wj_region_chunk(code->region, bytes, false, 1);
    if (job->jumps != NULL) {
        code->jumps_address = wj_region_code_address(code->region) + job->jumps->start;
    }
}

static bool make_jumps(struct job *job, struct wj_err *err)
{
    struct wj_code *code = job->code;
    struct wj_bulk *bulk = wj_code_bulk(code);
    size_t bytes = job->jumps->limit - job->jumps->start;
    uint8_t *jumps = wj_bulk_alloc(bulk, bytes + WJ_WINDOW_BYTES_MIN);
    if (jumps == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    memset(jumps, 0, bytes);
    struct wj_code_window window = {
        .write = jumps,
        .address = code->jumps_address,
        .room_bytes = bytes + WJ_WINDOW_BYTES_MIN,
        .table_address = (uint64_t) (uintptr_t) wj_region_table(code->region),
    };
    code->backend->emit_jumps(&window, job->addresses, code->image->module->func_count);
    bool is_filled = wj_region_fill(code->region, job->jumps, jumps, err);
    wj_bulk_free(bulk, jumps);
    return is_filled;
}

// Also when something went wrong: what is compiled may call what is not.
static void finish_jumps(struct job *job)
{
    struct wj_err err;
    wj_err_clear(&err);
    if (job->jumps != NULL && !job->is_lost && !make_jumps(job, &err)) {
        job->is_lost = true;
        job->err = err;
    }
    job->code->jumps_address = 0;
}

// With code->lock held throughout, so that lazy compilation by other stores waits and all room is
// ours. The region stays open.
static bool compile_all_locked(struct wj_code *code, uint32_t threads, struct wj_err *err)
{
    uint32_t func_count = code->image->module->func_count;
    if (is_complete(code)) {
        return true; // another thread was before
    }
    // Where it cannot be opened, code is written in place.
    if (!wj_region_open(code->region) && !wj_region_own(code->region, err)) {
        return false;
    }
    struct job job = {.code = code, .next_func = code->image->module->func_import_count};
    struct wj_bulk *bulk = wj_code_bulk(code);
    job.addresses = wj_bulk_alloc(bulk, (func_count + 1u) * sizeof *job.addresses);
    if (job.addresses == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    memcpy(job.addresses, code->addresses, func_count * sizeof *job.addresses);
    wj_err_clear(&job.err);
    if (code->chunk != NULL) {
        wj_region_trim(code->region, code->chunk);
        code->chunk = NULL;
    }
    uint32_t chunk_count = atomic_load(&code->region->chunk_count);
    take_jumps(&job);
    pthread_mutex_init(&job.lock, NULL);
    run_workers(&job, threads);
    pthread_mutex_destroy(&job.lock);
    finish_jumps(&job);
    if (job.is_lost) {
        drop_chunks(code, chunk_count);
    }
    for (uint32_t i = 0; i < func_count && !job.is_lost; i++) {
        if (job.addresses[i] != code->addresses[i]) {
            wj_code_set_address(code, i, job.addresses[i]);
        }
    }
    wj_bulk_free(bulk, job.addresses);
    return job.err.kind == WJ_ERR_NONE ||
           wj_err_set(err, job.err.kind, job.err.offset, "%s", job.err.message);
}

bool wj_code_compile_all(struct wj_code *code, uint32_t threads, struct wj_err *err)
{
    if (is_complete(code)) {
        return true;
    }
    bool is_prepared = wj_image_prepare(code->image, UINT32_MAX, err);
    pthread_mutex_lock(&code->lock);
    bool is_compiled = is_prepared && compile_all_locked(code, threads, err);
    wj_region_close(code->region);
    pthread_mutex_unlock(&code->lock);
    return is_compiled;
}

bool wj_code_serialize(struct wj_code *code, uint32_t threads, struct wj_blob *out,
                       struct wj_err *err)
{
    bool has_all = is_complete(code);
    bool is_prepared = has_all || wj_image_prepare(code->image, UINT32_MAX, err);
    pthread_mutex_lock(&code->lock);
    bool is_written = is_prepared && (has_all || compile_all_locked(code, threads, err)) &&
                      wj_cwasm_write(code, NULL, out, err);
    wj_region_close(code->region);
    pthread_mutex_unlock(&code->lock);
    return is_written;
}
