#include "page.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace w2s::e2e {
namespace {

std::ifstream open_page(const std::string& path) {
  std::ifstream page(path);
  if (!page) throw std::runtime_error("cannot read " + path);
  return page;
}

std::string without_comment(const std::string& line) {
  const std::string code = line.substr(0, line.find("  #"));
  return code.substr(0, code.find_last_not_of(' ') + 1);
}

}  // namespace

std::vector<std::string> pages() {
  std::vector<std::string> found = {"README.md", "CONTRIBUTING.md"};
  for (const auto& file : std::filesystem::directory_iterator(W2S_SOURCE_DIR "/docs")) {
    if (file.path().extension() == ".md") found.push_back("docs/" + file.path().filename().string());
  }
  return found;
}

std::vector<Block> blocks_of(const std::string& path) {
  std::ifstream page = open_page(path);
  std::vector<Block> blocks;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("```")) {
      inside = !inside;
      if (!inside) continue;
      Block block;
      std::istringstream(line.substr(3)) >> block.language >> block.file;
      blocks.push_back(block);
    } else if (inside) {
      blocks.back().text += line + '\n';
    }
  }
  return blocks;
}

std::vector<std::string> commands_of(const std::string& path) {
  static const std::regex call(R"(^(w2s|\./dev|gdb|mpirun|srun|torchrun|cmake|ctest|python3) .*)");
  std::ifstream page = open_page(path);
  std::vector<std::string> commands;
  bool fenced = false, goes_on = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("```")) {
      fenced = !fenced;
      continue;
    }
    if (!fenced && !line.starts_with("    ")) continue;
    std::string code = without_comment(fenced ? line : line.substr(4));
    if (goes_on) {
      commands.back() += code.substr(std::min(code.find_first_not_of(' '), code.size()));
    } else if (std::regex_match(code, call)) {
      commands.push_back(code);
    } else {
      continue;
    }
    goes_on = commands.back().ends_with('\\');
    if (goes_on) commands.back().pop_back();
  }
  return commands;
}

}  // namespace w2s::e2e
