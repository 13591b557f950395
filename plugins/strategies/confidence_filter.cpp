// Confidence thresholding: learn only from the labels of which the supervisor is surest.
#include <w2s/confidence.hpp>
#include <w2s/strategy.hpp>

namespace w2s {
namespace {

class ConfidenceFilter final : public ISupervisionStrategy {
 public:
  struct Params {
    double keep = 0.2;
  };
  static void describe(Schema<Params>& s) {
    s.summary("Keeps, of each labelled class, the fraction of examples on which the supervisor is surest.")
        .source("Burns et al. 2023, appendix B");
    s.field("keep", &Params::keep, "fraction kept of each class").above(0).at_most(1);
  }
  explicit ConfidenceFilter(const Params& params) : params_(params) {}

  std::string serves(TaskKind) const override { return ""; }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    if (params_.keep < 1) require_graded(labels, "confidence_filter");
    const Supervision kept = labels.select(surest_per_class(labels, params_.keep));
    lab.log("confidence_filter: " + std::to_string(kept.size()) + " of " + std::to_string(labels.size()) +
            " examples kept");
    return next(kept, spec);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(ConfidenceFilter, "confidence_filter");

}  // namespace
}  // namespace w2s
