// The experiments of configs/: each is run by a command of the documents (documented_commands_test), or is
// valid where it lies.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "support/page.hpp"
#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

namespace fs = std::filesystem;

const std::string kRoot = W2S_SOURCE_DIR;

TEST(Configs, AreValidWhereNoPageRunsThem) {
  const std::map<std::string, std::string> needs = {
      {"configs/generation.toml", "/usr/share/wordnet/data.noun"},
      {"configs/chess/ladder.toml", kRoot + "/chess/games.txt"},  // ./dev chess makes it
  };
  std::string commands;
  for (const std::string& page : pages()) {
    for (const std::string& command : commands_of(kRoot + "/" + page)) commands += command + "\n";
  }
  const Workbench bench;
  int valid = 0;
  for (const auto& file : fs::recursive_directory_iterator(kRoot + "/configs")) {
    const std::string name = fs::relative(file.path(), kRoot);
    if (file.path().extension() != ".toml" || name.starts_with("configs/tasks/")) continue;
    if (commands.find(name) != std::string::npos) continue;
    if (const auto need = needs.find(name); need != needs.end() && !fs::exists(need->second)) continue;
    const Outcome outcome = bench.w2s({"validate", file.path()});
    EXPECT_EQ(outcome.status, 0) << name << "\n" << outcome.err;
    ++valid;
  }
  EXPECT_GE(valid, 8);
}

}  // namespace
}  // namespace w2s::e2e
