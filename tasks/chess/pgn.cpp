#include "pgn.hpp"

#include <algorithm>
#include <cctype>

#include <w2s/data_file.hpp>
#include <w2s/error.hpp>

namespace w2s::chess {
namespace {

bool is_result(std::string_view word) {
  return word == "1-0" || word == "0-1" || word == "1/2-1/2" || word == "*";
}

// What "1.", "12..." or "3.e4" leaves when the number is taken off.
std::string_view without_number(std::string_view word) {
  std::size_t digits = 0;
  while (digits < word.size() && word[digits] >= '0' && word[digits] <= '9') ++digits;
  std::size_t rest = digits;
  while (rest < word.size() && word[rest] == '.') ++rest;
  const bool number = rest > digits || (digits > 0 && digits == word.size());
  return number ? word.substr(rest) : word;
}

}  // namespace

const std::string& PgnGame::tag(std::string_view name) const {
  static const std::string none;
  for (const auto& [key, value] : tags) {
    if (key == name) return value;
  }
  return none;
}

PgnReader::PgnReader(const std::string& path) : PgnReader(read_data_file(path), path) {}

PgnReader::PgnReader(std::string text, std::string name) : text_(std::move(text)), name_(std::move(name)) {
  if (text_.starts_with("\xef\xbb\xbf")) text_.erase(0, 3);
}

void PgnReader::fail(const std::string& message, std::int64_t line) const {
  throw UsageError(name_ + ":" + std::to_string(line) + ": " + message);
}

// To the next character that is neither space nor of an escaped line ("% …"); false at the end.
bool PgnReader::skip_space() {
  while (at_ < text_.size()) {
    if (text_[at_] == '%' && line_begins()) {
      while (at_ < text_.size() && text_[at_] != '\n') advance();
    } else if (std::isspace(static_cast<unsigned char>(text_[at_]))) {
      advance();
    } else {
      return true;
    }
  }
  return false;
}

bool PgnReader::next(PgnGame& game) {
  if (!skip_space()) return false;
  game = {};
  game.line = line_;
  try {
    read_tags(game);
    if (const std::string& fen = game.tag("FEN"); !fen.empty()) {
      try {
        game.start = Position::from_fen(fen);
      } catch (const UsageError& error) {
        fail(error.what(), game.line);
      }
    }
    read_moves(game);
  } catch (...) {
    skip_game();
    throw;
  }
  return true;
}

void PgnReader::read_tags(PgnGame& game) {
  while (skip_space()) {
    if (text_[at_] == '[') {
      read_tag(game);
    } else if (text_[at_] == '{') {
      skip_to('}', "comment");
    } else if (text_[at_] == ';') {
      skip_to('\n', "comment");
    } else {
      return;
    }
  }
}

void PgnReader::read_tag(PgnGame& game) {
  const std::int64_t line = line_;
  advance();
  skip_space();
  std::string name, value;
  while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) {
    name += text_[at_];
    advance();
  }
  skip_space();
  if (name.empty() || at_ >= text_.size() || text_[at_] != '"')
    fail("malformed tag, expected [Name \"value\"]", line);
  advance();
  while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n') {
    if (text_[at_] == '\\' && at_ + 1 < text_.size()) advance();
    value += text_[at_];
    advance();
  }
  if (at_ >= text_.size() || text_[at_] != '"')
    fail("the value of tag '" + name + "' has no closing quote", line);
  advance();
  skip_space();
  if (at_ >= text_.size() || text_[at_] != ']') fail("tag '" + name + "' has no closing bracket", line);
  advance();
  game.tags.emplace_back(name, value);
}

void PgnReader::skip_to(char end, const char* what) {
  const std::int64_t line = line_;
  while (at_ < text_.size() && text_[at_] != end) advance();
  if (at_ >= text_.size() && end != '\n') fail(std::string(what) + " without its end", line);
  if (at_ < text_.size()) advance();
}

void PgnReader::skip_variation() {
  const std::int64_t line = line_;
  int depth = 0;
  while (skip_space()) {
    const char c = text_[at_];
    if (c == '{') {
      skip_to('}', "comment");
      continue;
    }
    if (c == ';') {
      skip_to('\n', "comment");
      continue;
    }
    advance();
    depth += (c == '(') - (c == ')');
    if (depth == 0) return;
  }
  fail("variation without its end", line);
}

void PgnReader::read_moves(PgnGame& game) {
  Position position = game.start;
  while (skip_space()) {
    const char c = text_[at_];
    if (c == '{') {
      skip_to('}', "comment");
    } else if (c == ';') {
      skip_to('\n', "comment");
    } else if (c == '(') {
      skip_variation();
    } else if (c == '[' && line_begins()) {
      break;  // the next game's tags: this one has no result
    } else if (c == '$') {
      advance();
      while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_]))) advance();
    } else {
      const std::int64_t line = line_;
      std::string word;
      while (at_ < text_.size() && !std::isspace(static_cast<unsigned char>(text_[at_])) &&
             std::string_view("{}();$[]").find(text_[at_]) == std::string_view::npos) {
        word += text_[at_];
        advance();
      }
      if (word.empty()) fail(std::string("'") + c + "' has no place among moves", line);
      if (is_result(word)) {
        game.result = word;
        return;
      }
      const std::string_view move = without_number(word);
      if (move.empty() || move.find_first_not_of("!?") == std::string_view::npos || move == "e.p.") continue;
      try {
        game.moves.push_back(parse_san(position, move));
      } catch (const UsageError& error) {
        fail(error.what(), line);
      }
      position = position.after(game.moves.back());
    }
  }
  game.result = "*";
}

// To the next line that begins a tag after an empty line.
void PgnReader::skip_game() {
  while (at_ < text_.size()) {
    if (text_[at_] == '[' && line_begins()) {
      const std::size_t last = text_.find_last_not_of(" \t\r\n", at_ - 1);
      const std::string_view gap = std::string_view(text_).substr(last + 1, at_ - last - 1);
      if (std::count(gap.begin(), gap.end(), '\n') > 1) return;
    }
    advance();
  }
}

}  // namespace w2s::chess
