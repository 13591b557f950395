// An objective: what a model is pretrained on before it sees any label.
//
// Here: the features of an input and of the same input with noise should agree, and those of different inputs
// should not.
#include <w2s/plugin.hpp>

namespace {

class MyObjective final : public w2s::IObjective {
 public:
  // An experiment sets them: [models.strong.pretrain] objective = { type = "my_objective", noise = 0.2 }
  struct Params {
    double noise = 0.1;
  };

  static void describe(w2s::Schema<Params>& s) {
    s.summary("Features of an input and of its noisy copy should be each other's nearest").source("yours");
    s.field("noise", &Params::noise, "standard deviation of the noise on the inputs").above(0);
  }

  explicit MyObjective(const Params& params) : params_(params) {}

  // Weights of the objective's own, such as a projection, would be added to parameters() here.
  void begin(w2s::IModel&, const w2s::Encoded& inputs, w2s::Stream) override {
    if (inputs.ragged()) throw w2s::WrongInputs("objective 'my_objective' is for dense inputs");
  }

  // The mean loss of these rows. All random values come from `stream`.
  w2s::Tensor loss(w2s::IModel& model, const w2s::Encoded& inputs, const std::vector<std::int64_t>& rows,
                   w2s::Stream& stream) override {
    w2s::Batch clean, noisy;
    clean.x = inputs.dense.dense(rows).to(model.parameters().items().front().tensor.device());
    at::Generator generator = stream.generator();
    const w2s::Tensor noise = at::randn(clean.x.sizes(), generator, at::kFloat);
    noisy.x = clean.x + params_.noise * noise.to(clean.x.device());
    const auto unit = [&](const w2s::Batch& batch) {
      const w2s::Tensor f = model.features(batch);
      return f / f.norm(2, 1, /*keepdim=*/true).clamp_min(1e-6);
    };
    const w2s::Tensor similarity = at::mm(unit(clean), unit(noisy).t()) / 0.1;
    return -at::log_softmax(similarity, 1).diagonal().mean();
  }

 private:
  const Params params_;
};

}  // namespace

W2S_OBJECTIVE(MyObjective, "my_objective");
