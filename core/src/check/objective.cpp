#include <cmath>

#include <fmt/format.h>

#include <w2s/tokenizer.hpp>

#include "check/check.hpp"
#include "check/tiny_world.hpp"
#include "engine/network.hpp"

namespace w2s {
namespace {

// A model and inputs to try an objective on.
struct World {
  ScratchFolder folder;  // of a tokenizer
  Spec model;
  ModelContext context;
  Examples examples;
};

std::unique_ptr<World> images() {
  auto world = std::make_unique<World>();
  Stream draws(5, "images");
  world->examples = examples_of({normals({16, 1, 28, 28}, draws).sigmoid(), at::zeros({16}, at::kLong)});
  world->context.input_shape = {1, 28, 28};
  world->model = {"mlp", Table{{"hidden", List{16}}}, {}};
  return world;
}

std::unique_ptr<World> texts() {
  auto world = std::make_unique<World>();
  Columns columns;
  for (std::int64_t i = 0; i < 16; ++i) {
    columns.ids.push_back("row/" + std::to_string(i));
    columns.text.push_back("one sheep, " + std::to_string(i * 37) + " sheep, and so to sleep");
  }
  columns.labels = at::zeros({16}, at::kLong);
  train_bpe(columns.text, {280, {"<|endoftext|>"}, 2})->save(world->folder.path() + "/tokenizer.json");
  world->examples = Examples(std::move(columns));
  world->model = {
      "gpt",
      Table{
          {"layers", 1}, {"width", 8}, {"heads", 2}, {"positions", 16}, {"tokenizer", world->folder.path()}},
      {}};
  return world;
}

}  // namespace

std::vector<Finding> check_objective(const Subject<IObjective>& objective, const Registry& plugins) {
  Findings findings;
  check_documented(findings, *objective.schema);
  std::vector<std::int64_t> rows = {0, 1, 2, 3};
  std::unique_ptr<World> world = images();
  struct Run {
    double loss = 0;
    Tensor gradient;
  };
  const auto run = [&](std::uint64_t seed) {
    const std::unique_ptr<IModel> model = plugins.make_model(world->model);
    model->build(world->context, Stream(1, "check"));
    const std::unique_ptr<IObjective> subject = objective.make(objective.params);
    const Encoded inputs = subject->inputs(*model, world->examples, TaskKind::classification);
    subject->begin(*model, inputs, Stream(1, "begin"));
    for (Parameters* parameters : {&model->parameters(), &subject->parameters()}) {
      for (Parameters::Item& item : parameters->items()) item.tensor.set_requires_grad(!item.buffer);
    }
    Stream stream(seed, "step");
    const Tensor loss = subject->loss(*model, inputs, rows, stream);
    if (!loss.defined() || loss.numel() != 1) throw Error("loss() returned no single number");
    if (!loss.requires_grad()) throw Error("its loss does not depend on the model: it has no gradient");
    loss.backward();
    Run result{loss.item<double>(), {}};
    for (const Parameters::Item& item : model->parameters().items()) {
      if (!item.tensor.grad().defined()) continue;
      result.gradient = item.tensor.grad();
      break;
    }
    return result;
  };

  findings.check("gives a finite loss with a gradient for the model",
                 "return a scalar that depends on model.features(), or on hidden() of models of text",
                 [&]() -> std::string {
                   Run first;
                   try {
                     first = run(1);
                   } catch (const WrongInputs&) {  // not for images
                     world = texts();
                     first = run(1);
                   }
                   if (!std::isfinite(first.loss)) return fmt::format("its loss is {}", first.loss);
                   if (!first.gradient.defined()) return "no gradient reaches the model";
                   return first.gradient.isfinite().all().item<bool>() ? "" : "the gradient is not finite";
                 });
  findings.check("is deterministic for a seed", "draw all random values from the stream that it is given",
                 [&]() -> std::string {
                   const Run first = run(1), second = run(1);
                   return first.loss == second.loss && first.gradient.equal(second.gradient)
                              ? ""
                              : "two runs with one stream differ";
                 });
  return findings.all();
}

}  // namespace w2s
