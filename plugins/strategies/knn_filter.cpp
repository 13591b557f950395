// Neighbour filter: drops the examples whose neighbours in feature space are labelled otherwise.
#include <w2s/confidence.hpp>
#include <w2s/neighbors.hpp>
#include <w2s/strategy.hpp>

#include <algorithm>
#include <cmath>

namespace w2s {
namespace {

class KnnFilter final : public ISupervisionStrategy {
 public:
  struct Params {
    std::int64_t k = 50;
    double contamination = 0.1;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Drops the examples whose label is farthest from the mean label of their nearest neighbours in the "
         "student's features before training.")
        .formula(
            "½ Σ_c |mean over the k nearest j of y_jc − y_ic|, with two classes |mean y − y_i|; the "
            "largest go")
        .source("EleutherAI/w2s; Bahri et al. 2020");
    s.field("k", &Params::k, "neighbours").at_least(1);
    s.field("contamination", &Params::contamination, "fraction of the examples that is dropped")
        .at_least(0)
        .below(1);
  }
  explicit KnnFilter(const Params& params) : params_(params) {}

  std::string serves(TaskKind kind) const override {
    return kind == TaskKind::classification ? "" : "it needs one feature vector per example";
  }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    // Kept under the features: the model's name may come to stand for other weights.
    const Tensor features = lab.features(spec.model, labels.examples);
    const Tensor distance =
        lab.once(
               spec_of<KnnFilter>(params_), digest(features) + labels.digest(),
               [&] {
                 const Tensor near = nearest_neighbors(features, params_.k);
                 const Tensor mean = labels.targets.index_select(0, near.flatten())
                                         .view({near.size(0), near.size(1), -1})
                                         .mean(1);
                 return std::map<std::string, Tensor>{{"distance", (mean - labels.targets).abs().sum(1) / 2}};
               })
            .at("distance");
    const auto dropped =
        static_cast<std::size_t>(std::floor(params_.contamination * static_cast<double>(labels.size())));
    std::vector<std::int64_t> kept = ranked(distance, labels.examples);
    kept.resize(kept.size() - dropped);
    std::sort(kept.begin(), kept.end());
    lab.log("knn_filter: " + std::to_string(kept.size()) + " of " + std::to_string(labels.size()) +
            " examples kept");
    return next(labels.select(kept), spec);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(KnnFilter, "knn_filter");

}  // namespace
}  // namespace w2s
