// The conformance kit: a plugin with one bug of each kind, and the message that names it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "check/check.hpp"
#include "check/tiny_world.hpp"

namespace w2s {
namespace {

using ::testing::HasSubstr;

const Registry& plugins() {
  static const Registry registry = load_plugins();
  return registry;
}

const Finding& finding(const std::vector<Finding>& findings, const std::string& rule) {
  for (const Finding& each : findings) {
    if (each.rule.find(rule) != std::string::npos) return each;
  }
  throw Error("no rule says '" + rule + "'");
}

std::string failures(const std::vector<Finding>& findings) {
  std::string all;
  for (const Finding& each : findings) {
    if (!each.passed()) all += each.rule + "; ";
  }
  return all;
}

// ---- losses

// A loss of one function, with all that the kit asks for unless a test takes it away.
class FunctionLoss final : public ILoss {
 public:
  using Function = std::function<Tensor(const LossInput&)>;
  explicit FunctionLoss(Function function) : function_(std::move(function)) {}
  Tensor forward(const LossInput& in) override { return function_(in); }

 private:
  Function function_;
};

Schema<NoParams> documented(const std::string& formula = "f") {
  Schema<NoParams> schema;
  schema.summary("A loss").source("here").formula(formula);
  return schema;
}

std::vector<Finding> check_function(const FunctionLoss::Function& function,
                                    const Schema<NoParams>& schema = documented()) {
  return check_loss(
      {"buggy", &schema, [&](const Table&) { return std::make_unique<FunctionLoss>(function); }, {}});
}

Tensor cross_entropy_of(const LossInput& in) {
  return -(in.targets * at::log_softmax(in.logits.to(at::kDouble), 1)).sum(1).to(in.logits.scalar_type());
}

TEST(CheckLoss, PassesASoundOne) { EXPECT_EQ(failures(check_function(cross_entropy_of)), ""); }

TEST(CheckLoss, FindsAMeanInThePlaceOfAVector) {
  const auto found = check_function([](const LossInput& in) { return cross_entropy_of(in).mean(); });
  EXPECT_THAT(finding(found, "one value an example").problem, HasSubstr("shape [] for a batch of 8"));
  EXPECT_THAT(finding(found, "one value an example").advice, HasSubstr("the engine takes the mean"));
}

TEST(CheckLoss, FindsALogarithmOfZero) {
  const auto found = check_function(
      [](const LossInput& in) { return -(in.targets * at::softmax(in.logits, 1).log()).sum(1); });
  EXPECT_THAT(finding(found, "is finite").problem, HasSubstr("not finite"));
  EXPECT_THAT(finding(found, "is finite").problem, HasSubstr("for logits ["));
}

TEST(CheckLoss, FindsAGradientThatIsNotFiniteWhereTheValueIs) {
  const auto found = check_function([](const LossInput& in) {
    return (1 - (in.targets * at::softmax(in.logits, 1)).sum(1)).abs().sqrt();
  });
  EXPECT_THAT(finding(found, "is finite").problem, HasSubstr("gradient is not finite"));
}

TEST(CheckLoss, FindsAGradientThatWasCutOff) {
  const auto found = check_function([](const LossInput& in) { return cross_entropy_of(in).detach(); });
  EXPECT_THAT(finding(found, "depends on the logits").problem, HasSubstr("no gradient"));
  const auto half = check_function(
      [](const LossInput& in) { return cross_entropy_of(in) * at::softmax(in.logits, 1).detach().amax(1); });
  EXPECT_THAT(finding(half, "gradient of its value").problem, HasSubstr("finite differences"));
}

TEST(CheckLoss, TakesAStopGradientThatTheFormulaNames) {
  const auto schema = documented("CE(z, y) · stop max p");
  const auto found = check_function(
      [](const LossInput& in) { return cross_entropy_of(in) * at::softmax(in.logits, 1).detach().amax(1); },
      schema);
  EXPECT_EQ(failures(found), "");
}

TEST(CheckLoss, FindsRandomNumbers) {
  const auto found = check_function(
      [](const LossInput& in) { return cross_entropy_of(in) + at::rand({in.logits.size(0)}); });
  EXPECT_THAT(finding(found, "is deterministic").problem, HasSubstr("different values"));
}

TEST(CheckLoss, FindsAPlaceThatIsTakenForAnExample) {
  const auto found = check_function([](const LossInput& in) {
    return cross_entropy_of(in) * at::arange(1, in.logits.size(0) + 1, in.logits.options());
  });
  EXPECT_THAT(finding(found, "permutation").problem, HasSubstr("another order"));
}

TEST(CheckLoss, FindsStatisticsOfTheBatchThatTheSchemaDoesNotTell) {
  const auto centred = [](const LossInput& in) {
    const Tensor values = cross_entropy_of(in);
    return values * values.detach().mean();
  };
  auto schema = documented("CE · stop mean CE");
  EXPECT_THAT(finding(check_function(centred, schema), "each example alone").problem, HasSubstr("alone"));
  schema.uses_batch_statistics();
  EXPECT_EQ(failures(check_function(centred, schema)), "");
}

TEST(CheckLoss, FindsWeightsThatAreAppliedTwice) {
  const auto found = check_function([](const LossInput& in) { return cross_entropy_of(in) * in.weights; });
  EXPECT_THAT(finding(found, "leaves the weights").problem, HasSubstr("other example weights"));
}

TEST(CheckLoss, FindsWritingToTheInput) {
  const auto found = check_function([](const LossInput& in) {
    const Tensor values = cross_entropy_of(in);
    const_cast<Tensor&>(in.targets).fill_(0.5);
    return values;
  });
  EXPECT_THAT(finding(found, "does not change its input").problem, HasSubstr("in.targets"));
}

TEST(CheckLoss, FindsAMemoryThatIsNotSaved) {
  class Forgetful final : public ILoss {
   public:
    Tensor forward(const LossInput& in) override { return cross_entropy_of(in) * ++calls_; }

   private:
    double calls_ = 0;
  };
  const auto schema = documented();
  const auto found =
      check_loss({"forgetful", &schema, [](const Table&) { return std::make_unique<Forgetful>(); }, {}});
  EXPECT_THAT(finding(found, "saved state").problem, HasSubstr("differs"));
}

TEST(CheckLoss, FindsWhatIsNotDocumented) {
  struct Params {
    double q = 1;
  };
  Schema<Params> schema;
  schema.field("q", &Params::q, "");
  const auto found = check_loss(
      {"mute", &schema, [](const Table&) { return std::make_unique<FunctionLoss>(cross_entropy_of); }, {}});
  EXPECT_THAT(failures(found), HasSubstr("says what it does; says where it comes from; documents its "
                                         "parameters; has a formula; "));
}

TEST(CheckLoss, ReportsWhatItThrows) {
  const auto found =
      check_function([](const LossInput&) -> Tensor { throw std::runtime_error("no such formula"); });
  EXPECT_THAT(finding(found, "one value an example").problem, HasSubstr("no such formula"));
}

// ---- strategies

class FunctionStrategy final : public ISupervisionStrategy {
 public:
  using Function = std::function<Student(const Supervision&, const FitSpec&, Lab&, const Next&)>;
  explicit FunctionStrategy(Function function) : function_(std::move(function)) {}
  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    return function_(labels, spec, lab, next);
  }

 private:
  Function function_;
};

std::vector<Finding> check_function(const FunctionStrategy::Function& function) {
  const auto schema = documented();
  return check_strategy(
      {"buggy", &schema, [&](const Table&) { return std::make_unique<FunctionStrategy>(function); }, {}},
      plugins());
}

TEST(CheckStrategy, PassesASoundOne) {
  const auto found = check_function([](const Supervision& labels, const FitSpec& spec, Lab&,
                                       const Next& next) { return next(labels, spec); });
  EXPECT_EQ(failures(found), "");
}

TEST(CheckStrategy, FindsAnEmptyStudent) {
  const auto found =
      check_function([](const Supervision&, const FitSpec&, Lab&, const Next&) { return Student(); });
  EXPECT_THAT(finding(found, "fits a student").problem, HasSubstr("empty student"));
}

TEST(CheckStrategy, FindsARefusalThatComesOnlyWhenItRuns) {
  const auto found = check_function([](const Supervision&, const FitSpec&, Lab&, const Next&) -> Student {
    throw UsageError("not today");
  });
  EXPECT_THAT(finding(found, "fits a student").problem, HasSubstr("not today"));
}

TEST(CheckStrategy, FindsRandomNumbersOfItsOwn) {
  static std::atomic<std::uint64_t> calls{0};
  const auto found =
      check_function([](const Supervision& labels, const FitSpec& spec, Lab&, const Next& next) {
        FitSpec other = spec;
        other.seed = ++calls;
        return next(labels, other);
      });
  EXPECT_THAT(finding(found, "alike for one seed").problem, HasSubstr("differ by up to"));
  EXPECT_THAT(finding(found, "from the store").problem, HasSubstr("computed 1 fits anew"));
}

TEST(CheckStrategy, FindsLabelsThatItWritesTo) {
  const auto found =
      check_function([](const Supervision& labels, const FitSpec& spec, Lab&, const Next& next) {
        const_cast<Tensor&>(labels.weights).mul_(2);
        return next(labels, spec);
      });
  EXPECT_THAT(finding(found, "leaves its labels").problem, HasSubstr("changed"));
}

TEST(CheckStrategy, FindsAStudentThatLearnsNothing) {
  const auto found =
      check_function([](const Supervision& labels, const FitSpec& spec, Lab&, const Next& next) {
        Supervision flat = labels;
        flat.targets = at::full_like(labels.targets, 1.0 / 3);
        return next(flat, spec);
      });
  EXPECT_THAT(finding(found, "probe with early stopping").problem, HasSubstr("chance"));
}

// ---- tasks

class RowsTask final : public ITask {
 public:
  std::function<void(TaskData&)> spoil = [](TaskData&) {};
  std::vector<std::string> files() const override { return {}; }
  TaskKind kind() const override { return TaskKind::classification; }
  std::int64_t classes() const override { return 2; }
  TaskData load() override {
    TaskData data;
    data.train = rows("train", 40, 1);
    data.test = rows("test", 20, 2);
    spoil(data);
    return data;
  }
  static Examples rows(const std::string& set, std::int64_t count, std::uint64_t seed,
                       const std::function<void(Columns&)>& change = {}) {
    const Rows made = blobs(count, 2, 3, 1.0, seed);
    Columns columns;
    columns.dense = made.inputs;
    columns.labels = made.labels;
    for (std::int64_t i = 0; i < count; ++i) columns.ids.push_back(set + "/" + std::to_string(i));
    if (change) change(columns);
    return Examples(std::move(columns));
  }
};

std::vector<Finding> check_rows(const std::function<void(TaskData&)>& spoil) {
  const auto schema = documented();
  return check_task({"rows",
                     &schema,
                     [&](const Table&) {
                       auto task = std::make_unique<RowsTask>();
                       task->spoil = spoil;
                       return task;
                     },
                     {}});
}

TEST(CheckTask, PassesASoundOne) {
  EXPECT_EQ(failures(check_rows([](TaskData&) {})), "");
}

TEST(CheckTask, FindsLabelsBeyondTheClasses) {
  const auto found = check_rows([](TaskData& data) {
    data.train = RowsTask::rows("train", 40, 1, [](Columns& columns) { columns.labels[3] = 2; });
  });
  EXPECT_THAT(finding(found, "labels within").problem, HasSubstr("'train/3' of 'train' has label 2"));
}

TEST(CheckTask, FindsATestOnTrainingRows) {
  const auto found = check_rows([](TaskData& data) { data.test = RowsTask::rows("test", 20, 1); });
  EXPECT_THAT(finding(found, "does not train on").problem, HasSubstr("test rows are training rows too"));
}

TEST(CheckTask, FindsAnIdInTwoSets) {
  const auto found = check_rows([](TaskData& data) { data.test = RowsTask::rows("train", 20, 2); });
  EXPECT_THAT(finding(found, "ids of its own").problem, HasSubstr("is in '"));
}

TEST(CheckTask, FindsATestOfOneClass) {
  const auto found = check_rows([](TaskData& data) {
    data.test = RowsTask::rows("test", 20, 2, [](Columns& columns) { columns.labels.zero_(); });
  });
  EXPECT_FALSE(finding(found, "balanced test").passed());
}

TEST(CheckTask, FindsRowsThatChangeFromLoadToLoad) {
  static std::atomic<std::uint64_t> loads{100};
  const auto found = check_rows([](TaskData& data) { data.train = RowsTask::rows("train", 40, ++loads); });
  EXPECT_THAT(finding(found, "same rows every time").problem, HasSubstr("a second load"));
}

TEST(CheckTask, FindsClassesThatLoadDoesNotConfirm) {
  const auto found = check_rows([](TaskData& data) { data.classes = 3; });
  EXPECT_THAT(finding(found, "without reading").problem, HasSubstr("classes() gives 2, load() gives 3"));
}

// ---- models

class FunctionModel final : public IModel {
 public:
  std::function<Tensor(FunctionModel&, const Tensor&)> function;
  std::uint64_t hidden_state = 0;
  void build(const ModelContext& context, Stream stream) override {
    if (context.input_shape != std::vector<std::int64_t>{12}) throw UsageError("vectors of 12 only");
    hidden_state = stream.bits() % 1000;
    parameters().add("weight", normals({4, 12}, stream));
  }
  std::int64_t feature_size() const override { return 4; }
  Tensor features(const Batch& batch) override { return function(*this, batch.x); }
};

std::vector<Finding> check_function(const std::function<Tensor(FunctionModel&, const Tensor&)>& function) {
  const auto schema = documented();
  return check_model({"buggy",
                      &schema,
                      [&](const Table&) {
                        auto model = std::make_unique<FunctionModel>();
                        model->function = function;
                        return model;
                      },
                      {}});
}

Tensor linear(FunctionModel& model, const Tensor& x) { return at::linear(x, model.parameters()["weight"]); }

TEST(CheckModel, PassesASoundOne) { EXPECT_EQ(failures(check_function(linear)), ""); }

TEST(CheckModel, FindsAWrongShape) {
  const auto found =
      check_function([](FunctionModel& model, const Tensor& x) { return linear(model, x).t(); });
  EXPECT_THAT(finding(found, "one feature vector a row").problem, HasSubstr("[4, 6]"));
}

TEST(CheckModel, FindsStatisticsOfTheBatch) {
  const auto found = check_function([](FunctionModel& model, const Tensor& x) {
    const Tensor f = linear(model, x);
    return f - f.mean(0);
  });
  EXPECT_THAT(finding(found, "each row alone").problem, HasSubstr("differs from itself in a batch"));
}

TEST(CheckModel, FindsRandomNumbers) {
  const auto found = check_function(
      [](FunctionModel& model, const Tensor& x) { return at::dropout(linear(model, x), 0.5, true); });
  EXPECT_THAT(finding(found, "deterministic").problem, HasSubstr("two calls"));
}

TEST(CheckModel, FindsAStateOutsideTheParameters) {
  const auto found = check_function([](FunctionModel& model, const Tensor& x) {
    return linear(model, x) + static_cast<double>(model.hidden_state);
  });
  EXPECT_THAT(finding(found, "saved and loaded").problem, HasSubstr("the features differ"));
}

TEST(CheckModel, FindsAGradientThatWasCutOff) {
  const auto found =
      check_function([](FunctionModel& model, const Tensor& x) { return linear(model, x).detach(); });
  EXPECT_THAT(finding(found, "passes gradients").problem, HasSubstr("do not depend on the parameters"));
}

// ---- objectives

class NoisyObjective final : public IObjective {
 public:
  void begin(IModel&, const Encoded&, Stream) override {}
  Tensor loss(IModel& model, const Encoded& inputs, const std::vector<std::int64_t>& rows, Stream&) override {
    Batch batch;
    batch.x = inputs.dense.dense(rows);
    return (model.features(batch) * at::rand({16})).sum();
  }
};

TEST(CheckObjective, FindsRandomNumbersOfItsOwn) {
  const auto schema = documented();
  const auto found = check_objective(
      {"noisy", &schema, [](const Table&) { return std::make_unique<NoisyObjective>(); }, {}}, plugins());
  EXPECT_THAT(finding(found, "deterministic").problem, HasSubstr("differ"));
  EXPECT_TRUE(finding(found, "finite loss").passed());
}

}  // namespace
}  // namespace w2s
