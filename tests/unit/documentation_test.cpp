// The documents against the program: what they show must be what it does.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <regex>

#include <w2s/loss.hpp>

#include "base/files.hpp"
#include "plugins/compile.hpp"
#include "plugins/registry.hpp"
#include "plugins/run_program.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

const std::string kRoot = W2S_SOURCE_DIR;

std::string output_of(const std::vector<std::string>& arguments) {
  unsetenv("W2S_PLUGIN_PATH");
  std::vector<std::string> command = {W2S_BINARY_DIR "/bin/w2s"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const ProgramResult result = run_program(command);
  EXPECT_EQ(result.status, 0) << result.output;
  return result.output;
}

std::vector<fs::path> documents() {
  std::vector<fs::path> found = {kRoot + "/README.md", kRoot + "/CONTRIBUTING.md"};
  for (const auto& file : fs::directory_iterator(kRoot + "/docs")) {
    if (file.path().extension() == ".md") found.push_back(file.path());
  }
  return found;
}

TEST(Documentation, ReferenceIsWhatThePluginsSayOfThemselves) {
  const std::string mark = "<!-- generated: ./dev docs -->\n\n";
  const std::string page = read_file(kRoot + "/docs/reference.md");
  const std::size_t at = page.find(mark);
  ASSERT_NE(at, std::string::npos);
  EXPECT_TRUE(page.substr(at + mark.size()) == output_of({"describe", "--all", "--markdown"}))
      << "docs/reference.md is stale: run ./dev docs";
}

TEST(Documentation, TablesOfTheExperimentFileAreTheOnesThatAreRead) {
  const std::string page = read_file(kRoot + "/docs/experiment-file.md");
  for (const char* table : {"train", "split"}) {
    const std::string expected = "<!-- generated: w2s describe " + std::string(table) + " --markdown -->\n" +
                                 output_of({"describe", table, "--markdown"}) + "<!-- end -->";
    EXPECT_NE(page.find(expected), std::string::npos)
        << "docs/experiment-file.md is stale for '" << table << "': run ./dev docs";
  }
}

TEST(Documentation, LinksLeadToFiles) {
  const std::regex link(R"(\]\(([^)#]+)(#[^)]*)?\))");
  for (const fs::path& document : documents()) {
    const std::string text = read_file(document);
    for (std::sregex_iterator match(text.begin(), text.end(), link), end; match != end; ++match) {
      const std::string target = (*match)[1];
      if (target.find("://") != std::string::npos) continue;
      EXPECT_TRUE(fs::exists(document.parent_path() / target)) << document << " links to " << target;
    }
  }
}

TEST(Documentation, TheLossOfTheReadmeIsAWholePlugin) {
  const std::string page = read_file(kRoot + "/README.md");
  const std::string fence = "```cpp\n";
  const std::size_t begin = page.find(fence) + fence.size(), end = page.find("```\n", begin);
  ASSERT_NE(end, std::string::npos);

  std::string folder = (fs::temp_directory_path() / "w2s-readme-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  setenv("XDG_CACHE_HOME", (folder + "/cache").c_str(), 1);
  write_file_atomically(folder + "/poly1.cpp", page.substr(begin, end - begin));
  Registry registry;
  registry.add_library(compile_plugin(folder + "/poly1.cpp"));
  Table params;
  params.set("epsilon", 2.0);
  const std::unique_ptr<ILoss> loss = registry.make_loss(Spec{"poly1", params, {}});
  LossInput in;
  in.logits = at::zeros({2, 4});
  in.targets = at::tensor(std::vector<float>{1, 0, 0, 0, 0.5, 0.5, 0, 0}).view({2, 4});
  // At equal logits p = 1/4 everywhere: log 4 + 2 (1 − 1/4).
  EXPECT_TRUE(at::allclose(loss->forward(in), at::full({2}, std::log(4.0) + 1.5)));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace w2s
