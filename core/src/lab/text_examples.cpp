#include "lab/text_examples.hpp"

#include <unordered_map>

#include <w2s/error.hpp>

namespace w2s {

void TextRows::add(const Examples& examples, const std::vector<std::string>& more) {
  if (static_cast<std::int64_t>(more.size()) != examples.size()) {
    throw Error("answers: expected " + std::to_string(examples.size()) + ", found " +
                std::to_string(more.size()));
  }
  for (std::int64_t i = 0; i < examples.size(); ++i) {
    ids.push_back(examples.id(i));
    prompts.push_back(examples.text(i));
    answers.push_back(more[static_cast<std::size_t>(i)]);
  }
}

Examples TextRows::examples() const {
  Columns columns;
  std::unordered_map<std::string, std::int64_t> seen;
  for (const std::string& id : ids) {
    const std::int64_t before = seen[id]++;
    columns.ids.push_back(before == 0 ? id : id + " (" + std::to_string(before + 1) + ")");
  }
  columns.text = prompts;
  columns.second = answers;
  return Examples(std::move(columns));
}

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

Examples prompts_of(const Examples& examples) {
  TextRows rows;
  rows.add(examples, std::vector<std::string>(static_cast<std::size_t>(examples.size())));
  return rows.examples();
}

std::vector<std::string> references_of(const Examples& examples) {
  std::vector<std::string> references;
  for (std::int64_t i = 0; i < examples.size(); ++i) references.push_back(examples.second(i));
  return references;
}

Examples without_answers(const Examples& examples) {
  TextRows rows;
  rows.add(examples, std::vector<std::string>(static_cast<std::size_t>(examples.size())));
  rows.answers.clear();
  return rows.examples();
}

}  // namespace w2s
