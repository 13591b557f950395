// Every bad input ends in its one message and exit status, and docs/errors.md tells the same.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "bad_inputs/cases.hpp"

namespace w2s::e2e {

void PrintTo(const BadInput& input, std::ostream* out) { *out << input.mistake; }

namespace {

class BadInputs : public testing::TestWithParam<BadInput> {
 protected:
  static void SetUpTestSuite() {
    if (bench != nullptr) return;
    bench = new Workbench;
    write_bad_files(*bench);
    const Outcome done = bench->w2s({"run", "tiny.toml", "--runs", "done", "--quiet"});
    ASSERT_EQ(done.status, 0) << done.err;
  }
  static void TearDownTestSuite() {
    delete bench;
    bench = nullptr;
  }
  static std::string placed(const std::string& text) {
    return replace_all(replace_all(text, "{dir}", bench->folder()), "{plugins}", W2S_BAD_PLUGINS_DIR);
  }
  static inline Workbench* bench = nullptr;
};

TEST_P(BadInputs, GiveOneMessage) {
  const BadInput& input = GetParam();
  bench->write("tiny.toml", tiny_experiment());
  for (const Edit& edit : input.edits) bench->edit("tiny.toml", edit.from, edit.to);
  Arguments arguments;
  for (const std::string& argument : input.arguments) arguments.push_back(placed(argument));
  const Outcome outcome = bench->w2s(arguments);
  EXPECT_EQ(outcome.status, input.status) << outcome.err;
  const std::string message = placed(input.message);
  if (input.status == 2) {
    EXPECT_TRUE(matches(outcome.err, "w2s: " + message + "\n"))
        << "expected: w2s: " << message << "\nfound:    " << outcome.err;
    EXPECT_EQ(outcome.out, "");
  } else {
    EXPECT_TRUE(has_match(outcome.err, "\nfailed: " + message + "\n  "))
        << "expected: " << message << "\nfound: " << outcome.err;
  }
  EXPECT_EQ(outcome.err.find("terminate called"), std::string::npos);
}

std::vector<BadInput> all_cases() {
  std::vector<BadInput> cases;
  for (const BadInputGroup& group : bad_inputs())
    cases.insert(cases.end(), group.cases.begin(), group.cases.end());
  return cases;
}

std::string test_name(const testing::TestParamInfo<BadInput>& info) {
  std::string name;
  bool upper = true;
  for (const char c : info.param.mistake) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) {
      upper = true;
      continue;
    }
    name += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, BadInputs, testing::ValuesIn(all_cases()), test_name);

TEST(ErrorsPage, IsPrintedFromTheCases) {
  const std::string path = std::string(W2S_SOURCE_DIR) + "/docs/errors.md";
  if (std::getenv("W2S_WRITE_DOCS") != nullptr) std::ofstream(path) << errors_page();
  std::ostringstream page;
  page << std::ifstream(path).rdbuf();
  EXPECT_EQ(page.str(), errors_page()) << "write it anew: W2S_WRITE_DOCS=1 ./dev test -R bad_inputs";
}

}  // namespace
}  // namespace w2s::e2e
