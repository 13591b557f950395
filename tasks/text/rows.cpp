#include "rows.hpp"

#include <algorithm>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>

#include "file_pattern.hpp"

namespace w2s::text {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kErrorsShown = 5;

std::vector<std::string> strings(const Value& files) {
  std::vector<std::string> names;
  if (files.is_string()) return {files.as_string()};
  for (const Value& item : files.as_list()) names.push_back(item.as_string());
  if (names.empty()) fail_at(files, "a test set without files");
  return names;
}

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

std::string counted(std::int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

// One split under way.
class RowSource::Reading {
 public:
  /// `tokenizer` may be null: texts of any length.
  Reading(const RowSource& source, std::string split, const Convert& convert, const Tokenizer* tokenizer)
      : source_(source),
        params_(source.params_),
        split_(std::move(split)),
        convert_(convert),
        tokenizer_(tokenizer) {}

  /// `place`: what ids say of the file.
  void read_file(const std::string& path, const std::string& place, std::int64_t limit) {
    const bool named = params_.header && params_.columns.empty();
    RecordReader reader(path, {params_.format, named, params_.quotes});
    header_.clear();
    for (bool first = true; limit == 0 || size() < limit; first = false) {
      DataRow row;
      try {
        if (!reader.next(row)) break;
        ++rows_;
        if (!params_.columns.empty() && name_columns(row, first)) {
          --rows_;
          continue;
        }
        add(row, place);
      } catch (const UsageError& error) {
        refuse({path, static_cast<int>(row.line), 0}, error);
      }
    }
  }

  std::int64_t size() const { return static_cast<std::int64_t>(labels_.size()); }

  Columns finish(TaskData& data, const std::vector<std::string>& class_names) {
    report_malformed(data.notes);
    for (const auto& [reason, count] : left_out_) {
      note(data, counted(count, "row") + " of '" + split_ + "' left out: " + reason);
    }
    if (labels_.empty()) source_.fail("no row in the files of '" + split_ + "'");
    const auto [low, high] = std::minmax_element(labels_.begin(), labels_.end());
    if (*low == *high && !class_names.empty()) {
      note(data, "all " + counted(size(), "example") + " of '" + split_ + "' are of the class '" +
                     class_names[static_cast<std::size_t>(*low)] + "'");
    }
    columns_.labels = at::tensor(labels_, at::kLong);
    return std::move(columns_);
  }

 private:
  void note(TaskData& data, const std::string& text) const {
    data.notes.push_back("task '" + source_.task_ + "': " + text);
  }

  // True where the row is a header.
  bool name_columns(DataRow& row, bool first) {
    const std::vector<std::string>& columns = params_.columns;
    const bool numbered = row.fields.find("0") != nullptr;
    if (!numbered) return false;
    const auto known = [&](const Table::Entry& entry) {
      return entry.second.is_string() &&
             std::find(columns.begin(), columns.end(), entry.second.as_string()) != columns.end();
    };
    if (first && std::all_of(row.fields.begin(), row.fields.end(), known)) {
      for (const auto& [number, name] : row.fields) header_.push_back(name.as_string());
      return true;
    }
    const std::vector<std::string>& names = header_.empty() ? columns : header_;
    if (row.fields.size() != names.size()) {
      throw UsageError(counted(static_cast<std::int64_t>(row.fields.size()), "field") +
                       " where 'columns' names " + std::to_string(names.size()));
    }
    std::vector<Table::Entry> entries;
    for (auto& [number, value] : row.fields) entries.emplace_back(names[entries.size()], std::move(value));
    row.fields = Table::of(std::move(entries));
    return false;
  }

  void add(DataRow& row, const std::string& place) {
    const Value* each = params_.each.empty() ? nullptr : row.fields.find(params_.each);
    if (each == nullptr) return add_row(row, place + std::to_string(row.line));
    const List items = each->as_list();
    row.fields.erase(params_.each);
    for (std::size_t i = 0; i < items.size(); ++i) {
      DataRow part = row;
      for (const auto& [key, value] : items[i].as_table()) part.fields.set(key, value);
      add_row(part, place + std::to_string(row.line) + "." + std::to_string(i));
    }
  }

  void add_row(DataRow& row, const std::string& place) {
    const std::string own = params_.id.empty() ? place : row.text(params_.id);
    const std::string id = split_ + "/" + own;
    std::vector<Converted> made = convert_(row, id);
    std::string key;
    for (const std::string& column : params_.group) {
      const std::string value = row.text(column);
      key +=
          value.substr(0, params_.group_until.empty() ? std::string::npos : value.find(params_.group_until));
      key += '\x1f';
    }
    for (const Converted& one : made) check(one, own, id);
    for (Converted& one : made) {
      if (!one.left_out.empty()) {
        ++left_out_[one.left_out];
        continue;
      }
      if (too_long(one.text) || (one.second && too_long(*one.second))) {
        ++left_out_["more than " + std::to_string(params_.max_tokens) + " tokens"];
        continue;
      }
      ids_.insert(id + one.suffix);
      columns_.ids.push_back(id + one.suffix);
      columns_.text.push_back(std::move(one.text));
      if (one.second) columns_.second.push_back(std::move(*one.second));
      labels_.push_back(one.label);
      columns_.groups.push_back(group(params_.group.empty() ? one.group : key));
    }
  }

  void check(const Converted& one, const std::string& own, const std::string& id) const {
    if (!one.left_out.empty()) return;
    if (is_blank(one.text) || (one.second && is_blank(*one.second))) throw UsageError("the text is empty");
    if (ids_.count(id + one.suffix)) throw UsageError("the id '" + own + one.suffix + "' occurs twice");
  }

  bool too_long(const std::string& text) const {
    return tokenizer_ != nullptr &&
           static_cast<std::int64_t>(tokenizer_->encode(text).size()) > params_.max_tokens;
  }

  // Rows without a name are alone.
  std::int64_t group(const std::string& name) {
    if (name.empty()) return next_group_++;
    const auto [found, fresh] = groups_.emplace(name, next_group_);
    next_group_ += fresh ? 1 : 0;
    return found->second;
  }

  // The reader says itself where a row is that it cannot read.
  void refuse(const Source& row, const UsageError& error) {
    rows_ += error.place().known() ? 1 : 0;
    ++malformed_;
    if (errors_.size() < kErrorsShown) errors_.push_back(error.at(row).what());
  }

  void report_malformed(std::vector<std::string>& notes) const {
    if (malformed_ == 0) return;
    std::string text =
        counted(malformed_, "malformed row") + " of " + std::to_string(rows_) + " in '" + split_ + "'";
    const bool skip = params_.on_bad_rows == BadRows::skip;
    if (skip) text += ", left out";
    for (const std::string& error : errors_) text += "\n  " + error;
    const std::int64_t more = malformed_ - static_cast<std::int64_t>(errors_.size());
    if (more > 0) text += "\n  and " + std::to_string(more) + " more";
    if (!skip) source_.fail(text + "\non_bad_rows = \"skip\" leaves them out");
    notes.push_back("task '" + source_.task_ + "': " + text);
  }

  const RowSource& source_;
  const RowParams& params_;
  const std::string split_;
  const Convert& convert_;
  const Tokenizer* tokenizer_;

  Columns columns_;
  std::vector<std::int64_t> labels_;
  std::unordered_set<std::string> ids_;
  std::unordered_map<std::string, std::int64_t> groups_;
  std::vector<std::string> header_, errors_;
  std::map<std::string, std::int64_t> left_out_;
  std::int64_t next_group_ = 0, rows_ = 0, malformed_ = 0;
};

RowSource::RowSource(std::string task, const RowParams& params) : task_(std::move(task)), params_(params) {
  if (params_.train.empty()) fail("'train' names no file");
  if (params_.test.empty() == (params_.held_out == 0)) {
    fail("give test files in 'test', or a number of training rows to test on in 'held_out', but not both");
  }
  if ((params_.max_tokens > 0) == params_.tokenizer.empty())
    fail("'max_tokens' and 'tokenizer' belong together");
  if (!params_.group_until.empty() && params_.group.empty()) fail("'group_until' needs columns in 'group'");
  for (const auto& [name, files] : params_.shifts) shift_files_[name] = strings(files);
}

void RowSource::fail(const std::string& message) const {
  throw UsageError("task '" + task_ + "': " + message);
}

std::string RowSource::file(const std::string& name) const {
  return (fs::path(params_.path) / name).lexically_normal().string();
}

std::vector<std::string> RowSource::names_of(const std::vector<std::string>& names) const {
  try {
    return find_files(params_.path, names, params_.format != RecordFormat::automatic);
  } catch (const UsageError& error) {
    fail(error.what());
  }
}

std::vector<std::string> RowSource::files() const {
  if (!fs::is_directory(params_.path)) return {params_.path};
  std::vector<std::string> all;
  const auto add = [&](const std::vector<std::string>& names) {
    for (const std::string& name : names_of(names)) all.push_back(file(name));
  };
  add(params_.train);
  if (!params_.test.empty()) add(params_.test);
  for (const auto& [name, names] : shift_files_) add(names);
  if (!params_.tokenizer.empty()) {
    for (const char* name : {"tokenizer.json", "vocab.json", "merges.txt", "encoder.json", "vocab.bpe"}) {
      const fs::path path = fs::path(params_.tokenizer) / name;
      if (fs::exists(path)) all.push_back(path.string());
    }
  }
  return all;
}

Examples RowSource::read(const std::string& split, const std::vector<std::string>& patterns,
                         std::int64_t limit, const Convert& convert, const Tokenizer* tokenizer,
                         TaskData& data) const {
  const std::vector<std::string> names = names_of(patterns);
  Reading reading(*this, split, convert, tokenizer);
  for (const std::string& name : names) {
    reading.read_file(file(name), names.size() == 1 ? "" : name + ":", limit);
  }
  return Examples(reading.finish(data, data.class_names));
}

TaskData RowSource::load(const Convert& convert, std::vector<std::string> class_names) const {
  TaskData data;
  data.class_names = std::move(class_names);
  std::shared_ptr<const Tokenizer> tokenizer;
  if (!params_.tokenizer.empty()) tokenizer = Tokenizer::from_folder(params_.tokenizer);
  const Examples train = read("train", params_.train, params_.train_limit, convert, tokenizer.get(), data);
  if (params_.test.empty()) {
    hold_out(train, params_.held_out, params_.seed, task_, data);
  } else {
    data.train = train;
    data.test = read("test", params_.test, params_.test_limit, convert, tokenizer.get(), data);
  }
  for (const auto& [name, files] : shift_files_) {
    data.shifted.emplace(name, read(name, files, params_.test_limit, convert, tokenizer.get(), data));
  }
  return data;
}

}  // namespace w2s::text
