// Fitter: fits students to labels and answers, each fit once ever.
#pragma once

#include "lab/probes.hpp"
#include "lab/wanted_fit.hpp"

namespace w2s {

/// Not for several threads at once.
class Fitter {
 public:
  Fitter(LabContext& context, Backbones& backbones, const Writer& writer, const Drafts& drafts)
      : context_(context),
        backbones_(backbones),
        writer_(writer),
        drafts_(drafts),
        probes_(context, backbones, drafts) {}

  /// Lab::fit. In a group of jobs it may throw Postponed or LeavesGroup.
  Student fit(const Supervision& labels, const FitSpec& spec);
  bool postponed() const { return probes_.postponed(); }

 private:
  struct InTraining;
  struct Inputs;

  void compute(const WantedFit& wanted);
  std::vector<InTraining> begin(const WantedFit& wanted, Inputs& inputs);
  void begin_head(InTraining& student, std::size_t number, const WantedFit& wanted, const Inputs& inputs);
  void store(const WantedFit& wanted, std::vector<InTraining>& students, const TrainResult& result,
             double seconds, const std::string& log);

  LabContext& context_;
  Backbones& backbones_;
  const Writer& writer_;
  const Drafts& drafts_;
  Probes probes_;
};

}  // namespace w2s
