// Cross entropy against the supervisor's labels, tempered: logits are divided by a temperature.
#include <w2s/plugin.hpp>

namespace {

class MyLoss final : public w2s::ILoss {
 public:
  struct Params {
    double temperature = 1.0;
  };

  static void describe(w2s::Schema<Params>& s) {
    s.summary("Cross entropy of tempered logits").source("yours").formula("-Σ_k y_k log softmax(z/T)_k");
    s.field("temperature", &Params::temperature, "T: above 1 softens the student").above(0);
  }

  explicit MyLoss(const Params& params) : params_(params) {}

  w2s::Tensor forward(const w2s::LossInput& in) override {
    const w2s::Tensor log_p = at::log_softmax(in.logits / params_.temperature, 1);
    return -(in.targets * log_p).sum(1);
  }

 private:
  Params params_;
};

}  // namespace

W2S_LOSS(MyLoss, "my_loss");
