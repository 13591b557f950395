// LoRA (Hu et al. 2022): low-rank updates beside frozen linear maps.
#pragma once

#include <w2s/model.hpp>

#include "layout.hpp"

namespace w2s::hf {

struct LoraParams {
  std::int64_t rank = 8;
  double alpha = 16.0;
  std::vector<std::string> targets;
};

void describe_lora(Schema<LoraParams>& schema);

/// Adds <module>.lora_a [rank, in], uniform in ±1/√in, and <module>.lora_b [out, rank], zeros, for each
/// linear map of the blocks that `targets` names by its last part ("q_proj"); no targets: all. Throws
/// UsageError for a target that is none, with the nearest.
void add_lora(Parameters& parameters, const Layout& layout, const LoraParams& lora, const Stream& stream);

}  // namespace w2s::hf
