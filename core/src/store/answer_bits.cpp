#include "store/answer_bits.hpp"

#include <w2s/error.hpp>

#include "base/files.hpp"

namespace w2s {
namespace {

constexpr std::string_view kEnding = ".correct";

template <class Integer>
void put(std::string& bytes, Integer value) {
  for (std::size_t i = 0; i < sizeof value; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
}

/// Takes what it reads off the front.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool done() const { return rest_.empty(); }

  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) throw Error("the answers of a record are cut off; w2s store reindex mends it");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  template <class Integer>
  Integer integer() {
    Integer value = 0;
    const std::string_view bytes = take(sizeof value);
    for (std::size_t i = 0; i < sizeof value; ++i)
      value |= static_cast<Integer>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    return value;
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::string correctness_file(std::string_view test) { return std::string(test).append(kEnding); }

std::string answer_bits(const std::map<std::string, std::string>& correct) {
  std::string bits;
  for (const auto& [test, right] : correct) {
    put(bits, static_cast<std::uint32_t>(test.size()));
    bits += test;
    put(bits, static_cast<std::uint64_t>(right.size()));
    for (std::size_t i = 0; i < right.size(); i += 8) {
      unsigned packed = 0;
      for (std::size_t k = i; k < std::min(i + 8, right.size()); ++k) {
        if (right[k] != 0 && right[k] != 1) throw Error(correctness_file(test) + " is not 0s and 1s");
        packed |= static_cast<unsigned>(right[k]) << (k - i);
      }
      bits += static_cast<char>(packed);
    }
  }
  return bits;
}

std::string read_answer_bits(const nlohmann::json& manifest, const std::string& folder) {
  std::map<std::string, std::string> correct;
  const auto files = manifest.find("files");
  if (files == manifest.end()) return "";
  for (const auto& [name, about] : files->items()) {
    if (name.ends_with(kEnding))
      correct[name.substr(0, name.size() - kEnding.size())] = read_file(folder + "/" + name);
  }
  try {
    return answer_bits(correct);
  } catch (const Error& error) {
    throw Error(folder + "/" + error.what());
  }
}

std::vector<std::uint8_t> correct_answers(std::string_view bits, std::string_view test) {
  for (Reader reader(bits); !reader.done();) {
    const std::string_view name = reader.take(reader.integer<std::uint32_t>());
    const auto examples = reader.integer<std::uint64_t>();
    const std::string_view packed = reader.take(examples / 8 + (examples % 8 > 0));
    if (name != test) continue;
    std::vector<std::uint8_t> correct(examples);
    for (std::size_t i = 0; i < examples; ++i)
      correct[i] = static_cast<unsigned char>(packed[i / 8]) >> (i % 8) & 1;
    return correct;
  }
  return {};
}

}  // namespace w2s
