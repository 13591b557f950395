// Folders of images, a folder for each class.
#include <w2s/task.hpp>

#include <algorithm>
#include <filesystem>
#include <map>

#include "decode.hpp"

namespace w2s::image {
namespace {

namespace fs = std::filesystem;

struct Picture {
  std::string path, id;
  std::int64_t label = 0;
};

bool is_image(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  for (const char* known : {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tga", ".ppm", ".pgm"}) {
    if (ending == known) return true;
  }
  return false;
}

enum class Color { rgb, grey };
constexpr auto enum_names(Color) { return std::array{"rgb", "grey"}; }

enum class BadImages { refuse, skip };
constexpr auto enum_names(BadImages) { return std::array{"refuse", "skip"}; }

class ImageFolder final : public ITask {
 public:
  struct Params {
    std::string path;
    std::string train = "train";
    std::string test = "test";
    Table shifts;
    std::vector<std::string> classes;
    Color color = Color::rgb;
    std::int64_t resize = 256;
    std::int64_t crop = 224;
    std::vector<double> mean = {0.485, 0.456, 0.406};
    std::vector<double> sd = {0.229, 0.224, 0.225};
    std::int64_t per_class = 0;
    std::int64_t held_out = 0;
    BadImages on_bad_images = BadImages::refuse;
    std::int64_t seed = 0;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Images in a folder for each class: PATH/train/CLASS/…, PATH/test/CLASS/… (PNG, JPEG, BMP, GIF, "
         "TGA, "
         "PNM). The shorter side is resized, the centre cropped, pixels in [0, 1] normalised by channel, as "
         "torchvision does for its ImageNet models. All images are kept in memory, a byte a value")
        .source("defaults: torchvision's ImageNet evaluation transform");
    s.field("path", &Params::path, "folder of the folders").required().path();
    s.field("train", &Params::train, "folder of the training images");
    s.field("test", &Params::test, "folder of the test images; empty: `held_out` training images");
    s.field("shifts", &Params::shifts, "out-of-distribution test sets: { NAME = folder }");
    s.field("classes", &Params::classes, "folders to read, in the order of the classes; empty: all, sorted");
    s.field("color", &Params::color, "channels of an example");
    s.field("resize", &Params::resize, "length of the shorter side in pixels; 0: as it is").at_least(0);
    s.field("crop", &Params::crop, "edge of the square that is kept; 0: all, which must be of one size")
        .at_least(0);
    s.field("mean", &Params::mean, "of each channel, subtracted; one number stands for all");
    s.field("sd", &Params::sd, "of each channel, divided by; one number stands for all").above(0);
    s.field("per_class", &Params::per_class, "use the first so many training images of each class; 0: all")
        .at_least(0);
    s.field("held_out", &Params::held_out,
            "without test folder: so many training images, at random, are the test set")
        .at_least(0);
    s.field("on_bad_images", &Params::on_bad_images,
            "files that are no readable image: refuse, or skip and say so");
    s.field("seed", &Params::seed, "of the held-out images").at_least(0);
  }

  explicit ImageFolder(const Params& params) : params_(params) {
    if (params_.test.empty() == (params_.held_out == 0)) {
      fail(
          "give a folder in 'test', or with test = \"\" a number of training images in 'held_out', but not "
          "both");
    }
    for (const auto& [name, values] : {std::pair("mean", params_.mean), std::pair("sd", params_.sd)}) {
      if (values.size() == 1 || static_cast<std::int64_t>(values.size()) == channels()) continue;
      fail(std::string("'") + name + "' has " + std::to_string(values.size()) + " numbers for " +
           std::to_string(channels()) + " channel" + (channels() == 1 ? "" : "s"));
    }
  }

  std::vector<std::string> files() const override {
    if (!fs::is_directory(folder(params_.train))) return {folder(params_.train)};
    std::vector<std::string> all;
    const auto add = [&](const std::string& split, const std::string& name) {
      for (const Picture& picture : pictures(split, name, 0)) all.push_back(picture.path);
    };
    add("train", params_.train);
    if (!params_.test.empty()) add("test", params_.test);
    for (const auto& [name, shift] : params_.shifts) add(name, shift.as_string());
    return all;
  }
  TaskKind kind() const override { return TaskKind::classification; }
  std::int64_t classes() const override { return static_cast<std::int64_t>(class_names().size()); }

  TaskData load() override {
    TaskData data;
    data.class_names = class_names();
    data.classes = classes();
    const Examples train = read("train", params_.train, params_.per_class, data.notes);
    if (params_.test.empty()) {
      hold_out(train, params_.held_out, params_.seed, "image_folder", data);
    } else {
      data.train = train;
      data.test = read("test", params_.test, 0, data.notes);
    }
    for (const auto& [name, shift] : params_.shifts) {
      data.shifted.emplace(name, read(name, shift.as_string(), 0, data.notes));
    }
    return data;
  }

 private:
  [[noreturn]] static void fail(const std::string& message) {
    throw UsageError("task 'image_folder': " + message);
  }

  std::int64_t channels() const { return params_.color == Color::rgb ? 3 : 1; }
  std::string folder(const std::string& name) const {
    return (fs::path(params_.path) / name).lexically_normal().string();
  }

  static std::vector<std::string> sorted_names(const std::string& path, bool folders) {
    if (!fs::is_directory(path)) fail(path + ": no such folder");
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path)) {
      if (folders ? entry.is_directory() : entry.is_regular_file() && is_image(entry.path())) {
        names.push_back(entry.path().filename().string());
      }
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  std::vector<std::string> class_names() const {
    std::vector<std::string> names = params_.classes;
    if (names.empty()) names = sorted_names(folder(params_.train), true);
    if (names.size() < 2) fail(folder(params_.train) + " has fewer than two folders of classes");
    return names;
  }

  std::vector<Picture> pictures(const std::string& split, const std::string& name,
                                std::int64_t per_class) const {
    const std::vector<std::string> classes = class_names();
    for (const std::string& found : sorted_names(folder(name), true)) {
      if (!params_.classes.empty() || std::find(classes.begin(), classes.end(), found) != classes.end())
        continue;
      fail("'" + found + "' of " + folder(name) + " is not a class of train" + did_you_mean(found, classes));
    }
    std::vector<Picture> all;
    for (std::size_t c = 0; c < classes.size(); ++c) {
      const std::string of_class = (fs::path(folder(name)) / classes[c]).string();
      std::vector<std::string> names;
      if (split == "train" || fs::is_directory(of_class)) names = sorted_names(of_class, false);
      if (per_class > 0 && static_cast<std::int64_t>(names.size()) > per_class) {
        names.resize(static_cast<std::size_t>(per_class));
      }
      for (const std::string& image : names) {
        all.push_back(
            {of_class + "/" + image, split + "/" + classes[c] + "/" + image, static_cast<std::int64_t>(c)});
      }
    }
    if (all.empty()) fail(folder(name) + ": no image in the folders of its classes");
    return all;
  }

  Examples read(const std::string& split, const std::string& name, std::int64_t per_class,
                std::vector<std::string>& notes) const {
    const std::vector<Picture> all = pictures(split, name, per_class);
    std::vector<Tensor> images;
    std::vector<std::int64_t> labels;
    std::vector<std::string> errors;
    Columns columns;
    for (const Picture& picture : all) {
      try {
        Tensor image =
            resized_and_cropped(read_image(picture.path, channels()), params_.resize, params_.crop);
        if (!images.empty() && image.sizes() != images[0].sizes()) {
          throw UsageError(picture.path + ": an image of another size; set 'crop'");
        }
        images.push_back(std::move(image));
        labels.push_back(picture.label);
        columns.ids.push_back(picture.id);
      } catch (const UsageError& error) {
        errors.push_back(error.what());
      }
    }
    report(split, all.size(), errors, notes);
    if (images.empty()) fail("no readable image in '" + split + "'");
    columns.labels = at::tensor(labels, at::kLong);
    columns.dense = at::stack(images);
    columns.scale = 1.0 / 255;
    columns.mean = by_channel(params_.mean);
    columns.sd = by_channel(params_.sd);
    return Examples(std::move(columns));
  }

  Tensor by_channel(const std::vector<double>& values) const {
    const Tensor tensor = at::tensor(values, at::kDouble).to(at::kFloat);
    return tensor.expand({channels()}).reshape({channels(), 1, 1});
  }

  void report(const std::string& split, std::size_t images, const std::vector<std::string>& errors,
              std::vector<std::string>& notes) const {
    constexpr std::size_t kShown = 5;
    if (errors.empty()) return;
    std::string text =
        std::to_string(errors.size()) + " bad image(s) of " + std::to_string(images) + " in '" + split + "'";
    if (params_.on_bad_images == BadImages::skip) text += ", left out";
    for (std::size_t i = 0; i < std::min(errors.size(), kShown); ++i) text += "\n  " + errors[i];
    if (errors.size() > kShown) text += "\n  and " + std::to_string(errors.size() - kShown) + " more";
    if (params_.on_bad_images != BadImages::skip) fail(text + "\non_bad_images = \"skip\" leaves them out");
    notes.push_back("task 'image_folder': " + text);
  }

  const Params params_;
};

W2S_TASK(ImageFolder, "image_folder");

}  // namespace
}  // namespace w2s::image
