// Presets: [task] preset = "boolq" stands for the keys of a file boolq.toml.
#pragma once

#include <string>
#include <vector>

#include <w2s/value.hpp>

namespace w2s {

/// Puts the preset's keys into root's [task]; keys that stand there already win, and those of [task.split]
/// one by one. A preset is the name of a file NAME.toml in one of `folders`, or a path, which is meant from
/// the file that names it. Throws UsageError with the nearest name for an unknown one.
void apply_preset(Value& root, const std::vector<std::string>& folders);

}  // namespace w2s
