// Self-play fine-tuning: the student learns to prefer the given answers to its own.
#include <w2s/strategy.hpp>

#include <algorithm>
#include <numeric>

namespace w2s {
namespace {

struct SpinParams {
  std::int64_t iterations = 1;
  double beta = 0.1;
  std::optional<double> lr;
};

class SelfPlay final : public StepRule {
 public:
  explicit SelfPlay(const SpinParams& params) : params_(params) {}

  void begin_epoch(Training& training) override {
    if (before_.defined()) return;
    const at::NoGradGuard no_grad;
    std::vector<Tensor> parts;
    constexpr std::int64_t kExamples = 64;
    for (std::int64_t begin = 0; begin < training.labels().size(); begin += kExamples) {
      Positions positions(static_cast<std::size_t>(std::min(kExamples, training.labels().size() - begin)));
      std::iota(positions.begin(), positions.end(), begin);
      parts.push_back(margin(training, positions));
    }
    before_ = at::cat(parts);
  }

  Tensor loss(Training& training, const Positions& batch) override {
    const Tensor index = at::tensor(batch, at::kLong);
    const Tensor now = margin(training, batch);
    const Tensor gained = now - before_.index_select(0, index.to(before_.device())).to(now.device());
    const Tensor& all = training.labels().weights;
    const Tensor weights = (all.index_select(0, index) / all.mean()).to(gained.device());
    return (weights * at::softplus(-params_.beta * gained)).mean();
  }

  std::map<std::string, Tensor> state() const override { return {{"before", before_}}; }
  void load_state(const std::map<std::string, Tensor>& state) override { before_ = state.at("before"); }

 private:
  // log π(given answer) − log π(own answer), [n].
  static Tensor margin(Training& training, const Positions& positions) {
    return training.answer_log_probabilities(0, positions, /*rejected=*/false) -
           training.answer_log_probabilities(0, positions, /*rejected=*/true);
  }

  const SpinParams params_;
  Tensor before_;  // [N] of the previous iterate, where this one starts
};

class Spin final : public ISupervisionStrategy {
 public:
  using Params = SpinParams;
  static void describe(Schema<Params>& s) {
    s.summary(
         "Fits a student to the answers, then plays against itself: each iteration starts at the student "
         "before, has it answer every prompt (greedily), and raises the likelihood of the given answer over "
         "that of its own.")
        .formula("−log σ(β [Δ log π(given) − Δ log π(own)]), Δ against the previous iterate")
        .source("Chen et al. 2024 (SPIN)");
    s.field("iterations", &Params::iterations, "games after the first fit").at_least(1);
    s.field("beta", &Params::beta, "β: how far an iterate may move from the one before; small is far")
        .above(0);
    s.field(
         "lr", &Params::lr,
         "learning rate of the games, for which the source takes far less than for the fit; left out: that "
         "of the fit")
        .above(0);
  }
  explicit Spin(const Params& params) : params_(params) {}

  std::string serves(TaskKind kind) const override {
    return kind == TaskKind::generation ? "" : "it compares written answers";
  }
  bool sets_step_rule() const override { return true; }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    Student student = next(labels, spec);
    for (std::int64_t i = 0; i < params_.iterations; ++i) {
      FitSpec game = spec;
      game.start = student;
      game.train.lr = params_.lr.value_or(spec.train.lr);
      game.rejected = lab.answer(student, labels.examples).texts;
      game.rule = StepPlan{spec_of<Spin>(params_), 1,
                           [params = params_] { return std::make_unique<SelfPlay>(params); }};
      student = next(labels, game);
    }
    return student;
  }

 private:
  const Params params_;
};

W2S_STRATEGY(Spin, "spin");

}  // namespace
}  // namespace w2s
