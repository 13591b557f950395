// w2s chess games: a corpus of self-play as PGN.
#include <fmt/format.h>

#include <w2s/error.hpp>

#include "growing_file.hpp"
#include "progress.hpp"
#include "self_play_options.hpp"

namespace w2s::chess {
namespace {

// Reads the games that are there, cuts off an unfinished last one, and counts the others.
std::int64_t continue_after(GrowingFile& file, const std::string& path) {
  const std::string& text = file.text();
  const std::size_t last = text.rfind("[Event ");
  std::size_t end = last == std::string::npos ? 0 : text.find("\n\n", last);
  if (end != std::string::npos && last != std::string::npos) end = text.find("\n\n", end + 2);
  if (last == std::string::npos || end == std::string::npos) {
    file.cut(last == std::string::npos ? 0 : last);
  } else if (end + 2 != text.size()) {
    file.cut(end + 2);
  }
  PgnReader reader(text, path);
  PgnGame game;
  std::int64_t games = 0;
  while (reader.next(game)) {
    if (game.tag("Round") != std::to_string(games)) {
      throw UsageError(path + ":" + std::to_string(game.line) + ": game '" + game.tag("Round") +
                       "' stands in the place of " + std::to_string(games) + ": the file was changed");
    }
    ++games;
  }
  return games;
}

struct GamesOptions {
  std::int64_t count = 1000;
};
void describe(app::OptionSchema<GamesOptions>& s) {
  s.option("count", &GamesOptions::count, "N", "games in the file").at_least(1);
}

}  // namespace

int games(const app::Command& command, const app::Args& args) {
  app::Options options(command, {});
  OutOption out;
  EngineOption player;
  SelfPlayOptions how;
  GamesOptions wanted;
  options.take(out);
  options.take(player);
  options.take(how);
  options.take(wanted);
  if (!options.parse(args)) return 0;
  const SelfPlay play_settings = how.settings();
  const std::string& path = out_of(out);
  const std::int64_t total = wanted.count;

  Engine engine(player.engine);
  GrowingFile file(path, settings_of(play_settings, engine));
  std::int64_t done = continue_after(file, path);
  Progress progress("games", done, total);
  for (; done < total; progress.update(++done)) file.append(pgn_text(play(engine, play_settings, done)));
  file.sync();
  fmt::print("{}: {} games\n", path, done);
  return 0;
}

}  // namespace w2s::chess
