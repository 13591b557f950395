// Relabelling: a student of the sure labels replaces the unsure ones.
#include <w2s/confidence.hpp>
#include <w2s/strategy.hpp>

namespace w2s {
namespace {

class Relabel final : public ISupervisionStrategy {
 public:
  struct Params {
    double keep = 0.5;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Fits a first student to the sure labels of each class, lets it relabel the other examples, and "
         "fits "
         "again to all of them.")
        .source("arXiv 2503.04249");
    s.field("keep", &Params::keep, "fraction of each class whose labels stay").above(0).at_most(1);
  }
  explicit Relabel(const Params& params) : params_(params) {}

  std::string serves(TaskKind) const override { return ""; }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    const std::vector<std::int64_t> kept = surest_per_class(labels, params_.keep);
    const std::vector<std::int64_t> rest = complement(kept, labels.size());
    const Student first = next(labels.select(kept), spec);
    if (rest.empty()) return first;

    const Tensor rows = at::tensor(rest, at::kLong);
    const Supervision fresh = lab.label(first, labels.examples.select(rest));
    Supervision relabelled = labels;
    relabelled.targets = labels.targets.index_copy(0, rows, fresh.targets);
    if (labels.generation()) {
      for (std::size_t i = 0; i < rest.size(); ++i)
        relabelled.answers[static_cast<std::size_t>(rest[i])] = fresh.answers[i];
      relabelled.certainty = labels.certainty.index_copy(0, rows, fresh.certainty);
    }
    lab.log("relabel: " + std::to_string(rest.size()) + " of " + std::to_string(labels.size()) +
            " examples relabelled");
    return next(relabelled, spec);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(Relabel, "relabel");

}  // namespace
}  // namespace w2s
