#include "launch/verify.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include <w2s/safetensors.hpp>

#include "base/code_parts.hpp"
#include "lab/stored_fit.hpp"
#include "store/payload.hpp"

namespace w2s {
namespace {

Comparison recipe(std::string what, const std::string& then, const std::string& now, std::size_t shown = 12) {
  const bool same = then == now;
  return {std::move(what), same, false,
          same ? then.substr(0, shown)
               : fmt::format("was {}, is {}", then.substr(0, shown), now.substr(0, shown))};
}

// Every tensor of two files of tensors; the largest difference between them.
Comparison compare_tensors(std::string what, const std::string& first, const std::string& again,
                           double tolerance) {
  const SafeTensors a = SafeTensors::open(first), b = SafeTensors::open(again);
  Comparison found{std::move(what), true, true, ""};
  if (a.names() != b.names()) {
    found.same = false;
    found.detail = "other tensors";
    return found;
  }
  double largest = 0;
  for (const std::string& name : a.names()) {
    const Tensor x = a.at(name), y = b.at(name);
    if (x.sizes() != y.sizes() || x.scalar_type() != y.scalar_type()) {
      found.same = false;
      found.detail = "'" + name + "' has another shape or type";
      return found;
    }
    if (digest(x) == digest(y)) continue;
    const double apart = (x.to(at::kDouble) - y.to(at::kDouble)).abs().max().item<double>();
    largest = apart <= largest ? largest : apart;  // a NaN stays
    found.detail = fmt::format("largest difference {:.3g}", largest);
    if (!(largest <= tolerance) || tolerance == 0) found.same = false;
  }
  if (found.detail.empty()) found.detail = "the same bits";
  return found;
}

}  // namespace

std::size_t job_of(const Record& record, const Plan& plan) {
  for (std::size_t i = 0; i < plan.jobs.size(); ++i) {
    const Job& job = plan.jobs[i];
    if (name_of(job.kind) == record.kind && job.weak == record.weak && job.strong == record.strong &&
        job.method == record.method && job.seed == record.seed) {
      return i;
    }
  }
  throw Error("its resolved experiment has no such job");
}

std::vector<Comparison> compare_recipes(const Record& record, const Plan& plan, const Job& job,
                                        const Registry& registry) {
  const nlohmann::json& provenance = record.provenance;
  std::vector<Comparison> found;
  const auto parts = provenance.value("parts", std::map<std::string, std::string>());
  for (const auto& [part, now] : code_parts()) {
    const auto then = parts.find(part);
    found.push_back(recipe("code: " + part, then == parts.end() ? "not kept" : then->second, now));
  }
  found.push_back(recipe("LibTorch", provenance.value("torch", ""), torch_version(), 40));
  std::map<std::string, std::string> now;
  for (const PluginInfo* plugin : registry.list()) now[plugin->id()] = plugin->source_digest;
  for (const auto& [id, digest] : provenance.value("plugins", std::map<std::string, std::string>())) {
    found.push_back(recipe(id, digest, now.count(id) > 0 ? now.at(id) : "absent"));
  }
  found.push_back(recipe("task, data and split", record.protocol, plan.protocols[job.experiment]));
  const bool explained = std::any_of(found.begin(), found.end(), [](const Comparison& c) { return !c.same; });
  if (!explained) found.push_back(recipe("the whole recipe", record.key, job.key));
  return found;
}

std::vector<Comparison> compare_results(const Store& first, const Record& record, const Store& again,
                                        const Record& anew, double tolerance) {
  std::vector<Comparison> found;
  if (record.fits.size() != anew.fits.size()) {
    found.push_back(
        {"fits", false, true, fmt::format("were {}, are {}", record.fits.size(), anew.fits.size())});
  }
  for (std::size_t i = 0; i < std::min(record.fits.size(), anew.fits.size()); ++i) {
    if (!first.has(record.fits[i])) continue;
    const std::string model = again.manifest(anew.fits[i]).value("model", "");
    const std::string name = fmt::format("weights of {} ({})", model, record.fits[i].substr(0, 12));
    const std::string file = "/" + kWeightsFile;
    found.push_back(
        compare_tensors(name, first.path(record.fits[i]) + file, again.path(anew.fits[i]) + file, tolerance));
    found.back().result = tolerance == 0;
  }
  const std::string file = "/" + kPredictionsFile;
  found.push_back(
      compare_tensors("predictions", first.path(record.key) + file, again.path(anew.key) + file, tolerance));
  return found;
}

}  // namespace w2s
