// Backbones: what lies below the heads. Builds models at their weights, and keeps their features.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <w2s/model.hpp>

#include "lab/context.hpp"

namespace w2s {

class Pretrainer;

/// Weights below the head: a model's initial ones, or those of a fit that trained them.
struct Backbone {
  std::string key;
  Blueprint blueprint;
  std::string fit;                        // key of the fit that holds the weights; "" for initial ones
  bool oracle = false;                    // its oracle weights instead
  at::ScalarType precision = at::kFloat;  // of its matrix products
};

/// Features of examples: all that are kept together, and where these examples' are among them.
struct FeatureRows {
  Tensor whole;  // float32 [M, parts, D]
  std::vector<std::int64_t> rows;
};

/// Not for several threads at once.
class Backbones {
 public:
  Backbones(LabContext& context, Pretrainer& pretrainer);
  ~Backbones();

  /// A model of the experiment as it is before any fit, pretrained where it has a [pretrain] table.
  Backbone initial(const std::string& model, std::uint64_t seed);
  Backbone of(const StoredFit& fit) const;
  /// Where the student-th of the students that a fit trains side by side starts from: each its own where
  /// weights are drawn at random.
  Backbone start_of(const FitSpec& spec, std::size_t student);

  const PluginInfo& plugin_of(const Backbone& backbone) const;
  /// A model of one's own, on the lab's device; and one that is built once and only read.
  std::unique_ptr<IModel> build(const Backbone& backbone) const;
  IModel& shared(const Backbone& backbone);

  /// Features [N · parts, D] on the CPU: computed now, or kept in the store under all that they depend on.
  Tensor features(const Backbone& backbone, const Examples& examples);
  Tensor kept_features(const Backbone& backbone, const Examples& examples);
  /// The same without gathering: they are kept for the whole set that holds the examples, so that every
  /// selection from it reads the same object.
  FeatureRows kept_rows(const Backbone& backbone, const Examples& examples);

 private:
  const Blueprint& blueprint(const std::string& model, std::uint64_t seed);
  Tensor compute(IModel& model, const Examples& examples) const;

  LabContext& context_;
  Pretrainer& pretrainer_;
  std::vector<Examples> bases_;  // whole sets whose features are kept
  std::map<std::pair<std::string, std::uint64_t>, Blueprint> blueprints_;
  std::map<std::string, std::unique_ptr<IModel>> built_;
};

}  // namespace w2s
