#include <w2s/model.hpp>
#include <w2s/safetensors.hpp>
#include <w2s/task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "../support/folder_test.hpp"
#include "../support/plugins.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

using testing::HasSubstr;

class FeatureFilesTask : public FolderTest {
 protected:
  void SetUp() override {
    const Tensor x = at::arange(30, at::kFloat).view({10, 3});
    const Tensor labels = at::arange(10, at::kLong).remainder(3);
    save_safetensors(path("a.safetensors"), {{"features", x},
                                             {"small", x.slice(1, 0, 2).to(at::kHalf)},
                                             {"labels", labels},
                                             {"scene", at::floor_divide(at::arange(10, at::kLong), 2)}});
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::unique_ptr<ITask> task(Table params) const {
    params.set("path", folder_.string());
    if (params.find("train") == nullptr) params.set("train", "a.safetensors");
    return plugins().make_task({"feature_files", params, {}});
  }
  std::string complaint(Table params) const {
    try {
      task(params)->load();
    } catch (const Error& error) {
      return error.what();
    }
    return "no complaint";
  }
};

TEST_F(FeatureFilesTask, HoldsOutRowsThatKeepTheirIds) {
  const Table params{{"held_out", 4}};
  const std::unique_ptr<ITask> features = task(params);
  EXPECT_EQ(features->classes(), 3);
  const TaskData data = features->load();
  EXPECT_EQ(data.train.size(), 6);
  EXPECT_EQ(data.test.size(), 4);
  std::set<std::string> ids;
  for (const Examples* rows : {&data.train, &data.test}) {
    for (std::int64_t i = 0; i < rows->size(); ++i) {
      const std::string id = rows->id(i);
      ids.insert(id);
      const std::int64_t row = std::stoll(id.substr(6));
      EXPECT_EQ(rows->labels()[i].item<std::int64_t>(), row % 3);
      EXPECT_EQ(rows->dense({i})[0][0].item<float>(), static_cast<float>(3 * row));
    }
  }
  EXPECT_EQ(ids.size(), 10u);
  EXPECT_EQ(task(params)->load().test.digest(), data.test.digest());
}

TEST_F(FeatureFilesTask, PutsSeveralTensorsSideBySideForModelsToSeeAPart) {
  const TaskData data = task({{"held_out", 1}, {"features", List{"small", "features"}}, {"seed", 3}})->load();
  ASSERT_EQ(data.train.dense({0}).sizes(), (std::vector<std::int64_t>{1, 5}));
  const Tensor row = data.train.dense({0})[0];
  EXPECT_EQ(row[1].item<float>(), row[3].item<float>());

  const std::unique_ptr<IModel> model =
      plugins().make_model({"mlp", Table{{"hidden", List{}}, {"inputs", List{2, 5}}}, {}});
  ModelContext context;
  context.input_shape = {5};
  model->build(context, Stream(0, "test"));
  EXPECT_EQ(model->feature_size(), 3);
  Batch batch;
  batch.x = data.train.dense();
  EXPECT_TRUE(model->features(batch).equal(batch.x.slice(1, 2, 5)));
  context.input_shape = {4};
  EXPECT_THROW(
      plugins().make_model({"mlp", Table{{"inputs", List{2, 5}}}, {}})->build(context, Stream(0, "test")),
      UsageError);
  EXPECT_THROW(plugins().make_model({"mlp", Table{{"inputs", List{3, 3}}}, {}}), UsageError);
}

TEST_F(FeatureFilesTask, ReadsNamedTestSetsAndGroups) {
  save_safetensors(path("b.safetensors"), {{"features", at::ones({4, 3})},
                                           {"labels", at::tensor({0, 1, 2, 2}, at::kInt)},
                                           {"scene", at::arange(4, at::kInt)}});
  const TaskData data = task({{"test", "b.safetensors"},
                              {"shifts", Table{{"far", "b.safetensors"}}},
                              {"groups", "scene"},
                              {"test_limit", 3},
                              {"train_limit", 8}})
                            ->load();
  EXPECT_EQ(data.train.size(), 8);
  EXPECT_EQ(data.train.group(0), data.train.group(1));
  EXPECT_NE(data.train.group(1), data.train.group(2));
  EXPECT_EQ(data.test.size(), 3);
  EXPECT_EQ(data.shifted.at("far").id(2), "far/2");
}

TEST_F(FeatureFilesTask, NamesWhatIsWrongWithAFile) {
  save_safetensors(path("short.safetensors"),
                   {{"features", at::ones({4, 3})}, {"labels", at::zeros({3}, at::kLong)}});
  save_safetensors(path("wide.safetensors"),
                   {{"features", at::ones({4, 4})}, {"labels", at::zeros({4}, at::kLong)}});
  save_safetensors(path("nan.safetensors"),
                   {{"features", at::full({4, 3}, NAN)}, {"labels", at::zeros({4}, at::kLong)}});
  save_safetensors(path("nine.safetensors"),
                   {{"features", at::ones({4, 3})}, {"labels", at::full({4}, 9, at::kLong)}});
  EXPECT_THAT(complaint({}), HasSubstr("give a test file in 'test', or a number of training rows"));
  EXPECT_THAT(complaint({{"held_out", 10}}), HasSubstr("held_out = 10 leaves no training row of 10"));
  EXPECT_THAT(complaint({{"held_out", 1}, {"features", "feature"}}), HasSubstr("did you mean 'features'?"));
  EXPECT_THAT(complaint({{"test", "short.safetensors"}}),
              HasSubstr("short.safetensors: 'features' has 4 rows and 'labels' has 3"));
  EXPECT_THAT(complaint({{"test", "wide.safetensors"}}),
              HasSubstr("the features of 'wide.safetensors' have another shape than those of train"));
  EXPECT_THAT(complaint({{"test", "nan.safetensors"}}), HasSubstr("numbers that are not finite"));
  EXPECT_THAT(complaint({{"test", "nine.safetensors"}}), HasSubstr("has the label 9; expected 0 to 2"));
}

}  // namespace
}  // namespace w2s
