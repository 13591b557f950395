// A page of the documents as its reader copies from it.
#pragma once

#include <string>
#include <vector>

namespace w2s::e2e {

/// README.md, CONTRIBUTING.md and docs/*.md, by their paths in the repository.
std::vector<std::string> pages();

/// ```language file
struct Block {
  std::string language, file, text;
};

std::vector<Block> blocks_of(const std::string& path);

/// The lines of fenced and indented code that call a program: w2s, ./dev, or what starts them (gdb, mpirun,
/// …). A line that ends in \ goes on in the next; what follows two spaces and # is left out.
std::vector<std::string> commands_of(const std::string& path);

}  // namespace w2s::e2e
