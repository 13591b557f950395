// Linear probes on cached features: every loss with every seed, through the loop that trains the probes of a
// sweep.
#include <cmath>

#include "compare.hpp"
#include "engine/probe_batch.hpp"
#include "plugins/registry.hpp"
#include "values/toml.hpp"

namespace w2s {
namespace {

// settings: examples, width, losses ({name: parameters}), seeds, epochs, batch, lr.
nlohmann::json probes(const nlohmann::json& settings) {
  const Registry registry = load_plugins();
  const std::int64_t examples = settings.at("examples"), width = settings.at("width");
  Stream stream(0, "data");
  const Tensor features = at::randn({examples, 1, width}, stream.generator());
  const Tensor direction = at::randn({width, 2}, stream.generator()) / std::sqrt(static_cast<double>(width));
  const Tensor scores = at::mm(features.view({examples, width}), direction);
  Columns columns;
  for (std::int64_t i = 0; i < examples; ++i) columns.ids.push_back(std::to_string(i));
  columns.dense = at::zeros({examples, 1});
  columns.labels = scores.argmax(1);
  const Examples rows(std::move(columns));

  TrainParams train;
  train.trainable = Trainable::head();
  train.epochs = settings.at("epochs");
  train.batch = settings.at("batch");
  train.optimizer = OptimizerKind::adamw;
  train.weight_decay = 0.01;
  train.lr = settings.at("lr");
  train.schedule = ScheduleKind::constant;
  std::vector<std::unique_ptr<Probe>> fits;
  for (const auto& [type, parameters] : settings.at("losses").items()) {
    for (std::int64_t seed = 0; seed < settings.at("seeds"); ++seed) {
      Stream noise(static_cast<std::uint64_t>(seed), "noise");
      auto probe = std::make_unique<Probe>();
      probe->features = features;
      for (std::int64_t i = 0; i < examples; ++i) probe->rows.push_back(i);
      probe->labels =
          Supervision::soft(rows, (3 * scores + at::randn({examples, 2}, noise.generator())).softmax(1));
      probe->train = train;
      probe->seed = static_cast<std::uint64_t>(seed);
      probe->head = std::make_shared<Head>(width, TaskKind::classification, 2, train);
      probe->loss = registry.make_loss(Spec{type, parse_json(parameters.dump(), type).as_table(), {}});
      probe->loss_name = probe->loss_code = type;
      fits.push_back(std::move(probe));
    }
  }
  std::vector<Probe*> all;
  for (const auto& probe : fits) all.push_back(probe.get());
  const Stopwatch watch;
  train_probes(all, {}, [](Probe& probe) {
    if (probe.error) std::rethrow_exception(probe.error);
  });
  const double seconds = watch.seconds();
  double right = 0;
  for (const Probe* probe : all)
    right += probe->head->logits(features.view({examples, width}))
                 .argmax(1)
                 .eq(rows.labels())
                 .to(at::kDouble)
                 .mean()
                 .item<double>();
  const auto count = static_cast<double>(all.size());
  return {{"seconds", seconds}, {"rate", count / seconds}, {"fits", count}, {"accuracy", right / count}};
}

const KnownWork known("probes", probes);

}  // namespace
}  // namespace w2s
