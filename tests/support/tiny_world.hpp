// TinyWorld for tests: the conformance kit's small experiment, made of the plugins that were built.
#pragma once

#include <w2s/plugin.hpp>

#include "check/tiny_world.hpp"
#include "plugins.hpp"

namespace w2s::testing {

using w2s::blobs;
using w2s::examples_of;
using w2s::normals;
using w2s::plugins;
using w2s::Rows;
using TemporaryFolder = ScratchFolder;
using w2s::TinyOptions;

/// One-hot labels, of which a share is moved to a random other class; `flipped` says which.
inline Supervision with_flips(const Examples& examples, std::int64_t classes, double share,
                              std::vector<bool>& flipped) {
  Stream stream(5, "flips");
  Tensor labels = examples.labels().clone();
  flipped.assign(static_cast<std::size_t>(labels.size(0)), false);
  for (std::int64_t i = 0; i < labels.size(0); ++i) {
    if (stream.uniform() >= share) continue;
    labels[i] = (labels[i].item<std::int64_t>() + 1 + stream.below(classes - 1)) % classes;
    flipped[static_cast<std::size_t>(i)] = true;
  }
  return Supervision::soft(examples, at::one_hot(labels, classes).to(at::kFloat));
}

class TinyWorld : public w2s::TinyWorld {
 public:
  TinyWorld(const Rows& rows, std::int64_t classes, Options options = {}, const std::string& store = "")
      : w2s::TinyWorld(plugins(), rows, classes, std::move(options), store) {}
};

}  // namespace w2s::testing
