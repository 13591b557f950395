// w2s pretrain: the pretrained models of an experiment as Hugging Face folders.
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <w2s/json.hpp>
#include <w2s/safetensors.hpp>

#include "commands.hpp"
#include "experiment_options.hpp"
#include "idle_threads.hpp"
#include "lab/blueprint.hpp"
#include "launch/pool.hpp"
#include "results/record.hpp"
#include "run_options.hpp"
#include "values/toml.hpp"

namespace w2s::app {
namespace {

namespace fs = std::filesystem;

// Leaves the pretrainings of `models` (empty: of all) in the plan.
void keep_pretrainings(Plan& plan, const std::vector<std::string>& models) {
  std::vector<std::string> keys, names;
  for (const Job& job : plan.jobs) {
    if (job.kind != JobKind::pretrain) continue;
    names.push_back(job.strong);
    if (models.empty() || std::find(models.begin(), models.end(), job.strong) != models.end())
      keys.push_back(job.key);
  }
  for (const std::string& model : models) {
    if (std::find(names.begin(), names.end(), model) == names.end()) {
      throw UsageError("--model '" + model + "': the experiment pretrains " +
                       (names.empty() ? "no model" : one_of_list(names)) + did_you_mean(model, names));
    }
  }
  if (keys.empty()) throw UsageError("the experiment pretrains no model: [models.NAME.pretrain] says how");
  keep_only(plan, keys);
}

enum class Dtype { float32, float16, bfloat16 };
constexpr auto enum_names(Dtype) { return std::array{"float32", "float16", "bfloat16"}; }

struct PretrainOptions {
  std::string out;
  Dtype dtype = Dtype::float32;
  std::vector<std::string> model;
  bool force = false;
};
void describe(OptionSchema<PretrainOptions>& s) {
  s.option("out", &PretrainOptions::out, "DIR",
           "write each model as DIR/NAME, a Hugging Face folder with its tokenizer and a report");
  s.option("dtype", &PretrainOptions::dtype, "TYPE",
           "of the weights in these folders: float32, float16 or bfloat16");
  s.option("model", &PretrainOptions::model, "NAME", "only this model; may be repeated");
  s.option("force", &PretrainOptions::force, "", "write over folders that hold a model");
}

// Rewrites the folder's weights in another type.
void store_weights_in(const std::string& folder, Dtype dtype) {
  if (dtype == Dtype::float32) return;
  const at::ScalarType type = dtype == Dtype::float16 ? at::kHalf : at::kBFloat16;
  const std::string path = folder + "/model.safetensors", config_path = folder + "/config.json";
  const SafeTensors weights = SafeTensors::open(path);
  std::map<std::string, Tensor> tensors;
  for (const std::string& name : weights.names()) tensors[name] = weights.at(name).to(type);
  save_safetensors(path, tensors, weights.metadata());
  Value config = read_json(config_path);
  Table& table = config.as_table();
  table.set(table.find("torch_dtype") ? "torch_dtype" : "dtype", name_of(dtype));
  save_json(config_path, config);
}

// What the model was trained on and how well, without the paths of this machine.
void save_report(const std::string& folder, const nlohmann::json& manifest, std::int64_t parameters) {
  nlohmann::json report = {{"model", manifest.at("model")}, {"parameters", parameters}};
  for (const char* name : {"rows", "tokens", "training_seconds", "tokens_per_second", "measures", "train"}) {
    if (manifest.contains(name)) report[name] = manifest.at(name);
  }
  save_json(folder + "/pretraining.json", parse_json(report.dump(), "a stored pretraining"));
}

}  // namespace

int pretrain(const Command& command, const Args& args) {
  Options options(command, {"experiment"});
  ExperimentOptions wanted;
  StoreOption place;
  RunOptions how;
  PretrainOptions what;
  take(options, wanted);
  options.take(place);
  options.take(how);
  options.take(what);
  if (!options.parse(args)) return 0;
  const PoolOptions pool = pool_options(options, how, args);
  let_idle_threads_sleep(pool.job.threads);
  const std::string& out = what.out;

  spdlog::set_default_logger(spdlog::stderr_color_mt("w2s"));
  spdlog::set_pattern("%H:%M:%S %v");
  set_log_level(options, how);

  LoadedExperiments loaded = load(options, wanted);
  Store store(place.runs);
  Plan plan = make_plan(std::move(loaded.experiments), loaded.registry, &store);
  keep_pretrainings(plan, what.model);
  for (const Job& job : plan.jobs) {
    const std::string folder = (fs::path(out) / job.strong).string();
    if (!out.empty() && !what.force && fs::exists(folder + "/config.json"))
      throw UsageError("'" + folder + "' holds a model already; --force writes over it");
  }
  Display display(isatty(STDERR_FILENO) != 0 && spdlog::should_log(spdlog::level::info));
  const Summary summary = run_plan(plan, loaded.registry, store, pool, display);
  if (summary.interrupted) return 130;
  for (const Failure& failure : summary.failures)
    fmt::print(stderr, "failed: {}: {}; log: {}\n", failure.title, failure.reason, failure.log);

  for (const Job& job : plan.jobs) {
    if (!store.has(job.key)) continue;
    const std::string key = store.manifest(job.key).at("record").get<Record>().fits.back();
    const nlohmann::json manifest = store.manifest(key);
    fmt::print("{}: {}", job.strong, key.substr(0, 12));
    for (const auto& [name, value] : manifest.at("measures").items())
      fmt::print(", {} {:.6g}", name, value.get<double>());
    fmt::print(", {:.0f} s\n", manifest.at("seconds").get<double>());
    if (out.empty()) continue;
    const std::string folder = (fs::path(out) / job.strong).string();
    const std::unique_ptr<IModel> model =
        Blueprint::from_json(manifest.at("blueprint")).build(loaded.registry, store);
    load_weights(*model, store.path(key) + "/model.safetensors");
    fs::create_directories(folder);
    model->save(folder);
    store_weights_in(folder, what.dtype);
    save_report(folder, manifest, model->parameters().count());
  }
  return summary.failures.empty() && summary.skipped == 0 ? 0 : 1;
}

}  // namespace w2s::app
