#include "weights.hpp"

#include <map>

#include "gelu.hpp"

namespace w2s::hf {
namespace {

using Activation = Tensor (*)(const Tensor&);

const std::map<std::string, Activation>& activations() {
  static const Activation exact = [](const Tensor& x) { return at::gelu(x); };
  static const Activation silu = [](const Tensor& x) { return at::silu(x); };
  static const std::map<std::string, Activation> table = {
      {"gelu", exact},
      {"gelu_new", tanh_gelu},
      {"gelu_fast", tanh_gelu},
      {"gelu_pytorch_tanh", tanh_gelu},
      {"quick_gelu", [](const Tensor& x) { return x * at::sigmoid(1.702 * x); }},
      {"relu", [](const Tensor& x) { return at::relu(x); }},
      {"sigmoid", [](const Tensor& x) { return at::sigmoid(x); }},
      {"silu", silu},
      {"swish", silu},
      {"tanh", [](const Tensor& x) { return at::tanh(x); }},
  };
  return table;
}

}  // namespace

std::vector<Tensor> Weights::trained(const std::string& module) const {
  std::vector<Tensor> tensors;
  for (const Parameters::Item& item : parameters_.items()) {
    if (item.tensor.requires_grad() && item.name.starts_with(prefix_ + module))
      tensors.push_back(item.tensor);
  }
  return tensors;
}

Tensor Weights::map(const Tensor& x, const std::string& module, bool transposed) const {
  const Tensor& stored = (*this)[module + ".weight"];
  const Tensor weight = transposed ? stored.t() : stored;
  Tensor y = has(module + ".bias") ? at::linear(x, weight, (*this)[module + ".bias"]) : at::linear(x, weight);
  if (has(module + ".lora_a")) {
    const Tensor a = (*this)[module + ".lora_a"].to(x.scalar_type());
    const Tensor b = (*this)[module + ".lora_b"].to(x.scalar_type());
    y = y + lora_scale_ * at::linear(at::linear(x, a), b);
  }
  return y;
}

Tensor Weights::linear(const Tensor& x, const std::string& module) const { return map(x, module, false); }
Tensor Weights::transposed(const Tensor& x, const std::string& module) const { return map(x, module, true); }

Tensor Weights::layer_norm(const Tensor& x, const std::string& module, double eps) const {
  const Tensor weight = has(module + ".weight") ? (*this)[module + ".weight"] : Tensor();
  const Tensor bias = has(module + ".bias") ? (*this)[module + ".bias"] : Tensor();
  return at::layer_norm(x, {x.size(-1)}, weight, bias, eps);
}

Tensor Weights::rms_norm(const Tensor& x, const std::string& module, double eps) const {
  return (*this)[module + ".weight"] * root_mean_square_normed(x, eps).to(x.scalar_type());
}

Tensor Weights::merged(const std::string& full_name, Map map) const {
  const Tensor weight = at_full_name(full_name).detach();
  const std::string module = full_name.substr(0, full_name.rfind('.'));
  if (map == Map::none || !has_full_name(module + ".lora_a")) return weight;
  const Tensor update =
      lora_scale_ *
      at_full_name(module + ".lora_b").detach().matmul(at_full_name(module + ".lora_a").detach());
  return (weight.to(at::kFloat) + (map == Map::transposed ? update.t() : update)).to(weight.scalar_type());
}

Tensor root_mean_square_normed(const Tensor& x, double eps) {
  const Tensor wide = x.to(at::kFloat);
  return wide * at::rsqrt(wide.square().mean(-1, /*keepdim=*/true) + eps);
}

Tensor activate(const std::string& name, const Tensor& x) { return activations().at(name)(x); }

void check_activation(const std::string& name, const std::string& where) {
  if (activations().count(name)) return;
  std::vector<std::string> names;
  for (const auto& [known, function] : activations()) names.push_back(known);
  throw UsageError(where + ": unknown activation '" + name + "'" + did_you_mean(name, names) + "; expected " +
                   one_of_list(names));
}

}  // namespace w2s::hf
