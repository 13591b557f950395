// A small residual convolutional network for small images.
#include <w2s/init.hpp>
#include <w2s/model.hpp>

#include <numeric>

namespace w2s {
namespace {

enum class Norm { group, none };
constexpr auto enum_names(Norm) { return std::array{"group", "none"}; }

class ConvolutionalNetwork final : public IModel {
 public:
  struct Params {
    std::int64_t width = 32;
    std::int64_t blocks = 2;
    std::int64_t pool = 2;
    Norm norm = Norm::group;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Small residual network: two 3×3 convolutions of stride 2 to `width` and 2·width channels, residual "
         "blocks, average pooling; its features are the pooled maps, flattened.")
        .source("He et al. 2016; group normalisation: Wu & He 2018");
    s.field("width", &Params::width, "channels of the first convolution; all later ones have twice as many")
        .at_least(1);
    s.field("blocks", &Params::blocks, "residual blocks of two convolutions").at_least(0);
    s.field("pool", &Params::pool, "edge of the average pooling window; 1: no pooling").at_least(1);
    s.field("norm", &Params::norm, "after each convolution: up to 8 groups, or none (with biases instead)");
  }
  explicit ConvolutionalNetwork(const Params& params) : params_(params) {}

  void build(const ModelContext& context, Stream stream) override {
    const std::vector<std::int64_t>& shape = context.input_shape;
    if (shape.size() != 3) throw UsageError("model 'conv' takes images of shape [channels, height, width]");
    const auto quarter = [](std::int64_t edge) { return ((edge + 1) / 2 + 1) / 2; };
    const std::int64_t rows = quarter(shape[1]) / params_.pool, columns = quarter(shape[2]) / params_.pool;
    if (rows < 1 || columns < 1) {
      throw UsageError("model 'conv': pool = " + std::to_string(params_.pool) + " exceeds the map of " +
                       std::to_string(quarter(shape[1])) + "×" + std::to_string(quarter(shape[2])));
    }
    const std::int64_t wide = 2 * params_.width;
    add_convolution("stem.0", shape[0], params_.width, stream);
    add_convolution("stem.1", params_.width, wide, stream);
    for (std::int64_t i = 0; i < params_.blocks; ++i) {
      add_convolution(block(i) + "0", wide, wide, stream);
      add_convolution(block(i) + "1", wide, wide, stream);
    }
    feature_size_ = wide * rows * columns;
  }

  std::int64_t feature_size() const override { return feature_size_; }

  Tensor features(const Batch& batch) override {
    Tensor x = at::relu(convolution(batch.x, "stem.0", 2));
    x = at::relu(convolution(x, "stem.1", 2));
    for (std::int64_t i = 0; i < params_.blocks; ++i) {
      const Tensor inner = at::relu(convolution(x, block(i) + "0", 1));
      x = at::relu(x + convolution(inner, block(i) + "1", 1));
    }
    return at::avg_pool2d(x, params_.pool).flatten(1);
  }

  std::int64_t depth() const override { return 2 + params_.blocks; }
  std::int64_t block_of(const std::string& parameter) const override {
    const std::int64_t number = std::stoll(parameter.substr(parameter.find('.') + 1));
    return parameter.starts_with("stem.") ? number : 2 + number;
  }

 private:
  static std::string block(std::int64_t i) { return "blocks." + std::to_string(i) + "."; }

  void add_convolution(const std::string& name, std::int64_t in, std::int64_t out, Stream& stream) {
    const std::vector<std::int64_t> shape = {out, in, 3, 3};
    parameters().add(name + ".weight", uniform_weights(stream, shape, fan_in_bound(shape)));
    if (params_.norm == Norm::group) parameters().add(name + ".scale", at::ones({out}));
    parameters().add(name + ".bias", at::zeros({out}));
  }

  Tensor convolution(const Tensor& x, const std::string& name, std::int64_t stride) const {
    const Tensor &weight = parameters()[name + ".weight"], &bias = parameters()[name + ".bias"];
    if (params_.norm == Norm::none) return at::conv2d(x, weight, bias, stride, /*padding=*/1);
    const Tensor y = at::conv2d(x, weight, {}, stride, /*padding=*/1);
    return at::group_norm(y, std::gcd<std::int64_t>(8, y.size(1)), parameters()[name + ".scale"], bias);
  }

  const Params params_;
  std::int64_t feature_size_ = 0;
};

W2S_MODEL(ConvolutionalNetwork, "conv");

}  // namespace
}  // namespace w2s
