#include "lora.hpp"

#include <algorithm>
#include <set>

#include <w2s/init.hpp>

namespace w2s::hf {
namespace {

std::string module_of(const std::string& weight) { return weight.substr(0, weight.rfind('.')); }
std::string last_part(const std::string& module) { return module.substr(module.rfind('.') + 1); }

}  // namespace

void describe_lora(Schema<LoraParams>& schema) {
  schema.summary("Low-rank updates beside frozen linear maps").source("Hu et al. 2022");
  schema.field("rank", &LoraParams::rank, "rank r of an update").at_least(1);
  schema.field("alpha", &LoraParams::alpha, "updates are scaled by alpha / rank").above(0);
  schema.field("targets", &LoraParams::targets,
               "names of linear maps, such as \"q_proj\"; empty: all in the blocks");
}

void add_lora(Parameters& parameters, const Layout& layout, const LoraParams& lora, const Stream& stream) {
  std::set<std::string> known;
  for (const TensorSpec& tensor : layout.tensors) {
    if (tensor.map != Map::none) known.insert(last_part(module_of(tensor.name)));
  }
  if (known.empty()) throw UsageError("lora: this architecture has no linear maps in its blocks");
  const std::vector<std::string> names(known.begin(), known.end());
  for (const std::string& target : lora.targets) {
    if (known.count(target)) continue;
    throw UsageError("lora: there is no linear map '" + target + "'" + did_you_mean(target, names) +
                     "; there are " + one_of_list(names));
  }
  for (const TensorSpec& tensor : layout.tensors) {
    if (tensor.map == Map::none) continue;
    const std::string module = module_of(layout.full_name(tensor)), name = last_part(module);
    if (!lora.targets.empty() &&
        std::find(lora.targets.begin(), lora.targets.end(), name) == lora.targets.end()) {
      continue;
    }
    const std::int64_t in = tensor.shape[tensor.map == Map::transposed ? 0 : 1];
    const std::int64_t out = tensor.shape[tensor.map == Map::transposed ? 1 : 0];
    Stream own = stream.child(module);
    parameters.add(module + ".lora_a", uniform_weights(own, {lora.rank, in}, fan_in_bound({lora.rank, in})));
    parameters.add(module + ".lora_b", at::zeros({out, lora.rank}));
  }
}

}  // namespace w2s::hf
