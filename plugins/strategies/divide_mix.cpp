// DivideMix: two students sort each other's examples into clean and noisy; the noisy ones lose their labels.
#include <w2s/losses.hpp>
#include <w2s/mixture.hpp>
#include <w2s/small_losses.hpp>
#include <w2s/strategy.hpp>

#include <algorithm>
#include <numeric>

namespace w2s {
namespace {

struct DivideMixParams {
  double warmup = 0.2, threshold = 0.5, temperature = 0.5, alpha = 4, lambda = 25, ramp = 16.0 / 300;
};

Tensor sharpen(const Tensor& p, double temperature) {
  const Tensor powered = p.pow(1 / temperature);
  return powered / powered.sum(1, true);
}

class DivideAndMix final : public StepRule {
 public:
  explicit DivideAndMix(const DivideMixParams& params) : params_(params) {}

  Tensor loss(Training& training, const Positions& batch) override {
    const Tensor targets = training.targets(batch), weights = training.weights(batch);
    if (training.fraction() < params_.warmup) {
      Tensor sum;
      for (const std::int64_t k : {0, 1}) {
        const Tensor mean = (weights * training.losses(k, training.logits(k, batch), targets, batch)).mean();
        sum = sum.defined() ? sum + mean : mean;
      }
      return sum;
    }
    if (divided_in_ != training.epoch()) divide(training);
    Tensor p[2];
    {
      at::NoGradGuard no_grad;
      for (const std::int64_t k : {0, 1}) p[k] = training.logits(k, batch).softmax(1);
    }
    const Tensor first = student_loss(training, batch, targets, weights, p, 0);  // draws before the second
    return first + student_loss(training, batch, targets, weights, p, 1);
  }

  std::map<std::string, Tensor> state() const override {
    if (!clean_[0].defined()) return {};
    return {{"clean.0", clean_[0]}, {"clean.1", clean_[1]}, {"divided in", at::scalar_tensor(divided_in_)}};
  }
  void load_state(const std::map<std::string, Tensor>& state) override {
    if (state.empty()) return;
    for (const int k : {0, 1}) clean_[k] = state.at("clean." + std::to_string(k));
    divided_in_ = state.at("divided in").item<std::int64_t>();
  }

 private:
  // Once an epoch, from the end of the warm-up on: which labels are clean, by each student's losses.
  void divide(Training& training) {
    const at::NoGradGuard no_grad;
    Positions all(static_cast<std::size_t>(training.labels().size()));
    std::iota(all.begin(), all.end(), 0);
    for (const std::int64_t k : {0, 1}) {
      const Tensor losses = hard_label_losses(training.logits(k, all), training.targets(all));
      const Tensor low = losses.min(), range = (losses.max() - low).clamp_min(1e-12);
      clean_[k] = lower_component((losses - low) / range).to(losses.device(), at::kFloat);
    }
    divided_in_ = training.epoch();
  }

  // MixMatch on the split that the other student made.
  Tensor student_loss(Training& training, const Positions& batch, const Tensor& targets,
                      const Tensor& weights, const Tensor (&p)[2], std::int64_t k) const {
    const auto size = static_cast<std::int64_t>(batch.size());
    const Tensor index = at::tensor(batch, at::kLong).to(targets.device());
    const Tensor w = clean_[1 - k].index_select(0, index).unsqueeze(1);
    const Tensor is_clean = w.ge(params_.threshold);
    const Tensor refined = sharpen(w * targets + (1 - w) * p[k], params_.temperature);
    const Tensor guessed = sharpen((p[0] + p[1]) / 2, params_.temperature);
    const Tensor labels = at::where(is_clean, refined, guessed);

    const auto order = training.stream().permutation(size);
    Positions partners;
    for (const std::int64_t i : order) partners.push_back(batch[static_cast<std::size_t>(i)]);
    const double drawn = training.stream().beta(params_.alpha, params_.alpha),
                 share = std::max(drawn, 1 - drawn);
    const Tensor z = training.mixed_logits(k, batch, partners, at::full({size}, share));
    const Tensor mixed =
        at::lerp(labels.index_select(0, at::tensor(order, at::kLong).to(labels.device())), labels, share);

    const Tensor log_p = log_probabilities(z), probabilities = log_p.exp();
    const Tensor clean = is_clean.squeeze(1).to(log_p.scalar_type()) * weights;
    const Tensor noisy = is_clean.logical_not().squeeze(1).to(log_p.scalar_type()) * weights;
    const double rise = w2s::ramp(training.fraction() - params_.warmup, params_.ramp * (1 - params_.warmup));
    const Tensor supervised = (clean * cross_entropy(log_p, mixed)).sum() / clean.sum().clamp_min(1);
    const Tensor consistent =
        (noisy * (probabilities - mixed).pow(2).mean(1)).sum() / noisy.sum().clamp_min(1);
    // Keeps the mean prediction from collapsing: KL(uniform ‖ mean p).
    const Tensor mean = probabilities.mean(0).clamp_min(1e-12);
    const Tensor balance = -(mean * static_cast<double>(mean.size(0))).log().mean();
    return supervised + params_.lambda * rise * consistent + balance;
  }

  const DivideMixParams params_;
  Tensor clean_[2];               // [N] posterior of a clean label, told by each student's losses
  std::int64_t divided_in_ = -1;  // epoch
};

class DivideMix final : public ISupervisionStrategy {
 public:
  using Params = DivideMixParams;
  static void describe(Schema<Params>& s) {
    s.summary(
         "Two students, after a warm-up with the method's loss: each epoch a mixture of two Gaussians over "
         "one's losses, by the likeliest label, says which labels are clean for the other, which then learns "
         "by MixMatch, with refined labels where they are clean and the students' own where they are not. "
         "Their mean is the result.")
        .formula(
            "λ_u = lambda · min(1, (s − warmup) / (ramp · (1 − warmup))), s the fraction of training done")
        .source("Li et al. 2020; no augmentation of inputs, and one batch serves both sets");
    s.field("warmup", &Params::warmup, "fraction of training that is ordinary").in(0, 1);
    s.field("threshold", &Params::threshold,
            "posterior of the low-loss component from which a label is clean")
        .in(0, 1);
    s.field("temperature", &Params::temperature, "of the sharpening of labels").above(0).at_most(1);
    s.field("alpha", &Params::alpha, "mixing shares are Beta(alpha, alpha)").above(0);
    s.field("lambda", &Params::lambda, "weight of the squared error on unlabelled examples").at_least(0);
    s.field("ramp", &Params::ramp,
            "fraction of what follows the warm-up in which lambda rises from 0; the authors have 16 of 300 "
            "epochs")
        .in(0, 1);
  }
  explicit DivideMix(const Params& params) : params_(params) {}

  bool sets_step_rule() const override { return true; }
  std::string serves(TaskKind kind) const override {
    return kind == TaskKind::generation ? "it sorts whole examples, not tokens" : "";
  }
  std::int64_t members() const override { return 2; }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab&, const Next& next) override {
    FitSpec pair = spec;
    pair.rule = StepPlan{spec_of<DivideMix>(params_), 2,
                         [params = params_] { return std::make_unique<DivideAndMix>(params); }};
    return next(labels, pair);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(DivideMix, "divide_mix");

}  // namespace
}  // namespace w2s
