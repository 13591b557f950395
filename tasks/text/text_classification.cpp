// Classification of texts that are rows of files: labelled rows, questions with several answers, pairs.
#include <algorithm>
#include <map>

#include "answers.hpp"
#include "rows.hpp"

namespace w2s::text {
namespace {

const std::string kName = "text_classification";

TextTemplate checked_template(const std::string& text) {
  try {
    return TextTemplate(text);
  } catch (const UsageError& error) {
    throw UsageError("task '" + kName + "': " + error.what());
  }
}

enum class Form { label, choices, pair };
constexpr auto enum_names(Form) { return std::array{"label", "choices", "pair"}; }

enum class NoneRight { show_wrong, leave_out };
constexpr auto enum_names(NoneRight) { return std::array{"show_wrong", "leave_out"}; }

class TextClassification final : public ITask {
 public:
  struct Params : RowParams {
    Form form = Form::label;
    std::string text_template;
    std::string label = "label";
    std::vector<std::string> classes = {"0", "1"};
    Table label_map;
    std::vector<std::string> choices;
    AnswerForm answer = AnswerForm::index;
    std::int64_t first_choice = 0;
    std::string choice_keys;
    std::vector<std::string> none_of_these;
    NoneRight none_right = NoneRight::show_wrong;
    std::string prompt_until;
    std::vector<std::string> claims = {"first", "second"};
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
    describe_rows(s);
    s.field("form", &Params::form, "what a row is");
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
            "worse text");
    s.field("answer", &Params::answer,
            "choices: what the label column holds: the number of the right answer, its text, its key among "
            "choice_keys; first: the first choice is right and there is no such column");
    s.field("first_choice", &Params::first_choice, "choices: number of the first answer").in(0, 1);
    s.field("choice_keys", &Params::choice_keys, "choices: column with the list of the answers' keys");
    s.field("none_of_these", &Params::none_of_these, "choices: answers that are never shown");
    s.field(
        "none_right", &Params::none_right,
        "choices: where an answer that is never shown is the right one: show a wrong one, label 0; or leave "
        "the row out");
    s.field(
        "prompt_until", &Params::prompt_until,
        "choices, pair: what the texts share at their beginning, up to the last of these separators, is the "
        "column {prompt}, for `group` and `template`");
    s.field("claims", &Params::claims,
            "pair: {claim} where the first, and where the second, is said to be better");
  }

  explicit TextClassification(const Params& params)
      : params_(params), rows_(kName, params), template_(checked_template(params.text_template)) {
    if (params_.form == Form::label) {
      check_label();
    } else if (params_.form == Form::choices) {
      if (params_.choices.empty())
        rows_.fail("form = \"choices\" needs 'choices': the columns of the answers");
      if ((params_.answer == AnswerForm::key) != !params_.choice_keys.empty()) {
        rows_.fail("answer = \"key\" and 'choice_keys' belong together");
      }
    } else {
      if (params_.choices.size() != 2) {
        rows_.fail("form = \"pair\" needs 'choices': the columns of the better and the worse text");
      }
      if (params_.claims.size() != 2) rows_.fail("'claims' are two: for the first and for the second text");
    }
  }

  std::vector<std::string> files() const override { return rows_.files(); }
  TaskKind kind() const override { return TaskKind::classification; }
  std::int64_t classes() const override { return static_cast<std::int64_t>(class_names().size()); }

  TaskData load() override {
    const Convert convert = [this](DataRow& row, const std::string& id) -> std::vector<Converted> {
      if (params_.form == Form::label) return {shown(template_.render(row), label_of(row))};
      Stream stream(static_cast<std::uint64_t>(params_.seed), kName + "/" + id);
      return {params_.form == Form::choices ? choose(row, stream) : compare(row, stream)};
    };
    TaskData data = rows_.load(convert, class_names());
    data.classes = classes();
    return data;
  }

 private:
  static Converted shown(std::string text, std::int64_t label) {
    Converted one;
    one.text = std::move(text);
    one.label = label;
    return one;
  }

  std::vector<std::string> class_names() const {
    if (params_.form == Form::label) return params_.classes;
    return params_.form == Form::choices ? std::vector<std::string>{"wrong", "right"}
                                         : std::vector<std::string>{"false", "true"};
  }

  void check_label() {
    if (params_.classes.size() < 2) rows_.fail("'classes' needs two labels or more");
    for (const std::string& name : params_.classes) {
      if (!classes_.emplace(name, static_cast<std::int64_t>(classes_.size())).second) {
        rows_.fail("'classes' names '" + name + "' twice");
      }
    }
    for (const auto& [value, name] : params_.label_map) {
      const std::string text = text_of(name, "label_map");
      const auto known = classes_.find(text);
      if (known == classes_.end()) {
        fail_at(name, "task '" + kName + "': label_map: '" + text + "' is not one of the classes " +
                          one_of_list(params_.classes) + did_you_mean(text, params_.classes));
      }
      labels_[value] = known->second;
    }
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

  void add_prompt(DataRow& row, const std::vector<std::string>& texts) const {
    if (params_.prompt_until.empty()) return;
    row.fields.set("prompt", Value(shared_prompt(texts, params_.prompt_until)));
  }

  // The draws come first and in one order, so that they depend on the row's id and on nothing else.
  Converted choose(DataRow& row, Stream& stream) const {
    const std::vector<std::string> answers = answers_of(row, params_.choices);
    add_prompt(row, answers);
    const AnswerKey key{params_.answer, params_.label, params_.first_choice, params_.choice_keys};
    const std::size_t right = right_answer(row, answers, key);
    const bool show_right = stream.below(2) == 1;
    const auto never = [&](const std::string& answer) {
      const auto& names = params_.none_of_these;
      return std::find(names.begin(), names.end(), answer) != names.end();
    };
    if (never(answers[right]) && params_.none_right == NoneRight::leave_out) {
      Converted one;
      one.left_out = "the right answer is '" + answers[right] + "'";
      return one;
    }
    if (show_right && !never(answers[right]))
      return shown(template_.render(row, {{"answer", answers[right]}}), 1);
    std::vector<std::size_t> wrong;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (i != right && !never(answers[i]) && answers[i] != answers[right]) wrong.push_back(i);
    }
    if (wrong.empty()) throw UsageError("the row has no wrong answer to show");
    const auto drawn = wrong[static_cast<std::size_t>(stream.below(static_cast<std::int64_t>(wrong.size())))];
    return shown(template_.render(row, {{"answer", answers[drawn]}}), 0);
  }

  Converted compare(DataRow& row, Stream& stream) const {
    const bool better_first = stream.below(2) == 1, is_true = stream.below(2) == 1;
    const std::string better = row.text(params_.choices[0]), worse = row.text(params_.choices[1]);
    add_prompt(row, {better, worse});
    const std::string& claim = params_.claims[better_first == is_true ? 0 : 1];
    return shown(template_.render(row, {{"first", better_first ? better : worse},
                                        {"second", better_first ? worse : better},
                                        {"claim", claim}}),
                 is_true ? 1 : 0);
  }

  const Params params_;
  const RowSource rows_;
  const TextTemplate template_;
  std::map<std::string, std::int64_t> classes_, labels_;  // names of classes; values in the file, if mapped
};

W2S_TASK(TextClassification, "text_classification");

}  // namespace
}  // namespace w2s::text
