// Splitting by regular expressions: ICU's matches mean what Oniguruma's do, and the fast scanners equal them.
#include <gtest/gtest.h>
#include <w2s/error.hpp>

#include <random>

#include "text/regex.hpp"
#include "text/utf8.hpp"
#include "text/word_scanner.hpp"

namespace w2s::text {
namespace {

using Strings = std::vector<std::string>;

Strings cut(std::string_view text, const std::vector<Range>& ranges) {
  Strings pieces;
  for (const Range& range : ranges) pieces.emplace_back(text.substr(range.begin, range.end - range.begin));
  return pieces;
}
Strings matches(std::string_view pattern, std::string_view text) {
  return cut(text, Regex(pattern).find_all(text));
}
Strings words(WordPattern pattern, std::string_view text) {
  std::vector<Range> ranges;
  scan_words(pattern, text, ranges);
  return cut(text, ranges);
}

TEST(WordScanner, SplitsAsGpt2Does) {
  EXPECT_EQ(words(WordPattern::gpt2, "Hello  world, it's 'S 12a\n\n x "),
            (Strings{"Hello", " ", " world", ",", " it", "'s", " '", "S", " 12", "a", "\n\n", " x", " "}));
  EXPECT_EQ(words(WordPattern::gpt2, ""), Strings{});
}

TEST(WordScanner, SplitsAsLlama3AndQwen2Do) {
  EXPECT_EQ(words(WordPattern::llama3, "It'S 12345 (ok).\n\n  \n a\u00a0b"),
            (Strings{"It", "'S", " ", "123", "45", " (", "ok", ").\n\n", "  \n", " a", "\u00a0b"}));
  EXPECT_EQ(words(WordPattern::qwen2, "x 12!"), (Strings{"x", " ", "1", "2", "!"}));
}

TEST(WordScanner, EqualsTheRegularExpressionOnRandomText) {
  const Strings parts = {" ",      "  ",     "\n",      "\r\n",   "\r", "\t", "\v",   "\u0085",
                         "\u00a0", "\u3000", "\u2028",  "\u200b", "a",  "Zé", "北京", "e\u0301",
                         "\u0301", "1",      "22",      "½",      "Ⅷ",  "٣",  "'",    "'s",
                         "'S",     "'ſ",     "'ll",     "'Re",    "'v", "'T", "!",    "..",
                         "$",      "🙂",   "\u0000x", "_",      "’"};
  std::mt19937 random(1);
  const std::pair<WordPattern, std::string_view> patterns[] = {{WordPattern::gpt2, kGpt2Regex},
                                                               {WordPattern::llama3, kLlama3Regex},
                                                               {WordPattern::qwen2, kQwen2Regex}};
  for (const auto& [pattern, source] : patterns) {
    ASSERT_EQ(known_pattern(source), pattern);
    const Regex regex(source);
    for (int i = 0; i < 3000; ++i) {
      std::string text;
      for (std::size_t n = random() % 25; n > 0; --n) {
        if (random() % 8 == 0) {
          const char32_t c = random() % 0x20000;
          append_char(text, c >= 0xD800 && c < 0xE000 ? U'a' : c);
        } else {
          text += parts[random() % parts.size()];
        }
      }
      ASSERT_EQ(words(pattern, text), cut(text, regex.find_all(text))) << text;
    }
  }
}

TEST(Regex, ClassesMeanWhatOnigurumaMeans) {
  EXPECT_EQ(matches("\\s", "a\v\u0085\u2028\u200b").size(), 3u);
  EXPECT_EQ(matches("\\w+", "é_²Ⅷ٣-"), (Strings{"é_²Ⅷ٣"}));
  EXPECT_EQ(matches("[^\\w]", "a²-"), (Strings{"²", "-"}));
  EXPECT_EQ(matches("\\h+", "xBEEFg\t"), (Strings{"BEEF"}));
  EXPECT_EQ(matches("[[:punct:]]+", "a$,b€"), (Strings{"$,", "€"}));
  EXPECT_EQ(matches("\\p{Punct}+", "a$,b"), (Strings{","}));
  EXPECT_EQ(matches("\\p{^L}+", "a1 b"), (Strings{"1 "}));
  EXPECT_EQ(matches("(?i:'s)", "'ſ'S"), (Strings{"'ſ", "'S"}));
}

TEST(Regex, AnIntervalWithPlusRepeatsAndIsNotPossessive) {
  EXPECT_EQ(matches("\\p{N}{1,3}+", "1234567"), (Strings{"1234567"}));
  EXPECT_EQ(matches("(?:ab){1}+", "ababab"), (Strings{"ababab"}));
  EXPECT_EQ(matches("[a-c]{2}+c", "abccc"), (Strings{"abccc"}));
  EXPECT_EQ(matches("\\p{L}++\\p{L}", "abc"), Strings{});
}

TEST(Regex, BracesThatAreNoIntervalAreLiteral) {
  EXPECT_EQ(matches("{|}", "a{b}"), (Strings{"{", "}"}));
  EXPECT_EQ(matches("x{,2}", "xxx"), (Strings{"xx", "x"}));
  EXPECT_EQ(matches("[{}]]", "{]"), (Strings{"{]"}));
}

TEST(Regex, LinesEndAtNewlinesAlone) {
  EXPECT_EQ(matches("^.", "a\nb\rc"), (Strings{"a", "b"}));
  EXPECT_EQ(matches("(?m:a.b)", "a\nb"), (Strings{"a\nb"}));
}

TEST(Regex, EmptyMatchesDoNotTouchTheMatchBefore) { EXPECT_EQ(matches("x*", "xxa"), (Strings{"xx", ""})); }

TEST(Regex, PositionsAreBytes) {
  const auto ranges = Regex("b").find_all("é🙂b北b");
  ASSERT_EQ(ranges.size(), 2u);
  EXPECT_EQ(ranges[0].begin, 6u);
  EXPECT_EQ(ranges[1].begin, 10u);
}

TEST(Regex, RefusesWhatDoesNotCompile) { EXPECT_THROW(Regex("(a"), Error); }

}  // namespace
}  // namespace w2s::text
