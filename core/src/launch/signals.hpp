// SIGINT and SIGTERM: the one place where processes of w2s say how they answer them.
//
// Who leads others counts the signals and passes them on: the first asks the others to end, a second ends
// them at once. A job saves itself: while a training loop runs that can, the first signal lets it finish its
// step, save and end; at any other time, and at the second signal, its process ends at once: whatever it had
// finished is in the store. A job whose parent is gone ends within a minute even where its step does not. A
// handler belongs to the process: call these from the thread that leads it.
#pragma once

#include <signal.h>

namespace w2s::signals {

/// While it lives, signals are counted, from 0; then what was in force before holds again.
class Counted {
 public:
  Counted();
  ~Counted();
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  struct sigaction interrupt_ {
  }, terminate_{};
};
/// How many came since they are counted, or since the job began.
int seen();

/// This process is a job from now on.
void serve_job();
/// A job: a training loop begins that can save itself, or ends.
void can_save(bool yes);
/// A job: a signal came while the state could be saved.
bool asked_to_end();

/// They end the process, as before anybody took them: for children that are neither.
void end_the_process();

}  // namespace w2s::signals
