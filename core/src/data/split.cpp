#include "data/split.hpp"

#include <algorithm>
#include <unordered_map>

#include <w2s/random.hpp>

namespace w2s {
namespace {

using Positions = std::vector<std::int64_t>;

Positions sorted(Positions positions) {
  std::sort(positions.begin(), positions.end());
  return positions;
}

std::vector<Positions> by_class(const Examples& examples, std::int64_t classes) {
  std::vector<Positions> members(static_cast<std::size_t>(classes));
  const Tensor labels = examples.labels();
  const auto* label = labels.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < examples.size(); ++i) {
    if (label[i] < 0 || label[i] >= classes) {
      throw UsageError("task: row '" + examples.id(i) + "' has label " + std::to_string(label[i]) +
                       ", expected 0 … " + std::to_string(classes - 1));
    }
    members[static_cast<std::size_t>(label[i])].push_back(i);
  }
  return members;
}

void keep_random(Positions& positions, std::size_t count, Stream& stream) {
  if (positions.size() <= count) return;
  const Positions order = stream.permutation(static_cast<std::int64_t>(positions.size()));
  Positions kept;
  for (std::size_t i = 0; i < count; ++i) kept.push_back(positions[static_cast<std::size_t>(order[i])]);
  positions = sorted(std::move(kept));
}

Positions joined(const std::vector<Positions>& parts) {
  Positions all;
  for (const Positions& part : parts) all.insert(all.end(), part.begin(), part.end());
  return sorted(std::move(all));
}

Examples thin_majority(const Examples& rows, const TaskData& data, double max_share, Stream stream) {
  std::vector<Positions> members = by_class(rows, data.classes);
  std::vector<std::size_t> sizes;
  for (const Positions& part : members) sizes.push_back(part.size());
  std::sort(sizes.rbegin(), sizes.rend());
  if (static_cast<double>(sizes[0]) <= max_share * static_cast<double>(rows.size())) return rows;
  if (sizes.size() < 2 || sizes[1] == 0) throw UsageError("task: all training rows are of one class");
  for (Positions& part : members) keep_random(part, sizes[1], stream);
  return rows.select(joined(members));
}

// A fixed subset: equal class counts where asked, then `count` rows spread evenly over the classes.
Examples test_subset(const Examples& rows, const TaskData& data, const SplitParams& split,
                     const std::string& name) {
  if (rows.empty()) throw UsageError("task: the test set '" + name + "' is empty");
  Stream stream(static_cast<std::uint64_t>(split.seed), "test subset");
  if (data.kind != TaskKind::classification) {
    Positions all = stream.permutation(rows.size());
    if (split.test > 0 && split.test < rows.size()) all.resize(static_cast<std::size_t>(split.test));
    return rows.select(sorted(std::move(all)));
  }
  std::vector<Positions> members = by_class(rows, data.classes);
  if (split.balanced_test) {
    std::size_t smallest = SIZE_MAX;
    for (const Positions& part : members) smallest = std::min(smallest, part.size());
    if (smallest == 0) {
      throw UsageError("task: the test set '" + name +
                       "' lacks a class; set task.split.balanced_test = false");
    }
    for (Positions& part : members) keep_random(part, smallest, stream);
  }
  if (split.test > 0) {
    const Positions all = joined(members);
    const double share = static_cast<double>(split.test) / static_cast<double>(all.size());
    std::int64_t taken = 0, seen = 0;
    for (Positions& part : members) {
      seen += static_cast<std::int64_t>(part.size());
      const auto until = std::min<std::int64_t>(seen, std::llround(share * static_cast<double>(seen)));
      keep_random(part, static_cast<std::size_t>(std::max<std::int64_t>(0, until - taken)), stream);
      taken = until;
    }
  }
  return rows.select(joined(members));
}

// Takes whole groups from the front of `groups` (from `next` on) until `count` rows; surplus rows of the
// last group are left out, never handed on.
Positions deal(const std::vector<Positions>& groups, std::size_t& next, std::int64_t count) {
  Positions rows;
  while (next < groups.size() && static_cast<std::int64_t>(rows.size()) < count) {
    rows.insert(rows.end(), groups[next].begin(), groups[next].end());
    ++next;
  }
  if (static_cast<std::int64_t>(rows.size()) > count) rows.resize(static_cast<std::size_t>(count));
  return rows;
}

Half make_half(const Examples& rows, const std::vector<Positions>& groups, std::size_t& next,
               std::int64_t size, std::int64_t validation) {
  Half half;
  half.validation = rows.select(deal(groups, next, validation));
  half.train = rows.select(deal(groups, next, size - validation));
  return half;
}

}  // namespace

Splits make_splits(const TaskData& data, const SplitParams& split, std::uint64_t seed) {
  Examples rows = data.train;
  if (data.kind == TaskKind::classification) {
    rows = thin_majority(rows, data, split.max_class_share, Stream(seed, "class balance"));
  }

  std::unordered_map<std::int64_t, std::size_t> position;
  std::vector<Positions> members;
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    const auto [found, fresh] = position.emplace(rows.group(i), members.size());
    if (fresh) members.emplace_back();
    members[found->second].push_back(i);
  }
  std::vector<Positions> groups;
  for (const std::int64_t g : Stream(seed, "halves").permutation(static_cast<std::int64_t>(members.size()))) {
    groups.push_back(std::move(members[static_cast<std::size_t>(g)]));
  }

  const std::int64_t total = rows.size();
  const std::int64_t supervisor = split.supervisor > 0 ? split.supervisor
                                  : split.transfer > 0 ? std::min(total / 2, total - split.transfer)
                                                       : total / 2;
  const std::int64_t transfer = split.transfer > 0 ? split.transfer : total - supervisor;
  if (supervisor <= split.validation || transfer <= split.validation || supervisor + transfer > total) {
    throw UsageError("task.split asks for a supervisor half of " + std::to_string(supervisor) +
                     " rows and a transfer half of " + std::to_string(transfer) + ", each with " +
                     std::to_string(split.validation) + " held out for validation; the task has " +
                     std::to_string(total) + " training rows" +
                     (total < data.train.size()
                          ? " after balancing the classes (" + std::to_string(data.train.size()) + " before)"
                          : ""));
  }

  Splits splits;
  std::size_t next = 0;
  splits.supervisor = make_half(rows, groups, next, supervisor, split.validation);
  splits.transfer = make_half(rows, groups, next, transfer, split.validation);
  if (splits.transfer.train.size() < (transfer - split.validation) / 2 || splits.transfer.train.empty()) {
    throw UsageError("task.split: the groups of this task are too large to make halves of " +
                     std::to_string(supervisor) + " and " + std::to_string(transfer) + " rows");
  }
  splits.tests["test"] = test_subset(data.test, data, split, "test");
  for (const auto& [name, examples] : data.shifted)
    splits.tests[name] = test_subset(examples, data, split, name);
  return splits;
}

}  // namespace w2s
