#include "lab/stored_fit.hpp"

#include "lab/recipe.hpp"
#include "store/payload.hpp"
#include "values/toml.hpp"

namespace w2s {
namespace {

using Keys = std::vector<std::string>;

Spec spec_in(const nlohmann::json& manifest, const char* name) {
  const auto found = manifest.find(name);
  if (found == manifest.end() || found->is_null()) return {};
  return Spec::parse(parse_json(found->dump(), "a stored fit"), name);
}

}  // namespace

StoredFit StoredFit::read(const Store& store, const std::string& key) {
  const nlohmann::json json = store.manifest(key);
  StoredFit fit;
  fit.key = key;
  fit.kind = json.at("kind");
  if (fit.kind != "fit" && fit.kind != "tune")
    throw Error("'" + key.substr(0, 12) + "' is no fit but an object of kind '" + fit.kind + "'");
  fit.model = json.at("model");
  fit.blueprint = Blueprint::from_json(json.at("blueprint"));
  fit.backbone_key = json.at("backbone").at("key");
  fit.backbone_fit = json.at("backbone").at("fit");
  fit.trained_backbone = json.at("trained_backbone");
  fit.train = parse_train(parse_json(json.at("train").dump(), "a stored fit").as_table(), "train");
  fit.loss = spec_in(json, "loss");
  fit.weight_average = json.value("weight_average", 0.0);
  fit.seed = json.at("seed");
  fit.start = Student(json.value("start", Keys()));
  fit.draft = Student(json.value("draft", Keys()));
  fit.examples = json.at("examples");
  fit.validation = json.value("validation", std::int64_t{0});
  fit.device = json.value("device", "cpu");
  fit.oracle = json.value("oracle", false);
  fit.steps = json.value("steps", std::int64_t{0});
  fit.kept_step = json.value("kept_step", std::int64_t{0});
  fit.oracle_step = json.value("oracle_step", std::int64_t{0});
  fit.seconds = json.value("seconds", 0.0);
  fit.peak_bytes = json.value("peak_bytes", std::int64_t{0});
  fit.processes = json.value("processes", std::int64_t{1});
  fit.rule = spec_in(json, "rule");
  fit.students = json.value("students", Keys());
  return fit;
}

void StoredFit::write(nlohmann::json& manifest) const {
  manifest.update({{"model", model},
                   {"blueprint", blueprint.to_json()},
                   {"backbone", {{"key", backbone_key}, {"fit", backbone_fit}}},
                   {"trained_backbone", trained_backbone},
                   {"train", json_of(train)},
                   {"weight_average", weight_average},
                   {"seed", seed},
                   {"start", start.members()},
                   {"draft", draft.members()},
                   {"examples", examples},
                   {"validation", validation},
                   {"device", device},
                   {"oracle", oracle},
                   {"steps", steps},
                   {"kept_step", kept_step},
                   {"oracle_step", oracle_step},
                   {"seconds", seconds},
                   {"peak_bytes", peak_bytes}});
  if (!loss.empty()) manifest["loss"] = json_of(loss);
  if (processes > 1) manifest["processes"] = processes;
  if (!rule.empty()) manifest["rule"] = json_of(rule);
  if (!students.empty()) manifest["students"] = students;
}

std::string StoredFit::weights(const Store& store, bool of_oracle) const {
  return store.path(key) + "/" + (of_oracle ? kOracleFile : kWeightsFile);
}

const StoredFit& StoredFits::at(const std::string& key) {
  std::unique_ptr<StoredFit>& entry = known_[key];
  if (!entry) entry = std::make_unique<StoredFit>(StoredFit::read(store_, key));
  return *entry;
}

}  // namespace w2s
