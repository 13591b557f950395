#include "table_options.hpp"

#include <fmt/format.h>

namespace w2s::app {
namespace {

std::vector<std::int64_t> seeds_of(const std::string& text) {
  std::vector<std::int64_t> seeds;
  for (const std::string& item : split_list(text)) {
    std::size_t used = 0;
    try {
      seeds.push_back(std::stoll(item, &used));
    } catch (const std::exception&) {
    }
    if (item.empty() || used != item.size())
      throw UsageError("--seeds takes whole numbers, separated by commas; found '" + item + "'");
  }
  return seeds;
}

}  // namespace

void add_table_options(Options& options) {
  const auto names = [] { return po::value<std::vector<std::string>>()->value_name("NAME"); };
  options.add_many_runs();
  options.add()("metric", po::value<std::string>()->value_name("NAME")->default_value("accuracy"),
                "the measure to show")(
      "test", po::value<std::string>()->value_name("NAME")->default_value("test"), "the test set to show")(
      "baseline", po::value<std::string>()->value_name("METHOD")->default_value(""),
      "the method that the others are compared with; by default 'naive' where there is one")(
      "method", names(), "show this method only; may be repeated, as the following")(
      "task", names(), "this task only")("weak", names(), "this weak model only")("strong", names(),
                                                                                  "this strong model only")(
      "pair", po::value<std::vector<std::string>>()->value_name("WEAK:STRONG"), "this pair only")(
      "where", po::value<std::vector<std::string>>()->value_name("KEY=VALUE"),
      "this point of a sweep only; the end of the key is enough")(
      "seeds", po::value<std::string>()->value_name("0,1,2"), "these seeds only")(
      "origin", names(), "records of this import, or of this store where several are read, only");
}

LeaderboardOptions table_options(const Options& options) {
  LeaderboardOptions wanted;
  wanted.metric = options.text("metric");
  wanted.test = options.text("test");
  wanted.baseline = options.text("baseline");
  wanted.methods = options.list("method");
  wanted.tasks = options.list("task");
  wanted.weak = options.list("weak");
  wanted.strong = options.list("strong");
  wanted.pairs = options.list("pair");
  wanted.where = options.list("where");
  wanted.origins = options.list("origin");
  if (options.given("seeds")) wanted.seeds = seeds_of(options.text("seeds"));
  return wanted;
}

void say_missing(std::size_t missing) {
  if (missing > 0)
    fmt::print(stderr, "{} runs of these experiments are not done yet; w2s run computes them\n", missing);
}

}  // namespace w2s::app
