// Geometry of feature vectors: nearest neighbours and clusters, by Euclidean distance.
// Every function may be called from any thread.
#pragma once

#include <vector>

#include <w2s/random.hpp>
#include <w2s/tensor.hpp>

namespace w2s {

/// The k nearest other rows of each row, nearest first: int64 [N, min(k, N − 1)] for features [N, D].
/// Computed in blocks: memory grows with N, not with N².
W2S_API Tensor nearest_neighbors(const Tensor& features, std::int64_t k);

/// Strongly connected components of the directed graph whose edges run from row i to near[i][j] where
/// along[i][j]: for each row the smallest row of its component. int64, bool [N, k]
W2S_API std::vector<std::int64_t> strong_components(const Tensor& near, const Tensor& along);

/// Centres [clusters, D] of Lloyd's algorithm from k-means++ seeds (Arthur & Vassilvitskii 2007).
W2S_API Tensor k_means(const Tensor& features, std::int64_t clusters, Stream stream);

/// The nearest centre of each row, int64 [N].
W2S_API Tensor nearest_center(const Tensor& features, const Tensor& centers);

}  // namespace w2s
