// The strategies of language models, each on a small problem whose outcome is known.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "../support/text_world.hpp"
#include "values/toml.hpp"

namespace w2s {
namespace {

using testing::plugins;
using testing::swaps;
using testing::TextOptions;
using testing::TextWorld;

// What a strategy hands on, without a fit of it.
struct HandedOn {
  Supervision labels;
  FitSpec spec;
};

HandedOn hand_on(TextWorld& world, const std::string& strategy, const Table& params,
                 const Supervision& labels, const FitSpec& spec) {
  HandedOn last;
  plugins()
      .make_strategy({strategy, params, {}})
      ->supervise(labels, spec, world.lab(), [&](const Supervision& given, const FitSpec& wanted) {
        last = {given, wanted};
        return Student("none");
      });
  return last;
}

// One store for all: what two tests fit alike is fitted once.
const std::string& shared_store() {
  static const testing::TemporaryFolder folder;
  return folder.path();
}

// Answers of which every third is replaced by another of the same length.
Supervision with_wrong_answers(const Supervision& truth, std::vector<bool>& wrong) {
  Supervision labels = truth;
  wrong.assign(labels.answers.size(), false);
  for (std::size_t i = 0; i < labels.answers.size(); i += 3) {
    wrong[i] = true;
    for (char& digit : labels.answers[i]) digit = static_cast<char>('0' + (digit - '0' + 4) % 10);
  }
  return labels;
}

class Superfilter : public ::testing::Test {
 protected:
  static TextWorld competent() {
    TextOptions options;
    options.weak = testing::tiny_gpt(32);  // a weak model that knows the rule
    options.strong = testing::tiny_gpt(16);
    // A quarter of its lessons have no prompt: it knows how likely answers are by themselves.
    testing::TextRowsOf rows = swaps(1000);
    for (std::size_t i = 0; i < 250; i += 4) rows.prompts[i] = "";
    return TextWorld(rows, options, shared_store());
  }
};

TEST_F(Superfilter, LeavesOutAnswersThatTheQuestionMakesNoLikelier) {
  TextWorld world = competent();
  world.teach();
  std::vector<bool> wrong;
  const Supervision labels = with_wrong_answers(world.truth(world.transfer()), wrong);
  const HandedOn handed = hand_on(world, "superfilter", {{"keep", 1.0}}, labels, world.spec());
  std::int64_t right_kept = 0, wrong_kept = 0, right = 0;
  for (std::int64_t i = 0; i < labels.size(); ++i) right += !wrong[static_cast<std::size_t>(i)];
  for (std::int64_t i = 0; i < handed.labels.size(); ++i)
    (handed.labels.answers[static_cast<std::size_t>(i)] == handed.labels.examples.second(i) ? right_kept
                                                                                            : wrong_kept)++;
  EXPECT_GT(static_cast<double>(right_kept) / static_cast<double>(right), 0.9);
  EXPECT_LT(static_cast<double>(wrong_kept) / static_cast<double>(labels.size() - right), 0.2);
}

TEST_F(Superfilter, KeepsTheMostDifficultOfTheOthers) {
  TextWorld world = competent();
  const Student weak = world.teach();
  const Supervision labels = world.truth(world.transfer());
  const AnswerScores with = world.lab().score_answers(weak, labels.examples, labels.answers, true),
                     alone = world.lab().score_answers(weak, labels.examples, labels.answers, false);
  std::vector<std::pair<double, std::string>> ranked;  // by IFD, largest first
  for (std::int64_t i = 0; i < labels.size(); ++i) {
    const auto perplexity = [&](const AnswerScores& scores) {
      return std::exp(-scores.inner_log_probability[i].item<double>() /
                      scores.inner_tokens[i].item<double>());
    };
    const double ifd = perplexity(with) / perplexity(alone);
    if (ifd < 1) ranked.emplace_back(-ifd, labels.examples.id(i));
  }
  std::sort(ranked.begin(), ranked.end());
  const HandedOn handed = hand_on(world, "superfilter", {{"keep", 0.1}}, labels, world.spec());
  ASSERT_EQ(handed.labels.size(), 25);
  std::vector<std::string> kept, expected;
  for (std::int64_t i = 0; i < 25; ++i) {
    kept.push_back(handed.labels.examples.id(i));
    expected.push_back(ranked[static_cast<std::size_t>(i)].second);
  }
  std::sort(kept.begin(), kept.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(kept, expected);
}

TEST_F(Superfilter, FitsItsModelWithThatModelsOwnSettings) {
  // The method's settings are the student's; the scorer is fitted like a supervisor of its name.
  TextOptions options;
  options.strong = testing::tiny_gpt(16);
  options.train.set("epochs", 3);
  options.method_train = {{"lr", 1e-4}, {"epochs", 2}};
  TextWorld world(swaps(200), options);
  world.teach();
  const FitSpec scorer = world.lab().supervisor_spec("strong");
  EXPECT_EQ(scorer.model, "strong");
  EXPECT_EQ(scorer.train.epochs, 3);
  EXPECT_DOUBLE_EQ(scorer.train.lr, 3e-3);
  EXPECT_EQ(world.spec().train.epochs, 2);
  const Student known = world.lab().fit(world.truth(world.supervisor_half()), scorer);
  const std::int64_t before = world.lab().computed();
  hand_on(world, "superfilter", {{"model", "strong"}}, world.truth(world.transfer()), world.spec());
  EXPECT_EQ(world.lab().computed(), before) << "the scorer was fitted already";
}

TEST_F(Superfilter, AsksAnotherModelWhereOneIsNamed) {
  TextWorld world = competent();
  world.teach();
  const Supervision labels = world.truth(world.transfer());
  const std::int64_t before = world.lab().computed();
  hand_on(world, "superfilter", {{"model", "strong"}}, labels, world.spec());
  EXPECT_EQ(world.lab().computed(), before + 1);
  EXPECT_THROW(plugins()
                   .make_strategy({"superfilter", {{"model", "stronk"}}, {}})
                   ->check({TaskKind::generation, 1, {"weak", "strong"}, "strong", false}),
               UsageError);
}

// A game of two players whose log-probabilities are parameters: one number for each given and own answer.
class FakeTraining final : public Training {
 public:
  FakeTraining(const Tensor& given, const Tensor& own)
      : given_(given.clone().requires_grad_(true)), own_(own.clone().requires_grad_(true)) {
    Columns columns;
    for (std::int64_t i = 0; i < given.size(0); ++i) {
      columns.ids.push_back(std::to_string(i));
      columns.text.push_back("?");
      columns.second.push_back("!");
    }
    columns.labels = at::zeros({given.size(0)}, at::kLong);
    labels_ = Supervision::truth(Examples(std::move(columns)), 1);
  }
  const Supervision& labels() const override { return labels_; }
  std::int64_t students() const override { return 1; }
  std::int64_t epoch() const override { return 0; }
  std::int64_t epochs() const override { return 1; }
  double fraction() const override { return 0; }
  Stream& stream() override { return stream_; }
  Tensor logits(std::int64_t, const Positions&) override { throw Error("not asked for"); }
  Tensor mixed_logits(std::int64_t, const Positions&, const Positions&, const Tensor&) override {
    throw Error("not asked for");
  }
  Tensor targets(const Positions&) override { throw Error("not asked for"); }
  Tensor weights(const Positions&) override { throw Error("not asked for"); }
  Tensor losses(std::int64_t, const Tensor&, const Tensor&, const Positions&) override {
    throw Error("not asked for");
  }
  Tensor answer_log_probabilities(std::int64_t, const Positions& positions, bool rejected) override {
    return (rejected ? own_ : given_).index_select(0, at::tensor(positions, at::kLong));
  }
  Tensor given_, own_;

 private:
  Supervision labels_;
  Stream stream_{0, "test"};
};

std::unique_ptr<StepRule> spin_rule(double beta) {
  TextWorld world(swaps(40), [] {
    TextOptions options;
    options.train.set("epochs", 1);
    return options;
  }());
  std::unique_ptr<StepRule> rule;
  plugins()
      .make_strategy({"spin", {{"beta", beta}}, {}})
      ->supervise(world.truth(world.transfer()), world.spec(), world.lab(),
                  [&](const Supervision& labels, const FitSpec& spec) {
                    if (spec.rule) rule = spec.rule->make();
                    return world.lab().fit(labels, [&] {
                      FitSpec plain = spec;
                      plain.rule.reset();
                      return plain;
                    }());
                  });
  return rule;
}

TEST(Spin, MinimisesTheLogisticLossOfWhatTheGivenAnswersGainOverItsOwn) {
  const std::unique_ptr<StepRule> rule = spin_rule(0.5);
  FakeTraining training(at::tensor({-3.0, -4.0, -2.0}).to(at::kDouble),
                        at::tensor({-1.0, -5.0, -2.5}).to(at::kDouble));
  rule->begin_epoch(training);
  EXPECT_NEAR(rule->loss(training, {0, 2}).item<double>(), std::log(2.0), 1e-9)
      << "nothing has been gained yet";
  {
    const at::NoGradGuard no_grad;
    training.given_ += at::tensor({0.5, 1.0, -0.25}).to(at::kDouble);
    training.own_ -= at::tensor({0.5, 0.0, 1.0}).to(at::kDouble);
  }
  rule->begin_epoch(training);  // a later epoch still compares with the start
  const double gains[] = {1.0, 0.75};
  double expected = 0;
  for (const double gain : gains) expected += std::log1p(std::exp(-0.5 * gain)) / 2;
  const Tensor loss = rule->loss(training, {0, 2});
  EXPECT_NEAR(loss.item<double>(), expected, 1e-9);
  loss.backward();
  EXPECT_LT(training.given_.grad()[0].item<double>(), 0);
  EXPECT_GT(training.own_.grad()[0].item<double>(), 0);
  EXPECT_EQ(training.given_.grad()[1].item<double>(), 0);

  // What it compares with survives an interruption.
  const std::unique_ptr<StepRule> resumed = spin_rule(0.5);
  resumed->load_state(rule->state());
  EXPECT_NEAR(resumed->loss(training, {0, 2}).item<double>(), expected, 1e-9);
}

TEST(Spin, EachGameRaisesTheGivenAnswersOverTheOwnOfTheStudentBefore) {
  TextOptions options;
  options.train.set("epochs", 3);  // about one in ten is right
  TextWorld world(swaps(1000), options, shared_store());
  const Supervision labels = world.truth(world.transfer());
  std::vector<Student> players;
  std::vector<FitSpec> specs;
  plugins()
      .make_strategy({"spin", {{"iterations", 2}, {"lr", 1e-3}}, {}})
      ->supervise(labels, world.spec(), world.lab(), [&](const Supervision& given, const FitSpec& spec) {
        specs.push_back(spec);
        players.push_back(world.lab().fit(given, spec));
        return players.back();
      });
  ASSERT_EQ(players.size(), 3u);
  for (std::size_t game = 1; game < 3; ++game) {
    EXPECT_EQ(specs[game].start.members(), players[game - 1].members());
    EXPECT_EQ(specs[game].rejected, world.lab().answer(players[game - 1], labels.examples).texts);
    const auto margin = [&](const Student& student) {
      return (world.lab().score_answers(student, labels.examples, labels.answers).log_probability -
              world.lab().score_answers(student, labels.examples, specs[game].rejected).log_probability)
          .mean()
          .item<double>();
    };
    EXPECT_GT(margin(players[game]), margin(players[game - 1]) + 0.1);
    const std::string& key = players[game].members()[0];
    std::ifstream log(world.store() + "/objects/" + key.substr(0, 2) + "/" + key.substr(2) + "/log.jsonl");
    std::string line, last;
    ASSERT_TRUE(std::getline(log, line));
    EXPECT_NEAR(nlohmann::json::parse(line).at("loss").get<double>(), std::log(2.0), 1e-4);
    while (std::getline(log, last)) line = last;
    EXPECT_LT(nlohmann::json::parse(line).at("loss").get<double>(), std::log(2.0));
  }
}

TEST(Spin, AFilterBehindItIsRefused) {
  TextOptions options;
  options.train.set("epochs", 1);
  TextWorld world(swaps(80), options);
  const Chain chain = make_chain(plugins(), {{"spin", {}, {}}, {"confidence_filter", {}, {}}});
  EXPECT_THROW(run_chain(chain, world.truth(world.transfer()), world.spec(), world.lab()), UsageError);
}

TEST(Aligner, CorrectsWhatTheWeakModelGetsWrong) {
  TextOptions options;
  options.supervisor = 0.5;
  TextWorld world(swaps(1000), options, shared_store());
  const Student weak = world.teach();
  const Supervision labels = world.lab().label(weak, world.transfer());
  const Student student = world.run("aligner", {}, labels, world.spec());
  EXPECT_GT(world.exact_match(student), world.exact_match(weak) + 0.2);
}

TEST(Aligner, LearnsCorrectionsWhereTheDraftWasNotTrained) {
  TextOptions options;
  options.train.set("epochs", 3);
  TextWorld world(swaps(400), options);
  world.teach();
  const Supervision labels = world.truth(world.transfer());
  const HandedOn handed = hand_on(world, "aligner", {}, labels, world.spec());
  ASSERT_EQ(handed.spec.draft.members().size(), 1u);
  EXPECT_EQ(handed.labels.answers, references_of(handed.labels.examples));
  EXPECT_EQ(handed.labels.size(), 50);
  // The draft is the weak model's fit to the other half.
  std::vector<std::int64_t> others;
  for (std::int64_t i = 0; i < world.supervisor_half().size(); ++i) {
    bool shown = false;
    for (std::int64_t k = 0; k < handed.labels.size(); ++k)
      shown = shown || handed.labels.examples.row(k) == world.supervisor_half().row(i);
    if (!shown) others.push_back(i);
  }
  EXPECT_EQ(
      world.lab().fit(world.truth(world.supervisor_half().select(others)), world.spec("weak")).members(),
      handed.spec.draft.members());
}

TEST(Aligner, WithAModelOfItsOwnItCorrectsTheLabels) {
  TextOptions options;
  options.supervisor = 0.5;
  TextWorld world(swaps(1000), options, shared_store());
  const Student weak = world.teach();
  const Supervision labels = world.lab().label(weak, world.transfer());
  const HandedOn handed = hand_on(world, "aligner", {{"model", "strong"}}, labels, world.spec());
  const auto right = [](const Supervision& given) {
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < given.size(); ++i)
      count += trimmed(given.answers[static_cast<std::size_t>(i)]) == given.examples.second(i);
    return count;
  };
  EXPECT_TRUE(handed.spec.draft.empty());
  EXPECT_EQ(handed.labels.size(), labels.size());
  EXPECT_GT(right(handed.labels), right(labels) + 20);
}

// Texts of two topics, each with words of its own; half of the words occur in few labelled texts.
testing::TextRowsOf topics(std::int64_t count) {
  testing::TextRowsOf rows;
  Stream stream(6, "topics");
  const std::string letters[] = {"abcdefgh", "mnopqrst"};
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t topic = stream.below(2);
    std::string text;
    for (int k = 0; k < 10; ++k) text += letters[topic][static_cast<std::size_t>(stream.below(8))];
    rows.prompts.push_back(text);
    rows.labels.push_back(topic);
  }
  return rows;
}

TEST(GenerativeFinetune, ReadsTextsWithoutLabelsAndFitsFromThere) {
  TextOptions options;
  options.classes = 2;
  options.train.set("epochs", 2);
  TextWorld world(topics(800), options);
  const Table params{
      {"epochs", 6}, {"lr", 1e-2}, {"objective", Table{{"type", "language_model"}, {"length", 11}}}};
  const Supervision labels = world.truth(world.transfer());
  const HandedOn handed = hand_on(world, "generative_finetune", params, labels, world.spec());
  ASSERT_EQ(handed.spec.start.members().size(), 1u);

  // Other labels, the same reading.
  Supervision other = labels;
  other.targets = other.targets.flip(1);
  EXPECT_EQ(hand_on(world, "generative_finetune", params, other, world.spec()).spec.start.members(),
            handed.spec.start.members());

  // What it read is in its features: a head on them is right where one on an untrained model's guesses.
  FitSpec probe = world.spec();
  probe.train.trainable = Trainable::head();
  probe.train.epochs = 3;
  const auto accuracy = [&](const Student& student) {
    return world.lab()
        .predict(student, world.test())
        .argmax(1)
        .eq(world.test().labels())
        .to(at::kDouble)
        .mean()
        .item<double>();
  };
  const double fresh = accuracy(world.lab().fit(labels, probe));
  const double tuned = accuracy(world.run("generative_finetune", params, labels, probe));
  EXPECT_GT(tuned, 0.95);
  EXPECT_GT(tuned, fresh);
}

TEST(GenerativeFinetune, ReadsWithTheOptimiserScheduleAndPrecisionOfTheFit) {
  TextOptions options;
  options.classes = 2;
  options.train = {{"optimizer", "adamw"},
                   {"lr", 3e-3},
                   {"weight_decay", 0.02},
                   {"schedule", "linear"},
                   {"warmup", 2},
                   {"eps", 1e-6},
                   {"precision", "bfloat16"},
                   {"betas", List{0.8, 0.9}},
                   {"momentum", 0.0},
                   {"clip_norm", 1.0},
                   {"epochs", 1},
                   {"batch", 8}};
  TextWorld world(topics(80), options);
  const HandedOn handed = hand_on(world, "generative_finetune",
                                  {{"objective", Table{{"type", "language_model"}, {"length", 11}}}},
                                  world.truth(world.transfer()), world.spec());
  const nlohmann::json train =
      Store::read_only(world.store()).manifest(handed.spec.start.members().at(0)).at("train");
  for (const auto& [key, value] : options.train) {
    if (key == "epochs" || key == "batch") continue;
    EXPECT_EQ(train.at(key), nlohmann::json::parse(write_json(value))) << key;
  }
}

TEST(GenerativeFinetune, ServesGenerationToo) {
  TextWorld world(swaps(1000), {}, shared_store());
  const Table params{{"lr", 1e-3}, {"objective", Table{{"type", "language_model"}, {"length", 10}}}};
  const Student student =
      world.run("generative_finetune", params, world.truth(world.transfer()), world.spec());
  EXPECT_GT(world.exact_match(student), 0.5);
}

TEST(OnGeneration, StrategiesOfLabelsWorkOnAnswers) {
  TextOptions options;
  options.train.set("epochs", 8);
  TextWorld world(swaps(600), options);
  const Student weak = world.teach();
  const Supervision labels = world.lab().label(weak, world.transfer());

  const HandedOn filtered = hand_on(world, "confidence_filter", {{"keep", 0.2}}, labels, world.spec());
  EXPECT_EQ(filtered.labels.size(), 30);
  EXPECT_GE(filtered.labels.certainty.min().item<double>(),
            std::get<0>(labels.certainty.kthvalue(labels.size() - 30)).item<double>());

  const HandedOn weighted = hand_on(world, "confidence_weight", {}, labels, world.spec());
  EXPECT_TRUE(at::allclose(weighted.labels.weights / weighted.labels.weights.sum(),
                           labels.certainty / labels.certainty.sum(), 1e-4, 1e-6));
  EXPECT_EQ(weighted.labels.answers, labels.answers);

  // Self-training and relabelling hand on the student's answers where they replace labels.
  std::vector<Supervision> handed;
  std::vector<Student> students;
  const Next note = [&](const Supervision& given, const FitSpec& spec) {
    handed.push_back(given);
    students.push_back(world.lab().fit(given, spec));
    return students.back();
  };
  plugins().make_strategy({"self_train", {}, {}})->supervise(labels, world.spec(), world.lab(), note);
  ASSERT_EQ(handed.size(), 2u);
  EXPECT_EQ(handed[1].answers, world.lab().answer(students[0], labels.examples).texts);
  EXPECT_NE(handed[1].answers, labels.answers);

  handed.clear(), students.clear();
  plugins()
      .make_strategy({"relabel", {{"second_keep", 1}}, {}})
      ->supervise(labels, world.spec(), world.lab(), note);
  ASSERT_EQ(handed.size(), 2u);
  const Answers fresh = world.lab().answer(students[0], labels.examples);
  const double median = handed[0].certainty.min().item<double>();
  for (std::int64_t i = 0; i < labels.size(); ++i) {
    const auto k = static_cast<std::size_t>(i);
    const double sure = labels.certainty[i].item<double>();
    if (sure == median) continue;
    EXPECT_EQ(handed[1].answers[k], sure > median ? labels.answers[k] : fresh.texts[k]);
  }

  // A ladder of one: the weak model's answers are learned by the strong, whose answers are learned anew.
  handed.clear(), students.clear();
  plugins()
      .make_strategy({"bootstrap", {{"ladder", List{"weak"}}}, {}})
      ->supervise(labels, world.spec(), world.lab(), note);
  ASSERT_EQ(handed.size(), 2u);
  EXPECT_EQ(handed[1].answers, world.lab().answer(students[0], labels.examples).texts);
}

TEST(OnGeneration, StrategiesOfHeadsAndClassesSayThatTheyDoNotServe) {
  for (const char* name :
       {"linear_probe", "lp_ft", "co_teaching", "knn_filter", "mixup", "ensemble", "divdis"})
    EXPECT_NE(plugins().make_strategy({name, {}, {}})->serves(TaskKind::generation), "") << name;
  for (const char* name : {"self_train", "relabel", "ema", "confidence_filter", "confidence_weight",
                           "superfilter", "spin", "aligner", "generative_finetune"})
    EXPECT_EQ(plugins().make_strategy({name, {}, {}})->serves(TaskKind::generation), "") << name;
}

}  // namespace
}  // namespace w2s
