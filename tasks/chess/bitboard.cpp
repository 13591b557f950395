#include "bitboard.hpp"

#include <cstdlib>
#include <initializer_list>

namespace w2s::chess {
namespace {

struct Tables {
  Bits pawn[2][64], knight[64], king[64];
  Bits file[64], diagonal[64], antidiagonal[64];  // through the square, without it
  Bits rank[8][64];                               // by file, and by the six inner squares of the rank
  Bits between[64][64], line[64][64];

  Tables() {
    for (Square square = 0; square < 64; ++square) leapers(square);
    for (int from = 0; from < 8; ++from) {
      for (int inner = 0; inner < 64; ++inner) rank[from][inner] = along_rank(from, inner << 1);
    }
    for (Square a = 0; a < 64; ++a) {
      for (Square b = 0; b < 64; ++b) connect(a, b);
    }
  }

 private:
  static bool inside(int file, int rank) { return file >= 0 && file < 8 && rank >= 0 && rank < 8; }

  static Bits step(Square square, int files, int ranks) {
    const int file = file_of(square) + files, rank = rank_of(square) + ranks;
    return inside(file, rank) ? bit(8 * rank + file) : 0;
  }

  static Bits ray(Square square, int files, int ranks) {
    Bits bits = 0;
    for (int n = 1; n < 8; ++n) bits |= step(square, n * files, n * ranks);
    return bits;
  }

  static Bits along_rank(int from, int occupied) {
    Bits bits = 0;
    for (const int direction : {-1, 1}) {
      for (int file = from + direction; file >= 0 && file < 8; file += direction) {
        bits |= Bits{1} << file;
        if (occupied >> file & 1) break;
      }
    }
    return bits;
  }

  void leapers(Square square) {
    pawn[white][square] = step(square, -1, 1) | step(square, 1, 1);
    pawn[black][square] = step(square, -1, -1) | step(square, 1, -1);
    knight[square] = king[square] = 0;
    for (const int a : {-1, 1}) {
      for (const int b : {-1, 1}) knight[square] |= step(square, a, 2 * b) | step(square, 2 * a, b);
    }
    for (const int files : {-1, 0, 1}) {
      for (const int ranks : {-1, 0, 1}) {
        if (files != 0 || ranks != 0) king[square] |= step(square, files, ranks);
      }
    }
    file[square] = ray(square, 0, 1) | ray(square, 0, -1);
    diagonal[square] = ray(square, 1, 1) | ray(square, -1, -1);
    antidiagonal[square] = ray(square, 1, -1) | ray(square, -1, 1);
  }

  void connect(Square a, Square b) {
    between[a][b] = line[a][b] = 0;
    const int files = file_of(b) - file_of(a), ranks = rank_of(b) - rank_of(a);
    if (a == b || (files != 0 && ranks != 0 && std::abs(files) != std::abs(ranks))) return;
    const auto sign = [](int n) { return (n > 0) - (n < 0); };
    const int df = sign(files), dr = sign(ranks);
    line[a][b] = ray(a, df, dr) | ray(a, -df, -dr) | bit(a);
    between[a][b] = ray(a, df, dr) & ray(b, -df, -dr);
  }
};

const Tables tables;

// Both directions of a line that crosses each rank once: reversing the bytes mirrors it.
Bits slide(Square square, Bits line, Bits occupied) {
  const Bits on_line = occupied & line, from = bit(square);
  const Bits up = on_line - 2 * from;
  const Bits down = __builtin_bswap64(__builtin_bswap64(on_line) - 2 * __builtin_bswap64(from));
  return (up ^ down) & line;
}

}  // namespace

Bits pawn_attacks(Color color, Square square) { return tables.pawn[color][square]; }
Bits knight_attacks(Square square) { return tables.knight[square]; }
Bits king_attacks(Square square) { return tables.king[square]; }

Bits bishop_attacks(Square square, Bits occupied) {
  return slide(square, tables.diagonal[square], occupied) |
         slide(square, tables.antidiagonal[square], occupied);
}

Bits rook_attacks(Square square, Bits occupied) {
  const int shift = square & 56;
  const Bits along = tables.rank[file_of(square)][occupied >> (shift + 1) & 63] << shift;
  return slide(square, tables.file[square], occupied) | along;
}

Bits between(Square a, Square b) { return tables.between[a][b]; }
Bits line_through(Square a, Square b) { return tables.line[a][b]; }

}  // namespace w2s::chess
