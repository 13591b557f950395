// Byte-pair encoding (Sennrich et al. 2016), with SentencePiece's fallback to bytes.
#pragma once

#include <array>

#include "text/flat_map.hpp"
#include "text/token_model.hpp"

namespace w2s::text {

class Bpe final : public TokenModel {
 public:
  explicit Bpe(const JsonField& field);

  void tokenize(std::string_view piece, std::vector<std::int32_t>& ids) const override;
  std::optional<std::int32_t> unknown_id() const override;

  /// From now on pieces are bytes, each of which stands for its character of the byte-level alphabet.
  void take_bytes() { bytes_ = true; }
  /// True where each byte has a token.
  bool has_all_bytes() const;

 private:
  void read_merges(const JsonField& field);
  void add_merge(std::size_t rank, std::string_view left, std::string_view right, const JsonField& merges);
  /// The ids that merging begins with: one a character, less what is unknown.
  std::vector<std::int32_t> symbols(std::string_view piece) const;
  std::int32_t required_unknown_id() const;

  std::optional<std::string> unknown_;
  std::string prefix_, suffix_;  // of tokens within and at the end of a word
  bool fuse_unknown_, byte_fallback_, ignore_merges_;
  bool bytes_ = false;
  FlatMap merges_;                                   // left id << 32 | right id → rank << 32 | merged id
  std::array<std::int32_t, 256> byte_fallback_ids_;  // −1 where there is none
  std::array<std::int32_t, 512>
      character_ids_;  // of the first characters of Unicode, bare; −1 where there is none
};

}  // namespace w2s::text
