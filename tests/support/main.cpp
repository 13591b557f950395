// The main of every test program. A program that is started under the name of a test file (by a link of that
// name) runs what that file holds: so many files share one program, and each can still be run by itself.
#include <filesystem>
#include <string>

#include <gmock/gmock.h>

namespace {

// The names of the tests of FILE.cpp, as --gtest_filter takes them.
std::string tests_of(const std::string& file) {
  const testing::UnitTest& program = *testing::UnitTest::GetInstance();
  std::string names;
  for (int s = 0; s < program.total_test_suite_count(); ++s) {
    const testing::TestSuite& suite = *program.GetTestSuite(s);
    for (int t = 0; t < suite.total_test_count(); ++t) {
      const testing::TestInfo& test = *suite.GetTestInfo(t);
      if (std::filesystem::path(test.file()).stem() != file) continue;
      names += (names.empty() ? "" : ":") + std::string(suite.name()) + "." + test.name();
    }
  }
  return names;
}

}  // namespace

int main(int count, char** arguments) {
  testing::InitGoogleMock(&count, arguments);
  const std::string tests = tests_of(std::filesystem::path(arguments[0]).filename());
  if (!tests.empty() && GTEST_FLAG_GET(filter) == "*") GTEST_FLAG_SET(filter, tests);
  return RUN_ALL_TESTS();
}
