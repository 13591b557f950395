// Probes: fits that train nothing but a head: alone, or in a queue with those of other jobs.
#pragma once

#include "lab/probe_queue.hpp"
#include "lab/wanted_fit.hpp"

namespace w2s {

/// Not for several threads at once.
class Probes {
 public:
  Probes(LabContext& context, Backbones& backbones, const Drafts& drafts)
      : context_(context), backbones_(backbones), drafts_(drafts) {}

  /// Fits the probe; in a group of jobs it may throw Postponed.
  Student fit(const WantedFit& wanted);
  /// Whether a fit was postponed.
  bool postponed() const { return postponed_; }

 private:
  std::unique_ptr<ProbeFit> prepare(const WantedFit& wanted);
  Student from_queue(ProbeQueue& queue, const WantedFit& wanted);

  LabContext& context_;
  Backbones& backbones_;
  const Drafts& drafts_;
  bool postponed_ = false;
};

}  // namespace w2s
