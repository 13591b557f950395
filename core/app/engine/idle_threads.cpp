#include "idle_threads.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "base/run_program.hpp"

namespace w2s::app {

void let_idle_threads_sleep(int threads) {
  constexpr int kItsOwn = 1;  // 0: one thread, 2: those of OpenMP
  const auto openblas_has = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_parallel"));
  if (threads < 2 || openblas_has == nullptr || openblas_has() != kItsOwn) return;
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  ::setenv("OMP_WAIT_POLICY", "PASSIVE", 1);
  std::ifstream command_line("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(command_line, word, '\0');) words.push_back(word);
  ::execv("/proc/self/exe", pointers(words).data());
  throw_system_error("start anew", "w2s-engine", errno);
}

}  // namespace w2s::app
