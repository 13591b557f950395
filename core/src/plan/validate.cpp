#include "plan/validate.hpp"

#include <filesystem>

#include <w2s/plugin.hpp>

#include "plugins/resolve.hpp"

namespace w2s {
namespace {

[[noreturn]] void fail(const Source& source, const std::string& what, const std::string& message) {
  const std::string where = source.text();
  throw UsageError((where.empty() ? "" : where + ": ") + what + ": " + message);
}

void check_file(const std::string& path, const Source& source, const std::string& what) {
  if (!std::filesystem::exists(path)) fail(source, what, "the file '" + path + "' does not exist");
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

  StrategyContext context;
  context.kind = task->kind();
  context.classes = task->classes();
  for (const ModelSpec& model : experiment.models) context.models.push_back(model.name);

  for (const ModelSpec& model : experiment.models) {
    registry.make_model(model.spec);
    if (!model.init.empty()) check_file(model.init, model.spec.source, "model '" + model.name + "': init");
    if (model.pretrain) registry.make_objective(model.pretrain->objective);
  }
  for (const MethodSpec& method : experiment.methods) {
    const Spec loss = method.loss.empty() ? Spec{"cross_entropy", {}, method.source} : method.loss;
    try {
      registry.make_loss(loss)->check({context.kind, context.classes});
      for (const Spec& spec : method.strategy) {
        const std::unique_ptr<ISupervisionStrategy> strategy = registry.make_strategy(spec);
        for (const Pair& pair : experiment.pairs) {
          context.student = pair.strong;
          strategy->check(context);
        }
      }
    } catch (const UsageError& error) {
      throw UsageError("method '" + method.name + "': " + error.what());
    }
  }
}

}  // namespace w2s
