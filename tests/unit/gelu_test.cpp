#include "gelu.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <limits>

namespace w2s::hf {
namespace {

// A grid through all that activations take, and a count that no vector divides.
Tensor inputs() {
  return at::cat(
      {at::linspace(-12, 12, 1999), at::tensor({0.0f, 1e-20f, -1e-20f, 40.0f, -40.0f, 1e18f, -1e18f})});
}

TEST(TanhGelu, AgreesWithLibTorchInDouble) {
  const Tensor x = inputs().requires_grad_(true), precise = inputs().to(at::kDouble).requires_grad_(true);
  const Tensor y = tanh_gelu(x), expected = at::gelu(precise, "tanh");
  EXPECT_TRUE(at::allclose(y.to(at::kDouble), expected, 3e-7, 2e-7));
  const Tensor slopes = at::randn({x.numel()}, at::make_generator<at::CPUGeneratorImpl>(1));
  y.backward(slopes);
  expected.backward(slopes.to(at::kDouble));
  const Tensor within = x.abs().lt(1e6);  // at 1e18 the formula's cube is infinite
  EXPECT_TRUE(at::allclose(x.grad().masked_select(within).to(at::kDouble),
                           precise.grad().masked_select(within), 1e-5, 1e-6));
}

TEST(TanhGelu, OfEachNumberDoesNotDependOnItsNeighbours) {
  const Tensor x = inputs(), y = tanh_gelu(x);
  for (const std::int64_t from : {1, 3, 16, 500})
    EXPECT_TRUE(tanh_gelu(x.slice(0, from)).equal(y.slice(0, from)));
}

TEST(TanhGelu, PassesOnWhatIsNotANumber) {
  EXPECT_TRUE(tanh_gelu(at::tensor({std::nanf(""), 1.0f}))[0].isnan().item<bool>());
  EXPECT_EQ(tanh_gelu(at::tensor({std::numeric_limits<float>::infinity()})).item<float>(),
            std::numeric_limits<float>::infinity());
}

TEST(TanhGelu, HasSecondDerivatives) {
  const auto curvature = [](at::ScalarType type) {
    const Tensor x = at::tensor({-1.3, 0.2, 0.9}).to(type).requires_grad_(true);
    const Tensor slope = torch::autograd::grad({tanh_gelu(x).sum()}, {x}, {}, true, /*create_graph=*/true)[0];
    return torch::autograd::grad({slope.sum()}, {x})[0].to(at::kDouble);
  };
  EXPECT_TRUE(at::allclose(curvature(at::kFloat), curvature(at::kDouble), 1e-5, 1e-6));
}

}  // namespace
}  // namespace w2s::hf
