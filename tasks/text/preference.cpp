// Pairs of answers to one prompt, one better than the other: reward modelling.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "answers.hpp"
#include "rows.hpp"

namespace w2s::text {
namespace {

const std::string kName = "preference";

// How often two annotators of one pair say the same, over all pairs of annotators.
struct Agreement {
  std::int64_t same = 0, all = 0, rows = 0;

  void add(std::int64_t first, std::int64_t second) {
    const std::int64_t n = first + second;
    rows += n > 1 ? 1 : 0;
    same += (first * (first - 1) + second * (second - 1)) / 2;
    all += n * (n - 1) / 2;
  }
};

enum class Form { chosen, scores, votes };
constexpr auto enum_names(Form) { return std::array{"chosen", "scores", "votes"}; }

enum class Pairs { all, extremes };
constexpr auto enum_names(Pairs) { return std::array{"all", "extremes"}; }

class Preference final : public ITask {
 public:
  struct Params : RowParams {
    Form form = Form::chosen;
    std::string prompt;
    std::string prompt_until = "\n\nAssistant:";
    std::vector<std::string> answers = {"chosen", "rejected"};
    std::string text_template = "{prompt}{answer}";
    std::vector<std::string> scores;
    Pairs pairs = Pairs::all;
    double margin = 0;
    std::vector<std::string> annotators;
    std::vector<std::string> votes = {"0", "1"};
  };

  static void describe(Schema<Params>& s) {
    s.summary(
         "Two answers to a prompt, one of them better, from JSONL, CSV or TSV files. Which one is shown "
         "second "
         "is drawn at random; the label is 1 where the second is better. Pairs with one prompt stay in one "
         "half")
        .formula(
            "logits [0, r(x, y₂) − r(x, y₁)]: with cross_entropy the Bradley–Terry likelihood of the better "
            "one")
        .source("Burns et al. 2023, section 4.1; Bai et al. 2022 for the dialogues");
    describe_rows(s);
    s.field(
        "form", &Params::form,
        "what tells the better one: chosen, it is the first of `answers`; scores, it has the larger score, "
        "among two or more answers; votes, most annotators name it");
    s.field("prompt", &Params::prompt,
            "column of the prompt; empty: the answers contain it, as what they share at their beginning");
    s.field("prompt_until", &Params::prompt_until,
            "without a prompt column: the last of these within what the answers share ends the prompt");
    s.field("answers", &Params::answers, "columns of the answers, or one column with a list");
    s.field("template", &Params::text_template,
            "a text of the pair: {prompt}, {answer} and names of columns in braces, {{ and }} for braces");
    s.field("scores", &Params::scores, "scores: columns of the answers' scores, or one column with a list");
    s.field("pairs", &Params::pairs,
            "scores: every two answers of a row; or only its best and its worst one");
    s.field("margin", &Params::margin, "scores: answers no further apart than this are a tie, and left out")
        .at_least(0);
    s.field("annotators", &Params::annotators,
            "votes: columns of the annotators' votes, or one column with a list; an empty field, null and -1 "
            "mean none. The majority decides, ties are left out, agreement is noted");
    s.field("votes", &Params::votes, "votes: what stands for the first, and what for the second answer");
  }

  explicit Preference(const Params& params)
      : params_(params), rows_(kName, params), template_(checked(params)) {
    if ((params_.form == Form::scores) != !params_.scores.empty()) {
      rows_.fail("form = \"scores\" and 'scores' belong together");
    }
    if ((params_.form == Form::votes) != !params_.annotators.empty()) {
      rows_.fail("form = \"votes\" and 'annotators' belong together");
    }
    if (params_.votes.size() != 2 || params_.votes[0] == params_.votes[1]) {
      rows_.fail("'votes' are two different words: for the first and for the second answer");
    }
    if (params_.answers.empty()) rows_.fail("'answers' names no column");
    if (params_.prompt.empty() && params_.prompt_until.empty()) {
      rows_.fail("where is the prompt? Name its column in 'prompt', or what ends it in 'prompt_until'");
    }
  }

  std::vector<std::string> files() const override { return rows_.files(); }
  TaskKind kind() const override { return TaskKind::preference; }
  std::int64_t classes() const override { return 2; }

  TaskData load() override {
    Agreement agreement;
    std::int64_t without_prompt = 0;
    const Convert convert = [&](DataRow& row, const std::string& id) {
      const Pairing pairing = read_answers(row);
      without_prompt += pairing.prompt.empty() ? 1 : 0;
      return pairs_of(row, pairing, id, agreement);
    };
    TaskData data = rows_.load(convert, {"the first is better", "the second is better"});
    data.kind = TaskKind::preference;
    data.classes = 2;
    const auto note = [&](const std::string& text) { data.notes.push_back("task '" + kName + "': " + text); };
    if (without_prompt > 0) {
      note(std::to_string(without_prompt) + " rows share no prompt: each is a group of its own");
    }
    if (agreement.all > 0) {
      const double share = static_cast<double>(agreement.same) / static_cast<double>(agreement.all);
      const std::int64_t tenths = std::llround(1000 * share);
      note("two annotators of one pair agree in " + std::to_string(tenths / 10) + "." +
           std::to_string(tenths % 10) + " % of " + std::to_string(agreement.all) + " comparisons, on " +
           std::to_string(agreement.rows) + " rows");
    }
    return data;
  }

 private:
  struct Pairing {
    std::string prompt;
    std::vector<std::string> answers;  // without the prompt
  };

  static TextTemplate checked(const Params& params) {
    try {
      return TextTemplate(params.text_template);
    } catch (const UsageError& error) {
      throw UsageError("task '" + kName + "': " + error.what());
    }
  }

  Pairing read_answers(const DataRow& row) const {
    Pairing pairing{"", answers_of(row, params_.answers)};
    if (!params_.prompt.empty()) {
      pairing.prompt = row.text(params_.prompt);
    } else {
      pairing.prompt = shared_prompt(pairing.answers, params_.prompt_until);
      for (std::string& answer : pairing.answers) answer.erase(0, pairing.prompt.size());
    }
    return pairing;
  }

  std::vector<Converted> pairs_of(const DataRow& row, const Pairing& pairing, const std::string& id,
                                  Agreement& agreement) const {
    if (params_.form == Form::scores) return scored_pairs(row, pairing, id);
    if (pairing.answers.size() != 2) {
      throw UsageError("expected two answers, found " + std::to_string(pairing.answers.size()));
    }
    if (params_.form == Form::chosen) return {pair(row, pairing, 0, 1, id, "")};
    const auto [first, second] = count_votes(row);
    agreement.add(first, second);
    if (first == second)
      return {left_out(first == 0 ? "nobody voted" : "the annotators are divided equally")};
    return {first > second ? pair(row, pairing, 0, 1, id, "") : pair(row, pairing, 1, 0, id, "")};
  }

  std::vector<Converted> scored_pairs(const DataRow& row, const Pairing& pairing,
                                      const std::string& id) const {
    const std::vector<double> scores = scores_of(row, pairing.answers.size());
    std::vector<Converted> pairs;
    const auto add = [&](std::size_t a, std::size_t b) {
      const std::string suffix = scores.size() == 2 ? "" : "/" + std::to_string(a) + "-" + std::to_string(b);
      if (std::abs(scores[a] - scores[b]) <= params_.margin) {
        pairs.push_back(left_out("a tie"));
      } else {
        pairs.push_back(scores[a] > scores[b] ? pair(row, pairing, a, b, id, suffix)
                                              : pair(row, pairing, b, a, id, suffix));
      }
    };
    if (params_.pairs == Pairs::extremes) {
      const auto [worst, best] = std::minmax_element(scores.begin(), scores.end());
      add(static_cast<std::size_t>(best - scores.begin()), static_cast<std::size_t>(worst - scores.begin()));
      return pairs;
    }
    for (std::size_t a = 0; a < scores.size(); ++a) {
      for (std::size_t b = a + 1; b < scores.size(); ++b) add(a, b);
    }
    return pairs;
  }

  std::vector<double> scores_of(const DataRow& row, std::size_t answers) const {
    std::vector<double> scores;
    const auto add = [&](const Value& value, const std::string& column) {
      const std::string text = text_of(value, column);
      double score = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), score);
      if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(score)) {
        throw UsageError("column '" + column + "': '" + text + "' is not a score");
      }
      scores.push_back(score);
    };
    for (const std::string& column : params_.scores) {
      const Value& value = row.at(column);
      if (!value.is_list()) {
        add(value, column);
        continue;
      }
      for (const Value& item : value.as_list()) add(item, column);
    }
    if (scores.size() != answers) {
      throw UsageError(std::to_string(answers) + " answers and " + std::to_string(scores.size()) + " scores");
    }
    return scores;
  }

  std::pair<std::int64_t, std::int64_t> count_votes(const DataRow& row) const {
    std::int64_t first = 0, second = 0;
    const auto count = [&](const Value& value, const std::string& column) {
      if (value.is_null()) return;
      const std::string vote = text_of(value, column);
      if (vote == params_.votes[0]) {
        ++first;
      } else if (vote == params_.votes[1]) {
        ++second;
      } else if (!vote.empty() && vote != "-1") {
        throw UsageError("column '" + column + "': '" + vote + "' is not a vote: expected " +
                         one_of_list(params_.votes));
      }
    };
    for (const std::string& column : params_.annotators) {
      const Value& value = row.at(column);
      if (!value.is_list()) {
        count(value, column);
        continue;
      }
      for (const Value& item : value.as_list()) count(item, column);
    }
    return {first, second};
  }

  static Converted left_out(const std::string& reason) {
    Converted one;
    one.left_out = reason;
    return one;
  }

  Converted pair(const DataRow& row, const Pairing& pairing, std::size_t better, std::size_t worse,
                 const std::string& id, const std::string& suffix) const {
    if (pairing.answers[better] == pairing.answers[worse]) return left_out("the two answers are the same");
    const auto text = [&](std::size_t answer) {
      return template_.render(row, {{"prompt", pairing.prompt}, {"answer", pairing.answers[answer]}});
    };
    Stream stream(static_cast<std::uint64_t>(params_.seed), kName + "/" + id + suffix);
    Converted one;
    one.label = stream.below(2);
    one.text = text(one.label == 1 ? worse : better);
    one.second = text(one.label == 1 ? better : worse);
    one.suffix = suffix;
    one.group = pairing.prompt;
    return one;
  }

  const Params params_;
  const RowSource rows_;
  const TextTemplate template_;
};

W2S_TASK(Preference, "preference");

}  // namespace
}  // namespace w2s::text
