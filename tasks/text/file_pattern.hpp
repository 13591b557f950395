// Data files by name or pattern: "train.csv", "data/train-*", "**/train*".
//
// A pattern has *, ? or [ ]; they do not reach across folders, but a leading **/ stands for any folders, none
// included. Patterns match the files whose names tell a format of records (see <w2s/records.hpp>).
#pragma once

#include <string>
#include <vector>

namespace w2s::text {

/// Paths within `folder`, relative to it: each name as it is, each pattern as the sorted files that it
/// matches. `any_format`: patterns match files of every name. A folder that does not exist gives the names as
/// they are. Throws UsageError where the patterns together match nothing, or files of different formats.
std::vector<std::string> find_files(const std::string& folder, const std::vector<std::string>& names,
                                    bool any_format);

}  // namespace w2s::text
