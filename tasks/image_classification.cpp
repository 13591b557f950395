// Images in the IDX format of MNIST and Fashion-MNIST, with corrupted test sets.
#include <w2s/data_file.hpp>
#include <w2s/task.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace w2s {
namespace {

// One IDX file of bytes: two zeros, type 8 (unsigned byte), the number of dimensions, big-endian sizes, data.
Tensor read_idx(const std::string& path, std::size_t dimensions) {
  const std::string bytes = read_data_file(path);
  const auto fail = [&](const std::string& what) { throw UsageError(path + ": " + what); };
  const std::string magic{'\0', '\0', '\x08', static_cast<char>(dimensions)};
  if (!std::string_view(bytes).starts_with(magic)) {
    fail("not an IDX file of bytes in " + std::to_string(dimensions) +
         " dimension(s): its first four bytes are wrong");
  }
  const std::size_t header = 4 + 4 * dimensions;
  if (bytes.size() < header) fail("cut off within its header");

  std::vector<std::int64_t> shape;
  std::int64_t left = static_cast<std::int64_t>(bytes.size() - header), count = 1;
  for (std::size_t d = 0; d < dimensions; ++d) {
    std::int64_t size = 0;
    for (std::size_t b = 0; b < 4; ++b) size = size << 8 | static_cast<unsigned char>(bytes[4 + 4 * d + b]);
    shape.push_back(size);
    if (size == 0) fail("holds no data: a dimension is 0");
    if (count > left / size)
      fail("its sizes promise more than its " + std::to_string(left) + " bytes of data");
    count *= size;
  }
  if (count != left) {
    fail("its sizes promise " + std::to_string(count) + " bytes of data and it has " + std::to_string(left));
  }
  Tensor data = at::empty(shape, at::kByte);
  std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(header), bytes.end(), data.data_ptr<std::uint8_t>());
  return data;
}

Tensor normal(at::IntArrayRef shape, Stream& stream) {
  Tensor values = at::empty(shape, at::kFloat);
  float* out = values.data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) out[i] = static_cast<float>(stream.normal());
  return values;
}

Tensor uniform(std::int64_t count, double low, double high, Stream& stream) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(stream.uniform(low, high)));
  return at::tensor(values);
}

Tensor blurred(const Tensor& x, double sigma) {
  const auto radius =
      std::min({static_cast<std::int64_t>(std::ceil(3 * sigma)), x.size(2) - 1, x.size(3) - 1});
  const Tensor at_pixel = at::arange(-radius, radius + 1, at::kFloat);
  Tensor kernel = (-at_pixel.square() / (2 * sigma * sigma)).exp();
  kernel = kernel / kernel.sum();
  const Tensor padded = at::reflection_pad2d(x, {radius, radius, radius, radius});
  return at::conv2d(at::conv2d(padded, kernel.view({1, 1, 1, -1})), kernel.view({1, 1, -1, 1}));
}

Tensor rotated(const Tensor& x, const Tensor& angle) {
  const Tensor zero = at::zeros_like(angle);
  // Sampling coordinates are in units of half an edge: the aspect ratio keeps the rotation rigid.
  const double aspect = static_cast<double>(x.size(3)) / static_cast<double>(x.size(2));
  const Tensor theta = at::stack({at::stack({angle.cos(), -angle.sin() / aspect, zero}, 1),
                                  at::stack({angle.sin() * aspect, angle.cos(), zero}, 1)},
                                 1);
  const Tensor grid = at::affine_grid_generator(theta, x.sizes(), /*align_corners=*/false);
  return at::grid_sampler(x, grid, /*bilinear*/ 0, /*zeros*/ 0, /*align_corners=*/false);
}

// True inside a square of this side around a random pixel of each image, [N, 1, H, W].
Tensor random_squares(const Tensor& x, double side, Stream& stream) {
  const auto within = [&](std::int64_t edge) {
    const Tensor centre = uniform(x.size(0), 0, static_cast<double>(edge), stream).unsqueeze(1);
    return (at::arange(edge, at::kFloat) + 0.5 - centre).abs() <= side / 2;
  };
  const Tensor rows = within(x.size(2)), columns = within(x.size(3));
  return rows.view({x.size(0), 1, -1, 1}).logical_and(columns.view({x.size(0), 1, 1, -1}));
}

// Images [N, 1, H, W] in [0, 1] under one corruption; severity 0 … 5.
Tensor corrupted(const Tensor& x, const std::string& kind, double severity, Stream stream) {
  const std::int64_t n = x.size(0);
  if (kind == "noise") return x + 0.06 * severity * normal(x.sizes(), stream);
  if (kind == "blur") return blurred(x, 0.4 * severity);
  if (kind == "invert") {
    const Tensor chosen = uniform(n, 0, 1, stream).view({n, 1, 1, 1}) < severity / 5;
    return at::where(chosen, 1 - x, x);
  }
  if (kind == "rotate") {
    const Tensor side = at::where(uniform(n, -1, 1, stream) < 0, -at::ones({n}), at::ones({n}));
    return rotated(x, side * (severity * 9 * M_PI / 180));
  }
  if (kind == "occlude") {
    const double side = severity * static_cast<double>(std::min(x.size(2), x.size(3))) / 10;
    return x.masked_fill(random_squares(x, side, stream), 0.0);
  }
  const Tensor mean = x.mean({1, 2, 3}, /*keepdim=*/true);  // "contrast"
  return mean + (x - mean) * (1 - 0.18 * severity);
}

class ImageClassification final : public ITask {
 public:
  struct Params {
    std::string path = "/usr/share/datasets/fashion-mnist";
    std::vector<std::int64_t> classes;
    std::int64_t class_count = 10;
    double mean = 0.2860;
    double sd = 0.3530;
    std::int64_t train = 0;
    std::int64_t test = 0;
    std::vector<std::string> shifts;
    double severity = 3;
    std::int64_t seed = 0;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Grey images of one size in the IDX format of MNIST and Fashion-MNIST, gzipped or plain: "
         "{train,t10k}-images-idx3-ubyte and {train,t10k}-labels-idx1-ubyte in one folder. Corrupted copies "
         "of "
         "the test images serve as out-of-distribution test sets.")
        .source(
            "LeCun et al. 1998; Xiao et al. 2017; corruptions in the manner of Hendrycks & Dietterich 2019");
    s.field("path", &Params::path, "folder of the four files").path();
    s.field("classes", &Params::classes, "labels to keep, renumbered in this order; empty: all").at_least(0);
    s.field("class_count", &Params::class_count, "number of labels in the files").at_least(2);
    s.field("mean", &Params::mean, "mean pixel, subtracted (pixels are in [0, 1])").in(0, 1);
    s.field("sd", &Params::sd, "standard deviation of a pixel, divided by").above(0);
    s.field("train", &Params::train, "use the first so many training images of the kept classes; 0: all")
        .at_least(0);
    s.field("test", &Params::test, "use the first so many test images of the kept classes; 0: all")
        .at_least(0);
    s.field("shifts", &Params::shifts, "corruptions of the test images, each a test set of that name")
        .one_of({"noise", "blur", "invert", "rotate", "occlude", "contrast"});
    s.field("severity", &Params::severity,
            "of the corruptions: noise of sd .06·s, blur of sd .4·s pixels, s/5 of the images inverted, "
            "rotation by "
            "±9°·s, a square of s/10 of the edge blanked, contrast times 1 − .18·s")
        .above(0)
        .at_most(5);
    s.field("seed", &Params::seed, "of the corruptions").at_least(0);
  }

  explicit ImageClassification(const Params& params) : params_(params) {
    auto sorted = params_.classes;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end() || sorted.size() == 1) {
      throw UsageError("task 'image_classification': classes must name at least two different labels");
    }
    if (!sorted.empty() && sorted.back() >= params_.class_count) {
      throw UsageError("task 'image_classification': class " + std::to_string(sorted.back()) +
                       " is not below class_count = " + std::to_string(params_.class_count));
    }
  }

  std::vector<std::string> files() const override {
    return {file("train-images-idx3-ubyte"), file("train-labels-idx1-ubyte"), file("t10k-images-idx3-ubyte"),
            file("t10k-labels-idx1-ubyte")};
  }
  TaskKind kind() const override { return TaskKind::classification; }
  std::int64_t classes() const override {
    return params_.classes.empty() ? params_.class_count : static_cast<std::int64_t>(params_.classes.size());
  }

  TaskData load() override {
    Columns train = read("train", "train", params_.train);
    Columns test = read("t10k", "test", params_.test);
    if (train.dense.sizes().slice(1) != test.dense.sizes().slice(1)) {
      throw UsageError(params_.path + ": the training images are " + size_text(train.dense) +
                       " and the test images " + size_text(test.dense));
    }
    TaskData data;
    data.classes = classes();
    for (std::int64_t c = 0; c < data.classes; ++c) data.class_names.push_back(std::to_string(original(c)));
    for (const std::string& kind : params_.shifts) {
      Columns shifted = test;
      const Stream stream(static_cast<std::uint64_t>(params_.seed), "image_classification/" + kind);
      const Tensor images = corrupted(test.dense.to(at::kFloat) / 255, kind, params_.severity, stream);
      shifted.dense = (images.clamp(0, 1) * 255).round().to(at::kByte);
      for (std::string& id : shifted.ids) id += "/" + kind;
      data.shifted.emplace(kind, Examples(std::move(shifted)));
    }
    data.train = Examples(std::move(train));
    data.test = Examples(std::move(test));
    return data;
  }

 private:
  std::string file(const std::string& name) const {
    namespace fs = std::filesystem;
    const std::string plain = (fs::path(params_.path) / name).string();
    return fs::exists(plain) ? plain : plain + ".gz";
  }

  static std::string size_text(const Tensor& images) {
    return std::to_string(images.size(2)) + "×" + std::to_string(images.size(3));
  }

  std::int64_t original(std::int64_t c) const {
    return params_.classes.empty() ? c : params_.classes[static_cast<std::size_t>(c)];
  }

  Columns read(const std::string& prefix, const std::string& split, std::int64_t limit) const {
    const std::string image_file = file(prefix + "-images-idx3-ubyte"),
                      label_file = file(prefix + "-labels-idx1-ubyte");
    for (const std::string& path : {image_file, label_file}) {
      if (std::filesystem::exists(path)) continue;
      throw UsageError(path +
                       ": no such file; Debian's package dataset-fashion-mnist installs Fashion-MNIST in " +
                       Params().path);
    }
    const Tensor images = read_idx(image_file, 3);
    const Tensor labels = read_idx(label_file, 1).to(at::kLong);
    if (images.size(0) != labels.size(0)) {
      throw UsageError(image_file + " has " + std::to_string(images.size(0)) + " images and " + label_file +
                       " has " + std::to_string(labels.size(0)) + " labels");
    }
    std::vector<std::int64_t> new_label(256, -1);
    for (std::int64_t c = 0; c < std::min<std::int64_t>(classes(), 256); ++c) {
      if (original(c) < 256) new_label[static_cast<std::size_t>(original(c))] = c;
    }
    std::vector<std::int64_t> rows, kept;
    Columns columns;
    for (std::int64_t i = 0;
         i < labels.size(0) && (limit == 0 || static_cast<std::int64_t>(rows.size()) < limit); ++i) {
      const std::int64_t label = labels.data_ptr<std::int64_t>()[i];
      if (label >= params_.class_count) {
        throw UsageError(label_file + ": label " + std::to_string(label) + " at position " +
                         std::to_string(i) +
                         " is not below class_count = " + std::to_string(params_.class_count));
      }
      if (new_label[static_cast<std::size_t>(label)] < 0) continue;
      rows.push_back(i);
      kept.push_back(new_label[static_cast<std::size_t>(label)]);
      columns.ids.push_back(split + "/" + std::to_string(i));
    }
    if (rows.empty()) throw UsageError(label_file + ": no image of the classes asked for");
    columns.labels = at::tensor(kept, at::kLong);
    columns.dense = images.index_select(0, at::tensor(rows, at::kLong)).unsqueeze(1);
    columns.scale = 1.0 / 255;
    columns.mean = at::full({1, 1, 1}, params_.mean, at::kFloat);
    columns.sd = at::full({1, 1, 1}, params_.sd, at::kFloat);
    return columns;
  }

  const Params params_;
};

W2S_TASK(ImageClassification, "image_classification");

}  // namespace
}  // namespace w2s
