// Kullback-Leibler divergence from the soft labels to the student.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class KullbackLeibler final : public ILoss {
 public:
  static void describe(Schema<NoParams>& s) {
    s.summary("Kullback-Leibler divergence KL(y‖p): cross entropy less the labels' own entropy.")
        .formula("Σ y log y + CE(z, y), 0·log 0 = 0")
        .source("Kullback & Leibler 1951");
  }

  Tensor forward(const LossInput& in) override {
    return kl_divergence(in.targets, log_probabilities(in.logits));
  }
  bool rowwise() const override { return true; }
};

W2S_LOSS(KullbackLeibler, "kl");

}  // namespace
}  // namespace w2s
