#include "text/byte_level_json.hpp"

namespace w2s::text {

std::string byte_level_json(nlohmann::json vocabulary, nlohmann::json merges,
                            const std::vector<std::string>& specials) {
  using nlohmann::json;
  const auto byte_level = [](bool trim_offsets) {
    return json{{"type", "ByteLevel"},
                {"add_prefix_space", false},
                {"trim_offsets", trim_offsets},
                {"use_regex", true}};
  };
  json added = json::array();
  for (const std::string& content : specials) {
    added.push_back({{"id", vocabulary.at(content)},
                     {"content", content},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  json model = {{"type", "BPE"},
                {"dropout", nullptr},
                {"unk_token", nullptr},
                {"continuing_subword_prefix", nullptr},
                {"end_of_word_suffix", nullptr},
                {"fuse_unk", false},
                {"byte_fallback", false},
                {"ignore_merges", false}};
  model["vocab"] = std::move(vocabulary);
  model["merges"] = std::move(merges);
  json file = {{"version", "1.0"},
               {"truncation", nullptr},
               {"padding", nullptr},
               {"normalizer", nullptr},
               {"pre_tokenizer", byte_level(true)},
               {"post_processor", byte_level(false)},
               {"decoder", byte_level(true)}};
  file["added_tokens"] = std::move(added);
  file["model"] = std::move(model);
  return file.dump();
}

}  // namespace w2s::text
