#include "engine/probe_batch.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include <w2s/error.hpp>
#include <w2s/parallel.hpp>

#include "engine/fit_checks.hpp"
#include "engine/kernels/adam_kernel.hpp"
#include "engine/kernels/probe_kernel.hpp"
#include "engine/schedule.hpp"

namespace w2s {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kValidationBlock = 256;  // examples at a time
// Numbers in the largest tensor that LibTorch surely leaves to one thread: cut in two, its vectors would
// lie differently.
constexpr std::int64_t kSerial = 32768;
constexpr std::int64_t kCacheLine = 16;  // floats

std::int64_t rounded_up(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

// Probes with the same inputs in the same order.
struct Lane {
  const Probe* first = nullptr;  // its inputs are everybody's
  std::vector<std::size_t> fits;
  std::vector<std::int64_t> order;  // of this epoch
  std::vector<float> x;             // [rows, stride] of this batch
  const float *mean = nullptr, *sd = nullptr;
};

struct Fit {
  Probe* probe = nullptr;
  std::size_t lane = 0;
  bool active = true, concluded = false;
  float *w = nullptr, *gradient = nullptr, *first = nullptr, *second = nullptr;  // [outputs, stride], bias
  std::vector<float> z, dz, held_out;  // [rows, outputs] of the batch, of the validation examples
  Tensor targets, weights;             // [N, C], [N]
  double loss = 0, norm = 0;
  // Early stopping.
  Snapshot kept;
  double best_agreement = -1, best_loss = 0, best_accuracy = -1;
  std::int64_t stale = 0;
};

// Fits whose losses are computed in one call.
struct Call {
  std::vector<std::size_t> fits;
  bool joined = false;  // or could be: then the rows of each are filled up to kLossRows
};

bool same_inputs(const Probe& a, const Probe& b) {
  const auto buffer = [](const Probe& probe, const char* name) {
    return probe.head->parameters().has(name) ? probe.head->parameters()[name] : Tensor();
  };
  for (const char* name : {"head.mean", "head.sd"}) {
    const Tensor x = buffer(a, name), y = buffer(b, name);
    if (x.defined() != y.defined() || (x.defined() && !x.equal(y))) return false;
  }
  return a.features.data_ptr() == b.features.data_ptr() && a.seed == b.seed && a.rows == b.rows;
}

class ProbeBatch {
 public:
  ProbeBatch(const std::vector<Probe*>& probes, std::vector<std::optional<Checkpoint>> saved,
             const std::function<void(std::size_t, const Progress&)>& progress,
             const std::function<void(Probe&)>& finished)
      : progress_(progress), finished_(finished), train_(probes[0]->train), kind_(probes[0]->kind) {
    const Probe& one = *probes[0];
    examples_ = one.labels.size();
    classes_ = one.labels.classes();
    outputs_ = kind_ == TaskKind::preference ? 1 : classes_;
    parts_ = one.features.size(1);
    width_ = one.features.size(2);
    // A cache line more than needed, so that rows do not meet in the same cache sets.
    stride_ = rounded_up(width_, kProbeLanes) + 2 * kProbeLanes;
    bias_ = one.head->parameters().has("head.bias");
    size_ = outputs_ * stride_ + (bias_ ? rounded_up(outputs_, kProbeLanes) : 0);
    steps_per_epoch_ = (examples_ + train_.batch - 1) / train_.batch;
    total_steps_ = steps_per_epoch_ * train_.epochs;
    const auto count = static_cast<std::int64_t>(probes.size());
    for (std::vector<float>* slab : {&weights_, &gradients_, &first_, &second_})
      slab->assign(static_cast<std::size_t>(count * size_), 0.0f);
    const std::int64_t rows = std::min(train_.batch, examples_) * parts_;
    for (std::int64_t i = 0; i < count; ++i) {
      Fit fit;
      fit.probe = probes[static_cast<std::size_t>(i)];
      fit.w = weights_.data() + i * size_;
      fit.gradient = gradients_.data() + i * size_;
      fit.first = first_.data() + i * size_;
      fit.second = second_.data() + i * size_;
      fit.z.resize(static_cast<std::size_t>(rows * outputs_));
      fit.dz.resize(fit.z.size());
      const Supervision& labels = fit.probe->labels;
      fit.targets = labels.targets.to(at::kFloat).contiguous();
      fit.weights = (labels.weights / labels.weights.mean().item<double>()).to(at::kFloat).contiguous();
      read_head(fit);
      fits_.push_back(std::move(fit));
      add_to_lane(static_cast<std::size_t>(i), rows);
      Fit& added = fits_.back();
      attempt(added, [&] {
        added.probe->loss->begin(examples_, classes_);
        if (const auto& state = saved[static_cast<std::size_t>(i)]) restore(added, *state);
      });
    }
  }

  void run() {
    const auto start = Clock::now();
    counted_ = start;
    conclude();
    const std::int64_t evaluate_every = train_.evaluate_every > 0 ? train_.evaluate_every : steps_per_epoch_;
    std::int64_t number = 0, seen = 0;
    for (const Fit& fit : fits_) number = std::max(number, fit.probe->result.steps);
    for (std::int64_t epoch = number / steps_per_epoch_; epoch < train_.epochs && any(); ++epoch) {
      begin_epoch(epoch);
      const std::int64_t done = number - epoch * steps_per_epoch_;
      for (std::int64_t begin = done * train_.batch; begin < examples_ && any();
           begin += train_.batch, ++number) {
        Progress report;
        report.step = number;
        report.steps = total_steps_;
        report.epoch = epoch;
        report.lr = learning_rate(train_, number, total_steps_);
        const std::int64_t count = std::min(train_.batch, examples_ - begin);
        step(begin, count, report);
        seen += count;
        const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
        report.examples_per_second = static_cast<double>(seen) / std::max(1e-9, elapsed);
        const bool last = number + 1 == total_steps_;
        const bool validates = train_.early_stopping && ((number + 1) % evaluate_every == 0 || last);
        if (validates) validation_logits();
        finish_step(report, validates, last);
      }
    }
  }

 private:
  bool any() const {
    return std::any_of(fits_.begin(), fits_.end(), [](const Fit& fit) { return fit.active; });
  }

  // f(), whose exception fails this fit alone.
  template <class F>
  void attempt(Fit& fit, F&& f) {
    try {
      f();
    } catch (...) {
      fit.probe->error = std::current_exception();
      retire(fit);
    }
  }

  void retire(Fit& fit) {
    fit.active = false;
    calls_.clear();
  }

  // Time since the last call, shared out among those that are under way.
  void count_time() {
    const auto now = Clock::now();
    const auto under_way = std::count_if(fits_.begin(), fits_.end(), [](auto& fit) { return fit.active; });
    if (under_way > 0) {
      seconds_ += std::chrono::duration<double>(now - counted_).count() / static_cast<double>(under_way);
    }
    counted_ = now;
  }

  // Gives back those that have ended, each as soon as it has.
  void conclude() {
    const at::NoGradGuard no_grad;
    for (Fit& fit : fits_) {
      if (fit.active || fit.concluded) continue;
      fit.concluded = true;
      Probe& probe = *fit.probe;
      probe.seconds = seconds_;
      if (!probe.error) {
        if (!train_.early_stopping) probe.result.kept_step = probe.result.steps;
        const Snapshot weights = train_.early_stopping ? fit.kept : snapshot(fit);
        for (const auto& [name, tensor] : weights) probe.head->parameters().assign(name, tensor);
      }
      finished_(probe);
    }
  }

  void add_to_lane(std::size_t index, std::int64_t rows) {
    const Probe& probe = *fits_[index].probe;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      if (!same_inputs(*lanes_[i].first, probe)) continue;
      lanes_[i].fits.push_back(index);
      fits_[index].lane = i;
      return;
    }
    fits_[index].lane = lanes_.size();
    Lane lane;
    lane.first = &probe;
    lane.fits.push_back(index);
    lane.x.assign(static_cast<std::size_t>(rows * stride_), 0.0f);
    if (train_.standardize) {
      lane.mean = probe.head->parameters()["head.mean"].data_ptr<float>();
      lane.sd = probe.head->parameters()["head.sd"].data_ptr<float>();
    }
    lanes_.push_back(std::move(lane));
  }

  void begin_epoch(std::int64_t epoch) {
    for (Lane& lane : lanes_) {
      lane.order.resize(static_cast<std::size_t>(examples_));
      std::iota(lane.order.begin(), lane.order.end(), 0);
      if (!train_.shuffle) continue;
      lane.order =
          Stream(lane.first->seed, "fit").child(fmt::format("epoch {}", epoch)).permutation(examples_);
    }
  }

  // The lane's inputs of these examples, by their places in Probe::rows.
  void gather(const Lane& lane, const std::int64_t* examples, std::int64_t count, float* x) const {
    const float* features = lane.first->features.data_ptr<float>();
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t row = lane.first->rows[static_cast<std::size_t>(examples[i])];
      if (i + 1 < count) {
        const std::int64_t next = lane.first->rows[static_cast<std::size_t>(examples[i + 1])];
        for (std::int64_t d = 0; d < parts_ * width_; d += kCacheLine)
          __builtin_prefetch(features + next * parts_ * width_ + d);
      }
      for (std::int64_t part = 0; part < parts_; ++part) {
        const float* from = features + (row * parts_ + part) * width_;
        float* to = x + (i * parts_ + part) * stride_;
        if (lane.mean == nullptr) {
          std::copy_n(from, width_, to);
        } else {
          for (std::int64_t d = 0; d < width_; ++d) to[d] = (from[d] - lane.mean[d]) / lane.sd[d];
        }
      }
    }
  }

  std::vector<std::size_t> active(const Lane& lane) const {
    std::vector<std::size_t> chosen;
    for (const std::size_t i : lane.fits) {
      if (fits_[i].active) chosen.push_back(i);
    }
    return chosen;
  }

  // f(lane, its active fits) for each lane that has any, on as many threads as there are.
  template <class F>
  void each_lane(F&& f) {
    in_threads(static_cast<std::int64_t>(lanes_.size()), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        Lane& lane = lanes_[static_cast<std::size_t>(i)];
        const std::vector<std::size_t> fits = active(lane);
        if (!fits.empty()) f(lane, fits);
      }
    });
  }

  // One row's logits [C] from its scores, for classification; for pairs [0, s₂ − s₁].
  void write_logits(const Fit& fit, const float* z, std::int64_t count, float* logits) const {
    if (kind_ == TaskKind::preference) {
      for (std::int64_t i = 0; i < count; ++i) {
        logits[2 * i] = 0;
        logits[2 * i + 1] = z[2 * i + 1] - z[2 * i];
      }
      return;
    }
    const float* bias = bias_ ? fit.w + outputs_ * stride_ : nullptr;
    for (std::int64_t i = 0; i < count; ++i) {
      for (std::int64_t c = 0; c < classes_; ++c)
        logits[i * classes_ + c] = z[i * classes_ + c] + (bias ? bias[c] : 0.0f);
    }
  }

  void step(std::int64_t begin, std::int64_t count, const Progress& report) {
    each_lane([&](Lane& lane, const std::vector<std::size_t>& fits) {
      gather(lane, lane.order.data() + begin, count, lane.x.data());
      std::vector<const float*> w;
      std::vector<float*> z;
      for (const std::size_t i : fits) w.push_back(fits_[i].w), z.push_back(fits_[i].z.data());
      probe_logits(lane.x.data(), w.data(), z.data(), static_cast<std::int64_t>(fits.size()), count * parts_,
                   outputs_, stride_);
    });
    if (calls_.empty()) plan_calls();
    const std::vector<Call> calls = calls_;  // fits that fail change them
    for (const Call& call : calls) losses(call, begin, count, report);
    each_lane([&](Lane& lane, const std::vector<std::size_t>& fits) {
      std::vector<const float*> dz;
      std::vector<float*> g;
      for (const std::size_t i : fits) dz.push_back(fits_[i].dz.data()), g.push_back(fits_[i].gradient);
      probe_gradients(lane.x.data(), dz.data(), g.data(), static_cast<std::int64_t>(fits.size()),
                      count * parts_, outputs_, stride_);
      for (const std::size_t i : fits) bias_gradient(fits_[i], count);
    });
    for (Fit& fit : fits_) {
      if (fit.active) attempt(fit, [&] { update(fit, report); });
    }
  }

  // Which fits share a call of their loss, in batches of this many rows.
  void plan_calls() {
    const std::int64_t rows = rounded_up(std::min(train_.batch, examples_), kLossRows);
    const std::int64_t numbers = rows * classes_ * (at::get_num_threads() > 1 ? classes_ : 1);
    const auto most = static_cast<std::size_t>(std::max<std::int64_t>(1, kSerial / numbers));
    std::map<std::string, std::size_t> open;  // a call with room, by loss
    for (std::size_t i = 0; i < fits_.size(); ++i) {
      if (!fits_[i].active) continue;
      const Probe& probe = *fits_[i].probe;
      if (!probe.loss->rowwise()) {
        calls_.push_back({{i}, false});
        continue;
      }
      const auto found = open.find(probe.loss_code);
      if (found != open.end() && calls_[found->second].fits.size() < most) {
        calls_[found->second].fits.push_back(i);
        continue;
      }
      open[probe.loss_code] = calls_.size();
      calls_.push_back({{i}, true});
    }
  }

  // Losses of one call, and ∂(weighted mean)/∂z of each of its fits.
  void losses(const Call& call, std::int64_t begin, std::int64_t count, const Progress& report) {
    if (call.fits.size() > 1) {
      try {
        return try_losses(call, begin, count, report);
      } catch (...) {  // whose fault it is shows below
      }
    }
    for (const std::size_t i : call.fits) {
      attempt(fits_[i], [&] { try_losses({{i}, call.joined}, begin, count, report); });
    }
  }

  void try_losses(const Call& call, std::int64_t begin, std::int64_t count, const Progress& report) {
    const std::int64_t rows = call.joined ? rounded_up(count, kLossRows) : count;
    const auto all = rows * static_cast<std::int64_t>(call.fits.size());
    LossInput in;
    in.logits = at::empty({all, classes_});
    in.targets = at::empty({all, classes_});
    in.index = at::empty({all}, at::kLong);
    in.weights = at::empty({all});
    float *logits = in.logits.data_ptr<float>(), *targets = in.targets.data_ptr<float>(),
          *weights = in.weights.data_ptr<float>();
    std::int64_t* index = in.index.data_ptr<std::int64_t>();
    for (std::size_t k = 0; k < call.fits.size(); ++k) {
      const Fit& fit = fits_[call.fits[k]];
      const std::int64_t* order = lanes_[fit.lane].order.data() + begin;
      const std::int64_t first = static_cast<std::int64_t>(k) * rows;
      write_logits(fit, fit.z.data(), count, logits + first * classes_);
      const float *target = fit.targets.data_ptr<float>(), *weight = fit.weights.data_ptr<float>();
      for (std::int64_t i = 0; i < rows; ++i) {
        const std::int64_t example = order[i < count ? i : 0];  // what fills the last rows does not count
        if (i >= count) std::copy_n(logits + first * classes_, classes_, logits + (first + i) * classes_);
        std::copy_n(target + example * classes_, classes_, targets + (first + i) * classes_);
        weights[first + i] = weight[example];
        index[first + i] = example;
      }
    }
    in.logits.requires_grad_(true);
    in.step_fraction = static_cast<double>(report.step) / static_cast<double>(total_steps_);
    in.epoch = report.epoch;
    const Probe& one = *fits_[call.fits[0]].probe;
    const at::AutoGradMode with_gradients(true);
    const Tensor values = one.loss->forward(in);
    check_values(values, all, true, loss_place(one.loss_name, report.step, report.epoch));
    Tensor slopes = at::zeros({all});
    float* slope = slopes.data_ptr<float>();
    const Tensor plain = values.detach().to(at::kFloat).contiguous();
    const float* value = plain.data_ptr<float>();
    std::vector<std::size_t> sound;
    for (std::size_t k = 0; k < call.fits.size(); ++k) {
      Fit& fit = fits_[call.fits[k]];
      const std::int64_t first = static_cast<std::int64_t>(k) * rows;
      const std::int64_t* order = lanes_[fit.lane].order.data() + begin;
      double sum = 0;
      std::int64_t bad = -1;
      for (std::int64_t i = 0; i < count; ++i) {
        if (!std::isfinite(value[first + i]) && bad < 0) bad = i;
        sum += static_cast<double>(value[first + i]) * weights[first + i];
        slope[first + i] = weights[first + i] / static_cast<float>(count);
      }
      if (bad >= 0) {
        std::fill_n(slope + first, rows, 0.0f);
        attempt(fit, [&] {
          refuse_value(value[first + bad], fit.probe->labels.examples.id(order[bad]),
                       in.logits.detach()[first + bad],
                       loss_place(fit.probe->loss_name, report.step, report.epoch));
        });
        continue;
      }
      fit.loss = sum / static_cast<double>(count);
      sound.push_back(k);
    }
    if (sound.empty()) return;
    values.backward(slopes.to(values.scalar_type()));
    const Tensor gradient = in.logits.grad().contiguous();
    const float* dz = gradient.data_ptr<float>();
    for (const std::size_t k : sound) {
      std::vector<float>& own = fits_[call.fits[k]].dz;
      const float* from = dz + static_cast<std::int64_t>(k) * rows * classes_;
      if (kind_ != TaskKind::preference) {
        std::copy_n(from, count * classes_, own.data());
        continue;
      }
      for (std::int64_t i = 0; i < count; ++i) {
        const auto place = static_cast<std::size_t>(2 * i);
        own[place] = -from[2 * i + 1];
        own[place + 1] = from[2 * i + 1];
      }
    }
  }

  void bias_gradient(Fit& fit, std::int64_t count) const {
    if (!bias_) return;
    for (std::int64_t c = 0; c < outputs_; ++c) {
      double sum = 0;
      for (std::int64_t i = 0; i < count; ++i) sum += fit.dz[static_cast<std::size_t>(i * outputs_ + c)];
      fit.gradient[outputs_ * stride_ + c] = static_cast<float>(sum);
    }
  }

  void update(Fit& fit, const Progress& report) {
    fit.norm = std::sqrt(sum_of_squares(fit.gradient, size_));
    if (!std::isfinite(fit.norm)) {
      throw Error(loss_place(fit.probe->loss_name, report.step, report.epoch) +
                  ": the gradient is not finite");
    }
    if (train_.clip_norm > 0) {
      const auto factor = static_cast<float>(train_.clip_norm / (fit.norm + 1e-6));
      if (factor < 1.0f) std::for_each(fit.gradient, fit.gradient + size_, [&](float& g) { g *= factor; });
    }
    if (train_.optimizer != OptimizerKind::sgd) {
      adam_kernel(fit.w, fit.gradient, fit.first, fit.second, size_,
                  adam_step(train_, report.lr, report.step + 1));
      return;
    }
    const auto lr = static_cast<float>(report.lr), decay = static_cast<float>(train_.weight_decay),
               momentum = static_cast<float>(train_.momentum);
    for (std::int64_t i = 0; i < size_; ++i) {
      fit.first[i] = momentum * fit.first[i] + (fit.gradient[i] + decay * fit.w[i]);
      fit.w[i] -= lr * fit.first[i];
    }
  }

  void finish_step(const Progress& common, bool validates, bool last) {
    count_time();
    std::size_t under_way = 0;
    Progress shown = common;
    std::exception_ptr interrupted;
    const auto go_on = [&](Fit& fit) {
      try {
        fit.probe->checkpoints->after_step([&] { return state(fit); });
        return true;
      } catch (const Interrupted&) {
        interrupted = std::current_exception();
        return false;
      }
    };
    std::vector<Fit*> unsaved;
    for (Fit& fit : fits_) {
      if (!fit.active) continue;
      fit.probe->result.steps = common.step + 1;
      Progress report = common;
      report.loss = fit.loss;
      report.gradient_norm = fit.norm;
      if (under_way++ == 0) shown = report;
      bool stop = false;
      attempt(fit, [&] {
        if (validates) stop = validate(fit, report);
        if (fit.probe->observe && report.in_log()) fit.probe->observe(report);
      });
      if (!fit.active) continue;
      if (stop || last) {
        retire(fit);
      } else if (fit.probe->checkpoints) {
        if (go_on(fit)) unsaved.push_back(&fit);
      }
    }
    conclude();
    if (interrupted) {
      for (Fit* fit : unsaved) go_on(*fit);  // the signal came after it was their turn
      std::rethrow_exception(interrupted);
    }
    if (progress_ && under_way > 0) progress_(under_way, shown);
  }

  // ---- early stopping, as in Trainer

  void validation_logits() {
    each_lane([&](Lane& lane, const std::vector<std::size_t>& fits) {
      const auto end = static_cast<std::int64_t>(lane.first->rows.size());
      std::vector<float> x(static_cast<std::size_t>(kValidationBlock * parts_ * stride_), 0.0f);
      for (const std::size_t i : fits) {
        fits_[i].held_out.resize(static_cast<std::size_t>((end - examples_) * parts_ * outputs_));
      }
      std::vector<std::int64_t> examples;
      for (std::int64_t begin = examples_; begin < end; begin += kValidationBlock) {
        examples.resize(static_cast<std::size_t>(std::min(kValidationBlock, end - begin)));
        std::iota(examples.begin(), examples.end(), begin);
        const auto count = static_cast<std::int64_t>(examples.size());
        gather(lane, examples.data(), count, x.data());
        std::vector<const float*> w;
        std::vector<float*> z;
        for (const std::size_t i : fits) {
          w.push_back(fits_[i].w);
          z.push_back(fits_[i].held_out.data() + (begin - examples_) * parts_ * outputs_);
        }
        probe_logits(x.data(), w.data(), z.data(), static_cast<std::int64_t>(fits.size()), count * parts_,
                     outputs_, stride_);
      }
    });
  }

  bool validate(Fit& fit, Progress& report) {
    at::NoGradGuard no_grad;
    const Supervision& validation = *fit.probe->validation;
    Tensor logits = at::empty({validation.size(), classes_});
    write_logits(fit, fit.held_out.data(), validation.size(), logits.data_ptr<float>());
    const Tensor log_p = logits.log_softmax(1), choice = log_p.argmax(1);
    const auto share = [&](const Tensor& labels) {
      return choice.eq(labels).to(at::kDouble).mean().item<double>();
    };
    const double agreement = share(validation.targets.argmax(1)),
                 accuracy = share(validation.examples.labels()),
                 loss = -(validation.targets * log_p).sum(1).mean().item<double>();
    report.validation_agreement = agreement;
    report.validation_accuracy = accuracy;
    ++fit.stale;
    TrainResult& result = fit.probe->result;
    if (agreement > fit.best_agreement || (agreement == fit.best_agreement && loss < fit.best_loss)) {
      fit.best_agreement = agreement;
      fit.best_loss = loss;
      fit.stale = 0;
      fit.kept = snapshot(fit);
      result.kept_step = report.step + 1;
    }
    if (accuracy > fit.best_accuracy) {
      fit.best_accuracy = accuracy;
      result.oracle = snapshot(fit);
      result.oracle_step = report.step + 1;
    }
    return train_.patience > 0 && fit.stale >= train_.patience;
  }

  // ---- heads and checkpoints

  void read_head(Fit& fit) const {
    const Parameters& head = fit.probe->head->parameters();
    const Tensor weight = head["head.weight"].detach().contiguous();
    for (std::int64_t c = 0; c < outputs_; ++c)
      std::copy_n(weight.data_ptr<float>() + c * width_, width_, fit.w + c * stride_);
    if (bias_) std::copy_n(head["head.bias"].data_ptr<float>(), outputs_, fit.w + outputs_ * stride_);
  }

  Snapshot snapshot(const Fit& fit) const {
    Snapshot copy;
    Tensor weight = at::empty({outputs_, width_});
    for (std::int64_t c = 0; c < outputs_; ++c)
      std::copy_n(fit.w + c * stride_, width_, weight.data_ptr<float>() + c * width_);
    copy["head.weight"] = weight;
    if (bias_) copy["head.bias"] = at::from_blob(fit.w + outputs_ * stride_, {outputs_}, at::kFloat).clone();
    return copy;
  }

  // Views of what the optimiser changes.
  std::map<std::string, Tensor> moving(const Fit& fit) const {
    const auto view = [&](float* numbers) { return at::from_blob(numbers, {size_}, at::kFloat); };
    return {{"weights", view(fit.w)}, {"first", view(fit.first)}, {"second", view(fit.second)}};
  }

  Checkpoint state(const Fit& fit) const {
    Checkpoint now;
    now.put("moving", moving(fit));
    now.put("kept", fit.kept);
    now.put("oracle", fit.probe->result.oracle);
    now.put("loss", fit.probe->loss->state());
    const TrainResult& result = fit.probe->result;
    now.tensors["counts"] =
        at::tensor({result.steps, result.kept_step, result.oracle_step, fit.stale}, at::kLong);
    now.tensors["numbers"] = at::tensor({fit.best_agreement, fit.best_loss, fit.best_accuracy}, at::kDouble);
    return now;
  }

  void restore(Fit& fit, const Checkpoint& saved) const {
    const Snapshot before = saved.part("moving");
    for (auto& [name, tensor] : moving(fit)) tensor.copy_(before.at(name));
    fit.kept = saved.part("kept");
    TrainResult& result = fit.probe->result;
    result.oracle = saved.part("oracle");
    fit.probe->loss->load_state(saved.part("loss"));
    const auto* counts = saved.tensors.at("counts").data_ptr<std::int64_t>();
    result.steps = counts[0];
    result.kept_step = counts[1];
    result.oracle_step = counts[2];
    fit.stale = counts[3];
    const auto* numbers = saved.tensors.at("numbers").data_ptr<double>();
    fit.best_agreement = numbers[0];
    fit.best_loss = numbers[1];
    fit.best_accuracy = numbers[2];
  }

  const std::function<void(std::size_t, const Progress&)>& progress_;
  const std::function<void(Probe&)>& finished_;
  Clock::time_point counted_;
  double seconds_ = 0;  // of a fit that is still under way
  TrainParams train_;
  TaskKind kind_;
  std::int64_t examples_ = 0, classes_ = 0, outputs_ = 0, parts_ = 1, width_ = 0, stride_ = 0;
  bool bias_ = false;
  std::int64_t size_ = 0;  // of a fit's part of each slab
  std::int64_t steps_per_epoch_ = 0, total_steps_ = 0;
  std::vector<float> weights_, gradients_, first_, second_;
  std::vector<Fit> fits_;
  std::vector<Lane> lanes_;
  std::vector<Call> calls_;  // empty: to be planned
};

// Equal for probes that can be trained in one loop.
std::string agreement(const Probe& probe, const std::optional<Checkpoint>& saved) {
  TrainParams train = probe.train;
  const TrainParams usual;
  train.trainable = Trainable::head();
  train.labels = usual.labels;
  train.head_init = usual.head_init;
  train.label_words = usual.label_words;
  train.precision = usual.precision;
  train.micro_tokens = train.activation_tokens = 0;
  Schema<TrainParams> schema;
  describe_train(schema);
  const std::int64_t steps = saved ? saved->tensors.at("counts")[0].item<std::int64_t>() : 0;
  return fmt::format("{} {} {} {} {} {}\n{}", static_cast<int>(probe.kind), probe.labels.size(),
                     probe.labels.classes(), probe.features.size(1), probe.features.size(2), steps,
                     Value(schema.resolved(train)).canonical());
}

}  // namespace

bool trains_as_probe(const FitSpec& spec, TaskKind kind, at::Device device) {
  return spec.train.trainable.is_head() && !spec.rule && spec.weight_average == 0 &&
         kind != TaskKind::generation && device.is_cpu();
}

void train_probes(const std::vector<Probe*>& probes,
                  const std::function<void(std::size_t, const Progress&)>& progress,
                  const std::function<void(Probe&)>& finished) {
  struct Group {
    std::vector<Probe*> probes;
    std::vector<std::optional<Checkpoint>> saved;
  };
  std::map<std::string, Group> groups;
  for (Probe* probe : probes) {
    try {
      check_labels(probe->labels, probe->validation ? &*probe->validation : nullptr, probe->train);
      auto saved = probe->checkpoints ? probe->checkpoints->load() : std::nullopt;
      Group& group = groups[agreement(*probe, saved)];
      group.probes.push_back(probe);
      group.saved.push_back(std::move(saved));
    } catch (...) {
      probe->error = std::current_exception();
      finished(*probe);
    }
  }
  for (auto& [key, group] : groups)
    ProbeBatch(group.probes, std::move(group.saved), progress, finished).run();
}

}  // namespace w2s
