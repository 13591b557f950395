#include "report/html_report.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <w2s/digest.hpp>

#include "base/scratch_folder.hpp"
#include "report/html_page.hpp"
#include "results/ledger.hpp"
#include "results/predictions.hpp"

namespace w2s {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

template <class T>
std::string bytes(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string safetensors(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  return bytes(std::vector<std::uint64_t>{length}) + header + data;
}

/// One test set of two classes: what is predicted, how surely, and the truth.
std::string predictions_file(const std::vector<std::int64_t>& predicted,
                             const std::vector<std::int64_t>& labels, float confidence) {
  std::vector<float> probabilities;
  for (const std::int64_t label : predicted) {
    probabilities.push_back(label == 0 ? confidence : 1 - confidence);
    probabilities.push_back(label == 0 ? 1 - confidence : confidence);
  }
  const std::size_t n = labels.size();
  const json header = {
      {"test.labels", {{"dtype", "I64"}, {"shape", {n}}, {"data_offsets", {0, 8 * n}}}},
      {"test.probabilities", {{"dtype", "F32"}, {"shape", {n, 2}}, {"data_offsets", {8 * n, 16 * n}}}}};
  return safetensors(header.dump(), bytes(labels) + bytes(probabilities));
}

const std::string kHostile = "</script><script>alert(1)</script><!-- & \"'\xE2\x80\xA8{{d3}}";
const std::vector<std::int64_t> kTruth = {0, 0, 0, 1, 1, 1};
const std::vector<std::int64_t> kWeak = {0, 0, 1, 0, 0, 1};
const std::vector<std::int64_t> kStrong = {0, 1, 0, 0, 1, 1};

class HtmlReport : public testing::Test {
 protected:
  HtmlReport() : store_(folder_ / "store") {}

  std::string key(const std::string& name) const { return sha256(name); }

  Record record(const std::string& kind, const std::string& method, std::int64_t seed, double accuracy) {
    Record r;
    r.key = key(kind + method + std::to_string(seed));
    r.kind = kind;
    r.experiment = "quick";
    r.task = "task";
    r.protocol = "p";
    if (kind != "ceiling") r.weak = "zeta";
    if (kind != "floor") r.strong = "alpha";
    r.method = method;
    r.seed = seed;
    r.tests["test"]["accuracy"] = accuracy;
    r.provenance = {{"experiment", "[models.zeta]\ntype = \"a\"\n[models.alpha]\ntype = \"b\"\n"},
                    {"commit", "c"}};
    if (kind == "student") {
      r.floor = key("floor" + std::to_string(seed));
      r.ceiling = key("ceiling" + std::to_string(seed));
    }
    return r;
  }

  std::vector<Record> records(const std::string& method) {
    std::vector<Record> list;
    for (int seed = 0; seed < 3; ++seed) {
      list.push_back(record("floor", "", seed, 0.60 + 0.002 * seed));
      list.push_back(record("ceiling", "", seed, 0.80 - 0.002 * seed));
      list.push_back(record("student", method, seed, 0.70 + 0.001 * seed));
    }
    return list;
  }

  void keep(const Record& record, const std::string& predictions) {
    ObjectWriter object = store_.begin(record.key, "record");
    object.manifest()["record"] = record;
    write(object.folder() + "/predictions.safetensors", predictions);
    object.commit();
  }

  json data_of(const std::vector<Record>& list) {
    return report_data(list, make_leaderboard(list), Collection({folder_ / "store"}));
  }

  static json data_in(const std::string& page) {
    const std::string start = "<script type=\"application/json\" id=\"data\">";
    const std::size_t begin = page.find(start) + start.size();
    return json::parse(page.substr(begin, page.find("</script>", begin) - begin));
  }

  ScratchFolder folder_;
  Store store_;
};

TEST_F(HtmlReport, DataOfThePageAreTheDataGiven) {
  const json data = data_of(records("naive"));
  EXPECT_EQ(data_in(html_page(data)), data);
}

TEST_F(HtmlReport, HostileNamesStayText) {
  std::vector<Record> list = records(kHostile);
  for (Record& r : list) r.task = r.experiment = kHostile;
  const std::string plain = html_page(data_of(records("naive"))), page = html_page(data_of(list));
  const auto count = [](const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
    return n;
  };
  for (const char* part : {"<script", "</script", "<!--"})
    EXPECT_EQ(count(page, part), count(plain, part)) << part;
  EXPECT_EQ(data_in(page).at("rows").at(0).at("method"), kHostile);
}

TEST_F(HtmlReport, BytesThatAreNotUtf8AreReplaced) {
  const json data = data_in(html_page({{"name", "a\xFF"}}));
  EXPECT_EQ(data.at("name"), "a\uFFFD");
}

TEST_F(HtmlReport, PageIsWholeAndAsksForNothing) {
  const std::string page = html_page(json::object());
  EXPECT_THAT(page, Not(HasSubstr("{{")));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  for (const char* outside : {" src=\"", "<link", "@import", "url("}) {
    EXPECT_THAT(std::string(kReportHtml) + std::string(kReportCss), Not(HasSubstr(outside)));
  }
  EXPECT_THAT(std::string(kReportJs), Not(HasSubstr("innerHTML")));
  EXPECT_THAT(page, HasSubstr("Redistribution and use in source and binary forms"));
  EXPECT_GT(page.size(), 200'000u);
  EXPECT_LT(page.size(), 600'000u);
}

TEST_F(HtmlReport, RowsKnowTheirRunsAndRunsTheirBaselines) {
  const json data = data_of(records("naive"));
  ASSERT_EQ(data.at("rows").size(), 1u);
  EXPECT_EQ(data.at("rows")[0].at("runs"), json({2, 5, 8}));
  EXPECT_EQ(data.at("runs")[5].at("floor"), 3);
  EXPECT_EQ(data.at("runs")[5].at("ceiling"), 4);
  EXPECT_EQ(data.at("runs")[0].at("floor"), nullptr);
}

TEST_F(HtmlReport, ModelsStandInTheOrderOfTheirFileAndConfigurationsOnce) {
  const json data = data_of(records("naive"));
  EXPECT_EQ(data.at("models"), json({"zeta", "alpha"}));
  EXPECT_EQ(data.at("configs").size(), 1u);
  EXPECT_EQ(data.at("runs")[8].at("config"), 0);
  const auto provenance = data.at("runs")[8].at("provenance").get<std::size_t>();
  EXPECT_FALSE(data.at("provenances").at(provenance).contains("experiment"));
}

TEST_F(HtmlReport, CasesAgainstTheSupervisorAreCountedAndNamed) {
  const std::vector<Record> list = records("naive");
  keep(list[0], predictions_file(kWeak, kTruth, 0.75F));
  keep(list[2], predictions_file(kStrong, kTruth, 0.9F));
  const json found = data_of(list).at("runs")[2].at("against_supervisor").at("test");
  EXPECT_EQ(found.at("examples"), 6);
  EXPECT_EQ(
      found.at("counts"),
      json({{"both_right", 2}, {"corrected", 2}, {"lost", 1}, {"copied", 1}, {"differently_wrong", 0}}));
  EXPECT_EQ(found.at("cases").at("corrected"), json({{2, 0, 1, 0, 0.75, 0.9}, {4, 1, 0, 1, 0.75, 0.9}}));
  EXPECT_EQ(found.at("cases").at("lost"), json({{1, 0, 0, 1, 0.75, 0.9}}));
}

TEST_F(HtmlReport, ReliabilityHasFifteenBinsOfConfidence) {
  const std::vector<Record> list = records("naive");
  keep(list[0], predictions_file(kWeak, kTruth, 0.75F));
  const json bins = data_of(list).at("runs")[0].at("reliability").at("test");
  ASSERT_EQ(bins.size(), 15u);
  EXPECT_EQ(bins[11], json({6, 0.75, 0.5}));
  EXPECT_EQ(bins[10], json({0, nullptr, nullptr}));
}

TEST_F(HtmlReport, LogsAreThinnedToMeansOfStretches) {
  std::vector<Record> list = records("naive");
  const std::string fit = key("fit");
  {
    ObjectWriter object = store_.begin(fit, "fit");
    object.manifest()["validation"] = 50;
    std::ofstream log(object.folder() + "/log.jsonl");
    for (int step = 0; step < 300; ++step) {
      json line = {{"step", step}, {"loss", step % 2 == 0 ? 1.0 : 3.0}};
      if (step == 299) line["validation_agreement"] = 0.5;
      log << line << '\n';
    }
    log.close();
    object.commit();
  }
  list[2].fits = {fit, key("gone")};
  const json data = data_of(list), kept = data.at("fits").at(0);
  EXPECT_EQ(data.at("runs")[2].at("fits"), json({0, nullptr}));
  EXPECT_EQ(kept.at("log").at("loss"), json(std::vector<double>(150, 2.0)));
  EXPECT_EQ(kept.at("validation").at("validation_agreement"), json({{"step", {299}}, {"value", {0.5}}}));
  EXPECT_EQ(kept.at("validation_examples"), 50);
}

TEST(Predictions, DamagedFilesAreNamed) {
  const ScratchFolder folder;
  const std::string path = folder / "predictions.safetensors", good = predictions_file(kWeak, kTruth, 0.75F);
  write(path, good);
  EXPECT_EQ(read_predictions(path).at("test").label(2), 1);
  const std::string offsets = R"({"t.labels":{"dtype":"I64","shape":[9],"data_offsets":[0,72]}})";
  const std::string huge =
      R"({"t.labels":{"dtype":"I64","shape":[4294967296,4294967296],"data_offsets":[0,8]}})";
  const std::string type = R"({"t.labels":{"dtype":"I32","shape":[1],"data_offsets":[0,8]}})";
  const std::string alone = R"({"t.labels":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})";
  for (const std::string& bad :
       {std::string(), good.substr(0, 20), good.substr(0, good.size() - 1), safetensors(offsets, "12345678"),
        safetensors(huge, "12345678"), safetensors(type, "12345678"), safetensors(alone, "12345678"),
        safetensors("[1]", ""), std::string(8, '\xFF')}) {
    write(path, bad);
    try {
      read_predictions(path);
      ADD_FAILURE() << "read " << bad.size() << " bytes";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(path + ": "));
    }
  }
}

}  // namespace
}  // namespace w2s
