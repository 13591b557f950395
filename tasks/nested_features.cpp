// Gaussian vectors of which a weak model sees the first few numbers: a task whose every score is known.
#include <w2s/task.hpp>

#include <algorithm>
#include <cmath>

namespace w2s {
namespace {

enum class Kind { views, parts };
constexpr auto enum_names(Kind) { return std::array{"views", "parts"}; }

class NestedFeatures final : public ITask {
 public:
  struct Params {
    Kind kind = Kind::views;
    std::int64_t features = 32;
    double strength = 0.3;
    std::int64_t train = 4000, test = 4000, seed = 0;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Two classes, inputs of one row (shape [1, features]). \"views\": every feature is a noisy view of "
         "the "
         "class, so features that the weak model does not see agree with its labels. \"parts\": features are "
         "independent and the class is the sign of their sum, so nothing but what the weak model sees "
         "explains "
         "its labels. The weak model is one that sees the first k columns (model mlp, columns = [0, …, k − "
         "1]).")
        .formula("views: x_j = ±strength + N(0, 1); parts: x_j ~ N(0, 1), y = 1[Σ_j x_j > 0]")
        .source("docs/synthetic.md has the scores that theory predicts");
    s.field("kind", &Params::kind, "how the class depends on the features");
    s.field("features", &Params::features, "numbers in one example").at_least(2);
    s.field("strength", &Params::strength, "views: distance of each feature's mean from 0, in deviations")
        .above(0);
    s.field("train", &Params::train, "training rows").at_least(4);
    s.field("test", &Params::test, "test rows").at_least(2);
    s.field("seed", &Params::seed, "of all draws").at_least(0);
  }
  explicit NestedFeatures(const Params& params) : params_(params) {}

  std::vector<std::string> files() const override { return {}; }
  TaskKind kind() const override { return TaskKind::classification; }
  std::int64_t classes() const override { return 2; }

  TaskData load() override {
    TaskData data;
    data.classes = 2;
    data.train = draw("train", params_.train);
    data.test = draw("test", params_.test);
    return data;
  }

 private:
  // Classes in turn.
  Examples draw(const std::string& split, std::int64_t rows) const {
    Stream stream(static_cast<std::uint64_t>(params_.seed), "nested_features/" + split);
    const std::int64_t width = params_.features;
    Columns columns;
    columns.labels = at::arange(rows, at::kLong).remainder(2);
    columns.dense = at::empty({rows, 1, width}, at::kFloat);
    float* x = columns.dense.data_ptr<float>();
    for (std::int64_t i = 0; i < rows; ++i, x += width) {
      const double side = i % 2 == 1 ? 1 : -1;
      const bool views = params_.kind == Kind::views;
      double sum = 0;
      for (std::int64_t j = 0; j < width; ++j) {
        x[j] = static_cast<float>(stream.normal() + (views ? side * params_.strength : 0));
        sum += x[j];
      }
      if (!views && sum * side < 0) std::transform(x, x + width, x, [](float value) { return -value; });
      columns.difficulty.push_back(-std::abs(sum));
      columns.ids.push_back(split + "/" + std::to_string(i));
    }
    return Examples(std::move(columns));
  }

  const Params params_;
};

W2S_TASK(NestedFeatures, "nested_features");

}  // namespace
}  // namespace w2s
