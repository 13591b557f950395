#include "file_pattern.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include <w2s/error.hpp>

namespace w2s::text {
namespace {

namespace fs = std::filesystem;

const std::string kAnywhere = "**/";

bool is_pattern(const std::string& name) { return name.find_first_of("*?[") != std::string::npos; }

bool matches(const std::string& pattern, const std::string& file) {
  const auto match = [](const std::string& p, const char* text) {
    return ::fnmatch(p.c_str(), text, FNM_PATHNAME | FNM_PERIOD) == 0;
  };
  if (!pattern.starts_with(kAnywhere)) return match(pattern, file.c_str());
  const std::string rest = pattern.substr(kAnywhere.size());
  for (std::size_t begin = 0; begin != std::string::npos;) {
    if (match(rest, file.c_str() + begin)) return true;
    begin = file.find('/', begin);
    if (begin != std::string::npos) ++begin;
  }
  return false;
}

// ".csv" of "part.csv.gz"; "" where the name tells no format.
std::string format_ending(const std::string& file) {
  fs::path path(file);
  if (path.extension() == ".gz" || path.extension() == ".zst") path.replace_extension();
  const std::string ending = path.extension().string();
  for (const char* known : {".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".parquet"}) {
    if (ending == known) return ending == ".json" || ending == ".ndjson" ? ".jsonl" : ending;
  }
  return "";
}

std::vector<std::string> files_within(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(fs::relative(entry.path(), folder).generic_string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i) text += (i ? ", " : "") + names[i];
  return names.size() > kMost ? text + ", … (" + std::to_string(names.size()) + ")" : text;
}

}  // namespace

std::vector<std::string> find_files(const std::string& folder, const std::vector<std::string>& names,
                                    bool any_format) {
  if (std::none_of(names.begin(), names.end(), is_pattern) || !fs::is_directory(folder)) return names;
  std::vector<std::string> found, patterns, all;
  try {
    all = files_within(folder);
  } catch (const fs::filesystem_error& error) {
    throw UsageError(folder + ": " + error.code().message());
  }
  std::set<std::string> matched, formats;
  for (const std::string& name : names) {
    if (!is_pattern(name)) {
      found.push_back(name);
      continue;
    }
    patterns.push_back(name);
    for (const std::string& file : all) {
      const std::string ending = format_ending(file);
      if (matches(name, file) && (any_format || !ending.empty()))
        matched.insert(file), formats.insert(ending);
    }
  }
  if (matched.empty()) {
    throw UsageError("no data file in '" + folder + "' matches " + one_of_list(patterns) +
                     (all.empty() ? ": the folder is empty" : "; it has " + some_of(all)));
  }
  const std::vector<std::string> list(matched.begin(), matched.end());
  if (formats.size() > 1 && !any_format) {
    throw UsageError(one_of_list(patterns) + " matches files of different formats in '" + folder +
                     "': " + some_of(list) + "; name the files");
  }
  found.insert(found.end(), list.begin(), list.end());
  return found;
}

}  // namespace w2s::text
