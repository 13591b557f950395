// What the command line and [sweep] put into an experiment's tree: dotted keys and values.
//
// Each part of a dotted key names a key of a table, or a position in a list
// ("methods.x.strategy.0.keep"). A plugin written as a bare name is opened on
// the way: "methods.x.loss.q" turns loss = "gce" into { type = "gce", q = … }.
#pragma once

#include <string>
#include <vector>

#include <w2s/value.hpp>

namespace w2s {

using KeyPath = std::vector<std::string>;

struct Assignment {
  KeyPath path;
  Value value;
};

/// One dimension of a grid.
struct Axis {
  KeyPath path;
  List values;
  Source source;
};

/// Parts as TOML writes them, quotes included. Throws UsageError at `source`.
KeyPath parse_key_path(const std::string& text, const Source& source);
std::string key_text(const KeyPath& path);
bool overlap(const KeyPath& a, const KeyPath& b);

/// "key=value" after --set. The value is TOML, or else a bare word or path.
Assignment parse_set(const std::string& option);
/// "key=v1,v2" after --sweep.
Axis parse_sweep(const std::string& option);
/// The axes of a [sweep] table.
std::vector<Axis> sweep_axes(const Value& sweep);

enum class Missing {
  create,  // tables on the way are made: what they hold is checked later
  refuse,  // only [train], [task.split] and a model's or method's train may be new
};
/// Throws UsageError at `source` where the path leads through something that holds no keys.
void assign(Value& root, const KeyPath& path, const Value& value, Missing missing, const Source& source);

}  // namespace w2s
