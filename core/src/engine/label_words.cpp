#include "engine/label_words.hpp"

#include <w2s/error.hpp>

namespace w2s {

std::vector<std::string> label_words(const TrainParams& train, TaskKind kind, std::int64_t classes) {
  if (kind != TaskKind::classification)
    throw UsageError("head_init = \"label_words\" is for tasks with classes");
  if (train.label_words.empty()) {
    std::vector<std::string> digits;
    for (std::int64_t c = 0; c < classes; ++c) digits.push_back(std::to_string(c));
    return digits;
  }
  if (static_cast<std::int64_t>(train.label_words.size()) != classes) {
    throw UsageError("label_words names " + std::to_string(train.label_words.size()) +
                     " words, the task has " + std::to_string(classes) + " classes");
  }
  return train.label_words;
}

}  // namespace w2s
