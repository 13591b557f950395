#include "status/progress.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace w2s {
namespace {

constexpr const char* kAgreement = "validation_agreement";
constexpr const char* kAccuracy = "validation_accuracy_oracle";

// JSON has no number that is not finite: dumped, it became null.
double number(const nlohmann::json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

}  // namespace

bool Progress::in_log() const {
  return step % std::max<std::int64_t>(1, steps / 200) == 0 || step + 1 == steps || validation_agreement;
}

std::string Progress::text() const {
  if (steps == 0) return what;
  return fmt::format("{}{}step {}/{} · loss {:.4f} · {:.0f}/s", what, what.empty() ? "" : " · ", step + 1,
                     steps, loss, examples_per_second);
}

void to_json(nlohmann::json& json, const Progress& progress) {
  json = {{"what", progress.what},
          {"step", progress.step},
          {"steps", progress.steps},
          {"epoch", progress.epoch},
          {"loss", progress.loss},
          {"lr", progress.lr},
          {"gradient_norm", progress.gradient_norm},
          {"examples_per_second", progress.examples_per_second}};
  if (progress.validation_agreement) json[kAgreement] = *progress.validation_agreement;
  if (progress.validation_accuracy) json[kAccuracy] = *progress.validation_accuracy;
}

void from_json(const nlohmann::json& json, Progress& progress) {
  const Progress usual;
  progress.what = json.value("what", usual.what);
  progress.step = json.value("step", usual.step);
  progress.steps = json.value("steps", usual.steps);
  progress.epoch = json.value("epoch", usual.epoch);
  const auto read = [&](const char* name, auto& into) {
    const auto found = json.find(name);
    if (found != json.end()) into = number(*found);
  };
  read("loss", progress.loss);
  read("lr", progress.lr);
  read("gradient_norm", progress.gradient_norm);
  read("examples_per_second", progress.examples_per_second);
  read(kAgreement, progress.validation_agreement);
  read(kAccuracy, progress.validation_accuracy);
}

}  // namespace w2s
