#include "workbench.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace w2s::e2e {
namespace {

namespace fs = std::filesystem;

void put_big_endian(std::string& bytes, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xFF);
}

void write_file(const std::string& path, const std::string& contents) {
  std::ofstream out(path, std::ios::binary);
  out << contents;
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

[[noreturn]] void become(const std::string& folder, const Arguments& command, int out, int err) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  if (chdir(folder.c_str()) != 0) _exit(127);
  setenv("OMP_NUM_THREADS", "1", 1);
  setenv("XDG_CACHE_HOME", (folder + "/cache").c_str(), 1);
  unsetenv("W2S_RUNS");
  execvp(argv[0], argv.data());
  _exit(127);
}

int number_after(const std::string& text, const std::regex& pattern) {
  std::smatch match;
  return std::regex_search(text, match, pattern) ? std::stoi(match[1]) : -1;
}

}  // namespace

std::string read_whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Process::Process(const std::string& folder, const Arguments& command) {
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
    throw std::runtime_error("cannot make a pipe");
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("cannot start a process");
  if (pid_ == 0) become(folder, command, out[1], err[1]);
  close(out[1]);
  close(err[1]);
  out_ = out[0];
  err_ = err[0];
}

Process::~Process() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (out_ >= 0) close(out_);
  if (err_ >= 0) close(err_);
}

// False where both pipes are at their end.
bool Process::read_some() {
  pollfd polls[2] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}};
  if (out_ < 0 && err_ < 0) return false;
  if (poll(polls, 2, -1) < 0) return errno == EINTR;
  const auto take = [](pollfd& from, int& fd, std::string& text) {
    if ((from.revents & (POLLIN | POLLHUP | POLLERR)) == 0) return;
    char chunk[4096];
    const ssize_t n = ::read(fd, chunk, sizeof chunk);
    if (n > 0) {
      text.append(chunk, static_cast<std::size_t>(n));
    } else if (n == 0 || errno != EINTR) {
      close(fd);
      fd = -1;
    }
  };
  take(polls[0], out_, outcome_.out);
  take(polls[1], err_, outcome_.err);
  return true;
}

bool Process::wait_for(const std::string& text) {
  while (outcome_.err.find(text) == std::string::npos) {
    if (!read_some()) return false;
  }
  return true;
}

bool Process::wait_until(const std::function<bool()>& is_so) {
  while (!is_so()) {
    pollfd polls[2] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}};
    if (out_ < 0 && err_ < 0) return false;
    if (poll(polls, 2, 5) > 0 && !read_some()) return false;
  }
  return true;
}

std::vector<pid_t> Process::children() const {
  const std::string id = std::to_string(pid_);
  std::ifstream list("/proc/" + id + "/task/" + id + "/children");
  std::vector<pid_t> found;
  for (pid_t child = 0; list >> child;) found.push_back(child);
  return found;
}

void Process::send(int signal) { kill(pid_, signal); }

Outcome Process::wait() {
  while (read_some()) {
  }
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  outcome_.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return outcome_;
}

const std::string& tiny_experiment() {
  static const std::string text = R"(name = "tiny"
seeds = [0, 1]

[task]
type = "image_classification"
name = "tiny"
path = "data"
class_count = 2
mean = 0.5
sd = 0.25

[task.split]
supervisor = 300
transfer = 300
validation = 50

[models.weak]
type = "mlp"
rows = [2, 5]
columns = [1, 6]
hidden = [8]

[models.strong]
type = "mlp"
hidden = [16]

[pairs]
weak = "weak"
strong = "strong"

[train]
epochs = 4
batch = 32
lr = 3e-3

[methods.naive]

[methods.gce]
loss = "gce"
)";
  return text;
}

void write_images(const std::string& folder, const std::string& prefix, int count, unsigned seed, int side,
                  int classes) {
  std::mt19937 random(seed);
  std::string images, labels;
  put_big_endian(images, 0x803);
  put_big_endian(labels, 0x801);
  for (std::string* header : {&images, &labels}) put_big_endian(*header, static_cast<std::uint32_t>(count));
  put_big_endian(images, static_cast<std::uint32_t>(side));
  put_big_endian(images, static_cast<std::uint32_t>(side));
  for (int i = 0; i < count; ++i) {
    const int label = i % classes;
    labels += static_cast<char>(label);
    for (int pixel = 0; pixel < side * side; ++pixel) {
      const bool bright = (pixel / side * 3 + pixel % side * 5) % 7 < 3;
      const int level = (bright == (label % 2 == 0) ? 60 : 120) + static_cast<int>(random() % 136);
      images += static_cast<char>(level);
    }
  }
  fs::create_directories(folder);
  write_file(folder + "/" + prefix + "-images-idx3-ubyte", images);
  write_file(folder + "/" + prefix + "-labels-idx1-ubyte", labels);
}

Workbench::Workbench() {
  std::string path = (fs::canonical(fs::temp_directory_path()) / "w2s-e2e-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
  folder_ = path;
  write("tiny.toml", tiny_experiment());
  write_images(this->path("data"), "train", 600, 1);
  write_images(this->path("data"), "t10k", 300, 2);
}

Workbench::~Workbench() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void Workbench::write(const std::string& name, const std::string& contents) const {
  write_file(path(name), contents);
}

std::string Workbench::read(const std::string& name) const { return read_whole(path(name)); }

void Workbench::write_experiment(const std::string& name, const std::string& more) const {
  write(name, tiny_experiment() + more);
}

void Workbench::edit(const std::string& name, const std::string& from, const std::string& to) const {
  std::string text = read(name);
  const std::size_t at = text.find(from);
  if (at == std::string::npos || text.find(from, at + 1) != std::string::npos) {
    throw std::runtime_error(name + " does not have '" + from + "' once");
  }
  write(name, text.replace(at, from.size(), to));
}

Arguments Workbench::w2s_command(const Arguments& arguments) const {
  Arguments command{W2S_COMMAND};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

Outcome Workbench::w2s(const Arguments& arguments) const { return command(w2s_command(arguments)); }

Outcome Workbench::command(const Arguments& command) const { return Process(folder_, command).wait(); }

bool Workbench::has_terminals() {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal >= 0) close(terminal);
  return terminal >= 0;
}

Outcome Workbench::on_terminal(int columns, const std::string& arguments) const {
  const std::string line =
      "stty cols " + std::to_string(columns) + " && " + std::string(W2S_COMMAND) + " " + arguments;
  return command({"script", "-qec", line, "/dev/null"});
}

int fits_computed(const Outcome& run) { return number_after(run.err, std::regex("fits: (\\d+) computed")); }

int jobs_done_before(const Outcome& run) {
  return number_after(run.err, std::regex("jobs: (\\d+) done before"));
}

bool has_match(const std::string& text, const std::string& pattern) {
  static const std::string any = "…";
  std::size_t at = 0, begin = 0;
  while (true) {
    const std::size_t end = std::min(pattern.find(any, begin), pattern.size());
    const std::string piece = pattern.substr(begin, end - begin);
    const std::size_t found = text.find(piece, at);
    if (found == std::string::npos) return false;
    at = found + piece.size();
    if (end == pattern.size()) return true;
    begin = end + any.size();
  }
}

bool matches(const std::string& text, const std::string& pattern) {
  static const std::string begin(1, '\1'), end(1, '\2');
  return has_match(begin + text + end, begin + pattern + end);
}

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace w2s::e2e
