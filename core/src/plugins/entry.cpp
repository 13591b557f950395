#include "plugins/entry.hpp"

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>

#include <w2s/digest.hpp>

#include "base/code_text.hpp"
#include "base/files.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

void collect(const fs::path& file, std::set<fs::path>& seen) {
  if (!seen.insert(file).second) return;
  static const std::regex include(R"re((?:^|\n)[ \t]*#[ \t]*include[ \t]*"([^"\n]+)")re");
  const std::string text = read_file(file.string());
  for (std::sregex_iterator match(text.begin(), text.end(), include), end; match != end; ++match) {
    const fs::path included = (file.parent_path() / (*match)[1].str()).lexically_normal();
    std::error_code missing;
    if (fs::is_regular_file(included, missing)) collect(included, seen);
  }
}

std::string literal(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '\n' ? ' ' : c;
  }
  return quoted + "\"";
}

// The stamp as a sequence of string literals.
std::string stamp_literals(const Fields& fields) {
  std::string text = "    " + literal(std::string("stamp=") + kStampVersion) + "\"\\n\"\n";
  text += "    \"torch=\" TORCH_VERSION \"\\n\"\n";
  text += "    \"cxx11_abi=\" W2S_TEXT(_GLIBCXX_USE_CXX11_ABI) \"\\n\"\n";
  text += "    \"compiler=\" W2S_COMPILER \"\\n\"\n";
  for (const auto& [key, value] : fields.items()) {
    text += "    " + literal(key + "=" + value) + "\"\\n\"\n";
  }
  return text;
}

const char* const kPrologue = R"(// Generated: do not edit.
#include <cstddef>

#include <torch/version.h>

#define W2S_TEXT2(x) #x
#define W2S_TEXT(x) W2S_TEXT2(x)
#ifdef __clang__
#define W2S_COMPILER "clang " W2S_TEXT(__clang_major__) "." W2S_TEXT(__clang_minor__)
#else
#define W2S_COMPILER "GNU " __VERSION__
#endif

)";

}  // namespace

SourceSet source_set(const std::vector<std::string>& sources) {
  std::set<fs::path> seen;
  for (const std::string& source : sources) collect(fs::absolute(source).lexically_normal(), seen);
  const fs::path folder = fs::absolute(sources.at(0)).lexically_normal().parent_path();
  SourceSet set;
  Digest digest;
  for (const fs::path& file : seen) {
    set.files.push_back(file.string());
    digest.add(file.lexically_relative(folder).generic_string()).add(code_text(read_file(file.string())));
  }
  set.digest = digest.hex();
  return set;
}

std::vector<std::string> sdk_headers(const std::string& include_folder) {
  std::vector<std::string> headers;
  std::error_code missing;
  for (fs::directory_iterator file(fs::path(include_folder) / "w2s", missing), end; file != end; ++file) {
    if (file->path().extension() == ".hpp") headers.push_back(file->path().string());
  }
  if (headers.empty()) throw Error("there are no SDK headers in '" + include_folder + "/w2s'");
  std::sort(headers.begin(), headers.end());
  return headers;
}

std::string sdk_digest(const std::string& include_folder) {
  Digest digest;
  for (const std::string& header : sdk_headers(include_folder)) {
    digest.add(fs::path(header).filename().string()).add(code_text(read_file(header)));
  }
  return digest.hex();
}

std::string plugin_entry(const Fields& fields) {
  return kPrologue + std::string(R"(namespace w2s {
struct PluginEntry;
namespace detail {
extern __attribute__((visibility("hidden"))) PluginEntry* plugin_entries;
constinit PluginEntry* plugin_entries = nullptr;
}  // namespace detail
}  // namespace w2s

extern "C" __attribute__((visibility("default"))) w2s::PluginEntry* w2s_plugin_entries() {
  return w2s::detail::plugin_entries;
}

__attribute__((section(".w2s_stamp"), used)) static const char w2s_stamp[] =
)") + stamp_literals(fields) +
         "    ;\n";
}

std::string host_entry(const Fields& fields) {
  return kPrologue + std::string(R"(namespace w2s {
const char* host_stamp_text() {
  return
)") + stamp_literals(fields) +
         "    ;\n}\n}  // namespace w2s\n";
}

}  // namespace w2s
