#include "engine/trainer.hpp"

#include <chrono>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include <fmt/format.h>

#include <w2s/error.hpp>

#include "engine/schedule.hpp"

namespace w2s {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<Tensor> tensors_of(Trainee& trainee) {
  std::vector<Tensor> tensors;
  for (const Parameters::Item* item : trainee.trained()) tensors.push_back(item->tensor);
  return tensors;
}

std::int64_t or_default(std::int64_t value, std::int64_t fallback) { return value > 0 ? value : fallback; }

Tensor positions_tensor(const std::vector<std::int64_t>& positions, at::Device device) {
  return at::tensor(positions, at::kLong).to(device);
}

}  // namespace

Trainer::Trainer(Trainee& trainee, ILoss& loss, std::string loss_name, const TrainParams& train,
                 const Supervision& training, const Supervision* validation, Stream stream, at::Device device,
                 std::function<void(const StepReport&)> observe)
    : trainee_(trainee),
      loss_(loss),
      loss_name_(std::move(loss_name)),
      train_(train),
      training_(training),
      validation_(validation),
      stream_(stream),
      device_(device),
      observe_(std::move(observe)),
      targets_(training.targets.to(device)),
      optimizer_(tensors_of(trainee), train) {
  const std::int64_t n = training.size();
  if (n == 0) throw Error("fit: there are no examples to train on");
  if (train_.early_stopping && (validation_ == nullptr || validation_->size() == 0)) {
    throw UsageError("train.early_stopping needs validation examples: set task.split.validation");
  }
  const double mean_weight = training.weights.mean().item<double>();
  if (!(mean_weight > 0)) throw Error("fit: all example weights are zero");
  weights_ = (training.weights / mean_weight).to(device);
  steps_per_epoch_ = (n + train_.batch - 1) / train_.batch;
  total_steps_ = steps_per_epoch_ * train_.epochs;
  loss_.begin(n, training.classes());
}

Tensor Trainer::checked_loss(const Tensor& logits, const std::vector<std::int64_t>& batch, std::int64_t number) {
  const Tensor index = positions_tensor(batch, device_);
  LossInput input;
  input.logits = logits;
  input.targets = targets_.index_select(0, index);
  input.index = index;
  input.weights = weights_.index_select(0, index);
  input.step_fraction = static_cast<double>(number) / static_cast<double>(total_steps_);
  input.epoch = epoch_;
  const Tensor values = loss_.forward(input);
  const auto size = static_cast<std::int64_t>(batch.size());
  const std::string where = fmt::format("loss '{}' at step {} (epoch {})", loss_name_, number, epoch_);
  if (!values.defined() || values.dim() != 1 || values.size(0) != size) {
    throw Error(fmt::format("{} returned {}; expected one value per example, [{}]", where,
                            values.defined() ? c10::str("shape ", values.sizes()) : "nothing", size));
  }
  const Tensor finite = values.detach().isfinite();
  if (!finite.all().item<bool>()) {
    const auto row = finite.logical_not().nonzero()[0].item<std::int64_t>();
    const Tensor z = logits.detach();
    throw Error(fmt::format("{} is {} for example '{}'; its logits lie in [{:.6g}, {:.6g}]. A lower learning rate or "
                            "clip_norm may help; otherwise the loss is not safe at these logits",
                            where, values[row].item<double>(),
                            training_.examples.id(batch[static_cast<std::size_t>(row)]), z[row].min().item<double>(),
                            z[row].max().item<double>()));
  }
  if (!values.requires_grad()) {
    throw Error(where + " does not depend on the logits: its result has no gradient");
  }
  return (values * input.weights.to(values.scalar_type())).sum() / static_cast<double>(size);
}

Trainer::StepOutcome Trainer::step(const std::vector<std::int64_t>& batch, std::int64_t number, double lr) {
  const auto micros = micro_batches(trainee_, batch, or_default(train_.micro_tokens, kMicroTokens));
  std::unordered_map<std::int64_t, std::int64_t> place;
  for (std::size_t i = 0; i < batch.size(); ++i) place[batch[i]] = static_cast<std::int64_t>(i);
  std::int64_t tokens = 0;
  std::vector<Tensor> places;  // of each micro-batch's rows within the batch
  for (const std::vector<std::int64_t>& micro : micros) {
    tokens += trainee_.tokens(micro[0]) * static_cast<std::int64_t>(micro.size());
    std::vector<std::int64_t> positions;
    for (const std::int64_t example : micro) positions.push_back(place[example]);
    places.push_back(positions_tensor(positions, device_));
  }
  const bool replay = micros.size() > 1 && tokens > or_default(train_.activation_tokens, kActivationTokens);

  std::vector<Tensor> parts;
  {
    at::AutoGradMode gradients(!replay);
    for (const std::vector<std::int64_t>& micro : micros) parts.push_back(trainee_.logits(micro));
  }
  Tensor logits = at::cat(parts).index_select(0, at::cat(places).argsort());
  if (replay) logits = logits.detach().requires_grad_(true);
  const Tensor loss = checked_loss(logits, batch, number);
  loss.backward();
  if (replay) {
    for (std::size_t i = 0; i < micros.size(); ++i) {
      trainee_.logits(micros[i]).backward(logits.grad().index_select(0, places[i]));
    }
  }
  const double norm = optimizer_.clip_gradients();
  if (!std::isfinite(norm)) {
    throw Error(fmt::format("loss '{}' at step {} (epoch {}): the gradient is not finite", loss_name_, number, epoch_));
  }
  optimizer_.step(lr);
  optimizer_.zero_gradients();
  return {loss.item<double>(), norm};
}

std::map<std::string, Tensor> Trainer::snapshot() {
  std::map<std::string, Tensor> copy;
  for (const Parameters::Item* item : trainee_.trained()) copy[item->name] = item->tensor.detach().clone();
  return copy;
}

// True where training should stop.
bool Trainer::validate(StepReport& report, TrainResult& result) {
  at::NoGradGuard no_grad;
  std::vector<std::int64_t> rows(static_cast<std::size_t>(validation_->size()));
  std::iota(rows.begin(), rows.end(), training_.size());
  std::vector<Tensor> parts;
  std::vector<std::int64_t> order;
  for (const auto& micro : micro_batches(trainee_, rows, or_default(train_.micro_tokens, kMicroTokens))) {
    parts.push_back(trainee_.logits(micro).cpu());
    for (const std::int64_t row : micro) order.push_back(row - training_.size());
  }
  const Tensor logits = at::cat(parts).index_select(0, at::tensor(order, at::kLong).argsort());
  const Tensor choice = logits.argmax(1);
  const double agreement = choice.eq(validation_->targets.argmax(1)).to(at::kDouble).mean().item<double>();
  const double accuracy = choice.eq(validation_->examples.labels()).to(at::kDouble).mean().item<double>();
  const double loss = -(validation_->targets * logits.log_softmax(1)).sum(1).mean().item<double>();
  report.validation_agreement = agreement;
  report.validation_accuracy = accuracy;
  ++stale_;
  if (agreement > best_agreement_ || (agreement == best_agreement_ && loss < best_loss_)) {
    best_agreement_ = agreement;
    best_loss_ = loss;
    stale_ = 0;
    kept_ = snapshot();
    result.kept_step = report.step + 1;
  }
  if (accuracy > best_accuracy_) {
    best_accuracy_ = accuracy;
    result.oracle = snapshot();
    result.oracle_step = report.step + 1;
  }
  return train_.patience > 0 && stale_ >= train_.patience;
}

TrainResult Trainer::run() {
  TrainResult result;
  const std::int64_t n = training_.size();
  const std::int64_t evaluate_every = or_default(train_.evaluate_every, steps_per_epoch_);
  const Clock::time_point start = Clock::now();
  std::int64_t number = 0, seen = 0;
  bool stop = false;
  for (epoch_ = 0; epoch_ < train_.epochs && !stop; ++epoch_) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    if (train_.shuffle) order = stream_.child(fmt::format("epoch {}", epoch_)).permutation(n);
    for (std::int64_t begin = 0; begin < n && !stop; begin += train_.batch, ++number) {
      const std::vector<std::int64_t> batch(order.begin() + begin, order.begin() + std::min(n, begin + train_.batch));
      StepReport report;
      report.step = number;
      report.total = total_steps_;
      report.epoch = epoch_;
      report.lr = learning_rate(train_, number, total_steps_);
      const StepOutcome outcome = step(batch, number, report.lr);
      seen += static_cast<std::int64_t>(batch.size());
      report.loss = outcome.loss;
      report.gradient_norm = outcome.gradient_norm;
      report.examples_per_second = static_cast<double>(seen) / std::max(1e-9, seconds_since(start));
      result.steps = number + 1;
      const bool last = number + 1 == total_steps_;
      if (train_.early_stopping && ((number + 1) % evaluate_every == 0 || last)) stop = validate(report, result);
      if (observe_) observe_(report);
    }
  }
  if (!train_.early_stopping) {
    result.kept_step = result.steps;
    return result;
  }
  at::NoGradGuard no_grad;
  for (Parameters::Item* item : trainee_.trained()) item->tensor.copy_(kept_.at(item->name));
  return result;
}

}  // namespace w2s
