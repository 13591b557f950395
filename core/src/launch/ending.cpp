#include "launch/ending.hpp"

#include <signal.h>
#include <unistd.h>

namespace w2s::ending {
namespace {

constexpr unsigned kOrphanSeconds = 60;

volatile sig_atomic_t signals = 0, saving = 0;
pid_t parent = 0;

void on_signal(int signal) {
  signals = signals + 1;
  if (saving == 0 || signals > 1) _exit(128 + signal);
  if (getppid() != parent) alarm(kOrphanSeconds);  // SIGALRM ends the process
}

}  // namespace

void take_signals() {
  parent = getppid();
  signals = 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool asked() { return signals > 0; }

void can_save(bool yes) { saving = yes ? 1 : 0; }

}  // namespace w2s::ending
