// Workbench: a user's folder and the real w2s command in it.
//
// A fresh temporary folder that holds tiny.toml (floors, ceilings and two methods
// on a few hundred 8×8 images, a second of work) and its images in data/. Commands
// run there with one LibTorch thread, a cache of compiled plugins of their own and
// results in runs/. The folder goes away with the workbench.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace w2s::e2e {

/// How a command ended; 128 + the signal that ended it, as a shell has it.
struct Outcome {
  int status = -1;
  std::string out, err;
};

using Arguments = std::vector<std::string>;

/// A command under way; killed where nobody waited for it.
class Process {
 public:
  Process(const std::string& folder, const Arguments& command);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Reads its stderr until this text appears; false where it ended without.
  bool wait_for(const std::string& text);
  /// Reads its output until this is so, asking again every few milliseconds; false where it ended before.
  bool wait_until(const std::function<bool()>& is_so);
  void send(int signal);
  /// The processes that it has started and that still run.
  std::vector<pid_t> children() const;
  Outcome wait();

 private:
  bool read_some();

  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;
  Outcome outcome_;
};

class Workbench {
 public:
  Workbench();
  ~Workbench();
  Workbench(const Workbench&) = delete;
  Workbench& operator=(const Workbench&) = delete;

  const std::string& folder() const { return folder_; }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void write(const std::string& name, const std::string& contents) const;
  std::string read(const std::string& name) const;
  /// tiny.toml with lines added at its end.
  void write_experiment(const std::string& name, const std::string& more) const;
  /// Replaces the one place where `from` stands.
  void edit(const std::string& name, const std::string& from, const std::string& to) const;

  /// w2s ARGUMENTS
  Outcome w2s(const Arguments& arguments) const;
  /// Any program of the PATH.
  Outcome command(const Arguments& command) const;
  /// False in a container without pseudo-terminals.
  static bool has_terminals();
  /// w2s ARGUMENTS on a terminal of this many columns; out holds all that it showed.
  Outcome on_terminal(int columns, const std::string& arguments) const;
  Arguments w2s_command(const Arguments& arguments) const;

 private:
  std::string folder_;
};

/// "fits: 8 computed" → 8; -1 where the summary is missing.
int fits_computed(const Outcome& run);
/// "4 jobs: 1 done before" → 1; -1 where the summary is missing.
int jobs_done_before(const Outcome& run);

/// True where `text` is `pattern`, in which "…" stands for anything, nothing and line ends included.
bool matches(const std::string& text, const std::string& pattern);
/// The same for a part of the text.
bool has_match(const std::string& text, const std::string& pattern);

/// The experiment file that every workbench starts with.
const std::string& tiny_experiment();

/// IDX images [count, side, side] of these classes in turn, and their labels. Even and odd classes look
/// different.
void write_images(const std::string& folder, const std::string& prefix, int count, unsigned seed,
                  int side = 8, int classes = 2);

std::string read_whole(const std::string& path);
std::string replace_all(std::string text, const std::string& from, const std::string& to);

}  // namespace w2s::e2e
