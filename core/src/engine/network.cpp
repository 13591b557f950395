#include "engine/network.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>

#include <w2s/error.hpp>
#include <w2s/init.hpp>
#include <w2s/torch_compat.hpp>

namespace w2s {

Head::Head(std::int64_t features, TaskKind kind, std::int64_t classes, const TrainParams& train)
    : kind_(kind) {
  const std::int64_t outputs = kind == TaskKind::preference ? 1 : classes;
  parameters_.add("head.weight", at::zeros({outputs, features}));
  if (train.head_bias && kind != TaskKind::preference) parameters_.add("head.bias", at::zeros({outputs}));
  if (train.standardize) {
    parameters_.add_buffer("head.mean", at::zeros({features}));
    parameters_.add_buffer("head.sd", at::ones({features}));
  }
}

void Head::randomize(Stream stream) {
  const std::vector<std::int64_t> shape = parameters_["head.weight"].sizes().vec();
  parameters_.assign("head.weight", uniform_weights(stream, shape, fan_in_bound(shape)));
}

void Head::standardize(const Tensor& features) {
  at::NoGradGuard no_grad;
  const Tensor& mean = parameters_["head.mean"];
  mean.copy_(features.mean(0));
  // A feature that never varies stays as it is.
  const Tensor sd = features.std(0, /*unbiased=*/false);
  parameters_["head.sd"].copy_(at::where(sd > 1e-8, sd, at::ones_like(sd)));
}

Tensor Head::logits(const Tensor& features) const {
  Tensor f = features;
  if (parameters_.has("head.mean")) f = (f - parameters_["head.mean"]) / parameters_["head.sd"];
  const Tensor bias = parameters_.has("head.bias") ? parameters_["head.bias"] : Tensor();
  Tensor z = at::linear(f, parameters_["head.weight"], bias);
  if (kind_ != TaskKind::preference) return z;
  z = z.view({-1, 2});
  const Tensor difference = z.select(1, 1) - z.select(1, 0);
  return at::stack({at::zeros_like(difference), difference}, 1);
}

namespace {

std::vector<Parameters::Item*> weights_of(Parameters& parameters) {
  std::vector<Parameters::Item*> items;
  for (Parameters::Item& item : parameters.items()) {
    if (!item.buffer) items.push_back(&item);
  }
  return items;
}

}  // namespace

Tensor Trainee::mixed_logits(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b,
                             const Tensor& share) {
  const Tensor s = share.unsqueeze(1);
  return s * logits(a) + (1 - s) * logits(b);
}

ProbeTrainee::ProbeTrainee(Head& head, const Tensor& features, std::int64_t parts)
    : head_(head), features_(features.view({-1, parts, features.size(1)})) {
  for (Parameters::Item* item : trained()) item->tensor.set_requires_grad(true);
}

Tensor ProbeTrainee::logits(const std::vector<std::int64_t>& examples) {
  const Tensor rows = features_.index_select(0, positions_tensor(examples, features_.device()));
  return head_.logits(rows.flatten(0, 1));
}

std::vector<Parameters::Item*> ProbeTrainee::trained() { return weights_of(head_.parameters()); }

std::vector<Parameters::Item*> train_only(IModel& model, const Trainable& trainable) {
  std::int64_t first_block = -1;
  if (trainable.is_head()) {
    first_block = model.depth() + 1;
  } else if (const auto k = trainable.blocks()) {
    if (*k > model.depth()) {
      throw UsageError("train.trainable = \"" + trainable.text() + "\": this model has " +
                       std::to_string(model.depth()) + " blocks");
    }
    first_block = model.depth() - *k;
  }
  std::vector<Parameters::Item*> trained;
  for (Parameters::Item* item : weights_of(model.parameters())) {
    const bool train = model.block_of(item->name) >= first_block;
    item->tensor.set_requires_grad(train);
    if (train) trained.push_back(item);
  }
  return trained;
}

at::ScalarType precision_of(const TrainParams& train) {
  return train.precision == Precision::bfloat16 ? at::kBFloat16 : at::kFloat;
}

NetworkTrainee::NetworkTrainee(IModel& model, Head& head, const Encoded& inputs, const Trainable& trainable,
                               at::Device device, at::ScalarType precision)
    : model_(model),
      head_(head),
      inputs_(inputs),
      trained_(train_only(model, trainable)),
      device_(device),
      precision_(precision) {
  for (Parameters::Item* item : weights_of(head.parameters())) {
    item->tensor.set_requires_grad(true);
    trained_.push_back(item);
  }
}

Tensor NetworkTrainee::features(const Batch& batch) {
  const compat::Autocast mixed(device_.type(), precision_);
  return model_.features(batch).to(at::kFloat);
}

Tensor NetworkTrainee::logits(const std::vector<std::int64_t>& examples) {
  std::vector<std::int64_t> rows;
  for (const std::int64_t example : examples) {
    for (std::int64_t part = 0; part < inputs_.parts; ++part) rows.push_back(example * inputs_.parts + part);
  }
  return head_.logits(features(collate(inputs_, rows, device_)));
}

Tensor NetworkTrainee::mixed_logits(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b,
                                    const Tensor& share) {
  if (inputs_.ragged() || inputs_.parts != 1) return Trainee::mixed_logits(a, b, share);
  const Batch first = collate(inputs_, a, device_), second = collate(inputs_, b, device_);
  std::vector<std::int64_t> shape(static_cast<std::size_t>(first.x.dim()), 1);
  shape[0] = -1;
  Batch mixed;
  mixed.x = at::lerp(second.x, first.x, share.to(first.x.scalar_type()).view(shape));
  return head_.logits(features(mixed));
}

std::int64_t NetworkTrainee::tokens(std::int64_t example) const {
  std::int64_t longest = 0, total = 0;
  for (std::int64_t part = 0; part < inputs_.parts; ++part) {
    const std::int64_t length = inputs_.length(example * inputs_.parts + part);
    longest = std::max(longest, length);
    total += length;
  }
  return packs() ? total : longest * inputs_.parts;
}

std::vector<Parameters::Item*> NetworkTrainee::trained() { return trained_; }

Tensor on_device(const Tensor& host, at::Device device) {
  return device.is_cpu() ? host : host.pin_memory().to(device, /*non_blocking=*/true);
}

Tensor positions_tensor(const std::vector<std::int64_t>& positions, at::Device device) {
  return on_device(at::tensor(positions, at::kLong), device);
}

Batch collate(const Encoded& inputs, const std::vector<std::int64_t>& rows, at::Device device) {
  Batch batch;
  if (!inputs.ragged()) {
    batch.x = on_device(inputs.dense.dense(rows), device);
    return batch;
  }
  std::int64_t width = 1;
  for (const std::int64_t row : rows) {
    batch.lengths.push_back(inputs.length(row));
    width = std::max(width, batch.lengths.back());
  }
  const auto count = static_cast<std::int64_t>(rows.size());
  batch.x = at::zeros({count, width}, at::kLong);
  batch.mask = at::zeros({count, width}, at::kBool);
  auto* ids = batch.x.data_ptr<std::int64_t>();
  auto* mask = batch.mask.data_ptr<bool>();
  for (std::int64_t r = 0; r < count; ++r) {
    const auto row = static_cast<std::size_t>(rows[static_cast<std::size_t>(r)]);
    const auto begin = inputs.tokens.begin() + inputs.offsets[row],
               end = inputs.tokens.begin() + inputs.offsets[row + 1];
    std::copy(begin, end, ids + r * width);
    std::fill_n(mask + r * width, end - begin, true);
  }
  batch.x = on_device(batch.x, device);
  batch.mask = on_device(batch.mask, device);
  return batch;
}

std::vector<std::vector<std::int64_t>> micro_batches(const Trainee& trainee,
                                                     const std::vector<std::int64_t>& examples,
                                                     std::int64_t budget) {
  std::vector<std::int64_t> order = examples;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return trainee.tokens(a) > trainee.tokens(b); });
  std::vector<std::vector<std::int64_t>> cut;
  std::int64_t longest = 0, cost = 0;
  for (const std::int64_t example : order) {
    cost += trainee.packs() ? trainee.tokens(example) : longest;
    if (cut.empty() || cost > budget) {
      cut.emplace_back();
      cost = longest = trainee.tokens(example);
    }
    cut.back().push_back(example);
  }
  return cut;
}

Tensor all_features(IModel& model, const Encoded& inputs, at::Device device, std::int64_t budget) {
  at::NoGradGuard no_grad;
  std::vector<std::int64_t> order(static_cast<std::size_t>(inputs.rows()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return inputs.length(a) > inputs.length(b); });
  Tensor features;
  for (std::size_t begin = 0; begin < order.size();) {
    const std::int64_t longest = std::max<std::int64_t>(1, inputs.length(order[begin]));
    std::size_t end = begin + 1;
    for (std::int64_t cost = longest; end < order.size(); ++end) {
      cost += model.packs() ? inputs.length(order[end]) : longest;
      if (cost > budget) break;
    }
    const std::vector<std::int64_t> rows(order.begin() + begin, order.begin() + end);
    const Tensor part = model.features(collate(inputs, rows, device)).to(at::kCPU, at::kFloat);
    if (!features.defined()) features = at::empty({inputs.rows(), part.size(1)});
    features.index_copy_(0, at::tensor(rows, at::kLong), part);
    begin = end;
  }
  if (!features.defined()) features = at::empty({0, model.feature_size()});
  return features;
}

Tensor all_logits(Trainee& trainee, std::int64_t budget) {
  at::NoGradGuard no_grad;
  std::vector<std::int64_t> all(static_cast<std::size_t>(trainee.size()));
  std::iota(all.begin(), all.end(), 0);
  Tensor logits;
  for (const std::vector<std::int64_t>& part : micro_batches(trainee, all, budget)) {
    const Tensor z = trainee.logits(part).to(at::kCPU, at::kFloat);
    if (!logits.defined()) logits = at::empty({trainee.size(), z.size(1)});
    logits.index_copy_(0, at::tensor(part, at::kLong), z);
  }
  if (!logits.defined()) logits = at::empty({0, 0});
  return logits;
}

void to_device(Parameters& parameters, at::Device device) {
  for (Parameters::Item& item : parameters.items()) item.tensor = item.tensor.detach().to(device);
}

}  // namespace w2s
