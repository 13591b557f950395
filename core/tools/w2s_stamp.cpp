// Writes the entry file of a plugin, or of the core, during the build.
//
//   w2s-stamp host   output=F depfile=F headers=DIR torch_path=… device=… build=…
//   w2s-stamp plugin (the same) source=A source=B … plugin=NAME rebuild=COMMAND
#include <algorithm>
#include <iostream>

#include <w2s/error.hpp>

#include "base/files.hpp"
#include "plugins/entry.hpp"

namespace {

std::string escaped(const std::string& path) {
  std::string text;
  for (const char c : path) {
    if (c == ' ' || c == '#') text += '\\';
    if (c == '$') text += '$';
    text += c;
  }
  return text;
}

void write_entry(const std::string& mode, const w2s::Fields& arguments) {
  const std::string headers = arguments.get("headers");
  std::vector<std::string> inputs = w2s::sdk_headers(headers);
  w2s::Fields fields;
  fields.add("sdk", w2s::sdk_digest(headers));
  for (const char* key : {"torch_path", "device", "build"}) fields.add(key, arguments.get(key));
  if (mode == "plugin") {
    const w2s::SourceSet sources = w2s::source_set(arguments.all("source"));
    inputs.insert(inputs.end(), sources.files.begin(), sources.files.end());
    fields.add("plugin", arguments.get("plugin"));
    for (const std::string& source : arguments.all("source")) fields.add("source", source);
    fields.add("source_digest", sources.digest);
    fields.add("rebuild", arguments.get("rebuild"));
  }
  const std::string output = arguments.get("output");
  w2s::write_file_atomically(output, mode == "plugin" ? w2s::plugin_entry(fields) : w2s::host_entry(fields));
  std::string rule = escaped(output) + ":";
  for (const std::string& input : inputs) rule += " " + escaped(input);
  w2s::write_file_atomically(arguments.get("depfile"), rule + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  w2s::Fields arguments;
  for (int i = 2; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t equals = std::min(argument.find('='), argument.size() - 1);
    arguments.add(argument.substr(0, equals), argument.substr(equals + 1));
  }
  const bool complete = arguments.has("output") && arguments.has("depfile") && arguments.has("headers");
  if (!complete || !(mode == "host" || (mode == "plugin" && arguments.has("source")))) {
    std::cerr << "usage: w2s-stamp plugin|host output=FILE depfile=FILE headers=FOLDER [source=FILE]… "
                 "[key=value]…\n";
    return 2;
  }
  try {
    write_entry(mode, arguments);
  } catch (const std::exception& e) {
    std::cerr << "w2s-stamp: " << e.what() << "\n";
    return 1;
  }
  return 0;
}
