// No path leads out of a preopened directory: every call that takes one, every way that is known,
// with openat2 and with the walk by components.
#include "tests/unit/wasi/guest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#define FOLLOW U(WASI_LOOKUP_SYMLINK_FOLLOW)

// Paths that lead out, with what the links of make_links are.
static const char *const outward[] = {
    "/etc/passwd",
    "/",
    "..",
    "../out/secret",
    "sub/../../out/secret",
    "sub/../..",
    "./../out/secret",
    "sub/./.././../out/secret",
    "sub//..//..//out/secret",
    "up/secret",
    "abs/secret",
    "chain/secret",
    "sub/above/out/secret",
    "proc/self/fd/0",
    "proc/self/root/etc/passwd",
    "proc/self/cwd/out/secret",
    "dev/fd/0",
    "dev/stdin",
};

// Links whose last step leads out when it is followed.
static const char *const last_links[] = {
    "to_secret", "to_abs", "to_chain", "to_missing", "to_missing_abs", "to_root",
};

static void make_links(struct guest *guest)
{
    char absolute[128];
    snprintf(absolute, sizeof(absolute), "%s/out", guest->dir);
    int bad = symlink("../out", "in/up") | symlink(absolute, "in/abs") |
              symlink("up", "in/chain2") | symlink("chain2", "in/chain") |
              symlink("../..", "in/sub/above") | symlink("/proc", "in/proc") |
              symlink("/dev", "in/dev") | symlink("../out/secret", "in/to_secret") |
              symlink("to_secret", "in/to_chain") | symlink("../out/new", "in/to_missing") |
              symlink("/", "in/to_root");
    snprintf(absolute, sizeof(absolute), "%s/out/secret", guest->dir);
    bad |= symlink(absolute, "in/to_abs");
    snprintf(absolute, sizeof(absolute), "%s/out/new", guest->dir);
    bad |= symlink(absolute, "in/to_missing_abs");
    assert_int_equal(bad, 0);
}

static void refuses(struct guest *guest, const char *call, const char *path,
                    enum wj_wasi_errno error)
{
    // Outside is a matter of permission; a path that never gets there may have other errors.
    if (error == WASI_ESUCCESS || !host_is("out/secret", "secret") || host_exists("out/new")) {
        fail_msg("%s %s: error %d", call, path, error);
    }
    (void) guest;
}

static void test_open(void **state)
{
    struct guest *guest = *state;
    make_links(guest);
    for (size_t i = 0; i < sizeof(outward) / sizeof(*outward); i++) {
        for (uint64_t lookup = 0; lookup <= 1; lookup++) {
            assert_int_equal(guest_open(guest, 3, outward[i], lookup, 0, READ_RIGHTS), WASI_EPERM);
            refuses(guest, "open creat", outward[i],
                    guest_open(guest, 3, outward[i], lookup, WASI_OFLAG_CREAT, WRITE_RIGHTS));
            refuses(guest, "open directory", outward[i],
                    guest_open(guest, 3, outward[i], lookup, WASI_OFLAG_DIRECTORY, READ_RIGHTS));
        }
    }
    for (size_t i = 0; i < sizeof(last_links) / sizeof(*last_links); i++) {
        assert_int_equal(guest_open(guest, 3, last_links[i], FOLLOW, 0, READ_RIGHTS), WASI_EPERM);
        assert_int_equal(guest_open(guest, 3, last_links[i], 0, 0, READ_RIGHTS), WASI_ELOOP);
        assert_int_equal(
            guest_open(guest, 3, last_links[i], FOLLOW, WASI_OFLAG_CREAT, WRITE_RIGHTS),
            WASI_EPERM);
        refuses(guest, "open nofollow creat", last_links[i],
                guest_open(guest, 3, last_links[i], 0, WASI_OFLAG_CREAT, WRITE_RIGHTS));
        assert_int_equal(guest_open(guest, 3, last_links[i], FOLLOW,
                                    WASI_OFLAG_CREAT | WASI_OFLAG_EXCL, WRITE_RIGHTS),
                         WASI_EEXIST);
        refuses(guest, "open truncate", last_links[i],
                guest_open(guest, 3, last_links[i], FOLLOW, WASI_OFLAG_TRUNC, WRITE_RIGHTS));
    }
    assert_true(host_is("out/secret", "secret"));
    assert_false(host_exists("out/new"));
}

static void test_other_calls(void **state)
{
    struct guest *guest = *state;
    make_links(guest);
    for (size_t i = 0; i < sizeof(outward) / sizeof(*outward); i++) {
        const char *path = outward[i];
        for (uint64_t lookup = 0; lookup <= 1; lookup++) {
            assert_int_equal(
                guest_call(guest, "path_filestat_get", U(3), lookup, TEXT(PATH_A, path), U(OUT)),
                WASI_EPERM);
            assert_int_equal(guest_call(guest, "path_filestat_set_times", U(3), lookup,
                                        TEXT(PATH_A, path), U(0), U(0), U(5)),
                             WASI_EPERM);
            refuses(guest, "link", path,
                    guest_call(guest, "path_link", U(3), lookup, TEXT(PATH_A, path), U(3),
                               TEXT(PATH_B, "linked")));
        }
        refuses(guest, "mkdir", path,
                guest_call(guest, "path_create_directory", U(3), TEXT(PATH_A, path)));
        refuses(guest, "rmdir", path,
                guest_call(guest, "path_remove_directory", U(3), TEXT(PATH_A, path)));
        refuses(guest, "unlink", path,
                guest_call(guest, "path_unlink_file", U(3), TEXT(PATH_A, path)));
        refuses(guest, "readlink", path,
                guest_call(guest, "path_readlink", U(3), TEXT(PATH_A, path), U(BUFFER), U(4096),
                           U(OUT)));
        refuses(guest, "rename from", path,
                guest_call(guest, "path_rename", U(3), TEXT(PATH_A, path), U(3),
                           TEXT(PATH_B, "taken")));
        refuses(
            guest, "rename to", path,
            guest_call(guest, "path_rename", U(3), TEXT(PATH_A, "file"), U(3), TEXT(PATH_B, path)));
        refuses(guest, "link to", path,
                guest_call(guest, "path_link", U(3), U(0), TEXT(PATH_A, "file"), U(3),
                           TEXT(PATH_B, path)));
        refuses(guest, "symlink at", path,
                guest_call(guest, "path_symlink", TEXT(PATH_A, "file"), U(3), TEXT(PATH_B, path)));
    }
    assert_true(host_is("in/file", "inside"));
    assert_false(host_exists("in/linked") || host_exists("in/taken"));
}

static void test_last_link_calls(void **state)
{
    struct guest *guest = *state;
    make_links(guest);
    for (size_t i = 0; i < sizeof(last_links) / sizeof(*last_links); i++) {
        const char *path = last_links[i];
        assert_int_equal(
            guest_call(guest, "path_filestat_get", U(3), FOLLOW, TEXT(PATH_A, path), U(OUT)),
            WASI_EPERM);
        assert_int_equal(guest_call(guest, "path_filestat_set_times", U(3), FOLLOW,
                                    TEXT(PATH_A, path), U(0), U(0), U(5)),
                         WASI_EPERM);
        assert_int_equal(guest_call(guest, "path_link", U(3), FOLLOW, TEXT(PATH_A, path), U(3),
                                    TEXT(PATH_B, "linked")),
                         WASI_EPERM);
        // The links themselves are inside.
        assert_int_equal(
            guest_call(guest, "path_filestat_get", U(3), U(0), TEXT(PATH_A, path), U(OUT)),
            WASI_ESUCCESS);
        assert_int_equal(guest->memory[OUT + 16], WASI_FILETYPE_SYMBOLIC_LINK);
        assert_int_equal(guest_call(guest, "path_filestat_set_times", U(3), U(0),
                                    TEXT(PATH_A, path), U(0), U(1000000000), U(5)),
                         WASI_ESUCCESS);
    }
    for (size_t i = 0; i < sizeof(last_links) / sizeof(*last_links); i++) {
        assert_int_equal(guest_call(guest, "path_unlink_file", U(3), TEXT(PATH_A, last_links[i])),
                         WASI_ESUCCESS);
    }
    struct stat st;
    assert_int_equal(stat("out/secret", &st), 0);
    assert_true(st.st_mtime > 1000000);
    assert_int_equal(st.st_nlink, 1);
}

static void test_trailing_slash_follows_nothing_out(void **state)
{
    struct guest *guest = *state;
    make_links(guest);
    for (uint64_t lookup = 0; lookup <= 1; lookup++) {
        assert_int_equal(guest_open(guest, 3, "up/", lookup, 0, READ_RIGHTS), WASI_EPERM);
        assert_int_equal(guest_open(guest, 3, "abs//", lookup, 0, READ_RIGHTS), WASI_EPERM);
        assert_int_equal(
            guest_call(guest, "path_filestat_get", U(3), lookup, TEXT(PATH_A, "up/"), U(OUT)),
            WASI_EPERM);
        assert_int_equal(
            guest_call(guest, "path_filestat_get", U(3), lookup, TEXT(PATH_A, "up/."), U(OUT)),
            WASI_EPERM);
    }
    assert_int_equal(guest_call(guest, "path_remove_directory", U(3), TEXT(PATH_A, "up/")),
                     WASI_ENOTDIR);
    assert_int_equal(guest_call(guest, "path_unlink_file", U(3), TEXT(PATH_A, "up/")),
                     WASI_ENOTDIR);
    refuses(guest, "mkdir", "to_missing/",
            guest_call(guest, "path_create_directory", U(3), TEXT(PATH_A, "to_missing/")));
    refuses(
        guest, "rename", "up/",
        guest_call(guest, "path_rename", U(3), TEXT(PATH_A, "up/"), U(3), TEXT(PATH_B, "moved")));
    refuses(
        guest, "symlink", "to_missing/",
        guest_call(guest, "path_symlink", TEXT(PATH_A, "x"), U(3), TEXT(PATH_B, "to_missing/")));
    assert_true(host_exists("out/secret"));
}

static void test_loops(void **state)
{
    struct guest *guest = *state;
    assert_int_equal(symlink("self", "in/self") | symlink("b", "in/a") | symlink("a", "in/b"), 0);
    assert_int_equal(guest_open(guest, 3, "self", FOLLOW, 0, READ_RIGHTS), WASI_ELOOP);
    assert_int_equal(guest_open(guest, 3, "a/x", FOLLOW, WASI_OFLAG_CREAT, WRITE_RIGHTS),
                     WASI_ELOOP);
    // Forty links are followed, more are not.
    char from[32], to[32];
    for (int i = 0; i < 41; i++) {
        snprintf(from, sizeof(from), "in/l%d", i);
        snprintf(to, sizeof(to), i == 0 ? "file" : "l%d", i - 1);
        assert_int_equal(symlink(to, from), 0);
    }
    assert_int_equal(guest_open(guest, 3, "l39", FOLLOW, 0, READ_RIGHTS), WASI_ESUCCESS);
    assert_int_equal(guest_open(guest, 3, "l40", FOLLOW, 0, READ_RIGHTS), WASI_ELOOP);
}

static void test_inside_links_work(void **state)
{
    struct guest *guest = *state;
    assert_int_equal(symlink("sub/../file", "in/ok") | symlink("sub", "in/subdir") |
                         symlink("made", "in/dangling"),
                     0);
    assert_int_equal(guest_open(guest, 3, "ok", FOLLOW, 0, READ_RIGHTS), WASI_ESUCCESS);
    assert_int_equal(guest_open(guest, 3, "subdir/deep", 0, 0, READ_RIGHTS), WASI_ESUCCESS);
    assert_int_equal(guest_open(guest, 3, "subdir/../file", 0, 0, READ_RIGHTS), WASI_ESUCCESS);
    assert_int_equal(guest_open(guest, 3, "subdir/", 0, 0, READ_RIGHTS), WASI_ESUCCESS);
    assert_int_equal(guest_open(guest, 3, "dangling", FOLLOW, WASI_OFLAG_CREAT, WRITE_RIGHTS),
                     WASI_ESUCCESS);
    assert_true(host_exists("in/made"));
    assert_int_equal(guest_open(guest, 3, ".", 0, 0, READ_RIGHTS), WASI_ESUCCESS);
    assert_int_equal(guest_open(guest, 3, "sub/..", 0, WASI_OFLAG_DIRECTORY, READ_RIGHTS),
                     WASI_ESUCCESS);
    assert_int_equal(guest_open(guest, 3, "file/", 0, 0, READ_RIGHTS), WASI_ENOTDIR);
    assert_int_equal(guest_open(guest, 3, "file/.", 0, 0, READ_RIGHTS), WASI_ENOTDIR);
    assert_int_equal(guest_open(guest, 3, "new/", 0, WASI_OFLAG_CREAT, WRITE_RIGHTS), WASI_EISDIR);
    assert_int_equal(guest_call(guest, "path_create_directory", U(3), TEXT(PATH_A, "made_dir/")),
                     WASI_ESUCCESS);
    assert_int_equal(guest_call(guest, "path_remove_directory", U(3), TEXT(PATH_A, "made_dir/")),
                     WASI_ESUCCESS);
    assert_int_equal(guest_call(guest, "path_unlink_file", U(3), TEXT(PATH_A, "file/")),
                     WASI_ENOTDIR);
    assert_int_equal(guest_call(guest, "path_create_directory", U(3), TEXT(PATH_A, ".")),
                     WASI_EEXIST);
    assert_int_equal(guest_call(guest, "path_create_directory", U(3), TEXT(PATH_A, "sub/..")),
                     WASI_EEXIST);
    assert_int_equal(
        guest_call(guest, "path_rename", U(3), TEXT(PATH_A, "."), U(3), TEXT(PATH_B, "x")),
        WASI_EBUSY);
    assert_int_equal(
        guest_call(guest, "path_rename", U(3), TEXT(PATH_A, "sub"), U(3), TEXT(PATH_B, ".")),
        WASI_EBUSY);
}

static void test_links_made_by_the_guest(void **state)
{
    struct guest *guest = *state;
    assert_int_equal(
        guest_call(guest, "path_symlink", TEXT(PATH_A, "/etc/passwd"), U(3), TEXT(PATH_B, "l1")),
        WASI_EPERM);
    assert_int_equal(
        guest_call(guest, "path_symlink", TEXT(PATH_A, "../out/secret"), U(3), TEXT(PATH_B, "l2")),
        WASI_ESUCCESS);
    assert_int_equal(guest_open(guest, 3, "l2", FOLLOW, 0, READ_RIGHTS), WASI_EPERM);
    assert_int_equal(
        guest_call(guest, "path_symlink", TEXT(PATH_A, "../out"), U(3), TEXT(PATH_B, "l3")),
        WASI_ESUCCESS);
    assert_int_equal(guest_open(guest, 3, "l3/new", FOLLOW, WASI_OFLAG_CREAT, WRITE_RIGHTS),
                     WASI_EPERM);
    // A link that leads inside from where it was made, and outside from where it is moved to.
    assert_int_equal(
        guest_call(guest, "path_symlink", TEXT(PATH_A, "../x"), U(3), TEXT(PATH_B, "sub/l4")),
        WASI_ESUCCESS);
    assert_int_equal(guest_open(guest, 3, "sub/l4", FOLLOW, WASI_OFLAG_CREAT, WRITE_RIGHTS),
                     WASI_ESUCCESS);
    assert_int_equal(
        guest_call(guest, "path_rename", U(3), TEXT(PATH_A, "sub/l4"), U(3), TEXT(PATH_B, "l4")),
        WASI_ESUCCESS);
    assert_int_equal(guest_open(guest, 3, "l4", FOLLOW, WASI_OFLAG_CREAT, WRITE_RIGHTS),
                     WASI_EPERM);
    assert_false(host_exists("x") || host_exists("out/new"));
}

// From a directory that the guest opened itself, `..` ends there too.
static void test_subdirectory_is_a_root(void **state)
{
    struct guest *guest = *state;
    assert_int_equal(guest_open(guest, 3, "sub", 0, WASI_OFLAG_DIRECTORY, ALL_RIGHTS),
                     WASI_ESUCCESS);
    uint32_t sub = guest_u32(guest, OUT);
    assert_int_equal(guest_open(guest, sub, "deep", 0, 0, READ_RIGHTS), WASI_ESUCCESS);
    assert_int_equal(guest_open(guest, sub, "../file", 0, 0, READ_RIGHTS), WASI_EPERM);
    assert_int_equal(
        guest_call(guest, "path_filestat_get", U(sub), U(0), TEXT(PATH_A, ".."), U(OUT)),
        WASI_EPERM);
}

static void test_strange_paths(void **state)
{
    struct guest *guest = *state;
    assert_int_equal(guest_open(guest, 3, "", 0, 0, READ_RIGHTS), WASI_ENOENT);
    memcpy(guest->memory + PATH_A, "file\0x", 6);
    assert_int_equal(guest_call(guest, "path_open", U(3), U(0), U(PATH_A), U(6), U(0), READ_RIGHTS,
                                U(0), U(0), U(OUT)),
                     WASI_EINVAL);
    assert_int_equal(guest_open(guest, 3, "\xff", 0, 0, READ_RIGHTS), WASI_EILSEQ);
    assert_int_equal(guest_open(guest, 3, "a\xc0\xaf", 0, 0, READ_RIGHTS), WASI_EILSEQ);
    assert_int_equal(guest_open(guest, 3, "\xed\xa0\x80", 0, 0, READ_RIGHTS), WASI_EILSEQ);
    assert_int_equal(guest_open(guest, 3, "\xe2\x82", 0, 0, READ_RIGHTS), WASI_EILSEQ);
    assert_int_equal(guest_open(guest, 3, "caf\xc3\xa9", 0, WASI_OFLAG_CREAT, WRITE_RIGHTS),
                     WASI_ESUCCESS);
    memset(guest->memory + PATH_A, 'x', 5000);
    for (uint64_t length = 4095; length <= 5000; length += 905) {
        assert_int_equal(guest_call(guest, "path_open", U(3), U(0), U(PATH_A), length, U(0),
                                    READ_RIGHTS, U(0), U(0), U(OUT)),
                         WASI_ENAMETOOLONG);
    }
    assert_int_equal(guest_call(guest, "path_create_directory", U(3), U(PATH_A), U(256)),
                     WASI_ENAMETOOLONG);
    // A long path of short steps, which the fallback walks with many directories open.
    for (int i = 0; i < 1000; i++) {
        memcpy(guest->memory + PATH_A + i * 2, "./", 2);
    }
    memcpy(guest->memory + PATH_A + 2000, "file", 4);
    assert_int_equal(guest_call(guest, "path_open", U(3), U(0), U(PATH_A), U(2004), U(0),
                                READ_RIGHTS, U(0), U(0), U(OUT)),
                     WASI_ESUCCESS);
    assert_int_equal(guest_call(guest, "path_open", U(3), U(0), U(GUEST_BYTES - 2), U(3), U(0),
                                READ_RIGHTS, U(0), U(0), U(OUT)),
                     WASI_EFAULT);
    assert_int_equal(guest_call(guest, "path_open", U(3), U(0), U(0xffffffff), U(0xffffffff), U(0),
                                READ_RIGHTS, U(0), U(0), U(OUT)),
                     WASI_EFAULT);
}

struct swapper {
    atomic_bool is_done;
    pthread_t thread;
};

static void *swap_links(void *env)
{
    struct swapper *swapper = env;
    while (!atomic_load(&swapper->is_done)) {
        // A directory and a link to the outside change places under the guest's feet.
        syscall(SYS_renameat2, AT_FDCWD, "in/swap", AT_FDCWD, "in/evil", 2u);
    }
    return NULL;
}

static void start_swapping(struct swapper *swapper)
{
    assert_int_equal(mkdir("in/swap", 0755) | symlink("../out", "in/evil"), 0);
    host_write("in/swap/secret", "decoy");
    assert_int_equal(pthread_create(&swapper->thread, NULL, swap_links, swapper), 0);
}

static void stop_swapping(struct swapper *swapper)
{
    atomic_store(&swapper->is_done, true);
    pthread_join(swapper->thread, NULL);
}

static void test_swapped_directory(void **state)
{
    struct guest *guest = *state;
    struct swapper swapper = {0};
    start_swapping(&swapper);
    unsigned opened = 0;
    for (int i = 0; i < 20000; i++) {
        enum wj_wasi_errno error = guest_open(guest, 3, "swap/secret", FOLLOW, 0, READ_RIGHTS);
        if (error == WASI_ESUCCESS) {
            uint32_t fd = guest_u32(guest, OUT);
            assert_int_equal(guest_read(guest, fd, 16), WASI_ESUCCESS);
            assert_int_equal(guest_u32(guest, OUT), 5);
            assert_memory_equal(guest->memory + BUFFER, "decoy", 5);
            assert_int_equal(guest_call(guest, "fd_close", U(fd)), WASI_ESUCCESS);
            opened++;
        }
    }
    stop_swapping(&swapper);
    assert_true(opened > 0);
}

// The calls that change something have no openat2: they look for the parent first.
static void test_swapped_parent(void **state)
{
    struct guest *guest = *state;
    struct swapper swapper = {0};
    start_swapping(&swapper);
    unsigned done = 0;
    for (int i = 0; i < 4000; i++) {
        done += guest_call(guest, "path_unlink_file", U(3), TEXT(PATH_A, "swap/secret")) ==
                WASI_ESUCCESS;
        done += guest_call(guest, "path_link", U(3), U(0), TEXT(PATH_A, "file"), U(3),
                           TEXT(PATH_B, "swap/secret")) == WASI_ESUCCESS;
        done +=
            guest_open(guest, 3, "swap/new", 0, WASI_OFLAG_CREAT, WRITE_RIGHTS) == WASI_ESUCCESS;
        guest_call(guest, "fd_close", U(4));
        done += guest_call(guest, "path_create_directory", U(3), TEXT(PATH_A, "swap/new2")) ==
                WASI_ESUCCESS;
        done += guest_call(guest, "path_remove_directory", U(3), TEXT(PATH_A, "swap/new2")) ==
                WASI_ESUCCESS;
        done += guest_call(guest, "path_symlink", TEXT(PATH_A, "x"), U(3),
                           TEXT(PATH_B, "swap/new3")) == WASI_ESUCCESS;
        done += guest_call(guest, "path_rename", U(3), TEXT(PATH_A, "swap/new3"), U(3),
                           TEXT(PATH_B, "swap/new4")) == WASI_ESUCCESS;
        guest_call(guest, "path_filestat_set_times", U(3), U(0), TEXT(PATH_A, "swap/secret"), U(0),
                   U(1000000000), U(5));
    }
    stop_swapping(&swapper);
    assert_true(done > 0);
    // Outside there is what was there, untouched.
    struct stat st;
    assert_true(host_is("out/secret", "secret"));
    assert_int_equal(stat("out/secret", &st), 0);
    assert_true(st.st_mtime > 1000000 && st.st_nlink == 1);
    assert_false(host_exists("out/new") || host_exists("out/new2") || host_exists("out/new3") ||
                 host_exists("out/new4"));
}

// A preopened directory that was closed is gone, and what gets its number is no preopen.
static void test_closed_preopen(void **state)
{
    struct guest *guest = *state;
    assert_int_equal(guest_open(guest, 3, "sub", 0, WASI_OFLAG_DIRECTORY, ALL_RIGHTS),
                     WASI_ESUCCESS);
    uint32_t sub = guest_u32(guest, OUT);
    assert_int_equal(guest_call(guest, "fd_close", U(3)), WASI_ESUCCESS);
    assert_int_equal(guest_open(guest, 3, "file", 0, 0, READ_RIGHTS), WASI_EBADF);
    assert_int_equal(guest_call(guest, "fd_prestat_get", U(3), U(OUT)), WASI_EBADF);
    assert_int_equal(guest_call(guest, "fd_prestat_dir_name", U(3), U(OUT), U(3)), WASI_EBADF);
    assert_int_equal(guest_call(guest, "fd_renumber", U(sub), U(3)), WASI_EBADF);
    assert_int_equal(
        guest_open(guest, sub, ".", 0, WASI_OFLAG_DIRECTORY, READ_RIGHTS | U(WASI_RIGHT_PATH_OPEN)),
        WASI_ESUCCESS);
    assert_int_equal(guest_u32(guest, OUT), 3); // the lowest that is free
    assert_int_equal(guest_call(guest, "fd_prestat_get", U(3), U(OUT)), WASI_EBADF);
    assert_int_equal(guest_open(guest, 3, "../file", 0, 0, READ_RIGHTS), WASI_EPERM);
    // It has the rights that it was opened with, not those of the directory before.
    assert_int_equal(guest_open(guest, 3, "deep", 0, 0, WRITE_RIGHTS), WASI_ENOTCAPABLE);
    assert_int_equal(guest_call(guest, "path_unlink_file", U(3), TEXT(PATH_A, "deep")),
                     WASI_ENOTCAPABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_WALKS(test_open),
        BOTH_WALKS(test_other_calls),
        BOTH_WALKS(test_last_link_calls),
        BOTH_WALKS(test_trailing_slash_follows_nothing_out),
        BOTH_WALKS(test_loops),
        BOTH_WALKS(test_inside_links_work),
        BOTH_WALKS(test_links_made_by_the_guest),
        BOTH_WALKS(test_subdirectory_is_a_root),
        BOTH_WALKS(test_strange_paths),
        BOTH_WALKS(test_swapped_directory),
        BOTH_WALKS(test_swapped_parent),
        BOTH_WALKS(test_closed_preopen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
