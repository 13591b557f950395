#include "answers.hpp"

#include <algorithm>
#include <charconv>

namespace w2s::text {

std::vector<std::string> answers_of(const DataRow& row, const std::vector<std::string>& columns) {
  std::vector<std::string> answers;
  for (const std::string& column : columns) {
    const Value& value = row.at(column);
    if (!value.is_list()) {
      answers.push_back(text_of(value, column));
      continue;
    }
    for (const Value& item : value.as_list()) answers.push_back(text_of(item, column));
  }
  if (answers.size() < 2) throw UsageError("the row has fewer than two answers");
  return answers;
}

std::size_t right_answer(const DataRow& row, const std::vector<std::string>& answers, const AnswerKey& key) {
  if (key.form == AnswerForm::first) return 0;
  const std::string wanted = row.text(key.column);
  if (key.form == AnswerForm::index) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
    number -= key.first;
    if (error != std::errc() || end != wanted.data() + wanted.size() || number < 0 ||
        number >= static_cast<std::int64_t>(answers.size())) {
      throw UsageError("column '" + key.column + "': '" + wanted +
                       "' is not the number of an answer: there are " + std::to_string(answers.size()) +
                       ", from " + std::to_string(key.first));
    }
    return static_cast<std::size_t>(number);
  }
  std::vector<std::string> names = answers;
  if (key.form == AnswerForm::key) {
    names.clear();
    for (const Value& name : row.at(key.keys).as_list()) names.push_back(text_of(name, key.keys));
  }
  const auto found = std::find(names.begin(), names.end(), wanted);
  if (found == names.end() || found - names.begin() >= static_cast<std::ptrdiff_t>(answers.size())) {
    throw UsageError("column '" + key.column + "': '" + wanted + "' is not one of " + one_of_list(names));
  }
  return static_cast<std::size_t>(found - names.begin());
}

std::string shared_prompt(const std::vector<std::string>& texts, const std::string& separator) {
  std::size_t length = texts.front().size();
  for (const std::string& text : texts) {
    const auto end =
        std::mismatch(texts.front().begin(), texts.front().end(), text.begin(), text.end()).first;
    length = std::min(length, static_cast<std::size_t>(end - texts.front().begin()));
  }
  const std::string beginning = texts.front().substr(0, length);
  const std::size_t last = beginning.rfind(separator);
  return last == std::string::npos ? "" : beginning.substr(0, last + separator.size());
}

}  // namespace w2s::text
