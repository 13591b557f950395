// Every folder of $W2S_FIXTURES/tokenizers: ids with and without special tokens, and the text decoded.
#include <gtest/gtest.h>
#include <w2s/tokenizer.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace w2s {
namespace {

namespace fs = std::filesystem;

fs::path fixtures() {
  const char* folder = std::getenv("W2S_FIXTURES");
  return (folder ? fs::path(folder) : fs::path(W2S_SOURCE_DIR) / ".." / "shared" / "fixtures") / "tokenizers";
}

template <class Check>
void for_each_row(Check&& check) {
  if (!fs::is_directory(fixtures())) GTEST_SKIP() << fixtures() << " is absent";
  std::size_t rows = 0;
  for (const auto& entry : fs::directory_iterator(fixtures())) {
    if (!fs::exists(entry.path() / "expected.json")) continue;
    SCOPED_TRACE(entry.path().filename().string());
    const auto tokenizer = Tokenizer::from_folder(entry.path().string());
    std::ifstream file(entry.path() / "expected.json");
    for (const auto& row : nlohmann::json::parse(file)) {
      SCOPED_TRACE(row["text"].dump());
      check(*tokenizer, row);
      ++rows;
    }
  }
  EXPECT_GT(rows, 0u);
}

TEST(TokenizerGolden, EncodesWithSpecialTokens) {
  for_each_row([](const Tokenizer& tokenizer, const nlohmann::json& row) {
    EXPECT_EQ(tokenizer.encode(row["text"].get<std::string>(), true), row["ids"].get<Tokenizer::Ids>());
  });
}

TEST(TokenizerGolden, EncodesWithoutSpecialTokens) {
  for_each_row([](const Tokenizer& tokenizer, const nlohmann::json& row) {
    EXPECT_EQ(tokenizer.encode(row["text"].get<std::string>(), false),
              row["ids_no_special"].get<Tokenizer::Ids>());
  });
}

TEST(TokenizerGolden, Decodes) {
  for_each_row([](const Tokenizer& tokenizer, const nlohmann::json& row) {
    EXPECT_EQ(tokenizer.decode(row["ids_no_special"].get<Tokenizer::Ids>()),
              row["decoded"].get<std::string>());
  });
}

TEST(TokenizerGolden, BatchesEqualSingleTexts) {
  if (!fs::is_directory(fixtures())) GTEST_SKIP() << fixtures() << " is absent";
  for (const auto& entry : fs::directory_iterator(fixtures())) {
    if (!fs::exists(entry.path() / "expected.json")) continue;
    std::ifstream file(entry.path() / "expected.json");
    std::vector<std::string> texts;
    std::vector<Tokenizer::Ids> ids;
    for (const auto& row : nlohmann::json::parse(file)) {
      texts.push_back(row["text"]);
      ids.push_back(row["ids"]);
    }
    EXPECT_EQ(Tokenizer::from_folder(entry.path().string())->encode_batch(texts, true, 3), ids)
        << entry.path();
  }
}

}  // namespace
}  // namespace w2s
