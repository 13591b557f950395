#include "data/parquet.hpp"

#include <vector>

#include <w2s/error.hpp>

#ifdef W2S_PARQUET

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>

namespace w2s {
namespace {

Value value_of(const arrow::Array& array, std::int64_t i);

List items_of(const arrow::Array& items, std::int64_t begin, std::int64_t end) {
  List list;
  for (std::int64_t i = begin; i < end; ++i) list.push_back(value_of(items, i));
  return list;
}

template <class ListArray>
Value list_at(const arrow::Array& array, std::int64_t i) {
  const auto& list = static_cast<const ListArray&>(array);
  return items_of(*list.values(), list.value_offset(i), list.value_offset(i) + list.value_length(i));
}

Value map_at(const arrow::MapArray& map, std::int64_t i) {
  const std::int64_t begin = map.value_offset(i), end = begin + map.value_length(i);
  std::vector<Table::Entry> entries;
  for (std::int64_t item = begin; item < end; ++item) {
    const Value key = value_of(*map.keys(), item);
    entries.emplace_back(key.is_string() ? key.as_string() : key.canonical(), value_of(*map.items(), item));
  }
  return Table::of(std::move(entries));
}

Value struct_at(const arrow::StructArray& array, std::int64_t i) {
  std::vector<Table::Entry> entries;
  for (int f = 0; f < array.num_fields(); ++f)
    entries.emplace_back(array.struct_type()->field(f)->name(), value_of(*array.field(f), i));
  return Table::of(std::move(entries));
}

template <class NumberArray>
auto number_at(const arrow::Array& array, std::int64_t i) {
  return static_cast<const NumberArray&>(array).Value(i);
}

Value value_of(const arrow::Array& array, std::int64_t i) {
  if (array.IsNull(i)) return Value();
  switch (array.type_id()) {
    case arrow::Type::NA:
      return Value();
    case arrow::Type::BOOL:
      return number_at<arrow::BooleanArray>(array, i);
    case arrow::Type::INT8:
      return static_cast<std::int64_t>(number_at<arrow::Int8Array>(array, i));
    case arrow::Type::INT16:
      return static_cast<std::int64_t>(number_at<arrow::Int16Array>(array, i));
    case arrow::Type::INT32:
      return static_cast<std::int64_t>(number_at<arrow::Int32Array>(array, i));
    case arrow::Type::INT64:
      return static_cast<std::int64_t>(number_at<arrow::Int64Array>(array, i));
    case arrow::Type::UINT8:
      return static_cast<std::int64_t>(number_at<arrow::UInt8Array>(array, i));
    case arrow::Type::UINT16:
      return static_cast<std::int64_t>(number_at<arrow::UInt16Array>(array, i));
    case arrow::Type::UINT32:
      return static_cast<std::int64_t>(number_at<arrow::UInt32Array>(array, i));
    case arrow::Type::FLOAT:
      return static_cast<double>(number_at<arrow::FloatArray>(array, i));
    case arrow::Type::DOUBLE:
      return number_at<arrow::DoubleArray>(array, i);
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return std::string(static_cast<const arrow::BinaryArray&>(array).GetView(i));
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return std::string(static_cast<const arrow::LargeBinaryArray&>(array).GetView(i));
    case arrow::Type::LIST:
      return list_at<arrow::ListArray>(array, i);
    case arrow::Type::LARGE_LIST:
      return list_at<arrow::LargeListArray>(array, i);
    case arrow::Type::FIXED_SIZE_LIST:
      return list_at<arrow::FixedSizeListArray>(array, i);
    case arrow::Type::MAP:
      return map_at(static_cast<const arrow::MapArray&>(array), i);
    case arrow::Type::STRUCT:
      return struct_at(static_cast<const arrow::StructArray&>(array), i);
    case arrow::Type::DICTIONARY: {
      const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
      return value_of(*coded.dictionary(), coded.GetValueIndex(i));
    }
    default: {
      const auto scalar = array.GetScalar(i);
      if (!scalar.ok()) throw UsageError(scalar.status().message());
      return (*scalar)->ToString();
    }
  }
}

}  // namespace

struct ParquetRows::State {
  std::string path;
  std::unique_ptr<parquet::arrow::FileReader> file;
  std::unique_ptr<arrow::RecordBatchReader> batches;
  std::shared_ptr<arrow::RecordBatch> batch;
  std::int64_t position = 0;

  // f(), with what Arrow throws as one UsageError about the file.
  template <class F>
  auto reading(const F& f) const {
    try {
      return f();
    } catch (const parquet::ParquetException& error) {
      throw UsageError(path + ": " + error.what());
    }
  }
  bool next(Table& row) {
    while (!batch || position == batch->num_rows()) {
      check(batches->ReadNext(&batch));
      position = 0;
      if (!batch) return false;
    }
    std::vector<Table::Entry> entries;
    for (int c = 0; c < batch->num_columns(); ++c)
      entries.emplace_back(batch->column_name(c), value_of(*batch->column(c), position));
    row = Table::of(std::move(entries));
    ++position;
    return true;
  }
  void check(const arrow::Status& status) const {
    if (!status.ok()) throw UsageError(path + ": " + status.message());
  }
};

ParquetRows::ParquetRows(std::string bytes, std::string path) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.path = std::move(path);
  s.reading([&] {
    parquet::arrow::FileReaderBuilder builder;
    s.check(
        builder.Open(std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::move(bytes)))));
    s.check(builder.Build(&s.file));
    s.file->set_use_threads(false);
    auto batches = s.file->GetRecordBatchReader();
    s.check(batches.status());
    s.batches = std::move(*batches);
  });
}

ParquetRows::~ParquetRows() = default;

bool ParquetRows::next(Table& row) {
  State& s = *state_;
  if (!s.batches) return false;
  try {
    return s.reading([&] { return s.next(row); });
  } catch (const UsageError&) {
    s.batches.reset();  // what is damaged is not read any further
    throw;
  }
}

}  // namespace w2s

#else

namespace w2s {

struct ParquetRows::State {};

ParquetRows::ParquetRows(std::string, std::string path) {
  throw UsageError(
      path +
      ": this w2s was built without Parquet: install libarrow-dev and libparquet-dev and build it "
      "again, or write the rows as JSONL");
}

ParquetRows::~ParquetRows() = default;

bool ParquetRows::next(Table&) { return false; }

}  // namespace w2s

#endif
