// AlexNet as torchvision has it. Names of weights are those of its state dict, so that a file of
// torchvision's weights, converted to safetensors, is a checkpoint for `init`; its last layer (classifier.6)
// is not used.
#include <w2s/init.hpp>
#include <w2s/model.hpp>

#include <array>

namespace w2s {
namespace {

struct Layer {
  const char* name;
  std::int64_t out, in, kernel;  // kernel 0: fully connected
  std::int64_t stride, padding;
  bool pooled;  // 3 × 3 max pooling of stride 2 after it
};

constexpr std::int64_t kGrid = 6;  // edge of the map that the fully connected layers see
constexpr std::array<Layer, 7> kLayers = {{{"features.0", 64, 3, 11, 4, 2, true},
                                           {"features.3", 192, 64, 5, 1, 2, true},
                                           {"features.6", 384, 192, 3, 1, 1, false},
                                           {"features.8", 256, 384, 3, 1, 1, false},
                                           {"features.10", 256, 256, 3, 1, 1, true},
                                           {"classifier.1", 4096, 256 * kGrid* kGrid, 0, 0, 0, false},
                                           {"classifier.4", 4096, 4096, 0, 0, 0, false}}};
constexpr std::int64_t kSmallestEdge = 63;  // below, the last pooling has nothing left

class AlexNet final : public IModel {
 public:
  static void describe(Schema<NoParams>& s) {
    s.summary(
         "AlexNet with one column: five convolutions and two fully connected layers, whose last 4,096 "
         "activations are the features. init = FILE loads torchvision's weights, converted to safetensors "
         "under "
         "their own names (features.0.weight, …). Takes images [3, height, width] of 63 pixels or more; "
         "without "
         "dropout")
        .source("Krizhevsky 2014 (one weird trick), as in torchvision; Krizhevsky et al. 2012");
  }

  void build(const ModelContext& context, Stream stream) override {
    const std::vector<std::int64_t>& shape = context.input_shape;
    if (shape.size() != 3 || shape[0] != 3 || shape[1] < kSmallestEdge || shape[2] < kSmallestEdge) {
      throw UsageError("model 'alexnet' takes images [3, height, width] of " + std::to_string(kSmallestEdge) +
                       " pixels or more");
    }
    for (const Layer& layer : kLayers) {
      const std::vector<std::int64_t> weight =
          layer.kernel == 0 ? std::vector<std::int64_t>{layer.out, layer.in}
                            : std::vector<std::int64_t>{layer.out, layer.in, layer.kernel, layer.kernel};
      const double bound = fan_in_bound(weight);
      parameters().add(layer.name + std::string(".weight"), uniform_weights(stream, weight, bound));
      parameters().add(layer.name + std::string(".bias"), uniform_weights(stream, {layer.out}, bound));
    }
  }

  std::int64_t feature_size() const override { return kLayers.back().out; }

  Tensor features(const Batch& batch) override {
    Tensor x = batch.x;
    for (const Layer& layer : kLayers) {
      const Tensor &weight = parameters()[layer.name + std::string(".weight")],
                   &bias = parameters()[layer.name + std::string(".bias")];
      if (layer.kernel > 0) {
        x = at::relu(at::conv2d(x, weight, bias, layer.stride, layer.padding));
        if (layer.pooled) x = at::max_pool2d(x, 3, 2);
        continue;
      }
      if (x.dim() == 4) x = at::adaptive_avg_pool2d(x, {kGrid, kGrid}).flatten(1);
      x = at::relu(at::linear(x, weight, bias));
    }
    return x;
  }

  std::int64_t depth() const override { return static_cast<std::int64_t>(kLayers.size()); }
  std::int64_t block_of(const std::string& parameter) const override {
    for (std::size_t i = 0; i < kLayers.size(); ++i) {
      if (parameter.starts_with(kLayers[i].name + std::string("."))) return static_cast<std::int64_t>(i);
    }
    return depth();
  }
};

W2S_MODEL(AlexNet, "alexnet");

}  // namespace
}  // namespace w2s
