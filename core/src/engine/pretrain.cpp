#include "engine/pretrain.hpp"

#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include <w2s/error.hpp>
#include <w2s/torch_compat.hpp>

#include "engine/optimizer.hpp"
#include "engine/schedule.hpp"
#include "values/number_text.hpp"

namespace w2s {
namespace {

std::map<std::string, Tensor> values_of(const Parameters& parameters) {
  std::map<std::string, Tensor> values;
  for (const Parameters::Item& item : parameters.items()) values[item.name] = item.tensor.detach();
  return values;
}

void assign(Parameters& parameters, const std::map<std::string, Tensor>& values) {
  at::NoGradGuard no_grad;
  for (Parameters::Item& item : parameters.items()) item.tensor.copy_(values.at(item.name));
}

}  // namespace

void pretrain(IModel& model, IObjective& objective, const std::string& objective_name, const Encoded& inputs,
              const TrainParams& train, Stream stream, at::Device device,
              const std::function<void(const Progress&)>& observe, Checkpoints* checkpoints) {
  const std::int64_t n = inputs.rows();
  const std::int64_t per_epoch = n / train.batch;
  if (per_epoch == 0) {
    throw UsageError(fmt::format("pretrain: {} inputs do not fill one batch of {}", n, train.batch));
  }
  objective.begin(model, inputs, stream.child("objective"));
  to_device(objective.parameters(), device);
  std::vector<Tensor> trained;
  for (Parameters* parameters : {&model.parameters(), &objective.parameters()}) {
    for (Parameters::Item& item : parameters->items()) {
      if (item.buffer) continue;
      item.tensor.set_requires_grad(true);
      trained.push_back(item.tensor);
    }
  }
  Optimizer optimizer(trained, train);
  Stream draws = stream.child("draws");
  const std::int64_t total = per_epoch * train.epochs;
  const at::ScalarType precision = precision_of(train);
  std::int64_t number = 0;
  if (const auto saved = checkpoints ? checkpoints->load() : std::nullopt) {
    assign(model.parameters(), saved->part("model"));
    assign(objective.parameters(), saved->part("objective"));
    optimizer.load_state(saved->part("optimizer"));
    draws.restore(saved->texts.at("draws"));
    number = saved->tensors.at("steps").item<std::int64_t>();
  }
  const auto state = [&] {
    Checkpoint now;
    now.put("model", values_of(model.parameters()));
    now.put("objective", values_of(objective.parameters()));
    now.put("optimizer", optimizer.state());
    now.texts["draws"] = draws.save();
    now.tensors["steps"] = at::tensor(number + 1, at::kLong);
    return now;
  };
  std::vector<std::int64_t> order;
  const std::int64_t first = number;
  const auto start = std::chrono::steady_clock::now();
  for (; number < total; ++number) {
    const std::int64_t epoch = number / per_epoch, within = number % per_epoch;
    if (order.empty() || within == 0) order = stream.child(fmt::format("epoch {}", epoch)).permutation(n);
    const std::vector<std::int64_t> rows(order.begin() + within * train.batch,
                                         order.begin() + (within + 1) * train.batch);
    Tensor loss;
    {
      const compat::Autocast mixed(device.type(), precision);
      loss = objective.loss(model, inputs, rows, draws);
    }
    const double value = loss.item<double>();
    if (!std::isfinite(value)) {
      throw Error(fmt::format("objective '{}' is {} at step {} (epoch {})", objective_name,
                              not_finite_text(value), number, epoch));
    }
    loss.backward();
    Progress report;
    report.step = number;
    report.steps = total;
    report.epoch = epoch;
    report.loss = value;
    report.lr = learning_rate(train, number, total);
    report.gradient_norm = optimizer.clip_gradients();
    optimizer.step(report.lr);
    optimizer.zero_gradients();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    report.examples_per_second =
        static_cast<double>((number + 1 - first) * train.batch) / std::max(1e-9, seconds);
    if (observe) observe(report);
    if (checkpoints && number + 1 < total) checkpoints->after_step(state);
  }
  for (Parameters::Item& item : model.parameters().items()) item.tensor = item.tensor.detach();
}

}  // namespace w2s
