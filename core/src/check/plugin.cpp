#include "check/check.hpp"

namespace w2s {
namespace {

template <class Interface, class Make>
Subject<Interface> subject(const SchemaBase& schema, const Spec& spec, Make&& make) {
  return {spec.type, &schema,
          [spec, make](const Table& params) {
            return make(Spec{spec.type, params, {}});
          },
          spec.params};
}

}  // namespace

std::vector<Finding> check_plugin(const Registry& plugins, PluginKind kind, const Spec& spec) {
  const std::unique_ptr<SchemaBase> schema = plugins.schema(kind, spec.type);
  switch (kind) {
    case PluginKind::loss:
      return check_loss(
          subject<ILoss>(*schema, spec, [&](const Spec& full) { return plugins.make_loss(full); }), &plugins);
    case PluginKind::strategy:
      return check_strategy(subject<ISupervisionStrategy>(
                                *schema, spec, [&](const Spec& full) { return plugins.make_strategy(full); }),
                            plugins);
    case PluginKind::task:
      return check_task(
          subject<ITask>(*schema, spec, [&](const Spec& full) { return plugins.make_task(full); }));
    case PluginKind::model:
      return check_model(
          subject<IModel>(*schema, spec, [&](const Spec& full) { return plugins.make_model(full); }));
    case PluginKind::objective:
      return check_objective(
          subject<IObjective>(*schema, spec, [&](const Spec& full) { return plugins.make_objective(full); }),
          plugins);
  }
  return {};
}

}  // namespace w2s
