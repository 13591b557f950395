// Chess puzzles from files: a position, its best move, how hard it is. One reader for each form of file.
//
//   jsonl    rows of "w2s chess puzzles", or any rows with fen or moves (SAN from the initial position),
//   answer
//            (SAN or UCI), and perhaps id, game, difficulty, mate, themes
//   lichess  the public puzzle CSV: the FEN is before the opponent's move, which is the first of Moves; the
//            second is the answer; Rating, Themes, GameUrl
//   pgn      a game with the tag FEN begins at the puzzle, its first move is the answer; of a game without it
//            the last move is the answer and the others lead to the puzzle
//   olv      composed mates as the package pychess has them, knight written S
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "san.hpp"

namespace w2s::chess {

struct Puzzle {
  std::string id;           ///< the file's own; "" where it has none
  std::int64_t line = 0;    ///< of the file, from 1
  std::string group;        ///< puzzles of one game belong together; "" alone
  std::vector<Move> moves;  ///< from the initial position to the puzzle
  bool has_game = false;    ///< whether `moves` are known
  Position position;
  Move answer{};
  std::optional<double> difficulty;  ///< the file's own measure: rating, search depth; larger is harder
  std::optional<std::int64_t> mate;  ///< moves to mate
  std::vector<std::string> themes;
};

class PuzzleSource {
 public:
  virtual ~PuzzleSource() = default;
  /// The next puzzle; false at the end. A malformed one is UsageError "<path>:<line>: …"; the call after that
  /// goes on.
  virtual bool next(Puzzle& puzzle) = 0;
  /// What is well formed but no puzzle of this kind, by reason: left out.
  const std::map<std::string, std::int64_t>& left_out() const { return left_out_; }

 protected:
  std::map<std::string, std::int64_t> left_out_;
};

enum class PuzzleFormat { automatic, jsonl, lichess, pgn, olv };
constexpr auto enum_names(PuzzleFormat) { return std::array{"auto", "jsonl", "lichess", "pgn", "olv"}; }

/// automatic: by the file's name, less .gz or .zst. Throws UsageError where the name does not tell, or the
/// file cannot be read.
std::unique_ptr<PuzzleSource> open_puzzles(const std::string& path,
                                           PuzzleFormat format = PuzzleFormat::automatic);

std::unique_ptr<PuzzleSource> open_olv(const std::string& path);

}  // namespace w2s::chess
