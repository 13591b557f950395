#include "base/energy.hpp"
#include "base/scratch_folder.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace w2s {
namespace {

/// A folder as /sys/class/powercap has it.
class Powercap : public testing::Test {
 protected:
  void zone(const std::string& zone, const std::string& name, std::uint64_t microjoules) {
    std::filesystem::create_directories(folder_ + "/" + zone);
    std::ofstream(folder_ + "/" + zone + "/name") << name << '\n';
    std::ofstream(folder_ + "/" + zone + "/max_energy_range_uj") << 1'000'000'000 << '\n';
    std::ofstream(folder_ + "/" + zone + "/energy_uj") << microjoules << '\n';
  }

  const ScratchFolder scratch_{"w2s-energy-"};
  const std::string folder_ = scratch_.path();
};

TEST_F(Powercap, SumsThePackagesAndNothingThatIsPartOfThemOrHoldsThem) {
  zone("intel-rapl:0", "package-0", 5'000'000);
  zone("intel-rapl:0:0", "core", 1'000'000);
  zone("intel-rapl:1", "package-1", 0);
  zone("intel-rapl:2", "psys", 0);
  EnergyMeter meter(folder_);
  zone("intel-rapl:0", "package-0", 7'500'000);
  zone("intel-rapl:0:0", "core", 2'000'000);
  zone("intel-rapl:1", "package-1", 1'000'000);
  zone("intel-rapl:2", "psys", 9'000'000);
  EXPECT_DOUBLE_EQ(meter.joules().value(), 3.5);
}

TEST_F(Powercap, CountsOnWhenACounterWrapsAround) {
  zone("intel-rapl:0", "package-0", 900'000'000);
  EnergyMeter meter(folder_);
  zone("intel-rapl:0", "package-0", 100'000'000);
  EXPECT_DOUBLE_EQ(meter.joules().value(), 200);
  zone("intel-rapl:0", "package-0", 150'000'000);
  EXPECT_DOUBLE_EQ(meter.joules().value(), 250);
}

TEST_F(Powercap, WithoutACounterThatCanBeReadThereIsNoNumber) {
  EXPECT_FALSE(EnergyMeter(folder_).joules());
  EXPECT_FALSE(EnergyMeter(folder_ + "/absent").joules());
  zone("intel-rapl:0", "package-0", 1);
  EnergyMeter meter(folder_);
  std::filesystem::remove(folder_ + "/intel-rapl:0/energy_uj");
  EXPECT_FALSE(meter.joules());
}

}  // namespace
}  // namespace w2s
