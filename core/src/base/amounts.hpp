// Times and sizes as people write them: "90", "10m", "2h"; "500M", "2G". Free of LibTorch.
#pragma once

#include <cstdint>
#include <string>

namespace w2s {

/// Seconds: a number above 0 with "s" (or nothing), "m", "h" or "d" behind it. Throws UsageError that begins
/// with `what` ("--job-timeout").
double parse_duration(const std::string& what, const std::string& text);
/// Bytes: a number above 0 with "K", "M", "G" or "T" (powers of 1024; "GB" and "GiB" are the same) behind it.
std::int64_t parse_size(const std::string& what, const std::string& text);

/// "45 s", "10 min", "1.5 h"
std::string duration_text(double seconds);
/// "512.0 KiB", "1.5 GiB"
std::string size_text(std::int64_t bytes);

}  // namespace w2s
