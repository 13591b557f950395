// Neighbour filter: drops the examples whose neighbours in feature space are labelled otherwise.
#include <w2s/neighbors.hpp>
#include <w2s/strategy.hpp>

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
         "Drops the examples to whose label their nearest neighbours, in the student's features before "
         "training, give the least probability.")
        .formula("agreement_i = mean over the k nearest j of y_j[argmax y_i]; the lowest fraction goes")
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
    const Tensor agreement =
        lab.once(spec_of<KnnFilter>(params_), digest(features) + labels.digest(),
                 [&] {
                   const Tensor near = nearest_neighbors(features, params_.k);
                   const Tensor votes = labels.targets.index_select(0, near.flatten())
                                            .view({near.size(0), near.size(1), -1})
                                            .mean(1);
                   return std::map<std::string, Tensor>{
                       {"agreement", votes.gather(1, labels.targets.argmax(1, true)).squeeze(1)}};
                 })
            .at("agreement");
    const auto dropped =
        static_cast<std::int64_t>(std::floor(params_.contamination * static_cast<double>(labels.size())));
    const Tensor order = std::get<1>(agreement.sort(/*stable=*/true, 0, /*descending=*/false));
    const Tensor kept = std::get<0>(order.slice(0, dropped).sort());
    lab.log("knn_filter: " + std::to_string(kept.numel()) + " of " + std::to_string(labels.size()) +
            " examples kept");
    return next(labels.select({kept.data_ptr<std::int64_t>(), kept.data_ptr<std::int64_t>() + kept.numel()}),
                spec);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(KnnFilter, "knn_filter");

}  // namespace
}  // namespace w2s
