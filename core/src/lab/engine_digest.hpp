// Digest of the sources that numbers depend on (SDK headers, data, engine, lab):
// part of every key, so that no edit of the engine reads a stale result.
#pragma once

#include <string>

namespace w2s {

const std::string& engine_digest();

}  // namespace w2s
