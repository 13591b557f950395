#include "launch/job_runner.hpp"

#include <ATen/Parallel.h>

#include <chrono>

#include <fmt/format.h>

#include <w2s/digest.hpp>
#include <w2s/plugin.hpp>
#include <w2s/safetensors.hpp>

#include "base/code_parts.hpp"
#include "base/energy.hpp"
#include "base/files.hpp"
#include "lab/probe_queue.hpp"
#include "lab/text_examples.hpp"
#include "launch/build_info.hpp"
#include "results/cases.hpp"
#include "results/evaluation.hpp"
#include "results/ledger.hpp"
#include "store/answer_bits.hpp"
#include "store/payload.hpp"
#include "supervisors/supervisor.hpp"

namespace w2s {
namespace {

// What a job's record keeps: predictions, and texts where there are any.
struct Kept {
  std::map<std::string, Tensor> tensors;
  nlohmann::json texts;  // generation: answers and references
};

template <class T>
std::vector<T> flat(const Tensor& tensor, at::ScalarType type) {
  const Tensor plain = tensor.to(at::kCPU, type).contiguous();
  const T* data = plain.data_ptr<T>();
  return std::vector<T>(data, data + plain.numel());
}

// Answers and references as ids: equal where the trimmed texts are.
Labels ids_of(const std::vector<std::string>& texts) {
  Labels ids;
  for (const std::string& text : texts)
    ids.push_back(static_cast<std::int64_t>(Digest().add(trimmed(text)).word() >> 1));
  return ids;
}

// Adds the predictions of a set under its name to what is kept, and gives them.
Predictions keep(const std::string& name, const Examples& examples, const Tensor& probabilities, Kept& kept) {
  Predictions found;
  const Tensor labels = examples.labels(), plain = probabilities.to(at::kCPU, at::kFloat).contiguous();
  found.probabilities = flat<float>(plain, at::kFloat);
  found.labels = flat<std::int64_t>(labels, at::kLong);
  found.classes = plain.size(1);
  kept.tensors[name + ".probabilities"] = plain;
  kept.tensors[name + ".labels"] = labels;
  return found;
}

Predictions keep(const std::string& name, const Examples& examples, const Answers& answers, Kept& kept) {
  Predictions found;
  const std::vector<std::string> references = references_of(examples);
  found.answers = ids_of(answers.texts);
  found.labels = ids_of(references);
  found.certainty = flat<float>(answers.certainty, at::kFloat);
  kept.tensors[name + ".answers"] = at::tensor(found.answers, at::kLong);
  kept.tensors[name + ".labels"] = at::tensor(found.labels, at::kLong);
  kept.tensors[name + ".certainty"] = answers.certainty;
  kept.texts[name] = {{"answers", answers.texts}, {"references", references}};
  return found;
}

using Asked = std::function<TestLabels(const Examples&)>;

// Predictions on each of these sets; `unscored` says why a set has none.
std::map<std::string, Predictions> ask(const std::map<std::string, Examples>& sets, const Asked& predict,
                                       Kept& kept, std::map<std::string, std::string>& unscored) {
  std::map<std::string, Predictions> found;
  for (const auto& [name, examples] : sets) {
    const auto [probabilities, why_not, answers] = predict(examples);
    if (answers) {
      found[name] = keep(name, examples, *answers, kept);
    } else if (probabilities.defined()) {
      found[name] = keep(name, examples, probabilities, kept);
    } else {
      unscored[name] = why_not;
    }
  }
  return found;
}

Predictions weak_labels(const Supervision& labels, Kept& kept) {
  return labels.generation()
             ? keep("transfer", labels.examples, Answers{labels.answers, labels.certainty}, kept)
             : keep("transfer", labels.examples, labels.targets, kept);
}

void write_kept(const std::string& folder, const std::string& file, const Kept& kept) {
  if (!kept.tensors.empty()) save_safetensors(folder + "/" + file, kept.tensors);
}

void write_texts(const std::string& folder, const Kept& kept) {
  if (kept.texts.empty()) return;
  const auto replace = nlohmann::json::error_handler_t::replace;
  write_file_atomically(folder + "/" + kAnswersFile, kept.texts.dump(-1, ' ', false, replace));
}

// What the examples are on which student, supervisor and truth disagree: for the report.
void keep_cases(const std::string& folder, const std::string& supervisor, const Splits& splits,
                const std::vector<std::string>& classes) {
  const std::string file = "/" + kPredictionsFile;
  if (!exists(supervisor + file)) return;
  const auto describe = [&](const std::string& test, std::size_t place) {
    const Examples& examples = splits.tests.at(test);
    const auto i = static_cast<std::int64_t>(place);
    nlohmann::json example = {{"id", examples.id(i)}};
    if (examples.has_text()) {
      example["text"] = excerpt(examples.text(i));
      if (!examples.columns().second.empty()) example["second"] = excerpt(examples.second(i));
    }
    return example;
  };
  const nlohmann::json cases =
      describe_cases(read_predictions(folder + file), read_predictions(supervisor + file), classes, describe);
  if (cases.is_null()) return;
  const auto replace = nlohmann::json::error_handler_t::replace;
  write_file_atomically(folder + "/" + kCasesFile, cases.dump(-1, ' ', false, replace));
}

std::map<std::string, std::string> plugin_digests(const Experiment& experiment, const Job& job,
                                                  const Registry& registry) {
  std::map<std::string, std::string> digests = registry.digests(PluginKind::task, experiment.task);
  const auto add = [&](PluginKind kind, const Spec& spec) {
    for (const auto& [id, digest] : registry.digests(kind, spec)) digests[id] = digest;
  };
  std::vector<std::string> models{job.strong};
  if (experiment.supervisor.outside()) {
    for (const std::string& name : experiment.supervisor.models()) models.push_back(name);
  } else {
    models.push_back(job.weak);
  }
  for (const std::string& name : models) {
    if (name.empty()) continue;
    const ModelSpec& model = experiment.model(name);
    add(PluginKind::model, model.spec);
    if (model.pretrain) add(PluginKind::objective, model.pretrain->objective);
  }
  add(PluginKind::loss, Spec{"cross_entropy", {}, {}});
  for (const MethodSpec& method : experiment.methods) {
    if (method.name != job.method) continue;
    if (!method.loss.empty()) add(PluginKind::loss, method.loss);
    for (const Spec& spec : method.strategy) add(PluginKind::strategy, spec);
  }
  return digests;
}

// "student-gce-supervisor-strong-seed1-0a1b2c3d"
std::string folder_name(const Job& job) {
  std::string name = name_of(job.kind);
  for (const std::string& part : {job.method, job.weak, job.strong}) {
    if (!part.empty()) name += "-" + part;
  }
  return fmt::format("{}-seed{}-{}", name, job.seed, job.key.substr(0, 8));
}

}  // namespace

struct JobRunner::Loaded {
  TaskData data;
  std::map<std::int64_t, Splits> splits;  // by seed
};

JobRunner::JobRunner(const Plan& plan, const Registry& registry, Store& store, RunnerOptions options)
    : plan_(plan), registry_(registry), store_(store), options_(std::move(options)) {}

JobRunner::~JobRunner() = default;

JobRunner::Loaded& JobRunner::loaded(const Job& job) {
  const Experiment& experiment = plan_.experiments[job.experiment];
  std::unique_ptr<Loaded>& entry = loaded_[plan_.protocols[job.experiment]];
  if (!entry) {
    auto fresh = std::make_unique<Loaded>();
    const std::string& protocol = plan_.protocols[job.experiment];
    if (options_.tasks != nullptr && options_.tasks->count(protocol) > 0) {
      fresh->data = options_.tasks->at(protocol);
    } else {
      if (options_.progress) options_.progress({"reading " + experiment.task_name});
      fresh->data = registry_.make_task(experiment.task)->load();
    }
    if (options_.log) {
      for (const std::string& note : fresh->data.notes) options_.log(note);
    }
    entry = std::move(fresh);
  }
  if (!entry->splits.count(job.seed)) {
    try {
      entry->splits.emplace(job.seed,
                            make_splits(entry->data, experiment.split, static_cast<std::uint64_t>(job.seed)));
    } catch (const UsageError& error) {
      throw error.at(experiment.task.source);
    }
  }
  return *entry;
}

JobOutcome JobRunner::run(const Job& job) {
  JobOutcome outcome;
  const bool computed = store_.once(
      job.key, [&] { outcome = compute(job); },
      [&] {
        if (options_.progress) options_.progress({"waiting for another run of this job"});
      });
  if (computed) return outcome;
  outcome.summary = "found in the store";
  if (options_.probes == nullptr) return outcome;
  // Another process stored the record first; fits that its job found may have been computed here.
  for (const std::string& fit : store_.manifest(job.key).at("record").get<Record>().fits) {
    if (options_.probes->claim(fit) != nullptr) ++outcome.fits, ++outcome.computed;
  }
  return outcome;
}

// What one job makes of its lab.
struct JobRunner::Work {
  Work(LabSetup setup, const Job& job) : lab(std::move(setup)) {
    record.key = job.key;
    record.kind = name_of(job.kind);
    record.weak = job.weak;
    record.strong = job.strong;
    record.method = job.method;
    record.seed = job.seed;
    record.floor = job.floor;
    record.ceiling = job.ceiling;
  }

  const std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  EnergyMeter energy;
  LocalLab lab;
  Record record;
  std::unique_ptr<Supervisor> supervisor;
  Student student;
  Evidence evidence;
  Kept predictions, oracle, labels;
};

LabSetup JobRunner::lab_setup(const Job& job, Loaded& task, const std::function<void()>& look) {
  const Experiment& experiment = plan_.experiments[job.experiment];
  LabSetup setup;
  setup.experiment = &experiment;
  setup.registry = &registry_;
  setup.store = &store_;
  setup.data = &task.data;
  setup.splits = &task.splits.at(job.seed);
  setup.seed = static_cast<std::uint64_t>(job.seed);
  setup.method = job.method;
  setup.device = options_.device;
  setup.progress = [this, look](const Progress& progress) {
    look();
    if (options_.progress) options_.progress(progress);
  };
  setup.log = options_.log;
  setup.checkpoints = options_.checkpoints;
  setup.probes = options_.probes;
  setup.cache = cache_;
  setup.team = options_.team;
  if (!options_.tensorboard.empty())
    setup.tensorboard = fmt::format("{}/{}/{}", options_.tensorboard, experiment.name, folder_name(job));
  return setup;
}

// Fits what the job is about, and gathers what a student's teacher said.
void JobRunner::fit(const Job& job, Loaded& task, Work& work) {
  const Experiment& experiment = plan_.experiments[job.experiment];
  const Splits& splits = task.splits.at(job.seed);
  LocalLab& lab = work.lab;
  if (job.kind == JobKind::pretrain) {
    lab.pretrain(job.strong);
    return;
  }
  if (job.kind == JobKind::ceiling) {
    const SupervisorFit truth = on_truth(
        lab, job.strong, experiment.ceiling_on == HalfName::supervisor ? splits.supervisor : splits.transfer);
    work.student = lab.fit(truth.labels, truth.spec);
    return;
  }
  work.supervisor = make_supervisor(
      {&experiment, job.weak, &task.data, &splits, static_cast<std::uint64_t>(job.seed)}, lab);
  const Supervision labels = work.supervisor->label(splits.transfer.train);
  if (job.kind == JobKind::floor) {
    work.student = lab.supervisor();
    weak_labels(labels, work.labels);
    return;
  }
  const MethodSpec& method = experiment.method(job.method);
  FitSpec spec = lab.student_spec(job.strong);
  if (!method.loss.empty()) spec.loss = method.loss;
  const Supervision validation = work.supervisor->label(splits.transfer.validation);
  if (validation.size() > 0) spec.validation = validation;
  const Chain chain = make_chain(registry_, method.strategy);
  try {
    work.student = run_chain(chain, labels, spec, lab);
  } catch (...) {  // a strategy may have made something else of it
    if (lab.postponed()) throw Postponed();
    throw;
  }
  Kept known;  // the floor's record has them
  std::map<std::string, std::string> unscored;
  work.evidence.weak_labels = weak_labels(labels, known);
  // A student is compared with its supervisor on the main test set alone.
  work.evidence.supervisor = ask(
      {{"test", splits.tests.at("test")}},
      [&](const Examples& examples) { return work.supervisor->test(examples); }, known, unscored);
}

void JobRunner::predict(const Loaded& task, std::int64_t seed, Work& work) {
  const Splits& splits = task.splits.at(seed);
  LocalLab& lab = work.lab;
  work.evidence.tests = ask(
      splits.tests,
      [&](const Examples& examples) {
        return work.student.empty() ? work.supervisor->test(examples)
                                    : test_labels(lab, work.student, examples);
      },
      work.predictions, work.record.unscored);
  if (!lab.has_oracle(work.student)) return;
  std::map<std::string, std::string> unscored;
  work.evidence.oracle = ask(
      splits.tests,
      [&](const Examples& examples) -> TestLabels {
        if (task.data.kind == TaskKind::generation)
          return {{}, "", lab.answer_oracle(work.student, examples)};
        return {lab.predict_oracle(work.student, examples), "", {}};
      },
      work.oracle, unscored);
}

void JobRunner::describe(const Job& job, const Loaded& task, Work& work) {
  const Experiment& experiment = plan_.experiments[job.experiment];
  LocalLab& lab = work.lab;
  Record& record = work.record;
  record.experiment = experiment.name;
  record.task = experiment.task_name;
  record.protocol = plan_.protocols[job.experiment];
  const bool from_outside = job.kind == JobKind::floor && work.student.empty();
  if (!from_outside) record.fits = lab.used();  // no fit of its own: a judge's belongs to others
  record.cost = {{"fits", lab.used().size()},
                 {"computed", lab.computed()},
                 {"seconds", seconds_since(work.started) + lab.queued_seconds()},
                 {"peak_bytes", peak_bytes()}};
  // The energy of fits that were trained with those of other jobs is nobody's own.
  if (const auto joules = work.energy.joules(); joules && lab.queued_seconds() == 0)
    record.cost["energy_joules"] = *joules;
  record.provenance = {{"code", job.code},
                       {"experiment", experiment.to_toml()},
                       {"parts", code_parts()},
                       {"w2s", kVersion},
                       {"commit", kCommit},
                       {"torch", torch_version()},
                       {"device", options_.device.str()},
                       {"threads", at::get_num_threads()},
                       {"plugins", plugin_digests(experiment, job, registry_)}};
  if (!task.data.notes.empty()) record.provenance["data_notes"] = task.data.notes;
  if (options_.team != nullptr) record.provenance["processes"] = options_.team->size();
}

void JobRunner::keep(const Job& job, const Loaded& task, const Work& work) {
  store_.put(job.key, "record", [&](ObjectWriter& object) {
    const std::string& folder = object.folder();
    write_kept(folder, kPredictionsFile, work.predictions);
    write_kept(folder, kOraclePredictionsFile, work.oracle);
    write_kept(folder, kWeakLabelsFile, work.labels);
    write_texts(folder, work.predictions);
    for (const auto& [test, found] : work.evidence.tests) {
      const std::vector<std::uint8_t> right = correctness(found);
      write_file_atomically(folder + "/" + correctness_file(test), std::string(right.begin(), right.end()));
    }
    if (job.kind == JobKind::student && store_.has(job.floor))
      keep_cases(folder, store_.path(job.floor), task.splits.at(job.seed), task.data.class_names);
    plan_.recipe(job).write(object.manifest());
    object.manifest()["record"] = work.record;
    object.manifest()["student"] = work.student.members();
  });
}

JobOutcome JobRunner::compute(const Job& job) {
  Loaded& task = loaded(job);
  std::unique_ptr<Work> work;
  work = std::make_unique<Work>(lab_setup(job, task, [&work] { work->energy.look(); }), job);
  fit(job, task, *work);
  if (work->lab.postponed()) throw Postponed();  // a strategy has caught it
  JobOutcome outcome;
  if (job.kind != JobKind::pretrain) {
    predict(task, job.seed, *work);
    measure(work->record, work->evidence);
    outcome.summary = work->record.unscored.count("test") > 0
                          ? "no score: " + work->record.unscored.at("test")
                          : fmt::format("accuracy {:.4f}", work->record.tests.at("test").at("accuracy"));
  }
  outcome.fits = static_cast<std::int64_t>(work->lab.used().size());
  outcome.computed = work->lab.computed();
  outcome.queued_seconds = work->lab.queued_seconds();
  describe(job, task, *work);
  keep(job, task, *work);
  return outcome;
}

}  // namespace w2s
