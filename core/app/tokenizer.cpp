// w2s tokenizer train: a byte-level BPE tokenizer from text files.
#include <w2s/tokenizer.hpp>

#include <fmt/format.h>

#include <w2s/data_file.hpp>

#include "base/files.hpp"
#include "commands.hpp"

namespace w2s::app {
namespace {

struct TokenizerOptions {
  std::int64_t vocabulary = 8192, min_frequency = 2;
  std::string out;
};
void describe(OptionSchema<TokenizerOptions>& s) {
  s.option("vocabulary", &TokenizerOptions::vocabulary, "N",
           "tokens: <|endoftext|>, the 256 bytes and merges")
      .at_least(257);
  s.option("min-frequency", &TokenizerOptions::min_frequency, "N", "a pair seen less often is not merged")
      .at_least(1);
  s.option("out", &TokenizerOptions::out, "DIR", "folder for tokenizer.json, made if absent");
}

// The lines of some files, one file in memory at a time.
class Lines {
 public:
  explicit Lines(std::vector<std::string> files) : files_(std::move(files)) {}

  bool next(std::string& line) {
    while (position_ >= bytes_.size()) {
      if (file_ == files_.size()) return false;
      bytes_ = read_data_file(files_[file_++]);
      position_ = 0;
    }
    const std::size_t end = std::min(bytes_.find('\n', position_), bytes_.size() - 1) + 1;
    line = bytes_.substr(position_, end - position_);
    position_ = end;
    return true;
  }

 private:
  std::vector<std::string> files_;
  std::size_t file_ = 0, position_ = 0;
  std::string bytes_;
};

}  // namespace

int tokenizer(const Command& command, const Args& args) {
  Options options(command, {"action", "files"});
  TokenizerOptions how;
  options.take(how);
  if (!options.parse(args)) return 0;
  const std::string action = options.argument("action");
  if (action != "train") {
    throw UsageError("w2s tokenizer: unknown action '" + action + "'" + did_you_mean(action, {"train"}) +
                     "; there is train");
  }
  const std::vector<std::string> files = options.arguments("files");
  if (files.empty()) throw UsageError("w2s tokenizer train needs text files; see w2s tokenizer --help");
  if (how.out.empty()) throw UsageError("w2s tokenizer train needs --out DIR: where tokenizer.json goes");
  BpeTraining training;
  training.vocab_size = how.vocabulary;
  training.min_frequency = how.min_frequency;

  Lines lines(files);
  const std::shared_ptr<const Tokenizer> made =
      train_bpe([&](std::string& line) { return lines.next(line); }, training);
  const std::string& folder = how.out;
  make_directories(folder);
  made->save(folder + "/tokenizer.json");
  fmt::print("{}/tokenizer.json: {} tokens\n", folder, made->vocab_size());
  return 0;
}

}  // namespace w2s::app
