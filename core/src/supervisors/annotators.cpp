#include "supervisors/annotators.hpp"

namespace w2s {
namespace {

constexpr double kPseudoVotes = 0.01;
constexpr double kTolerance = 1e-6;
constexpr std::int64_t kMostRounds = 200;

// [N, A·C]: 1 at the class of each vote.
Tensor indicators(const Tensor& votes, std::int64_t classes) {
  const Tensor given = votes.ge(0);
  const Tensor ones =
      at::one_hot(votes.clamp_min(0), classes).to(at::kDouble) * given.unsqueeze(2).to(at::kDouble);
  return ones.reshape({votes.size(0), -1});
}

}  // namespace

Tensor vote_shares(const Tensor& votes, std::int64_t classes) {
  const Tensor counts = indicators(votes, classes).view({votes.size(0), -1, classes}).sum(1);
  const Tensor totals = counts.sum(1, /*keepdim=*/true);
  return at::where(totals.gt(0), counts / totals.clamp_min(1),
                   at::full_like(counts, 1.0 / static_cast<double>(classes)));
}

DawidSkene dawid_skene(const Tensor& votes, std::int64_t classes) {
  const Tensor seen = indicators(votes, classes);
  DawidSkene found;
  found.posterior = vote_shares(votes, classes);
  double moved = 1;
  while (moved > kTolerance && found.rounds < kMostRounds) {
    ++found.rounds;
    found.prior = found.posterior.mean(0);
    const Tensor counts =
        found.posterior.t().matmul(seen).view({classes, -1, classes}).transpose(0, 1) + kPseudoVotes;
    found.confusion = counts / counts.sum(2, /*keepdim=*/true);
    const Tensor evidence = seen.matmul(found.confusion.log().transpose(1, 2).reshape({-1, classes}));
    const Tensor posterior = (evidence + found.prior.clamp_min(1e-300).log()).softmax(1);
    moved = posterior.numel() == 0 ? 0 : (posterior - found.posterior).abs().max().item<double>();
    found.posterior = posterior;
  }
  return found;
}

}  // namespace w2s
