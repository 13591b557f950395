// One label an example from the labels of several annotators.
//
// Votes are int64 [N, A], the class that annotator a gave example i, −1 for none.
// Results are float64. An example without votes gets the same chance (majority) or the prior.
#pragma once

#include <w2s/tensor.hpp>

namespace w2s {

/// Share of the votes of each class, [N, C].
Tensor vote_shares(const Tensor& votes, std::int64_t classes);

struct DawidSkene {
  Tensor posterior;         // [N, C] of the true class
  Tensor confusion;         // [A, C, C] P(vote | true class), rows: true class
  Tensor prior;             // [C]
  std::int64_t rounds = 0;  // until no posterior moved by more than 1e-6, at most 200
};

/// Expectation maximisation from the vote shares; Dawid & Skene 1979, eq. 2.3–2.5. Each cell of a confusion
/// matrix starts at 0.01 votes, so that none is 0.
DawidSkene dawid_skene(const Tensor& votes, std::int64_t classes);

}  // namespace w2s
