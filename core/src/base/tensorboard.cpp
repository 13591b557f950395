#include "base/tensorboard.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>

#include "base/files.hpp"

namespace w2s {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
    table[byte] = crc;
  }
  return table;
}

std::uint32_t masked(std::uint32_t crc) { return std::rotr(crc, 15) + 0xa282ead8U; }

template <class Unsigned>
std::string bytes_of(Unsigned value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof value; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

// Protobuf fields by wire type; every field number here is below 16, so a key is one byte.
std::string varint_field(int number, std::uint64_t value) {
  return static_cast<char>(number << 3) + varint(value);
}
std::string double_field(int number, double value) {
  return static_cast<char>(number << 3 | 1) + bytes_of(std::bit_cast<std::uint64_t>(value));
}
std::string bytes_field(int number, std::string_view bytes) {
  return static_cast<char>(number << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}
std::string float_field(int number, float value) {
  return static_cast<char>(number << 3 | 5) + bytes_of(std::bit_cast<std::uint32_t>(value));
}

std::string file_name(double wall_time) {
  static std::atomic<unsigned> counter{0};
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  return "events.out.tfevents." + std::to_string(static_cast<std::int64_t>(wall_time)) + "." + host + "." +
         std::to_string(::getpid()) + "." + std::to_string(counter++);
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr auto table = crc_table();
  std::uint32_t crc = ~0U;
  for (const char c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return ~crc;
}

std::string tfrecord(std::string_view data) {
  const std::string length = bytes_of(static_cast<std::uint64_t>(data.size()));
  return length + bytes_of(masked(crc32c(length))) + std::string(data) + bytes_of(masked(crc32c(data)));
}

TensorBoardWriter::TensorBoardWriter(const std::string& folder, double wall_time) {
  make_directories(folder);
  path_ = folder + "/" + file_name(wall_time);
  file_.open(path_, std::ios::binary | std::ios::trunc);
  if (!file_) throw_system_error("write", path_, errno);
  file_ << tfrecord(double_field(1, wall_time) + bytes_field(3, "brain.Event:2"));
  flush();
}

void TensorBoardWriter::scalar(std::string_view tag, std::int64_t step, double value, double wall_time) {
  const std::string item = bytes_field(1, tag) + float_field(2, static_cast<float>(value));
  file_ << tfrecord(double_field(1, wall_time) + varint_field(2, static_cast<std::uint64_t>(step)) +
                    bytes_field(5, bytes_field(1, item)));
}

void TensorBoardWriter::flush() {
  errno = 0;
  if (!file_.flush()) throw_system_error("write", path_, errno);
}

}  // namespace w2s
