// A task: where examples come from. The core makes the halves and the validation sets, for every task alike.
//
// Here: rows of numbers from CSV or JSONL files, with the class of each row in one column.
#include <w2s/plugin.hpp>
#include <w2s/records.hpp>

#include <algorithm>

namespace {

class MyTask final : public w2s::ITask {
 public:
  // An experiment sets them: [task] type = "my_task", train = "train.csv", test = "test.csv"
  struct Params {
    std::string train, test;
    std::string label = "label";
    std::int64_t classes = 2;
  };

  static void describe(w2s::Schema<Params>& s) {
    s.summary("Rows of numbers from CSV or JSONL files").source("yours");
    s.field("train", &Params::train, "file of the rows that are halved for training").path().required();
    s.field("test", &Params::test, "file of the rows that every score is taken on").path().required();
    s.field("label", &Params::label, "column of the class, 0 … classes − 1; the others are the inputs");
    s.field("classes", &Params::classes, "number of classes").at_least(2);
  }

  explicit MyTask(const Params& params) : params_(params) {}

  // The files' contents are part of the key of every result.
  std::vector<std::string> files() const override { return {params_.train, params_.test}; }
  w2s::TaskKind kind() const override { return w2s::TaskKind::classification; }
  std::int64_t classes() const override { return params_.classes; }

  w2s::TaskData load() override {
    w2s::TaskData data;
    data.classes = params_.classes;
    data.train = read(params_.train, "train");
    data.test = read(params_.test, "test");
    return data;
  }

 private:
  w2s::Examples read(const std::string& path, const std::string& set) const {
    w2s::Columns columns;
    std::vector<double> labels, inputs;
    std::size_t width = 0;
    w2s::RecordReader reader(path);
    for (w2s::DataRow row; reader.next(row);) {
      const std::size_t before = inputs.size();
      for (const auto& [column, value] : row.fields)
        (column == params_.label ? labels : inputs).push_back(number(row, column, path));
      if (labels.empty()) row.at(params_.label);  // names the nearest column
      if (width == 0) width = inputs.size() - before;
      if (inputs.size() - before != width || labels.back() < 0 ||
          labels.back() >= static_cast<double>(params_.classes)) {
        throw w2s::UsageError(path + ":" + std::to_string(row.line) + ": expected " + std::to_string(width) +
                              " numbers and a class below " + std::to_string(params_.classes));
      }
      columns.ids.push_back(set + "/" + std::to_string(columns.ids.size()));
    }
    columns.labels = at::tensor(labels, at::kDouble).to(at::kLong);
    columns.dense =
        at::tensor(inputs, at::kFloat).view({-1, static_cast<std::int64_t>(std::max<std::size_t>(1, width))});
    return w2s::Examples(std::move(columns));
  }

  static double number(const w2s::DataRow& row, const std::string& column, const std::string& path) {
    const std::string text = row.text(column);
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0') {
      throw w2s::UsageError(path + ":" + std::to_string(row.line) + ": '" + text + "' in column '" + column +
                            "' is not a number");
    }
    return value;
  }

  const Params params_;
};

}  // namespace

W2S_TASK(MyTask, "my_task");
