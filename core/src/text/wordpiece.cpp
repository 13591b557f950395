#include "text/wordpiece.hpp"

#include <algorithm>

#include "text/utf8.hpp"

namespace w2s::text {

WordPiece::WordPiece(const JsonField& field)
    : unknown_(field.string("unk_token", "[UNK]")), prefix_(field.string("continuing_subword_prefix", "##")) {
  const auto most = field.find("max_input_chars_per_word");
  max_characters_ = most ? static_cast<std::size_t>(most->natural()) : 100;
  const JsonField vocab = field.at("vocab");
  vocabulary_ = Vocabulary(vocab);
  for (const auto& item : vocab.value().items()) longest_ = std::max(longest_, item.key().size());
}

void WordPiece::tokenize(std::string_view piece, std::vector<std::int32_t>& ids) const {
  const std::size_t before = ids.size();
  std::string token;
  std::size_t start = 0;
  bool covered = count_chars(piece) <= max_characters_;
  while (covered && start < piece.size()) {
    token = start > 0 ? prefix_ : "";
    const std::size_t head = token.size();
    token += piece.substr(start, longest_);
    std::optional<std::int32_t> id;
    // Cuts within a character are in no vocabulary.
    for (; token.size() > head; token.pop_back()) {
      id = vocabulary_.id(token);
      if (id) break;
    }
    covered = id.has_value();
    if (!covered) break;
    ids.push_back(*id);
    start += token.size() - head;
  }
  if (covered) return;
  ids.resize(before);
  const auto unknown = unknown_id();
  if (!unknown)
    throw Error(fmt::format("the word '{}' needs the unknown token '{}', which is not in the vocabulary",
                            piece, unknown_));
  ids.push_back(*unknown);
}

}  // namespace w2s::text
