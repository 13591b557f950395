#include "attention.hpp"

#include <cmath>
#include <limits>

#include <w2s/error.hpp>
#include <w2s/torch_compat.hpp>

namespace w2s::hf {
namespace {

// 0 where `allowed`, −∞ elsewhere.
Tensor added(const Tensor& allowed) {
  return at::zeros(allowed.sizes(), allowed.options().dtype(at::kFloat))
      .masked_fill_(allowed.logical_not(), -std::numeric_limits<double>::infinity());
}

// Bool `allowed` in the form that the implementation takes.
Mask made(Attention attention, const Tensor& allowed) {
  Mask mask;
  mask.allowed = attention == Attention::plain ? added(allowed) : allowed;
  return mask;
}

// [R, K, S, d] → [R, H, S, d], each head repeated for its group of queries.
Tensor repeat_heads(const Tensor& x, std::int64_t heads) {
  const std::int64_t groups = heads / x.size(1);
  if (groups == 1) return x;
  return x.unsqueeze(2)
      .expand({x.size(0), x.size(1), groups, x.size(2), x.size(3)})
      .reshape({x.size(0), heads, x.size(2), x.size(3)});
}

// softmax(scores + mask) values; overwrites the scores.
Tensor weighted(Tensor scores, const Mask& mask, const Tensor& values) {
  if (mask.allowed.defined()) scores = scores.add_(mask.allowed.to(scores.scalar_type()));
  return at::matmul(at::softmax(scores, -1, at::kFloat).to(values.scalar_type()), values);
}

}  // namespace

Attention attention_named(const std::string& name) {
  if (name == "auto") return compat::has_fused_attention ? Attention::fused : Attention::plain;
  return name == "fused" ? Attention::fused : Attention::plain;
}

Mask padding_mask(Attention attention, const Tensor& real) {
  if (!real.defined()) return {};
  return made(attention, real.view({real.size(0), 1, 1, real.size(1)}));
}

Mask causal_mask(Attention attention, std::int64_t length, std::int64_t window, const Tensor& like) {
  const bool sliding = window > 0 && window < length;
  if (length == 1) return {};
  if (attention == Attention::fused && !sliding) {
    Mask mask;
    mask.causal = true;
    return mask;
  }
  const Tensor position = at::arange(length, like.options().dtype(at::kLong));
  const Tensor ahead = position.view({1, length}) - position.view({length, 1});
  Tensor allowed = ahead.le(0);
  if (sliding) allowed.logical_and_(ahead.gt(-window));
  return made(attention, allowed.view({1, 1, length, length}));
}

Mask near_mask(Attention attention, std::int64_t length, std::int64_t window, const Tensor& real,
               const Tensor& like) {
  const Tensor position = at::arange(length, like.options().dtype(at::kLong));
  const Tensor away = (position.view({1, length}) - position.view({length, 1})).abs();
  Tensor allowed = away.lt(window).view({1, 1, length, length});
  if (real.defined()) {
    allowed = allowed.logical_and(real.view({real.size(0), 1, 1, length}))
                  .logical_or(away.eq(0).view({1, 1, length, length}));
  }
  return made(attention, allowed);
}

Mask cached_mask(Attention attention, const Tensor& positions, std::int64_t keys, std::int64_t window) {
  const Tensor ahead = at::arange(keys, positions.options()).view({1, 1, keys}) - positions.unsqueeze(2);
  Tensor allowed = ahead.le(0);
  if (window > 0) allowed.logical_and_(ahead.gt(-window));
  return made(attention, allowed.unsqueeze(1));
}

Mask biased(const Mask& mask, const Tensor& bias) {
  Mask sum = mask;
  sum.allowed = bias;
  if (mask.allowed.defined())
    sum.allowed = bias + (mask.allowed.scalar_type() == at::kBool ? added(mask.allowed) : mask.allowed);
  return sum;
}

Tensor attend(Attention attention, const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask,
              double scale) {
  if (mask.sequences) {
    return packed_attention(q.to(at::kFloat), k.to(at::kFloat), v.to(at::kFloat), mask.sequences, mask.causal,
                            mask.window, scale)
        .to(q.scalar_type());
  }
  const Tensor keys = repeat_heads(k, q.size(1)), values = repeat_heads(v, q.size(1));
  if (attention == Attention::fused) {
    const double own = scale * std::sqrt(static_cast<double>(q.size(3)));
    const Tensor queries = std::abs(own - 1) < 1e-12 ? q : q * own;
    const bool sum = mask.allowed.defined() && mask.allowed.scalar_type() != at::kBool;
    return compat::scaled_dot_product_attention(
        queries, keys, values, sum ? mask.allowed.to(q.scalar_type()) : mask.allowed, mask.causal);
  }
  return weighted(at::matmul(q * scale, keys.transpose(2, 3)), mask, values);
}

Tensor attend_capped(const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask, double scale,
                     double cap) {
  const Tensor keys = repeat_heads(k, q.size(1)), values = repeat_heads(v, q.size(1));
  return weighted(cap * at::tanh(at::matmul(q * (scale / cap), keys.transpose(2, 3))), mask, values);
}

Tensor split_heads(const Tensor& x, std::int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

Tensor merge_heads(const Tensor& x) {
  return x.transpose(1, 2).reshape({x.size(0), x.size(2), x.size(1) * x.size(3)});
}

}  // namespace w2s::hf
