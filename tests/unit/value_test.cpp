#include <w2s/value.hpp>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

namespace w2s {
namespace {

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no UsageError";
}

TEST(Table, KeepsTheOrderOfItsKeysAndReplacesInPlace) {
  Table table{{"b", 1}, {"a", 2}};
  table.set("c", 3);
  table.set("b", 4);
  EXPECT_EQ(table.keys(), (std::vector<std::string>{"b", "a", "c"}));
  EXPECT_EQ(table.at("b").as_int(), 4);
  EXPECT_TRUE(table.erase("a"));
  EXPECT_FALSE(table.erase("a"));
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(table.find("a"), nullptr);
}

TEST(Table, NamesTheNearestKeyOfAMissingOne) {
  const Table table = Table{{"epochs", 1}}.at({"x.toml", 2, 1});
  EXPECT_EQ(message_of([&] { table.at("epoch"); }),
            "x.toml:2:1: 'epoch' is missing (did you mean 'epochs'?)");
}

TEST(Table, CopiesDeeply) {
  Table a{{"inner", Table{{"x", 1}}}};
  Table b = a;
  b.find("inner")->as_table().set("x", 2);
  EXPECT_EQ(a.at("inner").as_table().at("x").as_int(), 1);
}

TEST(Value, SaysWhatItExpectedAndFound) {
  Value value("abc");
  value.at({"x.toml", 3, 7});
  EXPECT_EQ(message_of([&] { value.as_int(); }), "x.toml:3:7: expected an integer, found a string (\"abc\")");
  EXPECT_EQ(message_of([&] { Value(2.0).as_int(); }), "expected an integer, found a real (2.0)");
  EXPECT_EQ(message_of([&] { Value(List{}).as_string(); }), "expected a string, found a list");
  EXPECT_EQ(message_of([&] { Value(1).as_bool(); }), "expected a boolean, found an integer (1)");
  EXPECT_EQ(message_of([&] { Value().as_table(); }), "expected a table, found null");
  EXPECT_EQ(message_of([&] { Value(true).as_list(); }), "expected a list, found a boolean (true)");
  EXPECT_EQ(message_of([&] { Value(std::string(80, 'x')).as_real(); }), "expected a number, found a string");
}

TEST(Value, TakesIntegersWhereRealsAreAskedFor) { EXPECT_EQ(Value(3).as_real(), 3.0); }

TEST(Value, ComparesContentsNotSourcesNorKeyOrder) {
  Value a(Table{{"x", 1}, {"y", List{1, "z"}}});
  Value b(Table{{"y", List{1, "z"}}, {"x", 1}});
  b.at({"somewhere", 1, 1});
  EXPECT_EQ(a, b);
  EXPECT_FALSE(Value(1) == Value(1.0));
  EXPECT_FALSE(Value(Table{{"x", 1}}) == Value(Table{{"x", 1}, {"y", 1}}));
  EXPECT_EQ(Value(std::nan("")), Value(std::nan("")));
}

TEST(Value, CanonicalTextSortsKeysAndTellsIntegersFromReals) {
  const Value value(Table{{"b", List{1, 1.0, 0.1, true}}, {"a", "q\"\\\n\x01"}, {"c", Value()}});
  EXPECT_EQ(value.canonical(), R"({"a":"q\"\\\n\u0001","b":[1,1.0,0.1,true],"c":null})");
}

TEST(Value, CanonicalNumbersReadBackExactly) {
  for (const double v : {0.1, 1e-5, 1e300, 5e-324, 123456789.0, -2.5, 1.0 / 3.0}) {
    EXPECT_EQ(std::strtod(Value(v).canonical().c_str(), nullptr), v);
  }
  EXPECT_EQ(Value(-0.0).canonical(), "0.0");
  EXPECT_EQ(Value(1e-5).canonical(), "1e-05");
}

TEST(Value, TomlIsOneLine) {
  const Value value(Table{{"type", "gce"}, {"a b", List{1, 2.0}}, {"n", Table{}}});
  EXPECT_EQ(value.toml(), R"({ type = "gce", "a b" = [1, 2.0], n = {} })");
  EXPECT_EQ(Value(std::numeric_limits<double>::infinity()).toml(), "inf");
  EXPECT_EQ(Value(-std::numeric_limits<double>::infinity()).toml(), "-inf");
  EXPECT_EQ(Value(std::nan("")).toml(), "nan");
  EXPECT_THROW(Value().toml(), Error);
}

TEST(Source, ShowsOnlyWhatIsKnown) {
  EXPECT_EQ((Source{"a.toml", 1, 2}.text()), "a.toml:1:2");
  EXPECT_EQ((Source{"rows.csv", 3, 0}.text()), "rows.csv:3");
  EXPECT_EQ((Source{"--set a=1", 0, 0}.text()), "--set a=1");
  EXPECT_EQ(Source{}.text(), "");
}

TEST(UsageError, CarriesItsPlaceAndTakesASecondOneFromNobody) {
  const UsageError bare("no"), placed({"a.toml", 1, 2}, "no");
  EXPECT_STREQ(placed.what(), "a.toml:1:2: no");
  EXPECT_EQ(placed.message(), "no");
  EXPECT_EQ(placed.place().line, 1);
  EXPECT_FALSE(bare.place().known());
  EXPECT_STREQ(bare.at({"b.toml", 3, 4}).what(), "b.toml:3:4: no");
  EXPECT_STREQ(placed.at({"b.toml", 3, 4}).what(), "a.toml:1:2: no");
  EXPECT_STREQ(bare.at({}).what(), "no");
  EXPECT_STREQ(placed.under("[train]").what(), "a.toml:1:2: [train]: no");
  EXPECT_STREQ(bare.under("[train]").what(), "[train]: no");
}

}  // namespace
}  // namespace w2s
