// Checkpoint: the safetensors files of a model folder, single or sharded.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <w2s/safetensors.hpp>

#include "layout.hpp"

namespace w2s::hf {

/// The weight files of a folder: model.safetensors, or the shards that
/// model.safetensors.index.json names. Throws UsageError where there are none,
/// Error where a shard is missing or the index is not one.
std::vector<std::string> weight_files(const std::string& folder);

class Checkpoint {
 public:
  /// Maps the files and checks them against the layout: every tensor there (unless optional), of the expected
  /// shape and of a floating type, none that is neither expected nor ignored. Throws Error naming the tensor,
  /// what was expected and what was found.
  Checkpoint(const std::string& folder, const Layout& layout);

  bool has(const TensorSpec& tensor) const { return found_.count(tensor.name) != 0; }
  /// A copy in memory of its own, of this type.
  Tensor load(const TensorSpec& tensor, at::ScalarType type) const;

 private:
  struct Place {
    std::size_t file;
    std::string name;  // in the file
  };
  void locate(const Layout& layout);
  void check(const Layout& layout) const;

  std::string folder_;
  std::vector<SafeTensors> files_;
  std::map<std::string, Place> found_;  // by bare name
};

}  // namespace w2s::hf
