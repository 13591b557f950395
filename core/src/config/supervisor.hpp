// [supervisor]: where the students' labels come from, when it is not the weak model of the pair.
//
//   type = "model"  (as without the table) the weak model, fitted to ground truth on the supervisor half
//   type = "file"   labels of examples by id: of people, or of another system
//   type = "noise"  ground truth with errors of a chosen rate and structure
//
// Free of LibTorch.
#pragma once

#include <string>
#include <vector>

#include <w2s/schema.hpp>

namespace w2s {

enum class Aggregate { majority, dawid_skene };
constexpr auto enum_names(Aggregate) { return std::array{"majority", "dawid_skene"}; }

enum class LabelFormat { automatic, jsonl, csv, tsv, safetensors };
constexpr auto enum_names(LabelFormat) { return std::array{"auto", "jsonl", "csv", "tsv", "safetensors"}; }

enum class MissingLabels { error, drop };
constexpr auto enum_names(MissingLabels) { return std::array{"error", "drop"}; }

/// Exactly one of label, probabilities and annotators says where in a row the labels are.
struct FileSupervisor {
  std::vector<std::string> path;  // files; absolute
  std::string id = "id";
  std::string label;                       // column of the class; "" where another is given
  std::vector<std::string> probabilities;  // a column per class, or one column with a list
  std::vector<std::string> annotators;     // a column per annotator, or one column with a list
  Aggregate aggregate = Aggregate::dawid_skene;
  std::vector<std::string> classes;  // the labels in the file, in the order of the classes
  LabelFormat format = LabelFormat::automatic;
  bool header = true;
  MissingLabels missing = MissingLabels::error;
};

/// Which labels are wrong.
enum class NoiseStructure { random, matrix, longest, shortest, strong_unsure, strong_right };
constexpr auto enum_names(NoiseStructure) {
  return std::array{"random", "matrix", "longest", "shortest", "strong_unsure", "strong_right"};
}

struct NoiseSupervisor {
  NoiseStructure structure = NoiseStructure::random;
  std::optional<double> accuracy;  // neither here nor in accuracy_of only for structure = "matrix"
  std::string accuracy_of;         // a model's name, or ""
  Matrix matrix;                   // rows: true class
  std::string judge;               // a model's name; "" where the structure needs none

  bool needs_judge() const {
    return structure == NoiseStructure::strong_unsure || structure == NoiseStructure::strong_right;
  }
};

enum class SupervisorKind { model, file, noise };
constexpr auto enum_names(SupervisorKind) { return std::array{"model", "file", "noise"}; }

struct SupervisorSpec {
  SupervisorKind kind = SupervisorKind::model;
  FileSupervisor file;    // meaningful for that kind
  NoiseSupervisor noise;  // likewise
  Source source;

  bool outside() const { return kind != SupervisorKind::model; }
  /// Models that are fitted to make the labels: accuracy_of and judge.
  std::vector<std::string> models() const;
  /// As it would be written, with every default.
  Table table() const;
  /// What can change a label, but for the contents of files and what models are: for keys.
  std::string canonical() const;
};

void describe_file_supervisor(Schema<FileSupervisor>& schema);
void describe_noise_supervisor(Schema<NoiseSupervisor>& schema);

/// Throws UsageError with the place of the mistake. Names of models are the caller's to check.
SupervisorSpec read_supervisor(const Value& value);

}  // namespace w2s
