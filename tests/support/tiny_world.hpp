// TinyWorld: a whole experiment in memory, for tests of strategies: made-up vectors, small models,
// a store in a temporary folder, and a lab over it.
#pragma once

#include <filesystem>
#include <memory>

#include <w2s/plugin.hpp>

#include "lab/local_lab.hpp"
#include "plugins/registry.hpp"

namespace w2s::testing {

inline const Registry& plugins() {
  static const Registry registry = load_plugins();
  return registry;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "w2s-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw Error("cannot make a temporary folder");
    path_ = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Rows and their true classes; inputs [N, …].
struct Rows {
  Tensor inputs, labels;
};

inline Examples examples_of(const Rows& rows) {
  Columns columns;
  columns.dense = rows.inputs;
  columns.labels = rows.labels;
  for (std::int64_t i = 0; i < rows.labels.size(0); ++i) columns.ids.push_back("row/" + std::to_string(i));
  return Examples(std::move(columns));
}

inline Tensor normals(std::vector<std::int64_t> shape, Stream& stream) {
  Tensor values = at::empty(shape, at::kFloat);
  float* data = values.data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) data[i] = static_cast<float>(stream.normal());
  return values;
}

/// `count` rows around one random centre a class, `spread` apart.
inline Rows blobs(std::int64_t count, std::int64_t classes, std::int64_t width, double spread,
                  std::uint64_t seed) {
  Stream stream(seed, "blobs");
  const Tensor centers = spread * normals({classes, width}, stream);
  const Tensor labels = at::arange(count, at::kLong).remainder(classes);
  return {centers.index_select(0, labels) + normals({count, width}, stream), labels};
}

/// One-hot labels, of which a share is moved to a random other class; `flipped` says which.
inline Supervision with_flips(const Examples& examples, std::int64_t classes, double share,
                              std::vector<bool>& flipped) {
  Stream stream(5, "flips");
  Tensor labels = examples.labels().clone();
  flipped.assign(static_cast<std::size_t>(labels.size(0)), false);
  for (std::int64_t i = 0; i < labels.size(0); ++i) {
    if (stream.uniform() >= share) continue;
    labels[i] = (labels[i].item<std::int64_t>() + 1 + stream.below(classes - 1)) % classes;
    flipped[static_cast<std::size_t>(i)] = true;
  }
  return Supervision::soft(examples, at::one_hot(labels, classes).to(at::kFloat));
}

struct TinyOptions {
  Table weak{{"hidden", List{}}}, medium{{"hidden", List{4}}}, strong{{"hidden", List{32}}};
  Table train{{"optimizer", "adam"}, {"lr", 1e-2}, {"epochs", 10}, {"batch", 32}, {"head_bias", true}};
  std::uint64_t seed = 0;
  CheckpointSchedule checkpoints;
};

/// Models "weak", "medium" and "strong". The first quarter of the rows is the supervisor half, the last half
/// the test set, what lies between the transfer half.
class TinyWorld {
 public:
  using Options = TinyOptions;

  TinyWorld(const Rows& rows, std::int64_t classes, Options options = {}, const std::string& store = "")
      : store_(store.empty() ? folder_.path() : store), options_(std::move(options)) {
    for (const auto& [name, params] : {std::pair{"weak", options_.weak}, std::pair{"medium", options_.medium},
                                       std::pair{"strong", options_.strong}}) {
      ModelSpec model;
      model.name = name;
      model.spec = {"mlp", params, {}};
      experiment_.models.push_back(model);
    }
    experiment_.name = "tiny";
    experiment_.train = options_.train;
    const Examples all = examples_of(rows);
    const std::int64_t n = all.size();
    data_.classes = classes;
    data_.train = all.slice(0, n / 2);
    data_.test = all.slice(n / 2, n);
    splits_.supervisor.train = all.slice(0, n / 4);
    splits_.transfer.train = all.slice(n / 4, n / 2);
    splits_.tests["test"] = data_.test;
    LabSetup setup;
    setup.experiment = &experiment_;
    setup.registry = &plugins();
    setup.store = &store_;
    setup.data = &data_;
    setup.splits = &splits_;
    setup.seed = options_.seed;
    setup.checkpoints = options_.checkpoints;
    setup.log = [this](const std::string& line) { log_ += line + '\n'; };
    lab_ = std::make_unique<LocalLab>(setup);
    const SupervisorFit lesson{Supervision::truth(splits_.supervisor.train, classes), lab_->spec_for("weak")};
    lab_->set_supervisor(lab_->fit(lesson.labels, lesson.spec), lesson);
  }

  LocalLab& lab() { return *lab_; }
  const std::string& log() const { return log_; }
  std::string store() const { return store_.root(); }
  const Examples& supervisor_half() const { return splits_.supervisor.train; }
  const Examples& transfer() const { return splits_.transfer.train; }
  const Examples& test() const { return data_.test; }
  FitSpec spec() const { return lab_->student_spec("strong"); }
  Supervision weak_labels() { return lab_->label(lab_->supervisor(), transfer()); }

  Student run(const std::vector<Spec>& chain, const Supervision& labels, const FitSpec& spec) {
    std::vector<std::unique_ptr<ISupervisionStrategy>> links;
    for (const Spec& link : chain) links.push_back(plugins().make_strategy(link));
    return run_chain(links, labels, spec, *lab_);
  }
  Student run(const std::string& strategy, const Table& params, const Supervision& labels) {
    return run({Spec{strategy, params, {}}}, labels, spec());
  }
  /// What a strategy hands to the rest of the chain, without fitting that.
  std::vector<Supervision> handed_on(const std::string& strategy, const Table& params,
                                     const Supervision& labels) {
    std::vector<Supervision> given;
    plugins()
        .make_strategy({strategy, params, {}})
        ->supervise(labels, spec(), *lab_, [&](const Supervision& labels, const FitSpec& spec) {
          given.push_back(labels);
          return lab_->fit(labels, spec);
        });
    return given;
  }
  double accuracy(const Student& student, const Examples& examples) {
    return lab_->predict(student, examples)
        .argmax(1)
        .eq(examples.labels())
        .to(at::kDouble)
        .mean()
        .item<double>();
  }
  double accuracy(const Student& student) { return accuracy(student, test()); }

 private:
  TemporaryFolder folder_;
  Store store_;
  Options options_;
  Experiment experiment_;
  TaskData data_;
  Splits splits_;
  std::string log_;
  std::unique_ptr<LocalLab> lab_;
};

}  // namespace w2s::testing
