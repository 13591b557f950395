#include "device.hpp"

#include <sys/resource.h>

#include <w2s/error.hpp>

#include "engine/network.hpp"

#ifdef W2S_CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#endif

namespace w2s {

at::Device device_of(const nlohmann::json& settings) {
  const at::Device device(settings.at("device").get<std::string>());
  if (device.is_cuda() && !at::hasCUDA()) throw UsageError("this LibTorch finds no GPU for " + device.str());
  return device;
}

at::ScalarType precision_of(const nlohmann::json& settings) {
  TrainParams train;
  train.precision = value_named<Precision>(settings.at("precision").get<std::string>()).value();
  return precision_of(train);
}

void wait_for(at::Device device) {
  // A copy from the device comes after what was asked of it before.
  if (!device.is_cpu()) at::zeros({1}, at::TensorOptions().device(device)).cpu();
}

std::int64_t peak_bytes(at::Device device) {
#ifdef W2S_CUDA
  if (device.is_cuda()) {
    const auto index = device.has_index() ? device.index() : c10::DeviceIndex{0};
    return c10::cuda::CUDACachingAllocator::getDeviceStats(index).allocated_bytes[0].peak;  // of all pools
  }
#endif
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * std::int64_t{1024};
}

}  // namespace w2s
