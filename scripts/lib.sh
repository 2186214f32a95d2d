# Functions that the scripts share, with the project's root in $root. Packages are named; where they
# come from is the machine's business.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# To build: with these the library, the command line and the headers' users compile.
packages_build=(gcc libc6-dev make cmake ninja-build libvulkan-dev spirv-headers libxxhash-dev)
# To compile C for WebAssembly. Where they are missing, the examples are left out.
packages_wasm=(clang-22 lld-22 wasi-libc libclang-rt-22-dev-wasm32 libstb-dev)
# To run kernels: the loader, and drivers, one of which runs on every CPU.
packages_gpu=(libvulkan1 mesa-vulkan-drivers)

say() {
    printf '%s\n' "$*"
}

# Of this machine's architecture, unless the name says which.
is_installed() {
    dpkg-query -W -f='${db:Status-Status} ${Architecture}\n' "$1" 2>/dev/null |
        grep -qxE "installed ($([[ $1 = *:* ]] && echo "${1#*:}" || dpkg --print-architecture)|all)"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        say "notice: neither root nor sudo, cannot run: $*"
        return 1
    fi
}

# install_packages NAME...: installs what is missing, where the package sources have it, and says
# what they do not have. What cannot do without one fails later and names it.
install_packages() {
    local name missing=() known=()
    for name in "$@"; do
        is_installed "$name" || missing+=("$name")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    command -v apt-get >/dev/null || { say "notice: no apt-get, missing: ${missing[*]}"; return 0; }
    as_root apt-get update -q >/dev/null || say "notice: apt-get update failed"
    for name in "${missing[@]}"; do
        if apt-cache show "$name" >/dev/null 2>&1; then
            known+=("$name")
        else
            say "notice: the package sources have no $name"
        fi
    done
    [ ${#known[@]} -eq 0 ] && return 0
    say "installing: ${known[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        "${known[@]}" >/dev/null || say "notice: apt-get install failed"
}

# install_foreign ARCHITECTURE NAME...: packages of another architecture beside this machine's.
# False where they cannot be had.
install_foreign() {
    local architecture=$1 name missing=()
    shift
    for name in "$@"; do
        is_installed "$name:$architecture" || missing+=("$name:$architecture")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    command -v apt-get >/dev/null || return 1
    if ! dpkg --print-foreign-architectures | grep -qx "$architecture"; then
        as_root dpkg --add-architecture "$architecture" || return 1
    fi
    if ! apt-cache show "${missing[@]}" >/dev/null 2>&1; then
        as_root apt-get update -q >/dev/null || return 1
    fi
    # Nothing of this machine's may go for it.
    say "installing: ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        --no-remove "${missing[@]}" >/dev/null
}

# Node.js may come with its own npm, then Debian's package of that name would conflict with it.
install_node() {
    command -v node >/dev/null || install_packages nodejs ca-certificates
    command -v npm >/dev/null || install_packages npm
}

# npm_package NAME@VERSION: fetches into build/npm once; prints the package's folder.
npm_package() {
    local name=${1%@*} folder
    folder=$root/build/npm/node_modules/$name
    if [ ! -e "$folder/package.json" ]; then
        mkdir -p "$root/build/npm"
        npm install --no-audit --no-fund --silent --ignore-scripts --legacy-peer-deps \
            --prefix "$root/build/npm" "$1" >&2 || return 1
    fi
    say "$folder"
}

# build_preset NAME [TARGET...]
build_preset() {
    local preset=$1
    shift
    if command -v ninja >/dev/null && [ ! -e "$root/build/$preset/CMakeCache.txt" ]; then
        local -x CMAKE_GENERATOR=Ninja
    fi
    (cd "$root" && cmake --preset "$preset" && cmake --build --preset "$preset" ${1:+--target "$@"})
}
