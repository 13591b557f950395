// Fine-tuning a decoder with a classification head on token sequences, through the training loop that every
// fit goes through.
#include "compare.hpp"
#include "decoder.hpp"
#include "device.hpp"
#include "engine/trainer.hpp"

namespace w2s {
namespace {

// settings: those of decoder.hpp, batch, lr, warm_steps (before the clock starts), micro_tokens.
nlohmann::json finetune(const nlohmann::json& settings) {
  const Registry registry = load_plugins();
  const Encoded inputs = encoded_rows(settings);
  const Supervision labels = labelled_rows(settings);
  const at::Device device = device_of(settings);
  const std::unique_ptr<IModel> model = make_decoder(registry, settings, device);
  TrainParams train;
  train.epochs = 1;
  train.batch = settings.at("batch");
  train.optimizer = OptimizerKind::adamw;
  train.weight_decay = 0.01;
  train.lr = settings.at("lr");
  train.shuffle = false;
  train.micro_tokens = settings.value("micro_tokens", 0);
  const std::unique_ptr<ILoss> loss = registry.make_loss(Spec{"cross_entropy", {}, {}});
  Head head(model->feature_size(), TaskKind::classification, 2, train);
  to_device(head.parameters(), device);
  NetworkTrainee trainee(*model, head, inputs, Trainable::all(), device, precision_of(settings));

  const std::int64_t warm = settings.at("warm_steps");
  Stopwatch watch;
  double last_loss = 0;
  std::int64_t tokens = 0;
  Trainer trainer(trainee, *loss, "cross_entropy", train, labels, nullptr, Stream(0, "fit"), device,
                  [&](const Progress& report) {
                    if (report.step + 1 == warm) {
                      wait_for(device);
                      watch = Stopwatch();
                    }
                    last_loss = report.loss;
                    if (report.step < warm) return;
                    const std::int64_t begin = report.step * train.batch;
                    const std::int64_t end = std::min(inputs.rows(), begin + train.batch);
                    tokens += inputs.offsets[static_cast<std::size_t>(end)] -
                              inputs.offsets[static_cast<std::size_t>(begin)];
                  });
  trainer.run();
  wait_for(device);
  const double seconds = watch.seconds();
  return {{"seconds", seconds}, {"tokens", tokens}, {"rate", tokens / seconds}, {"loss", last_loss}};
}

const KnownWork known("finetune", finetune);

}  // namespace
}  // namespace w2s
