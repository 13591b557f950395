#include "plan/validate.hpp"

#include <filesystem>

#include <w2s/plugin.hpp>

#include "config/settings.hpp"
#include "engine/answers.hpp"
#include "engine/label_words.hpp"
#include "plugins/resolve.hpp"

namespace w2s {
namespace {

[[noreturn]] void fail(const Source& source, const std::string& what, const std::string& message) {
  throw UsageError(source, what + ": " + message);
}

namespace fs = std::filesystem;

// "; '/data' has no 'mnits' (did you mean 'mnist'?)": the first part of the path that is missing.
std::string where_it_ends(const fs::path& path) {
  fs::path there;
  for (const fs::path& part : path) {
    if (fs::exists(there / part)) {
      there /= part;
      continue;
    }
    if (!fs::is_directory(there)) return "";
    std::vector<std::string> names;
    std::error_code unreadable;
    for (const auto& entry : fs::directory_iterator(there, unreadable))
      names.push_back(entry.path().filename().string());
    return "; '" + there.string() + "' has no '" + part.string() + "'" + did_you_mean(part.string(), names);
  }
  return "";
}

void check_file(const std::string& path, const Source& source, const std::string& what) {
  if (!fs::exists(path)) fail(source, what, "the file '" + path + "' does not exist" + where_it_ends(path));
}

// What a plugin says of a method, with the place of the plugin's name where it names none itself.
template <class Check>
void check_method(const MethodSpec& method, const Source& source, Check&& check) {
  try {
    check();
  } catch (const UsageError& error) {
    if (!source.known() || (error.place().known() && error.place().text() != source.text())) throw;
    throw error.under("method '" + method.name + "'").at(source);
  }
}

void check_supervisor(const SupervisorSpec& supervisor, const ITask& task) {
  if (!supervisor.outside()) return;
  if (task.kind() == TaskKind::generation) {
    fail(supervisor.source, "[supervisor]",
         "labels from outside are for classification and preferences, not for generation");
  }
  for (const std::string& path : supervisor.file.path) check_file(path, supervisor.source, "[supervisor]");
  const std::size_t rows = supervisor.noise.matrix.size();
  if (rows > 0 && static_cast<std::int64_t>(rows) != task.classes()) {
    fail(supervisor.source, "[supervisor]",
         "matrix has " + std::to_string(rows) + " rows, the task " + std::to_string(task.classes()) +
             " classes");
  }
}

// Every model's settings, alone and under each method.
void each_train(const Experiment& experiment, const std::function<void(const TrainSettings&)>& check) {
  const Settings settings(experiment);
  for (const ModelSpec& model : experiment.models) {
    check(settings.baseline(model.name));
    for (const MethodSpec& method : experiment.methods) check(settings.student(model.name, method.name));
  }
}

// Early stopping looks at examples that [task.split] holds out.
void check_early_stopping(const Experiment& experiment) {
  if (experiment.split.validation > 0) return;
  each_train(experiment, [](const TrainSettings& train) {
    if (train.params.early_stopping)
      fail_at(train.written.at("early_stopping"),
              "early_stopping needs validation examples: set task.split.validation");
  });
}

// A generation task has no head to be trained or shaped.
void check_no_head(const Experiment& experiment) {
  each_train(experiment, [](const TrainSettings& train) {
    if (const auto unfit = unfit_for_generation(train.params))
      fail_at(train.written.at(unfit->key), unfit->why);
  });
}

// A head that starts from words needs one for each class.
void check_label_words(const Experiment& experiment, const ITask& task) {
  each_train(experiment, [&](const TrainSettings& train) {
    if (train.params.head_init != HeadInit::label_words) return;
    try {
      label_words(train.params, task.kind(), task.classes());
    } catch (const UsageError& error) {
      fail_at(train.written.at(train.written.find("label_words") ? "label_words" : "head_init"),
              error.what());
    }
  });
}

}  // namespace

void resolve_plugins(Experiment& experiment, const Registry& registry) {
  const auto fill = [&](PluginKind kind, Spec& spec) { spec = resolve(registry, kind, spec); };
  fill(PluginKind::task, experiment.task);
  for (ModelSpec& model : experiment.models) {
    fill(PluginKind::model, model.spec);
    if (model.pretrain) fill(PluginKind::objective, model.pretrain->objective);
  }
  for (MethodSpec& method : experiment.methods) {
    if (!method.loss.empty()) fill(PluginKind::loss, method.loss);
    for (Spec& spec : method.strategy) fill(PluginKind::strategy, spec);
  }
}

void validate(const Experiment& experiment, const Registry& registry) {
  const std::unique_ptr<ITask> task = registry.make_task(experiment.task);
  for (const std::string& file : task->files()) {
    check_file(file, experiment.task.source, "task '" + experiment.task.type + "'");
  }

  check_supervisor(experiment.supervisor, *task);
  check_early_stopping(experiment);
  if (task->kind() == TaskKind::generation) check_no_head(experiment);
  check_label_words(experiment, *task);

  StrategyContext context;
  context.kind = task->kind();
  context.classes = task->classes();
  context.labels_from_outside = experiment.supervisor.outside();
  for (const ModelSpec& model : experiment.models) context.models.push_back(model.name);

  for (const ModelSpec& model : experiment.models) {
    registry.make_model(model.spec);
    if (!model.init.empty()) check_file(model.init, model.spec.source, "model '" + model.name + "': init");
    if (!model.pretrain) continue;
    const Spec& objective = model.pretrain->objective;
    for (const std::string& file : registry.make_objective(objective)->files()) {
      check_file(file, objective.source, "objective '" + objective.type + "'");
    }
  }
  for (const MethodSpec& method : experiment.methods) {
    const Spec loss = method.loss.empty() ? Spec{"cross_entropy", {}, method.source} : method.loss;
    check_method(method, loss.source, [&] {
      registry.make_loss(loss)->check({context.kind, context.classes});
    });
    std::string rule;  // the strategy so far that decides what a step minimises
    for (const Spec& spec : method.strategy) {
      check_method(method, spec.source, [&] {
        const std::unique_ptr<ISupervisionStrategy> strategy = registry.make_strategy(spec);
        if (strategy->sets_step_rule()) {
          if (!rule.empty()) {
            throw UsageError("strategies '" + rule + "' and '" + spec.type +
                             "' both decide what a training step minimises: a method can have one of them");
          }
          rule = spec.type;
        }
        if (const std::string why = strategy->serves(context.kind); !why.empty()) {
          throw UsageError("strategy '" + spec.type + "' does not work on a task of " +
                           name_of(context.kind) + ": " + why);
        }
        for (const Pair& pair : experiment.pairs) {
          context.student = pair.strong;
          strategy->check(context);
        }
      });
    }
  }
}

}  // namespace w2s
