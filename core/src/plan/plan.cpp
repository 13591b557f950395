#include "plan/plan.hpp"

#include <optional>
#include <set>

#include <fmt/format.h>

#include <w2s/plugin.hpp>

#include "config/settings.hpp"
#include "plan/validate.hpp"

namespace w2s {

const char* name_of(JobKind kind) {
  switch (kind) {
    case JobKind::pretrain:
      return "pretrain";
    case JobKind::floor:
      return "floor";
    case JobKind::ceiling:
      return "ceiling";
    default:
      return "student";
  }
}

std::string Job::title() const {
  switch (kind) {
    case JobKind::pretrain:
      return fmt::format("pretrain {}", strong);
    case JobKind::floor:
      return fmt::format("floor {}, seed {}", weak, seed);
    case JobKind::ceiling:
      return fmt::format("ceiling {}, seed {}", strong, seed);
    default:
      return fmt::format("student {}: {} → {}, seed {}", method, weak, strong, seed);
  }
}

Recipe Plan::recipe(const Job& job) const {
  Recipe recipe("record", {});
  recipe.set("of", recipes.at(job.code)).set("seed", job.seed);
  return recipe;
}

std::size_t Plan::open() const {
  std::size_t count = 0;
  for (const Job& job : jobs) count += job.done ? 0 : 1;
  return count;
}

namespace {

// Recipes of one experiment's jobs, each part made once.
class Recipes {
 public:
  Recipes(const Experiment& experiment, const Registry& registry)
      : experiment_(experiment), registry_(registry), settings_(experiment), protocol_("protocol", {}) {
    protocol_.set("task", plugin_recipe(registry, PluginKind::task, experiment.task))
        .set("split", json_of(experiment.split))
        .set("ceiling_on", name_of(experiment.ceiling_on));
    for (const ModelSpec& model : experiment.models) models_.emplace(model.name, model_recipes(model));
    for (const MethodSpec& method : experiment.methods) methods_.emplace(method.name, method_recipe(method));
    if (experiment.supervisor.outside()) outside_ = outside_recipe(experiment.supervisor);
  }

  const Recipe& protocol() const { return protocol_; }
  /// Models that the method's strategies fit besides the student.
  const std::vector<std::string>& helpers(const std::string& method) const {
    return methods_.at(method).helpers;
  }

  // A job's recipe but for its seed.
  Recipe pretrain(const std::string& model) const {
    return start("pretrain").set("strong", models_.at(model).weights);
  }
  Recipe floor(const std::string& weak) const { return start("floor").set("weak", teacher(weak)); }
  Recipe ceiling(const std::string& strong) const {
    return start("ceiling").set("strong", models_.at(strong).baseline);
  }
  Recipe student(const Pair& pair, const std::string& name) const {
    const Method& method = methods_.at(name);
    const Model& strong = models_.at(pair.strong);
    Recipe recipe = start("student");
    recipe.set("weak", teacher(pair.weak))
        .set("strong", strong.weights)
        .set("train", json_of(settings_.student(pair.strong, name).params))
        .set("method", method.recipe);
    // Strategies derive other models' settings from the method's, and truth is fitted as baselines are.
    std::vector<std::string> others;
    for (const std::string& helper : method.helpers) {
      others.push_back(models_.at(helper).weights.key());
      recipe.refer(models_.at(helper).weights);
      others.push_back(json_of(settings_.student(helper, name).params).dump());
    }
    if (!others.empty()) recipe.set("helpers", others);
    return recipe;
  }

 private:
  struct Model {
    Recipe weights;   // before any label
    Recipe baseline;  // and the settings of its fits to ground truth
  };
  struct Method {
    Recipe recipe;
    std::vector<std::string> helpers;
  };

  const Recipe& teacher(const std::string& weak) const {
    return outside_ ? *outside_ : models_.at(weak).baseline;
  }

  Recipe outside_recipe(const SupervisorSpec& supervisor) const {
    Recipe recipe("outside", {});
    recipe.set("supervisor", supervisor.canonical());
    std::vector<std::string> files;
    for (const std::string& path : supervisor.file.path) files.push_back(digest_of_file(path));
    if (!files.empty()) recipe.set("files", files);
    const NoiseSupervisor& noise = supervisor.noise;
    if (!noise.accuracy_of.empty()) recipe.set("accuracy_of", models_.at(noise.accuracy_of).baseline);
    if (!noise.judge.empty()) recipe.set("judge", models_.at(noise.judge).baseline);
    return recipe;
  }

  Recipe start(const char* kind) const {
    Recipe recipe(kind, {"sdk", "engine", "data", "text", "lab", "teaching"});
    recipe.set("protocol", protocol_);
    return recipe;
  }

  Model model_recipes(const ModelSpec& model) const {
    Recipe weights("model", {});
    weights.set("model", plugin_recipe(registry_, PluginKind::model, model.spec))
        .set("init", model.init.empty() ? "" : digest_of_file(model.init));
    if (model.pretrain) {
      weights.set("objective", plugin_recipe(registry_, PluginKind::objective, model.pretrain->objective))
          .set("pretrain", json_of(settings_.pretraining(model)))
          .set("pretrain_examples", model.pretrain->examples)
          .set("pretrain_seed", model.pretrain->seed);
    }
    Recipe baseline("baseline", {});
    baseline.set("model", weights)
        .set("train", json_of(settings_.baseline(model.name).params))
        .set("loss", plugin_recipe(registry_, PluginKind::loss, FitSpec().loss));
    return {weights, baseline};
  }

  Method method_recipe(const MethodSpec& method) const {
    Method found{Recipe("method", {}), {}};
    found.recipe.set("loss", plugin_recipe(registry_, PluginKind::loss,
                                           method.loss.empty() ? FitSpec().loss : method.loss));
    std::vector<std::string> chain;
    for (const Spec& spec : method.strategy) {
      const Recipe link = plugin_recipe(registry_, PluginKind::strategy, spec);
      found.recipe.refer(link);
      chain.push_back(link.key());
      for (const std::string& model : registry_.make_strategy(spec)->models()) found.helpers.push_back(model);
    }
    if (!chain.empty()) found.recipe.set("strategy", chain);
    return found;
  }

  const Experiment& experiment_;
  const Registry& registry_;
  const Settings settings_;
  Recipe protocol_;
  std::optional<Recipe> outside_;  // of a supervisor from outside
  std::map<std::string, Model> models_;
  std::map<std::string, Method> methods_;
};

// Models that are fitted to make the labels.
std::vector<std::string> teachers(const Experiment& experiment, const Pair& pair) {
  return experiment.supervisor.outside() ? experiment.supervisor.models()
                                         : std::vector<std::string>{pair.weak};
}

class Planner {
 public:
  Planner(Plan& plan, const Store* store) : plan_(plan), store_(store) {}

  /// The position of the job with this key, added where it is new.
  std::size_t add(Job job) {
    const auto [found, fresh] = positions_.emplace(job.key, plan_.jobs.size());
    if (fresh) {
      job.done = store_ != nullptr && store_->has(job.key);
      plan_.jobs.push_back(std::move(job));
    }
    return found->second;
  }

 private:
  Plan& plan_;
  const Store* store_;
  std::map<std::string, std::size_t> positions_;
};

}  // namespace

Plan make_plan(std::vector<Experiment> experiments, const Registry& registry, const Store* store) {
  Plan plan;
  plan.experiments = std::move(experiments);
  Planner planner(plan, store);
  for (std::size_t e = 0; e < plan.experiments.size(); ++e) {
    const Experiment& experiment = plan.experiments[e];
    validate(experiment, registry);
    const Recipes recipes(experiment, registry);
    plan.protocols.push_back(recipes.protocol().key());
    std::vector<Job>& records = plan.records.emplace_back();
    std::set<std::string> baselines;

    const auto job = [&](JobKind kind, const std::string& code, std::int64_t seed) {
      Job made;
      made.kind = kind;
      made.code = code;
      made.seed = seed;
      made.key = Recipe("record", {}).set("of", code).set("seed", seed).key();
      made.experiment = e;
      return made;
    };
    const auto code = [&](const Recipe& recipe) {
      const std::string key = recipe.key();
      plan.recipes.emplace(key, recipe);
      return key;
    };
    // A baseline shared by several pairs is listed once.
    const auto baseline = [&](Job made) {
      if (baselines.insert(made.key).second) records.push_back(made);
      return planner.add(std::move(made));
    };
    const auto pretraining = [&](const std::string& model) -> std::vector<std::size_t> {
      if (!experiment.model(model).pretrain) return {};
      Job made = job(JobKind::pretrain, code(recipes.pretrain(model)), 0);
      made.strong = model;
      return {planner.add(std::move(made))};
    };

    struct Codes {
      std::string floor, ceiling;
      std::vector<std::string> students;  // by method
    };
    std::vector<Codes> codes;
    for (const Pair& pair : experiment.pairs) {
      Codes& made = codes.emplace_back();
      made.floor = code(recipes.floor(pair.weak));
      made.ceiling = code(recipes.ceiling(pair.strong));
      for (const MethodSpec& method : experiment.methods)
        made.students.push_back(code(recipes.student(pair, method.name)));
    }

    for (const std::int64_t seed : experiment.seeds) {
      for (std::size_t p = 0; p < experiment.pairs.size(); ++p) {
        const Pair& pair = experiment.pairs[p];
        Job floor = job(JobKind::floor, codes[p].floor, seed);
        floor.weak = pair.weak;
        for (const std::string& model : teachers(experiment, pair)) {
          for (const std::size_t position : pretraining(model)) floor.needs.push_back(position);
        }
        Job ceiling = job(JobKind::ceiling, codes[p].ceiling, seed);
        ceiling.strong = pair.strong;
        ceiling.needs = pretraining(pair.strong);
        const std::string floor_key = floor.key, ceiling_key = ceiling.key;
        const std::size_t floor_position = baseline(std::move(floor));
        baseline(std::move(ceiling));
        for (std::size_t m = 0; m < experiment.methods.size(); ++m) {
          const MethodSpec& method = experiment.methods[m];
          Job student = job(JobKind::student, codes[p].students[m], seed);
          student.weak = pair.weak;
          student.strong = pair.strong;
          student.method = method.name;
          student.floor = floor_key;
          student.ceiling = ceiling_key;
          student.needs = pretraining(pair.strong);
          student.needs.push_back(floor_position);
          for (const std::string& helper : recipes.helpers(method.name)) {
            for (const std::size_t position : pretraining(helper)) student.needs.push_back(position);
          }
          records.push_back(student);
          planner.add(std::move(student));
        }
      }
    }
  }
  return plan;
}

void keep_only(Plan& plan, const std::vector<std::string>& keys) {
  std::vector<bool> kept(plan.jobs.size(), false);
  for (const std::string& key : keys) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < plan.jobs.size(); ++i) {
      if (key.empty() || !plan.jobs[i].key.starts_with(key)) continue;
      kept[i] = true;
      ++found;
    }
    if (found != 1) {
      throw UsageError(
          fmt::format("--job '{}' is the beginning of {} of the experiment's {} jobs; w2s plan shows them",
                      key, found == 0 ? "none" : std::to_string(found), plan.jobs.size()));
    }
  }
  for (std::size_t i = plan.jobs.size(); i-- > 0;) {  // needs are earlier jobs
    if (!kept[i]) continue;
    for (const std::size_t need : plan.jobs[i].needs) kept[need] = true;
  }
  std::vector<Job> jobs;
  std::vector<std::size_t> moved(plan.jobs.size());
  for (std::size_t i = 0; i < plan.jobs.size(); ++i) {
    if (!kept[i]) continue;
    moved[i] = jobs.size();
    for (std::size_t& need : plan.jobs[i].needs) need = moved[need];
    jobs.push_back(std::move(plan.jobs[i]));
  }
  plan.jobs = std::move(jobs);
}

}  // namespace w2s
