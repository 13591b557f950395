// A file with its overrides to one Experiment for every point of its grid.
#include <algorithm>

#include "config/experiment.hpp"
#include "config/override.hpp"
#include "config/preset.hpp"
#include "values/toml.hpp"

namespace w2s {
namespace {

constexpr std::size_t kMaxPoints = 10'000;

// [sweep] first; --sweep replaces the values of a key, or adds a faster one.
std::vector<Axis> collect_axes(Value& root, const Overrides& overrides) {
  std::vector<Axis> axes;
  if (const Value* sweep = root.as_table().find("sweep")) axes = sweep_axes(*sweep);
  root.as_table().erase("sweep");
  for (const std::string& option : overrides.sweep) {
    Axis axis = parse_sweep(option);
    const auto same =
        std::find_if(axes.begin(), axes.end(), [&](const Axis& a) { return a.path == axis.path; });
    if (same == axes.end()) {
      axes.push_back(std::move(axis));
    } else {
      *same = std::move(axis);
    }
  }
  return axes;
}

void check_axes(const std::vector<Axis>& axes, const std::vector<Assignment>& sets) {
  std::size_t points = 1;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const Axis& axis = axes[i];
    const std::string key = key_text(axis.path);
    for (const char* fixed : {"name", "seeds", "plugins", "sweep", "variant"}) {
      if (axis.path[0] == fixed)
        fail_at(axis.source, "sweep: '" + key + "' is the same for a whole experiment");
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (overlap(axes[j].path, axis.path)) {
        fail_at(axis.source, "sweep: '" + key + "' and '" + key_text(axes[j].path) + "' set the same value");
      }
    }
    for (const Assignment& set : sets) {
      if (overlap(set.path, axis.path) && set.path.size() >= axis.path.size()) {
        fail_at(set.value, "'" + key + "' is swept: give it one value with --sweep instead");
      }
    }
    points *= axis.values.size();
    if (points > kMaxPoints) {
      fail_at(axis.source,
              "sweep: more than " + std::to_string(kMaxPoints) + " points: expected a smaller grid");
    }
  }
}

std::vector<Experiment> expand(Value root, const std::string& file, const Overrides& overrides) {
  std::vector<Assignment> sets;
  for (const std::string& option : overrides.set) {
    const Assignment& set = sets.emplace_back(parse_set(option));
    assign(root, set.path, set.value, Missing::create, set.value.source());
  }
  if (!overrides.seeds.empty()) {
    List seeds;
    for (const std::int64_t seed : overrides.seeds) seeds.push_back(Value(seed).at({"--seeds", 0, 0}));
    root.as_table().set("seeds", Value(std::move(seeds)).at({"--seeds", 0, 0}));
  }
  const std::vector<Axis> axes = collect_axes(root, overrides);
  check_axes(axes, sets);

  std::size_t points = 1;
  for (const Axis& axis : axes) points *= axis.values.size();
  std::vector<Experiment> out;
  for (std::size_t point = 0; point < points; ++point) {
    Value tree = root;
    Table variant;
    std::size_t stride = points;
    for (const Axis& axis : axes) {
      stride /= axis.values.size();
      const Value& value = axis.values[point / stride % axis.values.size()];
      assign(tree, axis.path, value, Missing::refuse, axis.source);
      variant.set(key_text(axis.path), value);
    }
    apply_preset(tree, overrides.presets);
    Experiment& experiment = out.emplace_back(read_experiment(tree.as_table(), file));
    experiment.variant = merge(experiment.variant, variant);
  }
  return out;
}

}  // namespace

std::vector<Experiment> load_experiments(const std::string& path, const Overrides& overrides) {
  return expand(parse_toml_file(path), path, overrides);
}

std::vector<Experiment> parse_experiments(const std::string& text, const std::string& name,
                                          const Overrides& overrides) {
  return expand(parse_toml(text, name), name, overrides);
}

}  // namespace w2s
