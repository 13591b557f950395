// The last encodings of a process: fits, floors and predictions on the same rows tokenise them once.
#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <utility>

#include <w2s/model.hpp>

namespace w2s::hf {

class EncodeCache {
 public:
  /// The encoding under `key`, from `encode` where it is not there. `key` names all that decides it. Keeps
  /// the most recent, at most 64 M tokens. For several threads at once.
  Encoded get(const std::string& key, const std::function<Encoded()>& encode);

 private:
  std::mutex mutex_;
  std::list<std::pair<std::string, Encoded>> recent_;  // the last used first
};

}  // namespace w2s::hf
