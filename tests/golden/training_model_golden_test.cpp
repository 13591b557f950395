// Short fine-tuning runs recorded in PyTorch, reproduced step by step under every micro-batching.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <filesystem>

#include <w2s/json.hpp>
#include <w2s/plugin.hpp>
#include <w2s/safetensors.hpp>

#include "../support/fixtures.hpp"
#include "engine/trainer.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

const Registry& registry() {
  static const Registry loaded = load_plugins();
  return loaded;
}

struct Micro {
  const char* name;
  std::int64_t micro_tokens, activation_tokens;
};

// All in one, one example at a time, and replayed in pieces.
constexpr Micro kMicros[] = {{"whole", 1 << 20, 1 << 20}, {"single", 1, 1 << 20}, {"replayed", 24, 1}};

Encoded encoded(const Tensor& ids, const Tensor& mask) {
  Encoded inputs;
  inputs.offsets.push_back(0);
  for (std::int64_t row = 0; row < ids.size(0); ++row) {
    const std::int64_t length = mask[row].sum().item<std::int64_t>();
    for (std::int64_t t = 0; t < length; ++t) inputs.tokens.push_back(ids[row][t].item<int>());
    inputs.offsets.push_back(static_cast<std::int64_t>(inputs.tokens.size()));
  }
  return inputs;
}

TrainParams train_params(const Table& settings, std::int64_t examples) {
  TrainParams train;
  train.optimizer = value_named<OptimizerKind>(settings.at("optimizer").as_string()).value();
  train.lr = settings.at("lr").as_real();
  train.betas = {settings.at("betas").as_list()[0].as_real(), settings.at("betas").as_list()[1].as_real()};
  train.eps = settings.at("eps").as_real();
  train.weight_decay = settings.at("weight_decay").as_real();
  train.schedule = value_named<ScheduleKind>(settings.at("schedule").as_string()).value();
  train.warmup = static_cast<double>(settings.at("warmup_steps").as_int());
  train.batch = settings.at("batch").as_int();
  train.clip_norm = settings.at("clip_norm").is_null() ? 0.0 : settings.at("clip_norm").as_real();
  train.shuffle = false;
  // The recorded runs go through the rows in order, modulo N: whole epochs of N / batch steps.
  train.epochs = settings.at("total_steps").as_int() * train.batch / examples;
  EXPECT_EQ(train.epochs * examples, settings.at("total_steps").as_int() * train.batch);
  return train;
}

void reproduce(const fs::path& folder, const Micro& micro) {
  SCOPED_TRACE(folder.string() + ", " + micro.name);
  const Value expected = read_json((folder / "expected.json").string());
  const Table& settings = expected.as_table().at("settings").as_table();
  const SafeTensors data = SafeTensors::open((folder / "data.safetensors").string());
  const Tensor targets = data.at("targets").to(at::kFloat);
  const std::int64_t n = targets.size(0);

  Spec model_spec{"huggingface", {{"path", (folder / "model").string()}}, {}};
  const std::unique_ptr<IModel> model = registry().make_model(model_spec);
  model->build({}, Stream(0, "test"));
  const Encoded inputs = encoded(data.at("input_ids"), data.at("attention_mask"));
  TrainParams train = train_params(settings, n);
  train.micro_tokens = micro.micro_tokens;
  train.activation_tokens = micro.activation_tokens;
  Head head(model->feature_size(), TaskKind::classification, 2, train);
  NetworkTrainee trainee(*model, head, inputs, Trainable::all(), at::kCPU);
  const Spec loss_spec = Spec::parse(settings.at("loss"), "loss");
  const std::unique_ptr<ILoss> loss = registry().make_loss(loss_spec);

  Columns columns;
  for (std::int64_t i = 0; i < n; ++i) {
    columns.ids.push_back(std::to_string(i));
    columns.text.push_back("");
  }
  Supervision training;
  training.examples = Examples(std::move(columns));
  training.targets = targets;
  training.weights = at::ones({n});
  std::vector<Progress> reports;
  Trainer trainer(trainee, *loss, loss_spec.type, train, training, nullptr, Stream(0, "fit"), at::kCPU,
                  [&](const Progress& report) { reports.push_back(report); });
  trainer.run();

  const List& losses = expected.as_table().at("losses").as_list();
  const List& norms = expected.as_table().at("grad_norms").as_list();
  ASSERT_EQ(reports.size(), losses.size());
  for (std::size_t step = 0; step < losses.size(); ++step) {
    EXPECT_NEAR(reports[step].loss, losses[step].as_real(), step < 3 ? 1e-5 : 1e-4) << "step " << step;
    EXPECT_NEAR(reports[step].gradient_norm, norms[step].as_real(), 2e-3) << "step " << step;
  }
  const Tensor logits = all_logits(trainee, 64);
  const List& rows = expected.as_table().at("logits").as_list();
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t c = 0; c < 2; ++c) {
      EXPECT_NEAR(logits[i][c].item<double>(),
                  rows[static_cast<std::size_t>(i)].as_list()[static_cast<std::size_t>(c)].as_real(), 1e-3);
    }
  }
}

TEST(TrainingModelGolden, EveryRecordedRunIsReproducedUnderEveryMicroBatching) {
  at::set_num_threads(1);
  const std::vector<fs::path> runs = fixtures("training", "expected.json");
  for (const fs::path& run : runs) {
    for (const Micro& micro : kMicros) reproduce(run, micro);
  }
  EXPECT_FALSE(runs.empty());
}

}  // namespace
}  // namespace w2s
