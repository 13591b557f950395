// Plugins from source: compiled once, with errors that point into the plugin.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <w2s/plugin.hpp>

#include "base/run_program.hpp"
#include "base/scratch_folder.hpp"
#include "plugins/compile.hpp"
#include "plugins/compile_errors.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class PluginFromSource : public testing::Test {
 protected:
  PluginFromSource() { setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1); }
  ~PluginFromSource() override { unsetenv("XDG_CACHE_HOME"); }
  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = folder_ / name;
    std::ofstream(path) << text;
    return path;
  }
  std::string refusal(const std::string& source) const {
    try {
      compile_plugin(source);
    } catch (const UsageError& e) {
      return e.what();
    }
    return "it compiled";
  }
  std::size_t libraries() const {
    std::size_t count = 0;
    for (const auto& file : fs::directory_iterator(folder_ / "cache/w2s/plugins")) {
      count += file.path().extension() == ".so" ? 1 : 0;
    }
    return count;
  }

  const ScratchFolder folder_{"w2s-compile-"};
};

TEST_F(PluginFromSource, CompilesOnceLoadsAndHasTheDigestOfABuiltPlugin) {
  const std::string source = std::string(W2S_SOURCE_DIR) + "/tests/bad_plugins/sound.cpp";
  auto other = std::async(std::launch::async, [&] { return compile_plugin(source); });
  const std::string library = compile_plugin(source);
  EXPECT_EQ(other.get(), library);
  EXPECT_EQ(libraries(), 1u);
  const auto compiled = fs::last_write_time(library);
  EXPECT_EQ(compile_plugin(source), library);
  EXPECT_EQ(fs::last_write_time(library), compiled);

  Registry built, from_source;
  built.add_library(std::string(W2S_BAD_PLUGINS_DIR) + "/sound.so");
  from_source.add_library(library);
  EXPECT_EQ(from_source.find(PluginKind::loss, "sound").source_digest,
            built.find(PluginKind::loss, "sound").source_digest);
  LossInput in;
  in.logits = at::ones({3, 2});
  EXPECT_TRUE(at::equal(from_source.make_loss({"sound", {}, {}})->forward(in), at::full({3}, 2.0)));
}

TEST_F(PluginFromSource, ErrorIsTheCompilersFirstWithItsPlace) {
  const std::string source = write("broken.cpp", "#include \"part.hpp\"\nint twice() { return half * 2; }\n");
  write("part.hpp", "#pragma once\n");
  const std::string message = refusal(source);
  EXPECT_THAT(message,
              StartsWith("plugin source '" + fs::canonical(source).string() + "' does not compile:\n"));
  EXPECT_THAT(message, HasSubstr("broken.cpp:2:22: "));
  EXPECT_THAT(message, HasSubstr("half"));
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 1);
  EXPECT_EQ(libraries(), 0u);
}

TEST_F(PluginFromSource, UndefinedFunctionIsReportedByTheLinkerWithItsLine) {
  const std::string source =
      write("unlinked.cpp", "int nobody(int);\n\nint somebody() {\n  return nobody(1);\n}\n");
  EXPECT_THAT(refusal(source), AllOf(HasSubstr("unlinked.cpp:4:"), HasSubstr("undefined reference to"),
                                     HasSubstr("nobody(int)")));
}

TEST_F(PluginFromSource, MissingSourceIsNamed) {
  EXPECT_THAT(refusal(folder_ / "absent.cpp"),
              HasSubstr("there is no plugin source '" + folder_.path() + "/absent.cpp'"));
}

TEST(FirstErrors, ErrorInsideAHeaderPointsToThePlugin) {
  const std::string output =
      "In file included from /sdk/w2s/loss.hpp:7,\n"
      "                 from /me/x.cpp:1:\n"
      "/sdk/w2s/register.hpp: In instantiation of 'void make() [with P = X]':\n"
      "/me/x.cpp:12:1:   required from here\n"
      "/sdk/w2s/register.hpp:53:6: error: 'describe' is not a member of 'X'\n"
      "   53 |   P::describe(*schema);\n"
      "      |   ~~~~~~~~~~~^~~~~~~~~\n";
  EXPECT_EQ(first_errors(output, {"/me/x.cpp"}),
            "/me/x.cpp:12:1: 'describe' is not a member of 'X' (in /sdk/w2s/register.hpp:53:6)");
}

TEST(FirstErrors, AtMostThreeAndNoRepeats) {
  std::string output;
  for (const char* line : {"1", "1", "2", "3", "4"})
    output += std::string("/me/x.cpp:") + line + ":1: error: no\n";
  EXPECT_EQ(first_errors(output, {"/me/x.cpp"}), "/me/x.cpp:1:1: no\n/me/x.cpp:2:1: no\n/me/x.cpp:3:1: no");
}

TEST(FirstErrors, OutputOfAnotherShapeIsReportedByItsFirstTellingLine) {
  EXPECT_EQ(first_errors("g++: note\ncc1plus: fatal error: no space left\ncompilation terminated.\n", {}),
            "cc1plus: fatal error: no space left");
}

TEST(RunProgram, CollectsOutputAndStatusWithoutAShell) {
  const ProgramResult result = run_program({"/bin/sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(result.output, "out\nerr\n");
  EXPECT_EQ(run_program({"echo", "$HOME; ls"}).output, "$HOME; ls\n");
  EXPECT_EQ(run_program({"/bin/sh", "-c", "kill -9 $$"}).status, 128 + 9);
  EXPECT_THROW(run_program({"/nowhere/compiler"}), Error);
}

}  // namespace
}  // namespace w2s
