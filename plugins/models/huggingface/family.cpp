#include "family.hpp"

namespace w2s::hf {

Tensor Family::pooled(const Weights&, const Tensor&, std::int64_t) const {
  throw Error("only image models pool their features");
}

void Family::check_image(const std::vector<std::int64_t>&) const {
  throw UsageError("this model reads text, but the task's examples are dense");
}

constinit const FamilyLink* FamilyLink::first_ = nullptr;

std::map<std::string, FamilyLink::Make> FamilyLink::all() {
  std::map<std::string, FamilyLink::Make> families;
  for (const FamilyLink* link = first_; link != nullptr; link = link->next_) {
    for (const char* type : link->types_) {
      if (!families.emplace(type, link->make_).second)
        throw Error(std::string("two families read the model_type '") + type + "'");
    }
  }
  return families;
}

std::vector<std::string> model_types() {
  std::vector<std::string> types;
  for (const auto& [type, make] : FamilyLink::all()) types.push_back(type);
  return types;
}

std::unique_ptr<Family> make_family(const Config& config) {
  const std::string type = config.text({"model_type"});
  const auto families = FamilyLink::all();
  const auto family = families.find(type);
  if (family == families.end()) {
    const std::vector<std::string> types = model_types();
    config.fail("unknown model_type '" + type + "'" + did_you_mean(type, types) + "; expected " +
                one_of_list(types));
  }
  return family->second(config);
}

std::int64_t block_count(const Config& config, std::initializer_list<const char*> keys,
                         std::optional<std::int64_t> fallback) {
  const std::int64_t blocks = config.size(keys, fallback);
  if (blocks > 4096)
    config.fail("'" + std::string(*keys.begin()) + "' = " + std::to_string(blocks) +
                ": expected at most 4096 layers");
  return blocks;
}

void check_heads(const Config& config, std::int64_t width, std::int64_t heads) {
  if (width % heads != 0) {
    config.fail("a width of " + std::to_string(width) + " does not divide into " + std::to_string(heads) +
                " heads");
  }
}

std::int64_t key_value_heads(const Config& config, std::int64_t heads, std::int64_t fallback) {
  const std::int64_t key_heads = config.size({"num_key_value_heads"}, fallback);
  if (heads % key_heads != 0) {
    config.fail(std::to_string(heads) + " query heads do not divide into " + std::to_string(key_heads) +
                " key-value heads");
  }
  return key_heads;
}

Tensor output_logits(const Family& family, const Weights& weights, const Tensor& hidden) {
  if (family.kind() != Family::Kind::decoder) {
    throw UsageError("this model is not a causal language model: it has no vocabulary logits");
  }
  const std::string name = family.output_embedding();
  if (!weights.has_full_name(name)) throw UsageError("the checkpoint has no output embedding '" + name + "'");
  const Tensor& embedding = weights.at_full_name(name);
  return family.capped_logits(at::linear(hidden.to(embedding.scalar_type()), embedding));
}

Tensor token_positions(const Inputs& in) {
  if (in.positions.defined()) return in.positions;
  return at::arange(in.x.size(1), in.x.options().dtype(at::kLong)).unsqueeze(0);
}

Mask decoder_mask(const Inputs& in, std::int64_t window) {
  if (in.sequences) {
    Mask mask;
    mask.causal = true;
    mask.sequences = in.sequences;
    mask.window = window;
    return mask;
  }
  if (in.positions.defined()) return cached_mask(in.attention, in.positions, in.cache->used(), window);
  return causal_mask(in.attention, in.x.size(1), window, in.x);
}

Mask encoder_mask(const Inputs& in, std::int64_t window) {
  if (in.sequences) {
    Mask mask;
    mask.sequences = in.sequences;
    mask.window = window;
    return mask;
  }
  const std::int64_t length = in.x.size(1);
  if (window > 0 && window < length) return near_mask(in.attention, length, window, in.real, in.x);
  return padding_mask(in.attention, in.real);
}

Tensor counted_positions(const Inputs& in, std::int64_t padding) {
  Tensor counted = in.x.ne(padding);
  if (in.real.defined()) counted = counted.logical_and(in.real);
  Tensor before = counted.cumsum(1);
  if (in.sequences) {
    const Offsets& offsets = *in.sequences;
    std::vector<std::int64_t> first;  // the place of each token's first neighbour
    for (std::size_t i = 0; i + 1 < offsets.size(); ++i)
      first.insert(first.end(), static_cast<std::size_t>(offsets[i + 1] - offsets[i]), offsets[i]);
    const Tensor start = at::tensor(first, before.options());
    before = before - (before - counted.to(at::kLong)).index_select(1, start);
  }
  return before * counted + padding;
}

Tensor grid_positions(const Tensor& stored, std::int64_t extra, std::int64_t side, std::int64_t height,
                      std::int64_t width) {
  if (height == side && width == side) return stored;
  const std::int64_t size = stored.size(2);
  const Tensor grid = stored.narrow(1, extra, side * side).view({1, side, side, size}).permute({0, 3, 1, 2});
  const Tensor resized =
      at::upsample_bicubic2d(grid.to(at::kFloat), {height, width}, /*align_corners=*/false);
  const Tensor patches = resized.flatten(2).transpose(1, 2).to(stored.scalar_type());
  return extra == 0 ? patches : at::cat({stored.narrow(1, 0, extra), patches}, 1);
}

std::vector<bool> sliding_blocks(const Config& config, std::int64_t depth) {
  std::vector<bool> sliding;
  const Value* types = config.find("layer_types");
  if (!types) return sliding;
  if (!types->is_list() || types->as_list().size() != static_cast<std::size_t>(depth)) {
    config.fail("'layer_types': expected a list with one entry per layer");
  }
  for (const Value& type : types->as_list()) {
    sliding.push_back(type == Value("sliding_attention"));
    if (!sliding.back() && !(type == Value("full_attention")))
      config.fail("'layer_types': unknown type " + type.canonical());
  }
  return sliding;
}

}  // namespace w2s::hf
