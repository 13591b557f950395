#include "plugins/compile.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include <w2s/digest.hpp>

#include "base/files.hpp"
#include "base/run_program.hpp"
#include "base/scratch_folder.hpp"
#include "plugins/compile_errors.hpp"
#include "plugins/entry.hpp"
#include "plugins/home.hpp"
#include "plugins/stamp.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

fs::path cache_folder() {
  if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty())
    return fs::path(cache) / "w2s/plugins";
  if (const std::string home = variable("HOME"); !home.empty()) return fs::path(home) / ".cache/w2s/plugins";
  throw UsageError("there is no folder for compiled plugins: set XDG_CACHE_HOME or HOME");
}

struct Recipe {
  Fields flags;
  std::string text;    // of the recorded flags
  std::string sdk;     // include folder
  std::string header;  // beside its precompiled form; empty: there is none
};

Recipe read_recipe() {
  const fs::path file = fs::path(home_folder()) / "w2s/compile_flags.CXX.txt";
  if (!fs::exists(file)) {
    throw UsageError("plugins cannot be compiled from source here: '" + file.string() + "' is missing");
  }
  Recipe recipe;
  recipe.text = read_file(file.string());
  recipe.flags = Fields::parse(recipe.text);
  recipe.sdk = (fs::path(home_folder()) / recipe.flags.get("sdk")).lexically_normal().string();
  if (const std::string header = recipe.flags.get("pch"); !header.empty())
    recipe.header = (fs::path(home_folder()) / header).string();
  if (sdk_digest(recipe.sdk) != host_stamp().get("sdk")) {
    throw UsageError("the SDK headers in '" + recipe.sdk +
                     "' are not those that this w2s was built with: build it again");
  }
  return recipe;
}

// A file that is held locked while it exists in scope; other processes wait.
class Lock {
 public:
  explicit Lock(const std::string& path) : file_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (!file_.valid()) throw_system_error("create", path, errno);
    while (flock(file_.get(), LOCK_EX) != 0) {
      if (errno != EINTR) throw_system_error("lock", path, errno);
    }
  }

 private:
  Descriptor file_;
};

using Command = std::vector<std::string>;

Command base_command(const Recipe& recipe) {
  Command command{recipe.flags.get("compiler")};
  const auto add = [&](const char* key, const std::string& option) {
    for (const std::string& value : recipe.flags.all(key)) {
      if (!value.empty()) command.push_back(option + value);
    }
  };
  add("flag", "");
  add("define", "-D");
  command.insert(command.end(), {"-w", "-fmax-errors=5", "-I" + recipe.sdk});
  add("include", "-I");
  return command;
}

void run_compiler(const Command& command, const std::string& source, const std::vector<std::string>& files) {
  const ProgramResult result = run_program(command);
  if (result.status == 0) return;
  throw UsageError("plugin source '" + source + "' does not compile:\n" + first_errors(result.output, files));
}

void compile(const Recipe& recipe, const std::string& source, const SourceSet& sources,
             const std::string& output) {
  const ScratchFolder scratch(fs::path(output).parent_path(), ".build-");
  Fields fields;
  for (const char* key : {"sdk", "torch_path", "device", "build"}) fields.add(key, host_stamp().get(key));
  fields.add("plugin", fs::path(source).stem().string());
  fields.add("source", source);
  fields.add("source_digest", sources.digest);
  fields.add("rebuild", "rm '" + output + "'");
  write_file_atomically(scratch / "entry.cpp", plugin_entry(fields));

  Command entry = base_command(recipe);
  entry.insert(entry.end(), {"-c", scratch / "entry.cpp", "-o", scratch / "entry.o"});
  run_compiler(entry, source, sources.files);

  Command plugin = base_command(recipe);
  if (!recipe.header.empty() && fs::exists(recipe.header + ".gch"))
    plugin.insert(plugin.end(), {"-include", recipe.header});
  plugin.insert(plugin.end(), {"-shared", source, scratch / "entry.o", "-o", scratch / "plugin.so",
                               home_folder() + "/libw2s_core.so", "-Wl,-rpath," + home_folder()});
  for (const std::string& flag : recipe.flags.all("link")) plugin.push_back(flag);
  run_compiler(plugin, source, sources.files);
  fs::rename(scratch / "plugin.so", output);
}

}  // namespace

std::string compile_plugin(const std::string& source) {
  std::error_code missing;
  const std::string path = fs::canonical(source, missing).string();
  if (missing) throw UsageError("there is no plugin source '" + source + "': " + missing.message());
  if (!fs::is_regular_file(path)) throw UsageError("plugin source '" + source + "' is not a file");

  const Recipe recipe = read_recipe();
  const SourceSet sources = source_set({path});
  Digest key;
  key.add(path).add(sources.digest).add(recipe.text).add(home_folder());
  for (const auto& [name, value] : host_stamp().items()) key.add(name).add(value);
  const fs::path folder = cache_folder();
  make_directories(folder.string());
  const std::string name = fs::path(path).stem().string() + "-" + key.hex().substr(0, 20) + ".so";
  const std::string output = (folder / name).string();
  if (fs::exists(output)) return output;
  const Lock lock(output + ".lock");
  if (!fs::exists(output)) compile(recipe, path, sources, output);
  return output;
}

}  // namespace w2s
