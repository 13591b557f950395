// Mutated tokenizer.json and safetensors files: each is one Error or a sound object, without a crash and
// without an allocation out of proportion. The mutations are the same in every run; W2S_FUZZ_INPUTS sets
// their number per reader.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include <w2s/error.hpp>
#include <w2s/safetensors.hpp>
#include <w2s/tokenizer.hpp>

#include "../support/fixtures.hpp"

namespace {

constexpr std::size_t kLargestAllocation = 64U << 20;  // files are below 100 kB
std::atomic<std::size_t> largest_allocation{0};

}  // namespace

#ifndef __SANITIZE_ADDRESS__
[[gnu::noinline]] void* operator new(std::size_t size) {
  std::size_t seen = largest_allocation;
  while (size > seen && !largest_allocation.compare_exchange_weak(seen, size)) {
  }
  void* memory = size > 16 * kLargestAllocation ? nullptr : std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace w2s {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

int inputs() {
  const char* count = std::getenv("W2S_FUZZ_INPUTS");
  return count != nullptr ? std::atoi(count) : 2000;
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random_() % n); }

  /// One to four changes of bytes.
  std::string bytes(std::string text) {
    for (std::size_t change = 0; change <= below(4); ++change) {
      const std::size_t at = below(text.size() + 1), length = below(1 + below(64));
      switch (below(7)) {
        case 0:
          if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
          break;
        case 1:
          text.erase(at, length);
          break;
        case 2:
          text.insert(at, text.substr(below(text.size() + 1), length));
          break;
        case 3:
          text.erase(at);
          break;
        case 4:
          text.insert(at, tokens_[below(tokens_.size())]);
          break;
        case 5:
          if (at < text.size()) text[at] = static_cast<char>(random_());
          break;
        default:
          number(text, at);
      }
    }
    return text;
  }

  /// Of the same length.
  std::string flipped(std::string text) {
    for (std::size_t change = 0; change <= below(4) && !text.empty(); ++change)
      text[below(text.size())] = static_cast<char>(random_());
    return text;
  }

  /// One to three changes of values, keys and items, anywhere in the tree.
  std::string tree(json document) {
    const json original = document;
    for (std::size_t change = 0; change <= below(3); ++change) {
      json* parent = nullptr;
      json* node = &document;
      while (node->is_structured() && !node->empty() && (parent == nullptr || below(4) != 0)) {
        parent = node;
        node = child(*node);
      }
      if (parent != nullptr && below(4) == 0) {
        remove(*parent);
      } else if (node->is_object() && below(4) == 0) {
        (*node)[words_[below(words_.size())]] = value(original);
      } else if (node->is_array() && below(4) == 0) {
        node->insert(node->begin() + static_cast<std::ptrdiff_t>(below(node->size() + 1)), value(original));
      } else {
        *node = value(original);
      }
    }
    return document.dump(-1, ' ', false, json::error_handler_t::replace);
  }

 private:
  static json* item(json& node, std::size_t at) {
    auto place = node.begin();
    std::advance(place, static_cast<std::ptrdiff_t>(at));
    return &*place;
  }
  json* child(json& node) { return item(node, below(node.size())); }

  static void remove_at(json& node, std::size_t at) {
    auto place = node.begin();
    std::advance(place, static_cast<std::ptrdiff_t>(at));
    node.erase(place);
  }
  void remove(json& node) {
    if (!node.empty()) remove_at(node, below(node.size()));
  }

  json value(const json& original) {
    if (below(2) == 0) {
      json copy = original;
      json* node = &copy;
      while (node->is_structured() && !node->empty() && below(8) != 0) node = child(*node);
      return *node;
    }
    const std::vector<json> values = {nullptr,
                                      true,
                                      -1,
                                      0,
                                      1,
                                      2147483647,
                                      2147483648LL,
                                      1e308,
                                      0.5,
                                      "",
                                      "a",
                                      "\xe2\x96\x81",
                                      std::string(3000, 'x'),
                                      std::string("\0\x01", 2),
                                      json::array(),
                                      json::object(),
                                      18446744073709551615ULL,
                                      "(a+)+$",
                                      "[",
                                      "<0x41>",
                                      words_[below(words_.size())]};
    return values[below(values.size())];
  }

  void number(std::string& text, std::size_t at) {
    const std::size_t begin = text.find_first_of("0123456789", at);
    if (begin == std::string::npos) return;
    const std::size_t end = std::min(text.find_first_not_of("0123456789", begin), text.size());
    text.replace(begin, end - begin, numbers_[below(numbers_.size())]);
  }

  std::mt19937_64 random_;
  const std::vector<std::string> numbers_ = {
      "0",     "-1", "1", "65536", "2147483647", "4294967296", "9223372036854775807", "18446744073709551616",
      "1e999", "0.5"};
  const std::vector<std::string> tokens_ = {"{",        "}",    "[",        "]",       ",",       ":",
                                            "\"",       "null", "true",     "\\u0000", "\\ud800", "\xff",
                                            "\xe2\x96", "\n",   "[[[[[[[[", "{\"a\":"};
  const std::vector<std::string> words_ = {"BPE",
                                           "WordPiece",
                                           "Unigram",
                                           "WordLevel",
                                           "type",
                                           "model",
                                           "vocab",
                                           "merges",
                                           "Sequence",
                                           "ByteLevel",
                                           "Split",
                                           "Regex",
                                           "pattern",
                                           "NFKC",
                                           "Lowercase",
                                           "Replace",
                                           "Metaspace",
                                           "TemplateProcessing",
                                           "special_tokens",
                                           "normalizer",
                                           "pre_tokenizer",
                                           "post_processor",
                                           "decoder",
                                           "added_tokens",
                                           "dtype",
                                           "shape",
                                           "data_offsets",
                                           "F32",
                                           "BOOL",
                                           "__metadata__"};
};

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::vector<std::string> contents(const std::string& kind, const std::string& file) {
  std::vector<std::string> texts;
  for (const fs::path& folder : fixtures(kind, file)) texts.push_back(read(folder / file));
  return texts;
}

std::string byte_level() {
  BpeTraining training;
  training.vocab_size = 280;
  return train_bpe(std::vector<std::string>{"the cat sat on the mat", "a cat and a bat"}, training)->json();
}

// Small files with every kind of section.
std::vector<std::string> small_tokenizers() {
  const char* word_piece = R"({"added_tokens": [{"id": 0, "content": "[PAD]", "special": true},
      {"id": 5, "content": "<x>", "lstrip": true, "rstrip": true, "single_word": true, "normalized": false}],
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "BertNormalizer", "clean_text": true,
      "handle_chinese_chars": true, "strip_accents": null, "lowercase": true}, {"type": "NFKC"},
      {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}, {"type": "Prepend", "prepend": "_"}]},
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "BertPreTokenizer"},
      {"type": "Split", "pattern": {"String": "-"}, "behavior": "Isolated", "invert": false},
      {"type": "Digits", "individual_digits": true}, {"type": "Punctuation", "behavior": "Isolated"}]},
    "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}},
      {"Sequence": {"id": "A", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}},
      {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1],
      "tokens": ["[CLS]"]}}},
    "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
      "max_input_chars_per_word": 100, "vocab": {"[PAD]": 0, "[CLS]": 1, "[UNK]": 2, "a": 3, "##b": 4}}})";
  const char* unigram = R"({"normalizer": {"type": "Precompiled", "precompiled_charsmap": "BAAAAAAAAAA="},
    "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
    "post_processor": null, "decoder": {"type": "Sequence", "decoders": [{"type": "Replace",
      "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
      {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
    "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": false,
      "vocab": [["<unk>", 0.0], ["▁", -2.0], ["a", -1.5], ["b", -3.0], ["▁a", -1.0], ["ab", -2.5]]}})";
  const char* fallback = R"({"added_tokens": [{"id": 0, "content": "<s>", "special": true}],
    "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}, "pre_tokenizer": null,
    "model": {"type": "BPE", "unk_token": "<s>", "fuse_unk": true, "byte_fallback": true, "ignore_merges": true,
      "vocab": {"<s>": 0, "<0x41>": 1, "<0x42>": 2, "a": 3, "b": 4, "ab": 5, "▁": 6, "▁ab": 7},
      "merges": ["a b", ["▁", "ab"]]}})";
  const char* word_level = R"({"pre_tokenizer": {"type": "Whitespace"},
    "model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "cat": 1, "mat": 2}}})";
  return {word_piece, unigram, fallback, word_level, byte_level()};
}

struct Tally {
  int sound = 0, refused = 0;
  std::string wrong;  // the first that did neither
};

// What the reader makes of the input. Anything but an Error or success is kept with the input's number.
template <class Use>
void feed(Tally& tally, int number, const Use& use) {
  try {
    use();
    ++tally.sound;
  } catch (const Error& error) {
    ++tally.refused;
    if (std::string(error.what()).empty() && tally.wrong.empty())
      tally.wrong = "an empty message at " + std::to_string(number);
  } catch (const std::exception& other) {
    if (tally.wrong.empty()) tally.wrong = "input " + std::to_string(number) + " threw " + other.what();
  }
}

void report(const char* reader, const Tally& tally) {
  std::cout << reader << ": " << tally.sound << " sound, " << tally.refused << " refused, largest allocation "
            << largest_allocation << " bytes\n";
  EXPECT_EQ(tally.wrong, "");
  EXPECT_GT(tally.sound, 0);
  EXPECT_GT(tally.refused, 0);
  EXPECT_LE(largest_allocation, kLargestAllocation);
}

TEST(FuzzReaders, TokenizersAreSoundOrRefused) {
  std::vector<std::string> sources = small_tokenizers();
  for (const std::string& source : sources) {
    ASSERT_NO_THROW(Tokenizer::from_json(source)) << source.substr(0, 80);
  }
  const std::size_t small = sources.size();
  for (std::string& text : contents("tokenizers", "tokenizer.json")) sources.push_back(std::move(text));
  std::vector<json> trees;
  for (const std::string& source : sources) trees.push_back(json::parse(source));
  const std::vector<std::string> texts = {"", "the cat, aab 12-3",
                                          "\xe2\x96\x81"
                                          "ab <x> <s>A",
                                          "\xff\xc3(\xe2\x82", "e\xcc\x81 \xf0\x9f\x98\x80\n\t"};

  Mutator mutator(1);
  Tally tally;
  largest_allocation = 0;
  for (int number = 0; number < inputs(); ++number) {
    // Nine of ten are small: they are read faster, and a change hits their structure more often.
    const std::size_t source = mutator.below(10) != 0 ? mutator.below(small) : mutator.below(sources.size());
    const std::string text =
        mutator.below(3) == 0 ? mutator.bytes(sources[source]) : mutator.tree(trees[source]);
    feed(tally, number, [&] {
      const auto tokenizer = Tokenizer::from_json(text);
      for (const std::string& input : texts) {
        const Tokenizer::Ids ids = tokenizer->encode(input);
        for (const std::int32_t id : ids) {
          if (id < 0 || id >= tokenizer->vocab_size()) throw std::logic_error("an id beyond the vocabulary");
        }
        tokenizer->decode(ids, false);
      }
      tokenizer->encode_pair(texts[1], texts[2]);
      if (tokenizer->encodes_bytes() &&
          tokenizer->decode_bytes(tokenizer->encode_bytes(texts[3])) != texts[3]) {
        throw std::logic_error("bytes do not come back");
      }
    });
  }
  report("tokenizer.json", tally);
}

class Scratch {
 public:
  Scratch() : path_(fs::temp_directory_path() / ("w2s-fuzz-" + std::to_string(getpid()) + ".safetensors")) {}
  ~Scratch() { fs::remove(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
    return path_.native();
  }
  const std::string& path() const { return path_.native(); }

 private:
  fs::path path_;
};

// Reads every byte of every tensor.
void use_tensors(const std::string& path) {
  const SafeTensors file = SafeTensors::open(path);
  for (const std::string& name : file.names()) {
    const Tensor tensor = file.at(name);
    if (tensor.sizes().vec() != file.shape(name)) throw std::logic_error("a shape that is not the tensor's");
    const auto* bytes = static_cast<const unsigned char*>(tensor.data_ptr());
    volatile unsigned sum = 0;
    for (std::size_t i = 0; i < tensor.nbytes(); ++i) sum = sum + bytes[i];
  }
}

std::string with_header(const std::string& header, const std::string& data) {
  std::uint64_t size = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes + header + data;
}

TEST(FuzzReaders, SafetensorsAreSoundOrRefused) {
  const Scratch scratch;
  save_safetensors(scratch.path(),
                   {{"a", at::arange(6, at::kFloat).view({2, 3})},
                    {"flag", at::ones({3}, at::kBool)},
                    {"half", at::ones({2, 0, 4}, at::kHalf)},
                    {"n", at::scalar_tensor(7, at::kLong)}},
                   {{"format", "pt"}});
  std::vector<std::string> sources(8, read(scratch.path()));
  for (std::string& bytes : contents("models", "expected.safetensors")) sources.push_back(std::move(bytes));

  Mutator mutator(2);
  Tally tally;
  largest_allocation = 0;
  for (int number = 0; number < inputs(); ++number) {
    const std::string& source = sources[mutator.below(sources.size())];
    std::uint64_t size = 0;
    std::memcpy(&size, source.data(), 8);
    const std::string header = source.substr(8, size), data = source.substr(8 + size);
    std::string bytes;
    switch (mutator.below(4)) {
      case 0:
        bytes = mutator.bytes(source);
        break;
      case 1:
        bytes = with_header(mutator.bytes(header), data);
        break;
      case 2:
        bytes = with_header(mutator.tree(json::parse(header)), data);
        break;
      default:
        bytes = with_header(header, mutator.flipped(data));
    }
    scratch.write(bytes);
    feed(tally, number, [&] { use_tensors(scratch.path()); });
  }
  report("safetensors", tally);
}

// Fifty thousand brackets: what recurses over values must not recurse over these.
TEST(FuzzReaders, DeepNestingIsRefused) {
  constexpr std::size_t kDepth = 50000;
  const std::string lists = std::string(kDepth, '[') + std::string(kDepth, ']');
  std::string tables;
  for (std::size_t i = 0; i < kDepth; ++i) tables += "{\"a\":";
  tables += "1" + std::string(kDepth, '}');

  const Scratch scratch;
  for (const std::string& nested : {lists, tables}) {
    for (const std::string& header :
         {"{\"a\":" + nested + "}", "{\"__metadata__\":{\"a\":" + nested + "}}",
          "{\"a\":{\"dtype\":" + nested + ",\"shape\":[],\"data_offsets\":[0,0]}}",
          "{\"a\":{\"dtype\":\"F32\",\"shape\":" + nested + ",\"data_offsets\":[0,0]}}",
          "{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":" + nested + "}}"}) {
      scratch.write(with_header(header, ""));
      EXPECT_THROW(SafeTensors::open(scratch.path()), Error) << header.substr(0, 60);
    }
    EXPECT_THROW(Tokenizer::from_json(nested), Error);
    for (const char* section :
         {"normalizer", "pre_tokenizer", "post_processor", "decoder", "added_tokens", "model"}) {
      const std::string text =
          "{\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"a\",\"vocab\":{\"a\":0}},\"" +
          std::string(section) + "\":" + nested + "}";
      EXPECT_THROW(Tokenizer::from_json(text), Error) << section;
    }
  }
}

}  // namespace
}  // namespace w2s
