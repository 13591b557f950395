#include "report/leaderboard.hpp"

#include <iterator>
#include <limits>

#include "base/parallel.hpp"
#include "report/leaderboard/blocks.hpp"
#include "report/leaderboard/doubts.hpp"
#include "report/leaderboard/mean_ranks.hpp"
#include "report/leaderboard/order.hpp"
#include "report/leaderboard/rows.hpp"

namespace w2s {
namespace {

std::vector<Row> make_rows(const std::vector<Record>& records, const Selection& selection,
                           const LoadCorrectness& load, const LoadProvenance& provenance) {
  const std::vector<Block> blocks = make_blocks(selection, VersionNotes(provenance));
  const ScoreReader scores(selection.options().metric, load);
  std::vector<std::vector<Row>> made(blocks.size());
  parallel_for(blocks.size(), 4, [&](std::size_t b) {
    made[b] = rows_of(blocks[b], selection, scores);
    note_equal_points(made[b], records);
  });
  std::size_t count = 0;
  for (const auto& of_block : made) count += of_block.size();
  std::vector<Row> rows;
  rows.reserve(count);
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    for (Row& row : made[b]) row.block = b;
    rows.insert(rows.end(), std::make_move_iterator(made[b].begin()), std::make_move_iterator(made[b].end()));
  }
  return rows;
}

void adjust_for_comparisons(std::vector<Row>& rows) {
  std::vector<double> p;
  for (const Row& row : rows)
    p.push_back(row.compared_with.empty() ? std::numeric_limits<double>::quiet_NaN() : row.comparison.p);
  const auto adjusted = holm(p);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].p_holm = adjusted[i];
}

}  // namespace

Leaderboard make_leaderboard(const std::vector<Record>& records, const LeaderboardOptions& options,
                             const LoadCorrectness& load, const LoadProvenance& provenance) {
  const Selection selection(records, options);
  Leaderboard board;
  board.options = options;
  board.options.baseline = selection.baseline();
  board.rows = make_rows(records, selection, load, provenance);
  board.ranks = mean_ranks(board.rows);
  std::erase_if(board.rows, [&](const Row& row) { return !selection.shows_method(row.method); });
  adjust_for_comparisons(board.rows);
  sort_rows(board.rows, options);
  group_rows(board.rows, selection);
  return board;
}

}  // namespace w2s
