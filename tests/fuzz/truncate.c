// Cuts modules at every byte: truncate_modules FILE.wasm... Each piece is decoded and validated at
// the end of an allocation, where a sanitizer sees reads past it. Exit status 1: an error without
// words, or one that lies behind the piece.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wjit.h>

static bool try_piece(wasm_engine_t *engine, const uint8_t *bytes, size_t size)
{
    char *piece = malloc(size != 0 ? size : 1);
    if (piece == NULL) {
        return false;
    }
    memcpy(piece, bytes, size);
    wasm_byte_vec_t vec = {size, piece};
    wjit_error_t error = {.offset = WJIT_NO_OFFSET};
    bool is_valid = wjit_validate(engine, &vec, &error);
    bool is_right = is_valid || (error.message[0] != '\0' &&
                                 (error.offset == WJIT_NO_OFFSET || error.offset <= size));
    free(piece);
    return is_right;
}

static bool try_file(wasm_engine_t *engine, const char *path, unsigned long *pieces)
{
    static uint8_t bytes[1 << 20];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return false;
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t cut = 0; cut < size; cut++, ++*pieces) {
        if (!try_piece(engine, bytes, cut)) {
            printf("FAIL %s, cut at byte %zu\n", path, cut);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    wasm_config_t *config = wasm_config_new();
    wjit_config_set_features(config, WJIT_FEATURES_ALL);
    wasm_engine_t *engine = wasm_engine_new_with_config(config);
    unsigned long pieces = 0;
    int failed = engine == NULL;
    for (int i = 1; engine != NULL && i < argc; i++) {
        failed += !try_file(engine, argv[i], &pieces);
    }
    wasm_engine_delete(engine);
    printf("%lu pieces\n%d passed, %d failed\n", pieces, argc - 1 - failed, failed);
    return failed != 0;
}
