// TextWorld: a whole text experiment in memory, for tests: rows of text, two small GPTs from nothing that
// read bytes, a store in a temporary folder, and a lab over it.
#pragma once

#include <w2s/tokenizer.hpp>

#include "lab/text_examples.hpp"
#include "tiny_world.hpp"

namespace w2s::testing {

/// A folder with a tokenizer of 256 bytes and an end-of-text token.
inline const std::string& byte_tokenizer() {
  static const TemporaryFolder folder;
  static const std::string path = [] {
    train_bpe(std::vector<std::string>{"a"}, {257, {"<|endoftext|>"}, 2})
        ->save(folder.path() + "/tokenizer.json");
    return folder.path();
  }();
  return path;
}

inline Table tiny_gpt(std::int64_t width, std::int64_t context = 0) {
  return Table{{"layers", 1},     {"width", width},     {"heads", 2},
               {"positions", 24}, {"context", context}, {"tokenizer", byte_tokenizer()}};
}

/// Prompts and answers; without answers, classes.
struct TextRowsOf {
  std::vector<std::string> prompts, answers;
  std::vector<std::int64_t> labels;
};

/// "947=" is answered "74": the last two of three digits, swapped. `count` of the 1,000 rows in random order.
inline TextRowsOf swaps(std::int64_t count, const std::string& end = "=", std::uint64_t seed = 1) {
  TextRowsOf rows;
  Stream stream(seed, "swaps");
  for (const std::int64_t i : stream.permutation(1000)) {
    if (static_cast<std::int64_t>(rows.prompts.size()) == count) break;
    const std::string digits = std::to_string(1000 + i).substr(1);
    rows.prompts.push_back(digits + end);
    rows.answers.push_back({digits[2], digits[1]});
  }
  return rows;
}

struct TextOptions {
  Table weak = tiny_gpt(8), strong = tiny_gpt(32);
  Table train{{"optimizer", "adam"}, {"lr", 3e-3}, {"epochs", 20}, {"batch", 8}};
  std::int64_t classes = 1;  // 1: generation
  Table method_train;        // of the method whose students are fitted
  double supervisor = 0.25, transfer = 0.25;
  Team* team = nullptr;
};

/// Models "weak" and "strong": as a student of the truth, the one gets about one swap in seven right, the
/// other nearly all. The first rows are the supervisor half, the next the transfer half, the rest the test
/// set.
class TextWorld {
 public:
  TextWorld(const TextRowsOf& rows, TextOptions options = {}, const std::string& store = "")
      : store_(store.empty() ? folder_.path() : store), options_(std::move(options)) {
    for (const auto& [name, params] :
         {std::pair{"weak", options_.weak}, std::pair{"strong", options_.strong}}) {
      ModelSpec model;
      model.name = name;
      model.spec = {"gpt", params, {}};
      experiment_.models.push_back(model);
    }
    experiment_.name = "texts";
    experiment_.train = options_.train;
    Columns columns;
    columns.text = rows.prompts;
    columns.second = rows.answers;
    const auto n = static_cast<std::int64_t>(rows.prompts.size());
    for (std::int64_t i = 0; i < n; ++i) columns.ids.push_back("row/" + std::to_string(i));
    columns.labels = rows.labels.empty() ? at::zeros({n}, at::kLong) : at::tensor(rows.labels, at::kLong);
    const Examples all(std::move(columns));
    const auto share = [&](double part) { return static_cast<std::int64_t>(part * static_cast<double>(n)); };
    const std::int64_t a = share(options_.supervisor), b = a + share(options_.transfer);
    data_.kind = options_.classes == 1 ? TaskKind::generation : TaskKind::classification;
    data_.classes = options_.classes;
    data_.train = all.slice(0, b);
    data_.test = all.slice(b, n);
    splits_.supervisor.train = all.slice(0, a);
    splits_.transfer.train = all.slice(a, b);
    splits_.tests["test"] = data_.test;
    LabSetup setup;
    setup.experiment = &experiment_;
    setup.registry = &plugins();
    setup.store = &store_;
    setup.data = &data_;
    setup.splits = &splits_;
    setup.log = [this](const std::string& line) { log_ += line + '\n'; };
    setup.team = options_.team;
    if (!options_.method_train.empty()) {
      MethodSpec method;
      method.name = "tuned";
      method.train = options_.method_train;
      experiment_.methods = {method};
      setup.method = method.name;
    }
    if (options_.team != nullptr) store_.go_in_lockstep(*options_.team);
    lab_ = std::make_unique<LocalLab>(setup);
  }

  LocalLab& lab() { return *lab_; }
  const std::string& log() const { return log_; }
  std::string store() const { return store_.root(); }
  const Examples& supervisor_half() const { return splits_.supervisor.train; }
  const Examples& transfer() const { return splits_.transfer.train; }
  const Examples& test() const { return data_.test; }
  FitSpec spec(const std::string& model = "strong") const { return lab_->student_spec(model); }
  Supervision truth(const Examples& examples) const { return Supervision::truth(examples, options_.classes); }

  /// Fits the weak model to the truth of the supervisor half and tells the lab.
  Student teach() {
    const SupervisorFit lesson{truth(supervisor_half()), lab_->spec_for("weak")};
    const Student weak = lab_->fit(lesson.labels, lesson.spec);
    lab_->set_supervisor(weak, lesson);
    return weak;
  }
  Student run(const std::string& strategy, const Table& params, const Supervision& labels,
              const FitSpec& spec) {
    return run_chain(make_chain(plugins(), {{strategy, params, {}}}), labels, spec, *lab_);
  }
  double exact_match(const Student& student, const Examples& examples) {
    const Answers answers = lab_->answer(student, examples);
    std::int64_t right = 0;
    for (std::int64_t i = 0; i < examples.size(); ++i)
      right += trimmed(answers.texts[static_cast<std::size_t>(i)]) == trimmed(examples.second(i));
    return static_cast<double>(right) / static_cast<double>(examples.size());
  }
  double exact_match(const Student& student) { return exact_match(student, test()); }

 private:
  TemporaryFolder folder_;
  Store store_;
  TextOptions options_;
  Experiment experiment_;
  TaskData data_;
  Splits splits_;
  std::string log_;
  std::unique_ptr<LocalLab> lab_;
};

}  // namespace w2s::testing
