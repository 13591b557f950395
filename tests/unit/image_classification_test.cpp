#include <w2s/task.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "../support/folder_test.hpp"
#include "../support/plugins.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kEdge = 8;

std::string idx(const std::vector<std::uint32_t>& sizes, const std::string& data) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(sizes.size())};
  for (const std::uint32_t size : sizes) {
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(size >> shift & 0xff);
  }
  return bytes + data;
}

class ImageClassification : public FolderTest {
 protected:
  void SetUp() override {
    write_split("train", 12);
    write_split("t10k", 6);
  }

  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  // Image i holds the pixels (i · 7 + position) mod 256 and has label i mod 3.
  void write_split(const std::string& prefix, std::uint32_t count) const {
    std::string images, labels;
    for (std::uint32_t i = 0; i < count; ++i) {
      for (std::int64_t p = 0; p < kEdge * kEdge; ++p) images += static_cast<char>((i * 7 + p) % 256);
      labels += static_cast<char>(i % 3);
    }
    write(prefix + "-images-idx3-ubyte", idx({count, kEdge, kEdge}, images));
    write(prefix + "-labels-idx1-ubyte", idx({count}, labels));
  }
  std::unique_ptr<ITask> task(Table params = {}) const {
    params.set("path", folder_.string());
    if (params.find("class_count") == nullptr) params.set("class_count", 3);
    return plugins().make_task({"image_classification", params, {}});
  }
  std::string complaint(Table params = {}) const {
    try {
      task(params)->load();
    } catch (const UsageError& e) {
      return e.what();
    }
    return "nothing was refused";
  }
  void expect_complaint(const std::string& part, Table params = {}) const {
    const std::string message = complaint(params);
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }
};

TEST_F(ImageClassification, ReadsImagesAndLabels) {
  const TaskData data = task()->load();
  EXPECT_EQ(data.classes, 3);
  ASSERT_EQ(data.train.size(), 12);
  ASSERT_EQ(data.test.size(), 6);
  EXPECT_EQ(data.train.id(4), "train/4");
  EXPECT_EQ(data.test.id(5), "test/5");
  EXPECT_EQ(data.train.labels()[4].item<std::int64_t>(), 1);
  const Tensor image = data.train.dense({4});
  ASSERT_EQ(image.sizes(), (std::vector<std::int64_t>{1, 1, kEdge, kEdge}));
  EXPECT_NEAR(image[0][0][1][2].item<double>(), ((4 * 7 + 10) / 255.0 - 0.2860) / 0.3530, 1e-5);
}

TEST_F(ImageClassification, KeepsAndRenumbersTheClassesAskedFor) {
  const TaskData data = task({{"classes", List{2, 0}}})->load();
  EXPECT_EQ(data.classes, 2);
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"2", "0"}));
  ASSERT_EQ(data.train.size(), 8);
  EXPECT_EQ(data.train.id(1), "train/2");
  EXPECT_EQ(data.train.labels()[0].item<std::int64_t>(), 1);
  EXPECT_EQ(data.train.labels()[1].item<std::int64_t>(), 0);
}

TEST_F(ImageClassification, TakesTheFirstRowsOfEachSplit) {
  const TaskData data = task({{"train", 5}, {"test", 2}})->load();
  EXPECT_EQ(data.train.size(), 5);
  EXPECT_EQ(data.test.size(), 2);
}

TEST_F(ImageClassification, CorruptsTheTestImagesTheSameWayEachTime) {
  const Table params{{"shifts", List{"noise", "blur", "invert", "rotate", "occlude", "contrast"}},
                     {"severity", 3}};
  const TaskData data = task(params)->load(), again = task(params)->load();
  ASSERT_EQ(data.shifted.size(), 6u);
  for (const auto& [name, examples] : data.shifted) {
    SCOPED_TRACE(name);
    ASSERT_EQ(examples.size(), data.test.size());
    EXPECT_TRUE(examples.labels().equal(data.test.labels()));
    EXPECT_EQ(examples.dense().sizes(), data.test.dense().sizes());
    EXPECT_FALSE(examples.dense().equal(data.test.dense()));
    EXPECT_TRUE(examples.dense().equal(again.shifted.at(name).dense()));
  }
  Table other = params;
  other.set("seed", 1);
  EXPECT_FALSE(task(other)->load().shifted.at("noise").dense().equal(data.shifted.at("noise").dense()));
}

TEST_F(ImageClassification, InvertsEveryImageAtFullSeverity) {
  const TaskData data = task({{"shifts", List{"invert"}}, {"severity", 5}})->load();
  const Tensor sum =
      data.shifted.at("invert").columns().dense.to(at::kLong) + data.test.columns().dense.to(at::kLong);
  EXPECT_TRUE(sum.eq(255).all().item<bool>());
}

TEST_F(ImageClassification, ContrastKeepsTheMeanAndShrinksTheRest) {
  const TaskData data = task({{"shifts", List{"contrast"}}, {"severity", 5}})->load();
  const Tensor before = data.test.columns().dense.to(at::kDouble),
               after = data.shifted.at("contrast").columns().dense.to(at::kDouble);
  EXPECT_LE((before.mean({1, 2, 3}) - after.mean({1, 2, 3})).abs().max().item<double>(), 0.5);
  const auto range = [](const Tensor& x) { return x.amax({1, 2, 3}) - x.amin({1, 2, 3}); };
  EXPECT_LE((range(after) - 0.1 * range(before)).abs().max().item<double>(), 1);
}

TEST_F(ImageClassification, NamesThePackageOfAMissingFile) {
  fs::remove(folder_ / "t10k-labels-idx1-ubyte");
  expect_complaint("t10k-labels-idx1-ubyte.gz: no such file; Debian's package dataset-fashion-mnist");
}

TEST_F(ImageClassification, RefusesDamagedFiles) {
  write("train-labels-idx1-ubyte", "not an idx file");
  expect_complaint("train-labels-idx1-ubyte: not an IDX file");
  write("train-labels-idx1-ubyte", idx({12}, std::string(11, '\0')));
  expect_complaint("promise more than its 11 bytes");
  write("train-labels-idx1-ubyte", idx({12}, std::string(13, '\0')));
  expect_complaint("promise 12 bytes of data and it has 13");
  write("train-labels-idx1-ubyte", idx({11}, std::string(11, '\0')));
  expect_complaint("has 12 images and");
  write("train-labels-idx1-ubyte", idx({12}, std::string(12, '\7')));
  expect_complaint("label 7 at position 0 is not below class_count = 3");
  write("train-labels-idx1-ubyte", std::string("\x1f\x8b\x08\0\0\0\0\0", 8));
  expect_complaint("cut off");
}

TEST_F(ImageClassification, RefusesSizesThatOverflow) {
  write("train-images-idx3-ubyte", idx({0xffffffff, 0xffffffff, 0xffffffff}, "x"));
  expect_complaint("promise more than its 1 bytes");
}

TEST_F(ImageClassification, RefusesClassesThatMakeNoTask) {
  EXPECT_THROW(task({{"classes", List{1}}}), UsageError);
  EXPECT_THROW(task({{"classes", List{1, 1}}}), UsageError);
  EXPECT_THROW(task({{"classes", List{1, 3}}}), UsageError);
}

TEST(FashionMnist, IsReadFromTheDebianPackage) {
  const auto task = plugins().make_task({"image_classification", {}, {}});
  for (const std::string& file : task->files()) {
    if (!fs::exists(file)) GTEST_SKIP() << file << " is not installed";
  }
  const TaskData data = task->load();
  EXPECT_EQ(data.classes, 10);
  EXPECT_EQ(data.train.size(), 60000);
  EXPECT_EQ(data.test.size(), 10000);
  EXPECT_EQ(data.test.labels().bincount().min().item<std::int64_t>(), 1000);
  const Tensor sample = data.train.slice(0, 10000).dense();
  EXPECT_NEAR(sample.mean().item<double>(), 0, 0.02);
  EXPECT_NEAR(sample.std().item<double>(), 1, 0.02);
}

}  // namespace
}  // namespace w2s
