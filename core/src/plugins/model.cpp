#include <w2s/model.hpp>
#include <w2s/tokenizer.hpp>

namespace w2s {
namespace {

// `tensor` in memory of its own: callers may hand in read-only views of a file.
Tensor owned(const Tensor& tensor, at::ScalarType type) {
  Tensor copy = tensor.detach().to(type).contiguous();
  return copy.is_alias_of(tensor) ? copy.clone() : copy;
}

std::string shape_text(const Tensor& tensor) {
  std::string text = "[";
  for (const std::int64_t size : tensor.sizes()) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

}  // namespace

void Parameters::add(const std::string& name, Tensor tensor) {
  adopt(name, owned(tensor, at::kFloat), false);
}

void Parameters::add_buffer(const std::string& name, Tensor tensor) {
  adopt(name, owned(tensor, tensor.scalar_type()), true);
}

void Parameters::adopt(const std::string& name, Tensor tensor, bool buffer) {
  if (!positions_.emplace(name, items_.size()).second) throw Error("parameter '" + name + "' exists already");
  const Tensor kept = buffer ? tensor.detach() : tensor.detach().to(at::kFloat);
  items_.push_back({name, kept.contiguous().requires_grad_(!buffer), buffer});
}

bool Parameters::has(const std::string& name) const { return positions_.count(name) != 0; }

const Tensor& Parameters::at(const std::string& name) const {
  const auto found = positions_.find(name);
  if (found == positions_.end()) {
    std::vector<std::string> names;
    for (const Item& item : items_) names.push_back(item.name);
    throw Error("no parameter '" + name + "'" + did_you_mean(name, names));
  }
  return items_[found->second].tensor;
}

void Parameters::assign(const std::string& name, const Tensor& values) {
  Tensor target = at(name);
  if (target.sizes() != values.sizes()) {
    throw Error("parameter '" + name + "' has shape " + shape_text(target) + ", the values have " +
                shape_text(values));
  }
  const at::NoGradGuard no_grad;
  target.copy_(values);
}

std::int64_t Parameters::count() const {
  std::int64_t numbers = 0;
  for (const Item& item : items_) numbers += item.buffer ? 0 : item.tensor.numel();
  return numbers;
}

std::int64_t Encoded::rows() const {
  return ragged() ? static_cast<std::int64_t>(offsets.size()) - 1 : dense.size() * parts;
}

std::int64_t Encoded::length(std::int64_t row) const {
  if (!ragged()) return 1;
  const auto i = static_cast<std::size_t>(row);
  return offsets.at(i + 1) - offsets.at(i);
}

Encoded IModel::encode(const Examples& examples, TaskKind kind) const {
  if (examples.has_text())
    throw WrongInputs("this model takes dense inputs, but the task's examples are text");
  if (kind != TaskKind::classification) {
    throw UsageError("this model serves classification only: dense data has neither pairs nor answers");
  }
  Encoded encoded;
  encoded.dense = examples;
  return encoded;
}

Tensor IModel::hidden(const Batch&) {
  throw WrongInputs("this model is not a language model: it has no hidden states per token");
}

Tensor IModel::vocabulary_logits(const Tensor&) {
  throw WrongInputs("this model is not a language model: it has no vocabulary");
}

const Tokenizer& IModel::tokenizer() const {
  throw WrongInputs("this model reads no text: it has no tokenizer");
}
std::int64_t IModel::context() const { throw WrongInputs("this model reads no text: it has no context"); }

std::int64_t IModel::block_of(const std::string&) const { return 0; }

}  // namespace w2s
