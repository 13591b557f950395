#include "results/archive.hpp"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>

#include <w2s/digest.hpp>

#include "base/files.hpp"
#include "results/archive_reader.hpp"
#include "results/archive_writer.hpp"
#include "results/ledger.hpp"
#include "results/record_check.hpp"
#include "store/objects.hpp"
#include "store/writer.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kVersion = 1;
const std::string kContents = "contents.json", kFormat = "w2s records";

std::string now() {
  const time_t seconds = ::time(nullptr);
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

bool is_experiment_name(const std::string& name) {
  if (name.empty() || name[0] == '.' || name.size() > 200) return false;
  for (const char c : name)
    if (c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return true;
}

/// Files of the store that are sent: name in the archive → path.
std::map<std::string, std::string> members_of(const Store& store, const std::vector<std::string>& experiments,
                                              std::vector<std::string>& records) {
  std::map<std::string, std::string> members;
  for (const std::string& name : experiments) {
    std::size_t found = 0;
    for (const LedgerEntry& entry : load_ledger(store.root(), name)) {
      if (!store.has(entry.key)) continue;
      ++found;
      const std::string folder = object_folder(store.root(), entry.key);
      if (members.count("records/" + entry.key + "/" + kManifestName) > 0) continue;
      store.verify(entry.key);
      records.push_back(entry.key);
      for (const std::string& file : list_directory(folder))
        members["records/" + entry.key + "/" + file] = folder + "/" + file;
    }
    if (found == 0)
      throw UsageError("experiment '" + name + "' has no finished record yet; w2s run computes them");
    const std::string folder = store.root() + "/experiments/";
    for (const std::string& file : list_directory(folder)) {
      const std::string_view rest = std::string_view(file).substr(std::min(name.size(), file.size()));
      const bool number = rest.size() > 6 && rest.ends_with(".toml") && rest[0] == '.' &&
                          rest.find_first_not_of("0123456789", 1) == rest.size() - 5;
      if (file.starts_with(name) && (rest == ".json" || rest == ".toml" || number))
        members["experiments/" + file] = folder + file;
    }
  }
  return members;
}

/// The archive's own claims, checked on the way, and its small files kept for a look inside.
class Contents {
 public:
  Contents(std::string archive, const ImportLimits& limits) : archive_(std::move(archive)), limits_(limits) {}

  void read(const std::string& bytes, std::int64_t archive_bytes) {
    about_ = parse_untrusted(bytes, kContents);
    try {
      if (about_.at("format") != kFormat) refuse("it is no archive of w2s records");
      if (about_.at("version") != kVersion)
        refuse(fmt::format("it has version {} of the format, this w2s reads version {}",
                           about_.at("version").dump(), kVersion));
      for (const char* text : {"from", "exported", "w2s"}) about_.at(text).get_ref<const std::string&>();
      for (const json& name : about_.at("experiments")) experiments.push_back(name.get<std::string>());
      std::int64_t total = 0;
      if (about_.at("members").size() > limits_.members)
        refuse(
            fmt::format("it lists {} members, more than {}", about_.at("members").size(), limits_.members));
      for (const auto& [name, member] : about_.at("members").items()) {
        check_name(name);
        Member listed{member.at("bytes").get<std::int64_t>(), member.at("sha256").get<std::string>()};
        if (listed.bytes < 0 || listed.bytes > limits_.member_bytes)
          refuse(fmt::format("'{}' is said to have {} bytes, more than the {} that a member may have", name,
                             listed.bytes, limits_.member_bytes));
        total += listed.bytes;
        if (total > limits_.total_bytes)
          refuse(fmt::format("its members have more than {} bytes together", limits_.total_bytes));
        members_.emplace(name, std::move(listed));
      }
      if (total > (std::int64_t{64} << 20) && total / limits_.ratio > archive_bytes)
        refuse(fmt::format("its {} bytes would unpack to {}: it is no archive of records", archive_bytes,
                           total));
      bytes_ = total;
      about_.erase("members");
    } catch (const json::exception& error) {
      refuse(fmt::format("'{}' lacks a field or has one of another kind ({})", kContents, error.what()));
    }
  }

  /// Members come in any order, each once.
  const Member& next(const std::string& name) {
    const auto it = members_.find(name);
    if (it == members_.end()) refuse(fmt::format("'{}' is not listed in {}", name, kContents));
    if (!seen_.insert(name).second) refuse(fmt::format("'{}' is there twice", name));
    return it->second;
  }
  void finish() const {
    for (const auto& [name, member] : members_)
      if (seen_.count(name) == 0) refuse(fmt::format("'{}' is listed and not there", name));
  }

  const json& about() const { return about_; }
  std::int64_t bytes() const { return bytes_; }
  const std::map<std::string, Member>& members() const { return members_; }

  [[noreturn]] void refuse(const std::string& why) const { throw UsageError(archive_ + ": " + why); }

  json parse_untrusted(const std::string& text, const std::string& name) const {
    constexpr int kDepth = 64;
    bool deep = false;
    json parsed;
    try {
      parsed = json::parse(
          text,
          [&](int depth, json::parse_event_t, json&) {
            deep = deep || depth > kDepth;
            return !deep;
          },
          true);
    } catch (const json::exception& error) {
      refuse(fmt::format("'{}' is not JSON", name));
    }
    if (deep) refuse(fmt::format("'{}' is nested deeper than {}", name, kDepth));
    if (!parsed.is_object()) refuse(fmt::format("'{}' is no JSON object", name));
    return parsed;
  }

  std::vector<std::string> experiments;

 private:
  /// experiments/NAME.json, experiments/NAME.toml or records/KEY/FILE, and nothing that leaves its folder.
  void check_name(const std::string& name) const {
    const auto bad = [&](const char* why) { refuse(fmt::format("the member '{}' {}", name, why)); };
    for (const char c : name)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\')
        bad("has a character that no name may have");
    if (name.starts_with("/")) bad("is an absolute path");
    std::vector<std::string> parts(1);
    for (const char c : name) {
      if (c == '/')
        parts.emplace_back();
      else
        parts.back() += c;
    }
    for (const std::string& part : parts)
      if (part == ".." || part == "." || part.empty()) bad("leaves its folder");
    if (parts.size() == 2 && parts[0] == "experiments" && is_experiment_name(parts[1]) &&
        (parts[1].ends_with(".json") || parts[1].ends_with(".toml")))
      return;
    if (parts.size() == 3 && parts[0] == "records" && is_key(parts[1]) && parts[1].size() == 64 &&
        is_experiment_name(parts[2]))
      return;
    bad("is neither experiments/NAME.json or .toml nor records/KEY/FILE");
  }

  std::string archive_;
  ImportLimits limits_;
  json about_;
  std::map<std::string, Member> members_;
  std::set<std::string> seen_;
  std::int64_t bytes_ = 0;
};

/// Reads the archive from its start, each member checked against contents.json; `keep` gets the bytes.
Contents read_archive(const std::string& archive, const ImportLimits& limits, const TakeMember& keep) {
  Contents contents(archive, limits);
  ArchiveReader reader(archive);
  if (!reader.next() || reader.name() != kContents)
    contents.refuse("its first member is not '" + kContents + "': it is no archive of w2s records");
  if (reader.bytes() > limits.contents_bytes)
    contents.refuse(
        fmt::format("'{}' has {} bytes, more than {}", kContents, reader.bytes(), limits.contents_bytes));
  contents.read(reader.read_all(), reader.archive_bytes());
  while (reader.next()) {
    const std::string name = reader.name();
    const Member& listed = contents.next(name);
    if (reader.bytes() != listed.bytes)
      contents.refuse(
          fmt::format("'{}' has {} bytes, {} says {}", name, reader.bytes(), kContents, listed.bytes));
    if (reader.copy(keep ? keep(name) : nullptr) != listed.sha256)
      contents.refuse(fmt::format("'{}' does not match its SHA-256", name));
  }
  contents.finish();
  return contents;
}

/// Where a member lies in the import's store.
std::string place_of(const std::string& folder, const std::string& name) {
  if (!name.starts_with("records/")) return folder + "/" + name;
  const std::string key = name.substr(8, 64);
  return object_folder(folder, key) + name.substr(8 + 64);
}

/// The records and ledgers of an unpacked archive.
ArchiveSummary check_unpacked(const Contents& contents, const std::string& folder) {
  std::map<std::string, std::set<std::string>> files;  // of each record
  std::set<std::string> ledgers;
  for (const auto& [name, member] : contents.members()) {
    if (name.starts_with("records/")) {
      files[name.substr(8, 64)].insert(name.substr(8 + 65));
    } else if (name.ends_with(".json")) {
      ledgers.insert(name.substr(12, name.size() - 12 - 5));
    }
  }
  const auto guarded = [&](const std::string& what, const std::function<void()>& check) {
    try {
      check();
    } catch (const std::exception& error) {
      std::string why = error.what();
      for (std::size_t at = why.find(folder); at != std::string::npos; at = why.find(folder))
        why.erase(at, folder.size() + 1);
      contents.refuse(what + ": " + why);
    }
  };
  ArchiveSummary summary{contents.experiments, files.size(), contents.bytes(), 0, ""};
  for (const auto& [key, names] : files) {
    guarded("record " + key.substr(0, 16), [&] {
      contents.parse_untrusted(read_file(object_folder(folder, key) + "/" + kManifestName), kManifestName);
      const json manifest = read_manifest(folder, key);
      std::set<std::string> listed = {kManifestName};
      for (const auto& file : manifest.at("files").items()) listed.insert(file.key());
      if (listed != names) throw Error("its files are not those of its manifest");
      summary.verified += check_record(manifest, object_folder(folder, key)) ? 1 : 0;
    });
  }
  for (const std::string& name : contents.experiments)
    if (ledgers.count(name) == 0) contents.refuse("experiment '" + name + "' has no list of records");
  for (const std::string& name : ledgers) {
    guarded("experiment '" + name + "'", [&] {
      contents.parse_untrusted(read_file(folder + "/experiments/" + name + ".json"), name + ".json");
      load_ledger(folder, name);
    });
  }
  return summary;
}

void sync_file_system(const std::string& folder) {
  const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.valid() || ::syncfs(opened.get()) != 0) throw_system_error("write", folder, errno);
}

ArchiveSummary unpack(const std::string& archive, const std::string& root, const std::string& name,
                      const ImportLimits& limits) {
  const std::string place = root + "/imports/" + name;
  const Store store(root);
  const TemporaryFolder unpacked(root, "import");
  make_directories(unpacked.path() + "/objects");
  const Contents contents = read_archive(archive, limits, [&](const std::string& member) {
    const std::string path = place_of(unpacked.path(), member);
    fs::create_directories(parent_directory(path));
    return std::make_unique<std::ofstream>(path, std::ios::binary);
  });
  ArchiveSummary summary = check_unpacked(contents, unpacked.path());
  summary.sha256 = sha256_file(archive);
  json origin = contents.about();
  origin["name"] = name;
  origin["archive"] = fs::path(archive).filename().string();
  origin["archive_sha256"] = summary.sha256;
  origin["imported"] = now();
  origin.erase("records");
  write_file_atomically(unpacked.path() + "/origin.json", origin.dump(1) + "\n");
  sync_file_system(unpacked.path());
  make_directories(root + "/imports");
  if (::rename(unpacked.path().c_str(), place.c_str()) != 0) throw_system_error("write", place, errno);
  sync_directory(root + "/imports");
  Store(place).reindex();
  return summary;
}

}  // namespace

ArchiveSummary export_records(const Store& store, const std::vector<std::string>& experiments,
                              const std::string& from, const std::string& archive) {
  ArchiveSummary summary;
  summary.experiments = experiments.empty() ? ledger_names(store.root()) : experiments;
  if (summary.experiments.empty()) throw UsageError("'" + store.root() + "' holds no experiment yet");
  std::vector<std::string> records;
  const auto members = members_of(store, summary.experiments, records);
  json listed = json::object();
  for (const auto& [name, path] : members) {
    const auto bytes = static_cast<std::int64_t>(fs::file_size(path));
    listed[name] = {{"bytes", bytes}, {"sha256", sha256_file(path)}};
    summary.bytes += bytes;
  }
  const json contents = {{"format", kFormat},  {"version", kVersion},
                         {"from", from},       {"exported", now()},
                         {"w2s", W2S_VERSION}, {"experiments", summary.experiments},
                         {"records", records}, {"members", std::move(listed)}};
  ArchiveWriter writer(archive);
  writer.add(kContents, contents.dump(1) + "\n");
  for (const auto& [name, path] : members) writer.add(name, read_file(path));
  writer.commit();
  summary.records = records.size();
  summary.sha256 = sha256_file(archive);
  return summary;
}

ArchiveSummary import_records(const std::string& archive, const std::string& root, const std::string& name,
                              const ImportLimits& limits) {
  if (!is_experiment_name(name))
    throw UsageError("'" + name + "' cannot be the name of an import; give another with --as");
  const std::string place = root + "/imports/" + name;
  if (exists(place))
    throw UsageError("there is an import '" + name + "' already, in '" + place +
                     "'; remove that folder, or give another name with --as");
  read_archive(archive, limits, {});  // what is refused for its form has not written a byte

  const bool is_new = !exists(root);
  try {
    return unpack(archive, root, name, limits);
  } catch (...) {
    std::error_code ignored;
    if (is_new) fs::remove_all(root, ignored);
    throw;
  }
}

std::string import_name(const std::string& archive) {
  const std::string name = fs::path(archive).filename().string();
  return name.substr(0, name.find('.'));
}

}  // namespace w2s
