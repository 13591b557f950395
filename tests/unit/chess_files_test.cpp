// Chess files: PGN, the lichess CSV, the tool's JSONL, compositions; and the task that is made of them.
#include <w2s/task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "../support/folder_test.hpp"
#include "../support/plugins.hpp"
#include "pgn.hpp"
#include "plugins/registry.hpp"
#include "puzzle_source.hpp"

namespace w2s::chess {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const fs::path kPychess = "/usr/share/pychess/learn";

class ChessFiles : public FolderTest {
 protected:
  std::string write(const std::string& name, const std::string& contents) const {
    std::ofstream(folder_ / name) << contents;
    return (folder_ / name).string();
  }

  std::unique_ptr<ITask> task(Table params) const {
    params.set("path", folder_.string());
    return plugins().make_task({"chess_puzzles", params, {}});
  }

  std::string refusal(Table params) const {
    try {
      task(std::move(params))->load();
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }
};

std::vector<std::string> uci_of(const std::vector<Move>& moves) {
  std::vector<std::string> names;
  for (const Move& move : moves) names.push_back(uci(move));
  return names;
}

TEST_F(ChessFiles, PgnGivesTheMainLineAndNothingElse) {
  PgnReader reader(
      "% an escaped line\n"
      "[Event \"A \\\"test\\\"\"]\n[Result \"1-0\"]\n\n"
      "{ before } 1.e4! $1 e5 {a comment (with a bracket} 2. Nf3 (2. f4 exf4 (2... d5 {deep}) 3. Nf3) 2... "
      "Nc6 ; rest )\n"
      "3.Bb5 a6?! 4. Ba4 Nf6 5. 0-0 1-0\n\n"
      "[Event \"Position\"]\n[SetUp \"1\"]\n[FEN \"7k/4P3/8/8/8/8/8/4K3 w - - 0 1\"]\n\n1. e8=Q+ Kg7 *\n"
      "[Event \"No result\"]\n\n1. d4\n",
      "games");
  PgnGame game;
  ASSERT_TRUE(reader.next(game));
  EXPECT_EQ(game.tag("Event"), "A \"test\"");
  EXPECT_EQ(game.line, 2);
  EXPECT_EQ(game.result, "1-0");
  EXPECT_THAT(uci_of(game.moves),
              ElementsAre("e2e4", "e7e5", "g1f3", "b8c6", "f1b5", "a7a6", "b5a4", "g8f6", "e1g1"));
  ASSERT_TRUE(reader.next(game));
  EXPECT_THAT(uci_of(game.moves), ElementsAre("e7e8q", "h8g7"));
  EXPECT_EQ(game.result, "*");
  ASSERT_TRUE(reader.next(game));
  EXPECT_THAT(uci_of(game.moves), ElementsAre("d2d4"));
  EXPECT_FALSE(reader.next(game));
}

TEST_F(ChessFiles, AMalformedGameIsNamedByLineAndTheNextOneIsRead) {
  PgnReader reader(
      "[Event \"1\"]\n\n1. e4 e5 2. Ke3 d6 1-0\n\n"
      "[Event \"2\"]\n\n1. e4 { without an end\n\n"
      "[Event \"3\"]\n\n1. c4 *\n",
      "games");
  PgnGame game;
  const auto message = [&]() -> std::string {
    try {
      return reader.next(game) ? "a game" : "the end";
    } catch (const UsageError& error) {
      return error.what();
    }
  };
  EXPECT_THAT(message(), HasSubstr("games:3: 'Ke3' is not a legal move in rnbqkbnr/pppp1ppp/"));
  EXPECT_THAT(message(), HasSubstr("games:7: comment without its end"));
  EXPECT_EQ(message(), "the end");
}

TEST_F(ChessFiles, AThousandMovesOfRealGamesGoThroughBothNotations) {
  if (!fs::exists(kPychess / "lessons")) GTEST_SKIP() << "pychess is not installed";
  int moves = 0, games = 0;
  for (const auto& file : fs::recursive_directory_iterator(kPychess)) {
    if (file.path().extension() != ".pgn") continue;
    PgnReader reader(file.path().string());
    for (PgnGame game;;) {
      try {
        if (!reader.next(game)) break;
      } catch (const UsageError&) {
        continue;  // studies with null moves, positions without kings
      }
      ++games;
      Position position = game.start;
      for (const Move& move : game.moves) {
        EXPECT_EQ(parse_san(position, san(position, move)), move);
        EXPECT_EQ(parse_uci(position, uci(move)), move);
        EXPECT_TRUE(Position::from_fen(position.fen()) == position) << position.fen();
        position = position.after(move);
        ++moves;
      }
    }
  }
  EXPECT_GT(games, 900);
  EXPECT_GT(moves, 1000);
}

// Whether the side to move can force mate within `moves` of its moves.
bool mates(const Position& position, int moves);

bool forced(const Position& after, int moves) {
  if (is_checkmate(after)) return true;
  const MoveList replies = legal_moves(after);
  if (moves == 1 || replies.empty()) return false;
  for (const Move& reply : replies) {
    if (!mates(after.after(reply), moves - 1)) return false;
  }
  return true;
}

bool mates(const Position& position, int moves) {
  for (const Move& move : legal_moves(position)) {
    if (forced(position.after(move), moves)) return true;
  }
  return false;
}

TEST_F(ChessFiles, KeysOfCompositionsForceMateInTwoByExhaustiveSearch) {
  if (!fs::exists(kPychess / "puzzles")) GTEST_SKIP() << "pychess is not installed";
  int right = 0, total = 0, malformed = 0, all = 0;
  for (const auto& file : fs::directory_iterator(kPychess / "puzzles")) {
    if (file.path().extension() != ".olv") continue;
    const auto source = open_puzzles(file.path().string());
    for (Puzzle puzzle;;) {
      try {
        if (!source->next(puzzle)) break;
      } catch (const UsageError&) {
        ++malformed;
        continue;
      }
      ++all;
      if (*puzzle.mate != 2 || all % 10 != 0) continue;
      ++total;
      right += forced(puzzle.position.after(puzzle.answer), 2);
    }
  }
  EXPECT_GT(all, 3500);
  EXPECT_GT(total, 150);
  EXPECT_GE(right,
            total - 1);  // two of all 1,949 are jests: the castling that they play with is not in the file
  EXPECT_LT(malformed, 230);  // no key, or one that is no move
}

const std::string kLichess =
    "PuzzleId,FEN,Moves,Rating,RatingDeviation,Popularity,NbPlays,Themes,GameUrl,OpeningTags\n"
    "00sHx,q3k1nr/1pp1nQpp/3p4/1P2p3/4P3/B1PP1b2/B5PP/5K2 b k - 0 17,e8d7 a2e6 d7d8 f7f8,1760,80,83,72,mate "
    "mateIn2 middlegame short,https://lichess.org/yyznGmXs/black#34,Italian_Game\n"
    "00sJ9,r3r1k1/p4ppp/2p2n2/1p6/3P1qb1/2NQR3/PPB2PP1/R1B3K1 w - - 5 18,e3g3 e8e1 g1h2 e1c1,2671,105,87,325,"
    "advantage attraction,https://lichess.org/gyFeQsOE#35,French_Defense\n";

TEST_F(ChessFiles, LichessRowsBeginWithTheOpponentsMove) {
  write("puzzles.csv", kLichess);
  const TaskData data = task({{"train", "puzzles.csv"}, {"test", "puzzles.csv"}, {"prompt", "fen"}})->load();
  EXPECT_EQ(data.kind, TaskKind::generation);
  EXPECT_EQ(data.classes, 1);
  ASSERT_EQ(data.train.size(), 2);
  EXPECT_EQ(data.train.id(0), "train/00sHx");
  EXPECT_EQ(data.train.text(0), "q5nr/1ppknQpp/3p4/1P2p3/4P3/B1PP1b2/B5PP/5K2 w - - 1 18");
  EXPECT_EQ(data.train.second(0), " Be6+");
  EXPECT_EQ(data.train.second(1), " Re1+");
  EXPECT_EQ(data.train.difficulty(1), 2671);
  EXPECT_NE(data.train.group(0), data.train.group(1));
}

TEST_F(ChessFiles, ThemesMateLengthAndDifficultyChooseTheRows) {
  write("puzzles.csv", kLichess);
  const Table base = {{"train", "puzzles.csv"}, {"test", "puzzles.csv"}, {"prompt", "fen"}};
  const auto with = [&](const char* key, Value value) {
    Table params = base;
    params.set(key, std::move(value));
    return task(params)->load();
  };
  const TaskData themed = with("themes", List{"attraction"});
  ASSERT_EQ(themed.train.size(), 1);
  EXPECT_EQ(themed.train.second(0), " Re1+");
  EXPECT_THAT(themed.notes, testing::Contains(HasSubstr("1 puzzles of other themes in 'train', left out")));
  const TaskData mate = with("difficulty", "mate");
  ASSERT_EQ(mate.train.size(), 1);
  EXPECT_EQ(mate.train.difficulty(0), 2);
  EXPECT_EQ(with("easier_than", 2000).train.second(0), " Be6+");
  const TaskData uci_answers = with("answer", "uci");
  EXPECT_EQ(uci_answers.train.second(0), " a2e6");
}

TEST_F(ChessFiles, TheHardestTestPuzzlesAreATestSetOfTheirOwn) {
  write("puzzles.csv", kLichess);
  const TaskData data =
      task({{"train", "puzzles.csv"}, {"test", "puzzles.csv"}, {"prompt", "fen"}, {"hard", 0.5}})->load();
  ASSERT_EQ(data.shifted.at("hard").size(), 1);
  EXPECT_EQ(data.shifted.at("hard").difficulty(0), 2671);
  EXPECT_EQ(data.shifted.at("easy").difficulty(0), 1760);
}

const std::string kRow =
    R"({"game": 3, "moves": "f3 e5 g4", "fen": "rnbqkbnr/pppp1ppp/8/4p3/6P1/5P2/PPPPP2P/RNBQKBNR b KQkq g3 0 2",)"
    R"( "answer": "Qh4#", "mate": 1, "difficulty": 1})";

TEST_F(ChessFiles, PromptsAreTheGameInTheStyleAskedFor) {
  write("puzzles.jsonl", kRow + "\n");
  const auto text = [&](const char* prompt, std::int64_t last) {
    return task({{"train", "puzzles.jsonl"},
                 {"test", "puzzles.jsonl"},
                 {"prompt", prompt},
                 {"last_plies", last}})
        ->load()
        .train.text(0);
  };
  EXPECT_EQ(text("moves", 0), "f3 e5 g4");
  EXPECT_EQ(text("moves", 2), "e5 g4");
  EXPECT_EQ(text("pgn", 0), "1. f3 e5 2. g4 2...");
  EXPECT_EQ(text("paper", 0), "1. f3 1... e5 2. g4 2...");
  EXPECT_EQ(text("fen", 0), "rnbqkbnr/pppp1ppp/8/4p3/6P1/5P2/PPPPP2P/RNBQKBNR b KQkq g3 0 2");
}

TEST_F(ChessFiles, PgnPuzzlesAnswerWithTheFirstMoveOfAPositionAndTheLastOfAGame) {
  write("puzzles.pgn",
        "[FEN \"7k/8/6K1/8/8/8/8/R7 w - - 0 1\"]\n\n1. Ra8# *\n\n[Event \"a game\"]\n\n1. f3 e5 2. g4 Qh4# "
        "0-1\n");
  const auto source = open_puzzles((folder_ / "puzzles.pgn").string());
  Puzzle puzzle;
  ASSERT_TRUE(source->next(puzzle));
  EXPECT_EQ(uci(puzzle.answer), "a1a8");
  EXPECT_EQ(puzzle.mate, 1);
  EXPECT_FALSE(puzzle.has_game);
  ASSERT_TRUE(source->next(puzzle));
  EXPECT_EQ(uci(puzzle.answer), "d8h4");
  EXPECT_EQ(puzzle.mate, 1);
  EXPECT_EQ(puzzle.moves.size(), 3u);
  EXPECT_FALSE(source->next(puzzle));
}

TEST_F(ChessFiles, CompositionsAreReadWithTheirKeys) {
  const std::string head = "authors: \n  - Somebody\nsource: A paper\nalgebraic: \n";
  write("mates.olv",
        "---\n" + head +
            "  white: [Kg6, Sf5, Ra1]\n  black: [Kg8, Ph6]\nstipulation: \"#2\"\nsolution: |\n"
            "  \"1.Ra1-a7 ? threat:\n          2.Ra7-g7 #\n    1.Ra1-a8 # !\"\n"
            "---\n" +
            head + "  white: [Ka1]\n  black: [Kh8]\nstipulation: \"h#2\"\nsolution: |\n  \"1.Kh8-h7\"\n" +
            "---\n" + head +
            "  white: [Ka1, Gb1]\n  black: [Kh8]\nstipulation: \"#2\"\nsolution: |\n  \"1.Ka1-a2 !\"\n" +
            "---\n" + head +
            "  white: [Kg6, Sf5, Ra1]\n  black: [Kg8, Pa1]\nstipulation: \"#2\"\nsolution: |\n  \"1.Sf5-h6 + "
            "!\"\n" +
            "---\n" + head +
            "  white: \n    - Kg6\n    - Sf5\n  black: \n    - Kg8\nstipulation: \"#3\"\nsolution: |\n  "
            "\"1.Sf5-h6 + !\"\n");
  const auto source = open_puzzles((folder_ / "mates.olv").string());
  Puzzle puzzle;
  ASSERT_TRUE(source->next(puzzle));
  EXPECT_EQ(uci(puzzle.answer), "a1a8");
  EXPECT_EQ(puzzle.mate, 2);
  EXPECT_EQ(puzzle.position.fen(), "6k1/8/6Kp/5N2/8/8/8/R7 w - - 0 1");
  try {
    source->next(puzzle);
    ADD_FAILURE();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("mates.olv:33: two pieces stand on a1"));
  }
  ASSERT_TRUE(source->next(puzzle));
  EXPECT_EQ(uci(puzzle.answer), "f5h6");
  EXPECT_FALSE(source->next(puzzle));
  EXPECT_THAT(source->left_out(), ElementsAre(testing::Pair("compositions that are no direct mates", 1),
                                              testing::Pair("compositions with fairy pieces", 1)));
}

const std::string kBroken =
    kRow + "\n" +                                                   // 1: sound
    "{\"fen\": \"8/8/8/8/8/8/8/8 w - -\", \"answer\": \"e4\"}\n" +  // 2: no kings
    "{\"moves\": \"e4 e5\", \"answer\": \"Nd4\"}\n" +               // 3: not legal
    "{\"moves\": \"e4\n" +                                          // 4: not JSON
    "{\"answer\": \"e4\"}\n" +                                      // 5: no position
    "{\"moves\": \"\", \"answer\": \"e4\"}\n" +                     // 6: empty prompt
    "{\"moves\": \"e4 e5\", \"fen\": \"4k3/8/8/8/8/8/8/4K3 w - -\", \"answer\": \"Kd1\"}\n";

TEST_F(ChessFiles, MalformedPuzzlesAreCountedAndNamedAndRefused) {
  const std::string path = write("puzzles.jsonl", kBroken);
  const std::string message = refusal({{"train", "puzzles.jsonl"}, {"test", "puzzles.jsonl"}});
  EXPECT_THAT(message, HasSubstr("6 malformed puzzles of 7 in 'train'"));
  EXPECT_THAT(message, HasSubstr(path + ":2: illegal FEN '8/8/8/8/8/8/8/8 w - -': White has 0 kings"));
  EXPECT_THAT(message, HasSubstr(path + ":3: 'Nd4' is not a legal move in "));
  EXPECT_THAT(message, HasSubstr(path + ":4: "));
  EXPECT_THAT(message, HasSubstr(path + ":5: the row has neither 'fen' nor 'moves'"));
  EXPECT_THAT(message, HasSubstr(path + ":6: the game has no move before the puzzle"));
  EXPECT_THAT(message, HasSubstr("and 1 more"));
  EXPECT_THAT(message, HasSubstr("on_error = \"skip\" leaves them out"));
}

TEST_F(ChessFiles, SkippedPuzzlesAreNoted) {
  write("puzzles.jsonl", kBroken);
  const TaskData data =
      task({{"train", "puzzles.jsonl"}, {"test", "puzzles.jsonl"}, {"on_error", "skip"}})->load();
  EXPECT_EQ(data.train.size(), 1);
  EXPECT_THAT(data.notes, testing::Contains(HasSubstr("6 malformed puzzles of 7 in 'train', left out")));
}

TEST_F(ChessFiles, MalformedLichessRowsAreNamed) {
  const std::string path =
      write("puzzles.csv", kLichess + "short,row\n" +
                               "bad1,4k3/8/8/8/8/8/8/4K3 w - - 0 1,e1e2 e8e1,1500,0,0,0,x,u,\n" +
                               "bad2,4k3/8/8/8/8/8/8/4K3 w - - 0 1,e1e2,1500,0,0,0,x,u,\n" +
                               "bad3,4k3/8/8/8/8/8/8/4K3 w - - 0 1,e1e2 e8e7,high,0,0,0,x,u,\n");
  const std::string message = refusal({{"train", "puzzles.csv"}, {"test", "puzzles.csv"}, {"prompt", "fen"}});
  EXPECT_THAT(message, HasSubstr("4 malformed puzzles of 6"));
  EXPECT_THAT(message, HasSubstr(path + ":4: "));
  EXPECT_THAT(message, HasSubstr(path + ":5: 'e8e1' is not a legal move"));
  EXPECT_THAT(message, HasSubstr(path + ":6: column 'Moves' needs the opponent's move and the answer"));
  EXPECT_THAT(message, HasSubstr(path + ":7: column 'Rating' is 'high'"));
}

TEST_F(ChessFiles, PuzzlesWithoutAGameAskForThePosition) {
  write("puzzles.csv", kLichess);
  EXPECT_THAT(refusal({{"train", "puzzles.csv"}, {"test", "puzzles.csv"}}),
              HasSubstr("the puzzle has no game: it takes prompt = \"fen\", not \"moves\""));
  write("puzzles.txt", "");
  EXPECT_THAT(refusal({{"train", "puzzles.txt"}, {"test", "puzzles.txt"}}),
              HasSubstr("the name does not tell the format of the puzzles"));
}

TEST_F(ChessFiles, PuzzlesOfOneGameAreHeldOutTogether) {
  std::string rows;
  for (int game = 0; game < 20; ++game) {
    for (int copy = 0; copy < 2; ++copy)
      rows += R"({"game": )" + std::to_string(game) + R"(, "moves": "f3 e5 g4", "answer": "Qh4#"})" + "\n";
  }
  write("puzzles.jsonl", rows);
  const TaskData data = task({{"train", "puzzles.jsonl"}, {"held_out", 9}})->load();
  EXPECT_EQ(data.test.size(), 10);
  EXPECT_EQ(data.train.size(), 30);
  std::set<std::int64_t> held_out;
  for (std::int64_t i = 0; i < data.test.size(); ++i) held_out.insert(data.test.group(i));
  EXPECT_EQ(held_out.size(), 5u);
  for (std::int64_t i = 0; i < data.train.size(); ++i) EXPECT_EQ(held_out.count(data.train.group(i)), 0u);
}

}  // namespace
}  // namespace w2s::chess
