# WJIT_STATIC: whether the command can be linked statically, and is wanted to. Not with sanitizers,
# and not in a cross build, whose emulator would not run a second program by itself.
set(WJIT_STATIC OFF)
if(WJIT_STATIC_COMMAND AND NOT WJIT_SANITIZE AND NOT WJIT_SANITIZE_THREAD
   AND NOT CMAKE_CROSSCOMPILING)
  include(CheckCSourceCompiles)
  set(CMAKE_REQUIRED_FLAGS -fPIE)
  set(CMAKE_REQUIRED_LINK_OPTIONS -static-pie)
  set(CMAKE_REQUIRED_LIBRARIES m)
  check_c_source_compiles("#include <pthread.h>
    int main(void) { return pthread_self() == 0; }" WJIT_LINKS_STATIC_PIE)
  unset(CMAKE_REQUIRED_FLAGS)
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
  unset(CMAKE_REQUIRED_LIBRARIES)
  if(WJIT_LINKS_STATIC_PIE)
    set(WJIT_STATIC ON)
  else()
    message(NOTICE "wjit: no static C library (Debian: libc6-dev): the command starts slower")
  endif()
endif()
