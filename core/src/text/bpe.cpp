#include "text/bpe.hpp"

#include <algorithm>
#include <queue>

#include "text/byte_alphabet.hpp"
#include "text/pair_key.hpp"
#include "text/utf8.hpp"

namespace w2s::text {

namespace {

constexpr std::size_t kShortWord = 32;  // below this a scan beats a heap

std::int32_t merged_id(std::uint64_t merge) { return static_cast<std::int32_t>(merge & 0xFFFFFFFFu); }

// Merges the pair of lowest rank, leftmost first, until none is left.
void merge_short(const FlatMap& merges, std::vector<std::int32_t>& ids) {
  std::array<std::uint64_t, kShortWord> merge{};  // merge[i] of ids i and i + 1
  const auto merge_at = [&](std::size_t i) { return merges.get(pair_key(ids[i], ids[i + 1])); };
  for (std::size_t i = 0; i + 1 < ids.size(); ++i) merge[i] = merge_at(i);
  while (ids.size() > 1) {
    const auto pairs = static_cast<std::ptrdiff_t>(ids.size() - 1);
    // Of equal ranks the merged ids are equal too, so the first minimum is the leftmost.
    const auto best = std::min_element(merge.begin(), merge.begin() + pairs);
    if (*best == FlatMap::kAbsent) return;
    const auto i = static_cast<std::size_t>(best - merge.begin());
    ids[i] = merged_id(*best);
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    std::copy(best + 1, merge.begin() + pairs, best);
    if (i + 1 < ids.size()) merge[i] = merge_at(i);
    if (i > 0) merge[i - 1] = merge_at(i - 1);
  }
}

// The same by a heap and a linked list.
void merge_long(const FlatMap& merges, std::vector<std::int32_t>& ids) {
  struct Candidate {
    std::uint64_t merge;
    std::size_t position;
    bool operator>(const Candidate& other) const {
      return merge != other.merge ? merge > other.merge : position > other.position;
    }
  };
  constexpr std::size_t kNone = ~std::size_t{0};
  const std::size_t n = ids.size();
  std::vector<std::size_t> next(n), previous(n);
  for (std::size_t i = 0; i < n; ++i) {
    next[i] = i + 1 < n ? i + 1 : kNone;
    previous[i] = i > 0 ? i - 1 : kNone;
  }
  std::vector<bool> gone(n);
  std::vector<Candidate> initial;
  const auto merge_at = [&](std::size_t i) { return merges.get(pair_key(ids[i], ids[next[i]])); };
  for (std::size_t i = 0; i + 1 < n; ++i) {
    if (const std::uint64_t merge = merge_at(i); merge != FlatMap::kAbsent) initial.push_back({merge, i});
  }
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> heap(std::greater<>(),
                                                                              std::move(initial));
  while (!heap.empty()) {
    const Candidate top = heap.top();
    heap.pop();
    const std::size_t i = top.position;
    if (gone[i] || next[i] == kNone || merge_at(i) != top.merge) continue;
    const std::size_t right = next[i];
    ids[i] = merged_id(top.merge);
    gone[right] = true;
    next[i] = next[right];
    if (next[i] != kNone) {
      previous[next[i]] = i;
      if (const std::uint64_t merge = merge_at(i); merge != FlatMap::kAbsent) heap.push({merge, i});
    }
    if (const std::size_t left = previous[i]; left != kNone) {
      if (const std::uint64_t merge = merge_at(left); merge != FlatMap::kAbsent) heap.push({merge, left});
    }
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (!gone[i]) ids[kept++] = ids[i];
  }
  ids.resize(kept);
}

}  // namespace

Bpe::Bpe(const JsonField& field)
    : prefix_(field.string("continuing_subword_prefix", "")),
      suffix_(field.string("end_of_word_suffix", "")),
      fuse_unknown_(field.boolean("fuse_unk", false)),
      byte_fallback_(field.boolean("byte_fallback", false)),
      ignore_merges_(field.boolean("ignore_merges", false)) {
  if (const auto dropout = field.find("dropout"); dropout && dropout->real() != 0) {
    dropout->fail("dropout of merges is random; only null or 0 is supported");
  }
  if (const auto unknown = field.find("unk_token")) unknown_ = unknown->string();
  vocabulary_ = Vocabulary(field.at("vocab"));
  read_merges(field.at("merges"));
  for (std::size_t b = 0; b < 256; ++b) {
    byte_fallback_ids_[b] = vocabulary_.id(byte_token(static_cast<unsigned char>(b))).value_or(-1);
  }
  for (char32_t c = 0; c < character_ids_.size(); ++c) {
    std::string text;
    append_char(text, c);
    character_ids_[c] = vocabulary_.id(text).value_or(-1);
  }
}

void Bpe::read_merges(const JsonField& field) {
  const nlohmann::json& merges = field.value();
  if (!merges.is_array()) field.expected("an array of merges");
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const nlohmann::json& merge = merges[i];
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      add_merge(i, merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>(), field);
    } else if (merge.is_string()) {
      const std::string_view text = merge.get_ref<const std::string&>();
      if (text.substr(0, 8) == "#version") continue;
      const std::size_t space = text.find(' ');
      if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
        field.item(i).fail("expected two tokens with one space between them");
      }
      add_merge(i, text.substr(0, space), text.substr(space + 1), field);
    } else {
      field.item(i).expected("two tokens");
    }
  }
}

void Bpe::add_merge(std::size_t rank, std::string_view left, std::string_view right,
                    const JsonField& merges) {
  const auto id_of = [&](std::string_view token) {
    const auto id = vocabulary_.id(token);
    if (!id) merges.item(rank).fail(fmt::format("the token '{}' is not in the vocabulary", token));
    return *id;
  };
  if (right.size() < prefix_.size()) {
    merges.item(rank).fail(fmt::format("the token '{}' is shorter than the prefix '{}'", right, prefix_));
  }
  const std::int32_t left_id = id_of(left), right_id = id_of(right);
  const std::int32_t merged = id_of(std::string(left).append(right.substr(prefix_.size())));
  merges_.set(pair_key(left_id, right_id), std::uint64_t{rank} << 32 | static_cast<std::uint32_t>(merged));
}

std::optional<std::int32_t> Bpe::unknown_id() const {
  return unknown_ ? vocabulary_.id(*unknown_) : std::nullopt;
}

std::int32_t Bpe::required_unknown_id() const {
  const auto id = unknown_id();
  if (!id)
    throw Error(
        fmt::format("the text needs the unknown token '{}', which is not in the vocabulary", *unknown_));
  return *id;
}

bool Bpe::has_all_bytes() const {
  const auto& characters = byte_characters();
  return prefix_.empty() && suffix_.empty() &&
         std::all_of(characters.begin(), characters.end(),
                     [&](char32_t c) { return character_ids_[c] >= 0; });
}

std::vector<std::int32_t> Bpe::symbols(std::string_view piece) const {
  std::vector<std::int32_t> ids;
  ids.reserve(piece.size());
  std::int32_t pending = -1;  // an unknown token that further characters may join
  for (std::size_t i = 0; i < piece.size();) {
    const std::size_t start = i;
    const char32_t c = next_char(piece, i);
    const bool prefixed = start > 0 && !prefix_.empty(), suffixed = i == piece.size() && !suffix_.empty();
    std::string_view token = piece.substr(start, i - start);
    std::string decorated;
    if (prefixed || suffixed) {
      decorated.append(prefixed ? prefix_ : "").append(token).append(suffixed ? suffix_ : "");
      token = decorated;
    }
    const std::int32_t id = decorated.empty() && c < character_ids_.size()
                                ? character_ids_[c]
                                : vocabulary_.id(token).value_or(-1);
    if (id >= 0) {
      if (pending >= 0) ids.push_back(pending);
      pending = -1;
      ids.push_back(id);
      continue;
    }
    const auto fallback = [&](char b) { return byte_fallback_ids_[static_cast<unsigned char>(b)]; };
    if (byte_fallback_ && std::all_of(token.begin(), token.end(), [&](char b) { return fallback(b) >= 0; })) {
      for (const char b : token) ids.push_back(fallback(b));
    } else if (unknown_) {
      if (pending >= 0 && !fuse_unknown_) ids.push_back(pending);
      pending = required_unknown_id();
    }
  }
  if (pending >= 0) ids.push_back(pending);
  return ids;
}

void Bpe::tokenize(std::string_view piece, std::vector<std::int32_t>& ids) const {
  std::string characters;
  if (bytes_) {
    characters = bytes_to_characters(piece);
    piece = characters;
  }
  if (ignore_merges_) {
    if (const auto id = vocabulary_.id(piece)) {
      ids.push_back(*id);
      return;
    }
  }
  std::vector<std::int32_t> word = symbols(piece);
  if (word.size() <= kShortWord) {
    merge_short(merges_, word);
  } else {
    merge_long(merges_, word);
  }
  ids.insert(ids.end(), word.begin(), word.end());
}

}  // namespace w2s::text
