// Tokenizer: text to token ids and back, as Hugging Face tokenizers does it.
//
// A Tokenizer is read from a tokenizer.json alone and agrees with that library id
// by id. Models: BPE (also byte-level, with fallback to bytes), WordPiece, Unigram,
// WordLevel; of the other sections all kinds that published language models use.
// It is immutable; every member may be called from several threads at once.
//
// The "truncation" and "padding" sections of a file are kept by save() but not
// applied: lengths are the caller's business.
//
// A malformed file is one UsageError that names the file and the JSON field.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <w2s/export.hpp>

namespace w2s {

/// What a token is for. Read from tokenizer_config.json or special_tokens_map.json beside the
/// tokenizer, else from the usual names among the added tokens ("</s>", "[CLS]", "<|endoftext|>", …).
enum class TokenRole { bos, eos, pad, unk, cls, sep, mask };

class W2S_API Tokenizer {
 public:
  using Ids = std::vector<std::int32_t>;

  static std::shared_ptr<const Tokenizer> from_file(const std::string& path);
  /// `name` stands for the file in messages.
  static std::shared_ptr<const Tokenizer> from_json(std::string json,
                                                    const std::string& name = "tokenizer.json");
  /// GPT-2's two files: byte-level BPE, with <|endoftext|> special where the vocabulary has it.
  static std::shared_ptr<const Tokenizer> from_vocab_and_merges(const std::string& vocab,
                                                                const std::string& merges);
  /// tokenizer.json, else vocab.json + merges.txt, else encoder.json + vocab.bpe.
  static std::shared_ptr<const Tokenizer> from_folder(const std::string& folder);

  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  /// Invalid UTF-8 is read as U+FFFD, one for each maximal invalid part.
  Ids encode(std::string_view text, bool add_special_tokens = true) const;
  /// Two texts joined as the post-processor says; end to end where there is none.
  Ids encode_pair(std::string_view first, std::string_view second, bool add_special_tokens = true) const;
  /// encode() of each text, in order, by up to `threads` threads.
  std::vector<Ids> encode_batch(const std::vector<std::string>& texts, bool add_special_tokens = true,
                                int threads = 1) const;
  /// Ids that are not in the vocabulary are skipped.
  std::string decode(const Ids& ids, bool skip_special_tokens = true) const;

  /// True for byte-level BPE that has all 256 bytes and no normalizer: then encode_bytes works.
  bool encodes_bytes() const;
  /// Any bytes, without special or added tokens; decode_bytes gives them back exactly. For valid
  /// UTF-8 without added tokens it equals encode(). Throws Error where encodes_bytes() is false.
  Ids encode_bytes(std::string_view bytes) const;
  std::string decode_bytes(const Ids& ids) const;

  /// One more than the largest id: the rows that an embedding needs.
  std::int64_t vocab_size() const;
  std::optional<std::int32_t> token_to_id(std::string_view token) const;
  std::optional<std::string> id_to_token(std::int32_t id) const;
  std::optional<std::int32_t> special_id(TokenRole role) const;
  bool is_special(std::int32_t id) const;

  /// The whole tokenizer.json; equal texts are equal tokenizers, but for special_id().
  const std::string& json() const;
  /// Writes json(). Throws Error where the file cannot be written.
  void save(const std::string& path) const;

 private:
  struct Parts;
  explicit Tokenizer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// What to train: byte-level BPE with GPT-2's splitting of words.
struct BpeTraining {
  std::int64_t vocab_size = 8192;  ///< specials, 256 bytes and merges together; fewer where merges run out
  std::vector<std::string> special_tokens = {"<|endoftext|>"};  ///< they get the first ids
  std::int64_t min_frequency = 2;                               ///< a pair seen less often is not merged
};

/// Trains on the texts that `next` puts into its argument until it returns false.
/// Deterministic: the most frequent pair is merged first, of equals the one with the smaller left
/// id, then the smaller right id. Ids: specials, bytes in the order of their byte-level characters, merges.
W2S_API std::shared_ptr<const Tokenizer> train_bpe(const std::function<bool(std::string&)>& next,
                                                   const BpeTraining& training);
W2S_API std::shared_ptr<const Tokenizer> train_bpe(const std::vector<std::string>& texts,
                                                   const BpeTraining& training);

}  // namespace w2s
