#include "text/unigram.hpp"

#include <algorithm>
#include <limits>

#include "text/utf8.hpp"

namespace w2s::text {

namespace {

constexpr double kUnknownPenalty = 10.0;

[[noreturn]] void no_unknown(std::string_view text) {
  throw Error(fmt::format("'{}' is unknown to the tokenizer, which has no unknown token (unk_id)",
                          text.substr(0, 64)));
}

}  // namespace

Unigram::Unigram(const JsonField& field) : byte_fallback_(field.boolean("byte_fallback", false)) {
  const JsonField vocab = field.at("vocab");
  if (!vocab.value().is_array()) vocab.expected("an array of [token, score]");
  double worst = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < vocab.value().size(); ++i) {
    const nlohmann::json& entry = vocab.value()[i];
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
      vocab.item(i).fail("expected [token, score]");
    }
    scores_.push_back(entry[1].get<double>());
    worst = std::min(worst, scores_.back());
    vocabulary_.add(entry[0].get_ref<const std::string&>(), static_cast<std::int32_t>(i));
  }
  for (std::size_t i = 0; i < scores_.size(); ++i) {
    const auto& token = vocab.value()[i][0].get_ref<const std::string&>();
    trie_.add(token, static_cast<std::uint32_t>(*vocabulary_.id(token)));
  }
  unknown_score_ = worst - kUnknownPenalty;
  if (const auto unknown = field.find("unk_id")) {
    unknown_ = unknown->natural();
    if (static_cast<std::size_t>(*unknown_) >= scores_.size()) unknown->fail("larger than the vocabulary");
  }
  for (std::size_t b = 0; b < 256; ++b) {
    byte_ids_[b] = vocabulary_.id(byte_token(static_cast<unsigned char>(b))).value_or(-1);
  }
}

void Unigram::tokenize(std::string_view piece, std::vector<std::int32_t>& ids) const {
  struct Node {
    double score = 0;
    std::size_t start = 0;
    std::int32_t id = -1;  // −1: no path ends here
  };
  std::vector<Node> best(piece.size() + 1);
  const auto offer = [&](std::size_t start, std::size_t end, double score, std::int32_t id) {
    Node& node = best[end];
    score += best[start].score;
    if (node.id < 0 || score > node.score) node = {score, start, id};
  };
  for (std::size_t start = 0; start < piece.size();) {
    std::size_t end = start;
    next_char(piece, end);
    bool whole_character = false;
    trie_.prefixes(piece.substr(start), [&](std::size_t length, std::uint32_t id) {
      offer(start, start + length, scores_[id], static_cast<std::int32_t>(id));
      whole_character |= start + length == end;
    });
    if (!whole_character) {
      if (!unknown_) no_unknown(piece.substr(start, end - start));
      offer(start, end, unknown_score_, *unknown_);
    }
    start = end;
  }

  std::vector<std::string_view> tokens;  // from the last to the first
  for (std::size_t end = piece.size(); end > 0;) {
    std::size_t start = best[end].start;
    if (unknown_ && best[end].id == *unknown_) {
      while (start > 0 && best[start].id == *unknown_) start = best[start].start;
    }
    tokens.push_back(piece.substr(start, end - start));
    end = start;
  }
  for (auto token = tokens.rbegin(); token != tokens.rend(); ++token) append(*token, ids);
}

void Unigram::append(std::string_view token, std::vector<std::int32_t>& ids) const {
  if (const auto id = vocabulary_.id(token)) {
    ids.push_back(*id);
    return;
  }
  const auto byte_id = [&](char b) { return byte_ids_[static_cast<unsigned char>(b)]; };
  if (byte_fallback_ && std::all_of(token.begin(), token.end(), [&](char b) { return byte_id(b) >= 0; })) {
    for (const char b : token) ids.push_back(byte_id(b));
    return;
  }
  if (!unknown_) no_unknown(token);
  ids.push_back(*unknown_);
}

}  // namespace w2s::text
