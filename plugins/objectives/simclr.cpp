// SimCLR: two augmented views of one image should be each other's nearest neighbours.
#include <w2s/init.hpp>
#include <w2s/objective.hpp>
#include <w2s/torch_compat.hpp>

#include <functional>

namespace w2s {
namespace {

class SimClr final : public IObjective {
 public:
  struct Params {
    double temperature = 0.2;
    std::int64_t view = 0;
    std::vector<std::int64_t> projection = {256, 64};
    std::vector<double> scale = {0.6, 1.1};
    double shift = 0.2;
    double rotation = 0.2;
    bool flip = true;
    std::vector<double> contrast = {0.6, 1.4};
    double brightness = 0.2;
    std::int64_t cutout = 7;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Contrastive pretraining on images: of all augmented views in the batch, the other view of the same "
         "image should be nearest.")
        .formula(
            "mean of −log(exp(⟨u, v⟩/τ) / Σ exp(⟨u, w⟩/τ)) over both views u, w any other view, unit vectors")
        .source("Chen et al. 2020");
    s.field("temperature", &Params::temperature, "τ").above(0);
    s.field("view", &Params::view,
            "edge of the augmented views in pixels; smaller ones cost less; 0: the image's")
        .at_least(0);
    s.field("projection", &Params::projection, "layer sizes of the head that is thrown away").at_least(1);
    s.field("scale", &Params::scale, "range of the crop's edge as a share of the image's; above 1 zooms out")
        .above(0);
    s.field("shift", &Params::shift, "largest shift, in half edges").at_least(0);
    s.field("rotation", &Params::rotation, "largest rotation, in radians").at_least(0);
    s.field("flip", &Params::flip, "mirror half of the views");
    s.field("contrast", &Params::contrast, "range of the contrast factor").at_least(0);
    s.field("brightness", &Params::brightness, "largest change of brightness, pixels being in [0, 1]")
        .at_least(0);
    s.field("cutout", &Params::cutout, "edge in pixels of the square that is blanked; 0: none").at_least(0);
  }
  explicit SimClr(const Params& params) : params_(params) {
    if (params_.projection.empty())
      throw UsageError("objective 'simclr': projection needs at least one layer");
    check_range(params_.scale, "scale");
    check_range(params_.contrast, "contrast");
  }

  void begin(IModel& model, const Encoded& inputs, Stream stream) override {
    if (inputs.ragged() || inputs.dense.columns().dense.dim() != 4) {
      throw UsageError("objective 'simclr' takes images of shape [channels, height, width]");
    }
    const std::vector<std::int64_t> shape = view_shape(inputs.dense.columns().dense);
    const Tensor& weights = model.parameters().items().at(0).tensor;
    const Tensor blank = at::zeros({1, shape[1], shape[2], shape[3]}, weights.options().requires_grad(false));
    std::int64_t in = model.features({blank, {}, {}}).size(1);
    for (std::size_t i = 0; i < params_.projection.size(); ++i) {
      const std::vector<std::int64_t> weight = {params_.projection[i], in};
      parameters().add(layer(i) + "weight", uniform_weights(stream, weight, fan_in_bound(weight)));
      parameters().add(layer(i) + "bias", uniform_weights(stream, {weight[0]}, fan_in_bound(weight)));
      in = weight[0];
    }
  }

  Tensor loss(IModel& model, const Encoded& inputs, const std::vector<std::int64_t>& rows,
              Stream& stream) override {
    const Columns& columns = inputs.dense.columns();
    const at::Device device = parameters()["projection.0.weight"].device();
    const Tensor mean = columns.mean.defined() ? columns.mean.to(device) : at::zeros({}, device);
    const Tensor sd = columns.sd.defined() ? columns.sd.to(device) : at::ones({}, device);
    const Tensor pixels = inputs.dense.dense(rows).to(device) * sd + mean;

    const Tensor views = at::cat({augmented(pixels, stream), augmented(pixels, stream)});
    return contrastive(project(model.features({(views - mean) / sd, {}, {}})));
  }

 private:
  static std::string layer(std::size_t i) { return "projection." + std::to_string(i) + "."; }

  // [N, C, H, W] of the views.
  std::vector<std::int64_t> view_shape(const Tensor& images) const {
    std::vector<std::int64_t> shape = images.sizes().vec();
    if (params_.view > 0) shape[2] = shape[3] = params_.view;
    return shape;
  }

  static void check_range(const std::vector<double>& range, const std::string& name) {
    if (range.size() != 2 || range[0] > range[1]) {
      throw UsageError("objective 'simclr': " + name + " is a range of two numbers, the smaller first");
    }
  }

  Tensor project(Tensor x) {
    for (std::size_t i = 0; i < params_.projection.size(); ++i) {
      if (i > 0) x = at::relu(x);
      x = at::linear(x, parameters()[layer(i) + "weight"], parameters()[layer(i) + "bias"]);
    }
    return x.to(at::kFloat);
  }

  // z [2B, D], the views of image i in rows i and B + i.
  Tensor contrastive(const Tensor& z) const {
    const compat::Autocast full(z.device().type(), at::kFloat);
    const Tensor unit = z / z.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-8);
    const std::int64_t n = unit.size(0);
    const Tensor itself = at::eye(n, unit.options().dtype(at::kBool));
    const Tensor similarity = (at::matmul(unit, unit.t()) / params_.temperature).masked_fill(itself, -1e9);
    const Tensor positive = similarity.roll(n / 2, 1).diagonal();
    return (at::logsumexp(similarity, 1) - positive).mean();
  }

  Tensor augmented(const Tensor& pixels, Stream& stream) const {
    Tensor x = moved(pixels, stream);
    const std::int64_t n = x.size(0);
    const auto each = [&](double low, double high) {
      return draw(n, low, high, stream, x).view({n, 1, 1, 1});
    };
    const Tensor mean = x.mean({1, 2, 3}, /*keepdim=*/true);
    x = (x - mean) * each(params_.contrast[0], params_.contrast[1]) + mean;
    x = (x + each(-params_.brightness, params_.brightness)).clamp(0, 1);
    return params_.cutout > 0 ? x.masked_fill(square(x, stream), 0.0) : x;
  }

  Tensor moved(const Tensor& x, Stream& stream) const {
    const std::int64_t n = x.size(0);
    const Tensor scale = draw(n, params_.scale[0], params_.scale[1], stream, x);
    const Tensor angle = draw(n, -params_.rotation, params_.rotation, stream, x);
    const Tensor mirror =
        params_.flip ? draw(n, -1, 1, stream, x).ge(0).to(at::kFloat) * 2 - 1 : at::ones_like(scale);
    const Tensor right = draw(n, -params_.shift, params_.shift, stream, x);
    const Tensor down = draw(n, -params_.shift, params_.shift, stream, x);
    const Tensor c = scale * angle.cos(), s = scale * angle.sin();
    const Tensor theta =
        at::stack({at::stack({c * mirror, -s, right}, 1), at::stack({s * mirror, c, down}, 1)}, 1);
    const Tensor grid = at::affine_grid_generator(theta, view_shape(x), /*align_corners=*/false);
    return at::grid_sampler(x, grid, /*bilinear*/ 0, /*zeros*/ 0, /*align_corners=*/false);
  }

  // True inside a square around a random pixel of each image, [N, 1, H, W].
  Tensor square(const Tensor& x, Stream& stream) const {
    const std::int64_t n = x.size(0);
    const auto within = [&](std::int64_t edge) {
      const Tensor centre = draw(n, 0, static_cast<double>(edge), stream, x).unsqueeze(1);
      return (at::arange(edge, x.options()) + 0.5 - centre).abs() <= static_cast<double>(params_.cutout) / 2;
    };
    const Tensor rows = within(x.size(2)).view({n, 1, -1, 1});
    return rows.logical_and(within(x.size(3)).view({n, 1, 1, -1}));
  }

  static Tensor draw(std::int64_t count, double low, double high, Stream& stream, const Tensor& like) {
    std::vector<float> values;
    for (std::int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(stream.uniform(low, high)));
    return at::tensor(values).to(like.device());
  }

  const Params params_;
};

W2S_OBJECTIVE(SimClr, "simclr");

}  // namespace
}  // namespace w2s
