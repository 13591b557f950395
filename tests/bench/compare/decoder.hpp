// What several kinds of work share: a GPT-2-style decoder from nothing, and token sequences for it.
#pragma once

#include <nlohmann/json.hpp>

#include <w2s/supervision.hpp>

#include "engine/network.hpp"
#include "plugins/registry.hpp"

namespace w2s {

/// settings: layers, width, heads, positions, vocabulary, attention ("auto" where absent).
std::unique_ptr<IModel> make_decoder(const Registry& registry, const nlohmann::json& settings,
                                     at::Device device);

/// settings["rows"]: lists of token ids.
Encoded encoded_rows(const nlohmann::json& settings);

/// settings["labels"]: a class, 0 or 1, for each row.
Supervision labelled_rows(const nlohmann::json& settings);

}  // namespace w2s
