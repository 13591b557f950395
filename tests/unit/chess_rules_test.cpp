// The rules of chess: counts of legal lines, FEN, moves in both notations.
#include <gtest/gtest.h>

#include <w2s/error.hpp>

#include "san.hpp"

namespace w2s::chess {
namespace {

struct Standard {
  const char* fen;
  std::uint64_t leaves[5];  // at depths 1 to 5
};

// The positions and counts that the chess programming community checks move generators with.
const Standard kStandard[] = {
    {"rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1", {20, 400, 8902, 197281, 4865609}},
    {"r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1",
     {48, 2039, 97862, 4085603, 193690690}},
    {"8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1", {14, 191, 2812, 43238, 674624}},
    {"r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq - 0 1", {6, 264, 9467, 422333, 15833292}},
    {"rnbq1k1r/pp1Pbppp/2p5/8/2B5/8/PPP1NnPP/RNBQK2R w KQ - 1 8", {44, 1486, 62379, 2103487, 89941194}},
    {"r4rk1/1pp1qppp/p1np1n2/2b1p1B1/2B1P1b1/P1NP1N2/1PP1QPPP/R4RK1 w - - 0 10",
     {46, 2079, 89890, 3894594, 164075551}},
};

TEST(ChessRules, PerftToDepthFiveOnTheStandardPositions) {
  for (const Standard& standard : kStandard) {
    const Position position = Position::from_fen(standard.fen);
    for (int depth = 1; depth <= 5; ++depth)
      EXPECT_EQ(perft(position, depth), standard.leaves[depth - 1]) << standard.fen << " at depth " << depth;
  }
}

TEST(ChessRules, PerftOfAMirroredPositionIsTheSame) {
  const Position mirrored =
      Position::from_fen("r2q1rk1/pP1p2pp/Q4n2/bbp1p3/Np6/1B3NBn/pPPP1PPP/R3K2R b KQ - 0 1");
  EXPECT_EQ(perft(mirrored, 4), 422333u);
}

TEST(ChessRules, FenComesBackAsItWas) {
  for (const Standard& standard : kStandard) EXPECT_EQ(Position::from_fen(standard.fen).fen(), standard.fen);
  const Position after = Position().after(parse_uci(Position(), "e2e4"));
  EXPECT_EQ(after.fen(), "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq e3 0 1");
  EXPECT_EQ(Position::from_fen(after.fen()).fen(), after.fen());
  // Four fields: the counters take their defaults.
  EXPECT_EQ(Position::from_fen("4k3/8/8/8/8/8/8/4K3 b - -").fen(), "4k3/8/8/8/8/8/8/4K3 b - - 0 1");
}

TEST(ChessRules, CountersAndRightsFollowTheMoves) {
  Position position = Position::from_fen("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 3 10");
  position = position.after(parse_uci(position, "a1a8"));  // takes a rook: both sides lose a right
  EXPECT_EQ(position.fen(), "R3k2r/8/8/8/8/8/8/4K2R b Kk - 0 10");
  position = position.after(parse_uci(position, "e8e7"));
  EXPECT_EQ(position.fen(), "R6r/4k3/8/8/8/8/8/4K2R w K - 1 11");
  position = position.after(parse_uci(position, "e1g1"));
  EXPECT_EQ(position.fen(), "R6r/4k3/8/8/8/8/8/5RK1 b - - 2 11");
}

TEST(ChessRules, IllegalFenIsOneMessageThatSaysWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "found 0"},
      {"8/8/8/8/8/8/8/8 w - -", "White has 0 kings"},
      {"kk6/8/8/8/8/8/8/K7 w - -", "Black has 2 kings"},
      {"rnbqkbnr/ppppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1", "rank 7 does not have eight squares"},
      {"rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP w KQkq - 0 1", "eight ranks"},
      {"rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR/8 w KQkq - 0 1", "more than eight ranks"},
      {"rnbqkbnx/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1", "'x' is no piece"},
      {"rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR x KQkq - 0 1", "side to move is 'x'"},
      {"rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkx - 0 1", "castling rights are 'KQkx'"},
      {"rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQ1BNK w KQkq - 0 1", "castling right K"},
      {"rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq e6 0 1", "en passant square e6"},
      {"rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq e9 0 1", "'e9' is no square"},
      {"rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - x 1", "halfmove clock is 'x'"},
      {"4k3/4R3/8/8/8/8/8/4K3 w - - 0 1", "Black is in check, but it is White's move"},
      {"P3k3/8/8/8/8/8/8/4K3 w - - 0 1", "a pawn stands on the first or the last rank"},
      {"4k3/8/8/8/8/8/4P3/qqqqKqqq w - - 0 1 extra", "found 7"},
  };
  for (const auto& [fen, message] : cases) {
    try {
      Position::from_fen(fen);
      ADD_FAILURE() << fen;
    } catch (const UsageError& error) {
      const std::string what = error.what();
      EXPECT_TRUE(what.starts_with("illegal FEN '" + std::string(fen) + "': ")) << what;
      EXPECT_NE(what.find(message), std::string::npos) << what;
    }
  }
}

std::string san_of(const char* fen, const char* move) {
  const Position position = Position::from_fen(fen);
  return san(position, parse_uci(position, move));
}

TEST(ChessRules, SanDisambiguatesByFileThenRankThenBoth) {
  EXPECT_EQ(san_of("4k3/8/8/8/8/8/8/R3K2R w - - 0 1", "a1d1"), "Rd1");  // the king keeps the other from d1
  EXPECT_EQ(san_of("1k6/8/8/8/8/4K3/8/R6R w - - 0 1", "a1d1"), "Rad1");
  EXPECT_EQ(san_of("1k6/8/8/R7/8/4K3/8/R7 w - - 0 1", "a1a3"), "R1a3");
  EXPECT_EQ(san_of("8/k7/8/8/2Q1Q3/8/2Q5/7K w - - 0 1", "c4d3"), "Qc4d3");
  // A rook that may not move because it is pinned needs no telling apart.
  EXPECT_EQ(san_of("1k2r3/8/8/8/8/4R3/8/R3K3 w - - 0 1", "a1a3"), "Ra3");
}

TEST(ChessRules, SanOfPawnsCastlingChecksAndMates) {
  EXPECT_EQ(san_of("rnbqkbnr/ppp1pppp/8/3p4/4P3/8/PPPP1PPP/RNBQKBNR w KQkq d6 0 2", "e4d5"), "exd5");
  EXPECT_EQ(san_of("rnbqkbnr/ppp1p1pp/8/3pPp2/8/8/PPPP1PPP/RNBQKBNR w KQkq f6 0 3", "e5f6"), "exf6");
  EXPECT_EQ(san_of("3r4/4P1k1/8/8/8/8/8/4K3 w - - 0 1", "e7d8q"), "exd8=Q");
  EXPECT_EQ(san_of("8/4P1k1/8/8/8/8/8/4K3 w - - 0 1", "e7e8n"), "e8=N+");
  EXPECT_EQ(san_of("4k3/8/8/8/8/8/8/R3K2R w KQ - 0 1", "e1g1"), "O-O");
  EXPECT_EQ(san_of("3k4/8/8/8/8/8/8/R3K2R w KQ - 0 1", "e1c1"), "O-O-O+");
  EXPECT_EQ(san_of("6k1/5ppp/8/8/8/8/8/R3K3 w - - 0 1", "a1a8"), "Ra8#");
  EXPECT_EQ(san_of("rnbqkbnr/pppp1ppp/8/4p3/6P1/5P2/PPPPP2P/RNBQKBNR b KQkq g3 0 2", "d8h4"), "Qh4#");
}

TEST(ChessRules, SanIsReadAsPeopleWriteIt) {
  const Position start;
  for (const char* text : {"Nf3", "Ng1f3", "Ng1-f3", "Nf3!?", "Nf3+"})
    EXPECT_EQ(uci(parse_san(start, text)), "g1f3") << text;
  for (const char* text : {"e4", "e2e4", "e2-e4", "Pe4"})
    EXPECT_EQ(uci(parse_san(start, text)), "e2e4") << text;
  const Position castle = Position::from_fen("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1");
  EXPECT_EQ(uci(parse_san(castle, "0-0")), "e1g1");
  EXPECT_EQ(uci(parse_san(castle, "O-O-O")), "e1c1");
  EXPECT_EQ(uci(parse_uci(castle, "e1h1")), "e1g1");
  const Position promote = Position::from_fen("7k/4P3/8/8/8/8/8/4K3 w - - 0 1");
  for (const char* text : {"e8=Q+", "e8Q", "e8(Q)"})
    EXPECT_EQ(uci(parse_san(promote, text)), "e7e8q") << text;
  const Position passing =
      Position::from_fen("rnbqkbnr/ppp1p1pp/8/3pPp2/8/8/PPPP1PPP/RNBQKBNR w KQkq f6 0 3");
  EXPECT_EQ(uci(parse_san(passing, "exf6e.p.")), "e5f6");
}

TEST(ChessRules, MovesThatAreNotLegalAreRefused) {
  const auto message = [](const Position& position, const char* text, bool is_uci) -> std::string {
    try {
      is_uci ? parse_uci(position, text) : parse_san(position, text);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message(Position(), "Nd4", false).find("'Nd4' is not a legal move in rnbqkbnr/"),
            std::string::npos);
  EXPECT_NE(message(Position(), "hello", false).find("is not a move in algebraic notation"),
            std::string::npos);
  EXPECT_NE(message(Position(), "", false).find("is not a move"), std::string::npos);
  EXPECT_NE(message(Position(), "e2e5", true).find("is not a legal move"), std::string::npos);
  const Position two = Position::from_fen("1k6/8/8/8/8/4K3/8/R6R w - - 0 1");
  EXPECT_NE(message(two, "Rd1", false).find("means more than one move"), std::string::npos);
  // A promotion must say to what.
  EXPECT_NE(
      message(Position::from_fen("7k/4P3/8/8/8/8/8/4K3 w - - 0 1"), "e8", false).find("not a legal move"),
      std::string::npos);
}

TEST(ChessRules, GamesAreWrittenInThreeStyles) {
  Position position;
  std::vector<Move> line;
  for (const char* move : {"d2d4", "g8f6", "c2c4"}) {
    line.push_back(parse_uci(position, move));
    position = position.after(line.back());
  }
  const Position start;
  EXPECT_EQ(line_text(start, line, LineStyle::moves), "d4 Nf6 c4");
  EXPECT_EQ(line_text(start, line, LineStyle::pgn), "1. d4 Nf6 2. c4");
  EXPECT_EQ(line_text(start, line, LineStyle::paper), "1. d4 1... Nf6 2. c4");
  EXPECT_EQ(prompt_text(start, line, LineStyle::moves), "d4 Nf6 c4");
  EXPECT_EQ(prompt_text(start, line, LineStyle::pgn), "1. d4 Nf6 2. c4 2...");
  EXPECT_EQ(prompt_text(start, line, LineStyle::paper), "1. d4 1... Nf6 2. c4 2...");
  EXPECT_EQ(prompt_text(start, {}, LineStyle::pgn), "1.");
  EXPECT_EQ(line_text(start.after(line[0]), {line[1], line[2]}, LineStyle::pgn), "1... Nf6 2. c4");
}

}  // namespace
}  // namespace w2s::chess
