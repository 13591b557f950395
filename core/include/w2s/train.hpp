// TrainParams: the settings of one fit, as in [train]. Free of LibTorch.
// A plain value; the functions may be called from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <w2s/schema.hpp>

namespace w2s {

enum class OptimizerKind { adam, adamw, sgd };
constexpr auto enum_names(OptimizerKind) { return std::array{"adam", "adamw", "sgd"}; }

enum class ScheduleKind { constant, linear, cosine };
constexpr auto enum_names(ScheduleKind) { return std::array{"constant", "linear", "cosine"}; }

enum class Precision { float32, bfloat16 };
constexpr auto enum_names(Precision) { return std::array{"float32", "bfloat16"}; }

enum class HeadInit { zero, label_words };
constexpr auto enum_names(HeadInit) { return std::array{"zero", "label_words"}; }

enum class LabelKind { soft, hard };
constexpr auto enum_names(LabelKind) { return std::array{"soft", "hard"}; }

/// Which weights change: "all", "head" or "last:k", the last k blocks and the head.
class W2S_API Trainable {
 public:
  Trainable() = default;  ///< all
  static Trainable all() { return {}; }
  static Trainable head() { return Trainable(0); }
  /// k ≥ 1
  static Trainable last(std::int64_t k) { return Trainable(k); }

  bool is_head() const { return blocks_ == 0; }
  /// Of the backbone: the last so many change; nothing: all of it does.
  std::optional<std::int64_t> blocks() const { return blocks_; }

  std::string text() const;
  static std::string read(const std::string& text, Trainable& out);
  friend bool operator==(const Trainable&, const Trainable&) = default;

 private:
  explicit Trainable(std::int64_t blocks) : blocks_(blocks) {}
  std::optional<std::int64_t> blocks_;
};

/// [train]: settings of a fit. Defaults follow the reference code where it has them.
/// Ranges and meanings: describe_train.
struct TrainParams {
  std::int64_t epochs = 2;
  std::int64_t batch = 32;
  OptimizerKind optimizer = OptimizerKind::adam;
  double lr = 1e-5;
  std::vector<double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double momentum = 0.0;
  double weight_decay = 0.0;
  ScheduleKind schedule = ScheduleKind::cosine;
  double warmup = 0.0;
  double clip_norm = 0.0;
  bool shuffle = true;
  Trainable trainable = Trainable::all();
  bool head_bias = false;
  HeadInit head_init = HeadInit::zero;
  std::vector<std::string> label_words;
  Precision precision = Precision::float32;
  bool standardize = false;
  LabelKind labels = LabelKind::soft;
  bool early_stopping = false;
  std::int64_t evaluate_every = 0;
  std::int64_t patience = 0;
  std::int64_t micro_tokens = 0;
  std::int64_t activation_tokens = 0;
};

/// The schema of TrainParams, with ranges and meanings.
W2S_API void describe_train(Schema<TrainParams>& schema);

/// Parses and checks a [train] table, also what a schema cannot say: two betas. Throws UsageError; `what`
/// names the table in messages ("train", "model 'x': train").
W2S_API TrainParams parse_train(const Table& table, std::string_view what);

/// `base` with the keys of `over` replaced or added: [train], then a model's, then a method's.
W2S_API Table merge(Table base, const Table& over);

}  // namespace w2s
