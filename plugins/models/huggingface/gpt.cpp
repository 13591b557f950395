// Model "gpt": a GPT-2-style decoder of any size, from fresh weights (Radford et al. 2019).
#include <cmath>

#include <w2s/init.hpp>

#include "backbone.hpp"

namespace w2s::hf {
namespace {

class Gpt final : public Backbone {
 public:
  struct Params {
    std::int64_t layers = 4, width = 128, heads = 4, positions = 256, vocabulary = 0;
    std::string tokenizer;
    std::int64_t context = 0, layer = -1;
    std::string attention = "auto", pooling = "auto";
    Table lora;
    bool checkpoint_blocks = false;
  };

  static void describe(Schema<Params>& schema) {
    schema.summary(
        "A GPT-2-style decoder of any size with fresh weights: normal with deviation 0.02, maps onto the "
        "residual stream scaled by 1/sqrt(2 layers). Features: see pooling");
    schema.source("Radford et al. 2019");
    schema.field("layers", &Params::layers, "blocks").in(1, 4096);
    schema.field("width", &Params::width, "size of the hidden states; a multiple of heads").at_least(1);
    schema.field("heads", &Params::heads, "attention heads").at_least(1);
    schema.field("positions", &Params::positions, "positions that the model learns").at_least(1);
    schema.field("vocabulary", &Params::vocabulary, "token embeddings; 0: as many as the tokenizer has ids")
        .at_least(0);
    schema
        .field("tokenizer", &Params::tokenizer,
               "folder of the tokenizer; only a task without text does without one")
        .path();
    describe_backbone(schema);
  }

  explicit Gpt(const Params& params)
      : Backbone(config_of(params), {params.tokenizer,
                                     params.context,
                                     params.layer,
                                     params.attention,
                                     "float32",
                                     params.lora,
                                     params.checkpoint_blocks,
                                     params.pooling,
                                     {}}),
        residual_sd_(0.02 / std::sqrt(2.0 * static_cast<double>(params.layers))) {}

  void build(const ModelContext& context, Stream stream) override {
    build_from(
        context,
        [&](const TensorSpec& tensor, at::ScalarType) { return initial(tensor, stream.child(tensor.name)); },
        stream);
  }

  std::string source_digest() const override { return tokenizer_digest(); }

 private:
  static Config config_of(const Params& params) {
    std::shared_ptr<const Tokenizer> tokenizer;
    if (!params.tokenizer.empty()) tokenizer = Tokenizer::from_folder(params.tokenizer);
    const std::int64_t ids = tokenizer ? tokenizer->vocab_size() : 0;
    const std::int64_t vocabulary = params.vocabulary > 0 ? params.vocabulary : ids;
    if (vocabulary == 0) throw UsageError("model 'gpt' needs 'tokenizer' or 'vocabulary'");
    if (vocabulary < ids) {
      throw UsageError("vocabulary = " + std::to_string(vocabulary) + " is too small: the tokenizer has " +
                       std::to_string(ids) + " ids");
    }
    const std::optional<std::int32_t> end = tokenizer ? tokenizer->special_id(TokenRole::eos) : std::nullopt;
    const Value end_token = end ? Value(static_cast<std::int64_t>(*end)) : Value();
    return Config(Table{{"model_type", "gpt2"},
                        {"architectures", List{"GPT2LMHeadModel"}},
                        {"vocab_size", vocabulary},
                        {"n_positions", params.positions},
                        {"n_embd", params.width},
                        {"n_layer", params.layers},
                        {"n_head", params.heads},
                        {"activation_function", "gelu_new"},
                        {"layer_norm_epsilon", 1e-5},
                        {"initializer_range", 0.02},
                        {"tie_word_embeddings", true},
                        {"bos_token_id", end_token},
                        {"eos_token_id", end_token}},
                  "model 'gpt'");
  }

  Tensor initial(const TensorSpec& tensor, Stream stream) const {
    if (tensor.name.ends_with(".bias")) return at::zeros(tensor.shape);
    if (tensor.shape.size() == 1) return at::ones(tensor.shape);
    const double sd = tensor.name.ends_with(".c_proj.weight") ? residual_sd_ : 0.02;
    Tensor weights = at::empty(tensor.shape, at::kFloat);
    float* values = weights.data_ptr<float>();
    for (std::int64_t i = 0; i < weights.numel(); ++i) values[i] = static_cast<float>(sd * stream.normal());
    return weights;
  }

  double residual_sd_;
};

W2S_MODEL(Gpt, "gpt");

}  // namespace
}  // namespace w2s::hf
