// Registry's typed factories: plugin objects behind guarded proxies.
#include <w2s/plugin.hpp>

#include "plugins/interface_size.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

template <class Interface>
InterfaceSize size_of() {
  return {sizeof(Interface), alignof(Interface)};
}

// What every proxy holds: the plugin's object, and who it is.
template <class Interface>
struct Guarded {
  std::unique_ptr<Interface> plugin;
  PluginOrigin origin;
  Source configured;
};

class GuardedTask final : public ITask {
 public:
  explicit GuardedTask(Guarded<ITask> inner) : inner_(std::move(inner)) {}
  std::vector<std::string> files() const override {
    return guarded(inner_.origin, [&] { return inner_.plugin->files(); });
  }
  TaskKind kind() const override {
    return guarded(inner_.origin, [&] { return inner_.plugin->kind(); });
  }
  std::int64_t classes() const override {
    return guarded(inner_.origin, [&] { return inner_.plugin->classes(); });
  }
  TaskData load() override {
    return guarded(inner_.origin, [&] { return inner_.plugin->load(); });
  }

 private:
  Guarded<ITask> inner_;
};

class GuardedLoss final : public ILoss {
 public:
  explicit GuardedLoss(Guarded<ILoss> inner) : inner_(std::move(inner)) {}
  Tensor forward(const LossInput& in) override {
    return guarded(inner_.origin, [&] { return inner_.plugin->forward(in); });
  }
  void check(const LossContext& context) const override {
    guarded(inner_.origin, inner_.configured, [&] { inner_.plugin->check(context); });
  }
  bool rowwise() const override {
    return guarded(inner_.origin, [&] { return inner_.plugin->rowwise(); });
  }
  void begin(std::int64_t examples, std::int64_t classes) override {
    guarded(inner_.origin, [&] { inner_.plugin->begin(examples, classes); });
  }
  std::map<std::string, Tensor> state() const override {
    return guarded(inner_.origin, [&] { return inner_.plugin->state(); });
  }
  void load_state(const std::map<std::string, Tensor>& state) override {
    guarded(inner_.origin, [&] { inner_.plugin->load_state(state); });
  }

 private:
  Guarded<ILoss> inner_;
};

class GuardedStrategy final : public ISupervisionStrategy {
 public:
  explicit GuardedStrategy(Guarded<ISupervisionStrategy> inner) : inner_(std::move(inner)) {}
  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    return guarded(inner_.origin, [&] { return inner_.plugin->supervise(labels, spec, lab, next); });
  }
  void check(const StrategyContext& context) const override {
    guarded(inner_.origin, inner_.configured, [&] { inner_.plugin->check(context); });
  }
  std::vector<std::string> models() const override {
    return guarded(inner_.origin, [&] { return inner_.plugin->models(); });
  }
  std::string serves(TaskKind kind) const override {
    return guarded(inner_.origin, [&] { return inner_.plugin->serves(kind); });
  }
  Truth reads_truth() const override {
    return guarded(inner_.origin, [&] { return inner_.plugin->reads_truth(); });
  }
  std::int64_t members() const override {
    return guarded(inner_.origin, [&] { return inner_.plugin->members(); });
  }
  bool sets_step_rule() const override {
    return guarded(inner_.origin, [&] { return inner_.plugin->sets_step_rule(); });
  }

 private:
  Guarded<ISupervisionStrategy> inner_;
};

template <class Interface>
std::unique_ptr<Interface> owned(void* plugin) {
  return std::unique_ptr<Interface>(static_cast<Interface*>(plugin));
}

}  // namespace

InterfaceSize interface_size(PluginKind kind) {
  switch (kind) {
    case PluginKind::task:
      return size_of<ITask>();
    case PluginKind::model:
      return size_of<IModel>();
    case PluginKind::objective:
      return size_of<IObjective>();
    case PluginKind::loss:
      return size_of<ILoss>();
    case PluginKind::strategy:
      return size_of<ISupervisionStrategy>();
  }
  return {};
}

std::unique_ptr<ITask> Registry::make_task(const Spec& spec) const {
  auto plugin = owned<ITask>(create(PluginKind::task, spec));
  return std::make_unique<GuardedTask>(
      Guarded<ITask>{std::move(plugin), find(PluginKind::task, spec).origin(), spec.source});
}

std::unique_ptr<ILoss> Registry::make_loss(const Spec& spec) const {
  auto plugin = owned<ILoss>(create(PluginKind::loss, spec));
  return std::make_unique<GuardedLoss>(
      Guarded<ILoss>{std::move(plugin), find(PluginKind::loss, spec).origin(), spec.source});
}

std::unique_ptr<ISupervisionStrategy> Registry::make_strategy(const Spec& spec) const {
  auto plugin = owned<ISupervisionStrategy>(create(PluginKind::strategy, spec));
  return std::make_unique<GuardedStrategy>(Guarded<ISupervisionStrategy>{
      std::move(plugin), find(PluginKind::strategy, spec).origin(), spec.source});
}

std::unique_ptr<IModel> Registry::make_model(const Spec& spec) const {
  return owned<IModel>(create(PluginKind::model, spec));
}

std::unique_ptr<IObjective> Registry::make_objective(const Spec& spec) const {
  return owned<IObjective>(create(PluginKind::objective, spec));
}

}  // namespace w2s
