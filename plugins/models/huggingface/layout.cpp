#include "layout.hpp"

#include <algorithm>

namespace w2s::hf {

std::string Layout::bare_name(const std::string& name) const {
  for (std::string part = prefix; !part.empty(); part = part.substr(part.find('.') + 1)) {
    if (name.starts_with(part)) return name.substr(part.size());
  }
  return name;
}

bool Layout::ignores(const std::string& bare) const {
  return std::any_of(ignored_prefixes.begin(), ignored_prefixes.end(),
                     [&](const std::string& start) { return bare.starts_with(start); }) ||
         std::any_of(ignored_suffixes.begin(), ignored_suffixes.end(),
                     [&](const std::string& end) { return bare.ends_with(end); });
}

void Layout::weight(const std::string& name, std::vector<std::int64_t> shape, std::int64_t block) {
  TensorSpec spec;
  spec.name = name;
  spec.shape = std::move(shape);
  spec.block = block;
  tensors.push_back(std::move(spec));
}

void Layout::norm(const std::string& module, std::int64_t size, std::int64_t block, bool bias) {
  weight(module + ".weight", {size}, block);
  if (bias) weight(module + ".bias", {size}, block);
}

void Layout::linear(const std::string& module, std::int64_t in, std::int64_t out, std::int64_t block,
                    bool bias, Map map) {
  weight(module + ".weight", map == Map::transposed ? std::vector{in, out} : std::vector{out, in}, block);
  tensors.back().map = map;
  if (bias) weight(module + ".bias", {out}, block);
}

std::string Layout::output_embedding(bool tied, const std::string& input, const std::string& output,
                                     std::int64_t vocabulary, std::int64_t width, std::int64_t depth) {
  if (tied) {
    ignored_prefixes.push_back(output.substr(0, output.find('.') + 1));
    return prefix + input;
  }
  weight(output, {vocabulary, width}, depth);
  tensors.back().optional = tensors.back().outside = true;
  return output;
}

}  // namespace w2s::hf
