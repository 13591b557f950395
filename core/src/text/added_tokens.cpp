#include "text/added_tokens.hpp"

#include <algorithm>

#include "text/utf8.hpp"

namespace w2s::text {

AddedToken AddedTokens::read(const JsonField& field) {
  AddedToken token;
  token.content = field.at("content").string();
  field.at("id").natural();
  token.single_word = field.boolean("single_word", false);
  token.lstrip = field.boolean("lstrip", false);
  token.rstrip = field.boolean("rstrip", false);
  token.special = field.boolean("special", false);
  token.normalized = field.boolean("normalized", !token.special);
  return token;
}

AddedTokens::AddedTokens(const JsonField& field, const Vocabulary& model, const Normalizer* normalizer) {
  std::vector<AddedToken> tokens;
  for (const JsonField& item : field.items()) {
    AddedToken token = read(item);
    if (!token.content.empty()) tokens.push_back(std::move(token));
  }
  for (const AddedToken& token : tokens) {
    if (token.special) specials_.emplace(token.content, true);
  }
  const auto size = static_cast<std::int64_t>(model.size());
  for (const AddedToken& token : tokens) {
    auto id = this->id(token.content);
    if (!id) id = model.id(token.content);
    if (!id) id = static_cast<std::int32_t>(std::max(size, largest_id_ + 1));
    ids_[token.content] = *id;
    tokens_[*id] = token;
    largest_id_ = std::max<std::int64_t>(largest_id_, *id);
  }
  // Of tokens with one and the same (normalized) content the first special one wins, else the first.
  std::stable_partition(tokens.begin(), tokens.end(), [](const AddedToken& token) { return token.special; });
  for (const AddedToken& token : tokens) {
    std::string content = token.content;
    if (token.normalized && normalizer) normalizer->apply(content);
    if (content.empty()) continue;
    Matcher& matcher = token.normalized ? normalized_ : raw_;
    matcher.trie.add(content, static_cast<std::uint32_t>(ids_.find(token.content)->second));
    matcher.first_bytes.set(static_cast<unsigned char>(content[0]));
  }
}

const AddedToken* AddedTokens::token(std::int32_t id) const {
  const auto it = tokens_.find(id);
  return it == tokens_.end() ? nullptr : &it->second;
}

std::optional<std::int32_t> AddedTokens::id(std::string_view content) const {
  const auto it = ids_.find(content);
  return it == ids_.end() ? std::nullopt : std::optional(it->second);
}

std::vector<Section> AddedTokens::find(std::string_view text, bool normalized) const {
  const Matcher& matcher = normalized ? normalized_ : raw_;
  std::vector<Section> sections;
  std::size_t done = 0;
  if (matcher.first_bytes.any()) {
    for (std::size_t i = 0; i < text.size();) {
      std::size_t length = 0;
      std::int32_t id = -1;
      if (matcher.first_bytes[static_cast<unsigned char>(text[i])]) {
        matcher.trie.prefixes(text.substr(i), [&](std::size_t found, std::uint32_t value) {
          length = found;
          id = static_cast<std::int32_t>(value);
        });
      }
      if (length == 0) {
        ++i;
        continue;
      }
      std::size_t begin = i, end = i + length;
      i = end;
      const AddedToken& token = tokens_.at(id);
      if (token.single_word) {
        std::size_t before = begin, after = end;
        const bool joined = (begin > 0 && is_word_char(previous_char(text, before))) ||
                            (end < text.size() && is_word_char(next_char(text, after)));
        if (joined) continue;
      }
      if (token.lstrip) {
        for (std::size_t at = begin; begin > done && is_whitespace(previous_char(text, at));) begin = at;
        begin = std::max(begin, done);
      }
      if (token.rstrip) {
        for (std::size_t at = end; end < text.size() && is_whitespace(next_char(text, at));) end = at;
      }
      if (done < begin) sections.push_back({{done, begin}, -1});
      if (begin < end)
        sections.push_back({{begin, end}, id});  // else the token before it took its white space
      done = end;
    }
  }
  if (done < text.size()) sections.push_back({{done, text.size()}, -1});
  return sections;
}

}  // namespace w2s::text
