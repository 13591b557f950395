// Definitions of WordNet's nouns, to be sorted into the kinds of thing that WordNet's authors kept apart.
#include <w2s/data_file.hpp>
#include <w2s/records.hpp>
#include <w2s/task.hpp>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

namespace w2s {
namespace {

// Lexicographer files 3 … 28 of the nouns (lexnames(5WN)).
std::vector<std::string> kinds() {
  return {"tops",          "act",    "animal",     "artifact",  "attribute",  "body",     "cognition",
          "communication", "event",  "feeling",    "food",      "group",      "location", "motive",
          "object",        "person", "phenomenon", "plant",     "possession", "process",  "quantity",
          "relation",      "shape",  "state",      "substance", "time"};
}
constexpr std::int64_t kFirstFile = 3;

struct Noun {
  std::string id, word, definition;
  std::int64_t kind = 0;
};

class WordNet final : public ITask {
 public:
  struct Params {
    std::string path = "/usr/share/wordnet";
    std::vector<std::string> classes = {"act",           "animal", "artifact", "body",
                                        "communication", "person", "plant",    "state"};
    std::string text_template = "{definition}";
    std::string answer;
    std::int64_t per_class = 1500;
    std::int64_t test = 1000;
    std::int64_t seed = 0;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Definitions of nouns from WordNet's data.noun; the class is the kind of thing that is defined, as "
         "WordNet's "
         "authors filed it. Examples of use are cut off, equal definitions are taken once, and definitions "
         "of one "
         "word stay in one half.")
        .source("Miller 1995; Debian's package wordnet-base");
    s.field("path", &Params::path, "folder of data.noun").path();
    s.field("classes", &Params::classes, "kinds to tell apart").one_of(kinds());
    s.field("template", &Params::text_template, "the text; {word} and {definition} are filled in");
    s.field(
        "answer", &Params::answer,
        "makes it a task of generation: what is to be written after the text, with {word}, {definition} and "
        "{kind} filled in, \" {kind}\" for instance; empty: the kinds are classes");
    s.field("per_class", &Params::per_class, "use so many nouns of each kind, drawn at random; 0: all")
        .at_least(0);
    s.field("test", &Params::test, "so many of them, whole words, are the test set").at_least(1);
    s.field("seed", &Params::seed, "of both draws").at_least(0);
  }

  explicit WordNet(const Params& params)
      : params_(params), template_(params.text_template), answer_(params.answer) {
    const std::unordered_set<std::string> distinct(params_.classes.begin(), params_.classes.end());
    if (distinct.size() < 2 || distinct.size() != params_.classes.size()) {
      throw UsageError("task 'wordnet': classes must name at least two different kinds");
    }
  }

  std::vector<std::string> files() const override { return {file()}; }
  TaskKind kind() const override {
    return params_.answer.empty() ? TaskKind::classification : TaskKind::generation;
  }
  std::int64_t classes() const override {
    return params_.answer.empty() ? static_cast<std::int64_t>(params_.classes.size()) : 1;
  }

  TaskData load() override {
    std::vector<Noun> nouns = chosen(read());
    Columns columns;
    std::vector<std::int64_t> labels;
    std::unordered_map<std::string, std::int64_t> words;
    for (const Noun& noun : nouns) {
      DataRow row;
      row.fields = Table{{"word", noun.word}, {"definition", noun.definition}};
      columns.ids.push_back(noun.id);
      columns.text.push_back(template_.render(row));
      columns.groups.push_back(
          words.emplace(noun.word, static_cast<std::int64_t>(words.size())).first->second);
      if (params_.answer.empty()) {
        labels.push_back(noun.kind);
        continue;
      }
      row.fields.set("kind", params_.classes[static_cast<std::size_t>(noun.kind)]);
      columns.second.push_back(answer_.render(row));
      labels.push_back(0);
    }
    columns.labels = at::tensor(labels, at::kLong);

    std::vector<std::vector<std::int64_t>> members(words.size());
    for (std::size_t i = 0; i < columns.groups.size(); ++i) {
      members[static_cast<std::size_t>(columns.groups[i])].push_back(static_cast<std::int64_t>(i));
    }
    std::vector<std::int64_t> train, test;
    Stream stream(static_cast<std::uint64_t>(params_.seed), "wordnet/test");
    for (const std::int64_t word : stream.permutation(static_cast<std::int64_t>(members.size()))) {
      const std::vector<std::int64_t>& rows = members[static_cast<std::size_t>(word)];
      auto& part = static_cast<std::int64_t>(test.size()) < params_.test ? test : train;
      part.insert(part.end(), rows.begin(), rows.end());
    }
    if (train.empty()) {
      throw UsageError("task 'wordnet': test = " + std::to_string(params_.test) +
                       " leaves no training row of " + std::to_string(labels.size()));
    }
    const Examples all(std::move(columns));
    TaskData data;
    data.kind = kind();
    data.classes = classes();
    if (params_.answer.empty()) data.class_names = params_.classes;
    data.train = all.select(train);
    data.test = all.select(test);
    return data;
  }

 private:
  std::string file() const { return (std::filesystem::path(params_.path) / "data.noun").string(); }

  // A line is: offset, lexicographer file, "n", number of words (hexadecimal), the first word, … "|
  // definition; examples".
  std::vector<Noun> read() const {
    if (!std::filesystem::exists(file())) {
      throw UsageError(file() + ": no such file; Debian's package wordnet-base installs WordNet in " +
                       Params().path);
    }
    const std::vector<std::string> names = kinds();
    std::vector<Noun> nouns;
    std::unordered_set<std::string> definitions;
    std::istringstream lines(read_data_file(file()));
    std::int64_t number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      if (line.starts_with("  ")) continue;  // the licence
      Noun noun;
      std::string kind, pos, words;
      const std::size_t bar = line.find(" | ");
      std::istringstream fields(line);
      fields >> noun.id >> kind >> pos >> words >> noun.word;
      const std::int64_t filed = kind.size() == 2 ? std::atoll(kind.c_str()) - kFirstFile : -1;
      if (bar == std::string::npos || pos != "n" || filed < 0 ||
          filed >= static_cast<std::int64_t>(names.size())) {
        throw UsageError(file() + ":" + std::to_string(number) + ": not a line of WordNet's data.noun");
      }
      const auto wanted =
          std::find(params_.classes.begin(), params_.classes.end(), names[static_cast<std::size_t>(filed)]);
      if (wanted == params_.classes.end()) continue;
      noun.kind = wanted - params_.classes.begin();
      noun.definition = definition(line.substr(bar + 3));
      std::replace(noun.word.begin(), noun.word.end(), '_', ' ');
      if (!noun.definition.empty() && definitions.insert(noun.definition).second)
        nouns.push_back(std::move(noun));
    }
    return nouns;
  }

  static std::string definition(std::string gloss) {
    gloss.resize(std::min(gloss.size(), gloss.find("; \"")));
    while (!gloss.empty() && (gloss.back() == ' ' || gloss.back() == '\r')) gloss.pop_back();
    return gloss;
  }

  std::vector<Noun> chosen(std::vector<Noun> nouns) const {
    std::vector<Noun> kept;
    std::vector<std::int64_t> counts(params_.classes.size(), 0);
    Stream stream(static_cast<std::uint64_t>(params_.seed), "wordnet/rows");
    for (const std::int64_t i : stream.permutation(static_cast<std::int64_t>(nouns.size()))) {
      Noun& noun = nouns[static_cast<std::size_t>(i)];
      std::int64_t& count = counts[static_cast<std::size_t>(noun.kind)];
      if (params_.per_class > 0 && count == params_.per_class) continue;
      ++count;
      kept.push_back(std::move(noun));
    }
    return kept;
  }

  const Params params_;
  const TextTemplate template_, answer_;
};

W2S_TASK(WordNet, "wordnet");

}  // namespace
}  // namespace w2s
