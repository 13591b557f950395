// FitSpec: how one model is fitted to one supervision. A strategy edits it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <w2s/schema.hpp>
#include <w2s/supervision.hpp>

namespace w2s {

/// [train]: settings of a fit. Defaults follow the reference code where it has them.
struct TrainParams {
  std::int64_t epochs = 2;
  std::int64_t batch = 32;
  std::string optimizer = "adam";
  double lr = 1e-5;
  std::vector<double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double momentum = 0.0;
  double weight_decay = 0.0;
  std::string schedule = "cosine";
  double warmup = 0.0;
  double clip_norm = 0.0;
  bool shuffle = true;
  std::string trainable = "all";
  bool head_bias = false;
  bool standardize = false;
  std::string labels = "soft";
  bool early_stopping = false;
  std::int64_t evaluate_every = 0;
  std::int64_t patience = 0;
  std::int64_t micro_tokens = 0;
  std::int64_t activation_tokens = 0;
};
/// The schema of TrainParams, with ranges and meanings.
W2S_API void describe_train(Schema<TrainParams>& schema);

class FittedModel;  // private to the core

/// A fitted model, or several whose probabilities are averaged. Cheap to copy.
class Student {
 public:
  Student() = default;
  explicit Student(std::string key) : members_{std::move(key)} {}
  explicit Student(std::vector<std::string> keys) : members_(std::move(keys)) {}
  /// Store keys of the fits behind it; one for an ordinary student.
  const std::vector<std::string>& members() const { return members_; }
  bool empty() const { return members_.empty(); }

 private:
  std::vector<std::string> members_;
};

struct FitSpec {
  std::string model;               ///< a name in [models]
  Student start;                   ///< begin at this student's weights; empty: the model's own initialisation
  TrainParams train;
  Spec loss{"cross_entropy", {}, {}};
  std::optional<Supervision> validation;  ///< for early stopping; labels of the same origin as the training labels
  std::uint64_t seed = 0;
};

}  // namespace w2s
