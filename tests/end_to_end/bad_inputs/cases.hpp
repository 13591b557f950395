// What users get wrong, and the one message that each mistake gives.
//
// The cases are data: the test holds the real command to them, and docs/errors.md
// is printed from them.
#pragma once

#include <string>
#include <vector>

#include "support/workbench.hpp"

namespace w2s::e2e {

/// Replaces `from` in tiny.toml by `to`.
struct Edit {
  std::string from, to;
};

struct BadInput {
  std::string mistake;      // a headline
  std::vector<Edit> edits;  // of tiny.toml
  Arguments arguments;      // of w2s
  int status = 2;  // 2: the message is all of stderr. 1: a job failed, stderr tells so with the message in it
  std::string message;  // without "w2s: "; "…" stands for what differs from one installation to the next
};

struct BadInputGroup {
  std::string title;
  std::vector<BadInput> cases;
};

/// "{dir}" is the user's folder and "{plugins}" the folder of the broken plugins.
const std::vector<BadInputGroup>& bad_inputs();

/// The files beside tiny.toml that the cases name: damaged data and plugins.
void write_bad_files(const Workbench& bench);

/// The cases as docs/errors.md.
std::string errors_page();

}  // namespace w2s::e2e
