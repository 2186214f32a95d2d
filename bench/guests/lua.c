/* Runs lua.lua (workload.h holds its text) in a new Lua 5.4 state; the global `check` that it
 * leaves is the result. */
#include "lua.h"
#include "lauxlib.h"
#include "lualib.h"

#include "bench.h"
#include "workload.h"

static uint64_t kernel(void)
{
    static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},
                                         {LUA_TABLIBNAME, luaopen_table},
                                         {LUA_STRLIBNAME, luaopen_string},
                                         {LUA_MATHLIBNAME, luaopen_math}};
    lua_State *state = luaL_newstate();
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        luaL_requiref(state, libraries[i].name, libraries[i].func, 1);
        lua_pop(state, 1);
    }
    if (luaL_dostring(state, workload) != LUA_OK) {
        fprintf(stderr, "lua: %s\n", lua_tostring(state, -1));
        return 0;
    }
    lua_getglobal(state, "check");
    uint64_t check = (uint64_t) lua_tointeger(state, -1);
    lua_close(state);
    return check;
}

int main(void)
{
    return bench_main(kernel);
}
