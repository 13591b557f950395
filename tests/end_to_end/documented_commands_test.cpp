// The commands of README.md and docs/, run as they stand there, page by page, each page in a workbench with
// copies of configs/ and what the page speaks of. Where a command would take minutes, `changes` says what is
// made smaller; what is not run at all stands in `not_run` with its reason. docs/tutorial.md has a test of
// its own, and docs/errors.md shows what is wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <ostream>
#include <regex>
#include <set>

#include "../support/real_data.hpp"
#include "support/page.hpp"
#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

namespace fs = std::filesystem;

const std::string kRoot = W2S_SOURCE_DIR;

struct Change {
  std::string from, to;
};

struct Reading {
  std::string page;
  std::function<void(const Workbench&)> prepare;
  std::vector<Change> changes;
  std::vector<std::pair<std::string, std::string>> not_run;  // command, why
};

void PrintTo(const Reading& reading, std::ostream* out) { *out << reading.page; }

// ---------- what the pages speak of

void copy_configs(const Workbench& bench) {
  fs::copy(kRoot + "/configs", bench.path("configs"), fs::copy_options::recursive);
}

void link(const Workbench& bench, const std::string& name) {
  fs::create_directories(fs::path(bench.path(name)).parent_path());
  fs::create_symlink(kRoot + "/" + name, bench.path(name));
}

void expect_success(const Workbench& bench, const Arguments& arguments) {
  const Outcome outcome = bench.w2s(arguments);
  ASSERT_EQ(outcome.status, 0) << outcome.out << outcome.err;
}

// README.md: the quickstart on a few made-up images of Fashion-MNIST's size, with the loss of the page.
void prepare_quickstart(const Workbench& bench) {
  copy_configs(bench);
  fs::copy(kRoot + "/dev", bench.path("dev"));
  for (const auto& [prefix, count] : {std::pair{"train", 400}, std::pair{"t10k", 200}})
    write_images(bench.path("images"), prefix, count, 1, 28, 10);
  const std::string quickstart = "configs/quickstart.toml";
  bench.edit(quickstart, "/usr/share/datasets/fashion-mnist", "../images");
  bench.edit(quickstart, "supervisor = 5000", "supervisor = 150");
  bench.edit(quickstart, "transfer = 5000", "transfer = 150");
  bench.edit(quickstart, "validation = 500", "validation = 50");
  bench.edit(quickstart, "epochs = 60", "epochs = 1");
  bench.edit(quickstart, "batch = 256", "batch = 64");
  for (const Block& block : blocks_of(kRoot + "/README.md")) {
    if (block.language == "cpp") bench.write("configs/poly1.cpp", block.text);
    if (block.language == "toml")
      bench.write("configs/poly1.toml", bench.read(quickstart) + "\n" + block.text);
  }
  expect_success(bench, {"run", "configs/poly1.toml", "--seeds", "0"});
}

void prepare_record(const Workbench& bench, const std::string& name) {
  bench.edit("tiny.toml", "name = \"tiny\"\nseeds", "name = \"" + name + "\"\nseeds");
  expect_success(bench, {"run", "tiny.toml", "--quiet"});
}

void prepare_plugins(const Workbench& bench) {
  fs::create_directories(bench.path("build/lib/w2s/plugins"));
  fs::create_symlink(fs::path(W2S_COMMAND).parent_path(), bench.path("build/bin"));
  bench.write(
      "my.toml",
      tiny_experiment() + "\n[methods.mine]\nloss = \"my_loss\"\n\n[plugins]\nsources = [\"my_loss.cpp\"]\n");
  expect_success(bench, {"new", "task", "my_task"});
  for (const char* name : {"train.csv", "test.csv"}) {
    std::string rows = "a,b,label\n";
    for (int i = 0; i < 80; ++i) {
      const int number = i + (name[1] == 'e' ? 1000 : 0);
      rows +=
          std::to_string(number) + "," + std::to_string(number * 7 % 31) + "," + std::to_string(i % 2) + "\n";
    }
    bench.write(name, rows);
  }
}

// A file of tensors in the format safetensors: an 8-byte length, a JSON header, the numbers.
template <typename... Parts>
void write_safetensors(const Workbench& bench, const std::string& name, std::string header,
                       const Parts&... parts) {
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::string bytes;
  const std::uint64_t length = header.size();
  bytes.append(reinterpret_cast<const char*>(&length), sizeof length);
  bytes += header;
  (bytes.append(reinterpret_cast<const char*>(parts.data()), parts.size() * sizeof parts[0]), ...);
  bench.write(name, bytes);
}

// docs/vision.md: features of 200 images, two classes, and the labels of a supervisor that is often right.
void prepare_features(const Workbench& bench) {
  copy_configs(bench);
  constexpr int count = 200, width = 4;
  std::vector<float> features, probabilities;
  std::vector<std::int64_t> labels;
  std::string ids;
  for (int i = 0; i < count; ++i) {
    labels.push_back(i % 2);
    for (int j = 0; j < width; ++j)
      features.push_back(static_cast<float>(i % 2 + (i * 37 + j * 11) % 19 / 6.0));
    const float of_one = i % 5 == 0 ? 0.5f : 0.2f + 0.6f * static_cast<float>(i % 2);
    probabilities.insert(probabilities.end(), {1 - of_one, of_one});
    ids += (i == 0 ? "" : ", ") + std::string("\\\"train/") + std::to_string(i) + "\\\"";
  }
  fs::create_directories(bench.path("features"));
  write_safetensors(bench, "features/features.safetensors",
                    R"({"dino":{"dtype":"F32","shape":[200,4],"data_offsets":[0,3200]},)"
                    R"("labels":{"dtype":"I64","shape":[200],"data_offsets":[3200,4800]}})",
                    features, labels);
  write_safetensors(bench, "features/weak.safetensors",
                    R"({"__metadata__":{"ids":"[)" + ids +
                        R"(]"},"probabilities":{"dtype":"F32","shape":[200,2],"data_offsets":[0,1600]}})",
                    probabilities);
}

void make_smaller(const Workbench& bench, const std::string& config, const std::vector<Change>& changes) {
  for (const Change& change : changes) bench.edit(config, change.from, change.to);
}

// docs/data.md: questions like BoolQ's beside the real MC-TACO.
void prepare_texts(const Workbench& bench) {
  copy_configs(bench);
  for (const char* model : {"nano", "mini"}) link(bench, std::string("ladder/") + model);
  make_smaller(bench, "configs/text.toml",
               {{"supervisor = 400", "supervisor = 16"},
                {"transfer = 400", "transfer = 16"},
                {"test = 800", "test = 16"},
                {"epochs = 4", "epochs = 1"}});
  for (const char* name : {"train", "dev"}) {
    std::string rows;
    for (int i = 0; i < 60; ++i) {
      const std::string number = std::string(name) + " " + std::to_string(i);
      rows += R"({"passage": "A passage, )" + number + R"(.", "question": "is it )" + number +
              R"(", "answer": )" + (i % 2 ? "true" : "false") + "}\n";
    }
    fs::create_directories(bench.path("boolq"));
    bench.write(std::string("boolq/") + name + ".jsonl", rows);
  }
}

void prepare_rewards(const Workbench& bench) {
  copy_configs(bench);
  for (const char* name : {"ladder/nano", "ladder/mini", "chess/ladder", "chess/puzzles.jsonl.gz"})
    link(bench, name);
  make_smaller(bench, "configs/chess_rewards.toml",
               {{"supervisor = 200 ", "supervisor = 16 "},
                {"transfer = 1000", "transfer = 16"},
                {"held_out = 800", "held_out = 40"},
                {"epochs = 3", "epochs = 1"}});
  make_smaller(bench, "configs/reward_modelling.toml",
               {{"supervisor = 400", "supervisor = 16"},
                {"transfer = 400", "transfer = 16"},
                {"test = 400", "test = 16"}});
}

// docs/text.md: a ladder of two models that have read three hundred made-up glosses.
void prepare_ladder(const Workbench& bench) {
  copy_configs(bench);
  fs::create_directories(bench.path("ladder"));
  std::string glosses;
  for (int i = 0; i < 300; ++i)
    glosses += "word" + std::to_string(i * 7919 % 1000) + ": a thing of kind " + std::to_string(i % 8) +
               " that is seen in place " + std::to_string(i) + "\n";
  bench.write("ladder/glosses.txt", glosses);
  make_smaller(bench, "configs/wordnet.toml",
               {{"per_class = 700", "per_class = 12"},
                {"test = 1000", "test = 16"},
                {"supervisor = 1000", "supervisor = 24"},
                {"transfer = 1000", "transfer = 24"},
                {"ladder = [\"nano\", \"mini\", \"base\", \"large\"]", "ladder = [\"nano\", \"mini\"]"},
                {"epochs = 3", "epochs = 1"}});
  link(bench, "ladder/base");
  link(bench, "ladder/large");
  make_smaller(bench, "configs/sst2.toml",
               {{"supervisor = 1000", "supervisor = 16"},
                {"transfer = 1000", "transfer = 16"},
                {"epochs = 3", "epochs = 1"}});
}

// ---------- the pages

std::vector<Reading> readings() {
  const std::string tiny = "experiment.toml", builds = "builds for minutes",
                    slow_bench = "builds, installs PyTorch and runs for minutes";
  const std::string a_job = "$(w2s plan experiment.toml | awk '$1 == \"done\" { print $2; exit }')";
  const std::string a_student =
      "$(w2s plan experiment.toml | awk '$1 == \"done\" && /student/ { print $2; exit }')";
  const bool has_wordnet = fs::exists("/usr/share/wordnet/data.noun");
  const bool has_stockfish = fs::exists("/usr/games/stockfish");
  std::vector<Reading> all = {
      {"README.md", prepare_quickstart, {}, {{"./dev quickstart", builds}, {"./dev test", "runs this test"}}},
      {"docs/benchmarks.md",
       {},
       {},
       {{"./dev bench", slow_bench},
        {"./dev bench --list", slow_bench},
        {"./dev bench probes --runs 1", slow_bench},
        {"./dev bench --json bench.json", slow_bench},
        {"./dev bench finetune --precision bfloat16", slow_bench},
        {"./dev bench finetune --threads 2 --script-as-started", slow_bench},
        {"./dev bench --device cuda --python /opt/venv/bin/python3", "wants a GPU"},
        {"./dev bench --micro --benchmark_filter=Optimizer --benchmark_repetitions=5", builds}}},
      {"docs/chess.md",
       {},
       {{"perft   5", "perft 3"}},
       {{"./dev chess", builds + ", then plays and trains for an hour"}}},
      {"docs/data.md",
       prepare_texts,
       {{"=boolq --set task.path=FOLDER", "=boolq --set task.path=boolq"}},
       {}},
      {"docs/measures.md",
       [](const Workbench& bench) { prepare_record(bench, "quickstart"); },
       {{"[EXPERIMENT…]", "quickstart"}},
       {{"cmake --build build --target w2s_coverage && build/bin/w2s_coverage", builds}}},
      {"docs/plugins.md",
       prepare_plugins,
       {{"gdb --args ", ""},
        {"w2s check build",
         "cp $(find cache -name '*my_loss*.so') build/lib/w2s/plugins/my_loss.so; w2s check build"}},
       {{"./dev sanitize -R loss", builds}}},
      {"docs/report.md", [](const Workbench& bench) { prepare_record(bench, "quickstart"); }, {}, {}},
      {"docs/reward-modelling.md",
       prepare_rewards,
       {{"configs/chess_rewards.toml", "configs/chess_rewards.toml --seeds 0"}},
       {}},
      {"docs/running.md",
       [](const Workbench& bench) { fs::rename(bench.path("tiny.toml"), bench.path("experiment.toml")); },
       {{"--devices cuda:0,cuda:1", "--devices cpu"},
        {"--job 3f9a01c2", "--job " + a_job},
        {"--processes 4", "--processes 2"},
        {"3f9a01c2 9c0be771", a_student},
        {"leaderboard NAME", "leaderboard tiny"}},
       {{"mpirun -n 4 w2s run experiment.toml", "needs an MPI; team_run_test has teams"},
        {"srun --ntasks=4 w2s run experiment.toml", "needs Slurm; team_run_test has teams"},
        {"torchrun --no_python --nproc_per_node 4 w2s run experiment.toml",
         "needs PyTorch; team_run_test has teams"},
        {"w2s run experiment.toml --launcher slurm", "needs Slurm; slurm_test.sh submits"}}},
      {"docs/synthetic.md",
       copy_configs,
       {{"nested_features.toml", "nested_features.toml --seeds 0 --set train.epochs=5"},
        {"gaussian_mixture.toml",
         "gaussian_mixture.toml --seeds 0 --set train.epochs=1 --set methods.long.train.epochs=2"},
        {"spurious_correlation.toml", "spurious_correlation.toml --seeds 0 --set train.epochs=1"}},
       {}},
      {"docs/text.md",
       prepare_ladder,
       {{"--vocabulary 4096", "--vocabulary 300"},
        {"configs/ladder.toml",
         "configs/ladder.toml --model nano --model mini --set models.nano.pretrain.objective.tokens=2048 "
         "--set "
         "models.mini.pretrain.objective.tokens=2048"}},
       {}},
      {"docs/vision.md",
       prepare_features,
       {{"vision_probes.toml",
         "vision_probes.toml --seeds 0 --set task.held_out=40 --set task.split.transfer=159 --set "
         "train.batch=32"},
        {"FOLDER", "features"}},
       {{"python3 -c \"", "needs torchvision and a download"}}},
  };

  const auto where_there_is = [&all](bool there, const std::string& page, const std::string& command,
                                     const std::vector<Change>& changes, const std::string& why_not) {
    for (Reading& reading : all) {
      if (reading.page != page) continue;
      if (there) reading.changes.insert(reading.changes.end(), changes.begin(), changes.end());
      if (!there) reading.not_run.emplace_back(command, why_not);
    }
  };
  const auto folder = [](const char* name) { return real_data(name).string(); };
  where_there_is(fs::exists(real_data("mctaco")), "docs/data.md",
                 "w2s run configs/text.toml --set task.preset=mc_taco --set task.path=FOLDER",
                 {{"=mc_taco --set task.path=FOLDER", "=mc_taco --set task.path=" + folder("mctaco")}},
                 absent("mctaco"));
  where_there_is(fs::exists(real_data("hh_rlhf")), "docs/reward-modelling.md",
                 "w2s run configs/reward_modelling.toml --set task.path=FOLDER --set "
                 "'task.train=\"harmless-base-test.jsonl.gz\"' --set 'task.test=[]' --set task.held_out=700",
                 {{"=FOLDER", "=" + folder("hh_rlhf")}}, absent("hh_rlhf"));
  where_there_is(fs::exists(real_data("sst2")), "docs/text.md",
                 "w2s run configs/sst2.toml --set task.path=FOLDER",
                 {{"FOLDER", folder("sst2") + " --set task.split.test=16 --seeds 0"}}, absent("sst2"));
  where_there_is(has_wordnet, "docs/text.md", "w2s run configs/wordnet.toml",
                 {{"wordnet.toml", "wordnet.toml --seeds 0"}}, "wordnet-base is not installed");
  where_there_is(
      has_wordnet, "docs/text.md", "w2s export RUN folder",
      {{"RUN",
        "$(w2s plan configs/wordnet.toml --seeds 0 | awk '$1 == \"done\" && /student/ { print $2; exit }')"}},
      "wordnet-base is not installed");
  const std::string no_engine = "stockfish is not installed";
  where_there_is(has_stockfish, "docs/chess.md", "w2s chess games   --out games.pgn --count 6000 --seed 1",
                 {{"--count 6000", "--count 2 --plies 14 --nodes 50"}}, no_engine);
  where_there_is(has_stockfish, "docs/chess.md",
                 "w2s chess puzzles --out puzzles.jsonl --count 3000 --seed 2",
                 {{"--count 3000", "--count 1 --plies 40 --nodes 50 --check-nodes 400"}}, no_engine);
  where_there_is(has_stockfish, "docs/chess.md", "w2s chess check   puzzles.jsonl", {}, no_engine);
  return all;
}

// ---------- the tests

class DocumentedCommands : public testing::TestWithParam<Reading> {};

TEST_P(DocumentedCommands, WorkAsShown) {
  Reading reading = GetParam();
  const Workbench bench;
  if (reading.prepare) reading.prepare(bench);
  if (HasFatalFailure()) return;
  const fs::path bin = fs::path(W2S_COMMAND).parent_path();
  const std::string setting = "set -euo pipefail; export PATH='" + bin.string() + "':$PATH W2S_BUILD='" +
                              bin.parent_path().string() + "'\n";
  std::set<std::string> unused;
  for (const Change& change : reading.changes) unused.insert(change.from);
  for (std::string command : commands_of(kRoot + "/" + reading.page)) {
    const auto is_it = [&](const auto& entry) { return entry.first == command; };
    if (const auto found = std::find_if(reading.not_run.begin(), reading.not_run.end(), is_it);
        found != reading.not_run.end()) {
      reading.not_run.erase(found);
      continue;
    }
    for (const Change& change : reading.changes) {
      if (command.find(change.from) == std::string::npos) continue;
      command = replace_all(command, change.from, change.to);
      unused.erase(change.from);
    }
    const Outcome outcome = bench.command({"bash", "-c", setting + command});
    EXPECT_EQ(outcome.status, 0) << command << "\n" << outcome.out << outcome.err;
  }
  for (const std::string& from : unused) ADD_FAILURE() << reading.page << " no longer has '" << from << "'";
  for (const auto& [command, why] : reading.not_run)
    ADD_FAILURE() << reading.page << " no longer has '" << command << "'";
}

INSTANTIATE_TEST_SUITE_P(Pages, DocumentedCommands, testing::ValuesIn(readings()), [](const auto& info) {
  return std::regex_replace(fs::path(info.param.page).stem().string(), std::regex("[^a-zA-Z]"), "_");
});

TEST(Documents, AreReadHereWhereTheyHaveCommands) {
  std::set<std::string> expected = {"docs/tutorial.md", "docs/errors.md"};
  for (const Reading& reading : readings()) expected.insert(reading.page);
  for (const std::string& page : pages()) {
    EXPECT_TRUE(commands_of(kRoot + "/" + page).empty() || expected.count(page) == 1) << page;
  }
}

}  // namespace
}  // namespace w2s::e2e
