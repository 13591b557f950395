#include <w2s/random.hpp>

#include <cmath>
#include <numeric>
#include <sstream>

#include <ATen/CPUGeneratorImpl.h>

#include <w2s/digest.hpp>
#include <w2s/error.hpp>

namespace w2s {

Stream::Stream(std::uint64_t seed, std::string_view purpose) {
  Digest digest;
  seed_ = digest.add("w2s stream").add(static_cast<std::int64_t>(seed)).add(purpose).word();
  engine_.seed(seed_);
}

double Stream::uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }

double Stream::normal() {
  // Box–Muller; one value a call, so that the number of draws does not depend on history.
  const double u = 1.0 - uniform();
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * M_PI * uniform());
}

double Stream::gamma(double shape) {
  if (!(shape > 0)) throw Error("gamma: the shape must be positive");
  if (shape < 1) return gamma(shape + 1) * std::pow(1.0 - uniform(), 1.0 / shape);
  // Marsaglia & Tsang 2000.
  const double d = shape - 1.0 / 3.0, c = 1.0 / std::sqrt(9.0 * d);
  while (true) {
    const double x = normal(), t = 1.0 + c * x;
    if (t <= 0) continue;
    const double v = t * t * t;
    if (std::log(1.0 - uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

double Stream::beta(double a, double b) {
  const double x = gamma(a), y = gamma(b);
  // Tiny shapes draw numbers below the smallest double: the law is then that of a coin.
  if (x + y == 0) return uniform() * (a + b) < a ? 1 : 0;
  return x / (x + y);
}

std::int64_t Stream::below(std::int64_t n) {
  if (n < 1) throw Error("below: n must be at least 1");
  const auto range = static_cast<std::uint64_t>(n);
  const std::uint64_t limit = range * (UINT64_MAX / range);
  std::uint64_t draw = bits();
  while (draw >= limit) draw = bits();
  return static_cast<std::int64_t>(draw % range);
}

std::vector<std::int64_t> Stream::permutation(std::int64_t n) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t i = n - 1; i > 0; --i) {
    std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(below(i + 1))]);
  }
  return order;
}

at::Generator Stream::generator() { return at::detail::createCPUGenerator(bits()); }

Stream Stream::child(std::string_view purpose) const { return Stream(seed_, purpose); }

std::string Stream::save() const {
  std::ostringstream out;
  out << seed_ << ' ' << engine_;
  return out.str();
}

void Stream::restore(const std::string& state) {
  std::istringstream in(state);
  in >> seed_ >> engine_;
  if (!in) throw Error("a random stream's saved state is damaged");
}

}  // namespace w2s
