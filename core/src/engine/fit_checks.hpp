// What every fit checks of its labels and of the values that its loss gives, and how it says so.
#pragma once

#include <string>

#include <w2s/loss.hpp>
#include <w2s/supervision.hpp>
#include <w2s/train.hpp>

namespace w2s {

/// Throws where there is nothing to learn from, or early stopping has nothing to look at.
void check_labels(const Supervision& training, const Supervision* validation, const TrainParams& train);

/// "loss 'gce' at step 12 (epoch 1)"
std::string loss_place(const std::string& loss, std::int64_t step, std::int64_t epoch);

/// Throws unless `values` are one number for each of `rows`, and depend on the logits where those take
/// gradients.
void check_values(const Tensor& values, std::int64_t rows, bool gradients, const std::string& place);

/// A value that is not finite, for this example with these logits [C].
[[noreturn]] void refuse_value(double value, const std::string& example, const Tensor& logits,
                               const std::string& place);

}  // namespace w2s
