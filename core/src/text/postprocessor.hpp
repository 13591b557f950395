// Post-processors: which special tokens go around the ids of one text or two.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "text/json_field.hpp"

namespace w2s::text {

/// The ids of each sequence; a step may split them into more.
using Sequences = std::vector<std::vector<std::int32_t>>;

class PostProcessor {
 public:
  virtual ~PostProcessor() = default;
  /// One or two sequences. Without special tokens only their order may change.
  virtual void apply(Sequences& sequences, bool add_special_tokens) const = 0;
  /// Of the special tokens; −1 where it adds none.
  virtual std::int64_t largest_id() const { return -1; }
};

/// Throws UsageError for an unknown kind or a bad field.
std::unique_ptr<PostProcessor> make_postprocessor(const JsonField& field, int depth = 0);

}  // namespace w2s::text
