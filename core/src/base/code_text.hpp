// The text of C++ sources as results depend on it: without comments, with white space only where it
// separates.
#pragma once

#include <string>
#include <string_view>

namespace w2s {

/// The source with every comment gone and every run of white space, line ends among it, reduced to one blank
/// where two words or two signs would otherwise meet, and to nothing elsewhere. Literals, raw strings among
/// them, stay as they are; a preprocessor directive keeps a line of its own. Two sources with one text
/// compile to the same program, but for what __LINE__ gives.
std::string code_text(std::string_view source);

}  // namespace w2s
