#include "text/token_model.hpp"

#include "text/bpe.hpp"
#include "text/unigram.hpp"
#include "text/wordpiece.hpp"

namespace w2s::text {

namespace {

// One id for each whole piece.
class WordLevel final : public TokenModel {
 public:
  explicit WordLevel(const JsonField& field) : unknown_(field.string("unk_token", "<unk>")) {
    vocabulary_ = Vocabulary(field.at("vocab"));
  }
  void tokenize(std::string_view piece, std::vector<std::int32_t>& ids) const override {
    const auto id = vocabulary_.id(piece);
    const auto fallback = id ? id : unknown_id();
    if (!fallback)
      throw Error(fmt::format("the word '{}' is unknown, and so is the token '{}' for it", piece, unknown_));
    ids.push_back(*fallback);
  }
  std::optional<std::int32_t> unknown_id() const override { return vocabulary_.id(unknown_); }

 private:
  std::string unknown_;
};

std::string guess_kind(const JsonField& field) {
  if (field.find("merges")) return "BPE";
  if (field.at("vocab").value().is_array()) return "Unigram";
  return field.find("max_input_chars_per_word") ? "WordPiece" : "WordLevel";
}

}  // namespace

std::unique_ptr<TokenModel> make_token_model(const JsonField& field) {
  const std::string kind = field.find("type") ? field.kind() : guess_kind(field);
  if (kind == "BPE") return std::make_unique<Bpe>(field);
  if (kind == "WordPiece") return std::make_unique<WordPiece>(field);
  if (kind == "Unigram") return std::make_unique<Unigram>(field);
  if (kind == "WordLevel") return std::make_unique<WordLevel>(field);
  field.unknown_kind("model", {"BPE", "WordPiece", "Unigram", "WordLevel"});
}

std::string byte_token(unsigned char byte) { return fmt::format("<0x{:02X}>", byte); }

}  // namespace w2s::text
