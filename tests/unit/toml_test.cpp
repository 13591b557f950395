#include "values/toml.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace w2s {
namespace {

std::string toml_error(const std::string& text) {
  try {
    parse_toml(text, "x.toml");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

std::string json_error(const std::string& text) {
  try {
    parse_json(text, "x.json");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ParseToml, KeepsTheWrittenOrderEverywhere) {
  const Value value = parse_toml(R"(z = 1
a = { y = 1, b = { d = 1, c = 2 } }
[models.second]
q.w = 1
[models.first]
[[rows]]
n = 1
m = 2
)",
                                 "x.toml");
  EXPECT_EQ(value.as_table().keys(), (std::vector<std::string>{"z", "a", "models", "rows"}));
  EXPECT_EQ(value.as_table().at("a").toml(), "{ y = 1, b = { d = 1, c = 2 } }");
  EXPECT_EQ(value.as_table().at("models").as_table().keys(), (std::vector<std::string>{"second", "first"}));
  EXPECT_EQ(value.as_table().at("rows").toml(), "[{ n = 1, m = 2 }]");
}

TEST(ParseToml, KnowsWhereEveryValueWasWritten) {
  const Value value = parse_toml("[models.big]\n  sizes = [1,\n   2]\n", "d/x.toml");
  const Value& big = value.as_table().at("models").as_table().at("big");
  EXPECT_EQ(big.source().text(), "d/x.toml:1:9");
  EXPECT_EQ(big.as_table().source().text(), "d/x.toml:1:9");
  EXPECT_EQ(big.as_table().at("sizes").source().text(), "d/x.toml:2:3");
  EXPECT_EQ(big.as_table().at("sizes").as_list().at(1).source().text(), "d/x.toml:3:4");
}

TEST(ParseToml, ReadsEveryScalar) {
  EXPECT_EQ(parse_toml("v = [true, -3, 0x10, 1e-5, inf, 'a\\b', \"\\u00e9\"]", "").as_table().at("v"),
            Value(List{true, -3, 16, 1e-5, INFINITY, "a\\b", "é"}));
}

TEST(ParseToml, SaysWhereTextIsNotToml) {
  EXPECT_EQ(toml_error("a = 1\nb = bad").substr(0, 26), "x.toml:2:5: not TOML: Erro");
  EXPECT_EQ(toml_error("a = 1\na = 2").substr(0, 22), "x.toml:2:5: not TOML: ");
  EXPECT_EQ(toml_error("a = \"\xff\"").substr(0, 22), "x.toml:1:5: not TOML: ");
  EXPECT_EQ(toml_error("a = [1,").find('\n'), std::string::npos);
  EXPECT_EQ(toml_error(std::string(5000, '[')).substr(0, 7), "x.toml:");
}

TEST(ParseToml, RefusesDates) {
  EXPECT_EQ(toml_error("day = 1979-05-27"),
            "x.toml:1:1: dates and times are not used here: write it as a string");
  EXPECT_EQ(toml_error("t = [07:32:00]"),
            "x.toml:1:6: dates and times are not used here: write it as a string");
}

TEST(ParseTomlFile, NamesTheFileThatIsNotThere) {
  EXPECT_THROW(parse_toml_file(testing::TempDir() + "none.toml"), UsageError);
  EXPECT_THROW(parse_toml_file(testing::TempDir()), UsageError);
}

TEST(WriteToml, PutsValuesBeforeHeaders) {
  const Table table{
      {"name", "x"},
      {"models", Table{{"a b", Table{{"n", 1}, {"t", Table{{"lr", 1e-5}}}}}, {"empty", Table{}}}},
      {"seeds", List{0, 1}}};
  EXPECT_EQ(write_toml(table),
            "name = \"x\"\nseeds = [0, 1]\n\n[models.\"a b\"]\nn = 1\n\n[models.\"a b\".t]\nlr = "
            "1e-05\n\n[models.empty]\n");
}

TEST(WriteToml, ReadsBackEqual) {
  const Table table{{"s", "quote \" back \\ tab \t line \n null \x01 é"},
                    {"r", List{1.0, 0.1, -1e300, INFINITY, NAN}},
                    {"deep", Table{{"x", Table{{"y", Table{{"", 1}, {"a.b", false}}}}}}},
                    {"rows", List{Table{{"type", "a"}}, Table{}, List{}}}};
  EXPECT_EQ(parse_toml(write_toml(table), ""), Value(table));
}

TEST(ParseJson, KeepsOrderAndKinds) {
  const Value value = parse_json(R"({"b": [1, 1.0, null, true, "é"], "a": {}})", "x.json");
  EXPECT_EQ(value.as_table().keys(), (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(value, Value(Table{{"b", List{1, 1.0, Value(), true, "é"}}, {"a", Table{}}}));
  EXPECT_EQ(parse_json("9223372036854775808", "").kind(), Value::Kind::real);
}

TEST(ParseJson, ReadsLargeObjectsInLinearTime) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i)
    text += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":" + std::to_string(i);
  EXPECT_EQ(parse_json(text + "}", "").as_table().size(), 200'000u);
}

TEST(ParseJson, LimitsTheDepth) {
  EXPECT_EQ(json_error(std::string(128, '[') + std::string(128, ']')), "no error");
  EXPECT_EQ(json_error(std::string(129, '[')), "x.json: nested more than 128 deep");
}

TEST(ParseJson, RefusesWhatIsNotJson) {
  EXPECT_EQ(json_error("{\"a\": }").substr(0, 47), "x.json: not JSON: parse error at line 1, column");
  EXPECT_NE(json_error(""), "no error");
  EXPECT_NE(json_error("[1] 2"), "no error");
  EXPECT_EQ(json_error("{\"a\": 1, \"a\": 2}"), "x.json: key 'a' appears twice");
}

TEST(WriteJson, ReadsBackEqual) {
  const Value value(Table{{"z", List{1, 2.5, Value(), "x\n"}}, {"a", Table{{"b", false}}}});
  EXPECT_EQ(write_json(value), R"({"z":[1,2.5,null,"x\n"],"a":{"b":false}})");
  EXPECT_EQ(parse_json(write_json(value, 2), ""), value);
  EXPECT_EQ(write_json(Value(NAN)), "null");
}

}  // namespace
}  // namespace w2s
