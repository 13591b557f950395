#include "engine/optimizer.hpp"

#include <algorithm>
#include <cmath>

#include <w2s/error.hpp>
#include <w2s/parallel.hpp>
#include <w2s/torch_compat.hpp>

#include "engine/team/team.hpp"

namespace w2s {
namespace {

void adam(const Tensor& value, const Tensor& gradient, const Tensor& first, const Tensor& second,
          const AdamStep& s) {
  if (!value.is_cpu()) return adam_operations(value, gradient, first, second, s);
  float *p = value.data_ptr<float>(), *m = first.data_ptr<float>(), *v = second.data_ptr<float>();
  const float* g = gradient.data_ptr<float>();
  in_threads(value.numel(), 1 << 15, [&](std::int64_t begin, std::int64_t end) {
    adam_kernel(p + begin, g + begin, m + begin, v + begin, end - begin, s);
  });
}

}  // namespace

AdamStep adam_step(const TrainParams& train, double lr, std::int64_t t) {
  const auto steps = static_cast<double>(t);
  AdamStep s{};
  s.t = t;
  s.lr = static_cast<float>(lr);
  s.beta1 = static_cast<float>(train.betas[0]);
  s.beta2 = static_cast<float>(train.betas[1]);
  s.eps = static_cast<float>(train.eps);
  s.decay = static_cast<float>(train.weight_decay);
  s.bias1 = static_cast<float>(1.0 - std::pow(train.betas[0], steps));
  s.root_bias2 = static_cast<float>(std::sqrt(1.0 - std::pow(train.betas[1], steps)));
  s.decoupled = train.optimizer == OptimizerKind::adamw;
  return s;
}

void adam_operations(const Tensor& value, const Tensor& gradient, const Tensor& first, const Tensor& second,
                     const AdamStep& s) {
  at::NoGradGuard no_grad;
#if TORCH_VERSION_MAJOR >= 2
  constexpr bool fused_on_cpu = TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 4;
  if (value.is_cuda() || (fused_on_cpu && value.is_cpu())) {
    const Tensor steps = at::full({}, static_cast<double>(s.t), value.options());
    if (s.decoupled) {
      at::_fused_adamw_({value}, {gradient}, {first}, {second}, {}, {steps}, double{s.lr}, s.beta1, s.beta2,
                        s.decay, s.eps, /*amsgrad=*/false, /*maximize=*/false);
    } else {
      at::_fused_adam_({value}, {gradient}, {first}, {second}, {}, {steps}, double{s.lr}, s.beta1, s.beta2,
                       s.decay, s.eps, /*amsgrad=*/false, /*maximize=*/false);
    }
    return;
  }
#endif
  const Tensor g = s.decoupled || s.decay == 0 ? gradient : gradient.add(value, s.decay);
  if (s.decoupled && s.decay != 0) value.mul_(1.0f - s.lr * s.decay);
  first.mul_(s.beta1).add_(g, 1.0f - s.beta1);
  second.mul_(s.beta2).addcmul_(g, g, 1.0f - s.beta2);
  value.addcdiv_(first, second.sqrt().div_(s.root_bias2).add_(s.eps), -s.lr / s.bias1);
}

Optimizer::Optimizer(std::vector<Tensor> parameters, const TrainParams& train)
    : train_(train), parameters_(std::move(parameters)), placed_(parameters_.size(), false) {}

Optimizer::Segment Optimizer::flatten(const std::vector<std::size_t>& members) {
  at::NoGradGuard no_grad;
  Segment segment;
  segment.members = members;
  std::int64_t total = 0;
  for (const std::size_t i : members) total += parameters_[i].numel();
  const auto options = parameters_[members[0]].options().requires_grad(false);
  segment.value = at::empty({total}, options);
  segment.gradient = at::zeros({total}, options);
  std::int64_t offset = 0;
  for (const std::size_t i : members) {
    Tensor& parameter = parameters_[i];
    const Tensor value = segment.value.narrow(0, offset, parameter.numel()).view(parameter.sizes());
    const Tensor gradient = segment.gradient.narrow(0, offset, parameter.numel()).view(parameter.sizes());
    value.copy_(parameter.detach());
    if (parameter.grad().defined()) gradient.copy_(parameter.grad());
    parameter.set_data(value);
    parameter.mutable_grad() = gradient;
    placed_[i] = true;
    offset += parameter.numel();
  }
  segment.first = at::zeros({total}, options);
  if (train_.optimizer != OptimizerKind::sgd) segment.second = at::zeros({total}, options);
  return segment;
}

void Optimizer::gather() {
  std::vector<std::size_t> fresh;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (!placed_[i] && parameters_[i].grad().defined()) fresh.push_back(i);
  }
  if (!fresh.empty()) segments_.push_back(flatten(fresh));
}

void Optimizer::sum_gradients(Team& team) {
  at::NoGradGuard no_grad;
  if (std::find(placed_.begin(), placed_.end(), false) != placed_.end()) {
    // A process whose share has no rows has no gradients yet, and takes part all the same.
    const auto count = static_cast<std::int64_t>(parameters_.size());
    const Tensor has = at::zeros({count}, at::kInt);
    int* some = has.data_ptr<int>();
    for (std::int64_t i = 0; i < count; ++i)
      some[i] = parameters_[static_cast<std::size_t>(i)].grad().defined();
    team.all_reduce(has);
    for (std::int64_t i = 0; i < count; ++i) {
      Tensor& parameter = parameters_[static_cast<std::size_t>(i)];
      if (some[i] > 0 && !parameter.grad().defined()) parameter.mutable_grad() = at::zeros_like(parameter);
    }
  }
  gather();
  for (const Segment& segment : segments_) team.all_reduce(segment.gradient);
}

double Optimizer::clip_gradients() {
  gather();
  at::NoGradGuard no_grad;
  double sum = 0;
  for (const Segment& segment : segments_) {
    const double norm = segment.gradient.norm().item<double>();
    sum += norm * norm;
  }
  const double norm = std::sqrt(sum);
  if (train_.clip_norm > 0) {
    const double factor = train_.clip_norm / (norm + 1e-6);
    if (factor < 1.0) {
      for (const Segment& segment : segments_) segment.gradient.mul_(factor);
    }
  }
  return norm;
}

void Optimizer::step(double lr) {
  gather();
  at::NoGradGuard no_grad;
  for (Segment& segment : segments_) {
    ++segment.steps;
    if (train_.optimizer == OptimizerKind::sgd) {
      const Tensor g = train_.weight_decay > 0 ? segment.gradient.add(segment.value, train_.weight_decay)
                                               : segment.gradient;
      if (train_.momentum > 0) {
        // The buffer starts as the first gradient, as in PyTorch: 0·momentum + g.
        segment.first.mul_(train_.momentum).add_(g);
        segment.value.sub_(segment.first, lr);
      } else {
        segment.value.sub_(g, lr);
      }
      continue;
    }
    adam(segment.value, segment.gradient, segment.first, segment.second,
         adam_step(train_, lr, segment.steps));
  }
}

void Optimizer::zero_gradients() {
  for (Segment& segment : segments_) segment.gradient.zero_();
}

std::map<std::string, Tensor> Optimizer::state() const {
  std::map<std::string, Tensor> state;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const std::string prefix = std::to_string(i) + ".";
    const Segment& segment = segments_[i];
    state[prefix + "members"] =
        at::tensor(std::vector<std::int64_t>(segment.members.begin(), segment.members.end()), at::kLong);
    state[prefix + "step"] = at::tensor(segment.steps, at::kLong);
    state[prefix + "m"] = segment.first;
    if (segment.second.defined()) state[prefix + "v"] = segment.second;
  }
  return state;
}

void Optimizer::load_state(const std::map<std::string, Tensor>& state) {
  if (!segments_.empty()) throw Error("optimizer: state can only be loaded before the first step");
  for (std::size_t i = 0;; ++i) {
    const std::string prefix = std::to_string(i) + ".";
    const auto members = state.find(prefix + "members");
    if (members == state.end()) return;
    std::vector<std::size_t> positions;
    for (std::int64_t k = 0; k < members->second.numel(); ++k) {
      positions.push_back(static_cast<std::size_t>(members->second[k].item<std::int64_t>()));
    }
    Segment segment = flatten(positions);
    segment.steps = state.at(prefix + "step").item<std::int64_t>();
    segment.first.copy_(state.at(prefix + "m"));
    if (segment.second.defined()) segment.second.copy_(state.at(prefix + "v"));
    segments_.push_back(std::move(segment));
  }
}

}  // namespace w2s
