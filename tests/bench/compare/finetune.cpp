// Fine-tuning a GPT-2-style decoder with a classification head on token sequences, through the training loop
// that every fit goes through.
#include <chrono>

#include "compare.hpp"
#include "engine/trainer.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

using Clock = std::chrono::steady_clock;

Encoded encoded(const nlohmann::json& rows) {
  Encoded inputs;
  inputs.offsets.push_back(0);
  for (const auto& row : rows) {
    for (const auto& token : row) inputs.tokens.push_back(token);
    inputs.offsets.push_back(static_cast<std::int64_t>(inputs.tokens.size()));
  }
  return inputs;
}

Supervision supervision(const std::vector<std::int64_t>& labels) {
  Columns columns;
  for (std::size_t i = 0; i < labels.size(); ++i) columns.ids.push_back(std::to_string(i));
  columns.dense = at::zeros({static_cast<std::int64_t>(labels.size()), 1});
  columns.labels = at::tensor(labels, at::kLong);
  const Tensor targets = at::one_hot(columns.labels, 2).to(at::kFloat);
  return Supervision::soft(Examples(std::move(columns)), targets);
}

// settings: layers, width, heads, positions, vocabulary, rows (token ids), labels, batch, lr, warm_steps
// (before the clock starts), micro_tokens, attention.
nlohmann::json finetune(const nlohmann::json& settings) {
  const Registry registry = load_plugins();
  const Encoded inputs = encoded(settings.at("rows"));
  const Supervision labels = supervision(settings.at("labels"));
  Table sizes;
  for (const char* name : {"layers", "width", "heads", "positions", "vocabulary"})
    sizes.set(name, settings.at(name).get<std::int64_t>());
  sizes.set("attention", settings.value("attention", "auto"));
  const std::unique_ptr<IModel> model = registry.make_model(Spec{"gpt", sizes, {}});
  model->build({TaskKind::classification, 2, {}}, Stream(0, "weights"));
  TrainParams train;
  train.epochs = 1;
  train.batch = settings.at("batch");
  train.optimizer = "adamw";
  train.weight_decay = 0.01;
  train.lr = settings.at("lr");
  train.shuffle = false;
  train.micro_tokens = settings.value("micro_tokens", 0);
  const std::unique_ptr<ILoss> loss = registry.make_loss(Spec{"cross_entropy", {}, {}});
  Head head(model->feature_size(), TaskKind::classification, 2, train);
  NetworkTrainee trainee(*model, head, inputs, "all", at::kCPU);

  const std::int64_t warm = settings.at("warm_steps");
  Clock::time_point start;
  double last_loss = 0;
  std::int64_t tokens = 0;
  Trainer trainer(trainee, *loss, "cross_entropy", train, labels, nullptr, Stream(0, "fit"), at::kCPU,
                  [&](const StepReport& report) {
                    if (report.step + 1 == warm) start = Clock::now();
                    last_loss = report.loss;
                    if (report.step < warm) return;
                    const std::int64_t begin = report.step * train.batch;
                    const std::int64_t end = std::min(inputs.rows(), begin + train.batch);
                    tokens += inputs.offsets[static_cast<std::size_t>(end)] -
                              inputs.offsets[static_cast<std::size_t>(begin)];
                  });
  trainer.run();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return {{"seconds", seconds}, {"tokens", tokens}, {"rate", tokens / seconds}, {"loss", last_loss}};
}

const KnownWork known("finetune", finetune);

}  // namespace
}  // namespace w2s
