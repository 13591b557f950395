// The unigram language model (Kudo 2018): the most probable way to cut a text into tokens.
#pragma once

#include <array>

#include "text/byte_trie.hpp"
#include "text/token_model.hpp"

namespace w2s::text {

class Unigram final : public TokenModel {
 public:
  explicit Unigram(const JsonField& field);
  /// Viterbi search. An unknown character costs 10 more than the worst token; neighbours are one unknown
  /// token, or their bytes where the vocabulary has them.
  void tokenize(std::string_view piece, std::vector<std::int32_t>& ids) const override;
  std::optional<std::int32_t> unknown_id() const override { return unknown_; }

 private:
  void append(std::string_view token, std::vector<std::int32_t>& ids) const;

  std::vector<double> scores_;  // by id
  ByteTrie trie_;
  std::optional<std::int32_t> unknown_;
  double unknown_score_ = 0;
  bool byte_fallback_;
  std::array<std::int32_t, 256> byte_ids_;  // −1 where there is none
};

}  // namespace w2s::text
