// TOML and JSON text to Value and back. The only place that includes TOML++.
#pragma once

#include <string>

#include <w2s/value.hpp>

namespace w2s {

/// Throws UsageError "<name>:<line>:<column>: …" for text that is not TOML.
Value parse_toml(const std::string& text, const std::string& name);
/// A key of a table has the place of the key, an element of a list its own.
Value parse_toml_file(const std::string& path);
/// A document: nested tables as [headers], deterministic, keys in order.
std::string write_toml(const Table& table);

/// Throws Error naming `name` for text that is not JSON, or repeats a key. Depth is limited to 128.
Value parse_json(const std::string& text, const std::string& name);
/// NaN and infinities become null.
std::string write_json(const Value& value, int indent = -1);

}  // namespace w2s
