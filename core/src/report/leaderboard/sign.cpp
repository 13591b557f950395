#include "report/leaderboard/sign.hpp"

#include <tuple>

namespace w2s {
namespace {

void turn(Estimate& e) {
  e.value = -e.value;
  std::tie(e.lo, e.hi) = std::pair(-e.hi, -e.lo);
}

void reword(std::string& reason) {
  const std::string from = "ceiling − floor", to = "floor − ceiling";
  if (const auto at = reason.find(from); at != std::string::npos) reason.replace(at, from.size(), to);
}

}  // namespace

void restore_sign(Row& row) {
  turn(row.floor);
  turn(row.ceiling);
  turn(row.student);
  turn(row.comparison.difference);
  reword(row.pgr.reason);
  reword(row.pgr.no_interval);
  if (auto& bootstrap = row.student_bootstrap) bootstrap = Interval{-bootstrap->hi, -bootstrap->lo};
  for (auto& [test, shift] : row.shifts) {
    turn(shift.floor);
    turn(shift.ceiling);
    turn(shift.student);
    reword(shift.pgr.reason);
    reword(shift.pgr.no_interval);
  }
}

}  // namespace w2s
