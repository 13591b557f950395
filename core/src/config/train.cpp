#include <charconv>

#include <w2s/train.hpp>

namespace w2s {

std::string Trainable::text() const {
  if (!blocks_) return "all";
  return is_head() ? "head" : "last:" + std::to_string(*blocks_);
}

std::string Trainable::read(const std::string& text, Trainable& out) {
  constexpr std::string_view prefix = "last:";
  if (text == "all") return out = all(), "";
  if (text == "head") return out = head(), "";
  if (text.starts_with(prefix)) {
    std::int64_t k = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + prefix.size(), end, k);
    if (error == std::errc() && stop == end && k >= 1) return out = last(k), "";
  }
  return ": expected 'all', 'head' or 'last:k' with k ≥ 1" + did_you_mean(text, {"all", "head"});
}

void describe_train(Schema<TrainParams>& s) {
  s.summary("How a model is fitted to its labels.");
  s.field("epochs", &TrainParams::epochs, "passes over the training examples").at_least(1);
  s.field("batch", &TrainParams::batch, "examples per optimiser step").at_least(1);
  s.field("optimizer", &TrainParams::optimizer, "adam; adamw, with decoupled weight decay; or sgd");
  s.field("lr", &TrainParams::lr, "peak learning rate").above(0);
  s.field("betas", &TrainParams::betas, "adam, adamw: decay of the first and second moment")
      .at_least(0)
      .below(1);
  s.field("eps", &TrainParams::eps, "adam, adamw: added to the denominator").above(0);
  s.field("momentum", &TrainParams::momentum, "sgd: momentum").at_least(0).below(1);
  s.field("weight_decay", &TrainParams::weight_decay, "L2 penalty; decoupled from the gradient with adamw")
      .at_least(0);
  s.field("schedule", &TrainParams::schedule,
          "of the learning rate after warm-up: constant, linear to 0, cosine to 0");
  s.field("warmup", &TrainParams::warmup,
          "linear rise of the learning rate from 0: a fraction of all steps when below 1, else a number of "
          "steps")
      .at_least(0);
  s.field("clip_norm", &TrainParams::clip_norm, "largest norm of the whole gradient; 0 = no clipping")
      .at_least(0);
  s.field("shuffle", &TrainParams::shuffle, "a new order of the examples in every epoch");
  s.field("trainable", &TrainParams::trainable,
          "which weights change: all; head, the backbone's features are then computed once; "
          "last:k, the last k blocks and the head");
  s.field("precision", &TrainParams::precision,
          "of matrix products: float32, or bfloat16 with weights, losses and optimiser in float32");
  s.field("head_bias", &TrainParams::head_bias, "give the classification head a bias");
  s.field(
      "head_init", &TrainParams::head_init,
      "the classification head starts at zero, or at the language model's output embeddings of label_words");
  s.field("label_words", &TrainParams::label_words,
          "a word a class, of which the last token counts; empty: \"0\", \"1\", …");
  s.field("standardize", &TrainParams::standardize,
          "shift and scale each feature by its training mean and deviation before the head; head only");
  s.field("labels", &TrainParams::labels, "soft, as given; or hard, the one-hot of the likeliest class");
  s.field("early_stopping", &TrainParams::early_stopping,
          "keep the weights that agree best with the validation labels, which come from where the training "
          "labels do");
  s.field("evaluate_every", &TrainParams::evaluate_every, "steps between validations; 0 = once an epoch")
      .at_least(0);
  s.field("patience", &TrainParams::patience,
          "stop after so many validations without a better one; 0 = train to the end and keep the best")
      .at_least(0);
  s.field("micro_tokens", &TrainParams::micro_tokens,
          "tokens (dense data: examples) in one forward pass, padding included; 0 = automatic; never changes "
          "the result")
      .at_least(0);
  s.field(
       "activation_tokens", &TrainParams::activation_tokens,
       "tokens (dense data: examples) whose activations are kept at once; a larger batch is computed twice; "
       "0 = automatic; never changes the result")
      .at_least(0);
}

TrainParams parse_train(const Table& table, std::string_view what) {
  Schema<TrainParams> schema;
  describe_train(schema);
  TrainParams params = schema.parse(table, what);
  if (params.betas.size() != 2) {
    fail_at(table.at("betas"), std::string(what) + ": betas: expected two numbers, found " +
                                   std::to_string(params.betas.size()));
  }
  return params;
}

Table merge(Table base, const Table& over) {
  for (const Table::Entry& entry : over) base.set(entry.first, entry.second);
  return base;
}

}  // namespace w2s
