// A reliable feature and a louder one that only mostly agrees with the class; test sets by group.
#include <w2s/task.hpp>

namespace w2s {
namespace {

class SpuriousCorrelation final : public ITask {
 public:
  struct Params {
    double agreement = 0.9, core = 2, spurious = 4;
    std::int64_t train = 4000, test = 4000, seed = 0;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Two classes, inputs of two numbers in two rows (shape [2, 1]): row 0 the core feature, whose mean "
         "is "
         "the class's, row 1 a spurious one, whose mean is the class's in the share `agreement` of the rows "
         "and "
         "the other's elsewhere. The weak model sees row 1 (model mlp, rows = [1]). Out-of-distribution test "
         "sets: 'majority', where the two agree, 'minority', where they do not, and 'balanced', half of "
         "each.")
        .formula("x₀ = ±core + N(0, 1), x₁ = ±spurious + N(0, 1)")
        .source("Sagawa et al. 2020");
    s.field("agreement", &Params::agreement, "share of training and test rows in which the signs agree")
        .in(0, 1);
    s.field("core", &Params::core, "distance of the core feature's means from 0, in deviations").above(0);
    s.field("spurious", &Params::spurious, "the same of the spurious feature").above(0);
    s.field("train", &Params::train, "training rows").at_least(4);
    s.field("test", &Params::test, "rows of each test set").at_least(4);
    s.field("seed", &Params::seed, "of all draws").at_least(0);
  }
  explicit SpuriousCorrelation(const Params& params) : params_(params) {}

  std::vector<std::string> files() const override { return {}; }
  TaskKind kind() const override { return TaskKind::classification; }
  std::int64_t classes() const override { return 2; }

  TaskData load() override {
    TaskData data;
    data.classes = 2;
    data.train = draw("train", params_.train, params_.agreement);
    data.test = draw("test", params_.test, params_.agreement);
    data.shifted.emplace("majority", draw("majority", params_.test, 1));
    data.shifted.emplace("minority", draw("minority", params_.test, 0));
    data.shifted.emplace("balanced", draw("balanced", params_.test, 0.5));
    return data;
  }

 private:
  // Classes in turn; in `agreement` of each class's rows, spread evenly, the signs agree.
  Examples draw(const std::string& split, std::int64_t rows, double agreement) const {
    Stream stream(static_cast<std::uint64_t>(params_.seed), "spurious_correlation/" + split);
    Columns columns;
    columns.labels = at::arange(rows, at::kLong).remainder(2);
    columns.dense = at::empty({rows, 2, 1}, at::kFloat);
    float* x = columns.dense.data_ptr<float>();
    for (std::int64_t i = 0; i < rows; ++i, x += 2) {
      const double side = i % 2 == 1 ? 1 : -1;
      const bool agree = static_cast<std::int64_t>(agreement * static_cast<double>(i / 2 + 1)) >
                         static_cast<std::int64_t>(agreement * static_cast<double>(i / 2));
      x[0] = static_cast<float>(side * params_.core + stream.normal());
      x[1] = static_cast<float>((agree ? side : -side) * params_.spurious + stream.normal());
      columns.ids.push_back(split + "/" + std::to_string(i));
    }
    return Examples(std::move(columns));
  }

  const Params params_;
};

W2S_TASK(SpuriousCorrelation, "spurious_correlation");

}  // namespace
}  // namespace w2s
