#include "packed_attention.hpp"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>

#include <w2s/error.hpp>
#include <w2s/parallel.hpp>

#include "float_loops.hpp"

namespace w2s::hf {
namespace {

using torch::autograd::variable_list;

constexpr std::int64_t kQueries = 24;  // of a block

struct Shape final : torch::CustomClassHolder {
  std::shared_ptr<const Offsets> offsets;
  bool causal = false;
  std::int64_t window = 0;
  double scale = 1;
};

// One head's matrix: token n is at data + n · row.
struct Rows {
  float* data;
  std::int64_t row;
  float* at(std::int64_t token) const { return data + token * row; }
};

Rows head_of(const Tensor& x, std::int64_t head, std::int64_t first_token) {
  return {x.data_ptr<float>() + head * x.stride(1) + first_token * x.stride(2), x.stride(2)};
}

Tensor with_close_columns(const Tensor& x) { return x.stride(3) == 1 ? x : x.contiguous(); }

// [1, H, N, d] whose tokens lie together, as the maps before and after attention have them.
Tensor by_token(const Tensor& like, std::int64_t heads, bool zero) {
  const std::vector<std::int64_t> sizes{1, like.size(2), heads, like.size(3)};
  return (zero ? at::zeros(sizes, like.options()) : at::empty(sizes, like.options())).transpose(1, 2);
}

std::int64_t rounded_up(std::int64_t n) { return (n + 15) / 16 * 16; }

// Working memory of one thread, grown as sequences need it.
struct Scratch {
  std::vector<float> keys, values, scores, gradients;
};

// to[c · width + j] = from's token j, column c; zeros behind the last token.
void transpose(const Rows& from, std::int64_t tokens, std::int64_t columns, std::int64_t width,
               std::vector<float>& to) {
  to.assign(static_cast<std::size_t>(columns * width), 0.0f);
  for (std::int64_t j = 0; j < tokens; ++j) {
    const float* row = from.at(j);
    for (std::int64_t c = 0; c < columns; ++c) to[static_cast<std::size_t>(c * width + j)] = row[c];
  }
}

// One head of one sequence: its blocks of queries and the keys that each may look at.
class HeadOfSequence {
 public:
  HeadOfSequence(const Shape& shape, std::int64_t length, std::int64_t size)
      : shape_(shape), length_(length), size_(size), width_(rounded_up(length)) {}

  std::int64_t width() const { return width_; }
  std::int64_t first_key(std::int64_t query) const {
    return shape_.window > 0 ? std::max<std::int64_t>(0, query - shape_.window + 1) : 0;
  }
  std::int64_t end_key(std::int64_t query) const {
    if (shape_.causal) return query + 1;
    return shape_.window > 0 ? std::min(length_, query + shape_.window) : length_;
  }

  struct Block {
    std::int64_t queries, end, first, keys;  // queries … end − 1 look at `keys` keys from `first` on
  };
  std::vector<Block> blocks() const {
    std::vector<Block> all;
    for (std::int64_t i = 0; i < length_; i += kQueries) {
      const std::int64_t end = std::min(length_, i + kQueries);
      const std::int64_t first = first_key(i) / 16 * 16;
      all.push_back({i, end, first, end_key(end - 1) - first});
    }
    return all;
  }

  // scores[i · width + j] = q_i k_j for a block, before scaling.
  void scores(const Block& block, const Rows& q, const std::vector<float>& keys, float* scores) const {
    small_product(block.end - block.queries, rounded_up(block.keys), size_, {q.at(block.queries), q.row, 1},
                  keys.data() + block.first, width_, scores, width_, false);
  }

  // Zeros at keys of the block that the query may not look at.
  void hide(const Block& block, std::int64_t query, float* row) const {
    std::fill(row, row + (first_key(query) - block.first), 0.0f);
    std::fill(row + (end_key(query) - block.first), row + rounded_up(block.keys), 0.0f);
  }

 private:
  const Shape& shape_;
  std::int64_t length_, size_, width_;
};

void forward_head(const Shape& shape, std::int64_t length, std::int64_t size, const Rows& q, const Rows& k,
                  const Rows& v, const Rows& out, float* denominators, Scratch& scratch) {
  const HeadOfSequence head(shape, length, size);
  const std::int64_t width = head.width();
  transpose(k, length, size, width, scratch.keys);
  scratch.scores.resize(static_cast<std::size_t>(kQueries * width));
  for (const HeadOfSequence::Block& block : head.blocks()) {
    float* scores = scratch.scores.data();
    head.scores(block, q, scratch.keys, scores);
    float sums[kQueries];
    for (std::int64_t i = block.queries; i < block.end; ++i) {
      float* row = scores + (i - block.queries) * width;
      const std::int64_t first = head.first_key(i), count = head.end_key(i) - first;
      const ExpSum e = exponentials(row + (first - block.first), count, static_cast<float>(shape.scale));
      sums[i - block.queries] = e.sum;
      denominators[i] = e.largest + std::log(e.sum);
      head.hide(block, i, row);
    }
    small_product(block.end - block.queries, size, block.keys, {scores, width, 1}, v.at(block.first), v.row,
                  out.at(block.queries), out.row, false);
    for (std::int64_t i = block.queries; i < block.end; ++i) {
      float* row = out.at(i);
      const float share = 1 / sums[i - block.queries];
      for (std::int64_t c = 0; c < size; ++c) row[c] *= share;
    }
  }
}

// dk and dv are added to.
void backward_head(const Shape& shape, std::int64_t length, std::int64_t size, const Rows& q, const Rows& k,
                   const Rows& v, const Rows& out, const Rows& d_out, const float* denominators,
                   const Rows& dq, const Rows& dk, const Rows& dv, Scratch& scratch) {
  const HeadOfSequence head(shape, length, size);
  const std::int64_t width = head.width();
  const auto scale = static_cast<float>(shape.scale);
  transpose(k, length, size, width, scratch.keys);
  transpose(v, length, size, width, scratch.values);
  scratch.scores.resize(static_cast<std::size_t>(kQueries * width));
  scratch.gradients.resize(static_cast<std::size_t>(kQueries * width));
  for (const HeadOfSequence::Block& block : head.blocks()) {
    const std::int64_t queries = block.end - block.queries;
    float* p = scratch.scores.data();
    float* dp = scratch.gradients.data();
    head.scores(block, q, scratch.keys, p);
    small_product(queries, rounded_up(block.keys), size, {d_out.at(block.queries), d_out.row, 1},
                  scratch.values.data() + block.first, width, dp, width, false);
    for (std::int64_t i = block.queries; i < block.end; ++i) {
      float* row = p + (i - block.queries) * width;
      const std::int64_t first = head.first_key(i);
      probabilities(row + (first - block.first), head.end_key(i) - first, scale, denominators[i]);
      head.hide(block, i, row);
      const float *o = out.at(i), *d_o = d_out.at(i);
      float mean = 0;
      for (std::int64_t c = 0; c < size; ++c) mean += o[c] * d_o[c];
      float* gradient = dp + (i - block.queries) * width;
      for (std::int64_t j = 0; j < block.keys; ++j) gradient[j] = row[j] * (gradient[j] - mean) * scale;
    }
    small_product(block.keys, size, queries, {p, 1, width}, d_out.at(block.queries), d_out.row,
                  dv.at(block.first), dv.row, true);
    small_product(block.keys, size, queries, {dp, 1, width}, q.at(block.queries), q.row, dk.at(block.first),
                  dk.row, true);
    small_product(queries, size, block.keys, {dp, width, 1}, k.at(block.first), k.row, dq.at(block.queries),
                  dq.row, false);
  }
}

// f(sequence, key head, its first token, its length, scratch) for all of them, on several threads.
template <class F>
void for_each_head(const Offsets& offsets, std::int64_t heads, F&& f) {
  const auto sequences = static_cast<std::int64_t>(offsets.size()) - 1;
  // Head by head: sequences come sorted by length, and threads should have short and long ones alike.
  in_threads(sequences * heads, 1, [&](std::int64_t begin, std::int64_t end) {
    Scratch scratch;
    for (std::int64_t task = begin; task < end; ++task) {
      const auto sequence = static_cast<std::size_t>(task % sequences);
      const std::int64_t first = offsets[sequence], length = offsets[sequence + 1] - first;
      if (length > 0) f(task / sequences, first, length, scratch);
    }
  });
}

class PackedAttention final : public torch::autograd::Function<PackedAttention> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& queries, const Tensor& keys,
                        const Tensor& values, const c10::intrusive_ptr<Shape>& shape) {
    const Tensor q = with_close_columns(queries), k = with_close_columns(keys),
                 v = with_close_columns(values);
    const std::int64_t heads = q.size(1), key_heads = k.size(1), group = heads / key_heads, size = q.size(3);
    const Tensor out = by_token(q, heads, /*zero=*/false);
    const Tensor denominators = at::empty({heads, q.size(2)}, q.options());
    for_each_head(*shape->offsets, key_heads,
                  [&](std::int64_t key_head, std::int64_t first, std::int64_t length, Scratch& scratch) {
                    for (std::int64_t head = key_head * group; head < (key_head + 1) * group; ++head) {
                      forward_head(*shape, length, size, head_of(q, head, first), head_of(k, key_head, first),
                                   head_of(v, key_head, first), head_of(out, head, first),
                                   denominators.data_ptr<float>() + head * q.size(2) + first, scratch);
                    }
                  });
    context->save_for_backward({q, k, v, out, denominators});
    context->saved_data["shape"] = c10::IValue::make_capsule(shape);
    return out;
  }

  static variable_list backward(torch::autograd::AutogradContext* context, const variable_list& gradients) {
    if (at::GradMode::is_enabled()) {
      throw Error("second derivatives of packed attention: set the model's attention = \"plain\"");
    }
    const auto shape = c10::static_intrusive_pointer_cast<Shape>(context->saved_data["shape"].toCapsule());
    const variable_list saved = context->get_saved_variables();
    const Tensor &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[3], &denominators = saved[4];
    const Tensor d_out = with_close_columns(gradients[0]);
    const std::int64_t heads = q.size(1), key_heads = k.size(1), group = heads / key_heads, size = q.size(3);
    const Tensor dq = by_token(q, heads, /*zero=*/false);
    const Tensor dk = by_token(k, key_heads, /*zero=*/true), dv = by_token(v, key_heads, /*zero=*/true);
    for_each_head(*shape->offsets, key_heads,
                  [&](std::int64_t key_head, std::int64_t first, std::int64_t length, Scratch& scratch) {
                    for (std::int64_t head = key_head * group; head < (key_head + 1) * group; ++head) {
                      backward_head(
                          *shape, length, size, head_of(q, head, first), head_of(k, key_head, first),
                          head_of(v, key_head, first), head_of(out, head, first), head_of(d_out, head, first),
                          denominators.data_ptr<float>() + head * q.size(2) + first, head_of(dq, head, first),
                          head_of(dk, key_head, first), head_of(dv, key_head, first), scratch);
                    }
                  });
    return {dq, dk, dv, Tensor()};
  }
};

}  // namespace

Tensor packed_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                        const std::shared_ptr<const Offsets>& offsets, bool causal, std::int64_t window,
                        double scale) {
  const auto shape = c10::make_intrusive<Shape>();
  shape->offsets = offsets;
  shape->causal = causal;
  shape->window = window;
  shape->scale = scale;
  return PackedAttention::apply(q, k, v, shape);
}

}  // namespace w2s::hf
