#include "report/html_report.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <sstream>
#include <unordered_map>

#include <fmt/format.h>

#include "base/files.hpp"
#include "report/html_page.hpp"
#include "report/leaderboard/sweep_keys.hpp"
#include "report/leaderboard_json.hpp"
#include "results/cases.hpp"
#include "results/ledger.hpp"
#include "results/predictions.hpp"
#include "store/objects.hpp"
#include "values/toml.hpp"

namespace w2s {
namespace {

using nlohmann::json;

constexpr std::size_t kBins = 15;          // as ECE has them
constexpr std::size_t kPoints = 150;       // of a curve
constexpr std::size_t kPointsOfMany = 50;  // of a curve where there are more fits than …
constexpr std::size_t kManyFits = 200;
constexpr std::size_t kExcerptBytes = 1'500'000;  // of all examples of all runs together
constexpr std::size_t kManyStudents = 200, kCasesOfMany = 5;
constexpr std::size_t kShortestExcerpt = 40;  // below it none is shown

/// How much of the examples is shown: less of each where there are many students.
struct CaseBudget {
  std::size_t of_a_kind, excerpt;
  explicit CaseBudget(std::size_t students)
      : of_a_kind(students > kManyStudents ? kCasesOfMany : kCasesOfAKind),
        excerpt(kExcerptBytes /
                std::max<std::size_t>(1, students * of_a_kind * Disagreements::kinds().size())) {
    if (excerpt < kShortestExcerpt) excerpt = 0;
  }
};

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

/// What a label is called on the page: its number, or of a generation task's answer the text.
using NameLabel = std::function<json(std::size_t example, std::int64_t label)>;

/// answers.json of a generation task: what a student, or the reference, says to an example.
NameLabel answer_texts(const json& texts, const char* list) {
  return [texts = texts.value(list, json::array())](std::size_t example, std::int64_t label) -> json {
    if (example < texts.size() && texts[example].is_string())
      return excerpt(texts[example].get<std::string>(), 200);
    return label;
  };
}

struct LabelNames {
  NameLabel truth, supervisor, student;
};

/// `described`: cases.json's examples of this test set, by place.
json against_supervisor(const Predictions& student, const Predictions& supervisor, const json& described,
                        const LabelNames& names, const CaseBudget& budget) {
  const Disagreements found = disagreements(student, supervisor);
  json counts = {{"both_right", found.both_right}}, cases = json::object(), examples = json::object();
  for (const auto& [kind, places] : Disagreements::kinds()) {
    const auto& all = found.*places;
    counts[kind] = all.size();
    json& list = cases[kind] = json::array();
    for (std::size_t k = 0; k < std::min(all.size(), budget.of_a_kind); ++k) {
      const std::size_t i = all[k];
      list.push_back({i, names.truth(i, student.labels[i]), names.supervisor(i, supervisor.label(i)),
                      names.student(i, student.label(i)),
                      std::stod(fmt::format("{:.3f}", supervisor.confidence(i))),
                      std::stod(fmt::format("{:.3f}", student.confidence(i)))});
      const auto it = described.find(std::to_string(i));
      if (it == described.end() || !it->is_object()) continue;
      json& example = examples[it.key()] = {{"id", it->value("id", "")}};
      for (const char* text : {"text", "second"})
        if (budget.excerpt > 0 && it->contains(text))
          example[text] = excerpt(it->value(text, ""), std::min<std::size_t>(budget.excerpt, 400));
    }
  }
  return {{"examples", student.size()}, {"counts", counts}, {"cases", cases}, {"described", examples}};
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
  ReportData(const std::vector<Record>& records, const Leaderboard& board, const Collection& collection)
      : board_(board),
        collection_(collection),
        budget_(static_cast<std::size_t>(std::count_if(
            records.begin(), records.end(), [](const Record& record) { return record.kind == "student"; }))) {
    for (const Record& record : records) {
      if (const auto [known, is_new] = run_of_.emplace(identity(record, record.key), records_.size());
          is_new) {
        records_.push_back(&record);
      } else {
        records_[known->second] = &record;
      }
      run_of_place_.push_back(run_of_.at(identity(record, record.key)));
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
    json imports = json::array();
    for (const Collection::Import& import : collection_.imports())
      imports.push_back({{"name", import.name}, {"about", import.about}});
    return {{"metric", board_.options.metric},
            {"baseline", board_.options.baseline},
            {"imports", std::move(imports)},
            {"test", board_.options.test},
            {"level", board_.options.level},
            {"experiments", experiments_},
            {"models", models_},
            {"ranks", std::move(ranks)},
            {"rows", rows()},
            {"runs", std::move(runs)},
            {"fits", fits()},
            {"configs", configs_},
            {"provenances", provenances_}};
  }

 private:
  json rows() const {
    json list = to_json(board_);
    for (std::size_t i = 0; i < board_.rows.size(); ++i) {
      const Row& row = board_.rows[i];
      list[i]["block"] = row.block;
      list[i]["method"] = row.name;
      list[i]["variant"] = block_variant(row.variant);
      if (json point = method_variant(row.variant); !point.empty())
        list[i]["swept"] = {{"method", row.method}, {"point", std::move(point)}};
      std::set<std::size_t> runs;
      for (const std::size_t place : row.runs) runs.insert(run_of_place_.at(place));
      list[i]["runs"] = runs;
      const auto config = config_of_run_.find(*runs.begin());
      if (config == config_of_run_.end()) continue;
      const auto selection = selections_.find({config->second, row.method});
      if (selection != selections_.end()) list[i]["selection"] = selection->second;
    }
    return list;
  }

  json run(const Record& record) {
    const Store& store = collection_.store(record);
    json out = record;
    out["variant"] = own_variant(record);
    if (!record.origin.empty()) out["origin"] = record.origin;
    out["floor"] = index_of_run(record, record.floor);
    out["ceiling"] = index_of_run(record, record.ceiling);
    out["provenance"] = full_provenance(store, record);
    out["config"] = nullptr;
    if (json& provenance = out["provenance"]; provenance.is_object()) {
      if (const std::string text = provenance.value("experiment", ""); !text.empty()) {
        const std::size_t number = config(text);
        out["config"] = number;
        config_of_run_[run_of_.at(identity(record, record.key))] = number;
      }
      provenance.erase("experiment");
    }
    out["provenance"] = provenance_number(std::move(out["provenance"]));
    json fits = json::array();
    for (const std::string& key : record.fits) {
      if (!store.has(key)) {
        fits.push_back(nullptr);
        continue;
      }
      const auto [known, is_new] = fit_of_.emplace(key, fit_keys_.size());
      if (is_new) fit_keys_.emplace_back(&store, key);
      fits.push_back(known->second);
    }
    out["fits"] = std::move(fits);
    add_predictions(out, record);
    return out;
  }

  /// Its place in the list of those that differ.
  std::size_t provenance_number(json provenance) {
    const auto [known, is_new] = provenance_of_.emplace(provenance.dump(), provenances_.size());
    if (is_new) provenances_.push_back(std::move(provenance));
    return known->second;
  }

  void add_predictions(json& out, const Record& record) {
    const auto predictions = load(record, record.key);
    for (const auto& [test, found] : predictions) {
      if (!found.generation()) out["reliability"][test] = reliability(found);
    }
    if (record.kind != "student" || record.floor.empty()) return;
    if (const std::string floor = identity(record, record.floor); floor != supervisor_key_) {
      supervisor_ = load(record, record.floor);
      supervisor_key_ = floor;
    }
    const json described = describes(record);
    for (const auto& [test, found] : predictions) {
      const auto weak = supervisor_.find(test);
      if (weak == supervisor_.end() || weak->second.labels != found.labels) continue;
      const json none = json::object();
      const auto tests = described.find("tests");
      const NameLabel number = [](std::size_t, std::int64_t label) { return json(label); };
      LabelNames names{number, number, number};
      if (found.generation()) {
        const json mine = answers(record, record.key).value(test, none);
        names = {answer_texts(mine, "references"),
                 answer_texts(answers(record, record.floor).value(test, none), "answers"),
                 answer_texts(mine, "answers")};
      }
      out["against_supervisor"][test] = against_supervisor(
          found, weak->second, tests == described.end() ? none : tests->value(test, none), names, budget_);
    }
    if (const auto classes = described.find("classes"); classes != described.end()) out["classes"] = *classes;
  }

  /// What its record says of the examples that are shown.
  json describes(const Record& record) const { return side_file(record, record.key, kCasesFile); }
  json answers(const Record& record, const std::string& key) const {
    return side_file(record, key, "answers.json");
  }
  json side_file(const Record& record, const std::string& key, const char* name) const {
    const std::string path = object_folder(collection_.store(record).root(), key) + "/" + name;
    if (!exists(path)) return json::object();
    json described = json::parse(read_file(path), nullptr, false);
    if (!described.is_object()) throw Error(path + " is damaged: it is no JSON object");
    return described;
  }

  /// Of a record beside `record`, or its own.
  std::map<std::string, Predictions> load(const Record& record, const std::string& key) const {
    const Store& store = collection_.store(record);
    if (!store.has(key)) return {};
    const std::string path = store.path(key) + "/predictions.safetensors";
    return exists(path) ? read_predictions(path) : std::map<std::string, Predictions>();
  }

  json fits() const {
    const std::size_t points = fit_keys_.size() > kManyFits ? kPointsOfMany : kPoints;
    json list = json::array();
    for (const auto& [store, key] : fit_keys_) {
      const json manifest = store->manifest(key);
      json fit = {{"key", key}};
      for (const char* name : {"kind", "model", "loss", "objective", "train", "seed", "examples", "steps",
                               "kept_step", "oracle_step", "oracle", "seconds", "peak_bytes", "device"}) {
        if (const auto it = manifest.find(name); it != manifest.end()) fit[name] = *it;
      }
      if (const auto it = manifest.find("validation"); it != manifest.end()) fit["validation_examples"] = *it;
      if (const std::string log = store->path(key) + "/log.jsonl"; exists(log)) add_log(fit, log, points);
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
    if (const Value* methods = experiment.as_table().find("methods");
        methods != nullptr && methods->is_table()) {
      for (const auto& [name, method] : methods->as_table()) note_selection(known->second, name, method);
    }
    return known->second;
  }

  /// A method that keeps a fraction of the examples: {"strategy": "confidence_filter", "keep": 0.2}.
  void note_selection(std::size_t config, const std::string& method, const Value& settings) {
    const Value* chain = settings.is_table() ? settings.as_table().find("strategy") : nullptr;
    if (chain == nullptr || !chain->is_list()) return;
    std::string strategies;
    const Value* keep = nullptr;
    for (const Value& link : chain->as_list()) {
      const Value* type = link.is_table() ? link.as_table().find("type") : &link;
      if (type == nullptr || !type->is_string()) return;
      strategies += (strategies.empty() ? "" : " + ") + type->as_string();
      const Value* share = link.is_table() ? link.as_table().find("keep") : nullptr;
      if (share != nullptr && share->is_number()) keep = share;
    }
    if (keep != nullptr)
      selections_[{config, method}] = {{"strategy", strategies}, {"keep", keep->as_real()}};
  }

  /// Records of imports are known by their origin too.
  static std::string identity(const Record& record, const std::string& key) {
    return record.imported ? record.origin + '/' + key : key;
  }

  json index_of_run(const Record& record, const std::string& key) const {
    const auto it = run_of_.find(identity(record, key));
    return it == run_of_.end() ? json(nullptr) : json(it->second);
  }

  const Leaderboard& board_;
  const Collection& collection_;
  const CaseBudget budget_;
  std::vector<const Record*> records_;     // of each key the last
  std::vector<std::size_t> run_of_place_;  // [records given] index into records_
  std::vector<std::string> experiments_, models_, configs_;
  std::vector<std::pair<const Store*, std::string>> fit_keys_;
  json provenances_ = json::array();
  std::unordered_map<std::string, std::size_t> run_of_, fit_of_, config_of_, provenance_of_;
  std::unordered_map<std::size_t, std::size_t> config_of_run_;
  std::map<std::pair<std::size_t, std::string>, json> selections_;  // by config and method
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

json report_data(const std::vector<Record>& records, const Leaderboard& board, const Collection& collection) {
  return ReportData(records, board, collection).build();
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
