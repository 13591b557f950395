// What this binary was built from: written by core/cmake/BuildInfo.cmake.
#pragma once

namespace w2s {

extern const char* const kVersion;  // "0.1.0"
extern const char* const
    kCommit;  // of the sources when they were built, "-dirty" with local edits; "" outside git

}  // namespace w2s
