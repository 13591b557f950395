#include <w2s/task.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "../support/folder_test.hpp"
#include "../support/plugins.hpp"
#include "plugins/registry.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

class WordNet : public FolderTest {
 protected:
  std::unique_ptr<ITask> task(const std::string& data, Table params) const {
    std::ofstream(folder_ / "data.noun") << data;
    params.set("path", folder_.string());
    return plugins().make_task({"wordnet", params, {}});
  }
};

const std::string kData =
    "  1 This software and database is being provided to you\n"
    "00000001 05 n 02 red_fox 0 fox 1 001 @ 00000009 n 0000 | a red canine; \"the fox ran\"  \n"
    "00000002 20 n 01 fern 0 000 | a plant without flowers; or seeds  \n"
    "00000003 18 n 01 smith 0 000 | one who works metal  \n"
    "00000004 20 n 01 moss 0 000 | a small plant  \n"
    "00000005 05 n 01 red_fox 0 000 | the fur's animal  \n"
    "00000006 05 n 01 hen 0 000 | a small plant  \n";

TEST_F(WordNet, SortsDefinitionsByTheirLexicographerFile) {
  const TaskData data = task(kData, {{"classes", List{"plant", "animal"}}, {"test", 1}})->load();
  std::map<std::string, std::int64_t> label_of;
  for (const Examples* part : {&data.train, &data.test}) {
    for (std::int64_t i = 0; i < part->size(); ++i) {
      label_of[part->text(i)] = part->labels()[i].item<std::int64_t>();
    }
  }
  // Examples of use are cut off, one of two equal definitions is kept, the smith is of no class asked for.
  EXPECT_EQ(label_of, (std::map<std::string, std::int64_t>{{"a plant without flowers; or seeds", 0},
                                                           {"a small plant", 0},
                                                           {"a red canine", 1},
                                                           {"the fur's animal", 1}}));
}

TEST_F(WordNet, FillsTheTemplateAndKeepsAWordTogether) {
  const TaskData data =
      task(kData, {{"classes", List{"plant", "animal"}}, {"test", 1}, {"template", "{word}: {definition}"}})
          ->load();
  std::map<std::string, std::int64_t> group_of;
  for (const Examples* part : {&data.train, &data.test}) {
    for (std::int64_t i = 0; i < part->size(); ++i) group_of[part->text(i)] = part->group(i);
  }
  EXPECT_EQ(group_of.at("red fox: a red canine"), group_of.at("red fox: the fur's animal"));
  EXPECT_NE(group_of.at("red fox: a red canine"), group_of.at("moss: a small plant"));
}

TEST_F(WordNet, RefusesLinesThatAreNotNouns) {
  try {
    task("00000001 30 v 01 run 0 000 | move fast\n", {})->load();
    ADD_FAILURE();
  } catch (const UsageError& error) {
    EXPECT_TRUE(std::string(error.what()).ends_with("data.noun:1: not a line of WordNet's data.noun"))
        << error.what();
  }
  EXPECT_THROW(task(kData, {{"classes", List{"plant", "plant"}}}), UsageError);
}

TEST_F(WordNet, ReadsTheInstalledDictionary) {
  const std::unique_ptr<ITask> task =
      plugins().make_task({"wordnet", Table{{"per_class", 400}, {"test", 1000}}, {}});
  if (!fs::exists(task->files()[0])) GTEST_SKIP() << "wordnet-base is not installed";
  const TaskData data = task->load();
  EXPECT_GE(data.test.size(), 1000);
  EXPECT_EQ(data.train.size() + data.test.size(), 3200);
}

}  // namespace
}  // namespace w2s
