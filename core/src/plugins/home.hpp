// Where this core lives: the folder that holds w2s/plugins and w2s/compile_flags.CXX.txt.
#pragma once

#include <string>

namespace w2s {

/// Found from the file that this code was loaded from: its own folder, or ../lib beside it. Absolute.
std::string home_folder();

}  // namespace w2s
