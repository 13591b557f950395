// Out-of-line destructors (one type_info each, in the core) and default members of the SDK's interfaces.
#include <w2s/plugin.hpp>

namespace w2s {

ITask::~ITask() = default;
IModel::~IModel() = default;
IObjective::~IObjective() = default;
ILoss::~ILoss() = default;
ISupervisionStrategy::~ISupervisionStrategy() = default;
Lab::~Lab() = default;
Training::~Training() = default;
StepRule::~StepRule() = default;

std::vector<std::string> IObjective::files() const { return {}; }

Encoded IObjective::inputs(const IModel& model, const Examples& examples, TaskKind kind) {
  return model.encode(examples, kind);
}

std::map<std::string, double> IObjective::measures(IModel&) { return {}; }

void ILoss::check(const LossContext&) const {}
void ILoss::begin(std::int64_t, std::int64_t) {}
std::map<std::string, Tensor> ILoss::state() const { return {}; }

void ILoss::load_state(const std::map<std::string, Tensor>& state) {
  if (!state.empty()) {
    throw Error("the checkpoint holds the state '" + state.begin()->first + "' for a loss that keeps none");
  }
}

std::string ISupervisionStrategy::serves(TaskKind kind) const {
  return kind == TaskKind::generation ? "it works on examples that have classes, and answers have none" : "";
}

void ISupervisionStrategy::check(const StrategyContext&) const {}

std::map<std::string, Tensor> StepRule::state() const { return {}; }

void StepRule::load_state(const std::map<std::string, Tensor>& state) {
  if (!state.empty()) {
    throw Error("the checkpoint holds the state '" + state.begin()->first + "' for a rule that keeps none");
  }
}

Tensor Training::answer_log_probabilities(std::int64_t, const Positions&, bool) {
  throw UsageError("log-probabilities of answers: this fit writes no answers");
}

Answers Lab::answer(const Student&, const Examples&) {
  throw UsageError("answers: this task is not one of generation");
}

Stream Lab::stream_for(const std::string& purpose, const Supervision& labels, const FitSpec& spec) const {
  return stream(purpose + " of " + spec.model + " for " + labels.digest());
}

FitSpec Lab::supervisor_spec(const std::string&) const { throw Error("this lab fits no supervisors"); }

AnswerScores Lab::score_answers(const Student&, const Examples&, const std::vector<std::string>&, bool) {
  throw UsageError("scores of answers: this task is not one of generation");
}

Student Lab::tune(const FitSpec&, const Spec&, const Table&, const Examples&) {
  throw UsageError("this lab does not train on objectives");
}

Supervision Lab::label(const Student& student, const Examples& examples) {
  if (task_kind() == TaskKind::generation) return Supervision::written(examples, answer(student, examples));
  return Supervision::soft(examples, predict(student, examples));
}

}  // namespace w2s
