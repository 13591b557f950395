// Generator: continues prompts token by token with a key-value cache.
#pragma once

#include <vector>

#include "family.hpp"

namespace w2s::hf {

class Generator {
 public:
  using Ids = std::vector<std::int32_t>;

  /// For decoders. All must live longer. `context` is the most tokens that prompt and answer may take.
  Generator(const Family& family, const Weights& weights, Attention attention, std::int64_t context,
            at::Device device)
      : family_(family), weights_(weights), attention_(attention), context_(context), device_(device) {}

  /// The new tokens of each prompt, up to and without the first that is in options.stop. A prompt that is too
  /// long for the context loses its beginning. Throws UsageError for an empty prompt or where max_tokens fill
  /// the context.
  std::vector<Ids> run(const std::vector<Ids>& prompts, const GenerateOptions& options) const;

 private:
  std::vector<Ids> run_batch(const std::vector<Ids>& prompts, const GenerateOptions& options,
                             std::vector<Stream>& streams) const;

  const Family& family_;
  const Weights& weights_;
  Attention attention_;
  std::int64_t context_;
  at::Device device_;
};

}  // namespace w2s::hf
