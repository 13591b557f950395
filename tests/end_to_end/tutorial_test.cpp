// docs/tutorial.md, followed literally: its files are written and its commands run, in order, in an empty
// folder.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/page.hpp"
#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

namespace fs = std::filesystem;

TEST(Tutorial, RunsAsItIsWritten) {
  const Workbench bench;
  const std::string folder = bench.folder();
  const std::string command_folder = fs::path(W2S_COMMAND).parent_path().string();
  int commands = 0;
  for (const Block& block : blocks_of(W2S_SOURCE_DIR "/docs/tutorial.md")) {
    if (!block.file.empty()) {
      std::ofstream(folder + "/" + block.file) << block.text;
    } else if (block.language == "sh") {
      const std::string script =
          "set -euo pipefail; export PATH='" + command_folder + "':$PATH\n" + block.text;
      const Outcome outcome = bench.command({"bash", "-c", script});
      ASSERT_EQ(outcome.status, 0) << block.text << outcome.out << outcome.err;
      ++commands;
    }
  }
  EXPECT_GE(commands, 8);
}

}  // namespace
}  // namespace w2s::e2e
