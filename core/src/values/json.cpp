#include <w2s/json.hpp>

#include <w2s/data_file.hpp>

#include "base/files.hpp"
#include "values/toml.hpp"

namespace w2s {

Value read_json(const std::string& path) { return parse_json(read_data_file(path), path); }

void save_json(const std::string& path, const Value& value) {
  write_file_atomically(path, write_json(value, 2) + "\n");
}

}  // namespace w2s
