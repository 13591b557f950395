#include "engine/answers.hpp"

#include <algorithm>
#include <numeric>

#include <w2s/error.hpp>
#include <w2s/torch_compat.hpp>

namespace w2s {

std::optional<UnfitSetting> unfit_for_generation(const TrainParams& train) {
  const std::string reason = "a generation task has no head: the language model itself learns to answer";
  if (train.trainable.is_head()) return {{"trainable", "trainable = \"head\": " + reason}};
  if (train.standardize) return {{"standardize", "standardize = true: " + reason}};
  if (train.head_bias) return {{"head_bias", "head_bias = true: " + reason}};
  if (train.head_init != HeadInit::zero) {
    return {{"head_init", std::string("head_init = \"") + name_of(train.head_init) + "\": " + reason}};
  }
  return std::nullopt;
}

void cut_prompts(Encoded& inputs, std::int64_t longest) {
  std::vector<std::int32_t> tokens;
  std::vector<std::int64_t> offsets{0};
  for (std::int64_t row = 0; row < inputs.rows(); ++row) {
    const auto r = static_cast<std::size_t>(row);
    const std::int64_t cut = std::max<std::int64_t>(0, inputs.answers[r] - longest);
    tokens.insert(tokens.end(), inputs.tokens.begin() + inputs.offsets[r] + cut,
                  inputs.tokens.begin() + inputs.offsets[r + 1]);
    inputs.answers[r] -= cut;
    offsets.push_back(static_cast<std::int64_t>(tokens.size()));
  }
  inputs.tokens = std::move(tokens);
  inputs.offsets = std::move(offsets);
}

std::int64_t answer_length(const Encoded& inputs, std::int64_t row) {
  return inputs.length(row) - inputs.answers.at(static_cast<std::size_t>(row));
}

Tensor answer_tokens(const Encoded& inputs, const std::vector<std::int64_t>& rows) {
  std::vector<std::int64_t> tokens;
  for (const std::int64_t row : rows) {
    const auto r = static_cast<std::size_t>(row);
    tokens.insert(tokens.end(), inputs.tokens.begin() + inputs.offsets[r] + inputs.answers[r],
                  inputs.tokens.begin() + inputs.offsets[r + 1]);
  }
  return at::tensor(tokens, at::kLong);
}

Tensor answer_logits(IModel& model, const Encoded& inputs, const std::vector<std::int64_t>& rows,
                     at::Device device) {
  const Batch batch = collate(inputs, rows, device);
  const std::int64_t width = batch.x.size(1);
  std::vector<std::int64_t> before;  // positions of the tokens that each answer token follows
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::int64_t row = rows[i], begin = inputs.answers[static_cast<std::size_t>(row)];
    for (std::int64_t t = begin; t < inputs.length(row); ++t)
      before.push_back(static_cast<std::int64_t>(i) * width + t - 1);
  }
  const Tensor hidden = model.hidden(batch).flatten(0, 1);
  const Tensor states = hidden.index_select(0, positions_tensor(before, device));
  return model.vocabulary_logits(states).to(at::kFloat);
}

AnswerScores score_answers(IModel& model, const Encoded& inputs, at::Device device, std::int64_t budget,
                           std::int64_t end_tokens) {
  const at::NoGradGuard no_grad;
  std::vector<std::int64_t> order(static_cast<std::size_t>(inputs.rows()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return inputs.length(a) > inputs.length(b); });
  AnswerScores scores{at::zeros({inputs.rows()}, at::kDouble), at::zeros({inputs.rows()}, at::kLong),
                      at::zeros({inputs.rows()}, at::kDouble), at::zeros({inputs.rows()}, at::kLong)};
  for (std::size_t begin = 0; begin < order.size();) {
    const std::int64_t width = inputs.length(order[begin]);
    const std::size_t end =
        std::min(order.size(), begin + static_cast<std::size_t>(std::max<std::int64_t>(1, budget / width)));
    const std::vector<std::int64_t> rows(order.begin() + static_cast<std::ptrdiff_t>(begin),
                                         order.begin() + static_cast<std::ptrdiff_t>(end));
    std::vector<std::int64_t> owners;
    std::vector<double> inner;  // 1 for the tokens that count as inner
    for (const std::int64_t row : rows) {
      const std::int64_t length = answer_length(inputs, row);
      scores.tokens[row] = length;
      const std::int64_t last = length - end_tokens, first = last > 1 ? 1 : 0;
      scores.inner_tokens[row] = last - first;
      for (std::int64_t t = 0; t < length; ++t) inner.push_back(t >= first && t < last ? 1 : 0);
      owners.insert(owners.end(), static_cast<std::size_t>(length), row);
    }
    if (!owners.empty()) {
      const Tensor log_p = answer_logits(model, inputs, rows, device).log_softmax(1);
      const Tensor tokens = answer_tokens(inputs, rows).to(device).unsqueeze(1);
      const Tensor each = log_p.gather(1, tokens).squeeze(1).to(at::kCPU, at::kDouble);
      const Tensor places = at::tensor(owners, at::kLong);
      scores.log_probability.index_add_(0, places, each);
      scores.inner_log_probability.index_add_(0, places, each * at::tensor(inner, at::kDouble));
    }
    begin = end;
  }
  return scores;
}

AnswerTrainee::AnswerTrainee(IModel& model, const Encoded& inputs, const Trainable& trainable,
                             at::Device device, at::ScalarType precision)
    : model_(model), inputs_(inputs), device_(device), precision_(precision) {
  {
    const at::NoGradGuard no_grad;
    const Tensor hidden = model.hidden(collate(inputs, {0}, device));
    vocabulary_ = model.vocabulary_logits(hidden.flatten(0, 1).narrow(0, 0, 1)).size(1);
  }
  trained_ = train_only(model, trainable);
}

Tensor AnswerTrainee::logits(const std::vector<std::int64_t>& examples) {
  const compat::Autocast mixed(device_.type(), precision_);
  return answer_logits(model_, inputs_, examples, device_);
}

Tensor AnswerTrainee::answer_tokens(const std::vector<std::int64_t>& examples) const {
  return w2s::answer_tokens(inputs_, examples);
}

}  // namespace w2s
