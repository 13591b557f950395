#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <w2s/error.hpp>
#include <w2s/safetensors.hpp>

#include "base/files.hpp"

namespace w2s {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

constexpr std::uint64_t kMaxHeader = 100'000'000;
constexpr std::size_t kMaxDims = 64;
constexpr std::size_t kPrefix = 8;

struct Dtype {
  const char* name;
  at::ScalarType type;
};
constexpr std::array<Dtype, 10> kDtypes{{{"BOOL", at::kBool},
                                         {"U8", at::kByte},
                                         {"I8", at::kChar},
                                         {"I16", at::kShort},
                                         {"I32", at::kInt},
                                         {"I64", at::kLong},
                                         {"F16", at::kHalf},
                                         {"BF16", at::kBFloat16},
                                         {"F32", at::kFloat},
                                         {"F64", at::kDouble}}};

std::vector<std::string> dtype_names() {
  std::vector<std::string> names;
  for (const Dtype& dtype : kDtypes) names.emplace_back(dtype.name);
  return names;
}

struct Entry {
  std::string name;
  at::ScalarType type = at::kFloat;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;  // within the data
};

/// Everything wrong with a file is reported through one of these.
class HeaderParser {
 public:
  explicit HeaderParser(std::string path) : path_(std::move(path)) {}

  [[noreturn]] void fail(const std::string& what) const { throw Error(path_ + ": " + what); }
  [[noreturn]] void fail(const std::string& tensor, const std::string& what) const {
    fail("tensor '" + tensor + "': " + what);
  }

  /// nlohmann keeps the last of equal keys silently, so keys are watched while parsing.
  json parse(const char* text, std::size_t size) const {
    std::vector<std::set<std::string>> keys;
    const auto watch = [&](int, json::parse_event_t event, json& value) {
      if (event == json::parse_event_t::object_start) keys.emplace_back();
      if (event == json::parse_event_t::object_end) keys.pop_back();
      if (event == json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) {
        fail("its header has the name '" + value.get<std::string>() + "' twice");
      }
      return true;
    };
    try {
      return json::parse(text, text + size, watch);
    } catch (const json::exception& e) {
      fail(std::string("its header is not JSON: ") + e.what());
    }
  }

  std::uint64_t natural(const std::string& tensor, const json& value, const char* what) const {
    if (!value.is_number_unsigned()) fail(tensor, std::string(what) + " must be non-negative integers");
    return value.get<std::uint64_t>();
  }

  const json& field(const std::string& tensor, const json& table, const char* name) const {
    const auto found = table.find(name);
    if (found == table.end()) fail(tensor, std::string("'") + name + "' is missing");
    return *found;
  }

  Entry entry(const std::string& name, const json& table, std::uint64_t data_size) const {
    if (!table.is_object()) fail(name, "expected {dtype, shape, data_offsets}");
    for (const auto& [key, value] : table.items()) {
      if (key != "dtype" && key != "shape" && key != "data_offsets")
        fail(name, "unknown field '" + key + "'");
    }
    Entry entry;
    entry.name = name;

    const json& dtype = field(name, table, "dtype");
    const auto known =
        std::find_if(kDtypes.begin(), kDtypes.end(), [&](const Dtype& d) { return dtype == d.name; });
    if (known == kDtypes.end()) {
      // A deeply nested value must not be written out: that recurses.
      const std::string found = dtype.is_structured() ? dtype.type_name() : dtype.dump();
      fail(name, "dtype " + found + " is not supported, expected " + one_of_list(dtype_names()));
    }
    entry.type = known->type;

    const json& shape = field(name, table, "shape");
    if (!shape.is_array() || shape.size() > kMaxDims)
      fail(name, "'shape' must be a list of up to 64 integers");
    // `span` counts empty dimensions as 1: LibTorch multiplies strides that way.
    std::uint64_t span = c10::elementSize(entry.type);
    bool empty = false;
    for (const json& item : shape) {
      const std::uint64_t size = natural(name, item, "the sizes of 'shape'");
      empty = empty || size == 0;
      if (__builtin_mul_overflow(span, std::max<std::uint64_t>(size, 1), &span) || span > INT64_MAX) {
        fail(name, "shape " + shape.dump() + " is too large");
      }
      entry.shape.push_back(static_cast<std::int64_t>(size));
    }

    const json& offsets = field(name, table, "data_offsets");
    if (!offsets.is_array() || offsets.size() != 2) fail(name, "'data_offsets' must be [begin, end]");
    entry.begin = natural(name, offsets[0], "'data_offsets'");
    entry.end = natural(name, offsets[1], "'data_offsets'");
    if (entry.begin > entry.end || entry.end > data_size) {
      fail(name, "data_offsets " + offsets.dump() + " are not within the " + std::to_string(data_size) +
                     " bytes of data");
    }
    const std::uint64_t expected = empty ? 0 : span;
    if (entry.end - entry.begin != expected) {
      fail(name, "shape " + shape.dump() + " of " + known->name + " takes " + std::to_string(expected) +
                     " bytes, data_offsets " + offsets.dump() + " give it " +
                     std::to_string(entry.end - entry.begin));
    }
    return entry;
  }

  /// Tensors lie end to end: no byte is shared, skipped or left over. Sorts into file order.
  void check_layout(std::vector<Entry>& entries, std::uint64_t data_size) const {
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
    });
    std::uint64_t position = 0;
    for (const Entry& entry : entries) {
      if (entry.begin < position) fail(entry.name, "overlaps the tensor before it");
      if (entry.begin > position) {
        fail(entry.name, "there are " + std::to_string(entry.begin - position) + " unused bytes before it");
      }
      position = entry.end;
    }
    if (position != data_size)
      fail("there are " + std::to_string(data_size - position) + " bytes after the last tensor");
  }

  std::map<std::string, std::string> metadata(const json& table) const {
    std::map<std::string, std::string> metadata;
    if (!table.is_object()) fail("'__metadata__' must be a table of strings");
    for (const auto& [key, value] : table.items()) {
      if (!value.is_string()) fail("'__metadata__' must be a table of strings, '" + key + "' is none");
      metadata[key] = value.get<std::string>();
    }
    return metadata;
  }

 private:
  std::string path_;
};

const char* dtype_name(const std::string& path, const std::string& name, at::ScalarType type) {
  for (const Dtype& dtype : kDtypes) {
    if (dtype.type == type) return dtype.name;
  }
  throw Error("cannot write '" + path + "': tensor '" + name + "' has type " + c10::toString(type) +
              ", expected " + one_of_list(dtype_names()));
}

}  // namespace

struct SafeTensors::File {
  explicit File(const std::string& path_) : path(path_), mapping(path_) {}

  const Entry& entry(const std::string& name) const {
    const auto found = positions.find(name);
    if (found != positions.end()) return entries[found->second];
    std::vector<std::string> candidates;
    for (const Entry& entry : entries) candidates.push_back(entry.name);
    throw Error(path + ": there is no tensor '" + name + "'" + did_you_mean(name, candidates));
  }

  std::string path;
  MappedFile mapping;
  const unsigned char* data = nullptr;
  std::vector<Entry> entries;
  std::map<std::string, std::size_t> positions;
  std::map<std::string, std::string> metadata;
};

SafeTensors SafeTensors::open(const std::string& path) {
  auto file = std::make_shared<File>(path);
  const HeaderParser parser(path);
  const std::size_t size = file->mapping.size();
  if (size < kPrefix)
    parser.fail("it is no safetensors file, it has only " + std::to_string(size) + " bytes");
  std::uint64_t header_size;
  std::memcpy(&header_size, file->mapping.data(), kPrefix);
  if (header_size > kMaxHeader) {
    parser.fail("it is no safetensors file, or its header of " + std::to_string(header_size) +
                " bytes is above the limit of " + std::to_string(kMaxHeader));
  }
  if (header_size > size - kPrefix) {
    parser.fail("it is cut short: its header has " + std::to_string(header_size) + " bytes, the file has " +
                std::to_string(size - kPrefix) + " after the header's length");
  }
  const char* text = reinterpret_cast<const char*>(file->mapping.data()) + kPrefix;
  if (header_size == 0 || text[0] != '{') parser.fail("its header does not begin with '{'");
  const json header = parser.parse(text, header_size);

  file->data = file->mapping.data() + kPrefix + header_size;
  const std::uint64_t data_size = size - kPrefix - header_size;
  for (const auto& [name, table] : header.items()) {
    if (name == "__metadata__") {
      file->metadata = parser.metadata(table);
    } else {
      file->entries.push_back(parser.entry(name, table, data_size));
    }
  }
  parser.check_layout(file->entries, data_size);
  for (std::size_t i = 0; i < file->entries.size(); ++i) file->positions[file->entries[i].name] = i;

  SafeTensors tensors;
  tensors.file_ = std::move(file);
  return tensors;
}

std::vector<std::string> SafeTensors::names() const {
  std::vector<std::string> names;
  for (const Entry& entry : file_->entries) names.push_back(entry.name);
  return names;
}

bool SafeTensors::has(const std::string& name) const { return file_->positions.count(name) > 0; }

Tensor SafeTensors::at(const std::string& name) const {
  const Entry& entry = file_->entry(name);
  const auto options = at::TensorOptions().dtype(entry.type);
  const std::size_t bytes = entry.end - entry.begin;
  if (bytes == 0) return at::empty(entry.shape, options);

  const unsigned char* data = file_->data + entry.begin;
  if (entry.type == at::kBool &&
      std::any_of(data, data + bytes, [](unsigned char byte) { return byte > 1; })) {
    throw Error(file_->path + ": tensor '" + name + "': a BOOL is neither 0 nor 1");
  }
  if (reinterpret_cast<std::uintptr_t>(data) % c10::elementSize(entry.type) != 0) {
    Tensor copy = at::empty(entry.shape, options);
    std::memcpy(copy.data_ptr(), data, bytes);
    return copy;
  }
  return at::from_blob(
      const_cast<unsigned char*>(data), entry.shape, [keep = file_](void*) {}, options);
}

Tensor SafeTensors::load(const std::string& name, at::ScalarType type) const {
  const Tensor stored = at(name);
  const Entry& entry = file_->entry(name);
  const auto begin = static_cast<std::size_t>(file_->data - file_->mapping.data()) + entry.begin;
  if (entry.type == type && begin % c10::elementSize(type) == 0) {
    if (const auto memory = file_->mapping.writable(begin, entry.end - entry.begin)) {
      return at::from_blob(
          memory.get(), entry.shape, [memory](void*) {}, type);
    }
  }
  return stored.to(type, /*non_blocking=*/false, /*copy=*/true);
}

std::vector<std::int64_t> SafeTensors::shape(const std::string& name) const {
  return file_->entry(name).shape;
}
const std::map<std::string, std::string>& SafeTensors::metadata() const { return file_->metadata; }
const std::string& SafeTensors::path() const { return file_->path; }

void save_safetensors(const std::string& path, const std::map<std::string, Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  // Widest elements first: then every tensor is aligned without gaps.
  std::vector<const std::pair<const std::string, Tensor>*> order;
  for (const auto& item : tensors) {
    const auto& [name, tensor] = item;
    if (!tensor.defined()) throw Error("cannot write '" + path + "': tensor '" + name + "' is undefined");
    if (name == "__metadata__")
      throw Error("cannot write '" + path + "': no tensor may be named '__metadata__'");
    if (tensor.layout() != at::kStrided)
      throw Error("cannot write '" + path + "': tensor '" + name + "' is not dense");
    dtype_name(path, name, tensor.scalar_type());
    order.push_back(&item);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](auto* a, auto* b) { return a->second.element_size() > b->second.element_size(); });

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t position = 0;
  for (const auto* item : order) {
    const auto& [name, tensor] = *item;
    const std::uint64_t end = position + static_cast<std::uint64_t>(tensor.numel() * tensor.element_size());
    header[name] = {{"dtype", dtype_name(path, name, tensor.scalar_type())},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {position, end}}};
    position = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception&) {
    throw Error("cannot write '" + path + "': a name or its metadata is not UTF-8");
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  const std::uint64_t header_size = text.size();
  if (header_size > kMaxHeader) throw Error("cannot write '" + path + "': its header is above 100 MB");

  AtomicFile file(path);
  file.write(&header_size, kPrefix);
  file.write(text);
  for (const auto* item : order) {
    const Tensor tensor = item->second.detach().to(at::kCPU).resolve_neg().contiguous();
    if (tensor.numel() > 0) file.write(tensor.data_ptr(), tensor.nbytes());
  }
  file.commit();
}

}  // namespace w2s
