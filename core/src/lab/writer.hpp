// Writer: generation: what students write, and how likely answers are to them.
#pragma once

#include "lab/backbones.hpp"
#include "lab/drafts.hpp"

namespace w2s {

/// Of texts in their order, as one.
std::string digest_of(const std::vector<std::string>& texts);

/// Not for several threads at once.
class Writer {
 public:
  Writer(LabContext& context, Backbones& backbones, const Drafts& drafts)
      : context_(context), backbones_(backbones), drafts_(drafts) {}

  /// Lab::answer, of a student's kept weights or its oracle's.
  Answers answer(const Student& student, const Examples& examples, bool oracle = false);
  /// Lab::score_answers.
  AnswerScores score(const Student& student, const Examples& examples,
                     const std::vector<std::string>& answers, bool prompted);

  /// Prompts with answers, as the model reads them in training and in use.
  Encoded encode(const IModel& model, const Examples& examples) const;
  /// Adds what encode() depends on besides the model and the examples: how long answers may be.
  void set_limit(Recipe& recipe) const;

 private:
  std::int64_t answer_limit(const IModel& model) const;
  void require_one(const Student& student) const;
  Answers write(const Backbone& backbone, const Examples& prompts);
  AnswerScores compute_scores(IModel& model, const Examples& texts);

  LabContext& context_;
  Backbones& backbones_;
  const Drafts& drafts_;
};

}  // namespace w2s
