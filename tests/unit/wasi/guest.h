// A guest without a runtime for the WASI tests: memory, a context, and calls by name. Every path
// test runs twice, with openat2 and with the walk by components.
#ifndef TESTS_UNIT_WASI_GUEST_H
#define TESTS_UNIT_WASI_GUEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/wasi/context.h"

#define GUEST_BYTES 65536u
#define OUT 1024u    // where results go
#define PATH_A 8192u // where paths are put: longer than a path may be
#define PATH_B 16384u
#define BUFFER 24576u
#define SCRATCH 40960u

struct guest {
    struct wj_wasi wasi;
    uint8_t memory[GUEST_BYTES];
    char dir[64]; // of the host; "in" below it is preopened as 3, "out" is not
    char cwd[4096];
};

static inline enum wj_wasi_errno guest_call(struct guest *guest, const char *name, ...)
{
    const struct wj_wasi_entry *entry = wj_wasi_find(name, strlen(name));
    assert_non_null(entry);
    uint64_t args[WJ_WASI_PARAMS_MAX];
    va_list list;
    va_start(list, name);
    for (size_t i = 0; entry->params[i]; i++) {
        args[i] = va_arg(list, uint64_t);
        if (entry->params[i] == 'i') {
            args[i] = (uint32_t) args[i];
        }
    }
    va_end(list);
    struct wj_wasi_call call = {
        .wasi = &guest->wasi, .base = guest->memory, .size_bytes = GUEST_BYTES, .args = args};
    return entry->run(&call);
}

#define U(x) ((uint64_t) (x))

// Puts text into the guest's memory: its address and length as two arguments.
static inline uint64_t guest_text(struct guest *guest, uint64_t at, const char *text)
{
    memcpy(guest->memory + at, text, strlen(text));
    return at;
}
#define TEXT(at, text) guest_text(guest, at, text), U(strlen(text))

static inline uint32_t guest_u32(const struct guest *guest, uint64_t at)
{
    return wj_wasi_get_u32(guest->memory + at);
}
static inline uint64_t guest_u64(const struct guest *guest, uint64_t at)
{
    return wj_wasi_get_u64(guest->memory + at);
}

#define ALL_RIGHTS U(WASI_RIGHTS_ALL)
#define READ_RIGHTS U(WASI_RIGHT_FD_READ | WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_READDIR)
#define WRITE_RIGHTS (READ_RIGHTS | U(WASI_RIGHT_FD_WRITE))

static inline enum wj_wasi_errno guest_open(struct guest *guest, uint32_t dir, const char *path,
                                            uint64_t lookup, uint64_t oflags, uint64_t rights)
{
    return guest_call(guest, "path_open", U(dir), lookup, TEXT(PATH_A, path), oflags, rights,
                      rights, U(0), U(OUT));
}

// Writes text to a descriptor through one vector.
static inline enum wj_wasi_errno guest_write(struct guest *guest, uint32_t fd, const char *text)
{
    memcpy(guest->memory + BUFFER, text, strlen(text));
    wj_wasi_put_u32(guest->memory + SCRATCH, BUFFER);
    wj_wasi_put_u32(guest->memory + SCRATCH + 4, (uint32_t) strlen(text));
    return guest_call(guest, "fd_write", U(fd), U(SCRATCH), U(1), U(OUT));
}

static inline enum wj_wasi_errno guest_read(struct guest *guest, uint32_t fd, uint32_t size)
{
    wj_wasi_put_u32(guest->memory + SCRATCH, BUFFER);
    wj_wasi_put_u32(guest->memory + SCRATCH + 4, size);
    return guest_call(guest, "fd_read", U(fd), U(SCRATCH), U(1), U(OUT));
}

// The host's side, relative to the test's own folder.
static inline void host_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static inline bool host_is(const char *path, const char *text)
{
    char buffer[256];
    int fd = open(path, O_RDONLY);
    ssize_t got = fd >= 0 ? read(fd, buffer, sizeof(buffer)) : -1;
    if (fd >= 0) {
        close(fd);
    }
    return got == (ssize_t) strlen(text) && !memcmp(buffer, text, (size_t) got);
}

static inline bool host_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static inline int guest_setup(void **state, enum wj_wasi_walk walk)
{
    struct guest *guest = calloc(1, sizeof(*guest));
    assert_non_null(guest);
    assert_non_null(getcwd(guest->cwd, sizeof(guest->cwd)));
    strcpy(guest->dir, "/tmp/wjit-wasi-XXXXXX");
    assert_non_null(mkdtemp(guest->dir));
    assert_int_equal(chdir(guest->dir), 0);
    assert_int_equal(mkdir("in", 0755) | mkdir("in/sub", 0755) | mkdir("out", 0755), 0);
    host_write("in/file", "inside");
    host_write("in/sub/deep", "deep");
    host_write("out/secret", "secret");
    wj_wasi_init(&guest->wasi);
    guest->wasi.walk = walk;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wj_wasi_fds_add_stream(&guest->wasi.fds, i), WASI_ESUCCESS);
    }
    assert_true(wj_wasi_fds_add_preopen(&guest->wasi.fds, "in", "/in", false));
    *state = guest;
    return 0;
}

static inline int setup_openat2(void **state)
{
    return guest_setup(state, WASI_WALK_AUTO);
}

static inline int setup_walk(void **state)
{
    return guest_setup(state, WASI_WALK_COMPONENTS);
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void) st, (void) type, (void) ftw;
    return remove(path);
}

static inline int teardown(void **state)
{
    struct guest *guest = *state;
    wj_wasi_clear(&guest->wasi);
    assert_int_equal(chdir(guest->cwd), 0);
    nftw(guest->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(guest);
    return 0;
}

#define BOTH_WALKS(test)                                       \
    {#test " (openat2)", test, setup_openat2, teardown, NULL}, \
    {                                                          \
#test " (walk)", test, setup_walk, teardown, NULL      \
    }
#define ONE_WALK(test)                             \
    {                                              \
#test, test, setup_openat2, teardown, NULL \
    }

#endif
