// Another assembler and disassembler to hold encoders against: LLVM's llvm-mc.
#ifndef TESTS_UNIT_EMIT_LLVM_MC_H
#define TESTS_UNIT_EMIT_LLVM_MC_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MC_UNUSED __attribute__((unused))

enum { MC_TEXT_BYTES = 112, MC_CODE_BYTES = 16 };

// An instruction: its text, and its bytes. Those that a relocation is to fill read as zero.
struct mc_line {
    char text[MC_TEXT_BYTES];
    uint8_t bytes[MC_CODE_BYTES];
    unsigned count;
};

struct mc_list {
    struct mc_line *lines;
    unsigned count, capacity;
};

MC_UNUSED static struct mc_line *mc_append(struct mc_list *list)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 4096 : list->capacity * 2;
        list->lines = realloc(list->lines, list->capacity * sizeof *list->lines);
        if (list->lines == NULL) {
            abort();
        }
    }
    struct mc_line *line = &list->lines[list->count++];
    memset(line, 0, sizeof *line);
    return line;
}

MC_UNUSED static void mc_clear(struct mc_list *list)
{
    free(list->lines);
    memset(list, 0, sizeof *list);
}

MC_UNUSED static bool mc_is_there(void)
{
    return system("llvm-mc-22 --version >/dev/null 2>&1") == 0;
}

// Its output: a tab, the text with tabs and runs of blanks, the comment with the encoding.
MC_UNUSED static bool mc_parse(char *output, struct mc_line *line)
{
    char *encoding = strstr(output, "encoding: [");
    if (encoding == NULL) {
        return false;
    }
    char *end = encoding;
    while (end > output && strchr("#/ \t", end[-1]) != NULL) {
        end--;
    }
    size_t length = 0;
    bool is_blank = true;
    for (const char *p = output; p < end && length + 1 < sizeof line->text; p++) {
        bool blank = *p == ' ' || *p == '\t';
        if (!blank || !is_blank) {
            line->text[length++] = blank ? ' ' : *p;
        }
        is_blank = blank;
    }
    line->text[length] = 0;
    const char *p = encoding + strlen("encoding: [");
    while (*p != ']' && *p != 0 && line->count < MC_CODE_BYTES) {
        line->bytes[line->count++] = (uint8_t) strtoul(p, NULL, 16); // "A" of a fix-up is 10
        p += strcspn(p, ",]");
        p += *p == ',';
    }
    return true;
}

// What it makes of a file, appended to `out`. A "lock" alone belongs to the next instruction.
MC_UNUSED static bool mc_run(const char *arguments, const char *source, struct mc_list *out)
{
    char command[512];
    snprintf(command, sizeof command, "llvm-mc-22 %s -show-encoding %s 2>%s.log", arguments, source,
             source);
    FILE *pipe = popen(command, "r");
    if (pipe == NULL) {
        return false;
    }
    char output[512];
    bool is_locked = false;
    while (fgets(output, sizeof output, pipe) != NULL) {
        struct mc_line line = {.count = 0};
        if (!mc_parse(output, &line)) {
            continue;
        }
        if (strcmp(line.text, "lock") == 0) {
            is_locked = true;
            continue;
        }
        struct mc_line *next = mc_append(out);
        *next = line;
        if (is_locked) {
            snprintf(next->text, sizeof next->text, "lock %.*s", MC_TEXT_BYTES - 6, line.text);
            next->bytes[0] = 0xf0;
            memcpy(next->bytes + 1, line.bytes, MC_CODE_BYTES - 1);
            next->count = line.count + 1;
        }
        is_locked = false;
    }
    return pclose(pipe) == 0;
}

MC_UNUSED static FILE *mc_open(char source[32])
{
    strcpy(source, "/tmp/wjit-mc-XXXXXX");
    int descriptor = mkstemp(source);
    return descriptor < 0 ? NULL : fdopen(descriptor, "w");
}

MC_UNUSED static void mc_remove(const char *source)
{
    char log[64];
    snprintf(log, sizeof log, "%s.log", source);
    unlink(log);
    unlink(source);
}

// The texts of `in`, assembled. `head` is put before them.
MC_UNUSED static bool mc_assemble(const char *arguments, const char *head, const struct mc_list *in,
                                  struct mc_list *out)
{
    char source[32];
    FILE *file = mc_open(source);
    if (file == NULL) {
        return false;
    }
    fprintf(file, "%s\n", head);
    for (unsigned i = 0; i < in->count; i++) {
        fprintf(file, "%s\n", in->lines[i].text);
    }
    fclose(file);
    bool is_done = mc_run(arguments, source, out) && out->count == in->count;
    if (is_done) {
        mc_remove(source);
    } else {
        printf("llvm-mc took %u of %u lines of %s\n", out->count, in->count, source);
    }
    return is_done;
}

// The bytes of `in`, disassembled each for itself.
MC_UNUSED static bool mc_disassemble(const char *arguments, const struct mc_list *in,
                                     struct mc_list *out)
{
    char source[32], all[256];
    FILE *file = mc_open(source);
    if (file == NULL) {
        return false;
    }
    for (unsigned i = 0; i < in->count; i++) {
        fprintf(file, "[");
        for (unsigned k = 0; k < in->lines[i].count; k++) {
            fprintf(file, " 0x%02x", in->lines[i].bytes[k]);
        }
        fprintf(file, "]\n");
    }
    fclose(file);
    snprintf(all, sizeof all, "%s -disassemble", arguments);
    bool is_done = mc_run(all, source, out) && out->count == in->count;
    if (is_done) {
        mc_remove(source);
    } else {
        printf("llvm-mc took %u of %u instructions of %s\n", out->count, in->count, source);
    }
    return is_done;
}

// A piece of code, disassembled from its start to its end.
MC_UNUSED static bool mc_disassemble_code(const char *arguments, const uint8_t *code, size_t size,
                                          struct mc_list *out)
{
    char source[32], all[256];
    FILE *file = mc_open(source);
    if (file == NULL) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        fprintf(file, "0x%02x%c", code[i], i % 16 == 15 ? '\n' : ' ');
    }
    fclose(file);
    snprintf(all, sizeof all, "%s -disassemble", arguments);
    bool is_done = mc_run(all, source, out);
    char check[128];
    snprintf(check, sizeof check, "test ! -s %s.log", source);
    is_done = system(check) == 0 && is_done; // it warns of bytes that are no instruction
    if (is_done) {
        mc_remove(source);
    } else {
        printf("llvm-mc does not understand all of %s: see %s.log\n", source, source);
    }
    return is_done;
}

#endif
