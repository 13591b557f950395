// Self-training: the student's own labels replace the supervisor's, and a new student is fitted.
#include <w2s/strategy.hpp>

namespace w2s {
namespace {

class SelfTrain final : public ISupervisionStrategy {
 public:
  struct Params {
    std::int64_t rounds = 1;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Fits a student, relabels the transfer set with it and fits again, for a number of rounds. "
         "Validation "
         "labels, where early stopping has them, are replaced alike.")
        .source("EleutherAI/w2s, strong-to-strong");
    s.field("rounds", &Params::rounds, "how often the labels are replaced").at_least(1);
  }
  explicit SelfTrain(const Params& params) : params_(params) {}

  std::string serves(TaskKind) const override { return ""; }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    FitSpec again = spec;
    Supervision own;
    Student student = next(labels, spec);
    for (std::int64_t round = 0; round < params_.rounds; ++round) {
      own = lab.label(student, labels.examples);
      own.weights = labels.weights;
      if (again.validation) again.validation = lab.label(student, again.validation->examples);
      student = next(own, again);
    }
    return student;
  }

 private:
  const Params params_;
};

W2S_STRATEGY(SelfTrain, "self_train");

}  // namespace
}  // namespace w2s
