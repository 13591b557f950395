#include "plugins/stamp.hpp"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include <w2s/error.hpp>

#include "base/files.hpp"

namespace w2s {

const char* host_stamp_text();  // generated with the build

namespace {

constexpr std::string_view kSection = ".w2s_stamp";

struct ComparedField {
  const char* key;
  const char* meaning;
};
constexpr ComparedField kCompared[] = {
    {"stamp", "stamp format"},
    {"torch", "LibTorch version"},
    {"torch_path", "LibTorch in"},
    {"device", "LibTorch built for"},
    {"cxx11_abi", "_GLIBCXX_USE_CXX11_ABI"},
    {"compiler", "compiler"},
    {"build", "build kind"},
    {"sdk", "SDK headers"},
};

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw UsageError("plugin '" + path + "' " + why);
}

[[noreturn]] void refuse_damaged(const std::string& path) {
  refuse(path, "is truncated or damaged: build or copy it again");
}

bool begins_as_elf(const Descriptor& file) {
  char magic[SELFMAG];
  return pread(file.get(), magic, sizeof magic, 0) == SELFMAG && std::memcmp(magic, ELFMAG, SELFMAG) == 0;
}

std::string shortened(const std::string& key, const std::string& value) {
  return key == "sdk" && value.size() > 12 ? value.substr(0, 12) + "…" : value;
}

}  // namespace

Fields read_stamp(const std::string& path) {
  if (elf_version(EV_CURRENT) == EV_NONE) throw Error(std::string("libelf: ") + elf_errmsg(-1));
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) refuse(path, std::string("cannot be read: ") + std::strerror(errno));

  const std::unique_ptr<Elf, int (*)(Elf*)> elf(elf_begin(file.get(), ELF_C_READ, nullptr), &elf_end);
  if (!elf) refuse_damaged(path);
  if (elf_kind(elf.get()) != ELF_K_ELF) {
    if (begins_as_elf(file)) refuse_damaged(path);
    refuse(path, "is not a shared library (no ELF header)");
  }
  std::size_t names = 0, sections = 0;
  if (elf_getshdrnum(elf.get(), &sections) != 0 || sections == 0 ||
      elf_getshdrstrndx(elf.get(), &names) != 0) {
    refuse_damaged(path);
  }
  Elf_Scn* section = nullptr;
  while ((section = elf_nextscn(elf.get(), section)) != nullptr) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr) refuse_damaged(path);
    const char* name = elf_strptr(elf.get(), names, header.sh_name);
    if (name == nullptr) refuse_damaged(path);
    if (name != kSection) continue;
    const Elf_Data* data = elf_rawdata(section, nullptr);
    if (data == nullptr || data->d_buf == nullptr) refuse_damaged(path);
    const auto* text = static_cast<const char*>(data->d_buf);
    return Fields::parse({text, strnlen(text, data->d_size)});
  }
  refuse(path, "carries no w2s stamp: build it with w2s_add_plugin()");
}

const Fields& host_stamp() {
  static const Fields stamp = Fields::parse(host_stamp_text());
  return stamp;
}

void check_stamp(const std::string& path, const Fields& stamp, const Fields& host) {
  std::string differences;
  for (const auto& [key, meaning] : kCompared) {
    const std::string theirs = stamp.get(key), ours = host.get(key);
    if (theirs == ours) continue;
    differences += differences.empty() ? "" : "; ";
    differences += std::string(meaning) + ": plugin '" + shortened(key, theirs) + "', this w2s '" +
                   shortened(key, ours) + "'";
  }
  if (differences.empty()) return;
  refuse(path, "was not built for this w2s: " + differences + ". Rebuild it: " + stamp.get("rebuild"));
}

}  // namespace w2s
