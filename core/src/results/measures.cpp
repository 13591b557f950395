#include "results/measures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include <fmt/format.h>

#include <w2s/error.hpp>

namespace w2s {
namespace {

constexpr double kSmallestProbability =
    1e-7;  // log-loss and misfit stay finite: at most 16.1 nats an example
constexpr int kBins = 15;

std::size_t checked_size(const Probabilities& p, const Labels& labels, std::int64_t classes) {
  if (classes < 2) throw Error(fmt::format("measures need at least 2 classes, found {}", classes));
  const std::size_t n = labels.size(), c = static_cast<std::size_t>(classes);
  if (p.size() != n * c)
    throw Error(fmt::format("{} probabilities do not make {} rows of {} classes", p.size(), n, classes));
  for (std::size_t i = 0; i < n; ++i)
    if (labels[i] < 0 || labels[i] >= classes)
      throw Error(fmt::format("label {} of example {} is outside 0 … {}", labels[i], i, classes - 1));
  for (std::size_t i = 0; i < p.size(); ++i)
    if (!(p[i] >= 0.0f && std::isfinite(p[i])))
      throw Error(fmt::format("the probability of class {} for example {} is {}", i % c, i / c, p[i]));
  return n;
}

std::vector<std::int64_t> hard_predictions(const Probabilities& p, std::int64_t classes) {
  std::vector<std::int64_t> hard(p.size() / static_cast<std::size_t>(classes));
  for (std::size_t i = 0; i < hard.size(); ++i) {
    const auto row = p.begin() + static_cast<std::ptrdiff_t>(i) * classes;
    hard[i] = std::max_element(row, row + classes) - row;
  }
  return hard;
}

/// Mann-Whitney: the chance that a positive's score exceeds a negative's, a tie counting half. NaN with one
/// class.
double area_under_roc(const std::vector<float>& score, const std::vector<bool>& positive) {
  std::vector<std::size_t> order(score.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return score[a] < score[b]; });
  double rank_sum = 0, positives = 0;
  for (std::size_t start = 0; start < order.size();) {
    std::size_t end = start;
    double tied = 0;
    for (; end < order.size() && score[order[end]] == score[order[start]]; ++end)
      tied += positive[order[end]];
    rank_sum += tied * (static_cast<double>(start + 1) + static_cast<double>(end)) / 2;
    positives += tied;
    start = end;
  }
  const double negatives = static_cast<double>(score.size()) - positives;
  return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

void add_auroc(Measures& measures, const Probabilities& p, const Labels& labels, std::int64_t classes) {
  const std::size_t n = labels.size();
  double sum = 0;
  int defined = 0;
  for (std::int64_t k = classes == 2 ? 1 : 0; k < classes; ++k) {
    std::vector<float> score(n);
    std::vector<bool> positive(n);
    for (std::size_t i = 0; i < n; ++i) {
      score[i] = p[i * static_cast<std::size_t>(classes) + static_cast<std::size_t>(k)];
      positive[i] = labels[i] == k;
    }
    if (const double area = area_under_roc(score, positive); std::isfinite(area)) {
      sum += area;
      ++defined;
    }
  }
  if (defined > 0) measures[classes == 2 ? "auroc" : "auroc_macro_ovr"] = sum / defined;
}

double expected_calibration_error(const Probabilities& p, const std::vector<std::int64_t>& hard,
                                  const Labels& labels, std::int64_t classes) {
  std::array<double, kBins> surplus{};  // Σ confidence − correctness of a bin
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double top = p[i * static_cast<std::size_t>(classes) + static_cast<std::size_t>(hard[i])];
    const int bin = std::clamp(static_cast<int>(std::ceil(top * kBins)) - 1, 0, kBins - 1);
    surplus[static_cast<std::size_t>(bin)] += top - (hard[i] == labels[i]);
  }
  double sum = 0;
  for (const double s : surplus) sum += std::abs(s);
  return sum / static_cast<double>(labels.size());
}

/// (observed − expected) / (1 − expected) where that is defined.
void add_kappa(Measures& measures, const char* name, double observed, double expected) {
  if (expected < 1) measures[name] = (observed - expected) / (1 - expected);
}

/// What two sets of choices have in common, and which of them are right. [N] each, N > 0.
Measures comparison(const Labels& follows, const Labels& teaches, const Labels& labels) {
  double agree_right = 0, agree_wrong = 0, teacher_right = 0, student_right = 0, corrected = 0, lost = 0;
  double same_outcome = 0;
  std::map<std::int64_t, double> student_share, teacher_share;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const bool agrees = follows[i] == teaches[i];
    const bool teacher_ok = teaches[i] == labels[i], student_ok = follows[i] == labels[i];
    (teacher_ok ? agree_right : agree_wrong) += agrees;
    teacher_right += teacher_ok;
    student_right += student_ok;
    corrected += !teacher_ok && student_ok;
    lost += teacher_ok && !student_ok;
    same_outcome += teacher_ok == student_ok;
    student_share[follows[i]] += 1;
    teacher_share[teaches[i]] += 1;
  }

  const double size = static_cast<double>(labels.size()), teacher_wrong = size - teacher_right;
  const double a = student_right / size, b = teacher_right / size;
  double by_chance = 0;
  for (const auto& [choice, count] : student_share) {
    if (const auto other = teacher_share.find(choice); other != teacher_share.end())
      by_chance += count * other->second / (size * size);
  }

  Measures measures;
  measures["agreement"] = (agree_right + agree_wrong) / size;
  if (teacher_right > 0) {
    measures["agreement_supervisor_right"] = agree_right / teacher_right;
    measures["right_lost"] = lost / teacher_right;
  }
  if (teacher_wrong > 0) {
    measures["agreement_supervisor_wrong"] = agree_wrong / teacher_wrong;
    measures["errors_corrected"] = corrected / teacher_wrong;
  }
  add_kappa(measures, "chance_adjusted_agreement", measures["agreement"], by_chance);
  add_kappa(measures, "error_consistency", same_outcome / size, a * b + (1 - a) * (1 - b));
  measures["gain"] = a - b;
  measures["student_accuracy"] = a;
  measures["supervisor_accuracy"] = b;
  return measures;
}

double bounded_log(double probability) { return std::log(std::max(probability, kSmallestProbability)); }

/// Gain and misfit in the units in which one bounds the other (docs/measures.md), and how sure the student
/// is.
void add_bounds(Measures& measures, const Probabilities& student, const Probabilities& supervisor,
                const Labels& labels, std::size_t classes) {
  double reverse = 0, squared = 0, entropy = 0, gain_log = 0, gain_brier = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto label = static_cast<std::size_t>(labels[i]);
    for (std::size_t k = 0; k < classes; ++k) {
      const double p = student[i * classes + k], q = supervisor[i * classes + k], truth = k == label;
      squared += (p - q) * (p - q);
      gain_brier += (q - truth) * (q - truth) - (p - truth) * (p - truth);
      if (p > 0) {
        reverse += p * (std::log(p) - bounded_log(q));
        entropy -= p * std::log(p);
      }
    }
    gain_log += bounded_log(student[i * classes + label]) - bounded_log(supervisor[i * classes + label]);
  }
  const auto size = static_cast<double>(labels.size());
  measures["misfit_reverse"] = reverse / size;
  measures["misfit_squared"] = squared / size;
  measures["gain_log_loss"] = gain_log / size;
  measures["gain_brier"] = gain_brier / size;
  measures["slack_log_loss"] = (gain_log - reverse) / size;
  measures["slack_brier"] = (gain_brier - squared) / size;
  measures["student_entropy"] = entropy / size;
}

void check_answers(const Labels& answers, const Labels& references) {
  if (answers.size() == references.size()) return;
  throw Error(fmt::format("there are {} answers for {} references", answers.size(), references.size()));
}

}  // namespace

Measures prediction_measures(const Probabilities& probabilities, const Labels& labels, std::int64_t classes) {
  const std::size_t n = checked_size(probabilities, labels, classes), c = static_cast<std::size_t>(classes);
  Measures measures;
  if (n == 0) return measures;
  const auto hard = hard_predictions(probabilities, classes);
  std::vector<double> right(c, 0), total(c, 0);
  double log_loss = 0, brier = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t label = static_cast<std::size_t>(labels[i]);
    total[label] += 1;
    right[label] += hard[i] == labels[i];
    log_loss -= std::log(std::clamp<double>(probabilities[i * c + label], kSmallestProbability, 1.0));
    for (std::size_t k = 0; k < c; ++k) {
      const double error = probabilities[i * c + k] - (k == label);
      brier += error * error;
    }
  }
  double recall = 0, present = 0;
  for (std::size_t k = 0; k < c; ++k)
    if (total[k] > 0) {
      recall += right[k] / total[k];
      present += 1;
    }
  const double size = static_cast<double>(n);
  measures["accuracy"] = std::accumulate(right.begin(), right.end(), 0.0) / size;
  measures["balanced_accuracy"] = recall / present;
  measures["log_loss"] = log_loss / size;
  measures["brier"] = brier / size;
  measures["ece"] = expected_calibration_error(probabilities, hard, labels, classes);
  add_auroc(measures, probabilities, labels, classes);
  return measures;
}

Measures supervision_measures(const Probabilities& student, const Probabilities& supervisor,
                              const Labels& labels, std::int64_t classes) {
  const std::size_t n = checked_size(student, labels, classes), c = static_cast<std::size_t>(classes);
  checked_size(supervisor, labels, classes);
  if (n == 0) return {};
  Measures measures =
      comparison(hard_predictions(student, classes), hard_predictions(supervisor, classes), labels);

  double divergence = 0, overlap = 0, student_truth = 0, teacher_truth = 0;
  for (std::size_t i = 0; i < n; ++i) {
    student_truth += student[i * c + static_cast<std::size_t>(labels[i])];
    teacher_truth += supervisor[i * c + static_cast<std::size_t>(labels[i])];
    for (std::size_t k = 0; k < c; ++k) {
      const double y = supervisor[i * c + k], p = student[i * c + k];
      overlap += y * p;
      if (y > 0) divergence += y * (std::log(y) - bounded_log(p));
    }
  }
  const double size = static_cast<double>(n), s = student_truth / size, t = teacher_truth / size;
  add_kappa(measures, "capa", overlap / size, s * t + (1 - s) * (1 - t) / static_cast<double>(classes - 1));
  measures["misfit"] = divergence / size;
  add_bounds(measures, student, supervisor, labels, c);
  return measures;
}

std::vector<std::uint8_t> correctness(const Probabilities& probabilities, const Labels& labels,
                                      std::int64_t classes) {
  checked_size(probabilities, labels, classes);
  const auto hard = hard_predictions(probabilities, classes);
  std::vector<std::uint8_t> right(labels.size());
  for (std::size_t i = 0; i < right.size(); ++i) right[i] = hard[i] == labels[i];
  return right;
}

Measures answer_measures(const Labels& answers, const Labels& references) {
  const auto right = answer_correctness(answers, references);
  if (right.empty()) return {};
  return {{"accuracy", std::accumulate(right.begin(), right.end(), 0.0) / static_cast<double>(right.size())}};
}

Measures answer_supervision_measures(const Labels& student, const Labels& supervisor,
                                     const Labels& references) {
  check_answers(student, references);
  check_answers(supervisor, references);
  return references.empty() ? Measures() : comparison(student, supervisor, references);
}

std::vector<std::uint8_t> answer_correctness(const Labels& answers, const Labels& references) {
  check_answers(answers, references);
  std::vector<std::uint8_t> right(answers.size());
  for (std::size_t i = 0; i < right.size(); ++i) right[i] = answers[i] == references[i];
  return right;
}

bool higher_is_better(const std::string& measure) {
  static const std::set<std::string> lower = {"log_loss",       "brier",          "ece",
                                              "misfit",         "misfit_reverse", "misfit_squared",
                                              "weak_label_ece", "right_lost"};
  return !lower.count(measure);
}

}  // namespace w2s
