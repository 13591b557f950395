// What is made with a chess engine: the same again from the same seed, and true when looked at again.
// Skipped where no engine is installed.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <w2s/data_file.hpp>
#include <w2s/error.hpp>

#include "../support/folder_test.hpp"
#include "find_puzzles.hpp"
#include "growing_file.hpp"
#include "values/toml.hpp"

namespace w2s::chess {
namespace {

namespace fs = std::filesystem;

class ChessEngine : public testing::Test {
 protected:
  void SetUp() override {
    try {
      engine_ = std::make_unique<Engine>("stockfish");
    } catch (const UsageError&) {
      GTEST_SKIP() << "stockfish is not installed";
    }
  }
  std::unique_ptr<Engine> engine_;
};

TEST_F(ChessEngine, CountsAsManyLinesInPositionsOfItsOwnGames) {
  SelfPlay settings;
  settings.seed = 11;
  settings.nodes = 20;
  settings.blunders = 0.5;  // odd positions
  settings.plies = 100;
  int compared = 0;
  for (std::int64_t number = 0; number < 3; ++number) {
    const PgnGame game = play(*engine_, settings, number);
    Position position;
    for (std::size_t ply = 0; ply < game.moves.size(); ++ply) {
      position = position.after(game.moves[ply]);
      if (ply % 10 != 9 || legal_moves(position).empty()) continue;
      EXPECT_EQ(perft(position, 3), engine_->perft(position, 3)) << position.fen();
      ++compared;
    }
  }
  EXPECT_GT(compared, 15);
}

TEST_F(ChessEngine, AGameDependsOnSeedAndNumberAlone) {
  SelfPlay settings;
  settings.nodes = 50;
  settings.plies = 24;
  const std::string first = pgn_text(play(*engine_, settings, 4));
  EXPECT_NE(pgn_text(play(*engine_, settings, 5)), first);
  EXPECT_EQ(pgn_text(play(*engine_, settings, 4)), first);
  Engine another("stockfish");
  EXPECT_EQ(pgn_text(play(another, settings, 4)), first);
  settings.seed = 1;
  EXPECT_NE(pgn_text(play(*engine_, settings, 4)), first);
}

TEST_F(ChessEngine, AGameComesBackFromItsPgn) {
  SelfPlay settings;
  settings.nodes = 20;
  const PgnGame game = play(*engine_, settings, 0);
  PgnReader reader(pgn_text(game), "game");
  PgnGame read;
  ASSERT_TRUE(reader.next(read));
  EXPECT_EQ(read.moves, game.moves);
  EXPECT_EQ(read.result, game.result);
}

TEST_F(ChessEngine, PuzzlesOfAGameAreTheSameAgainAndHoldWhenExamined) {
  SelfPlay settings;
  settings.seed = 7;
  settings.nodes = 100;
  PuzzleSearch search;
  search.nodes = 2000;
  search.per_game = 5;
  std::vector<Table> found;
  for (std::int64_t number = 0; found.size() < 3 && number < 20; ++number) {
    const std::vector<Table> once = find_puzzles(*engine_, settings, search, number);
    EXPECT_EQ(Value(List(once.begin(), once.end())).canonical(), [&] {
      const std::vector<Table> again = find_puzzles(*engine_, settings, search, number);
      return Value(List(again.begin(), again.end())).canonical();
    }());
    found.insert(found.end(), once.begin(), once.end());
  }
  ASSERT_GE(found.size(), 3u);
  for (const Table& row : found) {
    const Position position = Position::from_fen(row.at("fen").as_string());
    const Verdict verdict = examine(*engine_, position, search.nodes);
    EXPECT_EQ(verdict.analysis.lines[0].move, row.at("uci").as_string());
    EXPECT_EQ(verdict.gap, row.at("gap").as_int());
    EXPECT_GE(verdict.gap, search.gap);
  }
}

TEST_F(ChessEngine, MateInOneIsFoundAndItsGapIsToAMereWin) {
  // Two rooks: Rb8 mates, everything else only wins.
  const Position position = Position::from_fen("6k1/R4ppp/8/8/8/8/8/1R4K1 w - - 0 1");
  const Verdict verdict = examine(*engine_, position, 5000);
  EXPECT_TRUE(verdict.analysis.lines[0].score.mate);
  EXPECT_EQ(verdict.analysis.lines[0].score.value, 1);
  EXPECT_EQ(legal_moves(position.after(parse_uci(position, verdict.analysis.lines[0].move))).size(), 0u);
}

TEST(ChessGap, IsCutWhereMoreDoesNotMatter) {
  EXPECT_EQ(gap_between({300, false}, {100, false}), 200);
  EXPECT_EQ(gap_between({2500, false}, {1200, false}), 0);
  EXPECT_EQ(gap_between({2, true}, {1200, false}), 500);
  EXPECT_EQ(gap_between({1, true}, {3, true}), 0);
  EXPECT_EQ(gap_between({0, false}, {-2, true}), 1500);
}

TEST_F(ChessEngine, TheShippedPuzzlesHoldWhenExaminedAgain) {
  const fs::path sample = fs::path(W2S_SOURCE_DIR) / "chess" / "puzzles.jsonl.gz";
  std::istringstream lines(read_data_file(sample.string()));
  int rows = 0, examined = 0, same_move = 0, wide = 0;
  for (std::string line; std::getline(lines, line);) {
    const Table row = parse_json(line, sample.string()).as_table();
    Position position;
    std::istringstream moves(row.at("moves").as_string());
    for (std::string move; moves >> move;) position = position.after(parse_san(position, move));
    ASSERT_EQ(position.fen(), row.at("fen").as_string());
    const Move answer = parse_san(position, row.at("answer").as_string());
    EXPECT_EQ(uci(answer), row.at("uci").as_string());
    EXPECT_EQ(san(position, answer), row.at("answer").as_string());
    ++rows;
    if (rows % 40 != 0) continue;  // the search takes most of the time
    ++examined;
    const Verdict verdict = examine(*engine_, position, row.at("nodes").as_int());
    // Another version of the engine may see a borderline case otherwise.
    same_move += verdict.analysis.lines[0].move == uci(answer);
    wide += verdict.gap >= 100;
  }
  EXPECT_EQ(rows, 3000);
  EXPECT_GE(same_move, examined * 9 / 10);
  EXPECT_GE(wide, examined * 9 / 10);
}

class GrowingFileTest : public FolderTest {
 protected:
};

TEST_F(GrowingFileTest, GoesOnOnlyWithTheSettingsThatItWasBegunWith) {
  const std::string path = (folder_ / "games.pgn").string();
  GrowingFile(path, {{"seed", 1}, {"nodes", 100}}).append("one\n");
  EXPECT_EQ(GrowingFile(path, {{"seed", 1}, {"nodes", 100}}).text(), "one\n");
  try {
    GrowingFile(path, {{"seed", 2}, {"nodes", 100}});
    ADD_FAILURE();
  } catch (const UsageError& error) {
    EXPECT_EQ(error.what(), path + " was begun with seed = 1, not 2: use the same settings or another file");
  }
}

TEST_F(GrowingFileTest, HasOneWriterAtATime) {
  const std::string path = (folder_ / "games.pgn").string();
  const GrowingFile writer(path, {});
  EXPECT_THROW(GrowingFile(path, {}), UsageError);
}

}  // namespace
}  // namespace w2s::chess
