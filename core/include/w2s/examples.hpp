// Examples: an immutable view of rows of a data set.
//
// A task builds Columns once; every split, filter or sub-sample is an Examples:
// a shared pointer to the columns and an index. Copies are cheap, selecting
// copies no data, and all members are safe to call from several threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <w2s/enum.hpp>
#include <w2s/random.hpp>
#include <w2s/tensor.hpp>

namespace w2s {

/// What a task is, as models and losses need to know it.
enum class TaskKind {
  classification,  ///< one input, C classes: logits [B, C]
  preference,      ///< two inputs, which is better: logits [0, s₂ − s₁], C = 2
  generation,      ///< a prompt and an answer: one row of logits per answer token
};
constexpr auto enum_names(TaskKind) { return std::array{"classification", "preference", "generation"}; }

/// Rows of a data source. Exactly one of `dense` and `text` is filled.
struct Columns {
  std::vector<std::string> ids;      ///< [N] stable and unique: "train/17"
  std::vector<std::int64_t> groups;  ///< [N] rows of one group stay in one half; empty: each row alone
  Tensor
      labels;  ///< int64 [N] ground truth; classes, or 1 where the second of a pair is better; generation: 0

  Tensor dense;     ///< [N, …] any number type, as stored
  Tensor mean, sd;  ///< model input = (dense·scale − mean) / sd, broadcast over one row; undefined: 0 and 1
  double scale = 1.0;

  std::vector<std::string> text;  ///< [N] the input, the prompt (generation), or the first of a pair
  std::vector<std::string>
      second;  ///< [N] the second of a pair, or the reference answer (generation); else empty

  std::vector<double> difficulty;  ///< [N] task's own scale, larger is harder; empty: unknown
};

class W2S_API Examples {
 public:
  Examples() = default;
  /// All rows. Throws Error where the columns disagree in length or an id is repeated.
  explicit Examples(Columns columns);

  std::int64_t size() const { return static_cast<std::int64_t>(index_.size()); }
  bool empty() const { return index_.empty(); }
  bool has_text() const;

  /// The rows at these positions of this view, in this order.
  Examples select(const std::vector<std::int64_t>& positions) const;
  Examples slice(std::int64_t begin, std::int64_t end) const;
  /// Rows of both; they must come from the same columns.
  Examples concat(const Examples& other) const;

  const std::string& id(std::int64_t i) const;
  /// Equal for rows that must stay together; unique for rows without a group.
  std::int64_t group(std::int64_t i) const;
  /// Position in the task's columns: stable for the life of the task.
  std::int64_t row(std::int64_t i) const { return index_[static_cast<std::size_t>(i)]; }
  const std::vector<std::int64_t>& rows() const { return index_; }
  const std::string& text(std::int64_t i) const;
  const std::string& second(std::int64_t i) const;
  double difficulty(std::int64_t i) const;
  const Columns& columns() const { return *columns_; }

  /// Ground truth, int64 [N].
  Tensor labels() const;
  /// Normalised model input for these positions, float32 [n, …]; dense data only.
  Tensor dense(const std::vector<std::int64_t>& positions) const;
  Tensor dense() const;

  /// SHA-256 over ids, inputs and labels of the rows in order.
  std::string digest() const;
  /// The same without the labels: what a model's outputs depend on.
  std::string input_digest() const;

 private:
  struct RowDigests;
  std::shared_ptr<const Columns> columns_;
  std::shared_ptr<RowDigests> digests_;  // computed once for all views
  std::vector<std::int64_t> index_;
};

}  // namespace w2s
