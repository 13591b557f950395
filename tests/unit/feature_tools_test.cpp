// Nearest neighbours, clusters, mixtures and penalised regression.
#include <w2s/logistic.hpp>
#include <w2s/mixture.hpp>
#include <w2s/neighbors.hpp>

#include <gtest/gtest.h>

#include "../support/tiny_world.hpp"

namespace w2s {
namespace {

TEST(NearestNeighbors, AreThoseOfAFullTableOfDistances) {
  Stream stream(1, "rows");
  const Tensor x =
      testing::normals({1500, 7}, stream) + 100;  // more rows than one block, far from the origin
  const Tensor near = nearest_neighbors(x, 5);
  Tensor distances = at::cdist(x.to(at::kDouble), x.to(at::kDouble));
  distances.diagonal().fill_(1e9);
  const Tensor expected = std::get<0>(distances.topk(5, 1, /*largest=*/false));
  EXPECT_TRUE(at::allclose(distances.gather(1, near), expected, 1e-4, 1e-4));
}

TEST(NearestNeighbors, AreFewerThanAskedForInASmallSet) {
  EXPECT_EQ(nearest_neighbors(at::rand({3, 2}), 50).sizes(), (at::IntArrayRef{3, 2}));
}

TEST(KMeans, FindsSeparateClouds) {
  const testing::Rows rows = testing::blobs(300, 3, 5, 6, 1);
  const Tensor cluster = nearest_center(rows.inputs, k_means(rows.inputs, 3, Stream(1, "k-means")));
  for (std::int64_t c = 0; c < 3; ++c) {
    const Tensor own = cluster.masked_select(rows.labels.eq(c));
    EXPECT_TRUE(own.eq(own[0]).all().item<bool>());
  }
}

TEST(LowerComponent, IsSureOfWellSeparatedValues) {
  Stream stream(2, "values");
  const Tensor low = 0.1 + 0.02 * testing::normals({700}, stream),
               high = 0.7 + 0.1 * testing::normals({300}, stream);
  const Tensor p = lower_component(at::cat({high, low}));
  EXPECT_LT(p.slice(0, 0, 300).max().item<double>(), 0.01);
  EXPECT_GT(p.slice(0, 300).min().item<double>(), 0.99);
}

TEST(LowerComponent, OfEqualValuesIsFinite) {
  EXPECT_TRUE(lower_component(at::zeros({10})).isfinite().all().item<bool>());
}

TEST(L1LogisticRegression, MeetsItsOptimalityConditions) {
  const testing::Rows rows = testing::blobs(200, 3, 8, 0.6, 3);
  const Tensor x = rows.inputs.to(at::kDouble);
  for (const double c : {0.02, 0.3}) {
    const LinearClassifier fit = l1_logistic_regression(rows.inputs, rows.labels, 3, c);
    const Tensor w = fit.weight.to(at::kDouble);
    const Tensor error = (x.matmul(w.t()) + fit.bias).softmax(1) - at::one_hot(rows.labels, 3);
    const Tensor gradient = c * error.t().matmul(x);
    EXPECT_LT((c * error.sum(0)).abs().max().item<double>(), 0.02) << "bias, c = " << c;
    const Tensor used = w.ne(0);
    EXPECT_LT((gradient + w.sign()).masked_select(used).abs().max().item<double>(), 0.02)
        << "used weights, c = " << c;
    EXPECT_LT(gradient.abs().max().item<double>(), 1.02) << "c = " << c;
    if (c < 0.1) {
      EXPECT_GT(w.eq(0).sum().item<std::int64_t>(), 0) << "a strong penalty leaves features out";
    }
  }
}

}  // namespace
}  // namespace w2s
