// Evaluation: a record's measures from what its job predicted. Predictions are kept, measures are computed
// from them: when a formula changes, records are measured anew and nothing is fitted again.
//
// Record::measured_by is the digest of the code that gave the measures (part "measures" of
// base/code_parts.hpp). Free of LibTorch.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "results/predictions.hpp"
#include "results/record.hpp"
#include "store/store.hpp"

namespace w2s {

/// What a record is measured by. Test sets by name.
struct Evidence {
  std::map<std::string, Predictions> tests;       // the student's, or the supervisor's own for a floor
  std::map<std::string, Predictions> oracle;      // of the checkpoint that ground-truth validation chose
  std::map<std::string, Predictions> supervisor;  // students: those of the floor
  std::optional<Predictions> weak_labels;         // students: the supervisor's labels of the transfer half
};

/// Fills tests, oracle and supervision of the record, and says by what code.
void measure(Record& record, const Evidence& evidence);

/// What the stores keep of it: the record's own files and its floor's. Test sets that were not kept are
/// absent. Throws Error where a file is damaged.
Evidence stored_evidence(const Store& store, const Record& record);

/// Whether its measures come from other code than this.
bool measured_by_other_code(const Record& record);
/// Measures a record of this store anew where other code measured it, its answers among it; true where it
/// did. A record that keeps no predictions stays as it is.
bool measure_anew(Record& record, const Store& store);
/// The same for all records of a store, written into their objects; gives how many there were.
std::int64_t measure_store_anew(Store& store);

}  // namespace w2s
