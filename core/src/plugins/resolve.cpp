#include "plugins/resolve.hpp"

#include <w2s/digest.hpp>

namespace w2s {

Spec resolve(const Registry& registry, PluginKind kind, const Spec& spec) {
  return {spec.type, registry.resolved(kind, spec), spec.source};
}

std::string spec_digest(const Registry& registry, PluginKind kind, const Spec& spec) {
  Digest sha;
  sha.add(name_of(kind)).add(resolve(registry, kind, spec).value().canonical());
  for (const auto& [id, digest] : registry.digests(kind, spec)) sha.add(id).add(digest);
  return sha.hex();
}

}  // namespace w2s
