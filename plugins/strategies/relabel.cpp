// Relabelling: a student of the sure labels replaces the unsure ones.
#include <w2s/confidence.hpp>
#include <w2s/strategy.hpp>

#include <algorithm>

namespace w2s {
namespace {

class Relabel final : public ISupervisionStrategy {
 public:
  struct Params {
    double keep = 0.5, second_keep = 0.5;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Fits a first student to the sure labels of each class, lets it relabel the other examples, and "
         "fits again to the sure labels and to those of its own, in each class, of which the first student "
         "is "
         "surest.")
        .source("Shi et al. 2025, arXiv 2503.04249");
    s.field("keep", &Params::keep, "fraction of each class whose labels stay").above(0).at_most(1);
    s.field("second_keep", &Params::second_keep, "fraction of each relabelled class that is kept")
        .above(0)
        .at_most(1);
  }
  explicit Relabel(const Params& params) : params_(params) {}

  std::string serves(TaskKind) const override { return ""; }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    if (params_.keep < 1) require_graded(labels, "relabel");
    const std::vector<std::int64_t> sure = surest_per_class(labels, params_.keep);
    const std::vector<std::int64_t> rest = complement(sure, labels.size());
    const Student first = next(labels.select(sure), spec);
    if (rest.empty()) return first;

    const Supervision fresh = lab.label(first, labels.examples.select(rest));
    Supervision relabelled = labels;
    relabelled.targets = labels.targets.index_copy(0, at::tensor(rest, at::kLong), fresh.targets);
    if (labels.certainty.defined())
      relabelled.certainty = labels.certainty.index_copy(0, at::tensor(rest, at::kLong), confidence(fresh));
    for (std::size_t i = 0; i < fresh.answers.size(); ++i)
      relabelled.answers[static_cast<std::size_t>(rest[i])] = fresh.answers[i];

    std::vector<std::int64_t> kept = sure;
    for (const std::int64_t i : surest_per_class(fresh, params_.second_keep))
      kept.push_back(rest[static_cast<std::size_t>(i)]);
    std::sort(kept.begin(), kept.end());
    lab.log("relabel: " + std::to_string(rest.size()) + " of " + std::to_string(labels.size()) +
            " examples relabelled, " + std::to_string(kept.size() - sure.size()) + " of them kept");
    return next(relabelled.select(kept), spec);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(Relabel, "relabel");

}  // namespace
}  // namespace w2s
