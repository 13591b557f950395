// WantedFit: one fit that was asked for, with everything settled: its recipe and keys, its labels, its
// inputs.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <w2s/safetensors.hpp>

#include "lab/backbones.hpp"
#include "lab/drafts.hpp"
#include "lab/writer.hpp"

namespace w2s {

struct WantedFit {
  Recipe recipe;
  std::vector<std::string> keys;  // one for each student trained side by side; the last is stored last
  Supervision labels;             // hardened where train.labels = "hard"
  std::optional<Supervision> validation;  // the same; only with early stopping
  FitSpec spec;                           // its loss with every default filled in

  const Supervision* held_out() const { return validation ? &*validation : nullptr; }
  bool probe() const { return spec.train.trainable.is_head(); }
  std::string start(std::size_t student) const;  // key of the fit that it goes on from, or ""
};

/// Settles a fit and its keys. Throws where labels, spec and task do not fit each other.
WantedFit want_fit(LabContext& context, Backbones& backbones, const Writer& writer, const Drafts& drafts,
                   const Supervision& labels, const FitSpec& spec);

/// What the model reads: training examples and behind them the validation's. Generation: with their answers,
/// then the validation's with the reference answers, then the rejected ones (see Trainer).
Examples inputs_of(const LabContext& context, const Drafts& drafts, const WantedFit& wanted);

/// The head that a fit of one student begins with, on the CPU and not standardised; its stored weights, where
/// it starts from a student, come later. `model` is asked for only where its word embeddings are.
std::unique_ptr<Head> initial_head(const LabContext& context, const FitSpec& spec, std::int64_t width,
                                   const SafeTensors* start, const PluginInfo& plugin,
                                   const std::function<IModel&()>& model);
/// Gives the head those of its weights that the start has.
void take_stored_weights(Head& head, const SafeTensors* start);
/// Weights of the fit that a student goes on from, or nothing.
std::optional<SafeTensors> start_weights(const LabContext& context, const WantedFit& wanted,
                                         std::size_t student);

/// What the fit's object says of it before it is trained.
StoredFit described(const LabContext& context, const WantedFit& wanted, const Backbone& backbone);

}  // namespace w2s
