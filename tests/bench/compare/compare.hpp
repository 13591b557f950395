// Our side of `./dev bench`: each kind of work is a function from settings to figures. The other side of
// each is a plain PyTorch script in peer/ that reads the same settings; compare.py starts both.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

namespace w2s {

using Work = std::function<nlohmann::json(const nlohmann::json& settings)>;

/// All kinds of work by name.
std::map<std::string, Work>& works();

/// Makes a kind known: `const KnownWork finetune("finetune", [](const nlohmann::json& settings) {…});`
struct KnownWork {
  KnownWork(const std::string& name, Work work) { works()[name] = std::move(work); }
};

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace w2s
