// Records: the rows of a data file as named fields, and texts made from them.
//
//   JSONL  one object (or list) a line, fields may be nested; a JSON file that is one list of them as well
//   CSV    RFC 4180: quoted fields may hold commas, line ends and doubled quotes; TSV the same with tabs
//
// Files may be gzip or Zstandard (data_file.hpp). Lines may end in LF, CR LF or CR; a byte-order mark and
// empty lines are passed over. A column without a name is known by its number, from 0. A reader has one
// owner; rows and templates may be read by several threads.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <w2s/schema.hpp>

namespace w2s {

enum class RecordFormat { automatic, jsonl, csv, tsv, parquet };
constexpr auto enum_names(RecordFormat) { return std::array{"auto", "jsonl", "csv", "tsv", "parquet"}; }

struct RecordOptions {
  RecordFormat format = RecordFormat::automatic;  ///< automatic: by the file's name, less .gz or .zst
  bool header = true;  ///< csv, tsv: the first row names the columns; else they are "0", "1", …
  bool quotes = true;  ///< csv, tsv: a field that begins with a quote ends with one
};

/// One row. Fields of CSV and TSV are strings.
struct DataRow {
  Table fields;
  std::int64_t line = 0;  ///< where the row begins, from 1

  /// The field of that name; "choices.text" and "answers.0" reach into tables and lists.
  /// Throws UsageError with the nearest name where there is none.
  W2S_API const Value& at(std::string_view name) const;
  /// The field as text: strings as they are, numbers as JSON writes them, true and false, lists one item a
  /// line. Throws UsageError for null and tables.
  W2S_API std::string text(std::string_view name) const;
};

/// Reads one file. Not for several threads at once.
class W2S_API RecordReader {
 public:
  /// Throws UsageError where the file cannot be read, or its name does not tell the format.
  explicit RecordReader(const std::string& path, const RecordOptions& options = {});
  ~RecordReader();
  RecordReader(RecordReader&&) noexcept;

  /// The next row; false at the end. A malformed row is a UsageError with its place; the call after
  /// that goes on with the next line.
  bool next(DataRow& row);
  const std::string& path() const;

 private:
  struct Source;
  std::unique_ptr<Source> source_;
};

/// The text of a value, as in DataRow::text; `what` names it in messages.
W2S_API std::string text_of(const Value& value, std::string_view what);

/// "Q: {question} A: {answer}": text with the names of columns in braces; {{ and }} are braces.
class W2S_API TextTemplate {
 public:
  using Extras = std::map<std::string, std::string, std::less<>>;

  /// Throws UsageError for a brace without its partner and for {}.
  explicit TextTemplate(const std::string& text);
  /// A name in `extras` comes before a column of that name. Throws UsageError with the nearest name for an
  /// unknown one.
  std::string render(const DataRow& row, const Extras& extras = {}) const;

 private:
  std::vector<std::pair<std::string, bool>> parts_;  // text, or the name of a column
};

}  // namespace w2s
