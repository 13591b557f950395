#include <w2s/error.hpp>

namespace w2s {

Error::~Error() = default;
UsageError::~UsageError() = default;

}  // namespace w2s
