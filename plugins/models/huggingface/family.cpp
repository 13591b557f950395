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

std::int64_t block_count(const Config& config, std::initializer_list<const char*> keys) {
  const std::int64_t blocks = config.size(keys);
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

Tensor output_logits(const Family& family, const Weights& weights, const Tensor& hidden) {
  if (family.kind() != Family::Kind::decoder) {
    throw UsageError("this model is not a causal language model: it has no vocabulary logits");
  }
  const std::string name = family.output_embedding();
  if (!weights.has_full_name(name)) throw UsageError("the checkpoint has no output embedding '" + name + "'");
  const Tensor& embedding = weights.at_full_name(name);
  return at::linear(hidden.to(embedding.scalar_type()), embedding);
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

Mask encoder_mask(const Inputs& in) {
  if (!in.sequences) return padding_mask(in.attention, in.real);
  Mask mask;
  mask.sequences = in.sequences;
  return mask;
}

}  // namespace w2s::hf
