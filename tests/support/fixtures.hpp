// Where the golden values lie: tests/golden/fixtures (its README says what is in it) and, beside it, the
// folders that $W2S_FIXTURES names, separated by colons. A name that is no such folder is an error, not a
// test the less.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace w2s {

inline std::vector<std::filesystem::path> fixture_roots() {
  namespace fs = std::filesystem;
  std::vector<fs::path> roots = {W2S_SOURCE_DIR "/tests/golden/fixtures"};
  const char* others = std::getenv("W2S_FIXTURES");
  std::istringstream names(others != nullptr ? others : "");
  for (std::string name; std::getline(names, name, ':');) {
    const bool any = std::ranges::any_of(std::vector{"losses.json", "models", "tokenizers", "training"},
                                         [&](const char* part) { return fs::exists(fs::path(name) / part); });
    if (!any) {
      throw std::runtime_error(
          "W2S_FIXTURES: '" + name +
          "' holds none of losses.json, models, tokenizers and "
          "training: name a folder of the form of tests/golden/fixtures, by its absolute path");
    }
    roots.push_back(name);
  }
  return roots;
}

/// The cases of one kind ("models") in all roots, by name and root: the folders that hold `file`.
inline std::vector<std::filesystem::path> fixtures(const std::string& kind, const std::string& file) {
  namespace fs = std::filesystem;
  std::vector<fs::path> cases;
  for (const fs::path& root : fixture_roots()) {
    if (!fs::is_directory(root / kind)) continue;
    for (const auto& entry : fs::directory_iterator(root / kind)) {
      if (fs::exists(entry.path() / file)) cases.push_back(entry.path());
    }
  }
  std::ranges::sort(cases, {}, [](const fs::path& path) { return std::pair(path.filename(), path); });
  return cases;
}

}  // namespace w2s
