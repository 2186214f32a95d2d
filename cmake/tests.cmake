# Unit tests are cmocka programs; the runner of the official suite needs nothing but the library.
set(WJIT_TEST_ENVIRONMENT
  "ASAN_OPTIONS=handle_segv=0:allow_user_segv_handler=1:detect_stack_use_after_return=0"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "LSAN_OPTIONS=print_suppressions=0:suppressions=${CMAKE_SOURCE_DIR}/tests/unit/leaks.txt"
  "WJIT_BUILD=${CMAKE_BINARY_DIR}")
set(WJIT_TEST_SECONDS_MAX 240)
if(CMAKE_CROSSCOMPILING)
  list(APPEND WJIT_TEST_ENVIRONMENT "WJIT_EMULATED=1")
  set(WJIT_TEST_SECONDS_MAX 600)
endif()

if(EXISTS ${CMAKE_SOURCE_DIR}/tests/spec/spec_runner.c
   AND EXISTS ${CMAKE_SOURCE_DIR}/include/wjit.h)
  file(GLOB spec_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/spec/*.c)
  add_executable(spec_runner ${spec_sources})
  target_link_libraries(spec_runner PRIVATE wjit_static)
endif()

add_executable(fuzz_trace ${CMAKE_SOURCE_DIR}/tests/fuzz/trace.c)
target_link_libraries(fuzz_trace PRIVATE wjit_static)
add_executable(truncate_modules ${CMAKE_SOURCE_DIR}/tests/fuzz/truncate.c)
target_link_libraries(truncate_modules PRIVATE wjit_static)

# Every numeric operation against an oracle in C, in which the compiler must not fuse operations.
add_executable(numeric_check ${CMAKE_SOURCE_DIR}/tests/run/numeric/check.c)
target_link_libraries(numeric_check PRIVATE wjit_static)
target_compile_options(numeric_check PRIVATE -ffp-contract=off)

# The command line, with a GPU that interprets shaders and checks each access that they make.
file(GLOB check_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/spirv/check/*.c)
if(WJIT_CLI_SOURCES)
  add_executable(wjit_check ${WJIT_CLI_SOURCES} ${check_sources})
  target_link_libraries(wjit_check PRIVATE wjit_static)
  target_compile_definitions(wjit_check PRIVATE WJIT_VERSION="${PROJECT_VERSION}"
    WJIT_CLI_CLOSES=$<BOOL:${WJIT_SANITIZE}>)
  set_property(SOURCE ${check_sources} APPEND PROPERTY COMPILE_OPTIONS -ffp-contract=off)
endif()

# Debian has libraries of several machines beside each other, and one header for all of them: a
# cross build takes the latter by a link, as cmake/headers.cmake does.
if(CMAKE_CROSSCOMPILING)
  find_library(WJIT_CMOCKA cmocka PATHS /usr/lib/${CMAKE_SYSTEM_PROCESSOR}-linux-gnu
    NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
  find_path(WJIT_CMOCKA_INCLUDE cmocka.h PATHS /usr/include NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
else()
  find_library(WJIT_CMOCKA cmocka)
  find_path(WJIT_CMOCKA_INCLUDE cmocka.h)
endif()
file(GLOB unit_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/*/test_*.c)
if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(FILTER unit_sources EXCLUDE REGEX "/test_x64_") # they run what they make
endif()
if(unit_sources AND NOT (WJIT_CMOCKA AND WJIT_CMOCKA_INCLUDE))
  message(NOTICE "wjit: no cmocka for this target (Debian: libcmocka-dev, for a cross build "
    "libcmocka-dev:arm64), unit tests are left out")
  set(unit_sources)
elseif(CMAKE_CROSSCOMPILING)
  file(CREATE_LINK ${WJIT_CMOCKA_INCLUDE}/cmocka.h ${CMAKE_BINARY_DIR}/host-headers/cmocka.h
    SYMBOLIC)
  set(WJIT_CMOCKA_INCLUDE ${CMAKE_BINARY_DIR}/host-headers)
endif()
foreach(source IN LISTS unit_sources)
  cmake_path(GET source PARENT_PATH folder)
  cmake_path(GET folder FILENAME folder)
  cmake_path(GET source STEM stem)
  string(REGEX REPLACE "^test_" "" stem ${stem})
  set(name ${folder}_${stem})
  add_executable(test_${name} ${source})
  target_link_libraries(test_${name} PRIVATE wjit_static ${WJIT_CMOCKA})
  target_include_directories(test_${name} SYSTEM PRIVATE ${WJIT_CMOCKA_INCLUDE})
  set_target_properties(test_${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT WJIT_UNIT_TESTS)
    set_target_properties(test_${name} PROPERTIES EXCLUDE_FROM_ALL ON)
    continue()
  endif()
  add_test(NAME ${folder}/${stem} COMMAND test_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${folder}/${stem} PROPERTIES TIMEOUT ${WJIT_TEST_SECONDS_MAX}
    SKIP_RETURN_CODE 77 ENVIRONMENT "${WJIT_TEST_ENVIRONMENT}")
endforeach()

# Small programs that tests of the examples use, a picture comparison for one. They run on the
# machine that tests, and read pictures by stb.
find_path(WJIT_STB_INCLUDE stb/stb_image.h)
file(GLOB tool_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/examples/*.c)
if(WJIT_STB_INCLUDE AND NOT CMAKE_CROSSCOMPILING)
  foreach(source IN LISTS tool_sources)
    cmake_path(GET source STEM stem)
    add_executable(${stem} ${source})
    target_include_directories(${stem} SYSTEM PRIVATE ${WJIT_STB_INCLUDE})
    target_link_libraries(${stem} PRIVATE m)
    set_target_properties(${stem} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  endforeach()
elseif(tool_sources)
  message(NOTICE "wjit: no stb (Debian: libstb-dev), the tools of tests/examples are left out")
endif()
