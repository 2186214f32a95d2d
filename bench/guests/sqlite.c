/* Runs sqlite.sql (workload.h holds its text) against a database in memory; every row that it
 * selects goes into the result. SQLITE_OS_OTHER: all the system that SQLite needs is below. */
#include "sqlite3.h"

#include "bench.h"
#include "workload.h"

static int no_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void) vfs, (void) name, (void) flags, (void) out;
    file->pMethods = NULL;
    return SQLITE_CANTOPEN;
}

static int no_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void) vfs, (void) name, (void) sync;
    return SQLITE_IOERR_DELETE;
}

static int no_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    (void) vfs, (void) name, (void) flags;
    *out = 0;
    return SQLITE_OK;
}

static int full_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    (void) vfs;
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
}

/* Seeds rowid choice and the like: fixed, so that each run does the same work. */
static int randomness(sqlite3_vfs *vfs, int size, char *out)
{
    (void) vfs;
    memset(out, 0x5a, (size_t) size);
    return size;
}

static int no_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void) vfs;
    return microseconds;
}

static int current_time(sqlite3_vfs *vfs, double *out)
{
    (void) vfs;
    *out = 2460000.5;
    return SQLITE_OK;
}

int sqlite3_os_init(void);
int sqlite3_os_end(void);

int sqlite3_os_init(void)
{
    static sqlite3_vfs vfs = {.iVersion = 1,
                              .szOsFile = sizeof(sqlite3_file),
                              .mxPathname = 256,
                              .zName = "bench",
                              .xOpen = no_open,
                              .xDelete = no_delete,
                              .xAccess = no_access,
                              .xFullPathname = full_path,
                              .xRandomness = randomness,
                              .xSleep = no_sleep,
                              .xCurrentTime = current_time};
    return sqlite3_vfs_register(&vfs, 1);
}

int sqlite3_os_end(void)
{
    return SQLITE_OK;
}

static int add_row(void *sum, int columns, char **texts, char **names)
{
    uint64_t *check = sum;
    (void) names;
    for (int i = 0; i < columns; i++) {
        for (const char *p = texts[i] != NULL ? texts[i] : "NULL"; *p != '\0'; p++) {
            *check = (*check ^ (uint8_t) *p) * 1099511628211u;
        }
    }
    return 0;
}

static uint64_t kernel(void)
{
    uint64_t check = 14695981039346656037u;
    sqlite3 *db;
    char *message = NULL;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK ||
        sqlite3_exec(db, workload, add_row, &check, &message) != SQLITE_OK) {
        fprintf(stderr, "sqlite: %s\n", message != NULL ? message : sqlite3_errmsg(db));
        return 0;
    }
    sqlite3_close(db);
    return check;
}

int main(void)
{
    return bench_main(kernel);
}
