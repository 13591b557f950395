#include "base/energy.hpp"

#include <chrono>
#include <fstream>

#include "base/files.hpp"

namespace w2s {
namespace {

constexpr std::int64_t kEvery = 10;

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::optional<std::uint64_t> number_in(const std::string& path) {
  std::uint64_t value = 0;
  std::ifstream in(path);
  if (in >> value) return value;
  return {};
}

/// "intel-rapl:0", a package, and not "intel-rapl:0:1", a part of it, nor "psys", which holds the packages.
bool is_package(const std::string& folder, const std::string& zone) {
  if (!zone.starts_with("intel-rapl:") || zone.find(':', 11) != std::string::npos) return false;
  std::string name;
  std::ifstream(folder + "/" + zone + "/name") >> name;
  return name.starts_with("package");
}

}  // namespace

EnergyMeter::EnergyMeter(std::string folder) : folder_(std::move(folder)) {
  for (const std::string& zone : list_directory(folder_)) {
    if (!is_package(folder_, zone)) continue;
    const auto now = number_in(folder_ + "/" + zone + "/energy_uj");
    const auto range = number_in(folder_ + "/" + zone + "/max_energy_range_uj");
    if (now && range) counters_[zone] = {*now, *range, 0};
  }
  next_look_ = seconds_now() + kEvery;
}

void EnergyMeter::read() {
  for (auto it = counters_.begin(); it != counters_.end();) {
    Counter& counter = it->second;
    const auto now = number_in(folder_ + "/" + it->first + "/energy_uj");
    if (!now) {
      it = counters_.erase(it);
      continue;
    }
    counter.taken += *now >= counter.last ? *now - counter.last : *now + (counter.range - counter.last);
    counter.last = *now;
    ++it;
  }
  next_look_ = seconds_now() + kEvery;
}

void EnergyMeter::look() {
  if (!counters_.empty() && seconds_now() >= next_look_) read();
}

std::optional<double> EnergyMeter::joules() {
  const std::size_t zones = counters_.size();
  read();
  if (zones == 0 || counters_.size() != zones) return {};
  double sum = 0;
  for (const auto& [zone, counter] : counters_) sum += static_cast<double>(counter.taken);
  return sum * 1e-6;
}

}  // namespace w2s
