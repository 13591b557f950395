// An Experiment back to TOML.
#include "config/experiment.hpp"
#include "values/toml.hpp"

namespace w2s {
namespace {

template <class T>
Value list_of(const std::vector<T>& items) {
  return List(items.begin(), items.end());
}

void set_unless_empty(Table& table, const char* key, const Table& value) {
  if (!value.empty()) table.set(key, value);
}

Table task_table(const Experiment& experiment) {
  Table table = experiment.task.value().as_table();
  table.set("name", experiment.task_name);
  Schema<SplitParams> schema;
  describe_split(schema);
  table.set("split", schema.resolved(experiment.split));
  return table;
}

Table model_table(const ModelSpec& model) {
  Table table = model.spec.value().as_table();
  if (!model.init.empty()) table.set("init", model.init);
  set_unless_empty(table, "train", model.train);
  if (model.pretrain) {
    Table pretrain{{"objective", model.pretrain->objective.value()},
                   {"examples", model.pretrain->examples},
                   {"seed", model.pretrain->seed}};
    table.set("pretrain", merge(std::move(pretrain), model.pretrain->train));
  }
  return table;
}

// A ladder gives its first model every other one as a partner, in order.
Table pairs_table(const Experiment& experiment) {
  Table table;
  if (experiment.pairs.size() == 1) {
    table.set("weak", experiment.pairs[0].weak);
    table.set("strong", experiment.pairs[0].strong);
  } else {
    List ladder{experiment.pairs[0].weak};
    for (const Pair& pair : experiment.pairs) {
      if (pair.weak == experiment.pairs[0].weak) ladder.emplace_back(pair.strong);
    }
    table.set("ladder", ladder);
  }
  table.set("ceiling_on", name_of(experiment.ceiling_on));
  return table;
}

Table method_table(const MethodSpec& method) {
  Table table;
  if (!method.loss.empty()) table.set("loss", method.loss.value());
  List chain;
  for (const Spec& spec : method.strategy) chain.push_back(spec.value());
  if (!chain.empty()) table.set("strategy", chain);
  set_unless_empty(table, "train", method.train);
  return table;
}

}  // namespace

std::string Experiment::to_toml() const {
  Table root, model_tables, method_tables;
  for (const ModelSpec& model : models) model_tables.set(model.name, model_table(model));
  for (const MethodSpec& method : methods) method_tables.set(method.name, method_table(method));

  root.set("name", name);
  root.set("seeds", list_of(seeds));
  root.set("task", task_table(*this));
  root.set("models", model_tables);
  root.set("pairs", pairs_table(*this));
  if (supervisor.outside()) root.set("supervisor", supervisor.table());
  set_unless_empty(root, "train", train);
  root.set("methods", method_tables);
  if (!plugin_paths.empty() || !plugin_sources.empty()) {
    root.set("plugins", Table{{"paths", list_of(plugin_paths)}, {"sources", list_of(plugin_sources)}});
  }
  set_unless_empty(root, "variant", variant);
  return write_toml(root);
}

}  // namespace w2s
