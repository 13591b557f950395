// The documents against the program: what they show must be what it does.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <regex>
#include <sstream>

#include <w2s/loss.hpp>

#include "base/files.hpp"
#include "base/run_program.hpp"
#include "base/scratch_folder.hpp"
#include "config/experiment.hpp"
#include "plugins/compile.hpp"
#include "plugins/registry.hpp"
#include "values/toml.hpp"

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
  for (const char* table : {"train", "split", "launcher"}) {
    const std::string expected = "<!-- generated: w2s describe " + std::string(table) + " --markdown -->\n" +
                                 output_of({"describe", table, "--markdown"}) + "<!-- end -->";
    EXPECT_NE(page.find(expected), std::string::npos)
        << "docs/experiment-file.md is stale for '" << table << "': run ./dev docs";
  }
}

// The parts of a page that are code: fenced blocks, indented lines, and what stands between backticks.
std::vector<std::string> code_of(const std::string& page) {
  std::vector<std::string> code;
  std::istringstream lines(page);
  bool fenced = false;
  const std::regex inline_code("`([^`]+)`");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      fenced = !fenced;
    } else if (fenced || line.starts_with("    ")) {
      code.push_back(line.substr(0, line.find(" # ")));
    } else {
      for (std::sregex_iterator match(line.begin(), line.end(), inline_code), end; match != end; ++match)
        code.push_back((*match)[1]);
    }
  }
  return code;
}

TEST(Documentation, CommandsAndOptionsExist) {
  const std::string commands = output_of({"--help"});
  std::map<std::string, std::string> help;
  const std::regex call(R"((?:w2s|\./dev run) ([a-z]+)( [^|;)]*)?)"), option(R"((?:^|\s)(--[a-z][a-z-]*))");
  int seen = 0;
  for (const fs::path& document : documents()) {
    if (document.filename() == "errors.md") continue;  // shows what is wrong
    for (const std::string& code : code_of(read_file(document))) {
      std::smatch match;
      if (!std::regex_search(code, match, call)) continue;
      const std::string name = match[1], words = match[2];
      if (commands.find("\n  " + name + " ") == std::string::npos) {
        ADD_FAILURE() << document << " shows 'w2s " << name << "', which is no command: " << code;
        continue;
      }
      // "chess games": an action may have options of its own.
      std::smatch action;
      const bool acts = std::regex_search(words, action, std::regex("^ ([a-z]+)(?: |$)"));
      const std::string key = acts ? name + " " + action[1].str() : name;
      if (help.count(key) == 0) {
        help[key] = output_of({name, "--help"});
        if (acts) help[key] += run_program({W2S_BINARY_DIR "/bin/w2s", name, action[1], "--help"}).output;
      }
      for (std::sregex_iterator found(words.begin(), words.end(), option), end; found != end; ++found) {
        EXPECT_NE(help[key].find((*found)[1]), std::string::npos)
            << document << ": w2s " << name << " has no option " << (*found)[1] << ": " << code;
        ++seen;
      }
    }
  }
  EXPECT_GT(seen, 20);
}

TEST(Documentation, WhatDevIsAskedForItDoes) {
  const std::string script = read_file(kRoot + "/dev");
  const std::regex call(R"(\./dev ([a-z]+))");
  int seen = 0;
  for (const fs::path& document : documents()) {
    for (const std::string& code : code_of(read_file(document))) {
      std::smatch match;
      if (!std::regex_search(code, match, call)) continue;
      EXPECT_NE(script.find("\n  " + match[1].str() + ")"), std::string::npos) << document << ": " << code;
      EXPECT_NE(script.find("\n  " + match[1].str() + " "), std::string::npos)
          << "./dev help does not tell " << match[1] << ", which " << document << " shows";
      ++seen;
    }
  }
  EXPECT_GT(seen, 10);
}

TEST(Documentation, ExamplesInTomlAreToml) {
  const std::regex block("```toml[^\n]*\n([^]*?)```");
  int experiments = 0;
  for (const fs::path& document : documents()) {
    const std::string page = read_file(document);
    for (std::sregex_iterator match(page.begin(), page.end(), block), end; match != end; ++match) {
      const std::string text = (*match)[1];
      if (text.find("…") != std::string::npos) continue;  // a form to fill in
      EXPECT_NO_THROW(parse_toml((text[0] == '{' ? "plugin = " : "") + text, document.filename())) << text;
      const bool whole =
          text.find("[task]") != std::string::npos && text.find("[pairs]") != std::string::npos;
      if (!whole || text.find("preset =") != std::string::npos || text.find("sources =") != std::string::npos)
        continue;
      EXPECT_NO_THROW(parse_experiments(text, kRoot + "/docs/example.toml")) << text;
      ++experiments;
    }
  }
  EXPECT_GT(experiments, 0);
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

std::int64_t lines_in(const fs::path& file) {
  const std::string text = read_file(file.string());
  return std::count(text.begin(), text.end(), '\n');
}

// "| [name](../FILE) | lines |" of docs/sdk.md
std::map<std::string, std::int64_t> counted_lines() {
  const std::string page = read_file(kRoot + "/docs/sdk.md");
  const std::regex row(R"(\| \[[^\]]*\]\(\.\./([^)]*)\) \| (\d+) \|)");
  std::map<std::string, std::int64_t> counts;
  for (std::sregex_iterator match(page.begin(), page.end(), row), end; match != end; ++match)
    EXPECT_TRUE(counts.emplace((*match)[1], std::stoll((*match)[2])).second)
        << (*match)[1] << " is there twice";
  return counts;
}

TEST(Documentation, ThePageOfTheSdkHasEveryHeaderAndItsLines) {
  const std::map<std::string, std::int64_t> counts = counted_lines();
  for (const auto& [file, lines] : counts)
    EXPECT_EQ(lines, lines_in(kRoot + "/" + file)) << file << ": run ./dev docs";
  for (const auto& header : fs::directory_iterator(kRoot + "/core/include/w2s"))
    EXPECT_EQ(counts.count("core/include/w2s/" + header.path().filename().string()), 1u) << header.path();
}

TEST(Documentation, EveryHeaderOfTheSdkSaysWhichThreadMayCallWhat) {
  for (const auto& header : fs::directory_iterator(kRoot + "/core/include/w2s")) {
    if (header.path().filename() == "export.hpp") continue;  // macros alone
    const std::string text = read_file(header.path().string());
    EXPECT_NE(text.substr(0, text.find("#include")).find("thread"), std::string::npos) << header.path();
  }
}

TEST(Documentation, ThePageOfTheSdkNamesTheSmallestPluginsOfOneFile) {
  const std::map<std::string, std::int64_t> counts = counted_lines();
  const std::map<std::string, std::vector<std::string>> folders = {
      {"W2S_LOSS(", {"losses"}},
      {"W2S_TASK(", {"tasks"}},
      {"W2S_MODEL(", {"plugins/models", "plugins/template"}},
      {"W2S_STRATEGY(", {"plugins/strategies", "plugins/template"}},
      {"W2S_OBJECTIVE(", {"plugins/objectives", "plugins/template"}}};
  for (const auto& [macro, places] : folders) {
    std::map<std::int64_t, std::vector<std::string>> by_lines;
    for (const std::string& place : places) {
      for (const auto& file : fs::directory_iterator(kRoot + "/" + place)) {
        if (file.path().extension() != ".cpp") continue;
        if (read_file(file.path().string()).find("\n" + macro) == std::string::npos) continue;
        by_lines[lines_in(file.path())].push_back(place + "/" + file.path().filename().string());
      }
    }
    ASSERT_FALSE(by_lines.empty()) << macro;
    const std::vector<std::string>& smallest = by_lines.begin()->second;
    EXPECT_TRUE(std::any_of(smallest.begin(), smallest.end(),
                            [&](const std::string& file) { return counts.count(file) == 1; }))
        << "docs/sdk.md should have " << smallest.front();
  }
}

TEST(Documentation, TheLossOfTheReadmeIsAWholePlugin) {
  const std::string page = read_file(kRoot + "/README.md");
  const std::string fence = "```cpp\n";
  const std::size_t begin = page.find(fence) + fence.size(), end = page.find("```\n", begin);
  ASSERT_NE(end, std::string::npos);

  const ScratchFolder folder("w2s-readme-");
  setenv("XDG_CACHE_HOME", (folder / "cache").c_str(), 1);
  write_file_atomically(folder / "poly1.cpp", page.substr(begin, end - begin));
  Registry registry;
  registry.add_library(compile_plugin(folder / "poly1.cpp"));
  Table params;
  params.set("epsilon", 2.0);
  const std::unique_ptr<ILoss> loss = registry.make_loss(Spec{"poly1", params, {}});
  LossInput in;
  in.logits = at::zeros({2, 4});
  in.targets = at::tensor(std::vector<float>{1, 0, 0, 0, 0.5, 0.5, 0, 0}).view({2, 4});
  // At equal logits p = 1/4 everywhere: log 4 + 2 (1 − 1/4).
  EXPECT_TRUE(at::allclose(loss->forward(in), at::full({2}, std::log(4.0) + 1.5)));
}

}  // namespace
}  // namespace w2s
