// Decoders: tokens back to text.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/json_field.hpp"

namespace w2s::text {

class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Rewrites the tokens; joined end to end they are the text.
  virtual void apply(std::vector<std::string>& tokens) const = 0;
};

/// Throws UsageError for an unknown kind or a bad field.
std::unique_ptr<Decoder> make_decoder(const JsonField& field, int depth = 0);

}  // namespace w2s::text
