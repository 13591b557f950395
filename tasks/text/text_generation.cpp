// Prompts and the answers that are to be written to them.
#include "rows.hpp"

namespace w2s::text {
namespace {

const std::string kName = "text_generation";

class TextGeneration final : public ITask {
 public:
  struct Params : RowParams {
    std::string prompt = "{prompt}";
    std::string answer = " {answer}";
  };

  static void describe(Schema<Params>& s) {
    s.summary(
         "Prompts and answers from JSONL, CSV or TSV files. Students write the answer token by token; it is "
         "right where it is the reference, blanks around it left aside. Rows of one prompt stay in one half")
        .source("Burns et al. 2023, section 4.2: chess puzzles are such a task");
    describe_rows(s);
    s.field("prompt", &Params::prompt,
            "what the model reads; names of columns in braces are filled in, {{ and }} are braces");
    s.field(
        "answer", &Params::answer,
        "what it is to write after that; a blank at its beginning belongs to it, as most tokenizers want it");
  }

  explicit TextGeneration(const Params& params)
      : rows_(kName, params), prompt_(checked(params.prompt)), answer_(checked(params.answer)) {}

  std::vector<std::string> files() const override { return rows_.files(); }
  TaskKind kind() const override { return TaskKind::generation; }
  std::int64_t classes() const override { return 1; }

  TaskData load() override {
    const Convert convert = [&](DataRow& row, const std::string&) {
      Converted example;
      example.text = prompt_.render(row);
      example.second = answer_.render(row);
      example.group = example.text;
      if (example.second->find_first_not_of(" \t\r\n") == std::string::npos)
        throw UsageError("the answer is empty");
      return std::vector<Converted>{example};
    };
    TaskData data = rows_.load(convert, {});
    data.kind = TaskKind::generation;
    data.classes = 1;
    return data;
  }

 private:
  static TextTemplate checked(const std::string& text) {
    try {
      return TextTemplate(text);
    } catch (const UsageError& error) {
      throw UsageError("task '" + kName + "': " + error.what());
    }
  }

  const RowSource rows_;
  const TextTemplate prompt_, answer_;
};

W2S_TASK(TextGeneration, "text_generation");

}  // namespace
}  // namespace w2s::text
