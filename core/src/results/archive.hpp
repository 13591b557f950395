// Records in one file, to send to a colleague: tar, compressed with zstd.
//
//   contents.json                  first: {"format": "w2s records", "version": 1, "from", "exported",
//                                  "w2s", "experiments", "records", "members": {NAME: {"bytes", "sha256"}}}
//   experiments/NAME.json, .toml   the ledger and the resolved experiments (NAME.1.toml … of a sweep)
//   records/KEY/…                  the record's manifest and files, as in the store; no weights
//
// An archive is what somebody sent. It is read twice, first without writing
// anything: names, kinds and sizes of its members, that each is listed once and has
// the listed digest, then that the records are records and that their numbers follow
// from their predictions. What fails any of this is refused whole.
// Free of LibTorch.
#pragma once

#include <string>
#include <vector>

#include "store/store.hpp"

namespace w2s {

struct ArchiveSummary {
  std::vector<std::string> experiments;
  std::size_t records = 0;
  std::int64_t bytes = 0;    // of all members
  std::size_t verified = 0;  // import: records whose numbers were computed anew from their predictions
  std::string sha256;        // of the archive
};

/// Writes the finished records of these experiments (all where empty), of `store` itself and not of its
/// imports. `from`: who or what they are from, in the exporter's words. Throws UsageError for an experiment
/// that is not there or has no record yet, and Error where an object is damaged; then nothing is written.
ArchiveSummary export_records(const Store& store, const std::vector<std::string>& experiments,
                              const std::string& from, const std::string& archive);

struct ImportLimits {
  std::size_t members = 2'000'000;
  std::int64_t contents_bytes = std::int64_t{512} << 20;  // of contents.json
  std::int64_t member_bytes = std::int64_t{4} << 30;
  std::int64_t total_bytes = std::int64_t{64} << 30;
  std::int64_t ratio = 1000;  // of all members to the archive, above 64 MiB
};

/// Puts the archive's records into <root>/imports/<name>, a store of its own beside what the store
/// computed, with origin.json {"name", "archive", "archive_sha256", "imported", and contents.json without
/// its members}. Makes the store at `root` where there is none. Throws UsageError "<archive>: …" for what is
/// refused and for a name that is taken or cannot be a folder's.
ArchiveSummary import_records(const std::string& archive, const std::string& root, const std::string& name,
                              const ImportLimits& limits = {});

/// What an import is called where nothing else is said: the archive's file name up to its first dot.
std::string import_name(const std::string& archive);

}  // namespace w2s
