// Clusters of points with a second, unreliable view: a student that sees the clusters can correct labels that
// come from the view.
#include <w2s/task.hpp>

#include <algorithm>
#include <cmath>

namespace w2s {
namespace {

class GaussianMixture final : public ITask {
 public:
  struct Params {
    std::int64_t classes = 2, clusters = 10, width = 16;
    double separation = 3, error = 0.2, spread = 1;
    std::int64_t train = 4000, test = 4000, seed = 0;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Inputs of two rows (shape [2, width]). Row 1 is a point of one of the class's clusters. Row 0 "
         "shows a "
         "class that is the wrong one with a chance that depends on the cluster: the weak model sees row 0 "
         "(model mlp, rows = [0]), the strong one row 1. With spread = 1 every cluster has the chance "
         "`error`, "
         "so that each wrong label has neighbours with right ones; with 0 the share `error` of each class's "
         "clusters is always wrong.")
        .formula("chance in a bad cluster spread · error + 1 − spread, in the others spread · error")
        .source("Wei et al. 2021 (expansion); Lang et al. 2024 (pseudolabel correction)");
    s.field("classes", &Params::classes, "classes").at_least(2);
    s.field("clusters", &Params::clusters, "clusters of each class").at_least(1);
    s.field("width", &Params::width, "numbers in one row, at least as many as classes").at_least(2);
    s.field("separation", &Params::separation,
            "deviation of the clusters' centres in each number, in deviations of their points")
        .above(0);
    s.field("error", &Params::error, "share of wrong classes in row 0").at_least(0).below(0.5);
    s.field("spread", &Params::spread, "how evenly errors lie over the clusters").in(0, 1);
    s.field("train", &Params::train, "training rows").at_least(4);
    s.field("test", &Params::test, "test rows").at_least(2);
    s.field("seed", &Params::seed, "of all draws").at_least(0);
  }
  explicit GaussianMixture(const Params& params) : params_(params) {
    if (params_.width < params_.classes) {
      throw UsageError("task 'gaussian_mixture': width = " + std::to_string(params_.width) +
                       " has no room for " + std::to_string(params_.classes) + " classes");
    }
  }

  std::vector<std::string> files() const override { return {}; }
  TaskKind kind() const override { return TaskKind::classification; }
  std::int64_t classes() const override { return params_.classes; }

  TaskData load() override {
    Stream stream(static_cast<std::uint64_t>(params_.seed), "gaussian_mixture/centres");
    centers_.resize(static_cast<std::size_t>(params_.classes * params_.clusters * params_.width));
    for (double& value : centers_) value = params_.separation * stream.normal();
    TaskData data;
    data.classes = params_.classes;
    data.train = draw("train", params_.train);
    data.test = draw("test", params_.test);
    return data;
  }

 private:
  // Classes and, within them, clusters in turn; of each class the first clusters are the bad ones.
  Examples draw(const std::string& split, std::int64_t rows) const {
    constexpr double kBlur = 0.1;  // of row 0
    Stream stream(static_cast<std::uint64_t>(params_.seed), "gaussian_mixture/" + split);
    const std::int64_t width = params_.width, classes = params_.classes;
    const auto bad = std::llround(params_.error * static_cast<double>(params_.clusters));
    Columns columns;
    columns.labels = at::arange(rows, at::kLong).remainder(classes);
    columns.dense = at::empty({rows, 2, width}, at::kFloat);
    float* x = columns.dense.data_ptr<float>();
    for (std::int64_t i = 0; i < rows; ++i, x += 2 * width) {
      const std::int64_t label = i % classes, cluster = i / classes % params_.clusters;
      const double chance = params_.spread * params_.error + (cluster < bad ? 1 - params_.spread : 0);
      const bool wrong = stream.uniform() < chance;
      const std::int64_t shown = wrong ? (label + 1 + stream.below(classes - 1)) % classes : label;
      const double* center =
          centers_.data() + static_cast<std::size_t>((label * params_.clusters + cluster) * width);
      for (std::int64_t j = 0; j < width; ++j) {
        x[j] = static_cast<float>((j == shown ? 1 : 0) + kBlur * stream.normal());
        x[width + j] = static_cast<float>(center[j] + stream.normal());
      }
      columns.ids.push_back(split + "/" + std::to_string(i));
    }
    return Examples(std::move(columns));
  }

  const Params params_;
  std::vector<double> centers_;  // [classes, clusters, width]
};

W2S_TASK(GaussianMixture, "gaussian_mixture");

}  // namespace
}  // namespace w2s
