// Features that were computed elsewhere, in safetensors files: linear probes of any model, of any data.
#include <w2s/safetensors.hpp>
#include <w2s/task.hpp>

#include <algorithm>
#include <filesystem>

namespace w2s {
namespace {

namespace fs = std::filesystem;

class FeatureFiles final : public ITask {
 public:
  struct Params {
    std::string path;
    std::string train, test;
    Table shifts;
    std::vector<std::string> features = {"features"};
    std::string labels = "labels";
    std::string groups;
    std::int64_t class_count = 0;
    std::int64_t train_limit = 0;
    std::int64_t test_limit = 0;
    std::int64_t held_out = 0;
    std::int64_t seed = 0;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Features of examples, computed elsewhere: safetensors files with features [N, D] (or [N, …]) and "
         "labels "
         "[N]. Several tensors of features are put side by side, so that models may see different ones "
         "(model "
         "mlp, `inputs`). Labels of another system come from [supervisor] type = \"file\"; the ids are "
         "train/0, train/1, … and test/0, …, or of held-out rows train/…")
        .source("the linear probes of Burns et al. 2023, section 4.1 and the public code's vision folder");
    s.field("path", &Params::path, "folder that the files are in").required().path();
    s.field("train", &Params::train, "file of the training rows").required();
    s.field("test", &Params::test, "file of the test rows; none: `held_out` training rows");
    s.field("shifts", &Params::shifts, "out-of-distribution test sets: { NAME = file }");
    s.field("features", &Params::features, "names of the tensors with the features");
    s.field("labels", &Params::labels, "name of the tensor with the labels, integers from 0");
    s.field("groups", &Params::groups,
            "name of a tensor of integers [N]: rows with one number stay in one half");
    s.field("class_count", &Params::class_count,
            "number of classes; 0: one more than the largest label of train")
        .at_least(0);
    s.field("train_limit", &Params::train_limit, "use the first so many training rows; 0: all").at_least(0);
    s.field("test_limit", &Params::test_limit, "use the first so many rows of each test set; 0: all")
        .at_least(0);
    s.field("held_out", &Params::held_out,
            "without a test file: so many training rows, drawn at random, are it")
        .at_least(0);
    s.field("seed", &Params::seed, "of the held-out rows").at_least(0);
  }

  explicit FeatureFiles(const Params& params) : params_(params) {
    if (params_.test.empty() == (params_.held_out == 0)) {
      fail("give a test file in 'test', or a number of training rows to test on in 'held_out', but not both");
    }
    if (params_.features.empty()) fail("'features' names no tensor");
  }

  std::vector<std::string> files() const override {
    std::vector<std::string> all{file(params_.train)};
    if (!params_.test.empty()) all.push_back(file(params_.test));
    for (const auto& [name, shift] : params_.shifts) all.push_back(file(shift.as_string()));
    return all;
  }
  TaskKind kind() const override { return TaskKind::classification; }

  std::int64_t classes() const override {
    if (params_.class_count > 0) return params_.class_count;
    const std::string path = file(params_.train);
    return labels_of(SafeTensors::open(path), path).max().item<std::int64_t>() + 1;
  }

  TaskData load() override {
    TaskData data;
    data.classes = classes();
    if (data.classes < 2)
      fail("the labels of '" + params_.train + "' are all 0: expected two classes or more");
    const Examples train(read("train", params_.train, params_.train_limit, data.classes));
    const std::vector<std::int64_t> shape = row_shape(train);
    if (params_.test.empty()) {
      hold_out(train, params_.held_out, params_.seed, "feature_files", data);
    } else {
      data.train = train;
      data.test = Examples(read("test", params_.test, params_.test_limit, data.classes));
      check_shape(data.test, shape, params_.test);
    }
    for (const auto& [name, shift] : params_.shifts) {
      const Examples rows(read(name, shift.as_string(), params_.test_limit, data.classes));
      check_shape(rows, shape, shift.as_string());
      data.shifted.emplace(name, rows);
    }
    return data;
  }

 private:
  [[noreturn]] static void fail(const std::string& message) {
    throw UsageError("task 'feature_files': " + message);
  }
  std::string file(const std::string& name) const {
    return (fs::path(params_.path) / name).lexically_normal().string();
  }

  static Tensor tensor(const SafeTensors& tensors, const std::string& name) {
    try {
      return tensors.at(name);
    } catch (const UsageError&) {
      throw;
    } catch (const Error& error) {
      throw UsageError(error.what());
    }
  }

  Tensor labels_of(const SafeTensors& tensors, const std::string& path) const {
    const Tensor labels = tensor(tensors, params_.labels);
    if (labels.dim() != 1 || labels.size(0) == 0 || !at::isIntegralType(labels.scalar_type(), true)) {
      fail(path + ": '" + params_.labels + "' must be a list of integers, at least one");
    }
    return labels.to(at::kLong);
  }

  Columns read(const std::string& split, const std::string& name, std::int64_t limit,
               std::int64_t classes) const {
    const std::string path = file(name);
    const SafeTensors tensors = SafeTensors::open(path);
    Columns columns;
    columns.labels = labels_of(tensors, path);
    const std::int64_t rows = columns.labels.size(0);
    const auto rows_of = [&](const std::string& tensor_name) {
      const Tensor values = tensor(tensors, tensor_name);
      if (values.dim() < 1 || values.size(0) != rows) {
        fail(path + ": '" + tensor_name + "' has " + std::to_string(values.dim() < 1 ? 0 : values.size(0)) +
             " rows and '" + params_.labels + "' has " + std::to_string(rows));
      }
      return values;
    };
    std::vector<Tensor> parts;
    for (const std::string& part : params_.features) {
      const Tensor values = rows_of(part);
      if (values.dim() < 2) fail(path + ": '" + part + "' must be [N, D] or [N, …]");
      if (at::isFloatingType(values.scalar_type()) && !values.to(at::kFloat).isfinite().all().item<bool>()) {
        fail(path + ": '" + part + "' holds numbers that are not finite");
      }
      parts.push_back(params_.features.size() == 1 ? values : values.to(at::kFloat).flatten(1));
    }
    const std::int64_t low = columns.labels.min().item<std::int64_t>(),
                       high = columns.labels.max().item<std::int64_t>();
    if (low < 0 || high >= classes) {
      fail(path + ": '" + params_.labels + "' has the label " + std::to_string(low < 0 ? low : high) +
           "; expected 0 to " + std::to_string(classes - 1));
    }
    const std::int64_t count = limit == 0 ? rows : std::min(limit, rows);
    columns.labels = columns.labels.slice(0, 0, count).clone();
    columns.dense = (parts.size() == 1 ? parts[0] : at::cat(parts, 1)).slice(0, 0, count);
    for (std::int64_t i = 0; i < count; ++i) columns.ids.push_back(split + "/" + std::to_string(i));
    if (!params_.groups.empty()) {
      const Tensor groups = rows_of(params_.groups).to(at::kLong).contiguous();
      const auto* first = groups.data_ptr<std::int64_t>();
      columns.groups.assign(first, first + count);
    }
    return columns;
  }

  static std::vector<std::int64_t> row_shape(const Examples& rows) {
    return rows.columns().dense.sizes().slice(1).vec();
  }
  static void check_shape(const Examples& rows, const std::vector<std::int64_t>& shape,
                          const std::string& name) {
    if (row_shape(rows) != shape)
      fail("the features of '" + name + "' have another shape than those of train");
  }

  const Params params_;
};

W2S_TASK(FeatureFiles, "feature_files");

}  // namespace
}  // namespace w2s
