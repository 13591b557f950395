// Fitting students to labels and answers.
#include <w2s/torch_compat.hpp>

#include "engine/answers.hpp"
#include "engine/label_words.hpp"
#include "lab/local_lab_parts.hpp"
#include "lab/text_examples.hpp"

namespace w2s {
namespace {

std::string stored_name(const std::string& trained) {
  return trained.rfind(kHeadPrefix, 0) == 0 ? trained : kBackbonePrefix + trained;
}

// Throws where the spec and the labels do not fit a task of generation, or ask for what only that has.
void check_answers(const Supervision& supervision, const FitSpec& spec, TaskKind kind) {
  if (kind != TaskKind::generation) {
    if (!spec.rejected.empty()) throw UsageError("rejected answers are for tasks of generation");
    return;
  }
  if (const auto unfit = unfit_for_generation(spec.train)) throw UsageError("train." + unfit->why);
  if (!supervision.generation())
    throw Error("fit: a task of generation needs answers, and these labels have none");
  if (!spec.rejected.empty() && static_cast<std::int64_t>(spec.rejected.size()) != supervision.size()) {
    throw UsageError(fmt::format(
        "there are {} rejected answers for {} examples: no strategy after the one that sets them may choose "
        "examples",
        spec.rejected.size(), supervision.size()));
  }
}

}  // namespace

// One student of a fit that is under way.
struct LocalLab::InTraining {
  Backbone backbone;
  std::unique_ptr<IModel> model;  // null where only the head trains
  std::unique_ptr<Head> head;     // null for generation
  std::unique_ptr<ILoss> loss;
  std::unique_ptr<Trainee> trainee;
};

Student LocalLab::fit(const Supervision& given, const FitSpec& spec) {
  check_answers(given, spec, setup_.data->kind);
  const bool hard = spec.train.labels == "hard";
  const Supervision supervision = hard ? given.hardened() : given;
  std::optional<Supervision> validation;
  if (spec.train.early_stopping && spec.validation)
    validation = hard ? spec.validation->hardened() : *spec.validation;
  const std::vector<std::string>& start = spec.start.members();
  const auto students = static_cast<std::size_t>(spec.rule ? spec.rule->students : 1);
  if (start.size() > 1 && start.size() != students) {
    throw UsageError(fmt::format("a fit of {} cannot start from {} students", students, start.size()));
  }
  std::string origin = start.empty() ? blueprint(spec.model, spec.seed).key(*setup_.registry) : "";
  for (const std::string& member : start) origin += member;

  const Spec loss = resolve(*setup_.registry, PluginKind::loss, spec.loss);
  Digest sha;
  sha.add("fit")
      .add(engine_digest())
      .add(origin)
      .add(supervision.digest())
      .add(validation ? validation->digest() : "")
      .add(json_of(spec.train).dump())
      .add(spec_digest(*setup_.registry, PluginKind::loss, loss))
      .add(device_kind(setup_.device))
      .add(static_cast<std::int64_t>(spec.seed))
      .add(Value(spec.weight_average).canonical());
  sha.add("draft");
  for (const std::string& member : spec.draft.members()) sha.add(member);
  sha.add("rejected");
  for (const std::string& answer : spec.rejected) sha.add(answer);
  if (spec.rule)
    sha.add(spec_digest(*setup_.registry, PluginKind::strategy, spec.rule->owner)).add(spec.rule->students);
  std::vector<std::string> keys{sha.hex()};
  for (std::size_t k = 1; k < students; ++k) keys.push_back(sha256(keys[0] + std::to_string(k)));
  FitSpec resolved = spec;
  resolved.loss = loss;
  if (setup_.team == nullptr && trains_as_probe(resolved, setup_.data->kind, setup_.device))
    return fit_probe(keys[0], supervision, resolved, validation ? &*validation : nullptr);
  if (setup_.probes != nullptr && !setup_.store->has(keys.back())) throw LeavesGroup{{}, computed_};
  // The last student is stored last: where it is, all are.
  const bool computed = setup_.store->once(
      keys.back(), [&] { compute_fit(keys, supervision, resolved, validation ? &*validation : nullptr); },
      [&] {
        if (setup_.progress) setup_.progress({"waiting for a fit of " + spec.model, {}});
      });
  for (const std::string& key : keys) note(key, computed && key == keys.back());
  return Student(keys);
}

// Weights that one of several students starts from: each its own where they are drawn at random.
Blueprint LocalLab::student_blueprint(const FitSpec& spec, std::size_t student) {
  if (student == 0 || spec.train.trainable == "head") return blueprint(spec.model, spec.seed);
  return blueprint(spec.model, Stream(spec.seed, fmt::format("student {}", student)).bits());
}

LocalLab::Backbone LocalLab::start_of(const FitSpec& spec, std::size_t student) {
  const std::vector<std::string>& start = spec.start.members();
  if (!start.empty()) return backbone_of(fitted(start[start.size() == 1 ? 0 : student]));
  Backbone backbone;
  backbone.blueprint = student_blueprint(spec, student);
  backbone.key = backbone.blueprint.key(*setup_.registry);
  return backbone;
}

// What the model reads: training examples and behind them the validation's. Generation: with their answers,
// then the validation's with the reference answers, then the rejected ones (see Trainer).
Examples LocalLab::text_inputs(const Supervision& supervision, const FitSpec& spec,
                               const Supervision* validation) {
  const Examples train = with_draft(spec.draft, supervision.examples);
  const Examples held_out = validation ? with_draft(spec.draft, validation->examples) : Examples();
  TextRows rows;
  if (setup_.data->kind != TaskKind::generation) {
    for (const Examples* examples : {&train, &held_out})
      rows.add(*examples, std::vector<std::string>(static_cast<std::size_t>(examples->size())));
    return rows.examples();
  }
  rows.add(train, supervision.answers);
  if (validation) {
    rows.add(held_out, validation->answers);
    rows.add(held_out, references_of(validation->examples));
  }
  if (!spec.rejected.empty()) rows.add(train, spec.rejected);
  return rows.examples();
}

// The head that a fit of one student begins with, on the CPU and not standardised; its stored weights, where
// it starts from a student, come later. `model` is asked for only where its word embeddings are.
std::unique_ptr<Head> LocalLab::initial_head(const FitSpec& spec, std::int64_t width,
                                             const SafeTensors* start, const PluginInfo& plugin,
                                             const std::function<IModel&()>& model) const {
  const TaskKind kind = setup_.data->kind;
  auto head = std::make_unique<Head>(width, kind, setup_.data->classes, spec.train);
  if (spec.train.head_init == "label_words" && !(start != nullptr && start->has("head.weight"))) {
    const std::vector<std::string> words = label_words(spec.train, kind, setup_.data->classes);
    const Tensor rows = calling(plugin, [&] { return model().word_embeddings(words); });
    head->parameters().assign("head.weight", rows.detach().to(at::kCPU, at::kFloat));
  }
  return head;
}

// What a fit's object says of it before it is trained.
nlohmann::json LocalLab::fit_manifest(const FitSpec& spec, const Backbone& backbone,
                                      const Supervision& supervision, const Supervision* validation) const {
  return {{"model", spec.model},
          {"trained_backbone", spec.train.trainable != "head"},
          {"start", spec.start.members()},
          {"draft", spec.draft.members()},
          {"train", json_of(spec.train)},
          {"loss", json_of(spec.loss)},
          {"weight_average", spec.weight_average},
          {"seed", spec.seed},
          {"examples", supervision.size()},
          {"validation", validation ? validation->size() : 0},
          {"device", device_kind(setup_.device)},
          {"blueprint", backbone.blueprint.to_json()},
          {"backbone", {{"key", backbone.key}, {"fit", backbone.fit}}}};
}

void LocalLab::compute_fit(const std::vector<std::string>& keys, const Supervision& supervision,
                           const FitSpec& spec, const Supervision* validation) {
  const auto started = std::chrono::steady_clock::now();
  const bool generation = setup_.data->kind == TaskKind::generation;
  const Examples all = generation || !spec.draft.empty() ? text_inputs(supervision, spec, validation)
                       : validation                      ? supervision.examples.concat(validation->examples)
                                                         : supervision.examples;
  const bool probe = spec.train.trainable == "head";
  const Stream stream(spec.seed, "fit");
  const std::int64_t parts = setup_.data->kind == TaskKind::preference ? 2 : 1;

  Encoded encoded;
  Tensor features;
  std::vector<InTraining> students(keys.size());
  for (std::size_t k = 0; k < students.size(); ++k) {
    InTraining& student = students[k];
    std::optional<SafeTensors> start;
    if (!spec.start.empty()) {
      const std::string& member = spec.start.members()[spec.start.members().size() == 1 ? 0 : k];
      start = SafeTensors::open(setup_.store->path(member) + "/model.safetensors");
    }
    student.backbone = start_of(spec, k);
    student.backbone.precision = precision_of(spec.train);
    student.loss = setup_.registry->make_loss(spec.loss);
    student.loss->check({setup_.data->kind, setup_.data->classes});
    if (!probe) {
      student.model = build(student.backbone);
      if (k == 0) {
        encoded = calling(plugin_of(student.backbone), [&] {
          return generation ? encode_answers(*student.model, all)
                            : student.model->encode(all, setup_.data->kind);
        });
      }
    } else if (k == 0) {
      features = features_of(student.backbone, all, /*keep=*/true).to(setup_.device);
    }
    if (generation) {
      student.trainee = calling(plugin_of(student.backbone), [&] {
        return std::make_unique<AnswerTrainee>(*student.model, encoded, spec.train.trainable, setup_.device,
                                               student.backbone.precision);
      });
      continue;
    }
    const std::int64_t width = probe ? features.size(1) : student.model->feature_size();
    if (students.size() > 1) {
      student.head = std::make_unique<Head>(width, setup_.data->kind, setup_.data->classes, spec.train);
      student.head->randomize(stream.child(fmt::format("head of student {}", k)));
    } else {
      student.head =
          initial_head(spec, width, start ? &*start : nullptr, plugin_of(student.backbone),
                       [&]() -> IModel& { return probe ? model_of(student.backbone) : *student.model; });
    }
    to_device(student.head->parameters(), setup_.device);
    if (spec.train.standardize) {
      const compat::Autocast mixed(setup_.device.type(), student.backbone.precision);
      const Tensor seen =
          probe ? features : all_features(*student.model, encoded, setup_.device, micro_tokens(spec.train));
      student.head->standardize(seen.slice(0, 0, supervision.size() * parts).to(setup_.device));
    }
    for (const Parameters::Item& item : student.head->parameters().items()) {
      if (start && start->has(item.name)) student.head->parameters().assign(item.name, start->at(item.name));
    }
    if (probe) {
      student.trainee = std::make_unique<ProbeTrainee>(*student.head, features, parts);
    } else {
      student.trainee =
          std::make_unique<NetworkTrainee>(*student.model, *student.head, encoded, spec.train.trainable,
                                           setup_.device, student.backbone.precision);
    }
  }

  std::string log;
  Checkpoints checkpoints(setup_.store->checkpoint_path(keys.back()), schedule());
  checkpoints.carry("log", log);
  Trainer trainer(*students[0].trainee, *students[0].loss, spec.loss.type, spec.train, supervision,
                  validation, stream, setup_.device, observer("fit " + spec.model, keys[0], log));
  trainer.checkpoint(checkpoints);
  if (setup_.team != nullptr) trainer.join(*setup_.team, /*shares=*/!probe);
  for (std::size_t k = 1; k < students.size(); ++k)
    trainer.add_student(*students[k].trainee, *students[k].loss);
  trainer.average_weights(spec.weight_average);
  std::unique_ptr<StepRule> rule;
  if (spec.rule) {
    const PluginOrigin owner = setup_.registry->find(PluginKind::strategy, spec.rule->owner).origin();
    rule = guarded(owner, spec.rule->make);
    trainer.follow(*rule, owner);
  }
  const TrainResult result = calling(plugin_of(students[0].backbone), [&] { return trainer.run(); });

  nlohmann::json common = {{"oracle", !result.oracle.empty()},
                           {"steps", result.steps},
                           {"kept_step", result.kept_step},
                           {"oracle_step", result.oracle_step},
                           {"seconds", checkpoints.seconds_before() + seconds_since(started)},
                           {"peak_bytes", peak_bytes()}};
  if (setup_.team != nullptr) common["processes"] = setup_.team->size();
  if (spec.rule) common.update({{"rule", json_of(spec.rule->owner)}, {"students", keys}});
  const auto store = [&](ObjectWriter& object, InTraining& student, const Snapshot& oracle_weights) {
    std::map<std::string, Tensor> tensors;
    if (student.head) {
      for (const Parameters::Item& item : student.head->parameters().items())
        tensors[item.name] = item.tensor;
    }
    if (student.model) {
      for (const Parameters::Item& item : student.model->parameters().items()) {
        tensors[kBackbonePrefix + item.name] = item.tensor;
      }
    }
    save_safetensors(object.folder() + "/model.safetensors", tensors);
    if (!oracle_weights.empty()) {
      for (const auto& [name, tensor] : oracle_weights) tensors[stored_name(name)] = tensor;
      save_safetensors(object.folder() + "/oracle.safetensors", tensors);
    }
    object.manifest().update(fit_manifest(spec, student.backbone, supervision, validation));
    object.manifest().update(common);
  };
  setup_.store->put(keys[0], "fit", [&](ObjectWriter& object) {
    write_log(object, log);
    store(object, students[0], result.oracle);
  });
  for (std::size_t k = 1; k < students.size(); ++k) {
    setup_.store->put(keys[k], "fit", [&](ObjectWriter& object) {
      store(object, students[k], result.other_oracles.empty() ? Snapshot() : result.other_oracles[k - 1]);
    });
  }
  setup_.store->drop_checkpoint(keys.back());
}

}  // namespace w2s
