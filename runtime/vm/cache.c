// The cache's folder. Every file in it is opened below the folder's descriptor, never through a
// link, and believed only when nobody else could have written it.
#include "runtime/vm/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SECRET_NAME "secret"
#define PATH_BYTES_MAX 4096u
#define NAME_BYTES 40u // a letter, 32 digits, an end
// Beyond this the oldest entries go.
#define FOLDER_BYTES_MAX (1ull << 30)
#define ENTRIES_MAX 4096u
// A file of a writer that died, and an entry whose time of use is worth a write.
#define STALE_SECONDS 3600
// Coarser than the clock of any file system: within it a file can change twice at one time.
#define SETTLED_SECONDS 3

struct wj_cache {
    int folder;
    uint8_t secret[WJ_HASH_SECRET_BYTES];
};

// ---- Names --------------------------------------------------------------------------------------

// Entries are 'c', remembered hashes 'h', data of other units 'd', unfinished files 't'.
static void make_name(char kind, const struct wj_hash128 *hash, char name[NAME_BYTES])
{
    name[0] = kind;
    for (unsigned i = 0; i < sizeof hash->bytes; i++) {
        snprintf(name + 1 + 2 * (size_t) i, 3, "%02x", hash->bytes[i]);
    }
}

struct wj_hash128 wj_cache_hash(const struct wj_cache *cache, const uint8_t *bytes,
                                size_t size_bytes)
{
    return wj_hash128_keyed(bytes, size_bytes, cache->secret);
}

struct wj_hash128 wj_cache_key(const struct wj_cache *cache, const struct wj_hash128 *hash,
                               const struct wj_cache_terms *terms)
{
    struct {
        struct wj_hash128 hash;
        char digest[40];
        char machine[16];
        uint32_t settings;
        uint32_t features;
    } all;
    memset(&all, 0, sizeof all);
    all.hash = *hash;
    memcpy(all.digest, wj_compiler_digest, sizeof wj_compiler_digest);
    strncpy(all.machine, terms->machine, sizeof all.machine - 1);
    all.settings = terms->settings;
    all.features = terms->features;
    return wj_hash128_keyed(&all, sizeof all, cache->secret);
}

// ---- Files --------------------------------------------------------------------------------------

// Whether nobody but this user could have written it.
static bool is_own(const struct stat *st)
{
    return st->st_uid == geteuid() && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// Opens an existing file of the folder for reading. -1: there is none, or it is no good.
static int open_own(const struct wj_cache *cache, const char *name, struct stat *st)
{
    int fd = openat(cache->folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && (fstat(fd, st) != 0 || !S_ISREG(st->st_mode) || !is_own(st))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool write_all(int fd, const uint8_t *bytes, size_t size_bytes)
{
    while (size_bytes > 0) {
        ssize_t done = write(fd, bytes, size_bytes);
        if (done < 0 && errno != EINTR) {
            return false;
        }
        bytes += done > 0 ? done : 0;
        size_bytes -= done > 0 ? (size_t) done : 0;
    }
    return true;
}

// Writes an unfinished file to the disk; its name is left in `name`. False: nothing is left.
static bool write_unfinished(const struct wj_cache *cache, const uint8_t *bytes, size_t size_bytes,
                             char name[NAME_BYTES])
{
    struct rlimit limit;
    struct wj_hash128 random;
    // To exceed the limit is a signal.
    if ((getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < size_bytes) ||
        getrandom(&random, sizeof random, 0) != (ssize_t) sizeof random) {
        return false;
    }
    make_name('t', &random, name);
    int fd =
        openat(cache->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    bool is_written = write_all(fd, bytes, size_bytes) && fsync(fd) == 0;
    is_written = close(fd) == 0 && is_written;
    if (!is_written) {
        unlinkat(cache->folder, name, 0);
    }
    return is_written;
}

static bool write_file(const struct wj_cache *cache, const char *name, const uint8_t *bytes,
                       size_t size_bytes)
{
    char unfinished[NAME_BYTES];
    if (!write_unfinished(cache, bytes, size_bytes, unfinished)) {
        return false;
    }
    bool is_named = renameat(cache->folder, unfinished, cache->folder, name) == 0;
    if (!is_named) {
        unlinkat(cache->folder, unfinished, 0);
    }
    return is_named;
}

static bool read_file(const struct wj_cache *cache, const char *name, uint8_t *bytes,
                      size_t size_bytes)
{
    struct stat st;
    int fd = open_own(cache, name, &st);
    if (fd < 0) {
        return false;
    }
    bool is_read =
        st.st_size == (off_t) size_bytes && pread(fd, bytes, size_bytes, 0) == (ssize_t) size_bytes;
    close(fd);
    return is_read;
}

// ---- The folder ---------------------------------------------------------------------------------

static bool fail(struct wj_err *err, const char *folder, const char *why)
{
    return wj_err_set(err, WJ_ERR_IO, WJ_NO_OFFSET, "cache folder %.120s: %s", folder, why);
}

static bool find_folder(const char *folder, char path[PATH_BYTES_MAX], struct wj_err *err)
{
    const char *base = folder, *rest = "";
    if (*folder == '\0') {
        base = getenv("XDG_CACHE_HOME");
        rest = "/wjit";
        if (base == NULL || *base != '/') { // as the XDG base directory specification has it
            base = getenv("HOME");
            rest = "/.cache/wjit";
        }
        if (base == NULL || *base != '/') {
            return fail(err, "~/.cache/wjit", "there is no home folder");
        }
    }
    int length = snprintf(path, PATH_BYTES_MAX, "%s%s", base, rest);
    return length < (int) PATH_BYTES_MAX || fail(err, base, strerror(ENAMETOOLONG));
}

// Makes what is missing of the path, for this user alone. 0, or the errno of the first folder that
// cannot be had.
static int make_folders(char *path)
{
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at == '/') {
            *at = '\0';
            int number = mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : errno;
            *at = '/';
            if (number != 0) {
                return number;
            }
        }
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : errno;
}

static int open_folder(char *path, struct wj_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        int number = make_folders(path);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        errno = fd < 0 && number != 0 ? number : errno;
    }
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        fail(err, path, strerror(errno));
    } else if (!is_own(&st)) {
        fail(err, path, "it is another user's, or others may write to it");
    } else {
        return fd;
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

// The secret keeps others from making a module whose entry is that of another module. Of several
// processes that make one the first wins.
static bool find_secret(struct wj_cache *cache)
{
    for (unsigned tries = 0; tries < 2; tries++) {
        if (read_file(cache, SECRET_NAME, cache->secret, sizeof cache->secret)) {
            return true;
        }
        char unfinished[NAME_BYTES];
        uint8_t secret[WJ_HASH_SECRET_BYTES];
        if (getrandom(secret, sizeof secret, 0) != (ssize_t) sizeof secret ||
            !write_unfinished(cache, secret, sizeof secret, unfinished)) {
            return false;
        }
        int status = linkat(cache->folder, unfinished, cache->folder, SECRET_NAME, 0);
        // Something else of the name is no secret: a link, a part of one, another user's.
        struct stat st;
        int fd = status == 0 ? -1 : open_own(cache, SECRET_NAME, &st);
        if (status != 0 && (fd < 0 || st.st_size != (off_t) sizeof secret)) {
            renameat(cache->folder, unfinished, cache->folder, SECRET_NAME);
        }
        if (fd >= 0) {
            close(fd);
        }
        unlinkat(cache->folder, unfinished, 0);
    }
    return read_file(cache, SECRET_NAME, cache->secret, sizeof cache->secret);
}

bool wj_cache_open(const char *folder, struct wj_cache **out, struct wj_err *err)
{
    char path[PATH_BYTES_MAX];
    struct wj_cache *cache = malloc(sizeof *cache);
    if (cache == NULL) {
        return wj_err_set(err, WJ_ERR_NOMEM, WJ_NO_OFFSET, "out of memory");
    }
    cache->folder = -1;
    if (find_folder(folder, path, err)) {
        cache->folder = open_folder(path, err);
    }
    if (cache->folder >= 0 && find_secret(cache)) {
        *out = cache;
        return true;
    }
    if (cache->folder >= 0) {
        fail(err, path, "its file \"" SECRET_NAME "\" cannot be made or read");
    }
    wj_cache_close(cache);
    return false;
}

void wj_cache_close(struct wj_cache *cache)
{
    if (cache != NULL && cache->folder >= 0) {
        close(cache->folder);
    }
    free(cache);
}

// ---- Remembered hashes --------------------------------------------------------------------------

struct identity {
    uint64_t device, inode, size_bytes;
    int64_t modified_s, modified_ns, changed_s, changed_ns;
};

struct memory {
    struct wj_hash128 identity; // again, with all of its bits
    struct wj_hash128 hash;
    uint64_t checksum;
};

static struct wj_hash128 identity_hash(const struct wj_cache *cache, const struct stat *st)
{
    struct identity identity = {
        .device = st->st_dev,
        .inode = st->st_ino,
        .size_bytes = (uint64_t) st->st_size,
        .modified_s = st->st_mtim.tv_sec,
        .modified_ns = st->st_mtim.tv_nsec,
        .changed_s = st->st_ctim.tv_sec,
        .changed_ns = st->st_ctim.tv_nsec,
    };
    return wj_hash128_keyed(&identity, sizeof identity, cache->secret);
}

bool wj_cache_recall(const struct wj_cache *cache, const struct stat *st, struct wj_hash128 *hash)
{
    struct memory memory;
    struct wj_hash128 identity = identity_hash(cache, st);
    char name[NAME_BYTES];
    make_name('h', &identity, name);
    if (!read_file(cache, name, (uint8_t *) &memory, sizeof memory) ||
        memory.checksum != wj_hash64(&memory, offsetof(struct memory, checksum)) ||
        memcmp(&memory.identity, &identity, sizeof identity) != 0) {
        return false;
    }
    *hash = memory.hash;
    return true;
}

void wj_cache_remember(const struct wj_cache *cache, const struct stat *st,
                       const struct wj_hash128 *hash)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (st->st_mtim.tv_sec > now.tv_sec - SETTLED_SECONDS ||
        st->st_ctim.tv_sec > now.tv_sec - SETTLED_SECONDS) {
        return;
    }
    struct memory memory = {.identity = identity_hash(cache, st), .hash = *hash};
    memory.checksum = wj_hash64(&memory, offsetof(struct memory, checksum));
    char name[NAME_BYTES];
    make_name('h', &memory.identity, name);
    write_file(cache, name, (const uint8_t *) &memory, sizeof memory);
}

// ---- Entries ------------------------------------------------------------------------------------

bool wj_cache_find(const struct wj_cache *cache, const struct wj_hash128 *key, struct wj_blob *out)
{
    char name[NAME_BYTES];
    struct stat st;
    make_name('c', key, name);
    int fd = open_own(cache, name, &st);
    if (fd < 0) {
        return false;
    }
    void *bytes = st.st_size < (off_t) sizeof(struct wj_cwasm_header)
                      ? MAP_FAILED
                      : mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (st.st_mtim.tv_sec + STALE_SECONDS < now.tv_sec) {
        futimens(fd, NULL); // it was used: others are older
    }
    if (bytes == MAP_FAILED) {
        close(fd);
        return false;
    }
    *out = (struct wj_blob){
        .bytes = bytes, .size_bytes = (size_t) st.st_size, .is_mapped = true, .file = fd};
    if (wj_cwasm_is(bytes, out->size_bytes) &&
        memcmp(&wj_cwasm_header(bytes)->key, key, sizeof *key) == 0) {
        return true;
    }
    wj_blob_clear(out);
    return false;
}

void wj_cache_drop(const struct wj_cache *cache, const struct wj_hash128 *key)
{
    char name[NAME_BYTES];
    make_name('c', key, name);
    unlinkat(cache->folder, name, 0);
}

struct listed {
    char name[NAME_BYTES];
    time_t used;
    uint64_t size_bytes;
};

static int by_use(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;
    return x->used < y->used ? -1 : x->used > y->used;
}

// Lists what may go, and removes what writers that died have left.
static size_t list_files(const struct wj_cache *cache, struct listed *list, uint64_t *total_bytes)
{
    int fd = openat(cache->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return 0;
    }
    size_t count = 0;
    time_t now = time(NULL);
    for (struct dirent *entry; count < ENTRIES_MAX && (entry = readdir(folder)) != NULL;) {
        struct stat st;
        char kind = entry->d_name[0];
        if (strlen(entry->d_name) != 33 || strchr("chdt", kind) == NULL ||
            fstatat(cache->folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        if (kind == 't') {
            if (st.st_mtim.tv_sec + STALE_SECONDS < now) {
                unlinkat(cache->folder, entry->d_name, 0);
            }
            continue;
        }
        struct listed *listed = &list[count++];
        memcpy(listed->name, entry->d_name, 34);
        listed->used = st.st_mtim.tv_sec;
        listed->size_bytes = (uint64_t) st.st_size + 4096;
        *total_bytes += listed->size_bytes;
    }
    closedir(folder);
    return count;
}

// Removes the oldest files until `added_bytes` more fit.
static void make_room(const struct wj_cache *cache, uint64_t added_bytes)
{
    struct listed *list = calloc(ENTRIES_MAX, sizeof *list);
    if (list == NULL) {
        return;
    }
    uint64_t total_bytes = added_bytes;
    size_t count = list_files(cache, list, &total_bytes);
    qsort(list, count, sizeof *list, by_use);
    // At the limit of what is listed half of it goes, whatever its size.
    size_t least = count == ENTRIES_MAX ? count / 2 : 0;
    for (size_t i = 0; i < count && (i < least || total_bytes > FOLDER_BYTES_MAX); i++) {
        unlinkat(cache->folder, list[i].name, 0);
        total_bytes -= list[i].size_bytes;
    }
    free(list);
}

bool wj_cache_store(const struct wj_cache *cache, const struct wj_hash128 *key,
                    const struct wj_blob *entry)
{
    char name[NAME_BYTES];
    make_name('c', key, name);
    if (entry->size_bytes > FOLDER_BYTES_MAX / 2) {
        return false;
    }
    make_room(cache, entry->size_bytes);
    return write_file(cache, name, entry->bytes, entry->size_bytes);
}

// ---- Data of other units ------------------------------------------------------------------------

struct data_header {
    struct wj_hash128 name;
    struct wj_hash128 hash; // of the bytes that follow
    uint64_t size_bytes;
    uint64_t checksum; // of the above
};

static struct data_header data_header(const struct wj_cache *cache, const struct wj_hash128 *name,
                                      const uint8_t *bytes, size_t size_bytes)
{
    struct data_header header = {
        .name = *name,
        .hash = wj_cache_hash(cache, bytes, size_bytes),
        .size_bytes = size_bytes,
    };
    header.checksum = wj_hash64(&header, offsetof(struct data_header, checksum));
    return header;
}

bool wj_cache_load_data(const struct wj_cache *cache, const struct wj_hash128 *name,
                        uint8_t **bytes, size_t *size_bytes)
{
    char file_name[NAME_BYTES];
    struct stat st;
    make_name('d', name, file_name);
    int fd = open_own(cache, file_name, &st);
    if (fd < 0) {
        return false;
    }
    size_t whole_bytes = (size_t) st.st_size;
    bool is_sized = whole_bytes >= sizeof(struct data_header) && whole_bytes < FOLDER_BYTES_MAX;
    uint8_t *whole = is_sized ? malloc(whole_bytes) : NULL;
    bool is_good = whole != NULL && pread(fd, whole, whole_bytes, 0) == (ssize_t) whole_bytes;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (st.st_mtim.tv_sec + STALE_SECONDS < now.tv_sec) {
        futimens(fd, NULL); // it was used: others are older
    }
    close(fd);
    if (is_good) {
        *size_bytes = whole_bytes - sizeof(struct data_header);
        struct data_header header = data_header(cache, name, whole + sizeof header, *size_bytes);
        is_good = memcmp(&header, whole, sizeof header) == 0;
        memmove(whole, whole + sizeof header, *size_bytes);
    }
    if (!is_good) {
        free(whole);
        return false;
    }
    *bytes = whole;
    return true;
}

bool wj_cache_save_data(const struct wj_cache *cache, const struct wj_hash128 *name,
                        const uint8_t *bytes, size_t size_bytes)
{
    char file_name[NAME_BYTES];
    struct data_header header = data_header(cache, name, bytes, size_bytes);
    size_t whole_bytes = size_bytes + sizeof header;
    uint8_t *whole = size_bytes < FOLDER_BYTES_MAX / 2 ? malloc(whole_bytes) : NULL;
    if (whole == NULL) {
        return false;
    }
    memcpy(whole, &header, sizeof header);
    memcpy(whole + sizeof header, bytes, size_bytes);
    make_room(cache, whole_bytes);
    make_name('d', name, file_name);
    bool is_saved = write_file(cache, file_name, whole, whole_bytes);
    free(whole);
    return is_saved;
}
