// LocalLab: the Lab of one job, in this process, over a store.
//
// Fits, features and predictions are objects under a digest of everything that
// can change them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include <w2s/safetensors.hpp>
#include <w2s/strategy.hpp>

#include "config/experiment.hpp"
#include "data/split.hpp"
#include "engine/trainer.hpp"
#include "lab/blueprint.hpp"
#include "lab/probe_queue.hpp"

namespace w2s {

/// What a running fit tells its watchers.
struct Progress {
  std::string what;  // "fit strong", "pretrain strong", "waiting for …"
  StepReport report;
};

/// What labs over the same store and data share, so that the next one need not read or compute it again.
struct LabCache {
  std::map<std::string, Tensor> features;       // by key of their object
  std::map<std::string, Tensor> probabilities;  // by digest of fit and inputs
  std::int64_t bytes = 0;                       // of the probabilities
};

struct LabSetup {
  const Experiment* experiment = nullptr;
  const Registry* registry = nullptr;
  Store* store = nullptr;
  const TaskData* data = nullptr;
  const Splits* splits = nullptr;
  std::uint64_t seed = 0;
  Table method_train;  // overrides of the method whose student is being fitted
  at::Device device{at::kCPU};
  std::function<void(const Progress&)> progress;
  std::function<void(const std::string&)> log;
  CheckpointSchedule checkpoints;
  std::string tensorboard;       // a folder for this job's event files, or ""
  Team* team = nullptr;          // processes that do all of this together, over a store that is in step
  ProbeQueue* probes = nullptr;  // of a group of jobs: fits of probes go there, all others throw LeavesGroup
  std::shared_ptr<LabCache> cache;  // may be shared by labs, one after the other; null: one of its own
};

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
  TaskKind task_kind() const override { return setup_.data->kind; }
  std::int64_t classes() const override { return setup_.data->classes; }
  const Student& supervisor() const override { return supervisor_; }
  const SupervisorFit& supervisor_fit() const override;
  Stream stream(const std::string& purpose) const override;
  void log(const std::string& line) override;

  void set_supervisor(Student supervisor, SupervisorFit fit) {
    supervisor_ = std::move(supervisor);
    supervisor_fit_ = std::move(fit);
  }
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
  const std::vector<std::string>& used() const { return used_; }
  /// How many of them were computed rather than found.
  std::int64_t computed() const { return computed_; }
  /// Seconds of those that were computed in a queue, before this lab found them.
  double queued_seconds() const { return queued_seconds_; }
  /// Whether a fit was postponed. A job that goes on all the same has got hold of no student.
  bool postponed() const { return postponed_; }

 private:
  struct FeatureRows;
  struct Fitted;
  struct Backbone;
  struct InTraining;

  TrainParams method_settings(const std::string& model) const;
  Blueprint initial(const ModelSpec& model, std::uint64_t seed) const;
  const Blueprint& blueprint(const std::string& model, std::uint64_t seed);
  const Examples& unlabelled() const;
  Blueprint pretrain_start(const ModelSpec& model, const std::vector<std::string>& files) const;
  std::string pretrain_key(const ModelSpec& model) const;
  void compute_pretrain(const ModelSpec& model, const std::string& key);
  void compute_fit(const std::vector<std::string>& keys, const Supervision& supervision, const FitSpec& spec,
                   const Supervision* validation);
  Student fit_probe(const std::string& key, const Supervision& supervision, const FitSpec& spec,
                    const Supervision* validation);
  std::unique_ptr<ProbeFit> probe_fit(const std::string& key, const Supervision& supervision,
                                      const FitSpec& spec, const Supervision* validation);
  std::unique_ptr<Head> initial_head(const FitSpec& spec, std::int64_t width, const SafeTensors* start,
                                     const PluginInfo& plugin, const std::function<IModel&()>& model) const;
  nlohmann::json fit_manifest(const FitSpec& spec, const Backbone& backbone, const Supervision& supervision,
                              const Supervision* validation) const;
  nlohmann::json run_objective(IModel& model, const Spec& objective, const Examples& inputs,
                               const TrainParams& train, const Stream& stream, const std::string& title,
                               const std::string& key, std::string& log);
  Blueprint student_blueprint(const FitSpec& spec, std::size_t student);
  Backbone start_of(const FitSpec& spec, std::size_t student);
  Examples text_inputs(const Supervision& supervision, const FitSpec& spec, const Supervision* validation);
  std::unique_ptr<IModel> build(const Backbone& backbone) const;
  const Fitted& fitted(const std::string& key);
  Backbone backbone_of(const Fitted& fitted);
  const PluginInfo& plugin_of(const Backbone& backbone) const;
  IModel& model_of(const Backbone& backbone);
  Tensor compute_features(IModel& model, const Examples& examples);
  FeatureRows kept_features(const Backbone& backbone, const Examples& examples);
  Tensor features_of(const Backbone& backbone, const Examples& examples, bool keep);
  Tensor member_probabilities(const std::string& key, const Examples& examples, bool oracle);
  void require_answers(const Student& student) const;
  std::int64_t answer_limit(const IModel& model) const;
  Encoded encode_answers(const IModel& model, const Examples& examples) const;
  Answers member_answers(const std::string& student, const Examples& examples, bool oracle);
  Answers write_answers(const Backbone& backbone, const Examples& prompts);
  AnswerScores compute_scores(IModel& model, const Examples& texts);
  Examples own_part(const Examples& examples) const;
  Examples with_draft(const Student& draft, const Examples& examples);
  /// Adds to `log`, a line of JSON a report, and tells the job's watchers.
  std::function<void(const StepReport&)> observer(const std::string& what, const std::string& key,
                                                  std::string& log);
  CheckpointSchedule schedule() const;
  void note(const std::string& key, bool computed);

  LabSetup setup_;
  Student supervisor_;
  std::optional<SupervisorFit> supervisor_fit_;
  Examples unlabelled_;          // what pretraining may read
  std::vector<Examples> bases_;  // whole sets whose features are kept; subsets are read from them
  std::map<std::pair<std::string, std::uint64_t>, Blueprint> blueprints_;
  std::map<std::string, std::unique_ptr<Fitted>> fitted_;
  std::map<std::string, std::unique_ptr<IModel>> built_;
  std::vector<std::string> used_;
  std::int64_t computed_ = 0;
  double queued_seconds_ = 0;
  bool postponed_ = false;
};

/// The chain of strategies (outermost first) ending in lab.fit.
Student run_chain(const std::vector<std::unique_ptr<ISupervisionStrategy>>& chain, const Supervision& labels,
                  const FitSpec& spec, Lab& lab);

}  // namespace w2s
