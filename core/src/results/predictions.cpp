#include "results/predictions.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include <nlohmann/json.hpp>

#include "base/files.hpp"

namespace w2s {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), file_(path) {
    std::uint64_t length = 0;
    if (file_.size() < sizeof length) fail("too short for a safetensors file");
    std::memcpy(&length, file_.data(), sizeof length);
    if (length > file_.size() - sizeof length) fail("the header is longer than the file");
    data_ = file_.data() + sizeof length + length;
    bytes_ = file_.size() - sizeof length - length;
    const char* text = reinterpret_cast<const char*>(file_.data()) + sizeof length;
    header_ = nlohmann::json::parse(text, text + length, nullptr, false);
    if (!header_.is_object()) fail("the header is not a JSON object");
  }

  const nlohmann::json& header() const { return header_; }

  template <class T>
  std::vector<T> read(const std::string& name, const char* type, std::vector<std::size_t>& shape) const {
    std::size_t begin = 0, end = 0;
    try {
      const nlohmann::json& entry = header_.at(name);
      if (entry.at("dtype") != type) fail("'" + name + "' is not " + type);
      shape = entry.at("shape").get<std::vector<std::size_t>>();
      begin = entry.at("data_offsets").at(0).get<std::size_t>();
      end = entry.at("data_offsets").at(1).get<std::size_t>();
    } catch (const nlohmann::json::exception&) {
      fail("'" + name + "' is missing or malformed");
    }
    if (begin > end || end > bytes_) fail("'" + name + "' lies outside the file");
    std::size_t room = (end - begin) / sizeof(T);
    for (const std::size_t size : shape) room = size == 0 ? 0 : room / size;
    std::size_t count = 1;
    for (const std::size_t size : shape) count *= size;
    if (count != 0 && room != 1) fail("the shape of '" + name + "' does not fit its bytes");
    if (count * sizeof(T) != end - begin) fail("the shape of '" + name + "' does not fit its bytes");
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), data_ + begin, count * sizeof(T));
    return values;
  }

  [[noreturn]] void fail(const std::string& what) const { throw Error(path_ + ": " + what); }

 private:
  std::string path_;
  MappedFile file_;
  const unsigned char* data_ = nullptr;
  std::size_t bytes_ = 0;
  nlohmann::json header_;
};

}  // namespace

std::int64_t Predictions::label(std::size_t example) const {
  if (generation()) return answers[example];
  const auto row = probabilities.begin() + static_cast<std::ptrdiff_t>(example) * classes;
  return std::max_element(row, row + classes) - row;
}

float Predictions::confidence(std::size_t example) const {
  if (generation()) return certainty[example];
  return probabilities[example * static_cast<std::size_t>(classes) +
                       static_cast<std::size_t>(label(example))];
}

Measures prediction_measures(const Predictions& predictions) {
  if (predictions.generation()) return answer_measures(predictions.answers, predictions.labels);
  return prediction_measures(predictions.probabilities, predictions.labels, predictions.classes);
}

std::vector<std::uint8_t> correctness(const Predictions& predictions) {
  if (predictions.generation()) return answer_correctness(predictions.answers, predictions.labels);
  return correctness(predictions.probabilities, predictions.labels, predictions.classes);
}

std::map<std::string, Predictions> read_predictions(const std::string& path) {
  const Reader reader(path);
  const std::string ending = ".labels";
  std::map<std::string, Predictions> predictions;
  for (const auto& [name, entry] : reader.header().items()) {
    if (!name.ends_with(ending)) continue;
    const std::string test = name.substr(0, name.size() - ending.size());
    std::vector<std::size_t> rows, shape;
    Predictions found;
    found.labels = reader.read<std::int64_t>(name, "I64", rows);
    if (reader.header().contains(test + ".answers")) {
      found.answers = reader.read<std::int64_t>(test + ".answers", "I64", shape);
      if (shape != rows) reader.fail("'" + test + "' has labels and answers of different sizes");
      found.certainty = reader.read<float>(test + ".certainty", "F32", shape);
      if (shape != rows) reader.fail("'" + test + "' has answers and certainties of different sizes");
      predictions.emplace(test, std::move(found));
      continue;
    }
    found.probabilities = reader.read<float>(test + ".probabilities", "F32", shape);
    if (rows.size() != 1 || shape.size() != 2 || shape[0] != rows[0] || shape[1] == 0) {
      reader.fail("'" + test + "' has labels and probabilities of different sizes");
    }
    found.classes = static_cast<std::int64_t>(shape[1]);
    predictions.emplace(test, std::move(found));
  }
  return predictions;
}

}  // namespace w2s
