// Compositions as the package pychess has them (.olv): YAML records of pieces, stipulation and solution.
// Only what such files use of YAML is read.
#include <w2s/data_file.hpp>
#include <w2s/error.hpp>

#include "puzzle_source.hpp"

namespace w2s::chess {
namespace {

struct Record {
  std::int64_t line = 0;
  std::vector<std::string> white, black;
  std::string stipulation, solution;
  bool special = false;  // twins, conditions of fairy chess
};

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\"'");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\"'") - first + 1));
}

void add_pieces(std::string_view list, std::vector<std::string>& pieces) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    std::string piece = trimmed(list.substr(0, end));
    if (!piece.empty()) pieces.push_back(std::move(piece));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

class OlvPuzzles final : public PuzzleSource {
 public:
  explicit OlvPuzzles(const std::string& path) : path_(path), text_(read_data_file(path)) {}

  bool next(Puzzle& puzzle) override {
    Record record;
    while (read(record)) {
      if (record.special) {
        ++left_out_["compositions with twins or conditions of fairy chess"];
      } else if (!is_direct_mate(record.stipulation)) {
        ++left_out_["compositions that are no direct mates"];
      } else if (has_fairy_piece(record)) {
        ++left_out_["compositions with fairy pieces"];
      } else {
        try {
          puzzle = puzzle_of(record);
        } catch (const UsageError& error) {
          throw UsageError(path_ + ":" + std::to_string(record.line) + ": " + error.what());
        }
        return true;
      }
    }
    return false;
  }

 private:
  std::string_view take_line() {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    const std::string_view line = std::string_view(text_).substr(at_, end - at_);
    at_ = end + 1;
    ++line_;
    return line;
  }

  // The next record: from one "---" to the next.
  bool read(Record& record) {
    record = {};
    bool begun = false;
    std::string key;
    while (at_ < text_.size()) {
      const std::size_t before = at_;
      const std::string_view line = take_line();
      if (line.starts_with("---")) {
        if (begun) {
          at_ = before;
          --line_;
          return true;
        }
        begun = true;
        record.line = line_;
        continue;
      }
      if (!begun) continue;
      add(line, key, record);
    }
    return begun;
  }

  static void add(std::string_view line, std::string& key, Record& record) {
    if (key == "solution" && (line.empty() || line[0] == ' ')) {
      record.solution += std::string(line) + "\n";
      return;
    }
    const std::string content = trimmed(line);
    const std::size_t colon = content.find(':');
    const bool is_item = content.starts_with("-");
    if (!is_item && colon != std::string::npos) {
      key = content.substr(0, colon);
      const std::string value = trimmed(std::string_view(content).substr(colon + 1));
      record.special |= key == "twins" || key == "conditions" || key == "condition" || key == "options";
      if (key == "stipulation") record.stipulation = value;
      if (key == "solution" && value != "|") record.solution = value + "\n";
      if (key == "white" || key == "black") list(value, key, record);
    } else if (key == "white" || key == "black") {
      list(is_item ? content.substr(1) : content, key, record);
    }
  }

  static void list(std::string text, const std::string& key, Record& record) {
    std::erase_if(text, [](char c) { return c == '[' || c == ']'; });
    add_pieces(text, key == "white" ? record.white : record.black);
  }

  static bool is_direct_mate(const std::string& stipulation) {
    return stipulation.size() >= 2 && stipulation.size() <= 3 && stipulation[0] == '#' &&
           stipulation.find_first_not_of("0123456789", 1) == std::string::npos;
  }

  static bool has_fairy_piece(const Record& record) {
    for (const auto* pieces : {&record.white, &record.black}) {
      for (const std::string& piece : *pieces) {
        if (piece.size() != 3 || std::string_view("KQRBSP").find(piece[0]) == std::string_view::npos)
          return true;
      }
    }
    return false;
  }

  static Puzzle puzzle_of(const Record& record) {
    std::array<char, 64> board;
    board.fill(0);
    for (const bool is_white : {true, false}) {
      for (const std::string& piece : is_white ? record.white : record.black) {
        const Square square = square_of(std::string_view(piece).substr(1));
        const char letter = piece[0] == 'S' ? 'N' : piece[0];
        if (board[static_cast<std::size_t>(square)] != 0)
          throw UsageError("two pieces stand on " + piece.substr(1));
        board[static_cast<std::size_t>(square)] = is_white ? letter : static_cast<char>(letter + 32);
      }
    }
    Puzzle puzzle;
    puzzle.line = record.line;
    puzzle.position = Position::from_fen(fen_of(board));
    puzzle.mate = std::stoll(record.stipulation.substr(1));
    puzzle.answer = parse_san(puzzle.position, key_move(record.solution));
    return puzzle;
  }

  // White moves; castling counts as allowed where king and rook stand at home, as in all compositions.
  static std::string fen_of(const std::array<char, 64>& board) {
    std::string fen;
    for (std::size_t rank = 8; rank-- > 0;) {
      for (std::size_t file = 0; file < 8; ++file) {
        const char piece = board[8 * rank + file];
        fen += piece != 0 ? piece : '1';
      }
      if (rank > 0) fen += '/';
    }
    std::string rights;
    if (board[4] == 'K' && board[7] == 'R') rights += 'K';
    if (board[4] == 'K' && board[0] == 'R') rights += 'Q';
    if (board[60] == 'k' && board[63] == 'r') rights += 'k';
    if (board[60] == 'k' && board[56] == 'r') rights += 'q';
    return fen + " w " + (rights.empty() ? "-" : rights) + " - 0 1";
  }

  // The first White move that is marked "!": "1.Kc8-d7 ! zugzwang", "1. Nb7! (2.Nd6#)". Those marked "?" are
  // tries; without any mark the first one is meant.
  static std::string key_move(const std::string& solution) {
    std::string unmarked;
    for (std::size_t at = 0; (at = solution.find("1.", at)) != std::string::npos; at += 2) {
      const bool begins =
          at == 0 || std::string_view(" \t\n\"(").find(solution[at - 1]) != std::string_view::npos;
      const std::size_t first = solution.find_first_not_of(" \t", at + 2);
      if (!begins || first == std::string::npos || solution[first] == '.') continue;
      const std::size_t end = std::min(solution.find_first_of(" \t\n\"!?+#(~", first), solution.size());
      const std::string move = solution.substr(first, end - first);
      if (move.empty()) continue;
      const std::size_t mark = solution.find_first_not_of(" \t+#", end);
      const std::string marks = mark == std::string::npos ? "" : solution.substr(mark, 2);
      if (marks.starts_with('!') && marks != "!?") return with_knight(move);
      if (!marks.starts_with('!') && !marks.starts_with('?') && unmarked.empty()) unmarked = move;
    }
    if (unmarked.empty()) throw UsageError("the solution has no key move \"1.… !\"");
    return with_knight(unmarked);
  }

  static std::string with_knight(std::string move) {
    if (move.starts_with('S')) move[0] = 'N';
    if (move.ends_with("=S")) move.back() = 'N';
    return move;
  }

  const std::string path_, text_;
  std::size_t at_ = 0;
  std::int64_t line_ = 0;
};

}  // namespace

std::unique_ptr<PuzzleSource> open_olv(const std::string& path) { return std::make_unique<OlvPuzzles>(path); }

}  // namespace w2s::chess
