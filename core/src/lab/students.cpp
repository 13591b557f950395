#include "lab/students.hpp"

#include <fmt/format.h>

#include <w2s/digest.hpp>
#include <w2s/safetensors.hpp>

#include "store/payload.hpp"

namespace w2s {
namespace {

constexpr std::int64_t kCachedBytes = std::int64_t{256} << 20;  // of probabilities

void require_one(const Student& student, const char* what) {
  if (student.members().size() == 1) return;
  throw UsageError(fmt::format("{}; this one has {} members", what, student.members().size()));
}

}  // namespace

Tensor Students::read_features(const StoredFit& fit, const Backbone& backbone, const Examples& examples) {
  const Examples read = drafts_.read(fit.draft, examples);
  return fit.trained_backbone ? backbones_.features(backbone, read)
                              : backbones_.kept_features(backbone, read);
}

Tensor Students::features(const Student& student, const Examples& examples) {
  require_one(student, "features are those of one student");
  const StoredFit& fit = context_.fits.at(student.members()[0]);
  return read_features(fit, backbones_.of(fit), examples);
}

Tensor Students::member_probabilities(const std::string& key, const Examples& examples, bool oracle) {
  at::NoGradGuard no_grad;
  LabCache& cache = context_.cache();
  const std::string place = Digest().add(key).add(oracle ? "oracle" : "").add(examples.input_digest()).hex();
  if (const auto known = cache.probabilities.find(place); known != cache.probabilities.end())
    return known->second;
  const StoredFit& fit = context_.fits.at(key);
  Backbone backbone = backbones_.of(fit);
  backbone.oracle = oracle && fit.trained_backbone;
  const Tensor features = read_features(fit, backbone, examples).to(context_.setup.device);
  Head head(features.size(1), context_.kind(), context_.classes(), fit.train);
  const SafeTensors weights = SafeTensors::open(fit.weights(context_.store(), oracle));
  for (const Parameters::Item& item : head.parameters().items())
    head.parameters().assign(item.name, weights.at(item.name));
  to_device(head.parameters(), context_.setup.device);
  const Tensor probabilities = head.logits(features).softmax(1).to(at::kCPU, at::kFloat);
  cache.bytes += probabilities.numel() * 4;
  if (cache.bytes > kCachedBytes) {
    cache.probabilities.clear();
    cache.bytes = probabilities.numel() * 4;
  }
  return cache.probabilities[place] = probabilities;
}

Tensor Students::predict(const Student& student, const Examples& examples) {
  if (student.empty()) throw Error("predict: an empty student");
  if (context_.generation())
    throw UsageError("students of a generation task give answers, not probabilities of classes");
  Tensor sum;
  for (const std::string& key : student.members()) {
    const Tensor probabilities = member_probabilities(key, examples, /*oracle=*/false);
    sum = sum.defined() ? sum + probabilities : probabilities;
  }
  return sum / static_cast<double>(student.members().size());
}

bool Students::has_oracle(const Student& student) {
  return student.members().size() == 1 && context_.fits.at(student.members()[0]).oracle;
}

Tensor Students::predict_oracle(const Student& student, const Examples& examples) {
  return member_probabilities(student.members().at(0), examples, /*oracle=*/true);
}

Student Students::with_head(const Student& student, const Tensor& weight, const Tensor& bias) {
  require_one(student, "one student can take another head");
  if (context_.kind() != TaskKind::classification) throw UsageError("another head: for classification only");
  const StoredFit& base = context_.fits.at(student.members()[0]);
  const Tensor w = weight.detach().to(at::kCPU, at::kFloat).contiguous(),
               b = bias.detach().to(at::kCPU, at::kFloat).contiguous();
  Recipe recipe = context_.recipe("head", false);
  recipe.set("fit", base.key).set("weight", digest(w)).set("bias", digest(b));
  context_.once(recipe.key(), "another head", [&] { store_head(recipe, base, w, b); });
  return Student(recipe.key());
}

void Students::store_head(const Recipe& recipe, const StoredFit& base, const Tensor& weight,
                          const Tensor& bias) {
  StoredFit fit = base;
  fit.train.head_bias = true;
  fit.train.standardize = false;
  fit.oracle = false;
  fit.oracle_step = 0;
  fit.start = Student(base.key);
  fit.seconds = 0;
  fit.rule = {};
  fit.students.clear();
  context_.store().put(recipe.key(), "fit", [&](ObjectWriter& object) {
    const SafeTensors old = SafeTensors::open(base.weights(context_.store()));
    std::map<std::string, Tensor> tensors;
    for (const std::string& name : old.names()) {
      if (name.rfind(kHeadPrefix, 0) != 0) tensors[name] = old.at(name);
    }
    tensors["head.weight"] = weight;
    tensors["head.bias"] = bias;
    save_safetensors(object.folder() + "/" + kWeightsFile, tensors);
    recipe.write(object.manifest());
    fit.write(object.manifest());
  });
}

}  // namespace w2s
