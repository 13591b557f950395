// w2s chess as a user runs it: files from a seed, interrupted and continued. Skipped without stockfish.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

class ChessTool : public testing::Test {
 protected:
  Outcome chess(Arguments arguments) const {
    arguments.insert(arguments.begin(), "chess");
    return bench_.w2s(arguments);
  }
  void need_engine() const {
    const Outcome probe =
        chess({"games", "--out", "probe.pgn", "--count", "1", "--plies", "1", "--nodes", "1"});
    if (probe.err.find("there is no chess engine") != std::string::npos) GTEST_SKIP() << "no stockfish";
  }

  Workbench bench_;
};

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST_F(ChessTool, CountsLinesOfMoves) {
  const Outcome counted = chess({"perft", "4"});
  EXPECT_EQ(counted.out, "197281\n");
  EXPECT_EQ(chess({"perft", "3", "--fen", "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1"}).out, "2812\n");
}

TEST_F(ChessTool, MistakesAreOneMessage) {
  EXPECT_THAT(chess({"perft", "3", "--fen", "8/8/8/8/8/8/8/8 w - -"}).err,
              StartsWith("w2s: illegal FEN '8/8/8/8/8/8/8/8 w - -': White has 0 kings"));
  EXPECT_THAT(chess({"gmaes"}).err, HasSubstr("unknown command 'gmaes' (did you mean 'games'?)"));
  EXPECT_THAT(chess({"games", "--out", "g.pgn", "--engine", "no-such-engine"}).err,
              HasSubstr("there is no chess engine 'no-such-engine': install the package stockfish"));
  EXPECT_EQ(chess({"games"}).status, 2);
  EXPECT_THAT(chess({}).out, HasSubstr("usage: w2s chess COMMAND"));
}

TEST_F(ChessTool, GamesGoOnWhereTheyWereCutOff) {
  need_engine();
  const auto games = [&](const char* file, const char* count) {
    return chess({"games", "--out", file, "--count", count, "--seed", "5", "--nodes", "20", "--plies", "20"});
  };
  ASSERT_EQ(games("whole.pgn", "6").status, 0);
  const std::string whole = bench_.read("whole.pgn");
  ASSERT_EQ(games("parts.pgn", "3").status, 0);
  EXPECT_EQ(bench_.read("parts.pgn"), whole.substr(0, bench_.read("parts.pgn").size()));
  // Killed in the middle of a tag, of the moves, and before the empty line at the end.
  for (const std::size_t kept : {whole.find("[Round \"4\"]") + 5, whole.rfind(". ") - 10, whole.size() - 1}) {
    bench_.write("parts.pgn", whole.substr(0, kept));
    ASSERT_EQ(games("parts.pgn", "6").status, 0);
    EXPECT_EQ(bench_.read("parts.pgn"), whole);
  }
  const Outcome other =
      chess({"games", "--out", "whole.pgn", "--count", "7", "--seed", "6", "--nodes", "20", "--plies", "20"});
  EXPECT_EQ(other.status, 2);
  EXPECT_THAT(other.err, HasSubstr("whole.pgn was begun with seed = 5, not 6"));

  ASSERT_EQ(chess({"movetext", "whole.pgn", "--out", "games.txt"}).status, 0);
  EXPECT_EQ(lines_in(bench_.read("games.txt")), 6u);
  ASSERT_EQ(chess({"movetext", "whole.pgn", "--out", "paper.txt", "--style", "paper"}).status, 0);
  EXPECT_THAT(bench_.read("paper.txt"), testing::MatchesRegex("1\\. [^ ]+ 1\\.\\.\\. [^ ]+ 2\\. .*"));
}

TEST_F(ChessTool, PuzzlesGoOnWhereTheyWereCutOffAndHold) {
  need_engine();
  const auto puzzles = [&](const char* file, const char* count) {
    return chess({"puzzles", "--out", file, "--count", count, "--seed", "5", "--nodes", "50", "--plies", "40",
                  "--check-nodes", "1000", "--per-game", "3"});
  };
  ASSERT_EQ(puzzles("whole.jsonl", "6").status, 0);
  const std::string whole = bench_.read("whole.jsonl");
  EXPECT_EQ(lines_in(whole), 6u);
  for (const std::size_t kept : {whole.size() / 2, whole.size() - 1}) {
    bench_.write("parts.jsonl", whole.substr(0, kept));
    bench_.write("parts.jsonl.settings.json", bench_.read("whole.jsonl.settings.json"));
    ASSERT_EQ(puzzles("parts.jsonl", "6").status, 0);
    EXPECT_EQ(bench_.read("parts.jsonl"), whole);
  }
  EXPECT_THAT(chess({"check", "whole.jsonl"}).out,
              HasSubstr("6 puzzles, all legal; 6 with the same best move, 6 with the same gap"));

  ASSERT_EQ(chess({"pairs", "whole.jsonl", "--out", "pairs.jsonl"}).status, 0);
  const std::string pairs = bench_.read("pairs.jsonl");
  EXPECT_EQ(lines_in(pairs), 6u);
  const auto pair = nlohmann::json::parse(pairs.substr(0, pairs.find('\n')));
  const auto puzzle = nlohmann::json::parse(whole.substr(0, whole.find('\n')));
  EXPECT_EQ(pair.at("prompt"), puzzle.at("moves"));
  EXPECT_EQ(pair.at("chosen"), " " + puzzle.at("answer").get<std::string>());
  EXPECT_EQ(pair.at("rejected"), " " + puzzle.at("second").get<std::string>());
}

}  // namespace
}  // namespace w2s::e2e
