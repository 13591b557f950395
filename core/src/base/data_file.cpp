#include <w2s/data_file.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

namespace w2s {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 20;

[[noreturn]] void fail(const std::string& path, std::string_view what) {
  throw UsageError(fmt::format("{}: {}", path, what));
}

std::string read_bytes(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) fail(path, std::strerror(errno));
  std::string bytes, chunk(kChunk, '\0');
  while (const std::size_t count = std::fread(chunk.data(), 1, chunk.size(), file.get())) {
    bytes.append(chunk, 0, count);
  }
  if (std::ferror(file.get())) fail(path, std::strerror(errno));
  return bytes;
}

std::string gunzip(const std::string& path, const std::string& bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) throw Error(path + ": zlib could not start");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, &inflateEnd);

  std::string out, chunk(kChunk, '\0');
  std::size_t used = 0;
  bool inside = false;
  while (used < bytes.size()) {
    const std::size_t given = std::min(bytes.size() - used, kChunk);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + used));
    stream.avail_in = static_cast<uInt>(given);
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    const int status = inflate(&stream, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
      fail(path,
           fmt::format("corrupt gzip data near byte {} ({})", used, stream.msg ? stream.msg : "bad data"));
    }
    used += given - stream.avail_in;
    out.append(chunk, 0, chunk.size() - stream.avail_out);
    inside = status != Z_STREAM_END;
    if (!inside) inflateReset(&stream);
  }
  while (inside) {
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    const int status = inflate(&stream, Z_NO_FLUSH);
    out.append(chunk, 0, chunk.size() - stream.avail_out);
    if (status == Z_STREAM_END) break;
    if (status != Z_OK) fail(path, "the gzip data is cut off: the file is incomplete");
  }
  return out;
}

std::string unzstd(const std::string& path, const std::string& bytes) {
  const std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(),
                                                                             &ZSTD_freeDStream);
  if (!stream) throw Error(path + ": Zstandard could not start");

  std::string out, chunk(kChunk, '\0');
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (;;) {
    ZSTD_outBuffer to{chunk.data(), chunk.size(), 0};
    const std::size_t left = ZSTD_decompressStream(stream.get(), &to, &in);
    if (ZSTD_isError(left)) {
      fail(path, fmt::format("corrupt Zstandard data near byte {} ({})", in.pos, ZSTD_getErrorName(left)));
    }
    out.append(chunk, 0, to.pos);
    if (in.pos < in.size) continue;
    if (left == 0) return out;
    if (to.pos == 0) fail(path, "the Zstandard data is cut off: the file is incomplete");
  }
}

}  // namespace

std::string read_data_file(const std::string& path) {
  std::string bytes = read_bytes(path);
  if (bytes.starts_with("\x1f\x8b")) return gunzip(path, bytes);
  if (bytes.starts_with("\x28\xb5\x2f\xfd")) return unzstd(path, bytes);
  return bytes;
}

}  // namespace w2s
