// Probes: linear heads on features that are there already, many trained in one loop.
//
// Probes that agree in their settings, in the number of their examples and in their shapes go step by step
// together. Those of one seed on the same rows share each batch: it is gathered (and standardised) once and
// multiplied with all their heads. A loss that looks at each row alone (ILoss::rowwise) is called once for
// all probes that have it, any other once for each. Gradients of the heads are written out: for logits z = W
// f + b, dW = Σ dz fᵀ and db = Σ dz.
//
// A probe gets the same bits alone and among others: each number is summed in a fixed order
// (probe_kernel.hpp), and rows that losses share begin at multiples of kLossRows, so that LibTorch's vectors
// never straddle two. It agrees with Trainer to float accuracy. CPU only.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>

#include <w2s/fit.hpp>
#include <w2s/loss.hpp>

#include "engine/checkpoint.hpp"
#include "engine/network.hpp"
#include "engine/trainer.hpp"

namespace w2s {

/// One fit and what comes of it.
struct Probe {
  TaskKind kind = TaskKind::classification;
  Tensor features;  ///< float32 [M, parts, D], contiguous; several probes may share it
  std::vector<std::int64_t>
      rows;  ///< of `features`: of each training example, then of each validation example
  Supervision labels;
  std::optional<Supervision> validation;
  TrainParams train;
  std::uint64_t seed = 0;      ///< examples come in the order of Stream(seed, "fit")
  std::shared_ptr<Head> head;  ///< begins with its initial weights and ends with those that are kept
  std::shared_ptr<ILoss> loss;
  std::string loss_name;                         ///< in messages
  std::string loss_code;                         ///< the same for losses of the same code and parameters
  std::function<void(const Progress&)> observe;  ///< told of the steps that belong in a log
  std::shared_ptr<Checkpoints> checkpoints;      ///< or null

  TrainResult result;
  double seconds = 0;        ///< its share of the time
  std::exception_ptr error;  ///< it failed; others did not
};

/// Whether a fit with this spec can be a Probe; all others are Trainer's.
bool trains_as_probe(const FitSpec& spec, TaskKind kind, at::Device device);

/// Trains them all. `progress` is told of every step, with the number of probes that take it; `finished` of
/// each probe as soon as it is done or has failed. Throws Interrupted when all that were under way are saved.
void train_probes(const std::vector<Probe*>& probes,
                  const std::function<void(std::size_t, const Progress&)>& progress,
                  const std::function<void(Probe&)>& finished);

/// Rows that share a call of a loss begin at multiples of this.
inline constexpr std::int64_t kLossRows = 32;

}  // namespace w2s
