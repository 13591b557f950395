#include "report/leaderboard/version_notes.hpp"

#include <fmt/format.h>

#include "report/differences.hpp"
#include "report/leaderboard/code_version.hpp"

namespace w2s {

nlohmann::json VersionNotes::provenance_of(const Record& record) const {
  return load_ ? load_(record) : record.provenance;
}

std::string VersionNotes::what_differs(const Record& record, const Record& other,
                                       const std::vector<std::string>& parts) const {
  const std::string text = differences_text(differences(provenance_of(record), provenance_of(other), parts));
  return text.empty() ? "" : ": " + text;
}

std::string VersionNotes::several_protocols(const Record& record, const Record& other) const {
  const std::lock_guard lock(mutex_);
  const auto [known, is_new] = of_protocols_.try_emplace({record.protocol, other.protocol});
  if (is_new) {
    const std::string what = what_differs(record, other, {"task", "ceiling_on"});
    known->second = fmt::format("the task appears under several protocols: this is {}{}",
                                short_digest(record.protocol), what.empty() ? "" : ", which differs" + what);
  }
  return known->second;
}

}  // namespace w2s
