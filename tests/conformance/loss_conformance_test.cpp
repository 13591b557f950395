// What every loss of ours must do beyond the conformance kit (plugin_conformance_test.cpp): short types and
// preferences.
#include <gtest/gtest.h>

#include <w2s/loss.hpp>
#include <w2s/random.hpp>

#include "../support/tiny_world.hpp"

namespace w2s {
namespace {

using testing::plugins;

// The defaults; where a field is required, a matrix is taken to be [C, C] with rows that sum to 1.
Spec spec_of(const std::string& name, std::int64_t classes) {
  Spec spec{name, {}, {}};
  const auto schema = plugins().schema(PluginKind::loss, name);
  for (const auto& field : schema->fields()) {
    if (!field->is_required()) continue;
    List rows;
    for (std::int64_t i = 0; i < classes; ++i) {
      List row;
      for (std::int64_t j = 0; j < classes; ++j)
        row.push_back(i == j ? 0.8 : 0.2 / static_cast<double>(classes - 1));
      rows.push_back(row);
    }
    spec.params.set(field->name(), rows);
  }
  return spec;
}

bool serves(const std::string& name, std::int64_t classes) {
  try {
    plugins().make_loss(spec_of(name, classes))->check({TaskKind::classification, classes});
    return true;
  } catch (const UsageError&) {
    return false;
  }
}

constexpr std::int64_t kExamples = 40;

std::unique_ptr<ILoss> fresh(const std::string& name, std::int64_t classes) {
  auto loss = plugins().make_loss(spec_of(name, classes));
  loss->check({TaskKind::classification, classes});
  loss->begin(kExamples, classes);
  return loss;
}

Tensor draws(std::int64_t rows, std::int64_t columns, Stream& stream) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < rows * columns; ++i) values.push_back(stream.normal());
  return at::tensor(values, at::kDouble).view({rows, columns});
}

// Step k of a made-up training: a batch of 8, one label in two hard.
LossInput batch(std::int64_t classes, std::int64_t step, at::ScalarType type = at::kDouble) {
  constexpr std::int64_t kBatch = 8;
  Stream stream(static_cast<std::uint64_t>(step), "conformance");
  LossInput in;
  in.logits = (2 * draws(kBatch, classes, stream)).to(type);
  Tensor targets = at::softmax(2 * draws(kBatch, classes, stream), 1);
  targets.slice(0, 0, kBatch / 2).copy_(one_hot_argmax(targets.slice(0, 0, kBatch / 2)));
  in.targets = targets.to(type);
  auto rows = stream.permutation(kExamples);
  rows.resize(kBatch);
  in.index = at::tensor(rows, at::kLong);
  in.weights = at::ones({kBatch}, type);
  in.step_fraction = 0.1 + 0.2 * static_cast<double>(step);
  in.epoch = step;
  return in;
}

// Runs `body(name, classes)` for each loss and each number of classes that it serves; there must be one.
template <class Body>
void each_loss(Body&& body) {
  const auto names = plugins().names(PluginKind::loss);
  EXPECT_FALSE(names.empty());
  for (const std::string& name : names) {
    bool any = false;
    for (const std::int64_t classes : {2, 3, 10}) {
      if (!serves(name, classes)) continue;
      any = true;
      SCOPED_TRACE(name + ", " + std::to_string(classes) + " classes");
      body(name, classes);
    }
    EXPECT_TRUE(any) << name << ": check() refuses 2, 3 and 10 classes";
  }
}

TEST(LossConformance, AcceptsItsOwnDefaults) {
  for (const std::string& name : plugins().names(PluginKind::loss)) {
    SCOPED_TRACE(name);
    const Table resolved = plugins().resolved(PluginKind::loss, spec_of(name, 2));
    EXPECT_NO_THROW(plugins().make_loss({name, resolved, {}}));
  }
}

TEST(LossConformance, InShortTypesIsTheLossOfTheRoundedLogits) {
  each_loss([&](const std::string& name, std::int64_t classes) {
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      SCOPED_TRACE(c10::toString(type));
      const auto loss = fresh(name, classes), reference = fresh(name, classes);
      for (std::int64_t step = 0; step < 3; ++step) {
        LossInput in = batch(classes, step, type);
        LossInput exact = in;
        in.logits.requires_grad_(true);
        exact.logits = in.logits.detach().to(at::kDouble).requires_grad_(true);
        exact.targets = in.targets.to(at::kDouble);
        const Tensor values = loss->forward(in), expected = reference->forward(exact);
        const double coarse = type == at::kFloat ? 1e-4 : 2e-2;
        EXPECT_TRUE(values.to(at::kDouble).allclose(expected, coarse, coarse)) << values << expected;
        values.sum().backward();
        expected.sum().backward();
        EXPECT_TRUE(in.logits.grad().to(at::kDouble).allclose(exact.logits.grad(), coarse, coarse));
      }
    }
  });
}

TEST(LossConformance, ServesPreferences) {
  // Logits [0, s₂ − s₁], from no difference to one that leaves no doubt; labels soft, hard and split.
  for (const std::string& name : plugins().names(PluginKind::loss)) {
    SCOPED_TRACE(name);
    for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16}) {
      SCOPED_TRACE(c10::toString(type));
      const auto loss = plugins().make_loss(spec_of(name, 2));
      loss->check({TaskKind::preference, 2});
      loss->begin(kExamples, 2);
      std::vector<Tensor> z, y;
      for (const double difference : {0.0, 1e-3, -3.0, 40.0, -100.0, 1e4, -1e4}) {
        for (const double second : {0.0, 0.5, 0.7, 1.0}) {
          z.push_back(at::tensor({0.0, difference}, at::kDouble));
          y.push_back(at::tensor({1 - second, second}, at::kDouble));
        }
      }
      LossInput in;
      in.logits = at::stack(z).to(type).requires_grad_(true);
      in.targets = at::stack(y).to(type);
      in.index = at::arange(in.logits.size(0), at::kLong);
      in.weights = at::ones({in.logits.size(0)}, type);
      in.step_fraction = 0.5;
      const Tensor values = loss->forward(in);
      EXPECT_TRUE(values.isfinite().all().item<bool>()) << values;
      values.sum().backward();
      EXPECT_TRUE(in.logits.grad().isfinite().all().item<bool>()) << in.logits.grad();
      EXPECT_GT(in.logits.grad().select(1, 1).abs().max().item<double>(), 0) << "nothing would be learnt";
    }
  }
}

}  // namespace
}  // namespace w2s
