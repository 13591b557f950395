// A loss: how far the student's logits are from the supervisor's labels.
//
// Here: cross entropy of logits divided by a temperature. Write your formula into forward(), its parameters
// into Params and describe(), and try it with `w2s check`.
#include <w2s/plugin.hpp>

namespace {

class MyLoss final : public w2s::ILoss {
 public:
  // Parameters with their defaults. An experiment sets them: loss = { type = "my_loss", temperature = 2.0 }
  struct Params {
    double temperature = 1.0;
  };

  static void describe(w2s::Schema<Params>& s) {
    s.summary("Cross entropy of tempered logits").source("yours").formula("-Σ_k y_k log softmax(z/T)_k");
    s.field("temperature", &Params::temperature, "T: above 1 softens the student").above(0);
  }

  explicit MyLoss(const Params& params) : params_(params) {}

  // in.logits and in.targets are [B, C]; the result is one value per example, [B].
  // The engine multiplies by the examples' weights and takes the mean.
  w2s::Tensor forward(const w2s::LossInput& in) override {
    const w2s::Tensor log_p = at::log_softmax(in.logits / params_.temperature, 1);
    return -(in.targets * log_p).sum(1);
  }

 private:
  const Params params_;
};

}  // namespace

W2S_LOSS(MyLoss, "my_loss");
