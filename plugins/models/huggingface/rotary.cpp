#include "rotary.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace w2s::hf {
namespace {

constexpr std::int64_t kLargestHead = 65536;

double positive(const Config& rope, const char* key) {
  const double value = rope.real({key});
  if (value <= 0) rope.fail("'" + std::string(key) + "' must be above 0");
  return value;
}

// Llama 3.1: wavelengths beyond the low bound are stretched by `factor`, those below the high bound are kept,
// and those between are blended.
float llama3(float frequency, const Config& rope) {
  const double factor = positive(rope, "factor"), low = positive(rope, "low_freq_factor");
  const double high = positive(rope, "high_freq_factor");
  const double context = positive(rope, "original_max_position_embeddings");
  if (high <= low) rope.fail("'high_freq_factor' must be above 'low_freq_factor'");
  const double wavelength = 2 * std::numbers::pi / frequency;
  if (wavelength < context / high) return frequency;
  if (wavelength > context / low) return static_cast<float>(frequency / factor);
  const double smooth = (context / wavelength - low) / (high - low);
  return static_cast<float>((1 - smooth) * frequency / factor + smooth * frequency);
}

}  // namespace

Rotary::Rotary(const Config& config, std::int64_t head_size, double partial_default) {
  const bool modern = config.find("rope_parameters") != nullptr;
  const Config rope = config.nested(modern ? "rope_parameters" : "rope_scaling");
  const Config& base = modern && rope.find("rope_theta") ? rope : config;
  const Config& part = modern && rope.find("partial_rotary_factor") ? rope : config;
  make(config, rope, base.real({"rope_theta", "rotary_emb_base"}, 10000.0),
       part.real({"partial_rotary_factor", "rotary_pct"}, partial_default), head_size);
}

Rotary::Rotary(const Config& config, std::int64_t head_size, const char* type, const char* theta_key,
               double theta, bool scaled) {
  const Config modern = config.nested("rope_parameters").nested(type);
  const Config rope = modern.table().empty() && scaled ? config.nested("rope_scaling") : modern;
  make(config, rope, modern.real({"rope_theta"}, config.real({theta_key}, theta)), 1.0, head_size);
}

void Rotary::make(const Config& config, const Config& rope, double theta, double share,
                  std::int64_t head_size) {
  std::string kind = rope.text({"rope_type", "type"}, "default");
  if (kind == "su") kind = "longrope";
  const std::vector<std::string> kinds = {"default", "linear", "llama3", "longrope"};
  if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
    rope.fail("rope scaling '" + kind + "' is not supported" + did_you_mean(kind, kinds) + "; expected " +
              one_of_list(kinds));
  }
  if (theta <= 0) config.fail("'rope_theta' must be above 0");
  if (head_size > kLargestHead || share <= 0 || share > 1) {
    config.fail("rotary embedding of a share of " + std::to_string(share) + " of heads of size " +
                std::to_string(head_size) + ": expected a share in (0, 1] and heads of at most " +
                std::to_string(kLargestHead));
  }
  size_ = static_cast<std::int64_t>(static_cast<double>(head_size) * share);
  if (size_ < 2 || size_ % 2 != 0) {
    config.fail("rotary embedding of " + std::to_string(size_) + " numbers of a head of " +
                std::to_string(head_size) + ": expected an even number");
  }
  for (std::int64_t i = 0; i < size_; i += 2) {
    const float exponent = static_cast<float>(i) / static_cast<float>(size_);
    float frequency = 1.0F / std::pow(static_cast<float>(theta), exponent);
    if (kind == "linear") frequency = static_cast<float>(frequency / positive(rope, "factor"));
    if (kind == "llama3") frequency = llama3(frequency, rope);
    frequencies_.push_back(frequency);
  }
  if (kind == "longrope") stretch(config, rope);
}

// Each frequency is divided by its own factor, one list for rows within the original context and one for
// longer ones, which are not served; angles' cosines and sines grow with the stretching.
void Rotary::stretch(const Config& config, const Config& rope) {
  const Config& original = rope.find("original_max_position_embeddings") ? rope : config;
  limit_ = original.size({"original_max_position_embeddings"});
  const Value* factors = rope.find("short_factor");
  if (!factors || !factors->is_list() || factors->as_list().size() != frequencies_.size())
    rope.fail("'short_factor': expected a list of " + std::to_string(frequencies_.size()) + " numbers");
  for (std::size_t i = 0; i < frequencies_.size(); ++i) {
    const Value& factor = factors->as_list()[i];
    if (!factor.is_number() || !(factor.as_real() > 0))
      rope.fail("'short_factor': expected numbers above 0, found " + factor.canonical());
    frequencies_[i] = static_cast<float>(frequencies_[i] / factor.as_real());
  }
  const auto context = static_cast<double>(limit_);
  const double ratio = static_cast<double>(config.size({"max_position_embeddings"})) / context;
  const double factor = rope.real({"factor"}, ratio);
  length_ = rope.real({"attention_factor"},
                      factor <= 1 ? 1.0 : std::sqrt(1 + std::log(factor) / std::log(context)));
}

Rotary::Angles Rotary::angles(const Tensor& positions) const {
  Tensor frequencies = at::empty({static_cast<std::int64_t>(frequencies_.size())}, at::kFloat);
  std::copy(frequencies_.begin(), frequencies_.end(), frequencies.data_ptr<float>());
  const Tensor angle = positions.to(at::kFloat).view({positions.size(0), 1, positions.size(1), 1}) *
                       frequencies.to(positions.device());
  if (length_ == 1) return {at::cos(angle), at::sin(angle)};
  return {at::cos(angle) * length_, at::sin(angle) * length_};
}

Tensor Rotary::turn(const Tensor& x, const Angles& angles) const {
  const std::int64_t half = size_ / 2;
  const Tensor cos = angles.cos.to(x.scalar_type()), sin = angles.sin.to(x.scalar_type());
  const Tensor first = x.narrow(3, 0, half), second = x.narrow(3, half, half);
  std::vector<Tensor> parts = {first * cos - second * sin, second * cos + first * sin};
  if (size_ < x.size(3)) parts.push_back(x.narrow(3, size_, x.size(3) - size_));
  return at::cat(parts, 3);
}

}  // namespace w2s::hf
