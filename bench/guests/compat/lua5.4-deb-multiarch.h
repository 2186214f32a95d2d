/* Debian's Lua asks its packaging for the folder of its C modules, of which a guest has none. */
#ifndef BENCH_COMPAT_LUA_DEB_MULTIARCH_H
#define BENCH_COMPAT_LUA_DEB_MULTIARCH_H

#define DEB_HOST_MULTIARCH "none"

#endif
