// A random part of the examples: the control of every filter that chooses.
#include <w2s/strategy.hpp>

#include <algorithm>
#include <cmath>

namespace w2s {
namespace {

class RandomFilter final : public ISupervisionStrategy {
 public:
  struct Params {
    double keep = 0.5;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Keeps a random fraction of the examples, another on every rung or round of a chain: what a filter "
         "that chooses has to beat.")
        .source("control");
    s.field("keep", &Params::keep, "fraction kept").above(0).at_most(1);
  }
  explicit RandomFilter(const Params& params) : params_(params) {}

  std::string serves(TaskKind) const override { return ""; }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    Stream stream = lab.stream_for("random_filter", labels, spec);
    std::vector<std::int64_t> kept = stream.permutation(labels.size());
    // The slack keeps 0.2 · 5 at 1 in spite of rounding.
    const double count = std::ceil(params_.keep * static_cast<double>(labels.size()) - 1e-9);
    kept.resize(static_cast<std::size_t>(count));
    std::sort(kept.begin(), kept.end());
    lab.log("random_filter: " + std::to_string(kept.size()) + " of " + std::to_string(labels.size()) +
            " examples kept");
    return next(labels.select(kept), spec);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(RandomFilter, "random_filter");

}  // namespace
}  // namespace w2s
