// The plugin host: every refusal has its own message, and what plugins throw names the plugin.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <w2s/plugin.hpp>

#include "base/files.hpp"
#include "base/scratch_folder.hpp"
#include "plugins/entry.hpp"
#include "plugins/registry.hpp"
#include "plugins/stamp.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

std::string bad_plugin(const std::string& name) {
  return std::string(W2S_BAD_PLUGINS_DIR) + "/" + name + ".so";
}

template <class Exception, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Exception& e) {
    return e.what();
  }
  return "nothing was thrown";
}

void write_bytes(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

class PluginHost : public testing::Test {
 protected:
  std::string temporary(const std::string& name) const { return folder_ / name; }

  // A copy of a plugin whose stamp says something else; `value` replaces as many characters.
  std::string altered(const std::string& plugin, const std::string& field, const std::string& value) const {
    std::string bytes = read_file(bad_plugin(plugin));
    const std::size_t at = bytes.find("\n" + field + "=");
    if (at == std::string::npos) throw Error("no field " + field);
    bytes.replace(at + field.size() + 2, value.size(), value);
    const std::string path = temporary(plugin + ".so");
    write_bytes(path, bytes);
    return path;
  }

  std::string refusal(const std::string& path) {
    return message_of<UsageError>([&] { registry_.add_path(path); });
  }

  const ScratchFolder folder_{"w2s-host-"};
  Registry registry_;
};

TEST_F(PluginHost, StampIsReadWithoutLoading) {
  const Fields stamp = read_stamp(bad_plugin("undefined_symbol"));
  EXPECT_EQ(stamp.get("plugin"), "undefined_symbol");
  EXPECT_THAT(stamp.get("source"), EndsWith("undefined_symbol.cpp"));
  EXPECT_THAT(stamp.get("source_digest"), MatchesRegex("[0-9a-f]{64}"));
  EXPECT_THAT(stamp.get("rebuild"), AllOf(HasSubstr("cmake --build"), EndsWith("undefined_symbol_plugin")));
  for (const char* key :
       {"stamp", "sdk", "torch", "torch_path", "device", "cxx11_abi", "compiler", "build"}) {
    EXPECT_EQ(stamp.get(key), host_stamp().get(key)) << key;
    EXPECT_NE(stamp.get(key), "") << key;
  }
}

TEST_F(PluginHost, MissingFileIsNamed) {
  EXPECT_THAT(refusal("/nowhere/x.so"), StartsWith("there is no plugin '/nowhere/x.so'"));
}

TEST_F(PluginHost, FilesThatAreNoLibrariesAreRefused) {
  write_bytes(temporary("empty.so"), "");
  write_bytes(temporary("text.so"), "#!/bin/sh\necho hello\n");
  EXPECT_THAT(refusal(temporary("empty.so")), EndsWith("/empty.so' is not a shared library (no ELF header)"));
  EXPECT_THAT(refusal(temporary("text.so")), EndsWith("/text.so' is not a shared library (no ELF header)"));
}

TEST_F(PluginHost, TruncatedLibrariesAreRefusedWhereverTheyEnd) {
  const std::string whole = read_file(bad_plugin("sound"));
  const std::string path = temporary("cut.so");
  for (const std::size_t size : {std::size_t{4}, std::size_t{20}, std::size_t{64}, std::size_t{4096},
                                 whole.size() / 3, whole.size() / 2, whole.size() - 64, whole.size() - 1}) {
    write_bytes(path, std::string_view(whole).substr(0, size));
    EXPECT_THAT(refusal(path), HasSubstr("is truncated or damaged")) << size;
  }
}

TEST_F(PluginHost, LibraryWithoutStampIsRefused) {
  EXPECT_THAT(refusal(bad_plugin("no_stamp")),
              EndsWith("/no_stamp.so' carries no w2s stamp: build it with w2s_add_plugin()"));
}

TEST_F(PluginHost, OtherLibTorchIsRefusedWithBothVersionsAndTheCommandThatRebuilds) {
  std::string other = host_stamp().get("torch");
  other[0] = '9';
  const std::string message = refusal(altered("sound", "torch", other));
  EXPECT_THAT(message, HasSubstr("LibTorch version: plugin '" + other + "', this w2s '" +
                                 host_stamp().get("torch") + "'"));
  EXPECT_THAT(message, HasSubstr("Rebuild it: cmake --build '"));
  EXPECT_THAT(message, EndsWith("--target sound_plugin"));
}

TEST_F(PluginHost, OtherSdkHeadersAreRefused) {
  const std::string message = refusal(altered("sound", "sdk", "000000000000"));
  EXPECT_THAT(message, HasSubstr("SDK headers: plugin '000000000000…', this w2s '" +
                                 host_stamp().get("sdk").substr(0, 12) + "…'"));
}

TEST_F(PluginHost, EveryDifferenceIsNamed) {
  Fields stamp = Fields::parse("stamp=1\ntorch=1.0\ndevice=cuda\nrebuild=make it\n");
  const Fields host = Fields::parse("stamp=1\ntorch=2.0\ndevice=cpu\n");
  EXPECT_EQ(message_of<UsageError>([&] { check_stamp("x.so", stamp, host); }),
            "plugin 'x.so' was not built for this w2s: LibTorch version: plugin '1.0', this w2s '2.0'; "
            "LibTorch built "
            "for: plugin 'cuda', this w2s 'cpu'. Rebuild it: make it");
}

TEST_F(PluginHost, StampIsComparedBeforeAnyCodeRuns) {
  EXPECT_THAT(refusal(altered("undefined_symbol", "device", "xyz")), HasSubstr("plugin 'xyz'"));
}

TEST_F(PluginHost, UndefinedSymbolIsNamedAsInTheSource) {
  EXPECT_THAT(refusal(bad_plugin("undefined_symbol")),
              HasSubstr("cannot be loaded: it uses 'nobody::wrote_this(at::Tensor const&)'"));
}

TEST_F(PluginHost, LibraryThatRegistersNothingIsRefused) {
  EXPECT_THAT(refusal(bad_plugin("no_entries")), HasSubstr("registers nothing"));
}

TEST_F(PluginHost, DuplicateNamesShowBothFilesAndLines) {
  registry_.add_library(bad_plugin("sound"));
  EXPECT_THAT(refusal(bad_plugin("duplicate_name")),
              testing::ContainsRegex(
                  "loss 'sound' is registered twice: at .*sound\\.cpp:[0-9]+ \\(in .*/sound\\.so\\) "
                  "and at .*duplicate_name\\.cpp:[0-9]+ \\(in .*/duplicate_name\\.so\\)"));
}

TEST_F(PluginHost, LibraryIsTakenAllOrNone) {
  EXPECT_THAT(refusal(bad_plugin("duplicate_twin")), StartsWith("loss 'twin' is registered twice"));
  EXPECT_FALSE(registry_.has(PluginKind::loss, "alone"));
  EXPECT_TRUE(registry_.list().empty());
}

TEST_F(PluginHost, OtherInterfaceSizeIsRefused) {
  const std::string ours = std::to_string(sizeof(ILoss));
  EXPECT_THAT(refusal(bad_plugin("wrong_interface_size")),
              AllOf(HasSubstr("loss 'wrong_interface_size'"),
                    HasSubstr("plugin " + std::to_string(sizeof(ILoss) + 8) + " bytes"),
                    HasSubstr("this w2s " + ours + " bytes")));
}

TEST_F(PluginHost, LibraryFoundTwiceIsLoadedOnce) {
  registry_.add_library(bad_plugin("sound"));
  fs::create_symlink(bad_plugin("sound"), temporary("another_name.so"));
  registry_.add_path(folder_.path());
  EXPECT_EQ(registry_.list().size(), 2u);
}

TEST_F(PluginHost, FrozenRegistryTakesNothing) {
  registry_.freeze();
  EXPECT_THAT(message_of<Error>([&] { registry_.add_library(bad_plugin("sound")); }), HasSubstr("frozen"));
}

TEST_F(PluginHost, UnknownNamesSuggestTheNearestAndListWhatExists) {
  registry_.add_library(bad_plugin("sound"));
  EXPECT_EQ(message_of<UsageError>([&] {
              registry_.find(PluginKind::loss, "sonud", {"e.toml", 3, 5});
            }),
            "e.toml:3:5: there is no loss 'sonud' (did you mean 'sound'?); losses are 'sound'");
  EXPECT_EQ(message_of<UsageError>([&] { registry_.find(PluginKind::strategy, "sound"); }),
            "there is no strategy 'sound': 'sound' is a loss");
  EXPECT_EQ(message_of<UsageError>([&] { registry_.find(PluginKind::task, "x"); }),
            "there is no task 'x'; no tasks are loaded");
}

TEST_F(PluginHost, ProvenanceSaysWhereAPluginCameFrom) {
  registry_.add_library(bad_plugin("sound"));
  const PluginInfo& plugin = registry_.find(PluginKind::loss, "sound");
  EXPECT_EQ(plugin.id(), "loss/sound");
  EXPECT_THAT(plugin.file, EndsWith("tests/bad_plugins/sound.cpp"));
  EXPECT_GT(plugin.line, 0);
  EXPECT_EQ(plugin.library, fs::canonical(bad_plugin("sound")).string());
  EXPECT_EQ(plugin.source_digest,
            source_set({std::string(W2S_SOURCE_DIR) + "/tests/bad_plugins/sound.cpp"}).digest);
}

TEST_F(PluginHost, SourceDigestFollowsIncludedHeadersAndNotThePlace) {
  for (const char* place : {"here", "there"}) {
    fs::create_directory(temporary(place));
    write_bytes(temporary(place) + "/a.cpp", "#include <vector>\n#include \"a.hpp\"\n");
    write_bytes(temporary(place) + "/a.hpp", "int a();\n");
  }
  const std::string before = source_set({temporary("here/a.cpp")}).digest;
  EXPECT_EQ(before, source_set({temporary("there/a.cpp")}).digest);
  write_bytes(temporary("here/a.hpp"), "int a(int);\n");
  EXPECT_NE(before, source_set({temporary("here/a.cpp")}).digest);
}

TEST_F(PluginHost, ConstructorThatThrowsIsNamed) {
  registry_.add_library(bad_plugin("throwing_constructor"));
  EXPECT_THAT(
      message_of<Error>([&] {
        registry_.make_loss({"throwing_constructor", {}, {}});
      }),
      MatchesRegex("loss 'throwing_constructor' \\(.*throwing_constructor.cpp:[0-9]+\\): no such luck"));
}

TEST_F(PluginHost, LibTorchErrorInALossNamesTheLossWithoutABacktrace) {
  registry_.add_library(bad_plugin("throws_mid_training"));
  const auto loss = registry_.make_loss({"throws_mid_training", {}, {}});
  LossInput in;
  in.logits = at::ones({4, 2});
  loss->forward(in);
  loss->forward(in);
  EXPECT_THAT(message_of<Error>([&] { loss->forward(in); }),
              AllOf(StartsWith("loss 'throws_mid_training' ("), HasSubstr("mat1 and mat2"),
                    Not(HasSubstr("Exception raised from")), Not(HasSubstr("frame #"))));
}

TEST_F(PluginHost, ThrownNumberBecomesAnError) {
  registry_.add_library(bad_plugin("foreign_throw"));
  const auto loss = registry_.make_loss({"foreign_throw", {}, {}});
  EXPECT_THAT(message_of<Error>([&] { loss->forward({}); }),
              EndsWith("threw something that is not a std::exception"));
}

TEST_F(PluginHost, UsageErrorOfACheckShowsThePlaceInTheExperiment) {
  registry_.add_library(bad_plugin("sound"));
  const auto loss = registry_.make_loss({"sound", {{"mode", "usage"}}, {"e.toml", 7, 3}});
  EXPECT_THAT(message_of<UsageError>([&] { loss->check({}); }),
              MatchesRegex("e.toml:7:3: loss 'sound' \\(.*sound.cpp:[0-9]+\\): two classes only"));
}

TEST_F(PluginHost, ParametersAreCheckedWithTheirPlace) {
  registry_.add_library(bad_plugin("sound"));
  const Spec spec{"sound", {{"scale", Value(-1.0).at({"e.toml", 8, 1})}}, {"e.toml", 7, 3}};
  EXPECT_THAT(message_of<UsageError>([&] { registry_.make_loss(spec); }),
              AllOf(StartsWith("e.toml:8:1: loss 'sound'"), HasSubstr("scale")));
}

TEST_F(PluginHost, ResolvedParametersHoldEveryDefaultOfNestedPluginsToo) {
  registry_.add_library(bad_plugin("sound"));
  const Table defaults = registry_.resolved(PluginKind::strategy, {"holder", {}, {}});
  EXPECT_EQ(Value(defaults).canonical(), R"({"loss":{"mode":"good","scale":1.0,"type":"sound"}})");
  const Spec nested{"holder", {{"loss", Table{{"type", "sound"}, {"scale", 3}}}}, {}};
  EXPECT_EQ(Value(registry_.resolved(PluginKind::strategy, nested)).canonical(),
            R"({"loss":{"mode":"good","scale":3.0,"type":"sound"}})");
  const auto digests = registry_.digests(PluginKind::strategy, nested);
  EXPECT_EQ(digests.size(), 2u);
  EXPECT_EQ(digests.at("loss/sound"), registry_.find(PluginKind::loss, "sound").source_digest);
}

TEST_F(PluginHost, NestedPluginThatDoesNotExistIsReportedWhereItIsWritten) {
  registry_.add_library(bad_plugin("sound"));
  const Spec spec{"holder", {{"loss", Value("sond").at({"e.toml", 9, 10})}}, {}};
  EXPECT_THAT(message_of<UsageError>([&] { registry_.resolved(PluginKind::strategy, spec); }),
              StartsWith("e.toml:9:10: there is no loss 'sond' (did you mean 'sound'?)"));
}

TEST_F(PluginHost, GradientsFlowThroughAGuardedLoss) {
  registry_.add_library(bad_plugin("sound"));
  const auto loss = registry_.make_loss({"sound", {{"scale", 2.0}}, {}});
  LossInput in;
  in.logits = at::ones({3, 2}).requires_grad_(true);
  loss->forward(in).sum().backward();
  EXPECT_TRUE(at::equal(in.logits.grad(), at::full({3, 2}, 4.0)));
}

TEST_F(PluginHost, MissingFolderInTheEnvironmentIsNamed) {
  setenv("W2S_PLUGIN_PATH", ":/nowhere/plugins:", 1);
  const std::string message = message_of<UsageError>([] { load_plugins(); });
  unsetenv("W2S_PLUGIN_PATH");
  EXPECT_EQ(message, "W2S_PLUGIN_PATH names '/nowhere/plugins', which does not exist");
}

TEST_F(PluginHost, PathsAddToTheBuiltInPlugins) {
  const Registry registry = load_plugins({bad_plugin("sound")});
  EXPECT_TRUE(registry.has(PluginKind::loss, "sound"));
  EXPECT_GT(registry.list().size(), 2u);
}

const PluginOrigin kOrigin{"loss", "x", "x.cpp", 12};

TEST(Guard, PrefixesOnceAndKeepsTheKindOfError) {
  EXPECT_EQ(message_of<UsageError>([] { guarded(kOrigin, [] { throw UsageError("no"); }); }),
            "loss 'x' (x.cpp:12): no");
  EXPECT_EQ(message_of<UsageError>([] { guarded(kOrigin, [] { throw UsageError("loss 'x': no"); }); }),
            "loss 'x': no");
  EXPECT_EQ(message_of<Error>([] { guarded(kOrigin, [] { throw Error("no"); }); }),
            "loss 'x' (x.cpp:12): no");
  EXPECT_EQ(message_of<Error>([] { guarded(kOrigin, [] { throw std::out_of_range("no"); }); }),
            "loss 'x' (x.cpp:12): no");
}

TEST(Guard, MessageThatBeginsWithItsOwnPlaceKeepsOnlyThat) {
  const Source source{"e.toml", 1, 2};
  EXPECT_EQ(message_of<UsageError>([&] {
              guarded(kOrigin, source, [] { throw UsageError({"e.toml", 4, 1}, "no"); });
            }),
            "e.toml:4:1: loss 'x' (x.cpp:12): no");
}

TEST(Guard, ErrorsOfTheirOwnTypePassUnchanged) {
  struct Interrupted : Error {
    using Error::Error;
  };
  EXPECT_EQ(message_of<Interrupted>([] { guarded(kOrigin, [] { throw Interrupted("stop"); }); }), "stop");
}

TEST(Guard, ReturnsWhatTheCallReturns) {
  int value = 1;
  int& same = guarded(kOrigin, [&]() -> int& { return value; });
  EXPECT_EQ(&same, &value);
}

}  // namespace
}  // namespace w2s
