// Model "huggingface": a pretrained checkpoint from a folder as Hugging Face saves it.
#include <filesystem>

#include <w2s/digest.hpp>

#include "backbone.hpp"
#include "checkpoint.hpp"
#include "file_digest.hpp"

namespace w2s::hf {
namespace {

class HuggingFace final : public Backbone {
 public:
  struct Params {
    std::string path, tokenizer;
    std::int64_t context = 0, layer = -1;
    std::string attention = "auto", dtype = "float32";
    Table lora;
    bool checkpoint_blocks = false;
  };

  static void describe(Schema<Params>& schema) {
    schema.summary(
        "A pretrained backbone from a Hugging Face folder, whose config.json has one of these as "
        "model_type: " +
        one_of_list(model_types()) +
        ". Features are the last token's state (decoders), the first token's (encoders) or the pooled image");
    schema.source("Hugging Face transformers' checkpoints");
    schema
        .field("path", &Params::path,
               "folder with config.json, safetensors (single or sharded) and the tokenizer")
        .required()
        .path();
    schema.field("tokenizer", &Params::tokenizer, "folder of another tokenizer; empty: the model's").path();
    schema
        .field("dtype", &Params::dtype,
               "type that the weights are held in; half types are frozen (a head or LoRA trains)")
        .one_of({"float32", "bfloat16", "float16"});
    describe_backbone(schema);
  }

  explicit HuggingFace(const Params& params)
      : Backbone(Config::read(params.path),
                 {params.tokenizer.empty() ? params.path : params.tokenizer, params.context, params.layer,
                  params.attention, params.dtype, params.lora, params.checkpoint_blocks}),
        folder_(params.path) {}

  void build(const ModelContext& context, Stream stream) override {
    const Checkpoint checkpoint(folder_, family().layout());
    build_from(
        context,
        [&](const TensorSpec& tensor, at::ScalarType type) {
          return checkpoint.has(tensor) ? checkpoint.load(tensor, type) : Tensor();
        },
        stream);
  }

  std::string source_digest() const override {
    std::call_once(digest_once_, [&] {
      Digest digest;
      digest.add(sha256_file(folder_ + "/config.json")).add(tokenizer_digest());
      for (const std::string& file : weight_files(folder_)) {
        digest.add(std::filesystem::path(file).filename().string()).add(file_digest(file));
      }
      digest_ = digest.hex();
    });
    return digest_;
  }

  bool pretrained() const override { return true; }

 private:
  std::string folder_;
  mutable std::once_flag digest_once_;
  mutable std::string digest_;
};

W2S_MODEL(HuggingFace, "huggingface");

}  // namespace
}  // namespace w2s::hf
