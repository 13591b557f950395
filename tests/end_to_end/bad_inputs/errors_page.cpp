#include "bad_inputs/cases.hpp"

namespace w2s::e2e {
namespace {

std::string readable(std::string text) {
  text = replace_all(std::move(text), "{dir}/", "/home/you/");
  text = replace_all(std::move(text), "{dir}", "/home/you");
  return replace_all(std::move(text), "{plugins}/", "plugins/");
}

std::string indented(const std::string& text) {
  return "    " + replace_all(readable(text), "\n", "\n    ") + "\n";
}

std::string shell_word(const std::string& word) {
  const bool plain = !word.empty() && word.find_first_of(" '\"{}[]*?") == std::string::npos;
  return plain || word.starts_with("{") ? word : "'" + word + "'";
}

std::string section(const BadInput& input) {
  std::string text = "### " + input.mistake + "\n\n";
  for (const Edit& edit : input.edits)
    text += indented(edit.to.empty() ? "# without: " + edit.from : edit.to) + "\n";
  std::string command = "$ w2s";
  for (const std::string& argument : input.arguments) command += " " + shell_word(argument);
  return text + indented(command + "\n" + (input.status == 2 ? "w2s: " : "failed: ") + input.message) + "\n";
}

}  // namespace

std::string errors_page() {
  std::string page =
      "# Errors\n\n"
      "What goes wrong, and what w2s says then: one message that tells what, where and what was expected. "
      "The\n"
      "exit status is 2 for mistakes in a command, an experiment file, its plugins or data (\"w2s: …\", "
      "nothing has\n"
      "run), and 1 where a job failed (\"failed: …\"; the other jobs ran to their end and nothing of them is "
      "lost).\n"
      "Ctrl-C ends a run with 130; the next run goes on from there.\n\n"
      "This page is printed from the cases that the tests run (tests/end_to_end/bad_inputs); \"…\" stands "
      "for what\n"
      "differs between installations. Write it anew with `W2S_WRITE_DOCS=1 ./dev test -R bad_inputs`.\n";
  for (const BadInputGroup& group : bad_inputs()) {
    page += "\n## " + group.title + "\n\n";
    for (const BadInput& input : group.cases) page += section(input);
    page.pop_back();
  }
  return page;
}

}  // namespace w2s::e2e
