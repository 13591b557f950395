// Peer loss: cross entropy less what agreeing with somebody else's label would cost.
#include <w2s/losses.hpp>

namespace w2s {
namespace {

class PeerLoss final : public ILoss {
 public:
  struct Params {
    double alpha = 0.5;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Cross entropy less α times that with the label of a random peer. The mean over all peers of the "
         "batch "
         "stands for the draw: cross entropy is linear in the label, so it is that with the batch's mean "
         "label. "
         "Not bounded below, so keep α under 1.")
        .formula("CE(z, y) − α CE(z, ȳ), ȳ the batch mean of y")
        .source("Liu & Guo 2020")
        .uses_batch_statistics();
    s.field("alpha", &Params::alpha, "α: weight of the peer term").at_least(0).below(1);
  }
  explicit PeerLoss(const Params& params) : params_(params) {}

  Tensor forward(const LossInput& in) override {
    const Tensor log_p = log_probabilities(in.logits);
    return cross_entropy(log_p, in.targets - params_.alpha * in.targets.mean(0, true));
  }

 private:
  const Params params_;
};

W2S_LOSS(PeerLoss, "peer_loss");

}  // namespace
}  // namespace w2s
