// Stamps: what a plugin was built with, read from the file before any of its code runs.
#pragma once

#include <string>

#include "plugins/fields.hpp"

namespace w2s {

/// The stamp of a shared object, from its section .w2s_stamp.
/// Throws UsageError where the file is missing, no ELF file, damaged, or carries no stamp.
Fields read_stamp(const std::string& path);

/// What this core was built with.
const Fields& host_stamp();

/// Throws UsageError naming every field in which the two differ, both values and the command that rebuilds.
void check_stamp(const std::string& path, const Fields& stamp, const Fields& host = host_stamp());

}  // namespace w2s
