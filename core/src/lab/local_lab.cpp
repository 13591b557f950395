#include "lab/local_lab.hpp"

#include <algorithm>
#include <cctype>

#include "lab/local_lab_parts.hpp"
#include "lab/text_examples.hpp"
#include "base/tensorboard.hpp"

namespace w2s {
namespace {

// A folder's name that every shell and browser takes as it is.
std::string file_name(std::string text) {
  for (char& c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '_') c = '-';
  }
  return text;
}

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

LocalLab::LocalLab(LabSetup setup) : setup_(std::move(setup)) {
  if (!setup_.cache) setup_.cache = std::make_shared<LabCache>();
  const Splits& splits = *setup_.splits;
  for (const Half* half : {&splits.supervisor, &splits.transfer})
    bases_.push_back(half->train.concat(half->validation));
  for (const auto& [name, examples] : splits.tests) bases_.push_back(examples);
  const TaskData& data = *setup_.data;
  unlabelled_ = data.unlabelled.empty() ? data.train : data.unlabelled;
  if (data.kind == TaskKind::generation) unlabelled_ = without_answers(unlabelled_);
}

LocalLab::~LocalLab() = default;

std::vector<std::string> LocalLab::models() const {
  std::vector<std::string> names;
  for (const ModelSpec& model : setup_.experiment->models) names.push_back(model.name);
  return names;
}

Stream LocalLab::stream(const std::string& purpose) const {
  return Stream(setup_.seed, "strategy " + purpose);
}

void LocalLab::log(const std::string& line) {
  if (setup_.log) setup_.log(line);
}

FitSpec LocalLab::spec_for(const std::string& model) const {
  FitSpec spec;
  spec.model = model;
  spec.seed = setup_.seed;
  spec.train = parse_train(merge(setup_.experiment->train, setup_.experiment->model(model).train), "train");
  return spec;
}

FitSpec LocalLab::student_spec(const std::string& model) const {
  FitSpec spec = spec_for(model);
  spec.train = method_settings(model);
  return spec;
}

TrainParams LocalLab::method_settings(const std::string& model) const {
  return parse_train(
      merge(merge(setup_.experiment->train, setup_.experiment->model(model).train), setup_.method_train),
      "train");
}

FitSpec LocalLab::for_model(const FitSpec& spec, const std::string& model) const {
  FitSpec other = spec;
  other.model = model;
  other.start = Student();
  // What strategies further out have changed holds for the other model too.
  const Table usual = table_of(method_settings(spec.model)), changed = table_of(spec.train);
  Table settings = table_of(method_settings(model));
  for (const auto& [key, value] : changed) {
    if (!(usual.at(key) == value)) settings.set(key, value);
  }
  other.train = parse_train(settings, "train");
  return other;
}

// The model's weights before any pretraining.
Blueprint LocalLab::initial(const ModelSpec& model, std::uint64_t seed) const {
  Blueprint blueprint;
  blueprint.spec = resolve(*setup_.registry, PluginKind::model, model.spec);
  blueprint.context.kind = setup_.data->kind;
  blueprint.context.classes = setup_.data->classes;
  const Columns& columns = setup_.data->train.columns();
  if (columns.dense.defined()) blueprint.context.input_shape = columns.dense.sizes().slice(1).vec();
  blueprint.seed = seed;
  blueprint.init = model.init;
  return blueprint;
}

const Blueprint& LocalLab::blueprint(const std::string& name, std::uint64_t seed) {
  const auto known = blueprints_.find({name, seed});
  if (known != blueprints_.end()) return known->second;
  const ModelSpec& model = setup_.experiment->model(name);
  Blueprint blueprint = initial(model, seed);
  if (model.pretrain) blueprint.pretrain = pretrain(name);
  return blueprints_[{name, seed}] = blueprint;
}

CheckpointSchedule LocalLab::schedule() const {
  CheckpointSchedule schedule = setup_.checkpoints;
  schedule.log = setup_.log;
  schedule.team = setup_.team;
  return schedule;
}

void LocalLab::note(const std::string& key, bool computed) {
  if (std::find(used_.begin(), used_.end(), key) == used_.end()) used_.push_back(key);
  computed_ += computed ? 1 : 0;
}

std::function<void(const StepReport&)> log_writer(const std::string& tensorboard, const std::string& what,
                                                  const std::string& key, std::string& log) {
  std::shared_ptr<TensorBoardWriter> events;
  if (!tensorboard.empty()) {
    const std::string folder = file_name(what) + "-" + key.substr(0, 8);
    events = std::make_shared<TensorBoardWriter>(tensorboard + "/" + folder, unix_time());
  }
  return [events, &log](const StepReport& report) {
    if (!report.in_log()) return;
    nlohmann::json line = {{"step", report.step},
                           {"epoch", report.epoch},
                           {"loss", report.loss},
                           {"lr", report.lr},
                           {"gradient_norm", report.gradient_norm},
                           {"examples_per_second", report.examples_per_second}};
    if (report.validation_agreement) line["validation_agreement"] = *report.validation_agreement;
    if (report.validation_accuracy) line["validation_accuracy_oracle"] = *report.validation_accuracy;
    log += line.dump() + '\n';
    if (!events) return;
    for (const auto& [name, value] : line.items()) {
      if (name != "step") events->scalar(name, report.step, value.get<double>(), unix_time());
    }
    events->flush();
  };
}

std::function<void(const StepReport&)> LocalLab::observer(const std::string& what, const std::string& key,
                                                          std::string& log) {
  const std::string tensorboard = setup_.store->leads() ? setup_.tensorboard : "";
  return [this, what, write = log_writer(tensorboard, what, key, log)](const StepReport& report) {
    write(report);
    if (setup_.progress) setup_.progress({what, report});
  };
}

std::map<std::string, Tensor> LocalLab::once(const Spec& owner, const std::string& inputs,
                                             const std::function<std::map<std::string, Tensor>()>& compute) {
  Digest sha;
  const std::string key = sha.add("tensors")
                              .add(engine_digest())
                              .add(spec_digest(*setup_.registry, PluginKind::strategy, owner))
                              .add(inputs)
                              .add(static_cast<std::int64_t>(setup_.seed))
                              .add(device_kind(setup_.device))
                              .hex();
  setup_.store->once(key, [&] {
    const std::map<std::string, Tensor> computed = compute();
    setup_.store->put(key, "tensors", [&](ObjectWriter& object) {
      save_safetensors(object.folder() + "/tensors.safetensors", computed);
      object.manifest()["owner"] = json_of(owner);
    });
  });
  const SafeTensors file = SafeTensors::open(setup_.store->path(key) + "/tensors.safetensors");
  std::map<std::string, Tensor> tensors;
  for (const std::string& name : file.names()) tensors[name] = file.at(name);
  return tensors;
}

const SupervisorFit& LocalLab::supervisor_fit() const {
  if (!supervisor_fit_) throw UsageError("the labels come from outside: there is no supervisor to fit anew");
  return *supervisor_fit_;
}

Student run_chain(const std::vector<std::unique_ptr<ISupervisionStrategy>>& chain, const Supervision& labels,
                  const FitSpec& spec, Lab& lab) {
  std::function<Student(std::size_t, const Supervision&, const FitSpec&)> link =
      [&](std::size_t i, const Supervision& given, const FitSpec& wanted) -> Student {
    if (i == chain.size()) return lab.fit(given, wanted);
    return chain[i]->supervise(given, wanted, lab,
                               [&, i](const Supervision& s, const FitSpec& f) { return link(i + 1, s, f); });
  };
  return link(0, labels, spec);
}

}  // namespace w2s
