#!/bin/bash
# C programs through wasi-libc: arguments, environment, files, directories, clocks, terminals.
. "$(dirname "$0")/lib.sh"
need clang-22

guest args <<'C'
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) printf("[%s]", argv[i]);
    printf("%s\n", getenv("NAME") ? getenv("NAME") : "none");
    return argc;
}
C
guest cat <<'C'
#include <stdio.h>
int main(void) {
    int ch, n = 0;
    while ((ch = getchar()) != EOF) { putchar(ch); n++; }
    fprintf(stderr, "%d\n", n);
    return 0;
}
C
guest files <<'C'
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#undef NDEBUG
static void must(int ok, int line, const char *what) {
    if (!ok) { printf("line %d: %s: %s\n", line, what, strerror(errno)); exit(1); }
}
#define MUST(x) must(!!(x), __LINE__, #x)
int main(int argc, char **argv) {
    (void)argc, (void)argv;
    FILE *f = fopen("/data/new.txt", "w+");
    MUST(f);
    MUST(fprintf(f, "line %d\n", 1) == 7);
    MUST(fseek(f, 5, SEEK_SET) == 0);
    MUST(fgetc(f) == '1');
    MUST(fclose(f) == 0);
    MUST(mkdir("/data/d", 0777) == 0);
    MUST(mkdir("/data/d", 0777) != 0 && errno == EEXIST);
    MUST(rename("/data/new.txt", "/data/d/moved") == 0);
    MUST(link("/data/d/moved", "/data/d/second") == 0);
    MUST(symlink("moved", "/data/d/soft") == 0);
    struct stat st;
    MUST(stat("/data/d/soft", &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 7);
    MUST(lstat("/data/d/soft", &st) == 0 && S_ISLNK(st.st_mode));
    char text[32];
    MUST(readlink("/data/d/soft", text, sizeof(text)) == 5);
    for (int i = 0; i < 200; i++) {
        char name[64];
        snprintf(name, sizeof(name), "/data/d/file-with-a-long-name-%d", i);
        int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0666);
        MUST(fd >= 0 && close(fd) == 0);
    }
    DIR *dir = opendir("/data/d");
    int n = 0;
    MUST(dir);
    for (struct dirent *entry; (entry = readdir(dir));) n += entry->d_name[0] != '.';
    closedir(dir);
    MUST(n == 203);
    int fd = open("/data/d/moved", O_RDWR | O_APPEND);
    MUST(fd >= 0 && write(fd, "more", 4) == 4 && lseek(fd, 0, SEEK_END) == 11);
    MUST(ftruncate(fd, 3) == 0 && fstat(fd, &st) == 0 && st.st_size == 3);
    MUST(pread(fd, text, 2, 1) == 2 && !memcmp(text, "in", 2));
    close(fd);
    fd = open("/data/d/moved", O_RDONLY);
    MUST(fd >= 0 && write(fd, "x", 1) < 0);
    close(fd);
    fd = open("/data/d/moved", O_WRONLY | O_TRUNC);
    MUST(fd >= 0 && fstat(fd, &st) == 0 && st.st_size == 0);
    close(fd);
    MUST(rmdir("/data/d") != 0 && errno == ENOTEMPTY);
    MUST(unlink("/data/d") != 0);
    MUST(open("/data/nothing", O_RDONLY) < 0 && errno == ENOENT);
    MUST(open("/elsewhere/x", O_RDONLY) < 0);
    MUST(open("/data/../secret", O_RDONLY) < 0);
    MUST(open("/data/out/secret", O_RDONLY) < 0);
    MUST(symlink("/etc", "/data/etc") < 0);
    MUST(symlink("../secret", "/data/up") == 0 && open("/data/up", O_RDONLY) < 0);
    puts("files ok");
    return 0;
}
C
guest clocks <<'C'
#include <stdio.h>
#include <time.h>
#include <unistd.h>
int main(void) {
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    usleep(30000);
    clock_gettime(CLOCK_MONOTONIC, &b);
    double took = b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) * 1e-9;
    unsigned char bytes[64] = {0};
    int zeros = 0;
    if (getentropy(bytes, 64)) return 2;
    for (int i = 0; i < 64; i++) zeros += !bytes[i];
    printf("%s %s %s %s\n", took >= 0.03 && took < 20 ? "slept" : "BAD",
           time(0) > 1500000000 ? "now" : "BAD", zeros < 32 ? "random" : "BAD",
           isatty(1) ? "tty" : "no-tty");
    return 0;
}
C
guest malloc <<'C'
#include <stdio.h>
#include <stdlib.h>
int main(void) {
    size_t total = 0;
    for (int i = 0; i < 10000; i++) {
        void *volatile p = malloc(1 << 20);
        if (!p) break;
        total++;
    }
    printf("%s\n", total > 10 && total < 60 ? "limited" : "BAD");
    return 0;
}
C

run "$WJIT" --env NAME=value args.wasm a 'b c' --dir -- ''
[ "$code" -eq 6 ] && [ "$(cat out)" = '[a][b c][--dir][--][]value' ] ||
    fail "args: $code $(cat out err)"
run "$WJIT" args.wasm
[ "$code" -eq 1 ] && [ "$(cat out)" = none ] || fail "no args: $code $(cat out err)"

head -c 300000 /dev/urandom >noise
code=0
"$WJIT" cat.wasm <noise >copy 2>err || code=$?
[ "$code" -eq 0 ] && cmp -s noise copy && [ "$(cat err)" = 300000 ] || fail "cat: $code $(cat err)"
# shellcheck disable=SC2002
cat noise | "$WJIT" cat.wasm 2>err | cat >copy
cmp -s noise copy || fail "cat through pipes: $(cat err)"

mkdir data outside
echo secret >secret
echo secret >outside/secret
ln -s ../outside data/out
expect_out 'files ok' "$WJIT" --dir data::/data files.wasm
[ "$(cat secret outside/secret | sort -u)" = secret ] || fail "something outside was changed"
expect_out 'slept now random no-tty' "$WJIT" clocks.wasm
if script -qec true /dev/null </dev/null >out 2>&1; then
    script -qec "$WJIT clocks.wasm" /dev/null </dev/null >out 2>&1 || true
    grep -q 'slept now random tty' out || fail "terminal: $(cat out)"
else
    printf 'not tried on a terminal: %s\n' "$(head -n 1 out)"
fi
expect_out limited "$WJIT" --max-memory 50M malloc.wasm
finish
