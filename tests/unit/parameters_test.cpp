#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <w2s/model.hpp>

namespace w2s {
namespace {

TEST(Parameters, AddedTensorsAreCopiesAndAdoptedOnesAreNot) {
  Tensor weight = at::ones({2, 3}), mask = at::ones({4}, at::kBool);
  const void* memory = weight.data_ptr();
  Parameters parameters;
  parameters.add("copied", weight);
  parameters.adopt("mask", mask, true);
  parameters.adopt("kept", std::move(weight), false);
  EXPECT_NE(parameters["copied"].data_ptr(), memory);
  EXPECT_EQ(parameters["kept"].data_ptr(), memory);
  EXPECT_TRUE(parameters["kept"].requires_grad());
  EXPECT_TRUE(parameters["kept"].is_leaf());
  EXPECT_EQ(parameters["mask"].data_ptr(), mask.data_ptr());
  EXPECT_FALSE(parameters["mask"].requires_grad());
  EXPECT_EQ(parameters.count(), 12) << "buffers are left out";
}

TEST(Parameters, AdoptedTensorsBecomeContiguousWeightsInFloat) {
  Parameters parameters;
  parameters.adopt("w", at::ones({2, 3}, at::kDouble).t(), false);
  EXPECT_EQ(parameters["w"].scalar_type(), at::kFloat);
  EXPECT_TRUE(parameters["w"].is_contiguous());
  EXPECT_TRUE(parameters["w"].is_leaf());
  EXPECT_THROW(parameters.adopt("w", at::ones({1}), true), Error);
}

}  // namespace
}  // namespace w2s
