// What becomes of the delimiters when a text is split.
#pragma once

#include "text/json_field.hpp"
#include "text/regex.hpp"

namespace w2s::text {

enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

inline SplitBehavior split_behavior(const JsonField& field) {
  const std::string& name = field.string();
  if (name == "Removed") return SplitBehavior::removed;
  if (name == "Isolated") return SplitBehavior::isolated;
  if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
  if (name == "Contiguous") return SplitBehavior::contiguous;
  const std::vector<std::string> names = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext",
                                          "Contiguous"};
  field.fail(fmt::format("unknown behaviour '{}'{}; known are {}", name, did_you_mean(name, names),
                         one_of_list(names)));
}

/// A part of a text; the parts cover it.
struct Part : Range {
  bool delimiter = false;
};

/// The pieces that the parts make, in order; some may be empty.
inline std::vector<Range> join_parts(const std::vector<Part>& parts, SplitBehavior behavior) {
  std::vector<Range> pieces;
  bool previous = false;
  switch (behavior) {
    case SplitBehavior::removed:
      for (const Part& part : parts) {
        if (!part.delimiter) pieces.push_back(part);
      }
      break;
    case SplitBehavior::isolated:
      pieces.assign(parts.begin(), parts.end());
      break;
    case SplitBehavior::contiguous:
      for (const Part& part : parts) {
        if (part.delimiter == previous && !pieces.empty()) {
          pieces.back().end = part.end;
        } else {
          pieces.push_back(part);
        }
        previous = part.delimiter;
      }
      break;
    case SplitBehavior::merged_with_previous:
      for (const Part& part : parts) {
        if (part.delimiter && !previous && !pieces.empty()) {
          pieces.back().end = part.end;
        } else {
          pieces.push_back(part);
        }
        previous = part.delimiter;
      }
      break;
    case SplitBehavior::merged_with_next:
      for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
        if (part->delimiter && !previous && !pieces.empty()) {
          pieces.back().begin = part->begin;
        } else {
          pieces.push_back(*part);
        }
        previous = part->delimiter;
      }
      pieces = {pieces.rbegin(), pieces.rend()};
      break;
  }
  return pieces;
}

}  // namespace w2s::text
