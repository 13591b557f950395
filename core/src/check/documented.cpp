#include "check/check.hpp"

namespace w2s {

void check_documented(Findings& findings, const SchemaBase& schema) {
  findings.check("says what it does", "call s.summary(\"…\") in describe()",
                 [&] { return schema.summary().empty() ? "the schema has no summary" : ""; });
  findings.check("says where it comes from", "call s.source(\"…\") in describe(): a paper, or \"ours\"",
                 [&] { return schema.source().empty() ? "the schema has no source" : ""; });
  findings.check("documents its parameters", "give each s.field(…) a meaning", [&]() -> std::string {
    for (const auto& field : schema.fields()) {
      if (field->doc().empty()) return "parameter '" + field->name() + "' has no meaning";
    }
    return "";
  });
}

}  // namespace w2s
