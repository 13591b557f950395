#include <w2s/records.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "../support/folder_test.hpp"

namespace w2s {
namespace {

class Records : public FolderTest {
 protected:
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return (folder_ / name).string();
  }

  // Rows as "line:field|field", malformed ones as "! message" without the path.
  std::vector<std::string> rows(const std::string& name, const std::string& bytes,
                                RecordOptions options = {}) const {
    const std::string path = write(name, bytes);
    std::vector<std::string> found;
    RecordReader reader(path, options);
    for (DataRow row;;) {
      try {
        if (!reader.next(row)) return found;
        std::string text = std::to_string(row.line) + ":";
        for (const auto& [key, value] : row.fields)
          text += (text.back() == ':' ? "" : "|") + text_of(value, key);
        found.push_back(text);
      } catch (const UsageError& error) {
        found.push_back("!" + std::string(error.what()).substr(path.size() + 1));
      }
    }
  }

  std::string complaint(const std::string& name, const std::string& bytes, RecordOptions options = {}) const {
    try {
      rows(name, bytes, options);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "no complaint";
  }
};

using Rows = std::vector<std::string>;

TEST_F(Records, CsvQuotesHoldCommasLineEndsAndDoubledQuotes) {
  EXPECT_EQ(rows("a.csv", "x,y\n\"a,b\",\"say \"\"hi\"\"\"\n\"two\nlines\",\"\"\nplain,it's 5\" wide\n"),
            (Rows{"2:a,b|say \"hi\"", "3:two\nlines|", "5:plain|it's 5\" wide"}));
}

TEST_F(Records, EveryKindOfLineEndAndAByteOrderMarkAreRead) {
  EXPECT_EQ(rows("a.csv", "\xef\xbb\xbfx,y\r\n1,2\r\n\r\n3,4\r5,6"), (Rows{"2:1|2", "4:3|4", "5:5|6"}));
  EXPECT_EQ(rows("a.jsonl", "{\"x\": 1}\r\n\r\n{\"x\": 2}"), (Rows{"1:1", "3:2"}));
}

TEST_F(Records, QuotedLineEndsOfTwoBytesCountOnce) {
  EXPECT_EQ(rows("a.csv", "x\r\n\"a\r\nb\"\r\nlast\r\n"), (Rows{"2:a\r\nb", "4:last"}));
}

TEST_F(Records, TsvWithoutHeaderNumbersItsColumns) {
  RecordOptions options;
  options.header = false;
  const std::string path = write("a.tsv", "good\t1\nbad\t0\n");
  RecordReader reader(path, options);
  DataRow row;
  ASSERT_TRUE(reader.next(row));
  EXPECT_EQ(row.text("0"), "good");
  EXPECT_EQ(row.text("1"), "1");
  EXPECT_EQ(row.line, 1);
}

TEST_F(Records, QuotesAreOrdinaryCharactersWhereTheOptionSaysSo) {
  RecordOptions options;
  options.quotes = false;
  EXPECT_EQ(rows("a.tsv", "x\ty\n\"open\t1\n", options), (Rows{"2:\"open|1"}));
}

TEST_F(Records, AMalformedRowIsNamedByItsLineAndTheNextOneIsRead) {
  EXPECT_EQ(rows("a.csv", "x,y\n1,2,3\n4,5\n"), (Rows{"!2: 3 fields where the header has 2", "3:4|5"}));
  EXPECT_EQ(
      rows("a.csv", "x,y\n\"a\"b,2\n4,5\n"),
      (Rows{
          "!2: text after the closing quote of a field; where quotes are ordinary characters, set 'quotes' = "
          "false",
          "3:4|5"}));
  EXPECT_EQ(
      rows("a.csv", "x,y\n\"a,2\n4,5\n"),
      (Rows{"!2: a quoted field that never ends; where quotes are ordinary characters, set 'quotes' = false",
            "3:4|5"}));
}

TEST_F(Records, BrokenJsonIsOneMalformedRow) {
  const Rows found = rows("a.jsonl", "{\"x\": 1}\n{\"x\": \n{\"x\": 3}\n7\n");
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0], "1:1");
  EXPECT_TRUE(found[1].starts_with("!2: not JSON")) << found[1];
  EXPECT_EQ(found[2], "3:3");
  EXPECT_EQ(found[3], "!4: expected a JSON object, found an integer (7)");
}

TEST_F(Records, NestedFieldsAreNamedWithDots) {
  const std::string path =
      write("a.jsonl", R"({"q": "why", "choices": {"text": ["a", "b"], "n": 2.5}, "ok": true, "no": null})");
  RecordReader reader(path);
  DataRow row;
  ASSERT_TRUE(reader.next(row));
  EXPECT_EQ(row.text("choices.text.1"), "b");
  EXPECT_EQ(row.text("choices.text"), "a\nb");
  EXPECT_EQ(row.text("choices.n"), "2.5");
  EXPECT_EQ(row.text("ok"), "true");
  EXPECT_THROW(row.text("no"), UsageError);
  EXPECT_THROW(row.text("choices"), UsageError);
  try {
    row.at("choices.txt");
    ADD_FAILURE();
  } catch (const UsageError& error) {
    EXPECT_TRUE(std::string(error.what())
                    .starts_with("there is no column 'choices.txt' (did you mean 'choices.text'?)"))
        << error.what();
  }
}

TEST_F(Records, AJsonFileThatIsOneListHasItsItemsAsRows) {
  EXPECT_EQ(rows("a.json", "[\n  {\"x\": 1},\n  {\"x\": 2}\n]\n"), (Rows{"1:1", "2:2"}));
  EXPECT_EQ(rows("a.json", "[[\"a\", 1], [\"b\", 2]]"), (Rows{"1:a|1", "2:b|2"}));
}

TEST_F(Records, GzipIsReadAndDoesNotHideTheFormat) {
  // Python: gzip.compress(b"x\ty\n1\t2\n", mtime=0)
  constexpr unsigned char kPacked[] = {31, 139, 8,  0,   0, 0, 0,  0,  2,   3,   171, 224, 172, 228,
                                       50, 228, 52, 226, 2, 0, 19, 77, 113, 163, 8,   0,   0,   0};
  RecordReader reader(write("a.TSV.gz", std::string(std::begin(kPacked), std::end(kPacked))));
  DataRow row;
  ASSERT_TRUE(reader.next(row));
  EXPECT_EQ(row.text("y"), "2");
}

TEST_F(Records, WhatCannotBeReadAtAllIsRefused) {
  EXPECT_TRUE(complaint("a.dat", "")
                  .ends_with("a.dat: the name does not end in .jsonl, .json, .csv, .tsv or .parquet (.gz and "
                             ".zst apart); set 'format'"));
  EXPECT_TRUE(complaint("a.csv", "x,y,x\n").ends_with("a.csv:1: the header names the column 'x' twice"));
  EXPECT_THROW(RecordReader((folder_ / "absent.csv").string()), UsageError);
}

TEST_F(Records, AnEmptyFileHasNoRows) {
  EXPECT_TRUE(rows("a.csv", "").empty());
  EXPECT_TRUE(rows("a.jsonl", "\n\n").empty());
}

TEST(TextTemplate, FillsColumnsAndKeepsEscapedBraces) {
  DataRow row;
  row.fields = Table{{"q", "Why?"}, {"n", 3}};
  EXPECT_EQ(TextTemplate("Q: {q} {{{n}}} A: {answer}").render(row, {{"answer", "so"}}), "Q: Why? {3} A: so");
}

TEST(TextTemplate, NamesTheNearestColumn) {
  DataRow row;
  row.fields = Table{{"question", "Why?"}, {"passage", "text"}};
  try {
    TextTemplate("{qestion}").render(row);
    ADD_FAILURE();
  } catch (const UsageError& error) {
    EXPECT_STREQ(
        error.what(),
        "there is no column 'qestion' (did you mean 'question'?); there are 'question' or 'passage'");
  }
}

TEST(TextTemplate, RefusesBracesWithoutPartner) {
  for (const char* text : {"{a", "a}", "{a{b}", "{}", "{{}"})
    EXPECT_THROW(TextTemplate{text}, UsageError) << text;
}

}  // namespace
}  // namespace w2s
