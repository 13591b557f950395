// Content addresses: SHA-256 in hexadecimal.
// Functions may be called from any thread; a Digest has one owner.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <w2s/export.hpp>

namespace w2s {

/// Incremental SHA-256. Fields are length-prefixed, so ("ab","c") differs from ("a","bc").
class W2S_API Digest {
 public:
  Digest();
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  Digest& add(std::string_view field);
  Digest& add(std::int64_t number);
  /// Without a length: for streams of known framing.
  Digest& raw(const void* data, std::size_t size);
  /// 64 lower-case hexadecimal characters. Ends the digest.
  std::string hex();
  /// The first 8 bytes as a number. Ends the digest.
  std::uint64_t word();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// SHA-256 of one string, in hexadecimal.
W2S_API std::string sha256(std::string_view bytes);
/// SHA-256 of a file's contents; throws Error where it cannot be read.
W2S_API std::string sha256_file(const std::string& path);

}  // namespace w2s
