#include "text/postprocessor.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace w2s::text {

namespace {

// Changes offsets only, which are not kept here.
class ByteLevel final : public PostProcessor {
 public:
  void apply(Sequences&, bool) const override {}
};

// ["</s>", 2]
std::int32_t named_id(const JsonField& field) {
  const auto items = field.items();
  if (items.size() != 2) field.fail("expected [token, id]");
  items[0].string();
  return items[1].natural();
}

// [CLS] A [SEP], and B [SEP] after it; RoBERTa puts a separator before B too.
class ClsSep final : public PostProcessor {
 public:
  ClsSep(const JsonField& field, bool separator_before)
      : sep_(named_id(field.at("sep"))),
        cls_(named_id(field.at("cls"))),
        separator_before_(separator_before) {}

  void apply(Sequences& sequences, bool add_special_tokens) const override {
    if (!add_special_tokens) return;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      auto& ids = sequences[i];
      if (i == 0 || separator_before_) ids.insert(ids.begin(), i == 0 ? cls_ : sep_);
      ids.push_back(sep_);
    }
  }
  std::int64_t largest_id() const override { return std::max(sep_, cls_); }

 private:
  std::int32_t sep_, cls_;
  bool separator_before_;
};

class Template final : public PostProcessor {
 public:
  explicit Template(const JsonField& field) {
    std::map<std::string, std::vector<std::int32_t>> specials;
    if (const auto tokens = field.find("special_tokens")) {
      if (!tokens->value().is_object()) tokens->expected("an object");
      for (const auto& item : tokens->value().items()) {
        for (const JsonField& id : tokens->at(item.key()).at("ids").items())
          specials[item.key()].push_back(id.natural());
      }
    }
    single_ = read(field.at("single"), specials, 1);
    const auto pair = field.find("pair");
    pair_ = pair ? read(*pair, specials, 2) : std::vector<Item>{{0, {}}, {1, {}}};
  }

  void apply(Sequences& sequences, bool add_special_tokens) const override {
    if (sequences.empty() || sequences.size() > 2) {
      throw Error(
          fmt::format("the tokenizer's template is for one or two sequences, not {}", sequences.size()));
    }
    const Sequences in = std::move(sequences);
    sequences.clear();
    for (const Item& item : in.size() == 1 ? single_ : pair_) {
      if (item.sequence) {
        sequences.push_back(in[*item.sequence]);
      } else if (add_special_tokens) {
        sequences.push_back(item.ids);
      }
    }
  }
  std::int64_t largest_id() const override {
    std::int64_t largest = -1;
    for (const std::vector<Item>* items : {&single_, &pair_}) {
      for (const Item& item : *items) {
        for (const std::int32_t id : item.ids) largest = std::max<std::int64_t>(largest, id);
      }
    }
    return largest;
  }

 private:
  struct Item {
    std::optional<std::size_t> sequence;
    std::vector<std::int32_t> ids;
  };

  static std::vector<Item> read(const JsonField& field,
                                const std::map<std::string, std::vector<std::int32_t>>& specials,
                                std::size_t sequences) {
    std::vector<Item> items;
    for (const JsonField& part : field.items()) {
      if (const auto sequence = part.find("Sequence")) {
        const std::string& name = sequence->at("id").string();
        if (name != "A" && (name != "B" || sequences < 2))
          sequence->fail(fmt::format("unknown sequence '{}'", name));
        items.push_back({name == "A" ? 0u : 1u, {}});
      } else {
        const JsonField token = part.at("SpecialToken");
        const auto ids = specials.find(token.at("id").string());
        if (ids == specials.end()) {
          token.fail(fmt::format("'{}' is not among the special_tokens", token.at("id").string()));
        }
        items.push_back({std::nullopt, ids->second});
      }
    }
    return items;
  }

  std::vector<Item> single_, pair_;
};

class Sequence final : public PostProcessor {
 public:
  Sequence(const JsonField& field, int depth) {
    for (const JsonField& item : field.at("processors").items())
      steps_.push_back(make_postprocessor(item, depth + 1));
  }
  void apply(Sequences& sequences, bool add_special_tokens) const override {
    for (const auto& step : steps_) step->apply(sequences, add_special_tokens);
  }
  std::int64_t largest_id() const override {
    std::int64_t largest = -1;
    for (const auto& step : steps_) largest = std::max(largest, step->largest_id());
    return largest;
  }

 private:
  std::vector<std::unique_ptr<PostProcessor>> steps_;
};

}  // namespace

std::unique_ptr<PostProcessor> make_postprocessor(const JsonField& field, int depth) {
  if (depth > kMaxNesting) field.fail("nested too deeply");
  const std::string& kind = field.kind();
  if (kind == "ByteLevel") return std::make_unique<ByteLevel>();
  if (kind == "BertProcessing") return std::make_unique<ClsSep>(field, false);
  if (kind == "RobertaProcessing") return std::make_unique<ClsSep>(field, true);
  if (kind == "TemplateProcessing") return std::make_unique<Template>(field);
  if (kind == "Sequence") return std::make_unique<Sequence>(field, depth);
  field.unknown_kind("post-processor",
                     {"ByteLevel", "BertProcessing", "RobertaProcessing", "TemplateProcessing", "Sequence"});
}

}  // namespace w2s::text
