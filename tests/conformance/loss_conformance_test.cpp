// What every loss of ours must do beyond the conformance kit (plugin_conformance_test.cpp): short types and
// preferences.
#include <gtest/gtest.h>

#include <w2s/loss.hpp>
#include <w2s/random.hpp>

#include "../support/tiny_world.hpp"
#include "check/check.hpp"

namespace w2s {
namespace {

using testing::plugins;

Spec spec_of(const std::string& name, std::int64_t classes) {
  return {name, loss_params(*plugins().schema(PluginKind::loss, name), {}, classes), {}};
}

bool serves(const std::string& name, std::int64_t classes) {
  try {
    plugins().make_loss(spec_of(name, classes))->check({TaskKind::classification, classes});
    return true;
  } catch (const UsageError&) {
    return false;
  }
}

std::unique_ptr<ILoss> fresh(const std::string& name, std::int64_t classes) {
  auto loss = plugins().make_loss(spec_of(name, classes));
  loss->check({TaskKind::classification, classes});
  loss->begin(kMadeUpExamples, classes);
  return loss;
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
        LossInput in = made_up_batch(classes, step, type);
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
      loss->begin(kMadeUpExamples, 2);
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
