#include "decode.hpp"

#include <cmath>
#include <memory>

#include <w2s/data_file.hpp>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wunused-function"
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_MAX_DIMENSIONS 32768
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

namespace w2s::image {

Tensor read_image(const std::string& path, std::int64_t channels) {
  const std::string bytes = read_data_file(path);
  int width = 0, height = 0, found = 0;
  const std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> pixels(
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()), static_cast<int>(bytes.size()),
                            &width, &height, &found, static_cast<int>(channels)),
      &stbi_image_free);
  if (!pixels) throw UsageError(path + ": not a readable image: " + stbi_failure_reason());
  return at::from_blob(pixels.get(), {height, width, channels}, at::kByte)
      .permute({2, 0, 1})
      .clone(at::MemoryFormat::Contiguous);
}

Tensor resized_and_cropped(const Tensor& image, std::int64_t size, std::int64_t crop) {
  Tensor x = image;
  const std::int64_t height = x.size(1), width = x.size(2), shorter = std::min(height, width);
  if (size > 0 && size != shorter) {
    const std::vector<std::int64_t> shape = {size * height / shorter, size * width / shorter};
    x = at::_upsample_bilinear2d_aa(x.to(at::kFloat).unsqueeze(0), shape, /*align_corners=*/false)[0];
    x = x.round().clamp(0, 255).to(at::kByte);
  }
  if (crop == 0) return x;
  const auto margin = [&](std::int64_t edge) { return std::max<std::int64_t>(0, crop - edge); };
  const std::int64_t tall = margin(x.size(1)), wide = margin(x.size(2));
  if (tall > 0 || wide > 0) {
    x = at::constant_pad_nd(x, {wide / 2, wide - wide / 2, tall / 2, tall - tall / 2}, 0);
  }
  const auto start = [&](std::int64_t edge) {
    return static_cast<std::int64_t>(std::nearbyint(static_cast<double>(edge - crop) / 2));
  };
  return x.narrow(1, start(x.size(1)), crop).narrow(2, start(x.size(2)), crop).contiguous();
}

}  // namespace w2s::image
