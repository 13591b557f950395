// What a plugin must do for results to mean what they say. `w2s check` shows it to
// authors; the conformance tests demand it of every plugin of our own.
//
// Each check names the rule, what went against it, and what to do.
#pragma once

#include <functional>
#include <memory>

#include <w2s/plugin.hpp>

#include "check/findings.hpp"
#include "plugins/registry.hpp"

namespace w2s {

/// A plugin to be checked: its schema, and how an object is made from parameters.
template <class Interface>
struct Subject {
  std::string name;
  const SchemaBase* schema = nullptr;
  std::function<std::unique_ptr<Interface>(const Table&)> make;
  Table params;  ///< what the author gave; required parameters must be among them, but for a loss's matrices
};

/// Losses: on 2, 3 and 10 classes, as far as ILoss::check allows. With the registry that holds the loss, a
/// small model is trained with it too.
std::vector<Finding> check_loss(const Subject<ILoss>& loss, const Registry* plugins = nullptr);
/// Strategies: on a small synthetic task with models "weak", "medium" and "strong", made of `plugins`.
std::vector<Finding> check_strategy(const Subject<ISupervisionStrategy>& strategy, const Registry& plugins);
/// Tasks: on the data that the parameters name.
std::vector<Finding> check_task(const Subject<ITask>& task);
/// Models: on made-up images or vectors, or texts for a model that reads text.
std::vector<Finding> check_model(const Subject<IModel>& model);
/// Objectives: on a small perceptron of `plugins`, unless the objective is for models of text.
std::vector<Finding> check_objective(const Subject<IObjective>& objective, const Registry& plugins);

/// The plugin of that kind and name in the registry.
std::vector<Finding> check_plugin(const Registry& plugins, PluginKind kind, const Spec& spec);

/// What losses are tried on. Step k of a made-up training of kMadeUpExamples examples: a batch of 8, one
/// label in two hard.
inline constexpr std::int64_t kMadeUpExamples = 40;
LossInput made_up_batch(std::int64_t classes, std::int64_t step, at::ScalarType type = at::kDouble);
/// `given`, and for each required parameter that is not among them a matrix [C, C] with rows that sum to 1.
Table loss_params(const SchemaBase& schema, const Table& given, std::int64_t classes);

/// Summary, source, and the meaning of every parameter; the defaults are in range.
void check_documented(Findings& findings, const SchemaBase& schema);

}  // namespace w2s
