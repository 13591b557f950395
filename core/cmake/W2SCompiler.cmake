# Language level, warnings, sanitizers: the same for the core, the plugins and the tests.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

# Files that were compiled before, in this folder or another, come out of ccache where it is installed. Precompiled headers
# need leniency about their time and their macros.
option(W2S_CCACHE "Compile through ccache where it is installed" ON)
find_program(W2S_CCACHE_PROGRAM ccache)
mark_as_advanced(W2S_CCACHE_PROGRAM)
if(W2S_CCACHE AND W2S_CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${W2S_CCACHE_PROGRAM})
endif()

# -O2 with line tables: stack traces name lines, at no cost in speed.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")

add_library(w2s_options INTERFACE)
add_library(w2s::options ALIAS w2s_options)
target_compile_options(w2s_options INTERFACE -Wall -Wextra -Wno-unused-parameter
                       -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
# It takes every reference that a function with a std::string argument returns for one to that string.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
  target_compile_options(w2s_options INTERFACE -Wno-dangling-reference)
endif()
if(W2S_WERROR)
  target_compile_options(w2s_options INTERFACE -Werror)
endif()
if(W2S_SANITIZE)
  target_compile_options(w2s_options INTERFACE -fsanitize=${W2S_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  target_link_options(w2s_options INTERFACE -fsanitize=${W2S_SANITIZE})
endif()
