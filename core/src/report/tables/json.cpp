// JSON: the rows as to_json has them, bootstrap included.
#include "report/leaderboard_json.hpp"
#include "report/tables/format.hpp"

namespace w2s {
namespace {

std::string json(const Leaderboard& board, const TableStyle&) { return to_json(board).dump(2) + '\n'; }

}  // namespace

const TableFormat json_format{"json", json, true};

}  // namespace w2s
