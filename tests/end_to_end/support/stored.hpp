// What a store holds, read from its files.
#pragma once

#include <map>
#include <string>

namespace w2s::e2e {

/// Digests of all weights and predictions below the folder: "KEY/model.safetensors" → SHA-256.
std::map<std::string, std::string> digests(const std::string& runs);

/// Some fit is saved halfway.
bool has_checkpoint(const std::string& runs);

/// All lines of all jobs' logs.
std::string all_logs(const std::string& runs);

}  // namespace w2s::e2e
