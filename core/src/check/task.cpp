#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "check/check.hpp"
#include "data/split.hpp"

namespace w2s {
namespace {

// The sets of a task by name: "train", "test", the shifted ones.
std::map<std::string, const Examples*> sets_of(const TaskData& data) {
  std::map<std::string, const Examples*> sets = {{"train", &data.train}, {"test", &data.test}};
  for (const auto& [name, examples] : data.shifted) sets[name] = &examples;
  return sets;
}

std::string sizes_problem(const TaskData& data) {
  for (const auto& [name, examples] : sets_of(data)) {
    if (examples->empty()) return "the set '" + name + "' is empty";
  }
  return data.train.size() < 4 ? "fewer than four training rows cannot be halved" : "";
}

std::string label_problem(const TaskData& data) {
  for (const auto& [name, examples] : sets_of(data)) {
    const Tensor labels = examples->labels();
    const Tensor wrong = labels.lt(0).logical_or(labels.ge(data.classes));
    if (!wrong.any().item<bool>()) continue;
    const auto row = wrong.nonzero()[0].item<std::int64_t>();
    return fmt::format("row '{}' of '{}' has label {}, expected 0 … {}", examples->id(row), name,
                       labels[row].item<std::int64_t>(), data.classes - 1);
  }
  return "";
}

std::string id_problem(const TaskData& data) {
  std::map<std::string, std::string> owner;
  for (const auto& [name, examples] : sets_of(data)) {
    for (std::int64_t i = 0; i < examples->size(); ++i) {
      const auto [place, fresh] = owner.emplace(examples->id(i), name);
      if (!fresh) return fmt::format("id '{}' is in '{}' and in '{}'", examples->id(i), place->second, name);
    }
  }
  return "";
}

// What tells rows apart: the inputs, without ids and labels.
std::string content(const Examples& examples, std::int64_t i) {
  if (examples.has_text()) return examples.text(i) + '\0' + examples.second(i);
  const Tensor row = examples.dense({i}).contiguous();
  return std::string(static_cast<const char*>(row.data_ptr()), row.nbytes());
}

std::string leak_problem(const TaskData& data) {
  std::map<std::string, std::int64_t> trained;
  for (std::int64_t i = 0; i < data.train.size(); ++i) trained.emplace(content(data.train, i), i);
  std::int64_t repeated = 0;
  std::string example;
  for (std::int64_t i = 0; i < data.test.size(); ++i) {
    const auto found = trained.find(content(data.test, i));
    if (found == trained.end()) continue;
    if (repeated++ == 0)
      example =
          fmt::format("test row '{}' is training row '{}'", data.test.id(i), data.train.id(found->second));
  }
  // Real data repeat a row here and there.
  return repeated * 100 > data.test.size() ? fmt::format("{} of {} test rows are training rows too: {}",
                                                         repeated, data.test.size(), example)
                                           : "";
}

// make_splits() keeps groups together; it throws where they cannot be halved.
std::string split_problem(const TaskData& data) {
  const std::int64_t validation = std::max<std::int64_t>(1, data.train.size() / 20);
  for (const std::uint64_t seed : {0, 1}) {
    SplitParams split;
    split.validation = data.train.size() >= 40 ? validation : 0;
    const Splits splits = make_splits(data, split, seed);
    if (data.kind != TaskKind::classification) continue;
    const Tensor counts = at::bincount(splits.tests.at("test").labels(), {}, data.classes);
    if (counts.max().item<std::int64_t>() != counts.min().item<std::int64_t>())
      return "the test set cannot be balanced: its classes have " + c10::str(counts) + " rows";
  }
  return "";
}

std::string digest_of(const TaskData& data) {
  std::string all;
  for (const auto& [name, examples] : sets_of(data)) all += name + examples->digest();
  return all;
}

}  // namespace

std::vector<Finding> check_task(const Subject<ITask>& task) {
  Findings findings;
  check_documented(findings, *task.schema);
  std::unique_ptr<ITask> subject;
  TaskData data;
  const auto loaded = [&] { return subject != nullptr && !data.train.empty(); };
  findings.check(
      "reads its data", "give the parameters that it needs, or correct load()", [&]() -> std::string {
        subject = task.make(task.params);
        for (const std::string& file : subject->files()) {
          if (!std::filesystem::exists(file))
            return "files() names '" + file + "', which does not exist; give the task's parameters";
        }
        data = subject->load();
        return sizes_problem(data);
      });
  if (!loaded()) return findings.all();

  findings.check("says its kind and classes without reading",
                 "kind() and classes() come from the parameters and agree with load()", [&]() -> std::string {
                   if (subject->kind() != data.kind) return "kind() and load() disagree";
                   return subject->classes() == data.classes
                              ? ""
                              : fmt::format("classes() gives {}, load() gives {}", subject->classes(),
                                            data.classes);
                 });
  findings.check("has labels within its classes", "map labels to 0 … classes − 1",
                 [&] { return label_problem(data); });
  findings.check("has ids of its own for every row", "make ids of file and row, such as \"train/17\"",
                 [&] { return id_problem(data); });
  findings.check("tests on rows that it does not train on", "take the repeated rows out of one of the sets",
                 [&] { return leak_problem(data); });
  findings.check("can be halved, groups kept together, with a balanced test",
                 "set Columns::groups to what belongs together, and give every class test rows",
                 [&] { return split_problem(data); });
  findings.check("gives the same rows every time",
                 "ids, inputs and labels may depend on the parameters and files alone", [&]() -> std::string {
                   const std::string first = digest_of(data);
                   return digest_of(task.make(task.params)->load()) == first
                              ? ""
                              : "a second load gave other ids, inputs or labels";
                 });
  return findings.all();
}

}  // namespace w2s
