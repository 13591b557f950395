#include "lab/wanted_fit.hpp"

#include <fmt/format.h>

#include <w2s/digest.hpp>

#include "engine/answers.hpp"
#include "engine/label_words.hpp"
#include "lab/text_examples.hpp"
#include "plugins/resolve.hpp"
#include "store/payload.hpp"

namespace w2s {
namespace {

// Throws where the spec and the labels do not fit a task of generation, or ask for what only that has.
void check_answers(const Supervision& labels, const FitSpec& spec, TaskKind kind) {
  if (kind != TaskKind::generation) {
    if (!spec.rejected.empty()) throw UsageError("rejected answers are for tasks of generation");
    return;
  }
  if (const auto unfit = unfit_for_generation(spec.train)) throw UsageError("train." + unfit->why);
  if (!labels.generation())
    throw Error("fit: a task of generation needs answers, and these labels have none");
  if (!spec.rejected.empty() && static_cast<std::int64_t>(spec.rejected.size()) != labels.size()) {
    throw UsageError(fmt::format(
        "there are {} rejected answers for {} examples: no strategy after the one that sets them may choose "
        "examples",
        spec.rejected.size(), labels.size()));
  }
}

std::size_t students_of(const FitSpec& spec) {
  const auto students = static_cast<std::size_t>(spec.rule ? spec.rule->students : 1);
  const std::size_t starts = spec.start.members().size();
  if (starts > 1 && starts != students)
    throw UsageError(fmt::format("a fit of {} cannot start from {} students", students, starts));
  return students;
}

// Everything that can change the fit, as it is settled in `wanted`.
Recipe recipe_of(LabContext& context, Backbones& backbones, const Writer& writer, const Drafts& drafts,
                 const WantedFit& wanted) {
  const FitSpec& spec = wanted.spec;
  const Registry& registry = context.registry();
  Recipe recipe = context.recipe("fit", wanted.labels.examples.has_text());
  if (spec.start.empty()) {
    recipe.set("weights", backbones.initial(spec.model, spec.seed).blueprint.recipe(registry));
  } else {
    recipe.set("start", spec.start.members());
  }
  recipe.set("labels", wanted.labels.digest())
      .set("validation", wanted.validation ? wanted.validation->digest() : "")
      .set("train", json_of(spec.train))
      .set("loss", plugin_recipe(registry, PluginKind::loss, spec.loss))
      .set("weight_average", spec.weight_average)
      .set("seed", spec.seed);
  if (spec.rule) {
    recipe.set("rule", plugin_recipe(registry, PluginKind::strategy, spec.rule->owner))
        .set("students", spec.rule->students);
    // A rule may ask how sure labels were before they were hardened; a plain fit cannot.
    if (wanted.labels.certainty.defined()) recipe.set("certainty", digest(wanted.labels.certainty));
  }
  if (!spec.draft.empty()) {
    const auto read = [&](const Supervision* labels) {
      return labels ? drafts.read(spec.draft, labels->examples).input_digest() : "";
    };
    recipe.set("draft", spec.draft.members())
        .set("drafted", nlohmann::json{read(&wanted.labels), read(wanted.held_out())});
  }
  if (!spec.rejected.empty()) recipe.set("rejected", digest_of(spec.rejected));
  if (context.generation()) writer.set_limit(recipe);
  return recipe;
}

}  // namespace

std::string WantedFit::start(std::size_t student) const {
  const std::vector<std::string>& members = spec.start.members();
  return members.empty() ? "" : members[members.size() == 1 ? 0 : student];
}

WantedFit want_fit(LabContext& context, Backbones& backbones, const Writer& writer, const Drafts& drafts,
                   const Supervision& labels, const FitSpec& spec) {
  check_answers(labels, spec, context.kind());
  const std::size_t students = students_of(spec);
  const bool hard = spec.train.labels == LabelKind::hard;
  const auto settled = [&](const Supervision& given) { return hard ? given.hardened() : given; };
  WantedFit wanted{Recipe("fit", {}), {}, settled(labels), {}, spec};
  if (spec.train.early_stopping && spec.validation) wanted.validation = settled(*spec.validation);
  wanted.spec.loss = resolve(context.registry(), PluginKind::loss, spec.loss);
  wanted.recipe = recipe_of(context, backbones, writer, drafts, wanted);
  wanted.keys = {wanted.recipe.key()};
  for (std::size_t k = 1; k < students; ++k)
    wanted.keys.push_back(sha256(wanted.keys[0] + std::to_string(k)));
  return wanted;
}

Examples inputs_of(const LabContext& context, const Drafts& drafts, const WantedFit& wanted) {
  const Supervision* validation = wanted.held_out();
  const FitSpec& spec = wanted.spec;
  if (!context.generation() && spec.draft.empty())
    return validation ? wanted.labels.examples.concat(validation->examples) : wanted.labels.examples;
  const Examples train = drafts.read(spec.draft, wanted.labels.examples);
  const Examples held_out = validation ? drafts.read(spec.draft, validation->examples) : Examples();
  TextRows rows;
  if (!context.generation()) {
    for (const Examples* examples : {&train, &held_out})
      rows.add(*examples, std::vector<std::string>(static_cast<std::size_t>(examples->size())));
    return rows.examples();
  }
  rows.add(train, wanted.labels.answers);
  if (validation) {
    rows.add(held_out, validation->answers);
    rows.add(held_out, references_of(validation->examples));
  }
  if (!spec.rejected.empty()) rows.add(train, spec.rejected);
  return rows.examples();
}

std::unique_ptr<Head> initial_head(const LabContext& context, const FitSpec& spec, std::int64_t width,
                                   const SafeTensors* start, const PluginInfo& plugin,
                                   const std::function<IModel&()>& model) {
  auto head = std::make_unique<Head>(width, context.kind(), context.classes(), spec.train);
  if (spec.train.head_init == HeadInit::label_words && !(start != nullptr && start->has("head.weight"))) {
    const std::vector<std::string> words = label_words(spec.train, context.kind(), context.classes());
    const Tensor rows = calling(plugin, [&] { return model().word_embeddings(words); });
    head->parameters().assign("head.weight", rows.detach().to(at::kCPU, at::kFloat));
  }
  return head;
}

void take_stored_weights(Head& head, const SafeTensors* start) {
  if (start == nullptr) return;
  for (const Parameters::Item& item : head.parameters().items()) {
    if (start->has(item.name)) head.parameters().assign(item.name, start->at(item.name));
  }
}

std::optional<SafeTensors> start_weights(const LabContext& context, const WantedFit& wanted,
                                         std::size_t student) {
  const std::string key = wanted.start(student);
  if (key.empty()) return std::nullopt;
  return SafeTensors::open(context.store().path(key) + "/" + kWeightsFile);
}

StoredFit described(const LabContext& context, const WantedFit& wanted, const Backbone& backbone) {
  StoredFit fit;
  fit.model = wanted.spec.model;
  fit.blueprint = backbone.blueprint;
  fit.backbone_key = backbone.key;
  fit.backbone_fit = backbone.fit;
  fit.trained_backbone = !wanted.probe();
  fit.train = wanted.spec.train;
  fit.loss = wanted.spec.loss;
  fit.weight_average = wanted.spec.weight_average;
  fit.seed = wanted.spec.seed;
  fit.start = wanted.spec.start;
  fit.draft = wanted.spec.draft;
  fit.examples = wanted.labels.size();
  fit.validation = wanted.validation ? wanted.validation->size() : 0;
  fit.device = context.device_kind();
  if (context.setup.team != nullptr) fit.processes = context.setup.team->size();
  if (wanted.spec.rule) {
    fit.rule = wanted.spec.rule->owner;
    fit.students = wanted.keys;
  }
  return fit;
}

}  // namespace w2s
