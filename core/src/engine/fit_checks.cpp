#include "engine/fit_checks.hpp"

#include <fmt/format.h>

#include <w2s/error.hpp>

#include "values/number_text.hpp"

namespace w2s {

void check_labels(const Supervision& training, const Supervision* validation, const TrainParams& train) {
  if (training.size() == 0) throw Error("fit: there are no examples to train on");
  if (train.early_stopping && (validation == nullptr || validation->size() == 0)) {
    throw UsageError("train.early_stopping needs validation examples: set task.split.validation");
  }
  if (!(training.weights.mean().item<double>() > 0)) throw Error("fit: all example weights are zero");
}

std::string loss_place(const std::string& loss, std::int64_t step, std::int64_t epoch) {
  return fmt::format("loss '{}' at step {} (epoch {})", loss, step, epoch);
}

void check_values(const Tensor& values, std::int64_t rows, bool gradients, const std::string& place) {
  if (!values.defined() || values.dim() != 1 || values.size(0) != rows) {
    throw Error(fmt::format("{} returned {}; expected one value per example, [{}]", place,
                            values.defined() ? c10::str("shape ", values.sizes()) : "nothing", rows));
  }
  if (gradients && !values.requires_grad())
    throw Error(place + " does not depend on the logits: its result has no gradient");
}

void refuse_value(double value, const std::string& example, const Tensor& logits, const std::string& place) {
  throw Error(fmt::format(
      "{} is {} for example '{}'; its logits lie in [{:.6g}, {:.6g}]. A lower learning rate or "
      "clip_norm may help; otherwise the loss is not safe at these logits",
      place, not_finite_text(value), example, logits.min().item<double>(), logits.max().item<double>()));
}

}  // namespace w2s
