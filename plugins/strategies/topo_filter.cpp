// Topological filter: of each labelled class, only the largest connected cloud of examples is kept.
#include <w2s/confidence.hpp>
#include <w2s/neighbors.hpp>
#include <w2s/strategy.hpp>

#include <algorithm>
#include <cmath>
#include <map>

namespace w2s {
namespace {

class TopoFilter final : public ISupervisionStrategy {
 public:
  struct Params {
    std::int64_t k = 50;
    double contamination = 0.1;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Points from each example to those of its nearest neighbours, in the student's features before "
         "training, that have its label, and keeps each label's largest strongly connected component: a "
         "class "
         "of several clouds keeps one of them, and the log says how much of each class is kept. Where that "
         "drops fewer than the contamination, those with the fewest neighbours of their own label follow.")
        .source("Wu et al. 2020");
    s.field("k", &Params::k, "neighbours").at_least(1);
    s.field("contamination", &Params::contamination, "fraction dropped of all examples, at least")
        .at_least(0)
        .below(1);
  }
  explicit TopoFilter(const Params& params) : params_(params) {}

  std::string serves(TaskKind kind) const override {
    return kind == TaskKind::classification ? "" : "it needs one feature vector per example";
  }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    // Kept under the features: the model's name may come to stand for other weights.
    const Tensor features = lab.features(spec.model, labels.examples);
    const Tensor near = lab.once(spec_of<TopoFilter>(params_), digest(features) + labels.digest(),
                                 [&] {
                                   return std::map<std::string, Tensor>{
                                       {"near", nearest_neighbors(features, params_.k).contiguous()}};
                                 })
                            .at("near");
    const Tensor label = labels.targets.argmax(1);
    const std::vector<std::int64_t> kept = core(near, label, labels.examples);
    log_shares(label, kept, labels.classes(), lab);
    return next(labels.select(kept), spec);
  }

 private:
  std::vector<std::int64_t> core(const Tensor& near, const Tensor& label, const Examples& examples) const {
    const Tensor same = label.index_select(0, near.flatten()).view(near.sizes()).eq(label.unsqueeze(1));
    const std::vector<std::int64_t> component = strong_components(near, same);
    std::map<std::int64_t, std::int64_t> size;
    for (const std::int64_t name : component) ++size[name];
    std::map<std::int64_t, std::int64_t> largest;  // component of each label; of equals the first
    const auto* label_of = label.data_ptr<std::int64_t>();
    for (std::size_t i = 0; i < component.size(); ++i) {
      const auto [best, first] = largest.emplace(label_of[i], component[i]);
      if (!first && size[component[i]] > size[best->second]) best->second = component[i];
    }
    const auto in_core = [&](std::int64_t i) {
      return component[static_cast<std::size_t>(i)] == largest.at(label_of[i]);
    };
    std::vector<std::int64_t> kept;
    for (const std::int64_t i : ranked(-same.sum(1), examples)) {
      if (in_core(i)) kept.push_back(i);
    }
    const auto allowed =
        component.size() -
        static_cast<std::size_t>(std::floor(params_.contamination * static_cast<double>(component.size())));
    kept.resize(std::min(kept.size(), allowed));
    std::sort(kept.begin(), kept.end());
    return kept;
  }

  static void log_shares(const Tensor& label, const std::vector<std::int64_t>& kept, std::int64_t classes,
                         Lab& lab) {
    const Tensor before = at::bincount(label, {}, classes),
                 after = at::bincount(label.index_select(0, at::tensor(kept, at::kLong)), {}, classes);
    std::string line = "topo_filter: " + std::to_string(kept.size()) + " of " +
                       std::to_string(label.size(0)) + " examples kept; of each class";
    for (std::int64_t c = 0; c < classes; ++c) {
      const auto all = before[c].item<std::int64_t>(), left = after[c].item<std::int64_t>();
      line += " " + std::to_string(left) + "/" + std::to_string(all);
    }
    lab.log(line);
  }

  const Params params_;
};

W2S_STRATEGY(TopoFilter, "topo_filter");

}  // namespace
}  // namespace w2s
