#include "base/tensorboard.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/files.hpp"
#include "base/scratch_folder.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

std::string hex(std::string_view bytes) {
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

TEST(TensorBoard, ChecksumsAreThoseOfRfc3720) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc32c(""), 0u);
}

// The bytes were computed apart, bit by bit in Python; a3 7f 4b 22 begins every event file of TensorFlow.
TEST(TensorBoard, ARunIsAVersionRecordAndOneRecordForEachScalar) {
  const ScratchFolder folder("w2s-tensorboard-");
  TensorBoardWriter writer(folder / "run", 1.5);
  writer.scalar("train/loss", 300, 0.25, 2.5);
  writer.flush();
  EXPECT_EQ(
      hex(read_file(writer.path())),
      "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c"
      "2100000000000000017becf609000000000000044010ac022a130a110a0a747261696e2f6c6f7373150000803e3cc9cac5");
  EXPECT_EQ(fs::path(writer.path()).filename().string().find("events.out.tfevents.1."), 0u);
  EXPECT_NE(TensorBoardWriter(folder / "run", 1.5).path(), writer.path());
}

TEST(TensorBoard, AFolderThatCannotBeMadeIsAnError) {
  EXPECT_THROW(TensorBoardWriter("/proc/none/run", 0), Error);
}

}  // namespace
}  // namespace w2s
