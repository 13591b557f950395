// Safetensors files: memory-mapped reading, atomic writing.
//
// Format: 8 bytes little-endian header length, a JSON header
// {name: {dtype, shape, data_offsets: [begin, end]}, "__metadata__": {…}}, data.
// Every length, offset and type is checked before a byte is used; overlaps,
// holes, truncation and trailing bytes are errors.
// A file that is open may be read by several threads.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <w2s/tensor.hpp>

namespace w2s {

class W2S_API SafeTensors {
 public:
  /// Maps the file; throws Error("<path>: …") where it is not well formed.
  static SafeTensors open(const std::string& path);

  std::vector<std::string> names() const;  ///< in file order
  bool has(const std::string& name) const;
  /// A read-only view of the mapping, which it keeps alive; clone it before writing to it.
  /// Unaligned tensors are copied. Throws Error naming the tensor and the nearest name.
  Tensor at(const std::string& name) const;
  /// The tensor in this type, to be written to: neither the file nor another tensor changes. Where the type
  /// is the file's, pages are copied when they are first written. Until then a file that is overwritten in
  /// place, not replaced, shows through, as it does in at().
  Tensor load(const std::string& name, at::ScalarType type) const;
  std::vector<std::int64_t> shape(const std::string& name) const;
  const std::map<std::string, std::string>& metadata() const;
  const std::string& path() const;

 private:
  struct File;
  std::shared_ptr<const File> file_;
};

/// Writes to a temporary file beside `path`, syncs it and renames it. Tensors may be
/// bool, uint8, int8/16/32/64, float16, bfloat16, float32 or float64, on any device.
W2S_API void save_safetensors(const std::string& path, const std::map<std::string, Tensor>& tensors,
                              const std::map<std::string, std::string>& metadata = {});

}  // namespace w2s
