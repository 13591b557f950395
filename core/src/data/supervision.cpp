#include <w2s/supervision.hpp>

#include <w2s/digest.hpp>
#include <w2s/error.hpp>

namespace w2s {

Supervision Supervision::truth(const Examples& examples, std::int64_t classes) {
  const Tensor labels = examples.labels();
  if (labels.numel() > 0 &&
      (labels.min().item<std::int64_t>() < 0 || labels.max().item<std::int64_t>() >= classes)) {
    throw Error("ground truth: labels must lie in 0 … " + std::to_string(classes - 1));
  }
  Supervision supervision;
  supervision.examples = examples;
  supervision.targets = at::zeros({examples.size(), classes}).scatter_(1, labels.unsqueeze(1), 1.0);
  supervision.weights = at::ones({examples.size()});
  return supervision;
}

Supervision Supervision::soft(const Examples& examples, const Tensor& probabilities) {
  if (probabilities.dim() != 2 || probabilities.size(0) != examples.size()) {
    throw Error("soft labels: expected [" + std::to_string(examples.size()) + ", C], found " +
                c10::str(probabilities.sizes()));
  }
  const Tensor targets = probabilities.detach().cpu().to(at::kFloat).contiguous();
  const Tensor valid = targets.ge(0).all(1).logical_and(targets.sum(1).sub(1).abs().le(1e-3));
  if (!valid.all().item<bool>()) {
    const std::int64_t row = valid.logical_not().nonzero()[0].item<std::int64_t>();
    throw Error("soft labels: row " + std::to_string(row) + " (" + examples.id(row) +
                ") is not a distribution");
  }
  return {examples, targets, at::ones({examples.size()})};
}

Supervision Supervision::select(const std::vector<std::int64_t>& positions) const {
  const Tensor index = at::tensor(positions, at::kLong);
  return {examples.select(positions), targets.index_select(0, index), weights.index_select(0, index)};
}

Supervision Supervision::hardened() const { return {examples, one_hot_argmax(targets), weights}; }

std::string Supervision::digest() const {
  Digest sha;
  return sha.add(examples.digest()).add(w2s::digest(targets)).add(w2s::digest(weights)).hex();
}

}  // namespace w2s
