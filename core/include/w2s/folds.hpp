// Random parts of a set, and predictions for examples by models that did not see them.
// Called from the thread of the job, as the lab is.
#pragma once

#include <vector>

#include <w2s/strategy.hpp>

namespace w2s {

/// `count` parts of about equal size, random by group: rows of one group stay together. Positions ascend.
W2S_API std::vector<std::vector<std::int64_t>> random_parts(const Examples& examples, std::size_t count,
                                                            Stream stream);

/// Probabilities [N, C] for every example by a student that `next` fitted to the other parts.
/// Throws UsageError where there are fewer groups than parts.
W2S_API Tensor cross_predict(const Supervision& labels, const FitSpec& spec, std::int64_t folds, Lab& lab,
                             const Next& next);

}  // namespace w2s
