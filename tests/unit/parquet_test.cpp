// Parquet rows, where this build reads them; else the message that says what to do.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>

#include <w2s/error.hpp>
#include <w2s/records.hpp>

namespace w2s {
namespace {

namespace fs = std::filesystem;

const std::string kFile = W2S_SOURCE_DIR "/tests/golden/parquet/rows.parquet";

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

bool reads_parquet() {
  return message_of([] { RecordReader reader(kFile); }).find("built without Parquet") == std::string::npos;
}

// A file that is gone with its name.
class Written {
 public:
  explicit Written(const std::string& bytes)
      : path_(
            (fs::temp_directory_path() / ("w2s-parquet-" + std::to_string(getpid()) + ".parquet")).string()) {
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~Written() { fs::remove(path_); }
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(Parquet, IsNamedWhereThisBuildCannotReadIt) {
  if (reads_parquet()) GTEST_SKIP() << "this build reads Parquet";
  const std::string message = message_of([] { RecordReader reader(kFile); });
  EXPECT_EQ(message.find(kFile), 0u) << message;
  EXPECT_NE(message.find("libparquet-dev"), std::string::npos) << message;
}

TEST(Parquet, RowsAreNamedValues) {
  if (!reads_parquet()) GTEST_SKIP() << "this build reads no Parquet";
  RecordReader reader(kFile);
  std::vector<DataRow> rows;
  for (DataRow row; reader.next(row);) rows.push_back(row);
  ASSERT_EQ(rows.size(), 5u) << "three row groups";
  EXPECT_EQ(rows[0].fields.keys(),
            (std::vector<std::string>{"question", "label", "small", "score", "flag", "choices", "answer",
                                      "kind", "extra", "day", "big", "price"}));
  EXPECT_EQ(rows[4].line, 5);
  EXPECT_EQ(rows[1].text("question"), "Sind Bären groß?");
  EXPECT_EQ(rows[0].at("label").as_int(), 1);
  EXPECT_EQ(rows[4].at("small").as_int(), 255);
  EXPECT_EQ(rows[1].at("score").as_real(), -1.25);
  EXPECT_EQ(rows[3].at("score").as_real(), static_cast<double>(1e30F));
  EXPECT_TRUE(rows[0].at("flag") == Value(true));
  EXPECT_EQ(rows[0].text("choices"), "yes\nno");
  EXPECT_EQ(rows[0].text("choices.1"), "no");
  EXPECT_TRUE(rows[1].at("choices").as_list().empty());
  EXPECT_EQ(rows[0].text("answer.text"), "yes");
  EXPECT_EQ(rows[4].at("answer.start").as_int(), 9);
  EXPECT_EQ(rows[1].text("kind"), "b");
  EXPECT_EQ(rows[3].at("extra.v").as_int(), 3);
  EXPECT_EQ(rows[0].text("day"), "2023-12-14");
  EXPECT_EQ(rows[0].text("big"), "L");
  EXPECT_EQ(rows[0].text("price"), "1.50");
  for (const char* column : {"question", "score", "flag", "choices", "answer", "extra"})
    EXPECT_TRUE(rows[2].at(column).is_null()) << column;
  EXPECT_TRUE(rows[3].at("label").is_null());
  EXPECT_TRUE(rows[1].at("answer.start").is_null());
}

TEST(Parquet, ADamagedFileIsOneMessage) {
  if (!reads_parquet()) GTEST_SKIP() << "this build reads no Parquet";
  std::ostringstream whole;
  whole << std::ifstream(kFile, std::ios::binary).rdbuf();
  const std::string bytes = whole.str();
  std::string scrambled = bytes;
  for (std::size_t i = 4; i < 600; ++i) scrambled[i] = static_cast<char>(scrambled[i] ^ 0x5a);
  for (const std::string& damaged :
       {std::string("PAR1"), bytes.substr(0, bytes.size() / 2), scrambled, std::string("question,label\n")}) {
    const Written file(damaged);
    const std::string message = message_of([&] {
      RecordReader reader(file.path());
      for (DataRow row; reader.next(row);) {
      }
    });
    EXPECT_EQ(message.find(file.path() + ": "), 0u) << message;
  }
}

}  // namespace
}  // namespace w2s
