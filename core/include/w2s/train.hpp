// TrainParams: the settings of one fit, as in [train]. Free of LibTorch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <w2s/schema.hpp>

namespace w2s {

/// [train]: settings of a fit. Defaults follow the reference code where it has them.
/// Ranges and meanings: describe_train.
struct TrainParams {
  std::int64_t epochs = 2;
  std::int64_t batch = 32;
  std::string optimizer = "adam";
  double lr = 1e-5;
  std::vector<double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double momentum = 0.0;
  double weight_decay = 0.0;
  std::string schedule = "cosine";
  double warmup = 0.0;
  double clip_norm = 0.0;
  bool shuffle = true;
  std::string trainable = "all";
  bool head_bias = false;
  std::string head_init = "zero";
  std::vector<std::string> label_words;
  std::string precision = "float32";
  bool standardize = false;
  std::string labels = "soft";
  bool early_stopping = false;
  std::int64_t evaluate_every = 0;
  std::int64_t patience = 0;
  std::int64_t micro_tokens = 0;
  std::int64_t activation_tokens = 0;
};

/// The schema of TrainParams, with ranges and meanings.
W2S_API void describe_train(Schema<TrainParams>& schema);

/// Parses and checks a [train] table, also what a schema cannot say: two betas, the form of
/// `trainable`. Throws UsageError; `what` names the table in messages ("train", "model 'x': train").
W2S_API TrainParams parse_train(const Table& table, std::string_view what);

/// `base` with the keys of `over` replaced or added: [train], then a model's, then a method's.
W2S_API Table merge(Table base, const Table& over);

}  // namespace w2s
