// Every case of every losses*.json of the fixtures: value and gradient of the mean in float64.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include <w2s/loss.hpp>

#include "../support/fixtures.hpp"
#include "plugins/registry.hpp"
#include "values/toml.hpp"

namespace w2s {
namespace {

constexpr double kTolerance = 1e-9;

Tensor matrix(const nlohmann::json& rows) {
  std::vector<double> values;
  for (const auto& row : rows) {
    for (const auto& value : row) values.push_back(value.get<double>());
  }
  return at::tensor(values, at::kDouble).view({static_cast<std::int64_t>(rows.size()), -1});
}

void check_case(const Registry& registry, const nlohmann::json& test) {
  Spec spec{
      test.at("loss").get<std::string>(), parse_json(test.at("params").dump(), "params").as_table(), {}};
  const auto loss = registry.make_loss(spec);

  std::int64_t examples = 0, classes = 0;
  for (const auto& call : test.at("calls")) {
    for (const auto& index : call.at("index")) examples = std::max(examples, index.get<std::int64_t>() + 1);
    classes = static_cast<std::int64_t>(call.at("logits").at(0).size());
  }
  loss->check({TaskKind::classification, classes});
  loss->begin(examples, classes);

  for (const auto& call : test.at("calls")) {
    const Tensor logits = matrix(call.at("logits")).requires_grad_(true);
    LossInput in;
    in.logits = logits;
    in.targets = matrix(call.at("targets"));
    in.index = at::tensor(call.at("index").get<std::vector<std::int64_t>>(), at::kLong);
    in.weights = at::ones({logits.size(0)}, at::kDouble);
    in.step_fraction = call.at("step_frac").get<double>();
    const Tensor mean = loss->forward(in).mean();
    mean.backward();
    EXPECT_NEAR(mean.item<double>(), call.at("loss").get<double>(), kTolerance);
    EXPECT_LE((logits.grad() - matrix(call.at("grad"))).abs().max().item<double>(), kTolerance);
  }
}

TEST(LossGolden, EveryCaseAgreesInValueAndGradient) {
  const Registry registry = load_plugins();
  for (const std::filesystem::path& root : fixture_roots()) {
    for (const auto& item : std::filesystem::directory_iterator(root)) {
      const std::filesystem::path& path = item.path();
      if (path.extension() != ".json" || path.stem().string().rfind("losses", 0) != 0) continue;
      std::ifstream file(path);
      std::size_t number = 0;
      for (const auto& test : nlohmann::json::parse(file)) {
        SCOPED_TRACE(path.string() + ", case " + std::to_string(number++) + ": " +
                     test.at("loss").get<std::string>() + " " + test.at("params").dump());
        check_case(registry, test);
      }
      EXPECT_GT(number, 0u) << path;
    }
  }
}

}  // namespace
}  // namespace w2s
