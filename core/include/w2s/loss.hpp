// ILoss: how far a student's logits are from the supervisor's labels.
//
// A loss returns one value per example; the engine multiplies by the weights and
// averages. It always sees the whole optimiser batch, however the engine cuts it
// to fit memory, so batch statistics (quantiles, means) are safe.
//
// A loss object serves one fit (or, where it is rowwise, several at once) in one thread.
#pragma once

#include <w2s/examples.hpp>
#include <w2s/register.hpp>

namespace w2s {

struct LossInput {
  Tensor logits;   ///< [B, C] float32 or float64, with gradient
  Tensor targets;  ///< [B, C] the supervisor's soft labels, same type, rows sum to 1
  Tensor
      index;  ///< int64 [B] position in the training set: the same example has the same index in every epoch
  Tensor weights;            ///< [B] ≥ 0; the engine applies them, a loss rarely needs them
  double step_fraction = 0;  ///< training done, in [0, 1)
  std::int64_t epoch = 0;    ///< from 0
};

/// What a loss may check before any training.
struct LossContext {
  TaskKind kind = TaskKind::classification;
  std::int64_t classes = 2;
};

class W2S_API ILoss {
 public:
  virtual ~ILoss();

  /// Per-example losses [B]. Called once per optimiser step, in order.
  virtual Tensor forward(const LossInput& in) = 0;

  /// Throws UsageError where this loss cannot serve such a task ("binary only").
  virtual void check(const LossContext& context) const;

  /// True where each value depends on its own row of logits, targets and weights, and on step_fraction and
  /// epoch, alone: no statistics of the batch, no index, no memory. The engine may then join the rows of
  /// several fits in one call. `w2s check` tests the claim.
  virtual bool rowwise() const { return false; }

  /// Called once before training with the number of training examples N.
  virtual void begin(std::int64_t examples, std::int64_t classes);

  /// Everything that later steps depend on, by name; empty for a stateless loss.
  virtual std::map<std::string, Tensor> state() const;
  virtual void load_state(const std::map<std::string, Tensor>& state);
};

}  // namespace w2s
