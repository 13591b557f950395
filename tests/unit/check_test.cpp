// The conformance kit: a plugin with one bug of each kind, and the message that names it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "../support/plugins.hpp"
#include "check/check.hpp"
#include "check/tiny_world.hpp"

namespace w2s {
namespace {

using ::testing::HasSubstr;

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
  const auto found = check_function(
      [](const LossInput& in) { return (1 - (in.targets * at::softmax(in.logits, 1)).sum(1)).abs().sqrt(); });
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

// What is found of a loss that says rowwise() of itself, whatever its function does.
std::string rowwise_problem(const FunctionLoss::Function& function) {
  class SaysRowwise final : public ILoss {
   public:
    explicit SaysRowwise(FunctionLoss::Function function) : function_(std::move(function)) {}
    Tensor forward(const LossInput& in) override { return function_(in); }
    bool rowwise() const override { return true; }

   private:
    FunctionLoss::Function function_;
  };
  const auto schema = documented();
  const auto make = [&](const Table&) { return std::make_unique<SaysRowwise>(function); };
  return finding(check_loss({"says", &schema, make, {}}), "as rowwise() says").problem;
}

TEST(CheckLoss, FindsThatRowwiseIsNotTrue) {
  EXPECT_EQ(rowwise_problem(cross_entropy_of), "");
  EXPECT_THAT(rowwise_problem([](const LossInput& in) {
                const Tensor values = cross_entropy_of(in);
                return values - values.mean();
              }),
              HasSubstr("rowwise() is true, but in one call with another fit's rows"));
  EXPECT_THAT(rowwise_problem([](const LossInput& in) {
                const Tensor values = cross_entropy_of(in);
                return values + (values.sum() - values.sum().detach());
              }),
              HasSubstr("rowwise() is true, but gradients in one call with another fit's rows"));
  EXPECT_THAT(
      rowwise_problem([calls = 0.0](const LossInput& in) mutable { return cross_entropy_of(in) * ++calls; }),
      HasSubstr("rowwise() is true, but in one call with another fit's rows"));
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

TEST(CheckLoss, FindsThatNothingIsReturned) {
  const auto found = check_function([](const LossInput&) { return Tensor(); });
  EXPECT_THAT(finding(found, "one value an example").problem, HasSubstr("it returned no tensor"));
}

TEST(CheckLoss, FindsWritingToTheLogits) {
  const auto found = check_function([](const LossInput& in) {
    const Tensor values = cross_entropy_of(in);
    const_cast<Tensor&>(in.logits).detach().zero_();
    return values;
  });
  EXPECT_THAT(finding(found, "does not change its input").problem, HasSubstr("in.logits"));
}

TEST(CheckLoss, FindsThatItServesNoNumberOfClasses) {
  class Refuses final : public ILoss {
   public:
    Tensor forward(const LossInput& in) override { return cross_entropy_of(in); }
    void check(const LossContext&) const override { throw UsageError("five classes only"); }
  };
  const auto schema = documented();
  const auto found =
      check_loss({"refuses", &schema, [](const Table&) { return std::make_unique<Refuses>(); }, {}});
  EXPECT_THAT(finding(found, "some number of classes").problem, HasSubstr("refuses 2, 3 and 10 classes"));
}

TEST(CheckLoss, FindsAStateThatIsSharedAndNotCopied) {
  class Shares final : public ILoss {
   public:
    Tensor forward(const LossInput& in) override { return cross_entropy_of(in) * calls_.add_(1); }
    std::map<std::string, Tensor> state() const override { return {{"calls", calls_}}; }
    void load_state(const std::map<std::string, Tensor>& state) override { calls_ = state.at("calls"); }

   private:
    Tensor calls_ = at::zeros({}, at::kDouble);
  };
  const auto schema = documented();
  const auto found =
      check_loss({"shares", &schema, [](const Table&) { return std::make_unique<Shares>(); }, {}});
  EXPECT_THAT(finding(found, "saved state").problem, HasSubstr("differs"));
  EXPECT_THAT(finding(found, "saved state").advice, HasSubstr("as a copy"));
}

TEST(CheckLoss, FindsATrainingThatFails) {
  Registry registry = load_plugins({W2S_BAD_PLUGINS_DIR "/not_a_number.so"});
  const auto found = check_plugin(registry, PluginKind::loss, Spec{"not_a_number", {}, {}});
  EXPECT_THAT(finding(found, "however the engine cuts a batch").problem, HasSubstr("is not a number"));
}

TEST(CheckLoss, ReportsExceptionsOfAnyKind) {
  const auto number = check_function([](const LossInput&) -> Tensor { throw 7; });
  EXPECT_THAT(finding(number, "one value an example").problem, HasSubstr("not a std::exception"));
  const auto silent = check_function([](const LossInput&) -> Tensor { throw std::runtime_error(""); });
  EXPECT_THAT(finding(silent, "one value an example").problem, HasSubstr("without a message"));
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

TEST(CheckStrategy, FindsAnEmptyStudentTheSecondTime) {
  static std::atomic<int> calls{0};
  const auto found =
      check_function([](const Supervision& labels, const FitSpec& spec, Lab&, const Next& next) {
        return ++calls == 1 ? next(labels, spec) : Student();
      });
  EXPECT_THAT(finding(found, "fits a student").problem, HasSubstr("the second time it returned an empty"));
}

TEST(CheckStrategy, FindsAnotherStudentFromTheSameFits) {
  static std::atomic<int> calls{0};
  const auto found =
      check_function([](const Supervision& labels, const FitSpec& spec, Lab&, const Next& next) {
        FitSpec other = spec;
        other.seed = spec.seed + 1;
        const Student one = next(labels, spec), two = next(labels, other);
        return ++calls < 3 ? one : two;
      });
  EXPECT_EQ(finding(found, "fits a student").problem, "");
  EXPECT_THAT(finding(found, "from the store").problem, HasSubstr("another student"));
}

TEST(CheckStrategy, FindsThatItDependsOnMicroBatches) {
  const auto found =
      check_function([](const Supervision& labels, const FitSpec& spec, Lab&, const Next& next) {
        FitSpec other = spec;
        other.seed += static_cast<std::uint64_t>(spec.train.micro_tokens);
        return next(labels, other);
      });
  EXPECT_THAT(finding(found, "however the engine cuts a batch").problem,
              HasSubstr("micro-batches change it"));
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
  std::vector<std::string> named;
  std::vector<std::string> files() const override { return named; }
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

std::vector<Finding> check_rows(const std::function<void(TaskData&)>& spoil,
                                const std::vector<std::string>& files = {}) {
  const auto schema = documented();
  return check_task({"rows",
                     &schema,
                     [&](const Table&) {
                       auto task = std::make_unique<RowsTask>();
                       task->spoil = spoil;
                       task->named = files;
                       return task;
                     },
                     {}});
}

TEST(CheckTask, PassesASoundOne) {
  EXPECT_EQ(failures(check_rows([](TaskData&) {})), "");
}

TEST(CheckTask, FindsAFileThatIsNotThere) {
  const auto found = check_rows([](TaskData&) {}, {"/no/such/file.csv"});
  EXPECT_THAT(finding(found, "reads its data").problem,
              HasSubstr("files() names '/no/such/file.csv', which does not exist"));
}

TEST(CheckTask, FindsSetsThatAreEmptyOrTooSmall) {
  const auto no_test = check_rows([](TaskData& data) { data.test = RowsTask::rows("test", 0, 2); });
  EXPECT_THAT(finding(no_test, "reads its data").problem, HasSubstr("the set 'test' is empty"));
  const auto no_shift = check_rows([](TaskData& data) { data.shifted["far"] = RowsTask::rows("far", 0, 3); });
  EXPECT_THAT(finding(no_shift, "reads its data").problem, HasSubstr("the set 'far' is empty"));
  const auto few = check_rows([](TaskData& data) { data.train = RowsTask::rows("train", 3, 1); });
  EXPECT_THAT(finding(few, "reads its data").problem, HasSubstr("fewer than four training rows"));
}

TEST(CheckTask, FindsAKindThatLoadDoesNotConfirm) {
  const auto found = check_rows([](TaskData& data) { data.kind = TaskKind::preference; });
  EXPECT_THAT(finding(found, "without reading").problem, HasSubstr("kind() and load() disagree"));
}

TEST(CheckTask, FindsOneGroupThatCannotBeHalved) {
  const auto found = check_rows([](TaskData& data) {
    data.train = RowsTask::rows("train", 40, 1, [](Columns& columns) { columns.groups.assign(40, 1); });
  });
  EXPECT_FALSE(finding(found, "can be halved").passed());
  EXPECT_THAT(finding(found, "can be halved").advice, HasSubstr("Columns::groups"));
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

TEST(CheckModel, FindsThatItTakesNoInput) {
  const auto found =
      check_function([](FunctionModel&, const Tensor&) -> Tensor { throw UsageError("my own inputs only"); });
  EXPECT_THAT(finding(found, "is built for some inputs").problem, HasSubstr("it takes none of these"));
  EXPECT_THAT(finding(found, "is built for some inputs").problem, HasSubstr("my own inputs only"));
}

TEST(CheckModel, FindsAnotherNumberType) {
  const auto found =
      check_function([](FunctionModel& model, const Tensor& x) { return linear(model, x).to(at::kDouble); });
  EXPECT_THAT(finding(found, "one feature vector a row").problem, HasSubstr("features are of type Double"));
}

TEST(CheckModel, FindsFeaturesThatAreNotFinite) {
  const auto found =
      check_function([](FunctionModel& model, const Tensor& x) { return linear(model, x).log(); });
  EXPECT_THAT(finding(found, "one feature vector a row").problem, HasSubstr("not finite"));
}

TEST(CheckModel, FindsBuildsThatDifferForOneSeed) {
  static std::atomic<std::uint64_t> builds{0};
  const auto schema = documented();
  const auto found =
      check_model({"buggy",
                   &schema,
                   [](const Table&) {
                     auto model = std::make_unique<FunctionModel>();
                     model->function = [build = ++builds](FunctionModel& self, const Tensor& x) {
                       return linear(self, x) + static_cast<double>(build);
                     };
                     return model;
                   },
                   {}});
  EXPECT_THAT(finding(found, "deterministic").problem, HasSubstr("two builds of one seed differ"));
}

TEST(CheckModel, FindsAGradientThatIsNotFinite) {
  const auto found = check_function(
      [](FunctionModel& model, const Tensor& x) { return linear(model, x) + (linear(model, x) * 0).sqrt(); });
  EXPECT_THAT(finding(found, "passes gradients").problem,
              HasSubstr("the gradient of 'weight' is not finite"));
}

TEST(CheckModel, FindsABlockThatIsNone) {
  class Deep final : public IModel {
   public:
    void build(const ModelContext& context, Stream stream) override {
      if (context.input_shape != std::vector<std::int64_t>{12}) throw UsageError("vectors of 12 only");
      parameters().add("weight", normals({4, 12}, stream));
    }
    std::int64_t feature_size() const override { return 4; }
    Tensor features(const Batch& batch) override { return at::linear(batch.x, parameters()["weight"]); }
    std::int64_t depth() const override { return 1; }
    std::int64_t block_of(const std::string&) const override { return 5; }
  };
  const auto schema = documented();
  const auto found =
      check_model({"deep", &schema, [](const Table&) { return std::make_unique<Deep>(); }, {}});
  EXPECT_THAT(finding(found, "knows the block").problem,
              HasSubstr("block_of(\"weight\") is 5, and depth() is 1"));
}

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

class FunctionObjective final : public IObjective {
 public:
  using Function = std::function<Tensor(const Tensor& features)>;
  explicit FunctionObjective(Function function) : function_(std::move(function)) {}
  void begin(IModel&, const Encoded&, Stream) override {}
  Tensor loss(IModel& model, const Encoded& inputs, const std::vector<std::int64_t>& rows, Stream&) override {
    Batch batch;
    batch.x = inputs.dense.dense(rows);
    return function_(model.features(batch));
  }

 private:
  Function function_;
};

std::vector<Finding> check_objective_of(const FunctionObjective::Function& function) {
  const auto schema = documented();
  return check_objective(
      {"buggy", &schema, [&](const Table&) { return std::make_unique<FunctionObjective>(function); }, {}},
      plugins());
}

TEST(CheckObjective, PassesASoundOne) {
  EXPECT_EQ(failures(check_objective_of([](const Tensor& f) { return f.square().mean(); })), "");
}

TEST(CheckObjective, FindsRandomNumbersOfItsOwn) {
  const auto found = check_objective_of([](const Tensor& f) { return (f * at::rand({16})).sum(); });
  EXPECT_THAT(finding(found, "deterministic").problem, HasSubstr("differ"));
  EXPECT_TRUE(finding(found, "finite loss").passed());
}

TEST(CheckObjective, FindsALossForEachRow) {
  const auto found = check_objective_of([](const Tensor& f) { return f.square().sum(1); });
  EXPECT_THAT(finding(found, "finite loss").problem, HasSubstr("no single number"));
}

TEST(CheckObjective, FindsALossThatIsNotFinite) {
  const auto found = check_objective_of([](const Tensor& f) { return f.square().mean() / 0.0; });
  EXPECT_THAT(finding(found, "finite loss").problem, HasSubstr("its loss is inf"));
}

TEST(CheckObjective, FindsAGradientThatIsNotFinite) {
  const auto found = check_objective_of([](const Tensor& f) { return (f.sum() * 0).sqrt(); });
  EXPECT_THAT(finding(found, "finite loss").problem, HasSubstr("the gradient is not finite"));
}

TEST(CheckObjective, FindsAModelThatIsCutOff) {
  const auto found = check_objective_of([](const Tensor& f) { return f.detach().square().mean(); });
  EXPECT_THAT(finding(found, "finite loss").problem, HasSubstr("does not depend on the model"));
  const auto beside = check_objective_of(
      [](const Tensor& f) { return (f.detach() * at::ones({}).requires_grad_(true)).mean(); });
  EXPECT_THAT(finding(beside, "finite loss").problem, HasSubstr("no gradient reaches the model"));
}

}  // namespace
}  // namespace w2s
