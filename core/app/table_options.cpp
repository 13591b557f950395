#include "table_options.hpp"

#include <fmt/format.h>

namespace w2s::app {

void describe(OptionSchema<TableOptions>& s) {
  s.option("metric", &TableOptions::metric, "NAME", "the measure to show");
  s.option("test", &TableOptions::test, "NAME", "the test set to show");
  s.option("baseline", &TableOptions::baseline, "METHOD",
           "the method that the others are compared with; by default 'naive' where there is one");
  s.option("method", &TableOptions::method, "NAME",
           "show this method only; may be repeated, as the following");
  s.option("task", &TableOptions::task, "NAME", "this task only");
  s.option("weak", &TableOptions::weak, "NAME", "this weak model only");
  s.option("strong", &TableOptions::strong, "NAME", "this strong model only");
  s.option("pair", &TableOptions::pair, "WEAK:STRONG", "this pair only");
  s.option("where", &TableOptions::where, "KEY=VALUE",
           "this point of a sweep only; the end of the key is enough");
  s.option("seeds", &TableOptions::seeds, "0,1,2", "these seeds only");
  s.option("origin", &TableOptions::origin, "NAME",
           "records of this import, or of this store where several are read, only");
}

void take(Options& options, TableOptions& wanted) {
  options.take(wanted.stores);
  options.take(wanted);
}

LeaderboardOptions table_options(const TableOptions& wanted) {
  LeaderboardOptions shown;
  shown.metric = wanted.metric;
  shown.test = wanted.test;
  shown.baseline = wanted.baseline;
  shown.methods = wanted.method;
  shown.tasks = wanted.task;
  shown.weak = wanted.weak;
  shown.strong = wanted.strong;
  shown.pairs = wanted.pair;
  shown.where = wanted.where;
  shown.origins = wanted.origin;
  if (wanted.seeds) shown.seeds = seeds_of(*wanted.seeds);
  return shown;
}

void say_missing(std::size_t missing) {
  if (missing > 0)
    fmt::print(stderr, "{} runs of these experiments are not done yet; w2s run computes them\n", missing);
}

}  // namespace w2s::app
