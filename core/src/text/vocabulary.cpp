#include "text/vocabulary.hpp"

#include <algorithm>

namespace w2s::text {

Vocabulary::Vocabulary(const JsonField& field) {
  if (!field.value().is_object()) field.expected("an object of tokens and ids");
  ids_.reserve(field.value().size());
  tokens_.reserve(field.value().size());
  for (const auto& [token, id] : field.value().items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > 0x7FFFFFFFu) {
      JsonField(id, field.file(), fmt::format("the id of '{}' in the vocabulary", token)).natural();
    }
    add(token, id.get<std::int32_t>());
  }
}

void Vocabulary::add(const std::string& token, std::int32_t id) {
  ids_[token] = id;
  tokens_[id] = token;
  largest_id_ = std::max<std::int64_t>(largest_id_, id);
}

std::optional<std::int32_t> Vocabulary::id(std::string_view token) const {
  const auto it = ids_.find(token);
  return it == ids_.end() ? std::nullopt : std::optional(it->second);
}

const std::string* Vocabulary::token(std::int32_t id) const {
  const auto it = tokens_.find(id);
  return it == tokens_.end() ? nullptr : &it->second;
}

}  // namespace w2s::text
