#include "data/split.hpp"

#include <gtest/gtest.h>

#include <set>

namespace w2s {
namespace {

// `n` rows of dense data with the given labels and groups.
Examples rows(const std::string& prefix, const std::vector<std::int64_t>& labels,
              const std::vector<std::int64_t>& groups = {}) {
  Columns columns;
  const auto n = static_cast<std::int64_t>(labels.size());
  for (std::int64_t i = 0; i < n; ++i) columns.ids.push_back(prefix + std::to_string(i));
  columns.groups = groups;
  columns.labels = at::tensor(labels, at::kLong);
  columns.dense = at::arange(n, at::kFloat).unsqueeze(1);
  return Examples(std::move(columns));
}

std::vector<std::int64_t> repeated(std::int64_t n, const std::function<std::int64_t(std::int64_t)>& f) {
  std::vector<std::int64_t> values;
  for (std::int64_t i = 0; i < n; ++i) values.push_back(f(i));
  return values;
}

TaskData binary_task(std::int64_t n, const std::function<std::int64_t(std::int64_t)>& label,
                     const std::function<std::int64_t(std::int64_t)>& group = {}) {
  TaskData data;
  data.train = rows("train/", repeated(n, label), group ? repeated(n, group) : std::vector<std::int64_t>{});
  data.test = rows("test/", repeated(40, [](std::int64_t i) { return i % 4 == 0 ? 1 : 0; }));
  return data;
}

std::set<std::int64_t> groups_of(const Examples& examples) {
  std::set<std::int64_t> groups;
  for (std::int64_t i = 0; i < examples.size(); ++i) groups.insert(examples.group(i));
  return groups;
}

TEST(Split, NoGroupIsInTwoPartsAndSizesAreExact) {
  const TaskData data = binary_task(
      600, [](std::int64_t i) { return i % 2; }, [](std::int64_t i) { return i / 5; });
  SplitParams split;
  split.supervisor = 203;
  split.transfer = 198;
  split.validation = 31;
  const Splits splits = make_splits(data, split, 7);
  EXPECT_EQ(splits.supervisor.train.size(), 172);
  EXPECT_EQ(splits.supervisor.validation.size(), 31);
  EXPECT_EQ(splits.transfer.train.size(), 167);
  EXPECT_EQ(splits.transfer.validation.size(), 31);
  std::set<std::int64_t> seen;
  for (const Examples* part : {&splits.supervisor.train, &splits.supervisor.validation,
                               &splits.transfer.train, &splits.transfer.validation}) {
    for (const std::int64_t group : groups_of(*part))
      EXPECT_TRUE(seen.insert(group).second) << "group " << group;
  }
}

TEST(Split, HalvesFollowTheSeedAndTestSetsDoNot) {
  const TaskData data = binary_task(100, [](std::int64_t i) { return i % 2; });
  SplitParams split;
  split.test = 10;
  const Splits a = make_splits(data, split, 1), again = make_splits(data, split, 1),
               b = make_splits(data, split, 2);
  EXPECT_EQ(a.transfer.train.rows(), again.transfer.train.rows());
  EXPECT_NE(a.transfer.train.rows(), b.transfer.train.rows());
  EXPECT_EQ(a.tests.at("test").rows(), b.tests.at("test").rows());
}

TEST(Split, TestSetIsBalancedAndCut) {
  const TaskData data = binary_task(100, [](std::int64_t i) { return i % 2; });
  SplitParams split;
  EXPECT_EQ(make_splits(data, split, 0).tests.at("test").size(),
            20);  // 10 of the rare class, 10 of the other
  split.test = 8;
  const Tensor labels = make_splits(data, split, 0).tests.at("test").labels();
  EXPECT_EQ(labels.size(0), 8);
  EXPECT_EQ(labels.sum().item<std::int64_t>(), 4);
  split.balanced_test = false;
  split.test = 0;
  EXPECT_EQ(make_splits(data, split, 0).tests.at("test").size(), 40);
}

TEST(Split, MajorityClassIsThinnedOnlyAboveTheShare) {
  SplitParams split;
  const TaskData mild = binary_task(100, [](std::int64_t i) { return i % 100 < 54 ? 0 : 1; });
  const Splits untouched = make_splits(mild, split, 0);
  EXPECT_EQ(untouched.supervisor.train.size() + untouched.transfer.train.size(), 100);
  const TaskData strong = binary_task(100, [](std::int64_t i) { return i % 4 == 0 ? 1 : 0; });
  const Splits thinned = make_splits(strong, split, 0);
  const Tensor labels = at::cat({thinned.supervisor.train.labels(), thinned.transfer.train.labels()});
  EXPECT_EQ(labels.size(0), 50);
  EXPECT_EQ(labels.sum().item<std::int64_t>(), 25);
}

TEST(Split, AskingForMoreRowsThanThereAreSaysHowManyThereAre) {
  const TaskData data = binary_task(100, [](std::int64_t i) { return i % 4 == 0 ? 1 : 0; });
  SplitParams split;
  split.supervisor = 40;
  split.transfer = 40;
  try {
    make_splits(data, split, 0);
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "task.split asks for a supervisor half of 40 rows and a transfer half of 40, each with 0 "
                 "held out for "
                 "validation; the task has 50 training rows after balancing the classes (100 before)");
  }
}

TEST(Split, OneClassOnlyIsRefused) {
  const TaskData data = binary_task(10, [](std::int64_t) { return 1; });
  EXPECT_THROW(make_splits(data, {}, 0), UsageError);
}

}  // namespace
}  // namespace w2s
