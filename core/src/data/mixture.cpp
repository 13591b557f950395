#include <w2s/mixture.hpp>

#include <cmath>
#include <limits>

namespace w2s {
namespace {

// log N(x_i; mean_k, variance_k) + log share_k, [N, 2].
Tensor joint_log_density(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& share) {
  return -0.5 * ((x - mean).pow(2) / variance + variance.log() + std::log(2 * M_PI)) + share.log();
}

// 1 in the column of the nearer of two means, started from the extremes, [N, 2].
Tensor two_means(const Tensor& x) {
  Tensor mean = at::stack({x.min(), x.max()});
  Tensor member;
  for (int round = 0; round < 100; ++round) {
    const Tensor nearest = at::one_hot((x - mean).abs().argmin(1), 2).to(at::kDouble);
    if (member.defined() && member.equal(nearest)) break;
    member = nearest;
    const Tensor counts = member.sum(0);
    mean = at::where(counts > 0, (member * x).sum(0) / counts.clamp_min(1), mean);
  }
  return member;
}

}  // namespace

Tensor lower_component(const Tensor& values, const MixtureSettings& settings) {
  at::NoGradGuard no_grad;
  const Tensor x = values.detach().to(at::kCPU, at::kDouble).unsqueeze(1);
  Tensor posterior = two_means(x), mean;
  // The mean log-likelihood under the components that the posterior gives, which is then that under them.
  const auto update = [&] {
    const Tensor counts = posterior.sum(0) + 1e-15;
    mean = (posterior * x).sum(0) / counts;
    const Tensor variance = (posterior * (x - mean).pow(2)).sum(0) / counts + settings.regularization;
    const Tensor density = joint_log_density(x, mean, variance, counts / counts.sum());
    const Tensor evidence = density.logsumexp(1, true);
    posterior = (density - evidence).exp();
    return evidence.mean().item<double>();
  };
  double before = -std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < settings.iterations; ++i) {
    const double likelihood = update();
    if (std::abs(likelihood - before) < settings.tolerance) break;
    before = likelihood;
  }
  update();  // as in scikit-learn, whose posterior is that of the components after the last step
  return posterior.select(1, mean[0].item<double>() <= mean[1].item<double>() ? 0 : 1).contiguous();
}

}  // namespace w2s
