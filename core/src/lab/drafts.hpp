// Drafts: inputs with what another student says of each at the end of the text (FitSpec::draft).
#pragma once

#include <functional>

#include <w2s/lab.hpp>

#include "lab/context.hpp"

namespace w2s {

struct Drafts {
  const LabContext& context;
  std::function<Tensor(const Student&, const Examples&)> predict;
  std::function<Answers(const Student&, const Examples&)> answer;

  /// The examples as a model with this draft reads them; the examples themselves without one. Throws
  /// UsageError where they are no single texts.
  Examples read(const Student& draft, const Examples& examples) const;
};

}  // namespace w2s
