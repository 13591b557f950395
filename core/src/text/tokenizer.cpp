#include <w2s/tokenizer.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "base/files.hpp"
#include "text/added_tokens.hpp"
#include "text/bpe.hpp"
#include "text/byte_alphabet.hpp"
#include "text/byte_level_json.hpp"
#include "text/decoder.hpp"
#include "text/normalizer.hpp"
#include "text/postprocessor.hpp"
#include "text/pretokenizer.hpp"
#include "text/token_model.hpp"
#include "text/utf8.hpp"
#include "text/word_cache.hpp"

namespace w2s {

using namespace text;

namespace {

constexpr std::size_t kRoles = 7;
constexpr std::array<const char*, kRoles> kRoleKeys = {"bos_token", "eos_token", "pad_token", "unk_token",
                                                       "cls_token", "sep_token", "mask_token"};

const std::array<std::vector<const char*>, kRoles>& usual_names() {
  static const std::array<std::vector<const char*>, kRoles> names = {{
      {"<s>", "<|begin_of_text|>", "<bos>", "[BOS]", "<|endoftext|>"},
      {"</s>", "<|end_of_text|>", "<eos>", "[EOS]", "<|endoftext|>"},
      {"<pad>", "[PAD]", "<|pad|>", "<|finetune_right_pad_id|>"},
      {"<unk>", "[UNK]"},
      {"[CLS]", "<cls>"},
      {"[SEP]", "<sep>"},
      {"[MASK]", "<mask>"},
  }};
  return names;
}

nlohmann::json parse_json(std::string_view text, const std::string& name) {
  try {
    return nlohmann::json::parse(text.begin(), text.end());
  } catch (const nlohmann::json::exception& error) {
    throw UsageError(fmt::format("{}: not JSON: {}", name, error.what()));
  }
}

nlohmann::json read_merges(const std::string& path) {
  const std::string contents = read_file(path);
  nlohmann::json merges = nlohmann::json::array();
  std::size_t line_number = 0;
  for (std::size_t begin = 0; begin < contents.size();) {
    const std::size_t end = std::min(contents.find('\n', begin), contents.size());
    std::string_view line = std::string_view(contents).substr(begin, end - begin);
    begin = end + 1;
    ++line_number;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() || line.substr(0, 8) == "#version") continue;
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos ||
        !is_utf8(line)) {
      throw UsageError(
          fmt::format("{}:{}: expected two tokens with one space between them", path, line_number));
    }
    merges.push_back({std::string(line.substr(0, space)), std::string(line.substr(space + 1))});
  }
  return merges;
}

// What encoding one text needs; kept between calls, for one call at a time.
struct Workspace {
  WordCache cache;
};

}  // namespace

struct Tokenizer::Parts {
  std::string json;
  std::unique_ptr<Normalizer> normalizer;      // null: none
  std::unique_ptr<PreTokenizer> pretokenizer;  // null: none
  std::unique_ptr<TokenModel> model;
  std::unique_ptr<PostProcessor> postprocessor;  // null: none
  std::unique_ptr<Decoder> decoder;              // null: tokens joined by spaces
  AddedTokens added;
  std::array<std::optional<std::int32_t>, kRoles> roles;
  bool bytes = false;

  std::mutex mutex;
  std::vector<std::unique_ptr<Workspace>> idle;

  Parts(std::string text, const std::string& name);
  void take_roles(const nlohmann::json& settings);

  std::optional<std::int32_t> id(std::string_view token) const;
  const std::string* token(std::int32_t id) const;

  std::unique_ptr<Workspace> borrow();
  void give_back(std::unique_ptr<Workspace> workspace);

  Ids encode_sequence(std::string_view text, Workspace& workspace) const;
  void encode_section(std::string_view text, bool first, Workspace& workspace, Ids& ids) const;
  Ids join(Sequences sequences, bool add_special_tokens) const;
};

Tokenizer::Parts::Parts(std::string text, const std::string& name) : json(std::move(text)) {
  const nlohmann::json document = parse_json(json, name);
  const JsonField root(document, name);
  if (!document.is_object()) root.expected("an object");
  if (const auto field = root.find("normalizer")) normalizer = make_normalizer(*field);
  if (const auto field = root.find("pre_tokenizer")) pretokenizer = make_pretokenizer(*field);
  model = make_token_model(root.at("model"));
  if (const auto field = root.find("post_processor")) postprocessor = make_postprocessor(*field);
  if (const auto field = root.find("decoder")) decoder = make_decoder(*field);
  if (const auto field = root.find("added_tokens")) {
    added = AddedTokens(*field, model->vocabulary(), normalizer.get());
  }

  auto* bpe = dynamic_cast<Bpe*>(model.get());
  if (bpe && pretokenizer && pretokenizer->take_byte_mapping()) {
    bpe->take_bytes();
    bytes = !normalizer && pretokenizer->keeps_text() && bpe->has_all_bytes();
  }
  for (std::size_t role = 0; role < kRoles; ++role) {
    for (const char* usual : usual_names()[role]) {
      if (!roles[role]) roles[role] = added.id(usual);
    }
  }
  if (const auto unknown = model->unknown_id()) roles[static_cast<std::size_t>(TokenRole::unk)] = unknown;
}

void Tokenizer::Parts::take_roles(const nlohmann::json& settings) {
  if (!settings.is_object()) return;
  for (std::size_t role = 0; role < kRoles; ++role) {
    auto member = settings.find(kRoleKeys[role]);
    if (member == settings.end()) continue;
    const nlohmann::json& token =
        member->is_object() && member->contains("content") ? (*member)["content"] : *member;
    if (!token.is_string()) continue;
    if (const auto known = id(token.get_ref<const std::string&>())) roles[role] = known;
  }
}

std::optional<std::int32_t> Tokenizer::Parts::id(std::string_view token) const {
  const auto id = added.id(token);
  return id ? id : model->vocabulary().id(token);
}

const std::string* Tokenizer::Parts::token(std::int32_t id) const {
  const AddedToken* token = added.token(id);
  return token ? &token->content : model->vocabulary().token(id);
}

std::unique_ptr<Workspace> Tokenizer::Parts::borrow() {
  const std::lock_guard lock(mutex);
  if (idle.empty()) return std::make_unique<Workspace>();
  auto workspace = std::move(idle.back());
  idle.pop_back();
  return workspace;
}

void Tokenizer::Parts::give_back(std::unique_ptr<Workspace> workspace) {
  const std::lock_guard lock(mutex);
  idle.push_back(std::move(workspace));
}

void Tokenizer::Parts::encode_section(std::string_view text, bool first, Workspace& workspace,
                                      Ids& ids) const {
  Pieces pieces;
  pieces.list.push_back({text, first});
  if (pretokenizer) pretokenizer->apply(pieces);
  for (const Piece& piece : pieces.list) {
    if (piece.text.size() > WordCache::kLongestWord) {
      model->tokenize(piece.text, ids);
    } else if (!workspace.cache.find(piece.text, ids)) {
      const std::size_t before = ids.size();
      model->tokenize(piece.text, ids);
      workspace.cache.insert(piece.text, ids.data() + before, ids.size() - before);
    }
  }
}

Tokenizer::Ids Tokenizer::Parts::encode_sequence(std::string_view text, Workspace& workspace) const {
  std::string replaced;
  if (!is_utf8(text)) {
    replaced = utf8_lossy(text);
    text = replaced;
  }
  Ids ids;
  for (const Section& outer : added.find(text, false)) {
    if (outer.id >= 0) {
      ids.push_back(outer.id);
      continue;
    }
    std::string_view section = text.substr(outer.begin, outer.end - outer.begin);
    std::string normalized;
    if (normalizer) {
      normalized = section;
      normalizer->apply(normalized);
      section = normalized;
    }
    for (const Section& inner : added.find(section, true)) {
      if (inner.id >= 0) {
        ids.push_back(inner.id);
      } else {
        encode_section(section.substr(inner.begin, inner.end - inner.begin),
                       outer.begin == 0 && inner.begin == 0, workspace, ids);
      }
    }
  }
  return ids;
}

Tokenizer::Ids Tokenizer::Parts::join(Sequences sequences, bool add_special_tokens) const {
  if (postprocessor) postprocessor->apply(sequences, add_special_tokens);
  if (sequences.empty()) return {};
  Ids ids = std::move(sequences.front());
  for (std::size_t i = 1; i < sequences.size(); ++i)
    ids.insert(ids.end(), sequences[i].begin(), sequences[i].end());
  return ids;
}

Tokenizer::Tokenizer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Tokenizer::~Tokenizer() = default;

std::shared_ptr<const Tokenizer> Tokenizer::from_json(std::string json, const std::string& name) {
  return std::shared_ptr<const Tokenizer>(new Tokenizer(std::make_unique<Parts>(std::move(json), name)));
}

std::shared_ptr<const Tokenizer> Tokenizer::from_file(const std::string& path) {
  return from_json(read_file(path), path);
}

std::shared_ptr<const Tokenizer> Tokenizer::from_vocab_and_merges(const std::string& vocab,
                                                                  const std::string& merges) {
  nlohmann::json vocabulary = parse_json(read_file(vocab), vocab);
  if (!vocabulary.is_object()) JsonField(vocabulary, vocab).expected("an object of tokens and ids");
  std::vector<std::string> specials;
  if (vocabulary.contains("<|endoftext|>")) specials.push_back("<|endoftext|>");
  return from_json(byte_level_json(std::move(vocabulary), read_merges(merges), specials),
                   vocab + " with " + merges);
}

std::shared_ptr<const Tokenizer> Tokenizer::from_folder(const std::string& folder) {
  const auto path = [&](const char* name) { return folder + "/" + name; };
  const auto load = [&]() -> std::shared_ptr<const Tokenizer> {
    if (exists(path("tokenizer.json"))) return from_file(path("tokenizer.json"));
    if (exists(path("vocab.json")) && exists(path("merges.txt"))) {
      return from_vocab_and_merges(path("vocab.json"), path("merges.txt"));
    }
    if (exists(path("encoder.json")) && exists(path("vocab.bpe"))) {
      return from_vocab_and_merges(path("encoder.json"), path("vocab.bpe"));
    }
    throw UsageError(
        fmt::format("{}: no tokenizer here: expected tokenizer.json, vocab.json with merges.txt, or "
                    "encoder.json with vocab.bpe",
                    folder));
  };
  auto tokenizer = load();
  for (const char* name : {"special_tokens_map.json", "tokenizer_config.json"}) {
    if (exists(path(name))) tokenizer->parts_->take_roles(parse_json(read_file(path(name)), path(name)));
  }
  return tokenizer;
}

Tokenizer::Ids Tokenizer::encode(std::string_view text, bool add_special_tokens) const {
  auto workspace = parts_->borrow();
  Sequences sequences = {parts_->encode_sequence(text, *workspace)};
  parts_->give_back(std::move(workspace));
  return parts_->join(std::move(sequences), add_special_tokens);
}

Tokenizer::Ids Tokenizer::encode_pair(std::string_view first, std::string_view second,
                                      bool add_special_tokens) const {
  auto workspace = parts_->borrow();
  Sequences sequences = {parts_->encode_sequence(first, *workspace),
                         parts_->encode_sequence(second, *workspace)};
  parts_->give_back(std::move(workspace));
  return parts_->join(std::move(sequences), add_special_tokens);
}

std::vector<Tokenizer::Ids> Tokenizer::encode_batch(const std::vector<std::string>& texts,
                                                    bool add_special_tokens, int threads) const {
  std::vector<Ids> ids(texts.size());
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto work = [&] {
    try {
      for (std::size_t i = next++; i < texts.size(); i = next++)
        ids[i] = encode(texts[i], add_special_tokens);
    } catch (...) {
      const std::lock_guard lock(failure_mutex);
      if (!failure) failure = std::current_exception();
      next = texts.size();
    }
  };
  const std::size_t workers = std::min(texts.size(), static_cast<std::size_t>(std::max(threads, 1)));
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < workers; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  if (failure) std::rethrow_exception(failure);
  return ids;
}

std::string Tokenizer::decode(const Ids& ids, bool skip_special_tokens) const {
  std::vector<std::string> tokens;
  for (const std::int32_t id : ids) {
    const std::string* token = parts_->token(id);
    if (token && !(skip_special_tokens && parts_->added.is_special(*token))) tokens.push_back(*token);
  }
  if (parts_->decoder) parts_->decoder->apply(tokens);
  std::string text;
  for (const std::string& token : tokens) {
    if (!parts_->decoder && &token != &tokens.front()) text += ' ';
    text += token;
  }
  return text;
}

bool Tokenizer::encodes_bytes() const { return parts_->bytes; }

Tokenizer::Ids Tokenizer::encode_bytes(std::string_view bytes) const {
  if (!encodes_bytes()) {
    throw Error(
        "this tokenizer cannot encode bytes: it is not byte-level BPE with all 256 bytes and unchanged text");
  }
  auto workspace = parts_->borrow();
  Ids ids;
  while (!bytes.empty()) {
    const std::size_t valid = valid_prefix(bytes);
    if (valid > 0) parts_->encode_section(bytes.substr(0, valid), true, *workspace, ids);
    bytes.remove_prefix(valid);
    const std::size_t invalid = invalid_prefix(bytes);
    if (invalid > 0) parts_->model->tokenize(bytes.substr(0, invalid), ids);
    bytes.remove_prefix(invalid);
  }
  parts_->give_back(std::move(workspace));
  return ids;
}

std::string Tokenizer::decode_bytes(const Ids& ids) const {
  std::string bytes;
  for (const std::int32_t id : ids) {
    if (const std::string* token = parts_->token(id)) bytes += characters_to_bytes(*token).value_or(*token);
  }
  return bytes;
}

std::int64_t Tokenizer::vocab_size() const {
  const std::int64_t own = std::max(parts_->model->vocabulary().largest_id(), parts_->added.largest_id());
  return std::max(own, parts_->postprocessor ? parts_->postprocessor->largest_id() : -1) + 1;
}

std::optional<std::int32_t> Tokenizer::token_to_id(std::string_view token) const { return parts_->id(token); }

std::optional<std::string> Tokenizer::id_to_token(std::int32_t id) const {
  const std::string* token = parts_->token(id);
  return token ? std::optional(*token) : std::nullopt;
}

std::optional<std::int32_t> Tokenizer::special_id(TokenRole role) const {
  return parts_->roles[static_cast<std::size_t>(role)];
}

bool Tokenizer::is_special(std::int32_t id) const {
  const std::string* token = parts_->token(id);
  return token && parts_->added.is_special(*token);
}

const std::string& Tokenizer::json() const { return parts_->json; }

void Tokenizer::save(const std::string& path) const { write_file_atomically(path, parts_->json); }

}  // namespace w2s
