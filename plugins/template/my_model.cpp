// A model: a backbone that turns inputs into features. The engine adds the head, the loss and the optimiser.
//
// Here: one hidden layer on flattened vectors or images. Weights are named tensors in parameters(); the model
// is a function of them.
#include <w2s/init.hpp>
#include <w2s/plugin.hpp>

namespace {

class MyModel final : public w2s::IModel {
 public:
  // An experiment sets them: [models.strong] type = "my_model", width = 256
  struct Params {
    std::int64_t width = 64;
  };

  static void describe(w2s::Schema<Params>& s) {
    s.summary("One hidden layer on flattened inputs").source("yours");
    s.field("width", &Params::width, "units of the hidden layer").at_least(1);
  }

  explicit MyModel(const Params& params) : params_(params) {}

  // Called once. All random values come from `stream`, so that a seed gives the same model everywhere.
  void build(const w2s::ModelContext& context, w2s::Stream stream) override {
    if (context.input_shape.empty()) throw w2s::WrongInputs("model 'my_model' takes dense inputs, not text");
    std::int64_t inputs = 1;
    for (const std::int64_t size : context.input_shape) inputs *= size;
    const double bound = w2s::fan_in_bound({params_.width, inputs});
    parameters().add("hidden.weight", w2s::uniform_weights(stream, {params_.width, inputs}, bound));
    parameters().add("hidden.bias", w2s::uniform_weights(stream, {params_.width}, bound));
  }

  std::int64_t feature_size() const override { return params_.width; }

  // batch.x is float32 [R, …]; the result is [R, feature_size()].
  w2s::Tensor features(const w2s::Batch& batch) override {
    const w2s::Parameters& weights = parameters();
    return at::relu(at::linear(batch.x.flatten(1), weights["hidden.weight"], weights["hidden.bias"]));
  }

 private:
  const Params params_;
};

}  // namespace

W2S_MODEL(MyModel, "my_model");
