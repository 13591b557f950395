// Classification of texts that are rows of files: labelled rows, questions with several answers, pairs.
#include <w2s/records.hpp>
#include <w2s/task.hpp>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <unordered_map>
#include <unordered_set>

namespace w2s {
namespace {

namespace fs = std::filesystem;

// What becomes of one row.
struct Converted {
  std::string text;
  std::int64_t label = 0;
};

class TextClassification final : public ITask {
 public:
  struct Params {
    std::string path;
    std::vector<std::string> train, test;
    Table shifts;
    std::string format = "auto";
    bool header = true;
    bool quotes = true;
    std::string form = "label";
    std::string text_template;
    std::string label = "label";
    std::vector<std::string> classes = {"0", "1"};
    Table label_map;
    std::vector<std::string> choices;
    std::string answer = "index";
    std::int64_t first_choice = 0;
    std::string choice_keys;
    std::vector<std::string> none_of_these;
    std::vector<std::string> claims = {"first", "second"};
    std::vector<std::string> group;
    std::string id;
    std::int64_t train_limit = 0;
    std::int64_t test_limit = 0;
    std::int64_t held_out = 0;
    std::string on_error = "refuse";
    std::int64_t seed = 0;
  };

  static void describe(Schema<Params>& s) {
    s.summary(
        "Texts from JSONL, CSV or TSV files (.gz and .zst as well). form = \"label\": a row has a text and a "
        "label. form = \"choices\": a question with several answers; with probability 1/2 its right answer "
        "is "
        "shown, label 1, else one of the wrong ones, label 0. form = \"pair\": two texts, the better one "
        "named "
        "first in `choices`, are shown in random order with a claim about which is better; label 1 where the "
        "claim is true");
    s.source("the conversion to two classes: Burns et al. 2023, appendix A");
    s.field("path", &Params::path, "folder that the files are in").required().path();
    s.field("train", &Params::train, "file, or list of files, of the training rows").required();
    s.field("test", &Params::test,
            "file, or list of files, of the test rows; none: `held_out` training rows");
    s.field("shifts", &Params::shifts, "out-of-distribution test sets: { NAME = file or list of files }");
    s.field("format", &Params::format, "of the files; auto: by their names")
        .one_of({"auto", "jsonl", "csv", "tsv"});
    s.field("header", &Params::header, "csv, tsv: the first row names the columns; else they are 0, 1, …");
    s.field("quotes", &Params::quotes, "csv, tsv: fields that begin with a quote end with one (RFC 4180)");
    s.field("form", &Params::form, "what a row is").one_of({"label", "choices", "pair"});
    s.field(
         "template", &Params::text_template,
         "the text: names of columns in braces, {{ and }} for braces; choices: {answer} is the answer shown; "
         "pair: {first}, {second} and {claim}")
        .required();
    s.field("label", &Params::label, "column of the label (label) or of the right answer (choices)");
    s.field("classes", &Params::classes, "form \"label\": the labels in the order of their classes");
    s.field(
        "label_map", &Params::label_map,
        "form \"label\": { \"value in the file\" = \"one of classes\" }; empty: the values are the classes");
    s.field("choices", &Params::choices,
            "choices: columns of the answers, or one column with a list; pair: columns of the better and the "
            "worse "
            "text");
    s.field("answer", &Params::answer,
            "choices: what the label column holds: the number of the right answer, its text, its key among "
            "choice_keys; first: the first choice is right and there is no such column")
        .one_of({"index", "text", "key", "first"});
    s.field("first_choice", &Params::first_choice, "choices: number of the first answer").in(0, 1);
    s.field("choice_keys", &Params::choice_keys, "choices: column with the list of the answers' keys");
    s.field(
        "none_of_these", &Params::none_of_these,
        "choices: answers that are never shown; where one of them is right, a wrong one is shown, label 0");
    s.field("claims", &Params::claims,
            "pair: {claim} where the first, and where the second, is said to be better");
    s.field("group", &Params::group, "columns whose values together name the rows that stay in one half");
    s.field("id", &Params::id, "column of an id of the row; empty: its line");
    s.field("train_limit", &Params::train_limit, "use the first so many training rows; 0: all").at_least(0);
    s.field("test_limit", &Params::test_limit, "use the first so many rows of each test set; 0: all")
        .at_least(0);
    s.field("held_out", &Params::held_out,
            "without test files: so many training rows, in whole groups, are the test set")
        .at_least(0);
    s.field("on_error", &Params::on_error, "malformed rows: refuse the data, or skip them and say so")
        .one_of({"refuse", "skip"});
    s.field("seed", &Params::seed, "of the conversion to two classes and of the held-out rows").at_least(0);
  }

  explicit TextClassification(const Params& params) : params_(params), template_(checked_template(params)) {
    if (params_.train.empty()) fail("'train' names no file");
    if (params_.test.empty() == (params_.held_out == 0)) {
      fail("give test files in 'test', or a number of training rows to test on in 'held_out', but not both");
    }
    if (params_.form == "label") {
      if (params_.classes.size() < 2) fail("'classes' needs two labels or more");
      for (const std::string& name : params_.classes) {
        if (!classes_.emplace(name, static_cast<std::int64_t>(classes_.size())).second) {
          fail("'classes' names '" + name + "' twice");
        }
      }
      for (const auto& [value, name] : params_.label_map) map_label(value, name);
    } else if (params_.form == "choices") {
      if (params_.choices.empty()) fail("form = \"choices\" needs 'choices': the columns of the answers");
      if ((params_.answer == "key") != !params_.choice_keys.empty()) {
        fail("answer = \"key\" and 'choice_keys' belong together");
      }
    } else {
      if (params_.choices.size() != 2)
        fail("form = \"pair\" needs 'choices': the columns of the better and the worse text");
      if (params_.claims.size() != 2) fail("'claims' are two: for the first and for the second text");
    }
    for (const auto& [name, files] : params_.shifts) shift_files_[name] = strings(files);
  }

  std::vector<std::string> files() const override {
    std::vector<std::string> all;
    const auto add = [&](const std::vector<std::string>& names) {
      for (const std::string& name : names) all.push_back(file(name));
    };
    add(params_.train);
    add(params_.test);
    for (const auto& [name, names] : shift_files_) add(names);
    return all;
  }

  TaskKind kind() const override { return TaskKind::classification; }
  std::int64_t classes() const override {
    return params_.form == "label" ? static_cast<std::int64_t>(params_.classes.size()) : 2;
  }

  TaskData load() override {
    TaskData data;
    data.classes = classes();
    data.class_names = params_.form == "label" ? params_.classes : std::vector<std::string>{"wrong", "right"};
    Examples train(read("train", params_.train, params_.train_limit, data.notes));
    if (params_.test.empty()) {
      hold_out(train, data);
    } else {
      data.train = train;
      data.test = Examples(read("test", params_.test, params_.test_limit, data.notes));
    }
    for (const auto& [name, files] : shift_files_) {
      data.shifted.emplace(name, Examples(read(name, files, params_.test_limit, data.notes)));
    }
    return data;
  }

 private:
  [[noreturn]] static void fail(const std::string& message) {
    throw UsageError("task 'text_classification': " + message);
  }

  static TextTemplate checked_template(const Params& params) {
    try {
      return TextTemplate(params.text_template);
    } catch (const UsageError& error) {
      fail(error.what());
    }
  }

  static std::vector<std::string> strings(const Value& files) {
    std::vector<std::string> names;
    if (files.is_string()) return {files.as_string()};
    for (const Value& item : files.as_list()) names.push_back(item.as_string());
    if (names.empty()) fail_at(files, "a test set without files");
    return names;
  }

  void map_label(const std::string& value, const Value& name) {
    const std::string text = text_of(name, "label_map");
    const auto known = classes_.find(text);
    if (known == classes_.end()) {
      fail_at(name, "task 'text_classification': label_map: '" + text + "' is not one of the classes " +
                        one_of_list(params_.classes) + did_you_mean(text, params_.classes));
    }
    labels_[value] = known->second;
  }

  std::string file(const std::string& name) const {
    return (fs::path(params_.path) / name).lexically_normal().string();
  }

  Columns read(const std::string& split, const std::vector<std::string>& names, std::int64_t limit,
               std::vector<std::string>& notes) const {
    Columns columns;
    std::vector<std::int64_t> labels;
    std::vector<std::string> errors;
    std::unordered_set<std::string> ids;
    std::unordered_map<std::string, std::int64_t> groups;
    std::int64_t bad = 0;
    for (const std::string& name : names) {
      RecordReader reader(file(name), {params_.format, params_.header, params_.quotes});
      for (bool more = true; more && (limit == 0 || static_cast<std::int64_t>(labels.size()) < limit);) {
        DataRow row;
        try {
          more = reader.next(row);
          if (!more) break;
          const std::string place = names.size() == 1 ? "" : name + ":";
          const std::string own = params_.id.empty() ? std::to_string(row.line) : row.text(params_.id);
          const std::string id = split + "/" + (params_.id.empty() ? place : "") + own;
          Converted converted = convert(row, id);
          if (converted.text.find_first_not_of(" \t\r\n") == std::string::npos)
            throw UsageError("the text is empty");
          std::string key;
          for (const std::string& column : params_.group) key += row.text(column) + '\x1f';
          if (!ids.insert(id).second) throw UsageError("the id '" + own + "' occurs twice");
          columns.ids.push_back(id);
          columns.text.push_back(std::move(converted.text));
          labels.push_back(converted.label);
          if (!params_.group.empty()) {
            columns.groups.push_back(
                groups.emplace(key, static_cast<std::int64_t>(groups.size())).first->second);
          }
        } catch (const UsageError& error) {
          ++bad;
          const std::string message = error.what(), where = file(name) + ":";
          const bool placed = message.starts_with(where);
          if (errors.size() < 5)
            errors.push_back(placed ? message : where + std::to_string(row.line) + ": " + message);
        }
      }
    }
    report(split, static_cast<std::int64_t>(labels.size()) + bad, bad, errors, notes);
    if (labels.empty()) fail("no row in the files of '" + split + "'");
    columns.labels = at::tensor(labels, at::kLong);
    return columns;
  }

  void report(const std::string& split, std::int64_t rows, std::int64_t bad,
              const std::vector<std::string>& errors, std::vector<std::string>& notes) const {
    if (bad == 0) return;
    std::string text = std::to_string(bad) + " malformed row" + (bad == 1 ? "" : "s") + " of " +
                       std::to_string(rows) + " in '" + split + "'";
    const bool skip = params_.on_error == "skip";
    if (skip) text += ", left out";
    for (const std::string& error : errors) text += "\n  " + error;
    if (bad > static_cast<std::int64_t>(errors.size())) {
      text += "\n  and " + std::to_string(bad - static_cast<std::int64_t>(errors.size())) + " more";
    }
    if (!skip) fail(text + "\non_error = \"skip\" leaves them out");
    notes.push_back("task 'text_classification': " + text);
  }

  Converted convert(const DataRow& row, const std::string& id) const {
    if (params_.form == "label") return {template_.render(row), label_of(row)};
    Stream stream(static_cast<std::uint64_t>(params_.seed), "text_classification/" + id);
    return params_.form == "choices" ? choose(row, stream) : compare(row, stream);
  }

  std::int64_t label_of(const DataRow& row) const {
    const std::string value = row.text(params_.label);
    const auto& known = labels_.empty() ? classes_ : labels_;
    const auto found = known.find(value);
    if (found != known.end()) return found->second;
    std::vector<std::string> names;
    for (const auto& [name, label] : known) names.push_back(name);
    throw UsageError("column '" + params_.label + "': '" + value + "' is not one of the labels " +
                     one_of_list(names) + did_you_mean(value, names));
  }

  std::vector<std::string> answers_of(const DataRow& row) const {
    std::vector<std::string> answers;
    for (const std::string& column : params_.choices) {
      const Value& value = row.at(column);
      if (!value.is_list()) {
        answers.push_back(text_of(value, column));
        continue;
      }
      for (const Value& item : value.as_list()) answers.push_back(text_of(item, column));
    }
    if (answers.size() < 2) throw UsageError("the row has fewer than two answers");
    return answers;
  }

  std::size_t right_answer(const DataRow& row, const std::vector<std::string>& answers) const {
    if (params_.answer == "first") return 0;
    const std::string wanted = row.text(params_.label);
    if (params_.answer == "index") {
      std::int64_t number = 0;
      const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
      number -= params_.first_choice;
      if (error != std::errc() || end != wanted.data() + wanted.size() || number < 0 ||
          number >= static_cast<std::int64_t>(answers.size())) {
        throw UsageError("column '" + params_.label + "': '" + wanted +
                         "' is not the number of an answer: there are " + std::to_string(answers.size()) +
                         ", from " + std::to_string(params_.first_choice));
      }
      return static_cast<std::size_t>(number);
    }
    std::vector<std::string> names = answers;
    if (params_.answer == "key") {
      names.clear();
      for (const Value& key : row.at(params_.choice_keys).as_list())
        names.push_back(text_of(key, params_.choice_keys));
    }
    const auto found = std::find(names.begin(), names.end(), wanted);
    if (found == names.end() || found - names.begin() >= static_cast<std::ptrdiff_t>(answers.size())) {
      throw UsageError("column '" + params_.label + "': '" + wanted + "' is not one of " +
                       one_of_list(names));
    }
    return static_cast<std::size_t>(found - names.begin());
  }

  // The draws come first and in one order, so that they depend on the row's id and on nothing else.
  Converted choose(const DataRow& row, Stream& stream) const {
    const std::vector<std::string> answers = answers_of(row);
    const std::size_t right = right_answer(row, answers);
    const bool show_right = stream.below(2) == 1;
    const auto never = [&](const std::string& answer) {
      const auto& names = params_.none_of_these;
      return std::find(names.begin(), names.end(), answer) != names.end();
    };
    if (show_right && !never(answers[right])) return {template_.render(row, {{"answer", answers[right]}}), 1};
    std::vector<std::size_t> wrong;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (i != right && !never(answers[i]) && answers[i] != answers[right]) wrong.push_back(i);
    }
    if (wrong.empty()) throw UsageError("the row has no wrong answer to show");
    const auto shown = wrong[static_cast<std::size_t>(stream.below(static_cast<std::int64_t>(wrong.size())))];
    return {template_.render(row, {{"answer", answers[shown]}}), 0};
  }

  Converted compare(const DataRow& row, Stream& stream) const {
    const bool better_first = stream.below(2) == 1, is_true = stream.below(2) == 1;
    const std::string better = row.text(params_.choices[0]), worse = row.text(params_.choices[1]);
    const std::string& claim = params_.claims[better_first == is_true ? 0 : 1];
    return {template_.render(row, {{"first", better_first ? better : worse},
                                   {"second", better_first ? worse : better},
                                   {"claim", claim}}),
            is_true ? 1 : 0};
  }

  void hold_out(const Examples& rows, TaskData& data) const {
    std::unordered_map<std::int64_t, std::vector<std::int64_t>> members;
    std::vector<std::int64_t> order;
    for (std::int64_t i = 0; i < rows.size(); ++i) {
      std::vector<std::int64_t>& group = members[rows.group(i)];
      if (group.empty()) order.push_back(rows.group(i));
      group.push_back(i);
    }
    std::vector<std::int64_t> test, train;
    Stream stream(static_cast<std::uint64_t>(params_.seed), "text_classification/held out");
    for (const std::int64_t place : stream.permutation(static_cast<std::int64_t>(order.size()))) {
      const std::vector<std::int64_t>& group = members[order[static_cast<std::size_t>(place)]];
      auto& part = static_cast<std::int64_t>(test.size()) < params_.held_out ? test : train;
      part.insert(part.end(), group.begin(), group.end());
    }
    if (train.empty()) {
      fail("held_out = " + std::to_string(params_.held_out) + " leaves no training row of " +
           std::to_string(rows.size()));
    }
    std::sort(test.begin(), test.end());
    std::sort(train.begin(), train.end());
    data.test = rows.select(test);
    data.train = rows.select(train);
  }

  const Params params_;
  const TextTemplate template_;
  std::map<std::string, std::int64_t> classes_,
      labels_;  // names of classes; values in the file, where they are mapped
  std::map<std::string, std::vector<std::string>> shift_files_;
};

W2S_TASK(TextClassification, "text_classification");

}  // namespace
}  // namespace w2s
