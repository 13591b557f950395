// Task "chess_puzzles": the game so far, or the position, and the best move as the answer to write.
#include <w2s/task.hpp>

#include <algorithm>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>

#include "puzzle_source.hpp"

namespace w2s::chess {
namespace {

namespace fs = std::filesystem;

enum class Prompt { moves, pgn, paper, fen };
constexpr auto enum_names(Prompt) { return std::array{"moves", "pgn", "paper", "fen"}; }

enum class Notation { san, uci };
constexpr auto enum_names(Notation) { return std::array{"san", "uci"}; }

enum class Difficulty { automatic, file, mate };
constexpr auto enum_names(Difficulty) { return std::array{"auto", "file", "mate"}; }

enum class BadPuzzles { refuse, skip };
constexpr auto enum_names(BadPuzzles) { return std::array{"refuse", "skip"}; }

class ChessPuzzles final : public ITask {
 public:
  struct Params {
    std::string path;
    std::vector<std::string> train, test;
    PuzzleFormat format = PuzzleFormat::automatic;
    Prompt prompt = Prompt::moves;
    std::int64_t last_plies = 0;
    Notation answer = Notation::san;
    Difficulty difficulty = Difficulty::automatic;
    std::vector<std::string> themes;
    double easier_than = 0;
    double hard = 0;
    std::int64_t train_limit = 0;
    std::int64_t test_limit = 0;
    std::int64_t held_out = 0;
    BadPuzzles on_error = BadPuzzles::refuse;
    std::int64_t seed = 0;
  };

  static void describe(Schema<Params>& s) {
    s.summary(
        "Chess puzzles: the model reads a game or a position and writes the best move. Files: JSONL of "
        "\"w2s chess puzzles\", the lichess puzzle CSV, PGN, and compositions of the package pychess (.olv); "
        ".gz "
        "and .zst as well");
    s.source("Burns et al. 2023, section 4.1");
    s.field("path", &Params::path, "folder that the files are in").required().path();
    s.field("train", &Params::train, "file, or list of files, of the training puzzles").required();
    s.field("test", &Params::test,
            "file, or list of files, of the test puzzles; none: `held_out` training puzzles");
    s.field("format", &Params::format, "of the files; auto: by their names");
    s.field("prompt", &Params::prompt,
            "moves: d4 Nf6 c4; pgn: 1. d4 Nf6 2. c4 2...; paper: 1. d4 1... Nf6 2. c4 2...; fen: the "
            "position, the "
            "only one for files without games");
    s.field("last_plies", &Params::last_plies,
            "show the last so many moves of either side; 0: the whole game")
        .at_least(0);
    s.field("answer", &Params::answer, "how the answer is written: san, Qxc1+; uci, d2c1");
    s.field("difficulty", &Params::difficulty,
            "file: its own (lichess: Rating; jsonl: difficulty); mate: moves to mate, other puzzles are left "
            "out; "
            "auto: file, or mate where the files have none of their own");
    s.field("themes", &Params::themes,
            "keep puzzles with one of these themes, as lichess names them; empty: all");
    s.field("easier_than", &Params::easier_than, "keep puzzles of a smaller difficulty; 0: all").at_least(0);
    s.field(
         "hard", &Params::hard,
         "this share of the test puzzles, the hardest, is also reported as test set \"hard\", the others as "
         "\"easy\"; 0: neither")
        .at_least(0)
        .below(1);
    s.field("train_limit", &Params::train_limit, "use the first so many training puzzles; 0: all")
        .at_least(0);
    s.field("test_limit", &Params::test_limit, "use the first so many test puzzles; 0: all").at_least(0);
    s.field("held_out", &Params::held_out,
            "without test files: so many training puzzles, in whole games, are the test set")
        .at_least(0);
    s.field("on_error", &Params::on_error, "malformed puzzles: refuse the data, or skip them and say so");
    s.field("seed", &Params::seed, "of the held-out puzzles").at_least(0);
  }

  explicit ChessPuzzles(const Params& params) : params_(params) {
    if (params_.train.empty()) fail("'train' names no file");
    if (params_.test.empty() == (params_.held_out == 0)) {
      fail(
          "give test files in 'test', or a number of training puzzles to test on in 'held_out', but not "
          "both");
    }
    if (params_.prompt == Prompt::fen && params_.last_plies > 0)
      fail("'last_plies' shortens a game; prompt = \"fen\" has none");
  }

  std::vector<std::string> files() const override {
    std::vector<std::string> all;
    for (const auto* names : {&params_.train, &params_.test}) {
      for (const std::string& name : *names) all.push_back(file(name));
    }
    return all;
  }

  TaskKind kind() const override { return TaskKind::generation; }
  std::int64_t classes() const override { return 1; }

  TaskData load() override {
    TaskData data;
    data.kind = TaskKind::generation;
    data.classes = 1;
    const Examples train(read("train", params_.train, params_.train_limit, data.notes));
    if (params_.test.empty()) {
      hold_out(train, params_.held_out, params_.seed, "chess_puzzles", data);
    } else {
      data.train = train;
      data.test = Examples(read("test", params_.test, params_.test_limit, data.notes));
    }
    if (params_.hard > 0) split_test(data);
    return data;
  }

 private:
  [[noreturn]] static void fail(const std::string& message) {
    throw UsageError("task 'chess_puzzles': " + message);
  }

  std::string file(const std::string& name) const {
    return (fs::path(params_.path) / name).lexically_normal().string();
  }

  struct Tally {
    std::int64_t kept = 0, bad = 0;
    std::vector<std::string> errors;
    std::map<std::string, std::int64_t> left_out;
  };

  Columns read(const std::string& split, const std::vector<std::string>& names, std::int64_t limit,
               std::vector<std::string>& notes) const {
    Columns columns;
    Tally tally;
    std::unordered_set<std::string> ids;
    std::unordered_map<std::string, std::int64_t> groups;
    std::vector<std::optional<double>> file_difficulty, mate;
    for (const std::string& name : names) {
      const std::unique_ptr<PuzzleSource> source = open_puzzles(file(name), params_.format);
      for (bool more = true; more && (limit == 0 || static_cast<std::int64_t>(columns.ids.size()) < limit);) {
        try {
          Puzzle puzzle;
          more = source->next(puzzle);
          if (!more) break;
          if (!wanted(puzzle, tally.left_out)) continue;
          const std::string own = puzzle.id.empty() ? std::to_string(puzzle.line) : puzzle.id;
          const std::string id =
              split + "/" + (puzzle.id.empty() && names.size() > 1 ? name + ":" : "") + own;
          const std::string where = file(name) + ":" + std::to_string(puzzle.line) + ": ";
          if (!ids.insert(id).second) throw UsageError(where + "the id '" + own + "' occurs twice");
          columns.text.push_back(prompt_of(puzzle, where));
          columns.second.push_back(" " + (params_.answer == Notation::uci
                                              ? uci(puzzle.answer)
                                              : san(puzzle.position, puzzle.answer)));
          columns.ids.push_back(id);
          const std::string group = puzzle.group.empty() ? id : name + '\x1f' + puzzle.group;
          columns.groups.push_back(
              groups.emplace(group, static_cast<std::int64_t>(groups.size())).first->second);
          file_difficulty.push_back(puzzle.difficulty);
          mate.push_back(puzzle.mate ? std::optional<double>(static_cast<double>(*puzzle.mate))
                                     : std::nullopt);
        } catch (const UsageError& error) {
          ++tally.bad;
          if (tally.errors.size() < 5) tally.errors.push_back(error.what());
        }
      }
      for (const auto& [reason, count] : source->left_out()) tally.left_out[reason] += count;
    }
    tally.kept = static_cast<std::int64_t>(columns.ids.size());
    report(split, tally, notes);
    if (columns.ids.empty()) fail("no puzzle in the files of '" + split + "'");
    columns.labels = at::zeros({static_cast<std::int64_t>(columns.ids.size())}, at::kLong);
    columns.difficulty = complete(params_.difficulty == Difficulty::mate ? mate : file_difficulty);
    if (columns.difficulty.empty() && params_.difficulty == Difficulty::automatic)
      columns.difficulty = complete(mate);
    if (columns.difficulty.empty() && params_.difficulty == Difficulty::file)
      fail("difficulty = \"file\", but not every puzzle of '" + split + "' has a difficulty of its own");
    return columns;
  }

  static std::vector<double> complete(const std::vector<std::optional<double>>& values) {
    std::vector<double> all;
    for (const std::optional<double>& value : values) {
      if (!value) return {};
      all.push_back(*value);
    }
    return all;
  }

  bool wanted(const Puzzle& puzzle, std::map<std::string, std::int64_t>& left_out) const {
    const auto leave = [&](const std::string& reason) {
      ++left_out[reason];
      return false;
    };
    if (!params_.themes.empty() &&
        std::none_of(puzzle.themes.begin(), puzzle.themes.end(), [&](const std::string& theme) {
          return std::find(params_.themes.begin(), params_.themes.end(), theme) != params_.themes.end();
        })) {
      return leave("puzzles of other themes");
    }
    if (params_.difficulty == Difficulty::mate && !puzzle.mate) return leave("puzzles without mate");
    if (params_.easier_than > 0) {
      const bool by_mate = params_.difficulty == Difficulty::mate ||
                           (params_.difficulty == Difficulty::automatic && !puzzle.difficulty);
      if (by_mate && !puzzle.mate) return leave("puzzles without a difficulty");
      const double difficulty = by_mate ? static_cast<double>(*puzzle.mate) : puzzle.difficulty.value_or(0);
      if (difficulty >= params_.easier_than) return leave("harder puzzles");
    }
    return true;
  }

  std::string prompt_of(const Puzzle& puzzle, const std::string& where) const {
    if (params_.prompt == Prompt::fen) return puzzle.position.fen();
    if (!puzzle.has_game) {
      throw UsageError(where + "the puzzle has no game: it takes prompt = \"fen\", not \"" +
                       w2s::name_of(params_.prompt) + "\"");
    }
    const LineStyle style = params_.prompt == Prompt::moves ? LineStyle::moves
                            : params_.prompt == Prompt::pgn ? LineStyle::pgn
                                                            : LineStyle::paper;
    if (puzzle.moves.empty()) throw UsageError(where + "the game has no move before the puzzle");
    Position start;
    const std::size_t plies = puzzle.moves.size();
    const auto shown = static_cast<std::size_t>(params_.last_plies);
    const std::size_t skip = shown > 0 && plies > shown ? plies - shown : 0;
    for (std::size_t i = 0; i < skip; ++i) start = start.after(puzzle.moves[i]);
    return prompt_text(start, {puzzle.moves.begin() + static_cast<std::ptrdiff_t>(skip), puzzle.moves.end()},
                       style);
  }

  void report(const std::string& split, const Tally& tally, std::vector<std::string>& notes) const {
    for (const auto& [reason, count] : tally.left_out) {
      notes.push_back("task 'chess_puzzles': " + std::to_string(count) + " " + reason + " in '" + split +
                      "', left out");
    }
    if (tally.bad == 0) return;
    std::string text = std::to_string(tally.bad) + " malformed puzzle" + (tally.bad == 1 ? "" : "s") +
                       " of " + std::to_string(tally.kept + tally.bad) + " in '" + split + "'";
    const bool skip = params_.on_error == BadPuzzles::skip;
    if (skip) text += ", left out";
    for (const std::string& error : tally.errors) text += "\n  " + error;
    const auto unnamed = tally.bad - static_cast<std::int64_t>(tally.errors.size());
    if (unnamed > 0) text += "\n  and " + std::to_string(unnamed) + " more";
    if (!skip) fail(text + "\non_error = \"skip\" leaves them out");
    notes.push_back("task 'chess_puzzles': " + text);
  }

  void split_test(TaskData& data) const {
    if (data.test.columns().difficulty.empty())
      fail("'hard' needs puzzles that all have a difficulty; these have none in common");
    std::vector<std::int64_t> order(static_cast<std::size_t>(data.test.size()));
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return data.test.difficulty(a) < data.test.difficulty(b);
    });
    const auto easy = static_cast<std::ptrdiff_t>((1 - params_.hard) * static_cast<double>(order.size()));
    if (easy == 0 || easy == static_cast<std::ptrdiff_t>(order.size()))
      fail("'hard' leaves one part of the test set empty");
    std::sort(order.begin(), order.begin() + easy);
    std::sort(order.begin() + easy, order.end());
    data.shifted["easy"] = data.test.select({order.begin(), order.begin() + easy});
    data.shifted["hard"] = data.test.select({order.begin() + easy, order.end()});
  }

  const Params params_;
};

W2S_TASK(ChessPuzzles, "chess_puzzles");

}  // namespace
}  // namespace w2s::chess
