// ISavesHead: for models whose folder form has a place for a classifier (w2s export).
// Called by one thread at a time, as the model that it belongs to.
#pragma once

#include <string>

#include <w2s/tensor.hpp>

namespace w2s {

/// A classifier over a model's features: logits = features · weightᵀ + bias.
struct LinearHead {
  Tensor weight;  ///< [C, D]
  Tensor bias;    ///< [C]; undefined: none
};

/// A model derives from it beside IModel.
class W2S_API ISavesHead {
 public:
  virtual ~ISavesHead() = default;
  /// As IModel::save, with the head among the weights; gives the name of its module there ("score").
  virtual std::string save_with_head(const std::string& folder, const LinearHead& head) const = 0;
};

}  // namespace w2s
