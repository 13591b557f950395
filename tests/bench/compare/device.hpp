// Where and in which precision the work is done.
#pragma once

#include <nlohmann/json.hpp>

#include <w2s/tensor.hpp>

namespace w2s {

/// settings["device"]: "cpu", "cuda" or "cuda:N". Throws UsageError where LibTorch has no GPU.
at::Device device_of(const nlohmann::json& settings);

/// settings["precision"]: "float32" or "bfloat16", as train.precision.
at::ScalarType precision_of(const nlohmann::json& settings);

/// Until the device has done what it was asked for.
void wait_for(at::Device device);

/// The most memory that was held: on a GPU by tensors, on the CPU by this process.
std::int64_t peak_bytes(at::Device device);

}  // namespace w2s
