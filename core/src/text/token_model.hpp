// TokenModel: pieces of text to token ids.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "text/vocabulary.hpp"

namespace w2s::text {

class TokenModel {
 public:
  virtual ~TokenModel() = default;
  /// Appends the ids of one piece. Throws Error where the piece is unknown and there is no unknown token.
  virtual void tokenize(std::string_view piece, std::vector<std::int32_t>& ids) const = 0;
  /// The token for what is unknown, where the model has one.
  virtual std::optional<std::int32_t> unknown_id() const = 0;
  const Vocabulary& vocabulary() const { return vocabulary_; }

 protected:
  Vocabulary vocabulary_;
};

/// By "type"; files from before it was written are told apart by their fields. Throws UsageError.
std::unique_ptr<TokenModel> make_token_model(const JsonField& field);

/// The token of a byte in models that fall back to bytes: "<0x0A>".
std::string byte_token(unsigned char byte);

}  // namespace w2s::text
