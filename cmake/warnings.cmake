# The warnings of the house. A missing case in a switch over an enum is an error in every build.
set(WJIT_WARNINGS -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wswitch
  -Werror=switch -Werror=implicit-function-declaration)
if(WJIT_WERROR)
  list(APPEND WJIT_WARNINGS -Werror)
endif()
