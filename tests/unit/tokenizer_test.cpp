// Tokenizers: each kind of part, hostile input, bytes, training.
#include <gtest/gtest.h>
#include <w2s/error.hpp>
#include <w2s/tokenizer.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "../support/fixtures.hpp"
#include "text/byte_alphabet.hpp"
#include "text/utf8.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Ids = Tokenizer::Ids;

const std::vector<std::string> kCorpus = {
    "the cat sat on the mat, and the other cat ate the rat.",
    "They're there, aren't they? It's the 3rd time in 2023 that the weather is better than the others.",
    "naïve café 北京 — мир 🙂\n\n\tlower lowest newer newest wider widest",
};

std::shared_ptr<const Tokenizer> small_bpe() {
  static const auto tokenizer = train_bpe(kCorpus, {400, {"<|endoftext|>", "<pad>"}, 2});
  return tokenizer;
}

std::string random_bytes(std::mt19937& random, std::size_t most) {
  std::string bytes(random() % (most + 1), '\0');
  for (char& b : bytes) b = static_cast<char>(random());
  return bytes;
}

std::string random_text(std::mt19937& random, std::size_t most) {
  static const std::vector<std::string> pieces = {" ",  "  ", "\n",  "\r\n", "\t",      "a",     "the", "T",
                                                  "'s", "'S", "'re", "é",    "北",      "½",     "12",  "3",
                                                  "!",  "..", "'",   "🙂", "e\u0301", "\u00a0"};
  std::string text;
  for (std::size_t n = random() % (most + 1); n > 0; --n) text += pieces[random() % pieces.size()];
  return text;
}

json byte_level(bool prefix, bool regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", prefix}, {"trim_offsets", true}, {"use_regex", regex}};
}

// A vocabulary of these tokens, in order.
json vocabulary(const std::vector<std::string>& tokens) {
  json vocab = json::object();
  for (std::size_t i = 0; i < tokens.size(); ++i) vocab[tokens[i]] = i;
  return vocab;
}

json with_model(json model, json changes = json::object()) {
  json file = {{"version", "1.0"}, {"model", std::move(model)}};
  file.update(changes);
  return file;
}

std::shared_ptr<const Tokenizer> load(const json& file) {
  return Tokenizer::from_json(file.dump(), "t.json");
}

std::vector<std::string> tokens(const Tokenizer& tokenizer, const std::string& text, bool special = false) {
  std::vector<std::string> tokens;
  for (const std::int32_t id : tokenizer.encode(text, special))
    tokens.push_back(tokenizer.id_to_token(id).value());
  return tokens;
}

std::string message_of(const json& file) {
  try {
    load(file);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

using Strings = std::vector<std::string>;

TEST(Tokenizer, ByteLevelBpeRoundTripsArbitraryBytes) {
  const auto tokenizer = small_bpe();
  ASSERT_TRUE(tokenizer->encodes_bytes());
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    const std::string bytes = random_bytes(random, 80);
    EXPECT_EQ(tokenizer->decode_bytes(tokenizer->encode_bytes(bytes)), bytes);
  }
}

TEST(Tokenizer, BytesThatAreTextEncodeAsText) {
  std::mt19937 random(2);
  for (int i = 0; i < 500; ++i) {
    const std::string text = random_text(random, 40);
    EXPECT_EQ(small_bpe()->encode_bytes(text), small_bpe()->encode(text));
    EXPECT_EQ(small_bpe()->decode(small_bpe()->encode(text)), text);
  }
}

TEST(Tokenizer, BytesNeverBecomeSpecialTokens) {
  const auto tokenizer = small_bpe();
  EXPECT_EQ(tokenizer->encode("<pad>"), (Ids{1}));
  const Ids bytes = tokenizer->encode_bytes("<pad>");
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), 1), 0);
  EXPECT_EQ(tokenizer->decode_bytes(bytes), "<pad>");
}

TEST(Tokenizer, InvalidUtf8IsReadAsReplacementCharacters) {
  const auto tokenizer = small_bpe();
  EXPECT_EQ(tokenizer->encode("a\xFF"
                              "b"),
            tokenizer->encode("a\uFFFD"
                              "b"));
  EXPECT_EQ(tokenizer->encode("\xF0\x9F\x99"), tokenizer->encode("\uFFFD"));              // one cut character
  EXPECT_EQ(tokenizer->encode("\xED\xA0\x80"), tokenizer->encode("\uFFFD\uFFFD\uFFFD"));  // a surrogate
  std::mt19937 random(3);
  for (int i = 0; i < 500; ++i) {
    const std::string bytes = random_bytes(random, 60);
    EXPECT_EQ(tokenizer->encode(bytes), tokenizer->encode(text::utf8_lossy(bytes)));
  }
}

TEST(Tokenizer, TokenizersWithoutAllBytesRefuseBytes) {
  const auto tokenizer = load(with_model({{"type", "WordLevel"}, {"vocab", vocabulary({"<unk>"})}}));
  EXPECT_FALSE(tokenizer->encodes_bytes());
  EXPECT_THROW(tokenizer->encode_bytes("a"), Error);
}

// Merging by definition: the lowest rank first, leftmost first.
Ids merge_by_definition(const json& model, const std::string& word) {
  std::vector<std::string> symbols;
  for (const char b : word) symbols.push_back(text::bytes_to_characters(std::string(1, b)));
  for (;;) {
    std::size_t best = model["merges"].size(), at = 0;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      for (std::size_t rank = 0; rank < best; ++rank) {
        if (model["merges"][rank][0] == symbols[i] && model["merges"][rank][1] == symbols[i + 1])
          best = rank, at = i;
      }
    }
    if (best == model["merges"].size()) break;
    symbols[at] += symbols[at + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  Ids ids;
  for (const std::string& symbol : symbols) ids.push_back(model["vocab"][symbol]);
  return ids;
}

TEST(Tokenizer, BpeMergesByRankThenPositionInShortAndLongWords) {
  const json model = json::parse(small_bpe()->json())["model"];
  std::mt19937 random(4);
  for (int i = 0; i < 150; ++i) {
    std::string word;
    for (std::size_t n = 1 + random() % 70; n > 0; --n) word += "theatrsowlni"[random() % 12];
    EXPECT_EQ(small_bpe()->encode(word), merge_by_definition(model, word)) << word;
  }
}

json letters_bpe(json changes = json::object()) {
  json model = {{"type", "BPE"},
                {"unk_token", "<unk>"},
                {"vocab", vocabulary({"<unk>", "a", "b", "c", "ab", "abc", "<0xC3>", "<0xA9>", "##b", "a</w>",
                                      "ab</w>", "b</w>"})},
                {"merges", json::parse(R"([["a", "b"], ["ab", "c"]])")}};
  model.update(changes);
  return model;
}

TEST(Tokenizer, BpeFusesUnknownCharactersOnlyWhenTold) {
  EXPECT_EQ(load(with_model(letters_bpe()))->encode("axyab"), (Ids{1, 0, 0, 4}));
  EXPECT_EQ(load(with_model(letters_bpe({{"fuse_unk", true}})))->encode("axyab"), (Ids{1, 0, 4}));
}

TEST(Tokenizer, BpeFallsBackToBytesWhereItHasAllOfACharacter) {
  const auto tokenizer =
      load(with_model(letters_bpe({{"byte_fallback", true}}), {{"decoder", {{"type", "ByteFallback"}}}}));
  EXPECT_EQ(tokenizer->encode("aéè"), (Ids{1, 6, 7, 0}));
  EXPECT_EQ(tokenizer->decode({1, 6, 7}), "aé");
  EXPECT_EQ(tokenizer->decode({1, 6, 1}),
            "a\uFFFD"
            "a");
}

TEST(Tokenizer, BpeMergesWrittenAsStringsAreTheSame) {
  EXPECT_EQ(load(with_model(letters_bpe({{"merges", {"#version: 0.2", "a b", "ab c"}}})))->encode("abcab"),
            (Ids{5, 4}));
}

TEST(Tokenizer, BpeIgnoresMergesForWholeTokensWhenTold) {
  const json merges = json::parse(R"([["a", "b"]])");
  EXPECT_EQ(load(with_model(letters_bpe({{"merges", merges}})))->encode("abc"), (Ids{4, 3}));
  EXPECT_EQ(load(with_model(letters_bpe({{"merges", merges}, {"ignore_merges", true}})))->encode("abc"),
            (Ids{5}));
}

TEST(Tokenizer, BpeMarksPartsOfWords) {
  EXPECT_EQ(load(with_model(letters_bpe(
                     {{"continuing_subword_prefix", "##"}, {"merges", json::parse(R"([["a", "##b"]])")}})))
                ->encode("ab"),
            (Ids{4}));
  const auto tokenizer = load(with_model(
      letters_bpe({{"end_of_word_suffix", "</w>"}, {"merges", json::parse(R"([["a", "b</w>"]])")}}),
      {{"decoder", {{"type", "BPEDecoder"}, {"suffix", "</w>"}}}}));
  EXPECT_EQ(tokenizer->encode("ab"), (Ids{10}));
  EXPECT_EQ(tokenizer->decode({10, 9}), "ab a");
}

TEST(Tokenizer, WordPieceTakesTheLongestTokenFirst) {
  const json model = {{"type", "WordPiece"},
                      {"unk_token", "[UNK]"},
                      {"continuing_subword_prefix", "##"},
                      {"max_input_chars_per_word", 10},
                      {"vocab", vocabulary({"[UNK]", "un", "##aff", "##able", "##a", "want", "##ed", "é"})}};
  const auto tokenizer =
      load(with_model(model, {{"pre_tokenizer", {{"type", "WhitespaceSplit"}}},
                              {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}}}));
  EXPECT_EQ(tokens(*tokenizer, "unaffable wanted unwanted é"),
            (Strings{"un", "##aff", "##able", "want", "##ed", "[UNK]", "é"}));
  EXPECT_EQ(tokens(*tokenizer, "unaffableunaffable"), (Strings{"[UNK]"}));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("unaffable wanted")), "unaffable wanted");
}

TEST(Tokenizer, UnigramFindsTheMostProbablePath) {
  const json model = {
      {"type", "Unigram"},
      {"unk_id", 0},
      {"vocab", json::parse(R"([["<unk>", 0], ["a", 0], ["b", 0], ["c", 0], ["d", 0], ["cd", 1], ["ab", 2],
                                              ["abc", 5], ["abcd", 10.0]])")}};
  const auto tokenizer = load(with_model(model));
  EXPECT_EQ(tokenizer->encode("abcd"), (Ids{8}));
  EXPECT_EQ(tokenizer->encode("abcdacdxxb"),
            (Ids{8, 1, 5, 0, 2}));  // neighbours that are unknown are one token
}

TEST(Tokenizer, WordLevelKnowsWholeWords) {
  const json model = {
      {"type", "WordLevel"}, {"unk_token", "<unk>"}, {"vocab", vocabulary({"<unk>", "the", "cat"})}};
  EXPECT_EQ(
      load(with_model(model, {{"pre_tokenizer", {{"type", "Whitespace"}}}}))->encode("the cat, the dog"),
      (Ids{1, 2, 0, 1, 0}));
  json without = model;
  without["unk_token"] = "<none>";
  EXPECT_THROW(load(with_model(without))->encode("dog"), Error);
}

// Pieces that a pre-tokenizer makes, each as one token.
Strings pieces(const json& pretokenizer, const std::string& text, const Strings& words) {
  Strings vocab = words;
  vocab.push_back("<unk>");
  return tokens(
      *load(with_model({{"type", "WordLevel"}, {"unk_token", "<unk>"}, {"vocab", vocabulary(vocab)}},
                       {{"pre_tokenizer", pretokenizer}})),
      text);
}

TEST(Tokenizer, SplitsTreatDelimitersAsTold) {
  const std::map<std::string, Strings> expected = {
      {"Removed", {"the", "final", "countdown"}},
      {"Isolated", {"the", "-", "final", "-", "-", "countdown"}},
      {"MergedWithPrevious", {"the-", "final-", "-", "countdown"}},
      {"MergedWithNext", {"the", "-final", "-", "-countdown"}},
      {"Contiguous", {"the", "-", "final", "--", "countdown"}},
  };
  for (const auto& [behavior, parts] : expected) {
    for (const json& pattern : {json{{"String", "-"}}, json{{"Regex", "\\p{Pd}"}}}) {
      const json split = {{"type", "Split"}, {"pattern", pattern}, {"behavior", behavior}, {"invert", false}};
      EXPECT_EQ(pieces(split, "the-final--countdown", parts), parts) << behavior;
    }
  }
}

TEST(Tokenizer, MetaspaceMarksTheStartsOfWords) {
  const auto metaspace = [](json changes) {
    json field = {{"type", "Metaspace"}, {"replacement", "▁"}};
    field.update(changes);
    return field;
  };
  const Strings words = {"▁Hey", "▁friend", "▁", "Hey", "▁Hey▁friend"};
  EXPECT_EQ(pieces(metaspace({{"prepend_scheme", "always"}}), "Hey  friend", words),
            (Strings{"▁Hey", "▁", "▁friend"}));
  EXPECT_EQ(pieces(metaspace({{"prepend_scheme", "never"}}), "Hey friend", words),
            (Strings{"Hey", "▁friend"}));
  EXPECT_EQ(pieces(metaspace({{"add_prefix_space", true}}), "Hey friend", words),
            (Strings{"▁Hey", "▁friend"}));
  EXPECT_EQ(pieces(metaspace({{"prepend_scheme", "first"}, {"split", false}}), "Hey friend", words),
            (Strings{"▁Hey▁friend"}));
}

TEST(Tokenizer, DigitsAndPunctuationStandAlone) {
  EXPECT_EQ(pieces({{"type", "Digits"}, {"individual_digits", true}}, "a12", {"a", "1", "2"}),
            (Strings{"a", "1", "2"}));
  EXPECT_EQ(pieces({{"type", "Digits"}, {"individual_digits", false}}, "a12b", {"a", "12", "b"}),
            (Strings{"a", "12", "b"}));
  EXPECT_EQ(pieces({{"type", "Punctuation"}}, "a,。b", {"a", ",", "。", "b"}),
            (Strings{"a", ",", "。", "b"}));
  EXPECT_EQ(pieces({{"type", "BertPreTokenizer"}}, "don't \u3000go", {"don", "'", "t", "go"}),
            (Strings{"don", "'", "t", "go"}));
}

// The text that a normalizer makes of another.
std::string normalized(const json& normalizer, const std::string& text) {
  json file = json::parse(small_bpe()->json());
  file["normalizer"] = normalizer;
  file["added_tokens"] = json::array();
  const auto tokenizer = load(file);
  return tokenizer->decode(tokenizer->encode(text));
}

TEST(Tokenizer, NormalizersRewriteText) {
  EXPECT_EQ(normalized({{"type", "NFC"}}, "e\u0301"), "é");
  EXPECT_EQ(normalized({{"type", "NFD"}}, "é"), "e\u0301");
  EXPECT_EQ(normalized({{"type", "NFKC"}}, "ﬁ Ⅷ ½"), "fi VIII 1\u20442");
  EXPECT_EQ(normalized({{"type", "Lowercase"}}, "ÀΣİ"), "àσi\u0307");
  EXPECT_EQ(normalized({{"type", "StripAccents"}}, "e\u0301é"), "eé");
  EXPECT_EQ(normalized({{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}}, " \u3000a b\n"),
            "a b");
  EXPECT_EQ(normalized({{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}}, " \n "), "");
  EXPECT_EQ(normalized({{"type", "Prepend"}, {"prepend", "_"}}, "ab"), "_ab");
  EXPECT_EQ(normalized({{"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", "$1"}}, "a   b"),
            "a$1b");
  EXPECT_EQ(normalized({{"type", "Nmt"}}, "a\u200b\tb\u0007"), "a  b");
  EXPECT_EQ(normalized({{"type", "BertNormalizer"}}, "Caf\u00e9\t\u5317x\u00ad"), "cafe  \u5317 x");
  EXPECT_EQ(
      normalized({{"type", "Sequence"},
                  {"normalizers", {{{"type", "NFD"}}, {{"type", "StripAccents"}}, {{"type", "Lowercase"}}}}},
                 "ÀÉ"),
      "ae");
}

std::string base64(const std::string& bytes) {
  static const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k)
      word = word << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k <= bytes.size() ? kDigits[word >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

TEST(Tokenizer, PrecompiledMapsReplaceGraphemeClusters) {
  // A double array by hand. Keys: "A" → "a", "\r\n" → "\n". The root's base is 0x80.
  std::vector<std::uint32_t> units(256);
  const auto unit = [&](std::uint32_t at, std::uint32_t label, bool leaf, std::uint32_t base) {
    units[at] = label | (leaf ? 1u << 8 : 0u) | (at ^ base) << 10;
  };
  unit(0, 0, false, 0x80);
  unit(0x80 ^ 'A', 'A', true, 0x10);
  units[0x10] = 0u | 1u << 31;
  unit(0x80 ^ '\r', '\r', false, 0x30);
  unit(0x30 ^ '\n', '\n', true, 0x40);
  units[0x40] = 2u | 1u << 31;
  std::string map = {0, 4, 0, 0};
  for (const std::uint32_t u : units) {
    for (int shift = 0; shift < 32; shift += 8) map += static_cast<char>(u >> shift);
  }
  map += std::string("a\0\n\0", 4);
  const json precompiled = {{"type", "Precompiled"}, {"precompiled_charsmap", base64(map)}};
  EXPECT_EQ(normalized(precompiled, "ABA\r\n\n\rA"), "aBa\n\n\ra");
  EXPECT_EQ(normalized(precompiled, "A\u0301é"), "aé");  // the key "A" stands for the whole cluster
}

TEST(Tokenizer, BrokenPrecompiledMapsAreRefused) {
  for (const std::string& map : {std::string("!!!!"), std::string("AAAA"), base64({4, 0, 0, 0, 1, 2}),
                                 base64({0, 1, 0, 0, 1, 2, 3, 4}), std::string("====")}) {
    const json file = with_model({{"type", "WordLevel"}, {"vocab", vocabulary({"<unk>"})}},
                                 {{"normalizer", {{"type", "Precompiled"}, {"precompiled_charsmap", map}}}});
    EXPECT_NE(message_of(file).find("normalizer.precompiled_charsmap"), std::string::npos) << map;
  }
}

json added(std::int32_t id, const std::string& content, json changes = json::object()) {
  json token = {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
                {"rstrip", false}, {"normalized", false}, {"special", true}};
  token.update(changes);
  return token;
}

Strings with_added(const std::vector<json>& added_tokens, const std::string& text,
                   const json& normalizer = nullptr) {
  json file = json::parse(train_bpe(Strings{}, {256, {}, 2})->json());
  file["added_tokens"] = added_tokens;
  file["normalizer"] = normalizer;
  return tokens(*load(file), text);
}

TEST(Tokenizer, AddedTokensTakeWhiteSpaceAsTold) {
  EXPECT_EQ(with_added({added(256, "<m>")}, "a <m> b"), (Strings{"a", "Ġ", "<m>", "Ġ", "b"}));
  EXPECT_EQ(with_added({added(256, "<m>", {{"lstrip", true}})}, "a <m> b"), (Strings{"a", "<m>", "Ġ", "b"}));
  EXPECT_EQ(with_added({added(256, "<m>", {{"rstrip", true}})}, "a <m> \nb"),
            (Strings{"a", "Ġ", "<m>", "b"}));
  EXPECT_EQ(with_added({added(256, "<m>", {{"lstrip", true}, {"rstrip", true}})}, "<m> <m>"),
            (Strings{"<m>", "<m>"}));
}

TEST(Tokenizer, AddedTokensMatchWholeWordsAsTold) {
  const json token = added(256, "ab", {{"single_word", true}});
  EXPECT_EQ(with_added({token}, "ab-ab"), (Strings{"ab", "-", "ab"}));
  EXPECT_EQ(with_added({token}, "cab"), (Strings{"c", "a", "b"}));
  EXPECT_EQ(with_added({token}, "ab_"), (Strings{"a", "b", "_"}));
}

TEST(Tokenizer, TheLongestAddedTokenWins) {
  EXPECT_EQ(with_added({added(256, "ab"), added(257, "abc"), added(258, "b")}, "abcabb"),
            (Strings{"abc", "ab", "b"}));
}

TEST(Tokenizer, NormalizedAddedTokensMatchNormalizedText) {
  const json lower = {{"type", "Lowercase"}};
  EXPECT_EQ(with_added({added(256, "Yes", {{"normalized", true}})}, "YES", lower), (Strings{"Yes"}));
  EXPECT_EQ(with_added({added(256, "Yes", {{"normalized", false}})}, "YES", lower), (Strings{"y", "e", "s"}));
}

TEST(Tokenizer, IdsOfAddedTokensCountOnFromTheModel) {
  json file = json::parse(train_bpe(Strings{}, {256, {}, 2})->json());
  file["added_tokens"] = {added(5, "<x>"), added(9, "!"), added(1000, "<y>")};
  const auto tokenizer = load(file);
  EXPECT_EQ(tokenizer->token_to_id("<x>"), 256);
  EXPECT_EQ(tokenizer->token_to_id("!"), 0);  // the model has it
  EXPECT_EQ(tokenizer->token_to_id("<y>"), 257);
  EXPECT_EQ(tokenizer->vocab_size(), 258);
}

TEST(Tokenizer, DecodingSkipsSpecialTokensAndUnknownIds) {
  const auto tokenizer = small_bpe();
  Ids ids = tokenizer->encode("the cat");
  ids.push_back(0);
  ids.push_back(123456);
  ids.push_back(-1);
  EXPECT_EQ(tokenizer->decode(ids), "the cat");
  EXPECT_EQ(tokenizer->decode(ids, false), "the cat<|endoftext|>");
  EXPECT_TRUE(tokenizer->is_special(0));
  EXPECT_FALSE(tokenizer->is_special(2));
}

json letters_with(const json& postprocessor) {
  return with_model({{"type", "WordLevel"}, {"vocab", vocabulary({"<unk>", "a", "b"})}},
                    {{"post_processor", postprocessor}});
}

TEST(Tokenizer, PostProcessorsFrameOneTextAndTwo) {
  const json part = {{"sep", {"</s>", 8}}, {"cls", {"<s>", 7}}};
  json bert = part, roberta = part;
  bert["type"] = "BertProcessing";
  roberta["type"] = "RobertaProcessing";
  EXPECT_EQ(load(letters_with(bert))->encode("a"), (Ids{7, 1, 8}));
  EXPECT_EQ(load(letters_with(bert))->encode_pair("a", "b"), (Ids{7, 1, 8, 2, 8}));
  EXPECT_EQ(load(letters_with(roberta))->encode_pair("a", "b"), (Ids{7, 1, 8, 8, 2, 8}));
  EXPECT_EQ(load(letters_with(roberta))->encode_pair("a", "b", false), (Ids{1, 2}));
  const json special = {{"SpecialToken", {{"id", "x"}, {"type_id", 0}}}};
  const auto sequence = [](const char* name) { return json{{"Sequence", {{"id", name}, {"type_id", 0}}}}; };
  const json framed = {{"type", "TemplateProcessing"},
                       {"single", {special, sequence("A")}},
                       {"pair", {sequence("B"), special, sequence("A")}},
                       {"special_tokens", {{"x", {{"id", "x"}, {"ids", {5, 6}}, {"tokens", {"x", "x"}}}}}}};
  EXPECT_EQ(load(letters_with(framed))->encode("a"), (Ids{5, 6, 1}));
  EXPECT_EQ(load(letters_with(framed))->encode("a", false), (Ids{1}));
  EXPECT_EQ(load(letters_with(framed))->encode_pair("a", "b"), (Ids{2, 5, 6, 1}));
  EXPECT_EQ(load(letters_with({{"type", "Sequence"}, {"processors", {byte_level(true, true), framed}}}))
                ->encode("a"),
            (Ids{5, 6, 1}));
  EXPECT_EQ(load(letters_with(nullptr))->encode_pair("a", "b"), (Ids{1, 2}));
}

std::string decoded(const json& decoder, const Strings& tokens) {
  Ids ids;
  for (std::size_t i = 0; i < tokens.size(); ++i) ids.push_back(static_cast<std::int32_t>(i));
  return load(with_model({{"type", "WordLevel"}, {"vocab", vocabulary(tokens)}}, {{"decoder", decoder}}))
      ->decode(ids);
}

TEST(Tokenizer, DecodersJoinTokens) {
  EXPECT_EQ(decoded(nullptr, {"a", "b"}), "a b");
  EXPECT_EQ(decoded({{"type", "ByteLevel"}}, {"Ġa", "Ã", "x☃"}), " a\uFFFDx☃");
  EXPECT_EQ(decoded({{"type", "WordPiece"}}, {"it", "'s", "do", "##n", "."}), "it's don.");
  EXPECT_EQ(decoded({{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", false}}, {"it", "'s", "."}),
            "it 's .");
  EXPECT_EQ(decoded({{"type", "Metaspace"}, {"replacement", "▁"}}, {"▁a", "▁b"}), "a b");
  EXPECT_EQ(decoded({{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "never"}}, {"▁a", "▁b"}),
            " a b");
  const json llama = {{"type", "Sequence"},
                      {"decoders",
                       {{{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}},
                        {{"type", "ByteFallback"}},
                        {{"type", "Fuse"}},
                        {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}};
  EXPECT_EQ(decoded(llama, {"▁▁a", "<0xE5>", "<0x8C>", "<0x97>", "▁b", "<0xff>"}), " a北 b\uFFFD");
  EXPECT_EQ(decoded({{"type", "Strip"}, {"content", "x"}, {"start", 1}, {"stop", 9}}, {"xxaxx", "xx"}), "xa");
}

TEST(Tokenizer, BatchesEqualSingleTextsWhateverTheThreads) {
  std::mt19937 random(5);
  Strings texts;
  std::vector<Ids> expected;
  for (int i = 0; i < 200; ++i) {
    texts.push_back(random_text(random, 60));
    expected.push_back(small_bpe()->encode(texts.back()));
  }
  for (const int threads : {0, 1, 4}) EXPECT_EQ(small_bpe()->encode_batch(texts, true, threads), expected);
}

TEST(Tokenizer, BatchesPassErrorsOn) {
  const auto tokenizer =
      load(with_model({{"type", "WordLevel"}, {"unk_token", "?"}, {"vocab", vocabulary({"a"})}}));
  EXPECT_THROW(tokenizer->encode_batch({"a", "b", "a", "b"}, true, 3), Error);
}

TEST(Tokenizer, LongTextsAreEncodedWithoutRecursion) {
  const std::string spaces(300000, ' '), letters(300000, 'a');
  EXPECT_EQ(small_bpe()->decode(small_bpe()->encode(spaces + "x" + letters)), spaces + "x" + letters);
  json file = json::parse(small_bpe()->json());
  const json split = {{"type", "Split"},
                      {"pattern", {{"Regex", "\\s+(?!\\S)|\\s+|(?:[a-z]|\\p{N})+"}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  file["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {split, byte_level(false, false)}}};
  const auto tokenizer = load(file);
  try {
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(spaces + letters)), spaces + letters);
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("regular expression"), std::string::npos);
  }
}

TEST(Tokenizer, ErrorsNameTheFileAndTheField) {
  const json model = {{"type", "WordLevel"}, {"vocab", vocabulary({"<unk>"})}};
  EXPECT_NE(
      message_of(with_model(model, {{"pre_tokenizer",
                                     {{"type", "Sequence"}, {"pretokenizers", {{{"type", "Digit"}}}}}}}))
          .find("t.json: pre_tokenizer.pretokenizers[0]: unknown pre-tokenizer 'Digit' (did you mean "
                "'Digits'?)"),
      std::string::npos);
  EXPECT_NE(message_of(with_model(model, {{"normalizer", {{"type", "Rot13"}}}}))
                .find("t.json: normalizer: unknown normalizer 'Rot13'"),
            std::string::npos);
  EXPECT_NE(message_of(with_model(model, {{"decoder", {{"type", "Strip"}, {"content", "x"}}}}))
                .find("t.json: decoder: 'start' is missing"),
            std::string::npos);
  EXPECT_NE(
      message_of(with_model({{"type", "LSTM"}, {"vocab", 1}})).find("t.json: model: unknown model 'LSTM'"),
      std::string::npos);
  EXPECT_NE(message_of(with_model(letters_bpe({{"merges", json::parse(R"([["a", "z"]])")}})))
                .find("t.json: model.merges[0]: the token 'z' is not in the vocabulary"),
            std::string::npos);
  EXPECT_NE(message_of(with_model(letters_bpe({{"merges", {"a b c"}}}))).find("t.json: model.merges[0]"),
            std::string::npos);
  EXPECT_NE(message_of(with_model(letters_bpe({{"dropout", 0.1}}))).find("t.json: model.dropout"),
            std::string::npos);
  EXPECT_NE(message_of(with_model({{"type", "WordLevel"}, {"vocab", {{"a", -1}}}})).find("'a'"),
            std::string::npos);
  EXPECT_NE(message_of(with_model({{"type", "WordLevel"}, {"vocab", {{"a", 4294967296}}}})).find("'a'"),
            std::string::npos);
  EXPECT_NE(
      message_of(
          with_model(model, {{"pre_tokenizer",
                              {{"type", "Split"}, {"pattern", {{"Regex", "(a"}}}, {"behavior", "Removed"}}}}))
          .find("t.json: pre_tokenizer.pattern.Regex"),
      std::string::npos);
  EXPECT_NE(message_of(json::array()).find("t.json: expected an object"), std::string::npos);
  EXPECT_THROW(Tokenizer::from_json("{\"model\": ", "t.json"), UsageError);
  EXPECT_THROW(Tokenizer::from_file("/nonexistent/tokenizer.json"), Error);
}

TEST(Tokenizer, DeepNestingIsRefused) {
  json normalizer = {{"type", "NFC"}};
  for (int i = 0; i < 100; ++i) normalizer = {{"type", "Sequence"}, {"normalizers", {normalizer}}};
  EXPECT_NE(message_of(with_model({{"type", "WordLevel"}, {"vocab", vocabulary({"a"})}},
                                  {{"normalizer", normalizer}}))
                .find("nested too deeply"),
            std::string::npos);
  EXPECT_THROW(Tokenizer::from_json(std::string(200000, '['), "t.json"), UsageError);
  EXPECT_THROW(Tokenizer::from_json(std::string(200000, '[') + std::string(200000, ']'), "t.json"),
               UsageError);
}

TEST(Tokenizer, MergesInACircleEnd) {
  json model = letters_bpe();
  model["vocab"]["aa"] = 1;  // two names of one id
  model["merges"] = json::parse(R"([["a", "a"], ["aa", "a"]])");
  model["vocab"]["aaa"] = 1;
  EXPECT_EQ(load(with_model(model))->encode(std::string(100, 'a')), (Ids{1}));
}

TEST(Tokenizer, MutatedFilesGiveErrorsOrTokenizersButNeverCrash) {
  Strings files = {small_bpe()->json(), with_model(letters_bpe({{"byte_fallback", true}})).dump()};
  for (const fs::path& folder : fixtures("tokenizers", "tokenizer.json")) {
    std::ifstream file(folder / "tokenizer.json");
    files.push_back(json::parse(file).dump());
  }
  std::mt19937 random(6);
  int loaded = 0, refused = 0;
  for (int i = 0; i < 600; ++i) {
    std::string text = files[static_cast<std::size_t>(i) % files.size()];
    // Half of the changes go to the ends of the file, where the small fields are.
    for (std::size_t n = 1 + random() % 4; n > 0; --n) {
      const std::size_t reach = random() % 2 ? text.size() : std::min<std::size_t>(text.size(), 1500);
      const std::size_t at = random() % reach;
      switch (random() % 5) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text[at] = "0123456789-\"[]{},:.eE\\"[random() % 22];
          break;
        case 2:
          text.erase(at, 1 + random() % 6);
          break;
        case 3:
          text.insert(at, text.substr(random() % text.size(), random() % 12));
          break;
        default:
          text.insert(at, 1, static_cast<char>('0' + random() % 10));
      }
    }
    try {
      const auto tokenizer = Tokenizer::from_json(text, "mutant");
      ++loaded;
      const std::string input = random_text(random, 30) + random_bytes(random, 10);
      tokenizer->decode(tokenizer->encode(input), false);
      tokenizer->encode_pair(input, "b");
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(loaded, 0);
  EXPECT_GT(refused, 0);
}

TEST(Tokenizer, SavesAndLoads) {
  const fs::path path =
      fs::temp_directory_path() / ("w2s-tokenizer-" + std::to_string(std::random_device()()) + ".json");
  small_bpe()->save(path.string());
  const auto again = Tokenizer::from_file(path.string());
  fs::remove(path);
  EXPECT_EQ(again->json(), small_bpe()->json());
  EXPECT_EQ(again->encode(kCorpus[2]), small_bpe()->encode(kCorpus[2]));
}

class TokenizerFolder : public ::testing::Test {
 protected:
  TokenizerFolder()
      : folder_(fs::temp_directory_path() / ("w2s-tokenizer-" + std::to_string(std::random_device()()))) {
    fs::create_directories(folder_);
  }
  ~TokenizerFolder() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  fs::path folder_;
};

TEST_F(TokenizerFolder, ReadsVocabularyAndMerges) {
  const json model = json::parse(small_bpe()->json())["model"];
  std::string merges = "#version: 0.2\n";
  for (const auto& merge : model["merges"])
    merges += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\n";
  for (const auto& names : {std::pair("vocab.json", "merges.txt"), std::pair("encoder.json", "vocab.bpe")}) {
    write(names.first, model["vocab"].dump());
    write(names.second, merges);
    const auto tokenizer = Tokenizer::from_folder(folder_.string());
    EXPECT_EQ(tokenizer->encode(kCorpus[1] + "<|endoftext|>"),
              small_bpe()->encode(kCorpus[1] + "<|endoftext|>"));
    EXPECT_EQ(tokenizer->special_id(TokenRole::eos), 0);
    fs::remove(folder_ / names.first);
  }
}

TEST_F(TokenizerFolder, NamesTheLineOfABadMerge) {
  write("vocab.json", "{\"a\": 0}");
  write("merges.txt", "#version: 0.2\na\n");
  try {
    Tokenizer::from_folder(folder_.string());
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("merges.txt:2: "), std::string::npos) << error.what();
  }
}

TEST_F(TokenizerFolder, SaysWhatItLookedFor) {
  try {
    Tokenizer::from_folder(folder_.string());
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("expected tokenizer.json"), std::string::npos);
  }
}

TEST_F(TokenizerFolder, TakesRolesFromTheConfiguration) {
  write("tokenizer.json", small_bpe()->json());
  EXPECT_EQ(Tokenizer::from_folder(folder_.string())->special_id(TokenRole::pad), 1);
  EXPECT_EQ(Tokenizer::from_folder(folder_.string())->special_id(TokenRole::mask), std::nullopt);
  write("tokenizer_config.json",
        R"({"pad_token": {"content": "<|endoftext|>"}, "mask_token": "<pad>", "bos_token": null})");
  EXPECT_EQ(Tokenizer::from_folder(folder_.string())->special_id(TokenRole::pad), 0);
  EXPECT_EQ(Tokenizer::from_folder(folder_.string())->special_id(TokenRole::mask), 1);
}

TEST(TrainBpe, GivesSpecialsTheFirstIdsAndBytesTheNext) {
  const auto tokenizer = small_bpe();
  EXPECT_EQ(tokenizer->token_to_id("<|endoftext|>"), 0);
  EXPECT_EQ(tokenizer->token_to_id("<pad>"), 1);
  EXPECT_EQ(tokenizer->token_to_id("!"), 2);
  EXPECT_EQ(tokenizer->token_to_id("Ġ"), 2 + 220);
  EXPECT_EQ(tokenizer->id_to_token(257), "Ń");
}

// Recounts every pair before every merge.
json train_by_definition(const Strings& words, std::size_t vocab_size, int min_frequency) {
  std::map<std::string, int> ids;
  std::vector<std::vector<std::string>> spelled;
  std::map<char32_t, int> sorted;
  for (const char32_t c : text::byte_characters()) sorted[c] = 0;
  for (const auto& [c, unused] : sorted) {
    std::string token;
    text::append_char(token, c);
    ids.emplace(token, static_cast<int>(ids.size()));
  }
  for (const std::string& word : words) {
    spelled.emplace_back();
    for (const char b : word) spelled.back().push_back(text::bytes_to_characters(std::string(1, b)));
  }
  json merges = json::array();
  while (ids.size() < vocab_size) {
    std::map<std::pair<int, int>, std::pair<int, std::pair<std::string, std::string>>> counts;
    for (const auto& word : spelled) {
      for (std::size_t i = 0; i + 1 < word.size(); ++i) {
        auto& entry = counts[{ids.at(word[i]), ids.at(word[i + 1])}];
        ++entry.first;
        entry.second = {word[i], word[i + 1]};
      }
    }
    int most = 0;
    std::pair<std::string, std::string> best;
    for (const auto& [pair, entry] : counts) {
      if (entry.first > most) most = entry.first, best = entry.second;
    }
    if (most < std::max(1, min_frequency)) break;
    merges.push_back({best.first, best.second});
    ids.emplace(best.first + best.second, static_cast<int>(ids.size()));
    for (auto& word : spelled) {
      for (std::size_t i = 0; i + 1 < word.size(); ++i) {
        if (word[i] != best.first || word[i + 1] != best.second) continue;
        word[i] += word[i + 1];
        word.erase(word.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
    }
  }
  return merges;
}

TEST(TrainBpe, EqualsTheDefinition) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    Strings words;
    for (int i = 0; i < 60; ++i) {
      std::string word;
      for (std::size_t n = 1 + random() % 9; n > 0; --n) word += "aabcd"[random() % 5];
      words.push_back(word);
    }
    const auto tokenizer = train_bpe(words, {310, {}, 2});
    EXPECT_EQ(json::parse(tokenizer->json())["model"]["merges"], train_by_definition(words, 310, 2));
  }
}

TEST(TrainBpe, DependsOnCountsAlone) {
  Strings backwards(kCorpus.rbegin(), kCorpus.rend());
  EXPECT_EQ(train_bpe(backwards, {400, {"<|endoftext|>", "<pad>"}, 2})->json(), small_bpe()->json());
}

TEST(TrainBpe, LeavesRarePairsAlone) {
  EXPECT_EQ(train_bpe(Strings{"ab ab cd"}, {1000, {}, 3})->vocab_size(), 256);
  EXPECT_EQ(train_bpe(Strings{"ab ab ab cd"}, {1000, {}, 3})->token_to_id("ab"), 256);
}

TEST(TrainBpe, ReadsTextsFromAFunction) {
  std::size_t i = 0;
  const auto next = [&](std::string& text) {
    if (i == kCorpus.size()) return false;
    text = kCorpus[i++];
    return true;
  };
  EXPECT_EQ(train_bpe(next, {400, {"<|endoftext|>", "<pad>"}, 2})->json(), small_bpe()->json());
}

TEST(TrainBpe, RefusesAVocabularyThatIsTooSmall) {
  EXPECT_THROW(train_bpe(Strings{"a"}, {256, {"<s>"}, 2}), UsageError);
  EXPECT_THROW(train_bpe(Strings{"a"}, {300, {""}, 2}), UsageError);
}

// GPT-2's own vocabulary, where W2S_GPT2_VOCAB names its folder.
class Gpt2Vocabulary : public ::testing::TestWithParam<std::string> {
 protected:
  const std::shared_ptr<const Tokenizer> tokenizer_ = Tokenizer::from_folder(GetParam());
};

Strings gpt2_folders() {
  const char* folder = std::getenv("W2S_GPT2_VOCAB");
  return folder != nullptr ? Strings{folder} : Strings{};
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Gpt2Vocabulary);
INSTANTIATE_TEST_SUITE_P(Given, Gpt2Vocabulary, testing::ValuesIn(gpt2_folders()));

TEST_P(Gpt2Vocabulary, EncodesAsGpt2) {
  EXPECT_EQ(tokenizer_->vocab_size(), 50257);
  EXPECT_EQ(tokenizer_->encode("Hello world"), (Ids{15496, 995}));
  EXPECT_EQ(tokenizer_->encode("Hello, world!"), (Ids{15496, 11, 995, 0}));
  EXPECT_EQ(tokenizer_->encode("<|endoftext|>"), (Ids{50256}));
  EXPECT_EQ(tokenizer_->special_id(TokenRole::eos), 50256);
}

TEST_P(Gpt2Vocabulary, RoundTripsArbitraryBytes) {
  std::mt19937 random(8);
  for (int i = 0; i < 1000; ++i) {
    const std::string bytes = i % 2 ? random_bytes(random, 200) : random_text(random, 60);
    EXPECT_EQ(tokenizer_->decode_bytes(tokenizer_->encode_bytes(bytes)), bytes);
  }
}

}  // namespace
}  // namespace w2s
