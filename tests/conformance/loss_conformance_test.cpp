// What every loss must do, built in or not: run with W2S_PLUGIN_PATH for losses of your own.
#include <gtest/gtest.h>

#include <set>

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

// Every pairing of logits and labels that floating point may stumble over.
LossInput extreme(std::int64_t classes, at::ScalarType type) {
  const auto row = [&](double first, double rest) {
    Tensor values = at::full({classes}, rest, at::kDouble);
    values[0] = first;
    return values;
  };
  const double c = static_cast<double>(classes);
  const std::vector<Tensor> logits = {row(1e4, -1e4), row(-1e4, 1e4), row(0, 0),
                                      row(1e4, 1e4),  row(40, 0),     row(-100, 0)};
  const std::vector<Tensor> targets = {row(1, 0), row(0, 1 / (c - 1)), row(1 / c, 1 / c),
                                       row(1 - 1e-30 * (c - 1), 1e-30), row(1e-12, (1 - 1e-12) / (c - 1))};
  std::vector<Tensor> z, y;
  for (const Tensor& logit : logits) {
    for (const Tensor& target : targets) z.push_back(logit), y.push_back(target);
  }
  LossInput in;
  in.logits = at::stack(z).to(type);
  in.targets = at::stack(y).to(type);
  in.index = at::arange(in.logits.size(0), at::kLong);
  in.weights = at::ones({in.logits.size(0)}, type);
  in.step_fraction = 0.5;
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

TEST(LossConformance, IsDocumented) {
  for (const std::string& name : plugins().names(PluginKind::loss)) {
    SCOPED_TRACE(name);
    const auto schema = plugins().schema(PluginKind::loss, name);
    EXPECT_FALSE(schema->summary().empty());
    EXPECT_FALSE(schema->source().empty());
    EXPECT_FALSE(schema->formula().empty());
    for (const auto& field : schema->fields()) EXPECT_FALSE(field->doc().empty()) << field->name();
  }
}

TEST(LossConformance, AcceptsItsOwnDefaults) {
  for (const std::string& name : plugins().names(PluginKind::loss)) {
    SCOPED_TRACE(name);
    const Table resolved = plugins().resolved(PluginKind::loss, spec_of(name, 2));
    EXPECT_NO_THROW(plugins().make_loss({name, resolved, {}}));
  }
}

TEST(LossConformance, GivesOneFiniteValueAndGradientPerExampleAtExtremes) {
  each_loss([&](const std::string& name, std::int64_t classes) {
    for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16}) {
      SCOPED_TRACE(c10::toString(type));
      LossInput in = extreme(classes, type);
      in.logits.requires_grad_(true);
      const auto loss = fresh(name, classes);
      for (int step = 0; step < 2; ++step) {
        const Tensor values = loss->forward(in);
        ASSERT_EQ(values.dim(), 1);
        ASSERT_EQ(values.size(0), in.logits.size(0));
        ASSERT_TRUE(values.isfinite().all().item<bool>()) << values;
        in.logits.mutable_grad() = Tensor();
        values.sum().backward();
        ASSERT_TRUE(in.logits.grad().isfinite().all().item<bool>()) << in.logits.grad();
      }
    }
  });
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

TEST(LossConformance, IsDeterministic) {
  each_loss([&](const std::string& name, std::int64_t classes) {
    const auto first = fresh(name, classes), second = fresh(name, classes);
    for (std::int64_t step = 0; step < 3; ++step) {
      EXPECT_TRUE(first->forward(batch(classes, step)).equal(second->forward(batch(classes, step))));
    }
  });
}

TEST(LossConformance, FollowsAPermutationOfTheBatch) {
  each_loss([&](const std::string& name, std::int64_t classes) {
    const auto first = fresh(name, classes), second = fresh(name, classes);
    for (std::int64_t step = 0; step < 3; ++step) {
      const LossInput in = batch(classes, step);
      const Tensor order = at::tensor(std::vector<std::int64_t>{3, 1, 7, 0, 6, 2, 5, 4}, at::kLong);
      LossInput permuted = in;
      for (Tensor LossInput::*field :
           {&LossInput::logits, &LossInput::targets, &LossInput::index, &LossInput::weights}) {
        permuted.*field = (in.*field).index_select(0, order);
      }
      EXPECT_TRUE(
          second->forward(permuted).allclose(first->forward(in).index_select(0, order), 1e-12, 1e-12));
    }
  });
}

TEST(LossConformance, OfARowDependsOnOtherRowsOnlyWhereTheSchemaSaysSo) {
  each_loss([&](const std::string& name, std::int64_t classes) {
    if (plugins().schema(PluginKind::loss, name)->batch_statistics()) return;
    const LossInput in = batch(classes, 1);
    const Tensor whole = fresh(name, classes)->forward(in);
    LossInput half = in;
    for (Tensor LossInput::*field :
         {&LossInput::logits, &LossInput::targets, &LossInput::index, &LossInput::weights}) {
      half.*field = (in.*field).slice(0, 2, 5);
    }
    EXPECT_TRUE(fresh(name, classes)->forward(half).allclose(whole.slice(0, 2, 5), 1e-12, 1e-12));
  });
}

TEST(LossConformance, LeavesTheWeightsToTheEngine) {
  each_loss([&](const std::string& name, std::int64_t classes) {
    LossInput in = batch(classes, 0);
    const Tensor plain = fresh(name, classes)->forward(in);
    in.weights = at::arange(in.logits.size(0), at::kDouble);
    EXPECT_TRUE(fresh(name, classes)->forward(in).equal(plain));
  });
}

TEST(LossConformance, GoesOnFromASavedState) {
  each_loss([&](const std::string& name, std::int64_t classes) {
    const auto loss = fresh(name, classes);
    for (std::int64_t step = 0; step < 2; ++step) loss->forward(batch(classes, step));
    const auto state = loss->state();
    const auto resumed = fresh(name, classes);
    resumed->load_state(state);
    for (std::int64_t step = 2; step < 4; ++step) {
      // The original goes first: a state that is shared and not copied would show.
      const Tensor expected = loss->forward(batch(classes, step));
      EXPECT_TRUE(resumed->forward(batch(classes, step)).equal(expected)) << "step " << step;
      if (step > 2 || !state.empty()) continue;
      EXPECT_TRUE(fresh(name, classes)->forward(batch(classes, step)).equal(expected))
          << "what it remembers is not in its state";
    }
  });
}

TEST(LossConformance, TrainsTheSameInSmallPieces) {
  // The engine joins the logits of a batch that it forwards in pieces: a loss cannot tell.
  for (const std::string& name : plugins().names(PluginKind::loss)) {
    SCOPED_TRACE(name);
    Tensor whole;
    for (const bool pieces : {false, true}) {
      testing::TinyOptions options;
      options.train.set("epochs", 2);
      testing::TinyWorld tiny(testing::blobs(240, 2, 4, 1, 2), 2, options);
      FitSpec spec = tiny.spec();
      spec.loss = spec_of(name, 2);
      if (pieces) {
        spec.train.micro_tokens = 7;
        spec.train.activation_tokens = 14;
      }
      const Tensor p = tiny.lab().predict(tiny.lab().fit(tiny.weak_labels(), spec), tiny.test());
      EXPECT_TRUE(p.isfinite().all().item<bool>());
      if (!pieces) whole = p;
      EXPECT_TRUE(p.allclose(whole, 1e-3, 1e-3)) << (p - whole).abs().max().item<double>();
    }
  }
}

// Losses with a stop-gradient: their gradient is not the derivative of their value, and golden values pin it.
const std::set<std::string> kStopGradient = {"soft_confidence", "product", "adaptive_confidence",
                                             "early_learning"};

TEST(LossConformance, HasTheGradientOfItsValue) {
  each_loss([&](const std::string& name, std::int64_t classes) {
    if (kStopGradient.count(name) != 0) return;
    LossInput in = batch(classes, 0);
    const Tensor logits = in.logits.clone();
    in.logits = logits.clone().requires_grad_(true);
    fresh(name, classes)->forward(in).sum().backward();
    const Tensor gradient = in.logits.grad();

    constexpr double kStep = 1e-6;
    Stream stream(7, "direction");
    const Tensor direction = draws(logits.size(0), logits.size(1), stream);
    const auto value = [&](double step) {
      in.logits = logits + step * direction;
      return fresh(name, classes)->forward(in).sum().item<double>();
    };
    const double expected = (value(kStep) - value(-kStep)) / (2 * kStep);
    EXPECT_NEAR((gradient * direction).sum().item<double>(), expected, 1e-6 * (1 + std::abs(expected)));
  });
}

}  // namespace
}  // namespace w2s
