#include "report/leaderboard/code_version.hpp"

namespace w2s {
namespace {

const std::string& provenance_text(const Record& record, const char* field) {
  static const std::string none;
  if (!record.provenance.is_object()) return none;
  const auto it = record.provenance.find(field);
  return it != record.provenance.end() && it->is_string() ? it->get_ref<const std::string&>() : none;
}

}  // namespace

const std::string& code_of(const Record* record) {
  static const std::string none;
  return record ? provenance_text(*record, "code") : none;
}

Platform platform_of(const Record& record) {
  const std::string_view device = provenance_text(record, "device");
  return {provenance_text(record, "torch"), device.substr(0, device.find(':'))};
}

std::string short_digest(const std::string& digest) { return digest.substr(0, 8); }

}  // namespace w2s
