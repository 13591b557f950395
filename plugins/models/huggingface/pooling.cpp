#include "pooling.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>

#include <w2s/json.hpp>

namespace w2s::hf {
namespace {

namespace fs = std::filesystem;

const std::vector<std::pair<std::string, Pooling>> kNames = {
    {"cls", Pooling::cls}, {"last", Pooling::last}, {"mean", Pooling::mean}, {"max", Pooling::max}};

// The switch of 1_Pooling/config.json that stands for each.
const std::vector<std::pair<std::string, Pooling>> kSwitches = {{"pooling_mode_cls_token", Pooling::cls},
                                                                {"pooling_mode_lasttoken", Pooling::last},
                                                                {"pooling_mode_mean_tokens", Pooling::mean},
                                                                {"pooling_mode_max_tokens", Pooling::max}};

Tensor index_of(const std::vector<std::int64_t>& places, const Tensor& like) {
  return at::tensor(places, at::kLong).to(like.device());
}

// Real tokens of each row.
std::vector<std::int64_t> lengths_of(const Tensor& states, const Batch& batch) {
  const auto rows = static_cast<std::size_t>(states.size(0));
  if (batch.lengths.size() == rows) return batch.lengths;
  std::vector<std::int64_t> lengths(rows, states.size(1));
  if (!batch.mask.defined()) return lengths;
  const Tensor counts = batch.mask.sum(1).cpu();
  std::copy_n(counts.data_ptr<std::int64_t>(), rows, lengths.begin());
  return lengths;
}

Table read_table(const std::string& path) {
  const Value value = read_json(path);
  if (!value.is_table()) throw UsageError(path + ": expected a JSON object");
  return value.as_table();
}

Pooling pooling_of(const std::string& path) {
  const Table table = read_table(path);
  if (const Value* mode = table.find("pooling_mode"); mode && mode->is_string()) {
    for (const auto& [name, pooling] : kNames) {
      if (mode->as_string() == (name == "last" ? "lasttoken" : name)) return pooling;
    }
    throw UsageError(path + ": 'pooling_mode' = " + mode->canonical() +
                     " is not supported: set the model's 'pooling' to mean, cls, last or max");
  }
  std::vector<std::string> on;
  for (const auto& [key, value] : table) {
    if (key.starts_with("pooling_mode_") && value == Value(true)) on.push_back(key);
  }
  const auto known = std::find_if(kSwitches.begin(), kSwitches.end(),
                                  [&](const auto& item) { return on == std::vector{item.first}; });
  if (known == kSwitches.end()) {
    throw UsageError(
        path + ": expected one of the modes cls_token, lasttoken, mean_tokens and max_tokens, found " +
        (on.empty() ? "none" : one_of_list(on)) + ": set the model's 'pooling' to mean, cls, last or max");
  }
  return known->second;
}

}  // namespace

Pooling pooling_named(const std::string& name) {
  for (const auto& [known, pooling] : kNames) {
    if (name == known) return pooling;
  }
  throw UsageError("unknown pooling '" + name + "'");
}

std::string name_of(Pooling pooling) {
  return std::find_if(kNames.begin(), kNames.end(), [&](const auto& item) { return item.second == pooling; })
      ->first;
}

Tensor pool(Pooling pooling, const Tensor& states, const Batch& batch) {
  if (pooling == Pooling::cls) return states.select(1, 0);
  const std::int64_t rows = states.size(0), width = states.size(1);
  const Tensor lengths = index_of(lengths_of(states, batch), states);
  if (pooling == Pooling::last) {
    const Tensor place = at::arange(rows, lengths.options()) * width + lengths - 1;
    return states.reshape({rows * width, states.size(2)}).index_select(0, place);
  }
  const Tensor padding =
      at::arange(width, lengths.options()).unsqueeze(0).ge(lengths.unsqueeze(1)).unsqueeze(2);
  const Tensor wide = states.to(at::kFloat);
  if (pooling == Pooling::max)
    return wide.masked_fill(padding, -std::numeric_limits<double>::infinity()).amax(1);
  return wide.masked_fill(padding, 0.0).sum(1) / lengths.unsqueeze(1);
}

Tensor pool_packed(Pooling pooling, const Tensor& states, const Offsets& offsets) {
  const Tensor tokens = states.squeeze(0);
  const std::size_t rows = offsets.size() - 1;
  if (pooling == Pooling::cls || pooling == Pooling::last) {
    std::vector<std::int64_t> places;
    for (std::size_t i = 0; i < rows; ++i)
      places.push_back(pooling == Pooling::last ? offsets[i + 1] - 1 : offsets[i]);
    return tokens.index_select(0, index_of(places, tokens));
  }
  const Tensor wide = tokens.to(at::kFloat);
  std::vector<Tensor> pooled;
  for (std::size_t i = 0; i < rows; ++i) {
    const Tensor row = wide.narrow(0, offsets[i], offsets[i + 1] - offsets[i]);
    pooled.push_back(pooling == Pooling::max ? row.amax(0) : row.mean(0));
  }
  return at::stack(pooled);
}

SentenceForm read_sentence_form(const std::string& folder, bool pooled) {
  SentenceForm form;
  const std::string modules = folder + "/modules.json";
  if (!fs::exists(modules)) return form;
  const Value list = read_json(modules);
  if (!list.is_list()) throw UsageError(modules + ": expected a list of modules");
  for (const Value& module : list.as_list()) {
    const Value* type = module.is_table() ? module.as_table().find("type") : nullptr;
    const Value* path = module.is_table() ? module.as_table().find("path") : nullptr;
    if (!type || !type->is_string() || !path || !path->is_string())
      throw UsageError(modules + ": expected a 'type' and a 'path' in each module");
    const std::string name = type->as_string().substr(type->as_string().rfind('.') + 1);
    if (name == "Pooling" && !pooled)
      form.pooling = pooling_of(folder + "/" + path->as_string() + "/config.json");
    if (name == "Normalize") form.normalized = true;
    if (name == "Transformer" || name == "Pooling" || name == "Normalize") continue;
    if (pooled) continue;
    throw UsageError(
        modules + ": the module '" + name +
        "' is not supported; set the model's 'pooling' to mean, cls, last or max to do without it");
  }
  const std::string sentence = folder + "/sentence_bert_config.json";
  if (!fs::exists(sentence)) return form;
  const Table table = read_table(sentence);
  const Value* most = table.find("max_seq_length");
  if (most && most->kind() == Value::Kind::integer && most->as_int() > 0) form.context = most->as_int();
  return form;
}

void write_sentence_form(const std::string& folder, const SentenceForm& form, std::int64_t width) {
  const auto module = [](std::int64_t place, const std::string& path, const std::string& type) {
    return Value(Table{{"idx", place},
                       {"name", std::to_string(place)},
                       {"path", path},
                       {"type", "sentence_transformers.models." + type}});
  };
  List modules{module(0, "", "Transformer"), module(1, "1_Pooling", "Pooling")};
  if (form.normalized) modules.push_back(module(2, "2_Normalize", "Normalize"));
  Table pooling{{"word_embedding_dimension", width}};
  for (const auto& [key, mode] : kSwitches) pooling.set(key, form.pooling == mode);
  fs::create_directories(folder + "/1_Pooling");
  save_json(folder + "/modules.json", Value(modules));
  save_json(folder + "/1_Pooling/config.json", Value(pooling));
  if (form.context > 0)
    save_json(folder + "/sentence_bert_config.json", Value(Table{{"max_seq_length", form.context}}));
}

}  // namespace w2s::hf
