#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "check/check.hpp"
#include "check/tiny_world.hpp"

namespace w2s {
namespace {

constexpr std::int64_t kBatch = 8;

Tensor draws(std::int64_t rows, std::int64_t columns, Stream& stream) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < rows * columns; ++i) values.push_back(stream.normal());
  return at::tensor(values, at::kDouble).view({rows, columns});
}

// Every pairing of logits and labels that floating point may stumble over.
LossInput extreme(std::int64_t classes, at::ScalarType type) {
  const auto row = [&](double first, double rest) {
    Tensor values = at::full({classes}, rest, at::kDouble);
    values[0] = first;
    return values;
  };
  const auto c = static_cast<double>(classes);
  const std::vector<Tensor> logits = {row(1e4, -1e4), row(-1e4, 1e4), row(0, 0),
                                      row(1e4, 1e4),  row(40, 0),     row(-100, 0)};
  const std::vector<Tensor> targets = {row(1, 0), row(0, 1 / (c - 1)), row(1 / c, 1 / c),
                                       row(1 - 1e-30 * (c - 1), 1e-30), row(1e-12, (1 - 1e-12) / (c - 1))};
  std::vector<Tensor> z, y;
  for (const Tensor& logit : logits) {
    for (const Tensor& target : targets) z.push_back(logit), y.push_back(target);
  }
  LossInput in;
  in.logits = at::stack(z).to(type);
  in.targets = at::stack(y).to(type);
  in.index = at::arange(in.logits.size(0), at::kLong);
  in.weights = at::ones({in.logits.size(0)}, type);
  in.step_fraction = 0.5;
  return in;
}

LossInput rows_of(const LossInput& in, const Tensor& index) {
  LossInput chosen = in;
  for (Tensor LossInput::*field :
       {&LossInput::logits, &LossInput::targets, &LossInput::index, &LossInput::weights}) {
    chosen.*field = (in.*field).index_select(0, index);
  }
  return chosen;
}

std::string difference(const Tensor& found, const Tensor& expected, const std::string& what) {
  if (found.sizes() != expected.sizes()) {
    return fmt::format("{}: shape {} in the place of {}", what, c10::str(found.sizes()),
                       c10::str(expected.sizes()));
  }
  if (at::allclose(found, expected, 1e-9, 1e-12)) return "";
  const Tensor gap = (found - expected).abs();
  return fmt::format("{}: values differ by up to {:.3g}", what, gap.max().item<double>());
}

class LossCheck {
 public:
  LossCheck(const Subject<ILoss>& loss, const Registry* plugins) : loss_(loss), plugins_(plugins) {
    for (const std::int64_t classes : {2, 3, 10}) {
      if (serves(classes)) classes_.push_back(classes);
    }
  }

  std::vector<Finding> run() {
    check_documented(findings_, *loss_.schema);
    findings_.check("has a formula", "call s.formula(\"…\") in describe()",
                    [&] { return loss_.schema->formula().empty() ? "the schema has no formula" : ""; });
    findings_.check("serves some number of classes",
                    "let check() accept 2, 3 or 10 classes, or correct the parameters",
                    [&] { return classes_.empty() ? "check() refuses 2, 3 and 10 classes" : ""; });
    each("gives one value an example, [B]", "return a vector: the engine takes the mean",
         [&](std::int64_t c) { return shape(c); });
    each("depends on the logits", "compute the loss from in.logits, without detach() or item()",
         [&](std::int64_t c) { return depends(c); });
    each("is finite at extreme logits and labels, with finite gradients",
         "work with log_probabilities() and exp(q·log p) rather than powers of p (w2s/losses.hpp), and clamp",
         [&](std::int64_t c) { return finite(c); });
    if (loss_.schema->formula().find("stop") == std::string::npos) {
      each("has the gradient of its value",
           "a part was cut out of the graph (detach, item, a float copy); where that is meant, write stop(…) "
           "in the "
           "formula",
           [&](std::int64_t c) { return gradient(c); });
    }
    each("is deterministic", "take no random numbers, clocks or globals: a loss is a function of its input",
         [&](std::int64_t c) { return deterministic(c); });
    each("follows a permutation of the batch",
         "use in.index where an example is meant, not its place in the batch",
         [&](std::int64_t c) { return permutation(c); });
    if (!loss_.schema->batch_statistics()) {
      each("looks at each example alone", "call s.uses_batch_statistics() in describe() where this is meant",
           [&](std::int64_t c) { return independence(c); });
    }
    each("serves the rows of several fits in one call, as rowwise() says",
         "take rowwise() away, or let each value depend on its own row alone: no batch statistics, no index, "
         "no memory",
         [&](std::int64_t c) { return joined(c); });
    each("leaves the weights to the engine", "do not multiply by in.weights: the engine does",
         [&](std::int64_t c) { return weights(c); });
    each("does not change its input", "write to copies: in.logits and in.targets belong to the engine",
         [&](std::int64_t c) { return input_kept(c); });
    each(
        "goes on from a saved state",
        "return every tensor that later steps depend on from state(), as a copy, and read it in load_state()",
        [&](std::int64_t c) { return state(c); });
    const bool binary = std::find(classes_.begin(), classes_.end(), 2) != classes_.end();
    if (plugins_ != nullptr && binary) {
      findings_.check("trains the same however the engine cuts a batch",
                      "compute from the logits that forward() is given, whole batches at a time",
                      [&] { return small_pieces(); });
    }
    return findings_.all();
  }

 private:
  std::string small_pieces() const {
    Tensor whole;
    for (const bool pieces : {false, true}) {
      TinyOptions options;
      options.train.set("epochs", 2);
      TinyWorld tiny(*plugins_, blobs(240, 2, 4, 1, 2), 2, options);
      FitSpec spec = tiny.spec();
      spec.loss = {loss_.name, params(2), {}};
      if (pieces) {
        spec.train.micro_tokens = 7;
        spec.train.activation_tokens = 14;
      }
      const Tensor p = tiny.lab().predict(tiny.lab().fit(tiny.weak_labels(), spec), tiny.test());
      if (!p.isfinite().all().item<bool>())
        return "a small model that is trained with it has NaN in its predictions";
      if (!pieces) whole = p;
      if (!p.allclose(whole, 1e-3, 1e-3))
        return fmt::format("micro-batches change predictions by up to {:.3g}",
                           (p - whole).abs().max().item<double>());
    }
    return "";
  }

  Table params(std::int64_t classes) const { return loss_params(*loss_.schema, loss_.params, classes); }

  bool serves(std::int64_t classes) const {
    try {
      loss_.make(params(classes))->check({TaskKind::classification, classes});
      return true;
    } catch (const UsageError&) {
      return false;
    }
  }

  std::unique_ptr<ILoss> fresh(std::int64_t classes) const {
    std::unique_ptr<ILoss> loss = loss_.make(params(classes));
    loss->check({TaskKind::classification, classes});
    loss->begin(kMadeUpExamples, classes);
    return loss;
  }

  void each(const std::string& rule, const std::string& advice,
            const std::function<std::string(std::int64_t)>& look) {
    findings_.check(rule, advice, [&] {
      for (const std::int64_t classes : classes_) {
        const std::string problem = look(classes);
        if (!problem.empty()) return fmt::format("with {} classes: {}", classes, problem);
      }
      return std::string();
    });
  }

  std::string shape(std::int64_t classes) const {
    for (const auto type : {at::kFloat, at::kDouble}) {
      const Tensor values = fresh(classes)->forward(made_up_batch(classes, 0, type));
      if (!values.defined()) return "it returned no tensor";
      if (values.dim() != 1 || values.size(0) != kBatch) {
        return fmt::format("it returned shape {} for a batch of {}", c10::str(values.sizes()), kBatch);
      }
    }
    return "";
  }

  std::string depends(std::int64_t classes) const {
    LossInput in = made_up_batch(classes, 1);
    in.logits.requires_grad_(true);
    const Tensor values = fresh(classes)->forward(in);
    return values.requires_grad() ? "" : "its result has no gradient";
  }

  std::string finite(std::int64_t classes) const {
    for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16}) {
      LossInput in = extreme(classes, type);
      in.logits.requires_grad_(true);
      const std::unique_ptr<ILoss> loss = fresh(classes);
      for (int step = 0; step < 2; ++step) {
        const Tensor values = loss->forward(in);
        const auto place = [&](const Tensor& bad) {
          const auto row = bad.nonzero()[0][0].item<std::int64_t>();
          return fmt::format("({}) for logits {} and labels {}", c10::toString(type),
                             text(in.logits.detach()[row]), text(in.targets[row]));
        };
        const Tensor bad = values.detach().isfinite().logical_not();
        if (bad.any().item<bool>()) return "it is not finite " + place(bad);
        in.logits.mutable_grad() = Tensor();
        values.sum().backward();
        const Tensor no_gradient = in.logits.grad().isfinite().logical_not().any(1);
        if (no_gradient.any().item<bool>()) return "its gradient is not finite " + place(no_gradient);
      }
    }
    return "";
  }

  static std::string text(const Tensor& row) {
    std::string all;
    for (std::int64_t k = 0; k < std::min<std::int64_t>(3, row.size(0)); ++k)
      all += fmt::format("{}{:.3g}", k > 0 ? ", " : "", row[k].item<double>());
    return "[" + all + (row.size(0) > 3 ? ", …]" : "]");
  }

  std::string gradient(std::int64_t classes) const {
    const Tensor logits = made_up_batch(classes, 0).logits;
    const auto at_logits = [&](const Tensor& z) {
      LossInput in = made_up_batch(classes, 0);
      in.logits = z;
      return fresh(classes)->forward(in).sum();
    };
    const Tensor leaf = logits.clone().requires_grad_(true);
    at_logits(leaf).backward();
    constexpr double kStep = 1e-6;
    Stream stream(7, "direction");
    const Tensor direction = draws(kBatch, classes, stream);
    const double expected =
        (at_logits(logits + kStep * direction) - at_logits(logits - kStep * direction)).item<double>() /
        (2 * kStep);
    const double found = leaf.grad().mul(direction).sum().item<double>();
    if (std::abs(found - expected) <= 1e-6 * (1 + std::abs(expected))) return "";
    return fmt::format("along a random direction backward() gives {:.8g}, finite differences {:.8g}", found,
                       expected);
  }

  std::string deterministic(std::int64_t classes) const {
    const auto first = fresh(classes), second = fresh(classes);
    for (std::int64_t step = 0; step < 3; ++step) {
      if (!first->forward(made_up_batch(classes, step)).equal(second->forward(made_up_batch(classes, step))))
        return "two objects with the same parameters give different values for the same calls";
    }
    return "";
  }

  std::string permutation(std::int64_t classes) const {
    const auto first = fresh(classes), second = fresh(classes);
    const Tensor order = at::tensor(std::vector<std::int64_t>{3, 1, 7, 0, 6, 2, 5, 4}, at::kLong);
    for (std::int64_t step = 0; step < 3; ++step) {
      const LossInput in = made_up_batch(classes, step);
      const std::string problem =
          difference(second->forward(rows_of(in, order)), first->forward(in).index_select(0, order),
                     "the same examples in another order");
      if (!problem.empty()) return problem;
    }
    return "";
  }

  std::string independence(std::int64_t classes) const {
    const LossInput in = made_up_batch(classes, 1);
    const Tensor some = at::arange(2, 5, at::kLong);
    return difference(fresh(classes)->forward(rows_of(in, some)),
                      fresh(classes)->forward(in).index_select(0, some),
                      "three of the batch's examples alone");
  }

  // Two fits of the same examples, side by side and in one call, which any fit's loss may serve.
  std::string joined(std::int64_t classes) const {
    const auto first = fresh(classes), second = fresh(classes);
    if (!first->rowwise()) return "";
    for (std::int64_t step = 0; step < 3; ++step) {
      const auto both = fresh(classes);
      LossInput one = made_up_batch(classes, step), other = made_up_batch(classes, step + 2);
      other.index = one.index;
      other.step_fraction = one.step_fraction;
      other.epoch = one.epoch;
      LossInput all = one;
      for (Tensor LossInput::*field :
           {&LossInput::logits, &LossInput::targets, &LossInput::index, &LossInput::weights}) {
        all.*field = at::cat({one.*field, other.*field});
      }
      for (LossInput* in : {&one, &other, &all}) in->logits.requires_grad_(true);
      const Tensor expected = at::cat({first->forward(one), second->forward(other)}),
                   found = both->forward(all);
      const std::string problem =
          difference(found, expected, "rowwise() is true, but in one call with another fit's rows");
      if (!problem.empty()) return problem;
      expected.sum().backward();
      found.sum().backward();
      const std::string slopes =
          difference(all.logits.grad(), at::cat({one.logits.grad(), other.logits.grad()}),
                     "rowwise() is true, but gradients in one call with another fit's rows");
      if (!slopes.empty()) return slopes;
    }
    return "";
  }

  std::string weights(std::int64_t classes) const {
    LossInput in = made_up_batch(classes, 0);
    const Tensor plain = fresh(classes)->forward(in);
    in.weights = at::arange(in.logits.size(0), at::kDouble);
    return difference(fresh(classes)->forward(in), plain, "with other example weights");
  }

  std::string input_kept(std::int64_t classes) const {
    const LossInput in = made_up_batch(classes, 0);
    const Tensor logits = in.logits.clone(), targets = in.targets.clone();
    fresh(classes)->forward(in);
    if (!in.logits.equal(logits)) return "it wrote to in.logits";
    return in.targets.equal(targets) ? "" : "it wrote to in.targets";
  }

  std::string state(std::int64_t classes) const {
    const auto loss = fresh(classes);
    for (std::int64_t step = 0; step < 2; ++step) loss->forward(made_up_batch(classes, step));
    const auto state = loss->state();
    const auto resumed = fresh(classes);
    resumed->load_state(state);
    for (std::int64_t step = 2; step < 4; ++step) {
      // The original goes first: a state that is shared and not copied would show.
      const Tensor expected = loss->forward(made_up_batch(classes, step));
      if (!resumed->forward(made_up_batch(classes, step)).equal(expected))
        return fmt::format("{} steps after load_state() it differs from the loss that went on", step - 1);
    }
    return "";
  }

  const Subject<ILoss>& loss_;
  const Registry* plugins_;
  std::vector<std::int64_t> classes_;
  Findings findings_;
};

}  // namespace

LossInput made_up_batch(std::int64_t classes, std::int64_t step, at::ScalarType type) {
  Stream stream(static_cast<std::uint64_t>(step), "check");
  LossInput in;
  in.logits = (2 * draws(kBatch, classes, stream)).to(type);
  Tensor targets = at::softmax(2 * draws(kBatch, classes, stream), 1);
  targets.slice(0, 0, kBatch / 2).copy_(one_hot_argmax(targets.slice(0, 0, kBatch / 2)));
  in.targets = targets.to(type);
  auto rows = stream.permutation(kMadeUpExamples);
  rows.resize(kBatch);
  in.index = at::tensor(rows, at::kLong);
  in.weights = at::ones({kBatch}, type);
  in.step_fraction = 0.1 + 0.2 * static_cast<double>(step);
  in.epoch = step;
  return in;
}

Table loss_params(const SchemaBase& schema, const Table& given, std::int64_t classes) {
  Table params = given;
  for (const auto& field : schema.fields()) {
    if (!field->is_required() || params.find(field->name()) != nullptr) continue;
    List rows;
    for (std::int64_t i = 0; i < classes; ++i) {
      List row;
      for (std::int64_t j = 0; j < classes; ++j)
        row.push_back(i == j ? 0.8 : 0.2 / static_cast<double>(classes - 1));
      rows.push_back(row);
    }
    params.set(field->name(), rows);
  }
  return params;
}

std::vector<Finding> check_loss(const Subject<ILoss>& loss, const Registry* plugins) {
  return LossCheck(loss, plugins).run();
}

}  // namespace w2s
