// NotingLab: a lab that fits nothing and writes down what it is asked, for tests of strategies.
#pragma once

#include <w2s/strategy.hpp>

namespace w2s::testing {

struct Call {
  Supervision labels;
  FitSpec spec;
};

class NotingLab final : public Lab {
 public:
  Student fit(const Supervision& labels, const FitSpec& spec) override {
    calls.push_back({labels, spec});
    return Student("fit " + std::to_string(calls.size()));
  }
  // Student "fit k" gives class 0 the probability k / 10.
  Tensor predict(const Student& student, const Examples& examples) override {
    const double p = std::stod(student.members().at(0).substr(4)) / 10;
    return at::tensor({p, 1 - p}).to(at::kFloat).repeat({examples.size(), 1});
  }
  // The examples' own inputs.
  Tensor features(const std::string&, const Examples& examples) override { return examples.dense(); }
  Tensor features(const Student&, const Examples& examples) override { return examples.dense(); }
  Student with_head(const Student& student, const Tensor&, const Tensor&) override { return student; }
  std::map<std::string, Tensor> once(const Spec&, const std::string&,
                                     const std::function<std::map<std::string, Tensor>()>& compute) override {
    return compute();
  }
  const SupervisorFit& supervisor_fit() const override { throw UsageError("no supervisor"); }
  FitSpec for_model(const FitSpec& spec, const std::string& model) const override {
    FitSpec other = spec;
    other.model = model;
    return other;
  }
  std::vector<std::string> models() const override { return {"small", "medium", "large"}; }
  TaskKind task_kind() const override { return TaskKind::classification; }
  std::int64_t classes() const override { return 2; }
  const Student& supervisor() const override { return supervisor_; }
  Stream stream(const std::string& purpose) const override { return Stream(1, purpose); }
  void log(const std::string& line) override { lines.push_back(line); }

  std::vector<Call> calls;
  std::vector<std::string> lines;

 private:
  Student supervisor_;
};

}  // namespace w2s::testing
