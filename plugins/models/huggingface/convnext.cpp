// ConvNeXt (Liu et al. 2022): stages of wide depthwise convolutions, each followed by a feed-forward over
// channels.
#include "family.hpp"
#include "recompute.hpp"

namespace w2s::hf {
namespace {

constexpr double kEps = 1e-6;  // of all norms but the last, fixed in the architecture

class ConvNext final : public Family {
 public:
  explicit ConvNext(const Config& config)
      : Family(Kind::vision, {.width = 0, .depth = static_cast<std::int64_t>(config.sizes("depths").size())}),
        channels_(config.size({"num_channels"}, 3)),
        patch_(config.size({"patch_size"}, 4)),
        widths_(config.sizes("hidden_sizes")),
        depths_(config.sizes("depths")),
        eps_(config.real({"layer_norm_eps"}, 1e-12)),
        activation_(config.text({"hidden_act"}, "gelu")) {
    check_activation(activation_, config.name());
    if (widths_.size() != depths_.size() || depths_.size() > 64) {
      config.fail("'hidden_sizes' and 'depths': expected lists of one length, one entry per stage");
    }
    const bool scaled = config.real({"layer_scale_init_value"}, 1e-6) > 0;
    layout_.prefix = "convnext.";
    layout_.ignored_prefixes = {"classifier."};
    layout_.weight("embeddings.patch_embeddings.weight", {widths_[0], channels_, patch_, patch_}, -1);
    layout_.weight("embeddings.patch_embeddings.bias", {widths_[0]}, -1);
    layout_.norm("embeddings.layernorm", widths_[0], -1);
    for (std::size_t stage = 0; stage < depths_.size(); ++stage) {
      if (depths_[stage] > 4096) config.fail("'depths': expected at most 4096 blocks a stage");
      const auto block = static_cast<std::int64_t>(stage);
      const std::int64_t width = widths_[stage];
      if (stage > 0) {
        const std::string step = stage_name(stage) + "downsampling_layer.";
        layout_.norm(step + "0", widths_[stage - 1], block);
        layout_.weight(step + "1.weight", {width, widths_[stage - 1], 2, 2}, block);
        layout_.weight(step + "1.bias", {width}, block);
      }
      for (std::int64_t i = 0; i < depths_[stage]; ++i) {
        const std::string name = block_name(stage, i);
        if (scaled) layout_.weight(name + "layer_scale_parameter", {width}, block);
        layout_.weight(name + "dwconv.weight", {width, 1, 7, 7}, block);
        layout_.weight(name + "dwconv.bias", {width}, block);
        layout_.norm(name + "layernorm", width, block);
        layout_.linear(name + "pwconv1", width, 4 * width, block);
        layout_.linear(name + "pwconv2", 4 * width, width, block);
      }
    }
    layout_.norm("layernorm", widths_.back(), depth_);
  }

  std::int64_t width(std::int64_t layer) const override {
    return widths_[layer == 0 ? 0 : static_cast<std::size_t>(layer - 1)];
  }

  void check_image(const std::vector<std::int64_t>& shape) const override {
    const std::int64_t least = patch_ << std::min<std::int64_t>(depth_ - 1, 20);
    if (shape.size() == 3 && shape[0] == channels_ && shape[1] >= least && shape[2] >= least) return;
    throw UsageError("this model takes images [" + std::to_string(channels_) +
                     ", height, width] of at least " + std::to_string(least) + " pixels a side");
  }

  Tensor hidden(const Weights& weights, const Inputs& in, std::int64_t layer) const override {
    const Tensor& kernel = weights["embeddings.patch_embeddings.weight"];
    Tensor x = at::conv2d(in.x.to(kernel.scalar_type()), kernel, weights["embeddings.patch_embeddings.bias"],
                          patch_);
    x = channel_norm(weights, x, "embeddings.layernorm");
    for (std::size_t stage = 0; stage < static_cast<std::size_t>(layer); ++stage) {
      if (stage > 0) {
        const std::string step = stage_name(stage) + "downsampling_layer.";
        x = at::conv2d(channel_norm(weights, x, step + "0"), weights[step + "1.weight"],
                       weights[step + "1.bias"], 2);
      }
      for (std::int64_t i = 0; i < depths_[stage]; ++i) {
        const std::string name = block_name(stage, i);
        x = run_block(in, weights, name, x,
                      [=, this](const Tensor& given) { return block(weights, name, given); });
      }
    }
    return x;
  }

  Tensor pooled(const Weights& weights, const Tensor& hidden, std::int64_t layer) const override {
    const Tensor mean = hidden.mean({2, 3});
    return layer == depth_ ? weights.layer_norm(mean, "layernorm", eps_) : mean;
  }

 private:
  static std::string stage_name(std::size_t stage) { return "encoder.stages." + std::to_string(stage) + "."; }
  static std::string block_name(std::size_t stage, std::int64_t i) {
    return stage_name(stage) + "layers." + std::to_string(i) + ".";
  }

  static Tensor channel_norm(const Weights& weights, const Tensor& x, const std::string& module) {
    return weights.layer_norm(x.permute({0, 2, 3, 1}), module, kEps).permute({0, 3, 1, 2});
  }

  Tensor block(const Weights& weights, const std::string& name, const Tensor& given) const {
    const Tensor& kernel = weights[name + "dwconv.weight"];
    const Tensor mixed = at::conv2d(given, kernel, weights[name + "dwconv.bias"], /*stride=*/1, /*padding=*/3,
                                    /*dilation=*/1, /*groups=*/kernel.size(0));
    Tensor x = weights.layer_norm(mixed.permute({0, 2, 3, 1}), name + "layernorm", kEps);
    x = weights.linear(activate(activation_, weights.linear(x, name + "pwconv1")), name + "pwconv2");
    if (weights.has(name + "layer_scale_parameter")) x = weights[name + "layer_scale_parameter"] * x;
    return given + x.permute({0, 3, 1, 2});
  }

  std::int64_t channels_, patch_;
  std::vector<std::int64_t> widths_, depths_;
  double eps_;
  std::string activation_;
};

W2S_FAMILY(ConvNext, "convnext");

}  // namespace
}  // namespace w2s::hf
