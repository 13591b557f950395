#include "bad_inputs/cases.hpp"

#include <filesystem>

namespace w2s::e2e {
namespace {

const Arguments kRun = {"run", "tiny.toml"};

// Puts a folder of texts in the place of tiny.toml's images.
const Edit kNoImages = {"path = \"data\"\nclass_count = 2\nmean = 0.5\nsd = 0.25\n", "path = \"rows\"\n"};

// A mistake in the experiment file.
BadInput file(std::string mistake, std::string from, std::string to, std::string message) {
  return {std::move(mistake), {{std::move(from), std::move(to)}}, kRun, 2, std::move(message)};
}

// A mistake that only the data or the training can show.
BadInput job(std::string mistake, std::string from, std::string to, std::string message) {
  return {std::move(mistake), {{std::move(from), std::move(to)}}, kRun, 1, std::move(message)};
}

BadInput command(std::string mistake, Arguments arguments, std::string message) {
  return {std::move(mistake), {}, std::move(arguments), 2, std::move(message)};
}

BadInput plugin(std::string mistake, const std::string& path, std::string message) {
  return command(std::move(mistake), {"run", "tiny.toml", "--plugin", path}, std::move(message));
}

// [supervisor] in the place of the weak model, and a strategy for method gce.
BadInput taught_from_outside(std::string mistake, const std::string& supervisor, const std::string& strategy,
                             std::string message) {
  BadInput input = file(std::move(mistake), "[pairs]\nweak = \"weak\"\n",
                        "[supervisor]\n" + supervisor + "\n[pairs]\n", std::move(message));
  input.edits.push_back({"loss = \"gce\"", "strategy = [\"" + strategy + "\"]"});
  return input;
}

BadInput broken_loss(std::string mistake, const std::string& name, std::string message) {
  BadInput input = plugin(std::move(mistake), "{plugins}/" + name + ".so", std::move(message));
  input.edits = {{"loss = \"gce\"", "loss = \"" + name + "\""}};
  input.status = 1;
  return input;
}

}  // namespace

const std::vector<BadInputGroup>& bad_inputs() {
  static const std::vector<BadInputGroup> groups = {
      {"Commands",
       {
           command("An unknown command", {"rnu"},
                   "unknown command 'rnu' (did you mean 'run'?); see w2s --help"),
           command("An unknown option of w2s", {"--versoin"},
                   "unknown option '--versoin' (did you mean '--version'?); see w2s --help"),
           command("An unknown option of a command", {"run", "tiny.toml", "--seed", "3"},
                   "run: unknown option '--seed' (did you mean '--seeds'?); see w2s run --help"),
           command("No experiment", {"run"}, "run needs EXPERIMENT.toml; see w2s run --help"),
           command("Two experiments", {"run", "tiny.toml", "other.toml"},
                   "run takes one EXPERIMENT.toml, found also 'other.toml'"),
           command("An experiment that does not exist", {"run", "tyni.toml"},
                   "cannot read 'tyni.toml': No such file or directory"),
           command("A folder for an experiment", {"run", "data"}, "cannot read 'data': Is a directory"),
           command("No jobs at once", {"run", "tiny.toml", "--jobs", "0"},
                   "--jobs = 0 is out of range: integer in [1, 10000]"),
           command("Words for a number", {"run", "tiny.toml", "--jobs", "many"},
                   "--jobs: expected integer in [1, 10000], found a string (\"many\")"),
           command("An option without its value", {"run", "tiny.toml", "--threads"},
                   "run: the required argument for option '--threads' is missing; see w2s run --help"),
           command("An unknown device", {"run", "tiny.toml", "--device", "gpu"},
                   "--device takes cpu, cuda or cuda:N, found 'gpu'"),
           command("A device twice", {"run", "tiny.toml", "--devices", "cpu,cpu"},
                   "--devices names cpu twice; --jobs says how many jobs run at once"),
           command("Both ways to name a device", {"run", "tiny.toml", "--devices", "cpu", "--device", "cuda"},
                   "--device is a short --devices: give one"),
           command("A time that is none", {"run", "tiny.toml", "--job-timeout", "soon"},
                   "--job-timeout takes a time such as 90, 10m or 2h; found 'soon'"),
           command("A size that is none", {"run", "tiny.toml", "--memory", "2 cups"},
                   "--memory takes a size such as 500M or 2G; found '2 cups'"),
           command("A limit without processes", {"run", "tiny.toml", "--memory", "2G", "--no-isolation"},
                   "--memory needs processes: it does not go with --no-isolation"),
           command("A negative number of tries", {"run", "tiny.toml", "--retry=-1"},
                   "--retry = -1 is out of range: integer in [0, 10000]"),
           command("Two ways to go on after a failure", {"run", "tiny.toml", "--fail-fast", "--keep-going"},
                   "--fail-fast and --keep-going exclude each other"),
           command("Minutes that are none", {"run", "tiny.toml", "--checkpoint-minutes", "often"},
                   "--checkpoint-minutes: expected real ≥ 0, found a string (\"often\")"),
           command("A level that does not exist", {"run", "tiny.toml", "--log-level", "warn"},
                   "--log-level = 'warn' is not one of 'error', 'warning', 'info' or 'debug' (did you mean "
                   "'warning'?)"),
           command("A job that does not exist", {"run", "tiny.toml", "--runs", "done", "--job", "xyz"},
                   "--job 'xyz' is the beginning of none of the experiment's 8 jobs; w2s plan shows them"),
           command("A file for a folder of event files", {"run", "tiny.toml", "--tensorboard", "tiny.toml"},
                   "--tensorboard takes a folder, which is made where it is missing; found 'tiny.toml'"),
           command("The status of an experiment that was not run", {"status", "tyni", "--runs", "done"},
                   "there is no experiment 'tyni' in 'done'…"),
           command("Nothing to verify", {"verify"}, "verify needs RUN…; see w2s verify --help"),
           command("A run to verify that does not exist", {"verify", "xyz", "--runs", "done"},
                   "'xyz' is the beginning of 0 runs in 'done'; w2s plan EXPERIMENT.toml shows the keys"),
           command("Seeds that are no numbers", {"run", "tiny.toml", "--seeds", "1,x"},
                   "--seeds takes whole numbers from 0, separated by commas; found 'x'"),
           command("No seeds", {"run", "tiny.toml", "--seeds", ""},
                   "--seeds is empty: expected whole numbers from 0, separated by commas"),
           command("--set without a value", {"run", "tiny.toml", "--set", "train.lr"},
                   "--set train.lr: expected key=value"),
           command(
               "--set of an unknown key", {"run", "tiny.toml", "--set", "train.epoch=3"},
               "--set train.epoch=3: [train]: unknown parameter 'epoch' (did you mean 'epochs'?); it takes "
               "epochs, …"),
           command("--set to another type", {"run", "tiny.toml", "--set", "train.lr=fast"},
                   "--set train.lr=fast: [train]: lr: expected real > 0, found a string (\"fast\")"),
           command("--sweep without values", {"run", "tiny.toml", "--sweep", "train.lr"},
                   "--sweep train.lr: expected key=value,value,…"),
           command("Results in a file", {"run", "tiny.toml", "--runs", "tiny.toml"},
                   "--runs 'tiny.toml' is a file: expected a folder, which is made where it is missing"),
           command("A leaderboard without results", {"leaderboard", "--runs", "nowhere"},
                   "there is no store at 'nowhere' (a store has a folder 'objects')"),
           command("Looking after no store", {"store", "reindex", "--runs", "nowhere"},
                   "there is no store at 'nowhere' (a store has a folder 'objects')"),
           command("An unknown action on the store", {"store", "verfy"},
                   "store: unknown action 'verfy' (did you mean 'verify'?); there are reindex, remeasure, "
                   "gc, du and "
                   "verify"),
           command("An unknown rule of gc", {"store", "gc", "--keep", "all", "--runs", "done"},
                   "--keep = 'all' is not one of 'used' or 'records'"),
           command("An unknown experiment", {"leaderboard", "tny", "--runs", "done"},
                   "there is no experiment 'tny' in 'done' (did you mean 'tiny'?); there are 'tiny'"),
           command("An unknown measure", {"leaderboard", "--metric", "acuracy", "--runs", "done"},
                   "unknown metric 'acuracy' (did you mean 'accuracy'?); expected …"),
           command(
               "An unknown format", {"leaderboard", "--format", "tabel", "--runs", "done"},
               "unknown table format 'tabel' (did you mean 'table'?); expected 'table', 'markdown', 'csv', "
               "'json' or 'latex'"),
           command("An unknown method", {"leaderboard", "--method", "gec", "--runs", "done"},
                   "unknown method 'gec' (did you mean 'gce'?); expected 'gce' or 'naive'"),
           command("An unknown order", {"leaderboard", "--sort", "pg", "--runs", "done"},
                   "unknown sort 'pg' (did you mean 'pgr'?); expected 'pgr', 'score', 'name', …"),
           command(
               "An unknown run", {"show", "zzz", "--runs", "done"},
               "there is no run 'zzz' in 'done'; w2s plan EXPERIMENT.toml shows the keys, their beginning is "
               "enough"),
           command("An unknown kind of plugin", {"list", "losses"},
                   "there is no kind of plugin 'losses' (did you mean 'loss'?); there are 'task', 'model', "
                   "'objective', 'loss' or 'strategy'"),
           command("An unknown plugin", {"describe", "loss/gec"},
                   "there is no loss 'gec' (did you mean 'gce'?); losses are …"),
           command("A plugin without its kind", {"describe", "gce"},
                   "describe takes KIND/NAME, for instance loss/gce…; found 'gce'"),
       }},
      {"Experiment files",
       {
           file("Text that is not TOML", "name = \"tiny\"\nseeds", "name = tiny\nseeds",
                "tiny.toml:1:…: not TOML: …"),
           file("An unknown table", "[train]", "[trian]",
                "tiny.toml:31:2: unknown key 'trian' (did you mean 'train'?); it takes name, seeds, task, "
                "models, "
                "pairs, supervisor, train, methods, plugins, sweep, variant, launcher"),
           file("An unknown setting", "epochs = 4", "epoch = 4",
                "tiny.toml:32:1: [train]: unknown parameter 'epoch' (did you mean 'epochs'?); it takes "
                "epochs, …"),
           file("A setting out of range", "lr = 3e-3", "lr = -1",
                "tiny.toml:34:1: [train]: lr = -1 is out of range: real > 0"),
           file("Not a number", "lr = 3e-3", "lr = nan",
                "tiny.toml:34:1: [train]: lr = nan is out of range: real > 0"),
           file("A setting of another type", "batch = 32", "batch = \"32\"",
                "tiny.toml:33:1: [train]: batch: expected integer ≥ 1, found a string (\"32\")"),
           file("A word that is none of the choices", "lr = 3e-3", "optimizer = \"adma\"",
                "tiny.toml:34:1: [train]: optimizer = 'adma' is not one of 'adam', 'adamw' or 'sgd' (did you "
                "mean "
                "'adam'?)"),
           file("A task that does not exist", "\"image_classification\"", "\"image_clasification\"",
                "tiny.toml:4:2: there is no task 'image_clasification' (did you mean "
                "'image_classification'?); tasks "
                "are …"),
           file("A model that does not exist", "type = \"mlp\"\nhidden = [16]",
                "type = \"mpl\"\nhidden = [16]",
                "tiny.toml:23:9: there is no model 'mpl' (did you mean 'mlp'?); models are …"),
           file("A loss that does not exist", "loss = \"gce\"", "loss = \"gec\"",
                "tiny.toml:39:1: there is no loss 'gec' (did you mean 'gce'?); losses are …"),
           file("A strategy that does not exist", "loss = \"gce\"", "strategy = [\"linear_prob\"]",
                "tiny.toml:39:13: there is no strategy 'linear_prob' (did you mean 'linear_probe'?); "
                "strategies are …"),
           file("A model in the place of a loss", "loss = \"gce\"", "loss = \"mlp\"",
                "tiny.toml:39:1: there is no loss 'mlp': 'mlp' is a model"),
           file("A parameter of a plugin out of range", "loss = \"gce\"", "loss = { type = \"gce\", q = 7 }",
                "tiny.toml:39:24: loss 'gce': q = 7 is out of range: real in (0, 1]"),
           file("A parameter that a plugin does not have", "loss = \"gce\"",
                "loss = { type = \"gce\", p = 0.7 }",
                "tiny.toml:39:24: loss 'gce': unknown parameter 'p'; it takes q"),
           file("A parameter that must be given", "loss = \"gce\"", "strategy = [\"bootstrap\"]",
                "tiny.toml:39:13: strategy 'bootstrap': 'ladder' is missing: intermediate models between "
                "supervisor "
                "and student, weakest first (list of strings)"),
           file("A model in a strategy that is not in [models]", "loss = \"gce\"",
                "strategy = [{ type = \"bootstrap\", ladder = [\"medum\"] }]",
                "tiny.toml:39:13: method 'gce': strategy 'bootstrap': the ladder names 'medum', which is not "
                "in [models]…"),
           file("Two strategies of which a method can have one", "loss = \"gce\"",
                "strategy = [\"mixup\", \"co_teaching\"]",
                "tiny.toml:39:22: method 'gce': strategies 'mixup' and 'co_teaching' both decide what a "
                "training step minimises: a method can have one of them"),
           file(
               "A setting that a method misspells", "loss = \"gce\"", "train = { epoch = 3 }",
               "tiny.toml:39:11: method 'gce': train: unknown parameter 'epoch' (did you mean 'epochs'?); it "
               "takes epochs, …"),
           file("A setting of a method out of range", "loss = \"gce\"", "train = { epochs = 0 }",
                "tiny.toml:39:11: method 'gce': train: epochs = 0 is out of range: integer ≥ 1"),
           BadInput{"Early stopping of a method without validation",
                    {{"validation = 50", ""}, {"loss = \"gce\"", "train = { early_stopping = true }"}},
                    kRun,
                    2,
                    "tiny.toml:39:11: early_stopping needs validation examples: set task.split.validation"},
           taught_from_outside(
               "A strategy that fits the weak model again, where no model is the supervisor",
               "type = \"noise\"\naccuracy = 0.8\n", "ensemble",
               "tiny.toml:42:13: method 'gce': strategy 'ensemble' fits further weak models like the "
               "supervisor, and here the labels come from outside ([supervisor])"),
           taught_from_outside(
               "A strategy that asks for the weak model's errors, where there is none",
               "type = \"noise\"\naccuracy = 0.8\n", "last_layer_retrain",
               "tiny.toml:42:13: method 'gce': strategy 'last_layer_retrain' balances groups of the weak "
               "model's half by its predictions, and here the labels come from outside "
               "([supervisor])"),
           taught_from_outside(
               "Noise without a rate", "type = \"noise\"\nstructure = \"random\"\n", "ema",
               "tiny.toml:27:2: [supervisor]: expected accuracy or accuracy_of, found neither"),
           taught_from_outside(
               "A judge of the noise that is no model",
               "structure = \"strong_unsure\"\ntype = \"noise\"\naccuracy = 0.8\n"
               "judge = \"strnog\"\n",
               "ema",
               "tiny.toml:31:1: [supervisor]: judge = 'strnog' is not in [models] (did you mean "
               "'strong'?); there is 'weak' or 'strong'"),
           taught_from_outside("Noise by a matrix of other classes",
                               "type = \"noise\"\nstructure = \"matrix\"\n"
                               "matrix = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]\n",
                               "ema", "tiny.toml:27:2: [supervisor]: matrix has 3 rows, the task 2 classes"),
           taught_from_outside(
               "Labels from a file that does not exist", "type = \"file\"\npath = \"labels.csv\"\n", "ema",
               "tiny.toml:27:2: [supervisor]: the file '{dir}/labels.csv' does not exist; '{dir}' "
               "has no 'labels.csv'"),
           file("A pair of unknown models", "weak = \"weak\"", "weak = \"week\"",
                "tiny.toml:28:1: [pairs]: weak = 'week' is not in [models] (did you mean 'weak'?); there is "
                "'weak' "
                "or 'strong'"),
           file("A matrix that does not fit the task", "loss = \"gce\"",
                "loss = { type = \"forward_correction\", transition = [[1, 0, 0], [0, 1, 0], [0, 0, 1]] }",
                "tiny.toml:39:1: method 'gce': loss 'forward_correction' (…): transition: a 3×3 matrix for a "
                "task of 2 "
                "classes, "
                "expected 2×2"),
           file("Rows that do not sum to 1", "loss = \"gce\"",
                "loss = { type = \"forward_correction\", transition = [[0.9, 0.1], [0.2, 0.2]] }",
                "tiny.toml:39:1: method 'gce': loss 'forward_correction' (…): transition: row 1 sums to 0.4, "
                "expected 1 "
                "(rows are "
                "true classes)"),
           BadInput{"A binary loss for many classes",
                    {{"class_count = 2", "class_count = 3"}, {"loss = \"gce\"", "loss = \"logconf\""}},
                    kRun,
                    2,
                    "tiny.toml:39:1: method 'gce': loss 'logconf' is binary only and the task has 3 classes; "
                    "'aux_confidence' "
                    "serves any number"},
           file("A checkpoint that does not exist", "hidden = [16]",
                "hidden = [16]\ninit = \"old.safetensors\"",
                "tiny.toml:23:9: model 'strong': init: the file '{dir}/old.safetensors' does not exist; "
                "'{dir}' has no "
                "'old.safetensors'"),
       }},
      {"Data",
       {
           file("A folder that does not exist", "path = \"data\"", "path = \"dota\"",
                "tiny.toml:4:2: task 'image_classification': the file "
                "'{dir}/dota/train-images-idx3-ubyte.gz' does not "
                "exist; '{dir}' has no 'dota' (did you mean 'data'?)"),
           job("A file that was cut off", "path = \"data\"", "path = \"cut\"",
               "task 'image_classification' (…): {dir}/cut/train-images-idx3-ubyte: its sizes promise more "
               "than its 984 bytes of data"),
           job("A file of another format", "path = \"data\"", "path = \"text\"",
               "task 'image_classification' (…): {dir}/text/train-images-idx3-ubyte: not an IDX file of "
               "bytes in 3 dimension(s): its first four bytes "
               "are wrong"),
           job("More classes than the data have", "class_count = 2", "class_count = 3",
               "tiny.toml:4:2: task: the test set 'test' lacks a class; set task.split.balanced_test = "
               "false"),
           job("Halves larger than the training set", "transfer = 300", "transfer = 500",
               "tiny.toml:4:2: task.split asks for a supervisor half of 300 rows and a transfer half of 500, "
               "each with "
               "50 held out for validation; the task has 600 training rows"),
           file("A preset that does not exist", "type = \"image_classification\"", "preset = \"bolq\"",
                "tiny.toml:5:1: [task]: there is no preset 'bolq' (did you mean 'boolq'?); there are …"),
           BadInput{"Files that the folder does not have",
                    {{"type = \"image_classification\"", "preset = \"sst2\""}, kNoImages},
                    kRun,
                    2,
                    "task 'text_classification': no data file in '{dir}/rows' matches "
                    "'**/*train[.-]*' or '**/train/*'; it has reviews.csv"},
           BadInput{"Malformed rows",
                    {{"type = \"image_classification\"",
                      "type = \"text_classification\"\ntrain = \"reviews.csv\"\nheld_out = 1\n"
                      "template = \"{text}\""},
                     kNoImages},
                    kRun,
                    1,
                    "task 'text_classification': 4 malformed rows of 6 in 'train'\n"
                    "  {dir}/rows/reviews.csv:3: column 'label': '9' is not one of the labels '0' or '1'\n"
                    "  {dir}/rows/reviews.csv:4: 3 fields where the header has 2\n"
                    "  {dir}/rows/reviews.csv:5: the text is empty\n"
                    "  {dir}/rows/reviews.csv:6: a quoted field that never ends; where quotes are ordinary "
                    "characters, set 'quotes' = false\n"
                    "on_bad_rows = \"skip\" leaves them out"},
           BadInput{"Early stopping without validation",
                    {{"validation = 50", ""}, {"epochs = 4", "epochs = 4\nearly_stopping = true"}},
                    kRun,
                    2,
                    "tiny.toml:33:1: early_stopping needs validation examples: set task.split.validation"},
           job("A row that the images do not have", "rows = [2, 5]", "rows = [2, 9]",
               "model 'mlp'…: rows names 9 and the images have 8 rows, counted from 0"),
           job("A learning rate that diverges", "lr = 3e-3", "lr = 1e30",
               "loss 'cross_entropy' at step 1 (epoch 0): the gradient is not finite"),
       }},
      {"Plugins",
       {
           plugin("A source that does not exist", "my_los.cpp",
                  "there is no plugin source '{dir}/my_los.cpp': No such file or directory"),
           plugin("A library that does not exist", "my_los.so",
                  "there is no plugin '{dir}/my_los.so': No such file or directory"),
           plugin("A source that does not compile", "typo.cpp",
                  "plugin source '{dir}/typo.cpp' does not compile:\n…typo.cpp:1:…"),
           plugin("A file that is no library", "tiny.toml",
                  "plugin '{dir}/tiny.toml' is not a shared library (no ELF header)"),
           plugin("A library that was cut off", "cut.so",
                  "plugin '{dir}/cut.so' is truncated or damaged: build or copy it again"),
           plugin("A library that is no plugin", "{plugins}/no_stamp.so",
                  "plugin '{plugins}/no_stamp.so' carries no w2s stamp: build it with w2s_add_plugin()"),
           plugin("A plugin built against another LibTorch", "other_torch.so",
                  "plugin '{dir}/other_torch.so' was not built for this w2s: LibTorch version: plugin '…', "
                  "this w2s "
                  "'…'. Rebuild it: …"),
           plugin(
               "A plugin that saw other headers", "{plugins}/wrong_interface_size.so",
               "plugin '{plugins}/wrong_interface_size.so': loss 'wrong_interface_size' (…) was compiled "
               "against another loss interface: plugin …, this w2s …. Rebuild it against this w2s's headers"),
           plugin("A function that nobody defines", "{plugins}/undefined_symbol.so",
                  "plugin '{plugins}/undefined_symbol.so' cannot be loaded: it uses "
                  "'nobody::wrote_this(at::Tensor "
                  "const&)', which neither it nor the SDK defines: link what defines it into the plugin"),
           plugin("A plugin that registers nothing", "{plugins}/no_entries.so",
                  "plugin '{plugins}/no_entries.so' registers nothing: end its source with a line such as "
                  "W2S_LOSS(MyLoss, \"my_loss\");"),
           command("A name that another plugin has",
                   {"run", "tiny.toml", "--plugin", "{plugins}/sound.so", "--plugin",
                    "{plugins}/duplicate_name.so"},
                   "loss 'sound' is registered twice: at …sound.cpp:… (in {plugins}/sound.so) and at "
                   "…duplicate_name.cpp:… (in {plugins}/duplicate_name.so). Give one of them another name"),
           plugin("One name twice in one plugin", "{plugins}/duplicate_twin.so",
                  "loss 'twin' is registered twice: at …duplicate_twin.cpp:… (in "
                  "{plugins}/duplicate_twin.so) and "
                  "at …duplicate_twin.cpp:… (in {plugins}/duplicate_twin.so). Give one of them another name"),
           broken_loss(
               "A loss that returns NaN", "not_a_number",
               "loss 'not_a_number' at step 0 (epoch 0) is not a number for example 'train/…'; its logits "
               "lie in [0, "
               "0]. A lower learning rate or clip_norm may help; otherwise the loss is not safe at these "
               "logits"),
           broken_loss(
               "A loss that returns the mean of the batch", "wrong_shape",
               "loss 'wrong_shape' at step 0 (epoch 0) returned shape []; expected one value per example, "
               "[32]"),
           broken_loss(
               "A loss that fails in training", "throws_mid_training",
               "loss 'throws_mid_training' (…): mat1 and mat2 shapes cannot be multiplied (32x2 and 3x1) "
               "(fit strong, step 2 of 32)"),
           broken_loss("A loss that throws what is no exception", "foreign_throw",
                       "loss 'foreign_throw' (…): threw something that is not a std::exception"),
       }},
  };
  return groups;
}

void write_bad_files(const Workbench& bench) {
  const std::string sound = read_whole(std::string(W2S_BAD_PLUGINS_DIR) + "/sound.so");
  bench.write("cut.so", sound.substr(0, sound.size() / 4));
  const std::size_t torch = sound.find("\ntorch=");
  if (torch != std::string::npos) {
    std::string other = sound;
    other[torch + 7] = other[torch + 7] == '9' ? '8' : '9';
    bench.write("other_torch.so", other);
  }
  bench.write("typo.cpp", "#include <w2s/plugn.hpp>\n");
  std::filesystem::create_directory(bench.path("rows"));
  bench.write("rows/reviews.csv", "text,label\nfine,1\ndull,9\nlong,0,0\n\" \",0\n\"never,1\nslow,0\n");
  for (const char* folder : {"cut", "text"}) {
    write_images(bench.path(folder), "train", 600, 1);
    write_images(bench.path(folder), "t10k", 300, 2);
  }
  const std::string images = "/train-images-idx3-ubyte";
  bench.write("cut" + images, bench.read("cut" + images).substr(0, 1000));
  bench.write("text" + images, "these are not images\n");
}

}  // namespace w2s::e2e
