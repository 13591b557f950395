// Every case of strategies.json, which tools/make_strategies.py computes from the published formulas: one
// step of a rule in value and gradient, which rows a filter keeps, the mixtures and joints that strategies
// estimate.
#include <gmock/gmock.h>

#include <fstream>

#include <nlohmann/json.hpp>

#include <w2s/confidence.hpp>
#include <w2s/losses.hpp>
#include <w2s/mixture.hpp>

#include "../support/noting_lab.hpp"
#include "../support/plugins.hpp"
#include "plugins/guard.hpp"
#include "values/toml.hpp"

namespace w2s {
namespace {

using nlohmann::json;
using testing::NotingLab;

constexpr double kTolerance = 1e-6;  // targets are float32

json reference(const char* part) {
  std::ifstream file(W2S_SOURCE_DIR "/tests/golden/strategies.json");
  return json::parse(file).at(part);
}

Tensor vector_of(const json& values) { return at::tensor(values.get<std::vector<double>>(), at::kDouble); }

Tensor matrix(const json& rows) {
  std::vector<Tensor> all;
  for (const json& row : rows) all.push_back(vector_of(row));
  return at::stack(all);
}

Supervision labels_of(const json& test) {
  const Tensor targets = matrix(test.at("targets")).to(at::kFloat);
  Columns columns;
  columns.dense = test.contains("features") ? matrix(test.at("features")).to(at::kFloat)
                                            : at::zeros({targets.size(0), 1});
  columns.labels = at::zeros({targets.size(0)}, at::kLong);
  for (std::int64_t i = 0; i < targets.size(0); ++i) columns.ids.push_back("row/" + std::to_string(i));
  return Supervision::soft(Examples(std::move(columns)), targets);
}

// A training whose students' logits are parameters; mixed inputs have mixed logits.
class FixedLogits final : public Training {
 public:
  FixedLogits(Supervision labels, std::vector<Tensor> logits, const json& test)
      : logits_(std::move(logits)),
        labels_(std::move(labels)),
        weights_(vector_of(test.at("weights"))),
        fraction_(test.at("fraction")) {}

  const Supervision& labels() const override { return labels_; }
  std::int64_t students() const override { return static_cast<std::int64_t>(logits_.size()); }
  std::int64_t epoch() const override { return 0; }
  std::int64_t epochs() const override { return 1; }
  double fraction() const override { return fraction_; }
  Stream& stream() override { return stream_; }
  Tensor logits(std::int64_t student, const Positions& rows) override {
    return logits_.at(static_cast<std::size_t>(student)).index_select(0, at::tensor(rows, at::kLong));
  }
  Tensor mixed_logits(std::int64_t student, const Positions& a, const Positions& b,
                      const Tensor& share) override {
    partners.push_back(b);
    shares.push_back(share[0].item<double>());
    const Tensor s = share.to(at::kDouble).unsqueeze(1);
    return s * logits(student, a) + (1 - s) * logits(student, b);
  }
  Tensor targets(const Positions& rows) override {
    return labels_.targets.index_select(0, at::tensor(rows, at::kLong)).to(at::kDouble);
  }
  Tensor weights(const Positions& rows) override {
    return weights_.index_select(0, at::tensor(rows, at::kLong));
  }
  Tensor losses(std::int64_t, const Tensor& logits, const Tensor& targets, const Positions&) override {
    return cross_entropy(log_probabilities(logits), targets);
  }

  std::vector<Positions> partners;
  std::vector<double> shares;

 private:
  std::vector<Tensor> logits_;
  Supervision labels_;
  Tensor weights_;
  double fraction_;
  Stream stream_{7, "golden"};
};

// What is no error passes through every guard.
struct RuleFound : NotAnError {
  explicit RuleFound(std::unique_ptr<StepRule> found) : rule(std::move(found)) {}
  std::shared_ptr<StepRule> rule;
};

std::shared_ptr<StepRule> rule_of(const std::string& strategy, const Table& params,
                                  const Supervision& labels) {
  NotingLab lab;
  try {
    plugins()
        .make_strategy({strategy, params, {}})
        ->supervise(labels, {}, lab, [](const Supervision&, const FitSpec& spec) -> Student {
          throw RuleFound{spec.rule->make()};
        });
  } catch (RuleFound& found) {
    return found.rule;
  }
  throw Error(strategy + " set no rule");
}

TEST(StrategyGolden, EveryStepAgreesInValueAndGradient) {
  std::size_t number = 0;
  for (const json& test : reference("steps")) {
    SCOPED_TRACE("case " + std::to_string(number++) + ": " + test.at("strategy").get<std::string>() + " " +
                 test.at("params").dump() + ", " + test.at("labels").get<std::string>() + " labels, at " +
                 test.at("fraction").dump());
    std::vector<Tensor> logits;
    for (const json& student : test.at("logits")) logits.push_back(matrix(student).requires_grad_(true));
    const Supervision given = labels_of(test);
    const auto rule =
        rule_of(test.at("strategy"), parse_json(test.at("params").dump(), "params").as_table(), given);
    FixedLogits training(test.at("labels") == "hard" ? given.hardened() : given, logits, test);
    Positions all(static_cast<std::size_t>(given.size()));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i);
    rule->begin_epoch(training);
    const Tensor loss = rule->loss(training, all);
    loss.backward();
    if (!training.partners.empty()) {
      ASSERT_EQ(json(training.partners), test.at("partners")) << "draws of the stream";
      ASSERT_THAT(training.shares, ::testing::Pointwise(::testing::DoubleNear(1e-6),
                                                        test.at("shares").get<std::vector<double>>()));
    }
    EXPECT_NEAR(loss.item<double>(), test.at("loss").get<double>(), kTolerance);
    for (std::size_t k = 0; k < logits.size(); ++k) {
      const Tensor grad = logits[k].grad().defined() ? logits[k].grad() : at::zeros_like(logits[k]);
      EXPECT_LE((grad - matrix(test.at("grad").at(k))).abs().max().item<double>(), kTolerance)
          << "student " << k;
    }
  }
  EXPECT_GT(number, 0u);
}

TEST(StrategyGolden, MixturesGiveThePosteriorsOfScikitLearn) {
  for (const json& test : reference("mixtures")) {
    const Tensor posterior = lower_component(vector_of(test.at("values")));
    EXPECT_LE((posterior - vector_of(test.at("posterior"))).abs().max().item<double>(), 1e-6);
  }
}

std::vector<std::int64_t> kept_by(const std::string& strategy, const json& test) {
  NotingLab lab;
  const Table params{{"k", test.at("k").get<std::int64_t>()},
                     {"contamination", test.at("contamination").get<double>()}};
  plugins()
      .make_strategy({strategy, params, {}})
      ->supervise(labels_of(test), {}, lab,
                  [&](const Supervision& labels, const FitSpec& spec) { return lab.fit(labels, spec); });
  return lab.calls.at(0).labels.examples.rows();
}

TEST(StrategyGolden, NeighbourFilterKeepsTheRowsOfTheReference) {
  for (const json& test : reference("filters"))
    EXPECT_EQ(kept_by("knn_filter", test), test.at("knn_filter").get<std::vector<std::int64_t>>());
}

TEST(StrategyGolden, TopologicalFilterKeepsTheCoreOfTheReference) {
  for (const json& test : reference("filters")) {
    const json& expected = test.at("topo_filter");
    const std::vector<std::int64_t> kept = kept_by("topo_filter", test);
    EXPECT_THAT(expected.at("core").get<std::vector<std::int64_t>>(), ::testing::IsSupersetOf(kept));
    std::vector<std::int64_t> votes;
    for (const std::int64_t row : kept)
      votes.push_back(expected.at("votes").at(static_cast<std::size_t>(row)));
    std::sort(votes.begin(), votes.end());
    EXPECT_EQ(votes, expected.at("votes_kept").get<std::vector<std::int64_t>>());
  }
}

TEST(StrategyGolden, ConfidentJointsAreThoseOfTheReference) {
  for (const json& test : reference("joints")) {
    const Tensor labels = at::tensor(test.at("labels").get<std::vector<std::int64_t>>(), at::kLong);
    const ConfidentJoint found = confident_joint(labels, matrix(test.at("probabilities")));
    EXPECT_LE((found.joint - matrix(test.at("joint"))).abs().max().item<double>(), 1e-9);
    EXPECT_LE((found.thresholds - vector_of(test.at("thresholds"))).abs().max().item<double>(), 1e-9);
  }
}

}  // namespace
}  // namespace w2s
