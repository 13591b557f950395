// LocalLab: the Lab of one job, in this process, over a store.
//
// Fits, features and predictions are objects under a digest of everything that
// can change them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include <w2s/strategy.hpp>

#include "config/experiment.hpp"
#include "data/split.hpp"
#include "engine/trainer.hpp"
#include "lab/blueprint.hpp"

namespace w2s {

/// What a running fit tells its watchers.
struct Progress {
  std::string what;  // "fit strong", "pretrain strong", "waiting for …"
  StepReport report;
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
};

class LocalLab final : public Lab {
 public:
  explicit LocalLab(LabSetup setup);
  ~LocalLab() override;

  Student fit(const Supervision& supervision, const FitSpec& spec) override;
  Tensor predict(const Student& student, const Examples& examples) override;
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
  /// Predictions of the oracle's weights; nothing where the fit had no early stopping.
  std::optional<Tensor> predict_oracle(const Student& student, const Examples& examples);
  /// Keys of all fits that this lab asked for, in order, once each; pretrainings among them.
  const std::vector<std::string>& used() const { return used_; }
  /// How many of them were computed rather than found.
  std::int64_t computed() const { return computed_; }

 private:
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
  Blueprint student_blueprint(const FitSpec& spec, std::size_t student);
  const Fitted& fitted(const std::string& key);
  Backbone backbone_of(const Fitted& fitted);
  const PluginInfo& plugin_of(const Backbone& backbone) const;
  IModel& model_of(const Backbone& backbone);
  Tensor features_of(const Backbone& backbone, const Examples& examples, bool keep);
  Tensor member_probabilities(const std::string& key, const Examples& examples, bool oracle);
  std::function<void(const StepReport&)> observer(const std::string& what, std::ostream& log);
  void note(const std::string& key, bool computed);

  LabSetup setup_;
  Student supervisor_;
  std::optional<SupervisorFit> supervisor_fit_;
  std::vector<Examples> bases_;  // whole sets whose features are kept; subsets are read from them
  std::map<std::pair<std::string, std::uint64_t>, Blueprint> blueprints_;
  std::map<std::string, std::unique_ptr<Fitted>> fitted_;
  std::map<std::string, std::unique_ptr<IModel>> built_;
  std::map<std::string, Tensor> features_;
  std::vector<std::string> used_;
  std::int64_t computed_ = 0;
};

/// The chain of strategies (outermost first) ending in lab.fit.
Student run_chain(const std::vector<std::unique_ptr<ISupervisionStrategy>>& chain, const Supervision& labels,
                  const FitSpec& spec, Lab& lab);

}  // namespace w2s
