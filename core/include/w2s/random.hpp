// Random streams. Each use draws from its own stream, derived from a seed and a
// purpose, so that adding a draw in one place changes nothing elsewhere.
// The integers and permutations do not depend on the LibTorch version.
// A Stream has one owner: threads that draw get one each, from child().
#pragma once

#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include <w2s/tensor.hpp>

namespace w2s {

class W2S_API Stream {
 public:
  Stream(std::uint64_t seed, std::string_view purpose);

  std::uint64_t bits() { return engine_(); }
  /// Uniform in [0, 1) with 53 bits.
  double uniform();
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Standard normal.
  double normal();
  /// Gamma(shape, 1) and Beta(a, b); shapes > 0.
  double gamma(double shape);
  double beta(double a, double b);
  /// Uniform in {0, …, n − 1}; n ≥ 1.
  std::int64_t below(std::int64_t n);
  /// A permutation of 0 … n − 1.
  std::vector<std::int64_t> permutation(std::int64_t n);
  /// A LibTorch generator seeded from this stream (CPU).
  at::Generator generator();
  /// A sub-stream for another purpose; does not advance this one.
  Stream child(std::string_view purpose) const;

  /// The state as text, and back: for checkpoints.
  std::string save() const;
  void restore(const std::string& state);

 private:
  std::mt19937_64 engine_;
  std::uint64_t seed_;
};

}  // namespace w2s
