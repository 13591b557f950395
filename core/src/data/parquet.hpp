// Parquet files (Apache Parquet 2) as rows, where Arrow's C++ library was found when this was built.
#pragma once

#include <memory>
#include <string>

#include <w2s/value.hpp>

namespace w2s {

/// Structs are tables; maps too, where their keys are texts; decimals, dates, times and the like their text.
/// Not for several threads at once.
class ParquetRows {
 public:
  /// `bytes` is the file; `path` names it in messages. Throws UsageError where it is no Parquet file, or
  /// where this build cannot read any.
  ParquetRows(std::string bytes, std::string path);
  ~ParquetRows();

  /// The next row by column; false at the end. Throws UsageError for a damaged file, of which no more is
  /// read.
  bool next(Table& row);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace w2s
