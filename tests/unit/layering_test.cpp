// The direction of dependencies: plugins → SDK ← core, app → core.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = W2S_SOURCE_DIR;

std::vector<fs::path> sources(const fs::path& folder) {
  std::vector<fs::path> files;
  if (!fs::exists(kRoot / folder)) return files;
  for (const auto& file : fs::recursive_directory_iterator(kRoot / folder)) {
    const std::string extension = file.path().extension().string();
    if (extension == ".cpp" || extension == ".hpp" || extension == ".h") files.push_back(file.path());
  }
  return files;
}

struct Include {
  std::string name;
  bool quoted = false;
  std::string place;
};

std::vector<Include> includes(const fs::path& file) {
  static const std::regex pattern(R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"])re");
  std::vector<Include> found;
  std::ifstream in(file);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    std::smatch match;
    if (!std::regex_search(line, match, pattern)) continue;
    found.push_back({match[2].str(), match[1].str() == "\"",
                     fs::relative(file, kRoot).string() + ":" + std::to_string(number)});
  }
  return found;
}

bool is_standard(const std::string& name) {
  static const std::regex plain("[a-z0-9_]+");
  return std::regex_match(name, plain);
}

bool starts_with(const std::string& text, const std::string& prefix) { return text.rfind(prefix, 0) == 0; }

TEST(Layering, PluginsIncludeTheSdkLibTorchTheStandardLibraryAndTheirOwnFolder) {
  std::size_t seen = 0;
  for (const char* folder : {"losses", "tasks", "plugins"}) {
    for (const fs::path& file : sources(folder)) {
      for (const Include& include : includes(file)) {
        ++seen;
        if (include.quoted) {
          EXPECT_TRUE(fs::exists(file.parent_path() / include.name) &&
                      include.name.find("..") == std::string::npos)
              << include.place << ": \"" << include.name << "\" is not of the plugin's own folder";
          continue;
        }
        bool allowed = is_standard(include.name);
        for (const char* prefix : {"w2s/", "ATen/", "c10/", "torch/"})
          allowed |= starts_with(include.name, prefix);
        // A header alone, and the system's own: nothing to link.
        for (const char* header : {"stb/stb_image.h", "fnmatch.h", "sys/stat.h"})
          allowed |= include.name == header;
        EXPECT_TRUE(allowed) << include.place << ": <" << include.name << "> is not for plugins";
      }
    }
  }
  EXPECT_GT(seen, 0u);
}

TEST(Layering, SdkHeadersIncludeOnlyTheSdkLibTorchAndTheStandardLibrary) {
  for (const fs::path& file : sources("core/include")) {
    for (const Include& include : includes(file)) {
      bool allowed = is_standard(include.name) && !include.quoted;
      for (const char* prefix : {"w2s/", "ATen/", "c10/", "torch/"})
        allowed |= starts_with(include.name, prefix);
      EXPECT_TRUE(allowed) << include.place << ": " << include.name;
    }
  }
}

TEST(Layering, CoreAndAppIncludeNoPlugin) {
  for (const char* folder : {"core/src", "core/app", "core/include"}) {
    for (const fs::path& file : sources(folder)) {
      for (const Include& include : includes(file)) {
        const bool plugin = starts_with(include.name, "losses/") || starts_with(include.name, "tasks/") ||
                            starts_with(include.name, "plugins/models") ||
                            starts_with(include.name, "plugins/strategies") ||
                            starts_with(include.name, "plugins/objectives") || include.name.ends_with(".cpp");
        EXPECT_FALSE(plugin) << include.place << ": includes the plugin " << include.name;
      }
    }
  }
}

TEST(Layering, TorchFreePartsDoNotIncludeLibTorch) {
  for (const char* part : {"base", "config", "store", "report", "text"}) {
    for (const fs::path& file : sources(fs::path("core/src") / part)) {
      for (const Include& include : includes(file)) {
        const bool torch = starts_with(include.name, "ATen/") || starts_with(include.name, "torch/") ||
                           starts_with(include.name, "c10/") || include.name == "w2s/tensor.hpp" ||
                           include.name == "w2s/plugin.hpp";
        EXPECT_FALSE(torch) << include.place << ": <" << include.name << ">";
      }
    }
  }
}

TEST(Layering, OnlyTheCommandUsesProgramOptions) {
  for (const char* folder : {"core/src", "core/include", "losses", "tasks", "plugins"}) {
    for (const fs::path& file : sources(folder)) {
      for (const Include& include : includes(file)) {
        EXPECT_FALSE(starts_with(include.name, "boost/program_options")) << include.place;
      }
    }
  }
}

}  // namespace
