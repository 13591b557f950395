#include "check/tiny_world.hpp"

#include <w2s/plugin.hpp>

namespace w2s {

Examples examples_of(const Rows& rows) {
  Columns columns;
  columns.dense = rows.inputs;
  columns.labels = rows.labels;
  for (std::int64_t i = 0; i < rows.labels.size(0); ++i) columns.ids.push_back("row/" + std::to_string(i));
  return Examples(std::move(columns));
}

Tensor normals(const std::vector<std::int64_t>& shape, Stream& stream) {
  Tensor values = at::empty(shape, at::kFloat);
  float* data = values.data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) data[i] = static_cast<float>(stream.normal());
  return values;
}

Rows blobs(std::int64_t count, std::int64_t classes, std::int64_t width, double spread, std::uint64_t seed) {
  Stream stream(seed, "blobs");
  const Tensor centers = spread * normals({classes, width}, stream);
  const Tensor labels = at::arange(count, at::kLong).remainder(classes);
  return {centers.index_select(0, labels) + normals({count, width}, stream), labels};
}

TinyWorld::TinyWorld(const Registry& plugins, const Rows& rows, std::int64_t classes, Options options,
                     const std::string& store)
    : plugins_(plugins), store_(store.empty() ? folder_.path() : store), options_(std::move(options)) {
  for (const auto& [name, params] : {std::pair{"weak", options_.weak}, std::pair{"medium", options_.medium},
                                     std::pair{"strong", options_.strong}}) {
    ModelSpec model;
    model.name = name;
    model.spec = {"mlp", params, {}};
    experiment_.models.push_back(model);
  }
  experiment_.name = "tiny";
  experiment_.train = options_.train;
  const Examples all = examples_of(rows);
  const std::int64_t n = all.size();
  data_.classes = classes;
  data_.train = all.slice(0, n / 2);
  data_.test = all.slice(n / 2, n);
  splits_.supervisor.train = all.slice(0, n / 4);
  splits_.transfer.train = all.slice(n / 4, n / 2);
  splits_.tests["test"] = data_.test;
  LabSetup setup;
  setup.experiment = &experiment_;
  setup.registry = &plugins_;
  setup.store = &store_;
  setup.data = &data_;
  setup.splits = &splits_;
  setup.seed = options_.seed;
  setup.checkpoints = options_.checkpoints;
  setup.team = options_.team;
  if (options_.team != nullptr) store_.go_in_lockstep(*options_.team);
  setup.log = [this](const std::string& line) { log_ += line + '\n'; };
  lab_ = std::make_unique<LocalLab>(setup);
  const SupervisorFit lesson{Supervision::truth(splits_.supervisor.train, classes), lab_->spec_for("weak")};
  lab_->set_supervisor(lab_->fit(lesson.labels, lesson.spec), lesson);
}

Student TinyWorld::run(const std::vector<Spec>& chain, const Supervision& labels, const FitSpec& spec) {
  return run_chain(make_chain(plugins_, chain), labels, spec, *lab_);
}

std::vector<Supervision> TinyWorld::handed_on(const std::string& strategy, const Table& params,
                                              const Supervision& labels) {
  std::vector<Supervision> given;
  plugins_.make_strategy({strategy, params, {}})
      ->supervise(labels, spec(), *lab_, [&](const Supervision& handed, const FitSpec& wanted) {
        given.push_back(handed);
        return lab_->fit(handed, wanted);
      });
  return given;
}

double TinyWorld::accuracy(const Student& student, const Examples& examples) {
  return lab_->predict(student, examples)
      .argmax(1)
      .eq(examples.labels())
      .to(at::kDouble)
      .mean()
      .item<double>();
}

}  // namespace w2s
