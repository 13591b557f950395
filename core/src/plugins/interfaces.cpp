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

namespace {

// `tensor` in memory of its own: callers may hand in read-only views of a file.
Tensor owned(const Tensor& tensor, at::ScalarType type) {
  Tensor copy = tensor.detach().to(type).contiguous();
  return copy.is_alias_of(tensor) ? copy.clone() : copy;
}

std::string shape_text(const Tensor& tensor) {
  std::string text = "[";
  for (const std::int64_t size : tensor.sizes()) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

}  // namespace

void Parameters::add(const std::string& name, Tensor tensor) {
  adopt(name, owned(tensor, at::kFloat), false);
}

void Parameters::add_buffer(const std::string& name, Tensor tensor) {
  adopt(name, owned(tensor, tensor.scalar_type()), true);
}

void Parameters::adopt(const std::string& name, Tensor tensor, bool buffer) {
  if (!positions_.emplace(name, items_.size()).second) throw Error("parameter '" + name + "' exists already");
  const Tensor kept = buffer ? tensor.detach() : tensor.detach().to(at::kFloat);
  items_.push_back({name, kept.contiguous().requires_grad_(!buffer), buffer});
}

bool Parameters::has(const std::string& name) const { return positions_.count(name) != 0; }

const Tensor& Parameters::at(const std::string& name) const {
  const auto found = positions_.find(name);
  if (found == positions_.end()) {
    std::vector<std::string> names;
    for (const Item& item : items_) names.push_back(item.name);
    throw Error("no parameter '" + name + "'" + did_you_mean(name, names));
  }
  return items_[found->second].tensor;
}

void Parameters::assign(const std::string& name, const Tensor& values) {
  Tensor target = at(name);
  if (target.sizes() != values.sizes()) {
    throw Error("parameter '" + name + "' has shape " + shape_text(target) + ", the values have " +
                shape_text(values));
  }
  const at::NoGradGuard no_grad;
  target.copy_(values);
}

std::int64_t Parameters::count() const {
  std::int64_t numbers = 0;
  for (const Item& item : items_) numbers += item.buffer ? 0 : item.tensor.numel();
  return numbers;
}

std::int64_t Encoded::rows() const {
  return ragged() ? static_cast<std::int64_t>(offsets.size()) - 1 : dense.size() * parts;
}

std::int64_t Encoded::length(std::int64_t row) const {
  if (!ragged()) return 1;
  const auto i = static_cast<std::size_t>(row);
  return offsets.at(i + 1) - offsets.at(i);
}

Encoded IModel::encode(const Examples& examples, TaskKind kind) const {
  if (examples.has_text())
    throw UsageError("this model takes dense inputs, but the task's examples are text");
  if (kind != TaskKind::classification) {
    throw UsageError("this model serves classification only: dense data has neither pairs nor answers");
  }
  Encoded encoded;
  encoded.dense = examples;
  return encoded;
}

Tensor IModel::hidden(const Batch&) {
  throw UsageError("this model is not a language model: it has no hidden states per token");
}

Tensor IModel::vocabulary_logits(const Tensor&) {
  throw UsageError("this model is not a language model: it has no vocabulary");
}

const Tokenizer& IModel::tokenizer() const {
  throw UsageError("this model reads no text: it has no tokenizer");
}
std::int64_t IModel::context() const { throw UsageError("this model reads no text: it has no context"); }

std::int64_t IModel::block_of(const std::string&) const { return 0; }

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
