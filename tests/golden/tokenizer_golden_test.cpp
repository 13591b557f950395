// Every tokenizer of the fixtures: ids with and without special tokens, and the text decoded.
#include <gtest/gtest.h>
#include <w2s/tokenizer.hpp>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "../support/fixtures.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> tokenizers() { return fixtures("tokenizers", "expected.json"); }

template <class Check>
void for_each_row(Check&& check) {
  std::size_t rows = 0;
  for (const fs::path& folder : tokenizers()) {
    SCOPED_TRACE(folder.string());
    const auto tokenizer = Tokenizer::from_folder(folder.string());
    std::ifstream file(folder / "expected.json");
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
  EXPECT_FALSE(tokenizers().empty());
  for (const fs::path& folder : tokenizers()) {
    std::ifstream file(folder / "expected.json");
    std::vector<std::string> texts;
    std::vector<Tokenizer::Ids> ids;
    for (const auto& row : nlohmann::json::parse(file)) {
      texts.push_back(row["text"]);
      ids.push_back(row["ids"]);
    }
    EXPECT_EQ(Tokenizer::from_folder(folder.string())->encode_batch(texts, true, 3), ids) << folder;
  }
}

}  // namespace
}  // namespace w2s
