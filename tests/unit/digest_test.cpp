#include <w2s/digest.hpp>

#include <cstdio>
#include <fstream>

#include <gtest/gtest.h>
#include <w2s/error.hpp>

namespace w2s {
namespace {

TEST(Digest, AgreesWithThePublishedVectors) {  // FIPS 180-2, appendix B
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Digest, FieldsArePrefixedByTheirLength) {
  EXPECT_NE(Digest().add("ab").add("c").hex(), Digest().add("a").add("bc").hex());
  EXPECT_EQ(Digest().add("ab").hex(), sha256(std::string("\x02\0\0\0\0\0\0\0ab", 10)));
  EXPECT_EQ(Digest().add(std::int64_t{-2}).hex(),
            sha256(std::string("\x08\0\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff", 16)));
}

TEST(Digest, RawPiecesAreOneStream) { EXPECT_EQ(Digest().raw("ab", 2).raw("c", 1).hex(), sha256("abc")); }

TEST(Digest, WordIsTheBeginningOfTheHexText) {
  EXPECT_EQ(Digest().raw("abc", 3).word(), 0xba7816bf8f01cfeaULL);
}

TEST(Digest, EndsOnce) {
  Digest digest;
  digest.add("x").hex();
  EXPECT_THROW(digest.hex(), Error);
  EXPECT_THROW(digest.add("y"), Error);
}

TEST(Sha256File, ReadsTheWholeFile) {
  const std::string path = testing::TempDir() + "w2s_digest_test";
  std::ofstream(path, std::ios::binary) << std::string(3'000'000, 'b');
  EXPECT_EQ(sha256_file(path), sha256(std::string(3'000'000, 'b')));
  std::remove(path.c_str());
}

TEST(Sha256File, NamesWhatItCannotRead) {
  EXPECT_THROW(sha256_file(testing::TempDir() + "no such file"), Error);
  EXPECT_THROW(sha256_file(testing::TempDir()), Error);
}

}  // namespace
}  // namespace w2s
