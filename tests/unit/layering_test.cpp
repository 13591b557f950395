// The direction of dependencies: plugins → SDK ← core, app → core, and one way between the rooms of the core.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <set>
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

// What each room of the core may include: rooms whole, or one header of a room. A room that is not in the
// table, or an include that is not, fails; so does a circle in the table. "app" is the command w2s,
// "app/engine" is w2s-engine.
using Rooms = std::map<std::string, std::set<std::string>>;
const Rooms kMayInclude = {
    {"base", {}},
    {"values", {"base"}},
    {"text", {"base"}},
    {"store", {"base"}},
    {"config", {"base", "values"}},
    {"status", {"base", "store"}},
    {"results", {"base", "values", "store"}},
    {"report", {"base", "values", "store", "results"}},
    {"plugins", {"base", "values"}},
    {"data", {"base", "values", "config/split_params.hpp"}},
    {"engine", {"base", "values", "plugins", "data", "store/lockstep.hpp", "status/progress.hpp"}},
    {"lab", {"base", "values", "config", "store", "status", "plugins", "data", "engine"}},
    {"supervisors", {"base", "values", "config", "data", "lab"}},
    {"plan", {"base", "values", "config", "store", "results", "plugins", "data", "engine", "lab"}},
    {"launch",
     {"base", "values", "config", "store", "status", "results", "plugins", "data", "engine", "lab",
      "supervisors", "plan"}},
    {"check", {"base", "values", "plugins", "data", "engine", "lab"}},
    {"app", {"base", "values", "text", "store", "config", "status", "results", "report"}},
    {"app/engine",
     {"app", "base", "values", "text", "store", "config", "status", "results", "report", "plugins", "data",
      "engine", "lab", "supervisors", "plan", "launch", "check"}},
};

// Rooms without LibTorch: `w2s --help`, `show` and `leaderboard` answer without loading it.
const std::set<std::string> kLight = {"base",   "values",  "text",   "store", "config",
                                      "status", "results", "report", "app"};

// core/src/store/index.cpp → store; core/src/engine/team/team.cpp → engine; core/app/engine/run.cpp →
// app/engine.
std::string room_of(const fs::path& file) {
  const std::string path = fs::relative(file, kRoot).string();
  if (starts_with(path, "core/app/engine/")) return "app/engine";
  if (starts_with(path, "core/app/")) return "app";
  const std::string inside = path.substr(std::string("core/src/").size());
  return inside.substr(0, inside.find('/'));
}

// The file of this project that an include means, or none.
std::optional<fs::path> resolved(const Include& include, const fs::path& from) {
  std::vector<fs::path> places = {kRoot / "core/include"};
  if (include.quoted)
    places = {from.parent_path(), kRoot / "core/src", kRoot / "core/app", kRoot / "core/include"};
  for (const fs::path& place : places) {
    const fs::path file = (place / include.name).lexically_normal();
    if (fs::is_regular_file(file)) return file;
  }
  return std::nullopt;
}

bool is_torch(const std::string& name) {
  return starts_with(name, "ATen/") || starts_with(name, "torch/") || starts_with(name, "c10/");
}

// How LibTorch comes into a file: "a.hpp → <ATen/ATen.h>", or "" where it does not.
std::string way_to_torch(const fs::path& file) {
  static std::map<fs::path, std::string> known;
  const auto [found, is_new] = known.emplace(file, "");
  if (!is_new) return found->second;
  for (const Include& include : includes(file)) {
    std::string way;
    if (is_torch(include.name)) {
      way = "<" + include.name + ">";
    } else if (const std::optional<fs::path> header = resolved(include, file)) {
      const std::string rest = way_to_torch(*header);
      if (!rest.empty()) way = include.name + " → " + rest;
    }
    if (!way.empty()) return known[file] = way;
  }
  return "";
}

// The rooms that lie below one in the table, at any distance.
void collect_below(const std::string& room, std::set<std::string>& below) {
  const auto entry = kMayInclude.find(room);
  if (entry == kMayInclude.end()) return;
  for (const std::string& name : entry->second) {
    const std::string next = kMayInclude.contains(name) ? name : name.substr(0, name.find('/'));
    if (below.insert(next).second) collect_below(next, below);
  }
}

TEST(Layering, TheTableOfRoomsHasNoCircleAndNamesFoldersThatAreThere) {
  for (const auto& [room, allowed] : kMayInclude) {
    std::set<std::string> below;
    collect_below(room, below);
    EXPECT_FALSE(below.contains(room)) << room << " may include itself through others";
    EXPECT_TRUE(fs::is_directory(kRoot / "core/src" / room) || fs::is_directory(kRoot / "core" / room))
        << room;
    for (const std::string& name : allowed) {
      const bool room_or_header =
          kMayInclude.contains(name) || fs::is_regular_file(kRoot / "core/src" / name);
      EXPECT_TRUE(room_or_header) << room << ": there is no room and no header " << name;
    }
  }
}

TEST(Layering, RoomsIncludeOnlyWhatTheTableAllows) {
  for (const char* folder : {"core/src", "core/app"}) {
    for (const fs::path& file : sources(folder)) {
      const std::string room = room_of(file);
      const auto entry = kMayInclude.find(room);
      if (entry == kMayInclude.end()) {
        ADD_FAILURE() << file << ": the room '" << room << "' is not in the table kMayInclude of "
                      << __FILE__;
        continue;
      }
      for (const Include& include : includes(file)) {
        const std::optional<fs::path> header = include.quoted ? resolved(include, file) : std::nullopt;
        if (!header) continue;
        const std::string other = room_of(*header);
        const bool allowed =
            other == room || entry->second.contains(other) || entry->second.contains(include.name);
        EXPECT_TRUE(allowed) << include.place << ": '" << room << "' may not include '" << include.name
                             << "' (the table kMayInclude of layering_test.cpp)";
      }
    }
  }
}

TEST(Layering, LightRoomsDoNotIncludeLibTorchNotEvenThroughTheirHeaders) {
  EXPECT_NE(way_to_torch(kRoot / "core/include/w2s/plugin.hpp"), "");  // it would be seen
  for (const char* folder : {"core/src", "core/app"}) {
    for (const fs::path& file : sources(folder)) {
      if (!kLight.contains(room_of(file))) continue;
      EXPECT_EQ(way_to_torch(file), "")
          << fs::relative(file, kRoot) << " is of the light room " << room_of(file);
    }
  }
}

// A room of LibTorch below a light one would bring it in.
TEST(Layering, LightRoomsLieOnLightRooms) {
  for (const std::string& room : kLight) {
    for (const std::string& name : kMayInclude.at(room))
      EXPECT_TRUE(kLight.contains(name)) << room << ": " << name;
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
