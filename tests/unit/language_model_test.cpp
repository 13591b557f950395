#include <w2s/model.hpp>
#include <w2s/objective.hpp>
#include <w2s/tokenizer.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include <w2s/json.hpp>
#include <w2s/safetensors.hpp>

#include "../support/folder_test.hpp"
#include "../support/plugins.hpp"
#include "data/split.hpp"
#include "engine/network.hpp"
#include "launch/pool.hpp"
#include "plan/plan.hpp"
#include "plan/validate.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;
using Ids = Tokenizer::Ids;

class LanguageModel : public FolderTest {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "tokenizer");
    train_bpe({"the red fox ran", "the red hen sat", "the old hen ran"}, {280, {"<|endoftext|>"}, 2})
        ->save((folder_ / "tokenizer" / "tokenizer.json").string());
    model_ = plugins().make_model({"gpt",
                                   Table{{"layers", 1},
                                         {"width", 8},
                                         {"heads", 2},
                                         {"positions", 8},
                                         {"tokenizer", (folder_ / "tokenizer").string()}},
                                   {}});
    model_->build({TaskKind::classification, 2, {}}, Stream(0, "test"));
    end_ = *model_->tokenizer().special_id(TokenRole::eos);
  }

  static std::unique_ptr<IObjective> objective(Table params) {
    return plugins().make_objective({"language_model", std::move(params), {}});
  }

  static Examples examples(const std::vector<std::string>& texts) {
    Columns columns;
    columns.text = texts;
    for (std::size_t i = 0; i < texts.size(); ++i) columns.ids.push_back(std::to_string(i));
    return Examples(std::move(columns));
  }

  Encoded inputs(const Table& params, const std::vector<std::string>& texts) const {
    return objective(params)->inputs(*model_, examples(texts), TaskKind::classification);
  }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }

  Ids ids(const std::string& text) const {
    Ids tokens = model_->tokenizer().encode(text, false);
    tokens.push_back(end_);
    return tokens;
  }

  std::unique_ptr<IModel> model_;
  std::int32_t end_ = -1;
};

TEST_F(LanguageModel, PacksTextsEndToEndIntoFullRows) {
  const Encoded rows = inputs({{"held_out", 0.0}}, {"the red fox ran the red fox ran the red fox"});
  Ids expected = ids("the red fox ran the red fox ran the red fox");
  ASSERT_GE(expected.size(), 8u);
  expected.resize(expected.size() / 8 * 8);
  EXPECT_EQ(rows.tokens, expected);
  for (std::int64_t r = 0; r < rows.rows(); ++r) EXPECT_EQ(rows.length(r), 8);
}

TEST_F(LanguageModel, EndsEachTextWithTheEndOfTextToken) {
  const Encoded rows = inputs({{"held_out", 0.0}, {"length", 2}}, {"old", "fox"});
  Ids one = ids("old"), two = ids("fox");
  Ids forward = one, backward = two;
  forward.insert(forward.end(), two.begin(), two.end());
  backward.insert(backward.end(), one.begin(), one.end());
  forward.resize(forward.size() / 2 * 2);
  backward.resize(backward.size() / 2 * 2);
  EXPECT_TRUE(rows.tokens == forward || rows.tokens == backward);
}

TEST_F(LanguageModel, ReadsFilesByLineParagraphOrWhole) {
  const std::string file = write("a.txt", "\nthe hen\nran ran\n\n\n  the fox \r\n\r\nran\n");
  for (const auto& [documents, texts] :
       std::map<std::string, std::int64_t>{{"line", 4}, {"paragraph", 3}, {"file", 1}}) {
    const auto objective = LanguageModel::objective(
        {{"files", file}, {"documents", documents}, {"held_out", 0.0}, {"length", 2}});
    EXPECT_EQ(objective->files(), std::vector<std::string>{file});
    const Encoded rows = objective->inputs(*model_, examples({"not read"}), TaskKind::classification);
    const auto ends = std::count(rows.tokens.begin(), rows.tokens.end(), end_);
    // What does not fill the last row, one token, may be the last end.
    EXPECT_TRUE(ends == texts || ends == texts - 1) << documents << ": " << ends;
  }
}

TEST_F(LanguageModel, TakesNoMoreTokensThanAsked) {
  const std::vector<std::string> texts(20, "the red fox ran");
  EXPECT_EQ(inputs({{"held_out", 0.0}, {"tokens", 20}}, texts).rows(), 2);
}

TEST_F(LanguageModel, LossIsTheMeanSurpriseOfTheNextTokens) {
  const auto objective = LanguageModel::objective({{"held_out", 0.0}});
  const Encoded rows = objective->inputs(*model_, examples(std::vector<std::string>(4, "the red fox ran")),
                                         TaskKind::classification);
  ASSERT_GE(rows.rows(), 2);
  Stream stream(0, "test");
  const double loss = objective->loss(*model_, rows, {0, 1}, stream).item<double>();

  double sum = 0;
  for (std::int64_t r = 0; r < 2; ++r) {
    Tensor x = at::empty({1, 8}, at::kLong);
    for (std::int64_t t = 0; t < 8; ++t) x[0][t] = rows.tokens[static_cast<std::size_t>(r * 8 + t)];
    const Tensor z = model_->vocabulary_logits(model_->hidden({x, {}, {8}}))[0].to(at::kDouble);
    for (std::int64_t t = 0; t + 1 < 8; ++t) {
      double total = 0;
      for (std::int64_t v = 0; v < z.size(1); ++v) total += std::exp(z[t][v].item<double>());
      sum -= z[t][x[0][t + 1].item<std::int64_t>()].item<double>() - std::log(total);
    }
  }
  EXPECT_NEAR(loss, sum / 14, 1e-5);
}

TEST_F(LanguageModel, AnUntrainedModelIsAsPerplexedAsItsVocabularyIsLarge) {
  const auto objective = LanguageModel::objective({{"held_out", 0.5}});
  objective->inputs(*model_, examples(std::vector<std::string>(40, "the red fox ran")),
                    TaskKind::classification);
  const auto measures = objective->measures(*model_);
  const auto size = static_cast<double>(model_->tokenizer().vocab_size());
  EXPECT_NEAR(measures.at("held_out_perplexity"), size, 0.05 * size);
}

TEST_F(LanguageModel, TextsThatDoNotFillARowAreRefused) {
  EXPECT_THROW(inputs({{"held_out", 0.0}}, {"fox"}), UsageError);
  EXPECT_THROW(inputs({{"length", 9}}, {"the red fox ran the red fox ran"}), UsageError);
  EXPECT_THROW(objective({{"length", 1}}), UsageError);
}

// Two tiny models read the file, then one teaches the other which texts speak of foxes.
class TextExperiment : public LanguageModel {
 protected:
  std::string toml(const std::string& train = "lr = 1e-2") const {
    std::string rows, prose;
    const std::vector<std::string> animals = {"fox", "hen"}, colours = {"red", "old", "the"};
    for (int i = 0; i < 160; ++i) {
      const std::string text = std::string(i % 5 == 0 ? "ran" : "sat") + " the " +
                               colours[static_cast<std::size_t>(i / 2 % 3)] + " " +
                               animals[static_cast<std::size_t>(i % 2)];
      rows += text + "\t" + std::to_string(i % 2) + "\n";
      prose += text + "\n\n";
    }
    const std::string data = write("rows.tsv", rows), text = write("prose.txt", prose);
    const auto model = [&](const std::string& name, int width) {
      return "[models." + name +
             "]\ntype = 'gpt'\nlayers = 1\nheads = 2\npositions = 8\nwidth = " + std::to_string(width) +
             "\ntokenizer = '" + (folder_ / "tokenizer").string() + "'\n[models." + name +
             ".pretrain]\nobjective = { type = 'language_model', files = '" + text +
             "' }\nepochs = 4\nbatch = 8\nlr = 1e-2\n";
    };
    return "name = 'tiny'\nseeds = [0]\n[task]\ntype = 'text_classification'\npath = '" + folder_.string() +
           "'\ntrain = 'rows.tsv'\nheader = false\ntemplate = '{0}'\nlabel = '1'\nheld_out = 40\n" +
           model("small", 4) + model("large", 16) +
           "[pairs]\nweak = 'small'\nstrong = 'large'\n[train]\nbatch = 16\nepochs = 6\n" + train +
           "\n[methods.naive]\n";
  }

  Experiment experiment() const { return parse_experiments(toml(), "tiny.toml").at(0); }

  Plan make(Store& store) const { return make_plan({experiment()}, plugins(), &store); }
};

TEST_F(TextExperiment, RunsThroughThePoolAndIsAnsweredFromTheStoreAfterwards) {
  Store store((folder_ / "runs").string());
  Plan plan = make(store);
  Display display(false);
  const Summary first = run_plan(plan, plugins(), store, {}, display);
  EXPECT_TRUE(first.failures.empty()) << (first.failures.empty() ? "" : first.failures[0].reason);
  EXPECT_EQ(first.fits_computed, 5);  // two pretrainings, floor, ceiling, student
  const auto pretrainings = store.list("pretrain");
  ASSERT_EQ(pretrainings.size(), 2u);
  for (const ObjectInfo& object : pretrainings) {
    EXPECT_LT(store.manifest(object.key).at("measures").at("held_out_perplexity").get<double>(), 100);
  }
  double best = 0;
  for (const StoredRecord& stored : store.records()) {
    const auto tests = nlohmann::json::parse(stored.json).at("tests");
    if (!tests.empty()) best = std::max(best, tests.at("test").at("accuracy").get<double>());
  }
  EXPECT_GT(best, 0.9);

  EXPECT_EQ(make(store).open(), 0u);
}

TEST_F(TextExperiment, HeadsStartFromTheEmbeddingsOfTheirWords) {
  // Steps so short that nothing moves.
  const std::string train =
      "optimizer = 'sgd'\nlr = 1e-20\nhead_init = 'label_words'\nlabel_words = ['hen', "
      "'the old fox']";
  Store store((folder_ / "runs").string());
  Plan plan = make_plan(parse_experiments(toml(train), "tiny.toml"), plugins(), &store);
  Display display(false);
  const Summary summary = run_plan(plan, plugins(), store, {}, display);
  ASSERT_TRUE(summary.failures.empty()) << summary.failures[0].reason;
  const std::int32_t hen = model_->tokenizer().encode("hen", false).back(),
                     fox = model_->tokenizer().encode("the old fox", false).back();
  ASSERT_NE(hen, fox);
  const auto fits = store.list("fit");
  ASSERT_EQ(fits.size(), 3u);
  for (const ObjectInfo& object : fits) {
    const SafeTensors weights = SafeTensors::open(store.path(object.key) + "/model.safetensors");
    const Tensor words = weights.at("backbone.transformer.wte.weight");
    EXPECT_TRUE(at::equal(weights.at("head.weight"), at::stack({words[hen], words[fox]})));
  }
}

TEST_F(TextExperiment, AHeadThatStartsFromWordsNeedsOneForEachClass) {
  const std::string train = "head_init = 'label_words'\nlabel_words = ['hen']";
  try {
    for (const Experiment& experiment : parse_experiments(toml(train), "tiny.toml"))
      validate(experiment, plugins());
    FAIL() << "not refused";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("label_words names 1 words, the task has 2 classes"),
              std::string::npos)
        << error.what();
    EXPECT_TRUE(std::string(error.what()).starts_with("tiny.toml:")) << error.what();
  }
}

TEST_F(TextExperiment, PretrainedModelsAreWrittenAsFoldersThatLoad) {
  const std::string command = std::string(W2S_BINARY_DIR) + "/bin/w2s";
  if (!fs::exists(command) || !fs::exists(command + "-engine"))
    GTEST_SKIP() << "the w2s command is not built";
  const std::string file = write("tiny.toml", toml()), runs = (folder_ / "runs").string(),
                    out = (folder_ / "ladder").string();
  ASSERT_EQ(std::system((command + " pretrain " + file + " --runs " + runs + " --out " + out +
                         " --model large --dtype float16 >/dev/null 2>&1")
                            .c_str()),
            0);
  EXPECT_FALSE(fs::exists(out + "/small"));
  const Store store = Store::read_only(runs);
  const auto pretrainings = store.list("pretrain");
  ASSERT_EQ(pretrainings.size(), 1u);
  const nlohmann::json manifest = store.manifest(pretrainings[0].key);
  EXPECT_GT(manifest.at("tokens_per_second").get<double>(), 0);
  const Table report = read_json(out + "/large/pretraining.json").as_table();
  EXPECT_EQ(report.at("tokens").as_real(), manifest.at("tokens").get<double>());
  EXPECT_EQ(report.at("measures").as_table().at("held_out_perplexity").as_real(),
            manifest.at("measures").at("held_out_perplexity").get<double>());

  const SafeTensors kept = SafeTensors::open(store.path(pretrainings[0].key) + "/model.safetensors");
  const std::unique_ptr<IModel> model =
      plugins().make_model({"huggingface", Table{{"path", out + "/large"}}, {}});
  model->build({TaskKind::classification, 2, {}}, Stream(0, "test"));
  EXPECT_EQ(model->parameters().items().size(), kept.names().size());
  for (const Parameters::Item& item : model->parameters().items()) {
    EXPECT_TRUE(at::equal(item.tensor, kept.at(item.name).to(at::kHalf).to(at::kFloat))) << item.name;
  }
  EXPECT_EQ(model->tokenizer().json(), model_->tokenizer().json());

  EXPECT_NE(std::system((command + " pretrain " + file + " --runs " + runs + " --out " + out +
                         " --model large >/dev/null 2>&1")
                            .c_str()),
            0)
      << "a folder that holds a model is not written over";
}

TEST_F(TextExperiment, AnExportedStudentGivesTheSameProbabilitiesFromItsFolder) {
  const std::string command = std::string(W2S_BINARY_DIR) + "/bin/w2s";
  if (!fs::exists(command) || !fs::exists(command + "-engine"))
    GTEST_SKIP() << "the w2s command is not built";
  Store store((folder_ / "runs").string());
  Plan plan = make(store);
  Display display(false);
  run_plan(plan, plugins(), store, {}, display);
  const auto student = std::find_if(plan.jobs.begin(), plan.jobs.end(),
                                    [](const Job& job) { return job.kind == JobKind::student; });
  ASSERT_NE(student, plan.jobs.end());
  const std::string folder = (folder_ / "exported").string();
  ASSERT_EQ(std::system((command + " export " + student->key.substr(0, 16) + " " + folder + " --runs " +
                         store.root() + " >/dev/null")
                            .c_str()),
            0);

  const SafeTensors weights = SafeTensors::open(folder + "/model.safetensors");
  EXPECT_EQ(weights.shape("score.weight"), (std::vector<std::int64_t>{2, 16}));
  EXPECT_EQ(read_json(folder + "/config.json").as_table().at("architectures").as_list().at(0).as_string(),
            "GPT2ForSequenceClassification");
  const std::unique_ptr<IModel> model = plugins().make_model({"huggingface", Table{{"path", folder}}, {}});
  model->build({TaskKind::classification, 2, {}}, Stream(0, "test"));
  const Examples tests =
      make_splits(plugins().make_task(plan.experiments[0].task)->load(), plan.experiments[0].split, 0)
          .tests.at("test");
  const at::NoGradGuard no_grad;
  const Tensor features =
      all_features(*model, model->encode(tests, TaskKind::classification), at::kCPU, 1024);
  const Tensor found = at::matmul(features, weights.at("score.weight").t()).softmax(1);
  const Tensor expected =
      SafeTensors::open(store.path(student->key) + "/predictions.safetensors").at("test.probabilities");
  EXPECT_TRUE(at::allclose(found, expected, 1e-4, 1e-5));
}

TEST_F(TextExperiment, AStudentOfTwoMembersIsExportedAsTwoFolders) {
  const std::string command = std::string(W2S_BINARY_DIR) + "/bin/w2s";
  if (!fs::exists(command) || !fs::exists(command + "-engine"))
    GTEST_SKIP() << "the w2s command is not built";
  Store store((folder_ / "runs").string());
  Plan plan =
      make_plan(parse_experiments(toml() + "strategy = 'co_teaching'\n", "tiny.toml"), plugins(), &store);
  Display display(false);
  const Summary summary = run_plan(plan, plugins(), store, {}, display);
  ASSERT_TRUE(summary.failures.empty()) << summary.failures[0].reason;
  const auto student = std::find_if(plan.jobs.begin(), plan.jobs.end(),
                                    [](const Job& job) { return job.kind == JobKind::student; });
  const auto members = store.manifest(student->key).at("student").get<std::vector<std::string>>();
  ASSERT_EQ(members.size(), 2u);
  const std::string folder = (folder_ / "exported").string();
  const std::string call = command + " export " + student->key.substr(0, 16) + " " + folder + " --runs " +
                           store.root() + " >/dev/null 2>&1";
  ASSERT_EQ(std::system(call.c_str()), 0);
  for (std::size_t k = 0; k < 2; ++k) {
    const std::string own = folder + "/member-" + std::to_string(k + 1);
    EXPECT_TRUE(
        at::equal(SafeTensors::open(own + "/model.safetensors").at("score.weight"),
                  SafeTensors::open(store.path(members[k]) + "/model.safetensors").at("head.weight")));
  }
  EXPECT_NE(std::system(call.c_str()), 0) << "a folder that holds a model is not written over";
}

TEST_F(TextExperiment, AnEditedTextFileIsPretrainedOnAnew) {
  Store store((folder_ / "runs").string());
  const Plan before = make(store);
  const Experiment same = experiment();
  std::ofstream(folder_ / "prose.txt", std::ios::app) << "the hen ran\n";
  const Plan after = make_plan({same}, plugins(), &store);
  ASSERT_EQ(before.jobs.size(), after.jobs.size());
  for (std::size_t i = 0; i < before.jobs.size(); ++i) EXPECT_NE(before.jobs[i].key, after.jobs[i].key);
}

}  // namespace
}  // namespace w2s
