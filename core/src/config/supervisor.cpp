#include "config/supervisor.hpp"

#include <cmath>

namespace w2s {
namespace {

const Source& place_of(const Table& table, const char* key) {
  const Value* value = table.find(key);
  return value ? value->source() : table.source();
}

FileSupervisor read_file(const Table& table) {
  Schema<FileSupervisor> schema;
  describe_file_supervisor(schema);
  FileSupervisor file = schema.parse(table, "[supervisor]");
  if (file.path.empty())
    fail_at(place_of(table, "path"), "[supervisor]: path is empty: expected at least one file");
  const int given =
      (file.label.empty() ? 0 : 1) + (file.probabilities.empty() ? 0 : 1) + (file.annotators.empty() ? 0 : 1);
  if (given == 0) file.label = "label";
  if (given > 1) {
    fail_at(table.source(), "[supervisor]: expected one of label, probabilities and annotators, found " +
                                std::to_string(given) + " of them");
  }
  if (file.annotators.empty() && table.find("aggregate")) {
    fail_at(place_of(table, "aggregate"),
            "[supervisor]: aggregate is for several annotators: annotators is missing");
  }
  return file;
}

void check_matrix(const Matrix& matrix, const Value& written) {
  for (std::size_t i = 0; i < matrix.size(); ++i) {
    double sum = 0;
    for (const double value : matrix[i]) sum += value;
    if (matrix[i].size() != matrix.size() || !(std::abs(sum - 1) <= 1e-6)) {
      fail_at(written.as_list()[i], "[supervisor]: matrix: row " + std::to_string(i) + " has " +
                                        std::to_string(matrix[i].size()) + " values with the sum " +
                                        Value(sum).toml() + ": expected " + std::to_string(matrix.size()) +
                                        " with the sum 1, the chances of each label for that true class");
    }
  }
}

NoiseSupervisor read_noise(const Table& table) {
  Schema<NoiseSupervisor> schema;
  describe_noise_supervisor(schema);
  const NoiseSupervisor noise = schema.parse(table, "[supervisor]");
  const bool by_matrix = noise.structure == NoiseStructure::matrix;
  if (by_matrix) {
    if (noise.matrix.empty()) {
      fail_at(place_of(table, "structure"),
              "[supervisor]: structure = \"matrix\" needs matrix: a row for each true class");
    }
    check_matrix(noise.matrix, table.at("matrix"));
    for (const char* key : {"accuracy", "accuracy_of"}) {
      if (table.find(key)) {
        fail_at(place_of(table, key),
                std::string("[supervisor]: ") + key + ": the matrix decides the accuracy");
      }
    }
  } else {
    if (!noise.matrix.empty()) {
      fail_at(place_of(table, "matrix"), "[supervisor]: matrix is for structure = \"matrix\", found \"" +
                                             std::string(name_of(noise.structure)) + "\"");
    }
    if (noise.accuracy.has_value() == !noise.accuracy_of.empty()) {
      fail_at(noise.accuracy ? place_of(table, "accuracy_of") : table.source(),
              std::string("[supervisor]: expected accuracy or accuracy_of, found ") +
                  (noise.accuracy ? "both" : "neither"));
    }
  }
  if (!noise.judge.empty() && !noise.needs_judge()) {
    fail_at(place_of(table, "judge"),
            "[supervisor]: judge is for structure = \"strong_unsure\" or \"strong_right\", found \"" +
                std::string(name_of(noise.structure)) + "\"");
  }
  return noise;
}

template <class Params>
Table resolved(void (*describe)(Schema<Params>&), const Params& params) {
  Schema<Params> schema;
  describe(schema);
  Table table;
  for (const auto& [key, value] : schema.resolved(params)) {
    const bool absent = value.is_null() || (value.is_list() && value.as_list().empty()) ||
                        (value.is_string() && value.as_string().empty());
    if (!absent) table.set(key, value);
  }
  return table;
}

}  // namespace

void describe_file_supervisor(Schema<FileSupervisor>& s) {
  s.summary(
      "The students' labels come from files, matched by the examples' ids: one label a row, probabilities, "
      "or "
      "the labels of several annotators. safetensors: tensors in the place of columns, ids as a JSON list "
      "under "
      "\"ids\" in the file's metadata. A test set that is labelled whole gives the floor; without one, floor "
      "and "
      "PGR are undefined");
  s.field("path", &FileSupervisor::path,
          "file, or list of files: JSONL, CSV or TSV (.gz and .zst as well), safetensors")
      .required()
      .path();
  s.field("id", &FileSupervisor::id, "column of the example's id, as the task has it");
  s.field("label", &FileSupervisor::label,
          "column of the label; empty: \"label\", where there are neither probabilities nor annotators");
  s.field("probabilities", &FileSupervisor::probabilities,
          "a column for each class, in their order, or one column with a list; rows sum to 1");
  s.field("annotators", &FileSupervisor::annotators,
          "a column for each annotator's label, or one column with a list in one order of annotators; an "
          "empty field, null "
          "and -1 mean none");
  s.field("aggregate", &FileSupervisor::aggregate,
          "annotators: the share of votes of each class; or the posterior with a confusion matrix of each "
          "annotator, "
          "by expectation maximisation (Dawid & Skene 1979)");
  s.field("classes", &FileSupervisor::classes,
          "labels in the file, in the order of the classes; empty: the task's names of classes, or 0, 1, …");
  s.field("format", &FileSupervisor::format, "of the files; auto: by their names");
  s.field("header", &FileSupervisor::header,
          "csv, tsv: the first row names the columns; else they are 0, 1, …");
  s.field("missing", &FileSupervisor::missing,
          "examples of the transfer half without a label: an error, or left out of the students' training");
}

void describe_noise_supervisor(Schema<NoiseSupervisor>& s) {
  s.summary(
      "The students' labels are ground truth with errors: a wrong label is a random other class. Each set of "
      "examples (transfer half, its validation, every test set) has the same accuracy, to one example; the "
      "floor is "
      "that of labels drawn the same way for the test set");
  s.source("synthetic error structures: Burns et al. 2023, section 5.1");
  s.field("structure", &NoiseSupervisor::structure,
          "which labels are wrong: random ones; by matrix, at random for each class; of the longest or "
          "shortest texts; "
          "where the judge is least sure; where it is surest of the right class");
  s.field("accuracy", &NoiseSupervisor::accuracy, "share of right labels").in(0, 1);
  s.field("accuracy_of", &NoiseSupervisor::accuracy_of,
          "instead of accuracy: a model in [models], fitted to ground truth on the supervisor half, whose "
          "accuracy on each "
          "set the labels have");
  s.field("matrix", &NoiseSupervisor::matrix, "chance of each label, a row for each true class").in(0, 1);
  s.field(
      "judge", &NoiseSupervisor::judge,
      "a model in [models], fitted to ground truth on the supervisor half; empty: the pair's strong model");
}

std::vector<std::string> SupervisorSpec::models() const {
  std::vector<std::string> names;
  if (kind != SupervisorKind::noise) return names;
  if (!noise.accuracy_of.empty()) names.push_back(noise.accuracy_of);
  if (!noise.judge.empty()) names.push_back(noise.judge);
  return names;
}

Table SupervisorSpec::table() const {
  Table table{{"type", name_of(kind)}};
  Table rest;
  if (kind == SupervisorKind::file) {
    rest = resolved(&describe_file_supervisor, file);
    if (file.annotators.empty()) rest.erase("aggregate");
  }
  if (kind == SupervisorKind::noise) rest = resolved(&describe_noise_supervisor, noise);
  for (const auto& [key, value] : rest) table.set(key, value);
  return table;
}

std::string SupervisorSpec::canonical() const {
  Table all = table();
  for (const char* elsewhere : {"path", "accuracy_of", "judge"}) all.erase(elsewhere);
  return Value(all).canonical();
}

SupervisorSpec read_supervisor(const Value& value) {
  const Spec spec = Spec::parse(value, "[supervisor]");
  SupervisorSpec out;
  out.source = spec.source;
  const auto kind = value_named<SupervisorKind>(spec.type);
  if (!kind) {
    const Value* type = value.is_table() ? value.as_table().find("type") : nullptr;
    const std::vector<std::string> kinds = names_of<SupervisorKind>();
    fail_at(type ? *type : value, "[supervisor]: unknown type '" + spec.type + "'" +
                                      did_you_mean(spec.type, kinds) + "; expected " + one_of_list(kinds));
  }
  out.kind = *kind;
  switch (*kind) {
    case SupervisorKind::file:
      out.file = read_file(spec.params);
      break;
    case SupervisorKind::noise:
      out.noise = read_noise(spec.params);
      break;
    case SupervisorKind::model:
      Schema<NoParams>().parse(spec.params, "[supervisor]");
  }
  return out;
}

}  // namespace w2s
