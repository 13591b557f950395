// Measures of predictions against labels, and of a student against its supervisor.
// Names, formulas and sources: docs/measures.md.
//
// Probabilities are row-major [N, C], rows on the simplex; the hard prediction
// is the first of the largest. A measure that the data do not define (AUROC with
// one class, agreement where the supervisor is never wrong) is absent from the map.
// A generation task has answers in the place of probabilities: ids that are equal where the texts are, [N];
// labels are then the ids of the reference answers, and what takes probabilities is absent.
// All throw Error on sizes that do not fit, labels outside 0 … C − 1, and rows with
// values that are not finite or negative. Free of LibTorch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "results/record.hpp"

namespace w2s {

using Probabilities = std::vector<float>;  // [N, C]
using Labels = std::vector<std::int64_t>;  // [N]

/// accuracy, balanced_accuracy, auroc (C = 2) or auroc_macro_ovr (C > 2), log_loss, brier, ece.
Measures prediction_measures(const Probabilities& probabilities, const Labels& labels, std::int64_t classes);

/// agreement, agreement_supervisor_right, agreement_supervisor_wrong, errors_corrected, right_lost,
/// chance_adjusted_agreement, error_consistency, capa, misfit, misfit_reverse, misfit_squared, gain,
/// gain_log_loss, gain_brier, slack_log_loss, slack_brier, student_entropy, student_accuracy,
/// supervisor_accuracy.
Measures supervision_measures(const Probabilities& student, const Probabilities& supervisor,
                              const Labels& labels, std::int64_t classes);

/// 1 where the hard prediction is the label: what the paired statistics resample. [N]
std::vector<std::uint8_t> correctness(const Probabilities& probabilities, const Labels& labels,
                                      std::int64_t classes);

/// Generation: accuracy.
Measures answer_measures(const Labels& answers, const Labels& references);
/// Generation: as supervision_measures, without those that take probabilities.
Measures answer_supervision_measures(const Labels& student, const Labels& supervisor,
                                     const Labels& references);
std::vector<std::uint8_t> answer_correctness(const Labels& answers, const Labels& references);

/// False for the measures of which less is better: log_loss, brier, the calibration errors, the misfits,
/// right_lost.
bool higher_is_better(const std::string& measure);

}  // namespace w2s
