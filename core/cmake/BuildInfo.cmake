# Script mode: writes OUTPUT, a source file with the version and the commit of the sources.
#   cmake -DSOURCE_DIR=… -DOUTPUT=… -DVERSION=… -P BuildInfo.cmake
set(commit "")
find_package(Git QUIET)
if(Git_FOUND AND EXISTS ${SOURCE_DIR}/.git)
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${SOURCE_DIR} describe --always --dirty --abbrev=40 --match=
                  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()

file(WRITE ${OUTPUT} "#include \"launch/build_info.hpp\"

namespace w2s {

const char* const kVersion = \"${VERSION}\";
const char* const kCommit = \"${commit}\";

}  // namespace w2s
")
