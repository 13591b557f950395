// The test examples on which supervisor, student and truth disagree, and what they are.
//
// A student's record keeps, for the examples that the report shows, their ids and a bounded excerpt of their
// text: cases.json {"classes": [NAME …], "tests": {TEST: {PLACE: {"id", "text", "second"}}}}.
// Free of LibTorch.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "results/predictions.hpp"

namespace w2s {

inline constexpr std::size_t kCasesOfAKind = 20;
inline constexpr const char* kCasesFile = "cases.json";

/// Places in the test set, those first on which the student is surest.
struct Disagreements {
  std::size_t both_right = 0;
  std::vector<std::size_t> corrected;          // supervisor wrong, student right
  std::vector<std::size_t> lost;               // supervisor right, student wrong
  std::vector<std::size_t> copied;             // both wrong in the same way
  std::vector<std::size_t> differently_wrong;  // both wrong, not in the same way

  using Kind = std::pair<const char*, std::vector<std::size_t> Disagreements::*>;
  static constexpr std::array<Kind, 4> kinds() {
    return {{{"corrected", &Disagreements::corrected},
             {"lost", &Disagreements::lost},
             {"copied", &Disagreements::copied},
             {"differently_wrong", &Disagreements::differently_wrong}}};
  }
};

/// Of two models on the same examples. Throws Error where these differ in number.
Disagreements disagreements(const Predictions& student, const Predictions& supervisor);

/// What an example is: {"id", "text", "second"}, the texts where the task has them.
using DescribeExample = std::function<nlohmann::json(const std::string& test, std::size_t place)>;

/// The contents of cases.json for the first kCasesOfAKind of each kind; null where the two share no test set.
nlohmann::json describe_cases(const std::map<std::string, Predictions>& student,
                              const std::map<std::string, Predictions>& supervisor,
                              const std::vector<std::string>& classes, const DescribeExample& describe);

/// The beginning of a text, not more than `bytes` of it and no broken character, with "…" where it was cut.
std::string excerpt(const std::string& text, std::size_t bytes = 400);

}  // namespace w2s
