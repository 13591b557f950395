#include <w2s/schema.hpp>

#include <filesystem>

#include <gtest/gtest.h>

#include "values/toml.hpp"

namespace w2s {
namespace {

enum class Order { shuffled, given };
constexpr auto enum_names(Order) { return std::array{"shuffled", "as given"}; }

// A type of one word that is no enum.
struct Share {
  std::int64_t percent = 50;
  std::string text() const { return std::to_string(percent) + "%"; }
  static std::string read(const std::string& text, Share& out) {
    if (text == "all") return out.percent = 100, "";
    if (text.empty() || text.back() != '%') return ": expected 'all'";
    return out.percent = std::stoll(text), "";
  }
};

struct Params {
  Order order = Order::given;
  Share share;
  bool flag = true;
  std::int64_t folds = 5;
  double q = 0.7;
  double limit = 1.0;
  std::string prior = "half";
  std::string data;
  std::optional<double> alpha;
  std::optional<std::string> note;
  std::vector<std::int64_t> sizes = {4};
  std::vector<double> betas;
  std::vector<std::string> files;
  Matrix transition;
  Spec inner;
  std::vector<Spec> chain;
  Table free;
};

Schema<Params> schema() {
  Schema<Params> s;
  s.field("order", &Params::order, "of the rows");
  s.field("share", &Params::share, "how many");
  s.field("flag", &Params::flag, "a switch");
  s.field("folds", &Params::folds, "parts").at_least(2);
  s.field("q", &Params::q, "exponent").above(0).at_most(1);
  s.field("limit", &Params::limit, "may be infinite").at_most(std::numeric_limits<double>::infinity());
  s.field("prior", &Params::prior, "where from").one_of({"weak_labels", "half"});
  s.field("data", &Params::data, "a file").path();
  s.field("alpha", &Params::alpha, "optional").at_least(0);
  s.field("note", &Params::note, "optional text");
  s.field("sizes", &Params::sizes, "layer sizes").at_least(1);
  s.field("betas", &Params::betas, "decays").at_least(0).below(1);
  s.field("files", &Params::files, "more files").path();
  s.field("transition", &Params::transition, "rows = true class").in(0, 1);
  s.field("inner", &Params::inner, "another loss").plugin("loss");
  s.field("chain", &Params::chain, "more of them").plugin("strategy");
  s.field("free", &Params::free, "anything");
  return s;
}

Params parse(const std::string& text) {
  return schema().parse(parse_toml(text, "dir/x.toml").as_table(), "loss 'gce'");
}

std::string error_of(const std::string& text) {
  try {
    parse(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Schema, FillsEveryKindOfField) {
  const Params p = parse(R"(flag = false
folds = 3
q = 1
limit = inf
prior = "weak_labels"
alpha = 2
note = "n"
sizes = [1, 2]
betas = [0, 0.5]
transition = [[1, 0], [0.25, 0.75]]
inner = "mae"
chain = ["a", { type = "b", k = 1 }]
free = { x = { y = 1 } }
)");
  EXPECT_FALSE(p.flag);
  EXPECT_EQ(p.folds, 3);
  EXPECT_EQ(p.q, 1.0);
  EXPECT_EQ(p.limit, std::numeric_limits<double>::infinity());
  EXPECT_EQ(p.prior, "weak_labels");
  EXPECT_EQ(p.alpha, 2.0);
  EXPECT_EQ(p.note, "n");
  EXPECT_EQ(p.sizes, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(p.betas, (std::vector<double>{0, 0.5}));
  EXPECT_EQ(p.transition, (Matrix{{1, 0}, {0.25, 0.75}}));
  EXPECT_EQ(p.inner.type, "mae");
  ASSERT_EQ(p.chain.size(), 2u);
  EXPECT_EQ(p.chain[1].type, "b");
  EXPECT_EQ(p.chain[1].params.at("k").as_int(), 1);
  EXPECT_EQ(p.free.at("x").as_table().at("y").as_int(), 1);
}

TEST(Schema, AnEnumTakesTheNamesOfItsValuesAndNoOthers) {
  EXPECT_EQ(parse("order = 'shuffled'").order, Order::shuffled);
  EXPECT_EQ(schema().defaults().at("order").as_string(), "as given");
  EXPECT_EQ(schema().fields()[0]->type_text(), "one of 'shuffled' or 'as given'");
  EXPECT_EQ(
      error_of("order = 'shufled'"),
      "dir/x.toml:1:1: loss 'gce': order = 'shufled' is not one of 'shuffled' or 'as given' (did you mean "
      "'shuffled'?)");
  EXPECT_EQ(error_of("order = 3"),
            "dir/x.toml:1:1: loss 'gce': order: expected 'shuffled' or 'as given', found an integer (3)");
}

TEST(Schema, ATypeOfOneWordReadsAndWritesItself) {
  EXPECT_EQ(parse("share = 'all'").share.percent, 100);
  EXPECT_EQ(schema().defaults().at("share").as_string(), "50%");
  EXPECT_EQ(schema().fields()[1]->type_text(), "string");
  EXPECT_EQ(error_of("share = 'none'"), "dir/x.toml:1:1: loss 'gce': share = 'none': expected 'all'");
}

TEST(Enum, NamesAndValuesGoBothWays) {
  EXPECT_STREQ(name_of(Order::given), "as given");
  EXPECT_EQ(value_named<Order>("shuffled"), Order::shuffled);
  EXPECT_EQ(value_named<Order>("given"), std::nullopt);
  EXPECT_EQ(names_of<Order>(), (std::vector<std::string>{"shuffled", "as given"}));
  EXPECT_THROW(name_of(static_cast<Order>(2)), Error);
}

TEST(Schema, LeavesDefaultsAlone) {
  const Params p = parse("");
  EXPECT_EQ(p.q, 0.7);
  EXPECT_EQ(p.sizes, std::vector<std::int64_t>{4});
  EXPECT_FALSE(p.alpha);
}

TEST(Schema, ReplacesDefaultLists) { EXPECT_EQ(parse("sizes = [7]").sizes, std::vector<std::int64_t>{7}); }

TEST(Schema, TakesOnePluginForAListOfPlugins) { EXPECT_EQ(parse("chain = 'ema'").chain.at(0).type, "ema"); }

TEST(Schema, ResolvesPathsFromTheFolderOfTheFile) {
  const auto folder = std::filesystem::current_path() / "dir";
  const Params p = parse("data = '../d/t.csv'\nfiles = ['a', '/b']");
  EXPECT_EQ(p.data, (std::filesystem::current_path() / "d/t.csv").string());
  EXPECT_EQ(p.files, (std::vector<std::string>{(folder / "a").string(), "/b"}));
}

TEST(Schema, ResolvesPathsOfTheCommandLineFromTheCurrentFolder) {
  Value value("t.csv");
  value.at({"--set data=t.csv", 0, 0});
  EXPECT_EQ(schema().parse(Table{{"data", value}}, "").data,
            (std::filesystem::current_path() / "t.csv").string());
}

TEST(Schema, ResolvedIsTheInverseOfParse) {
  const Params p = parse(
      "q = 0.5\nalpha = 1\ninner = { type = 'gce', q = 0.3 }\nchain = ['ema']\ntransition = [[1, 0], [0, "
      "1]]");
  const Table table = schema().resolved(p);
  EXPECT_EQ(table.at("inner").toml(), "{ type = \"gce\", q = 0.3 }");
  EXPECT_EQ(table.at("chain").toml(), "[{ type = \"ema\" }]");
  EXPECT_EQ(table.at("prior").as_string(), "half");
  EXPECT_EQ(table.find("note"), nullptr);
  EXPECT_EQ(Value(schema().resolved(schema().parse(table, ""))), Value(table));
}

TEST(Schema, DescribesItsTypes) {
  const std::vector<std::string> expected = {"one of 'shuffled' or 'as given'",
                                             "string",
                                             "boolean",
                                             "integer ≥ 2",
                                             "real in (0, 1]",
                                             "real ≤ inf",
                                             "one of 'weak_labels' or 'half'",
                                             "path",
                                             "real ≥ 0",
                                             "string",
                                             "list of integers ≥ 1",
                                             "list of reals in [0, 1)",
                                             "list of paths",
                                             "matrix of reals in [0, 1]",
                                             "loss: a name or { type = \"…\", … }",
                                             "list of strategy names or { type = \"…\", … }",
                                             "table"};
  const Schema<Params> s = schema();
  ASSERT_EQ(s.fields().size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(s.fields()[i]->type_text(), expected[i]);
}

TEST(Schema, NamesTheRequiredFieldThatIsMissing) {
  struct Required {
    std::string path;
  };
  Schema<Required> s;
  s.field("path", &Required::path, "the images").path().required();
  try {
    s.parse(Table().at({"x.toml", 4, 2}), "task 'idx'");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "x.toml:4:2: task 'idx': 'path' is missing: the images (path)");
  }
}

TEST(Schema, SaysThatItTakesNothing) {
  try {
    Schema<NoParams>().parse(Table{{"q", 1}}, "loss 'mae'");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "loss 'mae': unknown parameter 'q'; it takes none");
  }
}

struct Mistake {
  const char* text;
  const char* message;
};

class SchemaMistakes : public testing::TestWithParam<Mistake> {};

TEST_P(SchemaMistakes, GiveOneClearMessage) {
  EXPECT_EQ(error_of(GetParam().text), std::string("dir/x.toml:1:") + GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    All, SchemaMistakes,
    testing::Values(
        Mistake{"  Q = 1.5",
                "3: loss 'gce': unknown parameter 'Q' (did you mean 'q'?); it takes order, share, flag, "
                "folds, q, limit, "
                "prior, data, alpha, note, sizes, betas, files, transition, inner, chain, free"},
        Mistake{"q = 1.5", "1: loss 'gce': q = 1.5 is out of range: real in (0, 1]"},
        Mistake{"q = 0", "1: loss 'gce': q = 0 is out of range: real in (0, 1]"},
        Mistake{"q = nan", "1: loss 'gce': q = nan is out of range: real in (0, 1]"},
        Mistake{"limit = nan", "1: loss 'gce': limit = nan is out of range: real ≤ inf"},
        Mistake{"limit = -inf", "1: loss 'gce': limit = -inf is out of range: real ≤ inf"},
        Mistake{"alpha = inf", "1: loss 'gce': alpha = inf is out of range: real ≥ 0"},
        Mistake{"q = 'x'", "1: loss 'gce': q: expected real in (0, 1], found a string (\"x\")"},
        Mistake{"q = true", "1: loss 'gce': q: expected real in (0, 1], found a boolean (true)"},
        Mistake{"folds = 2.0", "1: loss 'gce': folds: expected integer ≥ 2, found a real (2.0)"},
        Mistake{"folds = 1", "1: loss 'gce': folds = 1 is out of range: integer ≥ 2"},
        Mistake{"flag = 1", "1: loss 'gce': flag: expected true or false, found an integer (1)"},
        Mistake{"prior = 'weak'",
                "1: loss 'gce': prior = 'weak' is not one of 'weak_labels' or 'half' "
                "(did you mean 'weak_labels'?)"},
        Mistake{"prior = 1", "1: loss 'gce': prior: expected 'weak_labels' or 'half', found an integer (1)"},
        Mistake{"note = []", "1: loss 'gce': note: expected string, found a list"},
        Mistake{"sizes = 3", "1: loss 'gce': sizes: expected list of integers ≥ 1, found an integer (3)"},
        Mistake{"sizes = [3, 0]", "13: loss 'gce': sizes[1] = 0 is out of range: integer ≥ 1"},
        Mistake{"betas = [0.5, 'a']",
                "15: loss 'gce': betas[1]: expected real in [0, 1), found a string (\"a\")"},
        Mistake{"transition = [0.5]",
                "15: loss 'gce': transition[0]: expected matrix of reals in [0, 1], found a real (0.5)"},
        Mistake{"transition = [[1, 2]]",
                "19: loss 'gce': transition[0][1] = 2 is out of range: real in [0, 1]"},
        Mistake{"transition = [[1, 0], [1]]",
                "23: loss 'gce': transition[1] has 1 numbers where the first row has 2"},
        Mistake{"inner = 3",
                "1: loss 'gce': inner: expected a name or { type = \"…\", … }, found an integer (3)"},
        Mistake{"inner = { q = 1 }", "1: loss 'gce': inner without a type: expected { type = \"…\", … }"},
        Mistake{"inner = { type = 1 }",
                "11: loss 'gce': inner: type: expected a string, found an integer (1)"},
        Mistake{"inner = ''", "1: loss 'gce': inner: the name is empty"},
        Mistake{"chain = ['a', 2]",
                "15: loss 'gce': chain[1]: expected a name or { type = \"…\", … }, found an integer (2)"},
        Mistake{"free = 1", "1: loss 'gce': free: expected table, found an integer (1)"}));

}  // namespace
}  // namespace w2s
