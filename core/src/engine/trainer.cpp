#include "engine/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include <fmt/format.h>

#include <w2s/error.hpp>

#include "engine/fit_checks.hpp"
#include "engine/schedule.hpp"
#include "engine/team/shares.hpp"
#include "values/number_text.hpp"

namespace w2s {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<Tensor> tensors_of(Trainee& trainee) {
  std::vector<Tensor> tensors;
  for (const Parameters::Item* item : trainee.trained()) tensors.push_back(item->tensor);
  return tensors;
}

Snapshot snapshot(Trainee& trainee) {
  Snapshot copy;
  for (const Parameters::Item* item : trainee.trained()) copy[item->name] = item->tensor.detach().clone();
  return copy;
}

std::int64_t or_default(std::int64_t value, std::int64_t fallback) { return value > 0 ? value : fallback; }

}  // namespace

Trainer::Trainer(Trainee& trainee, ILoss& loss, std::string loss_name, const TrainParams& train,
                 const Supervision& training, const Supervision* validation, Stream stream, at::Device device,
                 std::function<void(const Progress&)> observe)
    : loss_name_(std::move(loss_name)),
      train_(train),
      rule_stream_(stream.child("step rule")),
      training_(training),
      validation_(validation),
      stream_(stream),
      device_(device),
      observe_(std::move(observe)),
      targets_(training.targets.to(device)) {
  const std::int64_t n = training.size();
  check_labels(training, validation, train);
  const double mean_weight = training.weights.mean().item<double>();
  first_row_.push_back(0);
  for (std::int64_t i = 0; i < trainee.size(); ++i) first_row_.push_back(first_row_.back() + trainee.rows(i));
  Tensor weights = training.weights / mean_weight;
  if (training.generation()) {
    std::vector<std::int64_t> tokens;
    for (std::int64_t i = 0; i < n; ++i) {
      tokens.push_back(trainee.rows(i));
      if (tokens.back() > 0) continue;
      throw Error("fit: the answer of '" + training.examples.id(i) +
                  "' is empty, and the model has no end-of-text token to learn");
    }
    weights = weights.repeat_interleave(at::tensor(tokens, at::kLong));
  }
  weights_ = weights.to(device);
  steps_per_epoch_ = (n + train_.batch - 1) / train_.batch;
  total_steps_ = steps_per_epoch_ * train_.epochs;
  add_student(trainee, loss);
}

void Trainer::add_student(Trainee& trainee, ILoss& loss) {
  loss.begin(weights_.size(0), training_.generation() ? trainee.vocabulary() : training_.classes());
  students_.push_back({&trainee, &loss, Optimizer(tensors_of(trainee), train_), {}, {}, {}});
}

void Trainer::follow(StepRule& rule, PluginOrigin owner) {
  rule_ = &rule;
  rule_owner_ = std::move(owner);
}

// Rows of these examples' logits, in their order.
Positions Trainer::rows_of(const Positions& examples) const {
  if (!training_.generation()) return examples;
  Positions rows;
  for (const std::int64_t example : examples) {
    const auto i = static_cast<std::size_t>(example);
    for (std::int64_t row = first_row_[i]; row < first_row_[i + 1]; ++row) rows.push_back(row);
  }
  return rows;
}

// The example of a row of the batch's joined logits.
std::int64_t Trainer::example_of(std::int64_t row, const Positions& batch) const {
  const std::int64_t place = rows_of(batch)[static_cast<std::size_t>(row)];
  return std::upper_bound(first_row_.begin(), first_row_.end(), place) - first_row_.begin() - 1;
}

// Values [n] of a loss, not weighted.
Tensor Trainer::checked_values(ILoss& loss, const Tensor& logits, const Tensor& targets,
                               const Positions& batch) {
  const Tensor index = positions_tensor(rows_of(batch), device_);
  LossInput input;
  input.logits = logits;
  input.targets = targets;
  input.index = index;
  input.weights = weights_.index_select(0, index);
  input.step_fraction = fraction();
  input.epoch = epoch_;
  const Tensor values = loss.forward(input);
  const std::string place = loss_place(loss_name_, step_, epoch_);
  check_values(values, index.numel(), logits.requires_grad(), place);
  const Tensor finite = values.detach().isfinite();
  if (!finite.all().item<bool>()) {
    const auto row = finite.logical_not().nonzero()[0].item<std::int64_t>();
    refuse_value(values[row].item<double>(), training_.examples.id(example_of(row, batch)),
                 logits.detach()[row], place);
  }
  return values;
}

// ---- a team

// Of a batch, places of the examples that this process forwards: all of them where it works alone.
Positions Trainer::own_share(const Trainee& trainee, const Positions& examples) const {
  if (shares_) {
    std::vector<std::int64_t> costs;
    for (const std::int64_t example : examples) costs.push_back(trainee.tokens(example));
    return shares(costs, team_->size(), !trainee.packs())[static_cast<std::size_t>(team_->rank())];
  }
  Positions all(examples.size());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

// All processes' rows [rows, width], of which `own` (undefined: none) belong at `places`. Gradients go back
// to the own rows.
Tensor Trainer::joined(const Tensor& own, const Positions& places, std::int64_t rows,
                       std::int64_t width) const {
  const Tensor all = at::zeros({rows, width}, at::TensorOptions().dtype(at::kFloat).device(device_));
  const Tensor where = positions_tensor(places, device_);
  if (own.defined()) {
    const at::NoGradGuard no_grad;
    all.index_copy_(0, where, own.detach());
  }
  team_->all_reduce(all);
  if (!at::GradMode::is_enabled()) return all;
  return own.defined() ? all.index_copy(0, where, own) : all.requires_grad_(true);
}

// Logits of a row.
std::int64_t Trainer::width() const {
  return training_.generation() ? students_[0].trainee->vocabulary() : targets_.size(1);
}

void Trainer::start_together(const TrainResult& result) {
  if (team_->broadcast(static_cast<double>(result.steps)) != static_cast<double>(result.steps)) {
    throw Error(fmt::format(
        "rank {} does not see the checkpoint that rank 0 goes on from: a team needs one store that all its "
        "processes see",
        team_->rank()));
  }
  for (Trained& student : students_) {
    for (const Parameters::Item* item : student.trainee->trained()) team_->broadcast(item->tensor.detach());
  }
}

// ---- steps

// The weighted mean of the loss, after its gradient was added to the trained tensors.
Tensor Trainer::backward_loss(const Positions& batch, std::int64_t number) {
  step_ = number;
  Trainee& trainee = *students_[0].trainee;
  Positions mine = own_share(trainee, batch);
  for (std::int64_t& example : mine) example = batch[static_cast<std::size_t>(example)];
  const auto micros = micro_batches(trainee, mine, or_default(train_.micro_tokens, kMicroTokens));
  std::unordered_map<std::int64_t, std::int64_t> place;  // of an example's first row within the batch
  std::int64_t total = 0;
  for (const std::int64_t example : batch) {
    place[example] = total;
    total += trainee.rows(example);
  }
  std::int64_t tokens = 0;
  std::vector<Positions> places;  // of each micro-batch's rows within the batch
  for (const std::vector<std::int64_t>& micro : micros) {
    std::vector<std::int64_t> positions;
    for (const std::int64_t example : micro) {
      tokens += trainee.tokens(trainee.packs() ? example : micro[0]);
      for (std::int64_t row = 0; row < trainee.rows(example); ++row)
        positions.push_back(place[example] + row);
    }
    places.push_back(positions);
  }
  const bool replay = micros.size() > 1 && tokens > or_default(train_.activation_tokens, kActivationTokens);

  std::vector<Tensor> parts;
  {
    at::AutoGradMode gradients(!replay);
    for (const std::vector<std::int64_t>& micro : micros) parts.push_back(trainee.logits(micro));
  }
  Positions rows;
  for (const Positions& some : places) rows.insert(rows.end(), some.begin(), some.end());
  Tensor logits = shares_ ? joined(parts.empty() ? Tensor() : at::cat(parts), rows, total, width())
                          : at::cat(parts).index_select(0, positions_tensor(rows, device_).argsort());
  if (replay) logits = logits.detach().requires_grad_(true);
  const Tensor values = checked_values(*students_[0].loss, logits, targets(batch), batch);
  const Tensor loss = (values * weights(batch).to(values.scalar_type())).sum() / static_cast<double>(total);
  loss.backward();
  if (replay) {
    for (std::size_t i = 0; i < micros.size(); ++i) {
      trainee.logits(micros[i]).backward(logits.grad().index_select(0, positions_tensor(places[i], device_)));
    }
  }
  return loss.detach();
}

// The same for a rule.
Tensor Trainer::backward_rule(const Positions& batch, std::int64_t number) {
  step_ = number;
  const Tensor loss = guarded(rule_owner_, [&] { return rule_->loss(*this, batch); });
  const std::string where = fmt::format("{} at step {} (epoch {})", rule_owner_.text(), number, epoch_);
  if (!loss.defined() || loss.numel() != 1) throw Error(where + " returned no single number to minimise");
  if (!std::isfinite(loss.item<double>())) throw Error(where + " is " + not_finite_text(loss.item<double>()));
  if (!loss.requires_grad())
    throw Error(where + " does not depend on the students: its result has no gradient");
  loss.backward();
  return loss.detach();
}

Trainer::StepOutcome Trainer::step(const Positions& batch, std::int64_t number, double lr) {
  const Tensor loss = rule_ ? backward_rule(batch, number) : backward_loss(batch, number);
  double squares = 0;
  for (Trained& student : students_) {
    if (shares_) student.optimizer.sum_gradients(*team_);
    const double norm = student.optimizer.clip_gradients();
    if (!std::isfinite(norm)) {
      throw Error(fmt::format("{} at step {} (epoch {}): the gradient is not finite",
                              rule_ ? rule_owner_.text() : "loss '" + loss_name_ + "'", number, epoch_));
    }
    squares += norm * norm;
    student.optimizer.step(lr);
    student.optimizer.zero_gradients();
  }
  if (decay_ > 0) update_averages();
  return {loss.item<double>(), std::sqrt(squares)};
}

// ---- what a rule may ask for

// Logits of these examples in their order.
Tensor Trainer::forwarded(Trainee& trainee, const Positions& positions) {
  // micro_batches() sorts stably by cost: this is the same order, told by places.
  std::vector<std::int64_t> order(positions.size()), first(positions.size() + 1, 0);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return trainee.tokens(positions[static_cast<std::size_t>(a)]) >
           trainee.tokens(positions[static_cast<std::size_t>(b)]);
  });
  for (std::size_t i = 0; i < positions.size(); ++i) first[i + 1] = first[i] + trainee.rows(positions[i]);
  Positions places;
  for (const std::int64_t i : order) {
    for (std::int64_t row = first[static_cast<std::size_t>(i)]; row < first[static_cast<std::size_t>(i) + 1];
         ++row)
      places.push_back(row);
  }
  std::vector<Tensor> parts;
  for (const auto& micro : micro_batches(trainee, positions, or_default(train_.micro_tokens, kMicroTokens))) {
    parts.push_back(trainee.logits(micro));
  }
  return at::cat(parts).index_select(0, positions_tensor(places, device_).argsort());
}

// The same; a team's processes forward a share each.
Tensor Trainer::ordered_logits(Trainee& trainee, const Positions& positions) {
  if (!shares_) return forwarded(trainee, positions);
  std::vector<std::int64_t> first{0};
  for (const std::int64_t example : positions) first.push_back(first.back() + trainee.rows(example));
  Positions examples, rows;
  for (const std::int64_t place : own_share(trainee, positions)) {
    const auto i = static_cast<std::size_t>(place);
    examples.push_back(positions[i]);
    for (std::int64_t row = first[i]; row < first[i + 1]; ++row) rows.push_back(row);
  }
  const Tensor own = examples.empty() ? Tensor() : forwarded(trainee, examples);
  return joined(own, rows, first.back(), width());
}

Tensor Trainer::logits(std::int64_t student, const Positions& positions) {
  return ordered_logits(*students_.at(static_cast<std::size_t>(student)).trainee, positions);
}

Tensor Trainer::mixed_logits(std::int64_t student, const Positions& a, const Positions& b,
                             const Tensor& share) {
  Trainee& trainee = *students_.at(static_cast<std::size_t>(student)).trainee;
  const Tensor shares = share.to(device_, at::kFloat);
  if (!shares_) return trainee.mixed_logits(a, b, shares);
  const auto rows = static_cast<std::int64_t>(a.size());
  const auto [first, last] = range_of(rows, team_->rank(), team_->size());
  Positions places(static_cast<std::size_t>(last - first));
  std::iota(places.begin(), places.end(), first);
  const Tensor own = first == last ? Tensor()
                                   : trainee.mixed_logits({a.begin() + first, a.begin() + last},
                                                          {b.begin() + first, b.begin() + last},
                                                          shares.slice(0, first, last));
  return joined(own, places, rows, width());
}

Tensor Trainer::targets(const Positions& positions) {
  if (!training_.generation()) return targets_.index_select(0, positions_tensor(positions, device_));
  const Trainee& trainee = *students_[0].trainee;
  const Tensor tokens = on_device(trainee.answer_tokens(positions), device_).unsqueeze(1);
  return at::zeros({tokens.size(0), trainee.vocabulary()}, tokens.options().dtype(at::kFloat))
      .scatter_(1, tokens, 1.0);
}

Tensor Trainer::weights(const Positions& positions) {
  return weights_.index_select(0, positions_tensor(rows_of(positions), device_));
}

Tensor Trainer::answer_log_probabilities(std::int64_t student, const Positions& positions, bool rejected) {
  if (!training_.generation()) throw UsageError("log-probabilities of answers: this fit writes no answers");
  Trainee& trainee = *students_.at(static_cast<std::size_t>(student)).trainee;
  Positions examples = positions, owners;
  if (rejected) {
    const std::int64_t begin = training_.size() + (validation_ ? 2 * validation_->size() : 0);
    if (trainee.size() != begin + training_.size()) throw Error("this fit has no rejected answers");
    for (std::int64_t& example : examples) example += begin;
  }
  const Positions places = own_share(trainee, examples);
  Positions mine;
  for (const std::int64_t place : places) {
    const std::int64_t example = examples[static_cast<std::size_t>(place)];
    owners.insert(owners.end(), static_cast<std::size_t>(trainee.rows(example)),
                  static_cast<std::int64_t>(mine.size()));
    mine.push_back(example);
  }
  Tensor sums;
  if (!mine.empty()) {
    const Tensor log_p = forwarded(trainee, mine).log_softmax(1);
    const Tensor tokens = on_device(trainee.answer_tokens(mine), device_).unsqueeze(1);
    sums = at::zeros({static_cast<std::int64_t>(mine.size())}, log_p.options())
               .index_add(0, positions_tensor(owners, device_), log_p.gather(1, tokens).squeeze(1));
  }
  if (!shares_) return sums;
  return joined(sums.defined() ? sums.unsqueeze(1) : sums, places, static_cast<std::int64_t>(examples.size()),
                1)
      .squeeze(1);
}

Tensor Trainer::losses(std::int64_t student, const Tensor& logits, const Tensor& targets,
                       const Positions& positions) {
  return checked_values(*students_.at(static_cast<std::size_t>(student)).loss, logits, targets, positions);
}

// ---- averages and validation

void Trainer::update_averages() {
  at::NoGradGuard no_grad;
  const double before = decay_power_;
  decay_power_ *= decay_;
  const double decay = decay_ * (1 - before) / (1 - decay_power_);
  for (Trained& student : students_) {
    for (const Parameters::Item* item : student.trainee->trained()) {
      Tensor& average = student.average[item->name];
      average =
          average.defined() ? average.lerp_(item->tensor.detach(), 1 - decay) : item->tensor.detach().clone();
    }
  }
}

// Exchanges the trained tensors' values and their averages; nothing where weights are not averaged.
void Trainer::swap_averages() {
  at::NoGradGuard no_grad;
  for (Trained& student : students_) {
    for (Parameters::Item* item : student.trainee->trained()) {
      const auto average = student.average.find(item->name);
      if (average == student.average.end()) continue;
      const Tensor current = item->tensor.detach().clone();
      item->tensor.copy_(average->second);
      average->second = current;
    }
  }
}

// How the students do on validation answers, those from the trainee's example `begin` on: share of answers
// whose every token is the likeliest after those before it, and the mean −log p of a token.
Trainer::Agreement Trainer::teacher_forced(std::int64_t begin) {
  std::int64_t right = 0, tokens = 0;
  double loss = 0;
  const std::int64_t end = begin + validation_->size();
  for (std::int64_t from = begin; from < end; from += train_.batch) {
    Positions examples(static_cast<std::size_t>(std::min(train_.batch, end - from))), owners;
    std::iota(examples.begin(), examples.end(), from);
    std::vector<Tensor> each;
    for (Trained& student : students_) each.push_back(ordered_logits(*student.trainee, examples).softmax(1));
    const Tensor log_p = at::stack(each).mean(0).clamp_min(1e-30).log();
    const Tensor answer = on_device(students_[0].trainee->answer_tokens(examples), device_);
    loss -= log_p.gather(1, answer.unsqueeze(1)).sum(at::kDouble).item<double>();
    const Tensor wrong = log_p.argmax(1).ne(answer).to(at::kCPU);
    const auto* mistake = wrong.data_ptr<bool>();
    for (const std::int64_t example : examples) {
      const std::int64_t rows = students_[0].trainee->rows(example);
      right += std::none_of(mistake, mistake + rows, [](bool w) { return w; });
      mistake += rows;
      tokens += rows;
    }
  }
  return {static_cast<double>(right) / static_cast<double>(validation_->size()),
          loss / static_cast<double>(std::max<std::int64_t>(1, tokens))};
}

Trainer::Validated Trainer::validated() {
  if (training_.generation()) {
    const Agreement labels = teacher_forced(training_.size());
    const Agreement truth = teacher_forced(training_.size() + validation_->size());
    return {labels.share, truth.share, labels.loss};
  }
  Positions rows(static_cast<std::size_t>(validation_->size()));
  std::iota(rows.begin(), rows.end(), training_.size());
  Tensor log_p;
  if (students_.size() == 1) {
    log_p = ordered_logits(*students_[0].trainee, rows).cpu().log_softmax(1);
  } else {
    std::vector<Tensor> each;
    for (Trained& student : students_)
      each.push_back(ordered_logits(*student.trainee, rows).cpu().softmax(1));
    log_p = at::stack(each).mean(0).clamp_min(1e-12).log();
  }
  const Tensor choice = log_p.argmax(1);
  const double agreement = choice.eq(validation_->targets.argmax(1)).to(at::kDouble).mean().item<double>();
  const double accuracy = choice.eq(validation_->examples.labels()).to(at::kDouble).mean().item<double>();
  const double loss = -(validation_->targets * log_p).sum(1).mean().item<double>();
  return {agreement, accuracy, loss};
}

// True where training should stop.
bool Trainer::validate(Progress& report, TrainResult& result) {
  at::NoGradGuard no_grad;
  swap_averages();
  auto [agreement, accuracy, loss] = validated();
  if (team_) {
    for (double* value : {&agreement, &accuracy, &loss}) *value = team_->broadcast(*value);
  }
  report.validation_agreement = agreement;
  report.validation_accuracy = accuracy;
  ++stale_;
  if (agreement > best_agreement_ || (agreement == best_agreement_ && loss < best_loss_)) {
    best_agreement_ = agreement;
    best_loss_ = loss;
    stale_ = 0;
    for (Trained& student : students_) student.kept = snapshot(*student.trainee);
    result.kept_step = report.step + 1;
  }
  if (accuracy > best_accuracy_) {
    best_accuracy_ = accuracy;
    for (Trained& student : students_) student.oracle = snapshot(*student.trainee);
    result.oracle_step = report.step + 1;
  }
  swap_averages();
  return train_.patience > 0 && stale_ >= train_.patience;
}

// ---- checkpoints

// Everything that the steps after this one depend on. What follows from the settings and the seed (the order
// of each epoch, the learning rate) is not among it.
Checkpoint Trainer::state(const TrainResult& result) const {
  Checkpoint now;
  for (std::size_t k = 0; k < students_.size(); ++k) {
    const Trained& student = students_[k];
    const std::string prefix = fmt::format("student {}.", k);
    now.put(prefix + "weights", snapshot(*student.trainee));
    now.put(prefix + "average", student.average);
    now.put(prefix + "kept", student.kept);
    now.put(prefix + "oracle", student.oracle);
    now.put(prefix + "optimizer", student.optimizer.state());
    now.put(prefix + "loss", student.loss->state());
  }
  if (rule_) {
    now.put("rule", guarded(rule_owner_, [&] { return rule_->state(); }));
    now.texts["rule's stream"] = rule_stream_.save();
  }
  now.tensors["counts"] = at::tensor({result.steps, result.kept_step, result.oracle_step, stale_}, at::kLong);
  now.tensors["numbers"] =
      at::tensor({best_agreement_, best_loss_, best_accuracy_, decay_power_}, at::kDouble);
  return now;
}

void Trainer::restore(const Checkpoint& saved, TrainResult& result) {
  at::NoGradGuard no_grad;
  const auto on_device = [&](const std::string& part) {
    Snapshot tensors = saved.part(part);
    for (auto& [name, tensor] : tensors) tensor = tensor.to(device_);
    return tensors;
  };
  for (std::size_t k = 0; k < students_.size(); ++k) {
    Trained& student = students_[k];
    const std::string prefix = fmt::format("student {}.", k);
    const Snapshot weights = saved.part(prefix + "weights");
    for (Parameters::Item* item : student.trainee->trained()) item->tensor.copy_(weights.at(item->name));
    student.average = on_device(prefix + "average");
    student.kept = on_device(prefix + "kept");
    student.oracle = on_device(prefix + "oracle");
    student.optimizer.load_state(saved.part(prefix + "optimizer"));
    student.loss->load_state(on_device(prefix + "loss"));
  }
  if (rule_) {
    guarded(rule_owner_, [&] { rule_->load_state(on_device("rule")); });
    rule_stream_.restore(saved.texts.at("rule's stream"));
  }
  const auto* counts = saved.tensors.at("counts").data_ptr<std::int64_t>();
  result.steps = counts[0];
  result.kept_step = counts[1];
  result.oracle_step = counts[2];
  stale_ = counts[3];
  const auto* numbers = saved.tensors.at("numbers").data_ptr<double>();
  best_agreement_ = numbers[0];
  best_loss_ = numbers[1];
  best_accuracy_ = numbers[2];
  decay_power_ = numbers[3];
}

TrainResult Trainer::run() {
  TrainResult result;
  const std::int64_t n = training_.size();
  const std::int64_t evaluate_every = or_default(train_.evaluate_every, steps_per_epoch_);
  const Clock::time_point start = Clock::now();
  if (checkpoints_) {
    if (const auto saved = checkpoints_->load()) restore(*saved, result);
  }
  if (team_) start_together(result);
  std::int64_t number = result.steps, seen = 0;
  bool stop = false;
  for (epoch_ = number / steps_per_epoch_; epoch_ < train_.epochs && !stop; ++epoch_) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    if (train_.shuffle) order = stream_.child(fmt::format("epoch {}", epoch_)).permutation(n);
    const std::int64_t done = number - epoch_ * steps_per_epoch_;  // of this epoch, before an interruption
    step_ = number;
    if (rule_ && done == 0) guarded(rule_owner_, [&] { rule_->begin_epoch(*this); });
    for (std::int64_t begin = done * train_.batch; begin < n && !stop; begin += train_.batch, ++number) {
      const std::vector<std::int64_t> batch(order.begin() + begin,
                                            order.begin() + std::min(n, begin + train_.batch));
      Progress report;
      report.step = number;
      report.steps = total_steps_;
      report.epoch = epoch_;
      report.lr = learning_rate(train_, number, total_steps_);
      const StepOutcome outcome = step(batch, number, report.lr);
      seen += static_cast<std::int64_t>(batch.size());
      report.loss = outcome.loss;
      report.gradient_norm = outcome.gradient_norm;
      report.examples_per_second = static_cast<double>(seen) / std::max(1e-9, seconds_since(start));
      result.steps = number + 1;
      const bool last = number + 1 == total_steps_;
      if (train_.early_stopping && ((number + 1) % evaluate_every == 0 || last))
        stop = validate(report, result);
      if (observe_) observe_(report);
      if (checkpoints_ && !last && !stop) checkpoints_->after_step([&] { return state(result); });
    }
  }
  if (!train_.early_stopping) {
    swap_averages();
    result.kept_step = result.steps;
    return result;
  }
  at::NoGradGuard no_grad;
  for (Trained& student : students_) {
    for (Parameters::Item* item : student.trainee->trained()) item->tensor.copy_(student.kept.at(item->name));
  }
  result.oracle = students_[0].oracle;
  for (std::size_t k = 1; k < students_.size(); ++k) result.other_oracles.push_back(students_[k].oracle);
  return result;
}

}  // namespace w2s
