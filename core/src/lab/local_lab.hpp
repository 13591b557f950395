// LocalLab: the Lab of one job, in this process, over a store. A façade: each thing that it does is done by a
// room of its own.
//
// Fits, features and predictions are objects under the keys of their recipes.
#pragma once

#include <memory>
#include <optional>

#include <w2s/strategy.hpp>

#include "lab/context.hpp"

namespace w2s {

class LocalLab final : public Lab {
 public:
  explicit LocalLab(LabSetup setup);
  ~LocalLab() override;

  /// In a group of jobs it may throw Postponed or LeavesGroup.
  Student fit(const Supervision& supervision, const FitSpec& spec) override;
  Tensor predict(const Student& student, const Examples& examples) override;
  Answers answer(const Student& student, const Examples& examples) override;
  AnswerScores score_answers(const Student& student, const Examples& examples,
                             const std::vector<std::string>& answers, bool prompted = true) override;
  Student tune(const FitSpec& spec, const Spec& objective, const Table& train,
               const Examples& examples) override;
  Tensor features(const std::string& model, const Examples& examples) override;
  Tensor features(const Student& student, const Examples& examples) override;
  Student with_head(const Student& student, const Tensor& weight, const Tensor& bias) override;
  std::map<std::string, Tensor> once(const Spec& owner, const std::string& inputs,
                                     const std::function<std::map<std::string, Tensor>()>& compute) override;
  FitSpec for_model(const FitSpec& spec, const std::string& model) const override;
  std::vector<std::string> models() const override;
  TaskKind task_kind() const override { return context_.kind(); }
  std::int64_t classes() const override { return context_.classes(); }
  const Student& supervisor() const override { return supervisor_; }
  const SupervisorFit& supervisor_fit() const override;
  FitSpec supervisor_spec(const std::string& model) const override;
  Stream stream(const std::string& purpose) const override;
  void log(const std::string& line) override { context_.log(line); }

  void set_supervisor(Student supervisor, SupervisorFit fit);
  /// Pretrains the model unless that was done; returns the object's key, "" for a model without a [pretrain]
  /// table.
  std::string pretrain(const std::string& model);
  /// A spec for a baseline: [train] and the model's own settings.
  FitSpec spec_for(const std::string& model) const;
  /// A spec for a student: with the method's overrides.
  FitSpec student_spec(const std::string& model) const;
  /// Whether the student is one fit with early stopping: predictions and answers of its oracle's weights.
  bool has_oracle(const Student& student);
  Tensor predict_oracle(const Student& student, const Examples& examples);
  Answers answer_oracle(const Student& student, const Examples& examples);
  /// Keys of all fits that this lab asked for, in order, once each; pretrainings among them.
  const std::vector<std::string>& used() const { return context_.used(); }
  /// How many of them were computed rather than found.
  std::int64_t computed() const { return context_.computed(); }
  /// Seconds of those that were computed in a queue, before this lab found them.
  double queued_seconds() const { return context_.queued_seconds(); }
  /// Whether a fit was postponed. A job that goes on all the same has got hold of no student.
  bool postponed() const;

 private:
  struct Rooms;

  LabContext context_;
  std::unique_ptr<Rooms> rooms_;
  Student supervisor_;
  std::optional<SupervisorFit> supervisor_fit_;
};

/// Strategies, outermost first, with what messages call them ("strategy 'bootstrap'").
struct ChainLink {
  std::string title;
  std::unique_ptr<ISupervisionStrategy> strategy;
};
using Chain = std::vector<ChainLink>;
Chain make_chain(const Registry& registry, const std::vector<Spec>& specs);

/// Runs the chain, which ends in lab.fit. What each link hands on is checked: an Error names the link and the
/// first bad example.
Student run_chain(const Chain& chain, const Supervision& labels, const FitSpec& spec, Lab& lab);

}  // namespace w2s
