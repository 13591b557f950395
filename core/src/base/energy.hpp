// Energy that the processor packages took, from the counters of Linux's powercap (RAPL).
//
// The counters are the machine's, not the process's, and are usually readable by
// root only. They wrap around, some within the hour: look() has to be called
// now and then.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace w2s {

class EnergyMeter {
 public:
  /// Starts to count.
  explicit EnergyMeter(std::string folder = "/sys/class/powercap");
  /// Joules since the start, of all packages and their memory; nothing where no counter can be read.
  std::optional<double> joules();
  /// Notes the counters, at most once in ten seconds: cheap to call often.
  void look();

 private:
  struct Counter {
    std::uint64_t last = 0, range = 0, taken = 0;  // microjoules
  };
  void read();

  std::string folder_;
  std::map<std::string, Counter> counters_;  // by zone
  std::int64_t next_look_ = 0;               // seconds of the steady clock
};

}  // namespace w2s
