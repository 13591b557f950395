#include "supervisors/supervisor.hpp"

#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "supervisors/label_file.hpp"
#include "supervisors/label_noise.hpp"

namespace w2s {
namespace {

class WeakModel final : public Supervisor {
 public:
  WeakModel(const SupervisorSetup& setup, LocalLab& lab) : lab_(lab) {
    const SupervisorFit fit = on_truth(lab, setup.weak, setup.splits->supervisor);
    student_ = lab.fit(fit.labels, fit.spec);
    lab.set_supervisor(student_, fit);
  }
  Supervision label(const Examples& examples) override { return lab_.label(student_, examples); }
  TestLabels test(const Examples& examples) override { return test_labels(lab_, student_, examples); }

 private:
  LocalLab& lab_;
  Student student_;
};

class LabelsOfFile final : public Supervisor {
 public:
  LabelsOfFile(const SupervisorSetup& setup, LocalLab& lab)
      : file_(setup.experiment->supervisor.file, setup.data->classes, setup.data->class_names) {
    const FileSupervisor& params = setup.experiment->supervisor.file;
    const Half& half = setup.splits->transfer;
    std::int64_t missing = 0;
    std::string first;
    for (const Examples* examples : {&half.train, &half.validation}) {
      for (std::int64_t i = 0; i < examples->size(); ++i) {
        if (!file_.has(examples->id(i)) && missing++ == 0) first = examples->id(i);
      }
    }
    const std::string strangers = ids_of_nothing(*setup.data);
    if (missing > 0) {
      const std::string found =
          fmt::format("{} of the {} examples of the transfer half have no label, the first '{}'{}", missing,
                      half.train.size() + half.validation.size(), first, strangers);
      if (params.missing == MissingLabels::error || file_.labelled(half.train).empty()) {
        throw UsageError("[supervisor]: " + found +
                         (params.missing == MissingLabels::error ? "; missing = \"drop\" leaves them out"
                                                                 : ": none is left to train on"));
      }
      lab.log("[supervisor]: " + found + ": left out");
    } else if (!strangers.empty()) {
      lab.log("[supervisor]: every example of the transfer half has a label" + strangers);
    }
  }

  Supervision label(const Examples& examples) override {
    const Examples labelled = examples.select(file_.labelled(examples));
    return Supervision::soft(labelled, file_.probabilities(labelled));
  }

  TestLabels test(const Examples& examples) override {
    const std::size_t labelled = file_.labelled(examples).size();
    if (static_cast<std::int64_t>(labelled) == examples.size())
      return {file_.probabilities(examples), "", {}};
    return {{},
            fmt::format("the supervisor labels {} of the {} test examples",
                        labelled == 0 ? "none" : std::to_string(labelled), examples.size()),
            {}};
  }

 private:
  // "; 3 of the 10 ids in the file are none of the task's, the first 'x'"
  std::string ids_of_nothing(const TaskData& data) const {
    std::unordered_set<std::string> known;
    const auto add = [&](const Examples& examples) {
      if (!examples.empty()) known.insert(examples.columns().ids.begin(), examples.columns().ids.end());
    };
    add(data.train);
    add(data.test);
    for (const auto& [name, examples] : data.shifted) add(examples);
    std::int64_t strangers = 0;
    std::string first;
    for (const std::string& id : file_.ids()) {
      if (known.count(id) == 0 && strangers++ == 0) first = id;
    }
    if (strangers == 0) return "";
    return fmt::format("; {} of the {} labelled ids are none of the task's, the first '{}'", strangers,
                       file_.size(), first);
  }

  LabelFile file_;
};

class Noise final : public Supervisor {
 public:
  Noise(const SupervisorSetup& setup, LocalLab& lab)
      : lab_(lab),
        half_(setup.splits->supervisor),
        params_(setup.experiment->supervisor.noise),
        seed_(setup.seed) {}

  Supervision label(const Examples& examples) override {
    return Supervision::soft(examples, one_hot(examples));
  }
  TestLabels test(const Examples& examples) override { return {one_hot(examples), "", {}}; }

 private:
  Tensor one_hot(const Examples& examples) {
    const std::int64_t classes = lab_.classes();
    const Tensor truth = examples.labels();
    const Stream stream(seed_, "label noise " + examples.digest());
    const Tensor labels = params_.structure == NoiseStructure::matrix
                              ? corrupted_by(truth, params_.matrix, stream)
                              : corrupted(truth, classes, accuracy(examples), priority(examples), stream);
    return at::one_hot(labels, classes).to(at::kFloat);
  }

  double accuracy(const Examples& examples) {
    if (params_.accuracy || examples.empty()) return params_.accuracy.value_or(1);
    return predict(params_.accuracy_of, examples)
        .argmax(1)
        .eq(examples.labels())
        .to(at::kDouble)
        .mean()
        .item<double>();
  }

  // Which labels are wrong first: the largest.
  Tensor priority(const Examples& examples) {
    if (params_.structure == NoiseStructure::random || examples.empty()) return {};
    if (params_.structure == NoiseStructure::strong_unsure)
      return -std::get<0>(predict(params_.judge, examples).max(1));
    if (params_.structure == NoiseStructure::strong_right) {
      return predict(params_.judge, examples).gather(1, examples.labels().unsqueeze(1)).squeeze(1);
    }
    const double sign = params_.structure == NoiseStructure::longest ? 1 : -1;
    return sign * lengths(examples);
  }

  Tensor lengths(const Examples& examples) const {
    if (!examples.has_text()) {
      throw UsageError(std::string("[supervisor]: structure = \"") + name_of(params_.structure) +
                       "\" needs texts: this task's inputs have no length");
    }
    const bool pairs = lab_.task_kind() == TaskKind::preference;
    std::vector<double> characters;
    for (std::int64_t i = 0; i < examples.size(); ++i) {
      characters.push_back(length(examples.text(i)) + (pairs ? length(examples.second(i)) : 0));
    }
    return at::tensor(characters, at::kDouble);
  }

  // Characters of UTF-8: every byte but those that go on with one.
  static double length(const std::string& text) {
    return static_cast<double>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
  }

  Tensor predict(const std::string& model, const Examples& examples) {
    const SupervisorFit fit = on_truth(lab_, model, half_);
    return lab_.predict(lab_.fit(fit.labels, fit.spec), examples);
  }

  LocalLab& lab_;
  const Half& half_;
  const NoiseSupervisor& params_;
  std::uint64_t seed_;
};

}  // namespace

Supervisor::~Supervisor() = default;

TestLabels test_labels(LocalLab& lab, const Student& student, const Examples& examples) {
  if (lab.task_kind() == TaskKind::generation) return {{}, "", lab.answer(student, examples)};
  return {lab.predict(student, examples), "", {}};
}

SupervisorFit on_truth(const LocalLab& lab, const std::string& model, const Half& half) {
  SupervisorFit fit{Supervision::truth(half.train, lab.classes()), lab.spec_for(model)};
  if (!half.validation.empty()) fit.spec.validation = Supervision::truth(half.validation, lab.classes());
  return fit;
}

std::unique_ptr<Supervisor> make_supervisor(const SupervisorSetup& setup, LocalLab& lab) {
  const SupervisorSpec& spec = setup.experiment->supervisor;
  try {
    if (spec.kind == SupervisorKind::file) return std::make_unique<LabelsOfFile>(setup, lab);
    if (spec.kind == SupervisorKind::noise) return std::make_unique<Noise>(setup, lab);
  } catch (const UsageError& error) {
    throw error.at(spec.source);
  }
  return std::make_unique<WeakModel>(setup, lab);
}

}  // namespace w2s
