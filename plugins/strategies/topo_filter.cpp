// Topological filter: of each labelled class, only the largest connected cloud of examples is kept.
#include <w2s/neighbors.hpp>
#include <w2s/strategy.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

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
         "Joins examples of one label that are both among each other's nearest neighbours, in the student's "
         "features before training, keeps each label's largest connected component, and of that drops the "
         "fraction with the fewest neighbours of its own label.")
        .source("Wu et al. 2020");
    s.field("k", &Params::k, "neighbours").at_least(1);
    s.field("contamination", &Params::contamination, "fraction dropped of the largest components")
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
    const std::vector<std::int64_t> kept = core(near, labels.targets.argmax(1), labels.classes());
    lab.log("topo_filter: " + std::to_string(kept.size()) + " of " + std::to_string(labels.size()) +
            " examples kept");
    return next(labels.select(kept), spec);
  }

 private:
  std::vector<std::int64_t> core(const Tensor& near, const Tensor& classes, std::int64_t count) const {
    const std::int64_t n = near.size(0), k = near.size(1);
    const auto neighbors = near.accessor<std::int64_t, 2>();
    const auto label = classes.accessor<std::int64_t, 1>();
    std::vector<std::vector<std::int64_t>> sorted(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) {
      for (std::int64_t j = 0; j < k; ++j) sorted[i].push_back(neighbors[i][j]);
      std::sort(sorted[i].begin(), sorted[i].end());
    }
    std::vector<std::int64_t> parent(static_cast<std::size_t>(n)), own(static_cast<std::size_t>(n), 0);
    std::iota(parent.begin(), parent.end(), 0);
    const auto root = [&](std::int64_t i) {
      while (parent[i] != i) i = parent[i] = parent[parent[i]];
      return i;
    };
    for (std::int64_t i = 0; i < n; ++i) {
      for (const std::int64_t j : sorted[i]) {
        if (label[j] != label[i]) continue;
        ++own[i];
        if (std::binary_search(sorted[j].begin(), sorted[j].end(), i)) parent[root(i)] = root(j);
      }
    }
    std::map<std::int64_t, std::vector<std::int64_t>> components;
    for (std::int64_t i = 0; i < n; ++i) components[root(i)].push_back(i);
    std::vector<const std::vector<std::int64_t>*> largest(static_cast<std::size_t>(count), nullptr);
    for (const auto& [name, rows] : components) {
      const auto*& best = largest[static_cast<std::size_t>(label[rows[0]])];
      if (best == nullptr || rows.size() > best->size()) best = &rows;
    }
    std::vector<std::int64_t> kept;
    for (const auto* rows : largest) {
      if (rows != nullptr) kept.insert(kept.end(), rows->begin(), rows->end());
    }
    std::stable_sort(kept.begin(), kept.end(),
                     [&](std::int64_t a, std::int64_t b) { return own[a] > own[b]; });
    kept.resize(kept.size() - static_cast<std::size_t>(
                                  std::floor(params_.contamination * static_cast<double>(kept.size()))));
    std::sort(kept.begin(), kept.end());
    return kept;
  }

  const Params params_;
};

W2S_STRATEGY(TopoFilter, "topo_filter");

}  // namespace
}  // namespace w2s
