// Text examples that are made of others: the same rows with other prompts or answers.
#pragma once

#include <string>
#include <vector>

#include <w2s/examples.hpp>

namespace w2s {

/// Rows of a prompt and an answer each. An id that occurs before gets a number.
struct TextRows {
  std::vector<std::string> ids, prompts, answers;

  /// The examples' own prompts with these answers. Throws Error unless there is one for each.
  void add(const Examples& examples, const std::vector<std::string>& answers);
  Examples examples() const;
};

/// Without the blanks around it: answers are compared so.
std::string trimmed(const std::string& text);

/// The prompts, each with an empty answer.
Examples prompts_of(const Examples& examples);
/// Each row's reference answer.
std::vector<std::string> references_of(const Examples& examples);
/// The prompts as texts of their own: what may be read without knowing any answer.
Examples without_answers(const Examples& examples);

}  // namespace w2s
