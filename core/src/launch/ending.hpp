// How a job's process answers SIGTERM and SIGINT.
//
// While a training loop runs that can save itself, the first signal lets it finish its step, save and end; at
// any other time, and at the second signal, the process ends at once: whatever it had finished is in the
// store. A process whose parent is gone ends within a minute even where its step does not.
#pragma once

namespace w2s::ending {

/// Takes over both signals for the rest of the process.
void take_signals();
/// A signal came while the state could be saved.
bool asked();
/// A training loop begins that can save itself, or ends.
void can_save(bool yes);

}  // namespace w2s::ending
