#include "lab/drafts.hpp"

#include "lab/text_examples.hpp"

namespace w2s {

Examples Drafts::read(const Student& draft, const Examples& examples) const {
  if (draft.empty() || examples.empty()) return examples;
  if (!examples.has_text())
    throw WrongInputs("a draft is read with a text, and this task's examples are dense");
  TextRows rows;
  switch (context.kind()) {
    case TaskKind::generation: {
      rows.add(examples, references_of(examples));
      const Answers answers = answer(draft, examples);
      for (std::size_t i = 0; i < rows.prompts.size(); ++i)
        rows.prompts[i] += " " + trimmed(answers.texts[i]);
      return rows.examples();
    }
    case TaskKind::classification: {
      rows.add(examples, std::vector<std::string>(static_cast<std::size_t>(examples.size())));
      const Tensor chosen = predict(draft, examples).argmax(1);
      const std::vector<std::string>& names = context.setup.data->class_names;
      for (std::size_t i = 0; i < rows.prompts.size(); ++i) {
        const auto c = chosen[static_cast<std::int64_t>(i)].item<std::int64_t>();
        rows.prompts[i] += " " + (names.empty() ? std::to_string(c) : names[static_cast<std::size_t>(c)]);
      }
      return rows.examples();
    }
    case TaskKind::preference:
      break;
  }
  throw WrongInputs("a draft is read with one text, and preferences are of two");
}

}  // namespace w2s
