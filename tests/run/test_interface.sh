#!/bin/bash
# The C interface seen by hosts that are built in another way: with short enumerations, with guards
# around everything that it writes to, and by a C++ compiler.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
cc=${CC:-cc}
need "$cc"
library=${WJIT_BUILD:?}/libwjit.so
include=$(cd "$here/../../include" && pwd)
[ -f "$library" ] || skip "no libwjit.so in $WJIT_BUILD"

cat >host.c <<'C'
#include <stdio.h>
#include <string.h>
#include <wasm.h>

/* (module (global (export "g") (mut i64) (i64.const -2))
     (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))) */
static const unsigned char text[] = {
    0, 'a', 's', 'm', 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3, 2, 1, 0, 6, 6, 1, 0x7e, 1,
    0x42, 0x7e, 0x0b, 7, 9, 2, 1, 'g', 3, 0, 1, 'f', 0, 0, 10, 9, 1, 7, 0, 0x20, 0, 0x41, 1, 0x6a,
    0x0b};
#define GUARD 0x5a5aa5a5c3c33c3cull
#define GUARDED(type, name) \
    struct { unsigned long long before; type value; unsigned long long after; } name; \
    memset(&name, 0x77, sizeof name); \
    name.before = name.after = GUARD
#define CHECK(condition) \
    if (!(condition)) { printf("line %d: %s\n", __LINE__, #condition); return 1; }
#define INTACT(name) CHECK(name.before == GUARD && name.after == GUARD)

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_byte_vec_t binary = {sizeof text, (char *) text};
    wasm_module_t *module = wasm_module_new(store, &binary);
    CHECK(module);
    wasm_extern_vec_t imports = WASM_EMPTY_VEC;
    GUARDED(wasm_trap_t *, trap);
    trap.value = NULL;
    wasm_instance_t *instance = wasm_instance_new(store, module, &imports, &trap.value);
    INTACT(trap);
    CHECK(instance && !trap.value);
    GUARDED(wasm_extern_vec_t, exports);
    wasm_instance_exports(instance, &exports.value);
    INTACT(exports);
    CHECK(exports.value.size == 2 && wasm_extern_kind(exports.value.data[0]) == WASM_EXTERN_GLOBAL);
    GUARDED(wasm_val_t, global);
    wasm_global_get(wasm_extern_as_global(exports.value.data[0]), &global.value);
    INTACT(global);
    CHECK(global.value.kind == WASM_I64 && global.value.of.i64 == -2);
    wasm_val_t argument = {.kind = WASM_I32, .of = {.i32 = 41}};
    GUARDED(wasm_val_t, result);
    wasm_val_vec_t arguments = {1, &argument}, results = {1, &result.value};
    CHECK(!wasm_func_call(wasm_extern_as_func(exports.value.data[1]), &arguments, &results));
    INTACT(result);
    CHECK(result.value.kind == WASM_I32 && result.value.of.i32 == 42);
    GUARDED(wasm_exporttype_vec_t, types);
    wasm_module_exports(module, &types.value);
    INTACT(types);
    const wasm_externtype_t *type = wasm_exporttype_type(types.value.data[0]);
    CHECK(wasm_globaltype_mutability(wasm_externtype_as_globaltype_const(type)) == WASM_VAR);
    wasm_exporttype_vec_delete(&types.value);
    wasm_extern_vec_delete(&exports.value);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
C
for option in -fno-short-enums -fshort-enums; do
    "$cc" -I "$include" $option -Wall -Wextra -Werror host.c -o host "$library" ||
        fail "$option: wasm.h does not compile"
    expect 0 - env LD_LIBRARY_PATH="$(dirname "$library")" ${WJIT_EMULATED:-} ./host
    [ ! -s out ] || fail "$option: $(cat out)"
done

# The enumerations of wjit.h are ints: a host that makes them smaller is told so.
printf '#include <wjit.h>\n#include <wjit/wasi.h>\nint main(void) { return 0; }\n' >wjit.c
"$cc" -I "$include" -Wall -Wextra -Werror -c wjit.c -o wjit.o || fail "wjit.h does not compile"
"$cc" -I "$include" -fshort-enums -c wjit.c -o wjit.o 2>err && fail "short enumerations are taken"
grep -q 'short-enums' err || fail "short enumerations: $(head -c 300 err)"
if command -v c++ >/dev/null; then
    cp wjit.c wjit.cc
    c++ -I "$include" -Wall -Wextra -c wjit.cc -o wjit.o || fail "wjit.h is no C++"
fi
finish
