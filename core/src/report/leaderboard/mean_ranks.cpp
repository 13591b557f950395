#include "report/leaderboard/mean_ranks.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace w2s {

std::vector<MeanRank> mean_ranks(const std::vector<Row>& rows) {
  std::set<std::string> methods;
  std::map<std::size_t, std::vector<const Row*>> blocks;
  for (const Row& row : rows) {
    methods.insert(row.name);
    blocks[row.block].push_back(&row);
  }
  std::map<std::string, std::map<std::string, std::pair<double, double>>> sums;  // [method][task]
  for (const auto& [block, members] : blocks) {
    std::set<std::string> here;
    for (const Row* row : members) here.insert(row->name);
    if (here != methods || members.size() != methods.size()) continue;
    for (const Row* row : members) {
      auto& sum = sums[row->name][row->task];
      sum.first += row->rank;
      sum.second += 1;
    }
  }
  std::vector<MeanRank> ranks;
  for (const auto& [method, tasks] : sums) {
    MeanRank mean{method, 0, tasks.size()};
    for (const auto& [task, sum] : tasks)
      mean.rank += sum.first / sum.second / static_cast<double>(tasks.size());
    ranks.push_back(mean);
  }
  std::stable_sort(ranks.begin(), ranks.end(),
                   [](const MeanRank& a, const MeanRank& b) { return a.rank < b.rank; });
  return ranks;
}

}  // namespace w2s
