#include "plan/plan.hpp"

#include <set>

#include <fmt/format.h>

#include <w2s/digest.hpp>
#include <w2s/plugin.hpp>

#include "lab/engine_digest.hpp"
#include "plan/validate.hpp"
#include "plugins/resolve.hpp"

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

std::size_t Plan::open() const {
  std::size_t count = 0;
  for (const Job& job : jobs) count += job.done ? 0 : 1;
  return count;
}

namespace {

std::string resolved_train(const Table& table, const char* what) {
  Schema<TrainParams> schema;
  describe_train(schema);
  return Value(schema.resolved(parse_train(table, what))).canonical();
}

std::string digest_of(const SplitParams& split) {
  Digest sha;
  sha.add(split.supervisor).add(split.transfer).add(split.validation).add(split.test);
  return sha.add(Value(split.max_class_share).canonical()).add(split.balanced_test).add(split.seed).hex();
}

// Keys of one experiment's jobs, each part digested once.
class Recipes {
 public:
  Recipes(const Experiment& experiment, const Registry& registry,
          std::map<std::string, std::string>& file_digests)
      : experiment_(experiment), registry_(registry), file_digests_(file_digests) {
    Digest sha;
    sha.add("protocol")
        .add(spec_digest(registry, PluginKind::task, experiment.task))
        .add(digest_of(experiment.split));
    for (const std::string& file : registry.make_task(experiment.task)->files())
      sha.add(digest_of_file(file));
    protocol_ = sha.add(experiment.ceiling_on).hex();
    for (const ModelSpec& model : experiment.models) models_[model.name] = model_digest(model);
    for (const MethodSpec& method : experiment.methods) methods_[method.name] = method_digest(method);
    if (experiment.supervisor.outside()) outside_ = outside_digest(experiment.supervisor);
  }

  const std::string& protocol() const { return protocol_; }
  /// Models that the method's strategies fit besides the student.
  const std::vector<std::string>& helpers(const std::string& method) const {
    return methods_.at(method).models;
  }

  // Digests of a job's recipe without its seed.
  std::string pretrain(const std::string& model) const {
    return start("pretrain").add(models_.at(model).code).hex();
  }
  std::string floor(const std::string& weak) const { return start("floor").add(teacher(weak)).hex(); }
  std::string ceiling(const std::string& strong) const {
    return start("ceiling").add(models_.at(strong).all).hex();
  }
  std::string student(const Pair& pair, const std::string& method) const {
    const Method& m = methods_.at(method);
    Digest& sha = start("student").add(teacher(pair.weak)).add(models_.at(pair.strong).all).add(m.digest);
    for (const std::string& helper : m.models) sha.add(models_.at(helper).all);
    return sha.hex();
  }

 private:
  struct Model {
    std::string code;  // weights before any label
    std::string all;   // and the settings of its fits
  };
  struct Method {
    std::string digest;
    std::vector<std::string> models;
  };

  const std::string& teacher(const std::string& weak) const {
    return outside_.empty() ? models_.at(weak).all : outside_;
  }

  std::string outside_digest(const SupervisorSpec& supervisor) {
    Digest sha;
    sha.add("outside").add(supervisor.canonical());
    for (const std::string& path : supervisor.file.path) sha.add(digest_of_file(path));
    const NoiseSupervisor& noise = supervisor.noise;
    for (const auto& [role, name] :
         {std::pair("accuracy_of", noise.accuracy_of), std::pair("judge", noise.judge)}) {
      if (!name.empty()) sha.add(role).add(models_.at(name).all);
    }
    return sha.hex();
  }

  Digest& start(const char* kind) const {
    scratch_ = std::make_unique<Digest>();
    return scratch_->add(kind).add(engine_digest()).add(protocol_);
  }

  const std::string& digest_of_file(const std::string& file) {
    std::string& digest = file_digests_[file];
    if (digest.empty()) digest = sha256_file(file);
    return digest;
  }

  Model model_digest(const ModelSpec& model) {
    Digest code;
    code.add(spec_digest(registry_, PluginKind::model, model.spec))
        .add(registry_.make_model(model.spec)->source_digest())
        .add(model.init.empty() ? "" : sha256_file(model.init));
    if (model.pretrain) {
      const PretrainSpec& pretrain = *model.pretrain;
      code.add(spec_digest(registry_, PluginKind::objective, pretrain.objective))
          .add(resolved_train(pretrain.train, "pretrain"))
          .add(pretrain.examples)
          .add(pretrain.seed);
      for (const std::string& file : registry_.make_objective(pretrain.objective)->files()) {
        code.add(digest_of_file(file));
      }
    }
    Model digests;
    digests.code = code.hex();
    Digest all;
    digests.all = all.add(digests.code)
                      .add(resolved_train(merge(experiment_.train, model.train), "train"))
                      .add(spec_digest(registry_, PluginKind::loss, Spec{"cross_entropy", {}, {}}))
                      .hex();
    return digests;
  }

  Method method_digest(const MethodSpec& method) const {
    Method digests;
    Digest sha;
    const Spec loss = method.loss.empty() ? Spec{"cross_entropy", {}, {}} : method.loss;
    sha.add(spec_digest(registry_, PluginKind::loss, loss));
    for (const Spec& spec : method.strategy) {
      sha.add(spec_digest(registry_, PluginKind::strategy, spec));
      for (const std::string& model : registry_.make_strategy(spec)->models())
        digests.models.push_back(model);
    }
    digests.digest = sha.add(Value(method.train).canonical()).hex();
    return digests;
  }

  const Experiment& experiment_;
  const Registry& registry_;
  std::map<std::string, std::string>& file_digests_;
  std::string protocol_;
  std::string outside_;  // of a supervisor from outside, or ""
  std::map<std::string, Model> models_;
  std::map<std::string, Method> methods_;
  mutable std::unique_ptr<Digest> scratch_;
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
  std::map<std::string, std::string> file_digests;
  for (std::size_t e = 0; e < plan.experiments.size(); ++e) {
    const Experiment& experiment = plan.experiments[e];
    validate(experiment, registry);
    const Recipes recipes(experiment, registry, file_digests);
    plan.protocols.push_back(recipes.protocol());
    std::vector<Job>& records = plan.records.emplace_back();
    std::set<std::string> baselines;

    const auto job = [&](JobKind kind, const std::string& code, std::int64_t seed) {
      Job made;
      made.kind = kind;
      made.code = code;
      made.seed = seed;
      made.key = Digest().add("record").add(code).add(seed).hex();
      made.experiment = e;
      return made;
    };
    // A baseline shared by several pairs is listed once.
    const auto baseline = [&](Job made) {
      if (baselines.insert(made.key).second) records.push_back(made);
      return planner.add(std::move(made));
    };
    const auto pretraining = [&](const std::string& model) -> std::vector<std::size_t> {
      if (!experiment.model(model).pretrain) return {};
      Job made = job(JobKind::pretrain, recipes.pretrain(model), 0);
      made.strong = model;
      return {planner.add(std::move(made))};
    };

    for (const std::int64_t seed : experiment.seeds) {
      for (const Pair& pair : experiment.pairs) {
        Job floor = job(JobKind::floor, recipes.floor(pair.weak), seed);
        floor.weak = pair.weak;
        for (const std::string& model : teachers(experiment, pair)) {
          for (const std::size_t position : pretraining(model)) floor.needs.push_back(position);
        }
        Job ceiling = job(JobKind::ceiling, recipes.ceiling(pair.strong), seed);
        ceiling.strong = pair.strong;
        ceiling.needs = pretraining(pair.strong);
        const std::string floor_key = floor.key, ceiling_key = ceiling.key;
        const std::size_t floor_position = baseline(std::move(floor));
        baseline(std::move(ceiling));
        for (const MethodSpec& method : experiment.methods) {
          Job student = job(JobKind::student, recipes.student(pair, method.name), seed);
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
