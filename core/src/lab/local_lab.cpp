#include "lab/local_lab.hpp"

#include <w2s/safetensors.hpp>

#include "lab/fitter.hpp"
#include "lab/handed.hpp"
#include "lab/pretrainer.hpp"
#include "lab/students.hpp"
#include "store/payload.hpp"

namespace w2s {

struct LocalLab::Rooms {
  explicit Rooms(LabContext& context)
      : pretrainer(context),
        backbones(context, pretrainer),
        drafts{context, [this](const Student& s, const Examples& e) { return students.predict(s, e); },
               [this](const Student& s, const Examples& e) { return writer.answer(s, e); }},
        students(context, backbones, drafts),
        writer(context, backbones, drafts),
        fitter(context, backbones, writer, drafts) {}

  Pretrainer pretrainer;
  Backbones backbones;
  Drafts drafts;
  Students students;
  Writer writer;
  Fitter fitter;
};

LocalLab::LocalLab(LabSetup setup) : context_(std::move(setup)), rooms_(std::make_unique<Rooms>(context_)) {}

LocalLab::~LocalLab() = default;

Student LocalLab::fit(const Supervision& supervision, const FitSpec& spec) {
  check_supervision(supervision, classes(), "labels");
  if (spec.validation) check_supervision(*spec.validation, classes(), "validation labels");
  return rooms_->fitter.fit(supervision, spec);
}

Tensor LocalLab::predict(const Student& student, const Examples& examples) {
  return rooms_->students.predict(student, examples);
}

Answers LocalLab::answer(const Student& student, const Examples& examples) {
  return rooms_->writer.answer(student, examples);
}

AnswerScores LocalLab::score_answers(const Student& student, const Examples& examples,
                                     const std::vector<std::string>& answers, bool prompted) {
  return rooms_->writer.score(student, examples, answers, prompted);
}

Student LocalLab::tune(const FitSpec& spec, const Spec& objective, const Table& train,
                       const Examples& examples) {
  return rooms_->pretrainer.tune(rooms_->backbones, spec, objective, train, examples);
}

Tensor LocalLab::features(const std::string& model, const Examples& examples) {
  return rooms_->backbones.kept_features(rooms_->backbones.initial(model, context_.setup.seed), examples);
}

Tensor LocalLab::features(const Student& student, const Examples& examples) {
  return rooms_->students.features(student, examples);
}

Student LocalLab::with_head(const Student& student, const Tensor& weight, const Tensor& bias) {
  return rooms_->students.with_head(student, weight, bias);
}

std::map<std::string, Tensor> LocalLab::once(const Spec& owner, const std::string& inputs,
                                             const std::function<std::map<std::string, Tensor>()>& compute) {
  Recipe recipe = context_.recipe("tensors", true);
  recipe.set("owner", plugin_recipe(context_.registry(), PluginKind::strategy, owner))
      .set("inputs", inputs)
      .set("seed", context_.setup.seed);
  const std::string key = recipe.key();
  context_.store().once(key, [&] {
    const std::map<std::string, Tensor> computed = compute();
    context_.store().put(key, "tensors", [&](ObjectWriter& object) {
      save_safetensors(object.folder() + "/" + kTensorsFile, computed);
      recipe.write(object.manifest());
      object.manifest()["owner"] = json_of(owner);
    });
  });
  const SafeTensors file = SafeTensors::open(context_.store().path(key) + "/" + kTensorsFile);
  std::map<std::string, Tensor> tensors;
  for (const std::string& name : file.names()) tensors[name] = file.at(name);
  return tensors;
}

FitSpec LocalLab::for_model(const FitSpec& spec, const std::string& model) const {
  FitSpec other = spec;
  other.model = model;
  const std::string& method = context_.setup.method;
  const Table usual = table_of(context_.settings.student(spec.model, method).params),
              changed = table_of(spec.train);
  Table settings = table_of(context_.settings.student(model, method).params);
  for (const auto& [key, value] : changed) {
    if (!(usual.at(key) == value)) settings.set(key, value);
  }
  other.train = parse_train(settings, "train");
  return other;
}

std::vector<std::string> LocalLab::models() const {
  std::vector<std::string> names;
  for (const ModelSpec& model : context_.experiment().models) names.push_back(model.name);
  return names;
}

const SupervisorFit& LocalLab::supervisor_fit() const {
  if (!supervisor_fit_) throw UsageError("the labels come from outside: there is no supervisor to fit anew");
  return *supervisor_fit_;
}

FitSpec LocalLab::supervisor_spec(const std::string& model) const {
  FitSpec spec = supervisor_fit().spec;
  spec.model = model;
  spec.train = spec_for(model).train;
  return spec;
}

Stream LocalLab::stream(const std::string& purpose) const {
  return Stream(context_.setup.seed, "strategy " + purpose);
}

void LocalLab::set_supervisor(Student supervisor, SupervisorFit fit) {
  supervisor_ = std::move(supervisor);
  supervisor_fit_ = std::move(fit);
}

std::string LocalLab::pretrain(const std::string& model) { return rooms_->pretrainer.pretrain(model); }

FitSpec LocalLab::spec_for(const std::string& model) const {
  FitSpec spec;
  spec.model = model;
  spec.seed = context_.setup.seed;
  spec.train = context_.settings.baseline(model).params;
  return spec;
}

FitSpec LocalLab::student_spec(const std::string& model) const {
  FitSpec spec = spec_for(model);
  spec.train = context_.settings.student(model, context_.setup.method).params;
  return spec;
}

bool LocalLab::has_oracle(const Student& student) { return rooms_->students.has_oracle(student); }

Tensor LocalLab::predict_oracle(const Student& student, const Examples& examples) {
  return rooms_->students.predict_oracle(student, examples);
}

Answers LocalLab::answer_oracle(const Student& student, const Examples& examples) {
  return rooms_->writer.answer(student, examples, /*oracle=*/true);
}

bool LocalLab::postponed() const { return rooms_->fitter.postponed(); }

Chain make_chain(const Registry& registry, const std::vector<Spec>& specs) {
  Chain chain;
  for (const Spec& spec : specs)
    chain.push_back(
        {registry.find(PluginKind::strategy, spec).origin().title(), registry.make_strategy(spec)});
  return chain;
}

Student run_chain(const Chain& chain, const Supervision& labels, const FitSpec& spec, Lab& lab) {
  std::function<Student(std::size_t, const Supervision&, const FitSpec&)> link =
      [&](std::size_t i, const Supervision& given, const FitSpec& wanted) -> Student {
    if (i == chain.size()) return lab.fit(given, wanted);
    if (i > 0) check_supervision(given, lab.classes(), "labels");
    try {
      return chain[i].strategy->supervise(
          given, wanted, lab, [&, i](const Supervision& s, const FitSpec& f) { return link(i + 1, s, f); });
    } catch (const BadSupervision& bad) {  // what it handed over: what it was given has been looked at
      throw Error(chain[i].title + " hands over " + bad.what());
    }
  };
  return link(0, labels, spec);
}

}  // namespace w2s
