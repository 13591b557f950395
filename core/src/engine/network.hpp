// Network: a backbone with a linear head on its features, and the Trainee that
// the training loop sees.
#pragma once

#include <memory>
#include <vector>

#include <w2s/model.hpp>
#include <w2s/train.hpp>

namespace w2s {

/// The head: logits = ((f − mean) / sd) Wᵀ + b; W [C, D] starts at zero. For pairs C is 1 (a score).
class Head {
 public:
  Head(std::int64_t features, TaskKind kind, std::int64_t classes, const TrainParams& train);

  /// Draws the weights, uniform in ±1/√D: students that are to differ must not start alike.
  void randomize(Stream stream);
  /// Sets mean and sd from training features [N, D] (train.standardize).
  void standardize(const Tensor& features);
  /// [R, D] → [R, C]; pairs: [2B, D] → [B, 2] = [0, s₂ − s₁].
  Tensor logits(const Tensor& features) const;

  Parameters& parameters() {
    return parameters_;
  }  ///< "head.weight", "head.bias", buffers "head.mean", "head.sd"
  const Parameters& parameters() const { return parameters_; }

 private:
  TaskKind kind_;
  Parameters parameters_;
};

/// The type of matrix products that train.precision names, as compat::Autocast takes it.
at::ScalarType precision_of(const TrainParams& train);

/// What the training loop trains: gives logits for examples, however it comes by them.
class Trainee {
 public:
  virtual ~Trainee() = default;
  /// Logits [n, C] of these examples, differentiable in parameters().
  virtual Tensor logits(const std::vector<std::int64_t>& examples) = 0;
  /// Logits [n, C] for share·x_a + (1 − share)·x_b; shares [n]. Inputs are mixed where that has a meaning,
  /// else the features before the head, which mixes the logits alike.
  virtual Tensor mixed_logits(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b,
                              const Tensor& share);
  /// Cost of one example in tokens (1 for dense rows): micro-batches are cut by it.
  virtual std::int64_t tokens(std::int64_t example) const = 0;
  virtual std::int64_t size() const = 0;
  /// True where a micro-batch costs its examples' tokens, false where each costs as many as the longest.
  virtual bool packs() const { return false; }
  /// Trained tensors by name, in a fixed order; leaves that require gradients.
  virtual std::vector<Parameters::Item*> trained() = 0;

  /// Rows of logits that an example has: 1, or one for each token of its answer (generation).
  virtual std::int64_t rows(std::int64_t) const { return 1; }
  /// Generation: these answers' tokens, int64 [B'], and how many there are to choose from.
  virtual Tensor answer_tokens(const std::vector<std::int64_t>&) const { return {}; }
  virtual std::int64_t vocabulary() const { return 0; }
};

/// A head on features that were computed once. `features` float32 [N · parts, D] on the head's device.
class ProbeTrainee final : public Trainee {
 public:
  ProbeTrainee(Head& head, const Tensor& features, std::int64_t parts);
  Tensor logits(const std::vector<std::int64_t>& examples) override;
  std::int64_t tokens(std::int64_t) const override { return 1; }
  std::int64_t size() const override { return features_.size(0); }
  std::vector<Parameters::Item*> trained() override;

 private:
  Head& head_;
  Tensor features_;  // [N, parts, D]
};

/// A backbone and its head on encoded inputs.
class NetworkTrainee final : public Trainee {
 public:
  /// `trainable`: "all", "last:k" or "head". Throws UsageError for a k beyond the model's depth. The backbone
  /// runs in `precision`, the head in float32.
  NetworkTrainee(IModel& model, Head& head, const Encoded& inputs, const Trainable& trainable,
                 at::Device device, at::ScalarType precision = at::kFloat);
  Tensor logits(const std::vector<std::int64_t>& examples) override;
  Tensor mixed_logits(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b,
                      const Tensor& share) override;
  std::int64_t tokens(std::int64_t example) const override;
  bool packs() const override { return model_.packs(); }
  std::int64_t size() const override { return inputs_.rows() / inputs_.parts; }
  std::vector<Parameters::Item*> trained() override;

 private:
  Tensor features(const Batch& batch);

  IModel& model_;
  Head& head_;
  const Encoded& inputs_;
  std::vector<Parameters::Item*> trained_;
  at::Device device_;
  at::ScalarType precision_;
};

/// Weights of the backbone that train, all others being frozen; `trainable` as for NetworkTrainee.
std::vector<Parameters::Item*> train_only(IModel& model, const Trainable& trainable);

/// A tensor of the CPU on this device. To a GPU it goes by page-locked memory, so that the caller does not
/// wait until the device has done its earlier work.
Tensor on_device(const Tensor& host, at::Device device);

/// Positions as an index on this device, int64 [n].
Tensor positions_tensor(const std::vector<std::int64_t>& positions, at::Device device);

/// One batch of rows of `inputs`, padded to its longest row.
Batch collate(const Encoded& inputs, const std::vector<std::int64_t>& rows, at::Device device);

/// Cuts examples into runs of at most `budget` tokens (padding counted where there is any), longest together.
/// Every example occurs once; a single example beyond the budget stands alone.
std::vector<std::vector<std::int64_t>> micro_batches(const Trainee& trainee,
                                                     const std::vector<std::int64_t>& examples,
                                                     std::int64_t budget);

/// Features [R, D] of all rows, without gradients, float32 on the CPU.
Tensor all_features(IModel& model, const Encoded& inputs, at::Device device, std::int64_t budget);

/// Logits [N, C] of all examples, without gradients, float32 on the CPU.
Tensor all_logits(Trainee& trainee, std::int64_t budget);

/// Moves weights and buffers; no gradients required of any of them afterwards.
void to_device(Parameters& parameters, at::Device device);

}  // namespace w2s
