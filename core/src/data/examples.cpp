#include <w2s/examples.hpp>

#include <mutex>
#include <numeric>
#include <unordered_set>

#include <w2s/digest.hpp>
#include <w2s/error.hpp>

namespace w2s {

// SHA-256 of each row of the columns, computed on first use and shared by all views.
struct Examples::RowDigests {
  std::once_flag once;
  std::vector<std::string> input, full;
};

namespace {

void require_length(std::size_t actual, std::size_t expected, const char* what) {
  if (actual != 0 && actual != expected) {
    throw Error(std::string("examples: ") + what + " has " + std::to_string(actual) + " rows, ids have " +
                std::to_string(expected));
  }
}

}  // namespace

Examples::Examples(Columns columns) {
  const std::size_t n = columns.ids.size();
  require_length(columns.groups.size(), n, "groups");
  require_length(columns.text.size(), n, "text");
  require_length(columns.second.size(), n, "second");
  require_length(columns.difficulty.size(), n, "difficulty");
  if (columns.labels.defined()) require_length(static_cast<std::size_t>(columns.labels.size(0)), n, "labels");
  if (columns.dense.defined()) {
    require_length(static_cast<std::size_t>(columns.dense.size(0)), n, "dense");
    columns.dense = columns.dense.contiguous();
  }
  if (n > 0 && columns.dense.defined() == !columns.text.empty()) {
    throw Error("examples: exactly one of dense and text must be filled");
  }
  std::unordered_set<std::string_view> seen;
  for (const std::string& id : columns.ids) {
    if (!seen.insert(id).second) throw Error("examples: the id '" + id + "' occurs twice");
  }
  if (!columns.labels.defined()) columns.labels = at::full({static_cast<std::int64_t>(n)}, -1, at::kLong);
  columns.labels = columns.labels.to(at::kLong).contiguous();
  index_.resize(n);
  std::iota(index_.begin(), index_.end(), 0);
  columns_ = std::make_shared<const Columns>(std::move(columns));
  digests_ = std::make_shared<RowDigests>();
}

bool Examples::has_text() const { return columns_ && !columns_->text.empty(); }

Examples Examples::select(const std::vector<std::int64_t>& positions) const {
  Examples view = *this;
  view.index_.clear();
  view.index_.reserve(positions.size());
  for (const std::int64_t position : positions)
    view.index_.push_back(index_.at(static_cast<std::size_t>(position)));
  return view;
}

Examples Examples::slice(std::int64_t begin, std::int64_t end) const {
  std::vector<std::int64_t> positions(static_cast<std::size_t>(end - begin));
  std::iota(positions.begin(), positions.end(), begin);
  return select(positions);
}

Examples Examples::concat(const Examples& other) const {
  if (empty()) return other;
  if (other.empty()) return *this;
  if (columns_ != other.columns_) throw Error("examples: only views of the same columns can be joined");
  Examples view = *this;
  view.index_.insert(view.index_.end(), other.index_.begin(), other.index_.end());
  return view;
}

const std::string& Examples::id(std::int64_t i) const {
  return columns_->ids[static_cast<std::size_t>(row(i))];
}

std::int64_t Examples::group(std::int64_t i) const {
  const auto position = static_cast<std::size_t>(row(i));
  return columns_->groups.empty() ? row(i) : columns_->groups[position];
}

const std::string& Examples::text(std::int64_t i) const {
  return columns_->text.at(static_cast<std::size_t>(row(i)));
}

const std::string& Examples::second(std::int64_t i) const {
  return columns_->second.at(static_cast<std::size_t>(row(i)));
}

double Examples::difficulty(std::int64_t i) const {
  return columns_->difficulty.at(static_cast<std::size_t>(row(i)));
}

Tensor Examples::labels() const {
  if (empty()) return at::empty({0}, at::kLong);
  return columns_->labels.index_select(0, at::tensor(index_, at::kLong));
}

Tensor Examples::dense(const std::vector<std::int64_t>& positions) const {
  if (!columns_ || !columns_->dense.defined()) throw Error("examples: these are not dense");
  std::vector<std::int64_t> rows;
  rows.reserve(positions.size());
  for (const std::int64_t position : positions) rows.push_back(index_.at(static_cast<std::size_t>(position)));
  Tensor values = columns_->dense.index_select(0, at::tensor(rows, at::kLong)).to(at::kFloat);
  if (columns_->scale != 1.0) values.mul_(columns_->scale);
  if (columns_->mean.defined()) values.sub_(columns_->mean);
  if (columns_->sd.defined()) values.div_(columns_->sd);
  return values;
}

Tensor Examples::dense() const {
  std::vector<std::int64_t> positions(index_.size());
  std::iota(positions.begin(), positions.end(), 0);
  return dense(positions);
}

namespace {

std::string digest_of_row(const Columns& columns, std::size_t row, const std::string& common) {
  Digest sha;
  sha.add(common);
  if (columns.dense.defined()) {
    const std::size_t bytes = columns.dense.nbytes() / static_cast<std::size_t>(columns.dense.size(0));
    sha.raw(static_cast<const char*>(columns.dense.data_ptr()) + row * bytes, bytes);
  } else {
    sha.add(columns.text[row]);
    if (!columns.second.empty()) sha.add(columns.second[row]);
  }
  return sha.hex();
}

// What every row shares: type, shape and normalisation.
std::string digest_of_format(const Columns& columns) {
  Digest sha;
  if (columns.dense.defined()) {
    sha.add(toString(columns.dense.scalar_type()));
    for (const std::int64_t size : columns.dense.sizes().slice(1)) sha.add(size);
    sha.raw(&columns.scale, sizeof columns.scale);
    if (columns.mean.defined()) sha.add(digest(columns.mean));
    if (columns.sd.defined()) sha.add(digest(columns.sd));
  }
  return sha.hex();
}

std::string joined(const std::vector<std::string>& digests, const std::vector<std::int64_t>& rows) {
  Digest sha;
  for (const std::int64_t row : rows) sha.add(digests[static_cast<std::size_t>(row)]);
  return sha.hex();
}

}  // namespace

std::string Examples::digest() const {
  if (!columns_) return sha256("");
  input_digest();
  return joined(digests_->full, index_);
}

std::string Examples::input_digest() const {
  if (!columns_) return sha256("");
  std::call_once(digests_->once, [this] {
    const std::string common = digest_of_format(*columns_);
    const auto labels = columns_->labels.data_ptr<std::int64_t>();
    for (std::size_t row = 0; row < columns_->ids.size(); ++row) {
      digests_->input.push_back(digest_of_row(*columns_, row, common));
      Digest full;
      full.add(columns_->ids[row]).add(digests_->input.back()).add(labels[row]);
      digests_->full.push_back(full.hex());
    }
  });
  return joined(digests_->input, index_);
}

}  // namespace w2s
