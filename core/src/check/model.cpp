#include <filesystem>

#include <fmt/format.h>

#include <w2s/safetensors.hpp>

#include "check/check.hpp"
#include "check/tiny_world.hpp"
#include "engine/network.hpp"

namespace w2s {
namespace {

constexpr std::int64_t kRows = 6;

// Inputs that a model may take, tried in this order until build() accepts one.
struct Inputs {
  std::string name;
  ModelContext context;
  Examples examples;
};

std::vector<Inputs> all_inputs() {
  Stream stream(3, "inputs");
  const auto dense = [&](const std::string& name, const std::vector<std::int64_t>& shape) {
    Inputs inputs;
    inputs.name = name;
    inputs.context.input_shape = shape;
    std::vector<std::int64_t> sizes = {kRows};
    sizes.insert(sizes.end(), shape.begin(), shape.end());
    inputs.examples = examples_of({normals(sizes, stream), at::zeros({kRows}, at::kLong)});
    return inputs;
  };
  Inputs text;
  text.name = "texts";
  Columns columns;
  columns.text = {"a",         "a longer text, so that the rows of one batch differ in length",
                  "two words", "ein Satz mit Umlauten: äöü",
                  "1 2 3",     "a"};
  columns.labels = at::zeros({kRows}, at::kLong);
  for (std::int64_t i = 0; i < kRows; ++i) columns.ids.push_back("row/" + std::to_string(i));
  text.examples = Examples(std::move(columns));
  return {dense("vectors of 12", {12}),
          dense("images of 1 × 28 × 28", {1, 28, 28}),
          dense("images of 28 × 28", {28, 28}),
          dense("images of 3 × 32 × 32", {3, 32, 32}),
          dense("images of 3 × 224 × 224", {3, 224, 224}),
          text};
}

class ModelCheck {
 public:
  explicit ModelCheck(const Subject<IModel>& model) : subject_(model) {}

  std::vector<Finding> run() {
    check_documented(findings_, *subject_.schema);
    findings_.check("is built for some inputs",
                    "build() must accept vectors, images or texts; a model that reads files needs their path",
                    [&] { return find_inputs(); });
    if (!built_) return findings_.all();
    findings_.check("gives one feature vector a row, [R, feature_size()]",
                    "features() returns float32 [R, D] without NaN", [&] { return shape(); });
    if (!findings_.passed()) return findings_.all();
    findings_.check("is deterministic for a seed", "draw all random values from build()'s stream",
                    [&] { return deterministic(); });
    findings_.check("computes each row alone, whatever it is padded to or batched with",
                    "mask padding (Batch::mask), and keep no statistics over the batch",
                    [&] { return independent(); });
    findings_.check("passes gradients to its parameters",
                    "use parameters() in features(); what must not train is added with add_buffer()",
                    [&] { return gradients(); });
    findings_.check("can be saved and loaded",
                    "all that features() depends on is in parameters(), or follows from Params and context",
                    [&] { return saved(); });
    findings_.check("knows the block of each parameter", "block_of() gives −1 … depth()",
                    [&] { return blocks(); });
    return findings_.all();
  }

 private:
  std::unique_ptr<IModel> fresh(std::uint64_t seed) const {
    std::unique_ptr<IModel> model = subject_.make(subject_.params);
    model->build(inputs_.context, Stream(seed, "check"));
    to_device(model->parameters(), at::kCPU);
    return model;
  }

  std::string find_inputs() {
    std::string refusals;
    for (const Inputs& inputs : all_inputs()) {
      inputs_ = inputs;
      try {
        built_ = fresh(1);
        encoded_ = built_->encode(inputs.examples, TaskKind::classification);
        features_of(*built_, {0});
        return "";
      } catch (const std::exception& error) {
        built_.reset();
        refusals += "\n    " + inputs.name + ": " + error.what();
      }
    }
    return "it takes none of these:" + refusals;
  }

  Tensor features_of(IModel& model, const std::vector<std::int64_t>& rows) const {
    at::NoGradGuard no_grad;
    return model.features(collate(encoded_, rows, at::kCPU));
  }
  static std::vector<std::int64_t> all_rows() { return {0, 1, 2, 3, 4, 5}; }

  std::string shape() const {
    const Tensor f = features_of(*built_, all_rows());
    if (f.dim() != 2 || f.size(0) != kRows || f.size(1) != built_->feature_size()) {
      return fmt::format("for {} rows it returned {}; feature_size() is {}", kRows, c10::str(f.sizes()),
                         built_->feature_size());
    }
    if (f.scalar_type() != at::kFloat) return c10::str("features are of type ", f.scalar_type());
    return f.isfinite().all().item<bool>() ? "" : "features are not finite on " + inputs_.name;
  }

  std::string deterministic() const {
    const Tensor first = features_of(*built_, all_rows());
    if (!features_of(*built_, all_rows()).equal(first)) return "two calls give different features";
    return features_of(*fresh(1), all_rows()).equal(first) ? "" : "two builds of one seed differ";
  }

  std::string independent() const {
    const Tensor together = features_of(*built_, all_rows());
    for (const std::int64_t row : all_rows()) {
      const double gap = (features_of(*built_, {row})[0] - together[row]).abs().max().item<double>();
      const double size = 1 + together[row].abs().max().item<double>();
      if (gap > 1e-4 * size)
        return fmt::format("row {} alone differs from itself in a batch by {:.3g}", row, gap);
    }
    return "";
  }

  std::string gradients() const {
    const std::unique_ptr<IModel> model = fresh(1);
    std::int64_t weights = 0;
    for (Parameters::Item& item : model->parameters().items()) {
      if (item.buffer) continue;
      item.tensor.set_requires_grad(true);
      ++weights;
    }
    if (weights == 0) return "";
    const Tensor f = model->features(collate(encoded_, all_rows(), at::kCPU));
    if (!f.requires_grad()) return "the features do not depend on the parameters";
    f.square().sum().backward();
    for (const Parameters::Item& item : model->parameters().items()) {
      if (!item.buffer && item.tensor.grad().defined() && !item.tensor.grad().isfinite().all().item<bool>())
        return "the gradient of '" + item.name + "' is not finite";
    }
    return "";
  }

  std::string saved() const {
    const ScratchFolder folder;
    const std::string file = folder.path() + "/model.safetensors";
    std::map<std::string, Tensor> tensors;
    for (const Parameters::Item& item : built_->parameters().items()) tensors[item.name] = item.tensor;
    if (tensors.empty()) return "";
    save_safetensors(file, tensors);
    const std::unique_ptr<IModel> other = fresh(2);
    const SafeTensors loaded = SafeTensors::open(file);
    for (const std::string& name : loaded.names()) other->parameters().assign(name, loaded.at(name));
    return features_of(*other, all_rows()).equal(features_of(*built_, all_rows()))
               ? ""
               : "with its parameters loaded into another build, the features differ";
  }

  std::string blocks() const {
    for (const Parameters::Item& item : built_->parameters().items()) {
      const std::int64_t block = built_->block_of(item.name);
      if (block < -1 || block > built_->depth())
        return fmt::format("block_of(\"{}\") is {}, and depth() is {}", item.name, block, built_->depth());
    }
    return "";
  }

  const Subject<IModel>& subject_;
  Inputs inputs_;
  std::unique_ptr<IModel> built_;
  Encoded encoded_;
  Findings findings_;
};

}  // namespace

std::vector<Finding> check_model(const Subject<IModel>& model) { return ModelCheck(model).run(); }

}  // namespace w2s
