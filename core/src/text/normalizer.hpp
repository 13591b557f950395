// Normalizers: what happens to a text before it is split.
#pragma once

#include <memory>
#include <string>

#include "text/json_field.hpp"

namespace w2s::text {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  /// Valid UTF-8 to valid UTF-8.
  virtual void apply(std::string& text) const = 0;
};

/// Throws UsageError for an unknown kind or a bad field.
std::unique_ptr<Normalizer> make_normalizer(const JsonField& field, int depth = 0);

}  // namespace w2s::text
