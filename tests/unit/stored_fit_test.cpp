// A fit on disk: written and read back, and read from a store of the first format.
#include "lab/stored_fit.hpp"

#include <gtest/gtest.h>

#include <w2s/digest.hpp>

#include "check/tiny_world.hpp"
#include "lab/recipe.hpp"

namespace w2s {
namespace {

StoredFit an_example() {
  StoredFit fit;
  fit.model = "strong";
  fit.blueprint.spec = {"mlp", Table{{"hidden", List{4}}}, {}};
  fit.blueprint.context.kind = TaskKind::preference;
  fit.blueprint.context.classes = 3;
  fit.blueprint.context.input_shape = {2, 5};
  fit.blueprint.seed = 18446744073709551615u;
  fit.blueprint.init = "weights.safetensors";
  fit.blueprint.pretrain = sha256("pretrain");
  fit.backbone_key = sha256("backbone");
  fit.backbone_fit = sha256("fit below");
  fit.trained_backbone = true;
  fit.train.epochs = 7;
  fit.train.lr = 0.1;
  fit.loss = {"gce", Table{{"q", 0.5}}, {}};
  fit.weight_average = 0.9;
  fit.seed = 18446744073709551615u;
  fit.start = Student(std::vector<std::string>{sha256("a"), sha256("b")});
  fit.draft = Student(sha256("c"));
  fit.examples = 11;
  fit.validation = 5;
  fit.device = "cuda";
  fit.oracle = true;
  fit.steps = 100;
  fit.kept_step = 90;
  fit.oracle_step = 80;
  fit.seconds = 1.5;
  fit.peak_bytes = 1 << 20;
  fit.processes = 2;
  fit.rule = {"co_teaching", Table{{"noise", 0.2}}, {}};
  fit.students = {sha256("d"), sha256("e")};
  return fit;
}

nlohmann::json written(const StoredFit& fit) {
  nlohmann::json manifest;
  fit.write(manifest);
  return manifest;
}

TEST(StoredFit, IsReadAsItWasWritten) {
  const ScratchFolder folder;
  Store store(folder.path());
  const StoredFit fit = an_example();
  const std::string key = sha256("this fit");
  store.put(key, "fit", [&](ObjectWriter& object) { fit.write(object.manifest()); });
  const StoredFit again = StoredFit::read(store, key);
  EXPECT_EQ(again.key, key);
  EXPECT_EQ(written(again), written(fit));
  // Every field is in it: a field that is not written would leave one of these behind.
  EXPECT_NE(written(StoredFit()), written(fit));
  const nlohmann::json all = written(fit), usual = written(StoredFit());
  for (const auto& [name, value] : all.items()) {
    EXPECT_TRUE(!usual.contains(name) || usual.at(name) != value) << name << " has its default in this test";
  }
  EXPECT_EQ(again.weights(store), store.path(key) + "/model.safetensors");
  EXPECT_EQ(again.weights(store, true), store.path(key) + "/oracle.safetensors");
}

TEST(StoredFit, OfTheFirstFormatIsRead) {
  const ScratchFolder folder;
  Store store(folder.path());
  const std::string key = sha256("old");
  store.put(key, "fit", [&](ObjectWriter& object) {
    object.manifest() = {{"model", "weak"},
                         {"trained_backbone", false},
                         {"start", nlohmann::json::array()},
                         {"train", {{"epochs", 3}, {"trainable", "head"}}},
                         {"loss", {{"type", "cross_entropy"}}},
                         {"seed", 1},
                         {"examples", 10},
                         {"oracle", false},
                         {"steps", 30},
                         {"blueprint", an_example().blueprint.to_json()},
                         {"backbone", {{"key", sha256("b")}, {"fit", ""}}}};
  });
  const StoredFit fit = StoredFit::read(store, key);
  EXPECT_EQ(fit.model, "weak");
  EXPECT_EQ(fit.train.epochs, 3);
  EXPECT_EQ(fit.steps, 30);
  EXPECT_TRUE(fit.rule.empty());
}

TEST(StoredFit, OtherObjectsAreNone) {
  const ScratchFolder folder;
  Store store(folder.path());
  const std::string key = sha256("features");
  store.put(key, "features", [](ObjectWriter&) {});
  EXPECT_THROW(StoredFit::read(store, key), Error);
  EXPECT_THROW(StoredFit::read(store, sha256("nothing")), Error);
}

}  // namespace
}  // namespace w2s
