// IModel: a backbone. It turns raw examples into batches and batches into
// features; the engine adds the head, the loss and the optimiser.
//
// Weights live in Parameters, an ordered table of named tensors; a model is a
// function of them. The names are the checkpoint's names.
//
// A model object is called by one thread at a time, and so are its Parameters.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include <w2s/examples.hpp>
#include <w2s/register.hpp>

namespace w2s {

class Tokenizer;

/// Named weights in a fixed order. Owns the tensors; buffers take no gradient.
class W2S_API Parameters {
 public:
  struct Item {
    std::string name;
    Tensor tensor;
    bool buffer = false;
  };
  /// Adds a weight (float32, contiguous); throws Error where the name exists.
  void add(const std::string& name, Tensor tensor);
  void add_buffer(const std::string& name, Tensor tensor);
  /// As these, without their copy where none is needed: for a tensor that may be written to and is nobody
  /// else's.
  void adopt(const std::string& name, Tensor tensor, bool buffer);
  bool has(const std::string& name) const;
  /// Throws Error for an unknown name.
  const Tensor& at(const std::string& name) const;
  const Tensor& operator[](const std::string& name) const { return at(name); }
  /// Copies values in; shapes must agree. Throws Error naming the tensor.
  void assign(const std::string& name, const Tensor& values);
  const std::vector<Item>& items() const { return items_; }
  std::vector<Item>& items() { return items_; }
  std::int64_t count() const;  ///< numbers in all weights, buffers left out

 private:
  std::vector<Item> items_;
  std::map<std::string, std::size_t> positions_;
};

/// What a model is told about the task that it will serve.
struct ModelContext {
  TaskKind kind = TaskKind::classification;
  std::int64_t classes = 2;
  std::vector<std::int64_t> input_shape;  ///< of one dense example; empty for text
};

/// Model-ready inputs of a set of examples: one sequence (or dense row) per
/// example, two for a preference pair (rows 2i and 2i + 1).
struct W2S_API Encoded {
  Examples dense;                     ///< dense data: gathered from the examples when needed
  std::vector<std::int32_t> tokens;   ///< ragged: all sequences end to end
  std::vector<std::int64_t> offsets;  ///< [rows + 1]
  std::vector<std::int64_t> answers;  ///< generation: [rows] first answer position within the row
  std::int64_t parts = 1;             ///< rows per example

  bool ragged() const { return !offsets.empty(); }
  std::int64_t rows() const;
  std::int64_t length(std::int64_t row) const;  ///< tokens in a row; 1 for dense rows
};

/// One micro-batch, on the model's device.
struct Batch {
  Tensor x;                           ///< float32 [R, …], or int64 token ids [R, T], right-padded
  Tensor mask;                        ///< bool [R, T], true at real tokens; undefined for dense data
  std::vector<std::int64_t> lengths;  ///< [R]; empty for dense data
};

/// How generate() picks tokens.
struct GenerateOptions {
  std::int64_t max_tokens = 16;  ///< new tokens per prompt, at most
  double temperature = 0.0;      ///< 0: the likeliest token; else samples from softmax(logits / temperature)
  double top_p = 1.0;            ///< samples from the smallest set of tokens that holds this much probability
  std::vector<std::int32_t>
      stop;                 ///< tokens that end a text, left out of it; empty: the model's own end of text
  std::int64_t batch = 32;  ///< prompts at a time; does not change the result
  std::uint64_t seed = 0;   ///< of the samples; each prompt has a stream of its own
};

class W2S_API IModel {
 public:
  virtual ~IModel();

  /// Called once after construction: creates the parameters. Random values come from `stream`.
  virtual void build(const ModelContext& context, Stream stream) = 0;

  /// Turns raw examples into this model's inputs. The default passes dense data through
  /// and throws UsageError for text. The lab keeps the result.
  virtual Encoded encode(const Examples& examples, TaskKind kind) const;

  virtual std::int64_t feature_size() const = 0;
  /// One feature vector per row, [R, D], differentiable.
  virtual Tensor features(const Batch& batch) = 0;

  /// True where features() spends nothing on padding, so that rows of any lengths may share a batch.
  virtual bool packs() const { return false; }

  /// Models of text: what makes tokens of text, and the most tokens of a row.
  /// The defaults throw UsageError("this model reads no text").
  virtual const Tokenizer& tokenizer() const;
  virtual std::int64_t context() const;

  /// Language models: hidden states [R, T, D] of the last layer, and the logits [.., V] of such states.
  /// The defaults throw UsageError("model '…' is not a language model").
  virtual Tensor hidden(const Batch& batch);
  virtual Tensor vocabulary_logits(const Tensor& hidden);

  /// Language models: rows [n, D] of the output embeddings, of each word's last token.
  virtual Tensor word_embeddings(const std::vector<std::string>&) {
    throw UsageError("this model has no embeddings of words");
  }

  /// Language models: continues each prompt; gives the new tokens alone.
  virtual std::vector<std::vector<std::int32_t>> generate(const std::vector<std::vector<std::int32_t>>&,
                                                          const GenerateOptions&) {
    throw UsageError("this model does not generate text");
  }

  /// Writes the model as a folder in its family's own form (Hugging Face: config.json, model.safetensors).
  virtual void save(const std::string&) const {
    throw UsageError("this model has no folder form of its own");
  }

  /// Depth for `trainable = "last:k"`: blocks are numbered 0 … depth − 1 from the input;
  /// block_of gives −1 for what lies before the first (embeddings), depth for what follows the last.
  virtual std::int64_t depth() const { return 1; }
  virtual std::int64_t block_of(const std::string& parameter) const;

  /// Digest of everything besides Params that fixes the initial weights (files of a
  /// checkpoint); "" where the seed and Params alone do.
  virtual std::string source_digest() const { return ""; }
  /// True where build() loads pretrained weights, so that its result does not depend on the seed.
  virtual bool pretrained() const { return false; }

  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }

 private:
  Parameters parameters_;
};

}  // namespace w2s
