// Image files as tensors.
#pragma once

#include <string>

#include <w2s/tensor.hpp>

namespace w2s::image {

/// PNG, JPEG, BMP, GIF (first frame), TGA, PNM: bytes [channels, height, width], 1 channel grey or 3 RGB.
/// Throws UsageError "<path>: …" for what is no image or cut off.
Tensor read_image(const std::string& path, std::int64_t channels);

/// The shorter side becomes `size` (0: as it is), bilinear with antialiasing, then the centre of crop × crop
/// (0: all) is kept; zeros surround what is smaller.
Tensor resized_and_cropped(const Tensor& image, std::int64_t size, std::int64_t crop);

}  // namespace w2s::image
