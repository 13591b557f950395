#include <algorithm>
#include <array>
#include <queue>

#include <w2s/tokenizer.hpp>

#include "text/byte_alphabet.hpp"
#include "text/byte_level_json.hpp"
#include "text/flat_map.hpp"
#include "text/pair_key.hpp"
#include "text/utf8.hpp"
#include "text/vocabulary.hpp"
#include "text/word_scanner.hpp"

namespace w2s {

using namespace text;

namespace {

using Count = std::int64_t;

struct Word {
  std::vector<std::int32_t> ids;
  Count count = 0;
};

struct Candidate {
  Count count;
  std::uint64_t pair;
  /// Of equal counts the smaller pair comes first.
  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

// Counts of all pairs of neighbours, and which words may have each.
class Pairs {
 public:
  void add(std::uint64_t pair, Count count, std::uint32_t word) {
    Entry& entry = at(pair);
    entry.count += count;
    if (count > 0 && (entry.words.empty() || entry.words.back() != word)) entry.words.push_back(word);
  }
  Count count(std::uint64_t pair) { return at(pair).count; }
  /// The words once each, in order; they are forgotten.
  std::vector<std::uint32_t> take_words(std::uint64_t pair) {
    std::vector<std::uint32_t> words = std::move(at(pair).words);
    at(pair).words.clear();
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    return words;
  }
  template <class Visit>
  void each(Visit&& visit) const {
    for (const Entry& entry : entries_) visit(entry.pair, entry.count);
  }

 private:
  struct Entry {
    std::uint64_t pair = 0;
    Count count = 0;
    std::vector<std::uint32_t> words;
  };
  Entry& at(std::uint64_t pair) {
    const std::uint64_t index = index_.get(pair);
    if (index != FlatMap::kAbsent) return entries_[index];
    index_.set(pair, entries_.size());
    return entries_.emplace_back(Entry{pair, 0, {}});
  }
  FlatMap index_;
  std::vector<Entry> entries_;
};

class Trainer {
 public:
  explicit Trainer(const BpeTraining& training) : training_(training) {
    for (const std::string& special : training.special_tokens) {
      if (special.empty() || !is_utf8(special))
        throw UsageError("a special token must be UTF-8 and not empty");
      if (!vocabulary_.id(special)) {
        add_token(special);
        specials_.push_back(special);
      }
    }
    std::vector<std::pair<char32_t, std::size_t>> bytes;  // in order of their characters
    for (std::size_t b = 0; b < 256; ++b) bytes.push_back({byte_characters()[b], b});
    std::sort(bytes.begin(), bytes.end());
    for (const auto& [character, byte] : bytes) {
      std::string token;
      append_char(token, character);
      byte_ids_[byte] = add_token(token);
    }
    if (training.vocab_size < static_cast<Count>(vocabulary_.size())) {
      throw UsageError(fmt::format("vocab_size = {} is too small: 256 bytes and the special tokens take {}",
                                   training.vocab_size, vocabulary_.size()));
    }
    if (training.min_frequency < 0) throw UsageError("min_frequency must not be negative");
  }

  void count_words(std::string_view text) {
    std::string replaced;
    if (!is_utf8(text)) {
      replaced = utf8_lossy(text);
      text = replaced;
    }
    ranges_.clear();
    scan_words(WordPattern::gpt2, text, ranges_);
    for (const Range& range : ranges_) {
      const std::string_view word = text.substr(range.begin, range.end - range.begin);
      auto known = counts_.find(word);
      if (known == counts_.end()) known = counts_.emplace(std::string(word), 0).first;
      ++known->second;
    }
  }

  std::shared_ptr<const Tokenizer> train() {
    spell_words();
    for (std::uint32_t i = 0; i < words_.size(); ++i) {
      const Word& word = words_[i];
      for (std::size_t k = 0; k + 1 < word.ids.size(); ++k) {
        pairs_.add(pair_key(word.ids[k], word.ids[k + 1]), word.count, i);
      }
    }
    std::priority_queue<Candidate> queue;
    pairs_.each([&](std::uint64_t pair, Count count) { queue.push({count, pair}); });

    nlohmann::json merges = nlohmann::json::array();
    while (!queue.empty() && static_cast<Count>(vocabulary_.size()) < training_.vocab_size) {
      const Candidate top = queue.top();
      queue.pop();
      const Count count = pairs_.count(top.pair);
      if (count != top.count) {
        if (count > 0) queue.push({count, top.pair});
        continue;
      }
      if (count < 1 || count < training_.min_frequency) break;
      const auto left = static_cast<std::int32_t>(top.pair >> 32),
                 right = static_cast<std::int32_t>(top.pair);
      const std::string left_token = *vocabulary_.token(left), right_token = *vocabulary_.token(right);
      const auto existing = vocabulary_.id(left_token + right_token);
      const std::int32_t merged = existing ? *existing : add_token(left_token + right_token);
      merges.push_back({left_token, right_token});
      for (const std::uint64_t pair : merge(left, right, merged)) {
        if (const Count changed = pairs_.count(pair); changed > 0) queue.push({changed, pair});
      }
    }

    nlohmann::json vocabulary = nlohmann::json::object();
    for (std::int32_t id = 0; id <= vocabulary_.largest_id(); ++id) vocabulary[*vocabulary_.token(id)] = id;
    return Tokenizer::from_json(byte_level_json(std::move(vocabulary), std::move(merges), specials_),
                                "the trained tokenizer");
  }

 private:
  std::int32_t add_token(const std::string& token) {
    const auto id = static_cast<std::int32_t>(vocabulary_.size());
    vocabulary_.add(token, id);
    return id;
  }

  // Counted words as byte ids, in an order that does not depend on the hash table.
  void spell_words() {
    std::vector<std::pair<std::string_view, Count>> sorted(counts_.begin(), counts_.end());
    std::sort(sorted.begin(), sorted.end());
    for (const auto& [text, count] : sorted) {
      Word& word = words_.emplace_back();
      word.count = count;
      for (const char b : text) word.ids.push_back(byte_ids_[static_cast<unsigned char>(b)]);
    }
  }

  // Merges the pair in all words; returns the pairs whose counts may have grown.
  std::vector<std::uint64_t> merge(std::int32_t left, std::int32_t right, std::int32_t merged) {
    std::vector<std::uint64_t> grown;
    const std::uint64_t pair = pair_key(left, right);
    for (const std::uint32_t index : pairs_.take_words(pair)) {
      Word& word = words_[index];
      std::vector<std::int32_t>& ids = word.ids;
      for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
        if (ids[i] != left || ids[i + 1] != right) continue;
        const auto change = [&](std::int32_t a, std::int32_t b, Count count) {
          pairs_.add(pair_key(a, b), count, index);
          if (count > 0) grown.push_back(pair_key(a, b));
        };
        change(left, right, -word.count);
        if (i > 0) {
          change(ids[i - 1], left, -word.count);
          change(ids[i - 1], merged, word.count);
        }
        if (i + 2 < ids.size()) {
          change(right, ids[i + 2], -word.count);
          change(merged, ids[i + 2], word.count);
        }
        ids[i] = merged;
        ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
    }
    std::sort(grown.begin(), grown.end());
    grown.erase(std::unique(grown.begin(), grown.end()), grown.end());
    return grown;
  }

  BpeTraining training_;
  Vocabulary vocabulary_;
  std::vector<std::string> specials_;
  std::array<std::int32_t, 256> byte_ids_{};
  StringMap<Count> counts_;
  std::vector<Range> ranges_;
  std::vector<Word> words_;
  Pairs pairs_;
};

}  // namespace

std::shared_ptr<const Tokenizer> train_bpe(const std::function<bool(std::string&)>& next,
                                           const BpeTraining& training) {
  Trainer trainer(training);
  for (std::string text; next(text);) trainer.count_words(text);
  return trainer.train();
}

std::shared_ptr<const Tokenizer> train_bpe(const std::vector<std::string>& texts,
                                           const BpeTraining& training) {
  Trainer trainer(training);
  for (const std::string& text : texts) trainer.count_words(text);
  return trainer.train();
}

}  // namespace w2s
