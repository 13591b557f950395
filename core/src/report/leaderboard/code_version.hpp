// What stands behind a record's names: the digest of its code, and what can change a number though the
// recipe is the same.
#pragma once

#include <string>
#include <string_view>

#include "results/record.hpp"

namespace w2s {

/// provenance["code"], the digest of method, training settings and plugins; "" of a record without one and
/// of no record.
const std::string& code_of(const Record* record);

/// LibTorch and the kind of device ("cuda" of "cuda:0"). Views into the record.
struct Platform {
  std::string_view torch, device;
  bool operator==(const Platform&) const = default;
};

Platform platform_of(const Record& record);

/// As much of a digest as a reader is shown.
std::string short_digest(const std::string& digest);

}  // namespace w2s
