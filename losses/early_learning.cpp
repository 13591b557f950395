// Early-learning regularisation: stay close to the student's own running predictions.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class EarlyLearning final : public ILoss {
 public:
  struct Params {
    double beta = 0.7;
    double lambda = 3;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Cross entropy plus a term that holds each example's prediction to its running average, which early "
         "in "
         "training is mostly right.")
        .formula(
            "CE(z, y) + λ log(1 − ⟨p, t⟩), t_i ← β t_i + (1−β) stop(p/Σp) before use, t_i starts at 0, "
            "p clamped to [1e-4, 1 − 1e-4]")
        .source("Liu et al. 2020 (ELR)");
    s.field("beta", &Params::beta, "momentum of the running average").in(0, 1);
    s.field("lambda", &Params::lambda, "weight of the regularisation").at_least(0);
  }
  explicit EarlyLearning(const Params& params) : params_(params) {}

  void begin(std::int64_t examples, std::int64_t classes) override {
    average_ = at::zeros({examples, classes});
  }

  Tensor forward(const LossInput& in) override {
    const Tensor log_p = log_probabilities(in.logits);
    const Tensor p = log_p.exp().clamp(1e-4, 1 - 1e-4);
    const Tensor own = p.detach();
    const Tensor index = in.index.to(own.device());
    average_ = average_.to(own.options());
    const Tensor t = params_.beta * average_.index_select(0, index) +
                     (1 - params_.beta) * own / own.sum(-1, /*keepdim=*/true);
    average_.index_copy_(0, index, t);
    return cross_entropy(log_p, in.targets) + params_.lambda * at::log1p(-(p * t).sum(-1));
  }

  std::map<std::string, Tensor> state() const override { return {{"average", average_.clone()}}; }
  void load_state(const std::map<std::string, Tensor>& state) override {
    average_ = state.at("average").clone();
  }

 private:
  const Params params_;
  Tensor average_;  // [N, C]: t of every example
};

W2S_LOSS(EarlyLearning, "early_learning");

}  // namespace
}  // namespace w2s
