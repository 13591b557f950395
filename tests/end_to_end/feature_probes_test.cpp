// Linear probes on features and weak labels that were computed elsewhere, as a user runs them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>

#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

constexpr int kWidth = 6;

struct Rows {
  std::vector<float> features, weak;  // [N, kWidth], [N, 2]
  std::vector<std::int64_t> labels;
};

// The class is the sign of the sum of all features; the weak labels see the first two. `noise` blurs the
// features.
Rows draw(int count, unsigned seed, float noise) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  Rows rows;
  for (int i = 0; i < count; ++i) {
    std::vector<float> x(kWidth);
    float sum = 0;
    for (float& v : x) sum += v = normal(engine);
    const float seen = 1 / (1 + std::exp(-2 * (x[0] + x[1])));
    for (const float v : x) rows.features.push_back(v + noise * normal(engine));
    rows.weak.insert(rows.weak.end(), {1 - seen, seen});
    rows.labels.push_back(sum > 0);
  }
  return rows;
}

// A safetensors file, byte by byte as the format says.
class SafetensorsText {
 public:
  template <class T>
  void add(const std::string& name, const char* type, const std::vector<std::int64_t>& shape,
           const std::vector<T>& values) {
    const std::size_t begin = data_.size();
    data_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    header_[name] = {{"dtype", type}, {"shape", shape}, {"data_offsets", {begin, data_.size()}}};
  }
  void ids(const std::vector<std::string>& ids) {
    header_["__metadata__"] = {{"ids", nlohmann::json(ids).dump()}};
  }
  std::string bytes() const {
    std::string header = header_.dump();
    header.resize((header.size() + 7) / 8 * 8, ' ');
    std::string size(8, '\0');
    const std::uint64_t length = header.size();
    std::memcpy(size.data(), &length, 8);
    return size + header + data_;
  }

 private:
  nlohmann::json header_;
  std::string data_;
};

std::string feature_file(const Rows& rows) {
  const auto count = static_cast<std::int64_t>(rows.labels.size());
  SafetensorsText file;
  file.add("dino", "F32", {count, kWidth}, rows.features);
  file.add("labels", "I64", {count}, rows.labels);
  return file.bytes();
}

TEST(FeatureProbes, WeakLabelsOfAFileTeachAProbeAndEveryTestSetIsScored) {
  const Workbench bench;
  const Rows train = draw(900, 1, 0), blurred = draw(200, 2, 2);
  bench.write("features.safetensors", feature_file(train));
  bench.write("blurred.safetensors", feature_file(blurred));
  SafetensorsText weak;
  std::vector<std::string> ids;
  std::vector<float> probabilities;
  for (const auto& [split, rows] : {std::pair("train", &train), std::pair("blurred", &blurred)}) {
    for (std::size_t i = 0; i < rows->labels.size(); ++i)
      ids.push_back(std::string(split) + "/" + std::to_string(i));
    probabilities.insert(probabilities.end(), rows->weak.begin(), rows->weak.end());
  }
  weak.add("probabilities", "F32", {static_cast<std::int64_t>(ids.size()), 2}, probabilities);
  weak.ids(ids);
  bench.write("weak.safetensors", weak.bytes());
  bench.write("probes.toml", R"(
seeds = [0, 1]
[task]
type = "feature_files"
path = "."
train = "features.safetensors"
features = ["dino"]
held_out = 300
shifts = { blurred = "blurred.safetensors" }
[task.split]
supervisor = 1
transfer = 599
balanced_test = false
max_class_share = 1.0
[supervisor]
type = "file"
path = "weak.safetensors"
probabilities = ["probabilities"]
[models.dino]
type = "mlp"
hidden = []
[pairs]
strong = "dino"
[train]
trainable = "head"
head_bias = true
optimizer = "adam"
lr = 0.05
batch = 100
epochs = 10
[methods.naive]
)");
  const Outcome run = bench.w2s({"run", "probes.toml"});
  ASSERT_EQ(run.status, 0) << run.err;
  const nlohmann::json rows = nlohmann::json::parse(bench.w2s({"leaderboard", "--json"}).out);
  ASSERT_EQ(rows.size(), 1u);
  const nlohmann::json& row = rows[0];
  const double floor = row.at("floor").at("mean"), ceiling = row.at("ceiling").at("mean");
  EXPECT_NEAR(floor, 0.70, 0.06);
  EXPECT_GT(ceiling, 0.95);
  EXPECT_TRUE(row.at("pgr").is_object());
  const nlohmann::json& shift = row.at("out_of_distribution").at("blurred");
  EXPECT_LT(shift.at("ceiling").at("mean").get<double>(), ceiling);
  EXPECT_GT(shift.at("drop").get<double>(), 0);
  EXPECT_THAT(run.out, testing::HasSubstr("blurred"));
}

}  // namespace
}  // namespace w2s::e2e
