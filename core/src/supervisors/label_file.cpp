#include "supervisors/label_file.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include <w2s/records.hpp>
#include <w2s/safetensors.hpp>

#include "supervisors/annotators.hpp"
#include "values/toml.hpp"

namespace w2s {
namespace {

constexpr std::int64_t kNoLabel = -1, kBadLabel = -2;
constexpr double kSumTolerance = 1e-3;

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Rows of all files, as they are read.
class Collector {
 public:
  Collector(const FileSupervisor& params, std::int64_t classes, const std::vector<std::string>& class_names)
      : params_(params), classes_(classes), names_(params.classes.empty() ? class_names : params.classes) {
    if (!params.classes.empty() && static_cast<std::int64_t>(params.classes.size()) != classes) {
      throw UsageError(fmt::format("[supervisor]: classes has {} names, the task {} classes",
                                   params.classes.size(), classes));
    }
  }

  void add(const std::string& place, const std::string& id, const std::vector<std::string>& values) {
    if (!params_.probabilities.empty()) {
      if (std::optional<std::vector<double>> row = distribution(place, id, values))
        keep(place, id, std::move(*row), {});
      return;
    }
    std::vector<std::int64_t> votes;
    for (const std::string& value : values) {
      votes.push_back(class_of(value));
      if (votes.back() == kBadLabel) {
        count("a label that is none of the " + std::to_string(classes_) + " classes", place,
              "'" + value + "'");
        return;
      }
    }
    if (std::all_of(votes.begin(), votes.end(), [](std::int64_t vote) { return vote == kNoLabel; })) return;
    keep(place, id, {}, std::move(votes));
  }

  std::vector<std::string> take_ids() { return std::move(ids_); }

  void refuse_bad_rows() const {
    std::string message;
    for (const auto& [kind, problem] : problems_) {
      message +=
          fmt::format("{}{} row{} with {}, the first {} ({})", message.empty() ? "" : "; ", problem.rows,
                      problem.rows == 1 ? "" : "s", kind, problem.place, problem.example);
    }
    if (message.empty()) return;
    const bool labels = params_.probabilities.empty();
    throw UsageError("[supervisor]: " + message +
                     (labels && !names_.empty() ? "; expected " + one_of_list(names_) : "") +
                     (labels && names_.empty() ? fmt::format("; expected 0 … {}", classes_ - 1) : ""));
  }

  // [R, C]
  Tensor probabilities() const {
    const auto rows = static_cast<std::int64_t>(ids_.size());
    if (!params_.probabilities.empty()) {
      Tensor all = at::empty({rows, classes_}, at::kDouble);
      for (std::size_t i = 0; i < shares_.size(); ++i) {
        std::copy(shares_[i].begin(), shares_[i].end(),
                  all.data_ptr<double>() + static_cast<std::int64_t>(i) * classes_);
      }
      return all.div(all.sum(1, true)).to(at::kFloat);
    }
    std::size_t annotators = 1;
    for (const auto& row : votes_) annotators = std::max(annotators, row.size());
    Tensor votes = at::full({rows, static_cast<std::int64_t>(annotators)}, kNoLabel, at::kLong);
    for (std::size_t i = 0; i < votes_.size(); ++i) {
      std::copy(votes_[i].begin(), votes_[i].end(), votes.data_ptr<std::int64_t>() + i * annotators);
    }
    const bool model_annotators = !params_.annotators.empty() && params_.aggregate == Aggregate::dawid_skene;
    return (model_annotators ? dawid_skene(votes, classes_).posterior : vote_shares(votes, classes_))
        .to(at::kFloat);
  }

 private:
  struct Problem {
    std::int64_t rows = 0;
    std::string place, example;
  };

  void count(const std::string& kind, const std::string& place, const std::string& example) {
    Problem& problem = problems_[kind];
    if (problem.rows++ == 0) problem.place = place, problem.example = example;
  }

  void keep(const std::string& place, const std::string& id, std::vector<double> shares,
            std::vector<std::int64_t> votes) {
    if (!seen_.emplace(id, place).second) {
      count("an id that came before", place, "'" + id + "', first " + seen_.at(id));
      return;
    }
    ids_.push_back(id);
    shares_.push_back(std::move(shares));
    votes_.push_back(std::move(votes));
  }

  std::int64_t class_of(const std::string& value) const {
    if (value.empty()) return kNoLabel;
    for (std::size_t k = 0; k < names_.size(); ++k) {
      if (names_[k] == value) return static_cast<std::int64_t>(k);
    }
    const std::optional<double> number = params_.classes.empty() ? number_of(value) : std::nullopt;
    if (!number || std::floor(*number) != *number ||
        !(*number >= -1 && *number < static_cast<double>(classes_))) {
      return kBadLabel;
    }
    return static_cast<std::int64_t>(*number);
  }

  std::optional<std::vector<double>> distribution(const std::string& place, const std::string& id,
                                                  const std::vector<std::string>& values) {
    std::vector<double> row;
    double sum = 0;
    bool empty = true, sound = static_cast<std::int64_t>(values.size()) == classes_;
    for (const std::string& value : values) {
      empty = empty && value.empty();
      const std::optional<double> share = number_of(value);
      sound = sound && share && *share >= 0 && std::isfinite(*share);
      if (share) row.push_back(*share), sum += *share;
    }
    if (empty) return std::nullopt;
    if (sound && std::abs(sum - 1) <= kSumTolerance) return row;
    count(fmt::format("probabilities that are no distribution over {} classes", classes_), place,
          fmt::format("'{}': {} value{}, sum {:.4g}", id, values.size(), values.size() == 1 ? "" : "s", sum));
    return std::nullopt;
  }

  const FileSupervisor& params_;
  std::int64_t classes_;
  std::vector<std::string> names_, ids_;
  std::unordered_map<std::string, std::string> seen_;
  std::vector<std::vector<double>> shares_;
  std::vector<std::vector<std::int64_t>> votes_;
  std::map<std::string, Problem> problems_;
};

std::vector<std::string> columns_of(const FileSupervisor& params) {
  if (!params.probabilities.empty()) return params.probabilities;
  return params.annotators.empty() ? std::vector<std::string>{params.label} : params.annotators;
}

std::string text_or_empty(const Value& value, const std::string& column) {
  return value.is_null() ? "" : text_of(value, column);
}

void read_rows(const std::string& path, const FileSupervisor& params, Collector& out) {
  const std::vector<std::string> columns = columns_of(params);
  const bool may_be_list = columns.size() == 1 && params.label.empty();
  RecordReader reader(path,
                      {*value_named<RecordFormat>(name_of(params.format)), params.header, /*quotes=*/true});
  for (DataRow row; reader.next(row);) {
    const std::string place = path + ":" + std::to_string(row.line);
    try {
      std::vector<std::string> values;
      for (const std::string& column : columns) {
        const Value& value = row.at(column);
        if (may_be_list && value.is_list()) {
          for (const Value& item : value.as_list()) values.push_back(text_or_empty(item, column));
        } else {
          values.push_back(text_or_empty(value, column));
        }
      }
      out.add(place, row.text(params.id), values);
    } catch (const UsageError& error) {
      throw UsageError("[supervisor]: " + place + ": " + error.what());
    }
  }
}

void read_tensors(const std::string& path, const FileSupervisor& params, Collector& out) {
  const SafeTensors file = SafeTensors::open(path);
  const auto written = file.metadata().find("ids");
  if (written == file.metadata().end()) {
    throw UsageError(path + ": the metadata has no \"ids\": expected a JSON list of the examples' ids");
  }
  const std::vector<std::string> columns = columns_of(params);
  if (columns.size() != 1) {
    throw UsageError(
        fmt::format("{}: [supervisor] names {} columns: of a safetensors file it names one tensor", path,
                    columns.size()));
  }
  const Value ids = parse_json(written->second, path + ": ids");
  const Tensor tensor = file.at(columns[0]);
  const Tensor rows = (tensor.dim() == 1 ? tensor.unsqueeze(1) : tensor).to(at::kDouble).contiguous();
  if (!ids.is_list() || rows.dim() != 2 || rows.size(0) != static_cast<std::int64_t>(ids.as_list().size())) {
    throw UsageError(
        fmt::format("{}: '{}' has the shape {}: expected a row for each id in the metadata's \"ids\"", path,
                    columns[0], c10::str(tensor.sizes())));
  }
  const double* data = rows.data_ptr<double>();
  for (const Value& id : ids.as_list()) {
    std::vector<std::string> values;
    for (std::int64_t k = 0; k < rows.size(1); ++k) values.push_back(fmt::format("{}", *data++));
    out.add(path, text_of(id, "ids"), values);
  }
}

}  // namespace

LabelFile::LabelFile(const FileSupervisor& params, std::int64_t classes,
                     const std::vector<std::string>& class_names) {
  Collector rows(params, classes, class_names);
  for (const std::string& path : params.path) {
    const bool tensors = params.format == LabelFormat::safetensors ||
                         (params.format == LabelFormat::automatic && path.ends_with(".safetensors"));
    (tensors ? read_tensors : read_rows)(path, params, rows);
  }
  rows.refuse_bad_rows();
  probabilities_ = rows.probabilities();
  ids_ = rows.take_ids();
  for (std::size_t i = 0; i < ids_.size(); ++i) rows_[ids_[i]] = static_cast<std::int64_t>(i);
}

std::vector<std::int64_t> LabelFile::labelled(const Examples& examples) const {
  std::vector<std::int64_t> positions;
  for (std::int64_t i = 0; i < examples.size(); ++i) {
    if (has(examples.id(i))) positions.push_back(i);
  }
  return positions;
}

Tensor LabelFile::probabilities(const Examples& examples) const {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < examples.size(); ++i) rows.push_back(rows_.at(examples.id(i)));
  return probabilities_.index_select(0, at::tensor(rows, at::kLong));
}

}  // namespace w2s
