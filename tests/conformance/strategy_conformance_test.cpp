// What every strategy must do, built in or not: run with W2S_PLUGIN_PATH for strategies of your own.
#include <gtest/gtest.h>

#include "../support/tiny_world.hpp"

namespace w2s {
namespace {

using testing::plugins;
using testing::TinyWorld;

// The defaults; a required list of names is a ladder of models.
Spec spec_of(const std::string& name) {
  Spec spec{name, {}, {}};
  const auto schema = plugins().schema(PluginKind::strategy, name);
  for (const auto& field : schema->fields()) {
    if (field->is_required()) spec.params.set(field->name(), List{"medium"});
  }
  return spec;
}

bool serves(const std::string& name) {
  try {
    plugins()
        .make_strategy(spec_of(name))
        ->check({TaskKind::classification, 3, {"weak", "medium", "strong"}, "strong"});
    return true;
  } catch (const UsageError&) {
    return false;
  }
}

class EveryStrategy : public ::testing::TestWithParam<std::string> {
 protected:
  // The student, or nothing where the strategy says that it needs texts, which this world does not have.
  static std::optional<Student> supervised(TinyWorld& tiny, const Supervision& labels, const FitSpec& spec) {
    try {
      return tiny.run({spec_of(GetParam())}, labels, spec);
    } catch (const UsageError& error) {
      if (std::string(error.what()).find("text") != std::string::npos) return std::nullopt;
      throw;
    }
  }
  static TinyWorld world(const std::string& store = "") {
    TinyWorld::Options options;
    options.train.set("epochs", 3);
    return TinyWorld(testing::blobs(480, 3, 6, 1.0, 2), 3, options, store);
  }
};

TEST_P(EveryStrategy, SaysWhatItDoesAndWhereItComesFrom) {
  const auto schema = plugins().schema(PluginKind::strategy, GetParam());
  EXPECT_FALSE(schema->summary().empty());
  EXPECT_FALSE(schema->source().empty());
  for (const auto& field : schema->fields()) EXPECT_FALSE(field->doc().empty()) << field->name();
}

TEST_P(EveryStrategy, AcceptsItsOwnDefaults) {
  const Table resolved = plugins().resolved(PluginKind::strategy, spec_of(GetParam()));
  EXPECT_NO_THROW(plugins().make_strategy({GetParam(), resolved, {}}));
}

TEST_P(EveryStrategy, FitsAStudentAlikeForOneSeed) {
  if (!serves(GetParam())) GTEST_SKIP() << "not for such a task";
  Tensor first;
  for (int run = 0; run < 2; ++run) {
    TinyWorld tiny = world();
    const auto student = supervised(tiny, tiny.weak_labels(), tiny.spec());
    if (!student) GTEST_SKIP() << "for texts";
    const Tensor p = tiny.lab().predict(*student, tiny.test());
    EXPECT_TRUE(at::allclose(p.sum(1), at::ones({p.size(0)}), 1e-4, 1e-4));
    if (run == 0) first = p;
    EXPECT_TRUE(p.equal(first)) << "the second run differs by " << (p - first).abs().max().item<double>();
  }
}

TEST_P(EveryStrategy, FitsTheSameInSmallPieces) {
  if (!serves(GetParam())) GTEST_SKIP() << "not for such a task";
  Tensor whole;
  for (const bool pieces : {false, true}) {
    TinyWorld tiny = world();
    FitSpec spec = tiny.spec();
    if (pieces) {
      spec.train.micro_tokens = 7;
      spec.train.activation_tokens = 14;
    }
    const auto student = supervised(tiny, tiny.weak_labels(), spec);
    if (!student) GTEST_SKIP() << "for texts";
    const Tensor p = tiny.lab().predict(*student, tiny.test());
    if (!pieces) whole = p;
    EXPECT_TRUE(p.allclose(whole, 1e-3, 1e-3))
        << "micro-batches change it by " << (p - whole).abs().max().item<double>();
  }
}

TEST_P(EveryStrategy, IsAnsweredFromTheStoreTheSecondTime) {
  if (!serves(GetParam())) GTEST_SKIP() << "not for such a task";
  TinyWorld tiny = world();
  const auto student = supervised(tiny, tiny.weak_labels(), tiny.spec());
  if (!student) GTEST_SKIP() << "for texts";
  TinyWorld again = world(tiny.store());
  const Student same = again.run({spec_of(GetParam())}, again.weak_labels(), again.spec());
  EXPECT_EQ(again.lab().computed(), 0);
  EXPECT_EQ(same.members(), student->members());
}

TEST_P(EveryStrategy, ServesAProbeWithEarlyStopping) {
  if (!serves(GetParam())) GTEST_SKIP() << "not for such a task";
  TinyWorld tiny = world();
  const Supervision labels = tiny.weak_labels();
  FitSpec spec = tiny.spec();
  spec.train.trainable = "head";
  spec.train.standardize = true;
  spec.train.early_stopping = true;
  std::vector<std::int64_t> last;
  for (std::int64_t i = 90; i < labels.size(); ++i) last.push_back(i);
  spec.validation = labels.select(last);
  std::vector<std::int64_t> front;
  for (std::int64_t i = 0; i < 90; ++i) front.push_back(i);
  const auto student = supervised(tiny, labels.select(front), spec);
  if (!student) GTEST_SKIP() << "for texts";
  EXPECT_GT(tiny.accuracy(*student), 0.5);
}

INSTANTIATE_TEST_SUITE_P(Plugins, EveryStrategy, ::testing::ValuesIn(plugins().names(PluginKind::strategy)),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace w2s
