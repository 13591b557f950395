// Students: what fitted models predict, and students with another head.
#pragma once

#include "lab/backbones.hpp"
#include "lab/drafts.hpp"

namespace w2s {

/// Not for several threads at once.
class Students {
 public:
  Students(LabContext& context, Backbones& backbones, const Drafts& drafts)
      : context_(context), backbones_(backbones), drafts_(drafts) {}

  /// Class probabilities, float32 [N, C]: the mean of its members'. Throws UsageError for generation.
  Tensor predict(const Student& student, const Examples& examples);
  /// Whether the student is one fit with early stopping; and what its oracle's weights predict.
  bool has_oracle(const Student& student);
  Tensor predict_oracle(const Student& student, const Examples& examples);
  /// Lab::features and Lab::with_head.
  Tensor features(const Student& student, const Examples& examples);
  Student with_head(const Student& student, const Tensor& weight, const Tensor& bias);

 private:
  Tensor member_probabilities(const std::string& key, const Examples& examples, bool oracle);
  Tensor read_features(const StoredFit& fit, const Backbone& backbone, const Examples& examples);
  void store_head(const Recipe& recipe, const StoredFit& base, const Tensor& weight, const Tensor& bias);

  LabContext& context_;
  Backbones& backbones_;
  const Drafts& drafts_;
};

}  // namespace w2s
