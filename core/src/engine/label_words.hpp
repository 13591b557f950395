// The words whose embeddings a classification head starts from: train.head_init = "label_words".
#pragma once

#include <string>
#include <vector>

#include <w2s/examples.hpp>
#include <w2s/train.hpp>

namespace w2s {

/// One word a class: train.label_words, or where that is empty "0", "1", … Throws UsageError where the task
/// is not one of classes or the words are not as many.
std::vector<std::string> label_words(const TrainParams& train, TaskKind kind, std::int64_t classes);

}  // namespace w2s
