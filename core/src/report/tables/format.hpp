// A format of tables: one file in this folder, and its name in the list of ../tables.cpp.
#pragma once

#include <string>

#include "report/tables.hpp"

namespace w2s {

extern const TableFormat terminal_format, markdown_format, csv_format, json_format, latex_format;

}  // namespace w2s
