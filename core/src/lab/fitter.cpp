#include "lab/fitter.hpp"

#include <fmt/format.h>

#include <w2s/torch_compat.hpp>

#include "engine/answers.hpp"
#include "store/payload.hpp"

namespace w2s {
namespace {

std::string stored_name(const std::string& trained) {
  return trained.rfind(kHeadPrefix, 0) == 0 ? trained : kBackbonePrefix + trained;
}

void save_weights(const std::string& folder, const Head* head, IModel* model, const Snapshot& oracle) {
  std::map<std::string, Tensor> tensors;
  if (head != nullptr) {
    for (const Parameters::Item& item : head->parameters().items()) tensors[item.name] = item.tensor;
  }
  if (model != nullptr) {
    for (const Parameters::Item& item : model->parameters().items())
      tensors[kBackbonePrefix + item.name] = item.tensor;
  }
  save_safetensors(folder + "/" + kWeightsFile, tensors);
  if (oracle.empty()) return;
  for (const auto& [name, tensor] : oracle) tensors[stored_name(name)] = tensor;
  save_safetensors(folder + "/" + kOracleFile, tensors);
}

}  // namespace

// One student of a fit that is under way.
struct Fitter::InTraining {
  Backbone backbone;
  std::unique_ptr<IModel> model;  // null where only the head trains
  std::unique_ptr<Head> head;     // null for generation
  std::unique_ptr<ILoss> loss;
  std::unique_ptr<Trainee> trainee;
};

// What all students of a fit read: encoded for their models, or features where only heads train.
struct Fitter::Inputs {
  Examples examples;
  Encoded encoded;
  Tensor features;
};

Student Fitter::fit(const Supervision& labels, const FitSpec& spec) {
  const WantedFit wanted = want_fit(context_, backbones_, writer_, drafts_, labels, spec);
  const LabSetup& setup = context_.setup;
  if (setup.team == nullptr && trains_as_probe(wanted.spec, context_.kind(), setup.device))
    return probes_.fit(wanted);
  // The last student is stored last: where it is, all are.
  const std::string& last = wanted.keys.back();
  if (setup.probes != nullptr && !context_.store().has(last)) throw LeavesGroup{{}, context_.computed()};
  const bool computed = context_.store().once(
      last, [&] { compute(wanted); }, [&] { context_.tell("waiting for a fit of " + spec.model); });
  for (const std::string& key : wanted.keys) context_.note(key, computed && key == last);
  return Student(wanted.keys);
}

void Fitter::compute(const WantedFit& wanted) {
  const auto started = std::chrono::steady_clock::now();
  const LabSetup& setup = context_.setup;
  const FitSpec& spec = wanted.spec;
  Inputs inputs;
  std::vector<InTraining> students = begin(wanted, inputs);
  std::string log;
  Checkpoints checkpoints(context_.store().checkpoint_path(wanted.keys.back()), context_.schedule());
  checkpoints.carry("log", log);
  Trainer trainer(*students[0].trainee, *students[0].loss, spec.loss.type, spec.train, wanted.labels,
                  wanted.held_out(), Stream(spec.seed, "fit"), setup.device,
                  context_.observer("fit " + spec.model, wanted.keys[0], log));
  trainer.checkpoint(checkpoints);
  if (setup.team != nullptr) trainer.join(*setup.team, /*shares=*/!wanted.probe());
  for (std::size_t k = 1; k < students.size(); ++k)
    trainer.add_student(*students[k].trainee, *students[k].loss);
  trainer.average_weights(spec.weight_average);
  std::unique_ptr<StepRule> rule;
  if (spec.rule) {
    const PluginOrigin owner = context_.registry().find(PluginKind::strategy, spec.rule->owner).origin();
    rule = guarded(owner, spec.rule->make);
    trainer.follow(*rule, owner);
  }
  const TrainResult result =
      calling(backbones_.plugin_of(students[0].backbone), [&] { return trainer.run(); });
  store(wanted, students, result, checkpoints.seconds_before() + seconds_since(started), log);
}

std::vector<Fitter::InTraining> Fitter::begin(const WantedFit& wanted, Inputs& inputs) {
  const FitSpec& spec = wanted.spec;
  const at::Device device = context_.setup.device;
  inputs.examples = inputs_of(context_, drafts_, wanted);
  std::vector<InTraining> students(wanted.keys.size());
  for (std::size_t k = 0; k < students.size(); ++k) {
    InTraining& student = students[k];
    student.backbone = backbones_.start_of(spec, k);
    student.backbone.precision = precision_of(spec.train);
    student.loss = context_.registry().make_loss(spec.loss);
    student.loss->check({context_.kind(), context_.classes()});
    const PluginInfo& plugin = backbones_.plugin_of(student.backbone);
    if (wanted.probe()) {
      if (k == 0) inputs.features = backbones_.kept_features(student.backbone, inputs.examples).to(device);
    } else {
      student.model = backbones_.build(student.backbone);
      if (k == 0) {
        inputs.encoded = calling(plugin, [&] {
          return context_.generation() ? writer_.encode(*student.model, inputs.examples)
                                       : student.model->encode(inputs.examples, context_.kind());
        });
      }
    }
    if (context_.generation()) {
      student.trainee = calling(plugin, [&] {
        return std::make_unique<AnswerTrainee>(*student.model, inputs.encoded, spec.train.trainable, device,
                                               student.backbone.precision);
      });
    } else {
      begin_head(student, k, wanted, inputs);
    }
  }
  return students;
}

void Fitter::begin_head(InTraining& student, std::size_t number, const WantedFit& wanted,
                        const Inputs& inputs) {
  const FitSpec& spec = wanted.spec;
  const at::Device device = context_.setup.device;
  const bool probe = wanted.probe();
  const std::optional<SafeTensors> start = start_weights(context_, wanted, number);
  const SafeTensors* stored = start ? &*start : nullptr;
  const std::int64_t width = probe ? inputs.features.size(1) : student.model->feature_size();
  if (wanted.keys.size() > 1) {
    student.head = std::make_unique<Head>(width, context_.kind(), context_.classes(), spec.train);
    student.head->randomize(Stream(spec.seed, "fit").child(fmt::format("head of student {}", number)));
  } else {
    student.head = initial_head(
        context_, spec, width, stored, backbones_.plugin_of(student.backbone),
        [&]() -> IModel& { return probe ? backbones_.shared(student.backbone) : *student.model; });
  }
  to_device(student.head->parameters(), device);
  if (spec.train.standardize) {
    const compat::Autocast mixed(device.type(), student.backbone.precision);
    const std::int64_t budget = spec.train.micro_tokens > 0 ? spec.train.micro_tokens : kMicroTokens;
    const Tensor seen =
        probe ? inputs.features : all_features(*student.model, inputs.encoded, device, budget);
    student.head->standardize(seen.slice(0, 0, wanted.labels.size() * context_.parts()).to(device));
  }
  take_stored_weights(*student.head, stored);
  if (probe) {
    student.trainee = std::make_unique<ProbeTrainee>(*student.head, inputs.features, context_.parts());
  } else {
    student.trainee =
        std::make_unique<NetworkTrainee>(*student.model, *student.head, inputs.encoded, spec.train.trainable,
                                         device, student.backbone.precision);
  }
}

void Fitter::store(const WantedFit& wanted, std::vector<InTraining>& students, const TrainResult& result,
                   double seconds, const std::string& log) {
  for (std::size_t k = 0; k < students.size(); ++k) {
    const InTraining& student = students[k];
    StoredFit fit = described(context_, wanted, student.backbone);
    fit.oracle = !result.oracle.empty();
    fit.steps = result.steps;
    fit.kept_step = result.kept_step;
    fit.oracle_step = result.oracle_step;
    fit.seconds = seconds;
    fit.peak_bytes = peak_bytes();
    const Snapshot none;
    const Snapshot& oracle = k == 0                         ? result.oracle
                             : result.other_oracles.empty() ? none
                                                            : result.other_oracles[k - 1];
    context_.store().put(wanted.keys[k], "fit", [&](ObjectWriter& object) {
      if (k == 0) write_log(object, log);
      save_weights(object.folder(), student.head.get(), student.model.get(), oracle);
      wanted.recipe.write(object.manifest());
      fit.write(object.manifest());
    });
  }
  context_.store().drop_checkpoint(wanted.keys.back());
}

}  // namespace w2s
