// ResNet (He et al. 2016), basic or bottleneck blocks. Batch norm uses its stored statistics, in training
// too: a row's result does not depend on its batch.
#include "family.hpp"
#include "recompute.hpp"

namespace w2s::hf {
namespace {

constexpr double kBatchNormEps = 1e-5;

class ResNet final : public Family {
 public:
  explicit ResNet(const Config& config)
      : Family(Kind::vision, {.width = 0, .depth = static_cast<std::int64_t>(config.sizes("depths").size())}),
        channels_(config.size({"num_channels"}, 3)),
        stem_(config.size({"embedding_size"}, 64)),
        widths_(config.sizes("hidden_sizes")),
        depths_(config.sizes("depths")),
        activation_(config.text({"hidden_act"}, "relu")),
        stride_first_stage_(config.flag("downsample_in_first_stage", false)),
        stride_first_map_(config.flag("downsample_in_bottleneck", false)) {
    check_activation(activation_, config.name());
    const std::string type = config.text({"layer_type"}, "bottleneck");
    if (type != "bottleneck" && type != "basic") {
      config.fail("unknown 'layer_type' '" + type + "'; expected 'basic' or 'bottleneck'");
    }
    bottleneck_ = type == "bottleneck";
    if (widths_.size() != depths_.size() || depths_.size() > 64) {
      config.fail("'hidden_sizes' and 'depths': expected lists of one length, one entry per stage");
    }
    layout_.prefix = "resnet.";
    layout_.ignored_prefixes = {"classifier."};
    layout_.ignored_suffixes = {".num_batches_tracked"};
    convolution("embedder.embedder", channels_, stem_, 7, -1);
    for (std::size_t stage = 0; stage < depths_.size(); ++stage) {
      if (depths_[stage] > 4096) config.fail("'depths': expected at most 4096 blocks a stage");
      for (std::int64_t i = 0; i < depths_[stage]; ++i) {
        const std::int64_t in = input_width(stage, i), out = widths_[stage];
        const auto block = static_cast<std::int64_t>(stage);
        const std::string name = block_name(stage, i);
        if (has_shortcut(stage, i)) convolution(name + "shortcut", in, out, 1, block);
        if (bottleneck_) {
          const std::int64_t inner = out / 4;
          if (inner < 1) config.fail("'hidden_sizes': bottleneck blocks take multiples of 4");
          convolution(name + "layer.0", in, inner, 1, block);
          convolution(name + "layer.1", inner, inner, 3, block);
          convolution(name + "layer.2", inner, out, 1, block);
        } else {
          convolution(name + "layer.0", in, out, 3, block);
          convolution(name + "layer.1", out, out, 3, block);
        }
      }
    }
  }

  std::int64_t width(std::int64_t layer) const override {
    return layer == 0 ? stem_ : widths_[static_cast<std::size_t>(layer - 1)];
  }

  void check_image(const std::vector<std::int64_t>& shape) const override {
    if (shape.size() == 3 && shape[0] == channels_) return;
    throw UsageError("this model takes images [" + std::to_string(channels_) + ", height, width]");
  }

  Tensor hidden(const Weights& weights, const Inputs& in, std::int64_t layer) const override {
    const at::ScalarType type = weights["embedder.embedder.convolution.weight"].scalar_type();
    Tensor x = activate(activation_, normed(weights, in.x.to(type), "embedder.embedder", 2));
    x = at::max_pool2d(x, 3, 2, 1);
    for (std::size_t stage = 0; stage < static_cast<std::size_t>(layer); ++stage) {
      for (std::int64_t i = 0; i < depths_[stage]; ++i) {
        x = run_block(in, weights, block_name(stage, i), x,
                      [=, this](const Tensor& given) { return block(weights, given, stage, i); });
      }
    }
    return x;
  }

  Tensor pooled(const Weights&, const Tensor& hidden, std::int64_t) const override {
    return hidden.mean({2, 3});
  }

 private:
  static std::string block_name(std::size_t stage, std::int64_t i) {
    return "encoder.stages." + std::to_string(stage) + ".layers." + std::to_string(i) + ".";
  }
  std::int64_t input_width(std::size_t stage, std::int64_t i) const {
    if (i > 0) return widths_[stage];
    return stage == 0 ? stem_ : widths_[stage - 1];
  }
  std::int64_t stride(std::size_t stage, std::int64_t i) const {
    return i == 0 && (stage > 0 || stride_first_stage_) ? 2 : 1;
  }
  bool has_shortcut(std::size_t stage, std::int64_t i) const {
    return input_width(stage, i) != widths_[stage] || stride(stage, i) != 1;
  }

  void convolution(const std::string& module, std::int64_t in, std::int64_t out, std::int64_t size,
                   std::int64_t block) {
    layout_.weight(module + ".convolution.weight", {out, in, size, size}, block);
    layout_.norm(module + ".normalization", out, block);
    for (const char* statistic : {"running_mean", "running_var"}) {
      layout_.weight(module + ".normalization." + statistic, {out}, block);
      layout_.tensors.back().buffer = true;
    }
  }

  static Tensor normed(const Weights& weights, const Tensor& x, const std::string& module,
                       std::int64_t stride) {
    const Tensor& kernel = weights[module + ".convolution.weight"];
    const std::string norm = module + ".normalization.";
    return at::batch_norm(at::conv2d(x, kernel, {}, stride, kernel.size(2) / 2), weights[norm + "weight"],
                          weights[norm + "bias"], weights[norm + "running_mean"],
                          weights[norm + "running_var"],
                          /*training=*/false, 0.0, kBatchNormEps, /*cudnn_enabled=*/true);
  }

  Tensor block(const Weights& weights, const Tensor& x, std::size_t stage, std::int64_t i) const {
    const std::string name = block_name(stage, i);
    const std::int64_t step = stride(stage, i);
    const Tensor shortcut = has_shortcut(stage, i) ? normed(weights, x, name + "shortcut", step) : x;
    const bool first = !bottleneck_ || stride_first_map_;
    Tensor y = activate(activation_, normed(weights, x, name + "layer.0", first ? step : 1));
    y = normed(weights, y, name + "layer.1", first ? 1 : step);
    if (bottleneck_) y = normed(weights, activate(activation_, y), name + "layer.2", 1);
    return activate(activation_, y + shortcut);
  }

  std::int64_t channels_, stem_;
  std::vector<std::int64_t> widths_, depths_;
  std::string activation_;
  bool stride_first_stage_, stride_first_map_, bottleneck_ = true;
};

W2S_FAMILY(ResNet, "resnet");

}  // namespace
}  // namespace w2s::hf
