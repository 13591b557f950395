// Selection: the students that a leaderboard shows, with what has to be known before any are left out.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "report/leaderboard.hpp"
#include "report/leaderboard/record_index.hpp"
#include "report/leaderboard/sweep_keys.hpp"

namespace w2s {

class Selection {
 public:
  /// Keeps references to both. Throws UsageError where a filter, metric, test set, baseline, field of "by" or
  /// sort names nothing that is there.
  Selection(const std::vector<Record>& records, const LeaderboardOptions& options);

  const LeaderboardOptions& options() const { return options_; }
  const RecordIndex& index() const { return index_; }
  const Students& students() const { return students_; }
  const SweepKeys& sweep_keys() const { return sweep_keys_; }
  /// The method that the others are compared with; "" where there is none.
  const std::string& baseline() const { return baseline_; }
  /// A table for each seed is asked for.
  bool by_seed() const { return by_seed_; }
  /// A student of each protocol under which its task appears at its point of a sweep, filters aside.
  const std::map<std::string, const Record*>& protocols(const Record& student) const {
    return protocols_.at(place_of(student));
  }

  bool shows_method(const std::string& method) const;

 private:
  void check_names() const;
  void check_sort() const;
  void check_by(const std::string& name) const;
  void leave_out_unwanted();
  /// A run that several points share stands once.
  void join_points();

  using Place = std::pair<std::string, std::string>;  // task, and what of a sweep makes blocks
  static Place place_of(const Record& student);

  const LeaderboardOptions& options_;
  RecordIndex index_;
  Students students_;
  SweepKeys sweep_keys_;
  std::string baseline_;
  bool by_seed_ = false;
  std::map<Place, std::map<std::string, const Record*>> protocols_;
};

}  // namespace w2s
