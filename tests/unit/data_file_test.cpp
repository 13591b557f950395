#include <w2s/data_file.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "../support/folder_test.hpp"

namespace w2s {
namespace {

// The bytes that hexadecimal digits spell.
std::string bytes(std::string_view digits) {
  std::string out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    out += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  }
  return out;
}

// Made with gzip -9 and zstd --check: three foxes and "end"; 100,000 and 5 · 2^20 times "x".
const std::string kText =
    "The quick brown fox jumps over the lazy dog. The quick brown fox jumps over the lazy dog. "
    "The quick brown fox jumps over the lazy dog. end";
const std::string kGzip = bytes(
    "1f8b08000000000002030bc94855282ccd4cce56482aca2fcf5348cbaf50c82acd2d2856c82f4b2d5228014ae72456552aa4"
    "e4a7eb2984d04c716a5e0a00da715c988a000000");
const std::string kZstandard = bytes(
    "28b52ffd0468c50100040354686520717569636b2062726f776e20666f78206a756d7073206f76657220746865206c617a79"
    "20646f672e20656e6401003d38a932c8bae330");
const std::string kGzipLarge = bytes(
    "1f8b0800000000000203edc13101000000c2a0da8b6f0d0fa000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "000000000000000000000000000000000000000000805703711107fea0860100");
const std::string kZstandardLarge = bytes(
    "28b52ffd04585400001078780100fbff39c00202001078020010780200107802001078020010780200107802001078020010"
    "7802001078020010780200107802001078020010780200107802001078020010780200107802001078020010780200107802"
    "0010780200107802001078020010780200107802001078020010780200107802001078020010780200107802001078020010"
    "78020010780200107802001078020010780200107803001078af4919d3");

class ReadDataFile : public FolderTest {
 protected:
  std::string file(const std::string& contents) const {
    std::ofstream(folder_ / "data", std::ios::binary) << contents;
    return (folder_ / "data").string();
  }
  std::string complaint(const std::string& contents) const {
    const std::string path = file(contents);
    try {
      read_data_file(path);
    } catch (const UsageError& e) {
      EXPECT_EQ(std::string(e.what()).find(path + ": "), 0u) << e.what();
      return std::string(e.what()).substr(path.size() + 2);
    }
    return "nothing was thrown";
  }
};

TEST_F(ReadDataFile, GivesPlainFilesAsTheyAre) {
  EXPECT_EQ(read_data_file(file(kText)), kText);
  EXPECT_EQ(read_data_file(file("")), "");
}

TEST_F(ReadDataFile, DecompressesByTheFirstBytesWhateverTheName) {
  EXPECT_EQ(read_data_file(file(kGzip)), kText);
  EXPECT_EQ(read_data_file(file(kZstandard)), kText);
}

TEST_F(ReadDataFile, DecompressesMuchMoreThanItReads) {
  EXPECT_EQ(read_data_file(file(kGzipLarge)), std::string(100000, 'x'));
  EXPECT_EQ(read_data_file(file(kZstandardLarge)), std::string(5 << 20, 'x'));
}

TEST_F(ReadDataFile, JoinsMembersAndFrames) {
  EXPECT_EQ(read_data_file(file(kZstandard + kZstandardLarge + kZstandard)),
            kText + std::string(5 << 20, 'x') + kText);
  std::string members, expected;
  for (int i = 0; i < 25; ++i) members += kGzipLarge + kGzip, expected += std::string(100000, 'x') + kText;
  EXPECT_EQ(read_data_file(file(members)), expected);
}

TEST_F(ReadDataFile, SaysThatAFileIsCutOff) {
  for (const std::string& whole : {kGzip, kZstandard, kGzipLarge, kZstandardLarge}) {
    for (const std::size_t size : {std::size_t{5}, whole.size() / 2, whole.size() - 1}) {
      EXPECT_NE(complaint(whole.substr(0, size)).find("cut off"), std::string::npos) << size;
    }
  }
}

TEST_F(ReadDataFile, SaysThatAFileIsCorrupt) {
  std::string bad_checksum = kGzip;
  bad_checksum[bad_checksum.size() - 6] ^= 0x55;
  EXPECT_NE(complaint(bad_checksum).find("corrupt gzip data"), std::string::npos);
  bad_checksum = kZstandard;
  bad_checksum.back() ^= 0x55;
  EXPECT_NE(complaint(bad_checksum).find("corrupt Zstandard data"), std::string::npos);
}

TEST_F(ReadDataFile, SaysThatAFileIsMissing) {
  try {
    read_data_file((folder_ / "absent").string());
    FAIL();
  } catch (const UsageError& e) {
    EXPECT_NE(std::string(e.what()).find("absent: No such file"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace w2s
