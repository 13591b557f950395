#include "lab/handed.hpp"

#include <fmt/format.h>

namespace w2s {
namespace {

constexpr double kSumTolerance = 1e-3;

[[noreturn]] void refuse(const char* what, const std::string& why) {
  throw BadSupervision(fmt::format("{}: {}", what, why));
}

// Refuses the first example where `bad` [N] is true; `shown` says what is wrong with it.
template <class Shown>
void check_rows(const Supervision& given, const Tensor& bad, const char* what, Shown&& shown) {
  if (!bad.any().item<bool>()) return;
  const std::int64_t row = bad.nonzero()[0].item<std::int64_t>();
  refuse(what, fmt::format("{} (example {}, '{}')", shown(row), row, given.examples.id(row)));
}

void check_count(const char* what, const char* of, std::int64_t found, std::int64_t examples) {
  if (found == examples) return;
  refuse(what, fmt::format("{} {} for {} examples, expected one for each", found, of, examples));
}

std::string row_text(const Tensor& row) {
  std::string text;
  for (std::int64_t k = 0; k < std::min<std::int64_t>(row.size(0), 6); ++k)
    text += fmt::format("{}{:g}", k == 0 ? "" : ", ", row[k].item<double>());
  return row.size(0) > 6 ? text + ", …" : text;
}

}  // namespace

void check_supervision(const Supervision& given, std::int64_t classes, const char* what) {
  const std::int64_t n = given.examples.size();
  if (!given.targets.defined() || !given.weights.defined())
    refuse(what, "targets or weights are missing; Supervision::soft makes both");
  if (given.targets.dim() != 2 || given.targets.size(1) != classes || !given.targets.is_floating_point()) {
    refuse(what, fmt::format("targets are {} {}, expected float [{}, {}]",
                             c10::toString(given.targets.scalar_type()), c10::str(given.targets.sizes()), n,
                             classes));
  }
  check_count(what, "rows of targets", given.targets.size(0), n);
  if (given.weights.dim() != 1 || !given.weights.is_floating_point()) {
    refuse(what, fmt::format("weights are {} {}, expected float [{}]",
                             c10::toString(given.weights.scalar_type()), c10::str(given.weights.sizes()), n));
  }
  check_count(what, "weights", given.weights.size(0), n);
  if (classes == 1) {
    check_count(what, "answers", static_cast<std::int64_t>(given.answers.size()), n);
    check_count(what, "certainties of answers", given.certainty.defined() ? given.certainty.numel() : 0, n);
  }
  if (n == 0) return;  // the fit says that there is nothing to learn from
  const Tensor& targets = given.targets;
  const Tensor& weights = given.weights;
  const Tensor proper = at::isfinite(targets)
                            .logical_and(targets.ge(0))
                            .all(1)
                            .logical_and(targets.sum(1).sub(1).abs().le(kSumTolerance));
  check_rows(given, proper.logical_not(), what, [&](std::int64_t row) {
    return fmt::format("targets [{}] are no distribution: finite, none negative, sum 1",
                       row_text(targets[row]));
  });
  check_rows(
      given, at::isfinite(weights).logical_and(weights.ge(0)).logical_not(), what, [&](std::int64_t row) {
        return fmt::format("a weight of {:g}, expected a finite number from 0", weights[row].item<double>());
      });
  if (!weights.gt(0).any().item<bool>()) refuse(what, "every weight is 0: nothing is left to learn from");
}

}  // namespace w2s
