// Hands over labels that cannot be fitted to, through the chain or to the lab itself.
#include <string>

#include <w2s/plugin.hpp>

namespace {

class HandsOver final : public w2s::ISupervisionStrategy {
 public:
  struct Params {
    std::string what = "few_weights";
    bool to_lab = false;
    bool validation = false;
  };
  static void describe(w2s::Schema<Params>& s) {
    s.summary("Hands over labels that cannot be fitted to");
    s.field("what", &Params::what, "what is wrong with them")
        .one_of({"few_weights", "few_targets", "wide_targets", "sum_of_two", "negative_target", "nan_target",
                 "negative_weight", "nan_weight", "no_weight", "no_targets"});
    s.field("to_lab", &Params::to_lab, "calls the lab in the place of what is next");
    s.field("validation", &Params::validation, "spoils the validation labels instead");
  }
  explicit HandsOver(const Params& params) : params_(params) {}

  w2s::Student supervise(const w2s::Supervision& labels, const w2s::FitSpec& spec, w2s::Lab& lab,
                         const w2s::Next& next) override {
    w2s::FitSpec wanted = spec;
    w2s::Supervision given = labels;
    if (params_.validation) {
      wanted.train.early_stopping = true;
      wanted.validation = spoilt(labels);
    } else {
      given = spoilt(labels);
    }
    return params_.to_lab ? lab.fit(given, wanted) : next(given, wanted);
  }

 private:
  w2s::Supervision spoilt(w2s::Supervision labels) const {
    const std::string& what = params_.what;
    labels.targets = labels.targets.clone();
    labels.weights = labels.weights.clone();
    if (what == "few_weights") labels.weights = labels.weights.slice(0, 0, 3);
    if (what == "few_targets") labels.targets = labels.targets.slice(0, 0, 3);
    if (what == "wide_targets") labels.targets = at::cat({labels.targets, labels.targets}, 1);
    if (what == "sum_of_two") labels.targets[1] *= 2;
    if (what == "negative_target") labels.targets.slice(0, 1, 2).copy_(at::tensor({-0.5, 1.5}));
    if (what == "nan_target") labels.targets[1] /= 0 * labels.targets[1];
    if (what == "negative_weight") labels.weights[2] = -1;
    if (what == "nan_weight") labels.weights[2] = std::nan("");
    if (what == "no_weight") labels.weights.zero_();
    if (what == "no_targets") labels.targets = w2s::Tensor();
    return labels;
  }

  const Params params_;
};

}  // namespace

W2S_STRATEGY(HandsOver, "hands_over");
