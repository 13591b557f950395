#include "results/cases.hpp"

#include <algorithm>

#include <w2s/error.hpp>

namespace w2s {

Disagreements disagreements(const Predictions& student, const Predictions& supervisor) {
  if (student.size() != supervisor.size()) throw Error("student and supervisor predict different test sets");
  Disagreements found;
  for (std::size_t i = 0; i < student.size(); ++i) {
    const std::int64_t truth = student.labels[i], weak = supervisor.label(i), strong = student.label(i);
    if (weak == truth && strong == truth) {
      ++found.both_right;
    } else if (strong == truth) {
      found.corrected.push_back(i);
    } else if (weak == truth) {
      found.lost.push_back(i);
    } else {
      (weak == strong ? found.copied : found.differently_wrong).push_back(i);
    }
  }
  for (const auto& [kind, places] : Disagreements::kinds()) {
    auto& list = found.*places;
    std::stable_sort(list.begin(), list.end(), [&](std::size_t a, std::size_t b) {
      return student.confidence(a) > student.confidence(b);
    });
  }
  return found;
}

nlohmann::json describe_cases(const std::map<std::string, Predictions>& student,
                              const std::map<std::string, Predictions>& supervisor,
                              const std::vector<std::string>& classes, const DescribeExample& describe) {
  nlohmann::json tests = nlohmann::json::object();
  for (const auto& [test, predictions] : student) {
    const auto weak = supervisor.find(test);
    if (weak == supervisor.end() || weak->second.labels != predictions.labels) continue;
    const Disagreements found = disagreements(predictions, weak->second);
    nlohmann::json& examples = tests[test] = nlohmann::json::object();
    for (const auto& [kind, places] : Disagreements::kinds()) {
      const auto& list = found.*places;
      for (std::size_t k = 0; k < std::min(list.size(), kCasesOfAKind); ++k)
        examples[std::to_string(list[k])] = describe(test, list[k]);
    }
  }
  if (tests.empty()) return nullptr;
  return {{"classes", classes}, {"tests", std::move(tests)}};
}

std::string excerpt(const std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  std::size_t end = bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

}  // namespace w2s
