// Games in PGN: tags, the main line, the result. Comments, variations, numeric glyphs, move numbers and
// escaped lines are passed over. Files may be gzip or Zstandard.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "san.hpp"

namespace w2s::chess {

struct PgnGame {
  std::vector<std::pair<std::string, std::string>> tags;
  Position start;           ///< of the tag FEN, else the initial position
  std::vector<Move> moves;  ///< the main line
  std::string result;       ///< "1-0", "0-1", "1/2-1/2" or "*"
  std::int64_t line = 0;    ///< where the game begins, from 1

  /// The tag's value; "" where there is none.
  const std::string& tag(std::string_view name) const;
};

class PgnReader {
 public:
  /// Throws UsageError where the file cannot be read.
  explicit PgnReader(const std::string& path);
  /// From text; `name` stands for the file in messages.
  PgnReader(std::string text, std::string name);

  /// The next game; false at the end. A malformed game is UsageError "<path>:<line>: …"; the call after that
  /// goes on with the next game.
  bool next(PgnGame& game);

 private:
  bool skip_space();
  void read_tags(PgnGame& game);
  void read_moves(PgnGame& game);
  void read_tag(PgnGame& game);
  void skip_to(char end, const char* what);
  void skip_variation();
  void skip_game();
  void advance() { line_ += text_[at_++] == '\n'; }
  bool line_begins() const { return at_ == 0 || text_[at_ - 1] == '\n'; }
  [[noreturn]] void fail(const std::string& message, std::int64_t line) const;

  std::string text_, name_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
};

}  // namespace w2s::chess
