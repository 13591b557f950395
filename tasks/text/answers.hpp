// The answers of a row, wherever its columns keep them, and the right one among them.
#pragma once

#include <string>
#include <vector>

#include <w2s/records.hpp>

namespace w2s::text {

/// The texts in these columns; a column with a list gives each of its items. Throws UsageError where there
/// are fewer than two.
std::vector<std::string> answers_of(const DataRow& row, const std::vector<std::string>& columns);

/// By its number, its text, its key (among those of `keys`); or it is the first, and no column names it.
enum class AnswerForm { index, text, key, first };
constexpr auto enum_names(AnswerForm) { return std::array{"index", "text", "key", "first"}; }

/// How the right answer is named.
struct AnswerKey {
  AnswerForm form = AnswerForm::index;
  std::string column;
  std::int64_t first = 0;  ///< number of the first answer
  std::string keys;        ///< column with the list of the answers' keys
};

/// Position of the right answer. Throws UsageError where it is none of them.
std::size_t right_answer(const DataRow& row, const std::vector<std::string>& answers, const AnswerKey& key);

/// The beginning that all these texts share, up to and with the last `separator` in it; "" where it has none.
/// For a dialogue and two ways to go on, with "\n\nAssistant:", that is the dialogue.
std::string shared_prompt(const std::vector<std::string>& texts, const std::string& separator);

}  // namespace w2s::text
