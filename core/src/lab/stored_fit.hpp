// StoredFit: a fitted model as the store keeps it. Its weights are in kWeightsFile: "head.NAME", and
// "backbone.NAME" where the backbone was trained.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include <w2s/fit.hpp>

#include "lab/blueprint.hpp"
#include "store/store.hpp"

namespace w2s {

inline const std::string kBackbonePrefix = "backbone.";
inline const std::string kHeadPrefix = "head.";

struct StoredFit {
  std::string key;
  std::string kind = "fit";  // or "tune": no head, no loss
  std::string model;         // the experiment's name of it
  Blueprint blueprint;       // weights that everything began with
  // Where the weights below the head come from: `backbone_fit` holds them, or they are the blueprint's where
  // it is "". With trained_backbone this is where the training began.
  std::string backbone_key, backbone_fit;
  bool trained_backbone = false;
  TrainParams train;
  Spec loss;
  double weight_average = 0;
  std::uint64_t seed = 0;
  Student start, draft;
  std::int64_t examples = 0, validation = 0;  // how many there were
  std::string device = "cpu";

  // How it went.
  bool oracle = false;  // there is an oracle's checkpoint too
  std::int64_t steps = 0, kept_step = 0, oracle_step = 0;
  double seconds = 0;
  std::int64_t peak_bytes = 0;
  std::int64_t processes = 1;
  Spec rule;                          // the strategy that set a step rule; empty: none
  std::vector<std::string> students;  // keys of all that were trained side by side; empty: it alone

  /// Throws Error where the object is absent, damaged or no fit. Reads stores of every format.
  static StoredFit read(const Store& store, const std::string& key);
  void write(nlohmann::json& manifest) const;
  /// The file of its weights, or of its oracle's.
  std::string weights(const Store& store, bool of_oracle = false) const;
};

/// Fits that were read before. Not for several threads at once.
class StoredFits {
 public:
  explicit StoredFits(const Store& store) : store_(store) {}
  const StoredFit& at(const std::string& key);

 private:
  const Store& store_;
  std::map<std::string, std::unique_ptr<StoredFit>> known_;
};

}  // namespace w2s
