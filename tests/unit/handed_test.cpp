// What a strategy hands over is checked before anything reads it.
#include <algorithm>

#include <gtest/gtest.h>

#include "check/check.hpp"
#include "check/tiny_world.hpp"
#include "lab/handed.hpp"

namespace w2s {
namespace {

const Registry& with_bad_plugin() {
  static const Registry registry = load_plugins({std::string(W2S_BAD_PLUGINS_DIR) + "/hands_over.so"});
  return registry;
}

std::string refusal(const Table& params, bool behind_another = false) {
  TinyWorld world(with_bad_plugin(), blobs(80, 2, 3, 1.0, 1), 2);
  std::vector<Spec> chain{{"hands_over", params, {}}};
  if (behind_another) chain.insert(chain.begin(), {"ema", {}, {}});
  try {
    world.run(chain, world.weak_labels(), world.spec());
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(dynamic_cast<const UsageError*>(&error), nullptr);
    return error.what();
  }
}

TEST(HandedOver, NamesTheStrategyAndTheFirstBadExample) {
  const std::map<std::string, std::string> expected = {
      {"few_weights", "3 weights for 20 examples, expected one for each"},
      {"few_targets", "3 rows of targets for 20 examples"},
      {"wide_targets", "targets are Float [20, 4], expected float [20, 2]"},
      {"sum_of_two", "are no distribution"},
      {"negative_target", "are no distribution"},
      {"nan_target", "are no distribution"},
      {"negative_weight", "a weight of -1, expected a finite number from 0 (example 2, "},
      {"nan_weight", "a weight of nan, expected a finite number from 0 (example 2, "},
      {"no_weight", "every weight is 0"},
      {"no_targets", "targets or weights are missing"}};
  for (const auto& [what, said] : expected) {
    for (const bool to_lab : {false, true}) {
      for (const bool behind_another : {false, true}) {
        const std::string message = refusal({{"what", what}, {"to_lab", to_lab}}, behind_another);
        EXPECT_NE(message.find("strategy 'hands_over' hands over labels: "), std::string::npos)
            << what << ": " << message;
        EXPECT_NE(message.find(said), std::string::npos) << what << ": " << message;
      }
    }
    const std::string message = refusal({{"what", what}, {"validation", true}});
    EXPECT_NE(message.find("strategy 'hands_over' hands over validation labels: "), std::string::npos)
        << message;
    EXPECT_NE(message.find(said), std::string::npos) << what << ": " << message;
  }
}

TEST(HandedOver, IsFoundByTheCheckOfAPlugin) {
  const std::vector<Finding> findings =
      check_plugin(with_bad_plugin(), PluginKind::strategy, {"hands_over", {}, {}});
  const auto failed = std::find_if(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.problem.find("3 weights for") != std::string::npos;
  });
  EXPECT_NE(failed, findings.end());
}

}  // namespace
}  // namespace w2s
