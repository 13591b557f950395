#include "report/tables.hpp"

#include <fmt/format.h>

#include <w2s/error.hpp>

#include "report/tables/format.hpp"

namespace w2s {
namespace {

const TableFormat* const kFormats[] = {&terminal_format, &markdown_format, &csv_format, &json_format,
                                       &latex_format};

}  // namespace

std::vector<std::string> table_format_names() {
  std::vector<std::string> names;
  for (const TableFormat* format : kFormats) names.push_back(format->name);
  return names;
}

const TableFormat& table_format(const std::string& name) {
  for (const TableFormat* format : kFormats)
    if (name == format->name) return *format;
  const std::vector<std::string> names = table_format_names();
  throw UsageError(fmt::format("unknown table format '{}'{}; expected {}", name, did_you_mean(name, names),
                               one_of_list(names)));
}

}  // namespace w2s
