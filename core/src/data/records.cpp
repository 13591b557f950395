#include <w2s/records.hpp>

#include <charconv>

#include <w2s/data_file.hpp>
#include <w2s/error.hpp>

#include "data/parquet.hpp"
#include "values/toml.hpp"

namespace w2s {
namespace {

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

RecordFormat format_of(const std::string& path, RecordFormat format) {
  if (format != RecordFormat::automatic) return format;
  std::string name = lower_case(path);
  for (const char* packed : {".gz", ".zst"}) {
    if (name.ends_with(packed)) name.resize(name.size() - std::string_view(packed).size());
  }
  if (name.ends_with(".jsonl") || name.ends_with(".ndjson") || name.ends_with(".json"))
    return RecordFormat::jsonl;
  if (name.ends_with(".csv")) return RecordFormat::csv;
  if (name.ends_with(".tsv")) return RecordFormat::tsv;
  if (name.ends_with(".parquet")) return RecordFormat::parquet;
  throw UsageError(
      path +
      ": the name does not end in .jsonl, .json, .csv, .tsv or .parquet (.gz and .zst apart); set 'format'");
}

Table numbered(std::vector<Value> values) {
  std::vector<Table::Entry> entries;
  for (std::size_t i = 0; i < values.size(); ++i)
    entries.emplace_back(std::to_string(i), std::move(values[i]));
  return Table::of(std::move(entries));
}

std::optional<std::size_t> as_index(std::string_view text) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return index;
}

// The part of `value` that `path` names, "" being the value itself; nullptr where there is none.
const Value* find_within(const Value& value, std::string_view path) {
  const std::size_t dot = path.find('.');
  const std::string_view first = path.substr(0, dot);
  const Value* part = nullptr;
  if (value.is_table()) {
    part = value.as_table().find(first);
  } else if (value.is_list()) {
    const std::optional<std::size_t> index = as_index(first);
    if (index && *index < value.as_list().size()) part = &value.as_list()[*index];
  }
  if (part == nullptr || dot == std::string_view::npos) return part;
  return find_within(*part, path.substr(dot + 1));
}

const Value* find_field(const Table& fields, std::string_view name) {
  if (const Value* field = fields.find(name)) return field;
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return nullptr;
  const Value* first = fields.find(name.substr(0, dot));
  return first == nullptr ? nullptr : find_within(*first, name.substr(dot + 1));
}

[[noreturn]] void unknown_column(std::string_view name, std::vector<std::string> names) {
  throw UsageError("there is no column '" + std::string(name) + "'" + did_you_mean(name, names) +
                   "; there are " + one_of_list(names));
}

std::vector<std::string> names_of(const Table& fields) {
  std::vector<std::string> names = fields.keys();
  for (const auto& [key, value] : fields) {
    if (!value.is_table()) continue;
    for (const std::string& inner : value.as_table().keys()) names.push_back(key + "." + inner);
  }
  return names;
}

}  // namespace

const Value& DataRow::at(std::string_view name) const {
  const Value* field = find_field(fields, name);
  if (field == nullptr) unknown_column(name, names_of(fields));
  return *field;
}

std::string DataRow::text(std::string_view name) const { return text_of(at(name), name); }

std::string text_of(const Value& value, std::string_view what) {
  switch (value.kind()) {
    case Value::Kind::string:
      return value.as_string();
    case Value::Kind::boolean:
    case Value::Kind::integer:
    case Value::Kind::real:
      return value.canonical();
    case Value::Kind::list: {
      std::string text;
      for (const Value& item : value.as_list()) text += (text.empty() ? "" : "\n") + text_of(item, what);
      return text;
    }
    default:
      throw UsageError("column '" + std::string(what) + "': expected text, found " + value.description());
  }
}

// ---- reading

struct RecordReader::Source {
  std::string path, bytes;
  RecordFormat format = RecordFormat::automatic;
  RecordOptions options;
  std::vector<std::string> columns;  // csv, tsv
  List rows;                         // a JSON file that is one list
  std::unique_ptr<ParquetRows> parquet;
  std::size_t position = 0;
  std::int64_t line = 1;
  bool is_list = false;

  bool end() const { return position >= bytes.size(); }
  bool line_end() const { return bytes[position] == '\n' || bytes[position] == '\r'; }

  void skip_line_end() {
    if (end()) return;
    const bool pair = bytes[position] == '\r' && position + 1 < bytes.size() && bytes[position + 1] == '\n';
    position += pair ? 2 : 1;
    ++line;
  }

  std::string_view rest_of_line() {
    const std::size_t begin = position;
    while (!end() && !line_end()) ++position;
    const std::string_view text(bytes.data() + begin, position - begin);
    skip_line_end();
    return text;
  }

  void skip_empty_lines() {
    while (!end() && line_end()) skip_line_end();
  }

  w2s::Source at(std::int64_t at_line) const { return {path, static_cast<int>(at_line), 0}; }

  [[noreturn]] void fail(std::int64_t at_line, const std::string& message) const {
    fail_at(at(at_line), message);
  }

  bool next_json(DataRow& row);
  bool next_delimited(std::vector<std::string>& fields, std::int64_t& begin);
  std::string quoted_field(char separator, std::int64_t begin);
};

bool RecordReader::Source::next_json(DataRow& row) {
  Value value;
  if (is_list) {
    if (position == rows.size()) return false;
    row.line = static_cast<std::int64_t>(position) + 1;
    value = std::move(rows[position++]);
  } else {
    std::string_view text;
    do {
      if (end()) return false;
      row.line = line;
      text = rest_of_line();
    } while (text.find_first_not_of(" \t") == std::string_view::npos);
    const std::string place = path + ":" + std::to_string(row.line);
    try {
      value = parse_json(std::string(text), place);
    } catch (const Error& error) {
      const std::string message = error.what(), prefix = place + ": ";
      throw UsageError({path, static_cast<int>(row.line), 0},
                       message.rfind(prefix, 0) == 0 ? message.substr(prefix.size()) : message);
    }
  }
  if (value.is_table()) {
    row.fields = std::move(value.as_table());
  } else if (value.is_list()) {
    row.fields = numbered(std::move(value.as_list()));
  } else {
    fail(row.line, "expected a JSON object, found " + value.description());
  }
  return true;
}

// The opening quote is behind us. Leaves `position` at what follows the closing one.
std::string RecordReader::Source::quoted_field(char separator, std::int64_t begin) {
  const std::size_t start = position;
  const std::int64_t start_line = line;
  // Goes on with the line after the one where the field begins: a stray quote costs one row, not all up to
  // the next quote.
  const auto malformed = [&](const std::string& what) {
    position = start;
    line = start_line;
    rest_of_line();
    return UsageError(at(begin), what + "; where quotes are ordinary characters, set 'quotes' = false");
  };
  std::string field;
  while (!end()) {
    const char c = bytes[position];
    if (c != '"') {
      if (c == '\n' || (c == '\r' && (position + 1 >= bytes.size() || bytes[position + 1] != '\n'))) ++line;
      field += c;
      ++position;
      continue;
    }
    ++position;
    if (end() || line_end() || bytes[position] == separator) return field;
    if (bytes[position] != '"') throw malformed("text after the closing quote of a field");
    field += '"';
    ++position;
  }
  throw malformed("a quoted field that never ends");
}

bool RecordReader::Source::next_delimited(std::vector<std::string>& fields, std::int64_t& begin) {
  const char separator = format == RecordFormat::csv ? ',' : '\t';
  fields.clear();
  skip_empty_lines();
  if (end()) return false;
  begin = line;
  for (;;) {
    if (options.quotes && !end() && bytes[position] == '"') {
      ++position;
      fields.push_back(quoted_field(separator, begin));
    } else {
      const std::size_t from = position;
      while (!end() && !line_end() && bytes[position] != separator) ++position;
      fields.push_back(bytes.substr(from, position - from));
    }
    if (end() || line_end()) break;
    ++position;
  }
  skip_line_end();
  return true;
}

RecordReader::RecordReader(const std::string& path, const RecordOptions& options)
    : source_(std::make_unique<Source>()) {
  Source& s = *source_;
  s.path = path;
  s.options = options;
  s.format = format_of(path, options.format);
  s.bytes = read_data_file(path);
  if (s.format == RecordFormat::parquet) {
    s.parquet = std::make_unique<ParquetRows>(std::move(s.bytes), path);
    return;
  }
  if (s.bytes.starts_with("\xef\xbb\xbf")) s.bytes.erase(0, 3);
  if (s.format == RecordFormat::jsonl) {
    const std::size_t first = s.bytes.find_first_not_of(" \t\r\n");
    // A line that begins with a bracket may be a row without names: only a bracket around rows makes one
    // list.
    const std::size_t inner =
        first == std::string::npos ? first : s.bytes.find_first_not_of(" \t\r\n", first + 1);
    if (inner == std::string::npos || s.bytes[first] != '[' ||
        (s.bytes[inner] != '{' && s.bytes[inner] != '['))
      return;
    s.is_list = true;
    try {
      s.rows = std::move(parse_json(s.bytes, path).as_list());
    } catch (const Error&) {
      s.is_list = false;  // rows that are lists of lists, one a line
    }
    return;
  }
  std::int64_t line = 0;
  if (options.header && s.next_delimited(s.columns, line)) {
    for (std::size_t i = 0; i < s.columns.size(); ++i) {
      if (s.columns[i].empty()) s.columns[i] = std::to_string(i);
      for (std::size_t j = 0; j < i; ++j) {
        if (s.columns[j] == s.columns[i])
          s.fail(line, "the header names the column '" + s.columns[i] + "' twice");
      }
    }
  }
}

RecordReader::~RecordReader() = default;
RecordReader::RecordReader(RecordReader&&) noexcept = default;

const std::string& RecordReader::path() const { return source_->path; }

bool RecordReader::next(DataRow& row) {
  Source& s = *source_;
  if (s.parquet) {
    row.line = s.line++;
    return s.parquet->next(row.fields);
  }
  if (s.format == RecordFormat::jsonl) return s.next_json(row);
  std::vector<std::string> fields;
  if (!s.next_delimited(fields, row.line)) return false;
  if (s.columns.empty()) {
    for (std::size_t i = 0; i < fields.size(); ++i) s.columns.push_back(std::to_string(i));
  }
  if (fields.size() != s.columns.size()) {
    s.fail(row.line, std::to_string(fields.size()) + " fields where " +
                         (s.options.header ? "the header" : "the first row") + " has " +
                         std::to_string(s.columns.size()));
  }
  std::vector<Table::Entry> entries;
  for (std::size_t i = 0; i < fields.size(); ++i) entries.emplace_back(s.columns[i], std::move(fields[i]));
  row.fields = Table::of(std::move(entries));
  return true;
}

// ---- templates

TextTemplate::TextTemplate(const std::string& text) {
  const auto fail = [&](const std::string& message) {
    throw UsageError("template \"" + text + "\": " + message + "; {{ and }} stand for braces");
  };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c == '{' || c == '}') && i + 1 < text.size() && text[i + 1] == c) {
      plain += c;
      ++i;
    } else if (c == '}') {
      fail("a } without {");
    } else if (c == '{') {
      const std::size_t close = text.find_first_of("{}", i + 1);
      if (close == std::string::npos || text[close] == '{') fail("a { without }");
      if (close == i + 1) fail("{} names no column");
      if (!plain.empty()) parts_.emplace_back(std::exchange(plain, ""), false);
      parts_.emplace_back(text.substr(i + 1, close - i - 1), true);
      i = close;
    } else {
      plain += c;
    }
  }
  if (!plain.empty()) parts_.emplace_back(plain, false);
}

std::string TextTemplate::render(const DataRow& row, const Extras& extras) const {
  std::string text;
  for (const auto& [part, is_name] : parts_) {
    if (!is_name) {
      text += part;
      continue;
    }
    const auto extra = extras.find(part);
    if (extra != extras.end()) {
      text += extra->second;
      continue;
    }
    const Value* field = find_field(row.fields, part);
    if (field == nullptr) {
      std::vector<std::string> names = names_of(row.fields);
      for (const auto& [name, value] : extras) names.insert(names.begin(), name);
      unknown_column(part, std::move(names));
    }
    text += text_of(*field, part);
  }
  return text;
}

}  // namespace w2s
