// Answer bits: which test examples a record's model got right, as the index keeps them.
//
// A record's folder has "<test>.correct", a byte (0 or 1) per example of each test set. The index has all
// of them in one string, eight examples a byte, so that a leaderboard opens no file of a record:
// for each test set in turn u32 length of its name, the name, u64 examples, and the bits, low bit first.
// Integers are little-endian.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace w2s {

/// "<test>.correct"
std::string correctness_file(std::string_view test);

/// Of bytes 0 and 1, one an example, by test set. Throws Error for other bytes.
std::string answer_bits(const std::map<std::string, std::string>& correct);

/// Of the files that a manifest lists, from the object's folder. Throws Error where one cannot be read or
/// is not 0s and 1s.
std::string read_answer_bits(const nlohmann::json& manifest, const std::string& folder);

/// 0/1 per example of one test set; empty where the bits have none of it. Throws Error where they are cut
/// off.
std::vector<std::uint8_t> correct_answers(std::string_view bits, std::string_view test);

}  // namespace w2s
