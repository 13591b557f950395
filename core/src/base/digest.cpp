#include <w2s/digest.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include <openssl/evp.h>

#include <w2s/error.hpp>

namespace w2s {
namespace {

std::array<unsigned char, 8> little_endian(std::uint64_t number) {
  std::array<unsigned char, 8> bytes;
  for (unsigned char& byte : bytes) {
    byte = static_cast<unsigned char>(number & 0xff);
    number >>= 8;
  }
  return bytes;
}

}  // namespace

struct Digest::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  bool ended = false;

  State() {
    if (!context || EVP_DigestInit_ex(context, EVP_sha256(), nullptr) != 1) {
      EVP_MD_CTX_free(context);
      throw Error("SHA-256 is not available in this OpenSSL");
    }
  }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void update(const void* data, std::size_t size) {
    if (ended) throw Error("a digest was added to after its end");
    if (EVP_DigestUpdate(context, data, size) != 1) throw Error("SHA-256 failed");
  }
  std::array<unsigned char, 32> end() {
    if (ended) throw Error("a digest was read twice");
    ended = true;
    std::array<unsigned char, 32> bytes;
    if (EVP_DigestFinal_ex(context, bytes.data(), nullptr) != 1) throw Error("SHA-256 failed");
    return bytes;
  }
};

Digest::Digest() : state_(std::make_unique<State>()) {}
Digest::~Digest() = default;

Digest& Digest::add(std::string_view field) {
  const auto length = little_endian(field.size());
  state_->update(length.data(), length.size());
  state_->update(field.data(), field.size());
  return *this;
}

Digest& Digest::add(std::int64_t number) {
  const auto bytes = little_endian(static_cast<std::uint64_t>(number));
  return add(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

Digest& Digest::raw(const void* data, std::size_t size) {
  state_->update(data, size);
  return *this;
}

std::string Digest::hex() {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(64);
  for (const unsigned char byte : state_->end()) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::uint64_t Digest::word() {
  const auto bytes = state_->end();
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = number << 8 | bytes[i];
  return number;
}

std::string sha256(std::string_view bytes) { return Digest().raw(bytes.data(), bytes.size()).hex(); }

std::string sha256_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(path + ": cannot be read: " + std::strerror(errno));
  Digest digest;
  std::vector<char> block(1 << 20);
  do {
    in.read(block.data(), static_cast<std::streamsize>(block.size()));
    digest.raw(block.data(), static_cast<std::size_t>(in.gcount()));
  } while (in);
  if (!in.eof()) throw Error(path + ": cannot be read: " + std::strerror(errno));
  return digest.hex();
}

}  // namespace w2s
