// Verification: a record's job done again from the record alone, in a store of its own, and compared.
#pragma once

#include <string>
#include <vector>

#include "plan/plan.hpp"
#include "results/record.hpp"
#include "store/store.hpp"

namespace w2s {

/// One thing that was compared. `same` is left out of what a verdict needs where the thing only explains it.
struct Comparison {
  std::string what;  // "engine", "loss 'gce'", "weights of strong", "predictions on 'test'"
  bool same = true;
  bool result = false;  // weights and predictions: what must agree
  std::string detail;   // "the same bits", "…, largest difference 0.0012"
};

/// What of a record's recipe is no longer what it was: engine, LibTorch, plugins, task data, settings.
std::vector<Comparison> compare_recipes(const Record& record, const Plan& plan, const Job& job,
                                        const Registry& registry);

/// The job of a plan over the record's own experiment that is the record's: same kind, models, method and
/// seed. Throws Error where there is none.
std::size_t job_of(const Record& record, const Plan& plan);

/// Weights of every fit and predictions on every test set. Predictions may differ by `tolerance` (0: not at
/// all); weights then only inform. Fits that the first store no longer holds are passed over.
std::vector<Comparison> compare_results(const Store& first, const Record& record, const Store& again,
                                        const Record& anew, double tolerance);

}  // namespace w2s
