// Byte-level BPE on English text: the licences that every Debian system carries, line by line.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <set>

#include <w2s/tokenizer.hpp>

namespace w2s {
namespace {

std::vector<std::string> english_lines() {
  std::set<std::filesystem::path> files;
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/share/common-licenses", absent)) {
    if (entry.is_regular_file() && !entry.is_symlink()) files.insert(entry.path());
  }
  std::vector<std::string> lines;
  for (const std::filesystem::path& file : files) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
  }
  return lines;
}

std::int64_t bytes_of(const std::vector<std::string>& lines) {
  std::int64_t bytes = 0;
  for (const std::string& line : lines) bytes += static_cast<std::int64_t>(line.size());
  return bytes;
}

void TrainTokenizer(benchmark::State& state) {
  const std::vector<std::string> lines = english_lines();
  if (lines.empty()) return state.SkipWithError("there is no text in /usr/share/common-licenses");
  BpeTraining training;
  training.vocab_size = 4096;
  for (auto _ : state) benchmark::DoNotOptimize(train_bpe(lines, training));
  state.SetBytesProcessed(state.iterations() * bytes_of(lines));
}
BENCHMARK(TrainTokenizer)->Unit(benchmark::kMillisecond);

void Tokenize(benchmark::State& state) {
  const std::vector<std::string> lines = english_lines();
  if (lines.empty()) return state.SkipWithError("there is no text in /usr/share/common-licenses");
  BpeTraining training;
  training.vocab_size = 4096;
  const std::shared_ptr<const Tokenizer> tokenizer = train_bpe(lines, training);
  for (auto _ : state) {
    for (const std::string& line : lines) benchmark::DoNotOptimize(tokenizer->encode(line));
  }
  state.SetBytesProcessed(state.iterations() * bytes_of(lines));
}
BENCHMARK(Tokenize)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace w2s
