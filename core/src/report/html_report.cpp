#include "report/html_report.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <unordered_map>

#include <fmt/format.h>

#include "base/files.hpp"
#include "config/toml.hpp"
#include "report/html_page.hpp"
#include "report/predictions.hpp"

namespace w2s {
namespace {

using nlohmann::json;

constexpr std::size_t kBins = 15;          // as ECE has them
constexpr std::size_t kCasesOfAKind = 20;  // examples shown a run, test set and kind
constexpr std::size_t kPoints = 150;       // of a curve
constexpr std::size_t kPointsOfMany = 50;  // of a curve where there are more fits than …
constexpr std::size_t kManyFits = 200;

json rounded(double value) {
  if (!std::isfinite(value)) return nullptr;
  return std::stod(fmt::format("{:.5g}", value));
}

json reliability(const Predictions& predictions) {
  struct Bin {
    std::size_t examples = 0, right = 0;
    double confidence = 0;
  };
  std::vector<Bin> bins(kBins);
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const double confidence = predictions.confidence(i);
    const auto place = static_cast<std::size_t>(std::max(0.0, confidence * kBins));
    Bin& bin = bins[std::min(place, kBins - 1)];
    ++bin.examples;
    bin.confidence += confidence;
    bin.right += predictions.label(i) == predictions.labels[i];
  }
  json list = json::array();
  for (const Bin& bin : bins) {
    const auto n = static_cast<double>(bin.examples);
    if (bin.examples == 0) {
      list.push_back({0, nullptr, nullptr});
    } else {
      list.push_back(
          {bin.examples, rounded(bin.confidence / n), rounded(static_cast<double>(bin.right) / n)});
    }
  }
  return list;
}

json against_supervisor(const Predictions& student, const Predictions& supervisor) {
  std::map<std::string, std::vector<std::size_t>> kinds = {
      {"corrected", {}}, {"lost", {}}, {"copied", {}}, {"differently_wrong", {}}};
  std::size_t both_right = 0;
  for (std::size_t i = 0; i < student.size(); ++i) {
    const std::int64_t truth = student.labels[i], weak = supervisor.label(i), strong = student.label(i);
    if (weak == truth && strong == truth) {
      ++both_right;
    } else if (strong == truth) {
      kinds["corrected"].push_back(i);
    } else if (weak == truth) {
      kinds["lost"].push_back(i);
    } else {
      kinds[weak == strong ? "copied" : "differently_wrong"].push_back(i);
    }
  }
  json counts = {{"both_right", both_right}}, cases = json::object();
  for (auto& [kind, examples] : kinds) {
    counts[kind] = examples.size();
    std::stable_sort(examples.begin(), examples.end(), [&](std::size_t a, std::size_t b) {
      return student.confidence(a) > student.confidence(b);
    });
    json& list = cases[kind] = json::array();
    for (std::size_t k = 0; k < std::min(examples.size(), kCasesOfAKind); ++k) {
      const std::size_t i = examples[k];
      list.push_back({i, student.labels[i], supervisor.label(i), student.label(i),
                      std::stod(fmt::format("{:.3f}", supervisor.confidence(i))),
                      std::stod(fmt::format("{:.3f}", student.confidence(i)))});
    }
  }
  return {{"examples", student.size()}, {"counts", counts}, {"cases", cases}};
}

/// log.jsonl as columns: the loss averaged over stretches of steps, validation where it was measured.
void add_log(json& fit, const std::string& path, std::size_t points) {
  std::vector<double> steps, losses;
  json validation = json::object();
  std::istringstream lines(read_file(path));
  for (std::string text; std::getline(lines, text);) {
    const json line = json::parse(text, nullptr, false);
    if (!line.is_object()) throw Error(path + " is damaged: a line is not a JSON object");
    const auto step = line.find("step");
    if (step == line.end() || !step->is_number()) continue;
    if (const auto loss = line.find("loss"); loss != line.end() && loss->is_number()) {
      steps.push_back(*step);
      losses.push_back(*loss);
    }
    for (const auto& [name, value] : line.items()) {
      if (!name.starts_with("validation_") || !value.is_number()) continue;
      validation[name]["step"].push_back(*step);
      validation[name]["value"].push_back(rounded(value));
    }
  }
  json &log_steps = fit["log"]["step"] = json::array(), &log_losses = fit["log"]["loss"] = json::array();
  const std::size_t stretches = std::min(points, steps.size());
  for (std::size_t k = 0; k < stretches; ++k) {
    const std::size_t begin = k * steps.size() / stretches, end = (k + 1) * steps.size() / stretches;
    double step = 0, loss = 0;
    for (std::size_t i = begin; i < end; ++i) {
      step += steps[i];
      loss += losses[i];
    }
    log_steps.push_back(std::round(step / static_cast<double>(end - begin)));
    log_losses.push_back(rounded(loss / static_cast<double>(end - begin)));
  }
  if (!validation.empty()) fit["validation"] = validation;
}

class ReportData {
 public:
  ReportData(const std::vector<Record>& records, const Leaderboard& board, const Store& store)
      : board_(board), store_(store) {
    for (const Record& record : records) {
      if (const auto [known, is_new] = run_of_.emplace(record.key, records_.size()); is_new) {
        records_.push_back(&record);
      } else {
        records_[known->second] = &record;
      }
      if (std::find(experiments_.begin(), experiments_.end(), record.experiment) == experiments_.end()) {
        experiments_.push_back(record.experiment);
      }
    }
  }

  json build() {
    json runs = json::array();
    for (const Record* record : records_) runs.push_back(run(*record));
    json ranks = json::array();
    for (const MeanRank& rank : board_.ranks) {
      ranks.push_back({{"method", rank.method}, {"rank", rounded(rank.rank)}, {"tasks", rank.tasks}});
    }
    return {{"metric", board_.options.metric},
            {"test", board_.options.test},
            {"level", board_.options.level},
            {"experiments", experiments_},
            {"models", models_},
            {"ranks", std::move(ranks)},
            {"rows", rows()},
            {"runs", std::move(runs)},
            {"fits", fits()},
            {"configs", configs_}};
  }

 private:
  json rows() const {
    json list = to_json(board_);
    for (std::size_t i = 0; i < board_.rows.size(); ++i) {
      const Row& row = board_.rows[i];
      list[i]["block"] = row.block;
      json& members = list[i]["runs"] = json::array();
      for (std::size_t k = 0; k < records_.size(); ++k) {
        if (belongs(*records_[k], row)) members.push_back(k);
      }
    }
    return list;
  }

  static bool belongs(const Record& record, const Row& row) {
    return record.kind == "student" && record.method == row.method && record.weak == row.weak &&
           record.strong == row.strong && record.task == row.task && record.protocol == row.protocol &&
           record.variant == row.variant &&
           (row.code.empty() || !record.provenance.is_object() ||
            record.provenance.value("code", "") == row.code) &&
           std::find(row.seeds.begin(), row.seeds.end(), record.seed) != row.seeds.end();
  }

  json run(const Record& record) {
    json out = record;
    out["floor"] = index_of_run(record.floor);
    out["ceiling"] = index_of_run(record.ceiling);
    out["config"] = nullptr;
    if (json& provenance = out["provenance"]; provenance.is_object()) {
      if (const std::string text = provenance.value("experiment", ""); !text.empty())
        out["config"] = config(text);
      provenance.erase("experiment");
    }
    json fits = json::array();
    for (const std::string& key : record.fits) {
      if (!store_.has(key)) {
        fits.push_back(nullptr);
        continue;
      }
      const auto [known, is_new] = fit_of_.emplace(key, fit_keys_.size());
      if (is_new) fit_keys_.push_back(key);
      fits.push_back(known->second);
    }
    out["fits"] = std::move(fits);
    add_predictions(out, record);
    return out;
  }

  void add_predictions(json& out, const Record& record) {
    const auto predictions = load(record.key);
    for (const auto& [test, found] : predictions) out["reliability"][test] = reliability(found);
    if (record.kind != "student" || record.floor.empty()) return;
    if (record.floor != supervisor_key_) {
      supervisor_ = load(record.floor);
      supervisor_key_ = record.floor;
    }
    for (const auto& [test, found] : predictions) {
      const auto weak = supervisor_.find(test);
      if (weak == supervisor_.end() || weak->second.labels != found.labels) continue;
      out["against_supervisor"][test] = against_supervisor(found, weak->second);
    }
  }

  std::map<std::string, Predictions> load(const std::string& key) const {
    if (!store_.has(key)) return {};
    const std::string path = store_.path(key) + "/predictions.safetensors";
    return exists(path) ? read_predictions(path) : std::map<std::string, Predictions>();
  }

  json fits() const {
    const std::size_t points = fit_keys_.size() > kManyFits ? kPointsOfMany : kPoints;
    json list = json::array();
    for (const std::string& key : fit_keys_) {
      const json manifest = store_.manifest(key);
      json fit = {{"key", key}};
      for (const char* name : {"kind", "model", "loss", "objective", "train", "seed", "examples", "steps",
                               "kept_step", "oracle_step", "oracle", "seconds", "peak_bytes", "device"}) {
        if (const auto it = manifest.find(name); it != manifest.end()) fit[name] = *it;
      }
      if (const auto it = manifest.find("validation"); it != manifest.end()) fit["validation_examples"] = *it;
      if (const std::string log = store_.path(key) + "/log.jsonl"; exists(log)) add_log(fit, log, points);
      list.push_back(std::move(fit));
    }
    return list;
  }

  /// Index of the text, whose models take their places in the ladder the first time it is met.
  std::size_t config(const std::string& text) {
    const auto [known, is_new] = config_of_.emplace(text, configs_.size());
    if (!is_new) return known->second;
    configs_.push_back(text);
    const Value experiment = parse_toml(text, "resolved experiment");
    if (const Value* models = experiment.as_table().find("models"); models != nullptr && models->is_table()) {
      for (const std::string& name : models->as_table().keys()) {
        if (std::find(models_.begin(), models_.end(), name) == models_.end()) models_.push_back(name);
      }
    }
    return known->second;
  }

  json index_of_run(const std::string& key) const {
    const auto it = run_of_.find(key);
    return it == run_of_.end() ? json(nullptr) : json(it->second);
  }

  const Leaderboard& board_;
  const Store& store_;
  std::vector<const Record*> records_;
  std::vector<std::string> experiments_, models_, configs_, fit_keys_;
  std::unordered_map<std::string, std::size_t> run_of_, fit_of_, config_of_;
  std::string supervisor_key_;
  std::map<std::string, Predictions> supervisor_;
};

std::string script_safe(const json& data) {
  std::string text;
  for (const char c : data.dump(-1, ' ', false, json::error_handler_t::replace)) {
    switch (c) {
      case '<':
        text += "\\u003c";
        break;
      case '>':
        text += "\\u003e";
        break;
      case '&':
        text += "\\u0026";
        break;
      default:
        text += c;
    }
  }
  return text;
}

}  // namespace

json report_data(const std::vector<Record>& records, const Leaderboard& board, const Store& store) {
  return ReportData(records, board, store).build();
}

std::string html_page(const json& data) {
  const std::map<std::string_view, std::string> parts = {{"{{css}}", std::string(kReportCss)},
                                                         {"{{d3}}", std::string(kD3)},
                                                         {"{{d3_license}}", std::string(kD3License)},
                                                         {"{{js}}", std::string(kReportJs)},
                                                         {"{{data}}", script_safe(data)}};
  std::string page;
  for (std::size_t at = 0; at < kReportHtml.size();) {
    const std::size_t begin = kReportHtml.find("{{", at);
    if (begin == std::string_view::npos) {
      page += kReportHtml.substr(at);
      break;
    }
    const std::size_t end = kReportHtml.find("}}", begin) + 2;
    page += kReportHtml.substr(at, begin - at);
    page += parts.at(kReportHtml.substr(begin, end - begin));
    at = end;
  }
  return page;
}

}  // namespace w2s
