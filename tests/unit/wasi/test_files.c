// Descriptors: rights, flags, transfers with hostile vectors, directories, renumbering, pipes.
#include "tests/unit/wasi/guest.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>

#define FOLLOW U(WASI_LOOKUP_SYMLINK_FOLLOW)

static uint32_t open_file(struct guest *guest, const char *path, uint64_t oflags, uint64_t rights)
{
    assert_int_equal(guest_open(guest, 3, path, FOLLOW, oflags, rights), WASI_ESUCCESS);
    return guest_u32(guest, OUT);
}

static void put_iovec(struct guest *guest, uint64_t at, uint32_t address, uint32_t size)
{
    wj_wasi_put_u32(guest->memory + at, address);
    wj_wasi_put_u32(guest->memory + at + 4, size);
}

static void test_read_write_seek(void **state)
{
    struct guest *guest = *state;
    uint32_t fd = open_file(guest, "new", WASI_OFLAG_CREAT | WASI_OFLAG_EXCL, ALL_RIGHTS);
    assert_int_equal(guest_write(guest, fd, "hello"), WASI_ESUCCESS);
    assert_int_equal(guest_u32(guest, OUT), 5);
    assert_int_equal(guest_call(guest, "fd_seek", U(fd), U(-2), U(WASI_WHENCE_END), U(OUT)),
                     WASI_ESUCCESS);
    assert_int_equal(guest_u64(guest, OUT), 3);
    assert_int_equal(guest_read(guest, fd, 100), WASI_ESUCCESS);
    assert_int_equal(guest_u32(guest, OUT), 2);
    assert_memory_equal(guest->memory + BUFFER, "lo", 2);
    assert_int_equal(guest_call(guest, "fd_tell", U(fd), U(OUT)), WASI_ESUCCESS);
    assert_int_equal(guest_u64(guest, OUT), 5);
    put_iovec(guest, SCRATCH, BUFFER, 2);
    put_iovec(guest, SCRATCH + 8, BUFFER + 100, 2);
    assert_int_equal(guest_call(guest, "fd_pread", U(fd), U(SCRATCH), U(2), U(1), U(OUT)),
                     WASI_ESUCCESS);
    assert_memory_equal(guest->memory + BUFFER, "el", 2);
    assert_memory_equal(guest->memory + BUFFER + 100, "lo", 2);
    assert_int_equal(guest_call(guest, "fd_pwrite", U(fd), U(SCRATCH), U(1), U(0), U(OUT)),
                     WASI_ESUCCESS);
    assert_true(host_is("in/new", "elllo"));
    // Offsets that do not fit the host's.
    assert_int_equal(guest_call(guest, "fd_pread", U(fd), U(SCRATCH), U(1), UINT64_MAX, U(OUT)),
                     WASI_EINVAL);
    assert_int_equal(guest_call(guest, "fd_pwrite", U(fd), U(SCRATCH), U(1), U(INT64_MAX), U(OUT)),
                     WASI_EINVAL);
    assert_int_equal(guest_call(guest, "fd_seek", U(fd), U(INT64_MIN), U(WASI_WHENCE_CUR), U(OUT)),
                     WASI_EINVAL);
    assert_int_equal(guest_call(guest, "fd_seek", U(fd), U(0), U(3), U(OUT)), WASI_EINVAL);
    assert_int_equal(guest_call(guest, "fd_allocate", U(fd), U(1), U(INT64_MAX)), WASI_EFBIG);
    assert_int_equal(guest_call(guest, "fd_allocate", U(fd), U(0), U(0)), WASI_EINVAL);
    assert_int_equal(guest_call(guest, "fd_advise", U(fd), U(0), U(0), U(6)), WASI_EINVAL);
    assert_int_equal(guest_call(guest, "fd_advise", U(fd), U(0), U(0), U(3)), WASI_ESUCCESS);
    assert_int_equal(guest_call(guest, "fd_filestat_set_size", U(fd), UINT64_MAX), WASI_EFBIG);
    assert_int_equal(guest_call(guest, "fd_filestat_set_size", U(fd), U(2)), WASI_ESUCCESS);
    assert_true(host_is("in/new", "el"));
    assert_int_equal(guest_call(guest, "fd_sync", U(fd)), WASI_ESUCCESS);
    assert_int_equal(guest_call(guest, "fd_datasync", U(fd)), WASI_ESUCCESS);
    assert_int_equal(guest_call(guest, "fd_close", U(fd)), WASI_ESUCCESS);
    assert_int_equal(guest_call(guest, "fd_close", U(fd)), WASI_EBADF);
    assert_int_equal(guest_read(guest, fd, 1), WASI_EBADF);
    assert_int_equal(guest_read(guest, UINT32_MAX, 1), WASI_EBADF);
}

static void test_hostile_vectors(void **state)
{
    struct guest *guest = *state;
    uint32_t fd = open_file(guest, "file", 0, ALL_RIGHTS);
    put_iovec(guest, SCRATCH, GUEST_BYTES - 4, 8);
    assert_int_equal(guest_call(guest, "fd_read", U(fd), U(SCRATCH), U(1), U(OUT)), WASI_EFAULT);
    put_iovec(guest, SCRATCH, UINT32_MAX, UINT32_MAX);
    assert_int_equal(guest_call(guest, "fd_write", U(fd), U(SCRATCH), U(1), U(OUT)), WASI_EFAULT);
    assert_int_equal(guest_call(guest, "fd_read", U(fd), U(SCRATCH), U(UINT32_MAX), U(OUT)),
                     WASI_EFAULT);
    assert_int_equal(guest_call(guest, "fd_read", U(fd), U(GUEST_BYTES - 4), U(1), U(OUT)),
                     WASI_EFAULT);
    // The result's place is bad: nothing is read.
    put_iovec(guest, SCRATCH, BUFFER, 6);
    assert_int_equal(guest_call(guest, "fd_read", U(fd), U(SCRATCH), U(1), U(GUEST_BYTES - 3)),
                     WASI_EFAULT);
    assert_int_equal(guest_call(guest, "fd_tell", U(fd), U(OUT)), WASI_ESUCCESS);
    assert_int_equal(guest_u64(guest, OUT), 0);
    // The data overwrites the vectors, and the count the data.
    put_iovec(guest, SCRATCH, SCRATCH, 6);
    assert_int_equal(guest_call(guest, "fd_read", U(fd), U(SCRATCH), U(1), U(SCRATCH + 4)),
                     WASI_ESUCCESS);
    assert_memory_equal(guest->memory + SCRATCH, "insi", 4);
    assert_int_equal(guest_u32(guest, SCRATCH + 4), 6);
    // Empty vectors before one that is not, more than the host takes at once.
    assert_int_equal(guest_call(guest, "fd_seek", U(fd), U(0), U(0), U(OUT)), WASI_ESUCCESS);
    memset(guest->memory + SCRATCH, 0, 2000 * 8);
    put_iovec(guest, SCRATCH + 1999 * 8, BUFFER, 6);
    assert_int_equal(guest_call(guest, "fd_read", U(fd), U(SCRATCH), U(2000), U(OUT)),
                     WASI_ESUCCESS);
    assert_int_equal(guest_u32(guest, OUT), 6);
    // Vectors of all memory, many times: the sum exceeds 32 bits.
    for (uint64_t i = 0; i < 2000; i++) {
        put_iovec(guest, SCRATCH + i * 8, 0, SCRATCH);
    }
    assert_int_equal(guest_call(guest, "fd_write", U(fd), U(SCRATCH), U(2000), U(OUT)),
                     WASI_ESUCCESS);
    assert_true(guest_u32(guest, OUT) == 1024 * SCRATCH);
    assert_int_equal(truncate("in/file", 0), 0);
}

static void test_rights(void **state)
{
    struct guest *guest = *state;
    uint32_t fd = open_file(guest, "file", 0, READ_RIGHTS);
    assert_int_equal(guest_write(guest, fd, "x"), WASI_ENOTCAPABLE);
    assert_int_equal(guest_call(guest, "fd_filestat_set_size", U(fd), U(0)), WASI_ENOTCAPABLE);
    assert_int_equal(guest_call(guest, "fd_allocate", U(fd), U(0), U(9)), WASI_ENOTCAPABLE);
    assert_int_equal(guest_call(guest, "fd_fdstat_set_rights", U(fd), ALL_RIGHTS, U(0)),
                     WASI_ENOTCAPABLE);
    assert_int_equal(guest_call(guest, "fd_fdstat_set_rights", U(fd), U(WASI_RIGHT_FD_SEEK), U(0)),
                     WASI_ESUCCESS);
    assert_int_equal(guest_read(guest, fd, 1), WASI_ENOTCAPABLE);
    // A directory that hands down only reading.
    assert_int_equal(guest_call(guest, "path_open", U(3), U(0), TEXT(PATH_A, "sub"),
                                U(WASI_OFLAG_DIRECTORY), ALL_RIGHTS, READ_RIGHTS, U(0), U(OUT)),
                     WASI_ESUCCESS);
    uint32_t dir = guest_u32(guest, OUT);
    assert_int_equal(guest_open(guest, dir, "deep", 0, 0, WRITE_RIGHTS), WASI_ENOTCAPABLE);
    assert_int_equal(guest_open(guest, dir, "deep", 0, 0, READ_RIGHTS), WASI_ESUCCESS);
    assert_int_equal(guest_call(guest, "path_link", U(dir), U(0), TEXT(PATH_A, "deep"), U(3),
                                TEXT(PATH_B, "deep2")),
                     WASI_ENOTCAPABLE);
    assert_int_equal(
        guest_call(guest, "path_rename", U(dir), TEXT(PATH_A, "deep"), U(3), TEXT(PATH_B, "deep2")),
        WASI_ENOTCAPABLE);
    // A file is no directory, and rights for directories mean nothing for it.
    fd = open_file(guest, "file", 0, ALL_RIGHTS);
    assert_int_equal(guest_open(guest, fd, "x", 0, 0, READ_RIGHTS), WASI_ENOTDIR);
    assert_int_equal(guest_call(guest, "fd_fdstat_get", U(fd), U(OUT)), WASI_ESUCCESS);
    assert_int_equal(guest->memory[OUT], WASI_FILETYPE_REGULAR_FILE);
    assert_false(guest_u64(guest, OUT + 8) & WASI_RIGHT_PATH_OPEN);
    assert_int_equal(guest_u64(guest, OUT + 16), 0);
    assert_int_equal(guest_call(guest, "fd_readdir", U(fd), U(BUFFER), U(100), U(0), U(OUT)),
                     WASI_ENOTCAPABLE);
    assert_int_equal(guest_read(guest, 3, 1), WASI_EISDIR);
    assert_int_equal(guest_call(guest, "path_open", U(3), U(0), TEXT(PATH_A, "file"), U(16),
                                READ_RIGHTS, U(0), U(0), U(OUT)),
                     WASI_EINVAL);
}

static void test_read_only_directory(void **state)
{
    struct guest *guest = *state;
    assert_true(wj_wasi_fds_add_preopen(&guest->wasi.fds, "out", "/ro", true));
    assert_int_equal(guest_open(guest, 4, "secret", 0, 0, READ_RIGHTS), WASI_ESUCCESS);
    assert_int_equal(guest_open(guest, 4, "secret", 0, 0, WRITE_RIGHTS), WASI_ENOTCAPABLE);
    assert_int_equal(guest_open(guest, 4, "secret", 0, WASI_OFLAG_TRUNC, READ_RIGHTS),
                     WASI_ENOTCAPABLE);
    assert_int_equal(guest_open(guest, 4, "new", 0, WASI_OFLAG_CREAT, READ_RIGHTS),
                     WASI_ENOTCAPABLE);
    assert_int_equal(guest_call(guest, "path_link", U(4), U(0), TEXT(PATH_A, "secret"), U(3),
                                TEXT(PATH_B, "mine")),
                     WASI_ENOTCAPABLE);
    assert_int_equal(guest_call(guest, "path_link", U(3), U(0), TEXT(PATH_A, "file"), U(4),
                                TEXT(PATH_B, "theirs")),
                     WASI_ENOTCAPABLE);
    assert_int_equal(
        guest_call(guest, "path_rename", U(4), TEXT(PATH_A, "secret"), U(3), TEXT(PATH_B, "mine")),
        WASI_ENOTCAPABLE);
    assert_int_equal(guest_call(guest, "path_unlink_file", U(4), TEXT(PATH_A, "secret")),
                     WASI_ENOTCAPABLE);
    assert_int_equal(guest_call(guest, "path_filestat_set_times", U(4), U(0),
                                TEXT(PATH_A, "secret"), U(0), U(0), U(5)),
                     WASI_ENOTCAPABLE);
    assert_int_equal(guest_call(guest, "path_symlink", TEXT(PATH_A, "x"), U(4), TEXT(PATH_B, "y")),
                     WASI_ENOTCAPABLE);
    assert_int_equal(guest_call(guest, "path_create_directory", U(4), TEXT(PATH_A, "d")),
                     WASI_ENOTCAPABLE);
    assert_true(host_is("out/secret", "secret"));
}

static void test_link_and_rename_across_directories(void **state)
{
    struct guest *guest = *state;
    assert_true(wj_wasi_fds_add_preopen(&guest->wasi.fds, "out", "/out", false));
    assert_int_equal(guest_call(guest, "path_link", U(3), U(0), TEXT(PATH_A, "file"), U(4),
                                TEXT(PATH_B, "linked")),
                     WASI_ESUCCESS);
    assert_true(host_is("out/linked", "inside"));
    assert_int_equal(guest_call(guest, "path_rename", U(4), TEXT(PATH_A, "secret"), U(3),
                                TEXT(PATH_B, "sub/taken")),
                     WASI_ESUCCESS);
    assert_true(host_is("in/sub/taken", "secret"));
    assert_int_equal(
        guest_call(guest, "path_rename", U(3), TEXT(PATH_A, "file"), U(3), TEXT(PATH_B, "sub/x/")),
        WASI_ENOTDIR);
    assert_int_equal(
        guest_call(guest, "path_rename", U(3), TEXT(PATH_A, "sub"), U(4), TEXT(PATH_B, "moved/")),
        WASI_ESUCCESS);
    assert_true(host_exists("out/moved/deep"));
    assert_int_equal(symlink("file", "in/soft"), 0);
    assert_int_equal(guest_call(guest, "path_link", U(3), U(0), TEXT(PATH_A, "soft"), U(3),
                                TEXT(PATH_B, "soft2")),
                     WASI_ESUCCESS);
    assert_int_equal(guest_call(guest, "path_link", U(3), FOLLOW, TEXT(PATH_A, "soft"), U(3),
                                TEXT(PATH_B, "hard")),
                     WASI_ESUCCESS);
    struct stat st;
    assert_int_equal(lstat("in/soft2", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(lstat("in/hard", &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(
        guest_call(guest, "path_readlink", U(3), TEXT(PATH_A, "soft2"), U(BUFFER), U(2), U(OUT)),
        WASI_ESUCCESS);
    assert_int_equal(guest_u32(guest, OUT), 2);
    assert_memory_equal(guest->memory + BUFFER, "fi", 2);
    assert_int_equal(
        guest_call(guest, "path_readlink", U(3), TEXT(PATH_A, "file"), U(BUFFER), U(2), U(OUT)),
        WASI_EINVAL);
}

static void test_truncate_and_append(void **state)
{
    struct guest *guest = *state;
    uint32_t fd = open_file(guest, "file", WASI_OFLAG_TRUNC, WRITE_RIGHTS);
    assert_true(host_is("in/file", ""));
    assert_int_equal(guest_write(guest, fd, "one"), WASI_ESUCCESS);
    assert_int_equal(guest_call(guest, "path_open", U(3), U(0), TEXT(PATH_A, "file"), U(0),
                                ALL_RIGHTS, U(0), U(WASI_FDFLAG_APPEND), U(OUT)),
                     WASI_ESUCCESS);
    uint32_t appending = guest_u32(guest, OUT);
    assert_int_equal(guest_write(guest, appending, "two"), WASI_ESUCCESS);
    assert_true(host_is("in/file", "onetwo"));
    assert_int_equal(guest_call(guest, "fd_fdstat_get", U(appending), U(OUT)), WASI_ESUCCESS);
    assert_int_equal(guest->memory[OUT + 2], WASI_FDFLAG_APPEND);
    assert_int_equal(guest_call(guest, "fd_fdstat_set_flags", U(appending), U(0)), WASI_ESUCCESS);
    assert_int_equal(guest_call(guest, "fd_seek", U(appending), U(0), U(0), U(OUT)), WASI_ESUCCESS);
    assert_int_equal(guest_write(guest, appending, "TWO"), WASI_ESUCCESS);
    assert_true(host_is("in/file", "TWOtwo"));
    assert_int_equal(guest_call(guest, "fd_fdstat_set_flags", U(appending), U(WASI_FDFLAG_SYNC)),
                     WASI_ENOTSUP);
    assert_int_equal(guest_call(guest, "fd_fdstat_set_flags", U(appending), U(64)), WASI_EINVAL);
    assert_int_equal(guest_open(guest, 3, "sub", 0, 0, WRITE_RIGHTS), WASI_EISDIR);
    assert_int_equal(guest_open(guest, 3, "file", 0, WASI_OFLAG_DIRECTORY, READ_RIGHTS),
                     WASI_ENOTDIR);
}

static void test_renumber(void **state)
{
    struct guest *guest = *state;
    uint32_t a = open_file(guest, "file", 0, READ_RIGHTS);
    uint32_t b = open_file(guest, "sub/deep", 0, READ_RIGHTS);
    assert_int_equal(guest_call(guest, "fd_renumber", U(a), U(3)), WASI_ENOTSUP);
    assert_int_equal(guest_call(guest, "fd_renumber", U(3), U(a)), WASI_ENOTSUP);
    assert_int_equal(guest_call(guest, "fd_renumber", U(3), U(3)), WASI_ENOTSUP);
    assert_int_equal(guest_call(guest, "fd_renumber", U(a), U(1000)), WASI_EBADF);
    assert_int_equal(guest_call(guest, "fd_renumber", U(1000), U(a)), WASI_EBADF);
    assert_int_equal(guest_call(guest, "fd_renumber", U(UINT32_MAX), U(UINT32_MAX)), WASI_EBADF);
    assert_int_equal(guest_call(guest, "fd_renumber", U(a), U(a)), WASI_ESUCCESS);
    assert_int_equal(guest_read(guest, a, 100), WASI_ESUCCESS);
    int host = guest->wasi.fds.entries[a].host;
    assert_int_equal(guest_call(guest, "fd_renumber", U(b), U(a)), WASI_ESUCCESS);
    assert_int_equal(fcntl(host, F_GETFD), -1); // what lay there is closed, not leaked
    assert_int_equal(guest_read(guest, b, 1), WASI_EBADF);
    assert_int_equal(guest_read(guest, a, 100), WASI_ESUCCESS);
    assert_memory_equal(guest->memory + BUFFER, "deep", 4);
    // Onto a standard stream: the host's own stays open.
    assert_int_equal(guest_call(guest, "fd_renumber", U(a), U(0)), WASI_ESUCCESS);
    assert_true(fcntl(0, F_GETFD) >= 0);
    assert_int_equal(guest_call(guest, "fd_close", U(0)), WASI_ESUCCESS);
    // The lowest free number is given first.
    assert_int_equal(open_file(guest, "file", 0, READ_RIGHTS), 0);
}

// Reads a whole directory through a buffer of `size` bytes, as wasi-libc does: an entry that was
// cut off is asked for again.
static unsigned count_entries(struct guest *guest, uint32_t fd, uint32_t size, unsigned *calls)
{
    uint64_t cookie = 0;
    unsigned entries = 0;
    *calls = 0;
    for (;;) {
        assert_int_equal(guest_call(guest, "fd_readdir", U(fd), U(BUFFER), U(size), cookie, U(OUT)),
                         WASI_ESUCCESS);
        uint32_t used = guest_u32(guest, OUT), at = 0;
        (*calls)++;
        assert_true(*calls < 10000);
        while (at + WASI_DIRENT_BYTES <= used) {
            uint32_t name = guest_u32(guest, BUFFER + at + 16);
            if (at + WASI_DIRENT_BYTES + name > used) {
                break;
            }
            cookie = guest_u64(guest, BUFFER + at);
            at += WASI_DIRENT_BYTES + name;
            entries++;
        }
        if (used < size) {
            return entries;
        }
    }
}

static void test_readdir(void **state)
{
    struct guest *guest = *state;
    char name[64];
    unsigned calls;
    assert_int_equal(mkdir("in/many", 0755), 0);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "in/many/%0*d", 1 + i % 40, i);
        host_write(name, "");
    }
    uint32_t fd = open_file(guest, "many", WASI_OFLAG_DIRECTORY, READ_RIGHTS);
    assert_int_equal(count_entries(guest, fd, 16000, &calls), 302);
    assert_int_equal(count_entries(guest, fd, 4096, &calls), 302);
    assert_int_equal(count_entries(guest, fd, 100, &calls), 302);
    assert_true(calls > 100);
    // Forged cookies: no harm, no crash; the directory can be read again afterwards.
    const uint64_t forged[] = {
        1, 2, 1u << 31, UINT64_C(1) << 40, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof(forged) / sizeof(*forged); i++) {
        enum wj_wasi_errno error =
            guest_call(guest, "fd_readdir", U(fd), U(BUFFER), U(4096), forged[i], U(OUT));
        assert_true(error == WASI_ESUCCESS || error == WASI_EINVAL);
    }
    assert_int_equal(count_entries(guest, fd, 4096, &calls), 302);
    // A buffer that is too small for a head, none at all, one outside.
    assert_int_equal(guest_call(guest, "fd_readdir", U(fd), U(BUFFER), U(10), U(0), U(OUT)),
                     WASI_ESUCCESS);
    assert_int_equal(guest_u32(guest, OUT), 10);
    assert_int_equal(guest_call(guest, "fd_readdir", U(fd), U(BUFFER), U(0), U(0), U(OUT)),
                     WASI_ESUCCESS);
    assert_int_equal(guest_u32(guest, OUT), 0);
    assert_int_equal(guest_call(guest, "fd_readdir", U(fd), U(BUFFER), U(UINT32_MAX), U(0), U(OUT)),
                     WASI_EFAULT);
    // Files that are removed while the directory is read do not hide others.
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "many/%0*d", 1 + i % 40, i);
        assert_int_equal(guest_call(guest, "path_unlink_file", U(3), TEXT(PATH_A, name)),
                         WASI_ESUCCESS);
    }
    assert_int_equal(count_entries(guest, fd, 4096, &calls), 2);
}

static void test_preopens(void **state)
{
    struct guest *guest = *state;
    assert_int_equal(guest_call(guest, "fd_prestat_get", U(3), U(OUT)), WASI_ESUCCESS);
    assert_int_equal(guest_u32(guest, OUT), 0);
    assert_int_equal(guest_u32(guest, OUT + 4), 3);
    assert_int_equal(guest_call(guest, "fd_prestat_dir_name", U(3), U(OUT), U(3)), WASI_ESUCCESS);
    assert_memory_equal(guest->memory + OUT, "/in", 3);
    assert_int_equal(guest_call(guest, "fd_prestat_dir_name", U(3), U(OUT), U(2)),
                     WASI_ENAMETOOLONG);
    assert_int_equal(guest_call(guest, "fd_prestat_get", U(4), U(OUT)), WASI_EBADF);
    assert_int_equal(guest_call(guest, "fd_prestat_get", U(0), U(OUT)), WASI_EBADF);
    uint32_t fd = open_file(guest, "sub", WASI_OFLAG_DIRECTORY, READ_RIGHTS);
    assert_int_equal(guest_call(guest, "fd_prestat_get", U(fd), U(OUT)), WASI_EBADF);
}

static void test_times_and_stat(void **state)
{
    struct guest *guest = *state;
    assert_int_equal(guest_call(guest, "path_filestat_set_times", U(3), FOLLOW,
                                TEXT(PATH_A, "file"), U(1500000000), U(2500000001),
                                U(WASI_FST_ATIM | WASI_FST_MTIM)),
                     WASI_ESUCCESS);
    assert_int_equal(
        guest_call(guest, "path_filestat_get", U(3), U(0), TEXT(PATH_A, "file"), U(OUT)),
        WASI_ESUCCESS);
    assert_int_equal(guest->memory[OUT + 16], WASI_FILETYPE_REGULAR_FILE);
    assert_int_equal(guest_u64(guest, OUT + 24), 1);
    assert_int_equal(guest_u64(guest, OUT + 32), 6);
    assert_true(guest_u64(guest, OUT + 40) == 1500000000);
    assert_true(guest_u64(guest, OUT + 48) == 2500000001);
    uint32_t fd = open_file(guest, "file", 0, ALL_RIGHTS);
    assert_int_equal(guest_call(guest, "fd_filestat_set_times", U(fd), U(0), U(7),
                                U(WASI_FST_ATIM_NOW | WASI_FST_MTIM)),
                     WASI_ESUCCESS);
    assert_int_equal(guest_call(guest, "fd_filestat_get", U(fd), U(OUT)), WASI_ESUCCESS);
    assert_true(guest_u64(guest, OUT + 40) > UINT64_C(1500000000000000000));
    assert_int_equal(guest_u64(guest, OUT + 48), 7);
    assert_int_equal(guest_call(guest, "fd_filestat_set_times", U(fd), U(0), U(7), U(3)),
                     WASI_EINVAL);
    assert_int_equal(guest_call(guest, "fd_filestat_set_times", U(fd), U(0), U(7), U(16)),
                     WASI_EINVAL);
}

// Opening a pipe that nobody writes to, or a device, does not hang.
static void test_pipes_and_devices(void **state)
{
    struct guest *guest = *state;
    assert_int_equal(mkfifo("in/pipe", 0666), 0);
    assert_int_equal(guest_open(guest, 3, "pipe", 0, 0, U(WASI_RIGHT_FD_WRITE)), WASI_ENXIO);
    uint32_t fd = open_file(guest, "pipe", 0, READ_RIGHTS | U(WASI_RIGHT_FD_FDSTAT_SET_FLAGS));
    assert_int_equal(guest_call(guest, "fd_seek", U(fd), U(0), U(0), U(OUT)), WASI_ESPIPE);
    assert_int_equal(guest_call(guest, "fd_fdstat_set_flags", U(fd), U(WASI_FDFLAG_NONBLOCK)),
                     WASI_ESUCCESS);
    assert_int_equal(guest_call(guest, "fd_fdstat_get", U(fd), U(OUT)), WASI_ESUCCESS);
    assert_int_equal(guest->memory[OUT], WASI_FILETYPE_UNKNOWN);
    int writer = open("in/pipe", O_WRONLY);
    assert_true(writer >= 0);
    assert_int_equal(guest_read(guest, fd, 10), WASI_EAGAIN);
    assert_int_equal(write(writer, "abc", 3), 3);
    assert_int_equal(guest_read(guest, fd, 10), WASI_ESUCCESS);
    assert_int_equal(guest_u32(guest, OUT), 3);
    close(writer);
    assert_int_equal(guest_read(guest, fd, 10), WASI_ESUCCESS);
    assert_int_equal(guest_u32(guest, OUT), 0);
    assert_int_equal(guest_call(guest, "sock_shutdown", U(fd), U(1)), WASI_ENOTSOCK);
}

// Nor does a socket of the file system, to which `open` cannot connect.
static void test_socket_files(void **state)
{
    struct guest *guest = *state;
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "in/socket"};
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(server >= 0);
    assert_int_equal(bind(server, (const struct sockaddr *) &name, sizeof name), 0);
    assert_int_equal(listen(server, 1), 0);
    for (uint64_t oflags = 0; oflags <= WASI_OFLAG_CREAT; oflags += WASI_OFLAG_CREAT) {
        assert_int_equal(guest_open(guest, 3, "socket", 0, oflags, READ_RIGHTS), WASI_ENXIO);
        assert_int_equal(guest_open(guest, 3, "socket", FOLLOW, oflags, WRITE_RIGHTS), WASI_ENXIO);
    }
    assert_int_equal(
        guest_call(guest, "path_filestat_get", U(3), U(0), TEXT(PATH_A, "socket"), U(OUT)),
        WASI_ESUCCESS);
    assert_int_equal(guest->memory[OUT + 16], WASI_FILETYPE_SOCKET_STREAM);
    close(server);
    // A device, where this process may make one: reading it ends.
    if (mknod("in/zero", S_IFCHR | 0666, makedev(1, 5)) == 0 &&
        guest_open(guest, 3, "zero", 0, 0, READ_RIGHTS) == WASI_ESUCCESS) {
        uint32_t fd = guest_u32(guest, OUT);
        assert_int_equal(guest_read(guest, fd, 100), WASI_ESUCCESS);
        assert_int_equal(guest_call(guest, "fd_fdstat_get", U(fd), U(OUT)), WASI_ESUCCESS);
        assert_int_equal(guest->memory[OUT], WASI_FILETYPE_CHARACTER_DEVICE);
    }
}

static bool is_now(void *host)
{
    (void) host;
    return true;
}

static void test_waiting_is_interrupted(void **state)
{
    struct guest *guest = *state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(wj_wasi_fds_add_stream(&guest->wasi.fds, ends[0]), WASI_ESUCCESS);
    guest->wasi.is_interrupted = is_now;
    assert_int_equal(guest_read(guest, 4, 10), WASI_INTERRUPTED);
    close(ends[0]), close(ends[1]);
}

static void test_closed_pipe(void **state)
{
    struct guest *guest = *state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(wj_wasi_fds_add_stream(&guest->wasi.fds, ends[1]), WASI_ESUCCESS);
    assert_int_equal(guest_write(guest, 4, "x"), WASI_EPIPE);
    guest->wasi.exits_on_closed_pipe = true;
    assert_int_equal(guest_write(guest, 4, "x"), WASI_EXITED);
    assert_int_equal(guest->wasi.exit_code, 141);
    close(ends[1]);
}

static void test_sockets(void **state)
{
    struct guest *guest = *state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(wj_wasi_fds_add_stream(&guest->wasi.fds, pair[0]), WASI_ESUCCESS);
    put_iovec(guest, SCRATCH, BUFFER, 5);
    memcpy(guest->memory + BUFFER, "hello", 5);
    assert_int_equal(guest_call(guest, "sock_send", U(4), U(SCRATCH), U(1), U(0), U(OUT)),
                     WASI_ESUCCESS);
    char text[8];
    assert_int_equal(read(pair[1], text, sizeof(text)), 5);
    assert_int_equal(write(pair[1], "abc", 3), 3);
    for (uint64_t flags = WASI_RECV_PEEK; flags + 1 > 0; flags--) {
        assert_int_equal(
            guest_call(guest, "sock_recv", U(4), U(SCRATCH), U(1), flags, U(OUT), U(OUT + 8)),
            WASI_ESUCCESS);
        assert_int_equal(guest_u32(guest, OUT), 3);
        if (flags == 0) {
            break;
        }
    }
    assert_int_equal(guest_call(guest, "sock_shutdown", U(4), U(4)), WASI_EINVAL);
    assert_int_equal(guest_call(guest, "sock_shutdown", U(4), U(3)), WASI_ESUCCESS);
    assert_int_equal(guest_call(guest, "sock_accept", U(4), U(0), U(OUT)), WASI_EINVAL);
    assert_int_equal(guest_call(guest, "sock_accept", U(99), U(0), U(OUT)), WASI_EBADF);
    close(pair[0]), close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE_WALK(test_read_write_seek),
        ONE_WALK(test_hostile_vectors),
        ONE_WALK(test_rights),
        ONE_WALK(test_read_only_directory),
        BOTH_WALKS(test_link_and_rename_across_directories),
        ONE_WALK(test_truncate_and_append),
        ONE_WALK(test_renumber),
        ONE_WALK(test_readdir),
        ONE_WALK(test_preopens),
        BOTH_WALKS(test_times_and_stat),
        BOTH_WALKS(test_pipes_and_devices),
        BOTH_WALKS(test_socket_files),
        ONE_WALK(test_waiting_is_interrupted),
        ONE_WALK(test_closed_pipe),
        ONE_WALK(test_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
