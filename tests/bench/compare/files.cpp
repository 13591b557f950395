// What is read: text into tokens, and checkpoints.
#include <fstream>
#include <string>

#include <w2s/tokenizer.hpp>

#include "compare.hpp"
#include "decoder.hpp"

namespace w2s {
namespace {

// settings: text (a file, a line is a text), tokenizer (a folder).
nlohmann::json tokenize(const nlohmann::json& settings) {
  const auto tokenizer = Tokenizer::from_folder(settings.at("tokenizer"));
  std::vector<std::string> lines;
  std::ifstream in(settings.at("text").get<std::string>());
  std::size_t bytes = 0, tokens = 0;
  for (std::string line; std::getline(in, line); bytes += line.size()) lines.push_back(line);
  const Stopwatch watch;
  for (const Tokenizer::Ids& ids : tokenizer->encode_batch(lines, true, settings.at("threads")))
    tokens += ids.size();
  const double seconds = watch.seconds();
  return {{"seconds", seconds}, {"rate", static_cast<double>(bytes) / 1e6 / seconds}, {"tokens", tokens}};
}

// Until every weight has been read once. settings: folder, a Hugging Face checkpoint in float32, whose file
// is in the page cache.
nlohmann::json load(const nlohmann::json& settings) {
  const Registry registry = load_plugins();
  Table where;
  where.set("path", settings.at("folder").get<std::string>());
  const Stopwatch watch;
  const std::unique_ptr<IModel> model = registry.make_model(Spec{"huggingface", where, {}});
  model->build({TaskKind::classification, 2, {}}, Stream(0, "weights"));
  double bytes = 0, sum = 0;
  for (const Parameters::Item& item : model->parameters().items()) {
    bytes += static_cast<double>(item.tensor.nbytes());
    sum += item.tensor.sum().item<double>();
  }
  const double seconds = watch.seconds();
  return {{"seconds", seconds}, {"rate", bytes / 1e9 / seconds}, {"bytes", bytes}, {"sum", sum}};
}

// Writes the checkpoint that load() reads. settings: those of decoder.hpp, folder.
nlohmann::json make_checkpoint(const nlohmann::json& settings) {
  const Registry registry = load_plugins();
  make_decoder(registry, settings, at::kCPU)->save(settings.at("folder"));
  return nlohmann::json::object();
}

const KnownWork known_tokenize("tokenize", tokenize), known_load("load", load),
    known_checkpoint("make_checkpoint", make_checkpoint);

}  // namespace
}  // namespace w2s
