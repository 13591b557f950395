// Fails on its third step unless a file is there, which it makes
#include <filesystem>
#include <fstream>

#include <w2s/losses.hpp>
#include <w2s/plugin.hpp>

namespace {

class FailsOnce final : public w2s::ILoss {
 public:
  struct Params {
    std::string marker;
  };
  static void describe(w2s::Schema<Params>& s) {
    s.summary("Fails on its third step unless a file is there, which it makes");
    s.field("marker", &Params::marker, "the file");
  }
  explicit FailsOnce(const Params& params) : params_(params) {}

  w2s::Tensor forward(const w2s::LossInput& in) override {
    if (++steps_ == 3 && !std::filesystem::exists(params_.marker)) {
      std::ofstream(params_.marker) << "failed once";
      throw w2s::Error("the first time");
    }
    return w2s::cross_entropy(w2s::log_probabilities(in.logits), in.targets);
  }

 private:
  const Params params_;
  int steps_ = 0;
};

}  // namespace

W2S_LOSS(FailsOnce, "fails_once");
