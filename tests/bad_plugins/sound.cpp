// Nothing is wrong with this one: a loss and a strategy that holds another plugin.
#include <w2s/plugin.hpp>

#include "sound_formula.hpp"

namespace {

class Sound final : public w2s::ILoss {
 public:
  struct Params {
    double scale = 1.0;
    std::string mode = "good";
  };
  static void describe(w2s::Schema<Params>& s) {
    s.summary("Squared logits");
    s.field("scale", &Params::scale, "factor").above(0);
    s.field("mode", &Params::mode, "what check() makes of a task").one_of({"good", "usage"});
  }
  explicit Sound(const Params& params) : params_(params) {}
  w2s::Tensor forward(const w2s::LossInput& in) override { return params_.scale * sound_formula(in.logits); }
  void check(const w2s::LossContext&) const override {
    if (params_.mode == "usage") throw w2s::UsageError("two classes only");
  }

 private:
  Params params_;
};

class Holder final : public w2s::ISupervisionStrategy {
 public:
  struct Params {
    w2s::Spec loss{"sound", {}, {}};
  };
  static void describe(w2s::Schema<Params>& s) {
    s.summary("Fits with a loss of its own");
    s.field("loss", &Params::loss, "the loss").plugin("loss");
  }
  explicit Holder(const Params& params) : params_(params) {}
  w2s::Student supervise(const w2s::Supervision& labels, const w2s::FitSpec& spec, w2s::Lab&,
                         const w2s::Next& next) override {
    w2s::FitSpec changed = spec;
    changed.loss = params_.loss;
    return next(labels, changed);
  }

 private:
  Params params_;
};

}  // namespace

W2S_LOSS(Sound, "sound");
W2S_STRATEGY(Holder, "holder");
