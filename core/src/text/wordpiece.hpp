// WordPiece: the longest token first, from left to right (Schuster and Nakajima 2012; BERT).
#pragma once

#include "text/token_model.hpp"

namespace w2s::text {

class WordPiece final : public TokenModel {
 public:
  explicit WordPiece(const JsonField& field);
  /// A word that has no such cover, or too many characters, is one unknown token.
  void tokenize(std::string_view piece, std::vector<std::int32_t>& ids) const override;
  std::optional<std::int32_t> unknown_id() const override { return vocabulary_.id(unknown_); }

 private:
  std::string unknown_, prefix_;
  std::size_t max_characters_;
  std::size_t longest_ = 0;  // token, in bytes
};

}  // namespace w2s::text
