// The curves of a fit on a terminal, from its log. Free of LibTorch.
#pragma once

#include <string>
#include <vector>

namespace w2s {

/// Eight heights, ▁ the lowest and █ the highest value; more values than `width` are averaged. Values that
/// are not finite are blanks.
std::string sparkline(const std::vector<double>& values, std::size_t width);

/// "loss  0.6931 ▇▅▃▂▁ 0.3125", one line for the loss and one for each validation that the log.jsonl holds;
/// empty where it holds none.
std::vector<std::string> curves_of_log(const std::string& text, std::size_t width);

}  // namespace w2s
