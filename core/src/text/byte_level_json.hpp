// The tokenizer.json of a byte-level BPE tokenizer, as GPT-2's is written.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace w2s::text {

/// `vocabulary`: {"token": id}; `merges`: [["left", "right"], …]; `specials` must be in the vocabulary.
std::string byte_level_json(nlohmann::json vocabulary, nlohmann::json merges,
                            const std::vector<std::string>& specials);

}  // namespace w2s::text
