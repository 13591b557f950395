#include "encode.hpp"

#include <ATen/Parallel.h>

#include <algorithm>

namespace w2s::hf {
namespace {

using Ids = Tokenizer::Ids;

// What the post-processor puts around a text.
struct Frame {
  Ids before, after;
};

Frame frame_of(const Tokenizer& tokenizer) {
  const Ids bare = tokenizer.encode("a", false), framed = tokenizer.encode("a", true);
  const auto body = std::search(framed.begin(), framed.end(), bare.begin(), bare.end());
  if (bare.empty() || body == framed.end()) return {};
  return {Ids(framed.begin(), body), Ids(body + static_cast<std::ptrdiff_t>(bare.size()), framed.end())};
}

class Rows {
 public:
  Rows(const Tokenizer& tokenizer, const TextLimits& limits)
      : tokenizer_(tokenizer), limits_(limits), frame_(frame_of(tokenizer)) {
    encoded_.offsets.push_back(0);
  }

  std::vector<Ids> tokens(const std::vector<std::string>& texts) const {
    return tokenizer_.encode_batch(texts, /*add_special_tokens=*/false, at::get_num_threads());
  }

  void add(const Ids& text) {
    append(frame_.before);
    append_end(text, room(frame_.before.size() + frame_.after.size()));
    append(frame_.after);
    finish_row();
  }

  void add(const Ids& prompt, Ids answer, const std::string& id) {
    if (limits_.end >= 0) answer.push_back(limits_.end);
    const std::size_t fixed = frame_.before.size() + answer.size();
    if (fixed + 1 > static_cast<std::size_t>(limits_.context)) {
      throw UsageError("example '" + id + "': an answer of " + std::to_string(answer.size()) +
                       " tokens leaves no room for its prompt in a context of " +
                       std::to_string(limits_.context));
    }
    append(frame_.before);
    append_end(prompt, room(fixed));
    if (row_empty()) append({end_token()});
    encoded_.answers.push_back(static_cast<std::int64_t>(encoded_.tokens.size()) - encoded_.offsets.back());
    append(answer);
    finish_row();
  }

  Encoded finish(std::int64_t parts) {
    encoded_.parts = parts;
    const auto largest = std::max_element(encoded_.tokens.begin(), encoded_.tokens.end());
    if (largest != encoded_.tokens.end() && *largest >= limits_.vocabulary) {
      throw UsageError("the tokenizer gives token id " + std::to_string(*largest) +
                       ", but the model has only " + std::to_string(limits_.vocabulary) +
                       " embeddings: they do not belong together");
    }
    return std::move(encoded_);
  }

 private:
  std::size_t room(std::size_t taken) const {
    if (taken >= static_cast<std::size_t>(limits_.context)) {
      throw UsageError("a context of " + std::to_string(limits_.context) +
                       " leaves no room for text beside " + std::to_string(taken) + " special tokens");
    }
    return static_cast<std::size_t>(limits_.context) - taken;
  }
  std::int32_t end_token() const { return std::max(limits_.end, 0); }
  bool row_empty() const {
    return static_cast<std::int64_t>(encoded_.tokens.size()) == encoded_.offsets.back();
  }
  void append(const Ids& ids) { encoded_.tokens.insert(encoded_.tokens.end(), ids.begin(), ids.end()); }
  void append_end(const Ids& ids, std::size_t most) {
    const std::size_t cut = ids.size() > most ? ids.size() - most : 0;
    encoded_.tokens.insert(encoded_.tokens.end(), ids.begin() + static_cast<std::ptrdiff_t>(cut), ids.end());
  }
  void finish_row() {
    if (row_empty()) append({end_token()});
    encoded_.offsets.push_back(static_cast<std::int64_t>(encoded_.tokens.size()));
  }

  const Tokenizer& tokenizer_;
  TextLimits limits_;
  Frame frame_;
  Encoded encoded_;
};

}  // namespace

Encoded encode_texts(const Tokenizer& tokenizer, const Examples& examples, TaskKind kind,
                     const TextLimits& limits) {
  if (!examples.has_text()) throw UsageError("this model reads text, but the task's examples are dense");
  std::vector<std::string> first, second;
  for (std::int64_t i = 0; i < examples.size(); ++i) {
    first.push_back(examples.text(i));
    if (kind != TaskKind::classification) second.push_back(examples.second(i));
  }
  Rows rows(tokenizer, limits);
  const std::vector<Ids> texts = rows.tokens(first), others = rows.tokens(second);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (kind == TaskKind::generation) {
      rows.add(texts[i], others[i], examples.id(static_cast<std::int64_t>(i)));
    } else {
      rows.add(texts[i]);
      if (kind == TaskKind::preference) rows.add(others[i]);
    }
  }
  return rows.finish(kind == TaskKind::preference ? 2 : 1);
}

}  // namespace w2s::hf
