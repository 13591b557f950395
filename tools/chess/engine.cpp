#include "engine.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>

#include <w2s/error.hpp>

extern char** environ;

namespace w2s::chess {
namespace {

bool executable(const std::string& path) { return access(path.c_str(), X_OK) == 0; }

std::string find_program(const std::string& program) {
  if (program.find('/') != std::string::npos) {
    if (executable(program)) return program;
  } else {
    const char* path = std::getenv("PATH");
    std::istringstream folders(std::string(path ? path : "") + ":/usr/games");
    for (std::string folder; std::getline(folders, folder, ':');) {
      if (!folder.empty() && executable(folder + "/" + program)) return folder + "/" + program;
    }
  }
  throw UsageError("there is no chess engine '" + program +
                   "': install the package stockfish, or name a UCI engine with --engine");
}

struct Pipe {
  int read = -1, write = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw Error(std::string("cannot make a pipe: ") + std::strerror(errno));
    read = ends[0];
    write = ends[1];
  }
};

}  // namespace

Engine::Engine(const std::string& program) {
  const std::string path = find_program(program);
  signal(SIGPIPE, SIG_IGN);
  const Pipe in, out;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.write, STDOUT_FILENO);
  char* arguments[] = {const_cast<char*>(path.c_str()), nullptr};
  const int failed = posix_spawn(&child_, path.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in.read);
  close(out.write);
  to_ = fdopen(in.write, "w");
  from_ = fdopen(out.read, "r");
  if (failed != 0) {
    child_ = -1;
    std::fclose(to_);
    std::fclose(from_);
    throw UsageError("cannot start '" + path + "': " + std::strerror(failed));
  }
  send("uci");
  for (std::string line = receive(); line != "uciok"; line = receive()) {
    if (line.starts_with("id name ")) name_ = line.substr(8);
  }
  send("setoption name Threads value 1");
  send("setoption name Hash value 1");
}

Engine::~Engine() {
  std::fputs("quit\n", to_);
  std::fclose(to_);
  std::fclose(from_);
  waitpid(child_, nullptr, 0);
}

void Engine::send(const std::string& command) {
  std::fputs((command + "\n").c_str(), to_);
  std::fflush(to_);
}

std::string Engine::receive() {
  std::string line;
  for (int c; (c = std::fgetc(from_)) != '\n';) {
    if (c == EOF) throw Error("the chess engine " + name_ + " has ended");
    if (c != '\r') line += static_cast<char>(c);
  }
  return line;
}

void Engine::wait_for(const std::string& answer) {
  while (receive() != answer) {
  }
}

void Engine::new_game() {
  send("ucinewgame");
  send("isready");
  wait_for("readyok");
}

Analysis Engine::analyse(const Position& position, int lines, std::int64_t nodes) {
  if (lines != lines_) send("setoption name MultiPV value " + std::to_string(lines_ = lines));
  send("position fen " + position.fen());
  send("go nodes " + std::to_string(nodes));
  Analysis analysis;
  std::map<int, std::map<int, Line>> depths;  // by depth, by rank
  std::string line = receive();
  for (; !line.starts_with("bestmove"); line = receive()) {
    if (!line.starts_with("info ") || line.find(" pv ") == std::string::npos ||
        line.find("bound") != std::string::npos) {
      continue;
    }
    std::istringstream words(line);
    int depth = 0, rank = 1;
    Line found;
    for (std::string word; words >> word;) {
      if (word == "depth") words >> depth;
      if (word == "multipv") words >> rank;
      if (word == "score") {
        std::string kind;
        words >> kind >> found.score.value;
        found.score.mate = kind == "mate";
      }
      if (word == "pv") {
        words >> found.move;
        break;
      }
    }
    depths[depth][rank] = found;
  }
  std::size_t complete = 0;
  for (const auto& [depth, ranks] : depths) complete = std::max(complete, ranks.size());
  for (const auto& [depth, ranks] : depths) {
    if (ranks.size() < complete) continue;  // the search ended within this depth
    analysis.best_by_depth.push_back(ranks.begin()->second.move);
    analysis.depth = depth;
    analysis.lines.clear();
    for (const auto& [rank, found] : ranks) analysis.lines.push_back(found);
  }
  if (analysis.lines.empty()) throw Error("the chess engine found no move in " + position.fen());
  return analysis;
}

std::uint64_t Engine::perft(const Position& position, int depth) {
  send("position fen " + position.fen());
  send("go perft " + std::to_string(depth));
  const std::string key = "Nodes searched: ";
  for (std::string line = receive();; line = receive()) {
    if (line.starts_with(key)) return std::stoull(line.substr(key.size()));
  }
}

}  // namespace w2s::chess
