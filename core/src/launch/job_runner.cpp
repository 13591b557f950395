#include "launch/job_runner.hpp"

#include <sys/resource.h>

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <chrono>

#include <fmt/format.h>

#include <w2s/digest.hpp>
#include <w2s/plugin.hpp>
#include <w2s/safetensors.hpp>

#include "base/energy.hpp"
#include "base/files.hpp"
#include "lab/engine_digest.hpp"
#include "supervisors/supervisor.hpp"
#include "lab/text_examples.hpp"
#include "launch/build_info.hpp"
#include "results/cases.hpp"
#include "results/ledger.hpp"
#include "results/measures.hpp"

namespace w2s {
namespace {

Probabilities flat(const Tensor& probabilities) {
  const Tensor plain = probabilities.to(at::kCPU, at::kFloat).contiguous();
  const auto* data = plain.data_ptr<float>();
  return Probabilities(data, data + plain.numel());
}

Labels flat_labels(const Tensor& labels) {
  const Tensor plain = labels.to(at::kLong).contiguous();
  const auto* data = plain.data_ptr<std::int64_t>();
  return Labels(data, data + plain.numel());
}

// Answers and references as ids: equal where the trimmed texts are.
Labels ids_of(const std::vector<std::string>& texts) {
  Labels ids;
  for (const std::string& text : texts)
    ids.push_back(static_cast<std::int64_t>(Digest().add(trimmed(text)).word() >> 1));
  return ids;
}

// Predictions of one student on every test set, as they go into its record.
struct TestResults {
  std::map<std::string, Measures> measures;
  std::map<std::string, Tensor> tensors;
  nlohmann::json texts;                         // generation: answers and references
  std::map<std::string, std::string> correct;   // a byte per example, 0 or 1
  std::map<std::string, std::string> unscored;  // why a test set has no predictions
};

TestResults evaluate(const Splits& splits, std::int64_t classes,
                     const std::function<TestLabels(const Examples&)>& predict) {
  TestResults results;
  for (const auto& [name, examples] : splits.tests) {
    const auto [probabilities, why_not, answers] = predict(examples);
    if (answers) {
      const std::vector<std::string> references = references_of(examples);
      const Labels said = ids_of(answers->texts), right = ids_of(references);
      results.measures[name] = answer_measures(said, right);
      const auto correct = answer_correctness(said, right);
      results.correct[name] = std::string(correct.begin(), correct.end());
      results.tensors[name + ".answers"] = at::tensor(said, at::kLong);
      results.tensors[name + ".labels"] = at::tensor(right, at::kLong);
      results.tensors[name + ".certainty"] = answers->certainty;
      results.texts[name] = {{"answers", answers->texts}, {"references", references}};
      continue;
    }
    if (!probabilities.defined()) {
      results.unscored[name] = why_not;
      continue;
    }
    const Tensor labels = examples.labels();
    results.measures[name] = prediction_measures(flat(probabilities), flat_labels(labels), classes);
    const auto correct = correctness(flat(probabilities), flat_labels(labels), classes);
    results.correct[name] = std::string(correct.begin(), correct.end());
    results.tensors[name + ".probabilities"] = probabilities.to(at::kCPU, at::kFloat).contiguous();
    results.tensors[name + ".labels"] = labels;
  }
  return results;
}

void keep_results(const std::string& folder, const TestResults& results) {
  save_safetensors(folder + "/predictions.safetensors", results.tensors);
  if (!results.texts.empty()) {
    const auto replace = nlohmann::json::error_handler_t::replace;
    write_file_atomically(folder + "/answers.json", results.texts.dump(-1, ' ', false, replace));
  }
  for (const auto& [name, correct] : results.correct)
    write_file_atomically(folder + "/" + correctness_file(name), correct);
}

// What the examples are on which student, supervisor and truth disagree: for the report.
void keep_cases(const std::string& folder, const std::string& supervisor, const Splits& splits,
                const std::vector<std::string>& classes) {
  const std::string file = "/predictions.safetensors";
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

std::int64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
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

const MethodSpec& method_of(const Experiment& experiment, const std::string& name) {
  for (const MethodSpec& method : experiment.methods) {
    if (method.name == name) return method;
  }
  throw Error("the experiment has no method '" + name + "'");
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
      if (options_.progress) options_.progress({"reading " + experiment.task_name, {}});
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
      const std::string where = experiment.task.source.text();
      throw UsageError((where.empty() ? "" : where + ": ") + error.what());
    }
  }
  return *entry;
}

JobOutcome JobRunner::run(const Job& job) {
  JobOutcome outcome;
  const bool computed = store_.once(
      job.key, [&] { outcome = compute(job); },
      [&] {
        if (options_.progress) options_.progress({"waiting for another run of this job", {}});
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

JobOutcome JobRunner::compute(const Job& job) {
  const auto started = std::chrono::steady_clock::now();
  EnergyMeter energy;
  const Experiment& experiment = plan_.experiments[job.experiment];
  Loaded& task = loaded(job);
  const Splits& splits = task.splits.at(job.seed);
  const std::int64_t classes = task.data.classes;

  LabSetup setup;
  setup.experiment = &experiment;
  setup.registry = &registry_;
  setup.store = &store_;
  setup.data = &task.data;
  setup.splits = &splits;
  setup.seed = static_cast<std::uint64_t>(job.seed);
  setup.device = options_.device;
  setup.progress = [this, &energy](const Progress& progress) {
    energy.look();
    if (options_.progress) options_.progress(progress);
  };
  setup.log = options_.log;
  setup.checkpoints = options_.checkpoints;
  setup.probes = options_.probes;
  setup.cache = cache_;
  setup.team = options_.team;
  if (!options_.tensorboard.empty()) {
    setup.tensorboard = fmt::format("{}/{}/{}", options_.tensorboard, experiment.name, folder_name(job));
  }
  if (job.kind == JobKind::student) setup.method_train = method_of(experiment, job.method).train;
  LocalLab lab(setup);

  Record record;
  record.key = job.key;
  record.kind = name_of(job.kind);
  record.experiment = experiment.name;
  record.task = experiment.task_name;
  record.protocol = plan_.protocols[job.experiment];
  record.weak = job.weak;
  record.strong = job.strong;
  record.method = job.method;
  record.seed = job.seed;
  record.floor = job.floor;
  record.ceiling = job.ceiling;

  const auto fit_on_truth = [&](const std::string& model, const Half& half) {
    const SupervisorFit fit = on_truth(lab, model, half);
    return lab.fit(fit.labels, fit.spec);
  };
  const SupervisorSetup teaching{&experiment, job.weak, &task.data, &splits, setup.seed};

  Student student;
  std::unique_ptr<Supervisor> supervisor;
  switch (job.kind) {
    case JobKind::pretrain:
      lab.pretrain(job.strong);
      break;
    case JobKind::floor:
      supervisor = make_supervisor(teaching, lab);
      student = lab.supervisor();
      break;
    case JobKind::ceiling:
      student = fit_on_truth(job.strong,
                             experiment.ceiling_on == "supervisor" ? splits.supervisor : splits.transfer);
      break;
    case JobKind::student: {
      const MethodSpec& method = method_of(experiment, job.method);
      supervisor = make_supervisor(teaching, lab);
      FitSpec spec = lab.student_spec(job.strong);
      if (!method.loss.empty()) spec.loss = method.loss;
      const Supervision validation = supervisor->label(splits.transfer.validation);
      if (validation.size() > 0) spec.validation = validation;
      std::vector<std::unique_ptr<ISupervisionStrategy>> chain;
      for (const Spec& link : method.strategy) chain.push_back(registry_.make_strategy(link));
      const Supervision labels = supervisor->label(splits.transfer.train);
      try {
        student = run_chain(chain, labels, spec, lab);
      } catch (...) {  // a strategy may have made something else of it
        if (lab.postponed()) throw Postponed();
        throw;
      }

      const Examples& test = splits.tests.at("test");
      if (const TestLabels taught = supervisor->test(test); taught.answers) {
        record.supervision =
            answer_supervision_measures(ids_of(lab.answer(student, test).texts),
                                        ids_of(taught.answers->texts), ids_of(references_of(test)));
      } else if (taught.probabilities.defined()) {
        record.supervision =
            supervision_measures(flat(lab.predict(student, test)), flat(taught.probabilities),
                                 flat_labels(test.labels()), classes);
      }
      record.supervision["weak_label_accuracy"] =
          labels.generation()
              ? answer_measures(ids_of(labels.answers), ids_of(references_of(labels.examples))).at("accuracy")
              : labels.targets.argmax(1).eq(labels.examples.labels()).to(at::kDouble).mean().item<double>();
      break;
    }
  }

  if (lab.postponed()) throw Postponed();  // a strategy has caught it
  JobOutcome outcome;
  TestResults results;
  if (job.kind != JobKind::pretrain) {
    results = evaluate(splits, classes, [&](const Examples& examples) {
      return student.empty() ? supervisor->test(examples) : test_labels(lab, student, examples);
    });
    record.tests = std::move(results.measures);
    record.unscored = std::move(results.unscored);
    outcome.summary = record.unscored.count("test") > 0
                          ? "no score: " + record.unscored.at("test")
                          : fmt::format("accuracy {:.4f}", record.tests.at("test").at("accuracy"));
    if (lab.has_oracle(student)) {
      record.oracle = evaluate(splits, classes, [&](const Examples& examples) -> TestLabels {
                        if (task.data.kind == TaskKind::generation)
                          return {{}, "", lab.answer_oracle(student, examples)};
                        return {lab.predict_oracle(student, examples), "", {}};
                      }).measures;
    }
  }
  outcome.fits = static_cast<std::int64_t>(lab.used().size());
  outcome.computed = lab.computed();
  outcome.queued_seconds = lab.queued_seconds();
  const bool from_outside = job.kind == JobKind::floor && student.empty();
  if (!from_outside) record.fits = lab.used();  // no fit of its own: a judge's belongs to others
  record.cost = {
      {"fits", outcome.fits},
      {"computed", outcome.computed},
      {"seconds", std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count() +
                      lab.queued_seconds()},
      {"peak_bytes", peak_bytes()}};
  // The energy of fits that were trained with those of other jobs is nobody's own.
  if (const auto joules = energy.joules(); joules && lab.queued_seconds() == 0)
    record.cost["energy_joules"] = *joules;
  record.provenance = {{"code", job.code},
                       {"experiment", experiment.to_toml()},
                       {"engine", engine_digest()},
                       {"w2s", kVersion},
                       {"commit", kCommit},
                       {"torch", TORCH_VERSION},
                       {"device", options_.device.str()},
                       {"threads", at::get_num_threads()},
                       {"plugins", plugin_digests(experiment, job, registry_)}};
  if (!task.data.notes.empty()) record.provenance["data_notes"] = task.data.notes;
  if (options_.team != nullptr) record.provenance["processes"] = options_.team->size();
  store_.put(job.key, "record", [&](ObjectWriter& object) {
    if (job.kind != JobKind::pretrain) {
      keep_results(object.folder(), results);
      if (job.kind == JobKind::student && store_.has(job.floor)) {
        keep_cases(object.folder(), store_.path(job.floor), splits, task.data.class_names);
      }
    }
    object.manifest()["record"] = record;
    object.manifest()["student"] = student.members();
  });
  return outcome;
}

}  // namespace w2s
