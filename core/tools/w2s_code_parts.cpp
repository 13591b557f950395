// Writes the digests of the parts of our own code (base/code_parts.hpp) during the build.
//
//   w2s-code-parts core=FOLDER output=FILE.cpp depfile=FILE
//
// FOLDER/code_parts.txt: a line "part path" for each; a source belongs to the longest path that its own
// begins with.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <sstream>
#include <vector>

#include <w2s/digest.hpp>
#include <w2s/error.hpp>

#include "base/code_text.hpp"
#include "base/files.hpp"
#include "plugins/fields.hpp"

namespace {

namespace fs = std::filesystem;

struct Line {
  std::string part, path;
  int number = 0;
  bool used = false;
};

std::vector<Line> read_lines(const std::string& file) {
  std::vector<Line> lines;
  std::istringstream text(w2s::read_file(file));
  std::string row;
  for (int number = 1; std::getline(text, row); ++number) {
    std::istringstream words(row);
    Line line;
    line.number = number;
    if (!(words >> line.part) || line.part[0] == '#') continue;
    std::string more;
    if (!(words >> line.path) || words >> more)
      throw w2s::UsageError(file + ":" + std::to_string(number) + ": expected a part and one path");
    lines.push_back(line);
  }
  return lines;
}

std::vector<std::string> sources(const fs::path& core) {
  std::vector<std::string> found;
  for (const char* folder : {"include", "src"}) {
    for (const auto& file : fs::recursive_directory_iterator(core / folder)) {
      const std::string extension = file.path().extension().string();
      if (extension == ".cpp" || extension == ".hpp")
        found.push_back(file.path().lexically_relative(core).generic_string());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

Line& line_of(const std::string& source, std::vector<Line>& lines, const std::string& file) {
  Line* best = nullptr;
  for (Line& line : lines) {
    if (source.rfind(line.path, 0) != 0) continue;
    const char after = source.size() == line.path.size() ? '/' : source[line.path.size()];
    if (after != '/' && after != '.') continue;
    if (best == nullptr || line.path.size() > best->path.size()) best = &line;
  }
  if (best == nullptr) {
    throw w2s::UsageError(
        "core/" + source + " is in no part of " + file +
        ": add a line to the part whose numbers it computes, or to 'none' where it computes none");
  }
  best->used = true;
  return *best;
}

void write_parts(const w2s::Fields& arguments) {
  const std::string core = arguments.get("core"), file = core + "/code_parts.txt";
  std::vector<Line> lines = read_lines(file);
  std::map<std::string, w2s::Digest> digests;
  std::string rule = arguments.get("output") + ": " + file;
  for (const std::string& source : sources(core)) {
    const std::string path = core + "/" + source;
    rule += " " + path;
    const Line& line = line_of(source, lines, file);
    if (line.part != "none") digests[line.part].add(source).add(w2s::code_text(w2s::read_file(path)));
  }
  for (const Line& line : lines) {
    if (!line.used)
      throw w2s::UsageError(file + ":" + std::to_string(line.number) + ": no source begins with '" +
                            line.path + "'");
  }
  std::string text =
      "// Generated: do not edit.\n#include \"base/code_parts.hpp\"\n\n#include <w2s/error.hpp>\n\n"
      "namespace w2s {\n\nconst std::map<std::string, std::string>& code_parts() {\n"
      "  static const std::map<std::string, std::string> parts = {\n";
  for (auto& [part, digest] : digests) text += "      {\"" + part + "\", \"" + digest.hex() + "\"},\n";
  text +=
      "  };\n  return parts;\n}\n\nconst std::string& code_part(const std::string& name) {\n"
      "  const auto found = code_parts().find(name);\n"
      "  if (found == code_parts().end()) throw Error(\"no part of the code is called '\" + name + \"'\");\n"
      "  return found->second;\n}\n\n}  // namespace w2s\n";
  w2s::write_file_atomically(arguments.get("output"), text);
  w2s::write_file_atomically(arguments.get("depfile"), rule + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  std::string text;
  for (int i = 1; i < argc; ++i) text += std::string(argv[i]) + "\n";
  const w2s::Fields arguments = w2s::Fields::parse(text);
  if (!arguments.has("core") || !arguments.has("output") || !arguments.has("depfile")) {
    std::cerr << "usage: w2s-code-parts core=FOLDER output=FILE depfile=FILE\n";
    return 2;
  }
  try {
    write_parts(arguments);
  } catch (const std::exception& e) {
    std::cerr << "w2s-code-parts: " << e.what() << "\n";
    return 1;
  }
  return 0;
}
