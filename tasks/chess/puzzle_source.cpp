#include "puzzle_source.hpp"

#include <cctype>

#include <w2s/records.hpp>

#include "pgn.hpp"

namespace w2s::chess {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; (at = text.find_first_not_of(' ', at)) != std::string::npos;) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

// Calls `body` and puts "<path>:<line>: " before what it throws.
template <class Body>
void at_line(const std::string& path, std::int64_t line, Body&& body) {
  try {
    body();
  } catch (const UsageError& error) {
    throw error.at({path, static_cast<int>(line), 0});
  }
}

// Files of which each row is a puzzle.
class RowPuzzles : public PuzzleSource {
 public:
  RowPuzzles(const std::string& path, RecordFormat format)
      : path_(path), reader_(path, {format, true, true}) {}

  bool next(Puzzle& puzzle) final {
    DataRow row;
    if (!reader_.next(row)) return false;
    at_line(path_, row.line, [&] { puzzle = puzzle_of(row); });
    return true;
  }

 private:
  virtual Puzzle puzzle_of(const DataRow& row) const = 0;

  const std::string path_;
  RecordReader reader_;
};

class JsonPuzzles final : public RowPuzzles {
 public:
  explicit JsonPuzzles(const std::string& path) : RowPuzzles(path, RecordFormat::jsonl) {}

 private:
  Puzzle puzzle_of(const DataRow& row) const override {
    Puzzle puzzle;
    puzzle.line = row.line;
    const auto has = [&](std::string_view name) {
      const Value* value = row.fields.find(name);
      return value != nullptr && !value->is_null();
    };
    if (!has("fen") && !has("moves")) throw UsageError("the row has neither 'fen' nor 'moves'");
    if (has("moves")) {
      puzzle.has_game = true;
      for (const std::string& word : words_of(row.text("moves"))) {
        puzzle.moves.push_back(parse_san(puzzle.position, word));
        puzzle.position = puzzle.position.after(puzzle.moves.back());
      }
    }
    if (has("fen")) {
      const Position stated = Position::from_fen(row.text("fen"));
      if (puzzle.has_game && !(stated == puzzle.position)) {
        throw UsageError("the moves lead to " + puzzle.position.fen() + ", not to the row's FEN " +
                         stated.fen());
      }
      puzzle.position = stated;
    }
    const std::string answer = row.text("answer");
    const bool is_uci = answer.size() >= 4 && std::isdigit(static_cast<unsigned char>(answer[1])) &&
                        std::islower(static_cast<unsigned char>(answer[2]));
    puzzle.answer = is_uci ? parse_uci(puzzle.position, answer) : parse_san(puzzle.position, answer);
    if (has("id")) puzzle.id = row.text("id");
    if (has("game")) puzzle.group = row.text("game");
    if (has("difficulty")) puzzle.difficulty = row.at("difficulty").as_real();
    if (has("mate")) puzzle.mate = row.at("mate").as_int();
    if (has("themes")) {
      for (const Value& theme : row.at("themes").as_list()) puzzle.themes.push_back(theme.as_string());
    }
    return puzzle;
  }
};

class LichessPuzzles final : public RowPuzzles {
 public:
  explicit LichessPuzzles(const std::string& path) : RowPuzzles(path, RecordFormat::csv) {}

 private:
  Puzzle puzzle_of(const DataRow& row) const override {
    Puzzle puzzle;
    puzzle.line = row.line;
    puzzle.id = row.text("PuzzleId");
    const std::vector<std::string> moves = words_of(row.text("Moves"));
    if (moves.size() < 2) throw UsageError("column 'Moves' needs the opponent's move and the answer");
    puzzle.position = Position::from_fen(row.text("FEN"));
    puzzle.position = puzzle.position.after(parse_uci(puzzle.position, moves[0]));
    puzzle.answer = parse_uci(puzzle.position, moves[1]);
    const std::string rating = row.text("Rating");
    if (rating.empty() || rating.find_first_not_of("0123456789") != std::string::npos || rating.size() > 6)
      throw UsageError("column 'Rating' is '" + rating + "', expected a number");
    puzzle.difficulty = std::stod(rating);
    puzzle.themes = words_of(row.text("Themes"));
    for (const std::string& theme : puzzle.themes) {
      if (theme.size() == 7 && theme.starts_with("mateIn")) puzzle.mate = theme[6] - '0';
    }
    if (row.fields.find("GameUrl") != nullptr) puzzle.group = game_of(row.text("GameUrl"));
    return puzzle;
  }

  // "https://lichess.org/787zsVup/black#48": the game is the part after the host.
  static std::string game_of(const std::string& url) {
    const std::size_t host = url.find("://");
    const std::size_t begin = host == std::string::npos ? 0 : url.find('/', host + 3) + 1;
    return url.substr(begin, url.find_first_of("/#", begin) - begin);
  }
};

class PgnPuzzles final : public PuzzleSource {
 public:
  explicit PgnPuzzles(const std::string& path) : path_(path), reader_(path) {}

  bool next(Puzzle& puzzle) override {
    PgnGame game;
    while (reader_.next(game)) {
      if (game.moves.empty()) {
        ++left_out_["games without moves"];
        continue;
      }
      puzzle = {};
      puzzle.line = game.line;
      if (game.tag("FEN").empty()) {
        puzzle.has_game = true;
        puzzle.moves.assign(game.moves.begin(), game.moves.end() - 1);
        for (const Move& move : puzzle.moves) puzzle.position = puzzle.position.after(move);
        puzzle.answer = game.moves.back();
        if (is_checkmate(puzzle.position.after(puzzle.answer))) puzzle.mate = 1;
      } else {
        puzzle.position = game.start;
        puzzle.answer = game.moves.front();
        Position end = game.start;
        for (const Move& move : game.moves) end = end.after(move);
        if (is_checkmate(end) && game.moves.size() % 2 == 1)
          puzzle.mate = static_cast<std::int64_t>(game.moves.size() + 1) / 2;
      }
      return true;
    }
    return false;
  }

 private:
  const std::string path_;
  PgnReader reader_;
};

PuzzleFormat format_of(const std::string& path) {
  std::string name = path;
  for (const std::string_view packed : {".gz", ".zst"}) {
    if (name.ends_with(packed)) name.resize(name.size() - packed.size());
  }
  if (name.ends_with(".jsonl")) return PuzzleFormat::jsonl;
  if (name.ends_with(".csv")) return PuzzleFormat::lichess;
  if (name.ends_with(".pgn")) return PuzzleFormat::pgn;
  if (name.ends_with(".olv")) return PuzzleFormat::olv;
  throw UsageError(path +
                   ": the name does not tell the format of the puzzles: expected .jsonl, .csv, .pgn or .olv, "
                   "or 'format'");
}

}  // namespace

std::unique_ptr<PuzzleSource> open_puzzles(const std::string& path, PuzzleFormat format) {
  switch (format) {
    case PuzzleFormat::automatic:
      return open_puzzles(path, format_of(path));
    case PuzzleFormat::jsonl:
      return std::make_unique<JsonPuzzles>(path);
    case PuzzleFormat::lichess:
      return std::make_unique<LichessPuzzles>(path);
    case PuzzleFormat::pgn:
      return std::make_unique<PgnPuzzles>(path);
    case PuzzleFormat::olv:
      return open_olv(path);
  }
  throw Error("there is no such format of puzzles");
}

}  // namespace w2s::chess
