#include "base/code_text.hpp"

#include <gtest/gtest.h>

namespace w2s {
namespace {

TEST(CodeText, CommentsAndLayoutDoNotCount) {
  const std::string plain = code_text("int f(int a) { return a + 1; }\n");
  EXPECT_EQ(plain, code_text("// sum\nint f(int a) {\n  return a /* one more */ + 1;  // why\n}\n"));
  EXPECT_EQ(plain, code_text("int f(int a)\n{\n\treturn a+1;\n}"));
  EXPECT_EQ(plain, code_text("int /*x*/f(int a) { return a + \\\n 1; }"));
}

TEST(CodeText, WordsAndSignsStayApart) {
  EXPECT_NE(code_text("return x;"), code_text("returnx;"));
  EXPECT_NE(code_text("a + +b"), code_text("a ++b"));
  EXPECT_EQ(code_text("int/**/x"), code_text("int x"));
}

TEST(CodeText, LiteralsStayAsTheyAre) {
  EXPECT_NE(code_text("f(\"a  b\")"), code_text("f(\"a b\")"));
  EXPECT_EQ(code_text("f(\"http://x\");  // y"), "f(\"http://x\");");
  EXPECT_EQ(code_text(R"s(f('"', a, "\"//") // c)s"), R"s(f('"',a, "\"//"))s");
  EXPECT_EQ(code_text("f(R\"x( // no comment \" )x\") // one"), "f(R\"x( // no comment \" )x\")");
  EXPECT_EQ(code_text("1'000'000 // million"), "1'000'000");
  EXPECT_NE(code_text("x = 'a' ;"), code_text("x = 'b';"));
}

TEST(CodeText, ADirectiveEndsWithItsLine) {
  EXPECT_NE(code_text("#define A\nb"), code_text("#define A b"));
  EXPECT_EQ(code_text("#define A \\\n b\nc"), code_text("#define A b // said\nc"));
  EXPECT_EQ(code_text("x;\n#include <a>\n\n\n#include <b>\n"),
            code_text("x; // y\n#include <a>\n#include <b>\n"));
}

TEST(CodeText, AnUnendedCommentOrLiteralEndsWithTheText) {
  EXPECT_EQ(code_text("a /* b"), "a");
  EXPECT_EQ(code_text("\"a"), "\"a");
  EXPECT_EQ(code_text("R\"x(a"), "R\"x(a");
}

}  // namespace
}  // namespace w2s
