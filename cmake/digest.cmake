# Writes OUTPUT, a C file with the digest of the files in the list file INPUTS: what tells compiled
# code of this compiler from that of another. The same for every machine that is built for.
file(STRINGS ${INPUTS} names)
set(all)
foreach(name IN LISTS names)
  file(SHA256 ${SOURCE_DIR}/${name} digest)
  string(APPEND all "${name} ${digest}\n")
endforeach()
string(SHA256 digest "${all}")
string(SUBSTRING ${digest} 0 32 digest)
set(text "// Made by the build: what code of this compiler is known by.
#include \"runtime/vm/cwasm.h\"

const char wj_compiler_digest[33] = \"${digest}\";
")
set(old)
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${OUTPUT} "${text}")
endif()
