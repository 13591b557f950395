// Tasks of generation: students learn answers token by token, write them greedily, and score them.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include <w2s/safetensors.hpp>

#include "../support/text_world.hpp"
#include "engine/answers.hpp"
#include "engine/trainer.hpp"
#include "results/measures.hpp"

namespace w2s {
namespace {

using testing::plugins;
using testing::swaps;
using testing::TextOptions;
using testing::TextWorld;

// A small language model and a few encoded rows of different lengths.
class Encodings : public ::testing::Test {
 protected:
  static constexpr std::int64_t kEnd = 0;  // the tokenizer's first id

  Encodings() {
    model_ = plugins().make_model({"gpt", testing::tiny_gpt(8), {}});
    model_->build({TaskKind::generation, 1, {}}, Stream(3, "test"));
  }

  Examples examples(const std::vector<std::string>& prompts, const std::vector<std::string>& answers) const {
    TextRows rows;
    for (std::size_t i = 0; i < prompts.size(); ++i) rows.ids.push_back("row " + std::to_string(i));
    rows.prompts = prompts;
    rows.answers = answers;
    return rows.examples();
  }
  Encoded encoded(const Examples& examples) const { return model_->encode(examples, TaskKind::generation); }

  std::vector<std::int64_t> ids(const std::string& text) const {
    const auto tokens = model_->tokenizer().encode(text, false);
    return {tokens.begin(), tokens.end()};
  }
  // log p of the answer's tokens one at a time, each from a row of its own: no padding, no batch.
  std::vector<double> one_by_one(const std::string& prompt, const std::string& answer) const {
    const at::NoGradGuard no_grad;
    std::vector<std::int64_t> row = ids(prompt), rest = ids(answer);
    rest.push_back(kEnd);
    std::vector<double> log_p;
    for (const std::int64_t token : rest) {
      const Tensor x = at::tensor(row, at::kLong).unsqueeze(0);
      const Tensor hidden = model_->hidden({x, {}, {static_cast<std::int64_t>(row.size())}});
      const Tensor z = model_->vocabulary_logits(hidden.select(1, hidden.size(1) - 1)).to(at::kDouble);
      log_p.push_back(z.log_softmax(1)[0][token].item<double>());
      row.push_back(token);
    }
    return log_p;
  }

  std::unique_ptr<IModel> model_;
};

TEST_F(Encodings, LogitsAreARowForEachTokenOfTheAnswersAndItsEnd) {
  const Encoded rows = encoded(examples({"12=", "a much longer one=", ""}, {"abc", "", "z"}));
  EXPECT_EQ(answer_length(rows, 0), 4);
  EXPECT_EQ(answer_length(rows, 1), 1);
  EXPECT_EQ(answer_length(rows, 2), 2);
  std::vector<std::int64_t> expected = ids("abc");
  expected.push_back(kEnd);
  const Tensor tokens = answer_tokens(rows, {2, 0});
  ASSERT_EQ(tokens.numel(), 6);
  EXPECT_TRUE(tokens.slice(0, 2).equal(at::tensor(expected, at::kLong)));
  EXPECT_EQ(answer_logits(*model_, rows, {2, 0, 1}, at::kCPU).size(0), 7);
}

TEST_F(Encodings, ScoresAreThoseOfEachTokenFromThoseBeforeIt) {
  const std::vector<std::string> prompts = {"12=", "a much longer one="}, answers = {"abc", "q"};
  const AnswerScores scores = score_answers(*model_, encoded(examples(prompts, answers)), at::kCPU, 8);
  for (std::int64_t i = 0; i < 2; ++i) {
    const auto each = one_by_one(prompts[static_cast<std::size_t>(i)], answers[static_cast<std::size_t>(i)]);
    double sum = 0;
    for (const double log_p : each) sum += log_p;
    EXPECT_NEAR(scores.log_probability[i].item<double>(), sum, 1e-4);
    EXPECT_EQ(scores.tokens[i].item<std::int64_t>(), static_cast<std::int64_t>(each.size()));
    // Neither the end of text nor the first token, unless that is all.
    const double inner = each.size() > 2 ? sum - each.front() - each.back() : each.front();
    EXPECT_NEAR(scores.inner_log_probability[i].item<double>(), inner, 1e-4);
    EXPECT_EQ(scores.inner_tokens[i].item<std::int64_t>(), each.size() > 2 ? 2 : 1);
  }
}

// One step's loss, as the trainer sees it.
struct FirstStep {
  double loss = 0;
  std::vector<double> losses;
  Tensor weights;
};

class AnswerTraining : public Encodings {
 protected:
  FirstStep train(const Spec& loss_spec, TrainParams params,
                  const std::vector<double>& example_weights = {1, 1, 1}) {
    auto model = plugins().make_model({"gpt", testing::tiny_gpt(8), {}});
    model->build({TaskKind::generation, 1, {}}, Stream(3, "test"));
    const Examples rows = examples(prompts_, answers_);
    const Encoded inputs = model->encode(rows, TaskKind::generation);
    AnswerTrainee trainee(*model, inputs, params.trainable, at::kCPU);
    Supervision labels = Supervision::written(rows, {answers_, at::ones({3})});
    labels.weights = at::tensor(example_weights, at::kFloat);
    const auto loss = plugins().make_loss(loss_spec);
    FirstStep result;
    Trainer trainer(trainee, *loss, loss_spec.type, params, labels, nullptr, Stream(1, "fit"), at::kCPU,
                    [&](const Progress& report) { result.losses.push_back(report.loss); });
    trainer.run();
    result.loss = result.losses.at(0);
    result.weights = model->parameters().items().front().tensor.detach().clone();
    return result;
  }
  TrainParams settings() const {
    TrainParams params;
    params.batch = 3;
    params.epochs = 3;
    params.lr = 0.01;
    params.shuffle = false;
    return params;
  }
  // Of every answer token in order, with the weight of its example.
  std::vector<std::pair<double, double>> surprises(const std::vector<double>& weights) const {
    std::vector<std::pair<double, double>> all;
    for (std::size_t i = 0; i < prompts_.size(); ++i) {
      for (const double log_p : one_by_one(prompts_[i], answers_[i])) all.emplace_back(-log_p, weights[i]);
    }
    return all;
  }

  const std::vector<std::string> prompts_ = {"12=", "longer 7=", "5="}, answers_ = {"abc", "q", "xy"};
};

TEST_F(AnswerTraining, LossIsTheMeanOverTheTokensOfTheBatch) {
  double sum = 0;
  const auto each = surprises({1, 1, 1});
  for (const auto& [surprise, weight] : each) sum += surprise;
  EXPECT_NEAR(train({"cross_entropy", {}, {}}, settings()).loss, sum / static_cast<double>(each.size()),
              1e-4);
}

TEST_F(AnswerTraining, ATokenHasItsExamplesWeight) {
  double sum = 0;
  const auto each = surprises({0.5, 2, 0.5});
  for (const auto& [surprise, weight] : each) sum += surprise * weight;
  EXPECT_NEAR(train({"cross_entropy", {}, {}}, settings(), {0.5, 2, 0.5}).loss,
              sum / static_cast<double>(each.size()), 1e-4);
}

TEST_F(AnswerTraining, LossesAreThoseOfClassificationWithTheVocabularyAsClasses) {
  const auto each = surprises({1, 1, 1});
  double mae = 0, gce = 0, focal = 0;
  for (const auto& [surprise, weight] : each) {
    const double p = std::exp(-surprise);
    mae += 1 - p;
    gce += (1 - std::pow(p, 0.7)) / 0.7;
    focal += (1 - p) * (1 - p) * surprise;
  }
  const auto n = static_cast<double>(each.size());
  EXPECT_NEAR(train({"mae", {}, {}}, settings()).loss, mae / n, 1e-5);
  EXPECT_NEAR(train({"gce", {}, {}}, settings()).loss, gce / n, 1e-5);
  EXPECT_NEAR(train({"focal", {}, {}}, settings()).loss, focal / n, 1e-4);
}

TEST_F(AnswerTraining, EveryLossThatAcceptsTheTaskTrains) {
  std::int64_t trained = 0;
  for (const std::string& name : plugins().names(PluginKind::loss)) {
    const auto schema = plugins().schema(PluginKind::loss, name);
    Spec spec{name, {}, {}};
    bool needs_more = false;
    for (const auto& field : schema->fields()) needs_more = needs_more || field->is_required();
    if (needs_more) continue;
    try {
      plugins().make_loss(spec)->check({TaskKind::generation, 1});
    } catch (const UsageError&) {
      continue;
    }
    const FirstStep result = train(spec, settings());
    EXPECT_TRUE(std::isfinite(result.losses.back())) << name;
    ++trained;
  }
  EXPECT_GE(trained, 15);
}

TEST_F(AnswerTraining, MicroBatchingAndReplayDoNotChangeTheResult) {
  const FirstStep whole = train({"aux_confidence", {}, {}}, settings());
  for (const auto& [micro, activations] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 1 << 20}, {12, 1 << 20}, {12, 1}, {1, 1}}) {
    TrainParams params = settings();
    params.micro_tokens = micro;
    params.activation_tokens = activations;
    const FirstStep cut = train({"aux_confidence", {}, {}}, params);
    for (std::size_t i = 0; i < whole.losses.size(); ++i) EXPECT_NEAR(cut.losses[i], whole.losses[i], 1e-5);
    EXPECT_TRUE(at::allclose(cut.weights, whole.weights, 1e-3, 1e-5));
  }
}

TEST_F(AnswerTraining, OnlyTheLastBlocksTrainWhereAsked) {
  TrainParams params = settings();
  params.trainable = Trainable::last(1);
  auto fresh = plugins().make_model({"gpt", testing::tiny_gpt(8), {}});
  fresh->build({TaskKind::generation, 1, {}}, Stream(3, "test"));
  EXPECT_TRUE(
      train({"cross_entropy", {}, {}}, params).weights.equal(fresh->parameters().items().front().tensor));
}

// A world in which both models were fitted once, for the tests that only look.
class Students : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    world = new TextWorld(swaps(1000));
    weak = new Student(world->teach());
    strong = new Student(world->lab().fit(world->truth(world->supervisor_half()), world->spec()));
  }
  static void TearDownTestSuite() {
    delete world;
    delete weak;
    delete strong;
  }
  static inline TextWorld* world = nullptr;
  static inline Student *weak = nullptr, *strong = nullptr;
};

TEST_F(Students, LearnToAnswerPromptsThatTheyHaveNotSeen) {
  EXPECT_GT(world->exact_match(*strong), 0.9);
  EXPECT_LT(world->exact_match(*weak), world->exact_match(*strong));
}

TEST_F(Students, AnswersAreTheLikeliestTokensOneAfterAnother) {
  const Examples few = world->test().slice(0, 5);
  const Answers answers = world->lab().answer(*weak, few);
  const auto model = plugins().make_model({"gpt", testing::tiny_gpt(8), {}});
  model->build({TaskKind::generation, 1, {}}, Stream(0, "test"));
  load_weights(*model,
               world->store() + "/objects/" + weak->members()[0].substr(0, 2) + "/" +
                   weak->members()[0].substr(2) + "/model.safetensors",
               "backbone.");
  const at::NoGradGuard no_grad;
  for (std::int64_t i = 0; i < few.size(); ++i) {
    Tokenizer::Ids row = model->tokenizer().encode(few.text(i), false), said;
    double log_p = 0;
    // No cache and no batch. The longest answers have two tokens: 2 + 1 + 2 is the limit.
    for (int t = 0; t < 5; ++t) {
      std::vector<std::int64_t> wide(row.begin(), row.end());
      const Tensor x = at::tensor(wide, at::kLong).unsqueeze(0);
      const Tensor hidden = model->hidden({x, {}, {x.size(1)}});
      const Tensor p = model->vocabulary_logits(hidden.select(1, x.size(1) - 1)).log_softmax(1)[0];
      const auto best = static_cast<std::int32_t>(p.argmax().item<std::int64_t>());
      log_p += p[best].item<double>();
      if (best == 0) break;
      row.push_back(best);
      said.push_back(best);
    }
    EXPECT_EQ(answers.texts[static_cast<std::size_t>(i)], model->tokenizer().decode(said));
    if (said.size() < 5) {
      EXPECT_NEAR(answers.certainty[i].item<double>(), std::exp(log_p / static_cast<double>(said.size() + 1)),
                  1e-4);
    }
  }
}

TEST_F(Students, SurerAnswersAreOftenerRight) {
  const Answers answers = world->lab().answer(*weak, world->test());
  double right = 0, wrong = 0;
  std::int64_t rights = 0;
  for (std::int64_t i = 0; i < world->test().size(); ++i) {
    const bool is_right = answers.texts[static_cast<std::size_t>(i)] == world->test().second(i);
    (is_right ? right : wrong) += answers.certainty[i].item<double>();
    rights += is_right;
  }
  ASSERT_GT(rights, 0);
  ASSERT_LT(rights, world->test().size());
  EXPECT_GT(right / static_cast<double>(rights), wrong / static_cast<double>(world->test().size() - rights));
}

TEST_F(Students, WhatWasFittedAnsweredOrScoredOnceIsFoundAgain) {
  const std::int64_t computed = world->lab().computed();
  const Examples& transfer = world->transfer();
  const Supervision labels = world->lab().label(*weak, transfer);
  EXPECT_TRUE(labels.generation());
  EXPECT_EQ(labels.answers.size(), static_cast<std::size_t>(transfer.size()));
  const AnswerScores scores = world->lab().score_answers(*weak, transfer, labels.answers);
  TextWorld again(swaps(1000), {}, world->store());
  const Student same = again.teach();
  EXPECT_EQ(same.members(), weak->members());
  EXPECT_EQ(again.lab().computed(), 0);
  EXPECT_EQ(again.lab().answer(same, again.transfer()).texts, labels.answers);
  EXPECT_TRUE(again.lab()
                  .score_answers(same, again.transfer(), labels.answers)
                  .log_probability.equal(scores.log_probability));
  EXPECT_EQ(world->lab().computed(), computed);
}

TEST_F(Students, AnswersDoNotDependOnWhatIsAskedBeside) {
  const Answers all = world->lab().answer(*weak, world->test()),
                one = world->lab().answer(*weak, world->test().slice(7, 8));
  EXPECT_EQ(one.texts[0], all.texts[7]);
  EXPECT_NEAR(one.certainty[0].item<double>(), all.certainty[7].item<double>(), 1e-4);
}

TEST_F(Students, AScoreIsHigherWithItsQuestion) {
  const Examples few = world->test().slice(0, 50);
  const auto answers = references_of(few);
  const AnswerScores with = world->lab().score_answers(*strong, few, answers),
                     without = world->lab().score_answers(*strong, few, answers, /*prompted=*/false);
  EXPECT_TRUE((with.log_probability > without.log_probability).to(at::kDouble).mean().item<double>() > 0.9);
}

TEST_F(Students, WritingProbabilitiesOfClassesIsRefused) {
  EXPECT_THROW(world->lab().predict(*weak, world->test()), UsageError);
  FitSpec spec = world->spec();
  spec.train.trainable = Trainable::head();
  EXPECT_THROW(world->lab().fit(world->truth(world->transfer()), spec), UsageError);
}

TEST_F(Students, HardLabelsAreTheSameAnswers) {
  Supervision labels = world->truth(world->supervisor_half());
  EXPECT_EQ(labels.hardened().answers, labels.answers);
  EXPECT_TRUE(labels.hardened().targets.equal(labels.targets));
}

TEST_F(Students, EarlyStoppingCountsAnswersWhoseEveryTokenIsRight) {
  FitSpec spec = world->spec();
  spec.train.early_stopping = true;
  const Examples& half = world->transfer();
  const Supervision labels = world->lab().label(*weak, half);
  std::vector<std::int64_t> front, back;
  for (std::int64_t i = 0; i < half.size(); ++i) (i < 200 ? front : back).push_back(i);
  spec.validation = labels.select(back);
  const Student student = world->lab().fit(labels.select(front), spec);
  ASSERT_TRUE(world->lab().has_oracle(student));
  // The kept weights agree with the weak answers as often as greedy answers do, teacher forcing or not: an
  // answer is right where every token is.
  const Answers said = world->lab().answer(student, spec.validation->examples);
  std::int64_t same = 0;
  for (std::size_t i = 0; i < said.texts.size(); ++i) same += said.texts[i] == spec.validation->answers[i];
  const Answers oracle = world->lab().answer_oracle(student, spec.validation->examples);
  EXPECT_EQ(oracle.texts.size(), said.texts.size());
  std::ifstream log(world->store() + "/objects/" + student.members()[0].substr(0, 2) + "/" +
                    student.members()[0].substr(2) + "/log.jsonl");
  double best = 0;
  for (std::string line; std::getline(log, line);) {
    const auto report = nlohmann::json::parse(line);
    if (report.contains("validation_agreement"))
      best = std::max(best, report.at("validation_agreement").get<double>());
  }
  EXPECT_NEAR(best, static_cast<double>(same) / static_cast<double>(back.size()), 1e-9);
}

TEST_F(Students, PretrainingDoesNotReadTheAnswers) {
  const Table once{{"epochs", 1}, {"batch", 4}, {"lr", 1e-3}};
  const Spec objective{"language_model", {{"length", 8}, {"held_out", 0.0}}, {}};
  const Student tuned = world->lab().tune(world->spec("weak"), objective, once, world->transfer());
  testing::TextRowsOf other = swaps(1000);
  for (std::string& answer : other.answers) answer = "??";
  TextWorld blind(other, {}, world->store());
  const Student same = blind.lab().tune(blind.spec("weak"), objective, once, blind.transfer());
  EXPECT_EQ(same.members(), tuned.members());
  EXPECT_EQ(blind.lab().computed(), 0);
}

TEST_F(Students, TuningGoesOnFromWhereAFitWouldStart) {
  const Table once{{"epochs", 2}, {"batch", 4}, {"lr", 1e-2}};
  const Spec objective{"language_model", {{"length", 8}, {"held_out", 0.0}}, {}};
  FitSpec spec = world->spec("weak");
  const Student fresh = world->lab().tune(spec, objective, once, world->transfer());
  spec.start = fresh;
  const Student more = world->lab().tune(spec, objective, once, world->transfer());
  EXPECT_NE(fresh.members(), more.members());
  // Both can be asked and fitted from.
  const Student student = world->lab().fit(world->truth(world->supervisor_half()), spec);
  EXPECT_GT(world->exact_match(student), 0.0);
}

TEST(Drafts, AreReadInTrainingAndInUse) {
  // The corrector's context of 8 has room for three tokens of a prompt beside the longest answer: " 85", what
  // the draft says, the truth with each digit one higher.
  TextOptions options;
  options.weak = testing::tiny_gpt(32);
  options.strong = testing::tiny_gpt(32, /*context=*/8);
  TextWorld world(swaps(1000, "....="), options);
  Supervision shifted = world.truth(world.supervisor_half());
  for (std::string& answer : shifted.answers) {
    for (char& digit : answer) digit = static_cast<char>('0' + (digit - '0' + 1) % 10);
  }
  FitSpec spec = world.spec();
  spec.draft = world.lab().fit(shifted, world.spec("weak"));
  const Student corrector = world.lab().fit(world.truth(world.transfer()), spec);
  EXPECT_GT(world.exact_match(corrector), 0.85);
  spec.draft = {};
  const Student blind = world.lab().fit(world.truth(world.transfer()), spec);
  EXPECT_NE(blind.members(), corrector.members());
  EXPECT_LT(world.exact_match(blind), 0.5);
}

TEST(Drafts, OfClassesAreTheirNamesAtTheEndOfTheText) {
  // The text says nothing; the draft has seen what the corrector cannot.
  TextOptions options;
  options.classes = 2;
  options.strong = testing::tiny_gpt(16, /*context=*/3);
  options.weak = testing::tiny_gpt(16);
  testing::TextRowsOf rows;
  Stream stream(4, "rows");
  for (int i = 0; i < 400; ++i) {
    rows.labels.push_back(stream.below(2));
    rows.prompts.push_back((rows.labels.back() == 1 ? "x" : "y") + std::to_string(100 + i) + "....");
  }
  TextWorld world(rows, options);
  FitSpec spec = world.spec();
  const auto accuracy = [&](const Student& student) {
    return world.lab()
        .predict(student, world.test())
        .argmax(1)
        .eq(world.test().labels())
        .to(at::kDouble)
        .mean()
        .item<double>();
  };
  spec.draft = world.lab().fit(world.truth(world.supervisor_half()), world.spec("weak"));
  ASSERT_GT(accuracy(spec.draft), 0.9);
  EXPECT_GT(accuracy(world.lab().fit(world.truth(world.transfer()), spec)), 0.9);
  spec.draft = {};
  EXPECT_LT(accuracy(world.lab().fit(world.truth(world.transfer()), spec)), 0.7);
}

TEST(AnswerMeasures, ComparesAnswersThatAreEqualOrNot) {
  const Labels references = {1, 2, 3, 4, 5}, student = {1, 2, 9, 4, 8}, supervisor = {1, 7, 9, 6, 5};
  EXPECT_DOUBLE_EQ(answer_measures(student, references).at("accuracy"), 0.6);
  EXPECT_EQ(answer_measures(student, references).size(), 1u);
  const Measures against = answer_supervision_measures(student, supervisor, references);
  EXPECT_DOUBLE_EQ(against.at("agreement"), 0.4);
  EXPECT_DOUBLE_EQ(against.at("agreement_supervisor_right"), 0.5);
  EXPECT_DOUBLE_EQ(against.at("agreement_supervisor_wrong"), 1.0 / 3);
  EXPECT_DOUBLE_EQ(against.at("errors_corrected"), 2.0 / 3);
  EXPECT_DOUBLE_EQ(against.at("right_lost"), 0.5);
  EXPECT_DOUBLE_EQ(against.at("gain"), 0.6 - 0.4);
  EXPECT_EQ(against.count("misfit") + against.count("capa"), 0u);
  EXPECT_EQ(answer_correctness(student, references), (std::vector<std::uint8_t>{1, 1, 0, 1, 0}));
}

}  // namespace
}  // namespace w2s
