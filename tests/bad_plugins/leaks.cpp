// Allocates 32 MB a step and keeps it
#include <w2s/plugin.hpp>

#include <vector>

namespace {

class Leaks final : public w2s::ILoss {
 public:
  static void describe(w2s::Schema<w2s::NoParams>& s) { s.summary("Allocates 32 MB a step and keeps it"); }
  w2s::Tensor forward(const w2s::LossInput& in) override {
    kept_.emplace_back(std::size_t{32} << 20, '\1');
    return in.logits.square().sum(1);
  }

 private:
  std::vector<std::vector<char>> kept_;
};

}  // namespace

W2S_LOSS(Leaks, "leaks");
