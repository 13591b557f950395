#include "plan/remarks.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace w2s {
namespace {

// Rows from which a quantile or a mean of them says something of the others.
constexpr std::int64_t kFewRows = 8;

// The smallest batch in which students of this method are fitted.
std::int64_t smallest_batch(const Experiment& experiment, const MethodSpec& method) {
  std::int64_t smallest = TrainParams().batch;
  bool first = true;
  for (const Pair& pair : experiment.pairs) {
    const Table train = merge(merge(experiment.train, experiment.model(pair.strong).train), method.train);
    const std::int64_t batch = parse_train(train, "train").batch;
    smallest = first ? batch : std::min(smallest, batch);
    first = false;
  }
  return smallest;
}

}  // namespace

std::vector<std::string> remarks(const Experiment& experiment, const Registry& registry) {
  std::vector<std::string> found;
  for (const MethodSpec& method : experiment.methods) {
    if (method.loss.empty() || !registry.schema(PluginKind::loss, method.loss.type)->batch_statistics())
      continue;
    const std::int64_t batch = smallest_batch(experiment, method);
    if (batch >= kFewRows) continue;
    found.push_back(
        fmt::format("method '{}': loss '{}' takes statistics of the batch, and batches are of {} row{}: with "
                    "fewer than {} they "
                    "say little",
                    method.name, method.loss.type, batch, batch == 1 ? "" : "s", kFewRows));
  }
  return found;
}

}  // namespace w2s
