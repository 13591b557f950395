#include "report/leaderboard/blocks.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <map>
#include <tuple>
#include <unordered_map>

#include <fmt/format.h>
#include <boost/container/flat_map.hpp>

#include "base/parallel.hpp"
#include "report/leaderboard/code_version.hpp"
#include "results/key_hash.hpp"

namespace w2s {
namespace {

constexpr std::size_t kMostNotes = 8;  // of a block's baselines

/// Small numbers for texts: the same for the same text. Keeps views: the texts must stay.
class Numbering {
 public:
  std::uint64_t of(std::string_view text) {
    return numbers_.try_emplace(text, numbers_.size()).first->second;
  }

 private:
  std::unordered_map<std::string_view, std::uint64_t, KeyHash> numbers_;
};

/// What the students of one block have in common, as numbers.
using BlockKey = std::array<std::uint64_t, 11>;

struct BlockKeyHash {
  std::size_t operator()(const BlockKey& key) const {
    std::uint64_t hash = 0;
    for (const std::uint64_t part : key) hash = (hash ^ part) * 0x9E3779B97F4A7C15ull + (hash >> 29);
    return hash;
  }
};

/// True where two students of one seed are not the `same` by what matters.
template <class Same>
bool conflicts(const Students& students, Same same) {
  boost::container::flat_map<std::int64_t, const Record*> seen;
  return std::any_of(students.begin(), students.end(), [&](const Record* record) {
    return !same(*seen.try_emplace(record->seed, record).first->second, *record);
  });
}

/// The students in one part, or one part an experiment where they conflict.
template <class Same>
std::vector<Students> parts_without_conflict(const Students& students, Same same) {
  if (!conflicts(students, same)) return {students};
  std::vector<std::string> names;
  std::map<std::string, Students> by_experiment;
  for (const Record* record : students) {
    auto& part = by_experiment[record->experiment];
    if (part.empty()) names.push_back(record->experiment);
    part.push_back(record);
  }
  std::vector<Students> parts;
  for (const auto& name : names) parts.push_back(by_experiment[name]);
  return parts;
}

std::string point_text(const nlohmann::json& variant) { return variant.empty() ? "" : variant.dump(); }

std::string name_of(const Record& student) {
  return student.variant.empty() ? student.method : method_name(student.method, own_variant(student));
}

class BlockMaker {
 public:
  BlockMaker(const Selection& selection, const VersionNotes& versions)
      : selection_(selection), versions_(versions) {}

  std::vector<Block> make() const {
    const std::vector<Students> groups = alike();
    std::vector<std::vector<Block>> of_group(groups.size());
    parallel_for(groups.size(), 4, [&](std::size_t g) { of_group[g] = blocks_of(groups[g]); });
    std::vector<Block> blocks;
    for (auto& group : of_group)
      blocks.insert(blocks.end(), std::make_move_iterator(group.begin()),
                    std::make_move_iterator(group.end()));
    note_versions(blocks);
    return blocks;
  }

 private:
  /// The students by what a block has in common.
  std::vector<Students> alike() const {
    Numbering number;
    std::deque<std::string> points;
    std::unordered_map<BlockKey, std::size_t, BlockKeyHash> position;
    std::vector<Students> groups;
    for (const Record* record : selection_.students()) {
      const std::string& point = points.emplace_back(point_text(block_variant(record->variant)));
      const Platform platform = platform_of(*record);
      const auto [floor, ceiling] = selection_.index().baselines_of(*record);
      const BlockKey key{number.of(record->task),
                         number.of(record->protocol),
                         number.of(point),
                         number.of(record->weak),
                         number.of(record->strong),
                         number.of(code_of(floor)),
                         number.of(code_of(ceiling)),
                         number.of(record->imported ? std::string_view(record->origin) : std::string_view()),
                         number.of(platform.torch),
                         number.of(platform.device),
                         selection_.by_seed() ? static_cast<std::uint64_t>(record->seed) : 0};
      const auto [it, is_new] = position.emplace(key, groups.size());
      if (is_new) groups.emplace_back();
      groups[it->second].push_back(record);
    }
    const auto place = [](const Students& group) {
      return std::tuple(group[0]->task, block_variant(group[0]->variant), group[0]->protocol);
    };
    std::stable_sort(groups.begin(), groups.end(),
                     [&](const Students& a, const Students& b) { return place(a) < place(b); });
    return groups;
  }

  /// One, or one an experiment where a seed has several baselines.
  std::vector<Block> blocks_of(const Students& group) const {
    const auto parts = parts_without_conflict(
        group, [](const Record& a, const Record& b) { return a.floor == b.floor && a.ceiling == b.ceiling; });
    std::vector<Block> blocks;
    for (const Students& part : parts) {
      Block& block = blocks.emplace_back(block_of(part));
      if (parts.size() > 1)
        block.notes.push_back(
            fmt::format("the same names stand for other baselines elsewhere: this is experiment '{}'",
                        part[0]->experiment));
    }
    return blocks;
  }

  Block block_of(const Students& students) const {
    Block block;
    block.first = students[0];
    note_names(block);
    for (const Record* record : students) {
      const auto [floor, ceiling] = selection_.index().baselines_of(*record);
      if (floor != nullptr) block.floors[record->seed] = floor;
      if (ceiling != nullptr) block.ceilings[record->seed] = ceiling;
    }
    note_baselines(block);
    add_methods(block, students);
    return block;
  }

  void note_names(Block& block) const {
    const Record& first = *block.first;
    if (const auto& protocols = selection_.protocols(first); protocols.size() > 1) {
      auto other = protocols.begin();
      if (other->first == first.protocol) ++other;
      block.notes.push_back(versions_.several_protocols(*protocols.at(first.protocol), *other->second));
    }
    if (first.imported)
      block.notes.push_back(fmt::format("imported from '{}', not averaged with others", first.origin));
  }

  void note_baselines(Block& block) const {
    for (const auto* baselines : {&block.floors, &block.ceilings})
      for (const auto& [seed, record] : *baselines)
        if (!(platform_of(*record) == platform_of(*block.first)) && block.notes.size() < kMostNotes) {
          block.notes.push_back(fmt::format("{} of seed {} is of another version{}", record->kind, seed,
                                            versions_.what_differs(*record, *block.first, {})));
        }
  }

  void add_methods(Block& block, const Students& students) const {
    using Version = std::pair<std::string, std::string_view>;  // method with its point of a sweep, code
    std::map<Version, std::size_t> position;
    std::vector<Students> groups;
    for (const Record* record : students) {
      const auto [it, is_new] = position.try_emplace({name_of(*record), code_of(record)}, groups.size());
      if (is_new) groups.emplace_back();
      groups[it->second].push_back(record);
    }
    std::map<std::string, Students> versions;  // of a method at its point, one record each
    for (const auto& [key, group] : position) versions[key.first].push_back(groups[group][0]);
    for (const Students& group : groups) {
      const auto parts =
          parts_without_conflict(group, [](const Record& a, const Record& b) { return a.key == b.key; });
      for (const Students& part : parts) {
        MethodRuns& runs = block.methods.emplace_back();
        runs.method = part[0]->method;
        runs.variant = own_variant(*part[0]);
        runs.code = code_of(part[0]);
        note_method_versions(runs, *part[0], versions[name_of(*part[0])]);
        if (parts.size() > 1)
          runs.notes.push_back(fmt::format("the same names and seed were run twice: this is experiment '{}'",
                                           part[0]->experiment));
        add_runs(runs, part);
      }
    }
  }

  void note_method_versions(MethodRuns& runs, const Record& first, const Students& versions) const {
    if (versions.size() < 2) return;
    const Record& other = *versions[versions[0] == &first ? 1 : 0];
    const std::string what =
        versions_.what_differs(first, other, {"methods." + runs.method, "train", "models"});
    runs.notes.push_back(fmt::format("the method appears in several versions: this is {}{}",
                                     runs.code.empty() ? "one without a digest" : short_digest(runs.code),
                                     what.empty() ? "" : ", which differs" + what));
  }

  void add_runs(MethodRuns& runs, const Students& students) const {
    std::size_t replaced = 0;
    for (const Record* record : students)
      replaced += !runs.by_seed.insert_or_assign(record->seed, record).second;
    if (replaced > 0)
      runs.notes.push_back(fmt::format("{} older record(s) of the same seeds left out", replaced));
    for (const auto& [seed, record] : runs.by_seed)
      if (const std::string* origin = selection_.index().contradiction_of(*record))
        runs.notes.push_back(fmt::format("seed {} has other numbers in '{}': left out", seed, *origin));
  }

  /// Blocks of the same names that differ in what stands behind them say in what.
  void note_versions(std::vector<Block>& blocks) const {
    using Names = std::tuple<std::string, std::string, std::string, std::string, std::string, std::int64_t>;
    std::map<Names, std::vector<Block*>> alike;
    for (Block& block : blocks) {
      const Record& first = *block.first;
      alike[{first.task, first.protocol, point_text(block_variant(first.variant)), first.weak, first.strong,
             selection_.by_seed() ? first.seed : 0}]
          .push_back(&block);
    }
    for (auto& [names, members] : alike) {
      if (members.size() < 2) continue;
      for (Block* block : members) {
        const Record &mine = *block->first, &theirs = *members[block == members[0] ? 1 : 0]->first;
        if (mine.imported || theirs.imported) continue;  // told already
        if (differ(mine, theirs))
          block->notes.push_back("the same names appear in several versions; differs here" +
                                 versions_.what_differs(mine, theirs, {"train", "models", "supervisor"}));
      }
    }
  }

  bool differ(const Record& mine, const Record& theirs) const {
    const Baselines a = selection_.index().baselines_of(mine), b = selection_.index().baselines_of(theirs);
    return code_of(a.floor) != code_of(b.floor) || code_of(a.ceiling) != code_of(b.ceiling) ||
           !(platform_of(mine) == platform_of(theirs));
  }

  const Selection& selection_;
  const VersionNotes& versions_;
};

}  // namespace

std::vector<Block> make_blocks(const Selection& selection, const VersionNotes& versions) {
  return BlockMaker(selection, versions).make();
}

}  // namespace w2s
