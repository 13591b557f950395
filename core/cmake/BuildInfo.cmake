# Script mode: writes OUTPUT, a source file with the digest of the engine's sources and the commit.
#   cmake -DSOURCE_DIR=… -DOUTPUT=… -DVERSION=… -P BuildInfo.cmake
file(GLOB_RECURSE sources ${SOURCE_DIR}/core/include/w2s/*.hpp ${SOURCE_DIR}/core/src/data/* ${SOURCE_DIR}/core/src/engine/*
     ${SOURCE_DIR}/core/src/lab/* ${SOURCE_DIR}/core/src/supervisors/*)
list(SORT sources)
set(digests "")
foreach(source IN LISTS sources)
  file(SHA256 ${source} digest)
  string(APPEND digests "${digest}\n")
endforeach()
string(SHA256 engine "${digests}")

set(commit "")
find_package(Git QUIET)
if(Git_FOUND AND EXISTS ${SOURCE_DIR}/.git)
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${SOURCE_DIR} describe --always --dirty --abbrev=40 --match=
                  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()

set(text "#include \"lab/engine_digest.hpp\"
#include \"launch/build_info.hpp\"

namespace w2s {

const char* const kVersion = \"${VERSION}\";
const char* const kCommit = \"${commit}\";

const std::string& engine_digest() {
  static const std::string digest = \"${engine}\";
  return digest;
}

}  // namespace w2s
")
file(WRITE ${OUTPUT} "${text}")
