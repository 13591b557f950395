#include "gelu.hpp"

#include <torch/csrc/autograd/custom_function.h>

#include <w2s/parallel.hpp>

#include "float_loops.hpp"

namespace w2s::hf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kGrain = 16384;  // numbers for a thread

class TanhGelu final : public torch::autograd::Function<TanhGelu> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x) {
    Tensor y = at::empty(x.sizes(), x.options());
    const float* from = x.data_ptr<float>();
    float* to = y.data_ptr<float>();
    in_threads(x.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      gelu_values(from + begin, to + begin, end - begin);
    });
    context->save_for_backward({x});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const Tensor x = context->get_saved_variables()[0];
    if (at::GradMode::is_enabled()) return {at::gelu_backward(gradients[0], x, "tanh")};
    const Tensor dy = gradients[0].contiguous(), dx = at::empty(x.sizes(), x.options());
    const float *at_x = x.data_ptr<float>(), *from = dy.data_ptr<float>();
    float* to = dx.data_ptr<float>();
    in_threads(x.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      gelu_gradients(at_x + begin, from + begin, to + begin, end - begin);
    });
    return {dx};
  }
};

}  // namespace

Tensor tanh_gelu(const Tensor& x) {
  const bool plain = x.is_cpu() && x.scalar_type() == at::kFloat && x.is_contiguous();
  return plain ? TanhGelu::apply(x) : at::gelu(x, "tanh");
}

}  // namespace w2s::hf
