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

/// Exactly one of label, probabilities and annotators says where in a row the labels are.
struct FileSupervisor {
  std::vector<std::string> path;  // files; absolute
  std::string id = "id";
  std::string label;                       // column of the class; "" where another is given
  std::vector<std::string> probabilities;  // a column per class, or one column with a list
  std::vector<std::string> annotators;     // a column per annotator, or one column with a list
  std::string aggregate = "dawid_skene";
  std::vector<std::string> classes;  // the labels in the file, in the order of the classes
  std::string format = "auto";
  bool header = true;
  std::string missing = "error";
};

struct NoiseSupervisor {
  std::string structure = "random";
  std::optional<double> accuracy;  // neither here nor in accuracy_of only for structure = "matrix"
  std::string accuracy_of;         // a model's name, or ""
  Matrix matrix;                   // rows: true class
  std::string judge;               // a model's name; "" where the structure needs none

  bool needs_judge() const { return structure == "strong_unsure" || structure == "strong_right"; }
};

struct SupervisorSpec {
  std::string type = "model";
  FileSupervisor file;    // meaningful for type = "file"
  NoiseSupervisor noise;  // meaningful for type = "noise"
  Source source;

  bool outside() const { return type != "model"; }
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
