// w2s run --tensorboard: the event files, read back as TensorBoard reads them.
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <sstream>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

namespace fs = std::filesystem;

// Castagnoli's CRC, bit by bit: x³² + x²⁸ + x²⁷ + … reversed is 0x82f63b78. Masked as TensorFlow does.
std::uint32_t masked_crc(const std::string& bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78u : crc >> 1;
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

template <class Number>
Number number(const std::string& bytes, std::size_t at) {
  Number value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// The data of each record; throws where a length or a checksum is wrong.
std::vector<std::string> records(const std::string& file) {
  std::vector<std::string> found;
  for (std::size_t at = 0; at < file.size();) {
    const auto size = number<std::uint64_t>(file, at);
    if (number<std::uint32_t>(file, at + 8) != masked_crc(file.substr(at, 8)))
      throw std::runtime_error("length");
    const std::string data = file.substr(at + 12, size);
    if (number<std::uint32_t>(file, at + 12 + size) != masked_crc(data)) throw std::runtime_error("data");
    found.push_back(data);
    at += 16 + size;
  }
  return found;
}

std::uint64_t varint(const std::string& bytes, std::size_t& at) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.at(at++));
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
}

// The fields of a protobuf message as bytes: 8, 4 or as many as the length says; varints as 8.
std::map<int, std::string> fields(const std::string& message) {
  std::map<int, std::string> found;
  for (std::size_t at = 0; at < message.size();) {
    const std::uint64_t key = varint(message, at);
    std::string bytes;
    if ((key & 7) == 0) {
      const std::uint64_t value = varint(message, at);
      bytes.assign(reinterpret_cast<const char*>(&value), sizeof value);
    } else {
      const std::size_t size = (key & 7) == 1 ? 8 : (key & 7) == 5 ? 4 : varint(message, at);
      bytes = message.substr(at, size);
      at += size;
    }
    found[static_cast<int>(key >> 3)] = bytes;
  }
  return found;
}

TEST(EventFiles, HoldTheCurvesOfEveryFit) {
  const Workbench bench;
  const Outcome run = bench.w2s({"run", "tiny.toml", "--seeds", "0", "--tensorboard", "tb"});
  ASSERT_EQ(run.status, 0) << run.err;
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(bench.path("tb"))) {
    if (!entry.is_regular_file()) continue;
    ++files;
    ASSERT_TRUE(entry.path().filename().string().starts_with("events.out.tfevents."));
    const std::string key = entry.path().parent_path().filename().string();  // "fit-strong-0a1b2c3d"
    std::map<std::int64_t, double> losses;
    for (const std::string& record : records(read_whole(entry.path()))) {
      auto event = fields(record);
      ASSERT_GT(number<double>(event.at(1), 0), 1.6e9);  // seconds since 1970
      if (event.count(5) == 0) {
        EXPECT_EQ(event.at(3), "brain.Event:2");
        continue;
      }
      auto value = fields(fields(event.at(5)).at(1));
      const std::int64_t step = event.count(2) > 0 ? number<std::int64_t>(event.at(2), 0) : 0;
      if (value.at(1) == "loss") losses[step] = number<float>(value.at(2), 0);
    }
    std::map<std::int64_t, double> expected;
    for (const auto& object : fs::recursive_directory_iterator(bench.path("runs/objects"))) {
      if (object.path().filename() != "log.jsonl") continue;
      const auto manifest = nlohmann::json::parse(read_whole(object.path().parent_path() / "manifest.json"));
      if (manifest.at("key").get<std::string>().substr(0, 8) != key.substr(key.size() - 8)) continue;
      std::istringstream lines(read_whole(object.path()));
      for (std::string line; std::getline(lines, line);) {
        const auto report = nlohmann::json::parse(line);
        expected[report.at("step")] = report.at("loss").get<float>();
      }
    }
    EXPECT_GE(losses.size(), 30u);
    EXPECT_EQ(losses, expected);
  }
  EXPECT_EQ(files, 4u);
}

}  // namespace
}  // namespace w2s::e2e
