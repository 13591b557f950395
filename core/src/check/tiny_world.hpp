// TinyWorld: a whole experiment in memory, small enough to check a strategy on: made-up vectors, three
// perceptrons "weak", "medium" and "strong", a store in a temporary folder, and a lab over it.
#pragma once

#include <memory>
#include <string>

#include "base/scratch_folder.hpp"
#include "lab/local_lab.hpp"
#include "plugins/registry.hpp"

namespace w2s {

/// Rows and their true classes; inputs [N, …].
struct Rows {
  Tensor inputs, labels;
};

Examples examples_of(const Rows& rows);
Tensor normals(const std::vector<std::int64_t>& shape, Stream& stream);
/// `count` rows around one random centre a class, `spread` apart.
Rows blobs(std::int64_t count, std::int64_t classes, std::int64_t width, double spread, std::uint64_t seed);

struct TinyOptions {
  Table weak{{"hidden", List{}}}, medium{{"hidden", List{4}}}, strong{{"hidden", List{32}}};
  Table train{{"optimizer", "adam"}, {"lr", 1e-2}, {"epochs", 10}, {"batch", 32}, {"head_bias", true}};
  std::uint64_t seed = 0;
  CheckpointSchedule checkpoints;
  Team* team = nullptr;
};

/// The first quarter of the rows is the supervisor half, the last half the test set, what lies between the
/// transfer half.
class TinyWorld {
 public:
  using Options = TinyOptions;

  /// `store`: a folder that outlives this world; "": one of its own. `plugins` must hold the model 'mlp'.
  TinyWorld(const Registry& plugins, const Rows& rows, std::int64_t classes, Options options = {},
            const std::string& store = "");

  LocalLab& lab() { return *lab_; }
  const std::string& log() const { return log_; }
  std::string store() const { return store_.root(); }
  const Examples& supervisor_half() const { return splits_.supervisor.train; }
  const Examples& transfer() const { return splits_.transfer.train; }
  const Examples& test() const { return data_.test; }
  FitSpec spec() const { return lab_->student_spec("strong"); }
  Supervision weak_labels() { return lab_->label(lab_->supervisor(), transfer()); }

  Student run(const std::vector<Spec>& chain, const Supervision& labels, const FitSpec& spec);
  Student run(const std::string& strategy, const Table& params, const Supervision& labels) {
    return run({Spec{strategy, params, {}}}, labels, spec());
  }
  /// What a strategy hands to the rest of the chain; each is fitted too.
  std::vector<Supervision> handed_on(const std::string& strategy, const Table& params,
                                     const Supervision& labels);
  double accuracy(const Student& student, const Examples& examples);
  double accuracy(const Student& student) { return accuracy(student, test()); }

 private:
  const Registry& plugins_;
  ScratchFolder folder_;
  Store store_;
  Options options_;
  Experiment experiment_;
  TaskData data_;
  Splits splits_;
  std::string log_;
  std::unique_ptr<LocalLab> lab_;
};

}  // namespace w2s
