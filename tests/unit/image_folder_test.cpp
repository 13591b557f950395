#include <w2s/task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "../support/folder_test.hpp"
#include "../support/plugins.hpp"
#include "plugins/registry.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop

namespace w2s {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ImageFolderTask : public FolderTest {
 protected:
  void SetUp() override {
    for (const char* split : {"train", "test"}) {
      for (const char* name : {"cat", "dog"}) fs::create_directories(folder_ / split / name);
    }
  }

  // Pixel (row, column) is (10·row, 10·column, blue).
  std::vector<unsigned char> ramp(int height, int width, int blue) const {
    std::vector<unsigned char> pixels;
    for (int r = 0; r < height; ++r) {
      for (int c = 0; c < width; ++c) {
        for (const int v : {10 * r, 10 * c, blue}) pixels.push_back(static_cast<unsigned char>(v));
      }
    }
    return pixels;
  }
  void png(const std::string& name, int height, int width, int blue) const {
    const auto pixels = ramp(height, width, blue);
    ASSERT_TRUE(stbi_write_png((folder_ / name).c_str(), width, height, 3, pixels.data(), 3 * width));
  }
  void four_images() const {
    png("train/cat/1.png", 6, 8, 1);
    png("train/dog/2.png", 6, 8, 2);
    png("test/cat/3.png", 6, 8, 3);
    png("test/dog/4.png", 6, 8, 4);
  }
  TaskData load(Table params) const {
    params.set("path", folder_.string());
    if (params.find("resize") == nullptr) params.set("resize", 0);
    if (params.find("crop") == nullptr) params.set("crop", 0);
    return plugins().make_task({"image_folder", params, {}})->load();
  }
  std::string complaint(Table params) const {
    try {
      load(params);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "no complaint";
  }
};

TEST_F(ImageFolderTask, ReadsPixelsAndNormalisesThem) {
  four_images();
  const TaskData data = load({});
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"cat", "dog"}));
  ASSERT_EQ(data.train.size(), 2);
  EXPECT_EQ(data.train.id(1), "train/dog/2.png");
  EXPECT_TRUE(data.train.labels().equal(at::tensor({0, 1}, at::kLong)));
  const Tensor x = data.train.dense({1})[0];
  ASSERT_EQ(x.sizes(), (std::vector<std::int64_t>{3, 6, 8}));
  EXPECT_NEAR(x[0][5][3].item<double>(), (50 / 255.0 - 0.485) / 0.229, 1e-5);
  EXPECT_NEAR(x[1][5][3].item<double>(), (30 / 255.0 - 0.456) / 0.224, 1e-5);
  EXPECT_NEAR(x[2][5][3].item<double>(), (2 / 255.0 - 0.406) / 0.225, 1e-5);
}

TEST_F(ImageFolderTask, ReadsJpegAndGreyImages) {
  four_images();
  const std::vector<unsigned char> flat(3 * 16 * 16, 200);
  for (const char* name : {"train/cat/1.png", "train/dog/2.png", "test/cat/3.png", "test/dog/4.png"}) {
    fs::remove(folder_ / name);
    const std::string jpg = (folder_ / fs::path(name).replace_extension(".JPG")).string();
    ASSERT_TRUE(stbi_write_jpg(jpg.c_str(), 16, 16, 3, flat.data(), 95));
  }
  const TaskData data = load({{"color", "grey"}, {"mean", List{0.0}}, {"sd", List{1.0}}});
  ASSERT_EQ(data.test.dense({0}).sizes(), (std::vector<std::int64_t>{1, 1, 16, 16}));
  EXPECT_NEAR(data.test.dense({0}).mean().item<double>(), 200 / 255.0, 0.01);
}

// A ramp stays a ramp under a linear filter, away from the edges: halved, pixel c covers columns 2c and 2c
// + 1.
TEST_F(ImageFolderTask, ResizesTheShorterSideAndCropsTheCentre) {
  for (const char* name : {"train/cat/1.png", "train/dog/2.png", "test/cat/3.png", "test/dog/4.png"}) {
    png(name, 12, 20, 9);
  }
  const TaskData data = load({{"resize", 6}, {"crop", 4}, {"mean", List{0.0}}, {"sd", List{1.0}}});
  const Tensor x = (data.train.dense({0})[0] * 255).round();
  ASSERT_EQ(x.sizes(), (std::vector<std::int64_t>{3, 4, 4}));
  for (std::int64_t r = 0; r < 4; ++r) {
    for (std::int64_t c = 0; c < 4; ++c) {
      EXPECT_NEAR(x[0][r][c].item<double>(), 20 * (r + 1) + 5, 1);
      EXPECT_NEAR(x[1][r][c].item<double>(), 20 * (c + 3) + 5, 1);
      EXPECT_EQ(x[2][r][c].item<double>(), 9);
    }
  }
}

TEST_F(ImageFolderTask, HoldsOutImagesAndReadsNamedTestSets) {
  four_images();
  fs::create_directories(folder_ / "sketch" / "dog");
  png("sketch/dog/5.png", 6, 8, 5);
  const TaskData data = load({{"test", ""}, {"held_out", 1}, {"shifts", Table{{"drawn", "sketch"}}}});
  EXPECT_EQ(data.train.size(), 1);
  EXPECT_EQ(data.test.size(), 1);
  EXPECT_EQ(data.shifted.at("drawn").id(0), "drawn/dog/5.png");
  EXPECT_EQ(data.shifted.at("drawn").labels().item<std::int64_t>(), 1);
}

TEST_F(ImageFolderTask, BadImagesAreRefusedOrSkippedAndCounted) {
  four_images();
  std::ofstream(folder_ / "train/cat/0.png") << "no image";
  std::ofstream(folder_ / "train/cat/notes.txt") << "not read at all";
  const std::string message = complaint({});
  EXPECT_THAT(message, HasSubstr("1 bad image(s) of 3 in 'train'"));
  EXPECT_THAT(message, HasSubstr("train/cat/0.png: not a readable image"));
  const TaskData data = load({{"on_bad_images", "skip"}});
  EXPECT_EQ(data.train.size(), 2);
  EXPECT_THAT(data.notes.at(0), HasSubstr("1 bad image(s) of 3 in 'train', left out"));
}

TEST_F(ImageFolderTask, ImagesOfDifferentSizesNeedACrop) {
  four_images();
  png("train/dog/9.png", 7, 8, 1);
  EXPECT_THAT(complaint({}), HasSubstr("train/dog/9.png: an image of another size; set 'crop'"));
  EXPECT_EQ(load({{"crop", 6}}).train.size(), 3);
}

TEST_F(ImageFolderTask, FoldersThatAreNoClassAreNamed) {
  four_images();
  fs::create_directories(folder_ / "test" / "dogs");
  EXPECT_THAT(complaint({}), HasSubstr("'dogs' of " + (folder_ / "test").string() +
                                       " is not a class of train (did you mean 'dog'?)"));
  EXPECT_EQ(load({{"classes", List{"dog", "cat"}}}).train.labels()[0].item<std::int64_t>(), 0);
  EXPECT_THAT(complaint({{"classes", List{"dog", "cow"}}}), HasSubstr("cow: no such folder"));
  EXPECT_THAT(complaint({{"mean", List{0.5, 0.5}}}), HasSubstr("'mean' has 2 numbers for 3 channels"));
}

}  // namespace
}  // namespace w2s
