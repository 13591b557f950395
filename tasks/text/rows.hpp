// Rows of data files as examples: which files, what is malformed, ids, groups, held-out rows.
//
// What all tasks on texts have in common. A task turns one row into examples; everything around that is here.
// Ids are "<split>/<file>:<line>", without the file where a split has one, or "<split>/<id column>". They do
// not depend on other rows, and a row's random draws depend on its id and the task's seed alone.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include <w2s/records.hpp>
#include <w2s/task.hpp>
#include <w2s/tokenizer.hpp>

namespace w2s::text {

/// What becomes of malformed rows.
enum class BadRows { refuse, skip };
constexpr auto enum_names(BadRows) { return std::array{"refuse", "skip"}; }

struct RowParams {
  std::string path;
  std::vector<std::string> train, test;
  Table shifts;
  RecordFormat format = RecordFormat::automatic;
  bool header = true;
  bool quotes = true;
  std::vector<std::string> columns;
  std::string each;
  std::vector<std::string> group;
  std::string group_until;
  std::string id;
  std::int64_t train_limit = 0;
  std::int64_t test_limit = 0;
  std::int64_t held_out = 0;
  std::int64_t max_tokens = 0;
  std::string tokenizer;
  BadRows on_bad_rows = BadRows::refuse;
  std::int64_t seed = 0;
};

/// Declares the fields of RowParams, which P inherits.
template <class P>
void describe_rows(Schema<P>& s) {
  using Names = std::vector<std::string>;
  s.template field<std::string>("path", &P::path, "folder that the files are in").required().path();
  s.template field<Names>("train", &P::train,
                          "files of the training rows: names, or patterns such as data/train-* and **/train*")
      .required();
  s.template field<Names>("test", &P::test, "files of the test rows; none: `held_out` training rows");
  s.template field<Table>("shifts", &P::shifts,
                          "out-of-distribution test sets: { NAME = file, pattern or list of them }");
  s.template field<RecordFormat>("format", &P::format, "of the files; auto: by their names");
  s.template field<bool>("header", &P::header,
                         "csv, tsv: the first row names the columns; else they are 0, 1, …");
  s.template field<bool>("quotes", &P::quotes,
                         "csv, tsv: fields that begin with a quote end with one (RFC 4180)");
  s.template field<Names>("columns", &P::columns,
                          "names of the columns where the files lack them: csv and tsv without a header row "
                          "(one that has only these names is still taken for it), JSON rows that are lists");
  s.template field<std::string>("each", &P::each,
                                "column with a list of tables, each of which makes a row of its own with the "
                                "other columns; a row without that column is one already");
  s.template field<Names>("group", &P::group,
                          "columns whose values together name the rows that stay in one half");
  s.template field<std::string>("group_until", &P::group_until,
                                "of each of these columns, only the text before this counts");
  s.template field<std::string>("id", &P::id, "column of an id of the row; empty: its line");
  s.template field<std::int64_t>("train_limit", &P::train_limit,
                                 "use the first so many training rows; 0: all")
      .at_least(0);
  s.template field<std::int64_t>("test_limit", &P::test_limit,
                                 "use the first so many rows of each test set; 0: all")
      .at_least(0);
  s.template field<std::int64_t>(
       "held_out", &P::held_out,
       "without test files: so many training rows, in whole groups, are the test set")
      .at_least(0);
  s.template field<std::int64_t>(
       "max_tokens", &P::max_tokens,
       "leave out rows whose text has more tokens, so that all models read the same "
       "rows whole; 0: none (a model cuts what exceeds its own context)")
      .at_least(0);
  s.template field<std::string>("tokenizer", &P::tokenizer,
                                "folder of the tokenizer that max_tokens counts with")
      .path();
  s.template field<BadRows>("on_bad_rows", &P::on_bad_rows,
                            "malformed rows: refuse the data, or skip them and say so");
  s.template field<std::int64_t>("seed", &P::seed, "of the random draws and of the held-out rows")
      .at_least(0);
}

/// An example that a row becomes, or the reason why it becomes none.
struct Converted {
  std::string text;                   ///< as in Columns
  std::optional<std::string> second;  ///< as in Columns
  std::int64_t label = 0;
  std::string suffix;    ///< of the id, where a row becomes several examples
  std::string group;     ///< what keeps examples together where `group` names no columns; "": nothing
  std::string left_out;  ///< not malformed, but not an example: "a tie". Counted in the notes.
};

/// Throws UsageError for a malformed row. May add columns, which `group` can then name.
using Convert = std::function<std::vector<Converted>(DataRow& row, const std::string& id)>;

class RowSource {
 public:
  /// `task` names it in messages. Throws UsageError for parameters that do not belong together.
  RowSource(std::string task, const RowParams& params);

  std::vector<std::string> files() const;
  /// Everything but kind, classes and their names. Throws UsageError naming files and lines.
  TaskData load(const Convert& convert, std::vector<std::string> class_names) const;
  [[noreturn]] void fail(const std::string& message) const;

 private:
  class Reading;

  std::vector<std::string> names_of(const std::vector<std::string>& names) const;
  std::string file(const std::string& name) const;
  Examples read(const std::string& split, const std::vector<std::string>& names, std::int64_t limit,
                const Convert& convert, const Tokenizer* tokenizer, TaskData& data) const;

  const std::string task_;
  const RowParams params_;
  std::map<std::string, std::vector<std::string>> shift_files_;
};

}  // namespace w2s::text
