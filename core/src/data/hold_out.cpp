#include <algorithm>
#include <unordered_map>

#include <w2s/error.hpp>
#include <w2s/random.hpp>
#include <w2s/task.hpp>

namespace w2s {

void hold_out(const Examples& rows, std::int64_t count, std::int64_t seed, const std::string& task,
              TaskData& data) {
  std::unordered_map<std::int64_t, std::vector<std::int64_t>> members;
  std::vector<std::int64_t> groups;
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    std::vector<std::int64_t>& group = members[rows.group(i)];
    if (group.empty()) groups.push_back(rows.group(i));
    group.push_back(i);
  }
  std::vector<std::int64_t> test, train;
  Stream stream(static_cast<std::uint64_t>(seed), task + "/held out");
  for (const std::int64_t drawn : stream.permutation(static_cast<std::int64_t>(groups.size()))) {
    const std::vector<std::int64_t>& group = members[groups[static_cast<std::size_t>(drawn)]];
    auto& part = static_cast<std::int64_t>(test.size()) < count ? test : train;
    part.insert(part.end(), group.begin(), group.end());
  }
  if (train.empty()) {
    throw UsageError("task '" + task + "': held_out = " + std::to_string(count) +
                     " leaves no training row of " + std::to_string(rows.size()));
  }
  std::sort(test.begin(), test.end());
  std::sort(train.begin(), train.end());
  data.test = rows.select(test);
  data.train = rows.select(train);
}

}  // namespace w2s
