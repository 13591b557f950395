// Lab: what a strategy may ask for. Every result is kept under a digest of all
// that can change it, so asking twice costs nothing and methods share fits.
// A lab belongs to one job: call it from the thread in which supervise() was called.
#pragma once

#include <functional>

#include <w2s/fit.hpp>
#include <w2s/random.hpp>

namespace w2s {

/// How the supervisor was made: ground truth on the supervisor half, and the settings of its fit.
struct SupervisorFit {
  Supervision labels;
  FitSpec spec;
};

/// log p of answers under a language model, the end of text included.
struct AnswerScores {
  Tensor log_probability;  ///< float64 [N]: sum over the tokens of each answer
  Tensor tokens;           ///< int64 [N]
  /// The same without the end of text and the first token, unless that is the only one.
  Tensor inner_log_probability, inner_tokens;
};

class W2S_API Lab {
 public:
  virtual ~Lab();

  /// Fits a model; returns at once where this very fit was done before.
  virtual Student fit(const Supervision& supervision, const FitSpec& spec) = 0;
  /// Class probabilities, float32 [N, C].
  virtual Tensor predict(const Student& student, const Examples& examples) = 0;
  /// Generation tasks: what the student writes, greedily decoded.
  virtual Answers answer(const Student& student, const Examples& examples);
  /// Generation tasks: how likely these answers are to the student.
  virtual AnswerScores score_answers(const Student& student, const Examples& examples,
                                     const std::vector<std::string>& answers, bool prompted = true);
  /// Trains the model of `spec`, from where a fit with that spec would start, on an objective that needs no
  /// labels (a plugin of kind objective). `train` as in [models.NAME.pretrain]. The result has no head: it
  /// serves as FitSpec::start. `spec.train`, loss and rule play no part.
  virtual Student tune(const FitSpec& spec, const Spec& objective, const Table& train,
                       const Examples& examples);
  /// Frozen features of a model at its initialisation (pretrained, if it is), float32 [N, D].
  virtual Tensor features(const std::string& model, const Examples& examples) = 0;
  /// Features of a fitted student of one member, as its head sees them before any standardisation, float32
  /// [N, D].
  virtual Tensor features(const Student& student, const Examples& examples) = 0;
  /// The student with another head: logits = W f + b, weight [C, D], bias [C]. Classification only.
  virtual Student with_head(const Student& student, const Tensor& weight, const Tensor& bias) = 0;
  /// Tensors that are computed once ever: kept under the owner (spec_of: its parameters and its code) and
  /// `inputs`, a digest of all else that they depend on.
  virtual std::map<std::string, Tensor> once(
      const Spec& owner, const std::string& inputs,
      const std::function<std::map<std::string, Tensor>()>& compute) = 0;
  /// The spec with another model and that model's own training settings ([train], then
  /// [models.NAME.train], then the method's overrides); what strategies have changed in spec.train is kept.
  virtual FitSpec for_model(const FitSpec& spec, const std::string& model) const = 0;

  /// Names in [models].
  virtual std::vector<std::string> models() const = 0;
  virtual TaskKind task_kind() const = 0;
  virtual std::int64_t classes() const = 0;
  /// The model whose labels the students learn from; empty where labels come from outside.
  virtual const Student& supervisor() const = 0;
  /// Throws UsageError where labels come from outside.
  virtual const SupervisorFit& supervisor_fit() const = 0;
  /// How another model would be fitted in the supervisor's place: supervisor_fit().spec with that model and
  /// its own settings ([train], then [models.NAME.train]), none of the method's.
  virtual FitSpec supervisor_spec(const std::string& model) const;
  /// A random stream of this job for a purpose of the strategy's own: the same in every call, as it must be
  /// where true labels are drawn that no further call may add to.
  virtual Stream stream(const std::string& purpose) const = 0;
  /// A stream for this call alone: the same for the same labels and model, another on every other rung or
  /// round of a chain.
  Stream stream_for(const std::string& purpose, const Supervision& labels, const FitSpec& spec) const;
  /// One line in the job's log.
  virtual void log(const std::string& line) = 0;

  /// The student's soft labels, or answers, for these examples, as supervision.
  Supervision label(const Student& student, const Examples& examples);
};

}  // namespace w2s
