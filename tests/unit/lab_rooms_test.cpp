// The rooms of a lab, one by one: drafts, kept features, heads, the account of what was used.
#include <gtest/gtest.h>

#include "../support/plugins.hpp"
#include "check/tiny_world.hpp"
#include "lab/drafts.hpp"
#include "lab/stored_fit.hpp"

namespace w2s {
namespace {

// A context over two rows of text, or of vectors, of some kind of task.
struct SmallContext {
  explicit SmallContext(TaskKind kind, bool texts) {
    Columns columns;
    columns.ids = {"a", "b"};
    columns.labels = at::zeros({2}, at::kLong);
    if (texts) {
      columns.text = {"one", "two"};
      if (kind != TaskKind::classification) columns.second = {"eins", "zwei"};
    } else {
      columns.dense = at::zeros({2, 3});
    }
    data.kind = kind;
    data.classes = kind == TaskKind::generation ? 1 : 2;
    data.class_names = {"bad", "good"};
    data.train = Examples(std::move(columns));
    LabSetup setup;
    setup.experiment = &experiment;
    setup.registry = &plugins();
    setup.store = &store;
    setup.data = &data;
    setup.splits = &splits;
    context = std::make_unique<LabContext>(setup);
    drafts = std::make_unique<Drafts>(Drafts{*context,
                                             [](const Student&, const Examples&) {
                                               return at::tensor({0.9f, 0.1f, 0.2f, 0.8f}).view({2, 2});
                                             },
                                             [](const Student&, const Examples&) {
                                               return Answers{{" uno ", "dos"}, at::ones({2})};
                                             }});
  }

  ScratchFolder folder;
  Store store{folder.path()};
  Experiment experiment;
  TaskData data;
  Splits splits;
  std::unique_ptr<LabContext> context;
  std::unique_ptr<Drafts> drafts;
};

const Student kDraft{std::string(64, 'a')};

TEST(LabDrafts, StandAtTheEndOfTheText) {
  SmallContext classes(TaskKind::classification, true);
  const Examples read = classes.drafts->read(kDraft, classes.data.train);
  EXPECT_EQ(read.text(0), "one bad");
  EXPECT_EQ(read.text(1), "two good");
  SmallContext answers(TaskKind::generation, true);
  const Examples drafted = answers.drafts->read(kDraft, answers.data.train);
  EXPECT_EQ(drafted.text(0), "one uno");
  EXPECT_EQ(drafted.second(1), "zwei");
}

TEST(LabDrafts, WithoutOneTheExamplesStayAsTheyAre) {
  SmallContext classes(TaskKind::classification, true);
  EXPECT_EQ(classes.drafts->read(Student(), classes.data.train).digest(), classes.data.train.digest());
}

TEST(LabDrafts, AreForSingleTexts) {
  SmallContext vectors(TaskKind::classification, false), pairs(TaskKind::preference, true);
  EXPECT_THROW(vectors.drafts->read(kDraft, vectors.data.train), UsageError);
  EXPECT_THROW(pairs.drafts->read(kDraft, pairs.data.train), UsageError);
}

TEST(LabBackbones, KeepFeaturesOnceForEverySelectionFromASet) {
  TinyWorld world(plugins(), blobs(80, 2, 3, 1.0, 1), 2);
  const Tensor all = world.lab().features("strong", world.transfer());
  const Tensor some = world.lab().features("strong", world.transfer().select({5, 2}));
  EXPECT_TRUE(some.equal(all.index_select(0, at::tensor({5, 2}))));
  EXPECT_EQ(Store::read_only(world.store()).list("features").size(), 1u);
}

TEST(LabStudents, PredictWithTheHeadThatTheyWereGiven) {
  TinyWorld world(plugins(), blobs(80, 2, 3, 1.0, 1), 2);
  const Student student = world.lab().fit(world.weak_labels(), world.spec());
  const Tensor features = world.lab().features(student, world.test());
  const Tensor weight = at::ones({2, features.size(1)}), bias = at::tensor({0.0f, 1.0f});
  const Student other = world.lab().with_head(student, weight, bias);
  const Tensor expected = (features.matmul(weight.t()) + bias).softmax(1);
  EXPECT_TRUE(world.lab().predict(other, world.test()).allclose(expected, 1e-5, 1e-6));
  const StoredFit stored = StoredFit::read(Store::read_only(world.store()), other.members()[0]);
  EXPECT_EQ(stored.start.members(), student.members());
  EXPECT_TRUE(stored.train.head_bias);
}

TEST(LabContext, CountsWhatIsUsedOnceAndWhatIsComputed) {
  SmallContext small(TaskKind::classification, true);
  small.context->note("a", true);
  small.context->note("b", false);
  small.context->note("a", false);
  EXPECT_EQ(small.context->used(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(small.context->computed(), 1);
  EXPECT_TRUE(small.context->note("c", true));
  EXPECT_FALSE(small.context->note("c", true));  // a job of a group asks for its probe twice
  EXPECT_EQ(small.context->computed(), 2);
}

}  // namespace
}  // namespace w2s
