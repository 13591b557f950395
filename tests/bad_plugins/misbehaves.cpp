// Crashes or waits for ever on its third step, in every process or in one of a team
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include <w2s/losses.hpp>
#include <w2s/plugin.hpp>

namespace {

class Misbehaves final : public w2s::ILoss {
 public:
  struct Params {
    std::string how = "crash";
    std::int64_t rank = -1;
  };
  static void describe(w2s::Schema<Params>& s) {
    s.summary("Crashes or waits for ever on its third step, in every process or in one of a team");
    s.field("how", &Params::how, "what it does").one_of({"crash", "hang"});
    s.field("rank", &Params::rank, "the process of a team that does it; -1: all").at_least(-1);
  }
  explicit Misbehaves(const Params& params) : params_(params) {}

  w2s::Tensor forward(const w2s::LossInput& in) override {
    if (++steps_ == 3 && is_meant()) {
      if (params_.how == "crash") ::raise(SIGSEGV);
      while (true) ::pause();
    }
    return w2s::cross_entropy(w2s::log_probabilities(in.logits), in.targets);
  }

 private:
  bool is_meant() const {
    const char* rank = std::getenv("RANK");
    return params_.rank < 0 || (rank != nullptr && rank == std::to_string(params_.rank));
  }

  const Params params_;
  int steps_ = 0;
};

}  // namespace

W2S_LOSS(Misbehaves, "misbehaves");
