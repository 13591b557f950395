// Adapter: low-rank updates as PEFT keeps them (adapter_config.json, adapter_model.safetensors), added to the
// weights while they are loaded: W + s B A, s = alpha / r, or alpha / √r with rsLoRA (Kalajdzievski 2023).
#pragma once

#include <map>
#include <string>
#include <vector>

#include <w2s/safetensors.hpp>

#include "layout.hpp"

namespace w2s::hf {

class Adapter {
 public:
  /// Reads adapter_config.json. Throws UsageError for what is no LoRA, or a kind of it that is not merged.
  explicit Adapter(const std::string& folder);
  static bool is_in(const std::string& folder);

  /// The base model's name or folder as the adapter gives it; "" where it gives none.
  const std::string& base() const { return base_; }
  /// Files that decide the weights.
  std::vector<std::string> files() const;

  /// Finds the updates of a model of this layout; those of heads that it ignores are left out. Throws Error
  /// for one that belongs to no linear map of it or whose shape does not fit, naming it.
  void open(const Layout& layout);
  bool updates(const TensorSpec& tensor) const { return updates_.count(tensor.name) != 0; }
  /// `weights` (float32) with its update.
  Tensor merged(const TensorSpec& tensor, const Tensor& weights) const;

 private:
  struct Update {
    Tensor a, b;  // [r, in], [out, r]
    double scale;
  };
  double scale(const std::string& module, std::int64_t rank) const;
  [[noreturn]] void refuse(const std::string& reason) const;

  std::string folder_, base_;
  double alpha_ = 8;
  bool root_ = false;                                   // rsLoRA
  std::vector<std::pair<std::string, double>> alphas_;  // of modules that have their own, by the name's end
  std::map<std::string, Update> updates_;               // by bare name
};

}  // namespace w2s::hf
