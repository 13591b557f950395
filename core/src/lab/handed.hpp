// What a strategy hands over to be fitted is looked at before anything reads it: it may come from anybody's
// code.
#pragma once

#include <w2s/supervision.hpp>

namespace w2s {

/// Labels that cannot be fitted to. The message begins with what is wrong; who handed them over is put in
/// front.
class BadSupervision : public Error {
 public:
  using Error::Error;
};

/// Throws BadSupervision, with the first bad example, unless there are targets float [N, classes], finite,
/// not negative, with rows that sum to 1; weights float [N], finite, not negative, not all 0; and for
/// generation (one class) an answer and a certainty for each example. `what` names them: "labels",
/// "validation labels".
void check_supervision(const Supervision& given, std::int64_t classes, const char* what);

}  // namespace w2s
