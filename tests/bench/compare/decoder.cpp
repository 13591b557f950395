#include "decoder.hpp"

namespace w2s {

std::unique_ptr<IModel> make_decoder(const Registry& registry, const nlohmann::json& settings,
                                     at::Device device) {
  Table sizes;
  for (const char* name : {"layers", "width", "heads", "positions", "vocabulary"})
    sizes.set(name, settings.at(name).get<std::int64_t>());
  sizes.set("attention", settings.value("attention", "auto"));
  std::unique_ptr<IModel> model = registry.make_model(Spec{"gpt", sizes, {}});
  model->build({TaskKind::classification, 2, {}}, Stream(0, "weights"));
  to_device(model->parameters(), device);
  return model;
}

Encoded encoded_rows(const nlohmann::json& settings) {
  Encoded inputs;
  inputs.offsets.push_back(0);
  for (const auto& row : settings.at("rows")) {
    for (const auto& token : row) inputs.tokens.push_back(token);
    inputs.offsets.push_back(static_cast<std::int64_t>(inputs.tokens.size()));
  }
  return inputs;
}

Supervision labelled_rows(const nlohmann::json& settings) {
  const auto labels = settings.at("labels").get<std::vector<std::int64_t>>();
  Columns columns;
  for (std::size_t i = 0; i < labels.size(); ++i) columns.ids.push_back(std::to_string(i));
  columns.dense = at::zeros({static_cast<std::int64_t>(labels.size()), 1});
  columns.labels = at::tensor(labels, at::kLong);
  const Tensor targets = at::one_hot(columns.labels, 2).to(at::kFloat);
  return Supervision::soft(Examples(std::move(columns)), targets);
}

}  // namespace w2s
