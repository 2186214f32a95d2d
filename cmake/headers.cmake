# Headers that are used without linking: Vulkan is opened at run time, SPIR-V is an enumeration and
# xxHash is compiled in. They hold nothing of one machine, so a cross build takes those of the build
# host, each by a link of its own: the host's whole folder would bring the wrong C library along.
set(WJIT_HEADER_DIRS)

function(wjit_require_header header package)
  string(MAKE_C_IDENTIFIER "WJIT_DIR_${header}" variable)
  find_path(${variable} ${header} PATHS /usr/include /usr/local/include NO_CMAKE_FIND_ROOT_PATH)
  if(NOT ${variable})
    message(FATAL_ERROR "wjit: ${header} is missing; it is in Debian's package ${package}")
  endif()
  if(CMAKE_CROSSCOMPILING)
    set(links ${CMAKE_BINARY_DIR}/host-headers)
    file(MAKE_DIRECTORY ${links})
    foreach(name IN LISTS ARGN)
      file(CREATE_LINK ${${variable}}/${name} ${links}/${name} SYMBOLIC)
    endforeach()
    list(APPEND WJIT_HEADER_DIRS ${links})
  else()
    list(APPEND WJIT_HEADER_DIRS ${${variable}})
  endif()
  list(REMOVE_DUPLICATES WJIT_HEADER_DIRS)
  list(REMOVE_ITEM WJIT_HEADER_DIRS /usr/include)
  set(WJIT_HEADER_DIRS ${WJIT_HEADER_DIRS} PARENT_SCOPE)
endfunction()

wjit_require_header(vulkan/vulkan.h libvulkan-dev vulkan vk_video)
wjit_require_header(spirv/unified1/spirv.h spirv-headers spirv)
wjit_require_header(xxhash.h libxxhash-dev xxhash.h)
