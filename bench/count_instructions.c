/* A plugin of qemu's: how many instructions a program executed, in code made at run time (a mapping
 * of the memfd wjit-code) and elsewhere. The few functions of qemu's plugin interface are declared
 * here, since Debian packages no header of it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
                                           void (*translated)(uint64_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *counter,
                                              uint64_t amount);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*ended)(uint64_t, void *), void *data);

extern int qemu_plugin_version;
int qemu_plugin_version = 1;
int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

enum { PAGE_BITS = 16, SLOTS = 1 << 16, OP_ADD_U64 = 0 };

static struct {
    uint64_t page; /* plus one; 0: free */
    uint64_t count;
    int is_made;
} slots[SLOTS];

static int is_made(uint64_t address)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int found = 0;
    while (maps != NULL && !found && fgets(line, sizeof line, maps) != NULL) {
        uint64_t start, end;
        found = strstr(line, "memfd:wjit-code") != NULL &&
                sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) == 2 && address >= start &&
                address < end;
    }
    if (maps != NULL) {
        fclose(maps);
    }
    return found;
}

/* Mappings are looked at while they are there: at the end they are not. */
static uint64_t *counter_of(uint64_t address)
{
    uint64_t page = (address >> PAGE_BITS) + 1;
    uint64_t i = page * UINT64_C(0x9e3779b97f4a7c15) >> 48;
    while (slots[i].page != 0 && slots[i].page != page) {
        i = (i + 1) % SLOTS;
    }
    if (slots[i].page == 0) {
        slots[i].page = page;
        slots[i].is_made = is_made(address);
    }
    return &slots[i].count;
}

static void on_translated(uint64_t id, struct qemu_plugin_tb *tb)
{
    (void) id;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, OP_ADD_U64, counter_of(qemu_plugin_tb_vaddr(tb)),
                                             qemu_plugin_tb_n_insns(tb));
}

static void on_ended(uint64_t id, void *data)
{
    (void) id, (void) data;
    uint64_t counts[2] = {0, 0};
    for (unsigned i = 0; i < SLOTS; i++) {
        counts[slots[i].is_made] += slots[i].count;
    }
    const char *path = getenv("WJIT_COUNT");
    FILE *out = path == NULL ? NULL : fopen(path, "w");
    if (out != NULL) {
        fprintf(out, "%" PRIu64 " %" PRIu64 "\n", counts[1], counts[0]);
        fclose(out);
    }
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
    (void) info, (void) argc, (void) argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
    qemu_plugin_register_atexit_cb(id, on_ended, NULL);
    return 0;
}
