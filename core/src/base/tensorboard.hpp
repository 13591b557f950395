// TensorBoard event files: scalars by tag and step. Free of LibTorch and protobuf.
//
// A file is a sequence of TFRecords: uint64 length, uint32 masked CRC-32C of the
// length, the data, uint32 masked CRC-32C of the data, all little-endian. Each
// holds one Event message {1: wall_time double, 2: step int64, 3: file_version
// string, 5: summary {1: value {1: tag string, 2: simple_value float}}}.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <w2s/error.hpp>

namespace w2s {

/// CRC-32C (Castagnoli) of `bytes`.
std::uint32_t crc32c(std::string_view bytes);

/// One record with its length and checksums.
std::string tfrecord(std::string_view data);

/// Writes <folder>/events.out.tfevents.…, a new file for each writer, so that the runs of a
/// resumed job line up in TensorBoard. Not for use from several threads.
class TensorBoardWriter {
 public:
  /// Makes `folder` where absent; `wall_time` in seconds since 1970. Throws Error where it cannot write.
  TensorBoardWriter(const std::string& folder, double wall_time);

  /// Buffered until flush() or the end. A NaN is kept and shown as a gap.
  void scalar(std::string_view tag, std::int64_t step, double value, double wall_time);
  /// Throws Error where what was written so far did not reach the file.
  void flush();

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::ofstream file_;
};

}  // namespace w2s
