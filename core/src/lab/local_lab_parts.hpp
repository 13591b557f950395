// What the parts of LocalLab share: its private structures and a few helpers.
#pragma once

#include <sys/resource.h>

#include <chrono>

#include <fmt/format.h>

#include <w2s/digest.hpp>
#include <w2s/safetensors.hpp>

#include "base/files.hpp"
#include "values/toml.hpp"
#include "lab/engine_digest.hpp"
#include "lab/local_lab.hpp"
#include "plugins/resolve.hpp"

namespace w2s {

inline const std::string kBackbonePrefix = "backbone.";
inline const std::string kHeadPrefix = "head.";

// A fit as the store keeps it.
struct LocalLab::Fitted {
  std::string key;
  nlohmann::json manifest;
  TrainParams train;
  bool trained_backbone = false;
  Student draft;
};

// Weights below the head: a model's initial ones, or those of a fit that trained them.
struct LocalLab::Backbone {
  std::string key;
  Blueprint blueprint;
  std::string fit;                        // key of the fit that holds the weights; "" for initial ones
  bool oracle = false;                    // its oracle weights instead
  at::ScalarType precision = at::kFloat;  // of its matrix products
};

// Features of examples: all that are kept together, and where these examples' are among them.
struct LocalLab::FeatureRows {
  Tensor whole;  // [M, parts, D]
  std::vector<std::int64_t> rows;
};

/// Adds a line of JSON to `log` for each report that belongs in one, and writes event files below
/// `tensorboard` unless that is "". `log` must outlive the function.
std::function<void(const StepReport&)> log_writer(const std::string& tensorboard, const std::string& what,
                                                  const std::string& key, std::string& log);

inline Table table_of(const TrainParams& train) {
  Schema<TrainParams> schema;
  describe_train(schema);
  return schema.resolved(train);
}

inline nlohmann::json json_of(const TrainParams& train) {
  return nlohmann::json::parse(write_json(Value(table_of(train))));
}

inline nlohmann::json json_of(const Spec& spec) { return nlohmann::json::parse(write_json(spec.value())); }

// f(), where models and objectives run: exceptions that are not ours are theirs, and name them.
template <class F>
decltype(auto) calling(const PluginInfo& plugin, F&& f) {
  try {
    return std::forward<F>(f)();
  } catch (const Error&) {
    throw;
  } catch (...) {
    rethrow_from_plugin(plugin.origin());
  }
}

// "cpu" or "cuda": which of several equal devices did the work does not matter.
inline std::string device_kind(at::Device device) { return device.is_cpu() ? "cpu" : "cuda"; }

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

inline std::int64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

inline void write_log(const ObjectWriter& object, const std::string& log) {
  write_file_atomically(object.folder() + "/log.jsonl", log);
}

inline std::int64_t micro_tokens(const TrainParams& train) {
  return train.micro_tokens > 0 ? train.micro_tokens : kMicroTokens;
}

}  // namespace w2s
