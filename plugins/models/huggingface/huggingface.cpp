// Model "huggingface": a pretrained checkpoint from a folder as Hugging Face saves it.
#include <filesystem>

#include <w2s/digest.hpp>

#include "adapter.hpp"
#include "backbone.hpp"
#include "checkpoint.hpp"
#include "file_digest.hpp"

namespace w2s::hf {
namespace {

class HuggingFace final : public Backbone {
 public:
  struct Params {
    std::string path, adapter, tokenizer;
    std::int64_t context = 0, layer = -1;
    std::string attention = "auto", pooling = "auto", dtype = "float32";
    Table lora;
    bool checkpoint_blocks = false;
  };

  static void describe(Schema<Params>& schema) {
    schema.summary(
        "A pretrained backbone from a Hugging Face folder, whose config.json has one of these as "
        "model_type: " +
        one_of_list(model_types()) +
        ". Features are one vector a row: see pooling; for images what the family pools");
    schema.source("Hugging Face transformers' checkpoints");
    schema
        .field("path", &Params::path,
               "folder with config.json, safetensors (single or sharded) and the tokenizer, or PEFT's folder "
               "of a LoRA whose base is a folder")
        .required()
        .path();
    schema
        .field(
            "adapter", &Params::adapter,
            "PEFT's folder of a LoRA that is merged into the weights of path; empty: the one in path, if any")
        .path();
    schema.field("tokenizer", &Params::tokenizer, "folder of another tokenizer; empty: the model's").path();
    schema
        .field("dtype", &Params::dtype,
               "type that the weights are held in; half types are frozen (a head or LoRA trains)")
        .one_of({"float32", "bfloat16", "float16"});
    describe_backbone(schema);
  }

  explicit HuggingFace(const Params& params) : HuggingFace(params, Folders(params)) {}

  void build(const ModelContext& context, Stream stream) override {
    const Checkpoint checkpoint(folders_.base, family().layout());
    if (folders_.adapter) folders_.adapter->open(family().layout());
    build_from(
        context,
        [&](const TensorSpec& tensor, at::ScalarType type) {
          if (!checkpoint.has(tensor)) return Tensor();
          if (!folders_.adapter || !folders_.adapter->updates(tensor)) return checkpoint.load(tensor, type);
          return folders_.adapter->merged(tensor, checkpoint.load(tensor, at::kFloat)).to(type);
        },
        stream);
  }

  std::string source_digest() const override {
    std::call_once(digest_once_, [&] {
      Digest digest;
      digest.add(sha256_file(folders_.base + "/config.json")).add(tokenizer_digest());
      std::vector<std::string> files = weight_files(folders_.base);
      for (const char* name : {"modules.json", "1_Pooling/config.json", "sentence_bert_config.json"}) {
        const std::string file = folders_.base + "/" + name;
        if (std::filesystem::exists(file)) files.push_back(file);
      }
      if (folders_.adapter) {
        for (const std::string& file : folders_.adapter->files()) files.push_back(file);
      }
      for (const std::string& file : files) {
        digest.add(std::filesystem::path(file).filename().string()).add(file_digest(file));
      }
      digest_ = digest.hex();
    });
    return digest_;
  }

  bool pretrained() const override { return true; }

 private:
  // Where the parts of a model lie.
  struct Folders {
    explicit Folders(const Params& params) : base(params.path), tokenizer(params.tokenizer) {
      const bool alone = !std::filesystem::exists(base + "/config.json");
      if (!params.adapter.empty())
        adapter.emplace(params.adapter);
      else if (Adapter::is_in(base))
        adapter.emplace(base);
      if (adapter && alone && params.adapter.empty()) {
        const std::string named = adapter->base();
        base = std::filesystem::is_directory(named) ? named : params.path + "/" + named;
        if (named.empty() || !std::filesystem::exists(base + "/config.json")) {
          throw UsageError(params.path + ": the adapter's base '" + named +
                           "' is no folder here: set 'path' to the base's folder and 'adapter' to this one");
        }
      }
      if (tokenizer.empty())
        tokenizer = std::filesystem::exists(params.path + "/tokenizer.json") ? params.path : base;
    }

    std::string base, tokenizer;
    std::optional<Adapter> adapter;
  };

  HuggingFace(const Params& params, Folders folders)
      : Backbone(Config::read(folders.base),
                 {folders.tokenizer, params.context, params.layer, params.attention, params.dtype,
                  params.lora, params.checkpoint_blocks, params.pooling,
                  read_sentence_form(folders.base, params.pooling != "auto")}),
        folders_(std::move(folders)) {}

  Folders folders_;
  mutable std::once_flag digest_once_;
  mutable std::string digest_;
};

W2S_MODEL(HuggingFace, "huggingface");

}  // namespace
}  // namespace w2s::hf
