#include <w2s/neighbors.hpp>

#include <algorithm>
#include <limits>

#include <w2s/error.hpp>

namespace w2s {
namespace {

constexpr std::int64_t kBlock = 1024;
constexpr int kRounds = 100;

// [n, m] squared distances.
Tensor squared_distances(const Tensor& a, const Tensor& b) {
  return (a.pow(2).sum(1, true) + b.pow(2).sum(1).unsqueeze(0)).addmm(a, b.t(), 1, -2).clamp_min(0);
}

}  // namespace

Tensor nearest_neighbors(const Tensor& features, std::int64_t k) {
  at::NoGradGuard no_grad;
  const Tensor x = features.to(at::kFloat);
  const std::int64_t n = x.size(0), count = std::max<std::int64_t>(0, std::min(k, n - 1));
  // Distances are differences of squares: centring keeps their rounding small.
  const Tensor centred = n > 0 ? x - x.mean(0) : x;
  std::vector<Tensor> blocks;
  for (std::int64_t begin = 0; begin < n; begin += kBlock) {
    const std::int64_t size = std::min(kBlock, n - begin);
    Tensor distances = squared_distances(centred.narrow(0, begin, size), centred);
    distances.diagonal(begin).fill_(std::numeric_limits<float>::infinity());
    blocks.push_back(std::get<1>(distances.topk(count, 1, /*largest=*/false)));
  }
  return blocks.empty() ? at::empty({0, 0}, at::kLong) : at::cat(blocks);
}

// Tarjan 1972, with a stack of its own in the place of recursion.
std::vector<std::int64_t> strong_components(const Tensor& near, const Tensor& along) {
  const std::int64_t n = near.size(0), k = near.size(1);
  const auto neighbor = near.accessor<std::int64_t, 2>();
  const auto edge = along.accessor<bool, 2>();
  struct Visit {
    std::int64_t row, next;  // the next of its edges
  };
  std::vector<std::int64_t> seen(static_cast<std::size_t>(n), -1), low(seen), component(seen), open;
  std::vector<Visit> path;
  std::int64_t count = 0;
  for (std::int64_t root = 0; root < n; ++root) {
    if (seen[root] >= 0) continue;
    path.push_back({root, 0});
    while (!path.empty()) {
      const std::int64_t row = path.back().row;
      if (seen[row] < 0) {
        seen[row] = low[row] = count++;
        open.push_back(row);
      }
      std::int64_t& next = path.back().next;
      while (next < k) {
        const std::int64_t to = neighbor[row][next];
        if (edge[row][next] && seen[to] < 0) break;
        if (edge[row][next] && component[to] < 0) low[row] = std::min(low[row], low[to]);
        ++next;
      }
      if (next < k) {
        path.push_back({neighbor[row][next], 0});
        continue;
      }
      if (low[row] == seen[row]) {
        auto begin = open.end();
        std::int64_t name = row;
        do {
          name = std::min(name, *--begin);
        } while (*begin != row);
        for (auto member = begin; member != open.end(); ++member) component[*member] = name;
        open.erase(begin, open.end());
      }
      path.pop_back();
    }
  }
  return component;
}

Tensor nearest_center(const Tensor& features, const Tensor& centers) {
  return squared_distances(features.to(at::kFloat), centers.to(at::kFloat)).argmin(1);
}

Tensor k_means(const Tensor& features, std::int64_t clusters, Stream stream) {
  at::NoGradGuard no_grad;
  const Tensor x = features.to(at::kFloat);
  const std::int64_t n = x.size(0);
  if (clusters < 1 || n < clusters) {
    throw Error("k-means: " + std::to_string(clusters) + " clusters of " + std::to_string(n) + " rows");
  }
  Tensor centers = x.narrow(0, stream.below(n), 1);
  while (centers.size(0) < clusters) {
    const Tensor mass = std::get<0>(squared_distances(x, centers).min(1)).to(at::kDouble).cumsum(0);
    const double drawn = stream.uniform() * mass[n - 1].item<double>();
    const std::int64_t row = std::min(n - 1, mass.le(drawn).sum().item<std::int64_t>());
    centers = at::cat({centers, x.narrow(0, row, 1)});
  }
  Tensor assigned;
  for (int round = 0; round < kRounds; ++round) {
    const Tensor nearest = nearest_center(x, centers);
    if (assigned.defined() && assigned.equal(nearest)) break;
    assigned = nearest;
    const Tensor member = at::one_hot(nearest, clusters).to(at::kFloat);
    const Tensor counts = member.sum(0).unsqueeze(1);
    centers = at::where(counts > 0, member.t().matmul(x) / counts.clamp_min(1), centers);
  }
  return centers;
}

}  // namespace w2s
