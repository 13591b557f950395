// Answers as a language model writes them: logits of the tokens of encoded answers, and a Trainee of them.
//
// A row is a prompt and an answer (Encoded::answers says where that begins); each of the answer's tokens, the
// end of text among them, is predicted from the tokens before it. Only the states at these B' positions go
// through the vocabulary [V].
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <w2s/lab.hpp>

#include "engine/network.hpp"

namespace w2s {

/// A setting of [train] that a task of generation has no use for, because it has no head, and why.
struct UnfitSetting {
  std::string key, why;
};
std::optional<UnfitSetting> unfit_for_generation(const TrainParams& train);

/// Leaves the last `longest` tokens of each prompt, as generate() does: answers are learned and written after
/// the same tokens at the same places.
void cut_prompts(Encoded& inputs, std::int64_t longest);

/// Tokens of a row's answer.
std::int64_t answer_length(const Encoded& inputs, std::int64_t row);
/// The answers of these rows end to end, int64 [B'].
Tensor answer_tokens(const Encoded& inputs, const std::vector<std::int64_t>& rows);
/// Their logits, float32 [B', V], differentiable.
Tensor answer_logits(IModel& model, const Encoded& inputs, const std::vector<std::int64_t>& rows,
                     at::Device device);
/// Every row's answer, without gradients, in passes of at most `budget` tokens. `end`: tokens of the end of
/// text.
AnswerScores score_answers(IModel& model, const Encoded& inputs, at::Device device, std::int64_t budget,
                           std::int64_t end = 1);

/// A language model and its answers: an example's logits are a row for each token of its answer.
class AnswerTrainee final : public Trainee {
 public:
  /// `trainable`: "all" or "last:k". Throws UsageError for a k beyond the model's depth.
  AnswerTrainee(IModel& model, const Encoded& inputs, const Trainable& trainable, at::Device device,
                at::ScalarType precision = at::kFloat);
  Tensor logits(const std::vector<std::int64_t>& examples) override;
  std::int64_t tokens(std::int64_t example) const override { return inputs_.length(example); }
  bool packs() const override { return model_.packs(); }
  std::int64_t size() const override { return inputs_.rows(); }
  std::vector<Parameters::Item*> trained() override { return trained_; }
  std::int64_t rows(std::int64_t example) const override { return answer_length(inputs_, example); }
  Tensor answer_tokens(const std::vector<std::int64_t>& examples) const override;
  std::int64_t vocabulary() const override { return vocabulary_; }

 private:
  IModel& model_;
  const Encoded& inputs_;
  std::vector<Parameters::Item*> trained_;
  at::Device device_;
  at::ScalarType precision_;
  std::int64_t vocabulary_ = 0;
};

}  // namespace w2s
