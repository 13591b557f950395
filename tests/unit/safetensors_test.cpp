#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <w2s/error.hpp>
#include <w2s/safetensors.hpp>

#include "../support/fixtures.hpp"
#include "base/files.hpp"
#include "base/scratch_folder.hpp"

namespace w2s {
namespace {

namespace fs = std::filesystem;

class SafeTensorsTest : public testing::Test {
 protected:
  void write(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }

  /// A file with this header and `data` zero bytes.
  void write_header(const std::string& header, std::size_t data) const {
    const std::uint64_t size = header.size();
    write(std::string(reinterpret_cast<const char*>(&size), 8) + header + std::string(data, '\0'));
  }

  std::string message() const {
    try {
      SafeTensors::open(path_);
    } catch (const Error& e) {
      EXPECT_EQ(std::string(e.what()).find(path_), 0u) << e.what();
      return e.what();
    }
    return "";
  }

  const ScratchFolder scratch_{"w2s-safetensors-"};
  const std::string folder_ = scratch_.path(), path_ = scratch_ / "model.safetensors";
};

TEST_F(SafeTensorsTest, EveryTypeAndShapeComesBack) {
  std::map<std::string, Tensor> tensors;
  for (const auto type : {at::kBool, at::kByte, at::kChar, at::kShort, at::kInt, at::kLong, at::kHalf,
                          at::kBFloat16, at::kFloat, at::kDouble}) {
    const std::string name = c10::toString(type);
    const Tensor values = at::arange(-3, 4, at::kDouble).mul(1.5);
    tensors[name + ".vector"] = type == at::kBool ? values.gt(0) : values.abs().to(type);
    tensors[name + ".scalar"] = at::ones({}, type);
    tensors[name + ".empty"] = at::empty({3, 0, 2}, type);
  }
  tensors["matrix, transposed"] = at::arange(6, at::kFloat).view({2, 3}).t();
  tensors["with gradient ∂"] = at::arange(4, at::kFloat).requires_grad_(true);
  tensors["not finite"] = at::tensor({0.0, 1.0, -1.0}, at::kDouble).reciprocal().log();
  save_safetensors(path_, tensors, {{"format", "pt"}, {"note", "über"}});

  const SafeTensors file = SafeTensors::open(path_);
  EXPECT_EQ(file.names().size(), tensors.size());
  EXPECT_EQ(file.metadata(), (std::map<std::string, std::string>{{"format", "pt"}, {"note", "über"}}));
  for (const auto& [name, tensor] : tensors) {
    ASSERT_TRUE(file.has(name)) << name;
    const Tensor back = file.at(name);
    EXPECT_EQ(back.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_EQ(back.sizes(), tensor.sizes()) << name;
    EXPECT_EQ(file.shape(name), tensor.sizes().vec()) << name;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(back.data_ptr()) % tensor.element_size(), 0u) << name;
    const Tensor wanted = tensor.detach().contiguous();
    if (wanted.numel() == 0) continue;
    EXPECT_EQ(std::memcmp(back.data_ptr(), wanted.data_ptr(), wanted.nbytes()), 0) << name;
  }
}

TEST_F(SafeTensorsTest, TheBytesAreThoseOfTheFormat) {
  save_safetensors(path_, {{"a", at::tensor({1.0f, 2.0f})}});
  std::string header = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::string size{static_cast<char>(header.size()), 0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(read_file(path_), size + header + std::string("\0\0\x80\x3f\0\0\0\x40", 8));
}

TEST_F(SafeTensorsTest, AnEmptyFileOfTensorsComesBack) {
  save_safetensors(path_, {});
  EXPECT_TRUE(SafeTensors::open(path_).names().empty());
  EXPECT_TRUE(SafeTensors::open(path_).metadata().empty());
}

TEST_F(SafeTensorsTest, AViewKeepsTheMappingAlive) {
  save_safetensors(path_, {{"a", at::arange(1000, at::kLong)}});
  const Tensor view = SafeTensors::open(path_).at("a");
  fs::remove(path_);
  EXPECT_EQ(view.sum().item<std::int64_t>(), 499500);
}

TEST_F(SafeTensorsTest, UnalignedTensorsAreCopied) {
  write_header(
      R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}} )",
      9);
  const Tensor x = SafeTensors::open(path_).at("x");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(x.data_ptr()) % 4, 0u);
  EXPECT_TRUE(at::equal(x, at::zeros({2})));
}

TEST_F(SafeTensorsTest, LoadedTensorsMayBeWrittenTo) {
  const Tensor small = at::arange(7, at::kHalf), large = at::arange(3 << 20, at::kInt).view({3, -1});
  save_safetensors(path_, {{"small", small}, {"large", large}, {"none", at::empty({0, 4})}});
  const SafeTensors file = SafeTensors::open(path_);
  for (const auto& [name, stored] : {std::pair("small", small), std::pair("large", large)}) {
    const Tensor loaded = file.load(name, at::kFloat);
    EXPECT_TRUE(loaded.equal(stored.to(at::kFloat))) << name;
    loaded.add_(1);
    EXPECT_TRUE(file.at(name).equal(stored)) << name;
  }
  EXPECT_EQ(file.load("none", at::kDouble).sizes(), (std::vector<std::int64_t>{0, 4}));
}

TEST_F(SafeTensorsTest, TensorsOfTheFilesTypeAreLoadedOnceForEachCaller) {
  const Tensor first = at::arange(5000, at::kFloat), second = at::arange(3000, at::kFloat).neg();
  save_safetensors(path_, {{"first", first}, {"second", second}});
  {
    const SafeTensors file = SafeTensors::open(path_);
    Tensor one = file.load("second", at::kFloat), other = file.load("second", at::kFloat);
    one.zero_();
    EXPECT_TRUE(other.equal(second));
    EXPECT_TRUE(file.at("second").equal(second));
    EXPECT_TRUE(file.load("first", at::kFloat).equal(first));
  }
  EXPECT_TRUE(SafeTensors::open(path_).at("second").equal(second)) << "the file has changed";
}

TEST_F(SafeTensorsTest, ALoadedTensorIsThatOfTheFileThatWasOpened) {
  const Tensor old = at::arange(5000, at::kFloat), fresh = at::zeros({5000});
  save_safetensors(path_, {{"x", old}});
  const SafeTensors file = SafeTensors::open(path_);
  const Tensor before = file.load("x", at::kFloat);
  save_safetensors(path_, {{"x", fresh}});  // another file takes its place
  EXPECT_TRUE(before.equal(old));
  EXPECT_TRUE(file.load("x", at::kFloat).equal(old));
  EXPECT_TRUE(SafeTensors::open(path_).load("x", at::kFloat).equal(fresh));
}

TEST_F(SafeTensorsTest, NamesComeInFileOrder) {
  write_header(
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
      2);
  EXPECT_EQ(SafeTensors::open(path_).names(), (std::vector<std::string>{"b", "a"}));
}

TEST_F(SafeTensorsTest, AnUnknownNameIsAnErrorWithTheNearest) {
  save_safetensors(path_, {{"encoder.weight", at::ones({1})}});
  try {
    SafeTensors::open(path_).at("encoder.wieght");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("did you mean 'encoder.weight'?"), std::string::npos) << e.what();
  }
}

TEST_F(SafeTensorsTest, AMissingFileIsAnErrorThatNamesIt) {
  try {
    SafeTensors::open(path_);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.what(), "cannot read '" + path_ + "': No such file or directory");
  }
}

TEST_F(SafeTensorsTest, EachHostileHeaderIsOneClearError) {
  const auto tensor = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"x":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  struct Case {
    std::string header;
    std::size_t data;
    std::string part;
  };
  const std::string f32 = R"("F32")";
  const std::vector<Case> cases{
      {"", 0, "begin with '{'"},
      {"[]", 0, "begin with '{'"},
      {" {}", 0, "begin with '{'"},
      {"{", 0, "not JSON"},
      {"{} x", 0, "not JSON"},
      {"{\"\xff\":{}}", 0, "not JSON"},
      {R"({"__metadata__":[]})", 0, "table of strings"},
      {R"({"__metadata__":{"a":1}})", 0, "'a'"},
      {R"({"__metadata__":{"a":"1","a":"2"}})", 0, "'a' twice"},
      {R"({"x":1})", 0, "expected {dtype"},
      {R"({"x":{"dtype":"F32","shape":[1]}})", 0, "'data_offsets' is missing"},
      {R"({"x":{"shape":[1],"data_offsets":[0,4]}})", 4, "'dtype' is missing"},
      {R"({"x":{"dtype":"F32","data_offsets":[0,4]}})", 4, "'shape' is missing"},
      {R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}})", 4, "'more'"},
      {R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       4, "'x' twice"},
      {tensor(R"("F31")", "[1]", "[0,4]"), 4, "\"F31\" is not supported"},
      {tensor("32", "[1]", "[0,4]"), 4, "32 is not supported"},
      {tensor(f32, "1", "[0,4]"), 4, "'shape' must be"},
      {tensor(f32, "[-1]", "[0,4]"), 4, "non-negative integers"},
      {tensor(f32, "[1.0]", "[0,4]"), 4, "non-negative integers"},
      {tensor(f32, "[4611686018427387904,4]", "[0,0]"), 0, "too large"},
      {tensor(f32, "[4294967296,4294967296]", "[0,0]"), 0, "too large"},
      {tensor(f32, "[0,4611686018427387904,4]", "[0,0]"), 0, "too large"},
      {tensor(f32, "[18446744073709551616]", "[0,4]"), 4, "non-negative integers"},
      {tensor(f32, "[1]", "[0]"), 4, "[begin, end]"},
      {tensor(f32, "[1]", "4"), 4, "[begin, end]"},
      {tensor(f32, "[1]", "[4,0]"), 4, "not within"},
      {tensor(f32, "[1]", "[0,8]"), 4, "not within"},
      {tensor(f32, "[1]", "[18446744073709551612,18446744073709551615]"), 4, "not within"},
      {tensor(f32, "[1]", "[-4,0]"), 4, "non-negative integers"},
      {tensor(f32, "[2]", "[0,4]"), 4, "takes 8 bytes"},
      {tensor(f32, "[0]", "[0,4]"), 4, "takes 0 bytes"},
      {tensor(f32, "[1]", "[4,8]"), 8, "4 unused bytes"},
      {tensor(f32, "[1]", "[0,4]"), 7, "3 bytes after the last tensor"},
      {"{}", 1, "1 bytes after the last tensor"},
      {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       8, "overlaps"},
      {tensor(f32, "[" + std::string(200000, '['), "[0,4]"), 4, "not JSON"},
  };
  for (const Case& c : cases) {
    write_header(c.header, c.data);
    const std::string text = message();
    EXPECT_NE(text.find(c.part), std::string::npos) << c.header.substr(0, 200) << "\n  gave: " << text;
  }
}

TEST_F(SafeTensorsTest, WrongLengthsAreClearErrors) {
  write("");
  EXPECT_NE(message().find("only 0 bytes"), std::string::npos);
  write("1234567");
  EXPECT_NE(message().find("only 7 bytes"), std::string::npos);
  write(std::string("\x10\0\0\0\0\0\0\0{}", 10));
  EXPECT_NE(message().find("cut short"), std::string::npos);
  write(std::string(8, '\xff') + "{}");
  EXPECT_NE(message().find("above the limit"), std::string::npos);
  write(std::string("\x01\xe1\xf5\x05\0\0\0\0{}", 10));  // 100,000,001
  EXPECT_NE(message().find("above the limit"), std::string::npos);

  save_safetensors(path_, {{"a", at::ones({100})}});
  const std::string whole = read_file(path_);
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    write(whole.substr(0, size));
    EXPECT_NE(message(), "") << size;
  }
}

TEST_F(SafeTensorsTest, ABoolThatIsNeitherIsAnError) {
  save_safetensors(path_, {{"flag", at::ones({4}, at::kBool)}});
  std::string bytes = read_file(path_);
  bytes.back() = 7;
  write(bytes);
  EXPECT_THROW(SafeTensors::open(path_).at("flag"), Error);
}

TEST_F(SafeTensorsTest, WhatCannotBeWrittenIsAnErrorAndKeepsTheOldFile) {
  write("old");
  EXPECT_THROW(save_safetensors(path_, {{"a", Tensor()}}), Error);
  EXPECT_THROW(save_safetensors(path_, {{"a", at::ones({1}, at::kComplexFloat)}}), Error);
  EXPECT_THROW(save_safetensors(path_, {{"a", at::ones({1}).to_sparse()}}), Error);
  EXPECT_THROW(save_safetensors(path_, {{"__metadata__", at::ones({1})}}), Error);
  EXPECT_THROW(save_safetensors(path_, {{"\xff", at::ones({1})}}), Error);
  EXPECT_THROW(save_safetensors(folder_ + "/absent/file", {{"a", at::ones({1})}}), Error);
  EXPECT_EQ(read_file(path_), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(SafeTensorsTest, MutatedFilesGiveErrorsOrTensorsNeverCrashes) {
  save_safetensors(path_,
                   {{"a", at::ones({3, 2})},
                    {"b", at::zeros({5}, at::kBool)},
                    {"c", at::ones({2}, at::kHalf)},
                    {"d", at::empty({0, 4}, at::kLong)}},
                   {{"format", "pt"}});
  const std::string valid = read_file(path_);
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) { return random() % n; };
  const std::string alphabet = "{}[]\",:0123456789-.eF\\ \n\x80\xff";
  int read = 0, refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string bytes = valid;
    for (std::size_t edits = 1 + below(3); edits > 0; --edits) {
      const std::size_t at = below(bytes.size());
      switch (below(6)) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes[at] = alphabet[below(alphabet.size())];
          break;
        case 2:
          bytes.erase(at, 1 + below(8));
          break;
        case 3:
          bytes.insert(at, 1 + below(8), alphabet[below(alphabet.size())]);
          break;
        case 4:
          bytes.insert(at, bytes.substr(below(bytes.size()), below(60)));
          break;
        default:
          bytes[below(16)] = static_cast<char>(random());
      }
      if (bytes.empty()) bytes = "x";
    }
    write(bytes);
    try {
      const SafeTensors file = SafeTensors::open(path_);
      for (const std::string& name : file.names()) file.at(name).to(at::kDouble).sum().item<double>();
      ++read;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(read, 20);
  EXPECT_GT(refused, 1000);
}

TEST_F(SafeTensorsTest, ReadsEveryFixture) {
  const std::vector<fs::path> folders = fixtures("models", "expected.safetensors");
  for (const fs::path& folder : folders) {
    const SafeTensors file = SafeTensors::open((folder / "expected.safetensors").string());
    EXPECT_FALSE(file.names().empty()) << folder;
    std::map<std::string, Tensor> tensors;
    for (const std::string& name : file.names()) {
      tensors[name] = file.at(name);
      if (!tensors[name].is_floating_point()) continue;
      EXPECT_TRUE(at::isfinite(tensors[name]).all().item<bool>()) << name;
    }
    save_safetensors(path_, tensors, file.metadata());
    const SafeTensors copy = SafeTensors::open(path_);
    for (const auto& [name, tensor] : tensors) EXPECT_TRUE(at::equal(copy.at(name), tensor)) << name;
  }
  EXPECT_FALSE(folders.empty());
}

}  // namespace
}  // namespace w2s
