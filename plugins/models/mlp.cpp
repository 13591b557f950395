// A multi-layer perceptron on dense inputs, or on some rows and columns of an image.
#include <w2s/init.hpp>
#include <w2s/model.hpp>

#include <algorithm>

namespace w2s {
namespace {

enum class Activation { relu, gelu, tanh, silu };
constexpr auto enum_names(Activation) { return std::array{"relu", "gelu", "tanh", "silu"}; }

class Mlp final : public IModel {
 public:
  struct Params {
    std::vector<std::int64_t> hidden = {256, 128};
    Activation activation = Activation::relu;
    std::vector<std::int64_t> rows, columns, inputs;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Multi-layer perceptron on flattened dense inputs; its features are the last hidden layer. Shown "
         "only "
         "some rows or columns of an image, it is a weak supervisor whose errors do not come from its size.")
        .source("initialised as PyTorch's linear layers: Kaiming-uniform, He et al. 2015");
    s.field("hidden", &Params::hidden, "sizes of the hidden layers; empty: the inputs are the features")
        .at_least(1);
    s.field("activation", &Params::activation, "after each hidden layer");
    s.field("rows", &Params::rows, "image rows that it sees, from 0; empty: all").at_least(0);
    s.field("columns", &Params::columns, "image columns that it sees, from 0; empty: all").at_least(0);
    s.field("inputs", &Params::inputs,
            "of vectors, the range that it sees: [the first, one after the last], from 0; empty: all")
        .at_least(0);
  }
  explicit Mlp(const Params& params) : params_(params) {
    const std::vector<std::int64_t>& range = params_.inputs;
    if (!range.empty() && (range.size() != 2 || range[0] >= range[1])) {
      throw UsageError("model 'mlp': inputs: expected [the first, one after the last]");
    }
  }

  void build(const ModelContext& context, Stream stream) override {
    std::vector<std::int64_t> shape = context.input_shape;
    if (shape.empty()) throw WrongInputs("model 'mlp' takes dense inputs, not text");
    restrict(shape, shape.size() - 2, params_.rows, "rows");
    restrict(shape, shape.size() - 1, params_.columns, "columns");
    if (!params_.inputs.empty()) {
      if (shape.size() != 1)
        throw UsageError("model 'mlp': inputs are for vectors; for images there are rows and columns");
      if (params_.inputs[1] > shape[0]) {
        throw UsageError("model 'mlp': inputs ends at " + std::to_string(params_.inputs[1]) +
                         " and the vectors have " + std::to_string(shape[0]) + " numbers");
      }
      shape[0] = params_.inputs[1] - params_.inputs[0];
    }
    feature_size_ = 1;
    for (const std::int64_t size : shape) feature_size_ *= size;
    for (std::size_t i = 0; i < params_.hidden.size(); ++i) {
      const std::vector<std::int64_t> weight = {params_.hidden[i], feature_size_};
      const double bound = fan_in_bound(weight);
      parameters().add(layer(i) + "weight", uniform_weights(stream, weight, bound));
      parameters().add(layer(i) + "bias", uniform_weights(stream, {weight[0]}, bound));
      feature_size_ = weight[0];
    }
  }

  std::int64_t feature_size() const override { return feature_size_; }

  Tensor features(const Batch& batch) override {
    Tensor x = batch.x;
    if (!params_.rows.empty()) x = x.index_select(-2, at::tensor(params_.rows, at::kLong).to(x.device()));
    if (!params_.columns.empty())
      x = x.index_select(-1, at::tensor(params_.columns, at::kLong).to(x.device()));
    if (!params_.inputs.empty()) x = x.slice(1, params_.inputs[0], params_.inputs[1]);
    x = x.flatten(1);
    for (std::size_t i = 0; i < params_.hidden.size(); ++i) {
      x = activate(at::linear(x, parameters()[layer(i) + "weight"], parameters()[layer(i) + "bias"]));
    }
    return x;
  }

  std::int64_t depth() const override { return static_cast<std::int64_t>(params_.hidden.size()); }
  std::int64_t block_of(const std::string& parameter) const override {
    return std::stoll(parameter.substr(parameter.find('.') + 1));
  }

 private:
  static std::string layer(std::size_t i) { return "hidden." + std::to_string(i) + "."; }

  static void restrict(std::vector<std::int64_t>& shape, std::size_t dimension,
                       const std::vector<std::int64_t>& seen, const std::string& what) {
    if (seen.empty()) return;
    if (shape.size() < 2)
      throw UsageError("model 'mlp': " + what + " are for images; the inputs are vectors");
    const std::int64_t last = *std::max_element(seen.begin(), seen.end());
    if (last >= shape[dimension]) {
      throw UsageError("model 'mlp': " + what + " names " + std::to_string(last) + " and the images have " +
                       std::to_string(shape[dimension]) + " " + what + ", counted from 0");
    }
    shape[dimension] = static_cast<std::int64_t>(seen.size());
  }

  Tensor activate(const Tensor& x) const {
    switch (params_.activation) {
      case Activation::relu:
        return at::relu(x);
      case Activation::gelu:
        return at::gelu(x);
      case Activation::tanh:
        return at::tanh(x);
      case Activation::silu:
        return at::silu(x);
    }
    throw Error("model 'mlp' has no such activation");
  }

  const Params params_;
  std::int64_t feature_size_ = 0;
};

W2S_MODEL(Mlp, "mlp");

}  // namespace
}  // namespace w2s
