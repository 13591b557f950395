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
  if (classes == 1) {
    for (std::int64_t i = 0; i < examples.size(); ++i) supervision.answers.push_back(examples.second(i));
    supervision.certainty = at::ones({examples.size()});
  }
  return supervision;
}

Supervision Supervision::written(const Examples& examples, const Answers& answers) {
  const std::int64_t n = examples.size();
  if (static_cast<std::int64_t>(answers.texts.size()) != n) {
    throw Error("answers: expected " + std::to_string(n) + ", found " + std::to_string(answers.texts.size()));
  }
  return {examples, at::ones({n, 1}), at::ones({n}), answers.texts, answers.certainty};
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
  return {examples, targets, at::ones({examples.size()}), {}, {}};
}

Supervision Supervision::select(const std::vector<std::int64_t>& positions) const {
  const Tensor index = at::tensor(positions, at::kLong);
  Supervision chosen{
      examples.select(positions), targets.index_select(0, index), weights.index_select(0, index), {}, {}};
  if (certainty.defined()) chosen.certainty = certainty.index_select(0, index);
  if (!generation()) return chosen;
  for (const std::int64_t position : positions)
    chosen.answers.push_back(answers[static_cast<std::size_t>(position)]);
  return chosen;
}

Supervision Supervision::hardened() const {
  Supervision hard = *this;
  hard.targets = one_hot_argmax(targets);
  if (!certainty.defined()) hard.certainty = targets.amax(1);
  return hard;
}

std::string Supervision::digest() const {
  Digest sha;
  sha.add(examples.digest()).add(w2s::digest(targets)).add(w2s::digest(weights));
  for (const std::string& answer : answers) sha.add(answer);
  return sha.hex();
}

}  // namespace w2s
