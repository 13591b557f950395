// What a fitted decoder computes without gradients: features of texts, labels for a student, and tokens.
#include <w2s/torch_compat.hpp>

#include "compare.hpp"
#include "decoder.hpp"
#include "device.hpp"
#include "engine/trainer.hpp"

namespace w2s {
namespace {

double per_second(const Encoded& inputs, double seconds) {
  return static_cast<double>(inputs.tokens.size()) / seconds;
}

// settings: those of decoder.hpp.
nlohmann::json features(const nlohmann::json& settings) {
  const Registry registry = load_plugins();
  const Encoded inputs = encoded_rows(settings);
  const at::Device device = device_of(settings);
  const std::unique_ptr<IModel> model = make_decoder(registry, settings, device);
  const compat::Autocast mixed(device.type(), precision_of(settings));
  wait_for(device);
  const Stopwatch watch;
  const Tensor found = all_features(*model, inputs, device, kMicroTokens);
  const double seconds = watch.seconds();
  return {{"seconds", seconds}, {"rate", per_second(inputs, seconds)}, {"rows", found.size(0)}};
}

nlohmann::json weak_labels(const nlohmann::json& settings) {
  const Registry registry = load_plugins();
  const Encoded inputs = encoded_rows(settings);
  const at::Device device = device_of(settings);
  const std::unique_ptr<IModel> model = make_decoder(registry, settings, device);
  Head head(model->feature_size(), TaskKind::classification, 2, {});
  to_device(head.parameters(), device);
  NetworkTrainee trainee(*model, head, inputs, Trainable::all(), device, precision_of(settings));
  wait_for(device);
  const Stopwatch watch;
  const Tensor found = all_logits(trainee, kMicroTokens).softmax(1);
  const double seconds = watch.seconds();
  return {{"seconds", seconds}, {"rate", per_second(inputs, seconds)}, {"rows", found.size(0)}};
}

// settings: those of decoder.hpp with prompts in "rows"; new_tokens, batch.
nlohmann::json generate(const nlohmann::json& settings) {
  const Registry registry = load_plugins();
  const at::Device device = device_of(settings);
  const std::unique_ptr<IModel> model = make_decoder(registry, settings, device);
  const auto prompts = settings.at("rows").get<std::vector<std::vector<std::int32_t>>>();
  GenerateOptions options;
  options.max_tokens = settings.at("new_tokens");
  options.batch = settings.at("batch");
  const compat::Autocast mixed(device.type(), precision_of(settings));
  wait_for(device);
  const Stopwatch watch;
  const auto texts = model->generate(prompts, options);
  const double seconds = watch.seconds();
  std::size_t tokens = 0;
  for (const auto& text : texts) tokens += text.size();
  return {{"seconds", seconds}, {"rate", static_cast<double>(tokens) / seconds}, {"tokens", tokens}};
}

const KnownWork known_features("features", features), known_labels("weak_labels", weak_labels),
    known_generation("generate", generate);

}  // namespace
}  // namespace w2s
