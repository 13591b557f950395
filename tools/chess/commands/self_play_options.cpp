#include "self_play_options.hpp"

#include <w2s/error.hpp>

namespace w2s::chess {

using app::po::value;

void add_self_play(app::Options& options) {
  const SelfPlay defaults;
  options.add()("out", value<std::string>()->value_name("FILE"), "made, or continued where it ends")(
      "seed", value<std::int64_t>()->value_name("N")->default_value(0), "of the games")(
      "engine", value<std::string>()->value_name("PROGRAM")->default_value("stockfish"), "a UCI engine")(
      "nodes", value<std::int64_t>()->value_name("N")->default_value(defaults.nodes),
      "of the search for a move")("lines",
                                  value<std::int64_t>()->value_name("N")->default_value(defaults.lines),
                                  "best moves that one is drawn from")(
      "temperature", value<double>()->value_name("X")->default_value(defaults.temperature),
      "centipawns: a move is drawn with weight exp((score - best) / temperature)")(
      "blunders", value<double>()->value_name("X")->default_value(defaults.blunders, "0.06"),
      "chance that any legal move is played instead")(
      "plies", value<std::int64_t>()->value_name("N")->default_value(defaults.plies),
      "a game is cut off here");
}

std::int64_t count_of(const app::Options& options, const std::string& name, std::int64_t least) {
  const auto number = options.values()[name].as<std::int64_t>();
  if (number < least || number > 1'000'000'000'000) {
    throw UsageError("--" + name + " is " + std::to_string(number) + ", expected at least " +
                     std::to_string(least));
  }
  return number;
}

std::string out_of(const app::Options& options) {
  if (!options.given("out")) throw UsageError("--out FILE is missing: where the result goes");
  return options.text("out");
}

SelfPlay self_play_of(const app::Options& options) {
  SelfPlay play;
  play.seed = static_cast<std::uint64_t>(count_of(options, "seed", 0));
  play.nodes = count_of(options, "nodes", 1);
  play.lines = static_cast<int>(count_of(options, "lines", 1));
  play.temperature = options.values()["temperature"].as<double>();
  play.blunders = options.values()["blunders"].as<double>();
  play.plies = static_cast<int>(count_of(options, "plies", 1));
  if (!(play.temperature > 0)) throw UsageError("--temperature must be more than 0");
  if (!(play.blunders >= 0 && play.blunders <= 1)) throw UsageError("--blunders must lie between 0 and 1");
  if (play.lines > 500) throw UsageError("--lines can be 500 at most");
  if (play.plies > 2000) throw UsageError("--plies can be 2000 at most");
  return play;
}

Table settings_of(const SelfPlay& play, const Engine& engine) {
  return {{"engine", engine.name()},
          {"seed", static_cast<std::int64_t>(play.seed)},
          {"nodes", play.nodes},
          {"lines", play.lines},
          {"temperature", play.temperature},
          {"blunders", play.blunders},
          {"plies", play.plies}};
}

}  // namespace w2s::chess
