// The parts of the HTML report, compiled in from core/src/report/page and the D3 package at build time.
#pragma once

#include <string_view>

namespace w2s {

extern const std::string_view kReportHtml, kReportCss, kReportJs, kD3, kD3License;

}  // namespace w2s
