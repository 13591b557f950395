// Losses that researchers write: edited, or broken in every way that shows only in training.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kMyLoss = R"(#include <w2s/plugin.hpp>

namespace {

class MyLoss final : public w2s::ILoss {
 public:
  static void describe(w2s::Schema<w2s::NoParams>& s) { s.summary("Tempered cross entropy"); }
  w2s::Tensor forward(const w2s::LossInput& in) override {
    return -(in.targets * (in.logits / 2.0).log_softmax(1)).sum(1);
  }
};

}  // namespace

W2S_LOSS(MyLoss, "my_loss");
)";

constexpr const char* kCrash = R"(#include <w2s/plugin.hpp>

#include <csignal>

namespace {

class Crash final : public w2s::ILoss {
 public:
  static void describe(w2s::Schema<w2s::NoParams>& s) { s.summary("Crashes at step 2"); }
  w2s::Tensor forward(const w2s::LossInput& in) override {
    if (++steps_ == 3) {
      std::signal(SIGSEGV, SIG_DFL);
      std::raise(SIGSEGV);
    }
    return -(in.targets * in.logits.log_softmax(1)).sum(1);
  }

 private:
  int steps_ = 0;
};

}  // namespace

W2S_LOSS(Crash, "crash");
)";

std::string broken(const std::string& name) { return std::string(W2S_BAD_PLUGINS_DIR) + "/" + name + ".so"; }

TEST(LossPlugin, EditingOneConstantRefitsThatMethodsStudentsOnly) {
  const Workbench bench;
  bench.write("my_loss.cpp", kMyLoss);
  bench.write_experiment("mine.toml", R"(
[methods.mine]
loss = "my_loss"

[plugins]
sources = ["my_loss.cpp"]
)");
  const Outcome first = bench.w2s({"run", "mine.toml"});
  ASSERT_EQ(first.status, 0) << first.err;
  EXPECT_EQ(fits_computed(first), 10);
  EXPECT_EQ(fits_computed(bench.w2s({"run", "mine.toml"})), 0);

  bench.edit("my_loss.cpp", "/ 2.0", "/ 3.0");
  const Outcome edited = bench.w2s({"run", "mine.toml"});
  ASSERT_EQ(edited.status, 0) << edited.err;
  EXPECT_EQ(fits_computed(edited), 2);
  EXPECT_EQ(jobs_done_before(edited), 8);
  EXPECT_THAT(edited.err, HasSubstr("student mine: weak → strong, seed 0"));

  bench.edit("my_loss.cpp", "/ 3.0", "/ 2.0");
  const Outcome back = bench.w2s({"run", "mine.toml"});
  EXPECT_EQ(fits_computed(back), 0);
  EXPECT_EQ(back.out, first.out);
}

TEST(LossPlugin, ABrokenOneFailsItsOwnJobAndTheSummarySaysWhichAndWhen) {
  const Workbench bench;
  bench.write("crash.cpp", kCrash);
  bench.write_experiment("broken.toml", R"(
[methods.crash]
loss = "crash"

[methods.nan]
loss = "not_a_number"

[methods.shape]
loss = "wrong_shape"

[methods.throws]
loss = "throws_mid_training"

[plugins]
sources = ["crash.cpp"]
)");
  const Arguments arguments{"run",      "broken.toml",
                            "--seeds",  "0",
                            "--plugin", broken("not_a_number"),
                            "--plugin", broken("wrong_shape"),
                            "--plugin", broken("throws_mid_training")};
  const Outcome run = bench.w2s(arguments);
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("8 jobs: 0 done before, 4 run now, 4 failed; fits: 4 computed"));
  EXPECT_THAT(run.err,
              HasSubstr("failed: ended by signal 11 (Segmentation fault), with loss 'crash' (fit strong, "
                        "step 2 of 32)"));
  EXPECT_TRUE(has_match(
      run.err, "failed: loss 'not_a_number' at step 0 (epoch 0) is not a number for example 'train/"));
  EXPECT_THAT(run.err,
              HasSubstr("failed: loss 'wrong_shape' at step 0 (epoch 0) returned shape []; expected one "
                        "value per example, [32]"));
  EXPECT_TRUE(has_match(
      run.err, "failed: loss 'throws_mid_training' (…throws_mid_training.cpp:…)…(fit strong, step 2 of 32)"))
      << run.err;
  EXPECT_THAT(run.err, Not(HasSubstr("terminate called")));
  EXPECT_THAT(run.out, HasSubstr("naive"));
  EXPECT_THAT(run.out, Not(HasSubstr("crash")));

  const Outcome again = bench.w2s(arguments);
  EXPECT_EQ(again.status, 1);
  EXPECT_EQ(jobs_done_before(again), 4);
  EXPECT_EQ(again.out, run.out);
}

TEST(LossPlugin, AMistakeInItsSourceIsShownWithItsLine) {
  const Workbench bench;
  bench.write("my_loss.cpp", kMyLoss);
  bench.edit("my_loss.cpp", ".sum(1);", ".smu(1);");
  const Outcome run = bench.w2s({"run", "tiny.toml", "--plugin", "my_loss.cpp"});
  EXPECT_EQ(run.status, 2);
  EXPECT_TRUE(matches(run.err, "w2s: plugin source '…my_loss.cpp' does not compile:\n…my_loss.cpp:9:…smu…"))
      << run.err;
}

}  // namespace
}  // namespace w2s::e2e
