#include "launch/signals.hpp"

#include <unistd.h>

namespace w2s::signals {
namespace {

constexpr unsigned kOrphanSeconds = 60;

volatile sig_atomic_t count = 0, job = 0, saving = 0;
pid_t parent = 0;  // of a job

void on_signal(int signal) {
  count = count + 1;
  if (job == 0) return;
  if (saving == 0 || count > 1) _exit(128 + signal);
  if (getppid() != parent) alarm(kOrphanSeconds);  // SIGALRM ends the process
}

void take(struct sigaction* interrupt, struct sigaction* terminate) {
  count = 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, interrupt);
  sigaction(SIGTERM, &action, terminate);
}

}  // namespace

Counted::Counted() {
  job = 0;
  take(&interrupt_, &terminate_);
}

Counted::~Counted() {
  sigaction(SIGINT, &interrupt_, nullptr);
  sigaction(SIGTERM, &terminate_, nullptr);
}

int seen() { return count; }

void serve_job() {
  parent = getppid();
  job = 1;
  take(nullptr, nullptr);
}

void can_save(bool yes) { saving = yes ? 1 : 0; }

bool asked_to_end() { return job != 0 && count > 0; }

void end_the_process() {
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
}

}  // namespace w2s::signals
