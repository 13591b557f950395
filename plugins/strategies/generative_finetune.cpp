// Generative fine-tuning: the student first learns to write the task's texts, without labels.
#include <w2s/strategy.hpp>

namespace w2s {
namespace {

class GenerativeFinetune final : public ISupervisionStrategy {
 public:
  struct Params {
    std::int64_t epochs = 1, batch = 8;
    std::optional<double> lr;
    Spec objective{"language_model", {}, {}};
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Trains the student on the texts of the training examples without their labels, as in pretraining, "
         "and fits it from there. Of pairs both texts are read, of generation tasks the prompts. Optimiser, "
         "schedule and precision are those of the fit.")
        .source("Burns et al. 2023, 5.2.2");
    s.field("epochs", &Params::epochs, "passes over the texts").at_least(1);
    s.field("batch", &Params::batch, "rows of full length in a batch").at_least(1);
    s.field("lr", &Params::lr, "learning rate; left out: that of the fit").above(0);
    s.field("objective", &Params::objective, "what is learned from the texts").plugin("objective");
  }
  explicit GenerativeFinetune(const Params& params) : params_(params) {}

  std::string serves(TaskKind) const override { return ""; }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    const TrainParams& fit = spec.train;
    const Table train{{"epochs", params_.epochs},
                      {"batch", params_.batch},
                      {"lr", params_.lr.value_or(fit.lr)},
                      {"optimizer", name_of(fit.optimizer)},
                      {"betas", List(fit.betas.begin(), fit.betas.end())},
                      {"eps", fit.eps},
                      {"momentum", fit.momentum},
                      {"weight_decay", fit.weight_decay},
                      {"schedule", name_of(fit.schedule)},
                      {"warmup", fit.warmup},
                      {"clip_norm", fit.clip_norm},
                      {"precision", name_of(fit.precision)}};
    FitSpec tuned = spec;
    tuned.start = lab.tune(spec, params_.objective, train, labels.examples);
    return next(labels, tuned);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(GenerativeFinetune, "generative_finetune");

}  // namespace
}  // namespace w2s
